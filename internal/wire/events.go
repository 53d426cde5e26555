package wire

import "time"

// Subjects of the events an auditor listens to in the system account.
const (
	SubjectStatsz   = "$SYS.SERVER.*.STATSZ"   // Decode[STATSZ]: the beat, every 10 s
	SubjectShutdown = "$SYS.SERVER.*.SHUTDOWN" // DecodeEvent[ServerInfo]: graceful stop only
	SubjectLameDuck = "$SYS.SERVER.*.LAMEDUCK" // DecodeEvent[ServerInfo]: the server has begun to send its clients away

	SubjectDomainLeaderElected   = "$JS.EVENT.ADVISORY.DOMAIN.LEADER_ELECTED"
	SubjectStreamLeaderElected   = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.>"
	SubjectStreamQuorumLost      = "$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.>"
	SubjectConsumerLeaderElected = "$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.>"
	SubjectConsumerQuorumLost    = "$JS.EVENT.ADVISORY.CONSUMER.QUORUM_LOST.>"
)

// The values of Advisory.Type.
const (
	TypeDomainLeaderElected   = "io.nats.jetstream.advisory.v1.domain_leader_elected"
	TypeStreamLeaderElected   = "io.nats.jetstream.advisory.v1.stream_leader_elected"
	TypeStreamQuorumLost      = "io.nats.jetstream.advisory.v1.stream_quorum_lost"
	TypeConsumerLeaderElected = "io.nats.jetstream.advisory.v1.consumer_leader_elected"
	TypeConsumerQuorumLost    = "io.nats.jetstream.advisory.v1.consumer_quorum_lost"
)

// Advisory is any of the leader and quorum advisories; Type says which, and which fields are set. They are sent only
// while someone listens, and quorum_lost is repeated every 10 to 25 s.
// Source: jetstream_events.go JS{Domain,Stream,Consumer}{LeaderElected,QuorumLost}Advisory, v2.15.2.
type Advisory struct {
	Type     string     `json:"type"`
	ID       string     `json:"id"`
	Time     time.Time  `json:"timestamp"`
	Account  string     `json:"account,omitempty"` // set in the system account only
	Stream   string     `json:"stream,omitempty"`
	Consumer string     `json:"consumer,omitempty"`
	Leader   string     `json:"leader,omitempty"` // server name; of *_leader_elected
	Replicas []PeerInfo `json:"replicas"`
	Cluster  string     `json:"cluster,omitempty"` // of domain_leader_elected only
	Domain   string     `json:"domain,omitempty"`
}
