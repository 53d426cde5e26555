package collect

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"rollcall/internal/epoch"
)

// TestOperatorModeAndTLS: a server with JWT accounts and TLS, as most of those in
// the field are. Accounts go by their name tag and are linked by their id.
func TestOperatorModeAndTLS(t *testing.T) {
	ctx, dir := testContext(t), t.TempDir()
	op := newOperator(t, dir)
	system, systemCreds := op.account(t, "SYS", false)
	app, appCreds := op.account(t, "SHOP", true)
	ca := certify(t, dir)
	url := op.serve(t, dir, system, app)

	nc, err := nats.Connect(url, nats.UserCredentials(appCreds), nats.RootCAs(ca))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for _, config := range []jetstream.StreamConfig{
		{Name: "ORDERS", Subjects: []string{"orders.>"}},
		{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "ORDERS"}},
	} {
		if _, err := js.CreateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
	}

	c := connect(t, ctx, Options{}, System{Name: "jwt", Servers: url, Creds: systemCreds, TLSCA: ca})
	key := epoch.StreamKey{Account: "SHOP", Name: "ORDERS"}
	e := until(t, ctx, c, nil, func(e *epoch.Epoch) string {
		orders := e.System("jwt").Stream(key)
		switch mirror := e.System("jwt").Stream(epoch.StreamKey{Account: "SHOP", Name: "COPY"}); {
		case orders == nil || mirror == nil:
			return fmt.Sprintf("the streams are not there: %+v", e.System("jwt").Streams)
		case orders.CopyConsumer(mirror) == nil:
			return "the mirror's internal consumer is not recognised"
		}
		return ""
	})
	if id := e.System("jwt").Stream(key).AccountID; id != app.Subject {
		t.Errorf("the account's id is %q, want %q", id, app.Subject)
	}

	advice := map[string]string{"an application's credentials": "which is not the system account", "an unknown authority": "--tlsca"}
	for name, wrong := range map[string]System{
		"an application's credentials": {Name: "jwt", Servers: url, Creds: appCreds, TLSCA: ca},
		"an unknown authority":         {Name: "jwt", Servers: url, Creds: systemCreds},
	} {
		if c, err := Connect(ctx, []System{wrong}, Options{}); err == nil {
			c.Close()
			t.Errorf("connected with %s", name)
		} else if !strings.Contains(err.Error(), advice[name]) {
			t.Errorf("%s: %v; want advice on %q", name, err, advice[name])
		}
	}
}

// operator is the root of trust of a made-up operator mode.
type operator struct {
	keys nkeys.KeyPair
	dir  string
	text string
}

func newOperator(t *testing.T, dir string) *operator {
	t.Helper()
	o := &operator{keys: must(nkeys.CreateOperator())(t), dir: dir}
	claims := jwt.NewOperatorClaims(must(o.keys.PublicKey())(t))
	claims.Name = "test"
	o.text = must(claims.Encode(o.keys))(t)
	return o
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// account makes an account and the credentials file of a user of it.
func (o *operator) account(t *testing.T, name string, withJetStream bool) (*jwt.AccountClaims, string) {
	t.Helper()
	keys := must(nkeys.CreateAccount())(t)
	claims := jwt.NewAccountClaims(must(keys.PublicKey())(t))
	claims.Name = name
	if withJetStream {
		claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
	}
	user := must(nkeys.CreateUser())(t)
	text := must(jwt.NewUserClaims(must(user.PublicKey())(t)).Encode(keys))(t)
	creds := must(jwt.FormatUserConfig(text, must(user.Seed())(t)))(t)
	path := filepath.Join(o.dir, name+".creds")
	if err := os.WriteFile(path, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	return claims, path
}

// serve starts a server inside this process: its configuration is not one that
// the simulation makes.
func (o *operator) serve(t *testing.T, dir string, system, app *jwt.AccountClaims) (url string) {
	t.Helper()
	config := fmt.Sprintf(`
		listen: "127.0.0.1:-1", server_name: j1
		operator: %s, system_account: %s
		resolver: MEMORY, resolver_preload: { %s: %s, %s: %s }
		jetstream: { store_dir: %q, max_mem: 16M, max_file: 16M }
		tls: { cert_file: %q, key_file: %q }
	`, o.text, system.Subject, system.Subject, must(system.Encode(o.keys))(t), app.Subject, must(app.Encode(o.keys))(t),
		filepath.Join(dir, "js"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	path := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	options := must(server.ProcessConfigFile(path))(t)
	options.NoSigs, options.NoLog = true, true
	s := must(server.NewServer(options))(t)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return fmt.Sprintf("tls://127.0.0.1:%d", s.Addr().(*net.TCPAddr).Port)
}

// certify writes a certificate for loopback that is its own authority.
func certify(t *testing.T, dir string) (ca string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	private := must(x509.MarshalPKCS8PrivateKey(key))(t)
	ca = filepath.Join(dir, "cert.pem")
	for path, block := range map[string]*pem.Block{ca: {Type: "CERTIFICATE", Bytes: cert}, filepath.Join(dir, "key.pem"): {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ca
}
