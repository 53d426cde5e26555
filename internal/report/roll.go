package report

import (
	"fmt"
	"strings"
	"time"

	"rollcall/internal/ledger"
	"rollcall/internal/quantity"
	"rollcall/internal/view"
)

// Live is what a screen that is redrawn in place shows after each epoch.
type Live struct {
	Roll   view.Roll
	Report *view.Report
	Said   []string // announcements and transitions, oldest first
	Height int      // lines of the screen
}

// DrawLive draws the live roll call: servers, mirrors with their true lag,
// replicated streams with their members, the findings, and as much as fits of
// what was said last. It returns lines of at most options.Width columns.
func DrawLive(l Live, options Options) []string {
	d := &live{style: style(options.Color), width: max(narrowest, options.Width)}
	d.servers(l.Roll.Servers)
	d.mirrors(l.Roll.Mirrors)
	d.groups(l.Roll.Groups)
	d.findings(l.Report)
	d.said(l.Said, l.Height-1)
	return d.lines
}

type live struct {
	style
	width int
	lines []string
}

// add adds a line of text, cut to the width, in one colour.
func (d *live) add(color, format string, args ...any) {
	text := cut(fmt.Sprintf(format, args...), d.width)
	if color == "" {
		d.lines = append(d.lines, text)
		return
	}
	d.lines = append(d.lines, d.paint(color, text))
}

func (d *live) servers(servers []view.RollServer) {
	d.add(bold, "ROLL CALL  %s", time.Now().Format(time.TimeOnly))
	line, used := "", 0
	for _, s := range servers {
		mark, color := "● ", green
		text := s.System + "/" + s.Name
		if !s.Present {
			mark, color = "○ ", red
			text += " silent " + quantity.Duration(s.Silent.Round(time.Second))
		}
		if used+columns(text)+5 > d.width {
			break
		}
		used += columns(text) + 5
		line += "  " + d.paint(color, mark) + text + " "
	}
	d.lines = append(d.lines, line)
}

func (d *live) mirrors(mirrors []view.RollMirror) {
	if len(mirrors) == 0 {
		return
	}
	name := 0
	for _, m := range mirrors {
		name = max(name, columns(m.Name))
	}
	d.add(cyan, "  %s  %10s %10s %10s   %s", pad("MIRROR", name), "source at", "mirror at", "true lag", "the mirror itself reports")
	for _, m := range mirrors {
		if !m.Known {
			d.add(dim, "  %s  %10s %10s %10s   %s", pad(m.Name, name), "?", quantity.Count(m.MirrorSeq), "?", m.Reported)
			continue
		}
		color := ""
		if m.Behind > 100 {
			color = red
		}
		d.add(color, "  %s  %10s %10s %10s   %s", pad(m.Name, name), quantity.Count(m.SourceSeq), quantity.Count(m.MirrorSeq), quantity.Count(m.Behind), m.Reported)
	}
}

func (d *live) groups(groups []view.RollGroup) {
	if len(groups) == 0 {
		return
	}
	name := 0
	for _, g := range groups {
		name = max(name, columns(g.Name))
	}
	d.add(cyan, "  %s  %-8s %-7s  %s", pad("REPLICATED STREAM", max(name, 17)), "leader", "present", "last heard from")
	for _, g := range groups {
		d.add("", "  %s  %-8s %-7s  %s", pad(g.Name, max(name, 17)), g.Leader, g.Standing, g.Members)
	}
}

func (d *live) findings(r *view.Report) {
	d.add("", "")
	shown := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.MaskedBy != "" {
			continue
		}
		shown++
		label, color := strings.ToUpper(f.Severity.String()), severityColor(f.Severity)
		if f.State != ledger.Open {
			label, color = string(f.State), dim
		}
		folded := ""
		if n := len(r.Folded(f.ID)); n > 0 {
			folded = fmt.Sprintf(" (+%d folded)", n)
		}
		d.add(color, "  %s %s %s%s", pad(label, 8), f.Code, f.Entity.Name, folded)
		for _, line := range wrap(f.Summary, d.width-13) {
			d.add("", "           %s", line)
		}
	}
	if shown == 0 {
		d.add(green, "  no findings")
	}
	d.add("", "")
}

// said shows the newest of what was said, in the lines that are left.
func (d *live) said(said []string, height int) {
	var lines []string
	for _, text := range said {
		for i, line := range wrap(text, d.width-4) {
			if i > 0 {
				line = "  " + line
			}
			lines = append(lines, line)
		}
	}
	room := max(4, height-len(d.lines))
	lines = lines[max(0, len(lines)-room):]
	for _, line := range lines {
		d.add(dim, "  %s", line)
	}
}
