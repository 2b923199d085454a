package eventpattern

import (
	"fmt"
	"strings"
	"testing"
)

// TestCost has documents of the size that events may have, in the forms that are worst for conditions on what is absent, for
// names with dots and for many values: a step for each pair of their parts would take longer than a test may.
func TestCost(t *testing.T) {
	const parts = 150_000
	list := func(each, last string) string { return "[" + strings.Repeat(each+",", parts) + last + "]" }
	var dots, numbers strings.Builder
	for i := range parts {
		fmt.Fprintf(&dots, `"a.n%d":1,`, i)
	}
	for i := range 50_000 {
		fmt.Fprintf(&numbers, "%d,", i+10)
	}
	for name, c := range map[string]struct{ pattern, doc string }{
		"absent in a list":  {`{"a":{"x":[{"exists":false}]}}`, `{"a":` + list(`{}`, `{"x":1}`) + `}`},
		"absent in choices": {`{"a":{"$or":[{"x":[{"exists":false}]},{"y":[{"exists":false}]}]}}`, `{"a":` + list(`{}`, `{"x":1,"y":1}`) + `}`},
		"names with dots":   {`{"a":{"x":[1]}}`, `{` + dots.String() + `"b":1}`},
		"dots in a list":    {`{"a":{"x":[1]}}`, `{"a":` + list(`{"b.c":1}`, `1`) + `}`},
		"values":            {`{"a":[` + numbers.String() + `1]}`, `{"a":` + list(`2`, `3`) + `}`},
		"no values":         {`{"a":[{"anything-but":[` + numbers.String() + `1]}]}`, `{"a":` + list(`10`, `11`) + `}`},
		"a wildcard":        {`{"a":[{"wildcard":"` + strings.Repeat("a*", 1000) + `b"}]}`, `{"a":"` + strings.Repeat("a", parts) + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if p.MatchesJSON([]byte(c.doc)) {
				t.Error("it matches")
			}
		})
	}
}

func BenchmarkAbsent(b *testing.B) {
	p, err := Parse(`{"a":{"x":[{"exists":false}]}}`)
	if err != nil {
		b.Fatal(err)
	}
	doc := []byte(`{"a":[` + strings.Repeat("{},", 300_000) + `{"x":1}]}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		p.MatchesJSON(doc)
	}
}
