package collect

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/jsm.go/natscontext"
	"github.com/nats-io/nats.go"
)

// System says how to reach one NATS system: what one system account sees. Either
// Context or Servers is set; credentials given beside a context replace its own.
type System struct {
	Name    string // unique among the systems of an audit
	Servers string // URLs separated by commas; credentials may be in them
	Context string // name of a nats context, as the nats CLI keeps them

	User     string
	Password string
	Token    string
	Creds    string // path of a credentials file (JWT and seed)
	NKey     string // path of a file with an nkey seed
	TLSCA    string // path of a PEM file
	TLSCert  string // path of a PEM file, together with TLSKey
	TLSKey   string

	InboxPrefix string // default _INBOX
}

const whatContext = "nats context"

// access is a System made ready to dial: its URLs, and the options of every
// connection.
type access struct {
	urls    []string
	options []nats.Option
}

// prepare reads the context and checks that the files are there, so that a
// wrong path is told as such and not as a failed login. The error is a
// *CredentialsError.
func (s System) prepare() (access, error) {
	a := access{urls: splitURLs(s.Servers)}
	if s.Context != "" {
		settings, err := natscontext.New(s.Context, true)
		if err != nil {
			return a, s.unusable(whatContext, s.Context, err)
		}
		if len(a.urls) == 0 {
			a.urls = splitURLs(settings.ServerURL())
		}
		if a.options, err = settings.NATSOptions(); err != nil {
			return a, s.unusable(whatContext, s.Context, err)
		}
		if path := settings.Creds(); path != "" && !strings.Contains(path, ":") {
			if err := readable(path); err != nil {
				return a, s.unusable("creds file", path, err)
			}
		}
	}
	if len(a.urls) == 0 {
		a.urls = []string{nats.DefaultURL}
	}
	given, err := s.options()
	a.options = append(a.options, given...)
	return a, err
}

func (s System) options() ([]nats.Option, error) {
	var options []nats.Option
	if s.User != "" {
		options = append(options, nats.UserInfo(s.User, s.Password))
	}
	if s.Token != "" {
		options = append(options, nats.Token(s.Token))
	}
	if s.Creds != "" {
		if err := readable(s.Creds); err != nil {
			return nil, s.unusable("creds file", s.Creds, err)
		}
		options = append(options, nats.UserCredentials(s.Creds))
	}
	if s.NKey != "" {
		option, err := nats.NkeyOptionFromSeed(s.NKey)
		if err != nil {
			return nil, s.unusable("nkey file", s.NKey, reasonOf(err))
		}
		options = append(options, option)
	}
	if s.TLSCA != "" {
		if err := readable(s.TLSCA); err != nil {
			return nil, s.unusable("CA file", s.TLSCA, err)
		}
		options = append(options, nats.RootCAs(s.TLSCA))
	}
	if s.TLSCert != "" || s.TLSKey != "" {
		if _, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey); err != nil {
			return nil, s.unusable("certificate", s.TLSCert, reasonOf(err))
		}
		options = append(options, nats.ClientCert(s.TLSCert, s.TLSKey))
	}
	if s.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(s.InboxPrefix))
	}
	return options, nil
}

func (s System) unusable(what, name string, err error) error {
	return &CredentialsError{System: s.Name, What: what, Name: name, Reason: err}
}

// readable says why a file cannot be read, nil if it can.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return reasonOf(err)
	}
	return f.Close()
}

// reasonOf takes the path out of an error, which names it already.
func reasonOf(err error) error {
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func splitURLs(list string) []string {
	var urls []string
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		urls = append(urls, text)
	}
	return urls
}

// adopt gives a discovered URL what the given ones have and discovery does not
// tell: the credentials in the URL.
func (a access) adopt(discovered string) string {
	u, err := url.Parse(discovered)
	if err != nil || u.User != nil {
		return discovered
	}
	for _, text := range a.urls {
		if given, err := url.Parse(text); err == nil && given.User != nil {
			u.User = given.User
			break
		}
	}
	return u.String()
}

// knows says whether a URL leads to one of the given addresses.
func (a access) knows(text string) bool {
	return slices.ContainsFunc(a.urls, func(given string) bool { return redact(given) == redact(text) })
}

// certified names the host whose certificate a server must show. Discovered
// URLs are mostly bare addresses, which certificates seldom name; those are
// checked against the host that was given, as nats.go does when it reconnects.
func (a access) certified(target string) nats.Option {
	u, err := url.Parse(target)
	if err != nil || net.ParseIP(u.Hostname()) == nil || a.knows(target) {
		return nil
	}
	given, err := url.Parse(a.urls[0])
	if err != nil || net.ParseIP(given.Hostname()) != nil {
		return nil
	}
	return func(o *nats.Options) error {
		if o.TLSConfig == nil {
			o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		o.TLSConfig = o.TLSConfig.Clone() // a context may share one among connections
		o.TLSConfig.ServerName = given.Hostname()
		return nil
	}
}

// validate checks the systems of an audit against each other.
func validate(systems []System) error {
	if len(systems) == 0 {
		return errors.New("no system to audit: give a server URL or a nats context")
	}
	seen := map[string]bool{}
	for _, s := range systems {
		if seen[s.Name] {
			return fmt.Errorf("two systems are called %q: give each its own name", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}
