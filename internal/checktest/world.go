// Package checktest runs checks against made-up deployments: fixtures in which
// a healthy world is changed line by line, and properties that every check must
// have.
package checktest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

// Start is when every world begins.
var Start = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// World is a deployment whose true state can be changed and asked for an
// epoch. Its fields are addressed from fixtures by their JSON names.
type World struct {
	Now     time.Time
	Servers []*Server
	Streams []*Stream

	prev *epoch.Epoch
}

// Server is one server of a world.
type Server struct {
	System string `json:"-"`
	Name   string `json:"-"`

	ID      string `json:"id"`
	Cluster string `json:"cluster"`
	Domain  string `json:"domain"`
	Host    string `json:"host"`
	Version string `json:"version"`

	// Silent servers answer nothing and send no beats; Unnamed ones were never
	// seen by the audit, only by other servers.
	Silent  bool `json:"silent"`
	Unnamed bool `json:"unnamed"`
	// Unreachable means that the audit has no connection to the server's system.
	Unreachable bool `json:"unreachable"`
	// Refuses, TimesOut and CutsShort are questions that end that way.
	Refuses   []string `json:"refuses"`
	TimesOut  []string `json:"times_out"`
	CutsShort []string `json:"cuts_short"`

	ShutdownAt time.Time `json:"shutdown_at"`
	LameDuckAt time.Time `json:"lame_duck_at"`
	// LostAt is since when no peer hears the server: its rows age from then on,
	// and leaders elected later have never heard it (active 0, nats-facts 0.2).
	LostAt time.Time `json:"lost_at"`
	// MetaActive is since when the meta leader has not heard from the server,
	// zero for a healthy one; Removed takes it out of the meta group.
	MetaActive time.Duration `json:"meta_active"`
	Removed    bool          `json:"removed"`
	// NoRouteTo are servers of the cluster to which there is no route.
	NoRouteTo []string `json:"no_route_to"`

	Vars     wire.VARZ                     `json:"vars"`
	Disabled bool                          `json:"jetstream_disabled"`
	Leafs    []wire.LeafInfo               `json:"leafs"`
	Gateways map[string]wire.RemoteGateway `json:"gateways"`
	Health   wire.HEALTHZ                  `json:"health"`
}

// Stream is one stream of a world.
type Stream struct {
	System  string `json:"-"`
	Domain  string `json:"-"`
	Account string `json:"-"`
	Name    string `json:"-"`

	Config  wire.StreamConfig `json:"config"`
	Created time.Time         `json:"created"`
	// Rate is how many messages per second the stream stores.
	Rate  float64          `json:"rate"`
	State wire.StreamState `json:"state"`

	Leader      string    `json:"leader"` // "" is none
	LeaderSince time.Time `json:"leader_since"`
	// Replicas by server, in the order of the servers' names.
	Replicas []*Replica `json:"replicas"`
	// Deleted streams are listed by nobody.
	Deleted bool `json:"deleted"`

	Mirror    *wire.SourceInfo    `json:"mirror"`
	Sources   []wire.SourceInfo   `json:"sources"`
	Consumers []wire.ConsumerInfo `json:"consumers"`
	Direct    []wire.ConsumerInfo `json:"direct"`
}

// Replica is one replica of a stream, as its server lists it and as the leader
// sees it.
type Replica struct {
	Server string `json:"server"`

	Current bool          `json:"current"`
	Offline bool          `json:"offline"`
	Active  time.Duration `json:"active"`
	Lag     uint64        `json:"lag"`
	// Says is whom this replica names as leader, if that differs: a name, or "-"
	// for nobody.
	Says string `json:"says"`
	// Unmet replicas are on a server that their peers have not met since they
	// started, so they have no name for it.
	Unmet bool `json:"unmet"`
	// Unlisted replicas are missing from their server's answer.
	Unlisted bool `json:"unlisted"`
}

// Advance moves the world on: streams store messages at their rate.
func (w *World) Advance(d time.Duration) {
	w.Now = w.Now.Add(d)
	for _, s := range w.Streams {
		n := uint64(s.Rate * d.Seconds())
		if n == 0 {
			continue
		}
		s.State.LastSeq += n
		s.State.Msgs += n
		s.State.Bytes += n * 100
		s.State.LastTime = w.Now
		for i := range s.Consumers {
			s.Consumers[i].Delivered.Stream = s.State.LastSeq
			s.Consumers[i].Delivered.Consumer += n
			s.Consumers[i].AckFloor = s.Consumers[i].Delivered
		}
		for i := range s.Direct {
			// Past a filter the stream position moves on, nothing is delivered.
			s.Direct[i].Delivered.Stream = s.State.LastSeq
			if s.Direct[i].Config.FilterSubject == "" {
				s.Direct[i].Delivered.Consumer += n
			}
		}
	}
}

// View says which answers of a world an epoch is to contain. The zero View is
// everything.
type View struct {
	// Drop says whether a question to a server is to be left unanswered.
	Drop func(server *Server, q epoch.Question) bool
	// Shuffle turns the order of all that is added around.
	Shuffle bool
}

// Epoch builds the next epoch of the world and remembers it as the previous
// one.
func (w *World) Epoch() *epoch.Epoch {
	w.prev = w.Look(w.prev, View{})
	return w.prev
}

// Look builds an epoch after prev, seen through a view.
func (w *World) Look(prev *epoch.Epoch, view View) *epoch.Epoch {
	b := epoch.NewBuilder(prev, w.Now.Add(-100*time.Millisecond))
	systems := map[string]*epoch.SystemBuilder{}
	for _, name := range w.systemNames() {
		systems[name] = b.System(name)
	}
	servers := slices.Clone(w.Servers)
	if view.Shuffle {
		slices.Reverse(servers)
	}
	for _, s := range servers {
		if s.Unnamed {
			continue
		}
		if s.Unreachable {
			systems[s.System].Blind("no connection")
		}
		w.answer(systems[s.System], s, view)
	}
	return b.Build(w.Now)
}

func (w *World) systemNames() []string {
	names := map[string]bool{}
	for _, s := range w.Servers {
		names[s.System] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func (w *World) answer(b *epoch.SystemBuilder, s *Server, view View) {
	server := b.Server(s.Name)
	server.ID, server.Cluster, server.Domain, server.Host, server.Version = s.ID, s.Cluster, s.Domain, s.Host, s.Version
	server.HasJetStream = true
	server.ShutdownAt, server.LameDuckAt = s.ShutdownAt, s.LameDuckAt
	for _, q := range epoch.Questions {
		outcome := s.outcome(q, view)
		server.Coverage[q] = epoch.Answer{Outcome: outcome, Took: 3 * time.Millisecond}
		if outcome == epoch.Answered {
			server.Coverage[q].At = w.Now
			server.HeardAt = w.Now
		}
	}
	if server.Answered(epoch.Varz) {
		vars := s.Vars
		vars.Now, vars.Name, vars.Version = w.Now, s.Name, s.Version
		server.Vars = &vars
	}
	if server.Answered(epoch.Statsz) {
		server.Stats = &wire.STATSZ{Start: s.Vars.Start}
	}
	if server.Answered(epoch.Healthz) {
		health := s.Health
		server.Health = &health
	}
	if server.Answered(epoch.Routez) {
		server.Routes = &wire.ROUTEZ{Now: w.Now, Routes: w.routes(s)}
	}
	if server.Answered(epoch.Gatewayz) {
		server.Gateways = &wire.GATEWAYZ{Now: w.Now, Outbound: maps.Clone(s.Gateways)}
	}
	if server.Answered(epoch.Leafz) {
		server.Leafs = &wire.LEAFZ{Now: w.Now, Leafs: slices.Clone(s.Leafs)}
	}
	if server.Answered(epoch.Jsz) {
		w.answerJetStream(b, server, s, view)
	}
}

func (s *Server) outcome(q epoch.Question, view View) epoch.Outcome {
	switch {
	case s.Unreachable:
		return epoch.Unreachable
	case s.Silent && q == epoch.Varz:
		return epoch.TimedOut
	case s.Silent:
		return epoch.Skipped
	case view.Drop != nil && view.Drop(s, q):
		return epoch.TimedOut
	case slices.Contains(s.Refuses, q.String()):
		return epoch.Refused
	case slices.Contains(s.TimesOut, q.String()):
		return epoch.TimedOut
	case slices.Contains(s.CutsShort, q.String()):
		return epoch.CutShort
	}
	return epoch.Answered
}

func (w *World) routes(s *Server) []wire.RouteInfo {
	var routes []wire.RouteInfo
	for _, other := range w.Servers {
		if other != s && other.System == s.System && other.Cluster == s.Cluster && !slices.Contains(s.NoRouteTo, other.Name) {
			routes = append(routes, wire.RouteInfo{RemoteName: other.Name, RemoteID: other.ID})
		}
	}
	return routes
}

func (w *World) answerJetStream(b *epoch.SystemBuilder, server *epoch.Server, s *Server, view View) {
	js := &epoch.JetStream{At: w.Now, Disabled: s.Disabled}
	server.JetStream = js
	if s.Disabled {
		return
	}
	js.Meta = w.meta(s)
	streams := slices.Clone(w.Streams)
	if view.Shuffle {
		slices.Reverse(streams)
	}
	for _, stream := range streams {
		if stream.System != s.System || stream.Domain != s.Domain || stream.Deleted {
			continue
		}
		for _, r := range stream.Replicas {
			if r.Server == s.Name && !r.Unlisted {
				js.Streams++
				account := &wire.AccountDetail{Name: stream.Account, ID: stream.Account}
				b.Stream(server, account, w.Now, stream.detail(w, r, view))
			}
		}
	}
}

// meta is the meta group of a server's domain. The first server by name that is
// not silent leads it.
func (w *World) meta(s *Server) *wire.MetaCluster {
	var members []*Server
	for _, other := range w.Servers {
		if other.System == s.System && other.Domain == s.Domain && !other.Removed {
			members = append(members, other)
		}
	}
	if len(members) < 2 {
		return nil
	}
	meta := &wire.MetaCluster{Name: s.Cluster, Size: len(members)}
	for _, m := range members {
		if !m.Silent && meta.Leader == "" {
			meta.Leader = m.Name
		}
	}
	for _, m := range members {
		if m.Name == s.Name {
			continue
		}
		peer := wire.PeerInfo{Name: m.Name, Current: !m.Silent, Active: 300 * time.Millisecond}
		if m.MetaActive != 0 {
			peer.Active = m.MetaActive
		} else if m.Silent {
			peer.Active = 0
		}
		if !m.LostAt.IsZero() {
			peer.Current, peer.Active = false, w.Now.Sub(m.LostAt)
		}
		meta.Replicas = append(meta.Replicas, peer)
	}
	return meta
}

func (s *Stream) detail(w *World, r *Replica, view View) *wire.StreamDetail {
	config := s.Config
	config.Metadata = maps.Clone(s.Config.Metadata)
	d := &wire.StreamDetail{Name: s.Name, Created: s.Created, Config: &config, State: s.State}
	leader := s.Leader
	switch {
	case r.Says == "-":
		leader = ""
	case r.Says != "":
		leader = r.Says
	}
	d.Cluster = &wire.ClusterInfo{Leader: leader, RaftGroup: "S-" + s.Name}
	if leader == r.Server {
		since := s.LeaderSince
		d.Cluster.LeaderSince = &since
		d.Mirror, d.Sources = s.Mirror, s.Sources
		d.DirectConsumers = slices.Clone(s.Direct)
	}
	d.Consumers = slices.Clone(s.Consumers)
	for i := range d.Consumers {
		d.Consumers[i].Cluster = &wire.ClusterInfo{Leader: s.Leader}
	}
	for _, other := range s.Replicas {
		if other == r {
			continue
		}
		peer := wire.PeerInfo{Name: other.Server, Current: other.Current, Offline: other.Offline, Active: other.Active, Lag: other.Lag}
		if host := w.Server(s.System, other.Server); host != nil && !host.LostAt.IsZero() {
			peer.Current, peer.Active = false, w.Now.Sub(host.LostAt)
			if s.LeaderSince.After(host.LostAt) {
				peer.Active = 0
			}
		}
		if leader != r.Server {
			peer = wire.PeerInfo{Name: other.Server} // a follower's rows mean nothing
		}
		if other.Unmet {
			peer.Name = "Server name unknown at this time (peerID: " + other.Server + ")"
		}
		d.Cluster.Replicas = append(d.Cluster.Replicas, peer)
	}
	if view.Shuffle {
		slices.Reverse(d.Cluster.Replicas)
		slices.Reverse(d.Consumers)
	}
	return d
}

// Server gives a server by name; system may be empty where the name is unique.
func (w *World) Server(system, name string) *Server {
	for _, s := range w.Servers {
		if s.Name == name && (system == "" || s.System == system) {
			return s
		}
	}
	return nil
}

// Stream gives the stream that a reference speaks of, whatever its domain.
func (w *World) Stream(ref entity.Ref) *Stream {
	for _, s := range w.Streams {
		if s.System == ref.System && s.Account == ref.Account && s.Name == ref.Stream {
			return s
		}
	}
	return nil
}

// Ref is the stream's identity in the epochs of this world.
func (s *Stream) Ref() entity.Ref { return entity.OfStream(s.System, s.Domain, s.Account, s.Name) }

// Replica gives the replica on a server, or nil.
func (s *Stream) Replica(server string) *Replica {
	for _, r := range s.Replicas {
		if r.Server == server {
			return r
		}
	}
	return nil
}

// Shift moves every time in the world.
func (w *World) Shift(d time.Duration) {
	w.Now = w.Now.Add(d)
	shift := func(t *time.Time) {
		if t != nil && !t.IsZero() {
			*t = t.Add(d)
		}
	}
	for _, s := range w.Servers {
		shift(&s.Vars.Start)
		shift(&s.ShutdownAt)
		shift(&s.LameDuckAt)
		shift(&s.LostAt)
	}
	for _, s := range w.Streams {
		shift(&s.Created)
		shift(&s.LeaderSince)
		shift(&s.State.FirstTime)
		shift(&s.State.LastTime)
		for i := range s.Direct {
			shift(&s.Direct[i].Created)
		}
	}
}

// String names the world's content, for messages.
func (w *World) String() string {
	var names []string
	for _, s := range w.Streams {
		names = append(names, s.Ref().String())
	}
	return fmt.Sprintf("%d servers, streams %s", len(w.Servers), strings.Join(names, " "))
}

// addLike adds a stream under a reference of its own, such as a namesake in
// another account, that begins as a copy of an existing one on its servers.
func (w *World) addLike(text, model string) error {
	ref, err := entity.Parse(text)
	if err != nil {
		return err
	}
	like, err := entity.Parse(model)
	if err != nil {
		return err
	}
	old := w.Stream(like)
	if old == nil || w.Stream(ref) != nil {
		return fmt.Errorf("%s must be in the world, %s must not: it has %s", model, text, w)
	}
	s := *old
	s.Account, s.Name, s.Config.Name = ref.Account, ref.Stream, ref.Stream
	s.Config.Metadata = maps.Clone(old.Config.Metadata)
	s.Consumers, s.Direct, s.Sources = nil, nil, nil
	s.Replicas = nil
	for _, r := range old.Replicas {
		replica := *r
		s.Replicas = append(s.Replicas, &replica)
	}
	w.Streams = append(w.Streams, &s)
	return nil
}
