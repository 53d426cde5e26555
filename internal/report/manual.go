package report

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

var (
	strong   = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emphasis = regexp.MustCompile(`\*\(([^)]+)\)\*`)
	code     = regexp.MustCompile("`([^`]+)`")
	bullet   = regexp.MustCompile(`^(- |\d+\. )`)
)

// WriteManual draws a Markdown manual page for a terminal: wrapped to the
// width, with headings and commands set off.
func WriteManual(w io.Writer, markdown string, options Options) error {
	b := bufio.NewWriter(w)
	s := style(options.Color)
	width := min(max(narrowest, options.Width), 100) // longer lines are hard to read
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "# "):
			fmt.Fprintln(b, s.paint(bold, line[2:]))
		case strings.HasPrefix(line, "## "):
			fmt.Fprintln(b, s.paint(cyan, strings.ToUpper(line[3:])))
		case strings.HasPrefix(line, "       "):
			fmt.Fprintln(b, "      "+s.paint(bold, "$ "+strings.TrimSpace(line)))
		case line == "":
			fmt.Fprintln(b)
		default:
			writeParagraph(b, line, width)
		}
	}
	return b.Flush()
}

func writeParagraph(b *bufio.Writer, line string, width int) {
	mark := bullet.FindString(line)
	indent := strings.Repeat(" ", 2+len(mark))
	// Marks are taken out before wrapping, so that columns are counted right.
	plain := emphasis.ReplaceAllString(strong.ReplaceAllString(line[len(mark):], "$1"), "[$1]")
	plain = code.ReplaceAllString(plain, "$1")
	for i, part := range wrap(plain, width-len(indent)) {
		if i == 0 {
			fmt.Fprintln(b, "  "+mark+part)
		} else {
			fmt.Fprintln(b, indent+part)
		}
	}
}
