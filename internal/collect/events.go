package collect

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"rollcall/internal/wire"
)

// eventSubjects are what a connection listens to. Leader elections of consumers
// are left out: a restart makes thousands of them, and the streams' say enough.
var eventSubjects = []string{
	wire.SubjectStatsz, wire.SubjectShutdown, wire.SubjectLameDuck,
	wire.SubjectDomainLeaderElected, wire.SubjectStreamLeaderElected,
	wire.SubjectStreamQuorumLost, wire.SubjectConsumerQuorumLost,
}

// missedBeats is the silence that asks for an epoch at once: two beats of 10 s
// and some tolerance (nats-facts 6).
const missedBeats = 25 * time.Second

// heard takes in one event. It runs on the connection's own goroutines; two
// connections deliver each event twice, which changes nothing.
func (s *system) heard(msg *nats.Msg) {
	kind := msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:]
	switch {
	case strings.HasPrefix(msg.Subject, "$JS."):
		s.heardAdvisory(msg)
	case kind == "STATSZ":
		if reply, err := wire.Decode[wire.STATSZ](msg.Data, msg.Header.Get("Content-Encoding")); err == nil && reply.Server != nil {
			s.peers.beat(reply.Server, reply.Data, s.now())
		}
	case kind == "SHUTDOWN", kind == "LAMEDUCK":
		s.heardLeaving(kind, msg)
	}
}

func (s *system) heardLeaving(kind string, msg *nats.Msg) {
	event, err := wire.DecodeEvent[wire.ServerInfo](msg.Data)
	if err != nil || event.Data.ID == "" {
		return
	}
	if s.peers.leaves(event.Data, kind == "SHUTDOWN", s.now()) {
		what := map[string]string{"SHUTDOWN": "shuts down", "LAMEDUCK": "sends its clients away"}[kind]
		s.poke(event.Data.Name + " " + what)
	}
}

func (s *system) heardAdvisory(msg *nats.Msg) {
	event, err := wire.DecodeEvent[wire.Advisory](msg.Data)
	if err != nil || !s.peers.news(event.Data.ID) {
		return
	}
	what := "the meta group has a new leader"
	if a := event.Data; a.Stream != "" {
		verb := "has a new leader"
		if strings.HasSuffix(a.Type, "quorum_lost") {
			verb = "has lost its quorum"
		}
		what = strings.TrimSuffix(fmt.Sprintf("%s/%s/%s", a.Account, a.Stream, a.Consumer), "/") + " " + verb
	}
	s.poke(what)
}

// poke asks for an epoch. A channel that nobody empties holds enough reasons
// already, so more are dropped.
func (s *system) poke(reason string) {
	select {
	case s.pokes <- s.config.Name + ": " + reason:
	default:
	}
}

// listen looks each second for servers whose beat has stopped, until the
// connections are closed.
func (s *system) listen() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.links.ctx.Done():
			return
		case <-tick.C:
			for _, name := range s.peers.missed(s.now()) {
				s.poke(name + " has missed its beat")
			}
		}
	}
}
