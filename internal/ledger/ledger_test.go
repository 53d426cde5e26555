package ledger_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rollcall/internal/check"
	"rollcall/internal/checktest"
	"rollcall/internal/entity"
	"rollcall/internal/ledger"
)

var family check.Family

func define(code string, clear time.Duration, masks ...*check.Check) *check.Check {
	return check.Define(&family, check.Spec[struct{}]{
		Code: code, Title: code, Severity: check.Critical, Clear: clear, MaskedBy: masks, Run: func(*check.Pass, struct{}) {},
	})
}

var (
	cause  = define("CAUSE", 0)
	plain  = define("PLAIN", 0, cause)
	sticky = define("STICKY", 10*time.Second)
)

var (
	n1     = entity.OfServer("hub", "n1")
	orders = entity.OfStream("hub", "hub", "APP", "ORDERS")
	onN1   = orders.OnServer("n1")
)

// reel makes epochs 5 s apart.
type reel struct {
	w    *checktest.World
	book *ledger.Ledger
	log  []ledger.Transition
}

func newReel() *reel { return &reel{w: checktest.Standard()} }

func (r *reel) next(results ...check.Result) []ledger.Transition {
	r.w.Advance(5 * time.Second)
	var transitions []ledger.Transition
	r.book, transitions = r.book.Next(r.w.Epoch(), results)
	r.log = append(r.log, transitions...)
	return transitions
}

func bad(c *check.Check, ref entity.Ref, hold time.Duration) check.Result {
	return check.Result{Check: c, Bad: []check.Observation{{Ref: ref, Severity: c.Severity, Summary: "bad", Hold: hold}}}
}

func good(c *check.Check) check.Result { return check.Result{Check: c} }

func unknown(c *check.Check, ref entity.Ref) check.Result {
	return check.Result{Check: c, Unknown: []check.Unknown{{Ref: ref, Reason: "not seen"}}}
}

func (r *reel) state(t *testing.T, c *check.Check, ref entity.Ref) ledger.Finding {
	t.Helper()
	f, ok := r.book.Finding(ledger.ID{Code: c.Code, Ref: ref})
	if !ok {
		return ledger.Finding{}
	}
	return f
}

func moves(transitions []ledger.Transition) (list []string) {
	for _, m := range transitions {
		list = append(list, fmt.Sprintf("%s>%s: %s", m.From, m.To, m.Reason))
	}
	return list
}

func TestOpensStrictlyAfterItsHold(t *testing.T) {
	r := newReel()
	hold := 10 * time.Second
	r.next(bad(plain, n1, hold))
	r.next(bad(plain, n1, hold))
	r.next(bad(plain, n1, hold)) // bad for exactly 10 s
	if got := r.state(t, plain, n1).State; got != ledger.Pending {
		t.Errorf("after exactly its hold it is %q", got)
	}
	if got := moves(r.next(bad(plain, n1, hold))); !reflect.DeepEqual(got, []string{"pending>open: bad for its threshold"}) {
		t.Errorf("one epoch beyond: %v", got)
	}
}

func TestServersWordsCountBackwards(t *testing.T) {
	r := newReel()
	result := bad(plain, n1, time.Minute)
	result.Bad[0].Since = checktest.Start.Add(-time.Hour)
	if got := moves(r.next(result)); len(got) != 2 || got[1] != "pending>open: bad for its threshold" {
		t.Errorf("bad for an hour by the server's words: %v", got)
	}
	if since := r.state(t, plain, n1).BadSince; !since.Equal(result.Bad[0].Since) {
		t.Errorf("bad since %v", since)
	}
}

func TestUnknownNeitherOpensNorResolves(t *testing.T) {
	r := newReel()
	r.next(bad(plain, n1, 7*time.Second))
	for range 5 {
		if got := r.next(unknown(plain, n1)); len(got) != 0 {
			t.Fatalf("unknown moved a pending finding: %v", moves(got))
		}
	}
	if f := r.state(t, plain, n1); f.State != ledger.Pending || f.Stale != "not seen" {
		t.Errorf("got %+v", f)
	}
	r.next(bad(plain, n1, 7*time.Second))
	if got := r.next(unknown(plain, n1)); len(got) != 0 || r.state(t, plain, n1).State != ledger.Open {
		t.Errorf("unknown moved an open finding: %v", moves(got))
	}
}

func TestClearingNeedsTime(t *testing.T) {
	r := newReel()
	r.next(bad(sticky, n1, 0))
	r.next(good(sticky))
	r.next(good(sticky)) // 5 s
	if got := r.state(t, sticky, n1).State; got != ledger.Clearing {
		t.Fatalf("after 5 of 10 s of good it is %q", got)
	}
	if got := moves(r.next(bad(sticky, n1, 0))); !reflect.DeepEqual(got, []string{"clearing>open: bad again"}) {
		t.Errorf("bad again: %v", got)
	}
	r.next(good(sticky))
	r.next(good(sticky))
	if got := moves(r.next(good(sticky))); !reflect.DeepEqual(got, []string{"clearing>resolved: good for long enough"}) {
		t.Errorf("after 10 s: %v", got)
	}
}

func TestGoneRetiredFailed(t *testing.T) {
	gone := entity.OfServer("hub", "n9")
	for name, tc := range map[string]struct {
		results []check.Result
		ref     entity.Ref
		want    []string
	}{
		"gone":    {[]check.Result{good(plain)}, gone, []string{"open>resolved: the entity is gone"}},
		"retired": {nil, n1, []string{"open>resolved: the check is switched off"}},
		"failed":  {[]check.Result{{Check: plain, Failed: errors.New("boom")}}, n1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReel()
			r.next(bad(plain, tc.ref, 0))
			if got := moves(r.next(tc.results...)); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMaskedWhileTheCauseStands(t *testing.T) {
	r := newReel()
	r.next(bad(plain, onN1, 0), bad(cause, n1, time.Minute))
	if f := r.state(t, plain, onN1); f.MaskedBy == nil || f.MaskedBy.Ref != n1 {
		t.Fatalf("a replica's finding is not under its server's: %+v", f.MaskedBy)
	}
	r.next(bad(plain, onN1, 0), good(cause))
	if f := r.state(t, plain, onN1); f.MaskedBy != nil {
		t.Errorf("still masked by %v after the cause is gone", f.MaskedBy)
	}
	elsewhere := bad(plain, orders, 0)
	elsewhere.Bad[0].Under = []entity.Ref{n1}
	r.next(elsewhere, bad(cause, n1, 0))
	if f := r.state(t, plain, orders); f.MaskedBy == nil {
		t.Error("an observation under a named entity is not masked")
	}
}

// TestRandomHistories: whatever is observed, transitions form legal lives, data
// that is missing moves nothing, and replaying gives the same.
func TestRandomHistories(t *testing.T) {
	legal := map[ledger.State][]ledger.State{
		ledger.None:     {ledger.Pending},
		ledger.Pending:  {ledger.Open, ledger.Resolved},
		ledger.Open:     {ledger.Clearing, ledger.Resolved},
		ledger.Clearing: {ledger.Open, ledger.Resolved},
	}
	checks := []*check.Check{cause, plain, sticky}
	refs := []entity.Ref{n1, orders, onN1}
	rapid.Check(t, func(t *rapid.T) {
		var script [][]check.Result
		for range rapid.IntRange(1, 25).Draw(t, "epochs") {
			var results []check.Result
			for _, c := range checks {
				result := good(c)
				for _, ref := range refs {
					switch rapid.SampledFrom([]string{"bad", "good", "unknown"}).Draw(t, "seen") {
					case "bad":
						hold := time.Duration(rapid.IntRange(0, 20).Draw(t, "hold")) * time.Second
						result.Bad = append(result.Bad, bad(c, ref, hold).Bad...)
					case "unknown":
						result.Unknown = append(result.Unknown, unknown(c, ref).Unknown...)
					}
				}
				results = append(results, result)
			}
			script = append(script, results)
		}
		first, second := newReel(), newReel()
		at := map[ledger.ID]ledger.State{}
		for i, results := range script {
			for _, m := range first.next(results...) {
				if m.From != at[m.ID] || !slices.Contains(legal[m.From], m.To) {
					t.Fatalf("epoch %d: illegal move of %s from %q (was %q) to %q", i, m.ID, m.From, at[m.ID], m.To)
				}
				if m.Epoch == 0 || m.Reason == "" {
					t.Fatalf("a transition without cause or reason: %+v", m)
				}
				for _, r := range results {
					if r.Check.Code == m.ID.Code && slices.ContainsFunc(r.Unknown, func(u check.Unknown) bool { return u.Ref == m.ID.Ref }) {
						t.Fatalf("missing data moved %s from %q to %q", m.ID, m.From, m.To)
					}
				}
				if at[m.ID] = m.To; m.To == ledger.Resolved {
					delete(at, m.ID)
				}
			}
			second.next(results...)
		}
		if !reflect.DeepEqual(moves(first.log), moves(second.log)) || !reflect.DeepEqual(first.book.Findings(), second.book.Findings()) {
			t.Fatal("replaying the same epochs gave another ledger")
		}
	})
}
