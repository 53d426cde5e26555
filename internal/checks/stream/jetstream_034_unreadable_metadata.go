package stream

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
)

// UnreadableMetadata is JETSTREAM_034.
var UnreadableMetadata = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_034",
	Title:    "Unreadable Monitor Metadata",
	Severity: check.Warning,
	Category: check.Consistency,
	Entity:   entity.Stream,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Doc: check.Doc{
		Means:   "A stream or consumer carries `io.nats.monitor.*` metadata that sets no threshold, because its value does not parse, is out of range, or its key is none that exists.",
		Matters: "Somebody believes that this stream is watched with that threshold. It is not: the check that would read it stays silent.",
		Causes: []string{
			"A duration without a unit (`30` instead of `30s`).",
			"A misspelt key.",
			"A key of streams on a consumer, or the other way round.",
		},
		Diagnose: []check.Step{
			{Say: "See the metadata of the stream.", Run: "nats stream info STREAM --json | jq .config.metadata", Risk: check.Safe},
			{Say: "See the metadata of a consumer.", Run: "nats consumer info STREAM CONSUMER --json | jq .config.metadata", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Set the value again, readable.", Run: `nats stream edit STREAM --metadata "io.nats.monitor.peer-seen-critical=30s"`, Risk: check.Careful},
		},
		Prevent:        []string{"Set metadata from the same template that creates the streams, and run `rollcall check --only JETSTREAM_034` after a change."},
		FalsePositives: "Keys of other tools under the prefix `io.nats.monitor.` are reported: the prefix belongs to the nats CLI.",
		Questions: []check.QA{
			{Question: "Which values are allowed?", Answer: "Durations as the nats CLI reads them (Go's units and d, w, M, y), whole numbers for counts, true or false for `enabled` and `pinned`. rollcall is stricter in one point: text around a duration (`about 5m`) is refused, where the CLI reads over it."},
			{Question: "Does `io.nats.monitor.enabled=false` silence this?", Answer: "No. It switches the thresholds off; a value that cannot be read is still a mistake waiting for the day it is switched on."},
		},
	},
	Opens:  "a key under io.nats.monitor. is unknown or its value does not parse or is negative.",
	Clears: "the entry is readable or gone.",
	Blind:  "a readable value that is not what was meant.",
	Run: func(p *check.Pass, _ struct{}) {
		for system, stream := range p.AllStreams() {
			if stream.Config == nil || len(stream.Views) == 0 {
				why := check.WhyUnled(system, stream)
				p.Unknown(stream.Ref(), why)
				for i := range stream.Consumers {
					p.Unknown(stream.Ref().WithConsumer(stream.Consumers[i].Name), why)
				}
				continue
			}
			edit := "nats stream edit " + stream.Name
			reportFaults(p, stream.Ref(), monitor.StreamKeys, stream.Metadata(), edit)
			for i := range stream.Consumers {
				c := &stream.Consumers[i]
				if c.Config != nil {
					edit := "nats consumer edit " + stream.Name + " " + c.Name
					reportFaults(p, stream.Ref().WithConsumer(c.Name), monitor.ConsumerKeys, c.Config.Metadata, edit)
				}
			}
		}
	},
})

func reportFaults(p *check.Pass, ref entity.Ref, keys monitor.Keys, metadata map[string]string, edit string) {
	if len(metadata) == 0 {
		return
	}
	for _, fault := range keys.Faults(metadata) {
		p.Bad(check.Observation{
			Ref: ref, Discriminator: fault.Key,
			Summary:  fmt.Sprintf("%s: the metadata %s=%q sets nothing: want %s", ref.Name(), fault.Key, fault.Value, fault.Want),
			Evidence: []check.Evidence{{Name: fault.Key, Value: fault.Value, Threshold: fault.Want}},
			Impact:   "The threshold that somebody meant to set is not watched.",
			Fix:      []check.Step{correction(fault, edit)},
		})
	}
}

func correction(fault monitor.Fault, edit string) check.Step {
	if fault.Example == "" {
		return check.Step{Say: "Remove the entry, or set the key that was meant.", Run: edit, Risk: check.Careful}
	}
	return check.Step{Say: "Set a value that can be read, such as this.", Run: fmt.Sprintf("%s --metadata %q", edit, fault.Key+"="+fault.Example), Risk: check.Careful}
}
