// Package checks lists the families of checks. Adding a check touches only its
// family's package; adding a family adds one line here.
package checks

import (
	"slices"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/checks/mirror"
	"rollcall/internal/checks/replica"
	"rollcall/internal/checks/self"
	"rollcall/internal/checks/server"
	"rollcall/internal/checks/stream"
)

// Families are all families of checks.
var Families = []*check.Family{&server.Family, &stream.Family, &replica.Family, &mirror.Family, &self.Family}

// All lists every check by code.
func All() []*check.Check {
	var all []*check.Check
	for _, family := range Families {
		all = append(all, family.Checks()...)
	}
	slices.SortFunc(all, func(a, b *check.Check) int { return strings.Compare(a.Code, b.Code) })
	return all
}
