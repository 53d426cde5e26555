package cli

import (
	"fmt"
	"io"
	"time"

	"rollcall/internal/collect"
	"rollcall/internal/quantity"
)

// progressLine shows what a long audit is doing, in one line of a terminal. On
// anything else it does nothing.
type progressLine struct {
	w               io.Writer // nil: do nothing
	sample, samples int
}

func (a *app) progressLine() *progressLine {
	if !isTerminal(a.Stderr) {
		return &progressLine{}
	}
	return &progressLine{w: a.Stderr}
}

func (l *progressLine) show(format string, args ...any) {
	if l.w != nil {
		fmt.Fprintf(l.w, "\r\x1b[2K"+format, args...)
	}
}

func (l *progressLine) collecting(p collect.Progress) {
	l.show("sample %d of %d: %d of %d questions answered", l.sample, l.samples, p.Answered, p.Asked)
}

func (l *progressLine) waiting(taken, samples int, pause time.Duration) {
	l.show("sample %d of %d taken, the next in %s", taken, samples, quantity.Duration(pause))
}

func (l *progressLine) clear() { l.show("") }
