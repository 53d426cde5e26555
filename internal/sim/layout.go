package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// systemAccount is the account of every server's system user; an [Account] of
// this name in a layout adds to it.
const (
	systemAccount  = "SYS"
	systemUser     = "sys"
	systemPassword = "sys"
)

// Limits of a server when its cluster states none: room for a demo, and little
// enough that a runaway test does not fill a laptop.
const (
	defaultMaxMemory = 256 << 20
	defaultMaxStore  = 1 << 30
)

// Layout says what to start.
type Layout struct {
	Clusters []Cluster
	Leafs    []Leaf
	// Gateways joins all clusters that are not at an end of a leaf link into one super-cluster.
	// Clusters that solicit a leaf link (Leaf.From) stay outside of it; they are deployments of their own.
	Gateways bool
	// Dir holds configurations, logs and stores. Empty means a new temporary
	// directory. Close removes what Start created, the directory included.
	Dir string
}

// Cluster describes servers that belong together. One server alone, outside of
// a super-cluster, runs standalone, without a cluster block.
type Cluster struct {
	Name    string
	Servers int // how many; default 1
	// Prefix of the server names Prefix+"1", Prefix+"2", ... Default "n" for the
	// first cluster of a layout, the lower-cased cluster name for the others.
	Prefix string
	Domain string // JetStream domain; optional
	// Accounts besides the system account. Default: one account APP with user and password "app".
	Accounts []Account
	Store    Store
	// Extra is configuration text appended to that of every server.
	Extra string
	// Binary is the path of another nats-server to run, for version tests.
	// Empty runs the server built into this program. Outside Linux such a
	// server outlives a parent killed with SIGKILL.
	Binary string
}

// Store limits JetStream on each server of a cluster.
type Store struct {
	MaxMemory int64 // bytes; default 256 MiB
	MaxStore  int64 // bytes; default 1 GiB
}

// Account is an account with one user, and what a test needs to break it.
type Account struct {
	Name     string
	User     string // default: the lower-cased name
	Password string // default: the user
	// Permissions of the user, as the value of its permissions key, e.g.
	// `{publish: {deny: "x.>"}}`. Default: none, everything is allowed.
	Permissions string
	// Users holds further users as configuration list items, e.g. `{user: m, password: m}`.
	Users string
	// Exports and Imports are configuration list items, e.g. `{service: "$JS.API.>"}`.
	Exports string
	Imports string
	// JetStream is the value of the account's jetstream key: "enabled" (the
	// default), "disabled", or a map of limits such as `{max_file: 1M}`.
	JetStream string
}

// Leaf is a leaf link: every server of the cluster From connects to one server of the cluster To.
type Leaf struct {
	Name        string // default From+"-"+To
	From, To    string // cluster names
	FromAccount string // default: the first account of From
	ToAccount   string // default: the first account of To
	// System links the system accounts over the same link. From and To must
	// then differ in their domain, or JetStream would grow into one meta group.
	System      bool
	DenyImports []string // subjects that may not come from To
	DenyExports []string // subjects that may not go to To
}

// completed returns a copy of the layout with all defaults filled in, or what is wrong with it.
func (l Layout) completed() (Layout, error) {
	if len(l.Clusters) == 0 {
		return l, errors.New("sim: a layout needs at least one cluster")
	}
	l.Clusters = slices.Clone(l.Clusters)
	l.Leafs = slices.Clone(l.Leafs)
	seen := map[string]string{}
	for i := range l.Clusters {
		if err := l.Clusters[i].complete(i == 0, seen); err != nil {
			return l, err
		}
	}
	for i := range l.Leafs {
		if err := l.completeLeaf(&l.Leafs[i], seen); err != nil {
			return l, err
		}
	}
	return l, nil
}

// complete fills in the defaults of one cluster; seen maps each name in use to what it names.
func (c *Cluster) complete(first bool, seen map[string]string) error {
	if c.Name == "" || strings.ContainsAny(c.Name, " \t") {
		return fmt.Errorf("sim: %q cannot be the name of a cluster", c.Name)
	}
	if err := claim(seen, "cluster "+c.Name, "cluster"); err != nil {
		return err
	}
	if c.Servers < 0 {
		return fmt.Errorf("sim: cluster %s cannot have %d servers", c.Name, c.Servers)
	}
	c.Servers = max(c.Servers, 1)
	if c.Prefix == "" {
		c.Prefix = "n"
		if !first {
			c.Prefix = strings.ToLower(c.Name)
		}
	}
	for i := range c.Servers {
		if err := claim(seen, "server "+c.serverName(i), "cluster "+c.Name); err != nil {
			return fmt.Errorf("%w; set Prefix", err)
		}
	}
	if c.Store.MaxMemory == 0 {
		c.Store.MaxMemory = defaultMaxMemory
	}
	if c.Store.MaxStore == 0 {
		c.Store.MaxStore = defaultMaxStore
	}
	c.Accounts = slices.Clone(c.Accounts)
	if !slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.Name != systemAccount }) {
		c.Accounts = append([]Account{{Name: "APP"}}, c.Accounts...)
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if err := claim(seen, "account "+a.Name+" of cluster "+c.Name, "account"); err != nil {
			return err
		}
		a.complete()
	}
	return nil
}

func (a *Account) complete() {
	if a.Name == systemAccount {
		a.User, a.Password, a.JetStream = systemUser, systemPassword, ""
		return
	}
	if a.User == "" {
		a.User = strings.ToLower(a.Name)
	}
	if a.Password == "" {
		a.Password = a.User
	}
	if a.JetStream == "" {
		a.JetStream = "enabled"
	}
}

// jetStream tells whether the account may use JetStream.
func (a Account) jetStream() bool {
	return a.JetStream != "" && a.JetStream != "disabled" && a.JetStream != "false"
}

func (l Layout) completeLeaf(leaf *Leaf, seen map[string]string) error {
	from, to := l.cluster(leaf.From), l.cluster(leaf.To)
	if from == nil || to == nil || from == to {
		return fmt.Errorf("sim: leaf link %q from %q to %q needs two different clusters of the layout", leaf.Name, leaf.From, leaf.To)
	}
	if leaf.Name == "" {
		leaf.Name = leaf.From + "-" + leaf.To
	}
	if err := claim(seen, "link "+leaf.Name, "leaf link"); err != nil {
		return err
	}
	if leaf.FromAccount == "" {
		leaf.FromAccount = from.firstAccount()
	}
	if leaf.ToAccount == "" {
		leaf.ToAccount = to.firstAccount()
	}
	for cluster, account := range map[*Cluster]string{from: leaf.FromAccount, to: leaf.ToAccount} {
		if _, ok := cluster.account(account); !ok {
			return fmt.Errorf("sim: leaf link %s: cluster %s has no account %s", leaf.Name, cluster.Name, account)
		}
	}
	if leaf.System && from.Domain == to.Domain {
		return fmt.Errorf("sim: leaf link %s joins the system accounts, so %s and %s need different domains", leaf.Name, from.Name, to.Name)
	}
	return nil
}

func claim(seen map[string]string, name, by string) error {
	if _, taken := seen[name]; taken {
		return fmt.Errorf("sim: the layout has %s twice", name)
	}
	seen[name] = by
	return nil
}

func (l Layout) cluster(name string) *Cluster {
	for i := range l.Clusters {
		if l.Clusters[i].Name == name {
			return &l.Clusters[i]
		}
	}
	return nil
}

// superCluster returns the clusters that are joined by gateways, in layout order; nil without any.
func (l Layout) superCluster() []*Cluster {
	if !l.Gateways {
		return nil
	}
	var joined []*Cluster
	for i := range l.Clusters {
		solicits := slices.ContainsFunc(l.Leafs, func(f Leaf) bool { return f.From == l.Clusters[i].Name })
		if !solicits {
			joined = append(joined, &l.Clusters[i])
		}
	}
	return joined
}

// metaGroup returns the clusters whose servers share one JetStream meta group with c.
func (l Layout) metaGroup(c *Cluster) []*Cluster {
	if joined := l.superCluster(); slices.Contains(joined, c) {
		return joined
	}
	return []*Cluster{c}
}

// clustered tells whether the servers of c have a cluster block.
func (l Layout) clustered(c *Cluster) bool {
	return c.Servers > 1 || slices.Contains(l.superCluster(), c)
}

func (c *Cluster) serverName(i int) string { return fmt.Sprintf("%s%d", c.Prefix, i+1) }

func (c *Cluster) firstAccount() string {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.Name != systemAccount })
	return c.Accounts[i].Name
}

// account finds an account by name; the system account is always there.
func (c *Cluster) account(name string) (Account, bool) {
	return findAccount(c.Accounts, name)
}

func findAccount(accounts []Account, name string) (Account, bool) {
	for _, a := range accounts {
		if a.Name == name {
			return a, true
		}
	}
	if name == systemAccount {
		return Account{Name: systemAccount, User: systemUser, Password: systemPassword}, true
	}
	return Account{}, false
}
