// Package monitor reads the io.nats.monitor.* metadata with which operators set
// thresholds on their streams and consumers, with the meaning that
// `nats server check` and `nats audit` give it (jsm.go v0.5.1, package monitor).
//
// A key alone suffices: io.nats.monitor.enabled=false switches all of them off,
// its absence does not. Values at or below zero switch a threshold off. A value
// that does not parse sets no threshold here; it is a finding of JETSTREAM_034.
package monitor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/quantity"
)

// Prefix starts every key.
const Prefix = "io.nats.monitor."

// The keys that streams carry.
const (
	Enabled          = Prefix + "enabled"
	LagCritical      = Prefix + "lag-critical"
	SeenCritical     = Prefix + "seen-critical"
	MinSources       = Prefix + "min-sources"
	MaxSources       = Prefix + "max-sources"
	PeerExpect       = Prefix + "peer-expect"
	PeerLagCritical  = Prefix + "peer-lag-critical"
	PeerSeenCritical = Prefix + "peer-seen-critical"
	MsgsWarn         = Prefix + "msgs-warn"
	MsgsCritical     = Prefix + "msgs-critical"
	SubjectsWarn     = Prefix + "subjects-warn"
	SubjectsCritical = Prefix + "subjects-critical"
)

// The keys that consumers carry, besides Enabled.
const (
	OutstandingAckCritical = Prefix + "outstanding-ack-critical"
	WaitingCritical        = Prefix + "waiting-critical"
	UnprocessedCritical    = Prefix + "unprocessed-critical"
	LastDeliveryCritical   = Prefix + "last-delivery-critical"
	LastAckCritical        = Prefix + "last-ack-critical"
	RedeliveryCritical     = Prefix + "redelivery-critical"
	Pinned                 = Prefix + "pinned"
)

// valueKind is what a key's value must be.
type valueKind int

const (
	boolean valueKind = iota
	count             // not negative
	whole             // may be negative, which switches off
	duration
)

var wants = map[valueKind]string{
	boolean:  "true or false",
	count:    "a whole number, 0 or more",
	whole:    "a whole number",
	duration: "a duration, 0 switches it off: " + quantity.DurationSyntax,
}

// Keys are the known keys of one kind of asset.
type Keys map[string]valueKind

// StreamKeys and ConsumerKeys are all the keys there are.
var (
	StreamKeys = Keys{
		Enabled: boolean, LagCritical: count, SeenCritical: duration,
		MinSources: whole, MaxSources: whole, PeerExpect: whole,
		PeerLagCritical: count, PeerSeenCritical: duration,
		MsgsWarn: count, MsgsCritical: count, SubjectsWarn: whole, SubjectsCritical: whole,
	}
	ConsumerKeys = Keys{
		Enabled: boolean, OutstandingAckCritical: whole, WaitingCritical: whole, UnprocessedCritical: whole,
		LastDeliveryCritical: duration, LastAckCritical: duration, RedeliveryCritical: whole, Pinned: boolean,
	}
)

func (k Keys) names() string {
	var names []string
	for key := range k {
		names = append(names, strings.TrimPrefix(key, Prefix))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Duration gives the threshold that a key sets, and whether it sets one.
func Duration(metadata map[string]string, key string) (time.Duration, bool) {
	text, ok := metadata[key]
	if !ok || !enabled(metadata) {
		return 0, false
	}
	d, err := quantity.ParseDuration(text)
	return d, err == nil && d > 0
}

// Count gives the threshold that a key sets, and whether it sets one.
func Count(metadata map[string]string, key string) (uint64, bool) {
	text, ok := metadata[key]
	if !ok || !enabled(metadata) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && n > 0
}

func enabled(metadata map[string]string) bool {
	text, ok := metadata[Enabled]
	if !ok {
		return true
	}
	on, err := strconv.ParseBool(text)
	return err != nil || on
}

// examples are values that can be read, for commands that are to be copied.
var examples = map[valueKind]string{boolean: "true", count: "1000", whole: "1000", duration: "30s"}

// Fault is a metadata entry that cannot be read.
type Fault struct {
	Key, Value string
	Want       string // what is allowed, in words
	Example    string // a value that can be read; empty where the key is unknown
}

// Faults lists the entries under Prefix that are none of the keys or whose
// value cannot be read, sorted by key.
func (k Keys) Faults(metadata map[string]string) []Fault {
	var faults []Fault
	for key, value := range metadata {
		if !strings.HasPrefix(key, Prefix) {
			continue
		}
		kind, known := k[key]
		if !known {
			faults = append(faults, Fault{Key: key, Value: value, Want: "one of the known keys: " + k.names()})
		} else if !readable(kind, value) {
			faults = append(faults, Fault{Key: key, Value: value, Want: wants[kind], Example: examples[kind]})
		}
	}
	slices.SortFunc(faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
	return faults
}

func readable(kind valueKind, value string) bool {
	var err error
	switch kind {
	case boolean:
		_, err = strconv.ParseBool(value)
	case count:
		_, err = strconv.ParseUint(value, 10, 64)
	case whole:
		_, err = strconv.Atoi(value)
	case duration:
		var d time.Duration
		if d, err = quantity.ParseDuration(value); d < 0 {
			err = fmt.Errorf("negative")
		}
	}
	return err == nil
}
