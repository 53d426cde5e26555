package report

import (
	"strings"
	"unicode/utf8"

	"rollcall/internal/check"
)

// style colours text where colours are wanted.
type style bool

const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	yellow = "33"
	blue   = "34"
	green  = "32"
	cyan   = "36"
)

func (s style) paint(code, text string) string {
	if !bool(s) || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func severityColor(s check.Severity) string {
	switch s {
	case check.Critical:
		return red
	case check.Warning:
		return yellow
	}
	return blue
}

// wrap breaks text into lines of at most width columns, at spaces. A word longer
// than a line stands alone.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case columns(line)+1+columns(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// cut shortens text to width columns, with an ellipsis.
func cut(text string, width int) string {
	if columns(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(0, width-1)]) + "…"
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

func columns(text string) int { return utf8.RuneCountInString(text) }
