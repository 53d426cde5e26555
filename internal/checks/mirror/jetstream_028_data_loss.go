package mirror

import (
	"fmt"
	"math"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

type dataLoss struct {
	LossHorizon time.Duration `name:"loss_horizon" default:"1h" min:"1m" max:"7d" doc:"Warn when the source's retention will reach what a stalled mirror lacks within this time."`
}

// warnAfter is how long a mirror must have stood still before an approaching
// loss is worth a warning; it is the patience of JETSTREAM_026.
const warnAfter = 30 * time.Second

// originFirst is the first sequence of the origins of mirrors: how fast it
// moves says when retention reaches what a mirror lacks.
var originFirst = &epoch.Scalar{
	Name:   "source first sequence",
	Window: 15 * time.Minute,
	Read: func(e *epoch.Epoch, keep func(entity.Ref, time.Time, float64)) {
		for _, system := range e.Systems {
			for _, stream := range system.Streams {
				if !stream.IsMirror() || len(stream.Upstreams) == 0 {
					continue
				}
				if origin := e.Origin(stream.Upstreams[0]); origin != nil && origin.Led() != nil && origin.Led().State.FirstSeq > 0 {
					// Before its first message a stream has no first sequence.
					keep(origin.Ref(), origin.Led().At, float64(origin.Led().State.FirstSeq))
				}
			}
		}
	},
}

// DataLoss is JETSTREAM_028.
var DataLoss = check.Define(&Family, check.Spec[dataLoss]{
	Code:     "JETSTREAM_028",
	Title:    "Mirror Data Loss",
	Severity: check.Critical, Mildest: check.Warning,
	Category: check.Consistency,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Keeps:    []*epoch.Scalar{originFirst},
	Doc: check.Doc{
		Means:   "The source's retention has removed messages that the mirror never got: the source's first sequence has passed the mirror's last one, and the gap can never be filled. It is a warning while the mirror stands still and retention will reach what it lacks within `loss_horizon`.",
		Matters: "These messages exist nowhere else any more, or soon will not. A stall becomes a loss at this moment.",
		Causes: []string{
			"A mirror stalled for longer than the source's `max_age`, or than its `max_msgs` or `max_bytes` last at the present write rate.",
			"A source purged while its mirror was behind.",
			"Work-queue or interest retention: the source's own consumers acknowledged messages while the mirror was cut off.",
		},
		Diagnose: []check.Step{
			{Say: "Compare: first sequence of the source, last sequence of the mirror.", Run: "nats stream info SOURCE; nats stream info MIRROR", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Before the loss: raise the source's limits to gain time, then mend the mirror (JETSTREAM_026).", Run: "nats stream edit SOURCE --max-age=TWICE_AS_LONG", Risk: check.Careful},
			{Say: "After it: look for another copy (other mirrors, backups). The mirror goes on by itself behind the gap once it is mended; re-creating it gains nothing.", Risk: check.Safe},
		},
		Prevent:        []string{"Retention of a source longer than the longest stall you could overlook.", "Act on JETSTREAM_026."},
		FalsePositives: "Filtered mirrors are not judged: the missing sequences may all be excluded by the filter. A new mirror that has copied nothing yet has lost nothing. The times given are the earliest possible.",
		Questions: []check.QA{
			{Question: "How many messages are gone?", Answer: "As many as the gap has sequences, at most: some may have been deleted one by one before."},
			{Question: "Does it clear?", Answer: "When the mirror is past the gap. The hole stays: from then on it shows as deleted messages in the mirror's state."},
		},
	},
	Opens:  "the source's first sequence, one epoch earlier already, was beyond the next one the mirror needs; as a warning, when a mirror that stood still for 30 s would get there within loss_horizon.",
	Clears: "the mirror is past the gap; the warning, when it moves.",
	Blind:  "filtered mirrors; gaps that a mirror has already passed.",
	Run: func(p *check.Pass, t dataLoss) {
		for s := range observed(p) {
			before, ok := s.before(p)
			switch {
			case s.filtered() || s.led.State.LastSeq == 0:
				continue
			case !ok:
				p.Unknown(s.ref(), "two consecutive epochs that show mirror and source are needed")
			case before.lostTo(s.led.State) > 0:
				p.Bad(s.observeLoss(before.lostTo(s.led.State)))
			default:
				if left, limit := s.lossIn(p, before); left < t.LossHorizon {
					p.Bad(s.observeApproach(p, left, limit, t))
				}
			}
		}
	},
})

// lostTo counts the sequences between a mirror's position and the first that
// the origin still has. A purge alone, without newer messages, loses nothing.
func (s *sides) lostTo(position epoch.State) uint64 {
	source := s.source.State
	if source.FirstSeq <= position.LastSeq+1 || !source.LastTS.After(position.LastTS) {
		return 0
	}
	return source.FirstSeq - position.LastSeq - 1
}

func (s *sides) observeLoss(lost uint64) check.Observation {
	return check.Observation{
		Ref: s.ref(),
		Summary: fmt.Sprintf("%s has lost up to %s for good: %s left %s before it got there",
			s.name(), quantity.Of(lost, "message"), sequences(s.led.State.LastSeq+1, s.led.State.LastSeq+lost), s.originName()),
		Evidence: append([]check.Evidence{
			{Name: "lost", Value: lost, Unit: "messages at most", Threshold: 0},
			{Name: "source first sequence", Value: s.source.State.FirstSeq, From: s.source.Server},
		}, s.positions()...),
		Impact: fmt.Sprintf("These messages exist neither in %s nor in %s. More are lost as long as the mirror stands still.", s.origin.Name, s.mirror.Name),
		Fix: []check.Step{
			{Say: "Confirm: the source's first sequence is beyond the mirror's last.", Run: "nats stream info " + s.origin.Name + at(s.origin), Risk: check.Safe},
			s.gainTime(),
			{Say: "Mend the mirror (JETSTREAM_026). It goes on behind the gap; re-creating it gains nothing. Look for other copies: mirrors, backups.", Risk: check.Safe},
		},
	}
}

// lossIn is how long, at the earliest, until the origin's retention removes
// what a mirror that stands still lacks, and the limit that does it. It is
// longer than any horizon where the mirror moves, lacks nothing or no limit
// applies.
func (s *sides) lossIn(p *check.Pass, before sides) (left time.Duration, limit string) {
	left = math.MaxInt64
	if s.led.State.LastSeq != before.led.State.LastSeq || !holds(before.source, s.led.State) {
		return left, ""
	}
	if maxAge := s.origin.Config.MaxAge; maxAge > 0 {
		oldest := s.led.State.LastTS
		if s.source.State.FirstTS.After(oldest) {
			oldest = s.source.State.FirstTS
		}
		left, limit = max(0, maxAge-s.source.At.Sub(oldest)), "max_age "+quantity.Duration(maxAge)
	}
	points := p.Trail.Points(originFirst, s.origin.Ref())
	if len(points) < 2 {
		return left, limit
	}
	first, last := points[0], points[len(points)-1]
	perSecond := (last.Value - first.Value) / last.At.Sub(first.At).Seconds()
	if perSecond <= 0 {
		return left, limit
	}
	// In seconds: a duration ends at 292 years, which a slow removal exceeds.
	seconds := max(0, float64(s.led.State.LastSeq+1)-last.Value) / perSecond
	if seconds < left.Seconds() && (s.origin.Config.MaxAge == 0 || s.atLimit()) {
		return time.Duration(seconds * float64(time.Second)), fmt.Sprintf("%s messages removed per second", strings.TrimSuffix(quantity.Rate(perSecond), "/s"))
	}
	return left, limit
}

// atLimit says whether the origin removes a message for each that it stores,
// which max_age, where it is set as well, does not foresee.
func (s *sides) atLimit() bool {
	c, state := s.origin.Config, s.source.State
	return c.MaxMsgs > 0 && state.Msgs >= uint64(c.MaxMsgs) || c.MaxBytes > 0 && float64(state.Bytes) >= 0.95*float64(c.MaxBytes)
}

// gainTime raises the limits that the origin has, and only those: a limit of a
// fixed size could be a new or a lower one, and remove messages at once.
func (s *sides) gainTime() check.Step {
	c, edit := s.origin.Config, "nats stream edit "+s.origin.Name
	raised := edit
	if c.MaxAge > 0 {
		raised += fmt.Sprintf(" --max-age=%ds", int64((2 * c.MaxAge).Seconds()))
	}
	if c.MaxMsgs > 0 {
		raised += fmt.Sprintf(" --max-msgs=%d", 2*c.MaxMsgs)
	}
	if c.MaxBytes > 0 {
		raised += fmt.Sprintf(" --max-bytes=%d", 2*c.MaxBytes)
	}
	if raised == edit {
		return check.Step{Say: "Gain time: no limit of the source removes these messages. Its consumers do (work queue, interest), or somebody purges or deletes: stop that.", Risk: check.Safe}
	}
	return check.Step{Say: "Gain time: double the source's limits, if its storage allows; set them back when the mirror is mended.", Run: raised + at(s.origin), Risk: check.Careful}
}

func (s *sides) observeApproach(p *check.Pass, left time.Duration, limit string, t dataLoss) check.Observation {
	messages, _ := s.behind()
	return check.Observation{
		Ref: s.ref(), Severity: check.Warning, Since: p.Prev.FinishedAt, Hold: warnAfter,
		Summary: fmt.Sprintf("%s stands still and %s will begin to remove what it lacks %s (%s)",
			s.name(), s.originName(), soon(left), limit),
		Evidence: append([]check.Evidence{
			{Name: "loss in", Value: check.Seconds(left), Unit: "seconds", Threshold: check.Seconds(t.LossHorizon)},
			{Name: "at stake", Value: messages, Unit: "messages"},
		}, s.positions()...),
		Impact: fmt.Sprintf("If the mirror is not mended by then, messages begin to be lost for good; it lacks %s so far.", quantity.Of(messages, "message")),
		Fix: []check.Step{
			s.gainTime(),
			{Say: "Mend the mirror: see JETSTREAM_026.", Run: "rollcall explain JETSTREAM_026", Risk: check.Safe},
		},
	}
}

func sequences(first, last uint64) string {
	if first == last {
		return "sequence " + quantity.Count(first)
	}
	return "sequences " + quantity.Count(first) + " to " + quantity.Count(last)
}

func soon(left time.Duration) string {
	if left < time.Second {
		return "any moment now"
	}
	return "in " + quantity.Duration(left) + " at the earliest"
}
