package sim

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
)

func TestLayoutMistakes(t *testing.T) {
	two := []Cluster{{Name: "A"}, {Name: "B"}}
	for want, layout := range map[string]Layout{
		"at least one cluster": {},
		"cannot be the name":   {Clusters: []Cluster{{Name: "a b"}}},
		"cluster A twice":      {Clusters: []Cluster{{Name: "A"}, {Name: "A"}}},
		"set Prefix":           {Clusters: []Cluster{{Name: "A"}, {Name: "B", Prefix: "n"}}},
		"two different":        {Clusters: two, Leafs: []Leaf{{From: "A", To: "C"}}},
		"no account X":         {Clusters: two, Leafs: []Leaf{{From: "A", To: "B", ToAccount: "X"}}},
		"different domains":    {Clusters: two, Leafs: []Leaf{{From: "A", To: "B", System: true}}},
		"account X":            {Clusters: []Cluster{{Name: "A", Accounts: []Account{{Name: "X"}, {Name: "X"}}}}},
	} {
		if _, err := layout.completed(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

// TestStartFails: the error has the server's own words, and nothing is left.
func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	_, err := Start(deadline(t), Layout{Dir: dir, Clusters: []Cluster{{Name: "A", Extra: "nonsense: {"}}})
	if err == nil || !strings.Contains(err.Error(), "n1") || !strings.Contains(err.Error(), "Parse error") {
		t.Errorf("want the server's name and complaint, got %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
}

// TestPortTaken: a port that another process took is recognised, so that Start can choose others.
func TestPortTaken(t *testing.T) {
	layout, err := Layout{Clusters: []Cluster{{Name: "A"}}}.completed()
	must(t, err)
	d := newDeployment(layout)
	defer d.Close()
	must(t, d.prepare())
	squatter, err := net.Listen("tcp4", address(d.Server("n1").wiring.clientPort))
	must(t, err)
	defer squatter.Close()
	must(t, d.Server("n1").launch())
	if err := d.WaitReady(deadline(t)); !errors.Is(err, errPortTaken) {
		t.Errorf("want a taken port, got %v", err)
	}
}
