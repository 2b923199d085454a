package geometry

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parsed(t testing.TB, text string) *Shape {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHostile: what is large, deep or not true is refused before it is worked on.
func TestHostile(t *testing.T) {
	deep := strings.Repeat("GEOMETRYCOLLECTION (", 100_000)
	if _, err := Parse(deep); err != errDepth {
		t.Error(err)
	}
	if _, err := Parse(strings.Repeat(" ", MaxBytes+1)); err != errSize {
		t.Error(err)
	}
	for _, text := range []string{"", "POINT", "POINT (1 2", "POINT (1 2) x", "POINT (NaN 1)", "POINT (1e999 1)", "LINESTRING (1 1)", "CIRCLE (1 1)", "POLYGON ((1 1))", "POLYGON (EMPTY)", "\xff"} {
		if _, err := Parse(text); err == nil || err.Error() != "Invalid WKT: "+text {
			t.Errorf("%q: %v", text, err)
		}
	}
	many := binary.LittleEndian.AppendUint32([]byte{1, 7, 0, 0, 0}, 1<<31)
	nested := []byte(strings.Repeat("\x01\x07\x00\x00\x00\x01\x00\x00\x00", 100_000))
	for _, b := range [][]byte{nil, {1}, many, nested, []byte("\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0\x7f\x00\x00\x00\x00\x00\x00\xf0\x7f")} {
		if _, err := ParseBinary(b); err == nil {
			t.Errorf("%.20x is read", b)
		}
	}
	// Two combs whose teeth cross each other: a million crossings.
	comb := func(turned bool) *Shape {
		var b strings.Builder
		for i := range 1000 {
			x0, y0, x1, y1 := i, -1, i, 1001
			if turned {
				x0, y0, x1, y1 = -1, i, 1001, i
			}
			fmt.Fprintf(&b, ", (%d %d, %d %d)", x0, y0, x1, y1)
		}
		return parsed(t, "MULTILINESTRING ("+b.String()[2:]+")")
	}
	if _, err := Intersection(comb(false), comb(true)); err != errCost {
		t.Error(err)
	}
	bow := parsed(t, "POLYGON ((0 0, 1 1, 0 1, 1 0, 0 0))")
	if _, err := Union(bow, bow); err == nil || !strings.HasPrefix(err.Error(), "geometry is not valid") {
		t.Error(err)
	}
}

// TestCache: geometries are kept by their text, and not without end.
func TestCache(t *testing.T) {
	text := "LINESTRING (0 0" + strings.Repeat(", 1 1", 100) + ")"
	if first := parsed(t, text); first != parsed(t, text) {
		t.Error("a geometry is read twice")
	}
	var c cache
	for i := range 10 {
		c.put(strings.Repeat(fmt.Sprint(i), mostCached/4), &Shape{})
		if c.bytes > mostCached {
			t.Fatal(c.bytes)
		}
	}
}

func FuzzGeometry(f *testing.F) {
	for _, text := range []string{"POINT (1 2)", "POLYGON ((0 0, 8 0, 0 8, 0 0), (1 1, 1 5, 5 1, 1 1))", "MULTIPOINT (1 2, EMPTY)", "POLYGON ((1 1, 2 2))",
		"MULTIPOLYGON (((0 0 , 0 2, 2 2, 2 0)), ((2 2, 2 4, 4 4, 4 2)))", "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1e300 -1e300))", "LINESTRING (0 0, 0 0)"} {
		f.Add(text, "POLYGON ((0 0, 0 4, 4 4, 4 0))")
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		if len(one)+len(other) > 500 {
			return
		}
		if s, err := ParseBinary([]byte(one)); err == nil {
			one = s.String()
		}
		a, err := Parse(one)
		if err != nil {
			return
		}
		if again := parsed(t, a.String()).String(); again != a.String() {
			t.Errorf("%s is read as %s", a, again)
		}
		if b, err := ParseBinary(a.Binary()); err != nil || b.String() != a.String() {
			t.Errorf("%s in binary is %s, %v", a, b, err)
		}
		b, err := Parse(other)
		if err != nil {
			return
		}
		_, _ = guarded(func() (any, error) { // as each function is called
			a.Area()
			a.IsSimple()
			a.Centroid()
			a.Boundary()
			a.ConvexHull()
			a.Envelope()
			return nil, nil
		})
		for _, f := range []func(a, b *Shape) (bool, error){Contains, Intersects, Equals, Touches, Crosses, Overlaps} {
			_, _ = f(a, b)
		}
		_, _ = Union(a, b)
		_, _, _ = Distance(a, b)
	})
}

// TestTiles: the tiles around places and of geometries are those that Trino's tests have.
func TestTiles(t *testing.T) {
	keys := func(tiles []Tile, err error) string {
		if err != nil {
			return err.Error()
		}
		out := make([]string, len(tiles))
		for i, t := range tiles {
			out[i] = t.Quadkey()
		}
		return strings.Join(out, " ")
	}
	if got, want := keys(TilesAround(30.12, 60, 1)), "0 2 1 3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := keys(TilesAround(30.12, 60, 15)), "123030123010102 123030123010120 123030123010122 123030123010103 123030123010121 123030123010123 123030123010112 123030123010130 123030123010132"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, c := range []struct {
		text string
		zoom int64
		want string
	}{
		{"POINT (60 30.12)", 10, "1230301230"},
		{"POINT (60 30.12)", 15, "123030123010121"},
		{"POLYGON ((0 0, 0 10, 10 10, 10 0, 0 0))", 6, "122220 122222 122221 122223"},
		{"POLYGON ((0 0, 0 10, 10 10, 0 0))", 6, "122220 122222 122221"},
		{"POLYGON ((10 10, -10 10, -20 -15, 10 10))", 3, "033 211 122"},
		{"POLYGON ((10 10, -10 10, -20 -15, 10 10))", 6, "211102 211120 033321 033323 211101 211103 211121 033330 033332 211110 211112 033331 033333 211111 122220 122222 122221"},
		{"GEOMETRYCOLLECTION (POINT (60 30.12))", 15, "123030123010121"},
		{"GEOMETRYCOLLECTION (POINT (60 30.12), LINESTRING (61 31, 61.01 31.01), POLYGON EMPTY)", 15, "123030123010121 123030112310200 123030112310202 123030112310201"},
		{"POLYGON EMPTY", 10, ""},
		{"POINT (60 90)", 10, "Latitude span for the geometry must be in [-85.05, 85.05] range"},
		{"LINESTRING (-200 0, 10 0)", 10, "Longitude span for the geometry must be in [-180.00, 180.00] range"},
	} {
		if got := keys(parsed(t, c.text).Tiles(c.zoom)); got != c.want {
			t.Errorf("%s at %d: %s, want %s", c.text, c.zoom, got, c.want)
		}
	}
	for _, c := range []struct {
		latitude, longitude float64
		zoom                int64
		km                  float64
		want                string
	}{
		{-85.05112878, -180, 5, 200, "33332 33333 22222 22223 22220 22221 33330 33331"},
		{-85.05112878, -180, 15, .2, "333333333333332 333333333333333 222222222222222 222222222222223 222222222222220 222222222222221 333333333333330 333333333333331"},
		{-85.05112878, 180, 4, 500, "3323 3332 3333 2222 2223 2232 3331 2221 2220 3330"},
		{85.05112878, -180, 4, 500, "1101 1110 1111 0000 0001 0010 0002 0003 1112 1113"},
		{-85.05112878, 0, 3, 300, "233 322"},
		{-85.05112878, 0, 12, 1, "233333333332 233333333333 322222222222 322222222223 322222222220 233333333331"},
		{0, 180, 4, 100, "3111 2000 1333 0222"},
		{0, -180, 4, 100, "3111 2000 0222 1333"},
		{30.12, 60, 1, -1, "Radius must be >= 0"},
		{30.12, 60, 1, 2000, "Radius must be <= 1,000 km"},
		{30.12, 60, 20, 100, "The number of input tiles is too large (more than 1M) to compute a set of covering Bing tiles."},
	} {
		got := keys(TilesWithin(c.latitude, c.longitude, c.zoom, c.km))
		a, b := strings.Fields(got), strings.Fields(c.want)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%v: %s, want %s", c, got, c.want)
		}
	}
	if got, err := UnionAll([]*Shape{parsed(t, "POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0))"), parsed(t, "POLYGON ((1 0, 1 1, 2 1, 2 0, 1 0))")}); err != nil || got.Area() != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

// Whatever text a polyline is read from, it is a line or an error, and a line on the Earth that is written is read again.
func FuzzParsePolyline(f *testing.F) {
	for _, s := range []string{"", "_p~iF~ps|U_ulLnnqC_mqNvxq`@", "_p~iF", "~~~~~~~~~~~~", "??", "????"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParsePolyline(text)
		if err != nil || s.Spherical() != nil {
			return
		}
		out, err := s.Polyline()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := ParsePolyline(out)
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q is %s, and %q %v (%v)", text, s, out, again, err)
		}
	})
}

// Whatever text GeoJSON is read from, it is a geometry or an error, and the text of a geometry is read again.
func FuzzParseGeoJSON(f *testing.F) {
	for _, s := range []string{`{"type":"Point","coordinates":[1,2]}`, `{"type":"Point","coordinates":[]}`, `{"type":"LineString","coordinates":[[0,1e9],[1e-9,1,3]]}`,
		`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}`, `{"type":"MultiPolygon","coordinates":[[],[[[0,0],[1,0],[1,1],[0,0]]]]}`,
		`{"type":"GeometryCollection","geometries":[{"type":"MultiPoint","coordinates":[[0,0]]}]}`, `{"type":"MultiLineString","coordinates":[null]}`, `{"type":null}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseGeoJSON(text)
		if err != nil {
			return
		}
		if _, err := Parse(s.String()); err != nil {
			t.Fatalf("%q: %s: %v", text, s, err)
		}
		again, err := ParseGeoJSON(s.GeoJSON())
		if err != nil || again.GeoJSON() != s.GeoJSON() {
			t.Fatalf("%q is %s, and %s %v (%v)", text, s, s.GeoJSON(), again, err)
		}
	})
}
