package lakesql

import (
	"fmt"
	"path/filepath"
	"testing"
)

// Footers are kept: an object that is put again must not be read by the old one.
func TestFooterOfReplacedObject(t *testing.T) {
	e, l := newEngine(t)
	l.add(t, "t", "id bigint", "", parquetSerDe, nil)
	for n := range 20 {
		writeParquet(t, filepath.Join(l.dir, "b/t/1.parquet"), fmt.Sprintf("SELECT i AS id FROM range(%d) t(i)", n+1))
		for _, q := range []string{"SELECT count(*) FROM t", "SELECT count(id) FROM t"} {
			rows, _, err := ask(e, l, q)
			if err != nil {
				t.Fatal(err)
			}
			if rows != fmt.Sprint(n+1) {
				t.Fatalf("%s after %d rows were put: %s", q, n+1, rows)
			}
		}
	}
}
