package sim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverEnv names the environment variable that turns this program into a
// server; its value is the path of the configuration file.
const serverEnv = "ROLLCALL_SIM_SERVER"

// RunServerIfAsked turns this process into a NATS server, and does not return,
// if it was started by this package to be one. Otherwise it does nothing.
// It must be the first thing that main and TestMain do.
//
// The server handles SIGTERM, SIGINT, SIGHUP and SIGUSR2 as nats-server does,
// logs to standard error, and exits at once when its standard input ends,
// which is when its parent is gone.
func RunServerIfAsked() {
	path, asked := os.LookupEnv(serverEnv)
	if !asked {
		return
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	if err := serve(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serve runs a server until it was shut down.
func serve(configFile string) error {
	opts, err := server.ProcessConfigFile(configFile)
	if err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	if err := server.Run(s); err != nil {
		return err
	}
	s.WaitForShutdown()
	return nil
}

// process is a running or ended server process.
type process struct {
	cmd      *exec.Cmd
	lifeline io.Closer     // the child's standard input; it ends with this process
	done     chan struct{} // closed when the child has ended and was reaped
}

// startProcess runs a server with this configuration; binary "" is this program.
// Everything the server says goes to the end of the log file.
func startProcess(binary, configFile, logFile, dir string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	cmd := exec.Command(binary, "-c", configFile)
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd = exec.Command(self)
		cmd.Env = append(os.Environ(), serverEnv+"="+configFile)
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = processAttributes()
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := startOnLastingThread(cmd); err != nil {
		return nil, errors.Join(err, lifeline.Close())
	}
	p := &process{cmd: cmd, lifeline: lifeline, done: make(chan struct{})}
	go func() {
		cmd.Wait() // the exit code says nothing that the log does not say better
		close(p.done)
	}()
	return p, nil
}

// running tells whether the process has not ended yet; a frozen one runs.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// kill ends the process, frozen or not, and waits until it is gone.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// starter starts child processes. Linux ties a child's parent-death signal to
// the thread that created it, and Go ends threads as it pleases; so one
// goroutine keeps one thread for the life of this process and starts them all.
var starter = struct {
	once     sync.Once
	requests chan startRequest
}{requests: make(chan startRequest)}

type startRequest struct {
	cmd    *exec.Cmd
	result chan error
}

func startOnLastingThread(cmd *exec.Cmd) error {
	starter.once.Do(func() {
		go func() {
			runtime.LockOSThread()
			for r := range starter.requests {
				r.result <- r.cmd.Start()
			}
		}()
	})
	r := startRequest{cmd: cmd, result: make(chan error)}
	starter.requests <- r
	return <-r.result
}
