package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rollcall/internal/demo"
	"rollcall/internal/engine"
	"rollcall/internal/ledger"
	"rollcall/internal/quantity"
	"rollcall/internal/report"
	"rollcall/internal/view"
)

func (a *app) demoCommand() *cobra.Command {
	var flags auditing
	var name string
	var list, once bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch rollcall find faults on an embedded deployment",
		Long: `demo needs nothing installed. It starts real nats-servers on this machine (a
cluster of three and a leaf domain with its own system account), puts streams,
mirrors and traffic on them, and brings in faults one after another. The roll
call is redrawn in place; each fault is healed, and its findings resolve. Ctrl-C
ends it and leaves no process, file or port behind.

Its thresholds are seconds, so that nobody has to wait: ` + strings.Join(demo.Settings, ", ") + `.

With --once it brings in all faults together, waits until they are found, prints
one report and exits with the status that check would have.`,
		Example: "  rollcall demo\n  rollcall demo --scenario frozen-leader\n  rollcall demo --once --output json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return a.listScenarios()
			}
			scenarios, err := chooseScenarios(name)
			if err != nil {
				return err
			}
			if !once && (flags.output != "table" || flags.file != "") {
				return badUsage("--output and --file go with --once: the live demo is for watching")
			}
			run, err := a.prepare(&flags)
			if err != nil {
				return err
			}
			defer run.out.Close()
			if once {
				return a.demoOnce(cmd.Context(), run, scenarios)
			}
			return a.demoLive(cmd.Context(), run, scenarios)
		},
	}
	flags.flags(a, cmd)
	cmd.Flags().StringVar(&name, "scenario", "", "show only this fault: "+strings.Join(scenarioNames(), ", "))
	cmd.Flags().BoolVar(&list, "list", false, "list the scenarios")
	cmd.Flags().BoolVar(&once, "once", false, "bring in the faults, print one report and exit")
	_ = cmd.RegisterFlagCompletionFunc("scenario", cobra.FixedCompletions(scenarioNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func scenarioNames() []string {
	var names []string
	for _, s := range demo.Scenarios {
		names = append(names, s.Name)
	}
	return names
}

func chooseScenarios(name string) ([]demo.Scenario, error) {
	if name == "" {
		return demo.Scenarios, nil
	}
	for _, s := range demo.Scenarios {
		if s.Name == name {
			return []demo.Scenario{s}, nil
		}
	}
	return nil, badUsage("--scenario: there is no %q: want %s", name, strings.Join(scenarioNames(), ", "))
}

func (a *app) listScenarios() error {
	for _, s := range demo.Scenarios {
		var codes []string
		for _, f := range s.Finds {
			codes = append(codes, f.Code)
		}
		if _, err := fmt.Fprintf(a.Stdout, "%-16s %-40s %s\n", s.Name, s.Title, strings.Join(codes, ", ")); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) demoOnce(ctx context.Context, run *audit, scenarios []demo.Scenario) (err error) {
	show, err := demo.Open(ctx, &plainScreen{w: a.Stderr}, run.checks)
	if err != nil {
		return err
	}
	rep, err := show.Pile(ctx, a.Version, scenarios)
	if closing := show.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return run.finish(rep)
}

func (a *app) demoLive(ctx context.Context, run *audit, scenarios []demo.Scenario) error {
	var screen demo.Screen = &plainScreen{w: a.Stdout}
	if isTerminal(a.Stdout) {
		screen = newLiveScreen(a, run)
	}
	show, err := demo.Open(ctx, screen, run.checks)
	if err == nil {
		err = show.Play(ctx, scenarios)
		if closing := show.Close(); err == nil {
			err = closing
		}
	}
	if ctx.Err() != nil {
		fmt.Fprintln(a.Stdout, "\nstopped; no process, file or port is left")
		return nil
	}
	return err
}

// plainScreen writes announcements and transitions as lines.
type plainScreen struct{ w io.Writer }

func (s *plainScreen) Say(text string) {
	fmt.Fprintf(s.w, "%s  %s\n", time.Now().Format(time.TimeOnly), text)
}

func (s *plainScreen) Show(a *engine.Audit) {
	for _, t := range a.Transitions {
		s.Say("  " + transitionText(t))
	}
}

// transitionText says a change in one line: what, where, from what to what, and
// why.
func transitionText(t ledger.Transition) string {
	text := fmt.Sprintf("%s %s on %s: %s (%s)", t.ID.Code, t.Last.Check.Title, t.ID.Ref.Name(), t.To, t.Reason)
	if t.To == ledger.Open {
		text += ": " + t.Last.Seen.Summary
	}
	if t.To == ledger.Resolved && !t.Last.OpenedAt.IsZero() {
		text += " after " + quantity.Duration(t.At.Sub(t.Last.BadSince))
	}
	return text
}

// liveScreen redraws the roll call in place.
type liveScreen struct {
	app   *app
	file  *os.File
	color bool
	said  []string
	drawn bool
}

func newLiveScreen(a *app, run *audit) *liveScreen {
	return &liveScreen{app: a, file: a.Stdout.(*os.File), color: run.color}
}

// saidKept bounds what is kept of the announcements: more than any screen shows.
const saidKept = 200

func (s *liveScreen) Say(text string) {
	s.said = append(s.said, time.Now().Format(time.TimeOnly)+"  "+text)
	s.said = s.said[max(0, len(s.said)-saidKept):]
	if !s.drawn {
		fmt.Fprintln(s.file, text)
	}
}

func (s *liveScreen) Show(a *engine.Audit) {
	for _, t := range a.Transitions {
		if t.To != ledger.Pending {
			s.Say(transitionText(t))
		}
	}
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil {
		width, height = defaultWidth, 40
	}
	lines := report.DrawLive(report.Live{
		Roll: view.RollOf(a.Epoch), Report: view.ReportOf(s.app.Version, nil, a), Said: s.said, Height: height,
	}, report.Options{Width: width, Color: s.color})
	if len(lines) > height-1 {
		lines = lines[:max(1, height-1)]
	}
	// From the top left, each line cleared to its end, and all below the last.
	var b strings.Builder
	if !s.drawn {
		b.WriteString("\x1b[2J")
		s.drawn = true
	}
	b.WriteString("\x1b[H")
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	fmt.Fprint(s.file, b.String())
}
