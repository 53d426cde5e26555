package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"rollcall/internal/epoch"
	"rollcall/internal/sim"
	"rollcall/internal/wire"
)

// TestLeaf audits a hub whose leaf domain answers through the leaf link, where
// an answer that is too large would close the link.
func TestLeaf(t *testing.T) {
	ctx := testContext(t)
	d := start(t, ctx, sim.Layout{
		Clusters: []sim.Cluster{
			{Name: "HUB", Prefix: "hub", Servers: 1, Domain: "hub"},
			{Name: "EDGE", Prefix: "edge", Servers: 1, Domain: "edge", Accounts: []sim.Account{{Name: "APP"}, {Name: "MID"}, {Name: "SMALL"}}},
		},
		Leafs: []sim.Leaf{{From: "EDGE", To: "HUB", System: true}},
	})
	hub := System{Name: "hub", Servers: d.SystemURL("HUB")}
	edge := System{Name: "edge", Servers: d.SystemURL("EDGE")}
	both := []string{"edge1", "hub1"}
	manyStreams(t, d, "EDGE", "SMALL", "S", 20)
	manyStreams(t, d, "EDGE", "MID", "M", 300)
	before := linkIDs(t, ctx, d)

	t.Run("small enough", func(t *testing.T) {
		c := connect(t, ctx, Options{}, hub)
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "hub", both, epoch.Answered) })
		s := e.System("hub")
		if !s.Server("edge1").ViaLeaf || s.Server("hub1").ViaLeaf || len(s.Streams) != 320 {
			t.Errorf("edge via leaf %v, hub via leaf %v, %d streams", s.Server("edge1").ViaLeaf, s.Server("hub1").ViaLeaf, len(s.Streams))
		}
	})

	manyStreams(t, d, "EDGE", "APP", "L", 2200)
	t.Run("too large", func(t *testing.T) {
		c := connect(t, ctx, Options{}, hub)
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "hub", both, epoch.Answered, epoch.CutShort) })
		e = collect(t, ctx, c, e) // sizes are known now
		answer := e.System("hub").Server("edge1").Coverage[epoch.Jsz]
		if answer.Outcome != epoch.CutShort || !strings.Contains(answer.Detail, "domain edge directly") {
			t.Errorf("JSZ of edge1: %s", answer.Reason())
		}
		for key, whole := range map[epoch.StreamKey]bool{
			{Domain: "edge", Account: "SMALL", Name: "S7"}: true,
			{Domain: "edge", Account: "MID", Name: "M7"}:   true,
			{Domain: "edge", Account: "APP", Name: "L7"}:   false,
		} {
			if stream := e.System("hub").Stream(key); stream == nil || (stream.Config != nil) != whole {
				t.Errorf("%v: %+v", key, stream)
			}
		}
		t.Logf("%d bytes, %s", answer.Bytes, answer.Detail)
	})

	t.Run("tiny limit", func(t *testing.T) {
		c := connect(t, ctx, Options{Limits: Limits{LeafAnswerBytes: 20_000}}, hub)
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "hub", both, epoch.Answered, epoch.CutShort) })
		if answer := e.System("hub").Server("edge1").Coverage[epoch.Jsz]; answer.Outcome != epoch.CutShort || len(e.System("hub").Streams) != 0 {
			t.Errorf("%s, %d streams", answer.Reason(), len(e.System("hub").Streams))
		}
	})

	t.Run("both directly", func(t *testing.T) {
		c := connect(t, ctx, Options{}, hub, edge)
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string {
			return wrong(e, "hub", []string{"hub1"}, epoch.Answered) + wrong(e, "edge", []string{"edge1"}, epoch.Answered)
		})
		e = collect(t, ctx, c, e)
		if h, s := e.System("hub"), e.System("edge"); len(h.Servers) != 1 || len(s.Servers) != 1 || len(s.Streams) != 2520 || s.Server("edge1").ViaLeaf {
			t.Errorf("hub has %d servers, edge %d with %d streams", len(h.Servers), len(s.Servers), len(s.Streams))
		}
	})

	if after := linkIDs(t, ctx, d); !slices.Equal(before, after) {
		t.Errorf("leaf connections were %v and are %v", before, after)
	}
	if log := d.Server("hub1").Log() + d.Server("edge1").Log(); strings.Contains(log, "maximum payload") {
		t.Error("a leaf connection was closed")
	}
}

// linkIDs lists the hub's leaf connections: a connection that was closed comes
// back with another id.
func linkIDs(t *testing.T, ctx context.Context, d *sim.Deployment) []string {
	t.Helper()
	nc, err := d.Connect("HUB", "SYS")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answer, err := nc.RequestWithContext(ctx, "$SYS.REQ.SERVER."+nc.ConnectedServerId()+".LEAFZ", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := wire.Decode[wire.LEAFZ](answer.Data, "")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, leaf := range reply.Data.Leafs {
		ids = append(ids, fmt.Sprintf("%s of %s: %d", leaf.Name, leaf.Account, leaf.ID))
	}
	slices.Sort(ids)
	return ids
}

// TestSuperCluster reaches a second cluster over a gateway, which is no leaf
// link, and a server without JetStream.
func TestSuperCluster(t *testing.T) {
	ctx := testContext(t)
	d := start(t, ctx, sim.Layout{Gateways: true, Clusters: []sim.Cluster{{Name: "A", Prefix: "a"}, {Name: "B", Prefix: "b"}}})
	c := connect(t, ctx, Options{}, System{Name: "s", Servers: d.SystemURL("A")})
	e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", []string{"a1", "b1"}, epoch.Answered) })
	for _, server := range e.System("s").Servers {
		if server.ViaLeaf {
			t.Errorf("%s is no leaf", server.Name)
		}
	}
}

// TestWithoutJetStream audits a server that has none, which is an answer too.
func TestWithoutJetStream(t *testing.T) {
	ctx := testContext(t)
	system := server.NewAccount("SYS")
	s, err := server.NewServer(&server.Options{
		ServerName: "plain", Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, SystemAccount: "SYS",
		Accounts: []*server.Account{system}, Users: []*server.User{{Username: "sys", Password: "sys", Account: system}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	c := connect(t, ctx, Options{}, System{Name: "s", Servers: s.ClientURL(), User: "sys", Password: "sys"})
	e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", []string{"plain"}, epoch.Answered) })
	if plain := e.System("s").Server("plain"); plain.HasJetStream || plain.JetStream == nil || !plain.JetStream.Disabled {
		t.Errorf("%+v", plain)
	}
}
