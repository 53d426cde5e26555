package replica

import (
	"fmt"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checks/server"
	"rollcall/internal/checks/stream"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
	"rollcall/internal/quantity"
	"rollcall/internal/quorum"
)

// heartbeats is the smallest useful threshold: a healthy idle replica is heard
// once a second (raft.go:317, nats-server v2.15.2), and one lost beat is not a
// lost replica.
const heartbeats = 3 * time.Second

// PeerSeen is JETSTREAM_023.
var PeerSeen = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_023",
	Title:    "Peer Seen Critical",
	Severity: check.Critical,
	Category: check.Consistency,
	Entity:   entity.Replica,
	Since:    "0.1",
	Metadata: []string{monitor.PeerSeenCritical},
	Needs:    []epoch.Question{epoch.Jsz},
	Uses:     epoch.Questions,
	MaskedBy: []*check.Check{server.Silent, stream.QuorumLost, stream.Leaderless},
	Doc: check.Doc{
		Means: "The leader of a replicated stream has not heard from one of its replicas for longer than the stream's metadata `" + monitor.PeerSeenCritical + "`. " +
			"The key alone is enough; `" + monitor.Enabled + "=false` switches it off. Streams with one replica have no peers and never fire.",
		Matters: "It says whether a replica takes part at all, where lag only says how far behind it is: lag with recent contact recovers, no contact does not. " +
			"With three replicas, one unseen leaves the stream one failure from losing quorum, after which publishing is refused. " +
			"It catches a hung process on a host that answers pings, and between regions it shows partitions.",
		Causes: []string{
			"The server is down, crashed or evicted: it answers nobody (SERVER_021 then stands above this finding).",
			"A partition between leader and replica: the server answers the audit and other servers, but not this leader.",
			"The process hangs (deadlock, garbage collection, blocked I/O): its connections are open and it does not answer.",
			"The disk is stalled, often network storage: the server answers, the raft groups on it do not.",
			"Long maintenance: the server announced lame duck mode or a shutdown.",
			"Out of file descriptors, memory or disk space: see the server's own figures.",
		},
		Diagnose: []check.Step{
			{Say: "See `active` of each replica; a healthy one is below a second.", Run: "nats stream info STREAM", Risk: check.Safe},
			{Say: "The same as JSON: name, active, offline, lag.", Run: "nats stream info STREAM --json | jq .cluster.replicas", Risk: check.Safe},
			{Say: "Round trip to the replica's server, and who is there.", Run: "nats server ping; nats server list", Risk: check.Safe},
			{Say: "Do many streams share the same unseen server? Then it is the server, not the stream. rollcall folds them by itself.", Run: "nats server report jetstream", Risk: check.Safe},
			{Say: "The server's own figures: memory, connections, JetStream.", Run: "nats server info SERVER", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "First the quorum: the finding says how many members take part and how many more failures it survives. With quorum there is time; without it, this is urgent.", Risk: check.Safe},
			{Say: "Server down or hung: restart it (service manager, or the pod). It catches up by itself.", Run: "systemctl restart nats-server", Risk: check.Careful},
			{Say: "Partition: firewall, routes, DNS, provider. If it will last, remove the replica so that a new one is placed.", Risk: check.Careful},
			{Say: "Exhausted: free disk, memory or descriptors, then restart.", Risk: check.Careful},
			{Say: "If the server will not come back soon: remove the replica, and a new one is placed on a healthy server and filled.", Run: "nats stream cluster peer-remove STREAM SERVER", Risk: check.Disruptive},
		},
		Prevent: []string{
			"Set the threshold on every replicated stream that matters: 30 s to 2 min for most, 10 to 30 s where failover must be quick, 1 to 2 min over networks known to hiccup. Too short fires on hiccups, too long delays. `nats stream edit STREAM --metadata \"" + monitor.PeerSeenCritical + "=30s\"`",
			"Watch JETSTREAM_022 (lag) and JETSTREAM_007 (offline) beside it.",
			"Liveness probes that test JetStream, not only HTTP.",
		},
		FalsePositives: "A threshold below 3 s is taken as 3 s: replicas are heard once a second, and one lost beat is no fault. A value that cannot be read is reported by JETSTREAM_034, never passed over.",
		Questions: []check.QA{
			{Question: "What is the difference between unseen and offline?", Answer: "Offline is the cluster's late verdict, 2.5 to 4 minutes after a crash or hang. Unseen comes first."},
			{Question: "How does it relate to election timeouts?", Answer: "It is a view on raft, with no influence on it."},
			{Question: "Can an unseen replica still have recent data?", Answer: "Up to the moment when contact stopped. Its lag grows with the write rate from then on."},
			{Question: "Why does a replica with `active` 0 fire?", Answer: "Servers report 0 for a replica that the present leader has never heard from. When the former leader hangs or dies, the new one reports it so for as long as it stays dead; `nats server check` reads that as healthy. rollcall counts from when the new leader took over, or from when it saw the replica last."},
			{Question: "Which threshold should I take?", Answer: "See Prevent; 30 s is a good start."},
			{Question: "Does it fire for streams with one replica?", Answer: "No. A lost only server is SERVER_021, with JETSTREAM_036 for its streams."},
		},
	},
	Opens:  "the leader has not heard from a replica for longer than the metadata allows; active 0 without being current counts as never heard once two epochs say so.",
	Clears: "the leader hears from it again, or the threshold or the member is gone.",
	Blind:  "replicas of a stream without a leader (JETSTREAM_006 and 032 see those).",
	Run: func(p *check.Pass, _ struct{}) {
		for r, peer := range p.Replicas() {
			limit, set := monitor.Duration(r.Stream.Metadata(), monitor.PeerSeenCritical)
			if !set {
				continue
			}
			limit = max(limit, heartbeats)
			unseen, known := quorum.Unseen(r.Led, peer)
			switch {
			case unseen <= limit:
			case !known:
				p.Unknown(r.Ref(peer), fmt.Sprintf("the leader %s has not heard from it yet; one epoch that says so is not enough", r.Led.Server))
			default:
				p.Bad(observeUnseen(p, r, peer, unseen, limit))
			}
		}
	},
})

func observeUnseen(p *check.Pass, r check.Replica, peer *epoch.Peer, unseen, limit time.Duration) check.Observation {
	quorum, evidence := standing(p, r)
	cause, detail := causeOf(p, r, peer)
	o := check.Observation{
		Ref: r.Ref(peer), Since: r.Led.At.Add(-unseen),
		Summary: fmt.Sprintf("%s/%s: its leader %s has not heard from the replica on %s for %s (more than %s): %s",
			r.Stream.Account, r.Stream.Name, r.Led.Server, peer.Name, quantity.Duration(unseen), quantity.Duration(limit), cause),
		Evidence: []check.Evidence{
			{Name: "unseen", Value: check.Seconds(unseen), Unit: "seconds", Threshold: check.Seconds(limit), From: r.Led.Server},
			{Name: "active", Value: check.Seconds(peer.Active), Unit: "seconds", From: r.Led.Server},
			evidence,
			{Name: "cause", Value: detail},
		},
		Impact: fmt.Sprintf("%s. What the replica lacks grows with the write rate.", quorum),
		Fix:    ladder(r, peer),
	}
	if peer.Active == 0 {
		o.Evidence[1].Unit = "seconds (never since this leader took over)"
		o.Evidence = append(o.Evidence, check.Evidence{Name: "leader since", Value: r.Led.LeaderSince.UTC().Format(time.RFC3339), From: r.Led.Server})
	}
	return o
}

// causeOf tells apart why a leader does not hear a replica, by what else is
// known of the replica's server: in a few words, and with the evidence.
func causeOf(p *check.Pass, r check.Replica, peer *epoch.Peer) (cause, detail string) {
	server := r.System.Server(peer.Name)
	switch {
	case server == nil:
		return "no server of that name is known", "no server of that name is known to the audit: replaced, or removed without removing its replicas"
	case !server.Announced().IsZero():
		return "its server announced that it leaves", "shutdown or lame duck announced by " + peer.Name
	case !server.Heard(p.Cur) && routeOpen(r, peer):
		return "its server hangs or is cut off", peer.Name + " answers nobody while its route to " + r.Led.Server + " is still open"
	case !server.Heard(p.Cur):
		return "its server is down or cut off", peer.Name + " answers nobody"
	case !server.Answered(epoch.Jsz):
		return "JetStream on its server does not answer", peer.Name + " answers, but not for JetStream: JSZ " + server.Coverage[epoch.Jsz].Reason()
	case server.JetStream.Disabled:
		return "JetStream is off on its server", peer.Name + " says that its JetStream is disabled"
	case !routeOpen(r, peer):
		return "partition between the two servers", peer.Name + " answers the audit but has no route to " + r.Led.Server
	}
	return "a partition, or its raft group hangs", peer.Name + " answers the audit, but this raft group does not: partition towards " + r.Led.Server + ", or a stalled disk"
}

// routeOpen says whether the leader's server lists a route to the peer's. True
// where nothing is known of its routes, or where they are in different
// clusters.
func routeOpen(r check.Replica, peer *epoch.Peer) bool {
	leader, server := r.System.Server(r.Led.Server), r.System.Server(peer.Name)
	if leader == nil || leader.Routes == nil || server == nil || server.Cluster != leader.Cluster {
		return true
	}
	for i := range leader.Routes.Routes {
		if leader.Routes.Routes[i].RemoteName == peer.Name {
			return true
		}
	}
	return false
}
