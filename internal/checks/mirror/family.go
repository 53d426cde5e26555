// Package mirror holds the checks of mirrors, and of what they share with
// sources. None believes a mirror's own lag: they put the positions of mirror
// and origin side by side (nats-facts sections 0 and 2).
package mirror

import "rollcall/internal/check"

// Family is the family of mirror checks.
var Family = check.Family{Name: "mirror"}
