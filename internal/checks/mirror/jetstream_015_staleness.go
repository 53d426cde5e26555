package mirror

import (
	"fmt"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

type staleness struct {
	StaleAfter time.Duration `name:"stale_after" default:"5m" min:"3s" max:"30d" doc:"How long nothing, heartbeats included, may have arrived at a mirror that reports lag 0 while its source receives messages. A healthy mirror is active every second; servers heal an interrupted one within about 2.5 minutes."`
}

// Staleness is JETSTREAM_015.
var Staleness = check.Define(&Family, check.Spec[staleness]{
	Code:     "JETSTREAM_015",
	Title:    "Mirror Last Seen Staleness",
	Severity: check.Warning,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	Keeps:    []*epoch.Scalar{activity},
	MaskedBy: []*check.Check{NotAdvancing},
	Doc: check.Doc{
		Means: "A mirror reports lag 0, nothing has arrived at it for longer than `stale_after`, and its source has received messages in that time. An idle source never fires it.",
		Matters: "Mirrors serve replication between clusters, disaster recovery and read offloading. Zero lag looks healthy, so monitoring that watches only lag misses this. Readers of the mirror read ever older data and look merely idle. " +
			"At a fail-over everything since the stall is missing: minutes, hours, days. The divergence grows with each message.",
		Causes: []string{
			"The internal mirror consumer died and was not re-created (corrupt message, permission change, internal error). rollcall says whether it is absent at the source.",
			"A partition between mirror and source (gateway, leafnode) that did not recover cleanly. rollcall says which link is gone.",
			"The mirror's subject filter excludes what the source now receives: legitimate, and it looks the same in reports. rollcall asks the source: a healthy filtered mirror has a bound consumer with nothing pending and is not reported.",
			"A leader change in the mirror's group and a silent failure to connect again: `active` is -1, and rollcall counts from when the leader took over.",
			"Resource exhaustion on the mirror's server: memory, CPU, compaction, snapshots, the catch-up of others.",
			"And, from our measurements, stalls that keep `active` fresh and are found by JETSTREAM_026 instead: a denied delivery path (saw-tooth), a full mirror, an account out of storage, a missing flow-control import; a re-created source is JETSTREAM_027.",
		},
		Diagnose: []check.Step{
			{Say: "The mirror: lag and last seen.", Run: "nats stream info MIRROR", Risk: check.Safe},
			{Say: "The source, twice, some seconds apart: its last sequence moves on.", Run: "nats stream info SOURCE", Risk: check.Safe},
			{Say: "Where their clusters or domains differ: the links between them.", Run: "nats server report gateways; nats server report leafnodes", Risk: check.Safe},
			{Say: "Mirror consumer errors in the log of the mirror's leader.", Run: "journalctl -u nats-server | grep -i mirror", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Let the mirror's leader step down (several replicas only: with one, the server answers success and does nothing).", Run: "nats stream cluster step-down MIRROR", Risk: check.Careful},
			{Say: "Look again after some seconds: last seen below 1 s; lag may jump while it catches up.", Run: "nats stream info MIRROR", Risk: check.Safe},
			{Say: "An edit of the configuration is often advised to restart the mirror. Measured, it has no effect on 2.15.2 (stream.go:2760).", Risk: check.Safe},
			{Say: "Compare the message counts of both ends.", Run: "nats stream info MIRROR; nats stream info SOURCE", Risk: check.Safe},
			{Say: "If the source's retention has removed what is missing, only re-creating the mirror gives a complete copy of what is left. It is empty until it has copied that, and readers see the gap.", Run: "nats stream info MIRROR --json | jq .config > MIRROR.json && nats stream rm MIRROR && nats stream add MIRROR --config MIRROR.json", Risk: check.Destroys},
		},
		Prevent: []string{
			"Alert on activity age and on positions, not on lag.",
			"Watch gateways and leafnodes on their own.",
			"Upgrade servers: automatic re-creation of the internal consumer got better.",
			"More CPU or memory for the mirror rarely helps.",
		},
		FalsePositives: "Practically none at the default: a healthy mirror, idle or busy, was never seen more than 1.002 s inactive (30 mirrors, 4470 samples), and automatic healing takes at most about 2.5 minutes.",
		Questions: []check.QA{
			{Question: "How does it differ from JETSTREAM_017?", Answer: "017 is lag above a threshold: the mirror knows that it is behind, a matter of throughput. Here it believes that it has caught up: a matter of connection or consumer."},
			{Question: "And from JETSTREAM_018?", Answer: "018 is your own threshold on activity, from the stream's metadata, with no condition on lag or source."},
			{Question: "What if the source is idle?", Answer: "It never fires. Nothing is missing, and heartbeats keep a healthy mirror active."},
			{Question: "What do consumers on the mirror see?", Answer: "No error: a stream that has nothing new."},
			{Question: "Are messages lost?", Answer: "They stay in the source by its retention. With `max_age` 1h a stall longer than an hour loses messages for good: JETSTREAM_028 states what is lost, or how long is left."},
			{Question: "Will more resources help?", Answer: "Rarely. The mirror is not slow, it is disconnected."},
		},
	},
	Opens:  "a mirror reports lag 0 and no activity for longer than stale_after, and since then its source stored a message that the mirror lacks; active -1 counts from when its leader took over.",
	Clears: "activity, or a source without messages that the mirror lacks.",
	Blind:  "stalls that keep activity fresh (JETSTREAM_026 sees them), and mirrors whose source no audited system shows: unknown.",
	Run: func(p *check.Pass, t staleness) {
		for s := range observed(p) {
			m := s.led.Mirror
			if m == nil {
				p.Unknown(s.ref(), fmt.Sprintf("its leader %s does not report on the mirror yet", s.led.Server))
				continue
			}
			last := lastActive(s.mirror, s.led, m)
			if m.Lag == 0 && s.led.At.Sub(last) > t.StaleAfter && s.missedSince(last) {
				p.Bad(s.observeStaleness(p, last, t))
			}
		}
	},
})

// missedSince says whether the source stored, after the mirror's last activity,
// a message that the mirror lacks. A filtered mirror lacks none as long as its
// internal consumer is bound and has nothing pending.
func (s *sides) missedSince(last time.Time) bool {
	if !holds(s.source, s.led.State) || !s.source.State.LastTS.After(last) {
		return false
	}
	if c, known := s.consumer(); s.filtered() && known && c != nil && c.PushBound && c.Pending == 0 {
		return false
	}
	return true
}

func (s *sides) observeStaleness(p *check.Pass, last time.Time, t staleness) check.Observation {
	age := s.led.At.Sub(last)
	messages, _ := s.behind()
	f := s.familyOf(p)
	return check.Observation{
		Ref: s.ref(), Since: last,
		Summary: fmt.Sprintf("%s reports lag 0, but nothing has arrived for %s while %s has moved on by %s%s: %s",
			s.name(), quantity.Duration(age), s.originName(), s.upTo(), quantity.Of(messages, "message"), f.cause),
		Evidence: append([]check.Evidence{
			{Name: "inactive", Value: check.Seconds(age), Unit: "seconds", Threshold: check.Seconds(t.StaleAfter), From: s.led.Server},
			{Name: "family", Value: f.name},
		}, s.positions()...),
		Impact: s.cost(),
		Fix:    append(append(s.confirm(), f.fix...), s.recreate()),
	}
}
