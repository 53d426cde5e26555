package scenarios

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/collect"
	"rollcall/internal/sim"
)

// patience bounds every wait for a deployment; only something broken reaches it.
const patience = 60 * time.Second

// stage is a deployment that the scenarios of one test share, one after another.
type stage struct {
	*sim.Deployment
	systems []collect.System // what is audited unless a scenario says otherwise

	mu    sync.Mutex
	conns map[string]*nats.Conn // by URL
}

// start starts a deployment for the test. Each cluster that is named is audited
// directly, as a system of its own.
func start(t *testing.T, layout sim.Layout, audited ...string) *stage {
	t.Helper()
	t.Parallel()
	began := time.Now()
	d, err := sim.Start(within(t, patience), layout)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Deployment: d, conns: map[string]*nats.Conn{}}
	t.Cleanup(func() {
		for _, nc := range s.conns {
			nc.Close()
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, cluster := range audited {
		s.systems = append(s.systems, collect.System{Name: cluster, Servers: d.SystemURL(cluster)})
	}
	t.Logf("%d servers are ready after %v", len(d.Servers()), time.Since(began).Round(time.Millisecond))
	return s
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually calls do until it succeeds.
func eventually(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// place is where an application is: a cluster or one server of it, and an
// account.
type place struct {
	stage *stage
	url   string
}

// in gives an account of a cluster; the account is APP unless given.
func (s *stage) in(cluster string, account ...string) place {
	return place{s, s.URL(cluster, append(account, "APP")[0])}
}

// at gives the account APP on one server.
func (s *stage) at(server string) place { return place{s, s.Server(server).URL("APP")} }

// conn connects once for each place. A frozen server holds its clients, so
// short pings let them move on.
func (p place) conn(t *testing.T) *nats.Conn {
	t.Helper()
	p.stage.mu.Lock()
	defer p.stage.mu.Unlock()
	if p.stage.conns[p.url] == nil {
		nc, err := nats.Connect(p.url, nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2),
			nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.ReconnectBufSize(-1))
		if err != nil {
			t.Fatal(err)
		}
		p.stage.conns[p.url] = nc
	}
	return p.stage.conns[p.url]
}

func (p place) api(t *testing.T) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(p.conn(t))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// stream creates a stream and deletes it when the test ends. Where the
// configuration has no subjects and copies nothing, it takes NAME.>.
func (p place) stream(t *testing.T, c jetstream.StreamConfig) {
	t.Helper()
	if c.Subjects == nil && c.Mirror == nil && c.Sources == nil {
		c.Subjects = []string{c.Name + ".>"}
	}
	js := p.api(t)
	must(t, eventually(within(t, patience), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := js.CreateOrUpdateStream(ctx, c)
		return describe(err, "stream %s", c.Name)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := eventually(ctx, func() error { return p.remove(t, c.Name) }); err != nil {
			t.Logf("stream %s is left behind: %v", c.Name, err)
		}
	})
}

// update changes a stream.
func (p place) update(t *testing.T, name string, change func(*jetstream.StreamConfig)) error {
	t.Helper()
	ctx := within(t, patience)
	js := p.api(t)
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	c := stream.CachedInfo().Config
	change(&c)
	_, err = js.UpdateStream(ctx, c)
	return describe(err, "stream %s", name)
}

// remove deletes a stream; one that is not there is fine.
func (p place) remove(t *testing.T, name string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := p.api(t).DeleteStream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}

// info asks for a stream.
func (p place) info(t *testing.T, name string) (*jetstream.StreamInfo, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	stream, err := p.api(t).Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// reaches waits until a stream is at a sequence or beyond it.
func (p place) reaches(t *testing.T, name string, sequence uint64) {
	t.Helper()
	must(t, eventually(within(t, patience), func() error {
		info, err := p.info(t, name)
		if err == nil && info.State.LastSeq < sequence {
			err = fmt.Errorf("%s is at %d and should reach %d", name, info.State.LastSeq, sequence)
		}
		return err
	}))
}

// publish stores messages, each acknowledged.
func (p place) publish(t *testing.T, subject string, count int) {
	t.Helper()
	js := p.api(t)
	for range count {
		must(t, eventually(within(t, patience), func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			_, err := js.Publish(ctx, subject, []byte("x"))
			return describe(err, "publish to %s", subject)
		}))
	}
}

// flood sends many messages of a size without waiting for each.
func (p place) flood(t *testing.T, subject string, count, size int) {
	t.Helper()
	nc := p.conn(t)
	payload := make([]byte, size)
	for range count {
		must(t, nc.Publish(subject, payload))
	}
	must(t, nc.FlushTimeout(patience))
}

// traffic sends a message to each subject at every beat until the test ends or
// the returned function is called.
func (p place) traffic(t *testing.T, beat time.Duration, subjects ...string) (stop func()) {
	t.Helper()
	nc := p.conn(t)
	ctx, cancel := context.WithCancel(context.Background())
	var sender sync.WaitGroup
	sender.Go(func() {
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				for _, subject := range subjects {
					_ = nc.Publish(subject, []byte("x")) // lost while the client moves to another server: as in life
				}
			}
		}
	})
	stop = func() { cancel(); sender.Wait() }
	t.Cleanup(stop)
	return stop
}

// leader asks who leads a stream.
func (p place) leader(t *testing.T, stream string) string {
	t.Helper()
	var leader string
	must(t, eventually(within(t, patience), func() error {
		info, err := p.info(t, stream)
		if err != nil {
			return describe(err, "leader of %s", stream)
		}
		if leader = info.Cluster.Leader; leader == "" {
			return fmt.Errorf("%s has no leader", stream)
		}
		return nil
	}))
	return leader
}

// lead moves the leadership of a stream to a server.
func (p place) lead(t *testing.T, stream, server string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": server}})
	must(t, err)
	must(t, eventually(within(t, patience), func() error {
		leader := p.leader(t, stream)
		if leader == server {
			return nil
		}
		_, err := p.conn(t).Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, body, 3*time.Second)
		return errors.Join(err, fmt.Errorf("%s is led by %s and should be by %s", stream, leader, server))
	}))
}

// stepDown makes the leader of a stream give up, once, and waits for another.
func (p place) stepDown(t *testing.T, stream string) error {
	before := p.leader(t, stream)
	if _, err := p.conn(t).Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil, 3*time.Second); err != nil {
		return err
	}
	return eventually(within(t, patience), func() error {
		if p.leader(t, stream) == before {
			return errors.New(before + " still leads " + stream)
		}
		return nil
	})
}

// others names the servers of a cluster without the given ones.
func (s *stage) others(cluster string, without ...string) []string {
	var names []string
	for _, server := range s.Servers() {
		if server.Cluster() == cluster && !slices.Contains(without, server.Name()) {
			names = append(names, server.Name())
		}
	}
	return names
}

// systemURL gives the addresses of some servers for the system user, in order.
func (s *stage) systemURL(servers ...string) string {
	var urls []string
	for _, name := range servers {
		urls = append(urls, s.Server(name).URL("SYS"))
	}
	return strings.Join(urls, ",")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// describe adds what was attempted to an error, if there is one.
func describe(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
