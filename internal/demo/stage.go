// Package demo shows rollcall at work on a real embedded deployment: servers,
// streams, mirrors and traffic, into which faults are brought one after
// another.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/collect"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// The demo's thresholds are seconds, so that nobody has to wait for minutes.
// Production defaults are 5m, 30s and 15s, and peer-seen thresholds of 30s up.
var Settings = []string{
	"JETSTREAM_015.stale_after=8s",
	"JETSTREAM_026.not_advancing_for=5s",
	"SERVER_021.silent_for=5s",
}

const peerSeen = "5s"

// stage is the deployment and its traffic.
type stage struct {
	sim       *sim.Deployment
	hub, edge *nats.Conn
	stop      context.CancelFunc
	traffic   sync.WaitGroup
}

// setUp starts a cluster n1, n2, n3 and a leaf e1 with its own system account,
// with streams on both and a mirror across the leaf link.
func setUp(ctx context.Context) (*stage, error) {
	accounts := []sim.Account{{Name: "APP"}}
	d, err := sim.Start(ctx, sim.Layout{
		Clusters: []sim.Cluster{
			{Name: "hub", Servers: 3, Prefix: "n", Domain: "hub", Accounts: accounts},
			{Name: "edge", Servers: 1, Prefix: "e", Domain: "edge", Accounts: accounts},
		},
		Leafs: []sim.Leaf{{Name: "leaf", From: "edge", To: "hub"}},
	})
	if err != nil {
		return nil, err
	}
	s := &stage{sim: d, stop: func() {}}
	if err := s.furnish(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) furnish(ctx context.Context) (err error) {
	// A server that is frozen holds its clients: short pings let them move on.
	pings := []nats.Option{nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond)}
	if s.hub, err = s.sim.Connect("hub", "APP", pings...); err != nil {
		return err
	}
	if s.edge, err = s.sim.Connect("edge", "APP", pings...); err != nil {
		return err
	}
	watched := map[string]string{monitor.PeerSeenCritical: peerSeen}
	hub, edge := s.api(s.hub), s.api(s.edge)
	for _, stream := range []struct {
		api    jetstream.JetStream
		config jetstream.StreamConfig
	}{
		{hub, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}, Replicas: 3, Metadata: watched}},
		{hub, jetstream.StreamConfig{Name: "PAYMENTS", Subjects: []string{"payments.>"}, Replicas: 3, Metadata: watched}},
		{edge, jetstream.StreamConfig{Name: "ORDERS_COPY", Mirror: &jetstream.StreamSource{Name: "ORDERS", External: &jetstream.ExternalStream{APIPrefix: "$JS.hub.API"}}}},
		{edge, jetstream.StreamConfig{Name: "SENSORS", Subjects: []string{"sensors.>"}}},
	} {
		if err := retry(ctx, func() error { _, err := stream.api.CreateStream(ctx, stream.config); return err }); err != nil {
			return fmt.Errorf("stream %s: %w", stream.config.Name, err)
		}
	}
	traffic, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.traffic.Go(func() { publish(traffic, s.hub, 20*time.Millisecond, "orders.new", "payments.new") })
	s.traffic.Go(func() { publish(traffic, s.edge, 50*time.Millisecond, "sensors.1") })
	return s.caughtUp(ctx, edge, "ORDERS_COPY")
}

func (s *stage) api(nc *nats.Conn) jetstream.JetStream {
	js, err := jetstream.New(nc)
	if err != nil {
		panic(err) // only for options, and there are none
	}
	return js
}

// publish sends a message to each subject at every beat until ctx ends.
func publish(ctx context.Context, nc *nats.Conn, beat time.Duration, subjects ...string) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, subject := range subjects {
				// Lost while the connection moves to another server: as in life.
				_ = nc.Publish(subject, []byte(now.Format(time.RFC3339Nano)))
			}
		}
	}
}

func (s *stage) caughtUp(ctx context.Context, js jetstream.JetStream, mirror string) error {
	return retry(ctx, func() error {
		stream, err := js.Stream(ctx, mirror)
		if err != nil {
			return err
		}
		if info := stream.CachedInfo(); info.State.Msgs == 0 {
			return fmt.Errorf("%s is empty", mirror)
		}
		return nil
	})
}

// retry calls do until it succeeds, for 20 s at most.
func retry(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *stage) close() error {
	s.stop()
	s.traffic.Wait()
	for _, nc := range []*nats.Conn{s.hub, s.edge} {
		if nc != nil {
			nc.Close()
		}
	}
	return s.sim.Close()
}

// systems are what the demo audits: each side directly.
func (s *stage) systems() []collect.System {
	return []collect.System{
		{Name: "hub", Servers: s.sim.SystemURL("hub")},
		{Name: "edge", Servers: s.sim.SystemURL("edge")},
	}
}

// leader asks who leads a stream of the hub.
func (s *stage) leader(ctx context.Context, stream string) (string, error) {
	var leader string
	err := retry(ctx, func() error {
		st, err := s.api(s.hub).Stream(ctx, stream)
		if err != nil {
			return err
		}
		if leader = st.CachedInfo().Cluster.Leader; leader == "" {
			return fmt.Errorf("%s has no leader", stream)
		}
		return nil
	})
	return leader, err
}

// lead moves the leadership of a stream of the hub to a server.
func (s *stage) lead(ctx context.Context, stream, server string) error {
	return retry(ctx, func() error {
		leader, err := s.leader(ctx, stream)
		if err != nil || leader == server {
			return err
		}
		body, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": server}})
		if err != nil {
			return err
		}
		if _, err := s.hub.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, body); err != nil {
			return err
		}
		return fmt.Errorf("%s is led by %s, not by %s", stream, leader, server)
	})
}
