package geometry

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestBuffer: areas and bounds of what Trino's tests buffer, which draw circles with 96 points.
func TestBuffer(t *testing.T) {
	circle := 48 * math.Sin(2*math.Pi/96) // of radius 1
	for _, c := range []struct {
		text     string
		distance float64
		area     float64
		points   int64
	}{
		{"POINT (0 0)", 0.5, 0.25 * circle, 96},
		{"LINESTRING (0 0, 1 1, 2 0.5)", 0.2, 0, 0},
		{"LINESTRING (0 0, 3 0)", 1, circle + 6, 98},
		{"LINESTRING (0 0, 0 3)", 1, circle + 6, 98},
		{"POLYGON ((0 0, 0 5, 5 5, 5 0, 0 0))", 1.2, 25 + 4*5*1.2 + 1.44*circle, 100},
		{"POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0), (3 3, 6 3, 6 6, 3 6, 3 3))", 1, 81 + 36 + circle - 1, 104},
		{"MULTIPOINT (0 0, 10 10)", 1, 2 * circle, 192},
		{"MULTIPOINT (0 0, 0 0)", 1, circle, 96},
		{"GEOMETRYCOLLECTION (POINT (5 1), LINESTRING (3 4, 4 4))", 0.2, 0.08*circle + 0.4, 194},
	} {
		got, err := parsed(t, c.text).Buffer(c.distance)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if reason, err := got.InvalidReason(); reason != "" || err != nil {
			t.Errorf("%s: %s, %v", c.text, reason, err)
		}
		if c.points == 0 {
			continue
		}
		if math.Abs(got.Area()-c.area) > 1e-9 || got.NumPoints() < c.points || got.NumPoints() > c.points+3 { // where sides meet there may be two
			t.Errorf("%s: area %v of %d points, want %v of %d", c.text, got.Area(), got.NumPoints(), c.area, c.points)
		}
	}
	line := parsed(t, "LINESTRING (0 0, 1 1, 2 0.5)")
	around, err := line.Buffer(0.2)
	if err != nil {
		t.Fatal(err)
	}
	if x0, y0, x1, y1, _ := around.Bounds(); math.Abs(x0+0.2) > 1e-12 || math.Abs(y0+0.2) > 1e-12 || math.Abs(x1-2.2) > 1e-12 || math.Abs(y1-1.2) > 1e-12 {
		t.Errorf("bounds %v %v %v %v", x0, y0, x1, y1)
	}
	for distance, want := range map[float64]string{-1.2: "distance is negative", math.Inf(-1): "distance is negative", math.NaN(): "distance is NaN"} {
		if _, err := line.Buffer(distance); err == nil || err.Error() != want {
			t.Errorf("a distance of %v: %v", distance, err)
		}
	}
	for text, distance := range map[string]float64{"MULTIPOLYGON EMPTY": math.Inf(1), "LINESTRING (0 0, 1 1, 2 0.5)": 0} {
		if got, err := line.Buffer(distance); err != nil || got.String() != text {
			t.Errorf("a distance of %v: %v, %v", distance, got, err)
		}
	}
	if got, err := parsed(t, "POINT EMPTY").Buffer(1); got != nil || err != nil {
		t.Errorf("around nothing: %v, %v", got, err)
	}
}

// TestSimplify: the values of Trino's tests.
func TestSimplify(t *testing.T) {
	const steps = "POLYGON ((1 0, 1 1, 2 1, 2 3, 3 3, 3 1, 4 1, 4 0, 1 0))"
	for _, c := range []struct {
		text      string
		tolerance float64
		want      string
	}{
		{"POLYGON ((1 0, 2 1, 3 1, 3 1, 4 1, 1 0))", 1.5, "POLYGON ((1 0, 2 1, 4 1, 1 0))"},
		{steps, 1.0, "POLYGON ((1 0, 2 3, 3 3, 4 0, 1 0))"},
		{steps, 0.5, steps},
		{"LINESTRING (0 0, 1 0.1, 2 0, 3 5)", 0.2, "LINESTRING (0 0, 2 0, 3 5)"},
		{"MULTILINESTRING ((0 0, 1 0.1, 2 0), (0 0.05, 1 0.05))", 1, "MULTILINESTRING ((0 0, 2 0), (0 0.05, 1 0.05))"},
		{"POINT (1 2)", 1, "POINT (1 2)"},
		{"POLYGON EMPTY", 1, "POLYGON EMPTY"},
	} {
		got, err := parsed(t, c.text).Simplify(c.tolerance)
		if err != nil || got.String() != c.want {
			t.Errorf("%s by %v: %v, %v, want %s", c.text, c.tolerance, got, err, c.want)
		}
	}
	if _, err := parsed(t, steps).Simplify(-0.5); err == nil || err.Error() != "distanceTolerance is negative" {
		t.Errorf("a tolerance below zero: %v", err)
	}
}

// TestNearestPoints: the values of Trino's tests, and geometries that lie within each other.
func TestNearestPoints(t *testing.T) {
	for _, c := range []struct{ a, b, p, q string }{
		{"POINT (50 100)", "POINT (150 150)", "POINT (50 100)", "POINT (150 150)"},
		{"MULTIPOINT (50 100, 50 200)", "POINT (50 100)", "POINT (50 100)", "POINT (50 100)"},
		{"LINESTRING (50 100, 50 200)", "LINESTRING (10 10, 20 20)", "POINT (50 100)", "POINT (20 20)"},
		{"MULTILINESTRING ((1 1, 5 1), (2 4, 4 4))", "LINESTRING (10 20, 20 50)", "POINT (4 4)", "POINT (10 20)"},
		{"POLYGON ((1 1, 1 3, 3 3, 3 1, 1 1))", "POLYGON ((4 4, 4 5, 5 5, 5 4, 4 4))", "POINT (3 3)", "POINT (4 4)"},
		{"MULTIPOLYGON (((1 1, 1 3, 3 3, 3 1, 1 1)), ((0 0, 0 2, 2 2, 2 0, 0 0)))", "POLYGON ((10 100, 30 10, 30 100, 10 100))", "POINT (3 3)", "POINT (30 10)"},
		{"GEOMETRYCOLLECTION (POINT (0 0), LINESTRING (0 20, 20 0))", "POLYGON ((5 5, 5 6, 6 6, 6 5, 5 5))", "POINT (10 10)", "POINT (6 6)"},
		{"POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0))", "POINT (2 3)", "POINT (2 3)", "POINT (2 3)"},
		{"POINT (2 3)", "POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0))", "POINT (2 3)", "POINT (2 3)"},
		{"LINESTRING (0 0, 2 2)", "LINESTRING (0 2, 2 0)", "POINT (1 1)", "POINT (1 1)"},
	} {
		p, q, err := NearestPoints(parsed(t, c.a), parsed(t, c.b))
		if err != nil || p.String() != c.p || q.String() != c.q {
			t.Errorf("%s and %s: %v, %v, %v", c.a, c.b, p, q, err)
		}
	}
	if p, q, err := NearestPoints(parsed(t, "POINT EMPTY"), parsed(t, "POINT (1 1)")); p != nil || q != nil || err != nil {
		t.Errorf("of nothing: %v, %v, %v", p, q, err)
	}
}

// TestInvalidReason: the reasons of Trino's tests.
func TestInvalidReason(t *testing.T) {
	for text, want := range map[string]string{
		"MULTIPOINT ((0 0), (0 1), (1 1), (0 1))":                                             "Repeated points at or near (0.0 1.0) and (0.0 1.0)",
		"LINESTRING (0 0, 0 1, 0 1, 1 1, 1 0, 0 0)":                                           "Degenerate segments at or near (0.0 1.0)",
		"LINESTRING (0 0, -1 0.5, 0 1, 1 1, 1 0, 0 1, 0 0)":                                   "Self-tangency at or near (0.0 1.0) and (0.0 1.0)",
		"POLYGON ((0 0, 1 1, 0 1, 1 0, 0 0))":                                                 "Intersecting or overlapping segments at or near (1.0 0.0) and (1.0 1.0)",
		"POLYGON ((0 0, 0 1, 0 1, 1 1, 1 0, 0 0), (2 2, 2 3, 3 3, 3 2, 2 2))":                 "Degenerate segments at or near (0.0 1.0)",
		"POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0), (2 2, 2 3, 3 3, 3 2, 2 2))":                      "RingOrientation",
		"POLYGON ((0 0, 0 1, 2 1, 1 1, 1 0, 0 0))":                                            "Intersecting or overlapping segments at or near (0.0 1.0) and (2.0 1.0)",
		"POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0), (0 1, 1 1, 0.5 0.5, 0 1))":                       "Self-intersection at or near (0.0 1.0) and (1.0 1.0)",
		"POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0), (0 0, 0.5 0.7, 1 1, 0.5 0.4, 0 0))":              "Disconnected interior at or near (0.0 1.0)",
		"POLYGON ((0 0, -1 0.5, 0 1, 1 1, 1 0, 0 1, 0 0))":                                    "Self-tangency at or near (0.0 1.0) and (0.0 1.0)",
		"MULTIPOLYGON (((0 0, 0 1, 1 1, 1 0, 0 0)), ((0.5 0.5, 0.5 2, 2 2, 2 0.5, 0.5 0.5)))": "Intersecting or overlapping segments at or near (0.0 1.0) and (0.5 0.5)",
		"GEOMETRYCOLLECTION (POINT (1 2), POLYGON ((0 0, 0 1, 2 1, 1 1, 1 0, 0 0)))":          "Intersecting or overlapping segments at or near (0.0 1.0) and (2.0 1.0)",
		"POINT EMPTY": "", "POLYGON EMPTY": "", "POINT (1 2)": "", "MULTIPOINT (1 2, 3 4)": "", "LINESTRING (0 0, 1 2, 3 4)": "", "LINESTRING (0 0, 1 1, 0 2, 0 0)": "",
		"MULTILINESTRING ((1 1, 5 1), (2 4, 4 4))": "", "POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0))": "", "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))": "",
		"MULTIPOLYGON (((1 1, 1 3, 3 3, 3 1, 1 1)), ((2 4, 2 6, 6 6, 6 4, 2 4)))":                           "",
		"GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 2, 3 4), POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0)))": "",
		"POLYGON ((0 0, 0 9, 9 9, 9 0, 0 0), (1 1, 2 1, 2 2, 1 1), (3 3, 4 3, 4 4, 3 3))":                   "",
	} {
		if got, err := parsed(t, text).InvalidReason(); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// TestValidLarge: validity of a polygon of many points is told, whether it is valid or not.
func TestValidLarge(t *testing.T) {
	ring := func(last string) *Shape {
		var b strings.Builder
		b.WriteString("POLYGON ((0 0")
		for i := range 20_000 {
			fmt.Fprintf(&b, ", %d %d", i, 2+i%2)
		}
		return parsed(t, b.String()+last+", 0 0))")
	}
	if ok, err := ring(", 20000 0").IsValid(); !ok || err != nil {
		t.Errorf("a valid polygon: %v, %v", ok, err)
	}
	if ok, err := ring(", 500.5 5, 20000 0").IsValid(); ok || err != nil {
		t.Errorf("a polygon that crosses itself: %v, %v", ok, err)
	}
}

// TestSphericalArea: the values of Trino's tests, within their tolerance.
func TestSphericalArea(t *testing.T) {
	for text, want := range map[string]float64{
		"POLYGON ((-135 85, -45 85, 45 85, 135 85, -135 85))":        619.00e9,
		"POLYGON ((0 0, 0 1, 1 1, 1 0, 0 0))":                        123.64e8,
		"POLYGON ((90 0, 0 0, 0 90, 90 0))":                          637.58e11,
		"POLYGON ((90 0, 0 0, 0 90, 90 0), (89 1, 1 1, 1 89, 89 1))": 348.04e10,
		"POLYGON ((-122.150124 37.486095, -122.149201 37.486606, -122.145725 37.486580, -122.145923 37.483961, -122.149324 37.482480, -122.150837 37.483238, -122.150901 37.485392, -122.150124 37.486095))": 163290.93943446054,
		"POLYGON ((179 0, 179 1, -179 1, -179 0, 179 0))":          2 * 123.64e8,
		"POLYGON ((-135 -85, -45 -85, 45 -85, 135 -85, -135 -85))": 619.00e9,
	} {
		if got, ok, err := parsed(t, text).SphericalArea(); err != nil || !ok || math.Abs(got/want-1) > 1e-4 {
			t.Errorf("%s: %v, %v, %v, want %v", text, got, ok, err, want)
		}
	}
	for text, want := range map[string]string{
		"POINT (0 1)": "When applied to SphericalGeography inputs, ST_Area only supports POLYGON or MULTI_POLYGON. Input type is: POINT",
		"POLYGON ((0 0, 0 1, 1 1, 1 1, 1 0, 0 0))": "Polygon is not valid: it has two identical consecutive vertices",
	} {
		if _, _, err := parsed(t, text).SphericalArea(); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}
