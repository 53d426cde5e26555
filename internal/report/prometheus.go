package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"rollcall/internal/view"
)

// writePrometheus writes the text format for a node exporter's textfile
// collector.
func writePrometheus(w io.Writer, r *view.Report, _ Options) error {
	b := bufio.NewWriter(w)
	metric := func(name, help string) {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	}
	metric("rollcall_finding", "One for each finding, by its state; masked is true where another finding explains it.")
	for _, f := range r.Findings {
		fmt.Fprintf(b, "rollcall_finding{code=%s,severity=%s,state=%s,masked=\"%t\",kind=%s,system=%s,account=%s,stream=%s,consumer=%s,server=%s,id=%s} 1\n",
			quote(f.Code), quote(f.Severity.String()), quote(string(f.State)), f.MaskedBy != "", quote(f.Entity.Kind), quote(f.Entity.System),
			quote(f.Entity.Account), quote(f.Entity.Stream), quote(f.Entity.Consumer), quote(f.Entity.Server), quote(f.ID))
	}
	s := r.Summary
	metric("rollcall_findings", "Open findings that no other finding explains, by severity.")
	fmt.Fprintf(b, "rollcall_findings{severity=\"critical\"} %d\nrollcall_findings{severity=\"warning\"} %d\nrollcall_findings{severity=\"info\"} %d\n", s.Critical, s.Warning, s.Info)
	metric("rollcall_unknown", "Entities that a check could not judge.")
	fmt.Fprintf(b, "rollcall_unknown %d\n", s.Unknown)
	metric("rollcall_questions", "Questions put to servers in the last sample, by outcome.")
	fmt.Fprintf(b, "rollcall_questions{outcome=\"answered\"} %d\nrollcall_questions{outcome=\"unanswered\"} %d\n", r.Coverage.Answered, r.Coverage.Asked-r.Coverage.Answered)
	metric("rollcall_generated_seconds", "When the report was made, in seconds since 1970.")
	fmt.Fprintf(b, "rollcall_generated_seconds %d\n", r.GeneratedAt.Unix())
	return b.Flush()
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func quote(value string) string { return `"` + labelEscapes.Replace(value) + `"` }
