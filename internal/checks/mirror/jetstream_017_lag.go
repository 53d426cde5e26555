package mirror

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
	"rollcall/internal/quantity"
)

// Lag is JETSTREAM_017.
var Lag = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_017",
	Title:    "Mirror Lag Critical",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Metadata: []string{monitor.LagCritical},
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{NotAdvancing},
	Doc: check.Doc{
		Means:   "A mirror is at least as many messages behind its source as its metadata `" + monitor.LagCritical + "` says. The lag is the larger of what the mirror reports and what the positions of both sides prove.",
		Matters: "Readers of the mirror see old data; a fail-over loses the difference. A growing lag means that the mirror's server, or the link to it, is slower than the source's writers.",
		Causes: []string{
			"The mirror is catching up after an interruption.",
			"The link is slower than the write rate, or has a long round trip.",
			"The mirror's disk or its server is slower than the source's.",
			"It has stalled: then JETSTREAM_026 stands above this finding.",
		},
		Diagnose: []check.Step{
			{Say: "See the lag twice, some seconds apart: does it shrink?", Run: "nats stream info MIRROR", Risk: check.Safe},
			{Say: "Round trips and pending bytes of the links.", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "If it shrinks, wait.", Risk: check.Safe},
			{Say: "If it grows: look at the link and at the disk of the mirror's leader; compress the leaf link; take load from that server.", Risk: check.Careful},
		},
		Prevent:        []string{"Set the threshold to what readers of the mirror can bear, well above the messages in flight: rate times round trip."},
		FalsePositives: "A threshold near the number of messages in flight fires on bursts. The position of the source is taken one epoch earlier than the mirror's, so that messages between two answers do not count.",
		Questions: []check.QA{
			{Question: "How does `nats server check stream` read the key?", Answer: "The same: at the value it fires. It only knows the reported lag, which stays at 0 through most stalls. On a stream that is no mirror and has no sources it turns critical; here the key then has no effect. For sources of a stream see JETSTREAM_030."},
			{Question: "How does it differ from JETSTREAM_015?", Answer: "Here the mirror knows that it is behind, a matter of throughput; there it believes that it has caught up."},
		},
	},
	Opens:  "reported lag, or the proven distance between source and mirror, is at least the metadata's value.",
	Clears: "both are below it.",
	Blind:  "the true lag of filtered mirrors: there the reported lag alone counts. Where no audited system shows the source, a reported lag below the value is unknown.",
	Run: func(p *check.Pass, _ struct{}) {
		for mirror, led := range p.Mirrors() {
			limit, set := monitor.Count(mirror.Metadata(), monitor.LagCritical)
			if !set {
				continue
			}
			if led.Mirror == nil {
				p.Unknown(mirror.Ref().As(entity.Mirror), fmt.Sprintf("its leader %s does not report on the mirror yet", led.Server))
				continue
			}
			proven, evidence, why := provenLag(p, mirror, led)
			if max(proven, led.Mirror.Lag) < limit {
				if why != "" {
					p.Unknown(mirror.Ref().As(entity.Mirror), why)
				}
				continue
			}
			p.Bad(check.Observation{
				Ref: mirror.Ref().As(entity.Mirror),
				Summary: fmt.Sprintf("%s/%s is %s behind its source, at least %s are too many; it reports %s", mirror.Account, mirror.Name,
					quantity.Of(max(proven, led.Mirror.Lag), "message"), quantity.Count(limit), quantity.Count(led.Mirror.Lag)),
				Evidence: append([]check.Evidence{{Name: "lag", Value: max(proven, led.Mirror.Lag), Unit: "messages", Threshold: limit, From: led.Server}}, evidence...),
				Impact:   fmt.Sprintf("Readers of %s lack these messages; a fail-over to it now loses them.", mirror.Name),
				Fix: []check.Step{
					{Say: "Look twice: if the lag shrinks, wait.", Run: "nats stream info " + mirror.Name + at(mirror), Risk: check.Safe},
					{Say: "If it grows: look at the links and at the disk of " + led.Server + ".", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
				},
			})
		}
	},
})

// provenLag is how many messages of the previous epoch's source the mirror
// still lacks: a lower bound of the true lag, free of the time between two
// answers. Zero where there is none; a reason means that it cannot be known.
func provenLag(p *check.Pass, mirror *epoch.Stream, led *epoch.View) (lag uint64, evidence []check.Evidence, why string) {
	s, why := sidesOf(p.Cur, mirror, led)
	if why != "" {
		return 0, nil, why
	}
	if s.filtered() {
		return 0, nil, ""
	}
	before, ok := s.before(p)
	if !ok {
		return 0, s.positions(), "two consecutive epochs that show mirror and source are needed"
	}
	if holds(before.source, led.State) {
		lag = before.source.State.LastSeq - led.State.LastSeq
	}
	return lag, s.positions(), ""
}
