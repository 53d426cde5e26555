package wire

import "time"

// ROUTEZRequest asks a server for its routes. Subscriptions are never asked for.
type ROUTEZRequest struct{}

// ROUTEZ is a server's route connections. Source: monitor.go Routez, v2.15.2.
type ROUTEZ struct {
	ID        string      `json:"server_id"`
	Name      string      `json:"server_name"`
	Now       time.Time   `json:"now"` // the server's clock
	NumRoutes int         `json:"num_routes"`
	Routes    []RouteInfo `json:"routes"`
}

// RouteInfo is one route connection; a peer has several with a pool. Source: monitor.go RouteInfo, v2.15.2.
type RouteInfo struct {
	RID          uint64       `json:"rid"`
	RemoteID     string       `json:"remote_id"`
	RemoteName   string       `json:"remote_name"`
	DidSolicit   bool         `json:"did_solicit"`
	IsConfigured bool         `json:"is_configured"` // explicit, not learned by gossip
	IP           string       `json:"ip"`
	Port         int          `json:"port"`
	Start        time.Time    `json:"start"`
	LastActivity time.Time    `json:"last_activity"`
	RTT          DurationText `json:"rtt,omitempty"`
	Pending      int          `json:"pending_size"` // bytes waiting to be sent
	InMsgs       int64        `json:"in_msgs"`
	OutMsgs      int64        `json:"out_msgs"`
	InBytes      int64        `json:"in_bytes"`
	OutBytes     int64        `json:"out_bytes"`
	NumSubs      uint32       `json:"subscriptions"`
	Account      string       `json:"account,omitempty"` // of a route pinned to one account
	Compression  string       `json:"compression,omitempty"`
}
