package wire

import "time"

// VARZRequest asks a server for its configuration and totals. It has no options.
type VARZRequest struct{}

// VARZ is a server's configuration and its totals since start. Source: monitor.go Varz, v2.15.2.
type VARZ struct {
	ID                string        `json:"server_id"`
	Name              string        `json:"server_name"`
	Version           string        `json:"version"`
	GitCommit         string        `json:"git_commit,omitempty"`
	GoVersion         string        `json:"go"`
	Host              string        `json:"host"`
	Port              int           `json:"port"`
	AuthRequired      bool          `json:"auth_required,omitempty"`
	TLSRequired       bool          `json:"tls_required,omitempty"`
	TLSVerify         bool          `json:"tls_verify,omitempty"`
	TLSOCSPPeerVerify bool          `json:"tls_ocsp_peer_verify,omitempty"`
	MaxConn           int           `json:"max_connections"`             // -1 and 0: no limit
	MaxSubs           int           `json:"max_subscriptions,omitempty"` // per connection; 0: no limit
	PingInterval      time.Duration `json:"ping_interval"`
	MaxPingsOut       int           `json:"ping_max"`
	HTTPHost          string        `json:"http_host"`
	HTTPPort          int           `json:"http_port"` // 0: off
	HTTPSPort         int           `json:"https_port"`
	AuthTimeout       float64       `json:"auth_timeout"` // seconds
	MaxControlLine    int32         `json:"max_control_line"`
	MaxPayload        int           `json:"max_payload"` // bytes
	MaxPending        int64         `json:"max_pending"` // bytes per connection
	Cluster           ClusterVarz   `json:"cluster,omitempty"`
	Gateway           GatewayVarz   `json:"gateway,omitempty"`
	LeafNode          LeafVarz      `json:"leaf,omitempty"`
	MQTT              MQTTVarz      `json:"mqtt,omitempty"`
	Websocket         WebsocketVarz `json:"websocket,omitempty"`
	// JetStream is empty (all nil) when JetStream is off.
	JetStream     JetStreamVarz `json:"jetstream,omitempty"`
	TLSTimeout    float64       `json:"tls_timeout"` // seconds
	WriteDeadline time.Duration `json:"write_deadline"`
	WriteTimeout  string        `json:"write_timeout,omitempty"` // what happens at the write deadline: close, retry, default; since 2.11.11, not in 2.12.0

	Start    time.Time `json:"start"`
	Now      time.Time `json:"now"`    // the server's clock
	Uptime   string    `json:"uptime"` // text with units up to years; Start is exact
	Mem      int64     `json:"mem"`    // resident bytes
	Cores    int       `json:"cores"`
	MaxProcs int       `json:"gomaxprocs"`
	MemLimit int64     `json:"gomemlimit,omitempty"` // bytes; since 2.10.29 and 2.11.11; omitted when not set
	CPU      float64   `json:"cpu"`                  // percent of one core, so up to 100 x Cores

	Connections      int    `json:"connections"`
	TotalConnections uint64 `json:"total_connections"`
	Routes           int    `json:"routes"`  // route connections, several per peer with a pool
	Remotes          int    `json:"remotes"` // distinct peers behind Routes
	Leafs            int    `json:"leafnodes"`
	InMsgs           int64  `json:"in_msgs"`
	InBytes          int64  `json:"in_bytes"`
	OutMsgs          int64  `json:"out_msgs"`
	OutBytes         int64  `json:"out_bytes"`
	// The parts of the above that went to and came from clients; since 2.14.3, nil before.
	InClientMsgs   *int64 `json:"in_client_msgs"`
	InClientBytes  *int64 `json:"in_client_bytes"`
	OutClientMsgs  *int64 `json:"out_client_msgs"`
	OutClientBytes *int64 `json:"out_client_bytes"`

	SlowConsumers    int64  `json:"slow_consumers"`    // disconnected for it, since start
	StaleConnections *int64 `json:"stale_connections"` // since start; since 2.12.0, nil before
	StalledClients   *int64 `json:"stalled_clients"`   // times a producer was held back, since start; since 2.12.0, nil before
	Subscriptions    uint32 `json:"subscriptions"`

	ConfigLoadTime time.Time         `json:"config_load_time"`
	ConfigDigest   string            `json:"config_digest"` // since 2.11.0, empty before and without a configuration file
	Tags           []string          `json:"tags,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`      // since 2.11.11
	FeatureFlags   map[string]bool   `json:"feature_flags,omitempty"` // since 2.14.0
	SystemAccount  string            `json:"system_account,omitempty"`
	// PinnedAccountFails counts refused logins because of an issuer that is not pinned, since start.
	PinnedAccountFails uint64 `json:"pinned_account_fails,omitempty"`

	SlowConsumerStats    *ConnectionCounts `json:"slow_consumer_stats"`
	StaleConnectionStats *ConnectionCounts `json:"stale_connection_stats,omitempty"` // since 2.12.0, nil before
	DiskIOWait           *DiskIOWait       `json:"disk_io_wait_stats"`               // since 2.15, nil before
	// TLSCertNotAfter is the expiry of the certificate for clients; nil without one and before 2.12.4.
	TLSCertNotAfter *time.Time `json:"tls_cert_not_after,omitempty"`
}

// ConnectionCounts splits a count since start by kind of connection.
// Source: monitor.go SlowConsumersStats and StaleConnectionStats, v2.15.2.
type ConnectionCounts struct {
	Clients  uint64 `json:"clients"`
	Routes   uint64 `json:"routes"`
	Gateways uint64 `json:"gateways"`
	Leafs    uint64 `json:"leafs"`
}

// DiskIOWait says how the server's disk semaphore is contended. Source: monitor.go DiskIOWaitStats, v2.15.2.
type DiskIOWait struct {
	Waiters     int64  `json:"waiters"`       // waiting now
	Waits       uint64 `json:"waits"`         // acquisitions that had to wait, since start
	WaitTime    uint64 `json:"wait_time"`     // nanoseconds in all, since start
	MaxWaitTime uint64 `json:"max_wait_time"` // nanoseconds, the longest since start
}

// ClusterVarz is the configuration of the cluster port. Source: monitor.go ClusterOptsVarz, v2.15.2.
type ClusterVarz struct {
	Name            string        `json:"name,omitempty"`
	Host            string        `json:"addr,omitempty"`
	Port            int           `json:"cluster_port,omitempty"`
	AuthTimeout     float64       `json:"auth_timeout,omitempty"` // seconds
	URLs            []string      `json:"urls,omitempty"`         // configured peers
	TLSTimeout      float64       `json:"tls_timeout,omitempty"`  // seconds
	TLSRequired     bool          `json:"tls_required,omitempty"`
	TLSVerify       bool          `json:"tls_verify,omitempty"`
	PoolSize        int           `json:"pool_size,omitempty"`          // route connections per peer
	WriteDeadline   time.Duration `json:"write_deadline,omitempty"`     // since 2.11.11, not in 2.12.0
	WriteTimeout    string        `json:"write_timeout,omitempty"`      // since 2.11.11, not in 2.12.0
	TLSCertNotAfter *time.Time    `json:"tls_cert_not_after,omitempty"` // since 2.12.4
}

// GatewayVarz is the configuration of the gateway port. Source: monitor.go GatewayOptsVarz, v2.15.2.
type GatewayVarz struct {
	Name            string              `json:"name,omitempty"`
	Host            string              `json:"host,omitempty"`
	Port            int                 `json:"port,omitempty"`
	AuthTimeout     float64             `json:"auth_timeout,omitempty"` // seconds
	TLSTimeout      float64             `json:"tls_timeout,omitempty"`  // seconds
	TLSRequired     bool                `json:"tls_required,omitempty"`
	TLSVerify       bool                `json:"tls_verify,omitempty"`
	Advertise       string              `json:"advertise,omitempty"`
	ConnectRetries  int                 `json:"connect_retries,omitempty"`
	Gateways        []RemoteGatewayVarz `json:"gateways,omitempty"`
	RejectUnknown   bool                `json:"reject_unknown,omitempty"`
	WriteDeadline   time.Duration       `json:"write_deadline,omitempty"`     // since 2.11.11, not in 2.12.0
	WriteTimeout    string              `json:"write_timeout,omitempty"`      // since 2.11.11, not in 2.12.0
	TLSCertNotAfter *time.Time          `json:"tls_cert_not_after,omitempty"` // since 2.12.4
}

// RemoteGatewayVarz is a configured remote cluster. Source: monitor.go RemoteGatewayOptsVarz, v2.15.2.
type RemoteGatewayVarz struct {
	Name       string   `json:"name"`
	TLSTimeout float64  `json:"tls_timeout,omitempty"` // seconds
	URLs       []string `json:"urls,omitempty"`
}

// LeafVarz is the configuration of the leaf node port and of the remotes this server connects to.
// Source: monitor.go LeafNodeOptsVarz, v2.15.2.
type LeafVarz struct {
	Host              string           `json:"host,omitempty"`
	Port              int              `json:"port,omitempty"`
	AuthTimeout       float64          `json:"auth_timeout,omitempty"` // seconds
	TLSTimeout        float64          `json:"tls_timeout,omitempty"`  // seconds
	TLSRequired       bool             `json:"tls_required,omitempty"`
	TLSVerify         bool             `json:"tls_verify,omitempty"`
	Remotes           []RemoteLeafVarz `json:"remotes,omitempty"`
	TLSOCSPPeerVerify bool             `json:"tls_ocsp_peer_verify,omitempty"`
	WriteDeadline     time.Duration    `json:"write_deadline,omitempty"`     // since 2.11.11, not in 2.12.0
	WriteTimeout      string           `json:"write_timeout,omitempty"`      // since 2.11.11, not in 2.12.0
	TLSCertNotAfter   *time.Time       `json:"tls_cert_not_after,omitempty"` // since 2.12.4
}

// RemoteLeafVarz is a configured leaf remote. Source: monitor.go RemoteLeafOptsVarz, v2.15.2.
type RemoteLeafVarz struct {
	LocalAccount string     `json:"local_account,omitempty"`
	TLSTimeout   float64    `json:"tls_timeout,omitempty"` // seconds
	URLs         []string   `json:"urls,omitempty"`
	Deny         *DenyRules `json:"deny,omitempty"`
}

// DenyRules are subjects that do not pass a leaf remote. Source: monitor.go DenyRules, v2.15.2.
type DenyRules struct {
	Exports []string `json:"exports,omitempty"`
	Imports []string `json:"imports,omitempty"`
}

// MQTTVarz is the configuration of the MQTT port. Source: monitor.go MQTTOptsVarz, v2.15.2.
type MQTTVarz struct {
	Host            string        `json:"host,omitempty"`
	Port            int           `json:"port,omitempty"`
	NoAuthUser      string        `json:"no_auth_user,omitempty"`
	AuthTimeout     float64       `json:"auth_timeout,omitempty"` // seconds
	TLSMap          bool          `json:"tls_map,omitempty"`
	TLSTimeout      float64       `json:"tls_timeout,omitempty"` // seconds
	JSDomain        string        `json:"js_domain,omitempty"`
	AckWait         time.Duration `json:"ack_wait,omitempty"`
	MaxAckPending   int           `json:"max_ack_pending,omitempty"`
	TLSCertNotAfter *time.Time    `json:"tls_cert_not_after,omitempty"` // since 2.12.4
}

// WebsocketVarz is the configuration of the websocket port. Source: monitor.go WebsocketOptsVarz, v2.15.2.
type WebsocketVarz struct {
	Host             string        `json:"host,omitempty"`
	Port             int           `json:"port,omitempty"`
	NoAuthUser       string        `json:"no_auth_user,omitempty"`
	HandshakeTimeout time.Duration `json:"handshake_timeout,omitempty"`
	AuthTimeout      float64       `json:"auth_timeout,omitempty"` // seconds
	NoTLS            bool          `json:"no_tls,omitempty"`
	TLSMap           bool          `json:"tls_map,omitempty"`
	SameOrigin       bool          `json:"same_origin,omitempty"`
	AllowedOrigins   []string      `json:"allowed_origins,omitempty"`
	Compression      bool          `json:"compression,omitempty"`
	TLSCertNotAfter  *time.Time    `json:"tls_cert_not_after,omitempty"` // since 2.12.4
}
