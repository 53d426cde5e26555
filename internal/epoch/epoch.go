package epoch

import (
	"slices"
	"strings"
	"time"

	"rollcall/internal/entity"
)

// Epoch is one snapshot of all audited systems. It is immutable; everything
// that judges it takes "now" from FinishedAt.
type Epoch struct {
	ID         uint64    `json:"id"`
	StartedAt  time.Time `json:"started_at"`  // auditor's clock
	FinishedAt time.Time `json:"finished_at"` // auditor's clock
	Systems    []*System `json:"systems"`     // sorted by name
}

// System is one NATS system: what one system account sees directly.
type System struct {
	Name string `json:"name"`
	// Blind says why the auditor had no connection to the system in this epoch;
	// empty if it had one.
	Blind   string    `json:"blind,omitempty"`
	Servers []*Server `json:"servers"` // sorted by name
	Streams []*Stream `json:"streams"` // sorted by domain, account, name

	servers map[string]*Server
	streams map[StreamKey]*Stream
}

// System gives a system by name, or nil.
func (e *Epoch) System(name string) *System {
	if e == nil {
		return nil
	}
	for _, s := range e.Systems {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Server gives a server by name, or nil.
func (s *System) Server(name string) *Server {
	if s == nil {
		return nil
	}
	return s.servers[name]
}

// Stream gives a stream by key, or nil.
func (s *System) Stream(key StreamKey) *Stream {
	if s == nil {
		return nil
	}
	return s.streams[key]
}

// Clusters lists the names of the system's clusters, sorted; servers outside
// any cluster are not counted.
func (s *System) Clusters() []string {
	var names []string
	for _, server := range s.Servers {
		if server.Cluster != "" && !slices.Contains(names, server.Cluster) {
			names = append(names, server.Cluster)
		}
	}
	slices.Sort(names)
	return names
}

// Find gives the stream that a reference to a stream, or to something that
// belongs to one, speaks of; nil if this epoch does not know it.
func (e *Epoch) Find(ref entity.Ref) *Stream {
	return e.System(ref.System).Stream(StreamKey{Domain: ref.Domain, Account: ref.Account, Name: ref.Stream})
}

// Has says whether the epoch knows the entity, seen or remembered. False means
// that it is gone by authority, or never was.
func (e *Epoch) Has(ref entity.Ref) bool {
	system := e.System(ref.System)
	if system == nil {
		return false
	}
	switch ref.Kind {
	case entity.System:
		return true
	case entity.Server:
		return system.Server(ref.Server) != nil
	}
	stream := e.Find(ref)
	if stream == nil {
		return false
	}
	switch ref.Kind {
	case entity.Replica:
		return slices.Contains(stream.Servers, ref.Server)
	case entity.Mirror:
		return stream.IsMirror()
	case entity.Source:
		return slices.ContainsFunc(stream.Upstreams, func(u Upstream) bool { return u.Origin == ref.Origin })
	case entity.Consumer:
		// Consumers are known only through their stream's answers: while nobody
		// lists the stream, a consumer is unknown, not gone.
		return len(stream.Views) == 0 || stream.Consumer(ref.Consumer) != nil
	}
	return true
}

// Consumer gives a consumer by name, or nil.
func (s *Stream) Consumer(name string) *Consumer {
	i, ok := slices.BinarySearchFunc(s.Consumers, name, func(c Consumer, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return nil
	}
	return &s.Consumers[i]
}

// Coverage counts the questions that were asked and answered, and lists the
// gaps, sorted by system, server and question.
func (e *Epoch) Coverage() (asked, answered int, gaps []Gap) {
	for _, system := range e.Systems {
		for _, server := range system.Servers {
			for q, answer := range server.Coverage {
				switch answer.Outcome {
				case NotAsked:
					continue
				case Answered:
					answered++
				default:
					gaps = append(gaps, Gap{System: system.Name, Server: server.Name, Question: Question(q), Answer: answer})
				}
				asked++
			}
		}
	}
	return asked, answered, gaps
}

// Counts gives how many streams and consumers the system has as far as known.
func (s *System) Counts() (streams, consumers int) {
	for _, stream := range s.Streams {
		consumers += len(stream.Consumers)
	}
	return len(s.Streams), consumers
}

// link rebuilds what is derived: back references, indexes and leaders.
func (e *Epoch) link() {
	for _, system := range e.Systems {
		system.servers = make(map[string]*Server, len(system.Servers))
		for _, server := range system.Servers {
			server.System = system.Name
			system.servers[server.Name] = server
		}
		system.streams = make(map[StreamKey]*Stream, len(system.Streams))
		for _, stream := range system.Streams {
			stream.System = system.Name
			stream.leader = leaderOf(stream.Views)
			system.streams[stream.StreamKey] = stream
		}
	}
}

// leaderOf finds the view of the server that says of itself that it leads. A
// frozen leader that wakes up can claim a leadership that has passed on, hence
// the latest claim wins.
func leaderOf(views []View) int {
	leader := -1
	for i := range views {
		if views[i].Leader != views[i].Server {
			continue
		}
		if leader < 0 || views[i].LeaderSince.After(views[leader].LeaderSince) {
			leader = i
		}
	}
	return leader
}

func compareKeys(a, b StreamKey) int {
	if c := strings.Compare(a.Domain, b.Domain); c != 0 {
		return c
	}
	if c := strings.Compare(a.Account, b.Account); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}
