package check

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/quantity"
)

// Threshold is one setting of a check, derived from a field of its threshold
// struct:
//
//	StaleAfter time.Duration `name:"stale_after" default:"5m" min:"10s" max:"30d" doc:"..."`
//
// Fields are durations, whole numbers (int), ratios and other decimals
// (float64) or text (string); numbers carry their unit in the tag unit.
type Threshold struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // duration, number, decimal, text
	Unit    string `json:"unit,omitempty"`
	Default string `json:"default"`
	Min     string `json:"min,omitempty"`
	Max     string `json:"max,omitempty"`
	Doc     string `json:"doc"`

	field int
}

// Settings are the thresholds that differ from the defaults, by check.
type Settings map[*Check]reflect.Value

// Of gives the effective thresholds of a check as its threshold struct.
func (s Settings) of(c *Check) reflect.Value {
	if v, ok := s[c]; ok {
		return v
	}
	return c.defaults
}

// Value prints the effective value of one threshold.
func (s Settings) Value(c *Check, t Threshold) string {
	return printValue(s.of(c).Field(t.field))
}

// Set applies "CODE.threshold=value". The error is one sentence that says what
// was wrong and what is allowed.
func (s Settings) Set(checks []*Check, assignment string) error {
	target, value, ok := strings.Cut(assignment, "=")
	code, name, dotted := strings.Cut(target, ".")
	if !ok || !dotted {
		return fmt.Errorf("%q is not a setting: want CODE.threshold=value, such as JETSTREAM_015.stale_after=20s", assignment)
	}
	c, err := Find(checks, code)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.Thresholds, func(t Threshold) bool { return t.Name == name })
	if i < 0 {
		return fmt.Errorf("%s has no threshold %q: it has %s", c.Code, name, c.thresholdNames())
	}
	settings := reflect.New(c.defaults.Type()).Elem()
	settings.Set(s.of(c))
	if err := c.Thresholds[i].set(settings, value); err != nil {
		return fmt.Errorf("%s.%s: %w", c.Code, name, err)
	}
	s[c] = settings
	return nil
}

func (c *Check) thresholdNames() string {
	if len(c.Thresholds) == 0 {
		return "none"
	}
	var names []string
	for _, t := range c.Thresholds {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// Find gives the check with a code or alias, written in any case. The error
// names the closest codes.
func Find(checks []*Check, code string) (*Check, error) {
	upper := strings.ToUpper(strings.TrimSpace(code))
	for _, c := range checks {
		if c.Code == upper {
			return c, nil
		}
	}
	for _, c := range checks {
		if slices.Contains(c.Aliases, upper) {
			return c, nil
		}
	}
	family, _, _ := strings.Cut(upper, "_")
	var near []string
	for _, c := range checks {
		if family != "" && strings.HasPrefix(c.Code, family+"_") {
			near = append(near, c.Code)
		}
	}
	if len(near) == 0 {
		return nil, fmt.Errorf("there is no check %q: `rollcall checks` lists them all", code)
	}
	return nil, fmt.Errorf("there is no check %q: that family has %s", code, strings.Join(near, ", "))
}

func thresholdsOf(t reflect.Type) ([]Threshold, reflect.Value, error) {
	defaults := reflect.New(t).Elem()
	var thresholds []Threshold
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		th := Threshold{
			Name: tag.Get("name"), Unit: tag.Get("unit"), Default: tag.Get("default"),
			Min: tag.Get("min"), Max: tag.Get("max"), Doc: tag.Get("doc"), field: i,
		}
		switch t.Field(i).Type {
		case reflect.TypeFor[time.Duration]():
			th.Type = "duration"
		case reflect.TypeFor[int]():
			th.Type = "number"
		case reflect.TypeFor[float64]():
			th.Type = "decimal"
		case reflect.TypeFor[string]():
			th.Type = "text"
		default:
			return nil, defaults, fmt.Errorf("field %s: a threshold is a duration, int, float64 or string", t.Field(i).Name)
		}
		if th.Name == "" || th.Doc == "" {
			return nil, defaults, fmt.Errorf("field %s lacks the tag name or doc", t.Field(i).Name)
		}
		if err := th.set(defaults, th.Default); err != nil {
			return nil, defaults, fmt.Errorf("default of %s: %w", th.Name, err)
		}
		thresholds = append(thresholds, th)
	}
	return thresholds, defaults, nil
}

// set parses a value into its field of the threshold struct.
func (t Threshold) set(settings reflect.Value, value string) error {
	field := settings.Field(t.field)
	if t.Type == "text" {
		field.SetString(value)
		return nil
	}
	number, err := t.parse(value)
	if err != nil {
		return err
	}
	for _, bound := range []struct {
		text  string
		sign  float64
		words string
	}{{t.Min, 1, "at least"}, {t.Max, -1, "at most"}} {
		if bound.text == "" {
			continue
		}
		limit, err := t.parse(bound.text)
		if err != nil {
			return fmt.Errorf("bound: %w", err)
		}
		if (number-limit)*bound.sign < 0 {
			return fmt.Errorf("%s is out of range: want %s %s", value, bound.words, strings.TrimSpace(bound.text+" "+t.Unit))
		}
	}
	if field.Kind() == reflect.Float64 {
		field.SetFloat(number)
	} else {
		field.SetInt(int64(number))
	}
	return nil
}

func (t Threshold) parse(value string) (float64, error) {
	switch t.Type {
	case "duration":
		d, err := quantity.ParseDuration(value)
		return float64(d), err
	case "number":
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0, fmt.Errorf("%q is not a whole number", value)
		}
		return float64(n), nil
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", value)
	}
	return f, nil
}

func printValue(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return quantity.Duration(d)
	}
	return fmt.Sprint(v.Interface())
}
