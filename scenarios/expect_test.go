package scenarios

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/engine"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
)

// expectation is one finding that a script expects, or one entity that must be
// unknown to a check.
type expectation struct {
	code, entity string
	unknown      bool
	masked       bool
	cause        string // identity of the finding that explains a masked one
	severity     check.Severity
	words        []string // in its summary, evidence or reason
	family       string
}

// open expects a finding that is open and that nothing else explains.
func open(code, entity string) expectation { return expectation{code: code, entity: entity} }

// masked expects a finding that is open under another; see By.
func masked(code, entity string) expectation {
	return expectation{code: code, entity: entity, masked: true}
}

// unknown expects that a check cannot judge an entity. Unlike findings, other
// unknown entities are not excluded.
func unknown(code, entity string) expectation {
	return expectation{code: code, entity: entity, unknown: true}
}

// By names the finding that explains a masked one.
func (x expectation) By(code, entity string) expectation {
	x.cause = code + " " + entity
	return x
}

// Is expects a severity.
func (x expectation) Is(s check.Severity) expectation {
	x.severity = s
	return x
}

// Family expects a kind of stall.
func (x expectation) Family(name string) expectation {
	x.family = name
	return x
}

// Says expects words in the summary or the evidence, or in the reason why
// something is unknown.
func (x expectation) Says(words string) expectation {
	x.words = append(slices.Clone(x.words), words)
	return x
}

func (x expectation) id() string { return x.code + " " + x.entity }

func (x expectation) String() string {
	text := x.id()
	if x.family != "" {
		text += " (" + x.family + ")"
	}
	switch {
	case x.unknown:
		return text + " is unknown"
	case x.masked:
		return text + " under " + x.cause
	}
	return text
}

// differences says what the open findings of an audit lack, have too much or
// say otherwise than expected; "" if they are exactly that.
func differences(a *engine.Audit, want []expectation) string {
	lines, rest := compare(a, want)
	for id, f := range rest {
		lines = append(lines, fmt.Sprintf("unexpected: %s (%s, masked by %v): %s", id, f.State, f.MaskedBy, f.Seen.Summary))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// lacks is differences without what the findings have too much.
func lacks(a *engine.Audit, want []expectation) string {
	lines, _ := compare(a, want)
	return strings.Join(lines, "\n")
}

// compare says what is missing or different, and gives the other findings that
// are open.
func compare(a *engine.Audit, want []expectation) (lines []string, rest map[string]ledger.Finding) {
	rest = map[string]ledger.Finding{}
	for _, f := range a.Ledger.Findings() {
		if f.State != ledger.Pending {
			rest[f.ID.String()] = f
		}
	}
	for _, w := range want {
		if w.unknown {
			lines = append(lines, w.unlessUnknown(a)...)
			continue
		}
		f, ok := rest[w.id()]
		delete(rest, w.id())
		if !ok {
			lines = append(lines, "missing:    "+w.String())
			continue
		}
		lines = append(lines, w.compare(&f)...)
	}
	return lines, rest
}

// compare says in what a finding differs from the expectation.
func (x expectation) compare(f *ledger.Finding) (lines []string) {
	differs := func(what string, got, want any) {
		lines = append(lines, fmt.Sprintf("different:  %s: %s is %v, expected %v", x.id(), what, got, want))
	}
	if f.State != ledger.Open {
		differs("state", f.State, ledger.Open)
	}
	cause := ""
	if f.MaskedBy != nil {
		cause = f.MaskedBy.String()
	}
	if cause != x.cause {
		differs("cause", cause, x.cause)
	}
	if x.severity != 0 && f.Seen.Severity != x.severity {
		differs("severity", f.Seen.Severity, x.severity)
	}
	text := f.Seen.Summary
	for _, e := range f.Seen.Evidence {
		text += fmt.Sprintf("\n%s: %v %s", e.Name, e.Value, e.Unit)
		if e.Name == "family" && x.family != "" && e.Value != x.family {
			differs("family", e.Value, x.family)
		}
	}
	for _, words := range x.words {
		if !strings.Contains(text, words) {
			differs("its text", text, words)
		}
	}
	return lines
}

func (x expectation) unlessUnknown(a *engine.Audit) []string {
	for _, r := range a.Results {
		for _, u := range r.Unknown {
			if r.Check.Code != x.code || u.Ref.String() != x.entity {
				continue
			}
			for _, words := range x.words {
				if !strings.Contains(u.Reason, words) {
					return []string{fmt.Sprintf("different:  %s: the reason is %s, expected %s", x, u.Reason, words)}
				}
			}
			return nil
		}
	}
	return []string{"missing:    " + x.String()}
}

// dump writes what the leaders, or else all servers, say of each stream.
func dump(e *epoch.Epoch) string {
	var b strings.Builder
	for _, system := range e.Systems {
		for _, stream := range system.Streams {
			views := stream.Views
			if led := stream.Led(); led != nil {
				views = []epoch.View{*led}
			}
			for i := range views {
				v := &views[i]
				fmt.Fprintf(&b, "%s on %s at %s: leader %q since %s, state %s", stream.Ref(), v.Server, v.At.Format("15:04:05.000"),
					v.Leader, v.LeaderSince.Format("15:04:05.000"), brief(v.State))
				if v.Mirror != nil {
					fmt.Fprintf(&b, "\n    mirror %s, upstream %s", brief(v.Mirror), brief(stream.Upstreams))
				}
				for _, p := range v.Peers {
					fmt.Fprintf(&b, "\n    peer %s", brief(p))
				}
				for _, c := range stream.Direct {
					fmt.Fprintf(&b, "\n    internal consumer created %s, delivered %s, pending %d, bound %v, %v",
						c.Created.Format("15:04:05.000"), brief(c.Delivered), c.Pending, c.PushBound, c.Config.Metadata)
				}
				b.WriteByte('\n')
			}
			if len(views) == 0 {
				fmt.Fprintf(&b, "%s is listed by nobody, missed in %d epochs\n", stream.Ref(), stream.MissedEpochs)
			}
		}
	}
	return b.String()
}

func brief(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
