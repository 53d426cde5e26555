// Package stream holds the checks of streams as a whole: leadership, quorum,
// presence and their monitor metadata.
package stream

import "rollcall/internal/check"

// Family is the family of stream checks.
var Family = check.Family{Name: "stream"}

// nextEpoch as a Hold means: bad in two consecutive epochs.
const nextEpoch = 1
