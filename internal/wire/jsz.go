package wire

import "time"

// JSZRequest asks a server for the streams and consumers it hosts. Source: monitor.go JSzOptions, v2.15.2.
//
// Not offered: stream_leader_only, which hides streams without a leader, and raft, which adds nothing to cluster info.
type JSZRequest struct {
	Account        string `json:"account,omitempty"` // account id (not its name tag): only this one
	Accounts       bool   `json:"accounts,omitempty"`
	Streams        bool   `json:"streams,omitempty"`
	Consumer       bool   `json:"consumer,omitempty"`        // implies Streams
	DirectConsumer bool   `json:"direct_consumer,omitempty"` // with Consumer only; since 2.11.11 and 2.14.0, right since 2.14.3
	Config         bool   `json:"config,omitempty"`
	// Offset and Limit page by account, sorted by id; Limit 0 is 1024.
	Offset int `json:"offset,omitempty"`
	Limit  int `json:"limit,omitempty"`
}

// JSZ is JetStream on one server, with the assets it hosts. Source: monitor.go JSInfo, v2.15.2.
type JSZ struct {
	JetStreamStats
	ID       string           `json:"server_id"`
	Now      time.Time        `json:"now"` // the server's clock
	Disabled bool             `json:"disabled,omitempty"`
	Config   JetStreamConfig  `json:"config,omitempty"`
	Limits   *JetStreamLimits `json:"limits,omitempty"` // since 2.10.29
	// Streams, Consumers, Messages and Bytes are totals of all accounts on this server, whatever was asked for.
	Streams   int          `json:"streams"`
	Consumers int          `json:"consumers"`
	Messages  uint64       `json:"messages"`
	Bytes     uint64       `json:"bytes"`
	Meta      *MetaCluster `json:"meta_cluster,omitempty"` // nil when not clustered
	// AccountDetails is one page.
	AccountDetails []AccountDetail `json:"account_details,omitempty"`
	// Total is the number of accounts there are to page through; since 2.10.29 and 2.11.11, nil before.
	Total *int `json:"total"`
}

// AccountDetail is an account's JetStream on one server. It is also the whole data of $SYS.REQ.ACCOUNT.<id>.JSZ.
// Of the embedded stats only Memory, Store, Reserved (the account's limits) and API are set.
// Source: monitor.go AccountDetail, v2.15.2.
type AccountDetail struct {
	Name string `json:"name"` // the name tag of a JWT account, else the id
	ID   string `json:"id"`
	JetStreamStats
	Streams []StreamDetail `json:"stream_detail,omitempty"`
}

// StreamDetail is a stream as one of its replicas sees it. Source: monitor.go StreamDetail, v2.15.2.
type StreamDetail struct {
	Name    string       `json:"name"`
	Created time.Time    `json:"created"`
	Cluster *ClusterInfo `json:"cluster,omitempty"` // nil when not clustered
	// Config is nil unless asked for. During a migration (Cluster.Desired, since 2.15) it is what was requested, and
	// Desired.Origin has what the stream still runs with.
	Config    *StreamConfig  `json:"config,omitempty"`
	State     StreamState    `json:"state"`                     // of this replica
	Consumers []ConsumerInfo `json:"consumer_detail,omitempty"` // that have a replica on this server
	// DirectConsumers are internal consumers of mirrors and sources. Before 2.14.3 the list repeats public consumers.
	DirectConsumers []ConsumerInfo `json:"direct_consumer_detail,omitempty"`
	// Mirror and Sources are meaningful on the leader only; a former leader may still carry old ones. Mirror is nil on
	// followers, on streams that are no mirrors, and for a moment after creation or a leader change.
	Mirror  *SourceInfo  `json:"mirror,omitempty"`
	Sources []SourceInfo `json:"sources,omitempty"`
}

// StreamState is what one replica of a stream holds. Source: store.go StreamState, v2.15.2.
type StreamState struct {
	Msgs        uint64    `json:"messages"`
	Bytes       uint64    `json:"bytes"`
	FirstSeq    uint64    `json:"first_seq"`
	FirstTime   time.Time `json:"first_ts"` // zero (year 1) when empty
	LastSeq     uint64    `json:"last_seq"`
	LastTime    time.Time `json:"last_ts"`
	NumSubjects int       `json:"num_subjects,omitempty"`
	NumDeleted  int       `json:"num_deleted,omitempty"` // holes between first and last
	Lost        *LostData `json:"lost,omitempty"`        // nil: none known
	Consumers   int       `json:"consumer_count"`        // public and direct
}

// LostData is what a store found missing or corrupt on its disk. Source: store.go LostStreamData, v2.15.2.
type LostData struct {
	Msgs  []uint64 `json:"msgs"` // sequences
	Bytes uint64   `json:"bytes"`
}

// SourceInfo is how a mirror or source is doing, as reported by itself. Source: stream.go StreamSourceInfo, v2.15.2.
type SourceInfo struct {
	Name     string          `json:"name"`
	External *ExternalStream `json:"external,omitempty"`
	// Lag is what was pending at the last delivery; a stall keeps the last value.
	Lag uint64 `json:"lag"`
	// Seq is the last sequence of the source that was stored; since 2.15, and omitted while zero.
	Seq *uint64 `json:"seq,omitempty"`
	// Active is the time since anything arrived, heartbeats and re-creation included. -1: no consumer since this leader took over.
	Active            time.Duration      `json:"active"`
	Error             *APIError          `json:"error,omitempty"`
	FilterSubject     string             `json:"filter_subject,omitempty"`
	SubjectTransforms []SubjectTransform `json:"subject_transforms,omitempty"`
}

// ConsumerInfo is a consumer as one of its replicas sees it. Source: consumer.go ConsumerInfo, v2.15.2.
type ConsumerInfo struct {
	Stream         string          `json:"stream_name"`
	Name           string          `json:"name"`
	Created        time.Time       `json:"created"`
	Config         *ConsumerConfig `json:"config,omitempty"` // nil unless asked for
	Delivered      SequenceInfo    `json:"delivered"`
	AckFloor       SequenceInfo    `json:"ack_floor"`
	NumAckPending  int             `json:"num_ack_pending"`
	NumRedelivered int             `json:"num_redelivered"` // messages delivered more than once and not acknowledged
	NumWaiting     int             `json:"num_waiting"`     // pull requests waiting
	NumPending     uint64          `json:"num_pending"`     // messages not delivered yet
	Cluster        *ClusterInfo    `json:"cluster,omitempty"`
	PushBound      bool            `json:"push_bound,omitempty"`
	Paused         bool            `json:"paused,omitempty"`          // since 2.11.0
	PauseRemaining time.Duration   `json:"pause_remaining,omitempty"` // since 2.11.0
	TimeStamp      time.Time       `json:"ts"`                        // the server's clock
	PriorityGroups []PriorityGroup `json:"priority_groups,omitempty"` // since 2.11.0
}

// SequenceInfo is a position of a consumer. Source: consumer.go SequenceInfo, v2.15.2.
type SequenceInfo struct {
	Consumer uint64     `json:"consumer_seq"`
	Stream   uint64     `json:"stream_seq"`
	Last     *time.Time `json:"last_active,omitempty"` // nil: never, as far as this server knows
}

// PriorityGroup is which client a group is pinned to. Source: consumer.go PriorityGroupState, v2.15.2; since 2.11.0.
type PriorityGroup struct {
	Group          string    `json:"group"`
	PinnedClientID string    `json:"pinned_client_id,omitempty"` // empty: nobody
	PinnedTime     time.Time `json:"pinned_ts"`                  // zero: nobody
}
