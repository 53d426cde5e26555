package epoch

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/wire"
)

// Upstream says which stream a mirror or source copies from, and how that is
// known. Names alone prove nothing: the same name exists in other accounts,
// domains and systems.
type Upstream struct {
	// Origin is the configured origin in words: its name, with the external API
	// prefix where there is one, "ORDERS@$JS.hub.API".
	Origin string `json:"origin"`
	// System and Stream locate the origin; valid only if Proof is not empty.
	System string    `json:"system,omitempty"`
	Stream StreamKey `json:"stream,omitzero"`
	Proof  Proof     `json:"proof,omitempty"`
	// Missing says why the origin was not found, for the reader. Empty if it was.
	Missing string `json:"missing,omitempty"`
}

// Proof is how an origin was identified, strongest first.
type Proof string

// The proofs.
const (
	ByAccount    Proof = "the same account"                      // no external prefix: same account and domain by definition
	ByConsumer   Proof = "its internal consumer"                 // the origin's internal consumer names the mirror (2.14 and later)
	ByMessages   Proof = "identical messages"                    // same sequence, same timestamp to the nanosecond
	ByMemory     Proof = "an earlier epoch"                      // proven before and still there
	ByPath       Proof = "its domain and account"                // the API prefix names the domain, the account is the same
	ByUniqueName Proof = "the only stream of that name in there" // the API prefix names the domain, one stream fits
)

// Origin gives the stream that an upstream was resolved to, or nil.
func (e *Epoch) Origin(u Upstream) *Stream {
	if u.Proof == "" {
		return nil
	}
	return e.System(u.System).Stream(u.Stream)
}

// resolver finds the origins of one epoch's mirrors and sources.
type resolver struct {
	e, prev *Epoch
	byName  map[string][]*Stream // made on first use: most deployments have no external origins
}

func resolveUpstreams(e, prev *Epoch) {
	r := &resolver{e: e, prev: prev}
	for _, system := range e.Systems {
		for _, stream := range system.Streams {
			if stream.Config == nil {
				continue
			}
			var upstreams []Upstream
			if stream.Config.Mirror != nil {
				upstreams = append(upstreams, r.resolve(stream, 0, stream.Config.Mirror))
			}
			for i := range stream.Config.Sources {
				upstreams = append(upstreams, r.resolve(stream, i, &stream.Config.Sources[i]))
			}
			stream.Upstreams = upstreams
		}
	}
}

func (r *resolver) resolve(stream *Stream, i int, source *wire.StreamSource) Upstream {
	u := Upstream{Origin: source.Name}
	prefix := ""
	if source.External != nil {
		prefix = source.External.APIPrefix
	}
	if prefix == "" || prefix == "$JS.API" {
		u.accept(stream.System, StreamKey{stream.Domain, stream.Account, source.Name}, ByAccount)
		if r.e.Origin(u) == nil {
			u.Missing = fmt.Sprintf("no stream %s is known in account %s", source.Name, stream.Account)
		}
		return u
	}
	u.Origin += "@" + prefix
	candidates, place := r.candidates(stream, source.Name, prefix)
	for _, c := range candidates {
		if c.namesMirror(stream) {
			u.accept(c.System, c.StreamKey, ByConsumer)
			return u
		}
	}
	for _, c := range candidates {
		if sameMessages(stream, c) {
			u.accept(c.System, c.StreamKey, ByMessages)
			return u
		}
	}
	if was, ok := r.before(stream, i, u.Origin); ok && slices.ContainsFunc(candidates, func(c *Stream) bool { return c.System == was.System && c.StreamKey == was.Stream }) {
		u.accept(was.System, was.Stream, ByMemory)
		return u
	}
	r.byPlace(&u, stream, source.Name, prefix, candidates, place)
	return u
}

func (u *Upstream) accept(system string, key StreamKey, proof Proof) {
	u.System, u.Stream, u.Proof = system, key, proof
}

// before gives how the same upstream was resolved in the previous epoch.
func (r *resolver) before(stream *Stream, i int, origin string) (Upstream, bool) {
	old := (Pair{Prev: r.prev}).Stream(stream)
	if old == nil || i >= len(old.Upstreams) || old.Upstreams[i].Origin != origin || old.Upstreams[i].Proof == "" {
		return Upstream{}, false
	}
	return old.Upstreams[i], true
}

// byPlace accepts a candidate for where it is: only a domain in the prefix
// narrows the place enough; a prefix made up by an account import does not.
func (r *resolver) byPlace(u *Upstream, stream *Stream, name, prefix string, candidates []*Stream, place string) {
	domain := domainOf(prefix)
	switch {
	case len(candidates) == 0 && domain != "" && !r.knowsDomain(domain):
		u.Missing = fmt.Sprintf("no audited system has the JetStream domain %s: audit it too, with --system", domain)
	case len(candidates) == 0:
		u.Missing = fmt.Sprintf("no stream %s is known %s", name, place)
	case domain == "":
		u.Missing = fmt.Sprintf("the API prefix %s is an account import and no message or internal consumer shows yet where it leads", prefix)
	case len(candidates) == 1:
		u.accept(candidates[0].System, candidates[0].StreamKey, ByUniqueName)
	default:
		for _, c := range candidates {
			if c.Account == stream.Account {
				u.accept(c.System, c.StreamKey, ByPath)
				return
			}
		}
		u.Missing = fmt.Sprintf("%d accounts have a stream %s %s and nothing shows yet which it is", len(candidates), name, place)
	}
}

// candidates are the streams that the prefix could lead to: those of the
// domain it names, in any account and system, or else those of other accounts.
func (r *resolver) candidates(stream *Stream, name, prefix string) (found []*Stream, place string) {
	if r.byName == nil {
		r.byName = map[string][]*Stream{}
		for _, system := range r.e.Systems {
			for _, s := range system.Streams {
				r.byName[s.Name] = append(r.byName[s.Name], s)
			}
		}
	}
	domain := domainOf(prefix)
	for _, c := range r.byName[name] {
		if c == stream || domain != "" && c.Domain != domain {
			continue
		}
		found = append(found, c)
	}
	if domain != "" {
		return found, "in the domain " + domain
	}
	return found, "in any account"
}

// domainOf takes the domain out of an API prefix "$JS.DOMAIN.API".
func domainOf(prefix string) string {
	parts := strings.Split(prefix, ".")
	if len(parts) == 3 && parts[0] == "$JS" && parts[2] == "API" {
		return parts[1]
	}
	return ""
}

func (r *resolver) knowsDomain(domain string) bool {
	for _, system := range r.e.Systems {
		for _, server := range system.Servers {
			if server.Domain == domain {
				return true
			}
		}
	}
	return false
}

// CopyConsumer gives the internal consumer on the origin s that feeds the
// stream copying from it, or nil. Nil proves absence only where
// DirectReliable and the origin's leader answered. Former ones linger for 10 s
// after a re-creation (measured: up to seven of one mirror); the newest counts.
func (s *Stream) CopyConsumer(copying *Stream) *Consumer {
	var newest *Consumer
	for i := range s.Direct {
		if c := &s.Direct[i]; c.feeds(copying) && (newest == nil || c.Created.After(newest.Created)) {
			newest = c
		}
	}
	return newest
}

func (s *Stream) namesMirror(mirror *Stream) bool {
	return s.DirectReliable && s.CopyConsumer(mirror) != nil
}

// feeds reads the metadata that an internal consumer carries about the stream
// that made it (nats-server 2.14.0 and later, stream.go:3840 and 4347).
func (c *Consumer) feeds(stream *Stream) bool {
	if c.Config == nil {
		return false
	}
	role := "_nats.src."
	if stream.IsMirror() {
		role = "_nats.mirror."
	}
	m := c.Config.Metadata
	return m[role+"stream"] == stream.Name && m[role+"acc"] == stream.AccountID && m[role+"domain"] == stream.Domain
}

// sameMessages proves by timestamps that one stream is the copy of another: a
// mirror keeps its origin's sequences and times.
func sameMessages(mirror, origin *Stream) bool {
	m, o := mirror.Known(), origin.Known()
	if m == nil || o == nil || m.State.Msgs == 0 || o.State.Msgs == 0 {
		return false
	}
	first := m.State.FirstSeq == o.State.FirstSeq && m.State.FirstTS.Equal(o.State.FirstTS)
	last := m.State.LastSeq == o.State.LastSeq && m.State.LastTS.Equal(o.State.LastTS)
	return first || last
}
