package geometry

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// GeoJSON, in the form that Trino's library writes: eight digits behind the point, and the reference system of no
// geometry in particular.

// GeoJSON is the geometry as GeoJSON.
func (s *Shape) GeoJSON() string {
	switch {
	case s.IsEmpty() && s.kind() == "POINT":
		return `{"type":"Point","coordinates":[]}`
	case s.IsEmpty() && s.kind() == "LINE_STRING":
		return `{"type":"LineString","coordinates":[]}`
	}
	b := appendGeoJSON(nil, s.g)
	return string(b[:len(b)-1]) + `,"crs":{"type":"name","properties":{"name":"EPSG:0"}}}`
}

func appendGeoJSON(b []byte, g geom.Geometry) []byte {
	b = append(append(append(b, `{"type":"`...), g.Type().String()...), `","`...)
	if !g.IsGeometryCollection() {
		return append(appendCoordinates(append(b, `coordinates":`...), g), '}')
	}
	b = append(b, `geometries":[`...)
	for i, part := range parts(g) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendGeoJSON(b, part)
	}
	return append(b, "]}"...)
}

func appendCoordinates(b []byte, g geom.Geometry) []byte {
	var members []geom.Geometry
	switch g.Type() {
	case geom.TypePoint, geom.TypeLineString:
		xys := coordinates(g, nil)
		if len(xys) == 0 {
			return append(b, "[]"...)
		}
		if g.IsLineString() {
			b = append(b, '[')
		}
		for i, xy := range xys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendOrdinate(append(appendOrdinate(append(b, '['), xy.X), ','), xy.Y), ']')
		}
		if g.IsLineString() {
			b = append(b, ']')
		}
		return b
	case geom.TypePolygon:
		for _, ring := range g.MustAsPolygon().DumpRings() {
			members = append(members, ring.AsGeometry())
		}
	default:
		members = parts(g)
	}
	b = append(b, '[')
	for i, part := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCoordinates(b, part)
	}
	return append(b, ']')
}

// appendOrdinate writes a number as Java does, but whole ones without a fraction.
func appendOrdinate(b []byte, x float64) []byte {
	x += 0 // zero has no sign
	if math.Abs(x) >= 1e-3 && x < 1e7 {
		x = math.Floor(x*1e8+0.5) / 1e8
		if whole := int64(x); math.Abs(x) < 1<<62 && float64(whole) == x {
			return strconv.AppendInt(b, whole, 10)
		}
	}
	format := byte('E')
	if a := math.Abs(x); a == 0 || a >= 1e-3 && a < 1e7 {
		format = 'f'
	}
	text := strconv.FormatFloat(x, format, -1, 64)
	digits, exponent, has := strings.Cut(text, "E")
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	b = append(b, digits...)
	if !has {
		return b
	}
	n, _ := strconv.Atoi(exponent)
	return strconv.AppendInt(append(b, 'E'), int64(n), 10)
}

// ParseGeoJSON reads the GeoJSON of a geometry; features are none.
func ParseGeoJSON(text string) (*Shape, error) {
	if len(text) > MaxBytes {
		return nil, errSize
	}
	g, err := parseGeoJSON([]byte(text), 0)
	if err != nil {
		return nil, err
	}
	return shaped(g), nil
}

func parseGeoJSON(text []byte, depth int) (geom.Geometry, error) {
	if depth > maxDepth {
		return geom.Geometry{}, errDepth
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return geom.Geometry{}, refused("Invalid GeoJSON: the text is not a JSON object")
	}
	var name *string
	if err := json.Unmarshal(object["type"], &name); err != nil || name == nil {
		return geom.Geometry{}, refused("Invalid GeoJSON: Could not parse Geometry from Json string.  No 'type' property found.")
	}
	bad := refused("Invalid GeoJSON: Could not parse %s from GeoJson string.", *name)
	if *name == "GeometryCollection" {
		var list []json.RawMessage
		if err := json.Unmarshal(object["geometries"], &list); err != nil || list == nil {
			return geom.Geometry{}, bad
		}
		members := make([]geom.Geometry, len(list))
		for i, e := range list {
			var err error
			if members[i], err = parseGeoJSON(e, depth+1); err != nil {
				return geom.Geometry{}, err
			}
		}
		return geom.NewGeometryCollection(members).AsGeometry(), nil
	}
	levels, known := map[string]int{"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}[*name]
	if !known {
		return geom.Geometry{}, refused("Invalid GeoJSON: Could not parse Geometry from GeoJson string.  Unsupported 'type':%s", *name)
	}
	var value any
	if err := json.Unmarshal(object["coordinates"], &value); err != nil || !nests(value, levels) {
		return geom.Geometry{}, bad
	}
	list := value.([]any)
	switch *name {
	case "Point":
		if len(list) == 0 {
			return geom.Point{}.AsGeometry(), nil
		}
		return geom.XY{X: list[0].(float64), Y: list[1].(float64)}.AsPoint().AsGeometry(), nil
	case "MultiPoint":
		var points []geom.Point
		for _, e := range list {
			p := e.([]any)
			points = append(points, geom.XY{X: p[0].(float64), Y: p[1].(float64)}.AsPoint())
		}
		return geom.NewMultiPoint(points).AsGeometry(), nil
	case "LineString":
		l, err := lineOf(list, false)
		return l.AsGeometry(), err
	case "MultiLineString":
		lines, err := linesOf(list, false)
		return geom.NewMultiLineString(lines).AsGeometry(), err
	case "Polygon":
		rings, err := linesOf(list, true)
		return geom.NewPolygon(rings).AsGeometry(), err
	}
	var polygons []geom.Polygon
	for _, e := range list {
		rings, err := linesOf(e.([]any), true)
		if err != nil {
			return geom.Geometry{}, err
		}
		polygons = append(polygons, geom.NewPolygon(rings))
	}
	return geom.NewMultiPolygon(polygons).AsGeometry(), nil
}

// nests reports whether a value is places in so many lists: a place is two numbers or more. Only that of a point
// by itself may be empty.
func nests(value any, levels int) bool {
	list, ok := value.([]any)
	if !ok {
		return false
	}
	if levels > 0 {
		for _, e := range list {
			if inner, ok := e.([]any); !ok || levels == 1 && len(inner) == 0 || !nests(e, levels-1) {
				return false
			}
		}
		return true
	}
	for _, e := range list {
		if _, ok := e.(float64); !ok {
			return false
		}
	}
	return len(list) != 1
}

func linesOf(list []any, rings bool) ([]geom.LineString, error) {
	var out []geom.LineString
	for _, e := range list {
		l, err := lineOf(e.([]any), rings)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

func lineOf(list []any, ring bool) (geom.LineString, error) {
	xys := make([]float64, 0, 2*len(list))
	for _, e := range list {
		p := e.([]any)
		xys = append(xys, p[0].(float64), p[1].(float64))
	}
	n := len(list)
	switch {
	case ring && (n == 0 || xys[0] != xys[2*n-2] || xys[1] != xys[2*n-1]):
		return geom.LineString{}, refused("Invalid GeoJSON: Points of LinearRing do not form a closed linestring")
	case ring && n < 4:
		return geom.LineString{}, refused("Invalid GeoJSON: Invalid number of points in LinearRing (found %d - must be 0 or >= 4)", n)
	case n == 1:
		return geom.LineString{}, refused("Invalid GeoJSON: Invalid number of points in LineString (found 1 - must be 0 or >= 2)")
	}
	return geom.NewLineString(geom.NewSequence(xys, geom.DimXY)), nil
}
