package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/engine"
	"rollcall/internal/ledger"
	"rollcall/internal/quantity"
	"rollcall/internal/view"
)

// beat is the time between two epochs of the demo.
const beat = time.Second

// How long each part of the demo may take before it goes on. Finding is bounded
// by the largest threshold and an election; healing by the server's own pauses
// between attempts, which can be longer: then the demo goes on and the rest
// heals meanwhile.
const (
	findWithin = 40 * time.Second
	healWithin = 15 * time.Second
	endWithin  = 3 * time.Minute
	linger     = 6 * time.Second
)

// Screen shows the demo. Its methods are called by one goroutine.
type Screen interface {
	// Say announces what the demo does.
	Say(text string)
	// Show shows the state after an epoch, with what changed in it.
	Show(a *engine.Audit)
}

// Show is one performance.
type Show struct {
	screen Screen
	stage  *stage
	engine *engine.Engine
	source *collect.Collector
	epochs []view.Epoch
	last   *engine.Audit
}

// Open sets the stage. The caller must Close the show, whatever happens.
func Open(ctx context.Context, screen Screen, checks []*check.Check) (*Show, error) {
	settings := check.Settings{}
	for _, s := range Settings {
		if err := settings.Set(checks, s); err != nil {
			return nil, err
		}
	}
	screen.Say("starting a cluster of three nats-servers and a leaf with its own system account")
	st, err := setUp(ctx)
	if err != nil {
		return nil, err
	}
	// A frozen server must not slow the beat.
	limits := collect.Limits{LightDeadline: 600 * time.Millisecond}
	source, err := collect.Connect(ctx, st.systems(), collect.Options{Limits: limits})
	if err != nil {
		if source != nil {
			source.Close()
		}
		return nil, errors.Join(err, st.close())
	}
	return &Show{screen: screen, stage: st, engine: engine.New(source, checks, settings), source: source}, nil
}

// Close takes everything down: no process, file or port remains.
func (s *Show) Close() error {
	s.source.Close()
	return s.stage.close()
}

// Play performs the scenarios one after another, each until it is found and
// healed.
func (s *Show) Play(ctx context.Context, scenarios []Scenario) error {
	s.screen.Say("all is well: the roll is called each second")
	if err := s.run(ctx, linger, nil); err != nil {
		return err
	}
	for i, sc := range scenarios {
		s.screen.Say(fmt.Sprintf("FAULT %d of %d: %s. %s", i+1, len(scenarios), sc.Title, sc.Tells))
		heal, err := s.cause(ctx, sc)
		if err != nil {
			return err
		}
		if err := s.found(ctx, sc); err != nil {
			return err
		}
		if err := s.run(ctx, linger, nil); err != nil {
			return err
		}
		s.screen.Say("HEALING: " + sc.Title)
		if err := heal(ctx); err != nil {
			return err
		}
		if err := s.run(ctx, healWithin, s.quiet); err != nil {
			return err
		}
	}
	if !s.quiet() {
		s.screen.Say("everything is mended; servers retry with pauses of up to 2 minutes, so the rest heals by itself")
		if err := s.run(ctx, endWithin, s.quiet); err != nil {
			return err
		}
	}
	if s.quiet() {
		s.screen.Say("all findings are resolved")
	}
	return nil
}

// Pile brings about all scenarios that can be present at once, or the given
// one, waits until all is found, and reports.
func (s *Show) Pile(ctx context.Context, version string, scenarios []Scenario) (*view.Report, error) {
	if len(scenarios) != 1 {
		scenarios = together()
	}
	if err := s.run(ctx, 2*beat, nil); err != nil {
		return nil, err
	}
	for _, sc := range scenarios {
		s.screen.Say("FAULT: " + sc.Title)
		if _, err := s.cause(ctx, sc); err != nil {
			return nil, err
		}
	}
	for _, sc := range scenarios {
		if err := s.found(ctx, sc); err != nil {
			return nil, err
		}
	}
	return view.ReportOf(version, s.epochs, s.last), nil
}

func (s *Show) cause(ctx context.Context, sc Scenario) (heal func(context.Context) error, err error) {
	said, heal, err := sc.cause(ctx, s.stage)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", sc.Name, err)
	}
	s.screen.Say(said)
	return heal, nil
}

// found goes on until the scenario's findings are open.
func (s *Show) found(ctx context.Context, sc Scenario) error {
	if err := s.run(ctx, findWithin, func() bool { return len(s.missing(sc)) == 0 }); err != nil {
		return err
	}
	if missing := s.missing(sc); len(missing) > 0 {
		s.screen.Say(fmt.Sprintf("NOT FOUND within %s: %v", quantity.Duration(findWithin), missing))
	}
	return nil
}

// missing lists what the scenario should have opened and did not.
func (s *Show) missing(sc Scenario) []Find {
	return slices.DeleteFunc(slices.Clone(sc.Finds), func(want Find) bool {
		return slices.ContainsFunc(s.last.Ledger.Findings(), func(f ledger.Finding) bool {
			return f.ID.Code == want.Code && f.State == ledger.Open && (want.Stream == "" || want.Stream == f.ID.Ref.Stream)
		})
	})
}

// quiet says whether no finding is left.
func (s *Show) quiet() bool { return len(s.last.Ledger.Findings()) == 0 }

// run makes epochs at the beat until the condition holds, but no longer than
// the given time.
func (s *Show) run(ctx context.Context, within time.Duration, until func() bool) error {
	deadline := time.Now().Add(within)
	for {
		start := time.Now()
		a, err := s.engine.Step(ctx)
		if err != nil {
			return err
		}
		s.last = a
		s.epochs = append(s.epochs, view.EpochOf(a.Epoch))
		s.screen.Show(a)
		if until != nil && until() || !time.Now().Before(deadline) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(beat - min(beat, time.Since(start))):
		}
	}
}
