package geometry

import (
	"math"

	"github.com/peterstace/simplefeatures/geom"
)

// Lines, and the points that geometries are made of.

// Points are the points of a geometry in their order, the last of a ring among them.
func (s *Shape) Points() []*Shape {
	var out []*Shape
	for _, xy := range coordinates(s.g, nil) {
		out = append(out, shaped(xy.AsPoint().AsGeometry()))
	}
	return out
}

// coordinates adds the points of a geometry in their order.
func coordinates(g geom.Geometry, out []geom.XY) []geom.XY {
	walk(g, func(xy geom.XY) { out = append(out, xy) }, func(l geom.LineString) {
		for seq, i := l.Coordinates(), 0; i < seq.Length(); i++ {
			out = append(out, seq.GetXY(i))
		}
	})
	return out
}

// walk goes over the points and the lines of a geometry, the rings of polygons among these.
func walk(g geom.Geometry, point func(geom.XY), line func(geom.LineString)) {
	switch g.Type() {
	case geom.TypePoint:
		if xy, ok := g.MustAsPoint().XY(); ok {
			point(xy)
		}
	case geom.TypeLineString:
		line(g.MustAsLineString())
	case geom.TypePolygon:
		for _, ring := range g.MustAsPolygon().DumpRings() {
			line(ring)
		}
	default:
		for _, part := range parts(g) {
			walk(part, point, line)
		}
	}
}

// Geometries are the geometries that it consists of.
func (s *Shape) Geometries() []*Shape {
	var out []*Shape
	for _, part := range parts(s.g) {
		out = append(out, shaped(part))
	}
	return out
}

// InteriorRings are the holes of a polygon.
func (s *Shape) InteriorRings() []*Shape {
	p, _ := s.g.AsPolygon()
	var out []*Shape
	for i := range p.NumInteriorRings() {
		out = append(out, shaped(p.InteriorRingN(i).AsGeometry()))
	}
	return out
}

// Corners are the lower left and the upper right corner of the rectangle around it; nil of an empty one.
func (s *Shape) Corners() []*Shape {
	x0, y0, x1, y1, ok := s.Bounds()
	if !ok {
		return nil
	}
	return []*Shape{shaped(geom.XY{X: x0, Y: y0}.AsPoint().AsGeometry()), shaped(geom.XY{X: x1, Y: y1}.AsPoint().AsGeometry())}
}

// point is one of the points that a line or a multipoint is to be made of, the i-th from 0. A nil is a null.
func point(function string, points []*Shape, i int) (geom.XY, error) {
	p := points[i]
	line := function == "ST_LineString"
	switch {
	case p == nil && line:
		return geom.XY{}, refused("Invalid input to ST_LineString: null point at index %d", i+1)
	case p == nil:
		return geom.XY{}, refused("Invalid input to %s: null at index %d", function, i+1)
	case p.kind() != "POINT" && line:
		return geom.XY{}, refused("ST_LineString takes only an array of valid points, %s was passed", tagName(p.g))
	case p.kind() != "POINT":
		return geom.XY{}, refused("Invalid input to %s: geometry is not a point: %s at index %d", function, tagName(p.g), i+1)
	}
	x, y, ok := p.XY()
	if !ok {
		return geom.XY{}, refused("Invalid input to %s: empty point at index %d", function, i+1)
	}
	return geom.XY{X: x, Y: y}, nil
}

func tagName(g geom.Geometry) string { return g.Type().String() }

// LineString is the line of points, of which none may be the same as the one before it; an empty line of less
// than two points.
func LineString(points []*Shape) (*Shape, error) {
	var xys []float64
	var last geom.XY
	for i := range points {
		xy, err := point("ST_LineString", points, i)
		if err != nil {
			return nil, err
		}
		if i > 0 && xy == last {
			return nil, refused("Invalid input to ST_LineString: consecutive duplicate points at index %d", i+1)
		}
		xys, last = append(xys, xy.X, xy.Y), xy
	}
	if len(points) < 2 {
		xys = nil
	}
	return shaped(geom.NewLineString(geom.NewSequence(xys, geom.DimXY)).AsGeometry()), nil
}

// MultiPoint is the geometry of points; nil of none.
func MultiPoint(points []*Shape) (*Shape, error) {
	var out []geom.Point
	for i := range points {
		xy, err := point("ST_MultiPoint", points, i)
		if err != nil {
			return nil, err
		}
		out = append(out, xy.AsPoint())
	}
	if out == nil {
		return nil, nil
	}
	return shaped(geom.NewMultiPoint(out).AsGeometry()), nil
}

// ConvexHullAll is the least convex geometry around all geometries; nil of none.
func ConvexHullAll(shapes []*Shape) *Shape {
	var all []geom.Geometry
	for _, s := range shapes {
		all = append(all, s.g)
	}
	if all == nil {
		return nil
	}
	return shaped(geom.NewGeometryCollection(all).AsGeometry().ConvexHull())
}

// maxInterpolated bounds the points that InterpolatePoints makes.
const maxInterpolated = 1_000_000

// InterpolatePoints are the points of a line at a fraction of its length and, where repeated, at all multiples of
// it; nil of an empty line.
func (s *Shape) InterpolatePoints(fraction float64, repeated bool) ([]*Shape, error) {
	if s.IsEmpty() {
		return nil, nil
	}
	if err := s.Only("line_interpolate_point", "LINE_STRING"); err != nil {
		return nil, err
	}
	if !(fraction >= 0 && fraction <= 1) {
		return nil, refused("fraction must be between 0 and 1")
	}
	xys := coordinates(s.g, nil)
	at := func(xy geom.XY) *Shape { return shaped(xy.AsPoint().AsGeometry()) }
	switch fraction {
	case 0:
		return []*Shape{at(xys[0])}, nil
	case 1:
		return []*Shape{at(xys[len(xys)-1])}, nil
	}
	n := 1
	if repeated {
		if 1/fraction >= maxInterpolated+1 {
			return nil, refused("fraction makes more than %d points", maxInterpolated)
		}
		n = int(1 / fraction)
	}
	length := s.g.Length()
	var out []*Shape
	passed, next := 0.0, fraction
	for i := 1; i < len(xys) && len(out) < n; i++ {
		a, b := xys[i-1], xys[i]
		share := math.Hypot(b.X-a.X, b.Y-a.Y) / length
		for next < passed+share && len(out) < n {
			along := (next - passed) / share
			out = append(out, at(geom.XY{X: a.X + (b.X-a.X)*along, Y: a.Y + (b.Y-a.Y)*along}))
			next += fraction
		}
		passed += share
	}
	if len(out) < n {
		out = append(out, at(xys[len(xys)-1]))
	}
	return out, nil
}

// LocatePoint is where on a line the place that is next to a point is, as a share of the line's length; false if
// one of both is empty.
func LocatePoint(line, point *Shape) (float64, bool, error) {
	if line.IsEmpty() || point.IsEmpty() {
		return 0, false, nil
	}
	if kind := line.kind(); kind != "LINE_STRING" && kind != "MULTI_LINE_STRING" {
		return 0, false, refused("First argument to line_locate_point must be a LineString or a MultiLineString. Got: %s", tagName(line.g))
	}
	if point.kind() != "POINT" {
		return 0, false, refused("Second argument to line_locate_point must be a Point. Got: %s", tagName(point.g))
	}
	x, y, _ := point.XY()
	least, where, passed := math.Inf(1), 0.0, 0.0
	for _, part := range parts(line.g) {
		xys := coordinates(part, nil)
		for i := 1; i < len(xys); i++ {
			a, b := xys[i-1], xys[i]
			length := math.Hypot(b.X-a.X, b.Y-a.Y)
			along := 0.0
			if length > 0 {
				along = min(1, max(0, ((x-a.X)*(b.X-a.X)+(y-a.Y)*(b.Y-a.Y))/(length*length)))
			}
			if d := math.Hypot(x-a.X-along*(b.X-a.X), y-a.Y-along*(b.Y-a.Y)); d < least {
				least, where = d, passed+along*length
			}
			passed += length
		}
	}
	return where / passed, true, nil
}

// Spherical checks that a geometry may be one on the Earth: all its points are places.
func (s *Shape) Spherical() error {
	x0, y0, x1, y1, ok := s.Bounds()
	if !ok {
		return nil
	}
	_, err := GreatCircle(y0, x0, y1, x1)
	return err
}

// onEarth fails unless a geometry on the Earth is of one of the types.
func (s *Shape) onEarth(function, only string, kinds ...string) error {
	for _, k := range kinds {
		if s.kind() == k {
			return nil
		}
	}
	return refused("When applied to SphericalGeography inputs, %s only supports %s. Input type is: %s", function, only, s.kind())
}

// SphericalDistance is the metres between two points on the Earth; false if one of both is empty.
func SphericalDistance(a, b *Shape) (float64, bool, error) {
	if a.IsEmpty() || b.IsEmpty() {
		return 0, false, nil
	}
	for _, s := range []*Shape{a, b} {
		if err := s.onEarth("ST_Distance", "POINT", "POINT"); err != nil {
			return 0, false, err
		}
	}
	ax, ay, _ := a.XY()
	bx, by, _ := b.XY()
	km, err := GreatCircle(ay, ax, by, bx)
	return km * 1000, err == nil, err
}

// SphericalLength is the metres of lines on the Earth; false if there are none.
func (s *Shape) SphericalLength() (float64, bool, error) {
	if s.IsEmpty() {
		return 0, false, nil
	}
	if err := s.onEarth("ST_Length", "LINE_STRING or MULTI_LINE_STRING", "LINE_STRING", "MULTI_LINE_STRING"); err != nil {
		return 0, false, err
	}
	sum := 0.0
	for _, part := range parts(s.g) {
		xys := coordinates(part, nil)
		for i := 1; i < len(xys); i++ {
			km, err := GreatCircle(xys[i-1].Y, xys[i-1].X, xys[i].Y, xys[i].X)
			if err != nil {
				return 0, false, err
			}
			sum += km
		}
	}
	return sum * 1000, true, nil
}

// Polyline is a line or a multipoint in Google's encoded polyline format, of five digits behind the point.
func (s *Shape) Polyline() (string, error) {
	if err := s.Only("encode_polyline", "LINE_STRING", "MULTI_POINT"); err != nil {
		return "", err
	}
	var b []byte
	number := func(n int64) {
		u := uint64(n<<1) ^ uint64(n>>63)
		for ; u >= 0x20; u >>= 5 {
			b = append(b, byte(0x20|u&0x1f)+63)
		}
		b = append(b, byte(u)+63)
	}
	var lastY, lastX int64
	for _, xy := range coordinates(s.g, nil) {
		y, x := int64(math.Floor(xy.Y*1e5+0.5)), int64(math.Floor(xy.X*1e5+0.5))
		number(y - lastY)
		number(x - lastX)
		lastY, lastX = y, x
	}
	return string(b), nil
}

// ParsePolyline reads a line in Google's encoded polyline format.
func ParsePolyline(text string) (*Shape, error) {
	bad := refused("Input is not a valid encoded polyline")
	if len(text) > MaxBytes {
		return nil, errSize
	}
	at := 0
	number := func() (int32, bool) {
		var u uint32
		for shift := 0; ; shift += 5 {
			if at == len(text) || text[at] < 63 || text[at] > 126 || shift > 30 {
				return 0, false
			}
			c := text[at] - 63
			at++
			u |= uint32(c&0x1f) << shift
			if c < 0x20 {
				return int32(u>>1) ^ -int32(u&1), true
			}
		}
	}
	var xys []float64
	var y, x int32
	for at < len(text) {
		dy, ok := number()
		if !ok {
			return nil, bad
		}
		dx, ok := number()
		if !ok {
			return nil, bad
		}
		y, x = y+dy, x+dx
		xys = append(xys, float64(x)*1e-5, float64(y)*1e-5)
	}
	if len(xys) == 2 {
		return nil, bad // a line has two points
	}
	return shaped(geom.NewLineString(geom.NewSequence(xys, geom.DimXY)).AsGeometry()), nil
}
