package collect

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

// roll is the roll call of one system in one epoch.
type roll struct {
	system  *system
	prev    *epoch.System
	targets map[string]*target // by id
	asked   map[string]bool    // ids that askAll has dealt with
	calling sync.WaitGroup     // a call to all servers beside the questions
	blind   error              // why the auditor cannot ask; nil if it can
}

// begin makes sure of a connection, finds the servers and lists whom to ask.
func (s *system) begin(ctx context.Context, prev *epoch.System) *roll {
	r := &roll{system: s, prev: prev, targets: map[string]*target{}, asked: map[string]bool{}}
	r.blind = s.links.ready(ctx)
	if r.blind == nil && !s.verified {
		r.blind = s.verify(ctx)
	}
	switch {
	case r.blind != nil:
	case prev == nil:
		// A first epoch calls again even right after Connect: that costs little
		// and finds who was not yet there.
		s.peers.due(s.now())
		r.call(ctx)
	case s.peers.due(s.now()):
		// Servers known by now need not wait for those who are to be found.
		r.calling.Go(func() { r.call(ctx) })
	}
	r.enlist()
	return r
}

// call calls all servers at once. Who does not answer is asked by id, so a
// failure says nothing that the questions will not say better.
func (r *roll) call(ctx context.Context) { _ = r.system.discover(ctx) }

// enlist adds the servers to ask: those of the previous epoch and those heard of
// lately. It can be called again when more were heard of.
func (r *roll) enlist() {
	remembered := map[string]bool{}
	if r.prev != nil {
		for _, server := range r.prev.Servers {
			remembered[server.ID] = true
		}
	}
	known := r.system.peers.snapshot(r.system.now(), remembered)
	for _, c := range r.system.links.open() {
		if _, ok := known[c.serverID]; !ok {
			// It may be known by nothing else where the user may not call all.
			known[c.serverID] = peer{info: wire.ServerInfo{
				ID: c.serverID, Name: c.nc.ConnectedServerName(), Cluster: c.nc.ConnectedClusterName(), Version: c.nc.ConnectedServerVersion(),
			}}
		}
	}
	near := survey(r.system.links.serverIDs(), known)
	for id, p := range known {
		r.add(&target{
			id: id, info: p.info, start: startOf(&p), heardAt: p.heardAt,
			viaLeaf: !near.reaches(id, p.info.Cluster), shutdownAt: p.shutdownAt, lameDuckAt: p.lameDuckAt,
		})
	}
	if r.prev == nil {
		return
	}
	for _, server := range r.prev.Servers {
		t := r.add(&target{
			id: server.ID, viaLeaf: server.ViaLeaf, namedBy: server.NamedBy,
			info: wire.ServerInfo{
				Name: baseName(server.Name), ID: server.ID, Host: server.Host, Cluster: server.Cluster,
				Domain: server.Domain, Version: server.Version, Tags: server.Tags, JetStream: server.HasJetStream,
			},
		})
		if t == nil {
			continue
		}
		t.heardAt = later(t.heardAt, server.HeardAt)
		t.shutdownAt = later(t.shutdownAt, server.ShutdownAt)
		t.lameDuckAt = later(t.lameDuckAt, server.LameDuckAt)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func startOf(p *peer) time.Time {
	if p.stats == nil {
		return time.Time{}
	}
	return p.stats.Start
}

// add takes a server into the roll. It gives the one that is there already, nil
// if there can be none.
func (r *roll) add(t *target) *target {
	if t.id == "" || strings.ContainsAny(t.id, " .*>\t\r\n") {
		return nil // no id of a server, and not fit for a subject
	}
	if r.targets[t.id] == nil {
		t.coverage = map[epoch.Question]epoch.Answer{}
		r.targets[t.id] = t
	}
	return r.targets[t.id]
}

// askAll asks the servers that were not yet asked, a few at a time.
func (r *roll) askAll(ctx context.Context) {
	var direct, beyond []*target
	for _, id := range slices.Sorted(maps.Keys(r.targets)) {
		switch t := r.targets[id]; {
		case r.asked[id]:
			continue
		case t.viaLeaf && r.prev == nil:
			beyond = append(beyond, t)
		default:
			direct = append(direct, t)
		}
		r.asked[id] = true
	}
	r.system.load.progressed((len(direct)+len(beyond))*len(epoch.Questions), 0)
	r.learnPayload()
	r.askThese(ctx, direct)
	// At first sight, servers on this side of the leaf links come first: their
	// VARZ tells how large an answer may be that passes the link.
	r.learnPayload()
	r.askThese(ctx, beyond)
}

func (r *roll) askThese(ctx context.Context, todo []*target) {
	s := r.system
	// Those who will probably stay silent must not hold up the others, and one
	// small question to each is no load.
	present, absent := make(chan struct{}, s.limits.Concurrency), make(chan struct{}, absentConcurrency)
	slices.SortStableFunc(todo, func(a, b *target) int { return a.expected(s) - b.expected(s) })
	var wg sync.WaitGroup
	for _, t := range todo {
		if r.blind != nil {
			t.unreachable(s, r.blind)
			continue
		}
		slots := present
		if t.expected(s) == 0 {
			slots = absent
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s.ask(ctx, t)
			if t.heard {
				s.peers.answered(&t.info, t.stats, t.heardAt)
			}
		})
	}
	wg.Wait()
}

// absentConcurrency is how many servers that were silent of late are asked at
// once.
const absentConcurrency = 32

// expected is 0 for a server that was silent of late, 1 for one that should
// answer.
func (t *target) expected(s *system) int {
	if s.now().Sub(t.heardAt) > missedBeats {
		return 0
	}
	return 1
}

// unreachable notes that the auditor could not ask.
func (t *target) unreachable(s *system, why error) {
	for _, q := range epoch.Questions {
		t.coverage[q] = epoch.Answer{Outcome: epoch.Unreachable, Detail: why.Error()}
	}
	s.load.progressed(0, len(epoch.Questions))
}

// defaultMaxPayload is what a server accepts that is not configured otherwise.
const defaultMaxPayload = 1 << 20

// learnPayload keeps the lowest max_payload that any server was ever heard to
// have: which of them ends a leaf link is not known.
func (r *roll) learnPayload() {
	s := r.system
	if s.maxPayload == 0 {
		s.maxPayload = defaultMaxPayload
	}
	for _, c := range s.links.open() {
		s.maxPayload = min(s.maxPayload, c.nc.MaxPayload())
	}
	for _, t := range r.targets {
		if t.vars != nil && t.vars.MaxPayload > 0 {
			s.maxPayload = min(s.maxPayload, int64(t.vars.MaxPayload))
		}
	}
}

// leafLimit is how large an answer through a leaf link may be, compressed.
func (s *system) leafLimit() int64 {
	return min(s.limits.LeafAnswerBytes, int64(leafShare*float64(s.maxPayload)))
}

// askNew looks for servers that the first round missed: restarted since they
// were last heard of, or known to a neighbour only. It says whether there are.
func (c *Collector) askNew(ctx context.Context, rolls []*roll) bool {
	found := make([]bool, len(rolls))
	c.each(func(i int, _ *system) { found[i] = rolls[i].search(ctx) })
	return slices.Contains(found, true)
}

func (r *roll) search(ctx context.Context) bool {
	r.calling.Wait()
	if r.blind != nil || ctx.Err() != nil {
		return false
	}
	r.enlist()
	r.followRoutes()
	for id := range r.targets {
		if !r.asked[id] {
			return true
		}
	}
	return false
}

// followRoutes takes in the servers that others have routes to: one that froze
// before the audit began never answers a call, and its neighbours know its id.
func (r *roll) followRoutes() {
	for _, id := range slices.Sorted(maps.Keys(r.targets)) {
		by := r.targets[id]
		if by.routes == nil {
			continue
		}
		for _, route := range by.routes.Routes {
			r.add(&target{
				id: route.RemoteID, viaLeaf: by.viaLeaf, namedBy: "a route of " + by.info.Name,
				info: wire.ServerInfo{
					Name: route.RemoteName, ID: route.RemoteID, Cluster: by.info.Cluster,
					Domain: by.info.Domain, JetStream: by.info.JetStream,
				},
			})
		}
	}
}
