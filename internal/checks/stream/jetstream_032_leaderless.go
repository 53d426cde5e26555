package stream

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/quorum"
)

type leaderless struct {
	LeaderlessFor time.Duration `name:"leaderless_for" default:"10s" min:"1s" max:"1h" doc:"How long no server must have claimed to lead the stream. An election takes 4 to 9 s."`
}

// Leaderless is JETSTREAM_032.
var Leaderless = check.Define(&Family, check.Spec[leaderless]{
	Code:     "JETSTREAM_032",
	Title:    "Stream Leaderless",
	Severity: check.Critical,
	Category: check.Health,
	Entity:   entity.Stream,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{QuorumLost},
	Doc: check.Doc{
		Means:   "Servers list the stream, and none of them leads it: a replica says that it knows no leader, or the server that they name as leader answers and does not claim to be.",
		Matters: "A stream without a leader takes no messages and delivers none. Requests that only list leaders leave it out, so it disappears from reports at the moment it breaks.",
		Causes: []string{
			"Lost quorum (JETSTREAM_006) masks this finding where it is the cause.",
			"Replicas cannot agree: a damaged raft log, disks that do not answer, replicas of different membership after an interrupted move.",
			"A partition between servers that all answer the audit.",
		},
		Diagnose: []check.Step{
			{Say: "See which servers list the stream and whom they name.", Run: "nats server request jetstream --streams --account ACCOUNT --all", Risk: check.Safe},
			{Say: "Look for raft errors in the logs of its servers.", Run: "journalctl -u nats-server | grep -i 'raft\\|STREAM'", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Restart the servers of the stream one at a time, waiting for each to be healthy.", Run: "systemctl restart nats-server", Risk: check.Disruptive},
			{Say: "If one replica is damaged, remove it from the stream; a new one is placed and filled from the others.", Run: "nats stream cluster peer-remove STREAM SERVER", Risk: check.Disruptive},
		},
		Prevent:        []string{"Odd numbers of replicas in different failure domains.", "Current server versions: several leader election defects were fixed in 2.10 and 2.11."},
		FalsePositives: "An ordinary election does not last `leaderless_for`. Where the leader that everybody names did not answer the audit, the stream is unknown, not leaderless.",
		Questions:      []check.QA{{Question: "How does it differ from JETSTREAM_006?", Answer: "There, too few members are alive. Here they are alive and do not agree."}},
	},
	Opens:  "for longer than leaderless_for no server that lists the stream leads it, and none names a leader that might.",
	Clears: "a server claims to lead it.",
	Blind:  "a stream whose named leader does not answer the audit; that is unknown until the others give it up.",
	Run: func(p *check.Pass, t leaderless) {
		for system, stream := range p.AllStreams() {
			if stream.Led() != nil {
				continue
			}
			if len(stream.Views) == 0 || leaderMayExist(p.Cur, system, stream) {
				p.Unknown(stream.Ref(), check.WhyUnled(system, stream))
				continue
			}
			p.Bad(check.Observation{
				Ref: stream.Ref(), Hold: t.LeaderlessFor,
				Summary: fmt.Sprintf("%s/%s has no leader: %s and none leads", stream.Account, stream.Name, listers(stream)),
				Evidence: []check.Evidence{
					{Name: "servers that list it", Value: len(stream.Views), Unit: "servers"},
					{Name: "named as leader", Value: namedLeaders(stream)},
				},
				Impact: "Nothing can be published to " + stream.Name + " and nothing is delivered from it.",
				Fix: []check.Step{
					{Say: "Confirm: a stream without a leader times out here.", Run: "nats stream info " + stream.Name, Risk: check.Safe},
					{Say: "Ask for an election by restarting one of its servers, then the next.", Run: "systemctl restart nats-server   # on " + stream.Views[0].Server, Risk: check.Disruptive},
				},
			})
		}
	},
})

// leaderMayExist says whether a server that is named as leader may lead without
// our knowing: it is alive and did not answer the audit; or it is silent and
// nobody who lists the stream has given it up yet.
func leaderMayExist(e *epoch.Epoch, system *epoch.System, stream *epoch.Stream) bool {
	doubtful := false
	for i := range stream.Views {
		name := stream.Views[i].Leader
		named := system.Server(name)
		switch {
		case name == "" || named != nil && named.Answered(epoch.Jsz):
		case named != nil && !quorum.Silent(e, named):
			return true
		default:
			doubtful = true
		}
	}
	return doubtful && !someoneKnowsNoLeader(stream)
}

func listers(stream *epoch.Stream) string {
	var names []string
	for i := range stream.Views {
		names = append(names, stream.Views[i].Server)
	}
	if len(names) == 1 {
		return names[0] + " holds it"
	}
	return strings.Join(names, ", ") + " hold it"
}

func namedLeaders(stream *epoch.Stream) string {
	var parts []string
	for i := range stream.Views {
		leader := stream.Views[i].Leader
		if leader == "" {
			leader = "none"
		}
		parts = append(parts, stream.Views[i].Server+" says "+leader)
	}
	return strings.Join(parts, ", ")
}
