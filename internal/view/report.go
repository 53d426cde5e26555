// Package view is the one read model behind every output: it turns an audit
// into the report that the command line, files and programs show.
package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/engine"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
)

// Schema names the form of Report. It changes only with a change that a reader
// of the present form would misread.
const Schema = "rollcall.report/v1"

// Report is an audit as it is shown and as it is written as JSON.
type Report struct {
	Schema      string    `json:"schema"`
	GeneratedAt time.Time `json:"generated_at"`
	Version     string    `json:"rollcall_version"`
	Systems     []System  `json:"systems"`
	Epochs      []Epoch   `json:"epochs"`
	Coverage    Coverage  `json:"coverage"`
	Summary     Summary   `json:"summary"`
	Findings    []Finding `json:"findings"` // open before pending, worst first; those that are masked last
	Unknown     []Unknown `json:"unknown"`
}

// System is what was audited of one system.
type System struct {
	Name      string   `json:"name"`
	Servers   int      `json:"servers"`
	Clusters  []string `json:"clusters"`
	Streams   int      `json:"streams"`
	Consumers int      `json:"consumers"`

	blind bool // no server of it could be asked in the last epoch
}

// Epoch is one sample.
type Epoch struct {
	ID         uint64    `json:"id"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// Coverage says how much of what was asked was answered, in the last epoch.
type Coverage struct {
	Asked    int   `json:"asked"`
	Answered int   `json:"answered"`
	Gaps     []Gap `json:"gaps"`
}

// Gap is one unanswered question.
type Gap struct {
	System   string `json:"system"`
	Server   string `json:"server"`
	Question string `json:"question"`
	Reason   string `json:"reason"`
}

// Summary counts. Critical, Warning and Info are open findings that nothing
// else explains.
type Summary struct {
	Checks   int `json:"checks"`
	Critical int `json:"critical"`
	Warning  int `json:"warning"`
	Info     int `json:"info"`
	Pending  int `json:"pending"`
	Unknown  int `json:"unknown"`
	Masked   int `json:"masked"`
}

// Entity is what a finding is about.
type Entity struct {
	Kind     string `json:"kind"`
	System   string `json:"system"`
	Domain   string `json:"domain,omitempty"`
	Account  string `json:"account"`
	Stream   string `json:"stream"`
	Consumer string `json:"consumer"`
	Server   string `json:"server"`
	Cluster  string `json:"cluster"`
	ID       string `json:"id"` // the printable reference
	Name     string `json:"name"`
}

// Finding is one fault.
type Finding struct {
	ID        string           `json:"id"`
	Code      string           `json:"code"`
	Aliases   []string         `json:"aliases"`
	Title     string           `json:"title"`
	Severity  check.Severity   `json:"severity"`
	Category  check.Category   `json:"category"`
	State     ledger.State     `json:"state"`
	Entity    Entity           `json:"entity"`
	Summary   string           `json:"summary"`
	Evidence  []check.Evidence `json:"evidence"`
	Impact    string           `json:"impact"`
	Fix       []check.Step     `json:"fix"`
	MaskedBy  string           `json:"masked_by"`       // id of the finding that explains this one
	Stale     string           `json:"stale,omitempty"` // why it could not be judged in the last epoch
	FirstSeen time.Time        `json:"first_seen"`
	BadSince  time.Time        `json:"bad_since"` // by the servers' own words where they tell
	OpensAt   *time.Time       `json:"opens_at,omitempty"`
	Docs      string           `json:"docs"`
}

// Unknown is an entity that a check could not judge.
type Unknown struct {
	Code   string `json:"code"`
	Entity Entity `json:"entity"`
	Reason string `json:"reason"`
}

// ReportOf makes the report of the last of several audits in a row.
func ReportOf(version string, epochs []Epoch, last *engine.Audit) *Report {
	r := &Report{
		Schema: Schema, GeneratedAt: last.Epoch.FinishedAt.UTC(), Version: version, Epochs: epochs,
		Systems: []System{}, Findings: []Finding{}, Unknown: []Unknown{},
		Coverage: CoverageOf(last.Epoch),
	}
	for _, s := range last.Epoch.Systems {
		streams, consumers := s.Counts()
		r.Systems = append(r.Systems, System{
			Name: s.Name, Servers: len(s.Servers), Clusters: append([]string{}, s.Clusters()...), Streams: streams, Consumers: consumers, blind: s.Blind != "",
		})
	}
	for _, result := range last.Results {
		for _, u := range result.Unknown {
			r.Unknown = append(r.Unknown, Unknown{Code: result.Check.Code, Entity: EntityOf(last.Epoch, u.Ref), Reason: u.Reason})
		}
	}
	for _, f := range last.Ledger.Findings() {
		r.Findings = append(r.Findings, findingOf(last.Epoch, f))
	}
	slices.SortStableFunc(r.Findings, compareFindings)
	r.summarise(len(last.Results))
	return r
}

// Blind names the systems of which nothing could be asked in the last epoch.
func (r *Report) Blind() []string {
	var names []string
	for _, s := range r.Systems {
		if s.blind {
			names = append(names, s.Name)
		}
	}
	return names
}

// EpochOf gives the times of an epoch.
func EpochOf(e *epoch.Epoch) Epoch {
	return Epoch{ID: e.ID, StartedAt: e.StartedAt.UTC(), FinishedAt: e.FinishedAt.UTC()}
}

// CoverageOf gives the coverage of an epoch.
func CoverageOf(e *epoch.Epoch) Coverage {
	asked, answered, gaps := e.Coverage()
	c := Coverage{Asked: asked, Answered: answered, Gaps: []Gap{}}
	for _, g := range gaps {
		c.Gaps = append(c.Gaps, Gap{System: g.System, Server: g.Server, Question: g.Question.String(), Reason: g.Answer.Reason()})
	}
	return c
}

// EntityOf describes an entity, with the cluster it is in now.
func EntityOf(e *epoch.Epoch, ref entity.Ref) Entity {
	v := Entity{
		Kind: string(ref.Kind), System: ref.System, Domain: ref.Domain, Account: ref.Account, Stream: ref.Stream,
		Consumer: ref.Consumer, Server: ref.Server, ID: ref.String(), Name: ref.Name(),
	}
	system := e.System(ref.System)
	if system == nil {
		return v
	}
	holders := []string{ref.Server}
	if stream := e.Find(ref); ref.Server == "" && stream != nil {
		holders = stream.Servers
		if led := stream.Known(); led != nil {
			holders = []string{led.Server}
		}
	}
	for _, name := range holders {
		if server := system.Server(name); server != nil && server.Cluster != "" {
			v.Cluster = server.Cluster
			break
		}
	}
	return v
}

func findingOf(e *epoch.Epoch, f ledger.Finding) Finding {
	v := Finding{
		ID: f.ID.String(), Code: f.Check.Code, Aliases: append([]string{}, f.Check.Aliases...), Title: f.Check.Title,
		Severity: f.Seen.Severity, Category: f.Check.Category, State: f.State, Entity: EntityOf(e, f.ID.Ref),
		Summary: f.Seen.Summary, Evidence: append([]check.Evidence{}, f.Seen.Evidence...),
		Impact: f.Seen.Impact, Fix: append([]check.Step{}, f.Seen.Fix...),
		FirstSeen: f.FirstSeen.UTC(), BadSince: f.BadSince.UTC(), Stale: f.Stale, Docs: f.Check.DocPath(),
	}
	if f.MaskedBy != nil {
		v.MaskedBy = f.MaskedBy.String()
	}
	if f.State == ledger.Pending {
		at := f.BadSince.Add(f.Seen.Hold).UTC()
		v.OpensAt = &at
	}
	return v
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(b.Severity, a.Severity),
		strings.Compare(a.Code, b.Code),
	)
}

// rank puts what needs action first.
func rank(f Finding) int {
	switch {
	case f.MaskedBy != "":
		return 3
	case f.State == ledger.Open:
		return 0
	case f.State == ledger.Pending:
		return 1
	}
	return 2
}

func (r *Report) summarise(checks int) {
	s := Summary{Checks: checks, Unknown: len(r.Unknown)}
	for _, f := range r.Findings {
		switch {
		case f.MaskedBy != "":
			s.Masked++
		case f.State == ledger.Pending:
			s.Pending++
		case f.State != ledger.Open:
		case f.Severity == check.Critical:
			s.Critical++
		case f.Severity == check.Warning:
			s.Warning++
		default:
			s.Info++
		}
	}
	r.Summary = s
}

// Worst is the severity of the worst open finding, or zero. A masked one counts
// unless its cause is open and at least as severe: what is folded must never
// make a report look better than it is.
func (r *Report) Worst() check.Severity {
	worst := check.Severity(0)
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.State == ledger.Open && f.Severity > worst && !r.coveredBy(f) {
			worst = f.Severity
		}
	}
	return worst
}

func (r *Report) coveredBy(f *Finding) bool {
	cause := r.Finding(f.MaskedBy)
	return cause != nil && cause.State == ledger.Open && cause.Severity >= f.Severity
}

// Finding gives a finding by id, or nil.
func (r *Report) Finding(id string) *Finding {
	for i := range r.Findings {
		if r.Findings[i].ID == id {
			return &r.Findings[i]
		}
	}
	return nil
}

// Folded lists the findings that a finding explains, directly or through
// another one.
func (r *Report) Folded(id string) []*Finding {
	var folded []*Finding
	for i := range r.Findings {
		if r.Findings[i].MaskedBy == id {
			folded = append(folded, &r.Findings[i])
			folded = append(folded, r.Folded(r.Findings[i].ID)...)
		}
	}
	return folded
}
