package geometry

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Geometries around others, and simpler ones.

const (
	// circlePoints is how many points a circle is drawn with, as in Trino: those at the multiples of 3.75 degrees.
	circlePoints = 96
	// maxPieces bounds the points and segments of a geometry that is buffered: each becomes a polygon,
	// and all of these are united.
	maxPieces = 2000
)

// circlePoint is a point of a circle at a multiple of 3.75 degrees. All four quarters have the same numbers.
func circlePoint(center geom.XY, radius float64, k int) geom.XY {
	k = ((k % circlePoints) + circlePoints) % circlePoints
	const quarter = circlePoints / 4
	sin, cos := math.Sincos(float64(k%quarter) * 2 * math.Pi / circlePoints)
	for range k / quarter {
		sin, cos = cos, -sin
	}
	return geom.XY{X: center.X + radius*cos, Y: center.Y + radius*sin}
}

func polygonOf(xys []geom.XY) geom.Geometry {
	var flat []float64
	for _, xy := range append(xys, xys[0]) {
		if n := len(flat); n > 0 && flat[n-2] == xy.X && flat[n-1] == xy.Y {
			continue
		}
		flat = append(flat, xy.X, xy.Y)
	}
	return geom.NewPolygon([]geom.LineString{geom.NewLineString(geom.NewSequence(flat, geom.DimXY))}).AsGeometry()
}

func circle(center geom.XY, radius float64) geom.Geometry {
	xys := make([]geom.XY, circlePoints)
	for k := range xys {
		xys[k] = circlePoint(center, radius, k)
	}
	return polygonOf(xys)
}

// stadium is what is within a distance of a segment: its sides, and half a circle at each end.
func stadium(a, b geom.XY, radius float64) geom.Geometry {
	along := math.Atan2(b.Y-a.Y, b.X-a.X)
	length := math.Hypot(b.X-a.X, b.Y-a.Y)
	side := geom.XY{X: (b.Y - a.Y) / length * radius, Y: -(b.X - a.X) / length * radius} // on the right
	const step = 2 * math.Pi / circlePoints
	var xys []geom.XY
	end := func(center geom.XY, from float64, first, last geom.XY) {
		xys = append(xys, first)
		for k := int(math.Ceil(from/step + 1e-9)); float64(k)*step < from+math.Pi-1e-9*step; k++ {
			xys = append(xys, circlePoint(center, radius, k))
		}
		xys = append(xys, last)
	}
	right := func(p geom.XY) geom.XY { return geom.XY{X: p.X + side.X, Y: p.Y + side.Y} }
	left := func(p geom.XY) geom.XY { return geom.XY{X: p.X - side.X, Y: p.Y - side.Y} }
	end(b, along-math.Pi/2, right(b), left(b))
	end(a, along+math.Pi/2, left(a), right(a))
	return polygonOf(xys)
}

// Buffer is what lies within a distance of the geometry; nil of an empty one.
func (s *Shape) Buffer(distance float64) (*Shape, error) {
	switch {
	case math.IsNaN(distance):
		return nil, refused("distance is NaN")
	case distance < 0:
		return nil, refused("distance is negative")
	case s.IsEmpty():
		return nil, nil
	case distance == 0:
		return s, nil
	case math.IsInf(distance, 1):
		return shaped(geom.NewMultiPolygon(nil).AsGeometry()), nil
	}
	x0, y0, x1, y1, _ := s.Bounds()
	if reach := max(math.Abs(x0), math.Abs(y0), math.Abs(x1), math.Abs(y1)); !finite(reach+distance) || reach+distance/64 == reach { // too small to be drawn there
		return shaped(geom.NewMultiPolygon(nil).AsGeometry()), nil
	}
	if numPoints(s.g, false) > maxPieces {
		return nil, errCost
	}
	var pieces []geom.Geometry
	var gather func(g geom.Geometry)
	gather = func(g geom.Geometry) {
		switch g.Type() {
		case geom.TypePolygon:
			if !g.IsEmpty() {
				pieces = append(pieces, g)
			}
		case geom.TypePoint, geom.TypeLineString:
			return
		default:
			for _, part := range parts(g) {
				gather(part)
			}
		}
	}
	valid, err := s.valid()
	if err != nil {
		return nil, refused("geometry is not valid: %s", err)
	}
	gather(valid)
	walk(s.g, func(xy geom.XY) { pieces = append(pieces, circle(xy, distance)) }, func(l geom.LineString) {
		xys := coordinates(l.AsGeometry(), nil)
		for i := 1; i < len(xys); i++ {
			if xys[i] != xys[i-1] {
				pieces = append(pieces, stadium(xys[i-1], xys[i], distance))
			}
		}
	})
	if len(pieces) == 1 {
		return shaped(pieces[0]), nil
	}
	out, err := unite(pieces)
	if err != nil {
		return nil, err
	}
	return shaped(out), nil
}

// unite is the union of polygons, made of neighbours first.
func unite(pieces []geom.Geometry) (geom.Geometry, error) {
	for len(pieces) > 1 {
		var next []geom.Geometry
		for i := 0; i < len(pieces); i += 2 {
			if i+1 == len(pieces) {
				next = append(next, pieces[i])
				continue
			}
			if err := checkCost(pieces[i], pieces[i+1]); err != nil {
				return geom.Geometry{}, err
			}
			u, err := guarded(func() (geom.Geometry, error) { return geom.Union(pieces[i], pieces[i+1]) })
			if err != nil {
				return u, err
			}
			next = append(next, u)
		}
		pieces = next
	}
	return pieces[0], nil
}

// maxSimplified bounds the points of a geometry that is simplified: each part of a line is looked at with all segments.
const maxSimplified = 10_000

// Simplify is the geometry with fewer points, none of which is left out that is farther away than the
// tolerance from what takes its place, and with no lines that cross where they did not (Douglas and
// Peucker, with the topology kept).
func (s *Shape) Simplify(tolerance float64) (*Shape, error) {
	if !(tolerance >= 0) {
		return nil, refused("distanceTolerance is negative")
	}
	if s.IsEmpty() || s.g.Dimension() == 0 {
		return s, nil
	}
	if numPoints(s.g, false) > maxSimplified {
		return nil, errCost
	}
	z := &simplifier{tolerance: tolerance}
	walk(s.g, func(geom.XY) {}, func(l geom.LineString) { z.lines = append(z.lines, coordinates(l.AsGeometry(), nil)) })
	z.replaced = make([][]bool, len(z.lines))
	for i, xys := range z.lines {
		z.replaced[i] = make([]bool, max(len(xys)-1, 0))
	}
	var made []geom.LineString
	for i := range z.lines {
		if len(z.lines[i]) == 0 {
			made = append(made, geom.LineString{})
			continue
		}
		z.line, z.least = i, 2
		if xys := z.lines[i]; xys[0] == xys[len(xys)-1] {
			z.least = 4
		}
		z.out = z.out[:0]
		if err := z.section(0, len(z.lines[i])-1, 0); err != nil {
			return nil, err
		}
		flat := []float64{z.lines[i][0].X, z.lines[i][0].Y}
		for _, g := range z.out {
			flat = append(flat, g.b.X, g.b.Y)
		}
		made = append(made, geom.NewLineString(geom.NewSequence(flat, geom.DimXY)))
		z.kept = append(z.kept, z.out...)
	}
	return shaped(rebuilt(s.g, &made)), nil
}

type segment struct{ a, b geom.XY }

type simplifier struct {
	tolerance float64
	lines     [][]geom.XY
	replaced  [][]bool // segments of the lines that are no longer there
	line      int      // that is simplified
	least     int      // points that it has to keep
	out       []segment
	kept      []segment // of the lines before
	steps     int
}

// section simplifies the points of the line from one to another.
func (z *simplifier) section(i, j, depth int) error {
	xys := z.lines[z.line]
	depth++
	if i+1 == j {
		z.out = append(z.out, segment{xys[i], xys[j]})
		return nil
	}
	may := true
	size := len(z.out)
	if size > 0 {
		size++
	}
	if size < z.least && depth+1 < z.least {
		may = false
	}
	whole := segment{xys[i], xys[j]}
	farthest, at := -1.0, i
	for k := i + 1; k < j; k++ {
		if d := toSegment(xys[k], whole.a, whole.b); d > farthest {
			farthest, at = d, k
		}
	}
	if z.steps += j - i; z.steps > maxSteps {
		return errCost
	}
	if farthest > z.tolerance {
		may = false
	}
	if may {
		crosses, err := z.crosses(i, j, whole)
		if err != nil {
			return err
		}
		may = !crosses
	}
	if may {
		for k := i; k < j; k++ {
			z.replaced[z.line][k] = true
		}
		z.out = append(z.out, whole)
		return nil
	}
	if err := z.section(i, at, depth); err != nil {
		return err
	}
	return z.section(at, j, depth)
}

// crosses reports whether a segment meets another one, but for those that it stands for, elsewhere than at their ends.
func (z *simplifier) crosses(i, j int, s segment) (bool, error) {
	for _, list := range [][]segment{z.kept, z.out} {
		for _, o := range list {
			if crossing(s, o) {
				return true, nil
			}
		}
		z.steps += len(list)
	}
	for l, xys := range z.lines {
		for k := 0; k+1 < len(xys); k++ {
			if z.replaced[l][k] || l == z.line && k >= i && k < j || l < z.line {
				continue
			}
			if crossing(s, segment{xys[k], xys[k+1]}) {
				return true, nil
			}
		}
		z.steps += len(xys)
	}
	if z.steps > maxSteps {
		return false, errCost
	}
	return false, nil
}

// rebuilt is a geometry with other lines in the places of its own.
func rebuilt(g geom.Geometry, lines *[]geom.LineString) geom.Geometry {
	next := func() geom.LineString {
		l := (*lines)[0]
		*lines = (*lines)[1:]
		return l
	}
	switch g.Type() {
	case geom.TypeLineString:
		return next().AsGeometry()
	case geom.TypePolygon:
		var rings []geom.LineString
		for range g.MustAsPolygon().DumpRings() {
			rings = append(rings, next())
		}
		return geom.NewPolygon(rings).AsGeometry()
	case geom.TypeMultiLineString:
		var out []geom.LineString
		for range parts(g) {
			out = append(out, next())
		}
		return geom.NewMultiLineString(out).AsGeometry()
	case geom.TypeMultiPolygon:
		var out []geom.Polygon
		for _, part := range parts(g) {
			out = append(out, rebuilt(part, lines).MustAsPolygon())
		}
		return geom.NewMultiPolygon(out).AsGeometry()
	case geom.TypeGeometryCollection:
		var out []geom.Geometry
		for _, part := range parts(g) {
			out = append(out, rebuilt(part, lines))
		}
		return geom.NewGeometryCollection(out).AsGeometry()
	}
	return g
}
