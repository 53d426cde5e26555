// Package engine is the loop that every way of running rollcall shares: collect
// an epoch, evaluate the checks, step the ledger.
package engine

import (
	"context"

	"rollcall/internal/check"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
)

// Source makes epochs: from a live system, a recording, or a test's world.
type Source interface {
	// Collect makes the epoch after prev, which is nil at first. An error means
	// that nothing at all could be collected; unanswered questions are part of
	// the epoch instead.
	Collect(ctx context.Context, prev *epoch.Epoch) (*epoch.Epoch, error)
}

// Engine audits what a source shows, one epoch after another. It is not safe
// for concurrent use.
type Engine struct {
	source   Source
	checks   []*check.Check
	settings check.Settings
	scalars  []*epoch.Scalar

	epoch *epoch.Epoch
	trail *epoch.Trail
	book  *ledger.Ledger
}

// New makes an engine that runs the given checks with the given settings.
func New(source Source, checks []*check.Check, settings check.Settings) *Engine {
	return &Engine{source: source, checks: checks, settings: settings, scalars: check.Scalars(checks)}
}

// Audit is the outcome of one step.
type Audit struct {
	Epoch       *epoch.Epoch
	Results     []check.Result
	Ledger      *ledger.Ledger
	Transitions []ledger.Transition
}

// Step collects the next epoch and judges it. On an error nothing has changed.
func (e *Engine) Step(ctx context.Context) (*Audit, error) {
	cur, err := e.source.Collect(ctx, e.epoch)
	if err != nil {
		return nil, err
	}
	e.trail = e.trail.Next(cur, e.scalars)
	results := check.Evaluate(e.checks, e.settings, epoch.Pair{Prev: e.epoch, Cur: cur}, e.trail)
	book, transitions := e.book.Next(cur, results)
	e.epoch, e.book = cur, book
	return &Audit{Epoch: cur, Results: results, Ledger: book, Transitions: transitions}, nil
}
