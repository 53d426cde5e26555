// Package ledger turns the observations of each epoch into findings with a
// life: pending, open, clearing, resolved. It is a pure reducer: the same
// epochs give the same ledger, every transition has its cause epoch and a reason
// from a closed list.
package ledger

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// ID identifies a finding: a check, an entity and, where one entity can have
// several faults of that check, what tells them apart.
type ID struct {
	Code          string
	Ref           entity.Ref
	Discriminator string
}

// String prints the identity: "JETSTREAM_023 replica:east/APP/ORDERS/n2".
func (id ID) String() string {
	text := id.Code + " " + id.Ref.String()
	if id.Discriminator != "" {
		text += "#" + id.Discriminator
	}
	return text
}

// Compare orders findings by entity, then code.
func (id ID) Compare(other ID) int {
	return cmp.Or(id.Ref.Compare(other.Ref), strings.Compare(id.Code, other.Code), strings.Compare(id.Discriminator, other.Discriminator))
}

// State is where a finding is in its life.
type State string

// The states. Resolved findings leave the ledger with their last transition.
const (
	None     State = ""
	Pending  State = "pending"  // bad, but not yet for long enough
	Open     State = "open"     // bad for long enough
	Clearing State = "clearing" // good again, but not yet for long enough
	Resolved State = "resolved"
)

// Reason says why a finding changed its state.
type Reason string

// The reasons.
const (
	SeenBad      Reason = "seen bad"
	HeldBad      Reason = "bad for its threshold"
	SeenGood     Reason = "seen good"
	HeldGood     Reason = "good for long enough"
	BadAgain     Reason = "bad again"
	EntityGone   Reason = "the entity is gone"
	CheckRetired Reason = "the check is switched off"
)

// Transition is one change of a finding's state.
type Transition struct {
	ID     ID
	From   State
	To     State
	Reason Reason
	Epoch  uint64
	At     time.Time // end of the cause epoch
	Last   Finding   // the finding after the transition
}

// Finding is one fault over its life.
type Finding struct {
	ID    ID
	Check *check.Check
	State State
	// Seen is the newest bad observation.
	Seen check.Observation
	// BadSince is since when it is known to have been bad.
	BadSince time.Time
	// FirstSeen is the epoch time of the first bad observation, LastSeen of the
	// newest.
	FirstSeen, LastSeen time.Time
	OpenedAt            time.Time // zero if it never opened
	GoodSince           time.Time // of a clearing finding

	// Stale says why the entity could not be judged in the newest epoch; empty
	// if it was. A stale finding neither opens nor resolves.
	Stale string
	// MaskedBy is the finding that explains this one; nil if none does.
	MaskedBy *ID
}

// Ledger is the state of all findings after an epoch. It is immutable.
type Ledger struct {
	findings map[ID]Finding
}

// Findings lists them in the order of their identity.
func (l *Ledger) Findings() []Finding {
	if l == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(l.findings), func(a, b Finding) int { return a.ID.Compare(b.ID) })
}

// Finding gives one finding and whether it exists.
func (l *Ledger) Finding(id ID) (Finding, bool) {
	if l == nil {
		return Finding{}, false
	}
	f, ok := l.findings[id]
	return f, ok
}

// step is one application of the reducer.
type step struct {
	e           *epoch.Epoch
	next        map[ID]Finding
	transitions []Transition
}

// Next applies the results of one epoch and gives the ledger after it together
// with the transitions, in the order of the findings' identity. It may be called
// on nil.
func (l *Ledger) Next(e *epoch.Epoch, results []check.Result) (*Ledger, []Transition) {
	s := &step{e: e, next: map[ID]Finding{}}
	judged := map[string]*verdict{}
	for i := range results {
		judged[results[i].Check.Code] = verdictOf(&results[i])
	}
	for _, old := range l.Findings() {
		v := judged[old.ID.Code]
		switch {
		case v == nil:
			s.close(old, CheckRetired)
		case v.bad[old.ID] != nil:
			s.bad(old, *v.bad[old.ID])
			delete(v.bad, old.ID)
		case v.failed != nil:
			old.Stale = v.failed.Error()
			s.next[old.ID] = old
		case !e.Has(old.ID.Ref):
			s.close(old, EntityGone)
		default:
			s.good(old, v.unknown[old.ID.Ref])
		}
	}
	for _, v := range judged {
		for id, o := range v.bad {
			s.bad(Finding{ID: id, Check: v.check, FirstSeen: e.FinishedAt, BadSince: e.FinishedAt}, *o)
		}
	}
	s.mask()
	for i := range s.transitions {
		if f, ok := s.next[s.transitions[i].ID]; ok {
			s.transitions[i].Last = f
		}
	}
	slices.SortStableFunc(s.transitions, func(a, b Transition) int { return a.ID.Compare(b.ID) })
	return &Ledger{findings: s.next}, s.transitions
}

// verdict is the result of one check, indexed.
type verdict struct {
	check   *check.Check
	bad     map[ID]*check.Observation
	unknown map[entity.Ref]string
	failed  error
}

func verdictOf(r *check.Result) *verdict {
	v := &verdict{check: r.Check, failed: r.Failed, bad: map[ID]*check.Observation{}, unknown: make(map[entity.Ref]string, len(r.Unknown))}
	for i := range r.Bad {
		o := &r.Bad[i]
		v.bad[ID{r.Check.Code, o.Ref, o.Discriminator}] = o
	}
	for i := range r.Unknown {
		v.unknown[r.Unknown[i].Ref] = r.Unknown[i].Reason
	}
	return v
}

func (s *step) move(f *Finding, to State, why Reason) {
	s.transitions = append(s.transitions, Transition{
		ID: f.ID, From: f.State, To: to, Reason: why, Epoch: s.e.ID, At: s.e.FinishedAt, Last: *f,
	})
	f.State = to
	s.transitions[len(s.transitions)-1].Last.State = to
}

// bad applies a bad observation to a finding, new ones included.
func (s *step) bad(f Finding, o check.Observation) {
	f.Seen, f.LastSeen, f.Stale, f.GoodSince = o, s.e.FinishedAt, "", time.Time{}
	if !o.Since.IsZero() && o.Since.Before(f.BadSince) {
		f.BadSince = o.Since
	}
	switch f.State {
	case None:
		s.move(&f, Pending, SeenBad)
	case Clearing:
		s.move(&f, Open, BadAgain)
	}
	if f.State == Pending && (o.Hold == 0 || s.e.FinishedAt.Sub(f.BadSince) > o.Hold) {
		f.OpenedAt = s.e.FinishedAt
		s.move(&f, Open, HeldBad)
	}
	s.next[f.ID] = f
}

// good applies the absence of a bad observation: good if the entity was judged,
// stale if it was not.
func (s *step) good(f Finding, unknown string) {
	if unknown != "" {
		f.Stale = unknown
		s.next[f.ID] = f
		return
	}
	f.Stale = ""
	switch f.State {
	case Pending:
		s.close(f, SeenGood)
		return
	case Open:
		f.GoodSince = s.e.FinishedAt
		if f.Check.Clear == 0 {
			s.close(f, SeenGood)
			return
		}
		s.move(&f, Clearing, SeenGood)
	case Clearing:
		if s.e.FinishedAt.Sub(f.GoodSince) >= f.Check.Clear {
			s.close(f, HeldGood)
			return
		}
	}
	s.next[f.ID] = f
}

func (s *step) close(f Finding, why Reason) {
	s.move(&f, Resolved, why)
}

// mask notes, for each finding, the finding that explains it.
func (s *step) mask() {
	for id, f := range s.next {
		f.MaskedBy = s.root(f)
		s.next[id] = f
	}
}

func (s *step) root(f Finding) *ID {
	if len(f.Check.MaskedBy) == 0 {
		return nil
	}
	places := append([]entity.Ref{f.ID.Ref}, f.ID.Ref.Parents()...)
	places = append(places, f.Seen.Under...)
	for _, cause := range f.Check.MaskedBy {
		for _, place := range places {
			id := ID{Code: cause.Code, Ref: place}
			if root, ok := s.next[id]; ok && id != f.ID && root.State != Clearing {
				return &id
			}
		}
	}
	return nil
}
