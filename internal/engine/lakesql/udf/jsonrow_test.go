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

// TestJSONShapeBare: an object has no order that a row without names could go by.
func TestJSONShapeBare(t *testing.T) {
	shape := (&JSONShape{Names: []string{"field0"}, Fields: []*JSONShape{nil}, Bare: true}).Text()
	for doc, want := range map[string]string{`[1]`: `{"field0":1}`, `{"a":1}`: `"a row without names is made of an array"`} {
		if got, err := jsonShapeUDF([]driver.Value{shape, doc}); err != nil || got != want {
			t.Errorf("%s becomes %v, %v; want %s", doc, got, err, want)
		}
	}
}

// TestJSONShapeTwice: which of two members that differ by letter case a field is, is not guessed.
func TestJSONShapeTwice(t *testing.T) {
	shape := (&JSONShape{Names: []string{"a"}, Fields: []*JSONShape{nil}}).Text()
	for doc, want := range map[string]string{
		`{"a":1,"A":2}`:         `"Duplicate field: a"`,
		`{"A":1,"b":2,"B":3}`:   `{"a":1}`,
		`{"B":2,"b":3}`:         `{"a":null}`,
		`{"a":null,"A":"\u00"}`: `{"a":null,"A":"\u00"}`,
	} {
		for range 20 { // members come in any order
			if got, err := jsonShapeUDF([]driver.Value{shape, doc}); err != nil || got != want {
				t.Errorf("%s becomes %v, %v; want %s", doc, got, err, want)
				break
			}
		}
	}
}

// TestPlainValues: what is read as it is comes back so, anything else is looked at.
func TestPlainValues(t *testing.T) {
	for doc, want := range map[string]bool{
		`{"a":"x.y","b":1,"c":true,"d":null}`: true, `["[", "{\"e1.5"]`: true, `[1, 2]`: true, `{}`: true, `{"e":"E"}`: true, `"x"`: true,
		`[1.5]`: false, `[1e2]`: false, `[-2E5]`: false, `[[1]]`: false, `{"a":{}}`: false, `[12345678901234567890]`: false,
	} {
		if got := plainValues(doc); got != want {
			t.Errorf("%s: %v, want %v", doc, got, want)
		}
	}
}
