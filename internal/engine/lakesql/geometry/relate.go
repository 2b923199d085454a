package geometry

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/peterstace/simplefeatures/geom"
)

// How two geometries lie to each other, and what they make together.

// Bounds of a relation or an overlay: the library cuts all segments at each other, and keeps
// what comes of it in memory.
const (
	maxPoints   = 200_000    // of both
	maxMeetings = 200_000    // pairs of segments that may meet
	maxSteps    = 20_000_000 // comparisons to find them
)

var errCost = errors.New("geometries are too complex")

// segments adds the envelopes of a geometry's segments.
func segments(boxes [][4]float64, g geom.Geometry) [][4]float64 {
	walk(g, func(geom.XY) {}, func(l geom.LineString) {
		seq := l.Coordinates()
		for i := 1; i < seq.Length(); i++ {
			a, b := seq.GetXY(i-1), seq.GetXY(i)
			boxes = append(boxes, [4]float64{min(a.X, b.X), max(a.X, b.X), min(a.Y, b.Y), max(a.Y, b.Y)})
		}
	})
	return boxes
}

// checkCost fails for geometries whose segments may meet too often.
func checkCost(a, b geom.Geometry) error {
	if numPoints(a, false)+numPoints(b, false) > maxPoints {
		return errCost
	}
	boxes := segments(segments(nil, a), b)
	slices.SortFunc(boxes, func(p, q [4]float64) int { return cmp.Compare(p[0], q[0]) })
	meetings, steps := 0, 0
	for i, p := range boxes {
		for _, q := range boxes[i+1:] {
			if q[0] > p[1] {
				break
			}
			if steps++; steps > maxSteps {
				return errCost
			}
			if q[2] <= p[3] && p[2] <= q[3] {
				if meetings++; meetings > maxMeetings+2*len(boxes) {
					return errCost
				}
			}
		}
	}
	return nil
}

// relatable are the geometries of a pair, where the library can answer for them.
func relatable(a, b *Shape) (p, q geom.Geometry, err error) {
	if err = checkCost(a.g, b.g); err != nil {
		return p, q, err
	}
	if p, err = a.valid(); err == nil {
		q, err = b.valid()
	}
	if err != nil {
		err = fmt.Errorf("geometry is not valid: %w", err)
	}
	return p, q, err
}

// guarded is a call of the library that answers a panic by an error.
func guarded[T any](f func() (T, error)) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("geometries cannot be compared")
		}
	}()
	return f()
}

func relation(a, b *Shape, f func(a, b geom.Geometry) (bool, error)) (bool, error) {
	p, q, err := relatable(a, b)
	if err != nil {
		return false, err
	}
	return guarded(func() (bool, error) { return f(p, q) })
}

// Contains reports whether b lies in a, and not in its boundary alone.
func Contains(a, b *Shape) (bool, error) {
	if a.IsEmpty() || b.IsEmpty() || !a.envelope.Covers(b.envelope) {
		return false, nil
	}
	if b.g.IsPoint() && (a.g.IsPolygon() || a.g.IsMultiPolygon() && a.invalid() == nil) { // by far the most frequent
		return guarded(func() (bool, error) {
			return geom.Intersects(a.g, b.g) && !geom.Intersects(a.boundary(), b.g), nil
		})
	}
	return relation(a, b, geom.Contains)
}

// Within reports whether a lies in b.
func Within(a, b *Shape) (bool, error) { return Contains(b, a) }

// Intersects reports whether there is a point in both.
func Intersects(a, b *Shape) (bool, error) {
	if !a.envelope.Intersects(b.envelope) {
		return false, nil
	}
	return guarded(func() (bool, error) { return geom.Intersects(a.g, b.g), nil })
}

// Disjoint reports whether there is no point in both.
func Disjoint(a, b *Shape) (bool, error) {
	meet, err := Intersects(a, b)
	return !meet && err == nil, err
}

// Equals reports whether both have the same points.
func Equals(a, b *Shape) (bool, error) {
	if !a.IsEmpty() && !b.IsEmpty() && !(a.envelope.Covers(b.envelope) && b.envelope.Covers(a.envelope)) {
		return false, nil
	}
	return relation(a, b, geom.Equals)
}

func meeting(f func(a, b geom.Geometry) (bool, error)) func(a, b *Shape) (bool, error) {
	return func(a, b *Shape) (bool, error) {
		if !a.envelope.Intersects(b.envelope) {
			return false, nil
		}
		return relation(a, b, f)
	}
}

// Touches, Crosses and Overlaps are the relations of OpenGIS with these names.
var (
	Touches  = meeting(geom.Touches)
	Crosses  = meeting(geom.Crosses)
	Overlaps = meeting(geom.Overlaps)
)

// Relate reports whether a pair has a relation that is given as nine signs of the
// dimensionally extended 9-intersection model.
func Relate(a, b *Shape, pattern string) (bool, error) {
	p, q, err := relatable(a, b)
	if err != nil {
		return false, err
	}
	return guarded(func() (bool, error) {
		matrix, err := geom.Relate(p, q)
		if err != nil {
			return false, err
		}
		return geom.RelateMatches(matrix, pattern)
	})
}

// Distance is the least distance of two points of both; false if one is empty.
func Distance(a, b *Shape) (float64, bool, error) {
	if int64(numPoints(a.g, false))*int64(numPoints(b.g, false)) > 1<<30 {
		return 0, false, errCost
	}
	if x, y, ok := a.XY(); ok {
		if u, v, ok := b.XY(); ok {
			return math.Hypot(x-u, y-v), true, nil
		}
	}
	ok := false
	d, err := guarded(func() (d float64, err error) {
		d, ok = geom.Distance(a.g, b.g)
		return d, nil
	})
	return d, ok, err
}

func overlay(f func(a, b geom.Geometry) (geom.Geometry, error)) func(a, b *Shape) (*Shape, error) {
	return func(a, b *Shape) (*Shape, error) {
		p, q, err := relatable(a, b)
		if err != nil {
			return nil, err
		}
		return guarded(func() (*Shape, error) {
			g, err := f(p, q)
			if err != nil {
				return nil, err
			}
			return shaped(g), nil
		})
	}
}

// The overlays of OpenGIS.
var (
	Intersection  = overlay(geom.Intersection)
	Union         = overlay(geom.Union)
	Difference    = overlay(geom.Difference)
	SymDifference = overlay(geom.SymmetricDifference)
)
