package udf

import (
	"database/sql/driver"
	"encoding/json"
	"testing"
)

// FuzzJSONShape: a document stays one, and what was shaped is as it should be.
func FuzzJSONShape(f *testing.F) {
	inner := &JSONShape{Names: []string{"x"}, Fields: []*JSONShape{nil}}
	shape := (&JSONShape{Names: []string{"a", "b"}, Fields: []*JSONShape{{Elem: inner}, inner}}).Text()
	f.Add(`{"A":[{"x":1},[2]],"b":null}`)
	f.Add(`[{"k":[1]},{"X":"\u00e9<","y":2}]`)
	f.Add(`[1,2,3]`)
	f.Add(`{"a":`)
	f.Fuzz(func(t *testing.T, doc string) {
		once, err := jsonShapeUDF([]driver.Value{shape, doc})
		if err != nil {
			t.Fatal(err)
		}
		if json.Valid([]byte(doc)) && !json.Valid([]byte(once.(string))) {
			t.Errorf("%q became %q", doc, once)
		}
		if twice, _ := jsonShapeUDF([]driver.Value{shape, once}); twice != once {
			t.Errorf("%q became %q, and then %q", doc, once, twice)
		}
	})
}
