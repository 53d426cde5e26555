package checktest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
)

// Properties tests what every check of a family must have, whatever it looks
// for. See DESIGN, "Universal properties".
func Properties(t *testing.T, family *check.Family) {
	for _, c := range family.Checks() {
		t.Run(c.Code, func(t *testing.T) {
			t.Run("documented", func(t *testing.T) { documented(t, c) })
			t.Run("silent in healthy worlds", func(t *testing.T) { silentWhenHealthy(t, c) })
			t.Run("empty and first epochs", func(t *testing.T) { emptyAndFirst(t, c) })
			t.Run("missing answers are unknown", func(t *testing.T) { missingIsUnknown(t, c) })
			t.Run("reads only what it declares", func(t *testing.T) { readsDeclared(t, c) })
			t.Run("pure", func(t *testing.T) { pure(t, c) })
			t.Run("restarts", func(t *testing.T) { restarts(t, c) })
		})
	}
}

// evaluate runs one check over a pair of epochs, with the trail of both.
func evaluate(c *check.Check, prev, cur *epoch.Epoch) check.Result {
	var trail *epoch.Trail
	if prev != nil {
		trail = trail.Next(prev, c.Keeps)
	}
	trail = trail.Next(cur, c.Keeps)
	result := check.Evaluate([]*check.Check{c}, nil, epoch.Pair{Prev: prev, Cur: cur}, trail)[0]
	result.Took = 0
	return result
}

// documented: the manual page is complete.
func documented(t *testing.T, c *check.Check) {
	d := c.Doc
	for name, text := range map[string]string{
		"Means": d.Means, "Matters": d.Matters, "FalsePositives": d.FalsePositives,
		"Opens": c.Opens, "Clears": c.Clears, "Blind": c.Blind, "Since": c.Since, "Category": string(c.Category), "Entity": string(c.Entity),
	} {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is empty", name)
		}
	}
	if len(d.Causes) == 0 || len(d.Diagnose) == 0 || len(d.Fix) == 0 || len(d.Prevent) == 0 || len(d.Questions) == 0 {
		t.Error("causes, diagnose, fix, prevent and questions must all be there")
	}
	if len(c.Needs)+len(c.Uses) == 0 {
		t.Error("it declares no question that it reads")
	}
}

// silentWhenHealthy: over a while, nothing bad in any healthy world.
func silentWhenHealthy(t *testing.T, c *check.Check) {
	for name, make := range Worlds {
		w := make()
		var prev *epoch.Epoch
		for range 5 {
			w.Advance(5 * time.Second)
			cur := w.Epoch()
			if r := evaluate(c, prev, cur); len(r.Bad) > 0 || r.Failed != nil {
				t.Errorf("world %s: %v %v", name, summaries(r), r.Failed)
			}
			prev = cur
		}
	}
}

// emptyAndFirst: no panic and nothing bad without data or without a past.
func emptyAndFirst(t *testing.T, c *check.Check) {
	empty := epoch.NewBuilder(nil, Start).Build(Start)
	if r := evaluate(c, nil, empty); len(r.Bad) > 0 || r.Failed != nil {
		t.Errorf("empty epoch: %v %v", summaries(r), r.Failed)
	}
	w := Standard()
	if r := evaluate(c, nil, w.Epoch()); len(r.Bad) > 0 || r.Failed != nil {
		t.Errorf("first epoch: %v %v", summaries(r), r.Failed)
	}
	if r := evaluate(c, empty, w.Epoch()); len(r.Bad) > 0 || r.Failed != nil {
		t.Errorf("after an empty epoch: %v %v", summaries(r), r.Failed)
	}
}

// missingIsUnknown: each need, left unanswered by one server or by all, makes
// no finding, and makes unknown at least all that this server alone could tell.
func missingIsUnknown(t *testing.T, c *check.Check) {
	for _, need := range c.Needs {
		for _, server := range []string{"n1", "n2", "n3", "m1", "e1", ""} {
			w := Standard()
			first := w.Epoch()
			w.Advance(5 * time.Second)
			dropped := func(s *Server, q epoch.Question) bool { return q == need && (server == "" || s.Name == server) }
			cur := w.Look(first, View{Drop: dropped})
			r := evaluate(c, first, cur)
			if len(r.Bad) > 0 || r.Failed != nil {
				t.Errorf("%s of %q missing: %v %v", need, server, summaries(r), r.Failed)
			}
			if len(r.Unknown) == 0 {
				t.Errorf("%s of %q missing, and nothing is unknown", need, server)
			}
			unknownHasAll(t, c, w, r, dropped)
		}
	}
}

// unknownHasAll checks that no entity whose server did not answer passes as
// judged.
func unknownHasAll(t *testing.T, c *check.Check, w *World, r check.Result, dropped func(*Server, epoch.Question) bool) {
	unknown := map[entity.Ref]bool{}
	for _, u := range r.Unknown {
		unknown[u.Ref] = true
	}
	for _, s := range w.Streams {
		leader := w.Server(s.System, s.Leader)
		if leader == nil || !dropped(leader, epoch.Jsz) {
			continue
		}
		switch {
		// JETSTREAM_006 does not judge streams of one replica at all.
		case c.Entity == entity.Stream && len(s.Replicas) == 1 && !unknown[s.Ref()] && c.Code != "JETSTREAM_006":
			t.Errorf("%s is judged although its only server did not answer", s.Ref())
		case c.Entity == entity.Mirror && s.Config.Mirror != nil && !unknown[s.Ref().As(entity.Mirror)]:
			if !unknown[s.Ref()] {
				t.Errorf("%s is judged although its leader did not answer", s.Ref().As(entity.Mirror))
			}
		}
	}
}

// readsDeclared: a question that the check does not declare makes no
// difference to it, neither where all is well nor in what it says of faults.
func readsDeclared(t *testing.T, c *check.Check) {
	for name, w := range map[string]*World{"standard": Standard(), "disturbed": disturbed()} {
		first := w.Epoch()
		w.Advance(5 * time.Second)
		all := evaluate(c, first, w.Look(first, View{}))
		for _, q := range epoch.Questions {
			if c.Reads(q) {
				continue
			}
			without := evaluate(c, first, w.Look(first, View{Drop: only(q)}))
			if !reflect.DeepEqual(all, without) {
				t.Errorf("world %s: it does not declare %s, and differs without it:\n%v\n%v", name, q, all, without)
			}
		}
	}
}

// pure: evaluation changes neither epoch, does not depend on the order in which
// answers came, nor on the absolute time.
func pure(t *testing.T, c *check.Check) {
	w := disturbed()
	first := w.Epoch()
	w.Advance(5 * time.Second)
	second := w.Look(first, View{})
	hashes := []string{first.Hash(), second.Hash()}
	result := evaluate(c, first, second)
	if got := []string{first.Hash(), second.Hash()}; !reflect.DeepEqual(got, hashes) {
		t.Error("evaluation changed an epoch")
	}
	if shuffled := evaluate(c, first, w.Look(first, View{Shuffle: true})); !reflect.DeepEqual(result, shuffled) {
		t.Errorf("the order of answers matters:\n%v\n%v", describeResult(result), describeResult(shuffled))
	}
	later := disturbed()
	later.Shift(1000 * time.Hour)
	firstLater := later.Epoch()
	later.Advance(5 * time.Second)
	shifted := evaluate(c, firstLater, later.Look(firstLater, View{}))
	if got, want := identities(shifted), identities(result); !reflect.DeepEqual(got, want) {
		t.Errorf("the absolute time matters:\n%v\n%v", got, want)
	}
}

// disturbed is a world with several faults, so that purity is tested on more
// than silence.
func disturbed() *World {
	w := Standard()
	w.Server("hub", "n3").Silent, w.Server("hub", "n3").LostAt = true, w.Now.Add(-time.Minute)
	orders := w.stream("ORDERS")
	orders.Config.Metadata["io.nats.monitor.peer-seen-critical"] = "30s"
	orders.Config.Metadata["io.nats.monitor.nonsense"] = "1"
	orders.Replica("n3").Active, orders.Replica("n3").Current = time.Minute, false
	copy := w.stream("COPY")
	copy.Rate, copy.State.LastSeq = 0, copy.State.LastSeq-500
	copy.State.LastTime = copy.State.LastTime.Add(-6 * time.Minute)
	copy.Mirror.Active = 6 * time.Minute
	// The links are gone too: what a finding says of its cause then depends on
	// the answers about them.
	w.Server("hub", "n1").NoRouteTo, w.Server("hub", "n2").NoRouteTo = []string{"n3"}, []string{"n3"}
	w.Server("edge", "e1").Leafs = nil
	far := w.stream("FAR")
	far.Rate, far.State.LastSeq, far.State.LastTime = 0, far.State.LastSeq-500, copy.State.LastTime
	far.Mirror.Active = 6 * time.Minute
	w.Server("hub", "m1").Gateways = nil
	return w
}

// restarts: a server that was started anew between two epochs, with all its
// counters at zero, is no fault in itself.
func restarts(t *testing.T, c *check.Check) {
	for _, name := range []string{"n1", "m1", "e1"} {
		w := Standard()
		first := w.Epoch()
		w.Advance(5 * time.Second)
		server := w.Server("", name)
		server.ID += "B"
		server.Vars.Start = w.Now.Add(-3 * time.Second)
		cur := w.Look(first, View{})
		results := []check.Result{evaluate(c, first, cur)}
		book, _ := (*ledger.Ledger)(nil).Next(cur, results)
		for _, f := range book.Findings() {
			if f.State == ledger.Open {
				t.Errorf("restart of %s: %s %s", name, f.ID, f.Seen.Summary)
			}
		}
	}
}

func summaries(r check.Result) []string {
	var s []string
	for _, o := range r.Bad {
		s = append(s, o.Ref.String()+": "+o.Summary)
	}
	return s
}

func identities(r check.Result) []string {
	ids := summaries(r)
	for _, u := range r.Unknown {
		ids = append(ids, "unknown "+u.Ref.String()+": "+u.Reason)
	}
	return ids
}

func describeResult(r check.Result) string { return fmt.Sprint(identities(r)) }

func only(q epoch.Question) func(*Server, epoch.Question) bool {
	return func(_ *Server, asked epoch.Question) bool { return asked == q }
}
