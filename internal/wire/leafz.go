package wire

import "time"

// LEAFZRequest asks a server for its leaf node connections. Subscriptions are never asked for.
// Source: monitor.go LeafzOptions, v2.15.2.
type LEAFZRequest struct{}

// LEAFZ is a server's leaf node connections, of both directions. Source: monitor.go Leafz, v2.15.2.
type LEAFZ struct {
	ID       string     `json:"server_id"`
	Now      time.Time  `json:"now"` // the server's clock
	NumLeafs int        `json:"leafnodes"`
	Leafs    []LeafInfo `json:"leafs"`
}

// LeafInfo is one leaf node connection. It has no start time: a new ID is the only sign of a reconnect.
// Source: monitor.go LeafInfo, v2.15.2.
type LeafInfo struct {
	ID          uint64       `json:"id"`                    // connection id, never 0; since 2.11.11, 0 before
	Name        string       `json:"name"`                  // of the remote server
	IsSpoke     bool         `json:"is_spoke"`              // this server is the leaf
	IsIsolated  bool         `json:"is_isolated,omitempty"` // since 2.12.0
	Account     string       `json:"account"`               // local
	IP          string       `json:"ip"`
	Port        int          `json:"port"`
	RTT         DurationText `json:"rtt,omitempty"`
	InMsgs      int64        `json:"in_msgs"`
	OutMsgs     int64        `json:"out_msgs"`
	InBytes     int64        `json:"in_bytes"`
	OutBytes    int64        `json:"out_bytes"`
	NumSubs     uint32       `json:"subscriptions"`
	Compression string       `json:"compression,omitempty"`
	Websocket   bool         `json:"websocket,omitempty"` // since 2.15
}
