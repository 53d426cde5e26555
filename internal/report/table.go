package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/ledger"
	"rollcall/internal/quantity"
	"rollcall/internal/view"
)

// narrowest is the width below which lines are let run over rather than be
// broken into syllables.
const narrowest = 60

// table draws the report for people: a headline, one line a finding, worst
// first, then each with evidence, cost and commands, then what is unknown.
type table struct {
	style
	w     *bufio.Writer
	width int
	r     *view.Report
}

func writeTable(w io.Writer, r *view.Report, options Options) error {
	t := &table{style: style(options.Color), w: bufio.NewWriter(w), width: max(narrowest, options.Width), r: r}
	t.headline()
	t.list()
	for i := range r.Findings {
		if f := &r.Findings[i]; f.MaskedBy == "" {
			t.detail(f)
		}
	}
	t.unknown()
	return t.w.Flush()
}

func (t *table) print(format string, args ...any) { fmt.Fprintf(t.w, format, args...) }

func (t *table) headline() {
	var systems []string
	for _, s := range t.r.Systems {
		systems = append(systems, fmt.Sprintf("%s: %s, %s, %s", s.Name,
			quantity.Of(s.Servers, "server"), quantity.Of(s.Streams, "stream"), quantity.Of(s.Consumers, "consumer")))
	}
	sampled := ""
	if n := len(t.r.Epochs); n > 0 {
		span := t.r.Epochs[n-1].FinishedAt.Sub(t.r.Epochs[0].StartedAt)
		sampled = fmt.Sprintf("%s in %s", quantity.Of(n, "sample"), quantity.Duration(span))
	}
	head := t.paint(bold, pad("rollcall", label))
	for _, line := range wrap(strings.Join(systems, "; ")+"; "+sampled, t.width-label) {
		t.print("%s%s\n", head, line)
		head = strings.Repeat(" ", label)
	}
	c := t.r.Coverage
	answered := fmt.Sprintf("%d of %d questions answered", c.Answered, c.Asked)
	if c.Answered < c.Asked {
		answered = t.paint(yellow, answered)
	}
	t.print("%s%s\n\n", strings.Repeat(" ", label), answered)
}

func (t *table) list() {
	s := t.r.Summary
	if len(t.r.Findings) == 0 {
		verdict := t.paint(green, "nothing found")
		if s.Unknown > 0 {
			verdict = t.paint(yellow, "nothing found in what could be seen")
		}
		t.print("  %s by %s\n", verdict, quantity.Of(s.Checks, "check"))
		return
	}
	counts := []string{
		t.paint(colorIf(s.Critical > 0, red), fmt.Sprintf("%d critical", s.Critical)),
		t.paint(colorIf(s.Warning > 0, yellow), fmt.Sprintf("%d warning", s.Warning)),
		fmt.Sprintf("%d info", s.Info),
	}
	for _, extra := range []struct {
		n    int
		text string
	}{{s.Pending, "pending"}, {s.Masked, "folded under a cause"}, {s.Unknown, "unknown"}} {
		if extra.n > 0 {
			counts = append(counts, t.paint(dim, fmt.Sprintf("%d %s", extra.n, extra.text)))
		}
	}
	t.print("  %s\n\n", strings.Join(counts, "   "))
	name := t.nameWidth()
	for i := range t.r.Findings {
		if f := &t.r.Findings[i]; f.MaskedBy == "" {
			t.line(f, name)
		}
	}
}

func colorIf(yes bool, color string) string {
	if yes {
		return color
	}
	return dim
}

// nameWidth is the column of the entities' names, within a third of the line.
func (t *table) nameWidth() int {
	width := 0
	for i := range t.r.Findings {
		if f := &t.r.Findings[i]; f.MaskedBy == "" {
			width = max(width, columns(f.Entity.Name))
		}
	}
	return min(width, t.width/3)
}

func (t *table) line(f *view.Finding, name int) {
	label := strings.ToUpper(f.Severity.String())
	color := severityColor(f.Severity)
	if f.State != ledger.Open {
		label, color = string(f.State), dim
	}
	t.print("  %s  %s  %s  %s", t.paint(color, pad(label, 8)), pad(f.Code, 13), pad(cut(f.Entity.Name, name), name), f.Title)
	if n := len(t.r.Folded(f.ID)); n > 0 {
		t.print("%s", t.paint(dim, fmt.Sprintf("  (+%d folded)", n)))
	}
	t.print("\n")
}

func (t *table) detail(f *view.Finding) {
	t.print("\n%s\n", t.paint(dim, strings.Repeat("─", t.width)))
	state := string(f.State)
	switch {
	case f.State == ledger.Pending && f.OpensAt != nil:
		state = "pending, opens if it lasts until " + f.OpensAt.Local().Format(time.TimeOnly)
	case f.State == ledger.Open:
		state = "bad for at least " + quantity.Duration(t.r.GeneratedAt.Sub(f.BadSince))
	}
	if f.Stale != "" {
		state += "; not seen in the last sample: " + f.Stale
	}
	t.print("%s %s   %s\n", t.paint(severityColor(f.Severity), strings.ToUpper(f.Severity.String())), t.paint(bold, f.Code+" "+f.Title), t.paint(dim, state))
	t.print("%s\n", t.paint(dim, f.Entity.ID))
	t.paragraph("", f.Summary)
	t.evidence(f.Evidence)
	t.paragraph("Cost", f.Impact)
	t.steps(f.Fix)
	t.folded(f)
	t.print("  %s%s\n", t.paint(cyan, pad("Manual", label)), "rollcall explain "+f.Code)
}

// label is the width of the column that names the parts of a finding.
const label = 10

func (t *table) paragraph(name, text string) {
	if text == "" {
		return
	}
	indent := 2
	if name != "" {
		indent += label
	}
	for i, line := range wrap(text, t.width-indent) {
		if i == 0 && name != "" {
			t.print("  %s%s\n", t.paint(cyan, pad(name, label)), line)
		} else {
			t.print("%s%s\n", strings.Repeat(" ", indent), line)
		}
	}
}

func (t *table) evidence(evidence []check.Evidence) {
	name := 0
	for _, e := range evidence {
		name = max(name, columns(e.Name))
	}
	for i, e := range evidence {
		head := strings.Repeat(" ", label)
		if i == 0 {
			head = t.paint(cyan, pad("Evidence", label))
		}
		for j, line := range wrap(evidenceText(e), t.width-2-label-name-2) {
			if j > 0 {
				head, e.Name = strings.Repeat(" ", label), ""
			}
			t.print("  %s%s  %s\n", head, pad(e.Name, name), line)
		}
	}
}

// evidenceText prints a value with its unit, what it was compared to and who
// said so: "41.2 seconds (threshold 30), says n1".
func evidenceText(e check.Evidence) string {
	text := valueText(e.Value)
	if _, isText := e.Value.(string); !isText && e.Unit != "" {
		text += " " + e.Unit
	}
	if e.Threshold != nil {
		text += fmt.Sprintf(" (threshold %s)", valueText(e.Threshold))
	}
	if e.From != "" {
		text += ", says " + e.From
	}
	return text
}

func valueText(value any) string {
	switch v := value.(type) {
	case uint64:
		return quantity.Count(v)
	case int:
		return quantity.Count(v)
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return fmt.Sprint(value)
}

func (t *table) steps(steps []check.Step) {
	for i, s := range steps {
		name := stepName(s)
		if i > 0 && name == stepName(steps[i-1]) {
			name = ""
		}
		say := s.Say
		if s.Risk == check.Disruptive || s.Risk == check.Destroys {
			say += " [" + string(s.Risk) + "]"
		}
		for j, line := range wrap(say, t.width-2-label) {
			head := ""
			if j == 0 {
				head = name
			}
			t.print("  %s%s\n", t.paint(cyan, pad(head, label)), line)
		}
		if s.Run != "" {
			t.print("  %s%s\n", strings.Repeat(" ", label), t.paint(bold, "$ "+s.Run))
		}
	}
}

func stepName(s check.Step) string {
	switch {
	case s.Run == "":
		return "Note"
	case s.Risk == check.Safe || s.Risk == "":
		return "Look"
	}
	return "Do"
}

// foldedShown bounds the consequences that are listed under a cause.
const foldedShown = 5

func (t *table) folded(f *view.Finding) {
	folded := t.r.Folded(f.ID)
	for i, m := range folded {
		name := ""
		if i == 0 {
			name = "Folded"
		}
		if i == foldedShown {
			t.paragraph(" ", fmt.Sprintf("… and %d more: --output json lists them all", len(folded)-i))
			return
		}
		t.print("  %s%s\n", t.paint(cyan, pad(name, label)),
			cut(fmt.Sprintf("%s %s: %s", m.Code, m.Entity.Name, m.Title), t.width-2-label))
	}
}

// codesShown bounds the codes that are listed for one reason.
const codesShown = 4

// unknown groups what could not be judged by reason: it is the reasons that a
// reader can do something about.
func (t *table) unknown() {
	if len(t.r.Unknown) == 0 {
		return
	}
	type group struct {
		reason   string
		entities []string
		codes    []string
	}
	var groups []*group
	byReason := map[string]*group{}
	for _, u := range t.r.Unknown {
		g := byReason[u.Reason]
		if g == nil {
			g = &group{reason: u.Reason}
			byReason[u.Reason], groups = g, append(groups, g)
		}
		if !slices.Contains(g.codes, u.Code) {
			g.codes = append(g.codes, u.Code)
		}
		if len(g.entities) < 1000 && !slices.Contains(g.entities, u.Entity.Name) {
			g.entities = append(g.entities, u.Entity.Name)
		}
	}
	t.print("\n%s\n", t.paint(dim, strings.Repeat("─", t.width)))
	t.print("%s   %s\n", t.paint(yellow, "UNKNOWN"), t.paint(dim, "not judged, because it was not seen; not the same as well"))
	for _, g := range groups {
		names := strings.Join(g.entities[:min(4, len(g.entities))], ", ")
		if more := len(g.entities) - 4; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		by := strings.Join(g.codes, ", ")
		if len(g.codes) > codesShown {
			by = quantity.Of(len(g.codes), "check")
		}
		t.paragraph("", fmt.Sprintf("%s: %s (%s)", names, g.reason, by))
	}
}
