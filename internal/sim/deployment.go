package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// startAttempts is how often Start tries again with other ports when another
// process took one of them between the choice and the use.
const startAttempts = 3

// Deployment is a running layout.
type Deployment struct {
	layout  Layout
	dir     string
	removal []string // what Close removes: the directory, or what was put into one that was there

	servers []*Server          // in layout order
	links   map[string]*Link   // by every name they go by
	routes  map[*Link][]string // the two servers of each route link

	isolationMu sync.Mutex
	isolated    map[string]bool // by server name

	closed   atomic.Bool // no process is started any more
	closing  sync.Once
	closeErr error
}

// Start starts the layout and returns when it works as a whole: every server
// serves, all routes, gateways and leaf links are formed, and every meta group
// has a leader that all its servers agree on and that sees all of them current.
// The error says which server lacks what, with the end of its log. Give ctx a
// deadline; three servers take about 3 s.
func Start(ctx context.Context, layout Layout) (*Deployment, error) {
	layout, err := layout.completed()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		d, err := startOnce(ctx, layout)
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == startAttempts {
			return nil, err
		}
	}
}

func startOnce(ctx context.Context, layout Layout) (*Deployment, error) {
	d := newDeployment(layout)
	err := d.prepare()
	for _, s := range d.servers {
		if err == nil {
			err = s.launch()
		}
	}
	if err == nil {
		err = d.WaitReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func newDeployment(layout Layout) *Deployment {
	return &Deployment{
		layout:   layout,
		links:    map[string]*Link{},
		routes:   map[*Link][]string{},
		isolated: map[string]bool{},
	}
}

// prepare does all that comes before the first process: directories, ports, proxies, configurations.
func (d *Deployment) prepare() error {
	if err := d.makeDir(); err != nil {
		return err
	}
	for i := range d.layout.Clusters {
		if err := d.addServers(&d.layout.Clusters[i]); err != nil {
			return err
		}
	}
	for _, wire := range []func() error{d.wireRoutes, d.wireGateways, d.wireLeafs} {
		if err := wire(); err != nil {
			return err
		}
	}
	for _, s := range d.servers {
		if err := s.Configure(func(*Config) {}); err != nil {
			return err
		}
	}
	return nil
}

func (d *Deployment) makeDir() error {
	if d.layout.Dir == "" {
		dir, err := os.MkdirTemp("", "rollcall-sim-")
		d.dir, d.removal = dir, []string{dir}
		return err
	}
	dir, err := filepath.Abs(d.layout.Dir)
	if err != nil {
		return err
	}
	d.dir = dir
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		d.removal = []string{dir}
	}
	return os.MkdirAll(dir, 0o700)
}

// addServers creates the servers of a cluster, with the ports they need.
func (d *Deployment) addServers(c *Cluster) error {
	for i := range c.Servers {
		s := &Server{
			deployment:    d,
			cluster:       c,
			name:          c.serverName(i),
			leafRevisions: map[string]int{},
			wiring:        wiring{leafs: map[string][]string{}},
			config:        Config{Accounts: c.Accounts, Store: c.Store, Extra: c.Extra}.clone(),
		}
		s.dir = filepath.Join(d.dir, s.name)
		if err := os.Mkdir(s.dir, 0o700); err != nil {
			return err
		}
		if d.removal == nil || d.removal[0] != d.dir {
			d.removal = append(d.removal, s.dir)
		}
		if err := d.choosePorts(s); err != nil {
			return err
		}
		d.servers = append(d.servers, s)
	}
	return nil
}

func (d *Deployment) choosePorts(s *Server) error {
	listening := map[*int]bool{
		&s.wiring.clientPort:  true,
		&s.wiring.routePort:   d.layout.clustered(s.cluster),
		&s.wiring.gatewayPort: slices.Contains(d.layout.superCluster(), s.cluster),
		&s.wiring.leafPort:    slices.ContainsFunc(d.layout.Leafs, func(f Leaf) bool { return f.To == s.cluster.Name }),
	}
	for port, needed := range listening {
		if !needed {
			continue
		}
		var err error
		if *port, err = freePort(); err != nil {
			return err
		}
	}
	return nil
}

// wireRoutes lays a link between any two servers of a cluster. Each server also
// lists itself, as most configurations in the field do: the length of the list
// is what JetStream takes for the size of the cluster when it first starts.
func (d *Deployment) wireRoutes() error {
	for i := range d.layout.Clusters {
		c := &d.layout.Clusters[i]
		if !d.layout.clustered(c) {
			continue
		}
		servers := d.clusterServers(c)
		for i, a := range servers {
			a.wiring.routes = append(a.wiring.routes, address(a.wiring.routePort))
			for _, b := range servers[i+1:] {
				link, err := d.addLink(a.name+"-"+b.name, b.name+"-"+a.name)
				if err != nil {
					return err
				}
				d.routes[link] = []string{a.name, b.name}
				if err := wireRoute(link, a, b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// wireRoute lets a and b solicit each other, as servers that share one list of routes do.
func wireRoute(link *Link, a, b *Server) error {
	for _, way := range [][2]*Server{{a, b}, {b, a}} {
		from, to := way[0], way[1]
		proxy, err := link.proxyTo(address(to.wiring.routePort), everything)
		if err != nil {
			return err
		}
		from.wiring.routes = append(from.wiring.routes, proxy)
	}
	return nil
}

// wireGateways lays a link between any two clusters of the super-cluster.
func (d *Deployment) wireGateways() error {
	joined := d.layout.superCluster()
	for i, a := range joined {
		for _, b := range joined[i+1:] {
			link, err := d.addLink(a.Name+"-"+b.Name, b.Name+"-"+a.Name)
			if err != nil {
				return err
			}
			if err := d.wireGateway(link, a, b); err != nil {
				return err
			}
			if err := d.wireGateway(link, b, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// wireGateway lets every server of one cluster solicit those of another.
func (d *Deployment) wireGateway(link *Link, from, to *Cluster) error {
	remote := remoteCluster{name: to.Name}
	for _, s := range d.clusterServers(to) {
		proxy, err := link.proxyTo(address(s.wiring.gatewayPort), newGossipFilter)
		if err != nil {
			return err
		}
		remote.addrs = append(remote.addrs, proxy)
	}
	for _, s := range d.clusterServers(from) {
		s.wiring.gateways = append(s.wiring.gateways, remote)
	}
	return nil
}

func (d *Deployment) wireLeafs() error {
	for _, leaf := range d.layout.Leafs {
		link, err := d.addLink(leaf.Name)
		if err != nil {
			return err
		}
		var proxies []string
		for _, s := range d.clusterServers(d.layout.cluster(leaf.To)) {
			proxy, err := link.proxyTo(address(s.wiring.leafPort), everything)
			if err != nil {
				return err
			}
			proxies = append(proxies, proxy)
		}
		for _, s := range d.clusterServers(d.layout.cluster(leaf.From)) {
			s.wiring.leafs[leaf.Name] = proxies
			s.config.Leafs = append(s.config.Leafs, leaf)
		}
	}
	return nil
}

func (d *Deployment) addLink(names ...string) (*Link, error) {
	link := newLink(names[0])
	for _, name := range names {
		if d.links[name] != nil {
			return nil, fmt.Errorf("sim: two links would be called %q", name)
		}
		d.links[name] = link
	}
	return link, nil
}

// Close kills every server, frozen or not, closes all proxies and removes all
// files. It may be called more than once, and at any time.
func (d *Deployment) Close() error {
	d.closing.Do(func() {
		d.closed.Store(true)
		var errs []error
		for _, s := range d.servers {
			// Not Kill: that waits for a Start or Reload under way, which this ends instead.
			if p, _, _ := s.current(); p.running() {
				errs = append(errs, p.kill())
			}
		}
		for _, s := range d.servers {
			errs = append(errs, s.Kill())
		}
		for _, link := range d.links {
			link.close()
		}
		for _, path := range d.removal {
			errs = append(errs, os.RemoveAll(path))
		}
		d.closeErr = errors.Join(errs...)
	})
	return d.closeErr
}

// Dir returns the directory that holds everything the deployment writes.
func (d *Deployment) Dir() string { return d.dir }

// Servers returns all servers, in the order of the layout.
func (d *Deployment) Servers() []*Server { return slices.Clone(d.servers) }

// Server returns a server by name. It panics if there is none, which is a mistake in the caller's text.
func (d *Deployment) Server(name string) *Server {
	var names []string
	for _, s := range d.servers {
		if s.name == name {
			return s
		}
		names = append(names, s.name)
	}
	panic(fmt.Sprintf("sim: no server %q; there are %s", name, strings.Join(names, ", ")))
}

// Link returns a link: a leaf link by its name, the routes between two servers
// by "n1-n2" or "n2-n1", the gateways between two clusters by "A-B" or "B-A".
// It panics if there is none.
func (d *Deployment) Link(name string) *Link {
	link, ok := d.links[name]
	if !ok {
		names := slices.Sorted(maps.Keys(d.links))
		panic(fmt.Sprintf("sim: no link %q; there are %s", name, strings.Join(names, ", ")))
	}
	return link
}

// Isolate black-holes every route link of a server; its clients, gateways and
// leaf links are not touched. It panics if there is no such server.
func (d *Deployment) Isolate(server string) {
	d.setIsolated(server, true)
}

// Rejoin heals every route link of a server, except those to servers that are still isolated.
func (d *Deployment) Rejoin(server string) {
	d.setIsolated(server, false)
}

func (d *Deployment) setIsolated(server string, isolated bool) {
	server = d.Server(server).name
	d.isolationMu.Lock()
	defer d.isolationMu.Unlock()
	d.isolated[server] = isolated
	for link, ends := range d.routes {
		switch {
		case !slices.Contains(ends, server):
		case d.isolated[ends[0]] || d.isolated[ends[1]]:
			link.BlackHole()
		default:
			link.Heal()
		}
	}
}

// SystemURL returns the URLs of all servers of a cluster, separated by commas,
// with the credentials of the system user. It panics if there is no such cluster.
func (d *Deployment) SystemURL(cluster string) string { return d.URL(cluster, systemAccount) }

// URL returns the URLs of all servers of a cluster, separated by commas, with the
// credentials of the account's user. It panics if there is no such cluster or account.
func (d *Deployment) URL(cluster, account string) string {
	c := d.layout.cluster(cluster)
	if c == nil {
		panic(fmt.Sprintf("sim: no cluster %q", cluster))
	}
	var urls []string
	for _, s := range d.clusterServers(c) {
		urls = append(urls, s.URL(account))
	}
	return strings.Join(urls, ",")
}

// Connect connects to any server of a cluster as the user of an account; the
// caller closes the connection.
func (d *Deployment) Connect(cluster, account string, opts ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(d.URL(cluster, account), opts...)
}

func (d *Deployment) clusterServers(c *Cluster) []*Server {
	var servers []*Server
	for _, s := range d.servers {
		if s.cluster == c {
			servers = append(servers, s)
		}
	}
	return servers
}
