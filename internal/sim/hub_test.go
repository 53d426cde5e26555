package sim

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// hubLayout is a cluster of three and a leaf domain that mirrors from it, with
// an account that gets a subject from another.
func hubLayout() Layout {
	return Layout{
		Clusters: []Cluster{
			{Name: "HUB", Servers: 3, Domain: "hub", Accounts: []Account{
				{Name: "APP", Exports: `{stream: "probe"}`},
				{Name: "OTHER", Imports: `{stream: {account: APP, subject: "probe"}}`},
			}},
			{Name: "EDGE", Domain: "edge"},
		},
		Leafs: []Leaf{{Name: "uplink", From: "EDGE", To: "HUB", System: true}},
	}
}

// TestHub runs all faults of a cluster and its leaf domain on one deployment; each heals what it broke.
func TestHub(t *testing.T) {
	t.Parallel()
	d := start(t, hubLayout())
	_, hub := connect(t, d.URL("HUB", "APP"))
	_, edge := connect(t, d.Server("edge1").URL("APP"))
	_, err := hub.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"orders.>"}, Replicas: 3})
	must(t, err)
	_, err = edge.AddStream(&nats.StreamConfig{Name: "M", Mirror: &nats.StreamSource{
		Name: "S", External: &nats.ExternalStream{APIPrefix: "$JS.hub.API"},
	}})
	must(t, err)
	publish(t, hub, "orders.new")
	eventually(t, "mirrored", atSeq(edge, "M", published))

	stored := uint64(published) // in S; counted here, for a leader may be behind for a moment after a fault
	t.Run("system leaf", func(t *testing.T) { testSystemLeaf(t, d) })
	t.Run("leaf link", func(t *testing.T) { testLeafLink(t, d, hub, edge, &stored) })
	t.Run("reload import", func(t *testing.T) { testReloadImport(t, d) })
	t.Run("reload deny", func(t *testing.T) { testReloadDeny(t, d) })
	t.Run("refused reload", func(t *testing.T) { testRefusedReload(t, d) })
	t.Run("freeze and thaw", func(t *testing.T) { testFreeze(t, d, hub) })
	t.Run("kill and start", func(t *testing.T) { testKill(t, d, hub, &stored) })
	t.Run("stop and start", func(t *testing.T) { testStop(t, d) })
	t.Run("isolate and rejoin", func(t *testing.T) { testIsolate(t, d, hub, &stored) })
	t.Run("close", func(t *testing.T) { testClose(t, d) })
}

// testSystemLeaf: the hub's system user sees the edge's server.
func testSystemLeaf(t *testing.T, d *Deployment) {
	nc, _ := connect(t, d.SystemURL("HUB"))
	inbox, err := nc.SubscribeSync(nats.NewInbox())
	must(t, err)
	eventually(t, "all answered", func() error {
		must(t, nc.PublishRequest("$SYS.REQ.SERVER.PING", inbox.Subject, nil))
		names := map[string]bool{}
		for {
			msg, err := inbox.NextMsg(500 * time.Millisecond)
			if err != nil {
				break
			}
			for _, s := range d.Servers() {
				if strings.Contains(string(msg.Data), `"name":"`+s.Name()+`"`) {
					names[s.Name()] = true
				}
			}
		}
		if len(names) != len(d.Servers()) {
			return fmt.Errorf("only %v answered", names)
		}
		return nil
	})
}

// follower returns a server of HUB that does not lead S.
func follower(t *testing.T, d *Deployment, js nats.JetStreamContext) *Server {
	t.Helper()
	var name string
	eventually(t, "followers known", func() error {
		info, err := js.StreamInfo("S")
		if err == nil && (info.Cluster.Leader == "" || len(info.Cluster.Replicas) != 2) {
			err = errors.New("no leader")
		}
		if err == nil {
			name = info.Cluster.Replicas[0].Name
		}
		return err
	})
	return d.Server(name)
}

// elsewhere connects to a server of HUB that is not s.
func elsewhere(t *testing.T, d *Deployment, s *Server) nats.JetStreamContext {
	t.Helper()
	for _, other := range d.Servers() {
		if other != s && other.Cluster() == s.Cluster() {
			_, js := connect(t, other.URL("APP"))
			return js
		}
	}
	t.Fatal("no other server")
	return nil
}

func testFreeze(t *testing.T, d *Deployment, hub nats.JetStreamContext) {
	s := follower(t, d, hub)
	js := elsewhere(t, d, s)
	must(t, s.Freeze())
	if !s.Frozen() || !s.Running() {
		t.Error("frozen server must be running and frozen")
	}
	if err := s.Stop(); err == nil {
		t.Error("a frozen server cannot stop gracefully")
	}
	eventually(t, "silence noticed", silentFor(js, "S", s.Name(), 3*time.Second))
	must(t, s.Thaw())
	eventually(t, "current again", current(js, "S", s.Name()))
	must(t, d.WaitReady(deadline(t)))
}

func testKill(t *testing.T, d *Deployment, hub nats.JetStreamContext, stored *uint64) {
	s := follower(t, d, hub)
	js := elsewhere(t, d, s)
	pid := s.PID()
	must(t, s.Freeze()) // a frozen one must die, too
	must(t, s.Kill())
	if alive(pid) || s.PID() != 0 || s.Running() || s.Frozen() {
		t.Error("killed server is still there")
	}
	if err := s.Freeze(); err == nil {
		t.Error("a dead server cannot be frozen")
	}
	publish(t, js, "orders.new")
	*stored += published
	must(t, s.Start(deadline(t)))
	if err := s.Start(deadline(t)); err == nil {
		t.Error("a running server cannot be started")
	}
	eventually(t, "caught up", current(js, "S", s.Name()))
	must(t, d.WaitReady(deadline(t)))
}

func testStop(t *testing.T, d *Deployment) {
	s := d.Server("n2")
	must(t, s.Stop())
	if s.Running() || !refused(s.ClientURL()) {
		t.Error("stopped server still listens")
	}
	// While its link to n1 is cut, n3 tells it and n1 about each other: that must lead nowhere.
	d.Link("n1-n2").Cut()
	must(t, s.Start(deadline(t)))
	eventually(t, "routed to n3 only", func() error {
		have := routesOf(t, s)
		if have["n3"] < 4 || have["n1"] > 0 {
			return fmt.Errorf("routes: %v", have)
		}
		return nil
	})
	eventually(t, "gossip led nowhere", func() error {
		if !strings.Contains(s.Log()+d.Server("n1").Log(), deadAddress+": connect: connection refused") {
			return errors.New("no attempt to follow it yet")
		}
		return nil
	})
	if have := routesOf(t, s); have["n1"] > 0 {
		t.Errorf("routes around a cut link: %v", have)
	}
	d.Link("n2-n1").Heal()
	must(t, d.WaitReady(deadline(t)))
}

// routesOf counts a server's routes by the server at the other end.
func routesOf(t *testing.T, s *Server) map[string]int {
	t.Helper()
	p := newProber()
	defer p.close()
	var routez server.Routez
	must(t, p.ask(deadline(t), s, "ROUTEZ", &routez))
	have := map[string]int{}
	for _, r := range routez.Routes {
		have[r.RemoteName]++
	}
	return have
}

// testIsolate: a server behind black-holed routes is silent for all others, and
// stays silent for longer than it takes to reconnect around a proxy.
func testIsolate(t *testing.T, d *Deployment, hub nats.JetStreamContext, stored *uint64) {
	s := follower(t, d, hub)
	js := elsewhere(t, d, s)
	d.Isolate(s.Name())
	publish(t, js, "orders.new")
	*stored += published
	eventually(t, "silence noticed", silentFor(js, "S", s.Name(), 5*time.Second))

	// Now cut the routes as well: the servers notice, and gossip makes them look for another way.
	for _, other := range []string{"n1", "n2", "n3"} {
		if other != s.Name() {
			d.Link(s.Name() + "-" + other).Cut()
		}
	}
	eventually(t, "silence lasts", silentFor(js, "S", s.Name(), 9*time.Second))
	if have := routesOf(t, s); len(have) > 0 {
		t.Errorf("isolated server has routes %v; its log ends with\n%s", have, s.Log())
	}

	d.Rejoin(s.Name())
	eventually(t, "caught up", current(js, "S", s.Name()))
	must(t, d.WaitReady(deadline(t)))
	eventually(t, "nothing lost", atSeq(js, "S", *stored))
}

func testLeafLink(t *testing.T, d *Deployment, hub, edge nats.JetStreamContext, stored *uint64) {
	link := d.Link("uplink")
	for _, fault := range []struct {
		name   string
		inject func()
	}{{"cut", link.Cut}, {"black hole", link.BlackHole}} {
		eventually(t, "mirror hears its source", func() error {
			info, err := edge.StreamInfo("M")
			if err == nil && (info.Mirror.Active < 0 || info.Mirror.Active > 2*time.Second) {
				err = fmt.Errorf("active %v ago", info.Mirror.Active)
			}
			return err
		})
		fault.inject()
		publish(t, hub, "orders.new")
		*stored += published
		eventually(t, fault.name+" silences the mirror", func() error {
			info, err := edge.StreamInfo("M")
			if err == nil && info.Mirror.Active >= 0 && info.Mirror.Active < 2*time.Second {
				err = fmt.Errorf("active %v ago", info.Mirror.Active)
			}
			return err
		})
		must(t, atSeq(edge, "M", *stored-published)())
		link.Heal()
		must(t, d.WaitReady(deadline(t)))
		eventually(t, "mirror heals", atSeq(edge, "M", *stored))
	}
}

func testReloadImport(t *testing.T, d *Deployment) {
	other, _ := connect(t, d.Server("n1").URL("OTHER"))
	app, _ := connect(t, d.Server("n1").URL("APP"))
	sub, err := other.SubscribeSync("probe")
	must(t, err)
	must(t, other.Flush())
	arrives := func(want bool) func() error {
		return func() error {
			must(t, app.Publish("probe", nil))
			_, err := sub.NextMsg(300 * time.Millisecond)
			if (err == nil) != want {
				return fmt.Errorf("message arrived: %v, error %v", !want, err)
			}
			return nil
		}
	}
	eventually(t, "import works", arrives(true))
	imports := func(items string) func(*Config) {
		return func(c *Config) { c.Accounts[1].Imports = items }
	}
	must(t, d.Server("n1").Reload(deadline(t), imports("")))
	eventually(t, "import gone", arrives(false))
	must(t, d.Server("n1").Reload(deadline(t), imports(hubLayout().Clusters[0].Accounts[1].Imports)))
	eventually(t, "import back", arrives(true))
}

// testReloadDeny: the deny lists of a leaf link can change while the server runs.
func testReloadDeny(t *testing.T, d *Deployment) {
	edge, _ := connect(t, d.Server("edge1").URL("APP"))
	hub, _ := connect(t, d.Server("n1").URL("APP"))
	sub, err := edge.SubscribeSync("news.>")
	must(t, err)
	must(t, edge.Flush())
	arrives := func(want bool) func() error {
		return func() error {
			must(t, hub.Publish("news.probe", nil))
			_, err := sub.NextMsg(300 * time.Millisecond)
			if (err == nil) != want {
				return fmt.Errorf("message arrived: %v, error %v", !want, err)
			}
			return nil
		}
	}
	eventually(t, "link carries", arrives(true))
	must(t, d.Server("edge1").Reload(deadline(t), func(c *Config) { c.Leafs[0].DenyImports = []string{"news.>"} }))
	must(t, d.WaitReady(deadline(t)))
	eventually(t, "denied", arrives(false))
	must(t, d.Server("edge1").Reload(deadline(t), func(c *Config) { c.Leafs[0].DenyImports = nil }))
	eventually(t, "allowed again", arrives(true))
}

func testRefusedReload(t *testing.T, d *Deployment) {
	s := d.Server("n3")
	before, err := os.ReadFile(s.configFile())
	must(t, err)
	err = s.Reload(deadline(t), func(c *Config) { c.Extra = "server_tags: [x]\nmax_control_line: {" })
	if err == nil {
		t.Fatal("a broken configuration was accepted")
	}
	t.Log(err)
	after, err := os.ReadFile(s.configFile())
	must(t, err)
	if string(before) != string(after) {
		t.Error("the refused configuration was not taken back")
	}
}

// testClose: nothing is left, even of frozen servers.
func testClose(t *testing.T, d *Deployment) {
	must(t, d.Server("n1").Freeze())
	var pids []int
	for _, s := range d.Servers() {
		pids = append(pids, s.PID())
	}
	must(t, d.Close())
	must(t, d.Close())
	for i, s := range d.Servers() {
		if alive(pids[i]) {
			t.Errorf("%s is still running", s.Name())
		}
		if !refused(s.ClientURL()) {
			t.Errorf("%s still has its port", s.Name())
		}
		if err := s.Start(deadline(t)); err == nil {
			t.Errorf("%s starts in a closed deployment", s.Name())
		}
	}
	for name, link := range d.links {
		for _, l := range link.listeners {
			if !refused("nats://" + l.Addr().String()) {
				t.Errorf("link %s still listens", name)
			}
		}
	}
	if _, err := os.Stat(d.Dir()); !os.IsNotExist(err) {
		t.Errorf("directory is still there: %v", err)
	}
}
