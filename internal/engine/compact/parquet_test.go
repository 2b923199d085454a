package compact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

func hiveSchema(t testing.TB, columns ...string) columnar.Schema {
	t.Helper()
	var s columnar.Schema
	for _, c := range columns {
		name, typ, _ := strings.Cut(c, " ")
		h, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, columnar.Column{Name: name, Type: h})
	}
	return s
}

func writeParquet(t testing.TB, path string, s columnar.Schema, o columnar.Options, records []string) Object {
	t.Helper()
	var b bytes.Buffer
	w, err := columnar.NewWriter(&b, s, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.WriteJSON([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return writeObject(t, path, b.Bytes())
}

func writeObject(t testing.TB, path string, data []byte) Object {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Object{Key: filepath.Base(path), Path: path, Size: int64(len(data))}
}

// readRows reads a file by another library.
func readRows(t testing.TB, data []byte) (rows []string, f *parquet.File) {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range f.RowGroups() {
		r := g.Rows()
		buf := make([]parquet.Row, 64)
		for {
			n, err := r.ReadRows(buf)
			for _, row := range buf[:n] {
				rows = append(rows, fmt.Sprintf("%+v", row))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
	}
	return rows, f
}

func TestMergeParquet(t *testing.T) {
	s := hiveSchema(t, "n bigint", "s string", "b boolean", "i int", "f float", "d double", "at timestamp", "day date", "price decimal(11,2)", "raw binary",
		"tags array<string>", "where struct<lat:double,names:array<string>>", "counts map<string,array<int>>")
	for name, o := range map[string]columnar.Options{
		"default":    {},
		"dictionary": {Dictionary: true, Codec: columnar.GZIP},
		"version 2":  {WriterVersion: columnar.V2, Dictionary: true, PageSize: 1024},
		"plain":      {Codec: columnar.None, PageSize: 512},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var objects []Object
			var want []string
			n := 0
			for _, size := range []int{1, 0, 900, 17, 1, 1500} {
				var records []string
				for range size {
					n++
					r := fmt.Sprintf(`{"n":%d,"s":"name %d","b":%v,"i":%d,"f":%d.5,"d":0.25,"at":"2024-01-02 03:04:05.%03d","day":"2024-01-02","price":"%d.25"`, n, n%5, n%2 == 0, n, n%100, n%1000, n)
					if n%3 > 0 {
						r += fmt.Sprintf(`,"tags":[%s],"where":{"lat":1.5,"names":["%d",null]},"counts":{"a":[1,2],"b%d":[]}`, strings.Repeat(`"x",`, n%40)+`"end"`, n, n)
					}
					records = append(records, r+"}")
				}
				o := writeParquet(t, filepath.Join(dir, fmt.Sprint(len(objects))), s, o, records)
				data, err := os.ReadFile(o.Path)
				if err != nil {
					t.Fatal(err)
				}
				rows, _ := readRows(t, data)
				want = append(want, rows...)
				objects = append(objects, o)
			}
			var out bytes.Buffer
			merged, err := mergeParquet(&out, objects)
			if err != nil || merged != len(objects) {
				t.Fatalf("merged %d, %v", merged, err)
			}
			got, f := readRows(t, out.Bytes())
			if !slices.Equal(got, want) {
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("row %d is %s, want %s", i, got[i], want[i])
					}
				}
				t.Fatalf("%d rows, want %d", len(got), len(want))
			}
			if g := f.Metadata().RowGroups; len(g) != 1 || len(g[0].Columns[0].MetaData.Statistics.MaxValue) == 0 {
				t.Errorf("row groups %+v", g)
			}
			first, err := os.ReadFile(objects[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			_, was := readRows(t, first)
			if f.Schema().String() != was.Schema().String() {
				t.Errorf("schema\n%s\nwant\n%s", f.Schema(), was.Schema())
			}
			if g, w := f.Metadata().RowGroups[0].Columns[0].MetaData.Codec, was.Metadata().RowGroups[0].Columns[0].MetaData.Codec; g != w {
				t.Errorf("codec %v, want %v", g, w)
			}
		})
	}
}

func TestMergeParquetStops(t *testing.T) {
	dir := t.TempDir()
	a, b := hiveSchema(t, "n bigint"), hiveSchema(t, "n bigint", "m bigint")
	file := func(name string, s columnar.Schema, o columnar.Options) Object {
		return writeParquet(t, filepath.Join(dir, name), s, o, []string{`{"n":1}`})
	}
	one, two := file("1", a, columnar.Options{}), file("2", a, columnar.Options{})
	for name, third := range map[string]Object{"schema": file("3", b, columnar.Options{}), "codec": file("4", a, columnar.Options{Codec: columnar.GZIP})} {
		f, n, err := merge(t.Context(), dir, []Object{one, two, third})
		if err != nil || n != 2 {
			t.Errorf("%s: merged %d, %v", name, n, err)
			continue
		}
		f.Close()
	}
	// What cannot be read stays, with those before it merged.
	bad := writeObject(t, filepath.Join(dir, "5"), []byte("PAR1 and no more PAR1"))
	f, n, err := merge(t.Context(), dir, []Object{one, two, bad})
	if err != nil || n != 2 {
		t.Errorf("merged %d, %v", n, err)
	} else {
		f.Close()
	}
	var se *sourceError
	if _, _, err := merge(t.Context(), dir, []Object{bad, one}); !errors.As(err, &se) || se.index != 0 {
		t.Errorf("got %v", err)
	}
	if e, _ := filepath.Glob(filepath.Join(dir, "compact-*")); len(e) > 0 {
		t.Errorf("left %v", e)
	}
}

func FuzzMergeParquet(f *testing.F) {
	dir := f.TempDir()
	s := hiveSchema(f, "n bigint", "s string", "tags array<string>")
	good := writeParquet(f, filepath.Join(dir, "good"), s, columnar.Options{Dictionary: true}, []string{`{"n":1,"s":"a","tags":["x","y"]}`, `{}`})
	data, err := os.ReadFile(good.Path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		bad := writeObject(t, filepath.Join(t.TempDir(), "x"), data)
		var out bytes.Buffer
		if n, err := mergeParquet(&out, []Object{good, bad}); err == nil && n == 0 {
			t.Error("nothing merged and no error")
		}
	})
}
