package scenarios

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// watched are streams whose owners want to know when a replica is not seen.
var watched = map[string]string{monitor.PeerSeenCritical: "4s"}

// TestCluster breaks the servers of a cluster of three.
func TestCluster(t *testing.T) {
	s := start(t, sim.Layout{Clusters: []sim.Cluster{{Name: "C", Servers: 3}}}, "C")
	app := s.in("C")
	server := func(name string) string { return "server:C/" + name }
	on := func(stream, name string) string { return "replica:C/APP/" + stream + "/" + name }

	// ORDERS is watched, LOG is not; both are led by the server that is returned.
	replicated := func(t *testing.T) (leader string) {
		app.stream(t, jetstream.StreamConfig{Name: "ORDERS", Replicas: 3, Metadata: watched})
		app.stream(t, jetstream.StreamConfig{Name: "LOG", Replicas: 3})
		leader = app.leader(t, "ORDERS")
		app.lead(t, "LOG", leader)
		app.traffic(t, 20*time.Millisecond, "ORDERS.new", "LOG.new")
		return leader
	}

	t.Run("follower frozen", func(t *testing.T) {
		leader := replicated(t)
		victim := s.others("C", leader)[0]
		h := s.audit(t)
		h.Expect()
		h.Break(victim+", a follower, freezes", s.freeze(victim))
		frozen := []expectation{
			open("SERVER_021", server(victim)).Is(check.Critical).Says("still open"),
			masked("JETSTREAM_023", on("ORDERS", victim)).By("SERVER_021", server(victim)).Is(check.Critical).Says("hangs"),
		}
		h.Expect(frozen...)
		h.Heal(victim + " goes on")
		h.ExpectSilence()
	})

	t.Run("leader frozen", func(t *testing.T) {
		victim := replicated(t)
		h := s.audit(t)
		h.Expect()
		h.Break(victim+", the leader, freezes", s.freeze(victim))
		// The next leader has never heard from it and reports active 0.
		h.Expect(
			open("SERVER_021", server(victim)).Is(check.Critical),
			masked("JETSTREAM_023", on("ORDERS", victim)).By("SERVER_021", server(victim)).Says("active: 0 seconds (never since this leader took over)"),
		)
		h.Heal(victim + " goes on")
		h.ExpectSilence()
	})

	t.Run("both followers frozen", func(t *testing.T) {
		leader := replicated(t)
		victims := s.others("C", leader)
		h := s.audit(t)
		h.Expect()
		h.Break("both followers freeze", s.freeze(victims...))
		root := server(victims[0])
		lost := []expectation{
			open("SERVER_021", server(victims[0])),
			open("SERVER_021", server(victims[1])),
			masked("JETSTREAM_006", "stream:C/APP/ORDERS").By("SERVER_021", root).Is(check.Critical),
			masked("JETSTREAM_006", "stream:C/APP/LOG").By("SERVER_021", root),
			masked("JETSTREAM_023", on("ORDERS", victims[0])).By("SERVER_021", server(victims[0])),
			masked("JETSTREAM_023", on("ORDERS", victims[1])).By("SERVER_021", server(victims[1])),
			masked("JETSTREAM_032", "stream:C/APP/ORDERS").By("JETSTREAM_006", "stream:C/APP/ORDERS"),
			masked("JETSTREAM_032", "stream:C/APP/LOG").By("JETSTREAM_006", "stream:C/APP/LOG"),
		}
		h.Expect(lost...)
		h.Heal("both go on")
		h.ExpectSilence()
	})

	t.Run("server killed", func(t *testing.T) {
		leader := replicated(t)
		victim := s.others("C", leader)[1]
		app.stream(t, jetstream.StreamConfig{Name: "SINGLE"})
		app.traffic(t, 100*time.Millisecond, "SINGLE.new")
		single := app.leader(t, "SINGLE")
		expected := []expectation{}
		if single != victim {
			victim = single
		}
		if victim == leader {
			app.lead(t, "ORDERS", s.others("C", victim)[0])
		}
		h := s.audit(t)
		h.Expect()
		h.Break(victim+", which holds the only replica of SINGLE, is killed", s.kill(victim))
		expected = append(expected,
			open("SERVER_021", server(victim)).Is(check.Critical),
			masked("JETSTREAM_023", on("ORDERS", victim)).By("SERVER_021", server(victim)).Says("is down or cut off"),
			masked("JETSTREAM_036", "stream:C/APP/SINGLE").By("SERVER_021", server(victim)).Is(check.Critical),
		)
		h.Expect(expected...)
		h.Heal(victim + " is started again")
		h.ExpectSilence()
	})

	t.Run("server stopped", func(t *testing.T) {
		leader := replicated(t)
		victim := s.others("C", leader)[0]
		h := s.audit(t)
		h.Expect()
		h.Break(victim+" is stopped in order", s.stop(victim))
		h.Expect(
			open("SERVER_021", server(victim)).Is(check.Warning).Says("announced a shutdown"),
			masked("JETSTREAM_007", on("ORDERS", victim)).By("SERVER_021", server(victim)),
			masked("JETSTREAM_007", on("LOG", victim)).By("SERVER_021", server(victim)),
			masked("JETSTREAM_023", on("ORDERS", victim)).By("SERVER_021", server(victim)).Says("announced that it leaves"),
		)
		h.Heal(victim + " is started again")
		h.ExpectSilence()
	})

	t.Run("follower partitioned", func(t *testing.T) {
		leader := replicated(t)
		victim := s.others("C", leader)[0]
		app.stream(t, jetstream.StreamConfig{Name: "LAGGED", Replicas: 3, Metadata: map[string]string{monitor.PeerLagCritical: "1"}})
		app.lead(t, "LAGGED", leader)
		app.traffic(t, 20*time.Millisecond, "LAGGED.new")
		// The audit is connected to either side, so nobody is silent.
		h := s.audit(t, auditing(collect.System{Name: "C", Servers: s.systemURL(victim, leader)}))
		h.Expect()
		h.Break("the routes of "+victim+" swallow everything", s.isolate(victim))
		h.Expect(
			open("JETSTREAM_023", on("ORDERS", victim)).Is(check.Critical).Says("partition"),
			open("JETSTREAM_022", on("LAGGED", victim)).Is(check.Critical),
		)
		h.Heal("its routes carry again")
		h.ExpectSilence()
	})

	t.Run("replica catches up", func(t *testing.T) {
		app.stream(t, jetstream.StreamConfig{Name: "LAGGED", Replicas: 3, Metadata: map[string]string{monitor.PeerLagCritical: "1"}})
		leader := app.leader(t, "LAGGED")
		victim := s.others("C", leader)[0]
		h := s.audit(t)
		h.Expect()
		h.Break(victim+" freezes", s.freeze(victim))
		h.Do("much is published", func() error { app.flood(t, "LAGGED.new", 5_000, 128); return nil })
		// For a moment its peers still count as hearing it, and only its lag shows.
		h.Allow(open("JETSTREAM_022", on("LAGGED", victim)))
		h.Expect(
			open("SERVER_021", server(victim)),
			masked("JETSTREAM_022", on("LAGGED", victim)).By("SERVER_021", server(victim)),
		)
		h.Heal(victim + " goes on")
		h.ExpectSilence()
	})
}
