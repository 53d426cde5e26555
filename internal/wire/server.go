package wire

import "time"

// ServerInfo says which server sent a reply or an event, and is the whole body of SHUTDOWN and LAMEDUCK events.
// Source: events.go ServerInfo, v2.15.2.
type ServerInfo struct {
	Name    string `json:"name"`
	Host    string `json:"host"`
	ID      string `json:"id"` // new at each start of the process
	Cluster string `json:"cluster,omitempty"`
	Domain  string `json:"domain,omitempty"`
	Version string `json:"ver"`
	// Tags are configured, in lower case, for example az:one.
	Tags         []string          `json:"tags,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`      // since 2.12.0
	FeatureFlags map[string]bool   `json:"feature_flags,omitempty"` // since 2.14.0
	JetStream    bool              `json:"jetstream"`               // superseded by Flags, still sent
	// Flags are capabilities: bit 0 JetStream, bit 1 binary stream snapshots, bit 2 raft traffic in the asset's account.
	Flags uint64 `json:"flags"`
	// Seq counts the messages this server sent through its internal queue, replies and events alike.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"` // the server's clock when it sent this
}

// DurationText is a duration that the server sends as text. Round trip times are as Go prints them ("1.234ms");
// empty means not measured yet.
type DurationText string

// Duration parses the text. It reports false for an empty text and for one that Go does not parse.
func (d DurationText) Duration() (time.Duration, bool) {
	parsed, err := time.ParseDuration(string(d))
	return parsed, err == nil
}
