package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rollcall/internal/check"
	"rollcall/internal/collect"
	"rollcall/internal/engine"
	"rollcall/internal/quantity"
	"rollcall/internal/report"
	"rollcall/internal/view"
)

// auditing are the flags of commands that audit and report.
type auditing struct {
	only, skip []string
	set        []string
	output     string
	file       string
	failOn     string
}

func (f *auditing) flags(a *app, cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.only, "only", nil, "run only these checks: CODE[,CODE]")
	cmd.Flags().StringSliceVar(&f.skip, "skip", nil, "leave out these checks: CODE[,CODE]")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "set a threshold: CODE.threshold=value, such as JETSTREAM_015.stale_after=20s; repeatable")
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "output format: "+strings.Join(report.Forms(), ", "))
	cmd.Flags().StringVar(&f.file, "file", "", "write the report to this file instead of standard output")
	cmd.Flags().StringVar(&f.failOn, "fail-on", "critical", "exit with status 1 when something is open at or above: critical, warning, info, never")
	for _, flag := range []string{"only", "skip"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, a.completeCodes)
	}
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(report.Forms(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{"critical", "warning", "info", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

func (a *app) completeCodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var codes []string
	for _, c := range a.checks {
		codes = append(codes, c.Code+"\t"+c.Title)
	}
	return codes, cobra.ShellCompDirectiveNoFileComp
}

// audit is what the flags ask for, all of it valid.
type audit struct {
	checks   []*check.Check
	settings check.Settings
	failOn   check.Severity // zero: never
	output   string
	out      io.WriteCloser
	width    int
	color    bool
}

// prepare validates everything before anything is done. The caller closes out.
func (a *app) prepare(f *auditing) (*audit, error) {
	r := &audit{settings: check.Settings{}, output: f.output}
	if err := report.CheckForm(f.output); err != nil {
		return nil, badUsage("--output: %v", err)
	}
	var err error
	if r.checks, err = a.choose(f.only, f.skip); err != nil {
		return nil, err
	}
	for _, assignment := range f.set {
		if err := r.settings.Set(a.checks, assignment); err != nil {
			return nil, badUsage("--set: %v", err)
		}
	}
	if f.failOn != "never" {
		if r.failOn, err = check.ParseSeverity(f.failOn); err != nil {
			return nil, badUsage("--fail-on: %v, or never", err)
		}
	}
	if f.file == "" {
		r.out = nopCloser{a.Stdout}
		r.width, r.color = a.screen(a.Stdout)
		return r, nil
	}
	r.width = defaultWidth
	r.out, err = newReplacement(f.file)
	return r, err
}

func (a *app) choose(only, skip []string) ([]*check.Check, error) {
	chosen := a.checks
	if len(only) > 0 {
		chosen = nil
		for _, code := range only {
			c, err := check.Find(a.checks, code)
			if err != nil {
				return nil, badUsage("--only: %v", err)
			}
			if !slices.Contains(chosen, c) {
				chosen = append(chosen, c)
			}
		}
	}
	for _, code := range skip {
		c, err := check.Find(a.checks, code)
		if err != nil {
			return nil, badUsage("--skip: %v", err)
		}
		chosen = slices.DeleteFunc(slices.Clone(chosen), func(other *check.Check) bool { return other == c })
	}
	if len(chosen) == 0 {
		return nil, badUsage("--only and --skip leave no check to run")
	}
	return chosen, nil
}

// finish writes the report and gives the exit status as an error.
func (r *audit) finish(rep *view.Report) error {
	err := report.Write(r.out, r.output, rep, report.Options{Width: r.width, Color: r.color})
	if closing := r.out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	status := ExitClean
	switch {
	case r.output == "nagios":
		status = report.NagiosStatus(rep)
	case r.failOn != 0 && rep.Worst() >= r.failOn:
		status = ExitFound
	}
	if status == ExitClean {
		return nil
	}
	return exitStatus(status)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// replacement writes a file beside its destination and moves it there when it
// is complete, so that readers never see half a report.
type replacement struct {
	*os.File
	path string
}

func newReplacement(path string) (*replacement, error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		var fault *fs.PathError
		if errors.As(err, &fault) {
			err = fault.Err
		}
		return nil, badUsage("--file: cannot write %s: %v", path, err)
	}
	return &replacement{temporary, path}, nil
}

// Close finishes the file. Nothing is moved if nothing was written.
func (r *replacement) Close() error {
	info, err := r.Stat()
	if err == nil && info.Size() == 0 {
		_ = r.File.Close()
		return os.Remove(r.Name())
	}
	if err := errors.Join(r.Chmod(0o644), r.File.Close()); err != nil {
		return err
	}
	return os.Rename(r.Name(), r.path)
}

// Bounds of the sampling flags.
const (
	mostSamples      = 10_000
	shortestInterval = 100 * time.Millisecond
)

func (a *app) checkCommand() *cobra.Command {
	var conn connection
	var flags auditing
	var samples int
	var interval string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Audit a deployment once and report",
		Long: `check takes a few samples of a deployment through its system account, runs the
checks over them, prints a report and exits. It reads and changes nothing.

Without connection flags it uses NATS_URL, NATS_CONTEXT, the selected nats
context or nats://127.0.0.1:4222, in this order. Several systems (a hub and its
leaf domains, two regions) are audited together with --system or --config; each
is asked directly.

Exit status: 0 nothing open at or above --fail-on; 1 something is; 2 the command
line or a setting is wrong; 3 the audit could not be made. With --output nagios
it is that of a Nagios plugin.`,
		Example: `  rollcall check --server nats://host:4222 --user sys
  rollcall check --context prod-sys --only JETSTREAM_015,JETSTREAM_026
  rollcall check --system hub=nats://sys:$PW@hub:4222 --system edge=nats://sys:$PW@edge:4222
  rollcall check --context prod-sys --set JETSTREAM_015.stale_after=2m --output json --file report.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.check(cmd.Context(), &conn, &flags, samples, interval)
			if flags.output == "nagios" {
				return a.asPlugin(err)
			}
			return err
		},
	}
	conn.flags(cmd)
	flags.flags(a, cmd)
	cmd.Flags().IntVar(&samples, "samples", 3, "how many samples to take; rates and stalls need at least 2")
	cmd.Flags().StringVar(&interval, "interval", "5s", "pause between samples")
	return cmd
}

// asPlugin says an error the way Nagios reads it: a line on standard output and
// the status for unknown.
func (a *app) asPlugin(err error) error {
	var status exitStatus
	if err == nil || errors.As(err, &status) {
		return err
	}
	fmt.Fprintf(a.Stdout, "ROLLCALL UNKNOWN: %s\n", strings.ReplaceAll(sentence(err), "|", "/"))
	return exitStatus(report.NagiosUnknown)
}

func (a *app) check(ctx context.Context, conn *connection, flags *auditing, samples int, interval string) error {
	pause, err := quantity.ParseDuration(interval)
	switch {
	case err != nil:
		return badUsage("--interval: %v", err)
	case pause < shortestInterval:
		return badUsage("--interval: %s is too short: want at least %s", interval, quantity.Duration(shortestInterval))
	case samples < 1 || samples > mostSamples:
		return badUsage("--samples: %d is out of range: want 1 to %d", samples, mostSamples)
	}
	systems, err := a.targets(conn)
	if err != nil {
		return err
	}
	run, err := a.prepare(flags)
	if err != nil {
		return err
	}
	defer run.out.Close()
	line := a.progressLine()
	defer line.clear()
	collector, unreachable := collect.Connect(ctx, systems, collect.Options{Progress: line.collecting})
	if collector == nil {
		return unreachable
	}
	defer collector.Close()
	rep, err := a.sample(ctx, engine.New(collector, run.checks, run.settings), samples, pause, line)
	if err != nil {
		return err
	}
	line.clear()
	found := run.finish(rep)
	// What could be audited was reported; the whole was not.
	if blind := rep.Blind(); len(blind) > 0 && unreachable == nil {
		unreachable = fmt.Errorf("the audit lost its connection to %s: nothing there was judged at the end; check that its servers are up", strings.Join(blind, ", "))
	}
	if unreachable != nil {
		return unreachable
	}
	return found
}

// sample takes the samples and makes the report of the last.
func (a *app) sample(ctx context.Context, e *engine.Engine, samples int, pause time.Duration, line *progressLine) (*view.Report, error) {
	var epochs []view.Epoch
	for i := range samples {
		if i > 0 {
			line.waiting(i, samples, pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		line.sample, line.samples = i+1, samples
		step, err := e.Step(ctx)
		if err != nil {
			return nil, err
		}
		epochs = append(epochs, view.EpochOf(step.Epoch))
		if i == samples-1 {
			return view.ReportOf(a.Version, epochs, step), nil
		}
	}
	return nil, errors.New("no sample was taken")
}
