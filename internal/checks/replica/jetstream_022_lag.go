package replica

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/checks/stream"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
	"rollcall/internal/quantity"
)

// PeerLag is JETSTREAM_022.
var PeerLag = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_022",
	Title:    "Peer Lag Critical",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Replica,
	Since:    "0.1",
	Metadata: []string{monitor.PeerLagCritical},
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{server.Silent, stream.QuorumLost, stream.Leaderless, PeerSeen},
	Doc: check.Doc{
		Means:   "A replica is more raft operations behind its leader than the stream's metadata `" + monitor.PeerLagCritical + "` allows.",
		Matters: "Until it has caught up, the replica adds nothing to durability, and a leader elected from it would have to catch up first.",
		Causes: []string{
			"The replica's server came back and is catching up.",
			"Its disk or network is slower than the stream's write rate.",
			"Other streams on that server are catching up or compacting at the same time.",
		},
		Diagnose: []check.Step{
			{Say: "See the lag of each replica twice, some seconds apart: does it shrink?", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "See load and JetStream figures of its server.", Run: "nats server info SERVER", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "If it shrinks, wait.", Risk: check.Safe},
			{Say: "If not: look at the disk of that server; free it of load or move the leader's writers.", Risk: check.Careful},
			{Say: "If it never catches up: remove the replica, a new one is placed and filled.", Run: "nats stream cluster peer-remove STREAM SERVER", Risk: check.Disruptive},
		},
		Prevent:        []string{"Disks that sustain the write rate of all replicas they hold.", "Restart servers one at a time, waiting until replicas are current."},
		FalsePositives: "A threshold close to the number of operations in flight fires on bursts. An offline replica is not judged: its lag is that of its last contact (JETSTREAM_007).",
		Questions: []check.QA{
			{Question: "Is lag counted in messages?", Answer: "No, in raft operations; one operation can carry several messages, and deletes are operations too."},
			{Question: "How does `nats server check stream` read the key?", Answer: "The same: strictly more than the value fires. It also turns critical when any peer is offline, whatever the lag; here that is JETSTREAM_007."},
		},
	},
	Opens:  "the leader's row of a replica that is not offline shows more lag than the metadata allows.",
	Clears: "the lag is at or below it.",
	Blind:  "a replica the leader does not hear from: its lag is old (JETSTREAM_023 masks this finding).",
	Run: func(p *check.Pass, _ struct{}) {
		for r, peer := range p.Replicas() {
			limit, set := monitor.Count(r.Stream.Metadata(), monitor.PeerLagCritical)
			switch {
			case !set:
				continue
			case peer.Offline:
				p.Unknown(r.Ref(peer), "it is offline: its lag is that of its last contact")
				continue
			case r.System.Server(peer.Name) == nil:
				p.Unknown(r.Ref(peer), "no server of that name is known: its lag is nobody's")
				continue
			case peer.Lag <= limit:
				continue
			}
			p.Bad(check.Observation{
				Ref:     r.Ref(peer),
				Summary: fmt.Sprintf("the replica of %s/%s on %s is %s behind its leader %s, more than %s", r.Stream.Account, r.Stream.Name, peer.Name, quantity.Of(peer.Lag, "operation"), r.Led.Server, quantity.Count(limit)),
				Evidence: []check.Evidence{
					{Name: "lag", Value: peer.Lag, Unit: "operations", Threshold: limit, From: r.Led.Server},
					{Name: "active", Value: check.Seconds(peer.Active), Unit: "seconds", From: r.Led.Server},
				},
				Impact: "The replica adds nothing to durability until it has caught up.",
				Fix: []check.Step{
					{Say: "Look twice: if the lag shrinks, wait.", Run: "nats stream info " + r.Stream.Name, Risk: check.Safe},
					{Say: "If it does not: see load and JetStream figures of its server.", Run: "nats server info " + peer.Name, Risk: check.Safe},
					{Say: "If it never catches up: remove the replica, a new one is placed and filled.", Run: "nats stream cluster peer-remove " + r.Stream.Name + " " + peer.Name, Risk: check.Disruptive},
				},
			})
		}
	},
})
