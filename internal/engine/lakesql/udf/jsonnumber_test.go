package udf

import (
	"database/sql/driver"
	"testing"
)

func TestJSONNumbers(t *testing.T) {
	for _, c := range []struct{ document, path, text, value string }{
		{`{"a":1.10}`, "$.a", "1.10", "1.1"},
		{`{"a":{"b":[0,{"c d":1e2}]}}`, `$.a.b[1]."c d"`, "1e2", "100.0"},
		{`[12345678901234567890123]`, "$[0]", "12345678901234567890123", "12345678901234567890123"},
		{`12345678.5`, "$", "12345678.5", "1.23456785E7"},
		{`{"a":0.0001}`, "$.a", "0.0001", "1.0E-4"},
		{`{"a":-0.0}`, "$.a", "-0.0", "-0.0"},
		{`{"a":1.50,"a":2}`, "$.a", "1.50", "1.5"},
	} {
		text, err := jsonNumberText([]driver.Value{c.document, c.path})
		value, err2 := jsonNumber([]driver.Value{c.document, c.path})
		if text != c.text || value != c.value || err != nil || err2 != nil {
			t.Errorf("%s of %s: %v, %v, %v, %v", c.path, c.document, text, value, err, err2)
		}
	}
}

func FuzzJSONNumber(f *testing.F) {
	f.Add(`{"a":[1.10]}`, "$.a[0]")
	f.Add(`[`, "$[")
	f.Fuzz(func(t *testing.T, document, path string) {
		if _, err := jsonNumber([]driver.Value{document, path}); err != nil {
			t.Error(err)
		}
		if s, err := canonicalJSON(document); err == nil {
			if again, err := canonicalJSON(s); err != nil || again != s {
				t.Errorf("%q: %q, then %q, %v", document, s, again, err)
			}
		}
	})
}
