package mirror

import (
	"fmt"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

// family is a kind of stall: what is broken follows from it, and what helps.
type family struct {
	name  string // as findings and documents call it
	cause string // in the finding's sentence
	heals bool   // whether servers mend it by themselves once the cause is gone
	fix   []check.Step
}

// How a mirror's internal consumer behaves (stream.go, nats-server v2.15.2):
// after 10 s without anything, heartbeats included, it is cancelled and created
// again, which resets the reported activity. So a broken delivery path shows as
// activity that never exceeds about 10 s, a healthy one as at most 1 s. A mirror
// that cannot store re-creates it every 2 s (measured: activity up to 2.0 s).
const (
	recreatedAfter = 11 * time.Second
	retriedWithin  = 4 * time.Second
)

// JetStream error codes that a mirror can report (jetstream_errors_generated.go).
const (
	errStreamNotFound = 10059
	errFlowControl    = 10228
	errNotEnabled     = 10039
	errConsumerSetup  = 10029
	errNoStorage      = 10047
)

// activity is the reported activity of mirrors over the last minutes, in
// seconds; a saw-tooth shows only over time.
var activity = &epoch.Scalar{
	Name:   "mirror activity, seconds",
	Window: 5 * time.Minute,
	Read: func(e *epoch.Epoch, keep func(entity.Ref, time.Time, float64)) {
		for _, system := range e.Systems {
			for _, stream := range system.Streams {
				led := stream.Led()
				if stream.IsMirror() && led != nil && led.Mirror != nil {
					keep(stream.Ref().As(entity.Mirror), led.At, led.Mirror.Active.Seconds())
				}
			}
		}
	},
}

// familyOf names the family of a stall that the positions prove.
func (s *sides) familyOf(p *check.Pass) family {
	if e := s.errorOf(); e != nil {
		switch e.ErrCode {
		case errFlowControl:
			return s.flowControl()
		case errStreamNotFound:
			f := s.silent("", p)
			f.cause = "its server says that the source " + s.up.Origin + " does not exist (10059)"
			return f
		}
	}
	m := s.led.Mirror
	if m == nil || m.Active == epoch.NeverActive {
		return s.neverConnected(p)
	}
	nothing := "nothing has arrived for " + quantity.Duration(m.Active)
	c, known := s.consumer()
	switch peak := s.sawTooth(p); {
	case m.Active > recreatedAfter || s.brokenLink(p.Cur).is():
		return s.silent(nothing, p)
	case s.fullBy() != "":
		return s.cannotStore(c)
	case peak > 0:
		return s.deliveryBroken(fmt.Sprintf("its activity keeps falling back to zero from as much as %s while nothing is stored", quantity.Duration(peak)))
	case known && c == nil:
		// Between two attempts of a saw-tooth it is absent as well, hence here.
		return s.silent(nothing, p)
	case m.Active > retriedWithin:
		return s.silent(nothing, p) // so far: what falls back later is a broken delivery path
	case known && c.Delivered.Consumer > 0 && c.Delivered.Stream > s.led.State.LastSeq, s.lagGrew(p):
		return s.cannotStore(c)
	case m.Lag > 0 && (!known || c.PushBound):
		return s.flowControl()
	case known && (c.Pending > 0 || !c.PushBound):
		return s.deliveryBroken(fmt.Sprintf("its internal consumer at the source has %s pending and delivers nothing", quantity.Of(c.Pending, "message")))
	}
	return s.cannotStore(nil)
}

// lagGrew says whether the reported lag grew since the previous epoch. It is
// read off messages that arrive, so some did; where flow control is stalled, it
// is frozen. A mirror that cannot store re-creates its consumer every 2 s and is
// seldom seen bound (measured on 2.15.2).
func (s *sides) lagGrew(p *check.Pass) bool {
	before, ok := s.before(p)
	return ok && before.led.Mirror != nil && s.led.Mirror.Lag > before.led.Mirror.Lag
}

// sawTooth gives the highest activity from which the mirror's fell back since it
// stored its last message; zero if it only grew.
func (s *sides) sawTooth(p *check.Pass) (peak time.Duration) {
	highest := 0.0
	for _, point := range p.Trail.Points(activity, s.ref()) {
		if point.At.Before(s.led.State.LastTS) {
			continue
		}
		if point.Value < highest && highest > retriedWithin.Seconds() {
			peak = max(peak, time.Duration(highest*float64(time.Second)))
		}
		highest = max(highest, point.Value)
	}
	return peak
}

func (s *sides) silent(cause string, p *check.Pass) family {
	f := family{name: "silent", cause: cause, heals: true}
	if c, known := s.consumer(); known && c == nil {
		f.cause += ", and its internal consumer is absent at the source"
	} else if known {
		f.cause += ", although its internal consumer exists at the source"
	}
	broken := s.brokenLink(p.Cur)
	if broken.is() {
		f.cause += ": " + broken.text
		f.fix = append(f.fix, check.Step{Say: "Restore the link: " + broken.text + ". The mirror then heals by itself within about 2.5 minutes.", Run: "nats server report leafnodes; nats server report gateways", Risk: check.Careful})
	}
	f.fix = append(f.fix, s.stepDown(broken.is()), noEdit)
	return f
}

func (s *sides) neverConnected(p *check.Pass) family {
	f := s.silent(fmt.Sprintf("its leader %s has not reached the source since it took over", s.led.Server), p)
	f.name = "never connected"
	return f
}

// stepDown is the rung that helps where the mirror's own leader is stuck, and
// what is known against it.
func (s *sides) stepDown(linkBroken bool) check.Step {
	switch {
	case s.mirror.Replicas() < 2:
		return check.Step{Say: "A leader step-down does nothing for a mirror with one replica, though the server answers success (jetstream_api.go:2339). Restarting its server " + s.led.Server + " re-creates the connection, and interrupts all else that it serves.", Run: "systemctl restart nats-server   # on " + s.led.Server, Risk: check.Disruptive}
	case linkBroken:
		return check.Step{Say: "A leader step-down does not help while the link is down, and it destroys the evidence: active becomes -1.", Risk: check.Safe}
	}
	return check.Step{Say: "If the link is fine: let the stream's leader step down, once; measured, it healed within 1 s. Then look again: last seen below 1 s, its last sequence moving.", Run: "nats stream cluster step-down " + s.mirror.Name + at(s.mirror), Risk: check.Careful}
}

// noEdit records what often is advised and does nothing.
var noEdit = check.Step{Say: "An edit of the mirror's configuration does not restart it: measured without effect on 2.15.2 (stream.go:2760).", Risk: check.Safe}

func (s *sides) deliveryBroken(cause string) family {
	return family{
		name: "delivery path broken", cause: cause + ": messages on their way to the mirror are dropped",
		fix: []check.Step{
			{Say: "Find the permission, export or import that stops the delivery subject" + s.deliverPrefix() + ": leafnode deny_imports or deny_exports on $JS.M.>, or a stream import of the delivery prefix that is gone.", Run: "nats account info; nats server report leafnodes", Risk: check.Safe},
			{Say: "A step-down, an edit or a restart does not help: only the configuration does. The mirror goes on at once when it is right.", Risk: check.Safe},
		},
	}
}

func (s *sides) deliverPrefix() string {
	if external := s.mirror.Config.Mirror.External; external != nil && external.DeliverPrefix != "" {
		return " " + external.DeliverPrefix + ".>"
	}
	return ""
}

func (s *sides) flowControl() family {
	return family{
		name: "flow control", cause: "its flow control is stalled: answers on $JS.FC.> do not reach the source",
		fix: []check.Step{
			{Say: "Add the missing export and import of the subject $JS.FC.> between the two accounts, or remove what denies it on the leaf link. The mirror goes on within seconds.", Run: "nats account info", Risk: check.Safe},
			{Say: "A step-down or an edit does not help.", Risk: check.Safe},
		},
	}
}

func (s *sides) cannotStore(c *epoch.Consumer) family {
	f := family{name: "cannot store", cause: "messages reach it and it does not store them"}
	if c != nil {
		f.cause = fmt.Sprintf("the source has delivered up to sequence %s and it does not store them", quantity.Count(c.Delivered.Stream))
	}
	if limit := s.fullBy(); limit != "" {
		f.cause += ": it is full (" + limit + ", discard new)"
		f.fix = append(f.fix, check.Step{Say: "Re-create it without that limit, see below. Raising the limit makes it store again, but with a hole and, measured on 2.15.2, with sequence numbers of its own from then on: no complete copy any more.", Risk: check.Safe})
		return f
	}
	f.fix = append(f.fix,
		check.Step{Say: "See the limits of the stream, of its account and of the storage of " + s.led.Server + ".", Run: "nats stream info " + s.mirror.Name + "; nats account info" + at(s.mirror), Risk: check.Safe},
		check.Step{Say: "Look for write errors in the log of " + s.led.Server + ".", Run: "journalctl -u nats-server | grep -i mirror", Risk: check.Safe})
	return f
}

// fullBy says which of the mirror's own limits refuses new messages, or "". On
// mirrors with several replicas the limits are not enforced (nats-facts 3, f3).
func (s *sides) fullBy() string {
	c, state := s.mirror.Config, s.led.State
	switch {
	case c.Discard != "new" || s.mirror.Replicas() > 1:
		return ""
	case c.MaxMsgs > 0 && state.Msgs >= uint64(c.MaxMsgs):
		return "max_msgs " + quantity.Count(c.MaxMsgs)
	case c.MaxBytes > 0 && state.Msgs > 0 && state.Bytes+state.Bytes/state.Msgs > uint64(c.MaxBytes):
		// The limit itself is rarely met: one more message of mean size no longer fits.
		return "max_bytes " + quantity.Bytes(c.MaxBytes)
	}
	return ""
}
