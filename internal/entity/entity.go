// Package entity names the things that rollcall audits. A Ref is comparable,
// printable and parseable; its text is the same in the terminal, the API, the
// metrics and in silences.
package entity

import (
	"fmt"
	"net/url"
	"strings"
)

// Kind is the kind of a thing that is audited.
type Kind string

// The kinds. A mirror is a stream in its role as a mirror; a source is one
// origin of a stream that sources from others; a replica is one stream on one
// server.
const (
	System   Kind = "system"
	Server   Kind = "server"
	Stream   Kind = "stream"
	Replica  Kind = "replica"
	Mirror   Kind = "mirror"
	Source   Kind = "source"
	Consumer Kind = "consumer"
)

// Ref identifies one entity. Fields that a kind does not use are empty, so two
// Refs of the same entity are always equal. It holds identity only: values that
// can change while the entity stays the same (its cluster, its leader) are not
// part of it.
type Ref struct {
	Kind     Kind
	System   string // name of the audited system
	Domain   string // JetStream domain of a stream and what belongs to it, "" if none
	Account  string
	Stream   string
	Consumer string
	Server   string
	Origin   string // of a source: the origin's stream name, with @API prefix when external
}

// Refs of each kind.

// OfSystem refers to a whole audited system.
func OfSystem(system string) Ref { return Ref{Kind: System, System: system} }

// OfServer refers to a server by its name.
func OfServer(system, server string) Ref { return Ref{Kind: Server, System: system, Server: server} }

// OfStream refers to a stream.
func OfStream(system, domain, account, stream string) Ref {
	return Ref{Kind: Stream, System: system, Domain: domain, Account: account, Stream: stream}
}

// As gives the same stream in another role, for example as a mirror.
func (r Ref) As(kind Kind) Ref {
	r.Kind = kind
	return r
}

// OnServer gives the replica of the stream r on a server.
func (r Ref) OnServer(server string) Ref {
	r.Kind, r.Server = Replica, server
	return r
}

// WithOrigin gives the source of the stream r that comes from origin.
func (r Ref) WithOrigin(origin string) Ref {
	r.Kind, r.Origin = Source, origin
	return r
}

// WithConsumer gives a consumer of the stream r.
func (r Ref) WithConsumer(consumer string) Ref {
	r.Kind, r.Consumer = Consumer, consumer
	return r
}

// Parents gives the entities that contain r, nearest first: a replica is part
// of its stream and of its server.
func (r Ref) Parents() []Ref {
	var parents []Ref
	if r.Stream != "" && r.Kind != Stream {
		parents = append(parents, OfStream(r.System, r.Domain, r.Account, r.Stream))
	}
	if r.Server != "" && r.Kind != Server {
		parents = append(parents, OfServer(r.System, r.Server))
	}
	if r.Kind != System {
		parents = append(parents, OfSystem(r.System))
	}
	return parents
}

// fields lists, for a kind, the parts of its path after the system.
func (r *Ref) fields() ([]*string, bool) {
	switch r.Kind {
	case System:
		return nil, true
	case Server:
		return []*string{&r.Server}, true
	case Stream, Mirror:
		return []*string{&r.Account, &r.Stream}, true
	case Replica:
		return []*string{&r.Account, &r.Stream, &r.Server}, true
	case Source:
		return []*string{&r.Account, &r.Stream, &r.Origin}, true
	case Consumer:
		return []*string{&r.Account, &r.Stream, &r.Consumer}, true
	}
	return nil, false
}

// String prints the reference: the kind, a colon and a path, for example
// "replica:east/APP/ORDERS/n2". A JetStream domain follows its system after an
// equals sign, "stream:east=edge/APP/ORDERS". Parts are percent-escaped where
// they hold a slash or another character with a meaning here.
func (r Ref) String() string {
	fields, ok := r.fields()
	if !ok {
		return "unknown:" + string(r.Kind)
	}
	var b strings.Builder
	b.WriteString(string(r.Kind))
	b.WriteByte(':')
	b.WriteString(escape(r.System))
	if r.Domain != "" {
		b.WriteByte('=')
		b.WriteString(escape(r.Domain))
	}
	for _, field := range fields {
		b.WriteByte('/')
		b.WriteString(escape(*field))
	}
	return b.String()
}

func escape(part string) string { return strings.ReplaceAll(url.PathEscape(part), "=", "%3D") }

// Parse reads what String printed. The error names the part that is wrong.
func Parse(text string) (Ref, error) {
	kind, path, ok := strings.Cut(text, ":")
	if !ok {
		return Ref{}, fmt.Errorf("%q is not an entity reference: want KIND:SYSTEM/..., such as stream:east/APP/ORDERS", text)
	}
	ref := Ref{Kind: Kind(kind)}
	fields, ok := ref.fields()
	if !ok {
		return Ref{}, fmt.Errorf("%q: %q is no kind of entity: want system, server, stream, replica, mirror, source or consumer", text, kind)
	}
	parts := strings.Split(path, "/")
	if len(parts) != len(fields)+1 {
		return Ref{}, fmt.Errorf("%q: a %s has %d parts after the colon, not %d", text, kind, len(fields)+1, len(parts))
	}
	system, domain, _ := strings.Cut(parts[0], "=")
	var err error
	if ref.System, err = url.PathUnescape(system); err != nil {
		return Ref{}, fmt.Errorf("%q: %v", text, err)
	}
	if ref.Domain, err = url.PathUnescape(domain); err != nil {
		return Ref{}, fmt.Errorf("%q: %v", text, err)
	}
	for i, field := range fields {
		if *field, err = url.PathUnescape(parts[i+1]); err != nil {
			return Ref{}, fmt.Errorf("%q: %v", text, err)
		}
	}
	return ref, nil
}

// Name prints the reference for a sentence, without kind and system:
// "APP/ORDERS on n2", "APP/ORDERS", "n2".
func (r Ref) Name() string {
	stream := r.Account + "/" + r.Stream
	switch r.Kind {
	case System:
		return r.System
	case Server:
		return r.Server
	case Replica:
		return stream + " on " + r.Server
	case Source:
		return stream + " from " + r.Origin
	case Consumer:
		return stream + " > " + r.Consumer
	}
	return stream
}

// Compare orders references by their text's parts: system, domain, account,
// stream, then the rest. It is the order of every list of entities.
func (r Ref) Compare(other Ref) int {
	for _, pair := range [...][2]string{
		{r.System, other.System}, {r.Domain, other.Domain}, {r.Account, other.Account},
		{r.Stream, other.Stream}, {r.Server, other.Server}, {r.Consumer, other.Consumer},
		{r.Origin, other.Origin}, {string(r.Kind), string(other.Kind)},
	} {
		if c := strings.Compare(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}
