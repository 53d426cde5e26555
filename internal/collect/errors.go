package collect

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// UnreachableError says that no server of a system could be connected to.
type UnreachableError struct {
	System string
	URLs   []string // as given, without credentials
	Reason error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	do := "check the address and that a server listens there"
	var untrusted x509.UnknownAuthorityError
	if errors.As(e.Reason, &untrusted) {
		do = "give the authority to trust with --tlsca"
	}
	return fmt.Sprintf("cannot reach system %s at %s: %v; %s", e.System, strings.Join(e.URLs, ", "), e.Reason, do)
}

// Unwrap gives the reason of the last attempt.
func (e *UnreachableError) Unwrap() error { return e.Reason }

// RefusedError says that servers were reached and did not accept the
// credentials, or do not let this user ask.
type RefusedError struct {
	System string
	URLs   []string // as given, without credentials
	Reason error
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("system %s at %s refuses the auditor: %v; give the credentials and permissions of a user of its system account",
		e.System, strings.Join(e.URLs, ", "), e.Reason)
}

// Unwrap gives what the server said.
func (e *RefusedError) Unwrap() error { return e.Reason }

// NotSystemAccountError says that the user is accepted but belongs to an
// application's account, which cannot see servers.
type NotSystemAccountError struct {
	System  string
	User    string // "" if the server does not say
	Account string // "" if the server does not say
}

// Error implements error.
func (e *NotSystemAccountError) Error() string {
	who := "the user"
	if e.User != "" {
		who = "user " + e.User
	}
	where := "an account that is not the system account"
	if e.Account != "" {
		where = "account " + e.Account + ", which is not the system account"
	}
	return fmt.Sprintf("system %s: %s belongs to %s; give a user of the system account (system_account in the server's configuration, by default $SYS)",
		e.System, who, where)
}

// CredentialsError says that a nats context or a file with credentials could
// not be found or read.
type CredentialsError struct {
	System string
	What   string // "context", "creds file", "nkey file", "CA file", "certificate"
	Name   string // of the context or file
	Reason error
}

// Error implements error.
func (e *CredentialsError) Error() string {
	do := "check the path and its permissions"
	if e.What == whatContext {
		do = "nats context ls shows which there are"
	}
	return fmt.Sprintf("system %s: cannot use %s %s: %v; %s", e.System, e.What, e.Name, e.Reason, do)
}

// Unwrap gives the reason.
func (e *CredentialsError) Unwrap() error { return e.Reason }

// What can happen to one request, for the code that decides what to make of it.
var (
	errSilent       = errors.New("no answer within the deadline")
	errNobody       = errors.New("no server of the system has a connection to it")
	errNoConnection = errors.New("no working connection to the system")
)

// deniedError says that the server does not let the auditor publish a request.
type deniedError struct{ subject string }

func (e *deniedError) Error() string { return "no permission to publish " + e.subject }

// redacted gives URLs without user names, passwords and tokens.
func redacted(urls []string) []string {
	shown := make([]string, len(urls))
	for i, text := range urls {
		shown[i] = redact(text)
	}
	return shown
}

func redact(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	if i := strings.LastIndex(text, "@"); i >= 0 {
		return text[i+1:]
	}
	return text
}
