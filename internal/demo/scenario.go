package demo

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Scenario is one fault: how it is brought about and healed, and what rollcall
// must find.
type Scenario struct {
	Name  string
	Title string
	// Tells says what happens and what one would see without rollcall.
	Tells string
	// Finds are the findings that must open.
	Finds []Find

	cause func(ctx context.Context, s *stage) (said string, heal func(context.Context) error, err error)
}

// Find is a finding that must open: a check, and the stream it is about where
// that is not any.
type Find struct{ Code, Stream string }

// Scenarios are all of them, in the order in which the demo shows them.
var Scenarios = []Scenario{
	{
		Name: "leaf-cut", Title: "the leaf link of a mirror is cut",
		Tells: "ORDERS_COPY at the edge mirrors ORDERS of the hub. Its link is cut while orders keep coming in. The mirror goes on to report lag 0 and no error.",
		Finds: []Find{{"JETSTREAM_015", "ORDERS_COPY"}, {"JETSTREAM_026", "ORDERS_COPY"}},
		cause: func(_ context.Context, s *stage) (string, func(context.Context) error, error) {
			link := s.sim.Link("leaf")
			link.Cut()
			return "the leaf link between edge and hub is cut", func(context.Context) error { link.Heal(); return nil }, nil
		},
	},
	{
		Name: "frozen-follower", Title: "a follower's process hangs",
		Tells: "A server that follows in ORDERS is frozen: its process stops, its connections stay open, its host would answer pings. The servers will call it offline in three minutes.",
		Finds: []Find{{"JETSTREAM_023", "ORDERS"}, {"SERVER_021", ""}},
		cause: func(ctx context.Context, s *stage) (string, func(context.Context) error, error) {
			leader, err := s.leader(ctx, "ORDERS")
			if err != nil {
				return "", nil, err
			}
			victim := otherThan(leader)
			if err := s.lead(ctx, "PAYMENTS", leader); err != nil {
				return "", nil, err
			}
			return s.freeze(victim, "it follows "+leader+" in ORDERS and PAYMENTS")
		},
	},
	{
		Name: "frozen-leader", Title: "the leader's process hangs",
		Tells: "The server that leads PAYMENTS is frozen. The next leader has never heard from it and reports `active 0s` for it for as long as it hangs, which threshold checks read as healthy.",
		Finds: []Find{{"JETSTREAM_023", "PAYMENTS"}, {"SERVER_021", ""}},
		cause: func(ctx context.Context, s *stage) (string, func(context.Context) error, error) {
			leader, err := s.leader(ctx, "PAYMENTS")
			if err != nil {
				return "", nil, err
			}
			if err := s.lead(ctx, "ORDERS", otherThan(leader)); err != nil {
				return "", nil, err
			}
			return s.freeze(leader, "it led PAYMENTS and followed in ORDERS")
		},
	},
	{
		Name: "full-mirror", Title: "a mirror is full",
		Tells: "ARCHIVE mirrors SENSORS, holds 100 messages at most and discards new ones. It reports lag 0, active 0s and no error, for ever.",
		Finds: []Find{{"JETSTREAM_026", "ARCHIVE"}},
		cause: func(ctx context.Context, s *stage) (string, func(context.Context) error, error) {
			config := jetstream.StreamConfig{Name: "ARCHIVE", Mirror: &jetstream.StreamSource{Name: "SENSORS"}, MaxMsgs: 100, Discard: jetstream.DiscardNew}
			js := s.api(s.edge)
			_, err := js.CreateStream(ctx, config)
			heal := func(ctx context.Context) error {
				// Raising the limit would leave a mirror with a hole.
				if err := js.DeleteStream(ctx, config.Name); err != nil {
					return err
				}
				config.MaxMsgs = -1
				_, err := js.CreateStream(ctx, config)
				return err
			}
			return "ARCHIVE was created, with room for 100 messages", heal, err
		},
	},
}

func (s *stage) freeze(name, role string) (string, func(context.Context) error, error) {
	server := s.sim.Server(name)
	err := server.Freeze()
	return fmt.Sprintf("%s is frozen (%s)", name, role), func(context.Context) error { return server.Thaw() }, err
}

// otherThan names a server of the hub that is not the given one.
func otherThan(name string) string {
	if name == "n1" {
		return "n2"
	}
	return "n1"
}

// together are the scenarios that can be present at once: all but the frozen
// follower, which the frozen leader of one stream is in another.
func together() []Scenario {
	var all []Scenario
	for _, s := range Scenarios {
		if s.Name != "frozen-follower" {
			all = append(all, s)
		}
	}
	return all
}
