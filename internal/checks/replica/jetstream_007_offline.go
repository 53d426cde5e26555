package replica

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/checks/stream"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// Offline is JETSTREAM_007.
var Offline = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_007",
	Title:    "Offline Replica",
	Severity: check.Critical,
	Category: check.Health,
	Entity:   entity.Replica,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{server.Silent, stream.QuorumLost, stream.Leaderless},
	Doc: check.Doc{
		Means:   "The leader of a stream reports one of its replicas as offline: its server left gracefully, or the cluster has given it up.",
		Matters: "The stream runs with one replica less. With three replicas one more failure stops publishing.",
		Causes: []string{
			"The server was stopped, or is in a rolling restart.",
			"The server crashed or was cut off minutes ago: only a graceful stop is noticed at once.",
			"The server was replaced under another name and never removed from the stream.",
		},
		Diagnose: []check.Step{
			{Say: "See the replicas of the stream.", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "See the members of the cluster.", Run: "nats server report jetstream", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "Start the server again.", Run: "systemctl start nats-server", Risk: check.Careful},
			{Say: "If it will not come back: remove the replica, a new one is placed.", Run: "nats stream cluster peer-remove STREAM SERVER", Risk: check.Disruptive},
		},
		Prevent:        []string{"Remove servers from the cluster (`nats server cluster peer-remove`) when they leave for good.", "Stop servers one at a time and wait until replicas are current."},
		FalsePositives: "A planned restart is true and short; the finding clears when the server is back.",
		Questions: []check.QA{
			{Question: "How does it differ from JETSTREAM_023?", Answer: "Offline is the cluster's late verdict: after a crash or a hang it came 151 to 188 s later in our measurements. Unseen comes first, and needs a threshold in the stream's metadata."},
			{Question: "And a stream without a leader?", Answer: "Its replicas are not judged: without a leader there is nobody whose rows mean anything. It is reported as leaderless or without quorum."},
		},
	},
	Opens:  "the leader's row of a replica says offline.",
	Clears: "the leader's row says otherwise, or the replica is no longer a member.",
	Blind:  "a crash, hang or partition within the last 2.5 to 4 minutes (JETSTREAM_023 and SERVER_021 see those); replicas of streams without a leader.",
	Run: func(p *check.Pass, _ struct{}) {
		for r, peer := range p.Replicas() {
			if !peer.Offline {
				continue
			}
			quorum, evidence := standing(p, r)
			p.Bad(check.Observation{
				Ref: r.Ref(peer), Since: peer.HeardAt,
				Summary:  fmt.Sprintf("the replica of %s/%s on %s is offline; %s", r.Stream.Account, r.Stream.Name, peer.Name, quorum),
				Evidence: []check.Evidence{{Name: "offline", Value: true, From: r.Led.Server}, {Name: "active", Value: check.Seconds(peer.Active), Unit: "seconds", From: r.Led.Server}, evidence},
				Impact:   "The stream runs without this replica: " + quorum.String() + ".",
				Fix:      ladder(r, peer),
			})
		}
	},
})
