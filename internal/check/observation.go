package check

import (
	"time"

	"rollcall/internal/entity"
)

// Observation is what one check found bad about one entity in one epoch. Its
// identity is check, Ref and Discriminator; values are evidence only.
type Observation struct {
	Ref entity.Ref
	// Discriminator tells several faults of one entity apart, such as a metadata
	// key. Never a value that changes while the fault stays.
	Discriminator string
	Severity      Severity // zero: the check's
	Summary       string   // one sentence with the real names and numbers
	Evidence      []Evidence
	Impact        string // what it costs here
	Fix           []Step // in order, with the real names filled in
	// Since is since when it has been bad at least, as the servers' own words
	// prove. Zero: not proven before this epoch.
	Since time.Time
	// Hold is how long it must have been bad, counted from Since or from the
	// first bad epoch, before the finding opens; it opens strictly after. Zero
	// opens at once.
	Hold time.Duration
	// Under names further entities whose finding may explain this one, besides
	// those that contain Ref. See Spec.MaskedBy.
	Under []entity.Ref
}

// Evidence is one number or word that the observation rests on.
type Evidence struct {
	Name      string `json:"name"`
	Value     any    `json:"value"`               // number, text or time; durations in seconds
	Unit      string `json:"unit,omitempty"`      // seconds, messages, bytes, ...
	Threshold any    `json:"threshold,omitempty"` // what it was compared to, in the same unit
	From      string `json:"from,omitempty"`      // the server that said so
}

// Seconds makes a duration into a value for Evidence, to the millisecond.
func Seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// Unknown is an entity that a check could not judge, and why.
type Unknown struct {
	Ref    entity.Ref
	Reason string
}

// Result is all that one check said of one epoch.
type Result struct {
	Check   *Check
	Bad     []Observation // sorted by Ref and Discriminator
	Unknown []Unknown     // sorted by Ref
	Took    time.Duration
	// Failed is set where the check panicked or broke its declaration. Its
	// findings stay as they were.
	Failed error
}
