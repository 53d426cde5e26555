// Package quorum says whether a replicated stream still has a majority, and how
// much it can lose. It combines what the leader says of its peers with what the
// auditor heard itself, because the leader's words vanish exactly when quorum
// is really gone.
package quorum

import (
	"fmt"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/quantity"
)

// lostAfter is the silence after which raft itself counts a peer as lost for
// quorum (raft.go lostQuorumInterval, nats-server v2.15.2).
const lostAfter = 10 * time.Second

// Standing is the majority of one stream in one epoch.
type Standing struct {
	Size   int      // members of the group
	Needed int      // Size/2+1
	Alive  int      // members known or believed to take part
	Lost   []string // servers of the members that do not
	Leader string   // the leader that answered; "" if none did
}

// Of works out the standing of a stream.
func Of(e *epoch.Epoch, system *epoch.System, stream *epoch.Stream) Standing {
	s := Standing{Size: max(len(stream.Servers), stream.Replicas())}
	s.Needed = s.Size/2 + 1
	led := stream.Led()
	if led != nil {
		s.Leader = led.Server
	}
	if led == nil {
		for _, name := range stream.Servers {
			if server := system.Server(name); server != nil && (Silent(e, server) || server.JetStream != nil && server.JetStream.Disabled) {
				s.Lost = append(s.Lost, name)
			}
		}
		s.Alive = s.Size - len(s.Lost)
		return s
	}
	// The leader's rows are the group: also members whose server nobody has met,
	// and not the places that no server fills.
	for i := range led.Peers {
		if lost(led, &led.Peers[i]) || longSilent(e, system.Server(led.Peers[i].Name)) {
			s.Lost = append(s.Lost, led.Peers[i].Name)
		}
	}
	s.Size = 1 + len(led.Peers)
	s.Needed = s.Size/2 + 1
	s.Alive = s.Size - len(s.Lost)
	return s
}

// lost says whether a leader has lost a member, in its own words.
func lost(led *epoch.View, peer *epoch.Peer) bool {
	seen, known := Unseen(led, peer)
	return peer.Offline || known && seen > lostAfter
}

// longSilent says whether a server has been silent for so long that raft has
// lost it, whatever a new leader says that never heard from it.
func longSilent(e *epoch.Epoch, server *epoch.Server) bool {
	return server != nil && Silent(e, server) && !server.LastHeard().IsZero() && e.FinishedAt.Sub(server.LastHeard()) > lostAfter
}

// peerHearing is how recently a peer must have heard a server for the server to
// count as alive although it answers the audit nothing: three raft heartbeats.
const peerHearing = 3 * time.Second

// PeersHear says whether another server hears the server now. One that answers
// the audit nothing is then a gap in the audit, not a silent server. What peers
// heard before it announced its shutdown does not count.
func PeersHear(e *epoch.Epoch, server *epoch.Server) bool {
	return server.ShutdownAt.IsZero() && e.FinishedAt.Sub(server.PeersHeardAt) < peerHearing
}

// Silent says whether nobody hears the server, neither the auditor, which had a
// way to ask it, nor its peers.
func Silent(e *epoch.Epoch, server *epoch.Server) bool {
	asked := server.Asked() || server.NamedBy != ""
	return asked && server.Coverage[epoch.Varz].Outcome != epoch.Unreachable && !server.Heard(e) && !PeersHear(e, server)
}

// Unseen is how long the leader has not heard from a peer. Active 0 without
// being current means "never" (nats-facts 0.2): then it is the time since the
// leader took over or since an earlier epoch saw the peer, whichever is later;
// but where an earlier leader had lost the peer already, its silence goes on.
// It is not known where only one epoch says so, because a busy healthy peer
// looks the same for an instant (jetstream_cluster.go:14085).
func Unseen(led *epoch.View, peer *epoch.Peer) (unseen time.Duration, known bool) {
	if peer.Active > 0 || peer.Current {
		return peer.Active, true
	}
	since := led.LeaderSince
	if peer.HeardAt.After(since) || peer.LostBefore {
		since = peer.HeardAt
	}
	return led.At.Sub(since), peer.Unheard >= 2
}

// Has says whether there is a majority.
func (s Standing) Has() bool { return s.Alive >= s.Needed }

// Margin is how many more members can be lost before the majority is;
// negative when it is lost already.
func (s Standing) Margin() int { return s.Alive - s.Needed }

// String says it in words: "2 of 3 members take part (2 needed): one more
// failure and publishing stops".
func (s Standing) String() string {
	head := fmt.Sprintf("%d of %d members take part (%d needed)", s.Alive, s.Size, s.Needed)
	switch margin := s.Margin(); {
	case margin < 0:
		return head + ": quorum is lost, publishing is refused"
	case margin == 0:
		return head + ": one more failure and publishing stops"
	default:
		return head + ": it survives " + quantity.Of(margin, "more failure")
	}
}
