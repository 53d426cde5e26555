package view

import (
	"fmt"
	"strings"

	"rollcall/internal/check"
	"rollcall/internal/quantity"
)

// Catalog describes a check for lists and programs.
type Catalog struct {
	Code       string            `json:"code"`
	Aliases    []string          `json:"aliases"`
	Title      string            `json:"title"`
	Family     string            `json:"family"`
	Severity   check.Severity    `json:"severity"`
	Mildest    check.Severity    `json:"mildest"`
	Worst      check.Severity    `json:"worst"`
	Category   check.Category    `json:"category"`
	Kind       check.Kind        `json:"kind"`
	Entity     string            `json:"entity"`
	Needs      []string          `json:"needs"`
	Uses       []string          `json:"uses"`
	MaskedBy   []string          `json:"masked_by"`
	Metadata   []string          `json:"metadata"` // keys that set its threshold
	Thresholds []check.Threshold `json:"thresholds"`
	Opens      string            `json:"opens"`
	Clears     string            `json:"clears"`
	Blind      string            `json:"blind"`
	Since      string            `json:"since"`
	Docs       string            `json:"docs"`
}

// CatalogOf describes a check.
func CatalogOf(c *check.Check) Catalog {
	v := Catalog{
		Code: c.Code, Aliases: append([]string{}, c.Aliases...), Title: c.Title, Family: c.Family,
		Severity: c.Severity, Mildest: c.Mildest, Worst: c.Worst, Category: c.Category, Kind: c.Kind, Entity: string(c.Entity),
		Needs: []string{}, Uses: []string{}, MaskedBy: []string{}, Metadata: append([]string{}, c.Metadata...), Thresholds: append([]check.Threshold{}, c.Thresholds...),
		Opens: c.Opens, Clears: c.Clears, Blind: c.Blind, Since: c.Since, Docs: c.DocPath(),
	}
	for _, q := range c.Needs {
		v.Needs = append(v.Needs, q.String())
	}
	for _, q := range c.Uses {
		v.Uses = append(v.Uses, q.String())
	}
	for _, m := range c.MaskedBy {
		v.MaskedBy = append(v.MaskedBy, m.Code)
	}
	return v
}

// Manual is the manual page of a check, as Markdown.
func Manual(c *check.Check) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n", c.Code, c.Title)
	severity := c.Severity.String()
	if c.Mildest != c.Worst {
		severity += fmt.Sprintf(" (from %s to %s)", c.Mildest, c.Worst)
	}
	fmt.Fprintf(&b, "%s · %s · about a %s · since %s", severity, c.Category, c.Entity, c.Since)
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, " · elsewhere known as %s", strings.Join(c.Aliases, ", "))
	}
	b.WriteString("\n\n")
	d := c.Doc
	section(&b, "What it means", d.Means)
	section(&b, "Why it matters", d.Matters)
	section(&b, "When", fmt.Sprintf("- Opens: %s\n- Clears: %s\n- Cannot see: %s", c.Opens, c.Clears, c.Blind))
	list(&b, "Common causes", d.Causes)
	steps(&b, "How to diagnose", d.Diagnose)
	steps(&b, "How to fix", d.Fix)
	list(&b, "How to prevent", d.Prevent)
	section(&b, "False positives", d.FalsePositives)
	thresholds(&b, c)
	if len(d.Questions) > 0 {
		b.WriteString("## Questions asked\n\n")
		for _, q := range d.Questions {
			fmt.Fprintf(&b, "**%s** %s\n\n", q.Question, q.Answer)
		}
	}
	relations(&b, c)
	page := b.String()
	for strings.Contains(page, "\n\n\n") {
		page = strings.ReplaceAll(page, "\n\n\n", "\n\n")
	}
	return strings.TrimRight(page, "\n") + "\n"
}

func section(b *strings.Builder, title, text string) {
	if text != "" {
		fmt.Fprintf(b, "## %s\n\n%s\n\n", title, text)
	}
}

func list(b *strings.Builder, title string, items []string) {
	if len(items) > 0 {
		section(b, title, "- "+strings.Join(items, "\n- "))
	}
}

func steps(b *strings.Builder, title string, steps []check.Step) {
	if len(steps) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", title)
	for i, s := range steps {
		fmt.Fprintf(b, "%d. %s", i+1, s.Say)
		if s.Risk != "" && s.Risk != check.Safe {
			fmt.Fprintf(b, " *(%s)*", s.Risk)
		}
		b.WriteString("\n")
		if s.Run != "" {
			fmt.Fprintf(b, "\n       %s\n\n", s.Run)
		}
	}
	b.WriteString("\n")
}

func thresholds(b *strings.Builder, c *check.Check) {
	b.WriteString("## Thresholds\n\n")
	for _, key := range c.Metadata {
		fmt.Fprintf(b, "- the metadata `%s` of the stream; without it the check is silent.\n", key)
	}
	if len(c.Thresholds)+len(c.Metadata) == 0 {
		b.WriteString("None of its own.\n")
	}
	for _, t := range c.Thresholds {
		fmt.Fprintf(b, "- `%s` = %s", t.Name, strings.TrimSpace(t.Default+" "+t.Unit))
		if t.Min != "" || t.Max != "" {
			fmt.Fprintf(b, " (%s to %s)", t.Min, t.Max)
		}
		fmt.Fprintf(b, ": %s Set it with `--set %s.%s=VALUE`.\n", t.Doc, c.Code, t.Name)
	}
	b.WriteString("\n")
	if c.Clear > 0 {
		fmt.Fprintf(b, "It resolves after %s of observed good.\n\n", quantity.Duration(c.Clear))
	}
}

func relations(b *strings.Builder, c *check.Check) {
	var parts []string
	if len(c.MaskedBy) > 0 {
		var codes []string
		for _, m := range c.MaskedBy {
			codes = append(codes, m.Code+" ("+m.Title+")")
		}
		parts = append(parts, "- Shown under: "+strings.Join(codes, ", "))
	}
	needs := CatalogOf(c)
	if len(needs.Needs) > 0 {
		parts = append(parts, "- Needs the answer to: "+strings.Join(needs.Needs, ", ")+"; without it the entity is unknown")
	}
	if len(needs.Uses) > 0 {
		parts = append(parts, "- Also reads: "+strings.Join(needs.Uses, ", "))
	}
	section(b, "Relations", strings.Join(parts, "\n"))
}
