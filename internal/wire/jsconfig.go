package wire

import "time"

// StreamConfig is a stream's configuration. Limits of -1 (and 0, except for MaxMsgs of old streams) are none.
// Source: stream.go StreamConfig, v2.15.2.
type StreamConfig struct {
	Name             string            `json:"name"`
	Description      string            `json:"description,omitempty"`
	Subjects         []string          `json:"subjects,omitempty"`
	Retention        string            `json:"retention"` // limits, interest, workqueue
	MaxConsumers     int               `json:"max_consumers"`
	MaxMsgs          int64             `json:"max_msgs"`
	MaxBytes         int64             `json:"max_bytes"`
	MaxAge           time.Duration     `json:"max_age"` // 0: no limit
	MaxMsgsPer       int64             `json:"max_msgs_per_subject"`
	MaxMsgSize       int32             `json:"max_msg_size,omitempty"` // bytes
	Discard          string            `json:"discard"`                // old, new
	Storage          string            `json:"storage"`                // file, memory
	Replicas         int               `json:"num_replicas"`
	NoAck            bool              `json:"no_ack,omitempty"`
	Duplicates       time.Duration     `json:"duplicate_window,omitempty"`
	Placement        *Placement        `json:"placement,omitempty"`
	Mirror           *StreamSource     `json:"mirror,omitempty"`
	Sources          []StreamSource    `json:"sources,omitempty"`
	Compression      string            `json:"compression"` // none, s2
	FirstSeq         uint64            `json:"first_seq,omitempty"`
	SubjectTransform *SubjectTransform `json:"subject_transform,omitempty"`
	RePublish        *RePublish        `json:"republish,omitempty"`
	AllowDirect      bool              `json:"allow_direct"`
	MirrorDirect     bool              `json:"mirror_direct"`
	DiscardNewPer    bool              `json:"discard_new_per_subject,omitempty"`
	Sealed           bool              `json:"sealed"`
	DenyDelete       bool              `json:"deny_delete"`
	DenyPurge        bool              `json:"deny_purge"`
	AllowRollup      bool              `json:"allow_rollup_hdrs"`
	ConsumerLimits   ConsumerLimits    `json:"consumer_limits"`
	AllowMsgTTL      bool              `json:"allow_msg_ttl"` // since 2.11.0
	// SubjectDeleteMarkerTTL is how long markers of deleted subjects stay; since 2.11.0.
	SubjectDeleteMarkerTTL time.Duration     `json:"subject_delete_marker_ttl,omitempty"`
	AllowMsgCounter        bool              `json:"allow_msg_counter,omitempty"`   // since 2.12.0
	AllowAtomicPublish     bool              `json:"allow_atomic,omitempty"`        // since 2.12.0
	AllowMsgSchedules      bool              `json:"allow_msg_schedules,omitempty"` // since 2.12.0
	PersistMode            string            `json:"persist_mode,omitempty"`        // empty and default, async; since 2.12.0
	AllowBatchPublish      bool              `json:"allow_batched,omitempty"`       // since 2.14.0
	Metadata               map[string]string `json:"metadata,omitempty"`
}

// ConsumerLimits are a stream's defaults and limits for its consumers. Source: stream.go StreamConsumerLimits, v2.15.2.
type ConsumerLimits struct {
	InactiveThreshold time.Duration `json:"inactive_threshold,omitempty"`
	MaxAckPending     int           `json:"max_ack_pending,omitempty"`
}

// SubjectTransform rewrites subjects. Source: stream.go SubjectTransformConfig, v2.15.2.
type SubjectTransform struct {
	Source      string `json:"src"`
	Destination string `json:"dest"`
}

// RePublish sends stored messages on. Source: stream.go RePublish, v2.15.2.
type RePublish struct {
	Source      string `json:"src,omitempty"`
	Destination string `json:"dest"`
	HeadersOnly bool   `json:"headers_only,omitempty"`
}

// StreamSource is the configured origin of a mirror or source. Source: stream.go StreamSource, v2.15.2.
type StreamSource struct {
	Name              string             `json:"name"`
	OptStartSeq       uint64             `json:"opt_start_seq,omitempty"`
	OptStartTime      *time.Time         `json:"opt_start_time,omitempty"`
	FilterSubject     string             `json:"filter_subject,omitempty"`
	SubjectTransforms []SubjectTransform `json:"subject_transforms,omitempty"`
	External          *ExternalStream    `json:"external,omitempty"`
	Consumer          *SourceConsumer    `json:"consumer,omitempty"` // durable, instead of an internal one; since 2.14.0
}

// SourceConsumer is a durable consumer to source through. Source: stream.go StreamConsumerSource, v2.15.2.
type SourceConsumer struct {
	Name           string `json:"name,omitempty"`
	DeliverSubject string `json:"deliver_subject,omitempty"`
}

// ExternalStream leads to a stream of another account or domain. Source: stream.go ExternalStream, v2.15.2.
type ExternalStream struct {
	APIPrefix     string `json:"api"` // for a domain: $JS.<domain>.API
	DeliverPrefix string `json:"deliver"`
}

// ConsumerConfig is a consumer's configuration. Source: consumer.go ConsumerConfig, v2.15.2.
type ConsumerConfig struct {
	Durable            string            `json:"durable_name,omitempty"` // empty: ephemeral
	Name               string            `json:"name,omitempty"`
	Description        string            `json:"description,omitempty"`
	DeliverPolicy      string            `json:"deliver_policy"` // all, last, new, by_start_sequence, by_start_time, last_per_subject
	OptStartSeq        uint64            `json:"opt_start_seq,omitempty"`
	OptStartTime       *time.Time        `json:"opt_start_time,omitempty"`
	AckPolicy          string            `json:"ack_policy"` // none, all, explicit, flow_control
	AckWait            time.Duration     `json:"ack_wait,omitempty"`
	MaxDeliver         int               `json:"max_deliver,omitempty"` // -1: no limit
	BackOff            []time.Duration   `json:"backoff,omitempty"`
	FilterSubject      string            `json:"filter_subject,omitempty"`
	FilterSubjects     []string          `json:"filter_subjects,omitempty"`
	ReplayPolicy       string            `json:"replay_policy"`            // instant, original
	RateLimit          uint64            `json:"rate_limit_bps,omitempty"` // bits per second
	SampleFrequency    string            `json:"sample_freq,omitempty"`    // percent, as text
	MaxWaiting         int               `json:"max_waiting,omitempty"`
	MaxAckPending      int               `json:"max_ack_pending,omitempty"` // -1: no limit
	FlowControl        bool              `json:"flow_control,omitempty"`
	HeadersOnly        bool              `json:"headers_only,omitempty"`
	MaxRequestBatch    int               `json:"max_batch,omitempty"`
	MaxRequestExpires  time.Duration     `json:"max_expires,omitempty"`
	MaxRequestMaxBytes int               `json:"max_bytes,omitempty"`
	DeliverSubject     string            `json:"deliver_subject,omitempty"` // empty: pull
	DeliverGroup       string            `json:"deliver_group,omitempty"`
	Heartbeat          time.Duration     `json:"idle_heartbeat,omitempty"`
	InactiveThreshold  time.Duration     `json:"inactive_threshold,omitempty"`
	Replicas           int               `json:"num_replicas"` // 0: as the stream
	MemoryStorage      bool              `json:"mem_storage,omitempty"`
	Direct             bool              `json:"direct,omitempty"`
	Sourcing           bool              `json:"sourcing,omitempty"` // since 2.14.0
	Metadata           map[string]string `json:"metadata,omitempty"`
	PauseUntil         *time.Time        `json:"pause_until,omitempty"`      // since 2.11.0
	PriorityGroups     []string          `json:"priority_groups,omitempty"`  // since 2.11.0
	PriorityPolicy     string            `json:"priority_policy,omitempty"`  // none, overflow, pinned_client, prioritized; since 2.11.0
	PinnedTTL          time.Duration     `json:"priority_timeout,omitempty"` // since 2.11.0
}
