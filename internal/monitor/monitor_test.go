package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		metadata map[string]string
		want     time.Duration
		set      bool
	}{
		{nil, 0, false},
		{map[string]string{}, 0, false},
		{map[string]string{PeerSeenCritical: "30s"}, 30 * time.Second, true},
		{map[string]string{SeenCritical: "30s"}, 0, false},
		{map[string]string{PeerSeenCritical: "1ns"}, 1, true},
		{map[string]string{PeerSeenCritical: "0"}, 0, false},
		{map[string]string{PeerSeenCritical: "0s"}, 0, false},
		{map[string]string{PeerSeenCritical: "-30s"}, 0, false},
		{map[string]string{PeerSeenCritical: "30"}, 0, false},
		{map[string]string{PeerSeenCritical: ""}, 0, false},
		{map[string]string{PeerSeenCritical: "2d"}, 48 * time.Hour, true},
		{map[string]string{PeerSeenCritical: "30s", Enabled: "true"}, 30 * time.Second, true},
		{map[string]string{PeerSeenCritical: "30s", Enabled: "false"}, 0, false},
		{map[string]string{PeerSeenCritical: "30s", Enabled: "0"}, 0, false},
		{map[string]string{PeerSeenCritical: "30s", Enabled: "maybe"}, 30 * time.Second, true},
		{map[string]string{PeerSeenCritical: "30s", Enabled: ""}, 30 * time.Second, true},
	} {
		if d, set := Duration(c.metadata, PeerSeenCritical); set != c.set || set && d != c.want {
			t.Errorf("%v: got %v %v", c.metadata, d, set)
		}
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		metadata map[string]string
		want     uint64
		set      bool
	}{
		{nil, 0, false},
		{map[string]string{PeerLagCritical: "100"}, 100, true},
		{map[string]string{LagCritical: "100"}, 0, false},
		{map[string]string{PeerLagCritical: "1"}, 1, true},
		{map[string]string{PeerLagCritical: "0"}, 0, false},
		{map[string]string{PeerLagCritical: "-1"}, 0, false},
		{map[string]string{PeerLagCritical: "1k"}, 0, false},
		{map[string]string{PeerLagCritical: ""}, 0, false},
		{map[string]string{PeerLagCritical: "18446744073709551615"}, 18446744073709551615, true},
		{map[string]string{PeerLagCritical: "18446744073709551616"}, 0, false},
		{map[string]string{PeerLagCritical: "100", Enabled: "false"}, 0, false},
		{map[string]string{PeerLagCritical: "100", Enabled: "true"}, 100, true},
		{map[string]string{PeerLagCritical: "100", Enabled: "maybe"}, 100, true},
	} {
		if n, set := Count(c.metadata, PeerLagCritical); set != c.set || set && n != c.want {
			t.Errorf("%v: got %v %v", c.metadata, n, set)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		keys       Keys
		key, value string
		want       string // "" is none
	}{
		{StreamKeys, PeerSeenCritical, "30s", ""},
		{StreamKeys, PeerSeenCritical, "0", ""},
		{StreamKeys, PeerSeenCritical, "30", "a duration, 0 switches it off"},
		{StreamKeys, PeerSeenCritical, "-1ns", "a duration, 0 switches it off"},
		{StreamKeys, PeerSeenCritical, "", "a duration, 0 switches it off"},
		{StreamKeys, PeerLagCritical, "0", ""},
		{StreamKeys, PeerLagCritical, "-1", "0 or more"},
		{StreamKeys, PeerLagCritical, "1.5", "0 or more"},
		{StreamKeys, MinSources, "-1", ""},
		{StreamKeys, MinSources, "x", "a whole number"},
		{StreamKeys, Enabled, "T", ""},
		{StreamKeys, Enabled, "yes", "true or false"},
		{StreamKeys, Pinned, "true", "one of the known keys: enabled, lag-critical"},
		{StreamKeys, Prefix, "x", "one of the known keys"},
		{StreamKeys, Prefix + "Enabled", "true", "one of the known keys"},
		{StreamKeys, "team", "x", ""},
		{StreamKeys, "io.nats.monitoring", "x", ""},
		{ConsumerKeys, Pinned, "true", ""},
		{ConsumerKeys, LastAckCritical, "1d", ""},
		{ConsumerKeys, LastAckCritical, "1", "a duration, 0 switches it off"},
		{ConsumerKeys, WaitingCritical, "-5", ""},
		{ConsumerKeys, PeerSeenCritical, "30s", "one of the known keys: enabled, last-ack-critical, last-delivery-critical"},
	} {
		faults := c.keys.Faults(map[string]string{c.key: c.value, "other": "x"})
		switch {
		case c.want == "" && len(faults) > 0:
			t.Errorf("%s=%q: got %v", c.key, c.value, faults)
		case c.want != "" && (len(faults) != 1 || faults[0].Key != c.key || faults[0].Value != c.value || !strings.Contains(faults[0].Want, c.want)):
			t.Errorf("%s=%q: got %v, want %q", c.key, c.value, faults, c.want)
		}
	}
}

func TestFaultsAreSorted(t *testing.T) {
	metadata := map[string]string{}
	for i := range 20 {
		metadata[fmt.Sprintf("%sx%02d", Prefix, i)] = "1"
	}
	faults := StreamKeys.Faults(metadata)
	if len(faults) != 20 || !slices.IsSortedFunc(faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error(faults)
	}
}

// The keys are those of jsm.go v0.5.1 (monitor/stream.go:25, consumer.go:26):
// what `nats` writes under a key is found here, by the same name.
func TestKeysAreThoseOfTheCLI(t *testing.T) {
	for _, c := range []struct {
		keys  Keys
		names []string
	}{
		{StreamKeys, []string{
			"enabled", "lag-critical", "seen-critical", "min-sources", "max-sources", "peer-expect", "peer-lag-critical", "peer-seen-critical",
			"msgs-warn", "msgs-critical", "subjects-warn", "subjects-critical",
		}},
		{ConsumerKeys, []string{
			"enabled", "outstanding-ack-critical", "waiting-critical", "unprocessed-critical", "last-delivery-critical", "last-ack-critical",
			"redelivery-critical", "pinned",
		}},
	} {
		for _, name := range c.names {
			if _, ok := c.keys["io.nats.monitor."+name]; !ok {
				t.Errorf("%s is not known", name)
			}
		}
		if len(c.keys) != len(c.names) {
			t.Errorf("%d keys, the CLI has %d", len(c.keys), len(c.names))
		}
	}
}
