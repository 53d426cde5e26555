package scenarios

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// hubAPI is where the hub's JetStream API is for other domains.
const hubAPI = "$JS.hub.API"

// fromHub makes a stream mirror another of the hub's domain.
func fromHub(source string) *jetstream.StreamSource {
	return &jetstream.StreamSource{Name: source, External: &jetstream.ExternalStream{APIPrefix: hubAPI}}
}

// TestLeaf breaks what is between a hub and a leaf domain that mirrors from it.
func TestLeaf(t *testing.T) {
	s := start(t, sim.Layout{
		Clusters: []sim.Cluster{
			{Name: "hub", Prefix: "n", Domain: "hub"},
			{Name: "edge", Prefix: "e", Domain: "edge"},
		},
		Leafs: []sim.Leaf{{Name: "leaf", From: "edge", To: "hub"}},
	}, "hub", "edge")
	hub, edge := s.in("hub"), s.in("edge")

	// A mirror with every threshold that metadata can set, a mirror of a source
	// that nobody writes to, and traffic.
	orders := func(t *testing.T) {
		hub.stream(t, jetstream.StreamConfig{Name: "ORDERS"})
		hub.stream(t, jetstream.StreamConfig{Name: "IDLE"})
		edge.stream(t, jetstream.StreamConfig{Name: "COPY", Mirror: fromHub("ORDERS"),
			Metadata: map[string]string{monitor.LagCritical: "3", monitor.SeenCritical: "5s"}})
		edge.stream(t, jetstream.StreamConfig{Name: "IDLE_COPY", Mirror: fromHub("IDLE"),
			Metadata: map[string]string{monitor.LagCritical: "1", monitor.SeenCritical: "5s"}})
		hub.traffic(t, 50*time.Millisecond, "ORDERS.new")
		edge.reaches(t, "COPY", 1)
	}
	const copied, idle = "mirror:edge=edge/APP/COPY", "mirror:edge=edge/APP/IDLE_COPY"
	// What a lost connection is: the mirror that lacks messages is silent; the
	// idle one lacks none, and only exceeds what its owner bears.
	disconnected := func(why string) []expectation {
		return []expectation{
			open("JETSTREAM_026", copied).Is(check.Critical).Family("silent").Says("lag 0").Says(why),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied).Is(check.Warning).Family("silent"),
			masked("JETSTREAM_017", copied).By("JETSTREAM_026", copied),
			masked("JETSTREAM_018", copied).By("JETSTREAM_026", copied),
			open("JETSTREAM_018", idle).Is(check.Critical),
		}
	}
	const noLeaf = "no leafnode connection of account APP on e1"

	t.Run("link cut", func(t *testing.T) {
		orders(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf link is cut", s.cut("leaf"))
		h.Expect(disconnected(noLeaf)...)
		h.Heal("the leaf link is back")
		h.Do("the leaf is restarted, which spares its pauses", func() error { return s.restart("e1") })
		h.ExpectSilence()
	})

	t.Run("link cut, the leaf finds back by itself", func(t *testing.T) {
		long(t)
		orders(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf link is cut", s.cut("leaf"))
		h.Expect(disconnected(noLeaf)...)
		h.Remain(30*time.Second, disconnected(noLeaf)...)
		h.Heal("the leaf link is back")
		h.ExpectSilence()
	})

	t.Run("black hole", func(t *testing.T) {
		long(t)
		orders(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf link swallows everything", s.blackHole("leaf"))
		h.Expect(disconnected("nothing has arrived")...)
		h.Remain(20*time.Second, disconnected("nothing has arrived")...)
		h.Heal("the leaf link carries again")
		h.ExpectSilence()
	})

	t.Run("delivery denied", func(t *testing.T) {
		orders(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf is restarted with deny_imports on $JS.M.>", s.restartedWith("e1", func(c *sim.Config) {
			c.Leafs[0].DenyImports = []string{"$JS.M.>"}
		}))
		// Activity saw-tooths up to 10 s, beyond what their owners bear.
		h.Allow(open("JETSTREAM_018", idle), masked("JETSTREAM_018", copied))
		sawTooth := []expectation{
			open("JETSTREAM_026", copied).Family("delivery path broken"),
			masked("JETSTREAM_017", copied).By("JETSTREAM_026", copied),
		}
		h.ExpectBriefly(sawTooth...)
		h.Heal("the leaf is restarted without it")
		h.ExpectSilence()
	})

	t.Run("delivery denied for long", func(t *testing.T) {
		long(t)
		hub.stream(t, jetstream.StreamConfig{Name: "S"})
		edge.stream(t, jetstream.StreamConfig{Name: "S_COPY", Mirror: fromHub("S")})
		hub.traffic(t, 50*time.Millisecond, "S.new")
		edge.reaches(t, "S_COPY", 1)
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf is restarted with deny_imports on $JS.M.>", s.restartedWith("e1", func(c *sim.Config) {
			c.Leafs[0].DenyImports = []string{"$JS.M.>"}
		}))
		// Its activity falls back to zero every 10 s, which tells it from a link
		// that is down; the finding must not.
		denied := open("JETSTREAM_026", "mirror:edge=edge/APP/S_COPY").Family("delivery path broken").Says("keeps falling back to zero")
		h.Expect(denied)
		h.Remain(40*time.Second, denied)
		h.Heal("the leaf is restarted without it")
		h.ExpectSilence()
	})

	t.Run("messages lost behind a black hole", func(t *testing.T) {
		hub.stream(t, jetstream.StreamConfig{Name: "SHORT", MaxMsgs: 20})
		edge.stream(t, jetstream.StreamConfig{Name: "SHORT_COPY", Mirror: fromHub("SHORT")})
		hub.traffic(t, 20*time.Millisecond, "SHORT.new")
		edge.reaches(t, "SHORT_COPY", 1)
		const copied = "mirror:edge=edge/APP/SHORT_COPY"
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf link swallows everything", s.blackHole("leaf"))
		h.Allow(masked("JETSTREAM_015", copied))
		h.Expect(open("JETSTREAM_026", copied), open("JETSTREAM_028", copied).Is(check.Critical).Says("for good"))
		h.Heal("the leaf link carries again")
		h.ExpectSilence()
	})

	t.Run("messages about to be lost, then lost", func(t *testing.T) {
		long(t)
		hub.stream(t, jetstream.StreamConfig{Name: "AGED", MaxAge: 70 * time.Second})
		edge.stream(t, jetstream.StreamConfig{Name: "AGED_COPY", Mirror: fromHub("AGED")})
		hub.traffic(t, 100*time.Millisecond, "AGED.new")
		edge.reaches(t, "AGED_COPY", 1)
		const copied = "mirror:edge=edge/APP/AGED_COPY"
		h := s.audit(t)
		h.Expect()
		h.Break("the leaf link is cut", s.cut("leaf"))
		stalled := []expectation{
			open("JETSTREAM_026", copied).Family("silent"),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied),
		}
		h.Expect(stalled...)
		h.Expect(append(stalled, open("JETSTREAM_028", copied).Is(check.Warning).Says("max_age"))...)
		h.Expect(append(stalled, open("JETSTREAM_028", copied).Is(check.Critical).Says("for good"))...)
		h.Heal("the leaf link is back")
		h.ExpectSilence()
	})

	t.Run("the source's server freezes", func(t *testing.T) {
		hub.stream(t, jetstream.StreamConfig{Name: "S"})
		edge.stream(t, jetstream.StreamConfig{Name: "S_COPY", Mirror: fromHub("S")})
		hub.traffic(t, 50*time.Millisecond, "S.new")
		edge.reaches(t, "S_COPY", 1)
		const copied = "mirror:edge=edge/APP/S_COPY"
		h := s.audit(t)
		h.Expect()
		h.Break("n1 freezes", s.freeze("n1"))
		// It is the hub's only server: the audit sees nothing of the hub and says
		// so. Whether the source receives messages is unknown.
		silent := []expectation{
			open("SELF_001", "system:hub").Is(check.Warning).Says("no connection"),
			unknown("SERVER_021", "server:hub/n1").Says("no connection to this system"),
			unknown("JETSTREAM_026", copied).Says("cannot be seen"),
			unknown("JETSTREAM_015", copied).Says("cannot be seen"),
		}
		h.Expect(silent...)
		h.Remain(10*time.Second, silent...)
		h.Heal("n1 goes on")
		h.ExpectSilence()
	})
}
