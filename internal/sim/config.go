package sim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// deadAddress is what servers advertise to each other, so that gossip offers
// no way around the proxies: nothing listens on port 1 of the loopback, and a
// server that follows the gossip gives up after one refused attempt.
const deadAddress = "127.0.0.1:1"

// Config is the part of one server's configuration that a test may change
// while the server runs; see [Server.Reload].
type Config struct {
	Accounts []Account
	Leafs    []Leaf // the links this server solicits; only FromAccount and the Deny lists may change
	Store    Store
	Extra    string
}

func (c Config) clone() Config {
	c.Accounts = slices.Clone(c.Accounts)
	c.Leafs = slices.Clone(c.Leafs)
	for i := range c.Leafs {
		c.Leafs[i].DenyImports = slices.Clone(c.Leafs[i].DenyImports)
		c.Leafs[i].DenyExports = slices.Clone(c.Leafs[i].DenyExports)
	}
	return c
}

// wiring is what connects a server with others; it never changes.
type wiring struct {
	clientPort, routePort, gatewayPort, leafPort int // 0: does not listen

	routes   []string            // host:port of the proxies to the other servers of the cluster, and its own address
	gateways []remoteCluster     // the other clusters
	leafs    map[string][]string // by name of the leaf link: URLs without credentials' account
}

type remoteCluster struct {
	name  string
	addrs []string // host:port of the proxies to its servers
}

// render writes the configuration file of a server.
func (s *Server) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: %s\nlisten: %s\n", quoted(s.name), loopback(s.wiring.clientPort))
	fmt.Fprintf(&b, "jetstream {\n  store_dir: %s\n  max_memory_store: %d\n  max_file_store: %d\n",
		quoted(s.storeDir()), s.config.Store.MaxMemory, s.config.Store.MaxStore)
	if s.cluster.Domain != "" {
		fmt.Fprintf(&b, "  domain: %s\n", quoted(s.cluster.Domain))
	}
	b.WriteString("}\n")
	renderAccounts(&b, s.config.Accounts)
	s.renderCluster(&b)
	s.renderGateway(&b)
	s.renderLeafnodes(&b)
	b.WriteString(s.config.Extra + "\n")
	return b.String()
}

func renderAccounts(b *strings.Builder, accounts []Account) {
	fmt.Fprintf(b, "system_account: %s\naccounts {\n", systemAccount)
	if system, _ := findAccount(accounts, systemAccount); !slices.Contains(accounts, system) {
		accounts = append(slices.Clone(accounts), system)
	}
	for _, a := range accounts {
		fmt.Fprintf(b, "  %s {\n", quoted(a.Name))
		if a.JetStream != "" {
			fmt.Fprintf(b, "    jetstream: %s\n", a.JetStream)
		}
		fmt.Fprintf(b, "    users: [\n      {user: %s, password: %s", quoted(a.User), quoted(a.Password))
		if a.Permissions != "" {
			fmt.Fprintf(b, ", permissions: %s", a.Permissions)
		}
		fmt.Fprintf(b, "}\n      %s\n    ]\n", a.Users)
		if a.Exports != "" {
			fmt.Fprintf(b, "    exports: [\n      %s\n    ]\n", a.Exports)
		}
		if a.Imports != "" {
			fmt.Fprintf(b, "    imports: [\n      %s\n    ]\n", a.Imports)
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
}

func (s *Server) renderCluster(b *strings.Builder) {
	if s.wiring.routePort == 0 {
		return
	}
	fmt.Fprintf(b, "cluster {\n  name: %s\n  listen: %s\n  advertise: %s\n  routes: [\n",
		quoted(s.cluster.Name), loopback(s.wiring.routePort), quoted(deadAddress))
	for _, addr := range s.wiring.routes {
		fmt.Fprintf(b, "    %s\n", quoted("nats-route://"+addr))
	}
	b.WriteString("  ]\n}\n")
}

func (s *Server) renderGateway(b *strings.Builder) {
	if s.wiring.gatewayPort == 0 {
		return
	}
	fmt.Fprintf(b, "gateway {\n  name: %s\n  listen: %s\n  advertise: %s\n  gateways: [\n",
		quoted(s.cluster.Name), loopback(s.wiring.gatewayPort), quoted(deadAddress))
	for _, remote := range s.wiring.gateways {
		fmt.Fprintf(b, "    {name: %s, urls: %s}\n", quoted(remote.name), quotedList(prefixed("nats://", remote.addrs)))
	}
	b.WriteString("  ]\n}\n")
}

func (s *Server) renderLeafnodes(b *strings.Builder) {
	if s.wiring.leafPort == 0 && len(s.config.Leafs) == 0 {
		return
	}
	b.WriteString("leafnodes {\n")
	if s.wiring.leafPort != 0 {
		fmt.Fprintf(b, "  listen: %s\n  no_advertise: true\n", loopback(s.wiring.leafPort))
	}
	if len(s.config.Leafs) > 0 {
		b.WriteString("  remotes: [\n")
		for _, leaf := range s.config.Leafs {
			s.renderRemote(b, leaf, leaf.FromAccount, leaf.ToAccount, leaf)
			if leaf.System {
				s.renderRemote(b, leaf, systemAccount, systemAccount, Leaf{})
			}
		}
		b.WriteString("  ]\n")
	}
	b.WriteString("}\n")
}

// renderRemote writes one remote of a leaf link, with the subjects that deny has in its lists.
func (s *Server) renderRemote(b *strings.Builder, leaf Leaf, fromAccount, toAccount string, deny Leaf) {
	login, _ := s.deployment.layout.cluster(leaf.To).account(toAccount)
	var urls []string
	for _, addr := range s.wiring.leafs[leaf.Name] {
		u := url.URL{Scheme: "nats-leaf", User: url.UserPassword(login.User, login.Password), Host: addr}
		// A server refuses to change the deny lists of a remote that it already
		// has, and tells remotes apart by URL and account. A fragment makes the
		// changed remote a new one, which a reload accepts.
		if revision := s.leafRevisions[leaf.Name]; revision > 0 {
			u.Fragment = strconv.Itoa(revision)
		}
		urls = append(urls, u.String())
	}
	fmt.Fprintf(b, "    {urls: %s, account: %s", quotedList(urls), quoted(fromAccount))
	if len(deny.DenyImports) > 0 {
		fmt.Fprintf(b, ", deny_imports: %s", quotedList(deny.DenyImports))
	}
	if len(deny.DenyExports) > 0 {
		fmt.Fprintf(b, ", deny_exports: %s", quotedList(deny.DenyExports))
	}
	b.WriteString("}\n")
}

func loopback(port int) string { return quoted(address(port)) }

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// quoted writes a string so that the configuration parser reads the same back.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func quotedList(items []string) string {
	var quotedItems []string
	for _, item := range items {
		quotedItems = append(quotedItems, quoted(item))
	}
	return "[" + strings.Join(quotedItems, ", ") + "]"
}

func prefixed(prefix string, items []string) []string {
	var out []string
	for _, item := range items {
		out = append(out, prefix+item)
	}
	return out
}
