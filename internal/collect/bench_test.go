package collect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"rollcall/internal/epoch"
	"rollcall/internal/wire"
)

// reply makes the JSZ answer of one of three servers for one account, compressed, as
// nats-server 2.15 writes it. Every stream has three replicas.
func reply(tb testing.TB, server int, id string, streams, consumers int) []byte {
	tb.Helper()
	names := []string{"n1", "n2", "n3"}
	cluster := func(group string, leader int) *wire.ClusterInfo {
		c := &wire.ClusterInfo{Name: "C1", RaftGroup: group, Leader: names[leader]}
		for i, name := range names {
			if i != leader {
				c.Replicas = append(c.Replicas, wire.PeerInfo{Name: name, Current: true, Active: 300 * time.Millisecond, Peer: "yrzKKRBu"})
			}
		}
		if leader == server {
			c.LeaderSince = &born
		}
		return c
	}
	account := wire.AccountDetail{Name: id, ID: id}
	for i := range streams {
		name := fmt.Sprintf("ORDERS_%06d", i)
		stream := wire.StreamDetail{
			Name: name, Created: born, Cluster: cluster(fmt.Sprintf("S-R3F-%08d", i), i%3),
			Config: &wire.StreamConfig{Name: name, Subjects: []string{"orders." + name + ".>"}, Retention: "limits", Discard: "old", Storage: "file",
				Replicas: 3, Compression: "none", MaxMsgs: -1, MaxBytes: -1, Duplicates: 2 * time.Minute,
				Metadata: map[string]string{"_nats.level": "4", "_nats.req.level": "0", "_nats.ver": "2.15.2", "io.nats.monitor.peer-seen-critical": "30s"}},
			State: wire.StreamState{Msgs: 1000, Bytes: 100000, FirstSeq: 1, FirstTime: born, LastSeq: 1000, LastTime: born, Consumers: consumers},
		}
		for j := range consumers {
			consumer := fmt.Sprintf("worker_%d", j)
			stream.Consumers = append(stream.Consumers, wire.ConsumerInfo{
				Stream: name, Name: consumer, Created: born, Cluster: cluster(fmt.Sprintf("C-R3F-%06d%d", i, j), i%3), TimeStamp: born,
				Delivered: wire.SequenceInfo{Consumer: 1000, Stream: 1000, Last: &born}, AckFloor: wire.SequenceInfo{Consumer: 1000, Stream: 1000, Last: &born},
				Config: &wire.ConsumerConfig{Durable: consumer, Name: consumer, DeliverPolicy: "all", AckPolicy: "explicit", AckWait: 30 * time.Second,
					MaxDeliver: -1, ReplayPolicy: "instant", MaxWaiting: 512, MaxAckPending: 1000,
					Metadata: map[string]string{"_nats.level": "4", "_nats.req.level": "0", "_nats.ver": "2.15.2"}},
			})
		}
		account.Streams = append(account.Streams, stream)
	}
	text, err := json.Marshal(map[string]any{
		"server": wire.ServerInfo{Name: names[server], ID: fmt.Sprint("ID", server), Version: "2.15.2", Cluster: "C1"},
		"data":   wire.JSZ{ID: fmt.Sprint("ID", server), Now: born, Streams: streams, Consumers: streams * consumers, AccountDetails: []wire.AccountDetail{account}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	var b bytes.Buffer
	w := s2.NewWriter(&b, s2.WriterSnappyCompat())
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// epochOf decodes the answers of servers and builds their epoch.
func epochOf(tb testing.TB, shared *symbols, servers ...[][]byte) *epoch.Epoch {
	tb.Helper()
	shared.next()
	r := &roll{system: &system{config: System{Name: "s"}, sizes: &sizes{byID: map[string]size{}}, symbols: shared}, targets: map[string]*target{}}
	for i, answers := range servers {
		t := someone(fmt.Sprint("ID", i), fmt.Sprint("n", i+1), 1, true)
		t.coverage[epoch.Jsz] = epoch.Answer{Outcome: epoch.Answered, At: born}
		l := &lister{interview: &interview{system: r.system, target: t}, seen: map[string]bool{}}
		for _, answer := range answers {
			decoded, err := wire.Decode[wire.JSZ](answer, "snappy")
			if err != nil {
				tb.Fatal(err)
			}
			t.info = *decoded.Server
			l.found.summary = decoded.Data
			l.keep(decoded.Data)
		}
		t.listing = &l.found
		r.targets[t.id] = t
	}
	return build(nil, born, born.Add(time.Second), []*roll{r})
}

// BenchmarkDecodeAndBuild is one server with 10 000 streams of one consumer.
func BenchmarkDecodeAndBuild(b *testing.B) {
	const streams = 10_000
	answer, shared := reply(b, 0, "APP", streams, 1), newSymbols()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		epochOf(b, shared, [][]byte{answer})
	}
	runtime.ReadMemStats(&after)
	per := float64(b.N) * streams
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/per, "ns/stream")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/per, "B/stream")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/per, "allocs/stream")
}

// BenchmarkEpochMemory measures what an epoch keeps: three servers that each
// list all streams, with three consumers each, in ten accounts.
func BenchmarkEpochMemory(b *testing.B) {
	const accounts, consumers = 10, 3
	for _, streams := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			servers := make([][][]byte, 3)
			for i := range servers {
				for j := range accounts {
					servers[i] = append(servers[i], reply(b, i, fmt.Sprint("APP", j), streams/accounts, consumers))
				}
			}
			var before, built, after runtime.MemStats
			var shared *symbols
			var e *epoch.Epoch
			for b.Loop() {
				e, shared = nil, newSymbols()
				runtime.GC()
				runtime.ReadMemStats(&before)
				e = epochOf(b, shared, servers...)
				runtime.ReadMemStats(&built)
				runtime.GC()
				runtime.ReadMemStats(&after)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
			b.ReportMetric(float64(built.HeapSys)/1e6, "MB-heap")
			runtime.KeepAlive(e)
			runtime.KeepAlive(shared)
		})
	}
}
