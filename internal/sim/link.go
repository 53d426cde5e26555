package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTimeout bounds how long a proxy tries to reach the server behind it; on
// the loopback an answer comes at once or never.
const dialTimeout = 2 * time.Second

// acceptPause keeps a proxy that cannot accept, for want of file descriptors, from spinning.
const acceptPause = 50 * time.Millisecond

type linkState int32

const (
	healthy linkState = iota
	cut
	blackHoled
	closed
)

// Link is a connection between servers that can fail: all routes between two
// servers, all gateways between two clusters, or one leaf link. Each change
// takes effect at once and leaves other links alone.
type Link struct {
	name  string
	state atomic.Int32

	ctx    context.Context // ends with the link
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	listeners []net.Listener
	tunnels   map[*tunnel]struct{}
}

// tunnel is one proxied connection; far is nil for one that was accepted into a black hole.
type tunnel struct {
	near, far net.Conn
	lost      atomic.Bool // bytes, or the end of a side, did not get through: it must never carry bytes again
}

func newLink(name string) *Link {
	l := &Link{name: name, tunnels: map[*tunnel]struct{}{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// Name returns the name under which the deployment knows the link.
func (l *Link) Name() string { return l.name }

// Cut closes all connections of the link and closes new ones at once, as a
// firewall that rejects, or a machine without the service, would.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set(cut) {
		l.resetAll()
	}
}

// BlackHole keeps all connections and accepts new ones, but lets nothing
// through in either direction, the end of a connection included, as a lost
// network or a firewall that drops would. A chunk that is on its way through
// the proxy at this instant may still arrive.
func (l *Link) BlackHole() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.set(blackHoled) {
		return
	}
	// Release writes that wait for a slow or frozen reader: what they hold vanishes too.
	for t := range l.tunnels {
		t.setWriteDeadline(time.Now())
	}
}

// Heal lets the link work again. Connections of a black hole that lost anything are reset.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.set(healthy) {
		return
	}
	for t := range l.tunnels {
		if t.lost.Load() {
			t.reset()
			continue
		}
		t.setWriteDeadline(time.Time{})
	}
}

// set changes the state, unless the link is closed.
func (l *Link) set(to linkState) bool {
	if l.is(closed) {
		return false
	}
	l.state.Store(int32(to))
	return true
}

func (l *Link) is(state linkState) bool { return linkState(l.state.Load()) == state }

// close ends the link for good and waits until nothing of it is left.
func (l *Link) close() {
	l.mu.Lock()
	l.state.Store(int32(closed))
	l.cancel()
	for _, listener := range l.listeners {
		listener.Close()
	}
	l.resetAll()
	l.mu.Unlock()
	l.wg.Wait()
}

// resetAll needs the lock.
func (l *Link) resetAll() {
	for t := range l.tunnels {
		t.reset()
	}
}

// proxyTo adds a proxy to the server that listens at target, and returns the
// proxy's address. What the server answers is read through filter.
func (l *Link) proxyTo(target string, filter func(io.Reader) io.Reader) (string, error) {
	listener, err := listen()
	if err != nil {
		return "", fmt.Errorf("link %s: %w", l.name, err)
	}
	l.mu.Lock()
	l.listeners = append(l.listeners, listener)
	l.mu.Unlock()
	l.wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				if l.ctx.Err() != nil {
					return
				}
				time.Sleep(acceptPause)
				continue
			}
			l.wg.Go(func() { l.carry(conn, target, filter) })
		}
	})
	return listener.Addr().String(), nil
}

// carry forwards one connection until it ends or the link resets it.
func (l *Link) carry(near net.Conn, target string, filter func(io.Reader) io.Reader) {
	t := &tunnel{near: near}
	if l.is(healthy) {
		dialer := net.Dialer{Timeout: dialTimeout}
		// A server that is down makes far nil, too; below, only a black hole keeps such a connection.
		t.far, _ = dialer.DialContext(l.ctx, "tcp4", target)
	}
	l.mu.Lock()
	if l.is(cut) || l.is(closed) || t.far == nil && l.is(healthy) {
		l.mu.Unlock()
		t.reset()
		return
	}
	t.lost.Store(t.far == nil)
	l.tunnels[t] = struct{}{}
	l.mu.Unlock()

	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(t, t.near, t.far) })
	if t.far != nil {
		pumps.Go(func() { l.pump(t, filter(t.far), t.near) })
	}
	pumps.Wait()
	l.mu.Lock()
	delete(l.tunnels, t)
	l.mu.Unlock()
	t.close()
}

// everything is the filter of links that carry all bytes as they are.
func everything(r io.Reader) io.Reader { return r }

// pump copies from one side to the other until the tunnel ends.
func (l *Link) pump(t *tunnel, from io.Reader, to io.Writer) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.is(blackHoled) && !t.lost.Load() {
			if _, werr := to.Write(buf[:n]); werr == nil {
				n = 0
			}
		}
		if n == 0 && err == nil {
			continue
		}
		// Something will not get through. That is what a black hole is for; on a
		// link in any other state the tunnel has ended. The mark comes before the
		// look at the state, and Heal does the opposite: one of them sees the other.
		t.lost.Store(true)
		if !l.is(blackHoled) {
			t.close()
			return
		}
		if err != nil {
			return
		}
	}
}

// close ends both sides in order: what was written still arrives.
func (t *tunnel) close() {
	for _, conn := range t.sides() {
		conn.Close()
	}
}

// reset ends both sides with a TCP reset, so that no side mistakes it for an orderly end.
func (t *tunnel) reset() {
	for _, conn := range t.sides() {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

func (t *tunnel) setWriteDeadline(at time.Time) {
	for _, conn := range t.sides() {
		conn.SetWriteDeadline(at)
	}
}

func (t *tunnel) sides() []net.Conn {
	if t.far == nil {
		return []net.Conn{t.near}
	}
	return []net.Conn{t.near, t.far}
}
