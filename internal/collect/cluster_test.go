package collect

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/epoch"
	"rollcall/internal/sim"
)

// TestCluster runs everything that one cluster of three can show, one after the
// other: starting a cluster is what costs time.
func TestCluster(t *testing.T) {
	ctx := testContext(t)
	d := start(t, ctx, sim.Layout{Clusters: []sim.Cluster{{Name: "C", Servers: 3, Accounts: []sim.Account{
		{Name: "APP"}, {Name: "B"}, {Name: "D"},
		{Name: "SYS", Users: strings.Join([]string{
			"{user: audit, password: audit, permissions: " + leastPrivilege + "}",
			"{user: nojsz, password: nojsz, permissions: " + strings.Replace(leastPrivilege, `"$SYS.REQ.SERVER.*.JSZ", `, "", 1) + "}",
			`{user: bare, password: bare, permissions: {subscribe: "_INBOX.>", publish: [ "$SYS.REQ.SERVER.*.VARZ", "$SYS.REQ.SERVER.*.STATSZ",
			  "$SYS.REQ.SERVER.*.JSZ", "$SYS.REQ.SERVER.*.HEALTHZ", "$SYS.REQ.SERVER.*.ROUTEZ", "$SYS.REQ.SERVER.*.GATEWAYZ", "$SYS.REQ.SERVER.*.LEAFZ" ]}}`,
			`{user: deaf, password: deaf, permissions: {subscribe: "x"}}`,
		}, "\n")},
	}}}})
	three := []string{"n1", "n2", "n3"}
	for _, account := range []string{"APP", "B", "D"} {
		addStreams(t, ctx, d, "C", account, "S", 4, func(c *jetstream.StreamConfig) { c.Replicas = 3 })
	}
	urls := hosts(d.SystemURL("C"))

	t.Run("discovery", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: d.Server("n1").URL("SYS")})
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		s := e.System("s")
		if len(s.Servers) != 3 || len(s.Streams) != 12 {
			t.Errorf("%d servers, %d streams", len(s.Servers), len(s.Streams))
		}
		for _, server := range s.Servers {
			if server.ID == "" || server.Cluster != "C" || server.Version == "" || !server.HasJetStream || server.ViaLeaf || server.HeardAt.IsZero() || server.NamedBy != "" {
				t.Errorf("%s is incomplete: %+v", server.Name, server)
			}
		}
		for _, stream := range s.Streams {
			if len(stream.Views) != 3 || stream.Led() == nil || stream.Config == nil {
				t.Errorf("%s/%s: %d views, leader %v", stream.Account, stream.Name, len(stream.Views), stream.Led())
			}
		}
		if _, consumers := s.Counts(); consumers != 9 {
			t.Errorf("%d consumers", consumers)
		}
		t.Logf("epoch of %v, %+v", e.FinishedAt.Sub(e.StartedAt), c.Load())
		if l := c.Load(); l.Requests < 3*len(epoch.Questions) || l.BytesReceived == 0 || l.BytesSent == 0 || l.Slowest.Server == "" {
			t.Errorf("load %+v", l)
		}
	})

	t.Run("chunks", func(t *testing.T) {
		whole := connect(t, ctx, Options{}, System{Name: "s", Servers: urls, User: "sys", Password: "sys"})
		want := shape(until(t, ctx, whole, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) }))
		for _, bytes := range []int64{1, 20 << 10} { // account by account; by pages
			c := connect(t, ctx, Options{Limits: Limits{AnswerBytes: bytes}}, System{Name: "s", Servers: urls, User: "sys", Password: "sys"})
			e := collect(t, ctx, c, nil)
			if w := wrong(e, "s", three, epoch.Answered); w != "" {
				t.Error(w)
			}
			if got := shape(e); got != want {
				t.Errorf("with answers of %d bytes:\n%s\nwant\n%s", bytes, got, want)
			}
			if whole, chunked := whole.Load().Requests, c.Load().Requests; chunked <= whole {
				t.Errorf("%d requests, and %d for the whole", chunked, whole)
			}
		}
	})

	t.Run("budget", func(t *testing.T) {
		c := connect(t, ctx, Options{Limits: Limits{EpochBytes: 1}}, System{Name: "s", Servers: urls, User: "sys", Password: "sys"})
		e := collect(t, ctx, c, nil)
		for _, name := range three {
			server := e.System("s").Server(name)
			if !server.Answered(epoch.Varz) || server.Coverage[epoch.Jsz].Outcome != epoch.CutShort || !server.Heard(e) {
				t.Errorf("%s: %v", name, server.Coverage)
			}
		}
	})

	t.Run("least privilege", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: urls, User: "audit", Password: "audit"})
		until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
	})
	t.Run("no call and no events", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: urls, User: "bare", Password: "bare"})
		until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
	})
	t.Run("one permission missing", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: urls, User: "nojsz", Password: "nojsz"})
		e := collect(t, ctx, c, nil)
		for _, name := range three {
			answer := e.System("s").Server(name).Coverage[epoch.Jsz]
			if answer.Outcome != epoch.Refused || !strings.Contains(answer.Detail, "JSZ") {
				t.Errorf("%s: %s", name, answer.Reason())
			}
			if !e.System("s").Server(name).Answered(epoch.Healthz) {
				t.Errorf("%s: HEALTHZ was not answered", name)
			}
		}
	})

	t.Run("errors", func(t *testing.T) {
		var refused *RefusedError
		var application *NotSystemAccountError
		var unreachable *UnreachableError
		var credentials *CredentialsError
		for name, try := range map[string]struct {
			system System
			as     any
			says   string
		}{
			"wrong password": {System{Servers: urls, User: "sys", Password: "s3cret"}, &refused, "Authorization Violation"},
			"application":    {System{Servers: urls, User: "app", Password: "app"}, &application, "APP"},
			"deaf":           {System{Servers: urls, User: "deaf", Password: "deaf"}, &refused, "_INBOX"},
			"no such creds":  {System{Servers: urls, Creds: "/nowhere/a.creds"}, &credentials, "creds file /nowhere/a.creds: no such file"},
			"no such nkey":   {System{Servers: urls, NKey: "/nowhere/a.nk"}, &credentials, "nkey file /nowhere/a.nk"},
			"no such CA":     {System{Servers: urls, TLSCA: "/nowhere/ca.pem"}, &credentials, "CA file /nowhere/ca.pem"},
			"no such cert":   {System{Servers: urls, TLSCert: "/nowhere/c.pem", TLSKey: "/nowhere/k.pem"}, &credentials, "/nowhere/c.pem"},
			"no context":     {System{Context: "nowhere"}, &credentials, "nats context nowhere"},
			"unreachable":    {System{Servers: "nats://me:s3cret@127.0.0.1:1"}, &unreachable, "nats://127.0.0.1:1:"},
		} {
			try.system.Name = "s"
			c, err := Connect(ctx, []System{try.system}, Options{})
			if c != nil {
				c.Close()
			}
			if err == nil || !errors.As(err, try.as) || !strings.Contains(err.Error(), try.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})

	t.Run("nats context", func(t *testing.T) {
		home := t.TempDir()
		t.Setenv("XDG_CONFIG_HOME", home)
		dir := filepath.Join(home, "nats", "context")
		text := fmt.Sprintf(`{"url": %q, "user": "sys", "password": "sys"}`, urls)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "lab.json"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		c := connect(t, ctx, Options{}, System{Name: "s", Context: "lab"})
		if w := wrong(collect(t, ctx, c, nil), "s", three, epoch.Answered); w != "" {
			t.Error(w)
		}
	})

	t.Run("partly reached", func(t *testing.T) {
		c, err := Connect(ctx, []System{{Name: "s", Servers: d.SystemURL("C")}, {Name: "gone", Servers: "nats://127.0.0.1:1"}}, Options{})
		var unreachable *UnreachableError
		if c == nil || !errors.As(err, &unreachable) {
			t.Fatal(c, err)
		}
		defer c.Close()
		if e := collect(t, ctx, c, nil); len(e.System("s").Servers) != 3 || e.System("gone") == nil {
			t.Errorf("%+v", e)
		}
	})

	t.Run("freeze", func(t *testing.T) {
		c := connect(t, ctx, impatient, System{Name: "s", Servers: d.SystemURL("C")})
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		for _, victim := range three {
			others := slices.DeleteFunc(slices.Clone(three), func(name string) bool { return name == victim })
			if err := d.Server(victim).Freeze(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // at once, and when the connections have settled
				e = collect(t, ctx, c, e)
				if w := wrong(e, "s", others, epoch.Answered); w != "" {
					t.Errorf("%s frozen: %s", victim, w)
				}
				t.Logf("%s frozen: epoch of %v, %+v", victim, e.FinishedAt.Sub(e.StartedAt), c.Load())
				if w := wrong(e, "s", []string{victim}, epoch.TimedOut, epoch.Skipped); w != "" || e.System("s").Server(victim).Heard(e) {
					t.Errorf("%s frozen, but heard: %s", victim, w)
				}
			}
			if err := d.Server(victim).Thaw(); err != nil {
				t.Fatal(err)
			}
			e = until(t, ctx, c, e, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		}
	})

	t.Run("frozen before the audit", func(t *testing.T) {
		if err := d.Server("n2").Freeze(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := errors.Join(d.Server("n2").Thaw(), d.WaitReady(ctx)); err != nil {
				t.Error(err)
			}
		}()
		c := connect(t, ctx, impatient, System{Name: "s", Servers: d.SystemURL("C")})
		e := collect(t, ctx, c, nil)
		if w := wrong(e, "s", []string{"n1", "n3"}, epoch.Answered); w != "" {
			t.Error(w)
		}
		if w := wrong(e, "s", []string{"n2"}, epoch.TimedOut, epoch.Skipped); w != "" || e.System("s").Server("n2").Heard(e) {
			t.Error("n2:", w)
		}
	})

	t.Run("all frozen", func(t *testing.T) {
		c := connect(t, ctx, impatient, System{Name: "s", Servers: d.SystemURL("C")})
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		for _, name := range three {
			if err := d.Server(name).Freeze(); err != nil {
				t.Fatal(err)
			}
		}
		e = collect(t, ctx, c, e)
		if w := wrong(e, "s", three, epoch.Unreachable); w != "" {
			t.Error(w)
		}
		if len(e.System("s").Streams) != 12 {
			t.Errorf("%d streams remembered", len(e.System("s").Streams))
		}
		for _, name := range three {
			if err := d.Server(name).Thaw(); err != nil {
				t.Fatal(err)
			}
		}
		until(t, ctx, c, e, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
	})

	t.Run("isolated", func(t *testing.T) {
		// n1 reaches nobody, but the auditor reaches n1 and, beside it, n2.
		c := connect(t, ctx, impatient, System{Name: "s", Servers: d.Server("n1").URL("SYS") + "," + d.Server("n2").URL("SYS")})
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		d.Isolate("n1")
		for range 2 {
			e = collect(t, ctx, c, e)
			if w := wrong(e, "s", three, epoch.Answered); w != "" {
				t.Error(w)
			}
		}
		d.Rejoin("n1")
		if err := d.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("restart", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: d.SystemURL("C")})
		e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		before := e.System("s").Server("n3").ID
		if err := d.Server("n3").Kill(); err != nil {
			t.Fatal(err)
		}
		e = collect(t, ctx, c, e)
		if w := wrong(e, "s", []string{"n3"}, epoch.TimedOut, epoch.Skipped); w != "" {
			t.Error("killed:", w)
		}
		if err := errors.Join(d.Server("n3").Start(ctx), d.WaitReady(ctx)); err != nil {
			t.Fatal(err)
		}
		e = until(t, ctx, c, e, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		if s := e.System("s"); len(s.Servers) != 3 || s.Server("n3").ID == before {
			t.Errorf("%d servers, n3 is still %s", len(s.Servers), before)
		}
	})

	t.Run("shutdown pokes", func(t *testing.T) {
		c := connect(t, ctx, Options{}, System{Name: "s", Servers: d.SystemURL("C")})
		e := collect(t, ctx, c, nil)
		if err := d.Server("n3").Stop(); err != nil {
			t.Fatal(err)
		}
		for poked := false; !poked; {
			select {
			case reason := <-c.Pokes():
				poked = strings.Contains(reason, "n3 shuts down")
			case <-ctx.Done():
				t.Fatal("no poke")
			}
		}
		e = collect(t, ctx, c, e)
		if e.System("s").Server("n3").ShutdownAt.IsZero() {
			t.Error("the shutdown is not noted")
		}
		if err := errors.Join(d.Server("n3").Start(ctx), d.WaitReady(ctx)); err != nil {
			t.Fatal(err)
		}
		e = until(t, ctx, c, e, func(e *epoch.Epoch) string { return wrong(e, "s", three, epoch.Answered) })
		if !e.System("s").Server("n3").ShutdownAt.IsZero() {
			t.Error("the shutdown is still noted")
		}
	})
}

// impatient spares the tests of silence half of their time.
var impatient = Options{Limits: Limits{LightDeadline: time.Second}}

// hosts takes the credentials out of a list of URLs.
func hosts(urls string) string { return strings.Join(redacted(splitURLs(urls)), ",") }

// shape tells what an epoch lists, without what changes from answer to answer.
func shape(e *epoch.Epoch) string {
	var b strings.Builder
	for _, system := range e.Systems {
		for _, s := range system.Streams {
			fmt.Fprintf(&b, "%s/%s %v config %v:", s.Account, s.Name, s.Servers, s.Config != nil)
			for _, v := range s.Views {
				fmt.Fprintf(&b, " %s led by %s, %d peers", v.Server, v.Leader, len(v.Peers))
			}
			for _, c := range s.Consumers {
				fmt.Fprintf(&b, " consumer %s config %v", c.Name, c.Config != nil)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
