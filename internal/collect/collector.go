package collect

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"rollcall/internal/epoch"
)

// Options of a Collector. The zero value takes all defaults.
type Options struct {
	Limits Limits
	// Now is the auditor's clock; default time.Now.
	Now func() time.Time
	// Progress is called, by one goroutine at a time, whenever a question of
	// the epoch under way is settled. It must return quickly.
	Progress func(Progress)
}

// Collector makes epochs from live systems. Its methods may be called by any
// goroutine; epochs are made one at a time.
type Collector struct {
	limits  Limits
	now     func() time.Time
	systems []*system // in the order given
	pokes   chan string
	load    *load
	symbols *symbols

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	turn   sync.Mutex // held while an epoch is made
}

// system is one NATS system and the connections to it.
type system struct {
	config  System
	limits  Limits
	now     func() time.Time
	links   *links
	peers   *peers
	sizes   *sizes
	pokes   chan<- string
	load    *load
	symbols *symbols

	maxPayload int64 // the lowest that any server was heard to have, in bytes; 0 before the first
	verified   bool  // the user is one of the system account

	// Of the epoch under way:
	budget *budget

	restoring sync.Mutex
	blind     bool // no connection could be made in this epoch; guarded by restoring
}

// pokesKept is how many reasons for an epoch are kept while nobody reads them.
const pokesKept = 16

// Connect connects to the systems, each through two servers where it has as
// many, and makes sure that the users may ask what an audit asks. The error
// joins one error for each system that failed: *UnreachableError,
// *RefusedError, *NotSystemAccountError or *CredentialsError.
//
// If all failures are of systems that cannot be reached, and another one was,
// the Collector is returned beside the error and tries to reach them with each
// epoch: who can do with a part goes on, the others close it.
func Connect(ctx context.Context, systems []System, o Options) (*Collector, error) {
	if err := validate(systems); err != nil {
		return nil, err
	}
	c := &Collector{
		limits: o.Limits.completed(), now: o.Now, pokes: make(chan string, pokesKept),
		load: &load{report: o.Progress}, symbols: newSymbols(),
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, config := range systems {
		s, err := c.system(config)
		if err != nil {
			c.Close()
			return nil, err
		}
		c.systems = append(c.systems, s)
	}
	failures := make([]error, len(c.systems))
	c.each(func(i int, s *system) { failures[i] = s.connect(ctx) })
	if err := errors.Join(failures...); err != nil {
		if !slices.Contains(failures, nil) || slices.ContainsFunc(failures, isFinal) || ctx.Err() != nil {
			c.Close()
			return nil, err
		}
		return c, err
	}
	return c, nil
}

// isFinal says whether an error of connect is there to stay.
func isFinal(err error) bool {
	var unreachable *UnreachableError
	return err != nil && !errors.As(err, &unreachable)
}

func (c *Collector) system(config System) (*system, error) {
	a, err := config.prepare()
	if err != nil {
		return nil, err
	}
	s := &system{
		config: config, limits: c.limits, now: c.now, pokes: c.pokes, load: c.load, symbols: c.symbols,
		peers: newPeers(), sizes: &sizes{byID: map[string]size{}},
	}
	s.links = newLinks(a, c.limits.LightDeadline, c.load, s.heard)
	return s, nil
}

// each runs something for all systems at once and waits for all.
func (c *Collector) each(do func(i int, s *system)) {
	var wg sync.WaitGroup
	for i, s := range c.systems {
		wg.Go(func() { do(i, s) })
	}
	wg.Wait()
}

// connect makes the first connection and verifies the user.
func (s *system) connect(ctx context.Context) error {
	s.links.wg.Go(s.listen)
	found, err := s.links.dialAny(ctx, wantLinks)
	s.links.add(found)
	switch {
	case len(found) > 0:
		return s.verify(ctx)
	case ctx.Err() != nil:
		return ctx.Err()
	case isRefusal(err):
		return s.refused(err)
	}
	if err == nil {
		err = errSilent // something accepts connections there and says nothing
	}
	return &UnreachableError{System: s.config.Name, URLs: redacted(s.links.access.urls), Reason: err}
}

// restore connects anew after the last connection was lost within an epoch,
// once for all servers that are asked just then.
func (s *system) restore(ctx context.Context) error {
	s.restoring.Lock()
	defer s.restoring.Unlock()
	if s.links.pick("", nil) != nil {
		return nil
	}
	if s.blind {
		return errNoConnection
	}
	err := s.links.restore(ctx)
	s.blind = err != nil
	return err
}

// Collect makes one epoch. prev is the one before, nil for the first. It
// returns an error only if ctx ends or the Collector is closed: whatever the
// systems do is coverage.
func (c *Collector) Collect(ctx context.Context, prev *epoch.Epoch) (*epoch.Epoch, error) {
	c.turn.Lock()
	defer c.turn.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	c.load.reset()
	c.symbols.next()
	shared := &budget{limit: c.limits.EpochBytes}
	startedAt := c.now()

	rolls := make([]*roll, len(c.systems))
	c.each(func(i int, s *system) {
		s.budget, s.blind = shared, false
		rolls[i] = s.begin(ctx, prev.System(s.config.Name))
	})
	assign(rolls)
	c.each(func(i int, s *system) { rolls[i].askAll(ctx) })
	if c.askNew(ctx, rolls) {
		assign(rolls)
		c.each(func(i int, s *system) { rolls[i].askAll(ctx) })
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return build(prev, startedAt, c.now(), rolls), nil
}

// Load says what the last epoch cost the systems.
func (c *Collector) Load() Load { return c.load.sum() }

// Pokes gives reasons to make an epoch at once: a server that leaves or has
// missed its beat, a new leader, a lost quorum. Each is a sentence for people.
// The channel is never closed.
func (c *Collector) Pokes() <-chan string { return c.pokes }

// Close ends all connections. An epoch under way is given up.
func (c *Collector) Close() {
	c.cancel()
	c.turn.Lock()
	defer c.turn.Unlock()
	for _, s := range c.systems {
		s.links.close()
	}
}
