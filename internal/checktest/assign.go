package checktest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/quantity"
)

// assign sets the field that a dotted path of JSON names leads to. Values are
// read by the field's type:
//
//	name            a bool becomes true
//	name=VALUE      numbers, text, durations (6m), times (now, now-5m, never)
//	name=+N, -=N    numbers relative to what they are (durations and times too)
//	name=none       the zero value; nil for what can be absent
//	name=a,b        a list of texts
//	name={...}      JSON, for whole objects and lists of them
//
// Below a map the rest of the path is its key.
func assign(target any, assignment string, now time.Time) error {
	path, value, given := strings.Cut(assignment, "=")
	if !given {
		value = "true"
	}
	return assignTo(reflect.ValueOf(target), path, value, now)
}

func assignTo(v reflect.Value, path, value string, now time.Time) error {
	for v.Kind() == reflect.Pointer && v.Type() != reflect.TypeFor[*time.Time]() {
		if path == "" && value == "none" {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if path == "" {
		return setValue(v, value, now)
	}
	switch v.Kind() {
	case reflect.Map:
		return setKey(v, path, value)
	case reflect.Slice:
		return assignElement(v, path, value, now)
	case reflect.Struct:
		name, rest, _ := strings.Cut(path, ".")
		field, ok := byJSONName(v, name)
		if !ok {
			return fmt.Errorf("%s has no field %q: it has %s", v.Type(), name, strings.Join(jsonNames(v.Type()), ", "))
		}
		return assignTo(field, rest, value, now)
	}
	return fmt.Errorf("%q leads below a %s", path, v.Type())
}

func assignElement(v reflect.Value, path, value string, now time.Time) error {
	index, rest, _ := strings.Cut(path, ".")
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= v.Len() {
		return fmt.Errorf("%q is no index below %d", index, v.Len())
	}
	return assignTo(v.Index(i), rest, value, now)
}

func setKey(v reflect.Value, key, value string) error {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	if value == "none" {
		v.SetMapIndex(reflect.ValueOf(key), reflect.Value{})
		return nil
	}
	element := reflect.New(v.Type().Elem()).Elem()
	if err := setValue(element, value, time.Time{}); err != nil {
		return err
	}
	v.SetMapIndex(reflect.ValueOf(key), element)
	return nil
}

func setValue(v reflect.Value, value string, now time.Time) error {
	if value == "none" {
		v.SetZero()
		return nil
	}
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		v.SetZero()
		return json.Unmarshal([]byte(value), v.Addr().Interface())
	}
	switch v.Interface().(type) {
	case time.Time:
		t, err := parseTime(value, v.Interface().(time.Time), now)
		v.Set(reflect.ValueOf(t))
		return err
	case *time.Time:
		t, err := parseTime(value, now, now)
		v.Set(reflect.ValueOf(&t))
		return err
	case time.Duration:
		d, err := quantity.ParseDuration(strings.TrimPrefix(value, "+"))
		if strings.HasPrefix(value, "+") {
			d += time.Duration(v.Int())
		}
		if value == "never" { // as servers report it: -1
			d, err = -1, nil
		}
		v.SetInt(int64(d))
		return err
	}
	return setPlain(v, value)
}

func setPlain(v reflect.Value, value string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(value)
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		v.SetBool(b)
		return err
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if value[0] == '+' {
			n += v.Int()
		}
		v.SetInt(n)
		return err
	case reflect.Uint64, reflect.Uint32:
		n, err := strconv.ParseInt(value, 10, 64)
		if value[0] == '+' || value[0] == '-' {
			n += int64(v.Uint())
		}
		v.SetUint(uint64(n))
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(value, 64)
		v.SetFloat(f)
		return err
	case reflect.Slice:
		v.Set(reflect.ValueOf(strings.Split(value, ",")))
	default:
		return fmt.Errorf("cannot set a %s to %q", v.Type(), value)
	}
	return nil
}

// parseTime reads now, now-D, now+D, +D and -D (relative to what it was).
func parseTime(value string, was, now time.Time) (time.Time, error) {
	base := was
	if rest, ok := strings.CutPrefix(value, "now"); ok {
		base, value = now, rest
	}
	if value == "" {
		return base, nil
	}
	d, err := quantity.ParseDuration(value)
	return base.Add(d), err
}

func byJSONName(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if found, ok := byJSONName(v.Field(i), name); ok {
				return found, true
			}
			continue
		}
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag == name && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func jsonNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag != "" && tag != "-" {
			names = append(names, tag)
		}
	}
	return names
}
