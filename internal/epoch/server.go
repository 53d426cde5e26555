package epoch

import (
	"time"

	"rollcall/internal/entity"
	"rollcall/internal/wire"
)

// Server is one nats-server as this epoch knows it, whether or not it answered.
type Server struct {
	System  string   `json:"-"`
	Name    string   `json:"name"`         // unique within the system
	ID      string   `json:"id,omitempty"` // changes with each start; "" when only its name is known
	Cluster string   `json:"cluster,omitempty"`
	Domain  string   `json:"domain,omitempty"`
	Host    string   `json:"host,omitempty"`
	Version string   `json:"version,omitempty"`
	Tags    []string `json:"tags,omitempty"`

	// HasJetStream is true once the server was seen with JetStream on.
	HasJetStream bool `json:"jetstream,omitempty"`
	// NamedBy says who spoke of a server that never answered: the meta group,
	// a route or a stream's peers. Empty once it answered itself.
	NamedBy string `json:"named_by,omitempty"`

	// HeardAt is when the server itself was last heard from, by the auditor's
	// clock: an answer or a STATSZ beat. Zero if never.
	HeardAt time.Time `json:"heard_at"`
	// PeersHeardAt is when another server last heard from it (raft heartbeats as
	// group leaders report them). Zero if nobody says.
	PeersHeardAt time.Time `json:"peers_heard_at"`
	// KnownSince is when the auditor first knew of the server.
	KnownSince time.Time `json:"known_since"`
	// ShutdownAt and LameDuckAt are when the server itself announced that it
	// leaves. Zero once a start after that was seen.
	ShutdownAt time.Time `json:"shutdown_at"`
	LameDuckAt time.Time `json:"lame_duck_at"`

	// ViaLeaf is true when the auditor reaches this server only through a leaf
	// link, where large answers would break the link (nats-facts 0.3).
	ViaLeaf bool `json:"via_leaf,omitempty"`

	Coverage [numQuestions]Answer `json:"coverage"`

	// The answers of this epoch; nil where there was none.
	Vars      *wire.VARZ     `json:"vars,omitempty"`
	Stats     *wire.STATSZ   `json:"stats,omitempty"`
	JetStream *JetStream     `json:"js,omitempty"`
	Health    *wire.HEALTHZ  `json:"health,omitempty"`
	Routes    *wire.ROUTEZ   `json:"routes,omitempty"`
	Gateways  *wire.GATEWAYZ `json:"gateways,omitempty"`
	Leafs     *wire.LEAFZ    `json:"leafs,omitempty"`
}

// JetStream is what a server says of its JetStream as a whole (JSZ without the
// streams).
type JetStream struct {
	At        time.Time            `json:"at"` // the server's clock when it answered
	Disabled  bool                 `json:"disabled,omitempty"`
	Streams   int                  `json:"streams"`
	Consumers int                  `json:"consumers"`
	Memory    uint64               `json:"memory"`
	Storage   uint64               `json:"storage"`
	Reserved  Reserved             `json:"reserved"`
	Config    wire.JetStreamConfig `json:"config"`
	Meta      *wire.MetaCluster    `json:"meta,omitempty"`
}

// Reserved is what streams claim through max_bytes, in bytes.
type Reserved struct {
	Memory  uint64 `json:"memory"`
	Storage uint64 `json:"storage"`
}

// Ref is the server's identity.
func (s *Server) Ref() entity.Ref { return entity.OfServer(s.System, s.Name) }

// Answered says whether the server answered the question completely.
func (s *Server) Answered(q Question) bool { return s.Coverage[q].Outcome == Answered }

// Heard says whether the server gave any sign of life in this epoch: an answer
// to any question, refusals included, or a beat since the epoch began.
func (s *Server) Heard(e *Epoch) bool { return s.heardSince(e.StartedAt) }

func (s *Server) heardSince(start time.Time) bool {
	for i := range s.Coverage {
		if o := s.Coverage[i].Outcome; o == Answered || o == Refused || o == Unsupported {
			return true
		}
	}
	return !s.HeardAt.Before(start)
}

// Asked says whether any question was put to the server in this epoch.
func (s *Server) Asked() bool {
	for i := range s.Coverage {
		if s.Coverage[i].Outcome != NotAsked {
			return true
		}
	}
	return false
}

// LastHeard is the latest moment at which anybody, the auditor or a peer, heard
// from the server. Zero if nobody ever did.
func (s *Server) LastHeard() time.Time {
	if s.PeersHeardAt.After(s.HeardAt) {
		return s.PeersHeardAt
	}
	return s.HeardAt
}

// Announced is when the server said that it leaves, by shutdown or lame duck;
// zero if it did not.
func (s *Server) Announced() time.Time {
	if !s.ShutdownAt.IsZero() {
		return s.ShutdownAt
	}
	return s.LameDuckAt
}
