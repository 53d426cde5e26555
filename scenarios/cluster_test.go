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

// replicated makes two streams of three replicas, with traffic: ORDERS is
// watched, LOG is not. Both are led by the server that is returned.
func (p place) replicated(t *testing.T) (leader string) {
	t.Helper()
	p.stream(t, jetstream.StreamConfig{Name: "ORDERS", Replicas: 3, Metadata: watched})
	p.stream(t, jetstream.StreamConfig{Name: "LOG", Replicas: 3})
	leader = p.leader(t, "ORDERS")
	p.lead(t, "LOG", leader)
	p.traffic(t, 20*time.Millisecond, "ORDERS.new", "LOG.new")
	return leader
}

// TestCluster breaks the servers of a cluster of three.
func TestCluster(t *testing.T) {
	s := start(t, sim.Layout{Clusters: []sim.Cluster{{Name: "C", Servers: 3}}}, "C")
	app := s.in("C")
	server := func(name string) string { return "server:C/" + name }
	on := func(stream, name string) string { return "replica:C/APP/" + stream + "/" + name }

	t.Run("follower frozen", func(t *testing.T) {
		leader := app.replicated(t)
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
		victim := app.replicated(t)
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

	t.Run("server killed", func(t *testing.T) {
		app.replicated(t)
		app.stream(t, jetstream.StreamConfig{Name: "SINGLE"})
		app.traffic(t, 100*time.Millisecond, "SINGLE.new")
		victim := app.leader(t, "SINGLE")
		app.lead(t, "ORDERS", s.others("C", victim)[0])
		app.lead(t, "LOG", s.others("C", victim)[0])
		h := s.audit(t)
		h.Expect()
		h.Break(victim+", which holds the only replica of SINGLE, is killed", s.kill(victim))
		h.Expect(
			open("SERVER_021", server(victim)).Is(check.Critical),
			masked("JETSTREAM_023", on("ORDERS", victim)).By("SERVER_021", server(victim)).Says("is down or cut off"),
			masked("JETSTREAM_036", "stream:C/APP/SINGLE").By("SERVER_021", server(victim)).Is(check.Critical),
		)
		h.Heal(victim + " is started again")
		h.ExpectSilence()
	})

	t.Run("server stopped", func(t *testing.T) {
		leader := app.replicated(t)
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
		leader := app.replicated(t)
		victim := s.others("C", leader)[0]
		app.stream(t, jetstream.StreamConfig{Name: "LAGGED", Replicas: 3, Metadata: map[string]string{monitor.PeerLagCritical: "1"}})
		app.lead(t, "LAGGED", leader)
		s.at(leader).traffic(t, 20*time.Millisecond, "LAGGED.new")
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
}
