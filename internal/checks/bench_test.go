package checks_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checks"
	"rollcall/internal/epoch"
	"rollcall/internal/ledger"
	"rollcall/internal/wire"
)

var start = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// large builds an epoch of a healthy system of three servers: streams with
// three replicas in ten accounts, every twentieth a mirror of the one before,
// every second with monitor metadata, and three consumers on each.
func large(prev *epoch.Epoch, at time.Time, streams int) *epoch.Epoch {
	b := epoch.NewBuilder(prev, at)
	s := b.System("large")
	names := []string{"n1", "n2", "n3"}
	for _, name := range names {
		server := s.Server(name)
		server.ID, server.Cluster, server.Version, server.HasJetStream, server.HeardAt = "ID"+name, "C1", "2.15.2", true, at
		for _, q := range epoch.Questions {
			server.Coverage[q] = epoch.Answer{Outcome: epoch.Answered, At: at}
		}
		server.Vars = &wire.VARZ{Start: start.Add(-time.Hour), Now: at}
		server.JetStream = &epoch.JetStream{At: at, Streams: streams}
		for i := range streams {
			detail := stream(i, at, name, names)
			s.Stream(server, &wire.AccountDetail{Name: accounts[i%len(accounts)], ID: accounts[i%len(accounts)]}, at, detail)
		}
	}
	return b.Build(at.Add(time.Second))
}

var (
	accounts = []string{"A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9"}
	watched  = map[string]string{"io.nats.monitor.peer-seen-critical": "30s", "io.nats.monitor.lag-critical": "1000"}
	config   = &wire.ConsumerConfig{AckPolicy: "explicit"}
)

func stream(i int, at time.Time, server string, names []string) *wire.StreamDetail {
	seq := uint64(1000 + at.Sub(start)/time.Second*10)
	leader, since := names[i%3], start.Add(-time.Hour)
	d := &wire.StreamDetail{
		Name: fmt.Sprintf("STREAM-%06d", i), Created: start.Add(-24 * time.Hour),
		Cluster: &wire.ClusterInfo{Leader: leader},
		State:   wire.StreamState{Msgs: seq, FirstSeq: 1, FirstTime: start.Add(-time.Hour), LastSeq: seq, LastTime: at},
	}
	for c := range 3 {
		d.Consumers = append(d.Consumers, wire.ConsumerInfo{Name: "C" + string(rune('0'+c)), Created: d.Created, Config: config, Cluster: &wire.ClusterInfo{Leader: leader}})
	}
	for _, other := range names {
		if other != server {
			d.Cluster.Replicas = append(d.Cluster.Replicas, wire.PeerInfo{Name: other, Current: true, Active: 300 * time.Millisecond})
		}
	}
	if leader != server {
		return d
	}
	d.Cluster.LeaderSince = &since
	d.Config = &wire.StreamConfig{Name: d.Name, Replicas: 3, Discard: "old"}
	if i%2 == 0 {
		d.Config.Metadata = watched
	}
	if i%20 == 10 {
		d.Config.Mirror = &wire.StreamSource{Name: fmt.Sprintf("STREAM-%06d", i-10)} // same account: ten accounts in turn
		d.Mirror = &wire.SourceInfo{Name: d.Config.Mirror.Name, Active: 300 * time.Millisecond}
	}
	return d
}

// BenchmarkEvaluate judges two consecutive epochs with all checks and steps the
// ledger. heap-MB is what both epochs, the results and the ledger keep alive.
func BenchmarkEvaluate(b *testing.B) {
	for _, streams := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("streams=%d", streams), func(b *testing.B) {
			prev := large(nil, start, streams)
			cur := large(prev, start.Add(5*time.Second), streams)
			all := checks.All()
			trail := (*epoch.Trail)(nil).Next(prev, check.Scalars(all)).Next(cur, check.Scalars(all))
			var results []check.Result
			var book *ledger.Ledger
			b.ReportAllocs()
			for b.Loop() {
				results = check.Evaluate(all, nil, epoch.Pair{Prev: prev, Cur: cur}, trail)
				book, _ = (*ledger.Ledger)(nil).Next(cur, results)
			}
			if n := len(book.Findings()); n != 0 {
				b.Fatalf("%d findings in a healthy system: %s", n, book.Findings()[0].Seen.Summary)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(streams), "ns/stream")
			var memory runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memory)
			b.ReportMetric(float64(memory.HeapAlloc)/1e6, "heap-MB")
			b.ReportMetric(float64(memory.HeapAlloc)/float64(streams), "heap-B/stream")
			slices.SortFunc(results, func(x, y check.Result) int { return int(y.Took - x.Took) })
			for _, r := range results[:3] {
				b.Logf("%s took %s", r.Check.Code, r.Took)
			}
			runtime.KeepAlive(prev)
		})
	}
}
