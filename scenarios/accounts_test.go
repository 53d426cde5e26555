package scenarios

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/sim"
)

// The three subjects that a mirror across accounts needs.
const (
	importAPI      = `{service: {account: MAKER, subject: "$JS.API.CONSUMER.>"}, to: "maker.API.CONSUMER.>"}`
	importDelivery = `{stream: {account: MAKER, subject: "maker.deliver.>"}}`
	importFlow     = `{service: {account: MAKER, subject: "$JS.FC.>"}}`
)

// TestAccounts breaks the imports of a mirror across accounts.
func TestAccounts(t *testing.T) {
	imports := importAPI + "\n" + importDelivery + "\n" + importFlow
	s := start(t, sim.Layout{Clusters: []sim.Cluster{{Name: "one", Accounts: []sim.Account{
		{Name: "MAKER", Exports: `{service: "$JS.API.CONSUMER.>"}, {stream: "maker.deliver.>"}, {service: "$JS.FC.>"}`},
		{Name: "USER", Imports: imports},
	}}}}, "one")
	maker, user := s.in("one", "MAKER"), s.in("one", "USER")

	// importing leaves only the given imports.
	importing := func(imports string) fault {
		return s.reloaded("n1", func(c *sim.Config) {
			i := slices.IndexFunc(c.Accounts, func(a sim.Account) bool { return a.Name == "USER" })
			c.Accounts[i].Imports = imports
		})
	}
	parts := func(t *testing.T) {
		maker.stream(t, jetstream.StreamConfig{Name: "PARTS"})
		user.stream(t, jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{
			Name: "PARTS", External: &jetstream.ExternalStream{APIPrefix: "maker.API", DeliverPrefix: "maker.deliver.copy"},
		}})
		maker.traffic(t, 50*time.Millisecond, "PARTS.new")
		user.reaches(t, "COPY", 1)
	}
	const copied = "mirror:one/USER/COPY"

	t.Run("delivery not imported", func(t *testing.T) {
		parts(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the import of the delivery subject is removed", importing(importAPI+"\n"+importFlow))
		h.Expect(open("JETSTREAM_026", copied).Is(check.Critical).Family("delivery path broken").Says("MAKER/PARTS"))
		h.Heal("it is back")
		h.ExpectSilence()
	})

	t.Run("flow control not imported", func(t *testing.T) {
		parts(t)
		h := s.audit(t)
		h.Expect()
		h.Break("the import of $JS.FC.> is removed", importing(importAPI+"\n"+importDelivery))
		h.Do("much is published", func() error { maker.flood(t, "PARTS.new", 20_000, 512); return nil })
		h.Expect(
			open("JETSTREAM_026", copied).Is(check.Critical).Family("flow control").Says("10228"),
			masked("JETSTREAM_037", copied).By("JETSTREAM_026", copied).Says("10228"),
		)
		h.Heal("it is back")
		h.ExpectSilence()
	})

	t.Run("nothing imported", func(t *testing.T) {
		parts(t)
		h := s.audit(t)
		h.Expect()
		h.Break("all imports are removed", importing(""))
		h.Expect(
			open("JETSTREAM_026", copied).Is(check.Critical).Family("silent").Says("MAKER/PARTS"),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied),
		)
		h.Heal("they are back")
		h.Do("the server is restarted, which spares its pauses", func() error { return s.restart("n1") })
		h.ExpectSilence()
	})

	t.Run("nothing imported, the mirror finds back by itself", func(t *testing.T) {
		long(t)
		parts(t)
		h := s.audit(t)
		h.Expect()
		h.Break("all imports are removed", importing(""))
		silent := []expectation{
			open("JETSTREAM_026", copied).Is(check.Critical).Family("silent"),
			masked("JETSTREAM_015", copied).By("JETSTREAM_026", copied),
		}
		h.Expect(silent...)
		h.Remain(20*time.Second, silent...)
		h.Heal("they are back")
		h.ExpectSilence()
	})
}
