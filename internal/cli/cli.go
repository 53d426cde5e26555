// Package cli is the command line: it parses, wires and prints. What it promises
// to scripts is in the README under "For scripts".
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rollcall/internal/check"
	"rollcall/internal/checks"
)

// Exit statuses.
const (
	ExitClean  = 0 // nothing at or above --fail-on
	ExitFound  = 1 // something at or above --fail-on
	ExitUsage  = 2 // the command line or a setting is wrong
	ExitFailed = 3 // the audit could not be made
)

// usageError is a mistake of the caller: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// exitStatus ends a command that has said all there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Env is the world around the command line.
type Env struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string
}

// app is one run of the command line.
type app struct {
	Env
	checks []*check.Check
}

// Run runs the command line and returns the exit status. Every error is one
// sentence on Stderr.
func Run(args []string, env Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	a := &app{Env: env, checks: checks.All()}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	var usage usageError
	switch {
	case err == nil:
		return ExitClean
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		fmt.Fprintf(env.Stderr, "rollcall: %s\n", sentence(err))
		return ExitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(env.Stderr, "rollcall: interrupted")
		return ExitFailed
	}
	fmt.Fprintf(env.Stderr, "rollcall: %s\n", sentence(err))
	return ExitFailed
}

// sentence makes an error one line.
func sentence(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Audit NATS JetStream: who has gone silent, what only looks healthy, what it costs and how to put it right",
		Long: `rollcall calls the roll of a NATS deployment: it asks every server through the
system account, puts what they say side by side, and reports what has gone
silent or only looks healthy, with evidence, cost and remedy. It changes nothing.

  rollcall demo                       see it at work on an embedded deployment
  rollcall check --server nats://sys:PASSWORD@host:4222
  rollcall explain JETSTREAM_015      the manual of a check`,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return badUsage("there is no command %q: want %s", args[0], commandNames(cmd))
			}
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		fault, _, _ := strings.Cut(err.Error(), ": strconv.")
		return badUsage("%s; `%s --help` lists what there is", fault, cmd.CommandPath())
	})
	root.AddCommand(a.checkCommand(), a.demoCommand(), a.explainCommand(), a.checksCommand(), a.versionCommand())
	return root
}

func commandNames(root *cobra.Command) string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return strings.Join(names, ", ")
}

// noArgs refuses arguments of a command that takes none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badUsage("%s takes no argument, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// defaultWidth is for output that is no terminal and has no COLUMNS.
const defaultWidth = 100

// screen says how wide to draw on w, and whether it is a terminal that wants
// colours.
func (a *app) screen(w io.Writer) (width int, color bool) {
	width = defaultWidth
	if n := 0; a.Getenv("COLUMNS") != "" {
		if _, err := fmt.Sscan(a.Getenv("COLUMNS"), &n); err == nil && n > 0 {
			width = n
		}
	}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return width, false
	}
	if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
		width = columns
	}
	return width, a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
