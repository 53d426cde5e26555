package epoch_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/internal/checktest"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

func stream(t *testing.T, e *epoch.Epoch, ref string) *epoch.Stream {
	t.Helper()
	r, err := entity.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	s := e.Find(r)
	if s == nil {
		t.Fatalf("the epoch has no %s", ref)
	}
	return s
}

func world(w *checktest.World, ref string) *checktest.Stream {
	r, err := entity.Parse(ref)
	if err != nil {
		panic(err)
	}
	return w.Stream(r)
}

func TestEncodeKeepsEverything(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	w.Advance(5 * time.Second)
	e := w.Epoch()
	var encoded bytes.Buffer
	if err := epoch.Encode(&encoded, e); err != nil {
		t.Fatal(err)
	}
	decoded, err := epoch.Decode(&encoded)
	if err != nil {
		t.Fatal(err)
	}
	if decoded.Hash() != e.Hash() {
		t.Error("decoding gives another epoch")
	}
	if got := stream(t, decoded, "stream:hub=hub/APP/ORDERS").Led(); got == nil || got.Server != "n1" {
		t.Errorf("the decoded epoch does not know the leader: %+v", got)
	}
	if !decoded.Has(entity.OfServer("hub", "n2")) {
		t.Error("the decoded epoch does not know its servers")
	}
}

func TestDecodeRefusesOtherForms(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "another version": "rollcall.epoch/v9\n{}", "cut off": "rollcall.epoch/v1\n\xff\x06\x00",
	} {
		if _, err := epoch.Decode(strings.NewReader(text)); err == nil {
			t.Errorf("%s was decoded", name)
		}
	}
}

func TestSilentServerIsRemembered(t *testing.T) {
	w := checktest.Standard()
	first := w.Epoch()
	w.Server("hub", "n2").Silent = true
	for range 5 {
		w.Advance(time.Minute)
		w.Epoch()
	}
	w.Advance(time.Minute)
	e := w.Epoch()
	n2 := e.System("hub").Server("n2")
	if n2 == nil || n2.Heard(e) || !n2.HeardAt.Equal(first.FinishedAt) || n2.Vars != nil {
		t.Fatalf("the silent server is not as remembered: %+v", n2)
	}
	events := stream(t, e, "stream:hub=hub/APP/EVENTS") // its only replica is on n2
	if len(events.Views) != 0 || events.MissedEpochs != 6 || events.Known() == nil || events.Config == nil {
		t.Errorf("the unobservable stream is not as remembered: %+v", events)
	}
}

func TestDeletedStreamIsGoneAfterTwoCompleteAnswers(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	world(w, "stream:hub/APP/EVENTS").Deleted = true
	ref := entity.OfStream("hub", "hub", "APP", "EVENTS")
	w.Advance(5 * time.Second)
	if !w.Epoch().Has(ref) {
		t.Error("gone after one answer without it")
	}
	w.Advance(5 * time.Second)
	if w.Epoch().Has(ref) {
		t.Error("still known after two answers without it")
	}
}

func TestRecoveringServerHasNoAuthority(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	world(w, "stream:hub/APP/EVENTS").Deleted = true
	n2 := w.Server("hub", "n2")
	n2.ID, n2.Vars.Start = "NEW", w.Now.Add(time.Second)
	ref := entity.OfStream("hub", "hub", "APP", "EVENTS")
	for range 3 {
		w.Advance(5 * time.Second)
		if !w.Epoch().Has(ref) {
			t.Fatal("a server that started 16 s ago had a stream declared deleted")
		}
	}
	w.Advance(time.Minute)
	w.Epoch()
	if w.Advance(time.Second); w.Epoch().Has(ref) {
		t.Error("a recovered server that does not list the stream is not believed")
	}
}

func TestServerWithoutJetStreamHasNoAuthority(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	w.Server("hub", "n2").Disabled = true
	for range 4 {
		w.Advance(5 * time.Second)
		w.Epoch()
	}
	w.Advance(5 * time.Second)
	if !w.Epoch().Has(entity.OfStream("hub", "hub", "APP", "EVENTS")) {
		t.Error("streams of a server whose JetStream is off were declared deleted")
	}
}

func TestRemovedMemberIsForgotten(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	n3 := w.Server("hub", "n3")
	n3.Silent = true
	w.Advance(5 * time.Second)
	if w.Epoch().System("hub").Server("n3") == nil {
		t.Fatal("a silent member of the meta group was forgotten")
	}
	n3.Removed = true
	for _, s := range w.Servers {
		s.NoRouteTo = []string{"n3"}
	}
	for _, s := range w.Streams {
		s.Replicas = slices.DeleteFunc(s.Replicas, func(r *checktest.Replica) bool { return r.Server == "n3" })
	}
	w.Advance(5 * time.Second)
	if w.Epoch().System("hub").Server("n3") != nil {
		t.Error("a silent server that the meta group removed is still known")
	}
}

func TestPeerOfNewLeaderIsCountedFromWhenItWasSeen(t *testing.T) {
	w := checktest.Standard()
	first := w.Epoch()
	orders := world(w, "stream:hub/APP/ORDERS")
	// n1, the leader, hangs; n2 takes over and never hears from it.
	w.Server("hub", "n1").Silent = true
	w.Advance(10 * time.Second)
	orders.Leader, orders.LeaderSince = "n2", w.Now
	orders.Replica("n1").Active, orders.Replica("n1").Current = 0, false
	for i := range 3 {
		e := w.Epoch()
		peer := stream(t, e, "stream:hub=hub/APP/ORDERS").Led().Peer("n1")
		if !peer.HeardAt.Equal(first.FinishedAt) {
			t.Errorf("heard at %v, want the last answer as leader at %v", peer.HeardAt, first.FinishedAt)
		}
		if peer.Unheard != i+1 {
			t.Errorf("unheard for %d epochs, want %d", peer.Unheard, i+1)
		}
		w.Advance(5 * time.Second)
	}
}

func TestLaterLeaderWins(t *testing.T) {
	w := checktest.Standard()
	orders := world(w, "stream:hub/APP/ORDERS")
	orders.Replica("n2").Says = "n2" // claims to lead, as a leader that was frozen does for a moment
	e := w.Look(nil, checktest.View{})
	led := stream(t, e, "stream:hub=hub/APP/ORDERS").Led()
	if led == nil {
		t.Fatal("two claims make none")
	}
	// Both claims carry the same time in this world: the choice must still be
	// the same each time.
	for range 3 {
		if again := stream(t, w.Look(nil, checktest.View{Shuffle: true}), "stream:hub=hub/APP/ORDERS").Led(); again.Server != led.Server {
			t.Errorf("once %s leads, once %s", led.Server, again.Server)
		}
	}
}

func TestLeaderSinceOfOldServersIsRemembered(t *testing.T) {
	w := checktest.Standard()
	orders := world(w, "stream:hub/APP/ORDERS")
	orders.LeaderSince = time.Time{} // 2.10 does not tell
	first := w.Epoch()
	w.Advance(5 * time.Second)
	if got := stream(t, w.Epoch(), "stream:hub=hub/APP/ORDERS").Led().LeaderSince; !got.Equal(first.FinishedAt) {
		t.Errorf("leader since %v, want since it was first seen, %v", got, first.FinishedAt)
	}
}

func TestUpstreams(t *testing.T) {
	copyRef := "mirror:edge/APP/COPY"
	for name, tc := range map[string]struct {
		change func(w *checktest.World)
		proof  epoch.Proof
		stream string
		miss   string
	}{
		"internal consumer": {func(*checktest.World) {}, epoch.ByConsumer, "stream:hub=hub/APP/ORDERS", ""},
		"identical messages": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
		}, epoch.ByMessages, "stream:hub=hub/APP/ORDERS", ""},
		"domain and one stream of that name": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
			world(w, copyRef).State = wire.StreamState{}
		}, epoch.ByUniqueName, "stream:hub=hub/APP/ORDERS", ""},
		"domain and account among several": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
			world(w, copyRef).State = wire.StreamState{}
			twin(w, "OTHER")
		}, epoch.ByPath, "stream:hub=hub/APP/ORDERS", ""},
		"several accounts, none of the mirror's": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
			world(w, copyRef).State = wire.StreamState{}
			twin(w, "OTHER")
			world(w, copyRef).Account = "EDGE"
		}, "", "", "2 accounts have a stream ORDERS"},
		"unknown domain": {func(w *checktest.World) {
			world(w, copyRef).Config.Mirror.External.APIPrefix = "$JS.mars.API"
		}, "", "", "no audited system has the JetStream domain mars"},
		"no such stream": {func(w *checktest.World) {
			world(w, copyRef).Config.Mirror.Name = "NOPE"
		}, "", "", "no stream NOPE is known in the domain hub"},
		"account import, proven by messages": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
			world(w, copyRef).Config.Mirror.External.APIPrefix = "from.orders.api"
		}, epoch.ByMessages, "stream:hub=hub/APP/ORDERS", ""},
		"account import, nothing proven: the name is not enough": {func(w *checktest.World) {
			world(w, "stream:hub/APP/ORDERS").Direct = nil
			world(w, copyRef).Config.Mirror.External.APIPrefix = "from.orders.api"
			world(w, copyRef).State = wire.StreamState{}
		}, "", "", "the API prefix from.orders.api is an account import"},
	} {
		t.Run(name, func(t *testing.T) {
			w := checktest.Standard()
			tc.change(w)
			e := w.Epoch()
			var mirror *epoch.Stream
			for _, s := range e.System("edge").Streams {
				if s.Name == "COPY" {
					mirror = s
				}
			}
			u := mirror.Upstreams[0]
			if u.Proof != tc.proof || !strings.Contains(u.Missing, tc.miss) {
				t.Fatalf("got %+v, want proof %q, missing %q", u, tc.proof, tc.miss)
			}
			if tc.stream != "" && e.Origin(u) != stream(t, e, tc.stream) {
				t.Errorf("resolved to %v", u.Stream)
			}
		})
	}
}

// twin adds a stream ORDERS of another account, with messages of its own.
func twin(w *checktest.World, account string) {
	orders := *world(w, "stream:hub/APP/ORDERS")
	orders.Account = account
	orders.Direct = nil
	orders.State.FirstTime = orders.State.FirstTime.Add(time.Second)
	orders.State.LastTime = orders.State.LastTime.Add(-time.Second)
	w.Streams = append(w.Streams, &orders)
}

func TestUpstreamIsRememberedWhenAllProofIsGone(t *testing.T) {
	w := checktest.Standard()
	w.Epoch()
	orders, mirror := world(w, "stream:hub/APP/ORDERS"), world(w, "mirror:edge/APP/COPY")
	orders.Direct = nil
	orders.State.FirstSeq, orders.State.FirstTime = 100, w.Now.Add(-time.Hour)
	mirror.Rate = 0
	mirror.Config.Mirror.External.APIPrefix = "$JS.hub.API"
	twin(w, "APP2")
	w.Advance(5 * time.Second)
	u := stream(t, w.Epoch(), "stream:edge=edge/APP/COPY").Upstreams[0]
	if u.Proof != epoch.ByMemory || u.Stream.Account != "APP" {
		t.Errorf("got %+v", u)
	}
}

func TestTrailIsBoundedAndImmutable(t *testing.T) {
	ref := entity.OfServer("hub", "n1")
	scalar := &epoch.Scalar{Name: "n", Window: 20 * time.Second, Read: func(e *epoch.Epoch, keep func(entity.Ref, time.Time, float64)) {
		keep(ref, e.FinishedAt, float64(e.ID))
		keep(entity.OfServer("hub", "stranger"), e.FinishedAt, 1)
	}}
	w := checktest.Standard()
	var trail, third *epoch.Trail
	for i := range 10 {
		trail = trail.Next(w.Epoch(), []*epoch.Scalar{scalar})
		if i == 2 {
			third = trail
		}
		w.Advance(5 * time.Second)
	}
	if got := len(trail.Points(scalar, ref)); got != 5 {
		t.Errorf("%d points within 20 s at 5 s, want 5", got)
	}
	if got := third.Points(scalar, ref); len(got) != 3 || got[2].Value != 3 {
		t.Errorf("a later epoch changed an earlier trail: %v", got)
	}
	if got := trail.Points(scalar, entity.OfServer("hub", "stranger")); len(got) != 0 {
		t.Errorf("entities that no epoch knows are kept: %v", got)
	}
}

func TestRateIsUnknownAcrossAReset(t *testing.T) {
	if perSecond, ok := epoch.Rate(100, 200, 10*time.Second); !ok || perSecond != 10 {
		t.Errorf("got %v %v", perSecond, ok)
	}
	if _, ok := epoch.Rate(200, 100, 10*time.Second); ok {
		t.Error("a counter that fell has a rate")
	}
	if _, ok := epoch.Rate(100, 200, 0); ok {
		t.Error("no time, and a rate")
	}
}

// listing is what one server says of a stream, added to a builder.
func listing(s *epoch.SystemBuilder, name string, start, at time.Time, cluster *wire.ClusterInfo) {
	server := s.Server(name)
	server.ID, server.HeardAt = "ID"+name, at
	server.Coverage[epoch.Jsz] = epoch.Answer{Outcome: epoch.Answered, At: at}
	server.Vars, server.JetStream = &wire.VARZ{Start: start}, &epoch.JetStream{At: at}
	config := &wire.StreamConfig{Name: "ORDERS", Replicas: 1}
	if cluster != nil {
		config.Replicas = 3
	}
	s.Stream(server, &wire.AccountDetail{Name: "APP", ID: "APP"}, at, &wire.StreamDetail{
		Name: "ORDERS", Created: checktest.Start.Add(-2 * time.Hour), Cluster: cluster, Config: config,
	})
}

func TestRecoveringServerDoesNotLead(t *testing.T) {
	now := checktest.Start
	b := epoch.NewBuilder(nil, now)
	s := b.System("hub")
	since := now.Add(-time.Hour)
	peers := []wire.PeerInfo{{Name: "n2", Current: true}, {Name: "n3", Current: true}}
	listing(s, "n1", now.Add(-time.Hour), now, &wire.ClusterInfo{Leader: "n1", LeaderSince: &since, Replicas: peers})
	listing(s, "n2", now.Add(-time.Second), now, &wire.ClusterInfo{Leader: "n2"}) // raft is not up yet
	led := stream(t, b.Build(now), "stream:hub/APP/ORDERS").Led()
	if led == nil || led.Server != "n1" {
		t.Errorf("%+v leads", led)
	}
}

func TestLeadershipOutsideAClusterBeginsWithTheStart(t *testing.T) {
	now := checktest.Start
	var prev *epoch.Epoch
	for i, start := range []time.Time{now.Add(-time.Hour), now.Add(-time.Hour), now.Add(9 * time.Second)} {
		at := now.Add(time.Duration(i) * 5 * time.Second)
		b := epoch.NewBuilder(prev, at)
		listing(b.System("edge"), "e1", start, at, nil)
		prev = b.Build(at)
	}
	if got := stream(t, prev, "stream:edge/APP/ORDERS").Led().LeaderSince; !got.Equal(now.Add(9 * time.Second)) {
		t.Errorf("it leads since %v, want since its restart", got)
	}
}
