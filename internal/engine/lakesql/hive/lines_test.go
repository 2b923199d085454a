package hive

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

func linesOf(t testing.TB, content []byte) *lineReader {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	in, lines, err := openLines(context.Background(), catalog.File{Path: path, URI: "s3://b/a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return lines
}

func TestLongLine(t *testing.T) {
	lines := linesOf(t, []byte(strings.Repeat("x", 5<<20)+",1\r\ny"))
	for _, want := range []int{5<<20 + 2, 1} {
		if line, err := lines.next(); err != nil || len(line) != want {
			t.Fatalf("a line of %d bytes, %v, want %d", len(line), err, want)
		}
	}
	if _, err := lines.next(); err != io.EOF {
		t.Error(err)
	}
}

// FuzzText: no bytes may panic the readers of text, and every line is a row.
func FuzzText(f *testing.F) {
	for _, s := range []string{"a,b\nc\n", "\"a\nb\",\r\r\n", "\xff\x00\\,\n\n", "a\\", ",\"\"\"\\\"\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) {
			return
		}
		want := 0
		for rest := content; len(rest) > 0; want++ {
			end := bytes.IndexAny(rest, "\r\n")
			if end < 0 {
				rest = nil
			} else if rest = rest[end:]; bytes.HasPrefix(rest, []byte("\r\n")) {
				rest = rest[2:]
			} else {
				rest = rest[1:]
			}
		}
		for _, rules := range []textRules{{delim: ',', escape: '\\', columns: 2, null: `\N`}, {delim: ',', quote: '"', escape: '\\', columns: 2, open: true}, {whole: true, columns: 1}} {
			if len(content) > 0 {
				rules.plain(content)
			}
			lines := linesOf(t, content)
			if err := rules.convert(lines, io.Discard); err != nil || lines.n != want {
				t.Fatalf("%q: %d rows, %v, want %d", content, lines.n, err, want)
			}
		}
	})
}

// FuzzJSON: no bytes may panic the readers of JSON, which fail by name or not at all, and what
// DuckDB is to read can be read here.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"{\"a\":1}\n[1]\n{\"A\":\"x\"}{}", `{"o":{"x":[1,2.5]},"a":null}`, "{\"a\":\xff}", "[", `{"a":1,"A":2}`} {
		f.Add([]byte(s))
	}
	typ := func(s string) *hivetype.Type {
		h, err := hivetype.Parse(s)
		if err != nil {
			f.Fatal(err)
		}
		return h
	}
	columns := columnar.Schema{{Name: "a", Type: typ("int")}, {Name: "o", Type: typ("struct<x:array<double>,t:string>")}, {Name: "d", Type: typ("date")}, {Name: "t", Type: typ("timestamp")}, {Name: "n", Type: typ("decimal(5,2)")}}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, serde := range []string{"org.openx.data.jsonserde.JsonSerDe", "org.apache.hive.hcatalog.data.JsonSerDe"} {
			opts := jsonOptions(serde, nil)
			keys := newJSONKeys(columns, opts, nil)
			plain := len(content) > 0 && (&plainJSON{keys: keys, hive: opts.SerDe == columnar.Hive}).plain(content)
			err := convertJSON(linesOf(t, content), io.Discard, columns, opts, keys, false)
			var named *fault.Error
			if err != nil && (plain || !errors.As(err, &named)) {
				t.Fatalf("%q, plain %t: %v", content, plain, err)
			}
		}
	})
}
