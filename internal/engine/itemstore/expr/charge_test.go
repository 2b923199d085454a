package expr

import (
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

func TestCharge(t *testing.T) {
	ten := attr.String(strings.Repeat("y", 10))
	values := map[string]attr.Value{":v": ten, ":one": attr.Number("1"), ":l": attr.List{ten}, ":m": attr.Map{"ab": ten}, ":set": attr.StringSet{"abc"}}
	for text, want := range map[string]int{
		"SET b = :v":                   3 + 19 + 1 + 10,
		"SET b = :v, c = :v":           3 + 2*(19+1+10),
		"SET d.leaf = :v":              3 + 19 + (1 + 4 + 4) + 10,
		"SET d[10] = :v":               3 + 19 + (1 + 4 + 2) + 10,
		"SET c = abcdefghij":           3 + 19 + 1 + (15 + 10),
		"SET c = m.a.z":                3 + 19 + 1 + (1 + 3*15),
		"SET c = l[10]":                3 + 19 + 1 + (1 + 15 + 16),
		"SET n = n + :one":             3 + 19 + 1 + 34 + 16 + 2,
		"SET n = n - :one":             3 + 19 + 1 + 37 + 16 + 2,
		"SET c = if_not_exists(c, :v)": 3 + 19 + 1 + 39 + 16 + 10,
		"SET l = list_append(l, :l)":   3 + 19 + 1 + 37 + 16 + (3 + 1 + 10),
		"SET c = :m":                   3 + 19 + 1 + (3 + 1 + 2 + 10),
		"ADD ss :set":                  3 + 19 + 2 + 3,
		"REMOVE m.yy, l[1]":            3 + (1 + 1 + 4 + 2) + (1 + 1 + 4 + 1),
		"DELETE ss :set":               3 + 1 + 2,
	} {
		u, err := ParseUpdate(text, &Params{Values: values})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := u.Charge(); got != want {
			t.Errorf("%s counts %d bytes, want %d", text, got, want)
		}
	}
}
