package collect

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Pings of a connection. nats.go's own default of 2 minutes, twice, leaves an
// auditor blind for as long when its server freezes (nats-facts 9).
const (
	pingInterval = 2 * time.Second
	maxPingsOut  = 2
)

// conn is one connection to one server. It never reconnects: a lost connection
// is replaced by another one, perhaps to another server (see links).
type conn struct {
	nc       *nats.Conn
	serverID string
	url      string
	load     *load

	mu      sync.Mutex
	waiting map[string]map[*context.CancelCauseFunc]bool // by subject: requests under way
	deaf    atomic.Bool                                  // the user may not subscribe to its inbox
	proven  atomic.Bool                                  // answered a ping in this epoch
	demoted atomic.Bool                                  // another connection reached what this one could not, in this epoch
}

// dial connects to exactly one URL. onEvent is called for whatever the system
// account publishes about its servers.
func dial(ctx context.Context, a access, target string, timeout time.Duration, load *load, onEvent nats.MsgHandler) (*conn, error) {
	c := &conn{url: target, load: load, waiting: map[string]map[*context.CancelCauseFunc]bool{}}
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline))
	}
	options := append([]nats.Option{}, a.options...)
	options = append(options,
		nats.Name("rollcall"), nats.NoReconnect(), nats.Timeout(max(timeout, time.Millisecond)),
		nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(maxPingsOut), nats.FlusherTimeout(timeout),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.denied(err) }))
	if option := a.certified(target); option != nil {
		options = append(options, option)
	}
	nc, err := nats.Connect(target, options...)
	if err != nil {
		return nil, withoutURL(err)
	}
	c.nc, c.serverID = nc, nc.ConnectedServerId()
	for _, subject := range eventSubjects {
		// Without permission the error comes later, through denied: an audit
		// works without events, only slower.
		if _, err := nc.Subscribe(subject, onEvent); err != nil {
			nc.Close()
			return nil, err
		}
	}
	return c, nil
}

// withoutURL keeps credentials in a URL that does not parse out of messages.
func withoutURL(err error) error {
	var urlError *url.Error
	if errors.As(err, &urlError) {
		return errors.New("the URL cannot be parsed: " + urlError.Err.Error())
	}
	return err
}

// denied tells the request that a permission violation speaks of; without it,
// that request would look as if its server were silent.
func (c *conn) denied(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	if strings.Contains(err.Error(), "Subscription to") && !strings.Contains(err.Error(), `"$`) {
		c.deaf.Store(true)
	}
	_, rest, _ := strings.Cut(err.Error(), `Publish to "`)
	subject, _, _ := strings.Cut(rest, `"`)
	c.mu.Lock()
	defer c.mu.Unlock()
	for cancel := range c.waiting[subject] {
		(*cancel)(&deniedError{subject})
	}
}

// request puts one request and waits for its answer. The error is errSilent,
// errNobody, a *deniedError, the context's, or that the connection is lost.
func (c *conn) request(ctx context.Context, subject string, options any, deadline time.Duration) (*nats.Msg, error) {
	msg := nats.NewMsg(subject)
	// An uncompressed answer can close a leaf link (nats-facts 0.3), and nobody
	// knows for certain which way an answer takes. So no request goes without.
	msg.Header.Set("Accept-Encoding", "snappy")
	if options != nil {
		body, err := json.Marshal(options)
		if err != nil {
			return nil, err
		}
		msg.Data = body
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timed, stop := context.WithTimeoutCause(ctx, deadline, errSilent)
	defer stop()
	c.expect(subject, &cancel)
	defer c.settle(subject, &cancel)

	c.load.sent(len(subject) + len(msg.Data))
	answer, err := c.nc.RequestMsgWithContext(timed, msg)
	switch {
	case err == nil:
		c.load.received(len(answer.Data))
		return answer, nil
	case errors.Is(err, nats.ErrNoResponders):
		return nil, errNobody
	case timed.Err() != nil:
		return nil, context.Cause(timed)
	default:
		return nil, err
	}
}

func (c *conn) expect(subject string, cancel *context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[subject] == nil {
		c.waiting[subject] = map[*context.CancelCauseFunc]bool{}
	}
	c.waiting[subject][cancel] = true
}

func (c *conn) settle(subject string, cancel *context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting[subject], cancel)
	if len(c.waiting[subject]) == 0 {
		delete(c.waiting, subject)
	}
}

// works says whether the server at the other end answers a ping in time.
func (c *conn) works(ctx context.Context, deadline time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	return c.nc.FlushWithContext(ctx) == nil
}
