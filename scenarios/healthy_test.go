package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/monitor"
	"rollcall/internal/sim"
)

// tight is metadata with every threshold that a healthy stream keeps.
var tight = map[string]string{
	monitor.PeerSeenCritical: "4s", monitor.PeerLagCritical: "5000",
	monitor.SeenCritical: "4s", monitor.LagCritical: "5000",
}

// TestHealthy audits a hub and a leaf domain that are well, with all that looks
// like a fault and is none.
func TestHealthy(t *testing.T) {
	s := start(t, sim.Layout{
		Clusters: []sim.Cluster{
			{Name: "hub", Prefix: "n", Servers: 3, Domain: "hub"},
			{Name: "edge", Prefix: "e", Domain: "edge"},
		},
		Leafs: []sim.Leaf{{Name: "leaf", From: "edge", To: "hub"}},
	}, "hub", "edge")
	hub, edge := s.in("hub"), s.in("edge")
	furnish(t, hub, edge)

	t.Run("all is well", func(t *testing.T) {
		h := s.audit(t, every(200*time.Millisecond))
		h.ExpectNothing(time.Second)
		links := leafConnections(h.last.Epoch)
		h.While("the source PURGED is purged up to a sequence far ahead", func() error {
			return hub.change(t, "PURGED", func(ctx context.Context, s jetstream.Stream) error {
				return s.Purge(ctx, jetstream.WithPurgeSequence(5000))
			})
		})
		h.While("the last messages of HOLES are deleted", func() error {
			return hub.change(t, "HOLES", func(ctx context.Context, s jetstream.Stream) error {
				return errors.Join(s.DeleteMsg(ctx, 20), s.DeleteMsg(ctx, 19), s.DeleteMsg(ctx, 7))
			})
		})
		h.While("the leaders of BUSY and of its mirror step down", func() error {
			return errors.Join(hub.stepDown(t, "BUSY"), hub.stepDown(t, "BUSY_COPY"))
		})
		h.ExpectNothing(20 * time.Second)
		h.ExpectSilence()
		if after := leafConnections(h.last.Epoch); len(links) == 0 || !slices.Equal(links, after) {
			t.Errorf("the leaf connections were %v and are %v: the audit broke one", links, after)
		}
	})

	t.Run("rolling restart", func(t *testing.T) {
		h := s.audit(t, defaults())
		h.Expect()
		for _, server := range append(s.others("hub"), "e1") {
			h.Allow(restarted(h.last.Epoch, s.Server(server).Cluster(), server)...)
		}
		// What SHORT stores while its mirror finds back is gone within a second.
		h.Allow(open("JETSTREAM_028", "mirror:hub=hub/APP/SHORT_COPY"))
		h.Allow(open("SELF_001", "system:edge")) // while its only server is down, nothing of it is seen
		slow := s.others("hub", hub.leader(t, "BUSY"))[0]
		h.Break(slow+" is stopped in order", s.stop(slow))
		h.ExpectAmong(open("SERVER_021", "server:hub/"+slow).Is(check.Warning).Says("announced a shutdown"),
			masked("JETSTREAM_007", "replica:hub=hub/APP/BUSY/"+slow).By("SERVER_021", "server:hub/"+slow))
		h.Heal(slow + " is started again")
		for _, server := range append(s.others("hub", slow), "e1") {
			h.While(server+" is restarted in order", func() error {
				return errors.Join(s.WaitReady(within(t, patience)), s.restart(server), s.WaitReady(within(t, patience)))
			})
		}
		h.ExpectSilence()
	})
}

// restarted lists what is true of a server that is restarted in order: it is
// out, and what copies from it hears nothing for longer than its owner's 4 s.
func restarted(e *epoch.Epoch, system, server string) []expectation {
	all := []expectation{open("SERVER_021", "server:"+system+"/"+server).Is(check.Warning)}
	for _, stream := range e.System(system).Streams {
		all = append(all,
			masked("JETSTREAM_007", stream.Ref().OnServer(server).String()),
			masked("JETSTREAM_023", stream.Ref().OnServer(server).String()),
			masked("JETSTREAM_036", stream.Ref().String()),
			open("JETSTREAM_018", stream.Ref().As(entity.Mirror).String()))
		for _, up := range stream.Upstreams {
			all = append(all, open("JETSTREAM_018", stream.Ref().WithOrigin(up.Origin).String()))
		}
	}
	return all
}

// furnish makes streams of all kinds with traffic.
func furnish(t *testing.T, hub, edge place) {
	mirror := func(source string) *jetstream.StreamSource { return &jetstream.StreamSource{Name: source} }
	one := func(p place, c jetstream.StreamConfig) {
		c.Metadata = tight
		p.stream(t, c)
	}
	for name, replicas := range map[string]int{"BUSY": 3, "QUIET": 1, "IDLE": 3, "MIXED": 1, "PURGED": 1, "HOLES": 1, "FEW": 1} {
		one(hub, jetstream.StreamConfig{Name: name, Replicas: replicas})
	}
	for _, name := range []string{"QUIET", "MIXED", "PURGED", "HOLES", "FEW"} {
		hub.publish(t, name+".start", 20)
	}
	// Mirrors in the same domain, in another one, and of a mirror.
	one(hub, jetstream.StreamConfig{Name: "BUSY_COPY", Replicas: 3, Mirror: mirror("BUSY")})
	one(hub, jetstream.StreamConfig{Name: "BUSY_COPY_2", Mirror: mirror("BUSY_COPY")})
	one(edge, jetstream.StreamConfig{Name: "BUSY_EDGE", Mirror: fromHub("BUSY")})
	one(edge, jetstream.StreamConfig{Name: "IDLE_EDGE", Mirror: fromHub("IDLE")})
	for _, name := range []string{"QUIET", "IDLE", "PURGED", "HOLES"} {
		one(hub, jetstream.StreamConfig{Name: name + "_COPY", Mirror: mirror(name)})
	}
	// A filter that the newest messages of its source do not match, one that
	// nothing matches, and a start that its source has not reached.
	one(hub, jetstream.StreamConfig{Name: "SOME", Mirror: &jetstream.StreamSource{Name: "MIXED", FilterSubject: "MIXED.start"}})
	one(edge, jetstream.StreamConfig{Name: "NONE", Mirror: &jetstream.StreamSource{Name: "MIXED", FilterSubject: "MIXED.nobody", External: fromHub("MIXED").External}})
	one(hub, jetstream.StreamConfig{Name: "LATER", Mirror: &jetstream.StreamSource{Name: "FEW", OptStartSeq: 1000}})
	// Aggregates of several origins, one of them idle and one in another domain.
	one(hub, jetstream.StreamConfig{Name: "ALL", Replicas: 3, Sources: []*jetstream.StreamSource{mirror("BUSY"), mirror("IDLE"), mirror("MIXED")}})
	one(edge, jetstream.StreamConfig{Name: "ALL_EDGE", Sources: []*jetstream.StreamSource{fromHub("BUSY"), fromHub("QUIET")}})
	// Work that is taken as it comes, retention that removes all the time, and
	// consumers that take everything, or nothing.
	hub.stream(t, jetstream.StreamConfig{Name: "WORK", Retention: jetstream.WorkQueuePolicy, Replicas: 3, Metadata: map[string]string{monitor.PeerSeenCritical: "4s"}})
	hub.stream(t, jetstream.StreamConfig{Name: "SHORT", MaxMsgs: 10})
	hub.stream(t, jetstream.StreamConfig{Name: "SHORT_COPY", Mirror: mirror("SHORT")})
	hub.consume(t, "WORK", "worker")
	hub.consume(t, "BUSY", "reader")
	hub.consume(t, "BUSY_COPY", "reader")
	must(t, hub.change(t, "BUSY", func(ctx context.Context, s jetstream.Stream) error {
		_, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "nobody"})
		return err
	}))
	hub.traffic(t, 25*time.Millisecond, "BUSY.new", "WORK.new", "SHORT.new")
	hub.traffic(t, 500*time.Millisecond, "MIXED.new")
	edge.reaches(t, "BUSY_EDGE", 1)
}

// change does something to a stream.
func (p place) change(t *testing.T, name string, do func(context.Context, jetstream.Stream) error) error {
	ctx := within(t, patience)
	return eventually(ctx, func() error {
		stream, err := p.api(t).Stream(ctx, name)
		if err != nil {
			return err
		}
		return do(ctx, stream)
	})
}

// consume takes and acknowledges the messages of a stream until the test ends.
func (p place) consume(t *testing.T, stream, durable string) {
	t.Helper()
	must(t, p.change(t, stream, func(ctx context.Context, s jetstream.Stream) error {
		c, err := s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy})
		if err != nil {
			return err
		}
		consuming, err := c.Consume(func(m jetstream.Msg) { _ = m.Ack() }) // redelivered if it was lost
		if err == nil {
			t.Cleanup(consuming.Stop)
		}
		return err
	}))
}

// leafConnections lists all leaf connections by server and id: one that was
// closed comes back with another id.
func leafConnections(e *epoch.Epoch) (ids []string) {
	for _, system := range e.Systems {
		for _, server := range system.Servers {
			for i := range server.Leafs.Leafs {
				ids = append(ids, fmt.Sprintf("%s %d", server.Name, server.Leafs.Leafs[i].ID))
			}
		}
	}
	slices.Sort(ids)
	return ids
}
