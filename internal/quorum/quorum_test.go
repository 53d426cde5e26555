package quorum_test

import (
	"slices"
	"testing"
	"time"

	"rollcall/internal/checktest"
	"rollcall/internal/epoch"
	"rollcall/internal/quorum"
	"rollcall/internal/wire"
)

var now = checktest.Start

func group(peers ...epoch.Peer) *epoch.View {
	return &epoch.View{Server: "n1", Leader: "n1", At: now, LeaderSince: now.Add(-time.Hour), Peers: peers}
}

func TestUnseen(t *testing.T) {
	for name, c := range map[string]struct {
		peer  epoch.Peer
		want  time.Duration
		known bool
	}{
		"heard a moment ago":                   {epoch.Peer{Active: 300 * time.Millisecond, Current: true}, 300 * time.Millisecond, true},
		"heard long ago":                       {epoch.Peer{Active: time.Minute}, time.Minute, true},
		"heard just now":                       {epoch.Peer{Active: 0, Current: true}, 0, true},
		"heard long ago, current":              {epoch.Peer{Active: 9 * time.Second, Current: true}, 9 * time.Second, true},
		"never, says one epoch":                {epoch.Peer{Unheard: 1}, time.Hour, false},
		"never, say two":                       {epoch.Peer{Unheard: 2}, time.Hour, true},
		"never, say three":                     {epoch.Peer{Unheard: 3}, time.Hour, true},
		"never, and lost to the leader before": {epoch.Peer{Unheard: 2, LostBefore: true, HeardAt: now.Add(-2 * time.Hour)}, 2 * time.Hour, true},
		"never since an epoch ago":             {epoch.Peer{Unheard: 2, HeardAt: now.Add(-20 * time.Second)}, 20 * time.Second, true},
	} {
		if got, known := quorum.Unseen(group(c.peer), &c.peer); got != c.want || known != c.known {
			t.Errorf("%s: got %v %v, want %v %v", name, got, known, c.want, c.known)
		}
	}
}

// look makes two epochs of the standard world, the second after a change.
func look(change func(*checktest.World)) *epoch.Epoch {
	w := checktest.Standard()
	w.Advance(5 * time.Second)
	w.Epoch()
	w.Advance(20 * time.Second)
	change(w)
	return w.Epoch()
}

func of(e *epoch.Epoch, name string) quorum.Standing {
	system := e.System("hub")
	return quorum.Of(e, system, system.Stream(epoch.StreamKey{Domain: "hub", Account: "APP", Name: name}))
}

func row(w *checktest.World, stream, server string) *checktest.Replica {
	for _, s := range w.Streams {
		if s.Name == stream {
			return s.Replica(server)
		}
	}
	return nil
}

func leader(w *checktest.World, stream, server string) {
	for _, s := range w.Streams {
		if s.Name == stream {
			s.Leader, s.LeaderSince = server, w.Now.Add(-time.Second)
		}
	}
}

func silence(w *checktest.World, names ...string) {
	for _, name := range names {
		w.Server("hub", name).Silent = true
		w.Server("hub", name).LostAt = w.Now.Add(-20 * time.Second)
	}
}

func TestOf(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*checktest.World)
		stream string
		alive  int
		size   int
		lost   []string
		leader string
		has    bool
		margin int
	}{
		"healthy": {func(w *checktest.World) {}, "ORDERS", 3, 3, nil, "n1", true, 1},
		"R2":      {func(w *checktest.World) {}, "PAIR", 2, 2, nil, "n1", true, 0},
		"R1":      {func(w *checktest.World) {}, "EVENTS", 1, 1, nil, "n2", true, 0},
		"one unseen": {func(w *checktest.World) { row(w, "ORDERS", "n3").Active = 10*time.Second + 1 },
			"ORDERS", 2, 3, []string{"n3"}, "n1", true, 0},
		"one unseen for exactly raft's limit": {func(w *checktest.World) { row(w, "ORDERS", "n3").Active = 10 * time.Second },
			"ORDERS", 3, 3, nil, "n1", true, 1},
		"one offline": {func(w *checktest.World) { row(w, "ORDERS", "n3").Offline = true },
			"ORDERS", 2, 3, []string{"n3"}, "n1", true, 0},
		"R2 with one down": {func(w *checktest.World) { row(w, "PAIR", "n2").Active = time.Minute },
			"PAIR", 1, 2, []string{"n2"}, "n1", false, -1},
		"a peer never heard, first epoch to say so": {func(w *checktest.World) {
			leader(w, "ORDERS", "n2")
			row(w, "ORDERS", "n1").Active = 0
			row(w, "ORDERS", "n1").Current = false
		},
			"ORDERS", 3, 3, nil, "n2", true, 1},
		"no leader, one silent": {func(w *checktest.World) { leader(w, "ORDERS", ""); silence(w, "n1") },
			"ORDERS", 2, 3, []string{"n1"}, "", true, 0},
		"no leader, two silent": {func(w *checktest.World) { leader(w, "ORDERS", ""); silence(w, "n1", "n2") },
			"ORDERS", 1, 3, []string{"n1", "n2"}, "", false, -1},
		"no leader, nobody silent": {func(w *checktest.World) { leader(w, "ORDERS", "") },
			"ORDERS", 3, 3, nil, "", true, 1},
		"no leader, one without JetStream": {func(w *checktest.World) { leader(w, "PAIR", ""); w.Server("hub", "n2").Disabled = true },
			"PAIR", 1, 2, []string{"n2"}, "", false, -1},
		"no connection to anybody": {func(w *checktest.World) {
			for _, s := range w.Servers {
				s.Unreachable = true
			}
		}, "ORDERS", 3, 3, nil, "", true, 1},
		"nobody asked": {func(w *checktest.World) {
			for _, s := range w.Servers {
				s.Unnamed = true
			}
		}, "ORDERS", 3, 3, nil, "", true, 1},
		"a leader beside a silent server that it hears": {func(w *checktest.World) { w.Server("hub", "n3").Silent = true },
			"ORDERS", 3, 3, nil, "n1", true, 1},
		"a place that no server fills": {func(w *checktest.World) {
			for _, s := range w.Streams {
				if s.Name == "ORDERS" {
					s.Replicas = s.Replicas[:2]
				}
			}
		}, "ORDERS", 2, 2, nil, "n1", true, 0},
		"no leader, a place that no server fills": {func(w *checktest.World) {
			leader(w, "QUIET", "")
			for _, s := range w.Streams {
				if s.Name == "QUIET" {
					s.Config.Replicas = 5
				}
			}
		}, "QUIET", 5, 5, nil, "", true, 2},
		"no leader, more members than configured": {func(w *checktest.World) {
			leader(w, "QUIET", "")
			for _, s := range w.Streams {
				if s.Name == "QUIET" {
					s.Config.Replicas = 2
				}
			}
		}, "QUIET", 3, 3, nil, "", true, 1},
		"a member of unknown name": {func(w *checktest.World) {
			r := row(w, "ORDERS", "n3")
			r.Unmet, r.Unlisted, r.Offline = true, true, true
		},
			"ORDERS", 2, 3, []string{"Server name unknown at this time (peerID: n3)"}, "n1", true, 0},
	} {
		s := of(look(c.change), c.stream)
		if s.Alive != c.alive || s.Size != c.size || !slices.Equal(s.Lost, c.lost) || s.Leader != c.leader || s.Has() != c.has || s.Margin() != c.margin {
			t.Errorf("%s: got %+v, has %v, margin %d", name, s, s.Has(), s.Margin())
		}
	}
}

// A server that lists the stream and is no member of the leader's group, as for
// a while after a move, does not count.
func TestOfListerThatIsNoMember(t *testing.T) {
	b := epoch.NewBuilder(nil, now)
	system := b.System("hub")
	account := &wire.AccountDetail{Name: "APP", ID: "APP"}
	for _, name := range []string{"n1", "n2", "n3"} {
		server := system.Server(name)
		server.Coverage[epoch.Jsz] = epoch.Answer{Outcome: epoch.Answered, At: now}
		system.Stream(server, account, now, &wire.StreamDetail{
			Name: "MOVED", Config: &wire.StreamConfig{Replicas: 2},
			Cluster: &wire.ClusterInfo{Leader: "n1", Replicas: []wire.PeerInfo{{Name: "n2", Current: true, Active: time.Second}}},
		})
	}
	e := b.Build(now)
	s := quorum.Of(e, e.System("hub"), e.System("hub").Streams[0])
	if s.Size != 2 || s.Alive != 2 {
		t.Errorf("got %+v", s)
	}
}

// A server that froze before the audit began is known by name only.
func TestSilentByNameOnly(t *testing.T) {
	w := checktest.Standard()
	m1 := w.Server("hub", "m1")
	m1.Unnamed, m1.Silent = true, true
	if e := w.Epoch(); !quorum.Silent(e, e.System("hub").Server("m1")) {
		t.Error("it is not silent although nobody hears it")
	}
	m1.MetaActive = time.Second
	if e := w.Epoch(); quorum.Silent(e, e.System("hub").Server("m1")) {
		t.Error("it is silent although its peers hear it")
	}
}

func TestString(t *testing.T) {
	for want, s := range map[string]quorum.Standing{
		"3 of 3 members take part (2 needed): it survives 1 more failure":            {Size: 3, Needed: 2, Alive: 3},
		"5 of 5 members take part (3 needed): it survives 2 more failures":           {Size: 5, Needed: 3, Alive: 5},
		"2 of 3 members take part (2 needed): one more failure and publishing stops": {Size: 3, Needed: 2, Alive: 2},
		"1 of 3 members take part (2 needed): quorum is lost, publishing is refused": {Size: 3, Needed: 2, Alive: 1},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSilentAndPeersHear(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*checktest.Server, time.Time)
		hear   bool
		silent bool
	}{
		"healthy":                    {func(s *checktest.Server, _ time.Time) {}, true, false},
		"silent to all":              {func(s *checktest.Server, now time.Time) { s.Silent, s.LostAt = true, now.Add(-20*time.Second) }, false, true},
		"silent to the audit":        {func(s *checktest.Server, _ time.Time) { s.Silent, s.MetaActive = true, 2999*time.Millisecond }, true, false},
		"last heard three beats ago": {func(s *checktest.Server, _ time.Time) { s.Silent, s.MetaActive = true, 3*time.Second }, false, true},
		"said goodbye a second ago": {func(s *checktest.Server, now time.Time) {
			s.Silent, s.MetaActive, s.ShutdownAt = true, time.Second, now
		}, false, true},
		"not asked": {func(s *checktest.Server, now time.Time) {
			s.Unnamed, s.Silent, s.LostAt = true, true, now.Add(-time.Minute)
		}, false, false},
		"no connection":              {func(s *checktest.Server, now time.Time) { s.Unreachable, s.LostAt = true, now.Add(-time.Minute) }, false, false},
		"deaf to its peers, answers": {func(s *checktest.Server, now time.Time) { s.LostAt = now.Add(-time.Minute) }, false, false},
	} {
		e := look(func(w *checktest.World) { c.change(w.Server("hub", "m1"), w.Now) })
		server := e.System("hub").Server("m1")
		if hear, silent := quorum.PeersHear(e, server), quorum.Silent(e, server); hear != c.hear || silent != c.silent {
			t.Errorf("%s: peers hear %v, silent %v", name, hear, silent)
		}
	}
}
