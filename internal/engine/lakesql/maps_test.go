package lakesql

import "testing"

// TestGroupedMaps: what a query within a block names may be a map that the block's rows are grouped by, in
// whatever order its entries are.
func TestGroupedMaps(t *testing.T) {
	e, l := newEngine(t)
	const maps = "(VALUES (1, MAP(ARRAY[1, 2], ARRAY[2, 3])), (2, MAP(ARRAY[2, 1], ARRAY[3, 2]))) t(a, m)"
	for _, c := range []struct{ query, want string }{
		{"SELECT m, (SELECT t.m[1]) FROM " + maps + " GROUP BY m", "{1=2, 2=3}|2"},
		{"SELECT (SELECT m), sum(a) FROM " + maps + " GROUP BY m", "{1=2, 2=3}|3"},
		{"SELECT *, (SELECT t.m[1]) FROM " + maps + " GROUP BY a, m ORDER BY a", "1|{1=2, 2=3}|2\n2|{1=2, 2=3}|2"},
		{"SELECT m, count(*) FROM " + maps + " GROUP BY m HAVING EXISTS (SELECT 1 FROM (VALUES 1) u(x) WHERE u.x = element_at(m, 1) - 1)", "{1=2, 2=3}|2"},
		{"SELECT (SELECT count(*) FROM (VALUES MAP(ARRAY[2, 1], ARRAY[3, 2])) u(n) WHERE u.n = t.m) FROM " + maps + " GROUP BY t.m", "1"},
		{"SELECT (SELECT max(x) FROM (VALUES 1) u(x) WHERE u.x = t.m[1] - 1) FROM " + maps + " GROUP BY m", "1"},
		{"SELECT x.y FROM (SELECT MAP(ARRAY['y'], ARRAY[1]) x)", "TYPE_MISMATCH: line 1:10: Expression x.y is not of type ROW"},
		{"SELECT max(x) OVER (ORDER BY x ROWS BETWEEN -1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2) t(x)", "INVALID_FUNCTION_ARGUMENT: Window frame offset value must not be negative or null"},
		{"SELECT k, approx_distinct(x) BETWEEN 98 AND 102 FROM (SELECT x % 3 k, x FROM UNNEST(sequence(1, 300)) t(x)) GROUP BY k ORDER BY k", "0|true\n1|true\n2|true"},
		{"SELECT x, approx_distinct(x) OVER (ORDER BY x) FROM (VALUES 1, 2, 2, NULL) t(x) ORDER BY 1", "1|1\n2|2\n2|2\nNULL|2"},
		{"SELECT approx_distinct(x) FILTER (WHERE x > 1), approx_distinct(DISTINCT x) FROM (VALUES 1, 2, 2) t(x)", "1|2"},
		{"SELECT x FROM (SELECT 1 x, 2 x) q", "AMBIGUOUS_NAME: line 1:8: Column 'x' is ambiguous"},
		{"SELECT count(*) FILTER (WHERE 1) FROM (VALUES 1)", "TYPE_MISMATCH: line 1:31: Filter expression must evaluate to a boolean (actual: integer)"},
		{"SELECT x, x FROM (VALUES 2, 1) t(x) ORDER BY x", "1|1\n2|2"},
		{"SELECT t.x, u.x FROM (VALUES 1) t(x) JOIN (VALUES 1) u(x) ON t.x = u.x", "1|1"},
		{"SELECT x FROM (VALUES 1) t(x) JOIN (VALUES 1) u(x) USING (x)", "1"},
		{"SELECT (SELECT x) FROM (VALUES (1, 2)) t(a, x)", "2"},
		{"SELECT x, lag(x, -1) OVER (ORDER BY x) FROM (VALUES 1, 2) t(x)", "INVALID_FUNCTION_ARGUMENT: Offset must be at least 0"},
		{"SELECT x, nth_value(x, 0) OVER (ORDER BY x) FROM (VALUES 1, 2) t(x)", "INVALID_FUNCTION_ARGUMENT: Offset must be at least 1"},
		{"SELECT x, lead(x, x) OVER (ORDER BY x) FROM (VALUES 1, 2, 3) t(x) ORDER BY 1", "1|2\n2|NULL\n3|NULL"},
		{"SELECT x, approx_percentile(x, 0.5) OVER (ORDER BY x) FROM (VALUES 1, 2, 3) t(x) ORDER BY 1", "1|1\n2|2\n3|2"},
		{"SELECT k, approx_percentile(x, 0.5) FILTER (WHERE x > 1) FROM (VALUES ('a', 1), ('a', 2), ('b', 1)) t(k, x) GROUP BY k ORDER BY 1", "a|2\nb|NULL"},
		{"SELECT approx_percentile(x, 1.5) FROM (VALUES 1) t(x)", "INVALID_FUNCTION_ARGUMENT: Percentile must be between 0 and 1"},
	} {
		got, _, err := ask(e, l, c.query)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s\n%q, want %q", c.query, got, c.want)
		}
	}
}
