// Package check says what a check is: a constant value that declares its code,
// thresholds, needs and manual, and a pure function from epochs to
// observations.
//
// A family of checks is a package under internal/checks with one file per
// check; Define appends the check to its family, so that adding one is one file
// and one fixture. Whether an entity was seen at all is decided here, in the
// iterators of Pass, once for all checks: what was not seen is unknown.
package check
