package scenarios

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"rollcall/internal/sim"
)

// deploymentsAtOnce is how many tests, each with servers of its own, run side
// by side. They wait nearly all of the time, so it is not bound to the number of
// processors; -test.parallel overrides it.
const deploymentsAtOnce = 7

func TestMain(m *testing.M) {
	sim.RunServerIfAsked()
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", strconv.Itoa(deploymentsAtOnce)); err != nil {
			panic(err) // only if package testing no longer has the flag
		}
	}
	os.Exit(m.Run())
}

// long skips a test that waits for the servers' own pauses, unless asked for.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("ROLLCALL_LONG") == "" {
		t.Skipf("it waits for the servers' own pauses; ROLLCALL_LONG=1 go test ./scenarios -run '%s' runs it", t.Name())
	}
}
