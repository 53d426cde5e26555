package entity

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// odd draws names as servers, accounts and streams can have them, and worse.
func odd() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "ORDERS", "a/b", "a=b", "a%2Fb", "%", "a:b", "=", "/", "#", "a b", "ä", "日本", "..", "\n", "?x=1", "+", "Server name unknown at this time (peerID: X)", "$JS.hub.API", "ORDERS@$JS.hub.API"}),
		rapid.String(),
	)
}

func anyRef() *rapid.Generator[Ref] {
	return rapid.Custom(func(t *rapid.T) Ref {
		stream := OfStream(odd().Draw(t, "system"), odd().Draw(t, "domain"), odd().Draw(t, "account"), odd().Draw(t, "stream"))
		last := odd().Draw(t, "last")
		switch rapid.SampledFrom([]Kind{System, Server, Stream, Replica, Mirror, Source, Consumer}).Draw(t, "kind") {
		case System:
			return OfSystem(stream.System)
		case Server:
			return OfServer(stream.System, last)
		case Replica:
			return stream.OnServer(last)
		case Mirror:
			return stream.As(Mirror)
		case Source:
			return stream.WithOrigin(last)
		case Consumer:
			return stream.WithConsumer(last)
		}
		return stream
	})
}

func TestParseReadsWhatStringPrints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := anyRef().Draw(t, "ref")
		got, err := Parse(ref.String())
		if err != nil || got != ref {
			t.Fatalf("%#v prints as %q, which reads as %#v %v", ref, ref.String(), got, err)
		}
	})
}

func TestStringsDifferWhereRefsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRef().Draw(t, "a"), anyRef().Draw(t, "b")
		if (a == b) != (a.String() == b.String()) {
			t.Fatalf("%#v and %#v print as %q and %q", a, b, a, b)
		}
	})
}

// A reference is one word: it stands in fixtures, silences and URLs.
func TestStringIsOneWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := anyRef().Draw(t, "ref")
		if strings.ContainsAny(ref.String(), " \t\n#?") {
			t.Fatalf("%#v prints as %q", ref, ref)
		}
	})
}

func TestCompareIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		refs := rapid.SliceOfN(anyRef(), 3, 3).Draw(t, "refs")
		a, b := refs[0], refs[1]
		if (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%v and %v: equal by one measure, not by the other", a, b)
		}
		if a.Compare(b) != -b.Compare(a) {
			t.Fatalf("%v and %v: both ways %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		slices.SortFunc(refs, Ref.Compare)
		if refs[0].Compare(refs[2]) > 0 {
			t.Fatalf("not transitive: %v", refs)
		}
	})
}

func TestString(t *testing.T) {
	orders := OfStream("east", "", "APP", "ORDERS")
	edge := OfStream("east", "edge", "APP", "ORDERS")
	for want, ref := range map[string]Ref{
		"system:east":                          OfSystem("east"),
		"server:east/n2":                       OfServer("east", "n2"),
		"stream:east/APP/ORDERS":               orders,
		"stream:east=edge/APP/ORDERS":          edge,
		"mirror:east=edge/APP/ORDERS":          edge.As(Mirror),
		"replica:east/APP/ORDERS/n2":           orders.OnServer("n2"),
		"consumer:east/APP/ORDERS/BILLING":     orders.WithConsumer("BILLING"),
		"source:east/APP/ORDERS/EU@$JS.eu.API": orders.WithOrigin("EU@$JS.eu.API"),
		"stream:a%2Fb%3Dc=d%2Fe/A%20P/O%25":    OfStream("a/b=c", "d/e", "A P", "O%"),
		"unknown:nonsense":                     {Kind: "nonsense"},
	} {
		if got := ref.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "not an entity reference",
		"ORDERS":               "not an entity reference",
		"queue:east/APP":       `"queue" is no kind`,
		"stream:east/APP":      "has 3 parts after the colon, not 2",
		"stream:east/APP/O/n2": "has 3 parts after the colon, not 4",
		"system:east/x":        "has 1 parts",
		"stream:east/APP/%zz":  "invalid URL escape",
		"stream:ea%st/APP/O":   "invalid URL escape",
		"stream:east=%x/APP/O": "invalid URL escape",
		"replica:east/APP/O":   "has 4 parts after the colon, not 3",
		"unknown:nonsense":     "is no kind",
	} {
		if ref, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v %v, want an error with %q", text, ref, err, want)
		}
	}
}

func TestParents(t *testing.T) {
	orders := OfStream("east", "edge", "APP", "ORDERS")
	server, system := OfServer("east", "n2"), OfSystem("east")
	for _, c := range []struct {
		ref  Ref
		want []Ref
	}{
		{system, nil},
		{server, []Ref{system}},
		{orders, []Ref{system}},
		{orders.As(Mirror), []Ref{orders, system}},
		{orders.OnServer("n2"), []Ref{orders, server, system}},
		{orders.WithConsumer("C"), []Ref{orders, system}},
		{orders.WithOrigin("EU"), []Ref{orders, system}},
	} {
		if got := c.ref.Parents(); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.ref, got, c.want)
		}
	}
}

func TestName(t *testing.T) {
	orders := OfStream("east", "edge", "APP", "ORDERS")
	for want, ref := range map[string]Ref{
		"east": OfSystem("east"), "n2": OfServer("east", "n2"), "APP/ORDERS": orders,
		"APP/ORDERS on n2": orders.OnServer("n2"), "APP/ORDERS from EU": orders.WithOrigin("EU"), "APP/ORDERS > C": orders.WithConsumer("C"),
	} {
		if got := ref.Name(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := orders.As(Mirror).Name(); got != "APP/ORDERS" {
		t.Error(got)
	}
}
