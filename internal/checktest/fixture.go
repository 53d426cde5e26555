package checktest

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
	"rollcall/internal/quantity"
)

// RequiredCases are the cases that every fixture must have. A case's name may
// go on after a colon: "bad: frozen leader".
var RequiredCases = []string{"bad", "threshold", "good", "no data", "clears"}

// Run runs the fixture of every check of a family: testdata/CODE.txtar.
//
// A fixture is a txtar archive, each file a case of its own in the standard
// world. A case is a list of lines:
//
//	set THRESHOLD=VALUE              a threshold of the check
//	add STREAM like STREAM           another stream with a copy of that one's state;
//	                                 no stream of the standard world has a namesake
//	@ +5s                            time passes; what follows is so at that epoch
//	ENTITY FIELD=VALUE ...           changes the world, from here on
//	ENTITY                           changes nothing; for an expectation
//	... # want STATE [SEVERITY] [/REGEXP/]
//
// An expectation stands on the line of its cause, about that line's entity, at
// the epoch that the preceding @ names. STATE is pending, open or clearing for a
// finding of this check, unknown for an entity that it could not judge, good
// for one that it judged and found well; masked is open under another check's
// finding; gone for one that the epoch does not know any more. REGEXP must match
// the summary, the impact, a line of evidence ("name: value", "name: value, says
// SERVER"), a step of the fix or its command; or the reason. A finding that is not
// expected fails the case: lines of the kind "ENTITY # want open" repeat the
// expectation at later epochs. Before the first @ the world is changed only.
// See assign for the values, World for the fields.
func Run(t *testing.T, family *check.Family) {
	for _, c := range family.Checks() {
		t.Run(c.Code, func(t *testing.T) {
			path := filepath.Join("testdata", c.Code+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatalf("%s has no fixture: %v", c.Code, err)
			}
			for _, want := range RequiredCases {
				if !slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == want || strings.HasPrefix(f.Name, want+":") }) {
					t.Errorf("%s lacks a case %q", path, want)
				}
			}
			for _, file := range archive.Files {
				t.Run(file.Name, func(t *testing.T) {
					script := &script{t: t, c: c, checks: withMasks(c), settings: check.Settings{}, world: Standard(), file: path + " case " + file.Name}
					script.run(string(file.Data))
				})
			}
		})
	}
}

// withMasks is the check with all that can mask it: those run beside it.
func withMasks(c *check.Check) []*check.Check {
	checks := []*check.Check{c}
	for _, mask := range c.MaskedBy {
		for _, m := range withMasks(mask) {
			if !slices.Contains(checks, m) {
				checks = append(checks, m)
			}
		}
	}
	return checks
}

// script is one case while it runs.
type script struct {
	t        *testing.T
	c        *check.Check
	checks   []*check.Check
	settings check.Settings
	world    *World
	file     string
	line     int

	started bool
	wants   []want
	book    *ledger.Ledger
	trail   *epoch.Trail
	cur     *epoch.Epoch
}

type want struct {
	line     int
	ref      entity.Ref
	state    string
	severity string
	pattern  *regexp.Regexp
}

func (s *script) run(text string) {
	s.t.Helper()
	for i, line := range strings.Split(text, "\n") {
		s.line = i + 1
		if err := s.step(strings.TrimSpace(line)); err != nil {
			s.t.Fatalf("%s:%d: %v\n\t%s", s.file, s.line, err, line)
		}
	}
	s.judge()
	if s.book == nil {
		s.t.Fatalf("%s: no epoch: a case needs a line that starts with @", s.file)
	}
}

func (s *script) step(line string) error {
	line, expectation, _ := strings.Cut(line, "# want ")
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "set":
		return s.settings.Set([]*check.Check{s.c}, s.c.Code+"."+words[1])
	case words[0] == "add" && len(words) == 4 && words[2] == "like":
		return s.world.addLike(words[1], words[3])
	case words[0] == "@":
		s.judge()
		s.started = true
		d, err := quantity.ParseDuration(words[1])
		s.world.Advance(d)
		return err
	}
	ref, err := s.change(words)
	if err != nil || expectation == "" {
		return err
	}
	return s.expect(ref, expectation)
}

// change applies the assignments of a line to its entity, and gives the
// entity's full reference.
func (s *script) change(words []string) (entity.Ref, error) {
	ref, err := entity.Parse(words[0])
	if err != nil {
		return ref, err
	}
	var target any
	switch ref.Kind {
	case entity.System:
		if len(words) > 1 {
			return ref, fmt.Errorf("a system has no fields to change")
		}
		return ref, nil
	case entity.Server:
		server := s.world.Server(ref.System, ref.Server)
		if server == nil {
			return ref, fmt.Errorf("the world has no server %s", words[0])
		}
		target = server
	default:
		stream := s.world.Stream(ref)
		if stream == nil {
			return ref, fmt.Errorf("the world has no stream %s: it has %s", words[0], s.world)
		}
		ref.Domain = stream.Domain
		target = stream
		if ref.Kind == entity.Replica {
			replica := stream.Replica(ref.Server)
			if replica == nil && len(words) > 1 {
				return ref, fmt.Errorf("%s has no replica there", words[0])
			}
			target = replica
		}
	}
	for _, assignment := range words[1:] {
		if err := assign(target, assignment, s.world.Now); err != nil {
			return ref, err
		}
	}
	return ref, nil
}

var wantSyntax = regexp.MustCompile(`^(pending|open|clearing|masked|unknown|good|gone)(?:\s+(info|warning|critical))?(?:\s+/(.*)/)?$`)

func (s *script) expect(ref entity.Ref, text string) error {
	m := wantSyntax.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return fmt.Errorf("cannot read the expectation %q", text)
	}
	pattern, err := regexp.Compile(m[3])
	if err != nil {
		return err
	}
	s.wants = append(s.wants, want{line: s.line, ref: ref, state: m[1], severity: m[2], pattern: pattern})
	return nil
}

// judge closes the epoch that the lines so far describe and compares.
func (s *script) judge() {
	if !s.started {
		return
	}
	prev := s.world.prev
	cur := s.world.Epoch()
	s.cur = cur
	s.trail = s.trail.Next(cur, check.Scalars(s.checks))
	results := check.Evaluate(s.checks, s.settings, epoch.Pair{Prev: prev, Cur: cur}, s.trail)
	for _, r := range results {
		if r.Failed != nil {
			s.t.Fatalf("%s:%d: %v", s.file, s.line, r.Failed)
		}
	}
	s.book, _ = s.book.Next(cur, results)
	s.compare(results[0])
	s.wants = nil
}

func (s *script) compare(result check.Result) {
	found := map[entity.Ref][]ledger.Finding{}
	for _, f := range s.book.Findings() {
		if f.ID.Code == s.c.Code {
			found[f.ID.Ref] = append(found[f.ID.Ref], f)
		}
	}
	for _, w := range s.wants {
		s.meet(w, found[w.ref], result)
	}
	at := s.world.Now.Sub(Start)
	for ref, findings := range found {
		for _, f := range findings {
			if !slices.ContainsFunc(s.wants, func(w want) bool {
				return w.ref == ref && w.state != "unknown" && w.state != "good" && w.state != "gone"
			}) {
				s.t.Errorf("%s: before line %d, at %s: unexpected %s %s on %s: %s", s.file, s.line, at, f.State, f.ID.Code, ref, f.Seen.Summary)
			}
		}
	}
}

func (s *script) meet(w want, findings []ledger.Finding, result check.Result) {
	fail := func(format string, args ...any) {
		s.t.Errorf("%s:%d: %s: %s", s.file, w.line, w.ref, fmt.Sprintf(format, args...))
	}
	reason, unknown := "", false
	for _, u := range result.Unknown {
		if u.Ref == w.ref {
			reason, unknown = u.Reason, true
		}
	}
	switch w.state {
	case "unknown":
		if !unknown {
			fail("want unknown, it was judged; findings: %s", describe(findings))
		} else if !w.pattern.MatchString(reason) {
			fail("want unknown /%s/, the reason is %q", w.pattern, reason)
		}
		return
	case "good":
		if unknown || len(findings) > 0 {
			fail("want good, got unknown=%q, findings: %s", reason, describe(findings))
		}
		return
	case "gone":
		if s.cur.Has(w.ref) || len(findings) > 0 {
			fail("want gone, it is known; unknown=%q, findings: %s", reason, describe(findings))
		}
		return
	}
	for _, f := range findings {
		if string(f.State) == strings.Replace(w.state, "masked", "open", 1) && (f.State == ledger.Pending || (f.MaskedBy != nil) == (w.state == "masked")) &&
			(w.severity == "" || f.Seen.Severity.String() == w.severity) && says(f.Seen, w.pattern) {
			return
		}
	}
	fail("want %s %s /%s/, got: %s; unknown=%q", w.state, w.severity, w.pattern, describe(findings), reason)
}

// says looks for a pattern in all that an observation tells the reader.
func says(o check.Observation, pattern *regexp.Regexp) bool {
	texts := []string{o.Summary, o.Impact}
	for _, e := range o.Evidence {
		line := fmt.Sprintf("%s: %v", e.Name, e.Value)
		texts = append(texts, line, line+", says "+e.From)
	}
	for _, step := range o.Fix {
		texts = append(texts, step.Say, step.Run)
	}
	return slices.ContainsFunc(texts, pattern.MatchString)
}

func describe(findings []ledger.Finding) string {
	if len(findings) == 0 {
		return "none"
	}
	var parts []string
	for _, f := range findings {
		part := fmt.Sprintf("%s %s since %s: %q", f.State, f.Seen.Severity, f.BadSince.Sub(Start).Round(time.Millisecond), f.Seen.Summary) + " impact " + strconv.Quote(f.Seen.Impact)
		if f.MaskedBy != nil {
			part += " masked by " + f.MaskedBy.String()
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
