package geometry

import (
	"fmt"
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Segments, the points of two geometries that are nearest, and why a geometry is not valid.

// onSegment is the point of a segment that is nearest to another.
func onSegment(p, a, b geom.XY) geom.XY {
	dx, dy := b.X-a.X, b.Y-a.Y
	if dx == 0 && dy == 0 {
		return a
	}
	switch along := ((p.X-a.X)*dx + (p.Y-a.Y)*dy) / (dx*dx + dy*dy); {
	case along <= 0:
		return a
	case along >= 1:
		return b
	default:
		return geom.XY{X: a.X + along*dx, Y: a.Y + along*dy}
	}
}

func apart(p, q geom.XY) float64 { return math.Hypot(p.X-q.X, p.Y-q.Y) }

func toSegment(p, a, b geom.XY) float64 { return apart(p, onSegment(p, a, b)) }

// turn is positive where c is on the left of a line from a to b.
func turn(a, b, c geom.XY) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

func between(p, a, b geom.XY) bool { // of three points on a line
	return min(a.X, b.X) <= p.X && p.X <= max(a.X, b.X) && min(a.Y, b.Y) <= p.Y && p.Y <= max(a.Y, b.Y)
}

// meet is how two segments meet.
type meet int

const (
	never   meet = iota
	atEnds       // of both
	atEnd        // of one, within the other
	across       // within both
	overlap      // in more than a point
)

func meetingOf(s, o segment) meet {
	d1, d2 := turn(s.a, s.b, o.a), turn(s.a, s.b, o.b)
	d3, d4 := turn(o.a, o.b, s.a), turn(o.a, o.b, s.b)
	if d1 == 0 && d2 == 0 { // on one line
		inside := 0
		for _, p := range []geom.XY{o.a, o.b} {
			if between(p, s.a, s.b) {
				inside++
			}
		}
		for _, p := range []geom.XY{s.a, s.b} {
			if between(p, o.a, o.b) {
				inside++
			}
		}
		switch {
		case inside == 0:
			return never
		case inside <= 2 && (s.a == o.a || s.a == o.b || s.b == o.a || s.b == o.b):
			return atEnds
		}
		return overlap
	}
	switch {
	case s.a == o.a || s.a == o.b || s.b == o.a || s.b == o.b:
		return atEnds
	case d1 == 0 && between(o.a, s.a, s.b), d2 == 0 && between(o.b, s.a, s.b), d3 == 0 && between(s.a, o.a, o.b), d4 == 0 && between(s.b, o.a, o.b):
		return atEnd
	case (d1 > 0) != (d2 > 0) && (d3 > 0) != (d4 > 0) && d1 != 0 && d2 != 0 && d3 != 0 && d4 != 0:
		return across
	}
	return never
}

func crossing(s, o segment) bool { return meetingOf(s, o) > atEnds }

// NearestPoints are a point of each of two geometries that have the least distance; nil if one is empty.
func NearestPoints(a, b *Shape) (p, q *Shape, err error) {
	if a.IsEmpty() || b.IsEmpty() {
		return nil, nil, nil
	}
	if int64(numPoints(a.g, false))*int64(numPoints(b.g, false)) > 2*maxSteps {
		return nil, nil, errCost
	}
	point := func(xy geom.XY) *Shape { return shaped(xy.AsPoint().AsGeometry()) }
	for _, pair := range [2][2]*Shape{{a, b}, {b, a}} { // what lies within an area
		area := areas(pair[0].g)
		if area.IsEmpty() {
			continue
		}
		for _, part := range flat(pair[1].g) {
			xys := coordinates(part, nil)
			if len(xys) == 0 {
				continue
			}
			in, err := guarded(func() (bool, error) { return geom.Intersects(area, xys[0].AsPoint().AsGeometry()), nil })
			if err != nil {
				return nil, nil, err
			}
			if in {
				return point(xys[0]), point(xys[0]), nil
			}
		}
	}
	least := math.Inf(1)
	var one, other geom.XY
	see := func(x, y geom.XY) {
		if d := apart(x, y); d < least {
			least, one, other = d, x, y
		}
	}
	as, ap := pieces(a.g)
	bs, bp := pieces(b.g)
	for _, s := range as {
		for _, o := range bs {
			if m := meetingOf(s, o); m != never {
				xy := meetingPoint(s, o)
				see(xy, xy)
				continue
			}
			see(onSegment(o.a, s.a, s.b), o.a)
			see(onSegment(o.b, s.a, s.b), o.b)
			see(s.a, onSegment(s.a, o.a, o.b))
			see(s.b, onSegment(s.b, o.a, o.b))
		}
		for _, p := range bp {
			see(onSegment(p, s.a, s.b), p)
		}
	}
	for _, p := range ap {
		for _, o := range bs {
			see(p, onSegment(p, o.a, o.b))
		}
		for _, q := range bp {
			see(p, q)
		}
	}
	return point(one), point(other), nil
}

// meetingPoint is a point that two segments have in common.
func meetingPoint(s, o segment) geom.XY {
	for _, p := range []geom.XY{s.a, s.b} {
		if toSegment(p, o.a, o.b) == 0 {
			return p
		}
	}
	for _, p := range []geom.XY{o.a, o.b} {
		if toSegment(p, s.a, s.b) == 0 {
			return p
		}
	}
	d := (s.b.X-s.a.X)*(o.b.Y-o.a.Y) - (s.b.Y-s.a.Y)*(o.b.X-o.a.X)
	if d == 0 {
		return s.a
	}
	along := ((o.a.X-s.a.X)*(o.b.Y-o.a.Y) - (o.a.Y-s.a.Y)*(o.b.X-o.a.X)) / d
	return geom.XY{X: s.a.X + along*(s.b.X-s.a.X), Y: s.a.Y + along*(s.b.Y-s.a.Y)}
}

// pieces are the segments of a geometry, and the points that are in none.
func pieces(g geom.Geometry) (segments []segment, points []geom.XY) {
	walk(g, func(xy geom.XY) { points = append(points, xy) }, func(l geom.LineString) {
		xys := coordinates(l.AsGeometry(), nil)
		for i := 1; i < len(xys); i++ {
			segments = append(segments, segment{xys[i-1], xys[i]})
		}
	})
	return segments, points
}

// flat are the points, lines and polygons that a geometry is made of.
func flat(g geom.Geometry) []geom.Geometry {
	switch g.Type() {
	case geom.TypePoint, geom.TypeLineString, geom.TypePolygon:
		return []geom.Geometry{g}
	}
	var out []geom.Geometry
	for _, part := range parts(g) {
		out = append(out, flat(part)...)
	}
	return out
}

// areas are the polygons of a geometry.
func areas(g geom.Geometry) geom.Geometry {
	var out []geom.Geometry
	for _, part := range flat(g) {
		if part.IsPolygon() && !part.IsEmpty() {
			out = append(out, part)
		}
	}
	return geom.NewGeometryCollection(out).AsGeometry()
}

// InvalidReason is why a geometry is not valid, in Trino's words; empty if it is. To Trino points and
// lines are valid if they are simple: no point comes twice, and no line meets itself.
func (s *Shape) InvalidReason() (string, error) {
	if numPoints(s.g, false) > maxPoints {
		return "", errCost
	}
	return invalidReason(s.g)
}

func near(what string, at ...geom.XY) string {
	java := func(f float64) string {
		text := fmt.Sprint(f + 0)
		if f == math.Trunc(f) && math.Abs(f) < 1e7 {
			text = fmt.Sprintf("%.1f", f+0)
		}
		return text
	}
	text := what + " at or near"
	for i, xy := range at {
		if i > 0 {
			text += " and"
		}
		text += " (" + java(xy.X) + " " + java(xy.Y) + ")"
	}
	return text
}

func invalidReason(g geom.Geometry) (string, error) {
	switch {
	case g.IsEmpty() || g.IsPoint():
		return "", nil
	case g.IsGeometryCollection():
		for _, part := range parts(g) {
			if reason, err := invalidReason(part); reason != "" || err != nil {
				return reason, err
			}
		}
		return "", nil
	case g.IsMultiPoint():
		seen := map[geom.XY]bool{}
		for _, xy := range coordinates(g, nil) {
			if seen[xy] {
				return near("Repeated points", xy, xy), nil
			}
			seen[xy] = true
		}
		return "", nil
	}
	var lines [][]geom.XY
	area := g.Dimension() == 2
	for _, part := range flat(g) {
		shell := true
		walk(part, func(geom.XY) {}, func(l geom.LineString) {
			xys := coordinates(l.AsGeometry(), nil)
			if area { // shells go clockwise, holes the other way
				sum := 0.0
				for i := 1; i < len(xys); i++ {
					sum += turn(geom.XY{}, xys[i-1], xys[i])
				}
				if shell == (sum >= 0) {
					for i, j := 0, len(xys)-1; i < j; i, j = i+1, j-1 {
						xys[i], xys[j] = xys[j], xys[i]
					}
				}
				shell = false
			}
			lines = append(lines, xys)
		})
	}
	for _, xys := range lines {
		for i := 1; i < len(xys); i++ {
			if xys[i] == xys[i-1] {
				return near("Degenerate segments", xys[i]), nil
			}
		}
	}
	if area { // the library has an index of segments
		if g.Validate() == nil {
			return "", nil
		}
	} else if simple, defined := g.IsSimple(); simple && defined {
		return "", nil
	}
	if reason, err := meetings(lines, area); reason != "" || err != nil || !area {
		return reason, err
	}
	if g.IsPolygon() && len(lines) > 1 && touches(lines) {
		return near("Disconnected interior", lines[0][1]), nil
	}
	return "RingOrientation", nil
}

// touches reports whether a hole meets the shell.
func touches(lines [][]geom.XY) bool {
	for _, hole := range lines[1:] {
		for _, p := range hole {
			for i := 1; i < len(lines[0]); i++ {
				if toSegment(p, lines[0][i-1], lines[0][i]) == 0 {
					return true
				}
			}
		}
	}
	return false
}

// meetings is where lines meet in a way that they must not. It looks at all pairs of segments, and fails with
// errCost for too many.
func meetings(lines [][]geom.XY, area bool) (string, error) {
	type at struct{ line, i int }
	var all []at
	for l, xys := range lines {
		for i := 0; i+1 < len(xys); i++ {
			all = append(all, at{l, i})
		}
	}
	if n := int64(len(all)); n*n > 2*maxSteps {
		return "", errCost
	}
	tangent := ""
	for x, p := range all {
		s := segment{lines[p.line][p.i], lines[p.line][p.i+1]}
		for _, q := range all[x+1:] {
			o := segment{lines[q.line][q.i], lines[q.line][q.i+1]}
			switch m := meetingOf(s, o); {
			case m == never:
			case m == overlap && area && p.line != q.line && (s.a == o.b && s.b == o.a || s.a == o.a && s.b == o.b):
				return near("Self-intersection", s.a, o.a), nil
			case m == across || m == overlap:
				return near("Intersecting or overlapping segments", s.a, o.a), nil
			case p.line != q.line: // rings and lines may touch
			case m == atEnd:
				return near("Intersecting or overlapping segments", s.a, o.a), nil
			case q.i == p.i+1, p.i == 0 && q.i == len(lines[p.line])-2 && s.a == o.b: // neighbours
			case tangent == "":
				xy := s.a
				if s.b == o.a || s.b == o.b {
					xy = s.b
				}
				tangent = near("Self-tangency", xy, xy)
			}
		}
	}
	return tangent, nil
}
