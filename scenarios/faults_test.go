package scenarios

import (
	"context"
	"errors"

	"rollcall/internal/sim"
)

// fault is something that a scenario breaks, and how it is mended.
type fault struct{ cause, mend func() error }

// cut closes a link and keeps it closed.
func (s *stage) cut(link string) fault {
	l := s.Link(link)
	return fault{func() error { l.Cut(); return nil }, func() error { l.Heal(); return nil }}
}

// blackHole lets a link swallow everything while its connections stay open.
func (s *stage) blackHole(link string) fault {
	l := s.Link(link)
	return fault{func() error { l.BlackHole(); return nil }, func() error { l.Heal(); return nil }}
}

// isolate black-holes all routes of a server.
func (s *stage) isolate(server string) fault {
	return fault{func() error { s.Isolate(server); return nil }, func() error { s.Rejoin(server); return nil }}
}

// freeze stops processes in their tracks.
func (s *stage) freeze(servers ...string) fault {
	return s.each(servers, (*sim.Server).Freeze, (*sim.Server).Thaw)
}

// kill ends processes without warning; mending starts them again.
func (s *stage) kill(servers ...string) fault { return s.each(servers, (*sim.Server).Kill, startAgain) }

// stop ends processes in order; mending starts them again.
func (s *stage) stop(servers ...string) fault { return s.each(servers, (*sim.Server).Stop, startAgain) }

func startAgain(server *sim.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return server.Start(ctx)
}

func (s *stage) each(servers []string, cause, mend func(*sim.Server) error) fault {
	all := func(do func(*sim.Server) error) func() error {
		return func() error {
			var errs []error
			for _, name := range servers {
				errs = append(errs, do(s.Server(name)))
			}
			return errors.Join(errs...)
		}
	}
	return fault{all(cause), all(mend)}
}

// restart stops a server in order and starts it again.
func (s *stage) restart(server string) error {
	if err := s.Server(server).Stop(); err != nil {
		return err
	}
	return startAgain(s.Server(server))
}

// restartedWith restarts a server with another configuration; mending restarts
// it with the former one.
func (s *stage) restartedWith(server string, change func(*sim.Config)) fault {
	var before sim.Config
	apply := func(change func(*sim.Config)) error {
		if err := s.Server(server).Stop(); err != nil {
			return err
		}
		return errors.Join(s.Server(server).Configure(change), startAgain(s.Server(server)))
	}
	return fault{
		func() error { return apply(func(c *sim.Config) { before = copyOf(*c); change(c) }) },
		func() error { return apply(func(c *sim.Config) { *c = before }) },
	}
}

// reloaded changes the configuration of a running server; mending changes it
// back.
func (s *stage) reloaded(server string, change func(*sim.Config)) fault {
	var before sim.Config
	apply := func(change func(*sim.Config)) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return s.Server(server).Reload(ctx, change)
	}
	return fault{
		func() error { return apply(func(c *sim.Config) { before = copyOf(*c); change(c) }) },
		func() error { return apply(func(c *sim.Config) { *c = before }) },
	}
}

// copyOf keeps a configuration from changes to its accounts and leaf links.
func copyOf(c sim.Config) sim.Config {
	c.Accounts = append([]sim.Account(nil), c.Accounts...)
	c.Leafs = append([]sim.Leaf(nil), c.Leafs...)
	return c
}

// byHand is a fault without a tool of its own.
func byHand(cause, mend func() error) fault { return fault{cause, mend} }
