package collect

import (
	"slices"
	"strings"
	"time"

	"rollcall/internal/epoch"
)

// build makes the epoch of what was collected. Everything is taken in sorted
// order, so the order in which answers came does not show.
func build(prev *epoch.Epoch, startedAt, finishedAt time.Time, rolls []*roll) *epoch.Epoch {
	b := epoch.NewBuilder(prev, startedAt)
	slices.SortFunc(rolls, func(x, y *roll) int { return strings.Compare(x.system.config.Name, y.system.config.Name) })
	for _, r := range rolls {
		r.buildInto(b.System(r.system.config.Name))
	}
	return b.Build(finishedAt)
}

func (r *roll) buildInto(s *epoch.SystemBuilder) {
	targets := make([]*target, 0, len(r.targets))
	for _, t := range r.targets {
		targets = append(targets, t)
	}
	targets = name(targets, r.prev)
	slices.SortFunc(targets, func(x, y *target) int { return strings.Compare(x.name, y.name) })
	filled := map[string]bool{}
	ids := map[string]bool{}
	for _, t := range targets {
		t.fill(s)
		filled[t.name], ids[t.id] = true, true
	}
	r.system.sizes.keep(ids)
	if r.blind != nil {
		s.Blind(r.blind.Error())
	}
	r.markNameless(s, filled)
}

// markNameless covers the servers that are known by name only: nobody can put a
// question to them by id, and they answered no call to all.
func (r *roll) markNameless(s *epoch.SystemBuilder, filled map[string]bool) {
	if r.prev == nil {
		return
	}
	for _, known := range r.prev.Servers {
		if known.ID != "" || filled[known.Name] {
			continue
		}
		server := s.Server(known.Name)
		for _, q := range epoch.Questions {
			server.Coverage[q] = epoch.Answer{Outcome: epoch.Skipped, Detail: "its id is not known, as it has never answered"}
			if r.blind != nil {
				server.Coverage[q] = epoch.Answer{Outcome: epoch.Unreachable, Detail: r.blind.Error()}
			}
		}
		if r.blind == nil {
			server.Coverage[epoch.Statsz] = epoch.Answer{Outcome: epoch.TimedOut, Detail: "it has answered no call to all servers and sent no beat"}
		}
	}
}

// fill puts what is known of one server into the epoch.
func (t *target) fill(s *epoch.SystemBuilder) {
	server := s.Server(t.name)
	if t.heard || server.ID != t.id {
		server.ID, server.Cluster, server.Domain = t.id, t.info.Cluster, t.info.Domain
		server.Host, server.Version, server.Tags = t.info.Host, t.info.Version, t.info.Tags
		server.ViaLeaf = t.viaLeaf
	}
	server.HeardAt = later(server.HeardAt, t.heardAt)
	server.ShutdownAt, server.LameDuckAt = t.shutdownAt, t.lameDuckAt
	server.NamedBy = ""
	if server.HeardAt.IsZero() {
		server.NamedBy = t.namedBy
	}
	server.HasJetStream = server.HasJetStream || t.info.JetStream
	for q, answer := range t.coverage {
		server.Coverage[q] = answer
	}
	server.Vars, server.Stats, server.Health = t.vars, t.stats, t.health
	server.Routes, server.Gateways, server.Leafs = t.routes, t.gateways, t.leafs
	if t.listing == nil {
		return
	}
	server.JetStream = epoch.JetStreamOf(t.listing.summary)
	for i := range t.listing.pages {
		p := &t.listing.pages[i]
		for j := range p.accounts {
			account := &p.accounts[j]
			for k := range account.Streams {
				s.Stream(server, account, p.at, &account.Streams[k])
			}
		}
	}
	t.listing = nil // the epoch has what it needs; the rest is large
}
