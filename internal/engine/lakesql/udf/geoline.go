package udf

import (
	"database/sql/driver"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/lakesql/geometry"
)

// Functions of lines, of the points that geometries are made of, and of geometries on the Earth.

// shapeList is a list of geometries as one text, with a semicolon behind each; null of a nil list.
func shapeList(shapes []*geometry.Shape) (any, error) {
	if shapes == nil {
		return nil, nil
	}
	var b strings.Builder
	for _, s := range shapes {
		b.WriteString(s.String())
		b.WriteByte(';')
		if b.Len() > geometry.MaxBytes {
			return nil, errBudget
		}
	}
	return b.String(), nil
}

// ofShapes is a function of a list of geometries, where a null is nil.
func ofShapes(f func(shapes []*geometry.Shape) (*geometry.Shape, error)) listed {
	run := guarded(func(v []driver.Value) (any, error) {
		list, _ := v[0].([]any)
		shapes := make([]*geometry.Shape, len(list))
		for i, e := range list {
			if s, ok := e.(string); ok {
				shape, err := geometry.Parse(s)
				if err != nil {
					return nil, geometryError(err)
				}
				shapes[i] = shape
			}
		}
		return wkt(f(shapes))
	})
	return listed{of: text, out: text, f: func(list []any) (any, error) { return run([]driver.Value{list}) }}
}

var geometryLists = map[string]listed{
	"geometry_union_all":   unionAll,
	"st_linestring":        ofShapes(geometry.LineString),
	"st_multipoint":        ofShapes(geometry.MultiPoint),
	"geometry_convex_hull": ofShapes(func(shapes []*geometry.Shape) (*geometry.Shape, error) { return geometry.ConvexHullAll(shapes), nil }),
}

func init() {
	some := func(f func(s *geometry.Shape) []*geometry.Shape) func(s *geometry.Shape) (any, error) {
		return func(s *geometry.Shape) (any, error) {
			if s.IsEmpty() {
				return nil, nil
			}
			return shapeList(append([]*geometry.Shape{}, f(s)...))
		}
	}
	for name, f := range map[string]func(s *geometry.Shape) (any, error){
		"st_points":        some((*geometry.Shape).Points),
		"st_geometries":    some((*geometry.Shape).Geometries),
		"st_interiorrings": only("ST_InteriorRings", some((*geometry.Shape).InteriorRings), polygon),
		"st_envelopeaspts": some((*geometry.Shape).Corners),
		"to_encoded_polyline": func(s *geometry.Shape) (any, error) {
			out, err := s.Polyline()
			if err != nil {
				return nil, geometryError(err)
			}
			return out, nil
		},
		"to_spherical_geography": func(s *geometry.Shape) (any, error) {
			if err := s.Spherical(); err != nil {
				return nil, geometryError(err)
			}
			return wkt(s, nil)
		},
		"to_geometry":         itself,
		"to_geojson_geometry": plain((*geometry.Shape).GeoJSON),
	} {
		udfs[name] = ofShape(text, f)
	}
	udfs["st_interiorringn"] = shapeN(func(s *geometry.Shape, n int64) (any, error) {
		return only("ST_InteriorRingN", func(s *geometry.Shape) (any, error) {
			if n < 1 || n > s.NumInteriorRings() {
				return nil, nil
			}
			return wkt(s.InteriorRings()[n-1], nil)
		}, polygon)(s)
	})
	measured := func(d float64, ok bool, err error) (any, error) {
		if err != nil || !ok {
			return nil, err
		}
		return d, nil
	}
	udfs["st_distance_sphere"] = ofPair(real8, func(a, b *geometry.Shape) (any, error) { return measured(geometry.SphericalDistance(a, b)) })
	udfs["line_locate_point"] = ofPair(real8, func(a, b *geometry.Shape) (any, error) { return measured(geometry.LocatePoint(a, b)) })
	udfs["st_area_sphere"] = ofShape(real8, func(s *geometry.Shape) (any, error) {
		out, err := measured(s.SphericalArea())
		if err != nil {
			return nil, geometryError(err)
		}
		return out, nil
	})
	udfs["geometry_invalid_reason"] = ofShape(text, func(s *geometry.Shape) (any, error) {
		reason, err := s.InvalidReason()
		switch {
		case err != nil:
			return nil, geometryError(err)
		case reason == "":
			return nil, nil
		}
		return reason, nil
	})
	udfs["geometry_nearest_points"] = ofPair(text, func(a, b *geometry.Shape) (any, error) { // with a semicolon between them
		p, q, err := geometry.NearestPoints(a, b)
		if p == nil || err != nil {
			return nil, err
		}
		return p.String() + ";" + q.String(), nil
	})
	for name, f := range map[string]func(s *geometry.Shape, by float64) (*geometry.Shape, error){
		"st_buffer": (*geometry.Shape).Buffer, "simplify_geometry": (*geometry.Shape).Simplify,
	} {
		udfs[name] = scalar{in: []duckdb.Type{text, real8}, out: text, f: guarded(func(v []driver.Value) (any, error) {
			s, err := geometry.Parse(v[0].(string))
			if err != nil {
				return nil, geometryError(err)
			}
			return wkt(f(s, v[1].(float64)))
		})}
	}
	udfs["st_length_sphere"] = ofShape(real8, func(s *geometry.Shape) (any, error) {
		out, err := measured(s.SphericalLength())
		if err != nil {
			return nil, geometryError(err)
		}
		return out, nil
	})
	interpolate := func(repeated bool, out func(shapes []*geometry.Shape) (any, error)) scalar {
		return scalar{in: []duckdb.Type{text, real8}, out: text, f: guarded(func(v []driver.Value) (any, error) {
			s, err := geometry.Parse(v[0].(string))
			if err != nil {
				return nil, geometryError(err)
			}
			points, err := s.InterpolatePoints(v[1].(float64), repeated)
			if err != nil {
				return nil, geometryError(err)
			}
			return out(points)
		})}
	}
	udfs["line_interpolate_points"] = interpolate(true, shapeList)
	udfs["line_interpolate_point"] = interpolate(false, func(points []*geometry.Shape) (any, error) {
		if points == nil {
			return nil, nil
		}
		return wkt(points[0], nil)
	})
	udfs["from_geojson_geometry"] = scalar{in: []duckdb.Type{text}, out: text, f: guarded(func(v []driver.Value) (any, error) { return wkt(geometry.ParseGeoJSON(v[0].(string))) })}
	udfs["from_encoded_polyline"] = scalar{in: []duckdb.Type{text}, out: text, f: guarded(func(v []driver.Value) (any, error) { return wkt(geometry.ParsePolyline(v[0].(string))) })}
}
