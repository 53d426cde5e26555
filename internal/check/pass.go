package check

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// Pass is what a check sees of one epoch, and where it reports.
//
// The iterators yield only what the check's Needs were answered for. They report
// everything else as unknown themselves, so that no check can take silence for
// health.
type Pass struct {
	epoch.Pair
	Trail *epoch.Trail

	check  *Check
	checks []*Check // all of this audit
	result *Result
	blind  map[string]bool // systems whose unanswering servers were reported already
}

// Needing lists the codes of the checks of this audit that need the answer to a
// question.
func (p *Pass) Needing(q epoch.Question) []string {
	var codes []string
	for _, c := range p.checks {
		if slices.Contains(c.Needs, q) {
			codes = append(codes, c.Code)
		}
	}
	return codes
}

// Now is the end of the epoch, by the auditor's clock.
func (p *Pass) Now() time.Time { return p.Cur.FinishedAt }

// Bad reports an observation.
func (p *Pass) Bad(o Observation) {
	if o.Severity == 0 {
		o.Severity = p.check.Severity
	}
	if o.Severity > p.check.Worst || o.Severity < p.check.Mildest {
		panic(fmt.Sprintf("severity %s is outside of what %s declares", o.Severity, p.check.Code))
	}
	p.result.Bad = append(p.result.Bad, o)
}

// Unknown reports that an entity cannot be judged, and why.
func (p *Pass) Unknown(ref entity.Ref, reason string) {
	p.result.Unknown = append(p.result.Unknown, Unknown{Ref: ref, Reason: reason})
}

// AllServers yields every server known, answering or not. For checks that judge
// the silence itself.
func (p *Pass) AllServers() iter.Seq2[*epoch.System, *epoch.Server] {
	return func(yield func(*epoch.System, *epoch.Server) bool) {
		for _, system := range p.Cur.Systems {
			for _, server := range system.Servers {
				if !yield(system, server) {
					return
				}
			}
		}
	}
}

// Servers yields the servers that answered all of the check's Needs.
func (p *Pass) Servers() iter.Seq2[*epoch.System, *epoch.Server] {
	return func(yield func(*epoch.System, *epoch.Server) bool) {
		for system, server := range p.AllServers() {
			if gap := p.gap(server); gap != "" {
				p.Unknown(server.Ref(), gap)
			} else if !yield(system, server) {
				return
			}
		}
	}
}

// gap says which of the needs a server left unanswered, or "".
func (p *Pass) gap(server *epoch.Server) string {
	for _, q := range p.check.Needs {
		if !server.Answered(q) {
			return fmt.Sprintf("%s: %s", q, server.Coverage[q].Reason())
		}
	}
	return ""
}

// AllStreams yields every stream known, listed or remembered, led or not. For
// checks that judge absence themselves. Servers that did not answer are
// reported as unknown: what they hold beyond that cannot be known.
func (p *Pass) AllStreams() iter.Seq2[*epoch.System, *epoch.Stream] {
	return func(yield func(*epoch.System, *epoch.Stream) bool) {
		for _, system := range p.Cur.Systems {
			p.reportBlindness(system)
			for _, stream := range system.Streams {
				if !yield(system, stream) {
					return
				}
			}
		}
	}
}

// noConfig is the reason where a stream was listed in short form and no earlier
// epoch knew more.
const noConfig = "its configuration is not known: the answer was cut short"

// led yields the streams with the view of the server that leads them. A
// stream without one is unknown, under the given kind of reference.
func (p *Pass) led(kind entity.Kind, want func(*epoch.Stream) bool) iter.Seq2[*epoch.Stream, *epoch.View] {
	return func(yield func(*epoch.Stream, *epoch.View) bool) {
		for system, stream := range p.AllStreams() {
			if want != nil && !want(stream) {
				continue
			}
			led := stream.Led()
			if led == nil {
				p.Unknown(stream.Ref().As(kind), WhyUnled(system, stream))
			} else if stream.Config == nil {
				p.Unknown(stream.Ref().As(kind), noConfig)
			} else if !yield(stream, led) {
				return
			}
		}
	}
}

// LedStreams yields the streams whose leader answered.
func (p *Pass) LedStreams() iter.Seq2[*epoch.Stream, *epoch.View] { return p.led(entity.Stream, nil) }

// Mirrors yields the mirrors whose leader answered.
func (p *Pass) Mirrors() iter.Seq2[*epoch.Stream, *epoch.View] {
	return p.led(entity.Mirror, (*epoch.Stream).IsMirror)
}

// Replicas yields, for each replicated stream whose leader answered, the
// leader's row of each other replica.
func (p *Pass) Replicas() iter.Seq2[Replica, *epoch.Peer] {
	return func(yield func(Replica, *epoch.Peer) bool) {
		for system, stream := range p.AllStreams() {
			if stream.Replicas() < 2 {
				continue
			}
			led := stream.Led()
			if led == nil || stream.Config == nil {
				why := noConfig
				if led == nil {
					why = WhyUnled(system, stream)
				}
				for _, server := range stream.Servers {
					p.Unknown(stream.Ref().OnServer(server), why)
				}
				continue
			}
			for i := range led.Peers {
				if !yield(Replica{system, stream, led}, &led.Peers[i]) {
					return
				}
			}
		}
	}
}

// Replica is the context of one row of a leader's list of peers.
type Replica struct {
	System *epoch.System
	Stream *epoch.Stream
	Led    *epoch.View
}

// Ref is the identity of the replica on the peer's server.
func (r Replica) Ref(peer *epoch.Peer) entity.Ref { return r.Stream.Ref().OnServer(peer.Name) }

// WhyUnled says why a stream has no leader's view: nobody lists it, its leader
// did not answer, or nobody leads it.
func WhyUnled(system *epoch.System, stream *epoch.Stream) string {
	if len(stream.Views) == 0 {
		return "no server listed it" + silentAmong(system, stream.Servers)
	}
	for i := range stream.Views {
		leader := stream.Views[i].Leader
		if leader == "" {
			continue
		}
		if server := system.Server(leader); server != nil && !server.Answered(epoch.Jsz) {
			return fmt.Sprintf("its leader %s did not answer: JSZ %s", leader, server.Coverage[epoch.Jsz].Reason())
		}
	}
	return "no server leads it"
}

func silentAmong(system *epoch.System, names []string) string {
	for _, name := range names {
		if server := system.Server(name); server != nil && !server.Answered(epoch.Jsz) {
			return fmt.Sprintf("; %s, which held it, did not answer: JSZ %s", name, server.Coverage[epoch.Jsz].Reason())
		}
	}
	return ""
}

// reportBlindness reports, once per check and system, the servers that may
// hold streams and did not say which.
func (p *Pass) reportBlindness(system *epoch.System) {
	if p.blind[system.Name] {
		return
	}
	if p.blind == nil {
		p.blind = map[string]bool{}
	}
	p.blind[system.Name] = true
	for _, server := range system.Servers {
		if server.Asked() && !server.Answered(epoch.Jsz) {
			p.Unknown(server.Ref(), fmt.Sprintf("JSZ: %s; what only this server holds cannot be judged", server.Coverage[epoch.Jsz].Reason()))
		}
	}
}
