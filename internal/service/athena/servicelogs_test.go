package athena

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServiceLogs runs testdata/servicelogs: the tables that AWS documents for the logs of its
// services, made of the documented columns, with rows that were made up, and a query each. A
// file has blocks that begin with "== put KEY" (an object, in gzip where its name says so),
// "== run" (statements that have to succeed, parted by semicolons at the end of a line) and
// "== ask" (a query, then "--" and its rows).
func TestServiceLogs(t *testing.T) {
	files, err := filepath.Glob("testdata/servicelogs/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	e := newEnv(t)
	e.ask(t, "CREATE DATABASE lake")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range strings.Split("\n"+string(text), "\n== ")[1:] {
				head, body, _ := strings.Cut(block, "\n")
				switch verb, key, _ := strings.Cut(head, " "); verb {
				case "put":
					if body = strings.TrimRight(body, "\n") + "\n"; strings.HasSuffix(key, ".gz") {
						var b bytes.Buffer
						z := gzip.NewWriter(&b)
						z.Write([]byte(body))
						z.Close()
						body = b.String()
					}
					e.put(t, key, body)
				case "run":
					for _, statement := range strings.Split(body, ";\n") {
						if strings.TrimSpace(statement) == "" {
							continue
						}
						if got := e.ask(t, statement); len(got) > 0 && strings.HasPrefix(got[0], "FAILED") {
							t.Fatalf("%s\n%s", statement, got[0])
						}
					}
				case "ask":
					query, want, _ := strings.Cut(body, "\n--\n")
					got := e.ask(t, query)
					if len(got) > 0 && !strings.HasPrefix(got[0], "FAILED") {
						got = got[1:] // the names
					}
					if got, want := strings.Join(got, "\n"), strings.TrimRight(want, "\n"); got != want {
						t.Errorf("%s\ngot:\n%s\nwant:\n%s", query, got, want)
					}
				default:
					t.Fatalf("no such block: %s", head)
				}
			}
		})
	}
}
