package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/epoch"
	"rollcall/internal/sim"
)

func TestMain(m *testing.M) {
	sim.RunServerIfAsked()
	os.Exit(m.Run())
}

// leastPrivilege is what an auditor's user needs, and nothing else. Keep it the
// same as in the documentation.
const leastPrivilege = `{
  publish: [
    "$SYS.REQ.SERVER.PING"
    "$SYS.REQ.SERVER.*.VARZ", "$SYS.REQ.SERVER.*.STATSZ", "$SYS.REQ.SERVER.*.JSZ", "$SYS.REQ.SERVER.*.HEALTHZ"
    "$SYS.REQ.SERVER.*.ROUTEZ", "$SYS.REQ.SERVER.*.GATEWAYZ", "$SYS.REQ.SERVER.*.LEAFZ"
  ]
  subscribe: [ "_INBOX.>", "$SYS.SERVER.>", "$JS.EVENT.ADVISORY.>" ]
}`

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 180*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t testing.TB, ctx context.Context, layout sim.Layout) *sim.Deployment {
	t.Helper()
	d, err := sim.Start(ctx, layout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func connect(t testing.TB, ctx context.Context, o Options, systems ...System) *Collector {
	t.Helper()
	c, err := Connect(ctx, systems, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func collect(t testing.TB, ctx context.Context, c *Collector, prev *epoch.Epoch) *epoch.Epoch {
	t.Helper()
	e, err := c.Collect(ctx, prev)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// until makes epochs until one is as it should be.
func until(t testing.TB, ctx context.Context, c *Collector, prev *epoch.Epoch, good func(*epoch.Epoch) string) *epoch.Epoch {
	t.Helper()
	for {
		e, err := c.Collect(ctx, prev)
		if err != nil {
			t.Fatalf("%v; the last epoch: %s", err, good(prev))
		}
		if good(e) == "" {
			return e
		}
		prev = e
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// wrong says what is wrong with the coverage of the servers named: all their
// questions must have one of the outcomes.
func wrong(e *epoch.Epoch, system string, servers []string, outcomes ...epoch.Outcome) string {
	var faults []string
	for _, name := range servers {
		server := e.System(system).Server(name)
		if server == nil {
			faults = append(faults, name+" is not in the epoch")
			continue
		}
		for _, q := range epoch.Questions {
			ok := false
			for _, o := range outcomes {
				ok = ok || server.Coverage[q].Outcome == o
			}
			if !ok {
				faults = append(faults, fmt.Sprintf("%s %s %s", name, q, server.Coverage[q].Reason()))
			}
		}
	}
	return strings.Join(faults, "; ")
}

func addStreams(t testing.TB, ctx context.Context, d *sim.Deployment, cluster, account, prefix string, count int, change func(*jetstream.StreamConfig)) {
	t.Helper()
	nc, err := d.Connect(cluster, account)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		name := fmt.Sprintf("%s%d", prefix, i)
		config := jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.MemoryStorage}
		if change != nil {
			change(&config)
		}
		stream, err := js.CreateStream(ctx, config)
		if err == nil && i < 3 {
			_, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// manyStreams creates streams without waiting for each, through the API.
func manyStreams(t testing.TB, d *sim.Deployment, cluster, account, prefix string, count int) {
	t.Helper()
	nc, err := d.Connect(cluster, account)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		name := fmt.Sprintf("%s%d", prefix, i)
		body, _ := json.Marshal(map[string]any{"name": name, "subjects": []string{name + ".>"}, "storage": "memory", "num_replicas": 1, "retention": "limits"})
		if err := nc.PublishRequest("$JS.API.STREAM.CREATE."+name, inbox, body); err != nil {
			t.Fatal(err)
		}
	}
	for range count {
		answer, err := answers.NextMsg(20 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(answer.Data), `"error"`) {
			t.Fatal(string(answer.Data))
		}
	}
}
