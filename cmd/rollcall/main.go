// Command rollcall audits NATS JetStream deployments.
package main

import (
	"os"

	"rollcall/internal/cli"
	"rollcall/internal/sim"
)

// version is the released version; a build sets it with
// -ldflags "-X main.version=1.2.3".
var version = "0.1.0-dev"

func main() {
	sim.RunServerIfAsked()
	os.Exit(cli.Run(os.Args[1:], cli.Env{Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Version: version}))
}
