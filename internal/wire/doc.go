// Package wire holds rollcall's own structs for what nats-server answers to monitoring requests through the
// system account, and for the events it sends there. It imports no server code.
//
// The structs follow the Go types of nats-server v2.15.2 (each type names its source file there); contract_test.go
// compares them with those types field by field. They take what an audit of health, consistency, saturation and
// configuration can use and leave out the rest. "Since" remarks come from reading the sources of
// 2.10.0, 2.10.29, 2.11.0, 2.11.11, 2.12.0, 2.12.4, 2.12.7, 2.14.0, 2.14.3 and 2.15.2: a field "since 2.14.3" is in that
// one and not in the next older of the list.
//
// # Tolerance
//
// Unknown fields are ignored and enumerations are strings, so a new value of a newer server decodes. A pointer means
// that absent and zero differ. A value of an unexpected type costs as little as it can, and never passes for a zero
// unnoticed: Reply.Lost names everything left out. See Decode.
//
// # Units
//
// time.Duration fields are int64 nanoseconds on the wire. DurationText fields are text ("1.234ms"). Sizes are bytes.
package wire
