package scenarios

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// auditor may ask everything except who its leaf connections are.
const auditor = `{user: audit, password: audit, permissions: {
  publish: [ "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.*.VARZ", "$SYS.REQ.SERVER.*.STATSZ", "$SYS.REQ.SERVER.*.JSZ"
    "$SYS.REQ.SERVER.*.HEALTHZ", "$SYS.REQ.SERVER.*.ROUTEZ", "$SYS.REQ.SERVER.*.GATEWAYZ" ]
  subscribe: [ "_INBOX.>", "$SYS.SERVER.>", "$JS.EVENT.ADVISORY.>" ]
}}`

// TestOneServer breaks what needs one server only: sources, limits, metadata and
// the audit's own permissions.
func TestOneServer(t *testing.T) {
	s := start(t, sim.Layout{Clusters: []sim.Cluster{{Name: "one", Accounts: []sim.Account{
		{Name: "APP"}, {Name: "SYS", Users: auditor},
	}}}}, "one")
	app := s.in("one")
	const copied = "mirror:one/APP/COPY"
	mirrored := func(t *testing.T, change func(*jetstream.StreamConfig)) {
		app.stream(t, jetstream.StreamConfig{Name: "S"})
		c := jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "S"}}
		if change != nil {
			change(&c)
		}
		app.stream(t, c)
	}

	t.Run("mirror full", func(t *testing.T) {
		mirrored(t, func(c *jetstream.StreamConfig) {
			c.MaxMsgs, c.Discard = 30, jetstream.DiscardNew
			c.Metadata = map[string]string{monitor.LagCritical: "5"}
		})
		h := s.audit(t)
		h.Expect()
		h.Break("more is stored than the mirror may hold", byHand(
			func() error { app.traffic(t, 20*time.Millisecond, "S.new"); return nil },
			func() error {
				if err := app.remove(t, "COPY"); err != nil {
					return err
				}
				app.stream(t, jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "S"}})
				return nil
			},
		))
		full := []expectation{
			open("JETSTREAM_026", copied).Is(check.Critical).Family("cannot store").Says("max_msgs 30"),
			masked("JETSTREAM_017", copied).By("JETSTREAM_026", copied),
		}
		h.Expect(full...)
		h.Remain(13*time.Second, full...) // it stays active: never JETSTREAM_015
		// Raising the limit instead would not mend it: measured on 2.15.2, the
		// mirror then stays stuck, or goes on under sequences of its own and lacks
		// for ever what was stored while it was full.
		h.Heal("it is created anew, without the limit")
		h.ExpectSilence()
	})

	t.Run("source deleted, re-created, passing the mirror", func(t *testing.T) {
		mirrored(t, func(c *jetstream.StreamConfig) { c.Metadata = map[string]string{monitor.SeenCritical: "3s"} })
		app.publish(t, "S.new", 20)
		app.reaches(t, "COPY", 20)
		h := s.audit(t)
		h.Expect()
		h.Do("the source is deleted", func() error { return app.remove(t, "S") })
		h.Expect(
			open("JETSTREAM_018", copied).Is(check.Critical),
			open("JETSTREAM_037", copied).Is(check.Warning).Says("10059"),
		)
		h.Do("the source is created anew", func() error { app.stream(t, jetstream.StreamConfig{Name: "S"}); app.publish(t, "S.new", 5); return nil })
		behind := open("JETSTREAM_027", copied).Is(check.Critical).Says("at sequence 20 of a former APP/S")
		h.Expect(behind)
		h.Do("the source passes the mirror", func() error { app.publish(t, "S.new", 30); app.reaches(t, "COPY", 35); return nil })
		h.Allow(open("JETSTREAM_026", copied)) // until the mirror's next attempt to connect
		h.Expect(open("JETSTREAM_027", copied).Is(check.Critical).Says("messages of a former APP/S beside those of the present one"))
		h.Do("the mirror is created anew", func() error {
			must(t, app.remove(t, "COPY"))
			app.stream(t, jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "S"}})
			return nil
		})
		h.ExpectSilence()
	})

	t.Run("mirror lags", func(t *testing.T) {
		const many = 80_000
		app.stream(t, jetstream.StreamConfig{Name: "S", Storage: jetstream.MemoryStorage})
		app.flood(t, "S.new", many, 16)
		app.reaches(t, "S", many)
		h := s.audit(t, every(50*time.Millisecond))
		h.Expect()
		h.Do("a mirror has much to copy", func() error {
			app.stream(t, jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "S"},
				Metadata: map[string]string{monitor.LagCritical: "100"}})
			return nil
		})
		h.ExpectBriefly(open("JETSTREAM_017", copied).Is(check.Critical))
		h.ExpectSilence()
	})

	t.Run("metadata unreadable", func(t *testing.T) {
		const onStream, onConsumer = "stream:one/APP/S", "consumer:one/APP/S/C"
		app.stream(t, jetstream.StreamConfig{Name: "S", Metadata: map[string]string{
			monitor.PeerSeenCritical: "30", monitor.Prefix + "peer-seen": "30s", monitor.MsgsWarn: "10"}})
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		consumer := jetstream.ConsumerConfig{Durable: "C", Metadata: map[string]string{monitor.LastAckCritical: "soon"}}
		_, err := app.api(t).CreateConsumer(ctx, "S", consumer)
		must(t, err)
		h := s.audit(t)
		h.Expect(
			open("JETSTREAM_034", onStream+"#"+monitor.PeerSeenCritical).Is(check.Warning),
			open("JETSTREAM_034", onStream+"#"+monitor.Prefix+"peer-seen"),
			open("JETSTREAM_034", onConsumer+"#"+monitor.LastAckCritical),
		)
		h.Do("the stream's is corrected, the consumer's is removed", func() error {
			consumer.Metadata = nil
			if _, err := app.api(t).UpdateConsumer(ctx, "S", consumer); err != nil {
				return err
			}
			return app.update(t, "S", func(c *jetstream.StreamConfig) {
				c.Metadata = map[string]string{monitor.PeerSeenCritical: "30s", monitor.MsgsWarn: "10"}
			})
		})
		h.ExpectSilence()
	})

	t.Run("a question not allowed", func(t *testing.T) {
		app.stream(t, jetstream.StreamConfig{Name: "S"})
		h := s.audit(t, auditing(collect.System{Name: "one", Servers: s.Server("n1").ClientURL(), User: "audit", Password: "audit"}))
		h.Expect(open("SELF_001", "system:one").Is(check.Warning).Says("1 refused").Says("LEAFZ"))
		h.Do("the permission is granted", s.reloaded("n1", func(c *sim.Config) {
			i := slices.IndexFunc(c.Accounts, func(a sim.Account) bool { return a.Name == "SYS" })
			c.Accounts[i].Users = strings.Replace(auditor, "publish: [", `publish: [ "$SYS.REQ.SERVER.*.LEAFZ",`, 1)
		}).cause)
		h.ExpectSilence()
	})
}
