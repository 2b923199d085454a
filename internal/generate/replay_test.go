package generate

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// played is what comes of a file after each of some times since the start.
func played(t *testing.T, path, field string, speed float64, at ...time.Duration) []string {
	t.Helper()
	r, err := OpenReplay(path, field, speed)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	for _, d := range at {
		var lines []string
		for {
			line, ok, err := r.next(d)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			lines = append(lines, string(line))
		}
		got = append(got, strings.Join(lines, " "))
	}
	return got
}

func TestReplayByTheRecordsTimes(t *testing.T) {
	type row struct {
		N  int32     `parquet:"n"`
		At time.Time `parquet:"at,timestamp(microsecond)"`
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var pq, zipped bytes.Buffer
	if err := parquet.Write(&pq, []row{{1, start}, {2, start.Add(10 * time.Second)}}); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("{\"ts\":1767225600}\n\n{\"ts\":1767225610.5}\n"))
	_ = z.Close()
	for _, c := range []struct {
		name, field string
		content     []byte
		speed       float64
		want        []string // after 0 s, 5 s and 11 s
	}{
		{"a.ndjson", "t", []byte("{\"t\":\"2026-01-01T00:00:00Z\",\"n\":1}\n{\"t\":\"2026-01-01 00:00:10\"}"), 1, []string{`{"t":"2026-01-01T00:00:00Z","n":1}`, "", `{"t":"2026-01-01 00:00:10"}`}},
		{"a.ndjson", "t", []byte("{\"t\":1767225600000}\n{\"t\":1767225610000}\n{\"t\":1}"), 2, []string{`{"t":1767225600000}`, `{"t":1767225610000} {"t":1}`, ""}},
		{"a.csv", "when", []byte("n,when\n1,\"2026-01-01\"\n2,2026-01-01T00:00:10+00:00\n"), 1, []string{`1,"2026-01-01"`, "", "2,2026-01-01T00:00:10+00:00"}},
		{"a.jsonl.gz", "ts", zipped.Bytes(), 1, []string{`{"ts":1767225600}`, "", `{"ts":1767225610.5}`}},
		{"a.parquet", "at", pq.Bytes(), 1, []string{`{"at":"2026-01-01 00:00:00","n":1}`, "", `{"at":"2026-01-01 00:00:10","n":2}`}},
		{"a.txt", "", []byte("one\ntwo"), 0, []string{"one two", "", ""}},
	} {
		got := played(t, write(t, c.name, c.content), c.field, c.speed, 0, 5*time.Second, 11*time.Second)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s, step %d: got %q, want %q", c.name, i, got[i], c.want[i])
			}
		}
	}
}

func TestReplayNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, field, content, want string }{
		{"a.csv", "when", "a,b\n1,2\n", `there is no column "when": the columns are a, b`},
		{"a.ndjson", "t", "{\"x\":1}\n", `a record has no field "t"`},
		{"a.ndjson", "t", "no json\n", "a line is not a JSON object"},
		{"a.ndjson", "t", "{\"t\":\"soon\"}\n", `"soon" is not a time`},
		{"a.parquet", "t", "no parquet", "a.parquet"},
		{"a.ndjson", "", "", "name the field"},
	} {
		r, err := OpenReplay(write(t, c.name, []byte(c.content)), c.field, 1)
		if err == nil {
			_, _, err = r.next(time.Hour)
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: got %v, want %q", c.name, c.content, err, c.want)
		}
	}
}
