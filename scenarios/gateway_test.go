package scenarios

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/sim"
)

// TestGateway breaks what is between two clusters of a super-cluster.
func TestGateway(t *testing.T) {
	s := start(t, sim.Layout{Gateways: true, Clusters: []sim.Cluster{
		{Name: "A", Prefix: "a", Servers: 3}, {Name: "B", Prefix: "b"},
	}})
	// One system, and a connection to either side of the gateway.
	s.systems = []collect.System{{Name: "super", Servers: s.systemURL("a1", "b1")}}
	a, b := s.in("A"), s.in("B")
	const source, copied = "stream:super/APP/S", "mirror:super/APP/COPY"
	mirrored := func(t *testing.T) {
		b.stream(t, jetstream.StreamConfig{Name: "S", Placement: &jetstream.Placement{Cluster: "B"}})
		a.stream(t, jetstream.StreamConfig{Name: "COPY", Replicas: 3, Mirror: &jetstream.StreamSource{Name: "S"}, Placement: &jetstream.Placement{Cluster: "A"}})
		b.traffic(t, 50*time.Millisecond, "S.new")
		a.reaches(t, "COPY", 1)
	}

	t.Run("gateway cut, then a new leader", func(t *testing.T) {
		mirrored(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the gateway between A and B is cut", s.cut("A-B"))
		h.Expect(
			open("JETSTREAM_026", copied).Is(check.Critical).Family("silent").Says("has no gateway connection to cluster B"),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied),
		)
		h.Do("the mirror's leader steps down", func() error { return a.stepDown(t, "COPY") })
		// Its activity is -1 from now on, less than any threshold.
		never := open("JETSTREAM_026", copied).Is(check.Critical).Family("never connected").Says("never since its leader took over")
		h.ExpectBriefly(never)
		h.Expect(never, masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied).Says("never since its leader took over"))
		h.Heal("the gateway is back")
		h.Do("the mirror's leader steps down, which spares its pauses", func() error {
			if err := s.WaitReady(within(t, patience)); err != nil {
				return err
			}
			return a.stepDown(t, "COPY")
		})
		h.ExpectSilence()
	})

	t.Run("gateway cut, the mirror finds back by itself", func(t *testing.T) {
		long(t)
		mirrored(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the gateway between A and B is cut", s.cut("A-B"))
		silent := []expectation{
			open("JETSTREAM_026", copied).Family("silent"),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied),
		}
		h.Expect(silent...)
		h.Remain(30*time.Second, silent...)
		h.Heal("the gateway is back")
		h.ExpectSilence()
	})

	t.Run("the source's server freezes", func(t *testing.T) {
		mirrored(t)
		h := s.audit(t)
		h.Expect()
		h.Break("b1 freezes", s.freeze("b1"))
		// Nobody can say whether the source receives messages: no stall.
		silent := []expectation{
			open("SERVER_021", "server:super/b1").Is(check.Critical),
			masked("JETSTREAM_036", source).By("SERVER_021", "server:super/b1"),
			unknown("JETSTREAM_026", copied).Says("b1"),
			unknown("JETSTREAM_015", copied).Says("b1"),
		}
		h.Expect(silent...)
		h.Remain(10*time.Second, silent...) // longer than the staleness of 015
		h.Heal("b1 goes on")
		h.ExpectSilence()
	})
}
