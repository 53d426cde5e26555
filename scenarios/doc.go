// Package scenarios holds fault scripts on real servers: each causes a fault,
// expects an exact set of findings and nothing beside it, heals, and expects
// silence, every finding resolved for a stated reason.
//
// The servers are real nats-server processes (package sim), the audit is the
// one that the program runs: collector, checks, ledger. Thresholds are seconds.
// Nothing asserts how long something takes: a script waits for a level, with a
// deadline that only something broken reaches.
//
// `go test ./scenarios` runs what heals quickly. What has to wait for the
// servers' own pauses runs with ROLLCALL_LONG=1 in the environment.
package scenarios
