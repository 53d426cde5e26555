package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/internal/check"
	"rollcall/internal/report"
	"rollcall/internal/view"
)

func (a *app) explainCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "explain CODE",
		Short: "Print the manual of a check",
		Long: `explain prints the whole manual of a check, offline: what a finding means, why it
matters, common causes, how to diagnose and fix it by hand, how to prevent it,
when it may be wrong, its thresholds, and the questions people ask.`,
		Example:           "  rollcall explain JETSTREAM_015\n  rollcall explain JETSTREAM_023 --output markdown > JETSTREAM_023.md",
		ValidArgsFunction: a.completeCodes,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return badUsage("rollcall explain takes one code, such as JETSTREAM_015, got %d: `rollcall checks` lists them all", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := check.Find(a.checks, args[0])
			if err != nil {
				return badUsage("%v", err)
			}
			switch output {
			case "text":
				width, color := a.screen(a.Stdout)
				return report.WriteManual(a.Stdout, view.Manual(c), report.Options{Width: width, Color: color})
			case "markdown":
				_, err := fmt.Fprint(a.Stdout, view.Manual(c))
				return err
			}
			return badUsage("--output: %q is no format of a manual: want text or markdown", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or markdown")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "markdown"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) checksCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "List all checks",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			switch output {
			case "json":
				return a.listJSON()
			case "table":
				return a.listTable()
			}
			return badUsage("--output: %q is no format of the list: want table or json", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) listJSON() error {
	list := []view.Catalog{}
	for _, c := range a.checks {
		list = append(list, view.CatalogOf(c))
	}
	encoder := json.NewEncoder(a.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func (a *app) listTable() error {
	for _, c := range a.checks {
		var settings []string
		for _, t := range c.Thresholds {
			settings = append(settings, t.Name+"="+t.Default)
		}
		line := fmt.Sprintf("%-14s %-9s %-12s %-32s %s", c.Code, c.Severity, c.Category, c.Title, strings.Join(settings, " "))
		if _, err := fmt.Fprintln(a.Stdout, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.Stdout, "rollcall %s (%s, %s/%s)\n", a.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
