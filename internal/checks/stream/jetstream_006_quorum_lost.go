package stream

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quorum"
)

// electionTime is how long a group may be without a leader in the normal course
// of things: elections take 4 to 9 s (raft.go, nats-server v2.15.2).
const electionTime = 10 * time.Second

// QuorumLost is JETSTREAM_006.
var QuorumLost = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_006",
	Aliases:  []string{"JETSTREAM_008"},
	Title:    "Stream Quorum Lost",
	Severity: check.Critical,
	Category: check.Health,
	Entity:   entity.Stream,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{server.Silent},
	Doc: check.Doc{
		Means:   "A replicated stream has fewer members taking part than a majority (size/2+1), or it has no leader while a server that holds a replica is silent. A stream of two replicas loses its majority with one, one of four with two.",
		Matters: "Without a majority nothing can be published, no consumer state moves and acknowledgements are not stored. Publishers see errors or time-outs; messages they do not keep are lost. The server's own health endpoint stays at ok through all of this.",
		Causes: []string{
			"Servers are down or cut off: see the SERVER_021 findings.",
			"A partition: the members are alive but do not reach each other.",
			"Members hang on stalled disks.",
			"An even number of replicas: two replicas tolerate no failure at all.",
		},
		Diagnose: []check.Step{
			{Say: "See leader and members with their last contact; without quorum this times out.", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "See which servers are missing.", Run: "nats server report jetstream", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Bring back one of the missing servers: quorum returns with it.", Run: "systemctl restart nats-server", Risk: check.Careful},
			{Say: "If a server is lost for good while the meta group still has its own quorum: remove it, and its replicas are placed elsewhere.", Run: "nats server cluster peer-remove SERVER", Risk: check.Disruptive},
			{Say: "Only if no member can ever come back: restore the stream from a backup.", Run: "nats stream restore BACKUP", Risk: check.Destroys},
		},
		Prevent: []string{
			"Three or five replicas, in different failure domains.",
			"Act on JETSTREAM_023 and SERVER_021 while there is still a margin.",
		},
		FalsePositives: "An election takes 4 to 9 s and does not fire: a stream without a leader must stay so for 10 s.",
		Questions: []check.QA{
			{Question: "Is data lost?", Answer: "What was acknowledged is stored by a majority and comes back with it. What publishers could not publish is lost unless they kept it."},
			{Question: "Why do the servers themselves not report it?", Answer: "They publish a quorum-lost advisory after 7 to 19 s, to listeners only. The replica rows from which it could be read vanish with the leader; rollcall combines them with its own hearing."},
		},
	},
	Opens:  "fewer than size/2+1 members take part in two consecutive epochs, or no leader for 10 s while a member's server is silent.",
	Clears: "a leader answers and a majority takes part.",
	Blind:  "a stream nobody ever listed; members that answer but do not reach each other before the leader steps down (10 to 14 s).",
	Run: func(p *check.Pass, _ struct{}) {
		for system, stream := range p.AllStreams() {
			if stream.Replicas() < 2 {
				continue
			}
			if o, bad := observeQuorum(p, system, stream); bad {
				p.Bad(o)
			} else if stream.Led() == nil {
				p.Unknown(stream.Ref(), check.WhyUnled(system, stream))
			}
		}
	},
})

func observeQuorum(p *check.Pass, system *epoch.System, stream *epoch.Stream) (check.Observation, bool) {
	standing := quorum.Of(p.Cur, system, stream)
	leaderless := standing.Leader == "" && len(standing.Lost) > 0 && someoneKnowsNoLeader(stream)
	if standing.Has() && !leaderless {
		return check.Observation{}, false
	}
	name := stream.Account + "/" + stream.Name
	o := check.Observation{
		Ref: stream.Ref(), Hold: nextEpoch,
		Evidence: []check.Evidence{
			{Name: "members taking part", Value: standing.Alive, Unit: "servers", Threshold: standing.Needed},
			{Name: "members", Value: standing.Size, Unit: "servers"},
			{Name: "not heard", Value: strings.Join(standing.Lost, ", ")},
			{Name: "leader", Value: leaderName(standing.Leader)},
		},
		Impact: "Publishing to " + stream.Name + " is refused and its consumers stand still until a majority is back.",
		Fix:    quorumFixes(stream, standing),
	}
	if standing.Has() {
		o.Hold = electionTime
		o.Summary = fmt.Sprintf("%s has no leader, so publishing has stopped; %s silent, %d of %d members are alive",
			name, isAre(standing.Lost), standing.Alive, standing.Size)
	} else {
		o.Summary = fmt.Sprintf("%s has lost quorum: %d of %d members take part, %d are needed; missing: %s",
			name, standing.Alive, standing.Size, standing.Needed, strings.Join(standing.Lost, ", "))
	}
	for _, lost := range standing.Lost {
		o.Under = append(o.Under, entity.OfServer(system.Name, lost))
	}
	return o, true
}

func quorumFixes(stream *epoch.Stream, standing quorum.Standing) []check.Step {
	steps := []check.Step{
		{Say: "Confirm: without quorum this shows no leader or times out.", Run: "nats stream info " + stream.Name, Risk: check.Safe},
	}
	for _, lost := range standing.Lost {
		if !epoch.IsServerName(lost) {
			steps = append(steps, check.Step{Say: "Find the member that no server has met since its start: replaced, or removed without its replicas.", Run: "nats server report jetstream", Risk: check.Safe})
			continue
		}
		steps = append(steps,
			check.Step{Say: "Bring back " + lost + ": quorum returns with the first that does.", Run: "systemctl restart nats-server   # on " + lost, Risk: check.Careful},
			check.Step{Say: "If " + lost + " is lost for good, and the meta group still has a leader: remove it, so that its replicas are placed elsewhere.", Run: "nats server cluster peer-remove " + lost, Risk: check.Disruptive})
	}
	return steps
}

// someoneKnowsNoLeader says whether a server that holds the stream sees no
// leader. When the one leader that they name did not answer us, it may still
// lead.
func someoneKnowsNoLeader(stream *epoch.Stream) bool {
	for i := range stream.Views {
		if stream.Views[i].Leader == "" {
			return true
		}
	}
	return false
}

func leaderName(leader string) string {
	if leader == "" {
		return "none answered"
	}
	return leader
}

func isAre(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, ", ") + " are"
}
