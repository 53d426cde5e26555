package epoch

import "time"

// Pair is two consecutive epochs. What it says of changes is unknown, never
// zero, where a restart or a re-creation lies between them.
type Pair struct {
	Prev *Epoch // nil in the first epoch
	Cur  *Epoch
}

// Stream gives the stream as it was in the previous epoch, or nil if there is
// none or it is another stream of the same name (re-created since).
func (p Pair) Stream(cur *Stream) *Stream {
	prev := p.Prev.System(cur.System).Stream(cur.StreamKey)
	if prev == nil || !prev.Created.Equal(cur.Created) {
		return nil
	}
	return prev
}

// Server gives the server as it was in the previous epoch, or nil if there is
// none or it was started anew since (its id changed).
func (p Pair) Server(cur *Server) *Server {
	prev := p.Prev.System(cur.System).Server(cur.Name)
	if prev == nil || prev.ID != cur.ID {
		return nil
	}
	return prev
}

// Rate gives the change of a counter per second between two readings. It is
// not ok where the counter fell or no time passed: that is a restart or a
// reset, and nothing is known of the time between.
func Rate(before, after uint64, elapsed time.Duration) (perSecond float64, ok bool) {
	if after < before || elapsed <= 0 {
		return 0, false
	}
	return float64(after-before) / elapsed.Seconds(), true
}
