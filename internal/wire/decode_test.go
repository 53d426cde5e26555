package wire

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
)

// jszBody is a JSZ reply as a clustered server sends it: streams of three replicas with config and one consumer.
func jszBody(tb testing.TB, streams int) []byte {
	tb.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	cluster := func(group string) *server.ClusterInfo {
		return &server.ClusterInfo{
			Name: "C1", RaftGroup: group, Leader: "n1", LeaderSince: &now, TrafficAcc: "$SYS",
			Replicas: []*server.PeerInfo{
				{Name: "n2", Current: true, Active: 512345678, Peer: "S1Nunr6R"},
				{Name: "n3", Current: true, Active: 412345678, Peer: "yrzKKRBu"},
			},
		}
	}
	detail := &server.AccountDetail{Name: "APP", Id: "APP"}
	for i := range streams {
		name := fmt.Sprintf("ORDERS-%d", i)
		detail.Streams = append(detail.Streams, server.StreamDetail{
			Name: name, Created: now, Cluster: cluster(fmt.Sprintf("S-R3F-%08d", i)),
			Config: &server.StreamConfig{
				Name: name, Subjects: []string{name + ".>"}, MaxMsgs: -1, MaxBytes: -1, MaxAge: time.Hour, MaxMsgsPer: -1,
				MaxMsgSize: -1, MaxConsumers: -1, Storage: server.FileStorage, Replicas: 3, Duplicates: 2 * time.Minute,
				Metadata: map[string]string{"_nats.level": "2", "_nats.req.level": "0", "_nats.ver": "2.15.2"},
			},
			State: server.StreamState{Msgs: 1000, Bytes: 123456, FirstSeq: 1, FirstTime: now, LastSeq: 1000, LastTime: now,
				NumSubjects: 12, Consumers: 1},
			Consumer: []*server.ConsumerInfo{{
				Stream: name, Name: "worker", Created: now, Cluster: cluster(fmt.Sprintf("C-R3F-%08d", i)),
				Config: &server.ConsumerConfig{
					Durable: "worker", Name: "worker", AckPolicy: server.AckExplicit, AckWait: 30 * time.Second, MaxDeliver: -1,
					MaxWaiting: 512, MaxAckPending: 1000, Metadata: map[string]string{"_nats.level": "2", "_nats.ver": "2.15.2"},
				},
				Delivered: server.SequenceInfo{Consumer: 10, Stream: 10, Last: &now},
				AckFloor:  server.SequenceInfo{Consumer: 10, Stream: 10, Last: &now}, NumPending: 990, TimeStamp: now,
			}},
		})
	}
	body, err := json.Marshal(server.ServerAPIResponse{
		Server: &server.ServerInfo{Name: "n1", ID: "N1", Cluster: "C1", Version: "2.15.2", Time: now},
		Data:   &server.JSInfo{ID: "N1", Now: now, Streams: streams, AccountDetails: []*server.AccountDetail{detail}, Total: 1},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func compress(tb testing.TB, body []byte, encoding string) []byte {
	tb.Helper()
	var (
		buf bytes.Buffer
		w   io.WriteCloser
	)
	switch encoding {
	case "snappy":
		w = s2.NewWriter(&buf, s2.WriterSnappyCompat()) // as the server does
	case "s2":
		w = s2.NewWriter(&buf)
	case "gzip":
		w = gzip.NewWriter(&buf)
	default:
		return body
	}
	if _, err := w.Write(body); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

func TestDecodeEncodings(t *testing.T) {
	body := jszBody(t, 50)
	for _, encoding := range []string{"", "identity", "snappy", "S2 ", "s2", "gzip"} {
		sent := compress(t, body, strings.ToLower(strings.TrimSpace(encoding)))
		reply, err := Decode[JSZ](sent, encoding)
		if err != nil {
			t.Fatalf("%q: %v", encoding, err)
		}
		streams := reply.Data.AccountDetails[0].Streams
		if len(streams) != 50 || streams[49].Config.Storage != "file" || reply.Size != len(body) {
			t.Errorf("%q: %d streams of %d bytes", encoding, len(streams), reply.Size)
		}
	}
}

// TestDecodeKeepsNothing shows that the result survives the reuse of the body and of the pooled buffer.
func TestDecodeKeepsNothing(t *testing.T) {
	body := jszBody(t, 5)
	sent := bytes.Clone(body)
	plain, err := Decode[JSZ](sent, "")
	if err != nil {
		t.Fatal(err)
	}
	clear(sent)
	squeezed := compress(t, body, "snappy")
	packed, err := Decode[JSZ](squeezed, "snappy")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, encoding := range []string{"snappy", "gzip"} {
				if _, err := Decode[JSZ](compress(t, jszBody(t, 7), encoding), encoding); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, reply := range []Reply[JSZ]{plain, packed} {
		if s := reply.Data.AccountDetails[0].Streams[4]; s.Name != "ORDERS-4" || s.Cluster.Replicas[1].Name != "n3" {
			t.Errorf("changed afterwards: %+v", s)
		}
	}
}

func TestDecodeAPIError(t *testing.T) {
	for body, want := range map[string]APIError{
		`{"server":{"name":"n1"},"error":{"code":503,"err_code":10039,"description":"no"}}`: {503, 10039, "no"},
		`{"server":{"name":"n1"},"data":null,"error":{"code":400,"description":"bad"}}`:     {400, 0, "bad"},
		`{"server":{"name":"n1"},"error":"in words"}`:                                       {0, 0, `"in words"`},
	} {
		reply, err := Decode[JSZ]([]byte(body), "")
		var api *APIError
		if !errors.As(err, &api) || *api != want {
			t.Errorf("%s: %v", body, err)
		}
		if reply.Server == nil || reply.Server.Name != "n1" || reply.Data != nil {
			t.Errorf("%s: %+v", body, reply)
		}
	}
}

func TestDecodeBroken(t *testing.T) {
	body := jszBody(t, 50)
	snappy, zipped := compress(t, body, "snappy"), compress(t, body, "gzip")
	cases := []struct {
		name, encoding string
		body           []byte
		limit          int
		want           error
		server         bool // the server is known all the same
	}{
		{"empty", "", nil, 1 << 20, ErrMalformed, false},
		{"array", "", []byte(`[1]`), 1 << 20, ErrMalformed, false},
		{"string", "", []byte(`"x"`), 1 << 20, ErrMalformed, false},
		{"null", "", []byte(`null`), 1 << 20, ErrNoData, false},
		{"no data", "", []byte(`{"server":{"name":"n1"}}`), 1 << 20, ErrNoData, true},
		{"data of another kind", "", []byte(`{"server":{"name":"n1"},"data":[]}`), 1 << 20, ErrNoData, true},
		{"cut off", "", body[:len(body)/2], 1 << 20, ErrMalformed, true},
		{"trailing", "", append(bytes.Clone(body), 'x'), 1 << 20, ErrMalformed, true},
		{"deep", "", bytes.Repeat([]byte(`[`), 20000), 1 << 20, ErrMalformed, false},
		{"unknown encoding", "br", body, 1 << 20, ErrEncoding, false},
		{"not snappy", "snappy", body, 1 << 20, ErrEncoding, false},
		{"not gzip", "gzip", body, 1 << 20, ErrEncoding, false},
		{"snappy cut off", "snappy", snappy[:len(snappy)/2], 1 << 20, ErrEncoding, false},
		{"gzip cut off", "gzip", zipped[:len(zipped)/2], 1 << 20, ErrEncoding, true},
		{"bomb plain", "", body, 1000, ErrTooLarge, true},
		{"bomb snappy", "snappy", snappy, 1000, ErrTooLarge, true},
		{"bomb gzip", "gzip", zipped, 1000, ErrTooLarge, true},
		{"exactly the limit", "snappy", snappy, len(body), nil, true},
		{"one byte over the limit", "snappy", snappy, len(body) - 1, ErrTooLarge, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply, err := DecodeLimit[JSZ](c.body, c.encoding, c.limit)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if (reply.Server != nil) != c.server {
				t.Errorf("server %+v", reply.Server)
			}
		})
	}
}

// TestSalvage breaks one thing at a time and expects nothing else to be lost.
func TestSalvage(t *testing.T) {
	body := string(jszBody(t, 3))
	nth := func(old, new string, n int) string { // replaces the n-th occurrence
		at := 0
		for range n {
			at += strings.Index(body[at:], old) + 1
		}
		return body[:at-1] + new + body[at-1+len(old):]
	}
	cases := []struct {
		name, body         string
		path, names        string
		streams, consumers int
	}{
		{"state", nth(`"messages":1000`, `"messages":"many"`, 2), "data.account_details[0].stream_detail[1].state.messages", "APP ORDERS-1", 2, 2},
		{"negative", nth(`"bytes":123456`, `"bytes":-1`, 2), "data.account_details[0].stream_detail[1].state.bytes", "APP ORDERS-1", 2, 2},
		{"time", nth(`"created":"2026-01-02T03:04:05.678901234Z"`, `"created":"yesterday"`, 3), "data.account_details[0].stream_detail[1].created", "APP ORDERS-1", 2, 2},
		{"element", nth(`{"name":"ORDERS-1","created"`, `17,{"name":"ORDERS-1","created"`, 1), "data.account_details[0].stream_detail[1]", "APP ", 3, 3},
		{"consumer", nth(`"num_pending":990`, `"num_pending":{}`, 2), "data.account_details[0].stream_detail[1].consumer_detail[0].num_pending", "APP ORDERS-1 worker", 3, 2},
		{"replica of a stream", nth(`"active":512345678`, `"active":"1s"`, 3), "data.account_details[0].stream_detail[1].cluster.replicas", "APP ORDERS-1", 2, 2},
		{"account's own field", nth(`"ha_assets":0`, `"ha_assets":"0"`, 2), "data.account_details[0].ha_assets", "APP", 3, 3},
		{"unknown field", strings.Replace(body, `"data":{`, `"data":{"brand_new":[{"a":1}],`, 1), "", "", 3, 3},
		{"server", nth(`"jetstream":false`, `"jetstream":"yes"`, 1), "server.jetstream", "", 3, 3},
		{"total", nth(`"total":1}`, `"total":"1"}`, 1), "data.total", "", 3, 3},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply, err := Decode[JSZ]([]byte(c.body), "")
			if err != nil {
				t.Fatal(err)
			}
			if reply.Server.Name != "n1" {
				t.Errorf("server %+v", reply.Server)
			}
			if c.path == "" {
				if reply.LostCount != 0 {
					t.Errorf("lost %v", reply.Lost)
				}
			} else if reply.LostCount != 1 || len(reply.Lost) != 1 || reply.Lost[0].Path != c.path || strings.Join(reply.Lost[0].Names, " ") != c.names {
				t.Errorf("lost %d: %q", reply.LostCount, reply.Lost)
			}
			streams := reply.Data.AccountDetails[0].Streams
			consumers := 0
			for _, s := range streams {
				consumers += len(s.Consumers)
				if s.State.Msgs != 1000 || s.Cluster.Leader != "n1" || s.Config.Replicas != 3 {
					t.Errorf("damaged: %+v", s)
				}
			}
			if len(streams) != c.streams || consumers != c.consumers {
				t.Errorf("%d streams, %d consumers", len(streams), consumers)
			}
		})
	}
}

// TestSalvageBounded loses everything and expects a bounded list and a true count.
func TestSalvageBounded(t *testing.T) {
	body := bytes.ReplaceAll(jszBody(t, MaxLost+50), []byte(`"first_seq":1,`), []byte(`"first_seq":"1","last_seq":"1",`))
	reply, err := Decode[JSZ](body, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(reply.Lost) != MaxLost || reply.LostCount != MaxLost+50 || len(reply.Data.AccountDetails[0].Streams) != 0 {
		t.Errorf("%d entries, %d lost", len(reply.Lost), reply.LostCount)
	}
}

func TestSalvageGateways(t *testing.T) {
	reply, err := Decode[GATEWAYZ]([]byte(`{"data":{"name":"A",
		"outbound_gateways":{"B":{"configured":true},"C":{"configured":"yes"}},
		"inbound_gateways":{"B":[{"connection":{"cid":"x"}},{"connection":{"cid":7}}],"D":4}}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	g := reply.Data
	if reply.LostCount != 3 || len(g.Outbound) != 1 || len(g.Inbound["B"]) != 1 || g.Inbound["B"][0].Connection.CID != 7 {
		t.Errorf("lost %q of %+v", reply.Lost, g)
	}
}

// TestOldServer reads a reply of the shape of 2.10: what it lacks is nil, not zero.
func TestOldServer(t *testing.T) {
	reply, err := Decode[VARZ]([]byte(`{"server":{"name":"n1","ver":"2.10.29"},"data":{"server_name":"n1","slow_consumers":0,"slow_consumer_stats":{"clients":0}}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	if v := reply.Data; v.StaleConnections != nil || v.StalledClients != nil || v.TLSCertNotAfter != nil || v.DiskIOWait != nil || v.SlowConsumerStats == nil {
		t.Errorf("%+v", v)
	}
	jsz, err := Decode[JSZ]([]byte(`{"data":{"account_details":[{"name":"A","reserved_storage":18446744073709551615,"stream_detail":[{"name":"S","cluster":{"leader":"n1"},"config":{"storage":"holographic"}}]}]}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	if s := jsz.Data.AccountDetails[0].Streams[0]; s.Mirror != nil || s.Cluster.LeaderSince != nil || s.Config.Storage != "holographic" || jsz.Data.Total != nil || jsz.Data.Meta != nil {
		t.Errorf("%+v", s)
	}
}

func TestEvents(t *testing.T) {
	beat, err := Decode[STATSZ]([]byte(`{"server":{"id":"N1","seq":7},"statsz":{"mem":5,"jetstream":{"stats":{"memory":3}}}}`), "")
	if err != nil || beat.Data.Mem != 5 || beat.Data.JetStream.Stats.Memory != 3 || beat.Server.Seq != 7 {
		t.Errorf("%v %+v", err, beat)
	}
	down, err := DecodeEvent[ServerInfo]([]byte(`{"name":"n1","id":"N1","ver":"2.15.2"}`))
	if err != nil || down.Data.Name != "n1" {
		t.Errorf("%v %+v", err, down)
	}
	adv, err := DecodeEvent[Advisory]([]byte(`{"type":"` + TypeStreamQuorumLost + `","timestamp":"soon","account":"APP","stream":"S","replicas":[{"name":"n2"}]}`))
	if err != nil || adv.Data.Account != "APP" || len(adv.Data.Replicas) != 1 || adv.LostCount != 1 {
		t.Errorf("%v %+v", err, adv)
	}
	for _, body := range []string{"", "[]", "{"} {
		if _, err := DecodeEvent[Advisory]([]byte(body)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", body, err)
		}
	}
	for typ, want := range map[string]string{
		TypeDomainLeaderElected: server.JSDomainLeaderElectedAdvisoryType, TypeStreamLeaderElected: server.JSStreamLeaderElectedAdvisoryType,
		TypeStreamQuorumLost: server.JSStreamQuorumLostAdvisoryType, TypeConsumerLeaderElected: server.JSConsumerLeaderElectedAdvisoryType,
		TypeConsumerQuorumLost: server.JSConsumerQuorumLostAdvisoryType,
	} {
		if typ != want {
			t.Errorf("%s, the server says %s", typ, want)
		}
	}
}

func TestDurationText(t *testing.T) {
	if d, ok := DurationText("1.5ms").Duration(); !ok || d != 1500*time.Microsecond {
		t.Errorf("%v %v", d, ok)
	}
	for _, text := range []DurationText{"", "1d2h", "x"} {
		if d, ok := text.Duration(); ok {
			t.Errorf("%q: %v", text, d)
		}
	}
}

// FuzzDecode looks for panics and for a result that contradicts itself.
func FuzzDecode(f *testing.F) {
	body := jszBody(f, 2)
	for _, encoding := range []string{"", "snappy", "gzip"} {
		f.Add(compress(f, body, encoding), encoding)
	}
	f.Add([]byte(`{"server":{"name":"n1"},"error":{"code":503}}`), "")
	f.Add(bytes.Replace(body, []byte(`"messages":1000`), []byte(`"messages":"x"`), 1), "")
	f.Add([]byte(`{"statsz":{"routes":[{"rid":-1}]},"data":{"inbound_gateways":{"B":[{"connection":[]}]},"errors":[{"type":3}]}}`), "")
	f.Add([]byte(`{"data":{"mqtt":4,"meta_cluster":{"replicas":[7]},"account_details":{"a":1}}}`), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		decodeOne[JSZ](t, body, encoding)
		decodeOne[VARZ](t, body, encoding)
		decodeOne[STATSZ](t, body, encoding)
		decodeOne[HEALTHZ](t, body, encoding)
		decodeOne[GATEWAYZ](t, body, encoding)
		if reply, err := DecodeEvent[Advisory](body); (err == nil) != (reply.Data != nil) {
			t.Errorf("event: %v with %v", err, reply.Data)
		}
	})
}

func decodeOne[T any](t *testing.T, body []byte, encoding string) {
	const limit = 1 << 16
	reply, err := DecodeLimit[T](body, encoding, limit)
	if err == nil && reply.Data == nil {
		t.Error("neither data nor error")
	}
	if len(reply.Lost) > MaxLost || len(reply.Lost) > reply.LostCount || reply.Size > limit {
		t.Errorf("%d entries for %d lost of %d bytes", len(reply.Lost), reply.LostCount, reply.Size)
	}
}

// BenchmarkDecodeJSZ decodes 10 000 streams of three replicas with one consumer each.
func BenchmarkDecodeJSZ(b *testing.B) {
	const streams = 10_000
	body := jszBody(b, streams)
	broken := bytes.Replace(body, []byte(`"messages":1000`), []byte(`"messages":"x"`), 1)
	for _, c := range []struct {
		name, encoding string
		body           []byte
	}{{"plain", "", body}, {"snappy", "snappy", body}, {"gzip", "gzip", body}, {"salvage", "", broken}} {
		b.Run(c.name, func(b *testing.B) {
			sent := compress(b, c.body, c.encoding)
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			allocs, size := memory()
			b.ResetTimer()
			for b.Loop() {
				if reply, err := Decode[JSZ](sent, c.encoding); err != nil || len(reply.Data.AccountDetails[0].Streams) < streams-1 {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			allocsAfter, sizeAfter := memory()
			n := float64(b.N) * streams
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/stream")
			b.ReportMetric(float64(sizeAfter-size)/n, "B/stream")
			b.ReportMetric(float64(allocsAfter-allocs)/n, "allocs/stream")
		})
	}
}
