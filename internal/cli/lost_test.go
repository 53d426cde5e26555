package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"rollcall/internal/cli"
	"rollcall/internal/sim"
)

// TestLosingASystemIsNoAllClear: the only server of a system hangs before the
// audit ends. What was not seen must not pass with status 0.
func TestLosingASystemIsNoAllClear(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	d, err := sim.Start(ctx, sim.Layout{Clusters: []sim.Cluster{{Name: "C1"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	cmd := exec.CommandContext(ctx, os.Args[0], "check", "--server", d.SystemURL("C1"), "--samples", "3", "--interval", "2s", "--fail-on", "never")
	cmd.Env = append(os.Environ(), runAsMain+"=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The first sample takes its time; the pause after it gives room for this.
	time.Sleep(2 * time.Second)
	if err := d.Server("n1").Freeze(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != cli.ExitFailed {
		t.Errorf("it ended with %v, want status %d\n%s%s", err, cli.ExitFailed, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "SELF_001") || !strings.Contains(stderr.String(), "the audit lost its connection to default") {
		t.Errorf("it does not say that it has gone blind:\n%s%s", &stdout, &stderr)
	}
}
