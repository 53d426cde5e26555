// Package report writes a view.Report in the forms that people and programs
// read: one file per form.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"rollcall/internal/view"
)

// Options say how the table is drawn. Other forms ignore them.
type Options struct {
	Width int  // columns; at least 60 are used
	Color bool // ANSI colours
}

var writers = map[string]func(io.Writer, *view.Report, Options) error{
	"table":      writeTable,
	"json":       writeJSON,
	"markdown":   writeMarkdown,
	"junit":      writeJUnit,
	"sarif":      writeSARIF,
	"prometheus": writePrometheus,
	"nagios":     writeNagios,
}

// Forms lists the names that Write takes.
func Forms() []string {
	return []string{"table", "json", "markdown", "junit", "sarif", "prometheus", "nagios"}
}

// CheckForm returns an error that lists the forms if the name is none of them.
func CheckForm(form string) error {
	if !slices.Contains(Forms(), form) {
		return fmt.Errorf("%q is no output format: want %s", form, strings.Join(Forms(), ", "))
	}
	return nil
}

// Write writes the report in a form. The error is CheckForm's, or the writer's.
func Write(w io.Writer, form string, r *view.Report, options Options) error {
	if err := CheckForm(form); err != nil {
		return err
	}
	return writers[form](w, r, options)
}

func writeJSON(w io.Writer, r *view.Report, _ Options) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
