package scenarios

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checks"
	"rollcall/internal/collect"
	"rollcall/internal/engine"
	"rollcall/internal/ledger"
	"rollcall/internal/report"
	"rollcall/internal/view"
)

// beat is the time between two epochs.
const beat = 500 * time.Millisecond

// thresholds of the scenarios are seconds. The staleness is longer than the
// 10 s after which a server re-creates a mirror's consumer: at less, a
// saw-tooth of activity would open and close JETSTREAM_015 all the time.
var thresholds = []string{
	"JETSTREAM_015.stale_after=12s",
	"JETSTREAM_026.not_advancing_for=2s",
	"SERVER_021.silent_for=5s",
}

// How long a script waits for findings, and for silence, before it fails: an
// election and the largest threshold; the servers' longest pause and a request
// that waits for its answer.
const (
	findWithin = 60 * time.Second
	healWithin = 3 * time.Minute
)

// steady is in how many epochs in a row a level must be seen.
const steady = 3

// harness runs the audit beside one scenario.
type harness struct {
	t      *testing.T
	stage  *stage
	source *collect.Collector
	engine *engine.Engine
	beat   time.Duration

	last   *engine.Audit
	epochs []view.Epoch
	began  time.Time
	lines  []string // what happened, for a failed test

	faults   []fault
	allowed  map[string][]expectation // all that may open in this scenario, by identity
	opened   map[string]ledger.Transition
	resolved map[string]ledger.Reason
}

// option changes what a scenario audits or how.
type option func(*setup)

type setup struct {
	systems  []collect.System
	settings []string
	beat     time.Duration
}

func auditing(systems ...collect.System) option { return func(s *setup) { s.systems = systems } }
func set(assignments ...string) option {
	return func(s *setup) { s.settings = append(slices.Clone(s.settings), assignments...) }
}
func defaults() option             { return func(s *setup) { s.settings = nil } }
func every(d time.Duration) option { return func(s *setup) { s.beat = d } }

// audit starts an audit without a past. When the scenario ends, what it broke
// is mended and the deployment is ready for the next.
func (s *stage) audit(t *testing.T, options ...option) *harness {
	t.Helper()
	set := setup{systems: s.systems, settings: thresholds, beat: beat}
	for _, o := range options {
		o(&set)
	}
	all := checks.All()
	settings := check.Settings{}
	for _, assignment := range set.settings {
		must(t, settings.Set(all, assignment))
	}
	// A frozen server must not slow the beat much.
	limits := collect.Limits{LightDeadline: time.Second, HeavyDeadline: 2 * time.Second}
	source, err := collect.Connect(within(t, patience), set.systems, collect.Options{Limits: limits})
	must(t, err)
	t.Cleanup(source.Close)
	h := &harness{
		t: t, stage: s, source: source, engine: engine.New(source, all, settings), beat: set.beat, began: time.Now(),
		allowed: map[string][]expectation{}, opened: map[string]ledger.Transition{}, resolved: map[string]ledger.Reason{},
	}
	t.Cleanup(func() {
		h.mend()
		if err := s.WaitReady(within(t, patience)); err != nil {
			t.Errorf("the deployment does not recover: %v", err)
		}
	})
	return h
}

// Break brings a fault about.
func (h *harness) Break(what string, f fault) {
	h.t.Helper()
	h.say("BREAK  %s", what)
	h.faults = append(h.faults, f)
	if err := f.cause(); err != nil {
		h.fail("cannot break it: " + err.Error())
	}
}

// Heal mends everything that is broken, the last first.
func (h *harness) Heal(what string) {
	h.t.Helper()
	h.say("HEAL   %s", what)
	h.mend()
}

func (h *harness) mend() {
	h.t.Helper()
	for _, f := range slices.Backward(h.faults) {
		if err := f.mend(); err != nil {
			h.t.Errorf("cannot mend it: %v", err)
		}
	}
	h.faults = nil
}

// Do does something that is no fault.
func (h *harness) Do(what string, do func() error) {
	h.t.Helper()
	h.say("DO     %s", what)
	if err := do(); err != nil {
		h.fail(err.Error())
	}
}

// While does something that takes a while, beside the audit.
func (h *harness) While(what string, do func() error) {
	h.t.Helper()
	h.say("DO     %s", what)
	done := make(chan error, 1)
	go func() { done <- do() }()
	for {
		h.step()
		select {
		case err := <-done:
			if err != nil {
				h.fail(err.Error())
			}
			return
		default:
		}
	}
}

// Expect waits until exactly these findings are open, nothing else is, and that
// stays so for some epochs.
func (h *harness) Expect(want ...expectation) {
	h.t.Helper()
	h.expect(steady, want, differences)
}

// ExpectBriefly is Expect for what the next moment may change.
func (h *harness) ExpectBriefly(want ...expectation) {
	h.t.Helper()
	h.expect(1, want, differences)
}

// ExpectAmong is Expect where more may be open, if it was allowed.
func (h *harness) ExpectAmong(want ...expectation) {
	h.t.Helper()
	h.expect(steady, want, lacks)
	h.noSurprise()
}

func (h *harness) expect(epochs int, want []expectation, compare func(*engine.Audit, []expectation) string) {
	h.t.Helper()
	h.Allow(want...)
	deadline := time.Now().Add(findWithin)
	for seen := 0; seen < epochs; {
		h.step()
		difference := compare(h.last, want)
		if difference == "" {
			seen++
			continue
		}
		seen = 0
		if time.Now().After(deadline) {
			h.fail("not what was expected:\n" + difference)
		}
	}
	for _, w := range want {
		h.say("FOUND  %s", w)
	}
}

// Remain makes sure that exactly these findings stay open for some time.
func (h *harness) Remain(d time.Duration, want ...expectation) {
	h.t.Helper()
	h.Allow(want...)
	for end := time.Now().Add(d); time.Now().Before(end); {
		h.step()
		if difference := differences(h.last, want); difference != "" {
			h.fail("it did not remain so:\n" + difference)
		}
	}
	h.say("REMAIN %d findings for %v", len(want), d)
}

// Allow names findings that may open on the way, depending on the moment.
func (h *harness) Allow(want ...expectation) {
	for _, w := range want {
		h.allowed[w.id()] = append(h.allowed[w.id()], w)
	}
}

// ExpectSilence waits until no finding is left, neither open nor pending, and
// makes sure that each was resolved because the good was seen, and that nothing
// opened on the way that no expectation named.
func (h *harness) ExpectSilence(also ...ledger.Reason) {
	h.t.Helper()
	deadline := time.Now().Add(healWithin)
	for quiet := 0; quiet < steady; {
		h.step()
		if len(h.last.Ledger.Findings()) == 0 {
			quiet++
			continue
		}
		quiet = 0
		if time.Now().After(deadline) {
			h.fail("no silence:\n" + differences(h.last, nil))
		}
	}
	reasons := append(also, ledger.SeenGood, ledger.HeldGood)
	for id := range h.opened {
		if reason := h.resolved[id]; !slices.Contains(reasons, reason) {
			h.fail(fmt.Sprintf("%s was resolved because %q, expected %q", id, reason, reasons))
		}
	}
	h.noSurprise()
	h.say("SILENT %d findings resolved", len(h.opened))
}

// ExpectNothing makes sure that nothing opens for some time.
func (h *harness) ExpectNothing(d time.Duration) {
	h.t.Helper()
	count := len(h.epochs)
	for end := time.Now().Add(d); time.Now().Before(end); {
		h.step()
		h.noSurprise()
	}
	h.say("SILENT through %d epochs", len(h.epochs)-count)
}

// noSurprise makes sure that all that opened was announced, and that what was
// announced as masked was so from the start.
func (h *harness) noSurprise() {
	h.t.Helper()
	for id, t := range h.opened {
		announced := slices.ContainsFunc(h.allowed[id], func(w expectation) bool {
			return !w.masked || t.Last.MaskedBy != nil
		})
		if !announced {
			h.fail(fmt.Sprintf("%s opened on the way (masked by %v), and nothing had announced that: %s", id, t.Last.MaskedBy, t.Last.Seen.Summary))
		}
	}
}

// step makes one epoch, and waits out the rest of its beat.
func (h *harness) step() {
	h.t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := h.engine.Step(ctx)
	if err != nil {
		h.fail(err.Error())
	}
	h.last = a
	h.epochs = append(h.epochs, view.EpochOf(a.Epoch))
	for _, r := range a.Results {
		if r.Failed != nil {
			h.fail(r.Failed.Error())
		}
	}
	for _, t := range a.Transitions {
		id := t.ID.String()
		switch t.To {
		case ledger.Open:
			h.opened[id] = t
		case ledger.Resolved:
			h.resolved[id] = t.Reason
		}
		masked := ""
		if t.Last.MaskedBy != nil {
			masked = " under " + t.Last.MaskedBy.String()
		}
		h.note("       %s: %s (%s)%s: %s", id, t.To, t.Reason, masked, t.Last.Seen.Summary)
	}
	time.Sleep(h.beat - min(h.beat, time.Since(start)))
}

// note keeps a line for a failed test; say also logs it.
func (h *harness) note(format string, args ...any) {
	h.lines = append(h.lines, fmt.Sprintf("%7.1fs %s", time.Since(h.began).Seconds(), fmt.Sprintf(format, args...)))
}

func (h *harness) say(format string, args ...any) {
	h.t.Helper()
	h.note(format, args...)
	h.t.Log(h.lines[len(h.lines)-1])
}

// logTail is how many lines of each server's log a failure shows.
const logTail = 12

// fail ends the scenario with all that is known: what happened, the last report,
// the streams as their leaders see them, and the ends of the servers' logs.
func (h *harness) fail(why string) {
	h.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nWhat happened:\n%s\n", why, strings.Join(h.lines, "\n"))
	if h.last != nil {
		var table bytes.Buffer
		if err := report.Write(&table, "table", view.ReportOf("scenarios", h.epochs, h.last), report.Options{Width: 140}); err != nil {
			fmt.Fprintf(&b, "no report: %v\n", err)
		}
		fmt.Fprintf(&b, "\nThe last report:\n%s\nThe streams:\n%s", table.String(), dump(h.last.Epoch))
	}
	for _, server := range h.stage.Servers() {
		lines := strings.Split(strings.TrimSpace(server.Log()), "\n")
		fmt.Fprintf(&b, "\nThe log of %s ends with:\n%s\n", server.Name(), strings.Join(lines[max(0, len(lines)-logTail):], "\n"))
	}
	h.t.Fatal(b.String())
}
