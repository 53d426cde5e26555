package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// pollInterval is how often a level is looked at again; a look costs a few small requests.
const pollInterval = 50 * time.Millisecond

// answerTimeout bounds one request to a server that may be busy or frozen.
const answerTimeout = 2 * time.Second

// errPortTaken means that another process took a port that was free before.
var errPortTaken = errors.New("sim: another process took a port")

// notReady says what a server lacks.
type notReady struct {
	server *Server
	what   string
}

func (e *notReady) Error() string { return fmt.Sprintf("sim: %s %s", e.server.name, e.what) }

// withLog adds the end of the server's log.
func (e *notReady) withLog() error {
	return fmt.Errorf("%w; its log ends with\n%s", e, e.server.Log())
}

// WaitReady waits until the deployment works as a whole, as [Start] describes
// it, for example after a fault was healed. All servers must be running.
func (d *Deployment) WaitReady(ctx context.Context) error {
	p := newProber()
	defer p.close()
	var last *notReady
	err := poll(ctx, func() (bool, error) {
		last = d.lacks(ctx, p)
		if last != nil && !last.server.Running() {
			return true, nil // it will not get better
		}
		return last == nil, nil
	})
	switch {
	case last == nil:
		return err
	case !last.server.Running() && strings.Contains(last.server.Log(), "address already in use"):
		return errors.Join(errPortTaken, last.withLog())
	case err != nil:
		return fmt.Errorf("%w (%w)", last.withLog(), err)
	default:
		return last.withLog()
	}
}

// lacks returns the first thing that is missing, nil if nothing is.
func (d *Deployment) lacks(ctx context.Context, p *prober) *notReady {
	p.leaders = map[*Cluster]string{}
	checks := []func(context.Context, *prober, *Server) string{lacksProcess, lacksRoute, lacksGateway, lacksLeaf, lacksMeta}
	for _, check := range checks {
		for _, s := range d.servers {
			if what := check(ctx, p, s); what != "" {
				return &notReady{s, what}
			}
		}
	}
	for i := range d.layout.Clusters {
		c := &d.layout.Clusters[i]
		for _, account := range c.Accounts {
			s := d.clusterServers(c)[0]
			if what := lacksAPI(s, account); what != "" {
				return &notReady{s, what}
			}
		}
	}
	return nil
}

func lacksProcess(_ context.Context, _ *prober, s *Server) string {
	if !s.Running() {
		return "is not running"
	}
	return ""
}

// lacksRoute looks for the full set of connections to every other server of the
// cluster: the pool, and the system account's own one.
func lacksRoute(ctx context.Context, p *prober, s *Server) string {
	if s.wiring.routePort == 0 {
		return ""
	}
	var varz server.Varz
	var routez server.Routez
	if err := errors.Join(p.ask(ctx, s, "VARZ", &varz), p.ask(ctx, s, "ROUTEZ", &routez)); err != nil {
		return err.Error()
	}
	want := 1
	if varz.Cluster.PoolSize > 0 {
		want = varz.Cluster.PoolSize + 1
	}
	have := map[string]int{}
	for _, r := range routez.Routes {
		have[r.RemoteName]++
	}
	for _, peer := range s.deployment.clusterServers(s.cluster) {
		if peer != s && have[peer.name] < want {
			return fmt.Sprintf("has %d of %d routes to %s", have[peer.name], want, peer.name)
		}
	}
	return ""
}

func lacksGateway(ctx context.Context, p *prober, s *Server) string {
	if len(s.wiring.gateways) == 0 {
		return ""
	}
	var gatewayz server.Gatewayz
	if err := p.ask(ctx, s, "GATEWAYZ", &gatewayz); err != nil {
		return err.Error()
	}
	for _, remote := range s.wiring.gateways {
		if g := gatewayz.OutboundGateways[remote.name]; g == nil || g.Connection == nil {
			return "has no gateway to " + remote.name
		}
	}
	return ""
}

func lacksLeaf(ctx context.Context, p *prober, s *Server) string {
	leafs := s.deployment.solicited(s)
	if len(leafs) == 0 {
		return ""
	}
	var leafz server.Leafz
	if err := p.ask(ctx, s, "LEAFZ", &leafz); err != nil {
		return err.Error()
	}
	for _, leaf := range leafs {
		accounts := []string{leaf.FromAccount}
		if leaf.System {
			accounts = append(accounts, systemAccount)
		}
		to := s.deployment.clusterServers(s.deployment.layout.cluster(leaf.To))
		for _, account := range accounts {
			linked := slices.ContainsFunc(leafz.Leafs, func(l *server.LeafInfo) bool {
				return l.Account == account && slices.ContainsFunc(to, func(t *Server) bool { return t.name == l.Name })
			})
			if !linked {
				return fmt.Sprintf("has no leaf link %s for account %s", leaf.Name, account)
			}
		}
	}
	return ""
}

// solicited returns the leaf links that a server must have.
func (d *Deployment) solicited(s *Server) []Leaf {
	var leafs []Leaf
	for _, leaf := range d.layout.Leafs {
		if leaf.From == s.cluster.Name {
			leafs = append(leafs, leaf)
		}
	}
	return leafs
}

// lacksMeta looks at the JetStream meta group as the server sees it.
func lacksMeta(ctx context.Context, p *prober, s *Server) string {
	var jsz server.JSInfo
	if err := p.ask(ctx, s, "JSZ", &jsz); err != nil {
		return err.Error()
	}
	if jsz.Disabled {
		return "has JetStream disabled"
	}
	if !s.deployment.layout.clustered(s.cluster) {
		return ""
	}
	group := s.deployment.layout.metaGroup(s.cluster)
	size := 0
	for _, c := range group {
		size += c.Servers
	}
	switch meta := jsz.Meta; {
	case meta == nil || meta.Leader == "":
		return "sees no meta leader"
	case meta.Size != size:
		return fmt.Sprintf("takes the meta group for %d servers instead of %d", meta.Size, size)
	case !p.agrees(group[0], meta.Leader):
		return "disagrees with others on the meta leader"
	case meta.Leader == s.name:
		return lacksPeers(meta, size)
	}
	return ""
}

func lacksPeers(meta *server.MetaClusterInfo, size int) string {
	if len(meta.Replicas) != size-1 {
		return fmt.Sprintf("leads %d of %d other servers of the meta group", len(meta.Replicas), size-1)
	}
	for _, r := range meta.Replicas {
		if !r.Current || r.Offline {
			return fmt.Sprintf("leads the meta group, but %s is not current", r.Name)
		}
	}
	return ""
}

// lacksAPI makes one call to the JetStream API as a user of the account would.
func lacksAPI(s *Server, account Account) string {
	if !account.jetStream() {
		return ""
	}
	nc, err := nats.Connect(s.URL(account.Name), nats.Timeout(answerTimeout), nats.NoReconnect())
	if err != nil {
		return fmt.Sprintf("refuses account %s: %v", account.Name, err)
	}
	defer nc.Close()
	js, err := nc.JetStream(nats.MaxWait(answerTimeout))
	if err == nil {
		_, err = js.AccountInfo()
	}
	if err != nil && account.Permissions == "" { // a restricted user may not ask
		return fmt.Sprintf("has no JetStream for account %s: %v", account.Name, err)
	}
	return ""
}

// waitServing waits until the server answers with JetStream enabled; it needs the server's lock.
func (s *Server) waitServing(ctx context.Context) error {
	p := newProber()
	defer p.close()
	last := &notReady{s, "is not running"}
	err := poll(ctx, func() (bool, error) {
		if !s.Running() {
			last.what = "is not running"
			return true, nil
		}
		var jsz server.JSInfo
		if err := p.ask(ctx, s, "JSZ", &jsz); err != nil {
			last.what = err.Error()
			return false, nil
		}
		if jsz.Disabled {
			last.what = "has JetStream disabled"
			return false, nil
		}
		last = nil
		return true, nil
	})
	if last == nil {
		return nil
	}
	return errors.Join(last.withLog(), err)
}

// configTime returns when the running server last read its configuration.
func (s *Server) configTime(ctx context.Context) (time.Time, error) {
	p := newProber()
	defer p.close()
	var varz server.Varz
	err := p.ask(ctx, s, "VARZ", &varz)
	return varz.ConfigLoadTime, err
}

// prober asks servers about themselves as their system user, each over a connection of its own.
type prober struct {
	conns   map[*Server]*nats.Conn
	leaders map[*Cluster]string // by first cluster of the meta group: what the first server asked took for its leader
}

func newProber() *prober { return &prober{conns: map[*Server]*nats.Conn{}} }

// agrees notes what a server takes for the leader of its meta group, and tells
// whether those asked before it in this round say the same.
func (p *prober) agrees(group *Cluster, leader string) bool {
	if p.leaders[group] == "" {
		p.leaders[group] = leader
	}
	return p.leaders[group] == leader
}

// ask puts a monitoring question to exactly this server and decodes the answer into data.
func (p *prober) ask(ctx context.Context, s *Server, question string, data any) error {
	nc := p.conns[s]
	if nc == nil || nc.IsClosed() {
		var err error
		nc, err = nats.Connect(s.URL(systemAccount), nats.Timeout(answerTimeout), nats.NoReconnect())
		if err != nil {
			return fmt.Errorf("does not accept the system user: %w", err)
		}
		p.conns[s] = nc
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	msg, err := nc.RequestWithContext(ctx, "$SYS.REQ.SERVER."+nc.ConnectedServerId()+"."+question, nil)
	if err != nil {
		return fmt.Errorf("does not answer %s: %w", question, err)
	}
	var reply struct {
		Data  json.RawMessage  `json:"data"`
		Error *server.ApiError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return fmt.Errorf("answers %s with %q: %w", question, msg.Data, err)
	}
	if reply.Error != nil {
		return fmt.Errorf("answers %s with: %w", question, reply.Error)
	}
	return json.Unmarshal(reply.Data, data)
}

func (p *prober) close() {
	for _, nc := range p.conns {
		nc.Close()
	}
}

// poll looks again and again until done says so, it fails, or ctx ends. While
// ctx lasts, an error from done that comes without true is not final.
func poll(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}
