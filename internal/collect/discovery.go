package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

const (
	pingSubject = "$SYS.REQ.SERVER.PING" // every server answers with its STATSZ
	infoSubject = "$SYS.REQ.USER.INFO"
)

const (
	// pingEvery is how often all servers are called at once. New ones are heard
	// by their beat within 10 s anyway.
	pingEvery = 30 * time.Second
	// pingQuiet ends the wait for more answers to a PING once as many came as
	// servers are said to be: those beyond a leaf link are not counted, and take
	// longer. pingLost ends it when some stay away; their neighbours name them.
	pingQuiet = 400 * time.Millisecond
	pingLost  = time.Second
	// aliveFor is how long after its last sign of life a server that no epoch
	// knows is still asked.
	aliveFor = time.Minute
)

// peer is a server as it has been heard of, by its id.
type peer struct {
	info       wire.ServerInfo
	stats      *wire.STATSZ
	heardAt    time.Time // auditor's clock
	beatAt     time.Time // of the last unasked beat
	missed     bool      // the silence was told already
	shutdownAt time.Time
	lameDuckAt time.Time
}

// peers is what is known of a system's servers between epochs.
type peers struct {
	mu       sync.Mutex
	byID     map[string]*peer
	recent   []string // ids of the last advisories, against hearing them twice
	pingedAt time.Time
}

func newPeers() *peers { return &peers{byID: map[string]*peer{}} }

func (p *peers) peer(info *wire.ServerInfo) *peer {
	known := p.byID[info.ID]
	if known == nil {
		known = &peer{}
		p.byID[info.ID] = known
	}
	if known.info.Time.Before(info.Time) || known.info.ID == "" {
		known.info = *info
	}
	return known
}

// answered notes that a server has answered.
func (p *peers) answered(info *wire.ServerInfo, stats *wire.STATSZ, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.peer(info)
	known.heardAt = at
	if stats != nil {
		known.stats = stats
	}
}

func (p *peers) beat(info *wire.ServerInfo, stats *wire.STATSZ, at time.Time) {
	p.answered(info, stats, at)
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.byID[info.ID]
	known.beatAt, known.missed = at, false
}

// leaves notes an announcement, and says whether it is new.
func (p *peers) leaves(info *wire.ServerInfo, shutdown bool, at time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.peer(info)
	when := &known.lameDuckAt
	if shutdown {
		when = &known.shutdownAt
	}
	if !when.IsZero() {
		return false
	}
	*when, known.heardAt, known.missed = at, at, true
	return true
}

// news says whether an advisory was not heard before.
func (p *peers) news(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(p.recent, id) {
		return false
	}
	const most = 256
	p.recent = append(p.recent[max(0, len(p.recent)-most+1):], id)
	return true
}

// missed names the servers whose beat has stopped since it was last called.
func (p *peers) missed(now time.Time) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, known := range p.byID {
		if !known.missed && !known.beatAt.IsZero() && now.Sub(known.beatAt) > missedBeats {
			known.missed = true
			names = append(names, known.info.Name)
		}
	}
	slices.Sort(names)
	return names
}

// snapshot copies what is known of the servers heard of lately or in keep, and
// forgets the others.
func (p *peers) snapshot(now time.Time, keep map[string]bool) map[string]peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := make(map[string]peer, len(p.byID))
	for id, server := range p.byID {
		if now.Sub(server.heardAt) > aliveFor && !keep[id] {
			delete(p.byID, id)
			continue
		}
		known[id] = *server
	}
	return known
}

// due says whether the servers should be called again, and takes the turn.
func (p *peers) due(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.pingedAt.IsZero() && now.Sub(p.pingedAt) < pingEvery && !now.Before(p.pingedAt) {
		return false
	}
	p.pingedAt = now
	return true
}

// discover calls all servers at once and notes who answers. It takes as long
// as the slowest of them, but at most a light deadline. The error is that of
// a request; it is nil as soon as one server has answered.
func (s *system) discover(ctx context.Context) error {
	c := s.links.pick("", nil)
	if c == nil {
		return errNoConnection
	}
	count, err := s.call(ctx, c)
	if count > 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// call sends the PING through one connection and counts the servers that
// answer.
func (s *system) call(ctx context.Context, c *conn) (count int, err error) {
	answers := make(chan *nats.Msg, 4096) // more than that many servers answer to the next one
	inbox := c.nc.NewInbox()
	sub, err := c.nc.ChanSubscribe(inbox, answers)
	if err != nil {
		return 0, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // fails only on a closed connection
	msg := nats.NewMsg(pingSubject)
	msg.Reply = inbox
	msg.Header.Set("Accept-Encoding", "snappy")

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timed, stop := context.WithTimeoutCause(ctx, s.limits.LightDeadline, errSilent)
	defer stop()
	c.expect(pingSubject, &cancel)
	defer c.settle(pingSubject, &cancel)
	c.load.sent(len(pingSubject))
	if err := c.nc.PublishMsg(msg); err != nil {
		return 0, err
	}
	expected, seen := 1, map[string]bool{}
	var quiet <-chan time.Time // not before one has answered
	for {
		select {
		case answer := <-answers:
			c.load.received(len(answer.Data))
			if answer.Header.Get("Status") == "503" {
				return 0, errNobody
			}
			reply, err := wire.Decode[wire.STATSZ](answer.Data, answer.Header.Get("Content-Encoding"))
			if err != nil || reply.Server == nil || reply.Server.ID == "" {
				continue
			}
			s.peers.answered(reply.Server, reply.Data, s.now())
			seen[reply.Server.ID] = true
			expected = max(expected, reply.Data.ActiveServers)
			quiet = time.After(pingLost)
			if len(seen) >= expected {
				quiet = time.After(pingQuiet)
			}
		case <-quiet:
			return len(seen), nil
		case <-timed.Done():
			return len(seen), context.Cause(timed)
		}
	}
}

// verify makes sure that the user is one of the system account: only those are
// answered by servers. The error is a *NotSystemAccountError, a *RefusedError
// or an *UnreachableError.
func (s *system) verify(ctx context.Context) error {
	err := s.check(ctx)
	s.verified = err == nil
	return err
}

func (s *system) check(ctx context.Context) error {
	s.peers.due(s.now())
	err := s.discover(ctx)
	c := s.links.pick("", nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case c == nil:
		return &UnreachableError{System: s.config.Name, URLs: redacted(s.links.access.urls), Reason: err}
	case c.deaf.Load():
		return s.refused(errors.New("the user may not subscribe to _INBOX.>, where answers arrive"))
	}
	// The permission for the PING alone may be missing.
	if _, err := c.request(ctx, subjectOf(c.serverID, epoch.Statsz), nil, s.limits.LightDeadline); err == nil {
		return nil
	}
	if who := s.whoAmI(ctx, c); who != nil {
		return who
	}
	return s.refused(err)
}

func (s *system) refused(reason error) error {
	return &RefusedError{System: s.config.Name, URLs: redacted(s.links.access.urls), Reason: reason}
}

// whoAmI asks the server for the user's account. Nil if that is the system
// account after all, or if the server does not say.
func (s *system) whoAmI(ctx context.Context, c *conn) error {
	answer, err := c.request(ctx, infoSubject, nil, s.limits.LightDeadline)
	if err != nil {
		if errors.Is(err, errNobody) {
			return &NotSystemAccountError{System: s.config.Name}
		}
		return nil
	}
	type user struct {
		User    string `json:"user"`
		Account string `json:"account"`
	}
	reply, err := wire.Decode[user](answer.Data, answer.Header.Get("Content-Encoding"))
	if err != nil || reply.Data.Account == "" || strings.EqualFold(reply.Data.Account, "$SYS") {
		return nil
	}
	return &NotSystemAccountError{System: s.config.Name, User: reply.Data.User, Account: reply.Data.Account}
}
