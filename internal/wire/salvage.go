package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// MaxLost bounds the entries of Reply.Lost: a server of an incompatible version can lose every stream for one and the
// same reason.
const MaxLost = 100

// Lost is something of a reply that could not be read and was left out: an asset of a list, or one field.
type Lost struct {
	Path   string   // for example data.account_details[0].stream_detail[17].state.messages
	Names  []string // the names met on the way, outermost first: account, stream, consumer
	Reason string   // which value does not fit
}

// units are the elements of lists that are left out as a whole when anything in them does not decode. What is nested
// in a unit and is a unit itself (the consumers of a stream) is lost alone.
var units = map[reflect.Type]bool{
	reflect.TypeFor[StreamDetail]():  true,
	reflect.TypeFor[ConsumerInfo]():  true,
	reflect.TypeFor[RouteInfo]():     true,
	reflect.TypeFor[LeafInfo]():      true,
	reflect.TypeFor[RemoteGateway](): true,
	reflect.TypeFor[RouteStat]():     true,
	reflect.TypeFor[GatewayStat]():   true,
	reflect.TypeFor[HealthError]():   true,
}

// containers are the elements of lists that are kept although a field of theirs is lost, for what they contain.
var containers = map[reflect.Type]bool{reflect.TypeFor[AccountDetail](): true}

// salvage decodes piece by piece what does not decode in one go.
type salvage struct {
	path  []string
	names []string
	lost  []Lost
	count int
}

// salvageEnvelope decodes a valid JSON object, leaving out what does not fit.
func salvageEnvelope[T any](body []byte, reply *Reply[T]) envelope[T] {
	var (
		env  envelope[T]
		raw  map[string]json.RawMessage
		s    salvage
		part = func(key string, into any) bool {
			s.path = append(s.path[:0], key)
			return s.value(raw[key], into)
		}
	)
	_ = json.Unmarshal(body, &raw) // cannot fail: the body is a valid object
	if present(raw["server"]) {
		env.Server = new(ServerInfo)
		if !part("server", env.Server) {
			env.Server = nil
		}
	}
	if present(raw["error"]) {
		env.Error = new(APIError)
		if json.Unmarshal(raw["error"], env.Error) != nil { // still a refusal, whatever its form
			env.Error = &APIError{Description: excerpt(raw["error"])}
		}
	}
	for key, into := range map[string]**T{"data": &env.Data, "statsz": &env.Statsz} {
		if present(raw[key]) {
			*into = new(T)
			if !part(key, *into) {
				*into = nil
			}
		}
	}
	reply.Lost, reply.LostCount = s.lost, s.count
	return env
}

// value decodes raw into the struct that into points to. It reports false when raw is not an object at all.
func (s *salvage) value(raw json.RawMessage, into any) bool {
	v := reflect.ValueOf(into).Elem()
	if v.Kind() != reflect.Struct {
		if err := json.Unmarshal(raw, into); err != nil {
			s.drop(err)
			return false
		}
		return true
	}
	return s.object(raw, v)
}

// object fills a struct field by field and drops the fields that do not decode.
func (s *salvage) object(raw json.RawMessage, v reflect.Value) bool {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		s.drop(err)
		return false
	}
	s.fields(fields, v)
	return true
}

func (s *salvage) fields(raw map[string]json.RawMessage, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			s.fields(raw, v.Field(i))
			continue
		}
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if text, ok := raw[key]; ok {
			s.path = append(s.path, "."+key)
			s.field(text, v.Field(i))
			s.path = s.path[:len(s.path)-1]
		}
	}
}

// field decodes one field: in one go if it can, else by its parts. Lists of assets are long and go by their parts at
// once.
func (s *salvage) field(raw json.RawMessage, v reflect.Value) {
	if v.Kind() == reflect.Slice && salvageable(v.Type().Elem()) {
		s.list(raw, v)
		return
	}
	err := json.Unmarshal(raw, v.Addr().Interface())
	if err == nil {
		return
	}
	v.SetZero()
	if v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Struct && isObject(raw) {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.Struct && !hasUnmarshaler(v) && isObject(raw):
		s.object(raw, v)
	case v.Kind() == reflect.Map && salvageable(v.Type().Elem()):
		s.table(raw, v)
	default:
		s.drop(err)
	}
}

// list decodes the elements of a list of units or containers one by one.
func (s *salvage) list(raw json.RawMessage, v reflect.Value) {
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		s.drop(err)
		return
	}
	for i, element := range elements {
		into := reflect.New(v.Type().Elem()).Elem()
		plain := !containers[into.Type()] && json.Unmarshal(element, into.Addr().Interface()) == nil
		if plain || s.element(fmt.Sprintf("[%d]", i), nameOf(element), element, into) {
			v.Set(reflect.Append(v, into))
		}
	}
}

// table decodes the values of a map of units, or of lists of them, one by one.
func (s *salvage) table(raw json.RawMessage, v reflect.Value) {
	var elements map[string]json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		s.drop(err)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, key := range sortedKeys(elements) {
		into := reflect.New(v.Type().Elem()).Elem()
		if s.element(fmt.Sprintf("[%q]", key), key, elements[key], into) {
			v.SetMapIndex(reflect.ValueOf(key), into)
		}
	}
}

// element decodes one element and reports whether to keep it.
func (s *salvage) element(step, name string, raw json.RawMessage, v reflect.Value) bool {
	s.path = append(s.path, step)
	s.names = append(s.names, name)
	defer func() { s.path, s.names = s.path[:len(s.path)-1], s.names[:len(s.names)-1] }()

	if containers[v.Type()] && isObject(raw) {
		return s.object(raw, v)
	}
	err := json.Unmarshal(raw, v.Addr().Interface())
	if err == nil {
		return true
	}
	v.SetZero()
	if v.Kind() == reflect.Slice {
		s.list(raw, v)
		return true
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if !isObject(raw) {
		s.drop(err)
		return false
	}
	return s.unit(raw, v)
}

// unit decodes a unit. What is lost inside it, other than in units of its own, loses the unit, with one entry.
func (s *salvage) unit(raw json.RawMessage, v reflect.Value) bool {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		s.drop(err)
		return false
	}
	nested := map[string]json.RawMessage{}
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if f := v.Field(i); f.Kind() == reflect.Slice && units[elem(f.Type().Elem())] && fields[key] != nil {
			nested[key] = fields[key]
			delete(fields, key)
		}
	}
	before, mark := len(s.lost), s.count
	s.fields(fields, v)
	if s.count > mark {
		s.lost, s.count = s.lost[:min(len(s.lost), before+1)], mark+1
		return false
	}
	s.fields(nested, v)
	return true
}

// drop records that the value at the present path is left out.
func (s *salvage) drop(err error) {
	s.count++
	if len(s.lost) < MaxLost {
		s.lost = append(s.lost, Lost{Path: strings.Join(s.path, ""), Names: slices.Clone(s.names), Reason: err.Error()})
	}
}

// elem is the type behind a pointer.
func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// salvageable reports whether elements of this type are worth decoding one by one.
func salvageable(t reflect.Type) bool {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	t = elem(t)
	return units[t] || containers[t]
}

func hasUnmarshaler(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(json.Unmarshaler)
	return ok
}

// nameOf is the name an element carries, as far as it can be read.
func nameOf(raw json.RawMessage) string {
	var named struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &named) // best effort: without a name the index in the path has to do
	return named.Name
}

// present reports whether a value was sent and is not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// excerpt shortens JSON text for an error message.
func excerpt(raw json.RawMessage) string {
	const most = 200
	if len(raw) > most {
		return string(raw[:most]) + "..."
	}
	return string(raw)
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
