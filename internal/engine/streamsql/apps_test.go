package streamsql

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the applications give into testdata")

// appFile is an application with its input and what it gives, as a file of sections:
//
//	== source NAME json|csv [row path]
//	column TYPE [mapping]
//	== reference NAME json|csv
//	column TYPE [mapping]
//	| data
//	== sql
//	== input         "@time" begins a step, "NAME record" is a record in it (@+1m: a minute later)
//	== output NAME   "rowtime {json}", or "error text" behind == error
type appFile struct {
	head    string // up to the first output
	sources []Source
	refs    []Reference
	refData map[string]string
	sql     string
	steps   []Step
	outputs []string
	want    map[string]string
	wantErr string
}

func readApp(t testing.TB, path string) *appFile {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := &appFile{refData: map[string]string{}, want: map[string]string{}}
	text := string(b)
	for _, section := range strings.Split("\n"+text, "\n== ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		f := strings.Fields(title)
		if f[0] != "output" && f[0] != "error" {
			a.head += "== " + title + "\n" + strings.TrimRight(body, "\n") + "\n"
		}
		switch f[0] {
		case "source", "reference":
			s := Schema{}
			if f[2] == "csv" {
				s.Format = CSV
			}
			if len(f) > 3 {
				s.RowPath = f[3]
			}
			for _, line := range strings.Split(body, "\n") {
				if data, ok := strings.CutPrefix(line, "| "); ok {
					a.refData[f[1]] += data + "\n"
					continue
				}
				name, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
				if !ok {
					continue
				}
				kind, mapping, _ := strings.Cut(rest, " $")
				if mapping != "" {
					mapping = "$" + mapping
				}
				typ, err := ParseType(strings.TrimSpace(kind))
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				s.Columns = append(s.Columns, SourceColumn{name, typ, mapping})
			}
			if f[0] == "source" {
				a.sources = append(a.sources, Source{Name: f[1], Schema: s, Arrival: true})
			} else {
				a.refs = append(a.refs, Reference{f[1], s})
			}
		case "sql":
			a.sql = body
		case "input":
			var at time.Time
			for _, line := range strings.Split(body, "\n") {
				switch {
				case strings.HasPrefix(line, "@+"):
					d, err := time.ParseDuration(line[2:])
					if err != nil {
						t.Fatal(err)
					}
					at = at.Add(d)
					a.steps = append(a.steps, Step{Time: at})
				case strings.HasPrefix(line, "@"):
					ms, ok := parseTime(line[1:], Timestamp)
					if !ok {
						t.Fatalf("%s: %s is not a time", path, line)
					}
					at = time.UnixMilli(ms)
					a.steps = append(a.steps, Step{Time: at})
				case line != "":
					name, data, _ := strings.Cut(line, " ")
					step := &a.steps[len(a.steps)-1]
					if k := len(step.Batches); k == 0 || step.Batches[k-1].Source != name {
						step.Batches = append(step.Batches, Batch{Source: name})
					}
					last := &step.Batches[len(step.Batches)-1]
					last.Records = append(last.Records, Record{Data: []byte(data), Arrival: at.Add(-time.Second), PartitionKey: "key", SequenceNumber: fmt.Sprint(len(last.Records)), ShardID: "shardId-000000000000"})
				}
			}
		case "output":
			a.outputs = append(a.outputs, f[1])
			a.want[f[1]] = strings.TrimSpace(body)
		case "error":
			a.wantErr = strings.TrimSpace(body)
		}
	}
	if a.outputs == nil {
		a.outputs = []string{"DESTINATION_SQL_STREAM"}
	}
	return a
}

func (a *appFile) app(t testing.TB, outputs ...string) *App {
	plan, err := Compile(a.sql, a.sources, a.refs)
	if err != nil {
		t.Fatal(err)
	}
	app, err := New(plan, Options{Outputs: append(outputs, a.outputs...)})
	if err != nil {
		t.Fatal(err)
	}
	a.references(t, app)
	return app
}

func (a *appFile) references(t testing.TB, app *App) {
	for name, data := range a.refData {
		if bad, err := app.SetReference(name, []byte(data)); err != nil || bad > 0 {
			t.Fatal(bad, err)
		}
	}
}

// printed are the rows of a result, by stream.
func printed(into map[string]*bytes.Buffer, r Result) {
	for _, o := range r.Outputs {
		w := into[o.Stream]
		if w == nil {
			w = &bytes.Buffer{}
			into[o.Stream] = w
		}
		for i := range o.Rows.Len() {
			fmt.Fprintf(w, "%s %s\n", o.Rows.Rowtime(i).Format("2006-01-02 15:04:05.000"), o.Rows.AppendJSON(nil, i))
		}
	}
}

// TestApplications runs the applications of testdata, and again with a snapshot after every step.
func TestApplications(t *testing.T) {
	files, _ := filepath.Glob("testdata/apps/*.txt")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			a := readApp(t, path)
			if a.wantErr != "" || *update {
				_, err := Compile(a.sql, a.sources, a.refs)
				if err != nil {
					if *update {
						os.WriteFile(path, []byte(a.head+"== error\n"+err.Error()+"\n"), 0o644)
					} else if err.Error() != a.wantErr {
						t.Errorf("got error\n%v\nwant\n%s", err, a.wantErr)
					}
					return
				}
				if a.wantErr != "" {
					t.Fatal("compiled")
				}
			}
			got := map[string]*bytes.Buffer{}
			app := a.app(t, ErrorStream)
			for _, s := range a.steps {
				r, err := app.Apply(s)
				if err != nil {
					t.Fatal(err)
				}
				printed(got, r)
			}
			text := func(m map[string]*bytes.Buffer, name string) string {
				if m[name] == nil {
					return ""
				}
				return strings.TrimSpace(m[name].String())
			}
			if *update {
				out := a.head
				outputs := a.outputs
				if got[ErrorStream] != nil && !slices.Contains(outputs, ErrorStream) {
					outputs = append(outputs, ErrorStream)
				}
				for _, name := range outputs {
					out += "== output " + name + "\n" + text(got, name) + "\n"
				}
				os.WriteFile(path, []byte(out), 0o644)
				return
			}
			for _, name := range a.outputs {
				if text(got, name) != a.want[name] {
					t.Errorf("%s got\n%s\nwant\n%s", name, text(got, name), a.want[name])
				}
			}
			if a.want[ErrorStream] == "" && got[ErrorStream] != nil {
				t.Errorf("errors:\n%s", text(got, ErrorStream))
			}
			// Restored before each step, it gives the same.
			again := map[string]*bytes.Buffer{}
			app = a.app(t, ErrorStream)
			var last uint64
			for _, s := range a.steps {
				var snapshot bytes.Buffer
				if err := app.Snapshot(&snapshot, []byte("here")); err != nil {
					t.Fatal(err)
				}
				app = a.app(t, ErrorStream)
				if p, err := app.Restore(&snapshot); err != nil || string(p) != "here" {
					t.Fatal(string(p), err)
				}
				r, err := app.Apply(s)
				if err != nil {
					t.Fatal(err)
				}
				printed(again, r)
				for _, o := range r.Outputs {
					if len(a.outputs) == 1 && o.Stream == a.outputs[0] {
						if o.First != last {
							t.Errorf("rows from %d after %d", o.First, last)
						}
						last = o.First + uint64(o.Rows.Len())
					}
				}
			}
			for name := range got {
				if text(got, name) != text(again, name) {
					t.Errorf("%s after restoring\n%s\nbut without\n%s", name, text(again, name), text(got, name))
				}
			}
		})
	}
}
