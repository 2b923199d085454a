package udf

import (
	"database/sql/driver"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/geometry"
)

// The geospatial functions. Geometries come and go as well-known text, tiles as the text of
// package geometry.

// wkt is a function's result: the text, or null.
func wkt(s *geometry.Shape, err error) (any, error) {
	switch {
	case err != nil:
		return nil, geometryError(err)
	case s == nil:
		return nil, nil
	}
	out := s.String()
	if len(out) > geometry.MaxBytes {
		return nil, errBudget
	}
	return out, nil
}

// guarded answers a panic of the library below by an error: a query fails, not the process.
func guarded(f func(v []driver.Value) (any, error)) func(v []driver.Value) (any, error) {
	return func(v []driver.Value) (out any, err error) {
		defer func() {
			if r := recover(); r != nil {
				out, err = nil, argumentError("geometry cannot be worked on")
			}
		}()
		return f(v)
	}
}

func geometryError(err error) error { return argumentError("%w", err) }

// ofShape is a function of a geometry.
func ofShape(out duckdb.Type, f func(s *geometry.Shape) (any, error)) scalar {
	return scalar{in: []duckdb.Type{text}, out: out, f: guarded(func(v []driver.Value) (any, error) {
		s, err := geometry.Parse(v[0].(string))
		if err != nil {
			return nil, geometryError(err)
		}
		return f(s)
	})}
}

// ofPair is a function of two geometries.
func ofPair(out duckdb.Type, f func(a, b *geometry.Shape) (any, error)) scalar {
	return scalar{in: []duckdb.Type{text, text}, out: out, f: guarded(func(v []driver.Value) (any, error) {
		a, err := geometry.Parse(v[0].(string))
		if err != nil {
			return nil, geometryError(err)
		}
		b, err := geometry.Parse(v[1].(string))
		if err != nil {
			return nil, geometryError(err)
		}
		out, err := f(a, b)
		if err != nil {
			return nil, geometryError(err)
		}
		return out, nil
	})}
}

// shapeN is a function of a geometry and a number.
func shapeN(f func(s *geometry.Shape, n int64) (any, error)) scalar {
	return scalar{in: []duckdb.Type{text, whole}, out: text, f: guarded(func(v []driver.Value) (any, error) {
		s, err := geometry.Parse(v[0].(string))
		if err != nil {
			return nil, geometryError(err)
		}
		return f(s, v[1].(int64))
	})}
}

// ofTile is a function of a tile.
func ofTile(out duckdb.Type, f func(t geometry.Tile) (any, error)) scalar {
	return scalar{in: []duckdb.Type{text}, out: out, f: func(v []driver.Value) (any, error) {
		t, err := geometry.ParseTile(v[0].(string))
		if err != nil {
			return nil, geometryError(err)
		}
		return f(t)
	}}
}

func tileText(t geometry.Tile, err error) (any, error) {
	if err != nil {
		return nil, geometryError(err)
	}
	return t.String(), nil
}

// only makes a function one of geometries of some types.
func only(name string, f func(s *geometry.Shape) (any, error), kinds ...string) func(s *geometry.Shape) (any, error) {
	return func(s *geometry.Shape) (any, error) {
		if err := s.Only(name, kinds...); err != nil {
			return nil, geometryError(err)
		}
		return f(s)
	}
}

func plain[T any](f func(s *geometry.Shape) T) func(s *geometry.Shape) (any, error) {
	return func(s *geometry.Shape) (any, error) { return f(s), nil }
}

func shape1(f func(s *geometry.Shape) *geometry.Shape) func(s *geometry.Shape) (any, error) {
	return func(s *geometry.Shape) (any, error) { return wkt(f(s), nil) }
}

func itself(s *geometry.Shape) (any, error) { return wkt(s, nil) }

const (
	point      = "POINT"
	line       = "LINE_STRING"
	lines      = "MULTI_LINE_STRING"
	polygon    = "POLYGON"
	multipoint = "MULTI_POINT"
	polygons   = "MULTI_POLYGON"
)

func init() {
	for name, f := range map[string]func(s *geometry.Shape) (any, error){
		"st_geometryfromtext": itself,
		"st_polygon":          only("ST_Polygon", itself, polygon),
		"st_linefromtext":     only("ST_LineFromText", itself, line),
		"st_astext":           itself,
		"st_geometrytype":     plain((*geometry.Shape).TypeName),
		"st_centroid":         only("ST_Centroid", shape1((*geometry.Shape).Centroid), point, multipoint, line, lines, polygon, polygons),
		"st_boundary":         shape1((*geometry.Shape).Boundary),
		"st_envelope":         shape1((*geometry.Shape).Envelope),
		"st_convexhull":       shape1((*geometry.Shape).ConvexHull),
		"st_exteriorring":     only("ST_ExteriorRing", shape1((*geometry.Shape).ExteriorRing), polygon),
		"st_startpoint":       only("ST_StartPoint", shape1(func(s *geometry.Shape) *geometry.Shape { return s.PointN(1) }), line),
		"st_endpoint":         only("ST_EndPoint", shape1(func(s *geometry.Shape) *geometry.Shape { return s.PointN(s.NumPoints()) }), line),
	} {
		udfs[name] = ofShape(text, f)
	}
	for name, f := range map[string]func(s *geometry.Shape) (any, error){
		"st_isvalid": func(s *geometry.Shape) (any, error) {
			ok, err := s.IsValid()
			if err != nil {
				return nil, geometryError(err)
			}
			return ok, nil
		},
		"st_isempty": plain((*geometry.Shape).IsEmpty), "st_issimple": plain((*geometry.Shape).IsSimple),
		"st_isclosed": only("ST_IsClosed", plain((*geometry.Shape).IsClosed), line, lines),
		"st_isring":   only("ST_IsRing", plain(func(s *geometry.Shape) bool { return s.IsClosed() && s.IsSimple() }), line),
	} {
		udfs[name] = ofShape(truth1, f)
	}
	for name, f := range map[string]func(s *geometry.Shape) (any, error){
		"st_dimension": plain((*geometry.Shape).Dimension), "st_coorddim": plain(func(*geometry.Shape) int64 { return 2 }),
		"st_numpoints": plain((*geometry.Shape).NumPoints), "st_numgeometries": plain((*geometry.Shape).NumGeometries),
		"st_numinteriorring": only("ST_NumInteriorRing", plain((*geometry.Shape).NumInteriorRings), polygon),
	} {
		udfs[name] = ofShape(whole, f)
	}
	place := func(of func(x, y float64) float64) func(s *geometry.Shape) (any, error) {
		return func(s *geometry.Shape) (any, error) {
			x, y, ok := s.XY()
			if !ok {
				return nil, nil
			}
			return of(x, y), nil
		}
	}
	bound := func(n int) func(s *geometry.Shape) (any, error) {
		return func(s *geometry.Shape) (any, error) {
			x0, y0, x1, y1, ok := s.Bounds()
			if !ok {
				return nil, nil
			}
			return [4]float64{x0, y0, x1, y1}[n], nil
		}
	}
	for name, f := range map[string]func(s *geometry.Shape) (any, error){
		"st_x":    only("ST_X", place(func(x, _ float64) float64 { return x }), point),
		"st_y":    only("ST_Y", place(func(_, y float64) float64 { return y }), point),
		"st_xmin": bound(0), "st_ymin": bound(1), "st_xmax": bound(2), "st_ymax": bound(3),
		"st_area":   plain((*geometry.Shape).Area),
		"st_length": only("ST_Length", plain((*geometry.Shape).Length), line, lines),
	} {
		udfs[name] = ofShape(real8, f)
	}
	for name, f := range map[string]func(a, b *geometry.Shape) (bool, error){
		"st_contains": geometry.Contains, "st_within": geometry.Within, "st_intersects": geometry.Intersects, "st_disjoint": geometry.Disjoint,
		"st_equals": geometry.Equals, "st_touches": geometry.Touches, "st_crosses": geometry.Crosses, "st_overlaps": geometry.Overlaps,
	} {
		udfs[name] = ofPair(truth1, func(a, b *geometry.Shape) (any, error) { return f(a, b) })
	}
	for name, f := range map[string]func(a, b *geometry.Shape) (*geometry.Shape, error){
		"st_intersection": geometry.Intersection, "st_union": geometry.Union, "st_difference": geometry.Difference, "st_symdifference": geometry.SymDifference,
	} {
		udfs[name] = ofPair(text, func(a, b *geometry.Shape) (any, error) {
			s, err := f(a, b)
			if err != nil {
				return nil, err
			}
			return wkt(s, nil)
		})
	}
	udfs["st_distance"] = ofPair(real8, func(a, b *geometry.Shape) (any, error) {
		d, ok, err := geometry.Distance(a, b)
		if !ok || err != nil {
			return nil, err
		}
		return d, nil
	})
	udfs["st_relate"] = scalar{in: []duckdb.Type{text, text, text}, out: truth1, f: func(v []driver.Value) (any, error) {
		return ofPair(truth1, func(a, b *geometry.Shape) (any, error) { return geometry.Relate(a, b, v[2].(string)) }).f(v)
	}}
	udfs["st_pointn"] = shapeN(func(s *geometry.Shape, n int64) (any, error) {
		return only("ST_PointN", shape1(func(s *geometry.Shape) *geometry.Shape { return s.PointN(n) }), line)(s)
	})
	udfs["st_geometryn"] = shapeN(func(s *geometry.Shape, n int64) (any, error) { return wkt(s.GeometryN(n), nil) })
	udfs["st_point"] = scalar{in: []duckdb.Type{real8, real8}, out: text, f: func(v []driver.Value) (any, error) {
		return wkt(geometry.Point(v[0].(float64), v[1].(float64)))
	}}
	udfs["st_geomfrombinary"] = scalar{in: []duckdb.Type{bytesOf}, out: text, f: guarded(func(v []driver.Value) (any, error) {
		return wkt(geometry.ParseBinary(v[0].([]byte)))
	})}
	udfs["st_asbinary"] = ofShape(bytesOf, plain((*geometry.Shape).Binary))
	registerTiles()
}

// tileList is a list of tiles as one text, with a semicolon behind each.
func tileList(tiles []geometry.Tile, err error) (any, error) {
	if err != nil {
		return nil, geometryError(err)
	}
	var b strings.Builder
	for _, t := range tiles {
		b.WriteString(t.String())
		b.WriteByte(';')
	}
	return b.String(), nil
}

// unionAll is the union of a list of geometries.
var unionAll = listed{of: text, out: text, f: func(list []any) (any, error) {
	shapes := make([]*geometry.Shape, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			continue
		}
		shape, err := geometry.Parse(s)
		if err != nil {
			return nil, geometryError(err)
		}
		shapes = append(shapes, shape)
	}
	return wkt(geometry.UnionAll(shapes))
}}

func registerTiles() {
	udfs["bing_tiles_around"] = scalar{in: []duckdb.Type{real8, real8, whole}, out: text, f: func(v []driver.Value) (any, error) {
		return tileList(geometry.TilesAround(v[0].(float64), v[1].(float64), v[2].(int64)))
	}}
	udfs["bing_tiles_within"] = scalar{in: []duckdb.Type{real8, real8, whole, real8}, out: text, f: func(v []driver.Value) (any, error) {
		return tileList(geometry.TilesWithin(v[0].(float64), v[1].(float64), v[2].(int64), v[3].(float64)))
	}}
	udfs["geometry_to_bing_tiles"] = shapeN(func(s *geometry.Shape, n int64) (any, error) { return tileList(s.Tiles(n)) })
	udfs["bing_tile"] = scalar{in: []duckdb.Type{whole, whole, whole}, out: text, f: func(v []driver.Value) (any, error) {
		return tileText(geometry.TileOf(v[0].(int64), v[1].(int64), v[2].(int64)))
	}}
	udfs["bing_tile_of"] = scalar{in: []duckdb.Type{text}, out: text, f: func(v []driver.Value) (any, error) { return tileText(geometry.TileOfQuadkey(v[0].(string))) }}
	udfs["bing_tile_at"] = scalar{in: []duckdb.Type{real8, real8, whole}, out: text, f: func(v []driver.Value) (any, error) {
		return tileText(geometry.TileAt(v[0].(float64), v[1].(float64), v[2].(int64)))
	}}
	udfs["bing_tile_quadkey"] = ofTile(text, func(t geometry.Tile) (any, error) { return t.Quadkey(), nil })
	udfs["bing_tile_polygon"] = ofTile(text, func(t geometry.Tile) (any, error) { return wkt(t.Polygon(), nil) })
	udfs["bing_tile_x"] = ofTile(whole, func(t geometry.Tile) (any, error) { return int64(t.X), nil })
	udfs["bing_tile_y"] = ofTile(whole, func(t geometry.Tile) (any, error) { return int64(t.Y), nil })
	udfs["bing_tile_zoom_level"] = ofTile(whole, func(t geometry.Tile) (any, error) { return int64(t.Zoom), nil })
	udfs["great_circle_distance"] = scalar{in: []duckdb.Type{real8, real8, real8, real8}, out: real8, f: func(v []driver.Value) (any, error) {
		d, err := geometry.GreatCircle(v[0].(float64), v[1].(float64), v[2].(float64), v[3].(float64))
		if err != nil {
			return nil, geometryError(err)
		}
		return d, nil
	}}
}
