package wire

// HEALTHZRequest asks a server for its own verdict on itself. Source: monitor.go HealthzOptions, v2.15.2.
type HEALTHZRequest struct {
	Details bool `json:"details,omitempty"` // all errors, typed, instead of the first as text
}

// HEALTHZ is a server's verdict on itself. "ok" proves little: it looks at the local raft nodes and stores only.
// Source: monitor.go HealthStatus, v2.15.2.
type HEALTHZ struct {
	Status     string        `json:"status"` // ok, unavailable, error
	StatusCode int           `json:"status_code,omitempty"`
	Error      string        `json:"error,omitempty"`  // without details, or when there are no Errors
	Errors     []HealthError `json:"errors,omitempty"` // with details
}

// HealthError is one thing a server finds wrong with itself. Source: monitor.go HealthzError, v2.15.2.
type HealthError struct {
	Type     string `json:"type"` // CONNECTION, BAD_REQUEST, JETSTREAM, ACCOUNT, STREAM, CONSUMER
	Account  string `json:"account,omitempty"`
	Stream   string `json:"stream,omitempty"`
	Consumer string `json:"consumer,omitempty"`
	Error    string `json:"error,omitempty"`
}
