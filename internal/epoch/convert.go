package epoch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"rollcall/internal/wire"
)

// directReliable says whether a server version lists a stream's internal
// consumers correctly: before 2.14.3 the list repeats public ones, before 2.11
// there is none (nats-facts 1).
func directReliable(version string) bool { return AtLeast(version, "2.14.3") }

// AtLeast says whether a nats-server version, such as "2.12.4" or
// "2.15.0-RC.1", is at least the given one. An unreadable version is not.
func AtLeast(version, least string) bool {
	return semver.IsValid("v"+version) && semver.Compare("v"+version, "v"+least) >= 0
}

func viewOf(server string, at time.Time, d *wire.StreamDetail) View {
	v := View{
		Server: server, At: at,
		State: State{
			Msgs: d.State.Msgs, Bytes: d.State.Bytes,
			FirstSeq: d.State.FirstSeq, FirstTS: d.State.FirstTime,
			LastSeq: d.State.LastSeq, LastTS: d.State.LastTime,
			NumSubjects: d.State.NumSubjects, NumDeleted: d.State.NumDeleted,
		},
	}
	if d.Cluster == nil {
		v.Leader = server // outside a cluster a server leads what it has
	} else {
		v.Leader, v.RaftGroup, v.Cluster = d.Cluster.Leader, d.Cluster.RaftGroup, d.Cluster.Name
		if d.Cluster.LeaderSince != nil {
			v.LeaderSince = *d.Cluster.LeaderSince
		}
		v.Peers = peersOf(d.Cluster.Replicas)
	}
	if d.Mirror != nil {
		c := copyingOf(d.Mirror)
		v.Mirror = &c
	}
	for i := range d.Sources {
		v.Sources = append(v.Sources, copyingOf(&d.Sources[i]))
	}
	return v
}

func peersOf(replicas []wire.PeerInfo) []Peer {
	if len(replicas) == 0 {
		return nil
	}
	peers := make([]Peer, 0, len(replicas))
	for i := range replicas {
		r := &replicas[i]
		peers = append(peers, Peer{Name: r.Name, Current: r.Current, Offline: r.Offline, Active: r.Active, Lag: r.Lag})
	}
	slices.SortFunc(peers, func(a, b Peer) int { return strings.Compare(a.Name, b.Name) })
	return peers
}

func copyingOf(info *wire.SourceInfo) Copying {
	c := Copying{Name: info.Name, Lag: info.Lag, Active: info.Active, Seq: info.Seq, Error: info.Error}
	if info.External != nil {
		c.API = info.External.APIPrefix
	}
	return c
}

func consumersOf(server string, at time.Time, infos []wire.ConsumerInfo) []Consumer {
	if len(infos) == 0 {
		return nil
	}
	consumers := make([]Consumer, 0, len(infos))
	for i := range infos {
		c := &infos[i]
		consumer := Consumer{
			Name: c.Name, Server: server, Leader: server, Created: c.Created, At: at, Config: c.Config,
			Delivered: c.Delivered, AckFloor: c.AckFloor,
			Pending: c.NumPending, AckPending: c.NumAckPending, Redelivered: c.NumRedelivered, Waiting: c.NumWaiting,
			PushBound: c.PushBound, Paused: c.Paused,
		}
		if c.Cluster != nil {
			consumer.Leader, consumer.Peers = c.Cluster.Leader, peersOf(c.Cluster.Replicas)
		}
		consumers = append(consumers, consumer)
	}
	slices.SortFunc(consumers, func(a, b Consumer) int { return strings.Compare(a.Name, b.Name) })
	return consumers
}

// bestConsumers keeps one row for each consumer: the newest that its leader
// gave, else the first by server name.
func bestConsumers(rows []Consumer) []Consumer {
	slices.SortFunc(rows, func(a, b Consumer) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if la, lb := a.Leader == a.Server, b.Leader == b.Server; la != lb {
			if la {
				return -1
			}
			return 1
		}
		return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Server, b.Server))
	})
	// A copy, because what is dropped here is most of the rows, and epochs are kept.
	return slices.Clone(slices.CompactFunc(rows, func(a, b Consumer) bool { return a.Name == b.Name }))
}

// JetStreamOf takes the part of a JSZ answer that speaks of the server's
// JetStream as a whole.
func JetStreamOf(z *wire.JSZ) *JetStream {
	return &JetStream{
		At: z.Now, Disabled: z.Disabled,
		Streams: z.Streams, Consumers: z.Consumers, Memory: z.Memory, Storage: z.Store,
		Reserved: Reserved{Memory: z.ReservedMemory, Storage: z.ReservedStore},
		Config:   z.Config, Meta: z.Meta,
	}
}
