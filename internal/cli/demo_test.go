package cli_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedDemoLeavesNothing: whatever ends it, the demo leaves no process
// and no file.
func TestInterruptedDemoLeavesNothing(t *testing.T) {
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("skipped: needs /proc to find the demo's processes")
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "demo", "--scenario", "frozen-follower")
			cmd.Env = append(os.Environ(), runAsMain+"=1", "TMPDIR="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "is frozen") {
			}
			servers := children(t, cmd.Process.Pid)
			if len(servers) != 4 {
				t.Errorf("the demo has %d child processes, want 4 servers", len(servers))
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			said := ""
			for lines.Scan() {
				said = lines.Text()
			}
			if err := cmd.Wait(); err != nil || !strings.Contains(said, "no process, file or port is left") {
				t.Errorf("it ended with %v, saying %q", err, said)
			}
			for _, pid := range servers {
				if err := syscall.Kill(pid, 0); err == nil {
					t.Errorf("process %d is still there", pid)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v %v", left, err)
			}
		})
	}
}

func children(t *testing.T, parent int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state ppid ...: the name may hold spaces.
		_, rest, _ := strings.Cut(string(text), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}
