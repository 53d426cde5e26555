package mirror

import (
	"fmt"
	"iter"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
	"rollcall/internal/wire"
)

// sides are a mirror and its origin seen side by side in one epoch, each
// through its leader. A mirror keeps its origin's sequences and timestamps, so
// the two positions can be compared.
type sides struct {
	system *epoch.System
	mirror *epoch.Stream
	led    *epoch.View // the mirror's leader
	origin *epoch.Stream
	source *epoch.View // the origin's leader
	up     epoch.Upstream
}

// observed yields the mirrors whose own leader and whose origin's leader both
// answered. The others are reported as unknown, with the reason.
func observed(p *check.Pass) iter.Seq[sides] {
	return func(yield func(sides) bool) {
		for mirror, led := range p.Mirrors() {
			s, why := sidesOf(p.Cur, mirror, led)
			if why != "" {
				p.Unknown(s.ref(), why)
			} else if !yield(s) {
				return
			}
		}
	}
}

// sidesOf puts a mirror and its origin side by side, or says why it cannot.
func sidesOf(e *epoch.Epoch, mirror *epoch.Stream, led *epoch.View) (s sides, why string) {
	s = sides{system: e.System(mirror.System), mirror: mirror, led: led}
	if len(mirror.Upstreams) == 0 {
		return s, "its configuration is not known"
	}
	s.up = mirror.Upstreams[0]
	s.origin = e.Origin(s.up)
	if s.origin == nil {
		return s, "its source cannot be seen: " + s.up.Missing
	}
	s.source = s.origin.Led()
	if s.source == nil {
		return s, fmt.Sprintf("its source %s cannot be seen: %s", s.originName(), check.WhyUnled(e.System(s.origin.System), s.origin))
	}
	return s, ""
}

func (s *sides) ref() entity.Ref { return s.mirror.Ref().As(entity.Mirror) }

func (s *sides) name() string { return s.mirror.Account + "/" + s.mirror.Name }

// originName says where the origin is, as far as that differs from the mirror.
func (s *sides) originName() string {
	if s.origin == nil {
		return s.up.Origin
	}
	name := s.origin.Account + "/" + s.origin.Name
	switch {
	case s.origin.System != s.mirror.System:
		return name + " in " + s.origin.System
	case s.origin.Domain != s.mirror.Domain:
		return name + " in domain " + s.origin.Domain
	}
	return name
}

// before gives both sides as they were in the previous epoch. Not ok where one
// of them was not seen then, or is another stream of that name since.
func (s *sides) before(p *check.Pass) (before sides, ok bool) {
	mirror, origin := p.Pair.Stream(s.mirror), p.Pair.Stream(s.origin)
	if mirror == nil || origin == nil || mirror.Led() == nil || origin.Led() == nil {
		return sides{}, false
	}
	return sides{system: s.system, mirror: mirror, led: mirror.Led(), origin: origin, source: origin.Led(), up: s.up}, true
}

// filtered says whether the mirror takes only some of its origin's subjects:
// then its last sequence stays at the last matching message.
func (s *sides) filtered() bool {
	config := s.mirror.Config.Mirror
	if config.FilterSubject != "" && config.FilterSubject != ">" {
		return true
	}
	if len(config.SubjectTransforms) == 0 {
		return false
	}
	for _, t := range config.SubjectTransforms {
		if t.Source == "" || t.Source == ">" {
			return false
		}
	}
	return true
}

// holds says whether the origin holds a message that a mirror at the given
// position lacks. A purge moves the origin's last sequence without a message,
// and with it the time of its last message stays (nats-facts 2).
func holds(source *epoch.View, position epoch.State) bool {
	return source.State.Msgs > 0 && source.State.LastSeq > position.LastSeq && source.State.LastTS.After(position.LastTS)
}

// upTo goes before a number of messages that is only an upper bound.
func (s *sides) upTo() string {
	if s.filtered() {
		return "up to "
	}
	return ""
}

// behind is the true lag: in messages and in time between the newest message of
// either side. Both are at least zero.
func (s *sides) behind() (messages uint64, span time.Duration) {
	if s.source.State.LastSeq > s.led.State.LastSeq {
		messages = s.source.State.LastSeq - s.led.State.LastSeq
	}
	if s.led.State.Msgs > 0 {
		span = max(0, s.source.State.LastTS.Sub(s.led.State.LastTS))
	}
	return messages, span
}

// consumer gives the internal consumer that feeds the mirror, as the origin's
// leader lists it. It is not known where the server version does not tell
// (before 2.14.3); then nothing follows from its absence.
func (s *sides) consumer() (c *epoch.Consumer, known bool) {
	return s.origin.CopyConsumer(s.mirror), s.origin.DirectReliable
}

// lastActive is when anything, heartbeats included, last arrived at a mirror or
// source according to its leader. Where the leader has not set up copying since
// it leads, nothing arrived since it does, or since the stream was created.
func lastActive(stream *epoch.Stream, led *epoch.View, c *epoch.Copying) time.Time {
	if c.Active != epoch.NeverActive {
		return led.At.Add(-c.Active)
	}
	if led.LeaderSince.After(stream.Created) {
		return led.LeaderSince
	}
	return stream.Created
}

// activeText prints the reported activity, with -1 in words.
func activeText(c *epoch.Copying) any {
	if c.Active == epoch.NeverActive {
		return "never since its leader took over"
	}
	return check.Seconds(c.Active)
}

// positions is the evidence that every mirror finding shows.
func (s *sides) positions() []check.Evidence {
	messages, span := s.behind()
	evidence := []check.Evidence{
		{Name: "source last sequence", Value: s.source.State.LastSeq, From: s.source.Server},
		{Name: "mirror last sequence", Value: s.led.State.LastSeq, From: s.led.Server},
		{Name: "true lag", Value: messages, Unit: "messages"},
		{Name: "true lag in time", Value: check.Seconds(span), Unit: "seconds"},
	}
	if s.filtered() {
		evidence[2].Unit = "messages at most (filtered mirror)"
	}
	if m := s.led.Mirror; m != nil {
		evidence = append(evidence,
			check.Evidence{Name: "reported lag", Value: m.Lag, Unit: "messages", From: s.led.Server},
			check.Evidence{Name: "reported active", Value: activeText(m), Unit: "seconds", From: s.led.Server})
	}
	if s.up.Proof != epoch.ByAccount {
		evidence = append(evidence, check.Evidence{Name: "source", Value: fmt.Sprintf("%s, found by %s", s.originName(), s.up.Proof)})
	}
	return evidence
}

// cost says what the lag means for those who read the mirror.
func (s *sides) cost() string {
	messages, span := s.behind()
	text := fmt.Sprintf("Readers of %s miss %sthe newest %s (%s). A fail-over to it now loses them.",
		s.mirror.Name, s.upTo(), quantity.Of(messages, "message"), quantity.Duration(span))
	if s.led.State.Msgs == 0 {
		text = fmt.Sprintf("%s is empty and lacks %s%s.", s.mirror.Name, s.upTo(), quantity.Of(messages, "message"))
	}
	if left, limited := s.timeLeft(); limited {
		text += " " + left
	}
	return text
}

// timeLeft says what the origin's age limit does to what the mirror lacks.
func (s *sides) timeLeft() (text string, limited bool) {
	maxAge := s.origin.Config.MaxAge
	if maxAge == 0 {
		return "", false
	}
	if s.lostForGood() > 0 {
		return "", false // JETSTREAM_028 says so
	}
	oldest := s.led.State.LastTS
	if s.source.State.FirstTS.After(oldest) {
		oldest = s.source.State.FirstTS
	}
	left := maxAge - s.source.At.Sub(oldest)
	if left <= 0 {
		return fmt.Sprintf("The source keeps messages for %s: what the mirror lacks begins to be lost now.", quantity.Duration(maxAge)), true
	}
	return fmt.Sprintf("The source keeps messages for %s: the first that the mirror lacks can be gone in %s.", quantity.Duration(maxAge), quantity.Duration(left)), true
}

// lostForGood counts the sequences that the origin no longer has and the mirror
// never got.
func (s *sides) lostForGood() uint64 {
	if s.source.State.FirstSeq > s.led.State.LastSeq+1 {
		return s.source.State.FirstSeq - s.led.State.LastSeq - 1
	}
	return 0
}

// edits are the commands by which every mirror finding is confirmed.
func (s *sides) confirm() []check.Step {
	return []check.Step{
		{Say: "Confirm on the mirror: its last sequence does not move.", Run: "nats stream info " + s.mirror.Name + at(s.mirror), Risk: check.Safe},
		{Say: "Confirm on the source, twice, some seconds apart: its last sequence moves on.", Run: "nats stream info " + s.origin.Name + at(s.origin), Risk: check.Safe},
	}
}

// recreate is the last rung for a mirror, with what it costs. A limit that the
// mirror was full by is left out.
func (s *sides) recreate() check.Step {
	config := ".config"
	if s.fullBy() != "" {
		config = "'.config | .max_msgs=-1 | .max_bytes=-1'"
	}
	return check.Step{
		Say: fmt.Sprintf("Last resort, re-create it: it is empty until it has copied all %s that the source still has.", quantity.Of(s.source.State.Msgs, "message")),
		Run: fmt.Sprintf("nats stream info %[1]s --json | jq %[2]s > %[1]s.json && nats stream rm %[1]s && nats stream add %[1]s --config %[1]s.json", s.mirror.Name, config) + at(s.mirror), Risk: check.Destroys,
	}
}

// at is a shell comment that says where a command is to be run.
func at(stream *epoch.Stream) string {
	place := "account " + stream.Account
	if stream.Domain != "" {
		place += ", domain " + stream.Domain
	}
	return "   # " + place + ", system " + stream.System
}

// errorOf gives the error that the mirror's leader reports, or nil.
func (s *sides) errorOf() *wire.APIError {
	if s.led.Mirror == nil {
		return nil
	}
	return s.led.Mirror.Error
}
