package wire

import "time"

// GATEWAYZRequest asks a server for its gateways. Accounts are never asked for: their number is not bounded.
type GATEWAYZRequest struct{}

// GATEWAYZ is a server's gateway connections, by remote cluster. Both maps are empty without gateways.
// Source: monitor.go Gatewayz, v2.15.2.
type GATEWAYZ struct {
	ID       string                     `json:"server_id"`
	Now      time.Time                  `json:"now"`            // the server's clock
	Name     string                     `json:"name,omitempty"` // of the own cluster
	Host     string                     `json:"host,omitempty"`
	Port     int                        `json:"port,omitempty"`
	Outbound map[string]RemoteGateway   `json:"outbound_gateways"` // one connection per remote cluster
	Inbound  map[string][]RemoteGateway `json:"inbound_gateways"`
}

// RemoteGateway is one gateway connection. Source: monitor.go RemoteGatewayz, v2.15.2.
type RemoteGateway struct {
	IsConfigured bool               `json:"configured"`
	Connection   *GatewayConnection `json:"connection,omitempty"`
}

// GatewayConnection is the connection of a gateway. Source: monitor.go ConnInfo, v2.15.2, as far as gateways fill it.
type GatewayConnection struct {
	CID          uint64       `json:"cid"`
	IP           string       `json:"ip"`
	Port         int          `json:"port"`
	Start        time.Time    `json:"start"`
	LastActivity time.Time    `json:"last_activity"`
	RTT          DurationText `json:"rtt,omitempty"`
	Pending      int          `json:"pending_bytes"`
	InMsgs       int64        `json:"in_msgs"`
	OutMsgs      int64        `json:"out_msgs"`
	InBytes      int64        `json:"in_bytes"`
	OutBytes     int64        `json:"out_bytes"`
	NumSubs      uint32       `json:"subscriptions"`
	Name         string       `json:"name,omitempty"` // id of the remote server
	TLSVersion   string       `json:"tls_version,omitempty"`
}
