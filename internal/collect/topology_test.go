package collect

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

var born = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func someone(id, name string, age int, heard bool) *target {
	return &target{
		id: id, info: wire.ServerInfo{ID: id, Name: name}, start: born.Add(-time.Duration(age) * time.Hour),
		heard: heard, coverage: map[epoch.Question]epoch.Answer{},
	}
}

// said dates what a server said last, in hours after born.
func said(t *target, hours int) *target {
	t.info.Time = born.Add(time.Duration(hours) * time.Hour)
	return t
}

func TestNames(t *testing.T) {
	known := func(servers ...string) *epoch.System {
		s := &epoch.System{}
		for _, text := range servers {
			name, id, _ := strings.Cut(text, "=")
			s.Servers = append(s.Servers, &epoch.Server{Name: name, ID: id})
		}
		return s
	}
	for title, try := range map[string]struct {
		prev    *epoch.System
		targets []*target
		want    string
	}{
		"first sight":              {nil, []*target{someone("A", "n1", 1, true), someone("B", "n2", 1, true)}, "n1=A n2=B"},
		"two of a name":            {nil, []*target{someone("YOUNGSERVER", "n", 1, true), someone("OLD", "n", 2, true)}, "n#YOUNGSER=YOUNGSERVER n=OLD"},
		"restarted":                {known("n=A"), []*target{someone("A", "n", 2, false), someone("B", "n", 1, true)}, "n=B"},
		"silent":                   {known("n=A"), []*target{someone("A", "n", 2, false)}, "n=A"},
		"double stays":             {known("n=A", "n#B=B"), []*target{someone("A", "n", 2, true), someone("B", "n", 1, true)}, "n#B=B n=A"},
		"holder silent":            {known("n=A", "n#B=B"), []*target{someone("A", "n", 2, false), someone("B", "n", 1, true)}, "n#B=B n=A"},
		"double silent":            {known("n=A", "n#B=B"), []*target{someone("A", "n", 2, true), someone("B", "n", 1, false)}, "n#B=B n=A"},
		"holder restarted":         {known("n=A", "n#B=B"), []*target{someone("A", "n", 3, false), someone("B", "n", 2, true), someone("C", "n", 1, true)}, "n#B=B n=C"},
		"two of a name, both lost": {nil, []*target{someone("A", "n", 2, false), someone("B", "n", 1, false)}, "n=B"},
		// The old start answered the first question of the epoch, the new one the rest.
		"restarted within the epoch": {known("n=A"), []*target{said(someone("A", "n", 100, true), -1), someone("B", "n", 0, true)}, "n=B"},
		"both alive":                 {known("n=A"), []*target{said(someone("A", "n", 100, true), +1), someone("B", "n", 0, true)}, "n#B=B n=A"},
	} {
		for range 5 {
			rand.Shuffle(len(try.targets), func(i, j int) { try.targets[i], try.targets[j] = try.targets[j], try.targets[i] })
			var got []string
			for _, target := range name(slices.Clone(try.targets), try.prev) {
				got = append(got, target.name+"="+target.id)
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != try.want {
				t.Errorf("%s: %s, want %s", title, text, try.want)
			}
		}
	}
}

func TestSurvey(t *testing.T) {
	gateways := func(names ...string) *wire.STATSZ {
		z := &wire.STATSZ{}
		for _, name := range names {
			z.Gateways = append(z.Gateways, wire.GatewayStat{Name: name})
		}
		return z
	}
	known := map[string]peer{
		"A": {info: wire.ServerInfo{Cluster: "EAST"}, stats: gateways("WEST")},
		"B": {info: wire.ServerInfo{Cluster: "WEST"}, stats: gateways("EAST", "SOUTH")},
		"C": {info: wire.ServerInfo{Cluster: "EDGE"}, stats: gateways("EDGE2")},
		"D": {info: wire.ServerInfo{}},
	}
	near := survey([]string{"A"}, known)
	for id, want := range map[string]bool{"A EAST": true, "B WEST": true, "E SOUTH": true, "C EDGE": false, "F EDGE2": false, "D ": false} {
		server, cluster, _ := strings.Cut(id, " ")
		if got := near.reaches(server, cluster); got != want {
			t.Errorf("%q reached directly: %v", id, got)
		}
	}
}

func TestAssign(t *testing.T) {
	for range 5 {
		hub := &roll{system: &system{config: System{Name: "hub"}}, targets: map[string]*target{
			"H": someone("H", "h", 1, false), "E": {id: "E", viaLeaf: true}, "X": {id: "X", viaLeaf: true}}}
		edge := &roll{system: &system{config: System{Name: "edge"}}, targets: map[string]*target{
			"H": {id: "H", viaLeaf: true}, "E": someone("E", "e", 1, false), "X": {id: "X", viaLeaf: true}}}
		rolls := []*roll{hub, edge}
		rand.Shuffle(2, func(i, j int) { rolls[i], rolls[j] = rolls[j], rolls[i] })
		assign(rolls)
		if len(hub.targets) != 1 || hub.targets["H"] == nil || len(edge.targets) != 2 || edge.targets["E"] == nil || edge.targets["X"] == nil {
			t.Fatalf("hub %v, edge %v", hub.targets, edge.targets)
		}
	}
}

// TestOrder builds the same epoch from the same answers in whatever order they
// came.
func TestOrder(t *testing.T) {
	var first string
	for i := range 10 {
		r := &roll{system: &system{config: System{Name: "s"}, sizes: &sizes{byID: map[string]size{}}}, targets: map[string]*target{}}
		order := []int{0, 1, 2}
		rand.Shuffle(3, func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, n := range order {
			r.targets[fmt.Sprint("ID", n)] = answeredBy(n)
		}
		e := build(nil, born, born.Add(time.Second), []*roll{r})
		if hash := e.Hash(); i == 0 {
			first = hash
		} else if hash != first {
			t.Fatal("another order of answers makes another epoch")
		}
	}
}

func answeredBy(n int) *target {
	t := someone(fmt.Sprint("ID", n), fmt.Sprint("n", n), 1, true)
	t.coverage[epoch.Jsz] = epoch.Answer{Outcome: epoch.Answered}
	account := wire.AccountDetail{Name: "APP", ID: "APP"}
	for _, s := range rand.Perm(5) {
		stream := wire.StreamDetail{
			Name: fmt.Sprint("S", s), Created: born, Config: &wire.StreamConfig{Name: fmt.Sprint("S", s)},
			Cluster: &wire.ClusterInfo{Leader: fmt.Sprint("n", s%3)},
		}
		for _, c := range rand.Perm(3) {
			stream.Consumers = append(stream.Consumers, wire.ConsumerInfo{Name: fmt.Sprint("c", c), Cluster: stream.Cluster})
		}
		account.Streams = append(account.Streams, stream)
	}
	t.listing = &listing{summary: &wire.JSZ{Now: born}, pages: []page{{at: born, accounts: []wire.AccountDetail{account}}}}
	return t
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"nats://u:p@h:4222":     "nats://h:4222",
		"tls://token@h":         "tls://h",
		"nats://u:p%zz@h:1":     "h:1",
		"u:p@h:1":               "h:1",
		"nats://127.0.0.1:4222": "nats://127.0.0.1:4222",
	} {
		if got := redact(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestShare holds one copy of a configuration that several servers tell, and a
// new one once it has changed.
func TestShare(t *testing.T) {
	s := newSymbols()
	s.next()
	told := func(replicas int) *wire.StreamConfig {
		accounts := []wire.AccountDetail{{ID: "APP", Streams: []wire.StreamDetail{{Name: "S", Config: &wire.StreamConfig{Name: "S", Replicas: replicas}}}}}
		s.share(accounts)
		return accounts[0].Streams[0].Config
	}
	first, second, changed := told(1), told(1), told(3)
	if first != second || changed == first || changed.Replicas != 3 {
		t.Error("equal configurations must be one, others must not")
	}
	s.next()
	s.next()
	if len(s.streams) != 0 {
		t.Error("what no epoch saw is kept")
	}
}
