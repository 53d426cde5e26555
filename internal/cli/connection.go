package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/nats-io/jsm.go/natscontext"
	"github.com/spf13/cobra"

	"rollcall/internal/collect"
)

// connection are the flags that say what to audit, as the nats CLI has them.
type connection struct {
	context  string
	server   string
	user     string
	password string
	creds    string
	nkey     string
	tlsCA    string
	tlsCert  string
	tlsKey   string
	systems  []string
	config   string
}

// defaultSystem is the name of the one system that no flag names.
const defaultSystem = "default"

func (c *connection) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.context, "context", "", "nats context to connect with (NATS_CONTEXT)")
	f.StringVarP(&c.server, "server", "s", "", "URLs of servers of the system, separated by commas (NATS_URL)")
	f.StringVar(&c.user, "user", "", "user of the system account (NATS_USER)")
	f.StringVar(&c.password, "password", "", "its password (NATS_PASSWORD; better there, or in a context, than on the command line)")
	f.StringVar(&c.creds, "creds", "", "credentials file of a user of the system account (NATS_CREDS)")
	f.StringVar(&c.nkey, "nkey", "", "file with the nkey seed of a user of the system account (NATS_NKEY)")
	f.StringVar(&c.tlsCA, "tlsca", "", "PEM file with the certificate authority to trust (NATS_CA)")
	f.StringVar(&c.tlsCert, "tlscert", "", "PEM file with the client certificate (NATS_CERT)")
	f.StringVar(&c.tlsKey, "tlskey", "", "PEM file with its key (NATS_KEY)")
	f.StringArrayVar(&c.systems, "system", nil, "audit several systems: NAME=URL, once for each; credentials in the URL or in the flags above")
	f.StringVar(&c.config, "config", "", "YAML file with systems: [{name, server, user, password, creds, nkey, context, tlsca, tlscert, tlskey}]")
	_ = cmd.RegisterFlagCompletionFunc("context", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return natscontext.KnownContexts(), cobra.ShellCompDirectiveNoFileComp
	})
}

// targets works out the systems to audit from flags, environment, or the
// selected nats context, in this order.
func (a *app) targets(c *connection) ([]collect.System, error) {
	if err := c.oneSource(); err != nil {
		return nil, err
	}
	if c.config != "" {
		return readSystems(c.config)
	}
	base := collect.System{
		User: a.or(c.user, "NATS_USER"), Password: a.or(c.password, "NATS_PASSWORD"),
		Creds: a.or(c.creds, "NATS_CREDS"), NKey: a.or(c.nkey, "NATS_NKEY"),
		TLSCA: a.or(c.tlsCA, "NATS_CA"), TLSCert: a.or(c.tlsCert, "NATS_CERT"), TLSKey: a.or(c.tlsKey, "NATS_KEY"),
	}
	if len(c.systems) > 0 {
		return namedSystems(base, c.systems)
	}
	base.Name, base.Servers, base.Context = defaultSystem, c.server, c.context
	if base.Servers == "" && base.Context == "" {
		base.Servers, base.Context = a.Getenv("NATS_URL"), a.Getenv("NATS_CONTEXT")
	}
	if base.Servers == "" && base.Context == "" {
		base.Context = natscontext.SelectedContext()
	}
	if base.Servers == "" && base.Context == "" {
		base.Servers = "nats://127.0.0.1:4222"
	}
	if base.Context != "" {
		base.Name = base.Context
	}
	return []collect.System{base}, nil
}

// oneSource refuses flags that name the systems in more than one way.
func (c *connection) oneSource() error {
	var given []string
	for _, flag := range []struct {
		name string
		set  bool
	}{{"--config", c.config != ""}, {"--system", len(c.systems) > 0}, {"--server", c.server != ""}, {"--context", c.context != ""}} {
		if flag.set {
			given = append(given, flag.name)
		}
	}
	if len(given) > 1 && !slices.Equal(given, []string{"--server", "--context"}) {
		return badUsage("%s each say what to audit: want only one of them (--context may be combined with --server)", strings.Join(given, " and "))
	}
	return nil
}

func (a *app) or(flag, variable string) string {
	if flag != "" {
		return flag
	}
	return a.Getenv(variable)
}

func namedSystems(base collect.System, assignments []string) ([]collect.System, error) {
	var systems []collect.System
	seen := map[string]bool{}
	for _, assignment := range assignments {
		name, url, ok := strings.Cut(assignment, "=")
		if !ok || name == "" || url == "" || strings.Contains(name, "/") {
			return nil, badUsage("--system wants NAME=URL, such as hub=nats://host:4222; this is not of that form (its text is not repeated, it may hold a password)")
		}
		if seen[name] {
			return nil, badUsage("--system %s is given twice: each system needs a name of its own", name)
		}
		seen[name] = true
		system := base
		system.Name, system.Servers = name, url
		systems = append(systems, system)
	}
	return systems, nil
}

// configFile is the form of --config.
type configFile struct {
	Systems []struct {
		Name     string `yaml:"name"`
		Server   string `yaml:"server"`
		User     string `yaml:"user"`
		Password string `yaml:"password"`
		Creds    string `yaml:"creds"`
		NKey     string `yaml:"nkey"`
		Context  string `yaml:"context"`
		TLSCA    string `yaml:"tlsca"`
		TLSCert  string `yaml:"tlscert"`
		TLSKey   string `yaml:"tlskey"`
	} `yaml:"systems"`
}

func readSystems(path string) ([]collect.System, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, badUsage("--config: %v", err)
	}
	var file configFile
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		return nil, badUsage("--config %s: %s", path, yamlFault(err))
	}
	if len(file.Systems) == 0 {
		return nil, badUsage("--config %s: it names no system: want systems: [{name: hub, server: nats://host:4222, user: sys, password: ...}]", path)
	}
	var systems []collect.System
	seen := map[string]bool{}
	for i, s := range file.Systems {
		switch {
		case s.Name == "" || strings.Contains(s.Name, "/"):
			return nil, badUsage("--config %s: system %d needs a name without slashes", path, i+1)
		case seen[s.Name]:
			return nil, badUsage("--config %s: two systems are called %q", path, s.Name)
		case (s.Server == "") == (s.Context == ""):
			return nil, badUsage("--config %s: system %s needs either server or context", path, s.Name)
		}
		seen[s.Name] = true
		systems = append(systems, collect.System{
			Name: s.Name, Servers: s.Server, Context: s.Context, User: s.User, Password: s.Password,
			Creds: s.Creds, NKey: s.NKey, TLSCA: s.TLSCA, TLSCert: s.TLSCert, TLSKey: s.TLSKey,
		})
	}
	return systems, nil
}

// yamlFault says what is wrong and in which line, without the excerpt of the
// file that the library adds: it may show a password.
func yamlFault(err error) string {
	var fault yaml.Error
	if errors.As(err, &fault) {
		if token := fault.GetToken(); token != nil && token.Position != nil {
			return fmt.Sprintf("line %d: %s; a system has name, server, user, password, creds, nkey, context, tlsca, tlscert, tlskey", token.Position.Line, fault.GetMessage())
		}
		return fault.GetMessage()
	}
	return "it is no valid YAML"
}
