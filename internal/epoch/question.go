package epoch

import (
	"fmt"
	"slices"
	"time"
)

// Question is one kind of monitoring request that can be put to a server.
type Question uint8

// The questions. Statsz is also answered unasked: every server publishes it
// each 10 s (nats-server v2.15.2 events.go:101).
const (
	Varz Question = iota
	Statsz
	Jsz
	Healthz
	Routez
	Gatewayz
	Leafz
	numQuestions
)

// Questions lists all of them, in the order in which they are asked.
var Questions = []Question{Varz, Statsz, Jsz, Healthz, Routez, Gatewayz, Leafz}

var questionNames = [numQuestions]string{"VARZ", "STATSZ", "JSZ", "HEALTHZ", "ROUTEZ", "GATEWAYZ", "LEAFZ"}

// String gives the name that nats-server uses for the request.
func (q Question) String() string { return questionNames[q] }

// MarshalText encodes the question by its name.
func (q Question) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText decodes a name; it returns an error for one that does not exist.
func (q *Question) UnmarshalText(text []byte) error {
	i := slices.Index(questionNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("no such question: %q", text)
	}
	*q = Question(i)
	return nil
}

// Outcome says what became of a question. The zero value means that it was not
// asked, which is never a gap.
type Outcome uint8

// The outcomes.
const (
	NotAsked    Outcome = iota
	Answered            // a complete answer came
	TimedOut            // nothing came before the deadline
	Refused             // the server answered with an error, or no permission
	CutShort            // given up or not asked, for a limit of ours: bytes, size over a leaf link
	Unsupported         // this server's version does not know the question
	Skipped             // not put because the server left an earlier question of this epoch unanswered
	Unreachable         // the auditor itself had no connection to the system
)

var outcomeNames = []string{"not asked", "answered", "timed out", "refused", "cut short", "not supported", "skipped", "no connection"}

// String names the outcome as reports show it.
func (o Outcome) String() string { return outcomeNames[o] }

// Answer is the coverage of one question to one server in one epoch.
type Answer struct {
	Outcome Outcome       `json:"outcome"`
	At      time.Time     `json:"at"`               // when it came, by the auditor's clock; zero without an answer
	Took    time.Duration `json:"took,omitempty"`   // from request to complete answer, or to giving up
	Bytes   int64         `json:"bytes,omitempty"`  // as received, compressed
	Detail  string        `json:"detail,omitempty"` // why, where the outcome is not Answered
}

// Reason gives a gap in words: "timed out", "refused: permission denied".
func (a Answer) Reason() string {
	if a.Detail == "" {
		return a.Outcome.String()
	}
	return a.Outcome.String() + ": " + a.Detail
}

// Gap is one question that was asked and not answered.
type Gap struct {
	System   string
	Server   string
	Question Question
	Answer   Answer
}
