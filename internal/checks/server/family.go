// Package server holds the checks of servers.
package server

import "rollcall/internal/check"

// Family is the family of server checks.
var Family = check.Family{Name: "server"}
