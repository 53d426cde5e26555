package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// wantLinks is how many connections to a system there should be, each to
// another server: the freeze of one then does not blind the audit.
const wantLinks = 2

// dialStagger is how long an attempt to connect goes alone before the next
// address is tried beside it: a frozen server accepts and never says a word.
const dialStagger = 300 * time.Millisecond

// widenPause is how long to wait after a failed search for a second server.
const widenPause = 30 * time.Second

// links are the connections to one system.
type links struct {
	access   access
	deadline time.Duration // light
	load     *load
	onEvent  nats.MsgHandler

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu         sync.Mutex
	conns      []*conn
	discovered []string // kept for the day when no given URL answers
	widening   bool
	notBefore  time.Time // for the next search for a second server
}

func newLinks(a access, deadline time.Duration, load *load, onEvent nats.MsgHandler) *links {
	l := &links{access: a, deadline: deadline, load: load, onEvent: onEvent}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// ready makes sure that a connection works, and replaces those that do not. It
// returns an error that wraps errNoConnection if there is none and none can be made,
// within about two light deadlines.
func (l *links) ready(ctx context.Context) error {
	conns := l.open()
	works := make(chan bool, len(conns))
	for _, c := range conns {
		c.proven.Store(false)
		c.demoted.Store(false)
		l.wg.Go(func() { works <- l.prove(c) })
	}
	for range conns {
		select {
		case ok := <-works:
			// The first that works is enough to begin; pick prefers it.
			if ok {
				l.widen()
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return l.restore(ctx)
}

// prove pings a connection, and drops it if no answer comes.
func (l *links) prove(c *conn) bool {
	if !c.works(l.ctx, l.deadline) {
		l.drop(c)
		if len(l.open()) > 0 {
			l.widen()
		}
		return false
	}
	c.proven.Store(true)
	l.learn(c)
	return true
}

// restore connects anew when nothing is left.
func (l *links) restore(ctx context.Context) error {
	found, err := l.dialAny(ctx, 1)
	l.add(found)
	switch {
	case len(found) > 0:
		l.widen()
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if err == nil {
		err = errSilent
	}
	return fmt.Errorf("%w: %w", errNoConnection, err)
}

// widen looks in the background for the second server to hang on.
func (l *links) widen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.widening || l.ctx.Err() != nil || len(l.conns) >= wantLinks || time.Now().Before(l.notBefore) {
		return
	}
	l.widening = true
	l.wg.Go(func() {
		found, _ := l.dialAny(l.ctx, wantLinks-1) // not found is no error: there may be no other server
		l.add(found)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.widening = false
		if len(found) == 0 {
			l.notBefore = time.Now().Add(widenPause)
		}
	})
}

// pick gives the best connection to ask a server through, leaving out those
// already tried: its own, one that has proven to work, any. Nil if none is left.
func (l *links) pick(serverID string, tried []*conn) *conn {
	rank := func(c *conn) int {
		switch {
		case !c.proven.Load():
			return 3
		case c.serverID == serverID:
			return 0
		case !c.demoted.Load():
			return 1
		default:
			return 2
		}
	}
	var best *conn
	for _, c := range l.open() {
		if !slices.Contains(tried, c) && (best == nil || rank(c) < rank(best)) {
			best = c
		}
	}
	return best
}

// open lists the connections that are not closed, and forgets the others.
func (l *links) open() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = slices.DeleteFunc(l.conns, func(c *conn) bool { return c.nc.IsClosed() })
	return slices.Clone(l.conns)
}

// serverIDs lists the servers that connections lead to.
func (l *links) serverIDs() []string {
	var ids []string
	for _, c := range l.open() {
		ids = append(ids, c.serverID)
	}
	return ids
}

// add takes new connections in, unless enough to other servers are there.
func (l *links) add(found []*conn) {
	for _, c := range found {
		c.proven.Store(true)
		l.learn(c)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range found {
		double := slices.ContainsFunc(l.conns, func(have *conn) bool { return have.serverID == c.serverID })
		if double || len(l.conns) >= wantLinks || l.ctx.Err() != nil {
			c.nc.Close()
			continue
		}
		l.conns = append(l.conns, c)
	}
}

func (l *links) drop(c *conn) {
	c.nc.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = slices.DeleteFunc(l.conns, func(have *conn) bool { return have == c })
	l.notBefore = time.Time{}
}

// learn notes the addresses of other servers that a server tells.
func (l *links) learn(c *conn) {
	found := c.nc.DiscoveredServers()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range found {
		if text = l.access.adopt(text); !l.access.knows(text) && !slices.Contains(l.discovered, text) {
			l.discovered = append(l.discovered, text)
			l.notBefore = time.Time{}
		}
	}
	// What was discovered longest ago is the least likely to be there still.
	const most = 64
	l.discovered = l.discovered[max(0, len(l.discovered)-most):]
}

// candidates lists the URLs to try, those that no open connection uses first:
// they lead to another server for sure, where a name can lead to any.
func (l *links) candidates() (urls []string, have []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	urls = append(slices.Clone(l.access.urls), l.discovered...)
	used := func(text string) bool {
		return slices.ContainsFunc(l.conns, func(c *conn) bool { return redact(c.url) == redact(text) })
	}
	slices.SortStableFunc(urls, func(a, b string) int {
		switch {
		case used(a) == used(b):
			return 0
		case used(b):
			return -1
		}
		return 1
	})
	for _, c := range l.conns {
		have = append(have, c.serverID)
	}
	return urls, have
}

// dialAny makes up to want connections to servers that no connection leads to
// yet. It fails only if there are none, with what the last server said; a
// refusal counts for more than a silence.
func (l *links) dialAny(ctx context.Context, want int) ([]*conn, error) {
	urls, have := l.candidates()
	ctx, cancel := context.WithTimeout(ctx, 2*l.deadline)
	defer cancel()
	type result struct {
		c   *conn
		err error
	}
	results := make(chan result, len(urls))
	var found []*conn
	var failure error
	stagger := time.NewTicker(dialStagger)
	defer stagger.Stop()
	for next, pending := 0, 0; ; {
		if next < len(urls) && len(found) < want && ctx.Err() == nil {
			target := urls[next]
			l.wg.Go(func() {
				c, err := dial(ctx, l.access, target, l.deadline, l.load, l.onEvent)
				results <- result{c, err}
			})
			next, pending = next+1, pending+1
		}
		if pending == 0 {
			return found, failure
		}
		select {
		case r := <-results:
			pending--
			switch {
			case r.err != nil:
				if failure == nil || !isRefusal(failure) {
					failure = r.err
				}
			case len(found) >= want || slices.Contains(have, r.c.serverID):
				r.c.nc.Close()
			default:
				found, have = append(found, r.c), append(have, r.c.serverID)
			}
		case <-stagger.C:
		}
		if len(found) >= want || ctx.Err() != nil {
			l.wg.Go(func() { // the others are too late
				for range pending {
					if r := <-results; r.c != nil {
						r.c.nc.Close()
					}
				}
			})
			return found, failure
		}
	}
}

// isRefusal says whether a server was reached and did not accept the login.
func isRefusal(err error) bool {
	for _, refusal := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrNkeysNotSupported, nats.ErrPermissionViolation, nats.ErrMaxAccountConnectionsExceeded,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// close ends all connections and waits for whatever is under way.
func (l *links) close() {
	l.cancel()
	for _, c := range l.open() {
		l.drop(c)
	}
	l.wg.Wait()
	for _, c := range l.open() {
		l.drop(c)
	}
}
