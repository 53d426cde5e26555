package report

import (
	"fmt"
	"io"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/ledger"
	"rollcall/internal/view"
)

// Exit statuses of a Nagios plugin.
const (
	NagiosOK = iota
	NagiosWarning
	NagiosCritical
	NagiosUnknown
)

// NagiosStatus is the exit status that the report calls for: the worst open
// finding's; unknown where nothing was found but something was not seen.
func NagiosStatus(r *view.Report) int {
	switch r.Worst() {
	case check.Critical:
		return NagiosCritical
	case check.Warning:
		return NagiosWarning
	}
	if len(r.Coverage.Gaps) > 0 {
		return NagiosUnknown
	}
	return NagiosOK
}

// nagiosShown bounds the findings in the one line that pagers show.
const nagiosShown = 3

// writeNagios writes the one line with performance data, then a line for each
// open finding.
func writeNagios(w io.Writer, r *view.Report, _ Options) error {
	s := r.Summary
	words := []string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}
	var first, rest []string
	for _, f := range r.Findings {
		if f.State != ledger.Open || f.MaskedBy != "" {
			continue
		}
		if len(first) < nagiosShown {
			first = append(first, f.Code+" "+f.Entity.Name)
		}
		rest = append(rest, fmt.Sprintf("%s %s %s: %s", strings.ToUpper(f.Severity.String()), f.Code, f.Entity.Name, f.Summary))
	}
	line := fmt.Sprintf("ROLLCALL %s: %d critical, %d warning", words[NagiosStatus(r)], s.Critical, s.Warning)
	if len(first) > 0 {
		line += "; " + strings.Join(first, ", ")
	}
	if gaps := len(r.Coverage.Gaps); gaps > 0 {
		line += fmt.Sprintf("; %d of %d questions unanswered", gaps, r.Coverage.Asked)
	}
	// A bar starts the performance data.
	line = strings.ReplaceAll(line, "|", "/")
	_, err := fmt.Fprintf(w, "%s | critical=%d;;1 warning=%d;1 info=%d pending=%d masked=%d unknown=%d\n%s",
		line, s.Critical, s.Warning, s.Info, s.Pending, s.Masked, s.Unknown, strings.ReplaceAll(joinLines(rest), "|", "/"))
	return err
}

func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
