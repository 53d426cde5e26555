package cli_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/internal/cli"
	"rollcall/internal/sim"
)

// runAsMain makes the test binary the program itself, for tests that send it
// signals.
const runAsMain = "ROLLCALL_TEST_RUN"

func TestMain(m *testing.M) {
	sim.RunServerIfAsked()
	if os.Getenv(runAsMain) != "" {
		os.Exit(cli.Run(os.Args[1:], cli.Env{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Version: "test"}))
	}
	testscript.Main(m, map[string]func(){
		"rollcall": func() {
			os.Exit(cli.Run(os.Args[1:], cli.Env{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Version: "test"}))
		},
	})
}

// TestScripts runs testdata/script against a real server: $SYS_URL is its
// address without credentials, sys/sys its system user, app/s3cret an
// application user; nothing listens at $NOBODY.
func TestScripts(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d, err := sim.Start(ctx, sim.Layout{Clusters: []sim.Cluster{{
		Name: "C1", Servers: 1, Accounts: []sim.Account{{Name: "APP", User: "app", Password: "s3cret"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	// Scripts run in parallel, after this function's own frame: Cleanup waits.
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	furnish(ctx, t, d)
	nobody := closedAddress(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SYS_URL", d.Server("n1").ClientURL())
			env.Setenv("NOBODY", nobody)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			env.Setenv("COLUMNS", "80")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status},
	})
}

// furnish adds a stream whose metadata cannot be read: a finding of severity
// warning that needs one sample.
func furnish(ctx context.Context, t *testing.T, d *sim.Deployment) {
	t.Helper()
	nc, err := d.Connect("C1", "APP")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "ORDERS", Subjects: []string{"orders.>"}, Metadata: map[string]string{"io.nats.monitor.lag-critical": "many"},
	}); err != nil {
		t.Fatal(err)
	}
}

// closedAddress gives a URL at which nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "nats://" + l.Addr().String()
}

// status runs a command and wants its exit status: status 2 rollcall check ...
// Whatever it prints must hold no password and no stack trace, and an error is
// one line.
func status(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg {
		ts.Fatalf("usage: status N command args...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit status %d, want %d\n%s%s", got, want, stdout, stderr)
	}
	for _, secret := range []string{"s3cret", "hunter2", "goroutine "} {
		if strings.Contains(stdout+stderr, secret) {
			ts.Fatalf("the output shows %q:\n%s%s", secret, stdout, stderr)
		}
	}
	if want >= cli.ExitUsage && strings.Contains(strings.TrimSpace(stderr), "\n") {
		ts.Fatalf("want one line on standard error, got:\n%s", stderr)
	}
}
