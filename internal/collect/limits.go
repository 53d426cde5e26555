package collect

import "time"

// Limits bound what one epoch may cost the auditor and the systems it watches.
// A zero field takes its default.
type Limits struct {
	// LightDeadline is how long a server may take over one small question, and
	// a connection over proving that it works. Default 2 s: 500 times what a
	// loaded server takes, and short enough for a roll call each 5 s.
	LightDeadline time.Duration
	// HeavyDeadline is the same for one JSZ request that lists streams. Default
	// 5 s: 10 000 streams take 0.15 s, a busy server ten times that.
	HeavyDeadline time.Duration
	// Concurrency is how many servers of one system are asked at once, each
	// with one outstanding question. Default 4.
	Concurrency int
	// EpochBytes is how many bytes, as received, all answers of one epoch may
	// have. Beyond it only VARZ and STATSZ are still asked. Default 64 MB:
	// about 400 000 streams with a consumer each.
	EpochBytes int64
	// AnswerBytes is the size of one uncompressed JSZ answer above which a
	// server is asked for its accounts in several requests. Default 8 MB: a
	// server makes that in 0.1 s, during which it answers nobody else. One
	// account cannot be divided and may exceed it.
	AnswerBytes int64
	// LeafAnswerBytes is the most that an answer may have, compressed, on its
	// way through a leaf link. Default 700 kB, under the 1 MB max_payload that
	// closes the link; where a server has a lower max_payload, 70 % of that.
	LeafAnswerBytes int64
}

// The defaults of Limits.
const (
	defaultLightDeadline   = 2 * time.Second
	defaultHeavyDeadline   = 5 * time.Second
	defaultConcurrency     = 4
	defaultEpochBytes      = 64 << 20
	defaultAnswerBytes     = 8 << 20
	defaultLeafAnswerBytes = 700 << 10
)

// leafShare is the part of max_payload that a leaf answer may use by estimate.
const leafShare = 0.7

// maxAnswer is the largest uncompressed answer that is knowingly asked for: what
// wire.Decode accepts, less a quarter for the error of the estimate.
const maxAnswer = 192 << 20

// completed gives the limits with the defaults filled in.
func (l Limits) completed() Limits {
	if l.LightDeadline <= 0 {
		l.LightDeadline = defaultLightDeadline
	}
	if l.HeavyDeadline <= 0 {
		l.HeavyDeadline = defaultHeavyDeadline
	}
	if l.Concurrency <= 0 {
		l.Concurrency = defaultConcurrency
	}
	if l.EpochBytes <= 0 {
		l.EpochBytes = defaultEpochBytes
	}
	if l.AnswerBytes <= 0 {
		l.AnswerBytes = defaultAnswerBytes
	}
	if l.LeafAnswerBytes <= 0 {
		l.LeafAnswerBytes = defaultLeafAnswerBytes
	}
	return l
}
