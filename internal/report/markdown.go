package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"rollcall/internal/ledger"
	"rollcall/internal/view"
)

// writeMarkdown writes the report for a ticket or a chat.
func writeMarkdown(w io.Writer, r *view.Report, _ Options) error {
	b := bufio.NewWriter(w)
	s := r.Summary
	fmt.Fprintf(b, "# rollcall: %d critical, %d warning, %d info\n\n", s.Critical, s.Warning, s.Info)
	fmt.Fprintf(b, "%s; %d of %d questions answered; %d pending, %d folded under a cause, %d unknown.\n\n",
		r.GeneratedAt.Format(time.RFC3339), r.Coverage.Answered, r.Coverage.Asked, s.Pending, s.Masked, s.Unknown)
	if len(r.Findings) > 0 {
		fmt.Fprint(b, "| severity | check | entity | title |\n|---|---|---|---|\n")
	}
	for _, f := range r.Findings {
		if f.MaskedBy == "" {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", severityWord(f), f.Code, cell(f.Entity.Name), f.Title)
		}
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.MaskedBy == "" {
			markdownFinding(b, r, f)
		}
	}
	if len(r.Unknown) > 0 {
		fmt.Fprint(b, "\n## Unknown\n\n| check | entity | reason |\n|---|---|---|\n")
		for _, u := range r.Unknown {
			fmt.Fprintf(b, "| %s | %s | %s |\n", u.Code, cell(u.Entity.Name), cell(u.Reason))
		}
	}
	return b.Flush()
}

func severityWord(f view.Finding) string {
	if f.State != ledger.Open {
		return string(f.State)
	}
	return f.Severity.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func markdownFinding(b *bufio.Writer, r *view.Report, f *view.Finding) {
	fmt.Fprintf(b, "\n## %s %s\n\n`%s`\n\n%s\n\n", f.Code, f.Title, f.Entity.ID, f.Summary)
	for _, e := range f.Evidence {
		fmt.Fprintf(b, "- %s: %s\n", e.Name, evidenceText(e))
	}
	if f.Impact != "" {
		fmt.Fprintf(b, "\n**Cost.** %s\n", f.Impact)
	}
	for i, step := range f.Fix {
		fmt.Fprintf(b, "\n%d. %s", i+1, step.Say)
		if step.Risk != "" {
			fmt.Fprintf(b, " *(%s)*", step.Risk)
		}
		if step.Run != "" {
			fmt.Fprintf(b, "\n   ```\n   %s\n   ```", step.Run)
		}
	}
	fmt.Fprintln(b)
	for _, m := range r.Folded(f.ID) {
		fmt.Fprintf(b, "- folded: %s %s: %s\n", m.Code, m.Entity.Name, m.Title)
	}
}
