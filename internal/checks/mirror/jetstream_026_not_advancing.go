package mirror

import (
	"fmt"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

type notAdvancing struct {
	NotAdvancingFor time.Duration `name:"not_advancing_for" default:"30s" min:"1s" max:"1d" doc:"How long the mirror must have stood still while its source holds messages that it lacks."`
	HealWithin      time.Duration `name:"heal_within" default:"150s" min:"0s" max:"1h" doc:"How long a mirror whose connection was interrupted and may be coming back is given, instead of not_advancing_for; never more than 5 times that. Servers retry with pauses of up to 2 minutes."`
}

// healFactor bounds heal_within for those who ask for a quicker
// not_advancing_for: the defaults, 150 s and 30 s, stand in this ratio.
const healFactor = 5

// NotAdvancing is JETSTREAM_026.
var NotAdvancing = check.Define(&Family, check.Spec[notAdvancing]{
	Code:     "JETSTREAM_026",
	Title:    "Mirror Not Advancing",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	Keeps:    []*epoch.Scalar{activity, newestLeaf},
	MaskedBy: []*check.Check{server.Silent},
	Doc: check.Doc{
		Means: "The source holds messages that the mirror lacks, and the mirror's last sequence has not moved. Whatever the mirror reports about itself, it does not advance: a mirror keeps its source's sequence numbers, so the two positions side by side prove it. The finding names the kind of stall:\n\n" +
			"- **silent**: nothing arrives, `active` grows. The link, the source's API or its server cannot be reached.\n" +
			"- **never connected**: `active` is -1. The mirror's leader has not reached the source since it took over.\n" +
			"- **delivery path broken**: the API works, the messages are dropped. The server re-creates its consumer every 10 s and resets `active` each time, which therefore saw-tooths below 11 s for ever.\n" +
			"- **flow control**: answers on `$JS.FC.>` do not get through; lag is frozen, heartbeats keep `active` fresh.\n" +
			"- **cannot store**: messages arrive and are not stored, for example because the mirror is full and discards new messages. Lag 0, `active` 0, no error.",
		Matters: "Readers of the mirror read ever older data and look merely idle. At a fail-over everything since the stall is missing. Lag says 0 in most of these cases, so watching lag misses them.",
		Causes: []string{
			"A leaf or gateway link is down or was re-made badly (silent, never connected).",
			"`deny_imports` or `deny_exports` on a leaf link, or a removed import or export of the delivery subject (delivery path broken).",
			"A missing import of `$JS.FC.>` (flow control).",
			"`max_msgs` or `max_bytes` with `discard: new` on the mirror; storage of the account or the server used up (cannot store).",
			"The source's server is overloaded or hangs.",
			"On servers before 2.14: a repeated message id within the duplicate window of a mirror with one replica (PR 8043).",
		},
		Diagnose: []check.Step{
			{Say: "On the mirror: last sequence, lag, last seen.", Run: "nats stream info MIRROR", Risk: check.Safe},
			{Say: "On the source, twice, some seconds apart: its last sequence moves on.", Run: "nats stream info SOURCE", Risk: check.Safe},
			{Say: "Links between them.", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
			{Say: "The mirror's internal consumer at the source: pending, bound or not, or absent (2.14.3 and later).", Run: "nats server request jetstream --streams --consumer --config", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "silent, never connected: restore the link. The mirror heals by itself within about 2.5 minutes after that.", Risk: check.Safe},
			{Say: "If the link is fine and the mirror has several replicas: let its leader step down, once. Measured, that heals within 1 s; on a mirror with one replica it does nothing although the server answers success.", Run: "nats stream cluster step-down MIRROR", Risk: check.Careful},
			{Say: "delivery path broken, flow control: correct permissions, imports and exports. Nothing else helps.", Risk: check.Careful},
			{Say: "cannot store: free storage. A mirror that was full by its own limit must be re-created without it: when the limit is raised it stores again, but with a hole and, measured on 2.15.2, with sequence numbers of its own from then on.", Risk: check.Careful},
			{Say: "An edit meant to restart the mirror does nothing: measured on 2.15.2 (stream.go:2760).", Risk: check.Safe},
			{Say: "Last resort: delete and re-create the mirror. It is empty until it has copied everything the source still has.", Run: "nats stream info MIRROR --json | jq .config > MIRROR.json && nats stream rm MIRROR && nats stream add MIRROR --config MIRROR.json", Risk: check.Destroys},
		},
		Prevent: []string{
			"Watch positions on both sides, not lag.",
			"No `discard: new` limits on mirrors smaller than the source.",
			"Watch leaf and gateway links on their own.",
			"Current server versions: re-creation of the internal consumer got better with each.",
		},
		FalsePositives: "A purge of the source moves its last sequence without a message and does not fire. A filtered mirror is judged by its internal consumer at the source; where the server version offers no such evidence (before 2.14.3) it is unknown. " +
			"After an interruption a mirror may need about 2.5 minutes to heal; where the links are back it stays pending for `heal_within`.",
		Questions: []check.QA{
			{Question: "How does it differ from JETSTREAM_015?", Answer: "That one believes what the mirror says of its activity and waits 5 minutes. This one compares positions, sees the stalls that keep `active` fresh, and needs two epochs and 30 s. Where both fire, 015 is shown under this one."},
			{Question: "How exact is the true lag?", Answer: "Exact for an unfiltered mirror. For a filtered one it is an upper bound, since the mirror skips what its filter excludes."},
			{Question: "Are messages lost?", Answer: "Not as long as the source keeps them. JETSTREAM_028 says when its retention has removed, or will soon remove, what the mirror lacks."},
		},
	},
	Opens:  "for longer than not_advancing_for the mirror's last sequence has not moved while the source, one epoch earlier already, held a message that it lacks.",
	Clears: "the mirror moves, or lacks nothing.",
	Blind:  "a filtered mirror of a source before 2.14.3; a source that no audited system shows. Both are unknown.",
	Run: func(p *check.Pass, t notAdvancing) {
		for s := range observed(p) {
			before, ok := s.before(p)
			if !ok {
				p.Unknown(s.ref(), "two consecutive epochs that show mirror and source are needed")
				continue
			}
			stalled, why := s.stalled(before)
			switch {
			case why != "":
				p.Unknown(s.ref(), why)
			case stalled:
				p.Bad(s.observeStall(p, before, t))
			}
		}
	},
})

// stalled says whether the mirror stood still between two epochs although the
// source held, in the earlier one already, a message for it. Comparing the
// source's earlier position keeps the moment between two answers out of it. A
// reason means that it cannot be known.
func (s *sides) stalled(before sides) (stalled bool, why string) {
	if s.led.State.LastSeq != before.led.State.LastSeq || !holds(before.source, s.led.State) || !holds(s.source, s.led.State) {
		return false, ""
	}
	c, known := s.consumer()
	if s.filtered() && s.mirror.Config.Mirror.Consumer != nil {
		return false, "a filtered mirror that copies through a durable consumer, which is not among the internal ones that would tell"
	}
	if s.filtered() && !known {
		return false, "a filtered mirror; its source's server version does not show the internal consumer that would tell (2.14.3 and later do)"
	}
	if !known || c == nil {
		return true, ""
	}
	was, _ := before.consumer()
	waiting := c.Pending > 0 && (was != nil && was.Pending > 0 || !s.filtered())
	silent := !s.filtered() && (s.led.Mirror == nil || s.led.Mirror.Active > recreatedAfter)
	refused := !s.filtered() && !c.PushBound && c.Delivered.Consumer > 0 && c.Delivered.Stream > s.led.State.LastSeq
	return waiting || silent || refused || unstored(before.source, was, c), ""
}

// unstored says whether the internal consumer delivered anything between two
// epochs in which its mirror stood still. How far the consumer is in the source
// proves nothing: it passes over what was deleted there too (measured on 2.15.2:
// last five of 105 messages deleted, mirror at 100 and well, consumer at 105).
func unstored(before *epoch.View, was, c *epoch.Consumer) bool {
	if c.Created.After(before.At) {
		return c.Delivered.Consumer > 0
	}
	return was != nil && was.Created.Equal(c.Created) && c.Delivered.Consumer > was.Delivered.Consumer
}

func (s *sides) observeStall(p *check.Pass, before sides, t notAdvancing) check.Observation {
	f := s.familyOf(p)
	messages, span := s.behind()
	since := p.Prev.FinishedAt
	if m := s.led.Mirror; m != nil && (m.Active == epoch.NeverActive || m.Active > recreatedAfter) {
		if silent := lastActive(s.mirror, s.led, m); silent.Before(since) {
			since = silent
		}
	}
	o := check.Observation{
		Ref: s.ref(), Since: since, Hold: t.NotAdvancingFor,
		Summary: fmt.Sprintf("%s is stuck (%s) at sequence %s, %s%s (%s) behind %s: %s; %s",
			s.name(), f.name, quantity.Count(s.led.State.LastSeq), s.upTo(), quantity.Of(messages, "message"), quantity.Duration(span),
			s.originName(), f.cause, s.reportedLag()),
		Evidence: append([]check.Evidence{{Name: "family", Value: f.name}}, s.positions()...),
		Impact:   s.cost(),
		Fix:      append(append(s.confirm(), f.fix...), s.recreate()),
	}
	if dead := s.brokenLink(p.Cur).silent; dead != nil {
		o.Under = append(o.Under, dead.Ref())
	}
	if e := s.errorOf(); e != nil {
		o.Evidence = append(o.Evidence, check.Evidence{Name: "error", Value: e.Error(), From: s.led.Server})
	}
	if until := s.healingUntil(p, since, f, t); until.After(since.Add(t.NotAdvancingFor)) {
		o.Hold = until.Sub(since)
		o.Evidence = append(o.Evidence, check.Evidence{Name: "may heal by itself until", Value: until.UTC().Format(time.RFC3339)})
	}
	return o
}

func (s *sides) reportedLag() string {
	if s.led.Mirror == nil {
		return "its leader reports nothing on it yet"
	}
	return "it reports lag " + quantity.Count(s.led.Mirror.Lag)
}

// healingUntil is how long a stall may be the ordinary way back from an
// interruption that has ended; zero when nothing speaks for that: the kind of
// stall never heals, a link is still visibly down, or nothing was re-made since
// the stall began.
func (s *sides) healingUntil(p *check.Pass, since time.Time, f family, t notAdvancing) time.Time {
	if !f.heals || s.brokenLink(p.Cur).is() {
		return time.Time{}
	}
	latest := time.Time{}
	for _, event := range []time.Time{
		s.led.LeaderSince, s.source.LeaderSince,
		startOf(s.system, s.led.Server), startOf(p.Cur.System(s.origin.System), s.source.Server),
		s.gatewayStart(p.Cur), leafsRemade(p, s.system, s.mirror.Domain), leafsRemade(p, p.Cur.System(s.origin.System), s.origin.Domain),
	} {
		if !event.Before(since) && event.After(latest) {
			latest = event
		}
	}
	if latest.IsZero() {
		return time.Time{}
	}
	return latest.Add(min(t.HealWithin, healFactor*t.NotAdvancingFor))
}

func startOf(system *epoch.System, name string) time.Time {
	server := system.Server(name)
	if server == nil || server.Vars == nil {
		return time.Time{}
	}
	return server.Vars.Start
}
