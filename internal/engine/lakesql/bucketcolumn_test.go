package lakesql

import "testing"

// TestBucketColumn: "$bucket" is what the name of a file says, or its place among as many files as buckets.
func TestBucketColumn(t *testing.T) {
	e, l := newEngine(t)
	named := l.add(t, "named", "a string", "", textSerDe, nil)
	named.Buckets = 4
	l.write(t, "b/named/000002_0", "x\n")
	l.write(t, "b/named/20240101_q_bucket-00003", "y\n")
	placed := l.add(t, "placed", "a string", "", textSerDe, nil)
	placed.Buckets = 2
	l.write(t, "b/placed/one.csv", "x\n")
	l.write(t, "b/placed/two.csv", "y\n")
	l.add(t, "plain", "a string", "", textSerDe, nil)
	l.write(t, "b/plain/000002_0", "x\n")
	for _, c := range []struct{ query, want string }{
		{`SELECT a, "$bucket" FROM named ORDER BY 1`, "x|2\ny|3"},
		{`SELECT a FROM named WHERE "$bucket" = 3`, "y"},
		{`SELECT typeof("$bucket") FROM named LIMIT 1`, "integer"},
		{`SELECT a, "$bucket" FROM placed ORDER BY 1`, "x|0\ny|1"},
		{`SELECT * FROM named ORDER BY 1`, "x\ny"},
		{`SELECT "$bucket" FROM plain`, "COLUMN_NOT_FOUND: line 1:8: Column '$bucket' cannot be resolved"},
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
