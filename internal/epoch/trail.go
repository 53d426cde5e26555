package epoch

import (
	"maps"
	"time"

	"rollcall/internal/entity"
)

// Scalar declares a number of which checks want to see the recent history. The
// pointer is its identity.
type Scalar struct {
	Name   string        // for documentation, such as "mirror active, seconds"
	Window time.Duration // how far back it is kept
	// Read calls keep once for each entity that has the number in this epoch.
	Read func(e *Epoch, keep func(ref entity.Ref, at time.Time, value float64))
}

// maxPoints bounds one series whatever its window: at the 5 s interval of a
// running audit it is 20 minutes, at longer intervals more.
const maxPoints = 240

// Point is one reading of a scalar.
type Point struct {
	At    time.Time // by the clock that the reading carries
	Value float64
}

// Trail is the bounded history of the declared scalars. It is immutable: each
// epoch makes the next one.
type Trail struct {
	series map[*Scalar]map[entity.Ref][]Point
}

// Next gives the trail with the readings of e appended. Readings older than a
// scalar's window, and entities that e does not know any more, are dropped.
// It may be called on nil.
func (t *Trail) Next(e *Epoch, scalars []*Scalar) *Trail {
	next := &Trail{series: make(map[*Scalar]map[entity.Ref][]Point, len(scalars))}
	for _, scalar := range scalars {
		series := map[entity.Ref][]Point{}
		if t != nil {
			maps.Copy(series, t.series[scalar])
		}
		scalar.Read(e, func(ref entity.Ref, at time.Time, value float64) {
			series[ref] = appendWithin(series[ref], Point{at, value}, scalar.Window)
		})
		maps.DeleteFunc(series, func(ref entity.Ref, _ []Point) bool { return !e.Has(ref) })
		next.series[scalar] = series
	}
	return next
}

// appendWithin never writes into memory that an earlier trail can see: the
// slice is capped before it grows.
func appendWithin(points []Point, p Point, window time.Duration) []Point {
	if n := len(points); n > 0 && !points[n-1].At.Before(p.At) {
		return points
	}
	for len(points) > 0 && (p.At.Sub(points[0].At) > window || len(points) >= maxPoints) {
		points = points[1:]
	}
	return append(points[:len(points):len(points)], p)
}

// Points gives the readings of a scalar for an entity, oldest first, the
// present epoch's last. Empty if there are none. The caller must not change it.
func (t *Trail) Points(scalar *Scalar, ref entity.Ref) []Point {
	if t == nil {
		return nil
	}
	return t.series[scalar][ref]
}
