package epoch

import (
	"slices"
	"strings"
	"time"

	"rollcall/internal/wire"
)

// How many epochs in a row a stream must be missing from complete answers of
// all its servers before it counts as deleted, and how long a server must be up
// for its answer to count: while a server recovers, it lists less than it has.
const (
	goneAfterEpochs = 2
	recoveryTime    = 60 * time.Second
)

// forgetAfter is how long a silent server that is no member of any meta group
// stays known. A member is forgotten when the group's leader no longer lists it.
const forgetAfter = 24 * time.Hour

// IsServerName says whether a peer's name is that of a server, and not the one
// that nats-server makes up for a peer it has not met.
func IsServerName(name string) bool { return name != "" && !strings.HasPrefix(name, nameUnknown) }

// nameUnknown starts the name that nats-server makes up for a peer whose server
// it has not met (jetstream_cluster.go, clusterInfo). It names no server.
const nameUnknown = "Server name unknown at this time"

// Builder makes one epoch. It is not safe for concurrent use.
type Builder struct {
	prev      *Epoch
	startedAt time.Time
	systems   []*SystemBuilder
}

// SystemBuilder collects what one system answered.
type SystemBuilder struct {
	b       *Builder
	prev    *System
	name    string
	blind   string
	servers map[string]*Server
	streams map[StreamKey]*Stream
	routed  map[string]bool // servers to which another one lists a route
}

// NewBuilder starts an epoch. prev is the epoch before, nil for the first one.
func NewBuilder(prev *Epoch, startedAt time.Time) *Builder {
	return &Builder{prev: prev, startedAt: startedAt}
}

// System starts a system. The servers that the previous epoch knew are in it
// already, unanswered.
func (b *Builder) System(name string) *SystemBuilder {
	s := &SystemBuilder{
		b: b, prev: b.prev.System(name), name: name,
		servers: map[string]*Server{}, streams: map[StreamKey]*Stream{}, routed: map[string]bool{},
	}
	if s.prev != nil {
		for _, old := range s.prev.Servers {
			s.servers[old.Name] = remembered(old)
		}
		s.streams = make(map[StreamKey]*Stream, len(s.prev.Streams))
	}
	b.systems = append(b.systems, s)
	return s
}

func remembered(old *Server) *Server {
	server := *old
	server.Coverage = [numQuestions]Answer{}
	server.Vars, server.Stats, server.JetStream, server.Health = nil, nil, nil, nil
	server.Routes, server.Gateways, server.Leafs = nil, nil, nil
	return &server
}

// Blind notes that the auditor had no connection to the system, and why.
func (s *SystemBuilder) Blind(why string) { s.blind = why }

// Server gives the server of that name, adding it if it was not known. Its
// fields and answers are for the caller to fill in.
func (s *SystemBuilder) Server(name string) *Server {
	server, ok := s.servers[name]
	if !ok {
		server = &Server{System: s.name, Name: name, KnownSince: s.b.startedAt}
		s.servers[name] = server
	}
	return server
}

// Stream adds what a server answered about one of its streams; at is the
// server's clock at that answer.
func (s *SystemBuilder) Stream(server *Server, account *wire.AccountDetail, at time.Time, detail *wire.StreamDetail) {
	key := StreamKey{Domain: server.Domain, Account: account.Name, Name: detail.Name}
	stream, ok := s.streams[key]
	if !ok {
		stream = &Stream{StreamKey: key, AccountID: account.ID, System: s.name, Created: detail.Created}
		s.streams[key] = stream
	}
	view := viewOf(server.Name, at, detail)
	leads := view.Leader == view.Server
	if detail.Config != nil && (leads || stream.Config == nil) {
		stream.Config, stream.Created = detail.Config, detail.Created
	}
	if leads {
		stream.Direct = consumersOf(server.Name, at, detail.DirectConsumers)
		stream.DirectReliable = directReliable(server.Version)
	}
	stream.Consumers = append(stream.Consumers, consumersOf(server.Name, at, detail.Consumers)...)
	stream.Views = append(stream.Views, view)
}

// Build finishes the epoch. The Builder must not be used afterwards.
func (b *Builder) Build(finishedAt time.Time) *Epoch {
	e := &Epoch{ID: 1, StartedAt: b.startedAt, FinishedAt: finishedAt}
	if b.prev != nil {
		e.ID = b.prev.ID + 1
	}
	slices.SortFunc(b.systems, func(x, y *SystemBuilder) int { return strings.Compare(x.name, y.name) })
	for _, s := range b.systems {
		e.Systems = append(e.Systems, s.build(finishedAt))
	}
	e.link()
	resolveUpstreams(e, b.prev)
	return e
}

func (s *SystemBuilder) build(now time.Time) *System {
	for _, stream := range s.streams {
		s.finish(stream, now)
	}
	if s.prev != nil {
		for _, old := range s.prev.Streams {
			if s.streams[old.StreamKey] == nil {
				if kept := s.carryOver(old); kept != nil {
					s.streams[old.StreamKey] = kept
				}
			}
		}
	}
	s.nameServers(now)
	s.forgetServers(now)
	system := &System{Name: s.name, Blind: s.blind}
	for _, server := range s.servers {
		system.Servers = append(system.Servers, server)
	}
	slices.SortFunc(system.Servers, func(x, y *Server) int { return strings.Compare(x.Name, y.Name) })
	system.Streams = make([]*Stream, 0, len(s.streams))
	for _, stream := range s.streams {
		system.Streams = append(system.Streams, stream)
	}
	slices.SortFunc(system.Streams, func(x, y *Stream) int { return compareKeys(x.StreamKey, y.StreamKey) })
	return system
}

// finish completes a stream that at least one server listed.
func (s *SystemBuilder) finish(stream *Stream, now time.Time) {
	old := s.prev.Stream(stream.StreamKey)
	if old != nil && !old.Created.Equal(stream.Created) {
		old = nil
	}
	stream.ListedAt = now
	if stream.Config == nil && old != nil {
		stream.Config = old.Config // listed in short form, for a limit of ours
	}
	slices.SortFunc(stream.Views, func(a, b View) int { return strings.Compare(a.Server, b.Server) })
	for i := range stream.Views {
		view := &stream.Views[i]
		view.disclaim(stream.Replicas())
		view.rememberLeader(old)
		view.leadsSinceStart(s.servers[view.Server])
	}
	stream.leader = leaderOf(stream.Views)
	if led := stream.Led(); led != nil {
		led.rememberPeers(old)
	} else if old != nil {
		stream.LastLed = old.Known()
	}
	stream.Servers = stream.hosts(old)
	if old != nil && s.anyUnanswered(stream.Servers) {
		// What only an unanswering server lists is not gone. Rows of this epoch
		// are preferred: they are newer.
		stream.Consumers = append(stream.Consumers, old.Consumers...)
	}
	stream.Consumers = bestConsumers(stream.Consumers)
}

func (s *SystemBuilder) anyUnanswered(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return s.servers[name] == nil || !s.servers[name].Answered(Jsz) })
}

// disclaim takes back the leadership that a recovering server claims of every
// replicated stream while its raft node is not up: it names itself, without
// peers (jetstream_cluster.go:14013, nats-server v2.15.2).
func (v *View) disclaim(replicas int) {
	if replicas > 1 && v.Leader == v.Server && len(v.Peers) == 0 {
		v.Leader = ""
	}
}

// leadsSinceStart bounds a leadership that the server does not date by its own
// start: outside a cluster it leads what it has, from then on.
func (v *View) leadsSinceStart(server *Server) {
	if v.Leader == v.Server && server.Vars != nil && server.Vars.Start.After(v.LeaderSince) {
		v.LeaderSince = server.Vars.Start
	}
}

// rememberLeader fills in since when the leader leads where the server does not
// tell (before 2.11).
func (v *View) rememberLeader(old *Stream) {
	if v.Leader == "" || !v.LeaderSince.IsZero() {
		return
	}
	v.LeaderSince = v.At
	if old == nil {
		return
	}
	if before := old.View(v.Server); before != nil && before.Leader == v.Leader {
		v.LeaderSince = before.LeaderSince
	}
}

// rememberPeers fills in when each peer was last heard from.
func (v *View) rememberPeers(old *Stream) {
	var before *View
	if old != nil {
		before = old.Known()
	}
	for i := range v.Peers {
		p := &v.Peers[i]
		if p.Active > 0 || p.Current {
			p.HeardAt = v.At.Add(-p.Active)
			continue
		}
		p.Unheard = 1
		if before == nil {
			continue
		}
		if was := before.Peer(p.Name); was != nil {
			p.HeardAt = was.HeardAt
			if before.Server == v.Server {
				p.Unheard, p.LostBefore = was.Unheard+1, was.LostBefore
			} else {
				p.LostBefore = was.missed()
			}
		} else if before.Server == p.Name {
			// The former leader: it was alive when it answered us as leader.
			p.HeardAt = before.At
		}
	}
}

// missed says whether a leader has missed beats of the peer: one comes each
// second (raft.go:317, nats-server v2.15.2).
func (p *Peer) missed() bool {
	const beats = 3 * time.Second
	return p.Active > beats || p.Active == 0 && !p.Current
}

// hosts lists the servers that hold a replica: those that list the stream and
// those that its leader, or its last known leader, names.
func (s *Stream) hosts(old *Stream) []string {
	var names []string
	for i := range s.Views {
		names = append(names, s.Views[i].Server)
	}
	if led := s.Led(); led != nil {
		for i := range led.Peers {
			names = append(names, led.Peers[i].Name)
		}
	} else {
		// Without a leader a follower's list of peers still tells membership.
		for i := range s.Views {
			for j := range s.Views[i].Peers {
				names = append(names, s.Views[i].Peers[j].Name)
			}
		}
		if old != nil {
			names = append(names, old.Servers...)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, nameUnknown) })
	slices.Sort(names)
	return slices.Compact(names)
}

// carryOver keeps a stream that nobody listed this time, unless its servers
// have the authority to say that it is gone, and have said so often enough.
func (s *SystemBuilder) carryOver(old *Stream) *Stream {
	kept := *old
	kept.MissedEpochs++
	kept.Views, kept.leader = nil, -1
	kept.LastLed = old.Known()
	kept.Upstreams = slices.Clone(old.Upstreams)
	if kept.MissedEpochs < goneAfterEpochs {
		return &kept
	}
	authorities := 0
	for _, name := range old.Servers {
		if s.hasAuthority(name) {
			authorities++
		}
	}
	if authorities <= len(old.Servers)/2 {
		return &kept
	}
	return nil // a majority of those that held it is complete without it
}

// hasAuthority says whether a server's list of streams was complete: it
// answered, its JetStream is on, and it is not recovering from a start.
func (s *SystemBuilder) hasAuthority(name string) bool {
	server := s.servers[name]
	if server == nil || !server.Answered(Jsz) || server.JetStream == nil || server.JetStream.Disabled {
		return false
	}
	if before := s.prev.Server(name); before != nil && before.ID == server.ID && before.Answered(Jsz) {
		return server.Vars == nil || server.JetStream.At.Sub(server.Vars.Start) > recoveryTime
	}
	return server.Vars != nil && server.JetStream.At.Sub(server.Vars.Start) > recoveryTime
}

// nameServers adds the servers that others speak of, and notes when those
// others last heard from each.
func (s *SystemBuilder) nameServers(now time.Time) {
	for _, server := range s.sortedServers() {
		if server.JetStream == nil || server.JetStream.Meta == nil {
			continue
		}
		meta := server.JetStream.Meta
		if meta.Leader != server.Name {
			continue
		}
		for _, peer := range meta.Replicas {
			named := s.named(peer.Name, "the meta group", server)
			if named != nil && peer.Active > 0 {
				named.peersHeard(server.Coverage[Jsz].At.Add(-peer.Active))
			}
		}
	}
	for _, stream := range s.streams {
		led := stream.Led()
		if led == nil {
			continue
		}
		leader := s.servers[led.Server]
		for i := range led.Peers {
			peer := &led.Peers[i]
			named := s.named(peer.Name, "the stream "+stream.Account+"/"+stream.Name, leader)
			if named != nil && peer.Active > 0 {
				named.peersHeard(leader.Coverage[Jsz].At.Add(-peer.Active))
			}
		}
	}
	for _, server := range s.sortedServers() {
		if server.Routes == nil {
			continue
		}
		for _, route := range server.Routes.Routes {
			if s.named(route.RemoteName, "a route of "+server.Name, server) != nil {
				s.routed[route.RemoteName] = true
			}
		}
	}
}

func (s *SystemBuilder) named(name, by string, namer *Server) *Server {
	if !IsServerName(name) {
		return nil
	}
	server, known := s.servers[name]
	if !known {
		server = s.Server(name)
		server.NamedBy = by
		server.Cluster, server.Domain = namer.Cluster, namer.Domain
		server.HasJetStream = namer.HasJetStream
	}
	return server
}

func (s *Server) peersHeard(at time.Time) {
	if at.After(s.PeersHeardAt) {
		s.PeersHeardAt = at
	}
}

// forgetServers drops silent servers that have left for good: removed from the
// meta group that still names its other members, or, outside any such group,
// silent for a day. One to which a route is open still hangs there.
func (s *SystemBuilder) forgetServers(now time.Time) {
	members := s.metaMembers()
	for name, server := range s.servers {
		if server.heardSince(s.b.startedAt) || server.KnownSince.Equal(s.b.startedAt) || s.routed[name] {
			continue
		}
		group, known := members[server.Domain]
		switch {
		case server.HasJetStream && known:
			if !group[name] {
				delete(s.servers, name)
			}
		case now.Sub(server.LastHeard()) > forgetAfter && now.Sub(server.KnownSince) > forgetAfter:
			delete(s.servers, name)
		}
	}
}

// metaMembers gives, by domain, the names in the meta group as its leader
// lists them. A domain without an answering leader is absent.
func (s *SystemBuilder) metaMembers() map[string]map[string]bool {
	groups := map[string]map[string]bool{}
	for name, server := range s.servers {
		if server.JetStream == nil || server.JetStream.Meta == nil || server.JetStream.Meta.Leader != name {
			continue
		}
		group := map[string]bool{name: true}
		for _, peer := range server.JetStream.Meta.Replicas {
			group[peer.Name] = true
		}
		groups[server.Domain] = group
	}
	return groups
}

func (s *SystemBuilder) sortedServers() []*Server {
	servers := make([]*Server, 0, len(s.servers))
	for _, server := range s.servers {
		servers = append(servers, server)
	}
	slices.SortFunc(servers, func(x, y *Server) int { return strings.Compare(x.Name, y.Name) })
	return servers
}
