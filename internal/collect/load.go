package collect

import (
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/epoch"
)

// Load is what one epoch cost the systems it watched.
type Load struct {
	Requests      int   // sent, repetitions included
	BytesSent     int64 // subjects and bodies
	BytesReceived int64 // answers as received, compressed
	Slowest       Slowest
}

// Slowest is the answer that took longest. Its Took is zero if there was none.
type Slowest struct {
	System   string
	Server   string
	Question epoch.Question
	Took     time.Duration
}

// Progress counts the questions of the epoch under way. Asked grows while
// servers are found.
type Progress struct {
	Asked    int // to be asked, as far as known
	Answered int // settled, whatever the outcome
}

// load counts while an epoch is made.
type load struct {
	requests, bytesSent, bytesReceived atomic.Int64

	mu       sync.Mutex
	slowest  Slowest
	progress Progress
	report   func(Progress)
}

func (l *load) sent(bytes int) {
	l.requests.Add(1)
	l.bytesSent.Add(int64(bytes))
}

func (l *load) received(bytes int) { l.bytesReceived.Add(int64(bytes)) }

func (l *load) reset() {
	l.requests.Store(0)
	l.bytesSent.Store(0)
	l.bytesReceived.Store(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest, l.progress = Slowest{}, Progress{}
}

func (l *load) took(answer Slowest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer.Took > l.slowest.Took {
		l.slowest = answer
	}
}

func (l *load) progressed(asked, answered int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress.Asked += asked
	l.progress.Answered += answered
	if l.report != nil {
		l.report(l.progress)
	}
}

func (l *load) sum() Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Load{
		Requests: int(l.requests.Load()), BytesSent: l.bytesSent.Load(), BytesReceived: l.bytesReceived.Load(),
		Slowest: l.slowest,
	}
}
