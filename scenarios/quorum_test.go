package scenarios

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// TestQuorum takes streams their majority, or comes close to it.
func TestQuorum(t *testing.T) {
	s := start(t, sim.Layout{Clusters: []sim.Cluster{{Name: "C", Servers: 3}}}, "C")
	app := s.in("C")
	server := func(name string) string { return "server:C/" + name }
	// How long a stream is without a leader decides nothing here.
	soon := set("JETSTREAM_032.leaderless_for=2s")
	on := func(stream, name string) string { return "replica:C/APP/" + stream + "/" + name }

	t.Run("both followers frozen", func(t *testing.T) {
		leader := app.replicated(t)
		victims := s.others("C", leader)
		h := s.audit(t, soon)
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

	t.Run("two members that do not hear each other", func(t *testing.T) {
		// Both servers answer the audit and hear the third one, but not each
		// other: nobody is silent and nobody leads.
		const pair = "stream:C/APP/PAIR"
		app.stream(t, jetstream.StreamConfig{Name: "PAIR", Replicas: 2})
		info, err := app.info(t, "PAIR")
		must(t, err)
		leader, follower := info.Cluster.Leader, info.Cluster.Replicas[0].Name
		s.at(leader).traffic(t, 50*time.Millisecond, "PAIR.new")
		both := auditing(collect.System{Name: "C", Servers: s.systemURL(leader, follower)})
		h := s.audit(t, both, soon)
		h.Expect()
		h.Break("the route between "+leader+" and "+follower+" swallows everything", s.blackHole(leader+"-"+follower))
		// The leader loses its peer in its own words, then gives up.
		h.Expect(open("JETSTREAM_006", pair).Is(check.Critical).Says("1 of 2 members take part"))
		h.While("the leader gives up", func() error {
			return eventually(within(t, patience), func() error {
				if info, err := s.at(leader).info(t, "PAIR"); err == nil && info.Cluster.Leader != "" {
					return errors.New("PAIR still has a leader")
				}
				return nil
			})
		})
		h.Expect(
			open("JETSTREAM_006", pair).Is(check.Critical),
			masked("JETSTREAM_032", pair).By("JETSTREAM_006", pair).Is(check.Critical),
		)
		// An audit that begins now knows of no loss: all members answer.
		late := s.audit(t, both, soon)
		late.Expect(open("JETSTREAM_032", pair).Is(check.Critical))
		h.Heal("the route carries again")
		h.ExpectSilence()
		late.ExpectSilence()
	})

	t.Run("replica catches up", func(t *testing.T) {
		app.stream(t, jetstream.StreamConfig{Name: "LAGGED", Replicas: 3, Metadata: map[string]string{monitor.PeerLagCritical: "1"}})
		leader := app.leader(t, "LAGGED")
		victim := s.others("C", leader)[0]
		h := s.audit(t)
		h.Expect()
		h.Break(victim+" freezes", s.freeze(victim))
		h.Do("much is published", func() error { s.at(leader).flood(t, "LAGGED.new", 5_000, 128); return nil })
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
