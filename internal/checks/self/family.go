// Package self holds the checks by which rollcall audits its own audit.
package self

import "rollcall/internal/check"

// Family is the family of checks of the audit itself.
var Family = check.Family{Name: "self"}
