package checktest

import (
	"time"

	"rollcall/internal/wire"
)

// Standard is the healthy world of most fixtures. Two systems:
//
//   - hub: cluster C1 with n1, n2, n3 and cluster C2 with m1, joined by
//     gateways, domain hub;
//   - edge: e1, a leaf of the hub with its own system account, domain edge.
//
// Account APP has in hub:
//
//   - ORDERS, R3 led by n1, 10 messages a second, consumer BILLING;
//   - QUIET, R3 led by n2, idle; EVENTS, R1 on n2, 5 a second;
//   - LOCAL, an R3 mirror of ORDERS led by n3; QUIETCOPY, an R1 mirror of QUIET on n1;
//   - NORTH, an R1 mirror of ORDERS on n3 that takes orders.north only;
//   - LATER, an R1 mirror on n1 of ORDERS from sequence 9,000,000;
//   - FAR, an R1 mirror of ORDERS on m1, across the gateway;
//   - ALL, an R3 aggregate of ORDERS and EVENTS led by n2;
//   - WORK, an R3 work queue led by n3, drained; PAIR, R2 on n1 and n2.
//
// and in edge:
//
//   - COPY, a mirror of hub's ORDERS across the leaf link;
//   - HOME, a stream of its own, idle.
func Standard() *World {
	w := &World{Now: Start}
	for _, name := range []string{"n1", "n2", "n3"} {
		w.addServer("hub", "C1", "hub", name)
	}
	w.addServer("hub", "C2", "hub", "m1")
	w.addServer("edge", "", "edge", "e1")
	for _, s := range w.Servers {
		switch s.Cluster {
		case "C1":
			s.Gateways = gatewayTo("C2")
			s.Leafs = []wire.LeafInfo{{ID: 7, Name: "e1", Account: "APP"}}
		case "C2":
			s.Gateways = gatewayTo("C1")
		default:
			s.Leafs = []wire.LeafInfo{{ID: 9, Name: "n1", Account: "APP", IsSpoke: true}}
		}
	}
	w.addHubStreams()
	w.addCopies()
	return w
}

func gatewayTo(cluster string) map[string]wire.RemoteGateway {
	return map[string]wire.RemoteGateway{cluster: {IsConfigured: true, Connection: &wire.GatewayConnection{CID: 3}}}
}

func (w *World) addServer(system, cluster, domain, name string) {
	s := &Server{
		System: system, Name: name, ID: "N" + name + "AAAAAAAA", Cluster: cluster, Domain: domain,
		Host: name + ".example", Version: "2.15.2",
	}
	s.Vars.Start = Start.Add(-10 * 24 * time.Hour)
	s.Health = wire.HEALTHZ{Status: "ok"}
	w.Servers = append(w.Servers, s)
}

func (w *World) addHubStreams() {
	orders := w.addStream("ORDERS", 10, 5000, "n1", "n2", "n3")
	orders.Consumers = []wire.ConsumerInfo{{
		Stream: "ORDERS", Name: "BILLING", Created: orders.Created,
		Config: &wire.ConsumerConfig{Durable: "BILLING", AckPolicy: "explicit"},
	}}
	w.addStream("QUIET", 0, 300, "n2", "n1", "n3")
	w.addStream("EVENTS", 5, 2000, "n2")
	all := w.addStream("ALL", 15, 7000, "n2", "n1", "n3")
	all.Config.Sources = []wire.StreamSource{{Name: "ORDERS"}, {Name: "EVENTS"}}
	all.Sources = []wire.SourceInfo{{Name: "ORDERS", Active: 100 * time.Millisecond}, {Name: "EVENTS", Active: 200 * time.Millisecond}}
	work := w.addStream("WORK", 0, 900, "n3", "n1", "n2")
	work.Config.Retention = "workqueue"
	work.State.Msgs, work.State.Bytes, work.State.FirstSeq, work.State.FirstTime = 0, 0, 901, time.Time{}
	w.addStream("PAIR", 1, 100, "n1", "n2")
	home := w.addStream("HOME", 0, 50, "e1")
	home.System, home.Domain = "edge", "edge"
}

func (w *World) addCopies() {
	w.addMirror("LOCAL", "ORDERS", "n3", "n1", "n2")
	w.addMirror("QUIETCOPY", "QUIET", "n1")
	north := w.addMirror("NORTH", "ORDERS", "n3")
	north.Config.Mirror.FilterSubject = "orders.north"
	north.Rate = 0
	north.State.LastSeq, north.State.Msgs, north.State.LastTime = 4900, 100, Start.Add(-10*time.Second)
	later := w.addMirror("LATER", "ORDERS", "n1")
	later.Config.Mirror.OptStartSeq = 9_000_000
	later.Rate = 0
	later.State = wire.StreamState{FirstSeq: 9_000_000, LastSeq: 8_999_999}
	w.addMirror("FAR", "ORDERS", "m1")
	edge := w.addMirror("COPY", "ORDERS", "e1")
	edge.System, edge.Domain = "edge", "edge"
	edge.Config.Mirror.External = &wire.ExternalStream{APIPrefix: "$JS.hub.API"}
	w.feed(edge, "ORDERS", 5000)
	for _, name := range []string{"LOCAL", "NORTH", "LATER", "FAR"} {
		w.feed(w.stream(name), "ORDERS", 5000)
	}
	w.feed(w.stream("QUIETCOPY"), "QUIET", 300)
}

func (w *World) stream(name string) *Stream {
	for _, s := range w.Streams {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// addStream adds a stream of account APP in hub; the first server leads it.
func (w *World) addStream(name string, rate float64, last uint64, servers ...string) *Stream {
	s := &Stream{
		System: "hub", Domain: "hub", Account: "APP", Name: name, Rate: rate,
		Created: Start.Add(-5 * 24 * time.Hour), Leader: servers[0], LeaderSince: Start.Add(-24 * time.Hour),
		Config: wire.StreamConfig{
			Name: name, Retention: "limits", Discard: "old", Storage: "file", Replicas: len(servers),
			MaxMsgs: -1, MaxBytes: -1, MaxConsumers: -1, MaxMsgsPer: -1, Metadata: map[string]string{},
		},
		State: wire.StreamState{
			Msgs: last, Bytes: last * 100, FirstSeq: 1, FirstTime: Start.Add(-4 * 24 * time.Hour),
			LastSeq: last, LastTime: Start.Add(-time.Second),
		},
	}
	if rate == 0 {
		s.State.LastTime = Start.Add(-3 * time.Hour)
	}
	for _, server := range servers {
		s.Replicas = append(s.Replicas, &Replica{Server: server, Current: true, Active: 400 * time.Millisecond})
	}
	w.Streams = append(w.Streams, s)
	return s
}

// addMirror adds a caught-up mirror.
func (w *World) addMirror(name, origin string, servers ...string) *Stream {
	o := w.stream(origin)
	m := w.addStream(name, o.Rate, o.State.LastSeq, servers...)
	m.State = o.State
	m.Config.Mirror = &wire.StreamSource{Name: origin}
	m.Mirror = &wire.SourceInfo{Name: origin, Active: 100 * time.Millisecond}
	return m
}

// feed adds the internal consumer by which an origin feeds a mirror.
func (w *World) feed(mirror *Stream, origin string, delivered uint64) {
	o := w.stream(origin)
	o.Direct = append(o.Direct, wire.ConsumerInfo{
		Stream: origin, Name: "JS_MIRROR_" + mirror.Name, Created: mirror.Created, PushBound: true,
		Delivered: wire.SequenceInfo{Consumer: delivered, Stream: delivered},
		Config: &wire.ConsumerConfig{Direct: true, FilterSubject: mirror.Config.Mirror.FilterSubject, Metadata: map[string]string{
			"_nats.mirror.stream": mirror.Name, "_nats.mirror.acc": mirror.Account, "_nats.mirror.domain": mirror.Domain,
		}},
	})
}

// Worlds are the healthy worlds in which no check may find anything bad.
var Worlds = map[string]func() *World{"standard": Standard}
