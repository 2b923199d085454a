package expr

import (
	"slices"
	"testing"
)

func TestAttributesIn(t *testing.T) {
	named := map[string]string{"#a": "A", "#b": "B"}
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a.b[0].c, d[1], #a.#b", []string{"a", "d", "A"}},
		{"attribute_exists(a.b) AND NOT begins_with (#b, :p)", []string{"a", "B"}},
		{"SET a = if_not_exists(b, :z) + :o, c.x = list_append(c.y, :l) REMOVE d ADD e :n DELETE f :s", []string{"a", "b", "c", "c", "d", "e", "f"}},
		{"set a=b", []string{"a", "b"}},
		{"a BETWEEN :x AND :y OR size(z) IN (:p,q)", []string{"a", "z", "q"}},
		{"a . b", []string{"a"}},
		{"#unknown", nil},
		{"REMOVE#a SET x=:v,y=#b", []string{"A", "x", "y", "B"}},
		{"a = :v AND#b=:w", []string{"a", "B"}},
		{"a.\tb.\n#b", []string{"a"}},
	} {
		if got := AttributesIn(c.text, named); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
