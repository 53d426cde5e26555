package mirror

import (
	"fmt"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
	"rollcall/internal/quantity"
)

// Seen is JETSTREAM_018.
var Seen = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_018",
	Title:    "Mirror Seen Critical",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Metadata: []string{monitor.SeenCritical},
	Needs:    []epoch.Question{epoch.Jsz},
	MaskedBy: []*check.Check{NotAdvancing},
	Doc: check.Doc{
		Means:   "Nothing has arrived at a mirror, or at one source of a sourced stream, for at least the stream's metadata `" + monitor.SeenCritical + "`. The key alone is enough; `" + monitor.Enabled + "=false` switches it off.",
		Matters: "A working mirror or source hears from its origin every second, idle or not. Silence means that the connection is gone, whether or not messages are missing yet.",
		Causes: []string{
			"The link, the origin's server or its API cannot be reached.",
			"The origin stream was deleted (JETSTREAM_037 shows the server's error).",
			"The leader has not connected since it took over: `active` is -1.",
		},
		Diagnose: []check.Step{
			{Say: "See last seen of the mirror or of each source.", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "See the links.", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Restore the link or the origin; copying resumes by itself within about 2.5 minutes.", Risk: check.Safe},
			{Say: "If the link is fine and the stream has several replicas: let its leader step down, once.", Run: "nats stream cluster step-down STREAM", Risk: check.Careful},
		},
		Prevent:        []string{`Set the threshold on mirrors that matter: 1 to 5 minutes. nats stream edit STREAM --metadata "` + monitor.SeenCritical + `=2m"`},
		FalsePositives: "A threshold of a few seconds fires whenever the server re-creates the internal consumer.",
		Questions: []check.QA{
			{Question: "How does `nats server check stream` read the key?", Answer: "The same: at the value it fires, for the mirror and for each source. It compares -1 as a number, which is less than any threshold; here -1 counts from when the leader took over."},
			{Question: "How does it differ from JETSTREAM_015?", Answer: "This is your own threshold, with no condition on lag or source. 015 needs no metadata and asks whether messages are missing."},
		},
	},
	Opens:  "time since anything arrived is at least the metadata's value; -1 counts from when the leader took over, or from the stream's creation if that is later.",
	Clears: "something arrives, or the threshold is gone.",
	Blind:  "stalls that keep activity fresh: JETSTREAM_026.",
	Run: func(p *check.Pass, _ struct{}) {
		for c := range copiers(p) {
			if limit, set := monitor.Duration(c.stream.Metadata(), monitor.SeenCritical); set {
				observeSeen(p, c.stream, c.led, c.ref, c.state, limit)
			}
		}
	},
})

func observeSeen(p *check.Pass, stream *epoch.Stream, led *epoch.View, ref entity.Ref, c *epoch.Copying, limit time.Duration) {
	last := lastActive(stream, led, c)
	age := led.At.Sub(last)
	if age < limit {
		return
	}
	p.Bad(check.Observation{
		Ref: ref, Since: last,
		Summary: fmt.Sprintf("%s: nothing has arrived for %s, at least %s is too long", ref.Name(), quantity.Duration(age), quantity.Duration(limit)),
		Evidence: []check.Evidence{
			{Name: "inactive", Value: check.Seconds(age), Unit: "seconds", Threshold: check.Seconds(limit), From: led.Server},
			{Name: "reported active", Value: activeText(c), Unit: "seconds", From: led.Server},
			{Name: "reported lag", Value: c.Lag, Unit: "messages", From: led.Server},
		},
		Impact: "Nothing comes from " + c.Name + ", not even heartbeats: what arrives there from now on is missing here.",
		Fix: []check.Step{
			{Say: "Confirm: last seen of a working one is below a second.", Run: "nats stream info " + stream.Name + at(stream), Risk: check.Safe},
			{Say: "Look at the links and at the origin " + c.Name + ".", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
			stepDownOf(stream, led),
		},
	})
}

func stepDownOf(stream *epoch.Stream, led *epoch.View) check.Step {
	s := sides{mirror: stream, led: led}
	return s.stepDown(false)
}
