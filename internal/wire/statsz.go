package wire

import "time"

// STATSZRequest asks a server for its statistics. It has no options.
type STATSZRequest struct{}

// STATSZ is a server's vital figures: the reply to STATSZ, and the beat it sends every 10 s. Both have them in
// "statsz" instead of "data". Source: events.go ServerStats, v2.15.2.
type STATSZ struct {
	Start            time.Time `json:"start"`
	Mem              int64     `json:"mem"` // resident bytes
	Cores            int       `json:"cores"`
	CPU              float64   `json:"cpu"` // percent of one core
	Connections      int       `json:"connections"`
	TotalConnections uint64    `json:"total_connections"`
	ActiveAccounts   int       `json:"active_accounts"`
	Subscriptions    uint32    `json:"subscriptions"`
	Sent             DataStats `json:"sent"`
	Received         DataStats `json:"received"`
	// The parts of the above that went to and came from clients; since 2.14.3, nil before.
	SentToClients       *DataStats `json:"sent_to_clients"`
	ReceivedFromClients *DataStats `json:"received_from_clients"`

	SlowConsumers     int64             `json:"slow_consumers"`                // since start
	SlowConsumerStats *ConnectionCounts `json:"slow_consumer_stats,omitempty"` // since 2.11.0; nil also while all are zero
	// StaleConnections and StalledClients count since start, since 2.12.0. The server omits them while they are zero, so
	// nil is zero from a 2.12 on and unknown before: the version in ServerInfo tells.
	StaleConnections     *int64            `json:"stale_connections,omitempty"`
	StaleConnectionStats *ConnectionCounts `json:"stale_connection_stats,omitempty"`
	StalledClients       *int64            `json:"stalled_clients,omitempty"`

	Routes        []RouteStat    `json:"routes,omitempty"`
	Gateways      []GatewayStat  `json:"gateways,omitempty"`
	ActiveServers int            `json:"active_servers,omitempty"` // servers this one knows of, itself included
	JetStream     *JetStreamVarz `json:"jetstream,omitempty"`      // nil when JetStream is off
	MemLimit      int64          `json:"gomemlimit,omitempty"`     // bytes; since 2.10.29 and 2.11.11
	MaxProcs      int            `json:"gomaxprocs,omitempty"`     // since 2.10.29 and 2.11.11
}

// DataStats counts messages and bytes in one direction. Source: events.go DataStats and MsgBytes, v2.15.2.
type DataStats struct {
	MsgBytes
	Gateways *MsgBytes `json:"gateways,omitempty"`
	Routes   *MsgBytes `json:"routes,omitempty"`
	Leafs    *MsgBytes `json:"leafs,omitempty"`
}

// MsgBytes counts messages and their bytes since start. Source: events.go MsgBytes, v2.15.2.
type MsgBytes struct {
	Msgs  int64 `json:"msgs"`
	Bytes int64 `json:"bytes"`
}

// RouteStat is one route connection; a peer has several with a pool. Source: events.go RouteStat, v2.15.2.
type RouteStat struct {
	ID       uint64    `json:"rid"`
	Name     string    `json:"name,omitempty"` // the peer's
	Sent     DataStats `json:"sent"`
	Received DataStats `json:"received"`
	Pending  int       `json:"pending"` // bytes waiting to be sent
}

// GatewayStat is one outbound gateway connection. Source: events.go GatewayStat, v2.15.2.
type GatewayStat struct {
	ID         uint64    `json:"gwid"`
	Name       string    `json:"name"` // the remote cluster's
	Sent       DataStats `json:"sent"`
	Received   DataStats `json:"received"`
	NumInbound int       `json:"inbound_connections"`
}
