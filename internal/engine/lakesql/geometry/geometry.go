// Package geometry is the geometries of Trino's geospatial functions: their text, their bytes,
// what is measured of them and how two of them lie to each other. A geometry is carried through
// a query as well-known text, in the form that Athena shows:
//
//	POINT (1 2)
//	LINESTRING (0 0, 1.5 2)
//	POLYGON ((0 0, 0 1, 1 1, 0 0))
//
// Geometries are flat: Z and M are dropped. Numbers are written without loss, and without
// an exponent. The text need not be of a valid geometry (a ring may cross itself), but its lines
// have two points. What a relation or an overlay could cost is bounded
// before it is begun (see checkCost).
package geometry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/peterstace/simplefeatures/geom"
)

// Limits of what is read from outside.
const (
	// MaxBytes is the length of the longest text or bytes that is read.
	MaxBytes = 16 << 20
	// maxDepth is how deep collections may lie in each other.
	maxDepth = 32
)

// Shape is a geometry. It does not change, and may be used by many goroutines.
type Shape struct {
	g        geom.Geometry
	envelope geom.Envelope
	boundary func() geom.Geometry
	invalid  func() error // why it is not valid; nil if it is
	// valid is the geometry, or the union of the polygons where only together they are not valid.
	valid func() (geom.Geometry, error)
}

func shaped(g geom.Geometry) *Shape {
	s := &Shape{g: g, envelope: g.Envelope(), boundary: sync.OnceValue(g.Boundary), invalid: sync.OnceValue(g.Validate)}
	s.valid = sync.OnceValues(func() (geom.Geometry, error) {
		err := s.invalid()
		if err == nil || !g.IsMultiPolygon() {
			return g, err
		}
		for _, part := range parts(g) {
			if err := part.Validate(); err != nil {
				return g, err
			}
		}
		if err := checkCost(g, geom.Geometry{}); err != nil {
			return g, err
		}
		return guarded(func() (geom.Geometry, error) { return geom.UnionMany(parts(g)) })
	})
	return s
}

var (
	errSize   = fmt.Errorf("geometry is larger than %d bytes", MaxBytes)
	errDepth  = fmt.Errorf("geometry collections are nested deeper than %d", maxDepth)
	errNumber = errors.New("a coordinate is not a finite number")
)

// refused is an error in Trino's words, for whoever wrote the query.
func refused(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Parse reads well-known text.
func Parse(text string) (*Shape, error) {
	if s := lately.get(text); s != nil {
		return s, nil
	}
	if len(text) > MaxBytes {
		return nil, errSize
	}
	depth := 0
	for i := range len(text) { // the library's parser recurs
		switch text[i] {
		case '(':
			if depth++; depth > maxDepth {
				return nil, errDepth
			}
		case ')':
			depth--
		}
	}
	g, err := geom.UnmarshalWKT(text, geom.NoValidate{})
	if err == nil {
		g = closeRings(g.Force2D())
		err = wellFormed(g)
	}
	if err != nil {
		if len(text) > 1000 {
			text = strings.ToValidUTF8(text[:1000], "") + "..."
		}
		return nil, refused("Invalid WKT: %s", text)
	}
	s := shaped(g)
	lately.put(text, s)
	return s, nil
}

// ParseBinary reads well-known binary.
func ParseBinary(b []byte) (*Shape, error) {
	if len(b) > MaxBytes {
		return nil, errSize
	}
	bad := refused("Invalid WKB")
	if _, ok := skipBinary(b, 0); !ok {
		return nil, bad
	}
	g, err := geom.UnmarshalWKB(b, geom.NoValidate{})
	if err != nil {
		return nil, bad
	}
	if g = closeRings(g.Force2D()); wellFormed(g) != nil {
		return nil, bad
	}
	return shaped(g), nil
}

// closeRings ends the rings of polygons where they begin; Trino takes those that do not.
func closeRings(g geom.Geometry) geom.Geometry {
	switch g.Type() {
	case geom.TypePolygon:
		rings := g.MustAsPolygon().DumpRings()
		for i, ring := range rings {
			seq := ring.Coordinates()
			n := seq.Length()
			if n == 0 || seq.GetXY(0) == seq.GetXY(n-1) {
				continue
			}
			xys := make([]float64, 0, 2*n+2)
			for j := range n + 1 {
				xy := seq.GetXY(j % n)
				xys = append(xys, xy.X, xy.Y)
			}
			rings[i] = geom.NewLineString(geom.NewSequence(xys, geom.DimXY))
		}
		return geom.NewPolygon(rings).AsGeometry()
	case geom.TypeMultiPolygon:
		var polygons []geom.Polygon
		for _, part := range parts(g) {
			polygons = append(polygons, closeRings(part).MustAsPolygon())
		}
		return geom.NewMultiPolygon(polygons).AsGeometry()
	case geom.TypeGeometryCollection:
		members := parts(g)
		for i := range members {
			members[i] = closeRings(members[i])
		}
		return geom.NewGeometryCollection(members).AsGeometry()
	}
	return g
}

// skipBinary walks over one geometry, and reports whether its counts can be true: the library
// allocates as many as they say.
func skipBinary(b []byte, depth int) (rest []byte, ok bool) {
	if len(b) < 5 || depth > maxDepth || b[0] > 1 {
		return nil, false
	}
	order := binary.ByteOrder(binary.BigEndian)
	if b[0] == 1 {
		order = binary.LittleEndian
	}
	code := order.Uint32(b[1:])
	b = b[5:]
	if code/1000 > 3 {
		return nil, false
	}
	point := []int{16, 24, 24, 32}[code/1000]
	count := func(least int) (int, bool) { // of things that take so many bytes
		if len(b) < 4 {
			return 0, false
		}
		n := order.Uint32(b)
		b = b[4:]
		return int(n), uint64(n)*uint64(least) <= uint64(len(b))
	}
	switch kind := code % 1000; kind {
	case 1:
		if len(b) < point {
			return nil, false
		}
		return b[point:], true
	case 2:
		n, ok := count(point)
		if !ok {
			return nil, false
		}
		return b[n*point:], true
	case 3:
		rings, ok := count(4)
		if !ok {
			return nil, false
		}
		for range rings {
			n, ok := count(point)
			if !ok {
				return nil, false
			}
			b = b[n*point:]
		}
		return b, true
	case 4, 5, 6, 7:
		n, ok := count(9) // of a polygon without rings
		if !ok {
			return nil, false
		}
		for range n {
			if b, ok = skipBinary(b, depth+1); !ok {
				return nil, false
			}
		}
		return b, true
	}
	return nil, false
}

// wellFormed reports what makes a text or bytes those of no geometry, valid or not.
func wellFormed(g geom.Geometry) error {
	line := func(l geom.LineString, least int) error {
		seq := l.Coordinates()
		n := seq.Length()
		if n > 0 && n < least {
			return errors.New("too few points")
		}
		for i := range n {
			if xy := seq.GetXY(i); !finite(xy.X) || !finite(xy.Y) {
				return errNumber
			}
		}
		return nil
	}
	switch g.Type() {
	case geom.TypePoint:
		if xy, ok := g.MustAsPoint().XY(); ok && (!finite(xy.X) || !finite(xy.Y)) {
			return errNumber
		}
		return nil
	case geom.TypeLineString:
		return line(g.MustAsLineString(), 2)
	case geom.TypePolygon:
		for _, ring := range g.MustAsPolygon().DumpRings() {
			if ring.IsEmpty() {
				return errors.New("a ring is empty")
			}
			if err := line(ring, 3); err != nil {
				return err
			}
		}
		return nil
	}
	for _, part := range parts(g) {
		if err := wellFormed(part); err != nil {
			return err
		}
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// parts are the geometries that a geometry of many consists of.
func parts(g geom.Geometry) []geom.Geometry {
	var out []geom.Geometry
	switch g.Type() {
	case geom.TypeMultiPoint:
		for m, i := g.MustAsMultiPoint(), 0; i < m.NumPoints(); i++ {
			out = append(out, m.PointN(i).AsGeometry())
		}
	case geom.TypeMultiLineString:
		for m, i := g.MustAsMultiLineString(), 0; i < m.NumLineStrings(); i++ {
			out = append(out, m.LineStringN(i).AsGeometry())
		}
	case geom.TypeMultiPolygon:
		for m, i := g.MustAsMultiPolygon(), 0; i < m.NumPolygons(); i++ {
			out = append(out, m.PolygonN(i).AsGeometry())
		}
	case geom.TypeGeometryCollection:
		for m, i := g.MustAsGeometryCollection(), 0; i < m.NumGeometries(); i++ {
			out = append(out, m.GeometryN(i))
		}
	default:
		return []geom.Geometry{g}
	}
	return out
}

// Point is a point.
func Point(x, y float64) (*Shape, error) {
	if !finite(x) || !finite(y) {
		return nil, errNumber
	}
	return shaped(geom.XY{X: x, Y: y}.AsPoint().AsGeometry()), nil
}

// Binary is the geometry in well-known binary, little endian.
func (s *Shape) Binary() []byte { return s.g.AsBinary() }

// String is the geometry in well-known text, as Athena shows it.
func (s *Shape) String() string { return string(appendTagged(nil, s.g)) }

var tags = map[geom.GeometryType]string{geom.TypePoint: "POINT", geom.TypeLineString: "LINESTRING", geom.TypePolygon: "POLYGON",
	geom.TypeMultiPoint: "MULTIPOINT", geom.TypeMultiLineString: "MULTILINESTRING", geom.TypeMultiPolygon: "MULTIPOLYGON", geom.TypeGeometryCollection: "GEOMETRYCOLLECTION"}

func appendTagged(b []byte, g geom.Geometry) []byte {
	return appendBody(append(append(b, tags[g.Type()]...), ' '), g)
}

func appendBody(b []byte, g geom.Geometry) []byte {
	if g.IsEmpty() && (!g.IsGeometryCollection() || len(parts(g)) == 0) {
		return append(b, "EMPTY"...)
	}
	switch g.Type() {
	case geom.TypePoint:
		xy, _ := g.MustAsPoint().XY()
		return append(appendXY(append(b, '('), xy), ')')
	case geom.TypeLineString:
		return appendLine(b, g.MustAsLineString())
	case geom.TypePolygon:
		b = append(b, '(')
		for i, ring := range g.MustAsPolygon().DumpRings() {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendLine(b, ring)
		}
		return append(b, ')')
	}
	b = append(b, '(')
	for i, part := range parts(g) {
		if i > 0 {
			b = append(b, ", "...)
		}
		if g.IsGeometryCollection() {
			b = appendTagged(b, part)
		} else {
			b = appendBody(b, part)
		}
	}
	return append(b, ')')
}

func appendLine(b []byte, l geom.LineString) []byte {
	b = append(b, '(')
	for seq, i := l.Coordinates(), 0; i < seq.Length(); i++ {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendXY(b, seq.GetXY(i))
	}
	return append(b, ')')
}

func appendXY(b []byte, xy geom.XY) []byte {
	b = strconv.AppendFloat(b, xy.X+0, 'f', -1, 64) // + 0: zero has no sign
	return strconv.AppendFloat(append(b, ' '), xy.Y+0, 'f', -1, 64)
}

// lately are geometries that were read lately, by their text: a join compares a few large ones
// with many small ones.
var lately cache

type cache struct {
	sync.Mutex
	m     map[string]*Shape
	bytes int
}

const (
	leastCached = 64       // bytes of text; to read less takes less than to look it up
	mostCached  = 16 << 20 // bytes of text in all
)

func (c *cache) get(text string) *Shape {
	if len(text) < leastCached {
		return nil
	}
	c.Lock()
	defer c.Unlock()
	return c.m[text]
}

func (c *cache) put(text string, s *Shape) {
	if len(text) < leastCached || len(text) > mostCached/4 {
		return
	}
	c.Lock()
	defer c.Unlock()
	if c.m == nil || c.bytes+len(text) > mostCached {
		c.m, c.bytes = map[string]*Shape{}, 0
	}
	if c.m[text] == nil {
		c.bytes += len(text)
	}
	c.m[strings.Clone(text)] = s
}
