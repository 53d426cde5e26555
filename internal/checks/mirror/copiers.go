package mirror

import (
	"fmt"
	"iter"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// copier is a mirror, or one source of a sourced stream, as the stream's leader
// reports on it.
type copier struct {
	ref    entity.Ref
	stream *epoch.Stream
	led    *epoch.View
	state  *epoch.Copying
}

// copiers yields the mirrors and sources on which their stream's leader reports.
// Each of the others is unknown by its own reference: what is known to be bad
// of a source must not pass as mended because its stream cannot be seen.
func copiers(p *check.Pass) iter.Seq[copier] {
	return func(yield func(copier) bool) {
		for system, stream := range p.AllStreams() {
			led := stream.Led()
			for _, ref := range copierRefs(stream) {
				state := reported(stream, led, ref)
				switch {
				case led == nil:
					p.Unknown(ref, check.WhyUnled(system, stream))
				case state == nil:
					p.Unknown(ref, fmt.Sprintf("its leader %s does not report on it yet", led.Server))
				case !yield(copier{ref, stream, led, state}):
					return
				}
			}
		}
	}
}

// copierRefs lists what a stream copies, by its configuration.
func copierRefs(stream *epoch.Stream) (refs []entity.Ref) {
	if stream.IsMirror() {
		return []entity.Ref{stream.Ref().As(entity.Mirror)}
	}
	for i := range stream.Upstreams {
		refs = append(refs, stream.Ref().WithOrigin(stream.Upstreams[i].Origin))
	}
	return refs
}

// reported gives the leader's report on one of them, or nil. Reports on sources
// are not in the order of the configuration.
func reported(stream *epoch.Stream, led *epoch.View, ref entity.Ref) *epoch.Copying {
	switch {
	case led == nil:
		return nil
	case ref.Kind == entity.Mirror:
		return led.Mirror
	}
	for i := range led.Sources {
		if stream.Ref().WithOrigin(originOf(stream, &led.Sources[i], i)) == ref {
			return &led.Sources[i]
		}
	}
	return nil
}

// originOf names the configured origin of the i-th reported source.
func originOf(stream *epoch.Stream, state *epoch.Copying, i int) string {
	for j := range stream.Config.Sources {
		source, api := &stream.Config.Sources[j], ""
		if source.External != nil {
			api = source.External.APIPrefix
		}
		// Sources of one name from several domains are common.
		if source.Name == state.Name && api == state.API && j < len(stream.Upstreams) {
			return stream.Upstreams[j].Origin
		}
	}
	if i < len(stream.Upstreams) {
		return stream.Upstreams[i].Origin
	}
	return state.Name
}
