package trino

import (
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

func TestAskedColumns(t *testing.T) {
	for _, test := range []struct {
		query, column string
		want          bool
	}{
		{"SELECT a FROM t", "a", true},
		{"SELECT a FROM t", "b", false},
		{"SELECT count(*) FROM t WHERE A > 1", "a", true},
		{"SELECT count(*) FROM t", "a", false},
		{"SELECT x.* FROM t x", "b", true},
		{"SELECT a FROM (SELECT * FROM t)", "b", true},
		{"TABLE t", "b", true},
		{"SELECT x FROM t AS u(x, y)", "a", true},
		{"SELECT x FROM (t CROSS JOIN v) AS u(x, y)", "a", true},
		{"SELECT x FROM (SELECT a FROM t) AS u(x)", "b", false},
		{"SELECT 1 FROM t JOIN u USING (k)", "k", true},
		{"SELECT row_number() OVER w FROM t WINDOW w AS (PARTITION BY p ORDER BY o)", "o", true},
		{"SELECT transform(l, e -> e.f) FROM t ORDER BY z", "l", true},
		{"SELECT transform(l, e -> e.f) FROM t ORDER BY z", "z", true},
		{"SELECT a FROM t GROUP BY GROUPING SETS ((a), (g))", "g", true},
		{`SELECT "a b" FROM t`, "a b", true},
		{`SELECT "a""b" FROM t`, `a"b`, true},
		{`SELECT "É" FROM t`, "é", true},
		{"SELECT s.deep.er FROM t", "s", true},
		{"WITH c AS (SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)) SELECT 1 FROM c", "k", true},
		{"SELECT 1 FROM t CROSS JOIN UNNEST(l) AS x(e)", "l", true},
		{"SELECT max_by(a, b) FILTER (WHERE c) FROM t HAVING min(d) > 1", "c", true},
		{"SELECT max_by(a, b) FILTER (WHERE c) FROM t HAVING min(d) > 1", "e", false},
	} {
		s, err := sql.Parse(test.query)
		if err != nil {
			t.Fatalf("%s: %v", test.query, err)
		}
		asked := askedColumns(s.(*sql.Query))
		if got := asked == nil || asked(test.column); got != test.want {
			t.Errorf("%s: %s: got %t", test.query, test.column, got)
		}
	}
}
