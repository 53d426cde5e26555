package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"
)

func TestMain(m *testing.M) {
	RunServerIfAsked()
	runParentIfAsked()
	os.Exit(m.Run())
}

// patience bounds every wait; it is reached only when something is broken.
const patience = 40 * time.Second

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, layout Layout) *Deployment {
	t.Helper()
	began := time.Now()
	d, err := Start(deadline(t), layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d servers ready after %v", len(d.Servers()), time.Since(began).Round(time.Millisecond))
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until look returns nil.
func eventually(t *testing.T, what string, look func() error) {
	t.Helper()
	began := time.Now()
	err := poll(deadline(t), func() (bool, error) {
		err := look()
		return err == nil, err
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	t.Logf("%s after %v", what, time.Since(began).Round(10*time.Millisecond))
}

// connect connects to one server only, so that a fault cannot make the client move.
func connect(t *testing.T, url string) (*nats.Conn, nats.JetStreamContext) {
	t.Helper()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	must(t, err)
	t.Cleanup(nc.Close)
	js, err := nc.JetStream(nats.MaxWait(2 * time.Second))
	must(t, err)
	return nc, js
}

// atSeq looks whether a stream has reached a sequence.
func atSeq(js nats.JetStreamContext, stream string, want uint64) func() error {
	return func() error {
		info, err := js.StreamInfo(stream)
		if err == nil && info.State.LastSeq != want {
			err = fmt.Errorf("stream %s is at %d instead of %d", stream, info.State.LastSeq, want)
		}
		return err
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func refused(url string) bool {
	conn, err := net.DialTimeout("tcp", url[len("nats://"):], time.Second)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

// published is what publish stores per call.
const published = 5

// publish stores messages and retries each until it is acknowledged; the
// message id keeps one whose acknowledgement was lost from being stored twice.
func publish(t *testing.T, js nats.JetStreamContext, subject string) {
	t.Helper()
	for range published {
		id := nats.MsgId(nuid.Next())
		err := poll(deadline(t), func() (bool, error) {
			_, err := js.Publish(subject, []byte("x"), id)
			return err == nil, err
		})
		must(t, err)
	}
}

// replica returns how the leader of a stream sees one of its replicas.
func replica(js nats.JetStreamContext, stream, server string) (*nats.PeerInfo, error) {
	info, err := js.StreamInfo(stream)
	if err != nil {
		return nil, err
	}
	for _, r := range info.Cluster.Replicas {
		if r.Name == server {
			return r, nil
		}
	}
	return nil, errors.New(server + " is not a follower of " + stream)
}

func current(js nats.JetStreamContext, stream, server string) func() error {
	return func() error {
		r, err := replica(js, stream, server)
		if err == nil && !r.Current {
			err = fmt.Errorf("%s is not current", server)
		}
		return err
	}
}

// silentFor looks whether a replica has been silent for at least this long.
func silentFor(js nats.JetStreamContext, stream, server string, atLeast time.Duration) func() error {
	return func() error {
		r, err := replica(js, stream, server)
		if err == nil && r.Active < atLeast {
			err = fmt.Errorf("%s was heard %v ago", server, r.Active)
		}
		return err
	}
}
