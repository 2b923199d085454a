package geometry

import (
	"errors"
	"fmt"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// What is asked of one geometry.

// kind is the geometry's type as Trino's errors name it.
func (s *Shape) kind() string {
	return map[geom.GeometryType]string{geom.TypePoint: "POINT", geom.TypeLineString: "LINE_STRING", geom.TypePolygon: "POLYGON", geom.TypeMultiPoint: "MULTI_POINT",
		geom.TypeMultiLineString: "MULTI_LINE_STRING", geom.TypeMultiPolygon: "MULTI_POLYGON", geom.TypeGeometryCollection: "GEOMETRY_COLLECTION"}[s.g.Type()]
}

// Only fails unless the geometry is of one of the types, which are named as in Trino's errors.
func (s *Shape) Only(function string, kinds ...string) error {
	for _, k := range kinds {
		if s.kind() == k {
			return nil
		}
	}
	return fmt.Errorf("%s only applies to %s. Input type is: %s", function, strings.Join(kinds, " or "), s.kind())
}

// TypeName is what ST_GeometryType says.
func (s *Shape) TypeName() string {
	return map[geom.GeometryType]string{geom.TypePoint: "ST_Point", geom.TypeLineString: "ST_LineString", geom.TypePolygon: "ST_Polygon", geom.TypeMultiPoint: "ST_MultiPoint",
		geom.TypeMultiLineString: "ST_MultiLineString", geom.TypeMultiPolygon: "ST_MultiPolygon", geom.TypeGeometryCollection: "ST_GeomCollection"}[s.g.Type()]
}

// XY are a point's coordinates; false for an empty one and for what is not a point.
func (s *Shape) XY() (x, y float64, ok bool) {
	p, ok := s.g.AsPoint()
	if !ok {
		return 0, 0, false
	}
	xy, ok := p.XY()
	return xy.X, xy.Y, ok
}

// Bounds are the least and greatest coordinates; false for an empty geometry.
func (s *Shape) Bounds() (xmin, ymin, xmax, ymax float64, ok bool) {
	least, most, ok := s.envelope.MinMaxXYs()
	return least.X, least.Y, most.X, most.Y, ok
}

// Area is the area of what has one, 0 of others.
func (s *Shape) Area() float64 { return s.g.Area() }

// Length is the length of lines.
func (s *Shape) Length() float64 { return s.g.Length() }

// IsEmpty reports whether there are no points in it.
func (s *Shape) IsEmpty() bool { return s.g.IsEmpty() }

// IsValid reports whether the geometry is well formed, as InvalidReason has it.
func (s *Shape) IsValid() (bool, error) {
	reason, err := s.InvalidReason()
	if errors.Is(err, errCost) && numPoints(s.g, false) <= maxPoints {
		return false, nil // something is wrong with it, and only what is too much to ask
	}
	return reason == "", err
}

// IsSimple reports whether the geometry meets itself nowhere.
func (s *Shape) IsSimple() bool {
	simple, defined := s.g.IsSimple()
	if !defined {
		for _, part := range parts(s.g) {
			if !shaped(part).IsSimple() {
				return false
			}
		}
		return true
	}
	return simple
}

// IsClosed reports whether all lines end where they begin.
func (s *Shape) IsClosed() bool {
	for _, part := range parts(s.g) {
		if l, ok := part.AsLineString(); !ok || !l.IsClosed() {
			return false
		}
	}
	return true
}

// Dimension is 0 of points, 1 of lines, 2 of areas.
func (s *Shape) Dimension() int64 { return int64(s.g.Dimension()) }

// NumPoints is how many points there are, the last of a ring not counted.
func (s *Shape) NumPoints() int64 { return int64(numPoints(s.g, true)) }

func numPoints(g geom.Geometry, open bool) int {
	switch g.Type() {
	case geom.TypePoint:
		if g.IsEmpty() {
			return 0
		}
		return 1
	case geom.TypeLineString:
		return g.MustAsLineString().Coordinates().Length()
	case geom.TypePolygon:
		n := 0
		for _, ring := range g.MustAsPolygon().DumpRings() {
			n += ring.Coordinates().Length()
			if open {
				n--
			}
		}
		return n
	}
	n := 0
	for _, part := range parts(g) {
		n += numPoints(part, open)
	}
	return n
}

// PointN is the n-th point of a line, from 1; nil if there is none.
func (s *Shape) PointN(n int64) *Shape {
	l, ok := s.g.AsLineString()
	if !ok || n < 1 || n > int64(l.Coordinates().Length()) {
		return nil
	}
	return shaped(l.Coordinates().GetXY(int(n - 1)).AsPoint().AsGeometry())
}

// NumGeometries is how many geometries it consists of: 1 of one that is not of many.
func (s *Shape) NumGeometries() int64 {
	if s.g.IsEmpty() {
		return 0
	}
	return int64(len(parts(s.g)))
}

// GeometryN is the n-th geometry that it consists of, from 1; nil if there is none.
func (s *Shape) GeometryN(n int64) *Shape {
	if n < 1 || n > s.NumGeometries() {
		return nil
	}
	return shaped(parts(s.g)[n-1])
}

// ExteriorRing is the outer ring of a polygon; nil if there is none.
func (s *Shape) ExteriorRing() *Shape {
	p, ok := s.g.AsPolygon()
	if !ok || p.IsEmpty() {
		return nil
	}
	return shaped(p.ExteriorRing().AsGeometry())
}

// NumInteriorRings is how many holes a polygon has.
func (s *Shape) NumInteriorRings() int64 {
	p, _ := s.g.AsPolygon()
	return int64(p.NumInteriorRings())
}

// Centroid is the centre of mass.
func (s *Shape) Centroid() *Shape { return shaped(s.g.Centroid().AsGeometry()) }

// Boundary is the closure of the combinatorial boundary.
func (s *Shape) Boundary() *Shape { return shaped(s.boundary()) }

// ConvexHull is the least convex geometry around it.
func (s *Shape) ConvexHull() *Shape { return shaped(s.g.ConvexHull()) }

// Envelope is the rectangle around it, as a polygon even where it has no width or height.
func (s *Shape) Envelope() *Shape {
	x0, y0, x1, y1, ok := s.Bounds()
	if !ok {
		return shaped(geom.Polygon{}.AsGeometry())
	}
	return Rectangle(x0, y0, x1, y1)
}

// Rectangle is a polygon of four corners, from the lower left one clockwise.
func Rectangle(x0, y0, x1, y1 float64) *Shape {
	ring := geom.NewLineString(geom.NewSequence([]float64{x0, y0, x0, y1, x1, y1, x1, y0, x0, y0}, geom.DimXY))
	return shaped(geom.NewPolygon([]geom.LineString{ring}).AsGeometry())
}
