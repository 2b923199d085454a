package lakesql

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// oneFile is a Files of one file, whatever the location.
type oneFile string

func (f oneFile) Files(context.Context, string) ([]File, error) {
	return []File{{URI: "s3://inputs/t/rows", Path: string(f), Size: 8}}, nil
}

// TestDir: a query over files that are no objects reads those below its own directory, and no object.
func TestDir(t *testing.T) {
	objects, temp := t.TempDir(), t.TempDir()
	e, err := Open(Options{Dir: objects, TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l := &lake{dir: objects, tables: map[string]*Table{}}
	l.add(t, "t", "id int", "", jsonSerDe, nil)
	write := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"id":1}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	st, err := sql.Parse("SELECT id FROM t")
	if err != nil {
		t.Fatal(err)
	}
	mine, other, object := write(filepath.Join(temp, "mine", "f.json")), write(filepath.Join(temp, "other", "f.json")), write(filepath.Join(objects, "b", "f.json"))
	for _, c := range []struct{ dir, file, want string }{
		{filepath.Join(temp, "mine"), mine, ""},
		{"", object, ""},
		{"", mine, "Permission denied: s3://inputs/t/rows"},
		{filepath.Join(temp, "mine"), other, "Permission denied: s3://inputs/t/rows"},
		{filepath.Join(temp, "mine"), object, "Permission denied: s3://inputs/t/rows"},
		{filepath.Join(temp, "mine"), filepath.Join(temp, "mine") + "/../other/f.json", "Permission denied: s3://inputs/t/rows"},
		{objects, object, "not below the temporary directory"},
		{temp, mine, "not below the temporary directory"},
		{temp + "/../", mine, "not below the temporary directory"},
	} {
		res, err := e.Query(t.Context(), Request{Statement: st, Database: "db", Catalog: l, Files: oneFile(c.file), Dir: c.dir})
		if err == nil {
			res.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q in %q: %v", c.file, c.dir, err)
		}
	}
}
