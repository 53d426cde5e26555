package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout bounds a graceful stop; one takes well under a second on an idle machine.
const stopTimeout = 30 * time.Second

// Server is one server of a deployment: its process, which comes and goes, and
// its configuration, ports and store, which stay. Its methods may be called
// from several goroutines; changes of state exclude each other.
type Server struct {
	deployment *Deployment
	cluster    *Cluster
	name       string
	dir        string
	wiring     wiring

	mu            sync.Mutex // held during each change of state
	config        Config
	leafRevisions map[string]int // how often each leaf link's subjects were changed

	stateMu  sync.Mutex // guards what follows; held for moments only
	process  *process
	frozen   bool
	lameDuck bool
}

// Name returns the server's name, the server_name of its configuration.
func (s *Server) Name() string { return s.name }

// Cluster returns the name of the server's cluster in the layout.
func (s *Server) Cluster() string { return s.cluster.Name }

// ClientURL returns where clients connect, without credentials.
func (s *Server) ClientURL() string { return "nats://" + address(s.wiring.clientPort) }

// URL returns where clients connect, with the credentials of the account's
// user; "SYS" is the system account. It panics if there is no such account.
func (s *Server) URL(account string) string {
	a, ok := s.cluster.account(account)
	if !ok {
		panic(fmt.Sprintf("sim: cluster %s has no account %q", s.cluster.Name, account))
	}
	u := url.URL{Scheme: "nats", User: url.UserPassword(a.User, a.Password), Host: address(s.wiring.clientPort)}
	return u.String()
}

// PID returns the id of the server's process, 0 when it is not running.
func (s *Server) PID() int {
	p, _, _ := s.current()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// Running tells whether the server has a process, frozen or not.
func (s *Server) Running() bool {
	p, _, _ := s.current()
	return p.running()
}

// Frozen tells whether the server was frozen and not thawed since.
func (s *Server) Frozen() bool {
	p, frozen, _ := s.current()
	return p.running() && frozen
}

// StoreDir returns the server's JetStream directory, for tests that damage files.
func (s *Server) StoreDir() string { return filepath.Join(s.storeDir(), "jetstream") }

func (s *Server) storeDir() string   { return filepath.Join(s.dir, "store") }
func (s *Server) configFile() string { return filepath.Join(s.dir, "server.conf") }
func (s *Server) logFile() string    { return filepath.Join(s.dir, "server.log") }

// logTailBytes is how much of a log is worth reading in an error message.
const logTailBytes = 8 << 10

// Log returns the last 8 kB of what the server has logged in all its lives.
func (s *Server) Log() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	if len(log) > logTailBytes {
		log = log[len(log)-logTailBytes:]
		if _, rest, found := bytes.Cut(log, []byte("\n")); found {
			log = rest
		}
	}
	return string(log)
}

// logSince returns what was logged after the given offset in bytes, and the offset of the end.
func (s *Server) logSince(offset int) (string, int) {
	log, err := os.ReadFile(s.logFile())
	if err != nil || len(log) < offset {
		return "", offset
	}
	return string(log[offset:]), len(log)
}

// Freeze stops the process in its tracks (SIGSTOP): its connections stay open
// and the kernel accepts new ones, but nobody answers.
func (s *Server) Freeze() error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	s.setState(func() { s.frozen = true })
	return nil
}

// Thaw lets a frozen process go on (SIGCONT).
func (s *Server) Thaw() error {
	if err := s.signal(syscall.SIGCONT); err != nil {
		return err
	}
	s.setState(func() { s.frozen = false })
	return nil
}

// Kill ends the process without warning (SIGKILL), frozen or not, and waits
// until it is gone. Killing a server that is down does nothing.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, _, _ := s.current()
	if !p.running() {
		return nil
	}
	return p.kill()
}

// Stop shuts the server down gracefully (SIGTERM) and waits until its process
// has ended; after 30 s it gives up with an error. A frozen server must be thawed first.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, frozen, lameDuck := s.current()
	if frozen && p.running() {
		return fmt.Errorf("sim: %s is frozen and cannot stop gracefully", s.name)
	}
	how := syscall.SIGTERM
	if lameDuck {
		how = syscall.SIGINT // a lame duck ignores SIGTERM
	}
	if err := s.signal(how); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("sim: %s has not stopped within %v\n%s", s.name, stopTimeout, s.Log())
	}
}

// LameDuck asks the server to send its clients away and then to exit
// (SIGUSR2). It takes lame_duck_duration, 2 minutes by default.
func (s *Server) LameDuck() error {
	if err := s.signal(syscall.SIGUSR2); err != nil {
		return err
	}
	s.setState(func() { s.lameDuck = true })
	return nil
}

// Start starts a server that is down again, with its ports and its store, and
// waits until it serves clients with JetStream enabled. It does not wait for
// the others to see it; [Deployment.WaitReady] does.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.launch(); err != nil {
		return err
	}
	return s.waitServing(ctx)
}

// Configure changes the configuration that the server reads when it is next
// started or reloaded; the running process does not notice.
func (s *Server) Configure(change func(*Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.configure(change)
}

// Reload changes the configuration of the running server and waits until it is
// in force. If the server refuses it, the old one is put back and the error has
// the server's reason; try [Server.Configure] between Stop and Start then.
func (s *Server) Reload(ctx context.Context, change func(*Config)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.configTime(ctx)
	if err != nil {
		return fmt.Errorf("sim: reload %s: %w", s.name, err)
	}
	old := s.config.clone()
	if err := s.configure(change); err != nil {
		return err
	}
	_, logged := s.logSince(0)
	if err := s.signal(syscall.SIGHUP); err != nil {
		return err
	}
	if err := s.waitReloaded(ctx, before, logged); err != nil {
		return errors.Join(fmt.Errorf("sim: reload %s: %w", s.name, err),
			s.configure(func(c *Config) { *c = old }))
	}
	return nil
}

// waitReloaded waits until the server's configuration is younger than before, or was refused.
func (s *Server) waitReloaded(ctx context.Context, before time.Time, logged int) error {
	return poll(ctx, func() (bool, error) {
		said, _ := s.logSince(logged)
		if _, reason, refused := strings.Cut(said, "Failed to reload server configuration: "); refused {
			reason, _, _ = strings.Cut(reason, "\n")
			return true, errors.New(reason)
		}
		now, err := s.configTime(ctx)
		return err == nil && now.After(before), err
	})
}

// configure changes the model and writes the file; it needs the lock.
func (s *Server) configure(change func(*Config)) error {
	changed := s.config.clone()
	change(&changed)
	for _, leaf := range changed.Leafs {
		for _, old := range s.config.Leafs {
			if leaf.Name == old.Name && !reflect.DeepEqual(leaf, old) {
				s.leafRevisions[leaf.Name]++
			}
		}
	}
	s.config = changed
	return os.WriteFile(s.configFile(), []byte(s.render()), 0o600)
}

// launch starts the process; it needs the lock.
func (s *Server) launch() error {
	if p, _, _ := s.current(); p.running() {
		return fmt.Errorf("sim: %s is running already", s.name)
	}
	if s.deployment.closed.Load() {
		return fmt.Errorf("sim: %s cannot start: the deployment is closed", s.name)
	}
	p, err := startProcess(s.cluster.Binary, s.configFile(), s.logFile(), s.dir)
	if err != nil {
		return fmt.Errorf("sim: start %s: %w", s.name, err)
	}
	s.setState(func() { s.process, s.frozen, s.lameDuck = p, false, false })
	return nil
}

func (s *Server) signal(sig syscall.Signal) error {
	p, _, _ := s.current()
	if !p.running() {
		return fmt.Errorf("sim: %s is not running, so it cannot be sent %q", s.name, sig)
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("sim: send %q to %s: %w", sig, s.name, err)
	}
	return nil
}

func (s *Server) current() (p *process, frozen, lameDuck bool) {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	return s.process, s.frozen, s.lameDuck
}

func (s *Server) setState(change func()) {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	change()
}
