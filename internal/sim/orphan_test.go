package sim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// parentEnv makes this test binary a parent that starts a deployment in the
// directory that is its value, and waits to be killed.
const parentEnv = "ROLLCALL_SIM_TEST_PARENT"

func runParentIfAsked() {
	dir := os.Getenv(parentEnv)
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d, err := Start(ctx, Layout{Dir: dir, Clusters: []Cluster{{Name: "A"}, {Name: "B"}}})
	if err == nil && runtime.GOOS == "linux" { // elsewhere frozen servers outlive their parent
		err = d.Server("n1").Freeze()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("started %d %d\n", d.Server("n1").PID(), d.Server("b1").PID())
	select {}
}

// TestOrphans: servers die with a parent that was killed, even frozen ones.
func TestOrphans(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	must(t, err)
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), parentEnv+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	must(t, err)
	must(t, parent.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	var pids [2]int
	_, err = fmt.Sscanf(strings.TrimSpace(line), "started %d %d", &pids[0], &pids[1])
	must(t, errors.Join(parent.Process.Kill(), err))
	parent.Wait()
	for _, pid := range pids {
		eventually(t, "orphan gone", func() error {
			if alive(pid) {
				return fmt.Errorf("process %d is alive", pid)
			}
			return nil
		})
	}
}
