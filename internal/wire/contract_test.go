package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// pair is one of our types beside the server's types it reads; a field must exist in at least one of them.
type pair struct {
	ours   reflect.Type
	theirs []reflect.Type
}

func pairs() []pair {
	one := func(ours, theirs reflect.Type) pair { return pair{ours, []reflect.Type{theirs}} }
	return []pair{
		one(reflect.TypeFor[ServerInfo](), reflect.TypeFor[server.ServerInfo]()),
		one(reflect.TypeFor[APIError](), reflect.TypeFor[server.ApiError]()),
		one(reflect.TypeFor[VARZ](), reflect.TypeFor[server.Varz]()),
		one(reflect.TypeFor[STATSZ](), reflect.TypeFor[server.ServerStats]()),
		one(reflect.TypeFor[JSZ](), reflect.TypeFor[server.JSInfo]()),
		one(reflect.TypeFor[HEALTHZ](), reflect.TypeFor[server.HealthStatus]()),
		one(reflect.TypeFor[ROUTEZ](), reflect.TypeFor[server.Routez]()),
		one(reflect.TypeFor[GATEWAYZ](), reflect.TypeFor[server.Gatewayz]()),
		one(reflect.TypeFor[LEAFZ](), reflect.TypeFor[server.Leafz]()),
		one(reflect.TypeFor[VARZRequest](), reflect.TypeFor[server.VarzEventOptions]()),
		one(reflect.TypeFor[STATSZRequest](), reflect.TypeFor[server.StatszEventOptions]()),
		one(reflect.TypeFor[JSZRequest](), reflect.TypeFor[server.JszEventOptions]()),
		one(reflect.TypeFor[HEALTHZRequest](), reflect.TypeFor[server.HealthzEventOptions]()),
		one(reflect.TypeFor[ROUTEZRequest](), reflect.TypeFor[server.RoutezEventOptions]()),
		one(reflect.TypeFor[GATEWAYZRequest](), reflect.TypeFor[server.GatewayzEventOptions]()),
		one(reflect.TypeFor[LEAFZRequest](), reflect.TypeFor[server.LeafzEventOptions]()),
		{reflect.TypeFor[Advisory](), []reflect.Type{
			reflect.TypeFor[server.JSDomainLeaderElectedAdvisory](),
			reflect.TypeFor[server.JSStreamLeaderElectedAdvisory](),
			reflect.TypeFor[server.JSStreamQuorumLostAdvisory](),
			reflect.TypeFor[server.JSConsumerLeaderElectedAdvisory](),
			reflect.TypeFor[server.JSConsumerQuorumLostAdvisory](),
		}},
	}
}

// TestContract compares every field we declare with the server's, and lists the server's fields we do not take.
func TestContract(t *testing.T) {
	for _, p := range pairs() {
		t.Run(p.ours.Name(), func(t *testing.T) {
			c := contract{t: t, seen: map[reflect.Type]bool{}}
			union := map[string]reflect.Type{}
			for _, theirs := range p.theirs {
				maps.Copy(union, jsonFields(theirs))
			}
			c.fields(p.ours.Name(), p.ours, union)
			if len(c.untaken) > 0 {
				t.Logf("not taken: %s", strings.Join(c.untaken, ", "))
			}
		})
	}
}

type contract struct {
	t       *testing.T
	seen    map[reflect.Type]bool
	untaken []string
}

func (c *contract) fields(path string, ours reflect.Type, theirs map[string]reflect.Type) {
	if c.seen[ours] {
		return
	}
	c.seen[ours] = true
	declared := jsonFields(ours)
	for _, key := range slices.Sorted(maps.Keys(declared)) {
		if their, ok := theirs[key]; ok {
			c.compatible(path+"."+key, declared[key], their)
		} else {
			c.t.Errorf("%s.%s: the server has no such field", path, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if _, ok := declared[key]; !ok {
			c.untaken = append(c.untaken, path+"."+key)
		}
	}
}

func (c *contract) compatible(path string, ours, theirs reflect.Type) {
	ours, theirs = elem(ours), elem(theirs)
	if want, have := wireKind(theirs), wireKind(ours); want != have {
		c.t.Errorf("%s: we have %s (%s), the server %s (%s)", path, ours, have, theirs, want)
		return
	}
	switch {
	case wireKind(ours) == "object":
		c.fields(path, ours, jsonFields(theirs))
	case wireKind(ours) == "array", wireKind(ours) == "map":
		c.compatible(path+"[]", ours.Elem(), theirs.Elem())
	case isInteger(ours):
		signed := ours.Kind() <= reflect.Int64
		if theirSigned := theirs.Kind() <= reflect.Int64; signed != theirSigned && ours.Bits() <= theirs.Bits() {
			c.t.Errorf("%s: %s does not hold every %s", path, ours, theirs)
		}
		if ours.Bits() < theirs.Bits() {
			c.t.Errorf("%s: %s is narrower than %s", path, ours, theirs)
		}
		if duration := reflect.TypeFor[time.Duration](); (theirs == duration) != (ours == duration) {
			c.t.Errorf("%s: %s for %s", path, ours, theirs)
		}
	}
}

// wireKind is the JSON form of a type.
func wireKind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t.Kind() != reflect.Struct && t.Implements(reflect.TypeFor[json.Marshaler]()):
		return "string" // the server's enumerations; TestRoundTrip proves it
	case isInteger(t):
		return "integer"
	}
	switch t.Kind() {
	case reflect.Float64:
		return "float"
	case reflect.Struct:
		return "object"
	case reflect.Slice:
		return "array"
	}
	return t.Kind().String()
}

func isInteger(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}

// jsonFields are the fields of a struct by JSON name, those of embedded structs included.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && key == "":
			for k, v := range jsonFields(f.Type) {
				fields[k] = v
			}
		case f.IsExported() && key != "-" && key != "":
			fields[key] = f.Type
		}
	}
	return fields
}

// TestRoundTrip decodes completely filled server structs: every field of ours is set, and all values agree.
func TestRoundTrip(t *testing.T) {
	roundTrip[ServerInfo](t, new(server.ServerInfo))
	roundTrip[APIError](t, new(server.ApiError))
	roundTrip[VARZ](t, new(server.Varz))
	roundTrip[STATSZ](t, new(server.ServerStats))
	roundTrip[JSZ](t, new(server.JSInfo))
	roundTrip[HEALTHZ](t, new(server.HealthStatus))
	roundTrip[ROUTEZ](t, new(server.Routez))
	roundTrip[GATEWAYZ](t, new(server.Gatewayz))
	roundTrip[LEAFZ](t, new(server.Leafz))
}

func roundTrip[T any](t *testing.T, theirs any) {
	t.Run(reflect.TypeFor[T]().Name(), func(t *testing.T) {
		fill(reflect.ValueOf(theirs).Elem(), 1)
		sent, err := json.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		info := &server.ServerInfo{Name: "n1", ID: "N1"}
		body, err := json.Marshal(server.ServerAPIResponse{Server: info, Data: theirs})
		if err != nil {
			t.Fatal(err)
		}
		reply, err := Decode[T](body, "")
		if err != nil || reply.LostCount != 0 {
			t.Fatalf("err %v, lost %v", err, reply.Lost)
		}
		if reply.Server.Name != "n1" {
			t.Errorf("server %+v", reply.Server)
		}
		notZero(t, reflect.TypeFor[T]().Name(), reflect.ValueOf(reply.Data).Elem())
		got, err := json.Marshal(reply.Data)
		if err != nil {
			t.Fatal(err)
		}
		contained(t, "", asAny(t, got), asAny(t, sent))
	})
}

func asAny(t *testing.T, text []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// contained checks that all that is in ours is in theirs with the same value.
func contained(t *testing.T, path string, ours, theirs any) {
	t.Helper()
	switch o := ours.(type) {
	case map[string]any:
		m, ok := theirs.(map[string]any)
		if !ok {
			t.Errorf("%s: object against %T", path, theirs)
			return
		}
		for key, v := range o {
			contained(t, path+"."+key, v, m[key])
		}
	case []any:
		l, ok := theirs.([]any)
		if !ok || len(l) != len(o) {
			t.Errorf("%s: %v against %v", path, ours, theirs)
			return
		}
		for i := range o {
			contained(t, fmt.Sprintf("%s[%d]", path, i), o[i], l[i])
		}
	default:
		if ours != theirs {
			t.Errorf("%s: %v against %v", path, ours, theirs)
		}
	}
}

// notZero checks that every field, at any depth, was set.
func notZero(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s: not set", path)
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Pointer:
		notZero(t, path, v.Elem())
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			notZero(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			notZero(t, path+"[]", v.Index(i))
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			notZero(t, path+"[]", v.MapIndex(key))
		}
	}
}

// fill sets every exported field to something that is not zero, deterministically, and valid for enumerations.
func fill(v reflect.Value, n int64) int64 {
	n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, int(n), time.UTC)))
		return n
	case server.StorageType:
		v.Set(reflect.ValueOf(server.MemoryStorage))
		return n
	}
	if v.Type().Implements(reflect.TypeFor[json.Marshaler]()) && isInteger(v.Type()) {
		if v.CanInt() {
			v.SetInt(1)
		} else {
			v.SetUint(1)
		}
		return n
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprintf("text \"%d\" é", n))
	case reflect.Float64:
		v.SetFloat(float64(n) + 0.25)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		n = fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		n = fill(v.Index(1), fill(v.Index(0), n))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		n = fill(value, fill(key, n))
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			// The operator's claims are not ours to read, and do not marshal when filled at random.
			if f := v.Type().Field(i); f.IsExported() && f.Name != "TrustedOperatorsClaim" {
				n = fill(v.Field(i), n)
			}
		}
	default:
		switch {
		case v.CanInt():
			v.SetInt(n % 100)
			if n%100 == 0 {
				v.SetInt(100)
			}
		case v.CanUint():
			v.SetUint(uint64(n%100 + 1))
		}
	}
	return n
}
