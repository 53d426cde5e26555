// Package replica holds the checks of single replicas of streams, judged by the
// leader's row of them: a follower's view of its peers means nothing
// (raft.go:2550, nats-server v2.15.2).
package replica

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/epoch"
	"rollcall/internal/quorum"
)

// Family is the family of replica checks.
var Family = check.Family{Name: "replica"}

// standing says how the stream of a replica stands, as evidence and as words.
func standing(p *check.Pass, r check.Replica) (quorum.Standing, check.Evidence) {
	s := quorum.Of(p.Cur, r.System, r.Stream)
	return s, check.Evidence{Name: "members taking part", Value: s.Alive, Unit: fmt.Sprintf("of %d", s.Size), Threshold: s.Needed, From: r.Led.Server}
}

// ladder is what to do about a replica that does not take part, in order.
func ladder(r check.Replica, peer *epoch.Peer) []check.Step {
	stream := r.Stream.Name
	return []check.Step{
		{Say: "Confirm: active of each replica, a healthy one is below a second.", Run: "nats stream info " + stream, Risk: check.Safe},
		{Say: "See whether its server answers and what else it holds.", Run: "nats server info " + peer.Name, Risk: check.Safe},
		{Say: "Restart its server; the replica catches up by itself.", Run: "systemctl restart nats-server   # on " + peer.Name, Risk: check.Careful},
		{Say: "If it will not come back soon: remove the replica, a new one is placed on a healthy server.", Run: "nats stream cluster peer-remove " + stream + " " + peer.Name, Risk: check.Disruptive},
	}
}
