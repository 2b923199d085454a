package lakesql

import (
	"strings"
	"testing"
)

// TestCounties is the example of Athena's documentation: earthquakes counted by the county that
// they lie in.
func TestCounties(t *testing.T) {
	e, l := newEngine(t)
	l.write(t, "b/counties/a.json", `{"name":"west","boundaryshape":"POLYGON ((-120 30, -120 40, -110 40, -110 30, -120 30))"}
{"name":"east","boundaryshape":"POLYGON ((-110 30, -110 40, -100 40, -100 30), (-106 34, -104 34, -104 36, -106 36))"}
{"name":"nowhere","boundaryshape":null}
`)
	l.write(t, "b/earthquakes/a.json", `{"id":1,"longitude":-115.5,"latitude":35}
{"id":2,"longitude":-101,"latitude":31}
{"id":3,"longitude":-105,"latitude":35}
{"id":4,"longitude":-109,"latitude":39.5}
{"id":5,"longitude":-119,"latitude":30.5}
{"id":6,"longitude":-111,"latitude":33}
{"id":7,"longitude":null,"latitude":33}
{"id":8,"longitude":10,"latitude":33}
`)
	l.add(t, "counties", "name string; boundaryshape string", "", jsonSerDe, nil)
	l.add(t, "earthquakes", "id int; longitude double; latitude double", "", jsonSerDe, nil)
	got, _, err := ask(e, l, `SELECT counties.name, COUNT(*) cnt
FROM counties
CROSS JOIN earthquakes
WHERE ST_CONTAINS (ST_POLYGON(counties.boundaryshape), ST_POINT(earthquakes.longitude, earthquakes.latitude))
GROUP BY counties.name
ORDER BY cnt DESC`)
	if want := "west|3\neast|2"; got != want || err != nil {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	got, _, err = ask(e, l, `SELECT name, ST_Area(shape) FROM (SELECT name, ST_GeometryFromText(boundaryshape) shape FROM counties) WHERE NOT ST_IsEmpty(shape) ORDER BY 2`)
	if want := "east|96.0\nwest|100.0"; got != want || err != nil {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	// A geometry is not text: it is not stored, and not joined to any.
	for _, query := range []string{"SELECT ST_Point(1, 2) || 'x'", "SELECT length(ST_Point(1, 2))", "SELECT 'POINT (1 2)' UNION SELECT ST_Point(1, 2)", "SELECT bing_tile_quadkey('213')", "SELECT CAST('213' AS bingtile)"} {
		if got, _, err := ask(e, l, query); err == nil || !strings.Contains(err.Error(), "line 1:") {
			t.Errorf("%s: %s, %v", query, got, err)
		}
	}
}
