package wire

import "time"

// JetStreamVarz is JetStream as VARZ and STATSZ report it. Source: monitor.go JetStreamVarz, v2.15.2.
type JetStreamVarz struct {
	Config *JetStreamConfig `json:"config,omitempty"` // nil when JetStream is off
	Stats  *JetStreamStats  `json:"stats,omitempty"`
	// Meta is nil when the server is not clustered. In STATSZ only the meta leader lists Replicas, and others name the
	// raft group instead of the cluster.
	Meta   *MetaCluster     `json:"meta,omitempty"`
	Limits *JetStreamLimits `json:"limits,omitempty"` // since 2.11.0
}

// JetStreamConfig is the server's JetStream configuration. Source: jetstream.go JetStreamConfig, v2.15.2.
type JetStreamConfig struct {
	MaxMemory    int64         `json:"max_memory"`  // bytes
	MaxStore     int64         `json:"max_storage"` // bytes
	StoreDir     string        `json:"store_dir,omitempty"`
	SyncInterval time.Duration `json:"sync_interval,omitempty"`
	SyncAlways   bool          `json:"sync_always,omitempty"`
	Domain       string        `json:"domain,omitempty"`
	CompressOK   bool          `json:"compress_ok,omitempty"`
	UniqueTag    string        `json:"unique_tag,omitempty"` // replicas of an asset go to servers that differ in this tag, for example az:
	Strict       bool          `json:"strict,omitempty"`     // since 2.11.0
}

// JetStreamStats is what JetStream uses on a server, or of an account on a server.
// Source: jetstream.go JetStreamStats, v2.15.2.
type JetStreamStats struct {
	Memory uint64 `json:"memory"`  // bytes
	Store  uint64 `json:"storage"` // bytes
	// Reserved is what streams with max_bytes set aside, in bytes. On an account it is the account's limit instead,
	// and 2^64-1 where that is -1, without limit.
	ReservedMemory uint64            `json:"reserved_memory"`
	ReservedStore  uint64            `json:"reserved_storage"`
	Accounts       int               `json:"accounts"`
	HAAssets       int               `json:"ha_assets"` // raft groups on this server, the meta group included
	API            JetStreamAPIStats `json:"api"`
}

// JetStreamAPIStats counts JetStream API requests since start. Source: jetstream.go JetStreamAPIStats, v2.15.2.
type JetStreamAPIStats struct {
	Level    int    `json:"level"` // since 2.11.0; 0 before, and on accounts
	Total    uint64 `json:"total"`
	Errors   uint64 `json:"errors"`
	Inflight uint64 `json:"inflight,omitempty"` // being served now
}

// JetStreamLimits are the server's configured limits. Zero: the default. Source: opts.go JSLimitOpts, v2.15.2.
type JetStreamLimits struct {
	MaxRequestBatch           int           `json:"max_request_batch,omitempty"`
	MaxAckPending             int           `json:"max_ack_pending,omitempty"`
	MaxHAAssets               int           `json:"max_ha_assets,omitempty"`
	MaxDuplicateWindow        time.Duration `json:"max_duplicate_window,omitempty"`
	MaxBatchInflightPerStream int           `json:"max_batch_inflight_per_stream,omitempty"`
	MaxBatchInflightTotal     int           `json:"max_batch_inflight_total,omitempty"`
	MaxBatchSize              int           `json:"max_batch_size,omitempty"`
	MaxBatchTimeout           time.Duration `json:"max_batch_timeout,omitempty"`
	DefaultMaxConsumers       int           `json:"default_max_consumers,omitempty"` // per stream; -1: no limit
}

// MetaCluster is the meta group from one server's view. Source: monitor.go MetaClusterInfo, v2.15.2.
type MetaCluster struct {
	Name     string     `json:"name,omitempty"`     // the cluster's
	Leader   string     `json:"leader,omitempty"`   // server name; empty: none known
	Peer     string     `json:"peer,omitempty"`     // raft id of the leader
	Replicas []PeerInfo `json:"replicas,omitempty"` // all peers but the reporter; only the leader's view is meaningful
	Size     int        `json:"cluster_size"`       // the reporter and dead peers included
	// QuorumNeeded is the votes needed now; since 2.15, nil before.
	QuorumNeeded *int `json:"quorum_needed"`
	// Rescue says that an operator lowered the quorum unsafely; since 2.15.
	Rescue bool `json:"rescue,omitempty"`
	// Pending is the API requests waiting in this server's queues; absent in 2.10.0.
	Pending         *int          `json:"pending"`
	PendingRequests *int          `json:"pending_requests"` // those that change something; since 2.14.0
	PendingInfos    *int          `json:"pending_infos"`    // those that only read; since 2.14.0
	Snapshot        *MetaSnapshot `json:"snapshot"`         // since 2.11.11, not in 2.12.0
}

// MetaSnapshot is the state of the meta group's log. Source: monitor.go MetaSnapshotStats, v2.15.2.
type MetaSnapshot struct {
	PendingEntries uint64        `json:"pending_entries"` // log entries since the last snapshot
	PendingSize    uint64        `json:"pending_size"`    // their bytes
	LastTime       time.Time     `json:"last_time"`       // zero: none since the server started
	LastDuration   time.Duration `json:"last_duration,omitempty"`
}

// ClusterInfo is the raft group of a stream or consumer from one server's view.
// Source: stream.go ClusterInfo, v2.15.2.
type ClusterInfo struct {
	Name      string `json:"name,omitempty"`       // the cluster's
	RaftGroup string `json:"raft_group,omitempty"` // since 2.10.29
	Leader    string `json:"leader,omitempty"`     // server name; empty: none known to this server
	// LeaderSince is when this server became leader; only on the leader; since 2.11.11, nil before.
	LeaderSince *time.Time `json:"leader_since,omitempty"`
	SystemAcc   bool       `json:"system_account,omitempty"`  // raft traffic in the system account; since 2.11.11
	TrafficAcc  string     `json:"traffic_account,omitempty"` // the account of the raft traffic; since 2.11.11
	// Replicas are all members but the reporter, and the reporter too while there is no leader; so a follower's list has
	// the leader in it. Only the leader's rows are meaningful.
	Replicas []PeerInfo `json:"replicas,omitempty"`
	// Desired is where a migration is going; nil when there is none, and before 2.15.
	Desired *DesiredCluster `json:"desired,omitempty"`
}

// PeerInfo is a member of a raft group as another sees it. Source: stream.go PeerInfo, v2.15.2.
type PeerInfo struct {
	// Name is the server's, or "Server name unknown at this time (peerID: ...)" when the reporter never met it.
	Name    string `json:"name"`
	Current bool   `json:"current"`           // caught up, and heard from within 10 s
	Offline bool   `json:"offline,omitempty"` // by system events; up to 4 minutes late unless the stop was graceful
	// Active is the time since it was last heard from; 0 also when it never was, since this leader took over.
	Active  time.Duration `json:"active"`
	Lag     uint64        `json:"lag,omitempty"`     // raft entries, not messages
	Peer    string        `json:"peer"`              // raft id
	Pending bool          `json:"pending,omitempty"` // assigned but not yet in the group, or being removed; since 2.15
}

// DesiredCluster is the target of a migration under way. Before the target is recorded only Status is set, and Created
// is zero. Source: stream.go DesiredClusterInfo, v2.15.2; since 2.15.
type DesiredCluster struct {
	Created  time.Time      `json:"created"`
	Name     string         `json:"name,omitempty"`
	Replicas []DesiredPeer  `json:"replicas,omitempty"`
	Origin   *DesiredOrigin `json:"origin,omitempty"`
	Status   *DesiredStatus `json:"status,omitempty"`
}

// DesiredPeer is a member of the target. Source: stream.go DesiredPeerInfo, v2.15.2.
type DesiredPeer struct {
	Name    string `json:"name"`
	Offline bool   `json:"offline,omitempty"`
	Peer    string `json:"peer"`
}

// DesiredOrigin is the configuration the group still runs with. Source: stream.go DesiredClusterInfoOrigin, v2.15.2.
type DesiredOrigin struct {
	Replicas  int        `json:"replicas"`
	Placement *Placement `json:"placement,omitempty"`
	Retention *string    `json:"retention,omitempty"` // limits, interest, workqueue
}

// DesiredStatus says what a migration waits for. Source: stream.go DesiredClusterInfoStatus, v2.15.2.
type DesiredStatus struct {
	Description string `json:"description"`
	Type        string `json:"type"` // meta, membership, snapshot, catchup, quorum, blocked, unavailable
	Err         string `json:"err,omitempty"`
}

// Placement says where an asset may live. Source: jetstream_cluster.go Placement, v2.15.2.
type Placement struct {
	Cluster   string   `json:"cluster,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Preferred string   `json:"preferred,omitempty"` // leader to elect; never stored in a stream's configuration
}
