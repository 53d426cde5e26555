package collect

import (
	"os"
	"path/filepath"
	"testing"

	"rollcall/internal/epoch"
	"rollcall/internal/sim"
)

// TestOldVersions audits the nats-server binaries that ROLLCALL_OLD_SERVERS names
// (paths separated by colons), whole and account by account: unknown options
// and missing paging must not harm.
func TestOldVersions(t *testing.T) {
	binaries := filepath.SplitList(os.Getenv("ROLLCALL_OLD_SERVERS"))
	if len(binaries) == 0 {
		t.Skip("skipped: it needs nats-server binaries of other versions: go install github.com/nats-io/nats-server/v2@v2.10.29, then ROLLCALL_OLD_SERVERS=path/to/nats-server")
	}
	for _, binary := range binaries {
		t.Run(binary, func(t *testing.T) {
			ctx := testContext(t)
			d := start(t, ctx, sim.Layout{Clusters: []sim.Cluster{{
				Name: "C", Binary: binary, Servers: 3, Accounts: []sim.Account{{Name: "APP"}, {Name: "B"}, {Name: "D"}, {Name: "SYS"}},
			}}})
			for _, account := range []string{"APP", "B", "D"} {
				addStreams(t, ctx, d, "C", account, "S", 3, nil)
			}
			var shapes []string
			for _, bytes := range []int64{0, 1, 6 << 10} {
				c := connect(t, ctx, Options{Limits: Limits{AnswerBytes: bytes}}, System{Name: "s", Servers: d.SystemURL("C")})
				e := until(t, ctx, c, nil, func(e *epoch.Epoch) string { return wrong(e, "s", []string{"n1", "n2", "n3"}, epoch.Answered) })
				shapes = append(shapes, shape(e))
				t.Logf("%s: %d streams, %+v", e.System("s").Servers[0].Version, len(e.System("s").Streams), c.Load())
			}
			if shapes[0] != shapes[1] || shapes[0] != shapes[2] || shapes[0] == "" {
				t.Errorf("whole:\n%s\nby account:\n%s\nby page:\n%s", shapes[0], shapes[1], shapes[2])
			}
		})
	}
}
