package athena

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestServiceLogs runs testdata/servicelogs: the tables that AWS documents for the logs of its
// services, made of the documented columns, with rows that were made up, and a query each.
func TestServiceLogs(t *testing.T) { runBlocks(t, "testdata/servicelogs/*.txt") }

// TestFormats runs testdata/formats: what files become by their SerDes, the broken ones too.
func TestFormats(t *testing.T) { runBlocks(t, "testdata/formats/*.txt") }

// runs is what differs from run to run.
var runs = regexp.MustCompile(`(transient_lastDdlTime\W+|Elapsed: |Planning: )[\d.]+(ms|µs|s)?`)

// runBlocks runs files of blocks that begin with "== put KEY" (an object, in gzip where its name
// says so), "== bytes KEY" (an object, in Go's quotes), "== base64 KEY", "== source" (where the facts that
// follow are written), "== run" (statements that have to succeed, parted by semicolons at the end of a
// line), "== ask" (a query, then "--" and its rows) and "== tell" (a statement, then "--" and
// all that it answers, or why it failed). What is answered is written into the files where
// BROOKMERE_UPDATE is set.
func runBlocks(t *testing.T, pattern string) {
	files, err := filepath.Glob(pattern)
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
			var answered strings.Builder
			for _, block := range strings.Split("\n"+string(text), "\n== ")[1:] {
				head, body, _ := strings.Cut(block, "\n")
				if head == "tell" {
					query, want, _ := strings.Cut(strings.TrimRight(body, "\n"), "\n--\n")
					query = strings.TrimSuffix(query, "\n--")
					got := strings.TrimRight(runs.ReplaceAllString(strings.Join(e.ask(t, query), "\n"), "${1}0"), "\n ")
					if got != want && os.Getenv("BROOKMERE_UPDATE") == "" {
						t.Errorf("%s\ngot:\n%s\nwant:\n%s", query, got, want)
					}
					answered.WriteString("== tell\n" + query + "\n--\n" + got + "\n")
					continue
				}
				answered.WriteString("== " + strings.TrimRight(block, "\n") + "\n")
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
				case "bytes":
					var content strings.Builder
					for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
						part, err := strconv.Unquote(line)
						if err != nil {
							t.Fatalf("%s: %v", line, err)
						}
						content.WriteString(part)
					}
					e.put(t, key, content.String())
				case "base64":
					content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
					if err != nil {
						t.Fatalf("%s: %v", key, err)
					}
					e.put(t, key, string(content))
				case "source": // of the facts that follow
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
			if os.Getenv("BROOKMERE_UPDATE") != "" {
				if err := os.WriteFile(path, []byte(answered.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
