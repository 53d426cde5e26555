package check

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// Severity says how urgent a finding is.
type Severity int8

// The severities, mildest first. The zero Severity in an Observation stands for
// the check's own.
const (
	Info Severity = iota + 1
	Warning
	Critical
)

var severityNames = map[Severity]string{Info: "info", Warning: "warning", Critical: "critical"}

// String names the severity as the reports do.
func (s Severity) String() string { return severityNames[s] }

// MarshalText encodes the severity by name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads a name; the error lists what is allowed.
func ParseSeverity(name string) (Severity, error) {
	for s, n := range severityNames {
		if n == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is no severity: want critical, warning or info", name)
}

// Category is the kind of trouble a check looks for.
type Category string

// The categories.
const (
	Health      Category = "Health"
	Errors      Category = "Errors"
	Performance Category = "Performance"
	Saturation  Category = "Saturation"
	Consistency Category = "Consistency"
	Change      Category = "Change"
)

// Kind says when a check runs: at each epoch, or on demand over a range.
type Kind string

// The kinds.
const (
	Operational  Kind = "operational"
	Optimization Kind = "optimization"
)

// Spec declares a check with thresholds of type T, a struct whose fields carry
// the tags name, default, min, max, unit and doc. See Threshold.
type Spec[T any] struct {
	Code     string   // as users know it, JETSTREAM_015
	Aliases  []string // numbers of the same check in other catalogues
	Title    string   // names the fault
	Severity Severity // of an observation that sets none
	Worst    Severity // the worst an observation may set; zero: Severity
	Mildest  Severity // the mildest an observation may set; zero: Severity
	Category Category
	Kind     Kind // zero: Operational
	Entity   entity.Kind
	Since    string // rollcall version that brought it

	// Needs are the questions without whose answer the entity is unknown. Uses
	// are those whose answers only sharpen the evidence. A check reads the
	// answers to no other question.
	Needs []epoch.Question
	Uses  []epoch.Question
	// Metadata are the keys of a stream's or consumer's metadata that set the
	// check's threshold, for the manual.
	Metadata []string
	// Keeps are the histories that Run reads through Pass.Trail.
	Keeps []*epoch.Scalar
	// MaskedBy are the checks whose finding on the same entity, on one that
	// contains it, or on one named in Observation.Under explains this one.
	MaskedBy []*Check
	// Clear is how long good must be observed before a finding resolves.
	Clear time.Duration

	Doc Doc

	// Opens, Clears and Blind are the three sentences above Run: when it opens,
	// when it clears, what it cannot see.
	Opens, Clears, Blind string
	// Run reports each bad entity. It is pure: it reads p and settings only.
	Run func(p *Pass, settings T)
}

// Check is a declared check. It is constant after package initialisation.
type Check struct {
	Code                     string
	Aliases                  []string
	Title                    string
	Severity, Worst, Mildest Severity
	Category                 Category
	Kind                     Kind
	Entity                   entity.Kind
	Since                    string
	Needs, Uses              []epoch.Question
	Metadata                 []string
	Keeps                    []*epoch.Scalar
	MaskedBy                 []*Check
	Clear                    time.Duration
	Doc                      Doc
	Opens, Clears, Blind     string
	Family                   string
	Thresholds               []Threshold

	defaults reflect.Value // of the threshold struct
	run      func(*Pass, reflect.Value)
}

// Family is a package of checks. Its zero value with a name is ready for use.
type Family struct {
	Name   string
	checks []*Check
}

// Checks lists the family's checks by code.
func (f *Family) Checks() []*Check {
	return slices.SortedFunc(slices.Values(f.checks), func(a, b *Check) int { return strings.Compare(a.Code, b.Code) })
}

// Define declares a check and appends it to its family. It panics on a
// declaration that cannot be right (a default outside its bounds, no code): that
// happens at start-up, so every run of the tests sees it.
func Define[T any](family *Family, s Spec[T]) *Check {
	thresholds, defaults, err := thresholdsOf(reflect.TypeFor[T]())
	if err != nil {
		panic(fmt.Sprintf("check %s: %v", s.Code, err))
	}
	if s.Code == "" || s.Title == "" || s.Severity == 0 || s.Run == nil {
		panic(fmt.Sprintf("check %q of family %s lacks a code, title, severity or Run", s.Code, family.Name))
	}
	c := &Check{
		Code: s.Code, Aliases: s.Aliases, Title: s.Title, Severity: s.Severity,
		Worst: max(s.Worst, s.Severity), Mildest: s.Severity,
		Category: s.Category, Kind: s.Kind, Entity: s.Entity, Since: s.Since,
		Needs: s.Needs, Uses: s.Uses, Metadata: s.Metadata, Keeps: s.Keeps, MaskedBy: s.MaskedBy, Clear: s.Clear,
		Doc: s.Doc, Opens: s.Opens, Clears: s.Clears, Blind: s.Blind,
		Family: family.Name, Thresholds: thresholds, defaults: defaults,
		run: func(p *Pass, settings reflect.Value) { s.Run(p, settings.Interface().(T)) },
	}
	if s.Mildest != 0 {
		c.Mildest = s.Mildest
	}
	if c.Kind == "" {
		c.Kind = Operational
	}
	family.checks = append(family.checks, c)
	return c
}

// Reads says whether the check may read the answers to a question.
func (c *Check) Reads(q epoch.Question) bool {
	return slices.Contains(c.Needs, q) || slices.Contains(c.Uses, q)
}

// DocPath is where the check's manual page is, in the repository and in reports.
func (c *Check) DocPath() string { return "docs/checks/" + c.Code + ".md" }

// Doc is the manual of a check. The texts are Markdown.
type Doc struct {
	Means          string   // what a finding says
	Matters        string   // why that matters
	Causes         []string // common causes
	Diagnose       []Step   // by hand, with exact commands
	Fix            []Step   // in the order to try them
	Prevent        []string
	FalsePositives string // when it may be wrong or unwanted, and what to do then
	Questions      []QA
}

// QA is a question that users ask, and its answer.
type QA struct{ Question, Answer string }

// Risk says what a step costs.
type Risk string

// The risks of a step.
const (
	Safe       Risk = "safe"       // only reads
	Careful    Risk = "careful"    // changes something that can be changed back at once
	Disruptive Risk = "disruptive" // interrupts service or moves data
	Destroys   Risk = "destroys"   // loses data that exists nowhere else, or might
)

// Step is one thing to do: what, the command if there is one, and its risk.
type Step struct {
	Say  string `json:"say"`
	Run  string `json:"run"`
	Risk Risk   `json:"risk"`
}
