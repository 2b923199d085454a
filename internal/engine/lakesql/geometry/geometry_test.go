package geometry

import (
	"encoding/binary"
	"fmt"
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
