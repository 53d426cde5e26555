package epoch

import (
	"time"

	"rollcall/internal/entity"
	"rollcall/internal/wire"
)

// StreamKey identifies a stream within a system.
type StreamKey struct {
	Domain  string `json:"domain,omitempty"` // JetStream domain, "" if none
	Account string `json:"account"`
	Name    string `json:"name"`
}

// Stream is one stream with the views that its servers have of it. Only the
// leader's view of replicas, mirror and sources means anything; see View.
type Stream struct {
	StreamKey
	System string `json:"-"`
	// AccountID is the account's public key in operator mode, else its name.
	AccountID string `json:"account_id"`

	Created time.Time          `json:"created"`
	Config  *wire.StreamConfig `json:"config,omitempty"` // shared by all views; nil only if no server ever told it

	// Views are what servers said in this epoch, sorted by server. Empty for a
	// stream that is remembered from an earlier epoch and listed by nobody now.
	Views []View `json:"views,omitempty"`
	// Consumers as their own leader sees them (any server's view where none
	// leads), sorted by name. The internal consumers of mirrors and sources
	// are not among them, see Direct.
	Consumers []Consumer `json:"consumers,omitempty"`
	// Direct are the internal consumers that mirrors and sourcing streams keep
	// on this stream, as listed by its leader. DirectReliable says whether
	// that list can be trusted (nats-server 2.14.3 and later, nats-facts 1).
	Direct         []Consumer `json:"direct,omitempty"`
	DirectReliable bool       `json:"direct_reliable,omitempty"`

	// Upstreams are the streams that this one copies from: one for a mirror,
	// one for each source in the order of Config.Sources.
	Upstreams []Upstream `json:"upstreams,omitempty"`

	// ListedAt is when a server last listed the stream (auditor's clock), and
	// MissedEpochs for how many epochs nobody has.
	ListedAt     time.Time `json:"listed_at"`
	MissedEpochs int       `json:"missed_epochs,omitempty"`
	// Servers are all that host a replica as far as known: those that list it
	// and those that its leader names, now or when last seen. Sorted.
	Servers []string `json:"servers"`
	// LastLed is the newest view of a leader from an earlier epoch, kept only
	// while there is no leader's view now.
	LastLed *View `json:"last_led,omitempty"`

	leader int // index into Views, -1 if none leads
}

// View is what one server said of a stream in this epoch.
type View struct {
	Server string    `json:"server"`
	At     time.Time `json:"at"` // the server's clock when it answered
	// Leader is who leads according to this server; "" if it knows of none.
	Leader string `json:"leader,omitempty"`
	// LeaderSince is when that leadership began: from the server where it says
	// so (2.11 and later), else since when the auditor has seen it.
	LeaderSince time.Time `json:"leader_since"`
	RaftGroup   string    `json:"raft_group,omitempty"`
	Cluster     string    `json:"cluster,omitempty"`
	State       State     `json:"state"`
	// Peers are the other replicas. Meaningful only in the leader's view.
	Peers []Peer `json:"peers,omitempty"`
	// Mirror and Sources are the state of copying. Meaningful only in the
	// leader's view. Mirror is nil for a moment after a leader change.
	Mirror  *Copying  `json:"mirror,omitempty"`
	Sources []Copying `json:"sources,omitempty"`
}

// State is the extent of a stream on one server.
type State struct {
	Msgs        uint64    `json:"msgs"`
	Bytes       uint64    `json:"bytes"`
	FirstSeq    uint64    `json:"first_seq"`
	FirstTS     time.Time `json:"first_ts"`
	LastSeq     uint64    `json:"last_seq"`
	LastTS      time.Time `json:"last_ts"`
	NumSubjects int       `json:"num_subjects,omitempty"`
	NumDeleted  int       `json:"num_deleted,omitempty"`
}

// Peer is one other replica as the leader sees it.
type Peer struct {
	Name    string        `json:"name"`
	Current bool          `json:"current,omitempty"`
	Offline bool          `json:"offline,omitempty"`
	Active  time.Duration `json:"active"`        // since last heard; 0 also means never heard (nats-facts 0.2)
	Lag     uint64        `json:"lag,omitempty"` // raft entries, not messages
	// HeardAt is when a leader last heard from the peer as far as the epochs
	// show: now - Active, or, where Active is 0 and the peer is not current,
	// the last time an earlier epoch could tell. Zero if no epoch could.
	HeardAt time.Time `json:"heard_at"`
	// Unheard counts the consecutive epochs in which this leader reported
	// Active 0 without the peer being current: 1 also happens to a busy
	// healthy peer (jetstream_cluster.go:14085), 2 does not.
	Unheard int `json:"unheard,omitempty"`
	// LostBefore says that an earlier leader had lost the peer when it last
	// told, and this one has never heard from it: the silence goes on.
	LostBefore bool `json:"lost_before,omitempty"`
}

// NeverActive is what a server reports as the activity of a mirror or source
// that its present leader has not set up yet (stream.go:3319).
const NeverActive = time.Duration(-1)

// Copying is the state of one mirror or source as the copying stream's leader
// reports it. None of it proves that messages arrive (nats-facts 0.1).
type Copying struct {
	Name   string         `json:"name"`
	API    string         `json:"api,omitempty"` // prefix by which the origin is reached, "" if it is local
	Lag    uint64         `json:"lag"`
	Active time.Duration  `json:"active"`        // since anything arrived, heartbeats included; NeverActive
	Seq    *uint64        `json:"seq,omitempty"` // last origin sequence stored; sources only, nil before 2.15
	Error  *wire.APIError `json:"error,omitempty"`
}

// Consumer is one consumer as its leader, or failing that any server, sees it.
type Consumer struct {
	Name        string               `json:"name"`
	Server      string               `json:"server"`           // whose view this is
	Leader      string               `json:"leader,omitempty"` // who leads according to that view
	Created     time.Time            `json:"created"`
	At          time.Time            `json:"at"`
	Config      *wire.ConsumerConfig `json:"config,omitempty"`
	Delivered   wire.SequenceInfo    `json:"delivered"`
	AckFloor    wire.SequenceInfo    `json:"ack_floor"`
	Pending     uint64               `json:"pending"`
	AckPending  int                  `json:"ack_pending"`
	Redelivered int                  `json:"redelivered"`
	Waiting     int                  `json:"waiting"`
	PushBound   bool                 `json:"push_bound,omitempty"`
	Paused      bool                 `json:"paused,omitempty"`
	Peers       []Peer               `json:"peers,omitempty"`
}

// Ref is the stream's identity.
func (s *Stream) Ref() entity.Ref { return entity.OfStream(s.System, s.Domain, s.Account, s.Name) }

// Led gives the view of the server that leads the stream, or nil if none of
// those that answered leads it. Where two claim to, it is the later leader.
func (s *Stream) Led() *View {
	if s.leader < 0 || s.leader >= len(s.Views) {
		return nil
	}
	return &s.Views[s.leader]
}

// Known gives the leader's view of this epoch, or else the last one remembered,
// or nil.
func (s *Stream) Known() *View {
	if v := s.Led(); v != nil {
		return v
	}
	return s.LastLed
}

// View gives what a server said of the stream in this epoch, or nil.
func (s *Stream) View(server string) *View {
	for i := range s.Views {
		if s.Views[i].Server == server {
			return &s.Views[i]
		}
	}
	return nil
}

// Peer gives the leader's row of another replica, or nil.
func (v *View) Peer(server string) *Peer {
	for i := range v.Peers {
		if v.Peers[i].Name == server {
			return &v.Peers[i]
		}
	}
	return nil
}

// Replicas is how many replicas the stream is configured to have; at least 1.
func (s *Stream) Replicas() int {
	if s.Config == nil {
		return max(1, len(s.Servers))
	}
	return max(1, s.Config.Replicas)
}

// IsMirror says whether the stream is configured as a mirror.
func (s *Stream) IsMirror() bool { return s.Config != nil && s.Config.Mirror != nil }

// Metadata is the stream's metadata; nil if none is known.
func (s *Stream) Metadata() map[string]string {
	if s.Config == nil {
		return nil
	}
	return s.Config.Metadata
}
