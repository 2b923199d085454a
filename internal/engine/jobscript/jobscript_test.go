package jobscript

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/function"
)

// TestLibrary runs the tests of the library that are in Python.
func TestLibrary(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on this machine")
	}
	cmd := exec.Command(python, "-B", "testdata/library_test.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH=python", "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

type lines struct {
	mu   sync.Mutex
	text string
}

func (l *lines) add(line function.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += line.Text + "\n"
}

func open(t *testing.T) *Engine {
	t.Helper()
	tasks, err := function.Open(function.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tasks.Close() })
	if _, err := tasks.Python("3"); err != nil {
		t.Skip(err)
	}
	e, err := Open(Options{Dir: filepath.Join(t.TempDir(), "jobs"), Tasks: tasks})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func script(text string, arguments ...string) (*Run, *lines, *lines) {
	out, errs := new(lines), new(lines)
	return &Run{Name: "t", Kind: Shell, Memory: 256, Script: File{"s.py", []byte(text)}, Arguments: arguments, Env: []string{"A=b"}, Output: out.add, Errors: errs.add}, out, errs
}

func TestShell(t *testing.T) {
	e := open(t)
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	f, err := z.Create("zipped/__init__.py")
	if err == nil {
		_, err = f.Write([]byte("x = 'in an archive'"))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	r, out, errs := script(`
import os, sys
import plain, zipped
from awsglue.utils import getResolvedOptions
from awsglue.job import Job
args = getResolvedOptions(sys.argv, ["day"])
print(args["day"], os.environ["A"], plain.x, zipped.x, open("data.txt").read(), __name__, os.path.basename(__file__), sys.argv[0] == __file__)
print("bad news", file=sys.stderr)
from awsglue import _bookmark
Job(None).init("j", {"job_bookmark_option": "job-bookmark-enable"})
_bookmark._state["next"]["x"] = {"time": 1, "keys": ["a"]}
Job(None).commit()
`, "--day", "monday")
	r.Libraries = []File{{"plain.py", []byte("x = 'plain'")}, {"zipped.zip", archive.Bytes()}}
	r.Files = []File{{"data.txt", []byte("some data")}}
	r.Bookmark = []byte(`{"y":{"time":2,"keys":[]}}`)
	result, err := e.Run(t.Context(), r)
	if err != nil || result.Failed {
		t.Errorf("%+v, %v: %s", result, err, errs.text)
	}
	if out.text != "monday b plain in an archive some data __main__ s.py True\n" || errs.text != "bad news\n" {
		t.Errorf("printed %q, %q", out.text, errs.text)
	}
	if string(result.Bookmark) != `{"y": {"time": 2, "keys": []}, "x": {"time": 1, "keys": ["a"]}}` {
		t.Errorf("bookmark %s", result.Bookmark)
	}
}

func TestFailures(t *testing.T) {
	e := open(t)
	for _, x := range []struct {
		text, kind, message, category string
		line, code                    int
	}{
		{"import sys\nsys.exit(7)", "SystemExit", "7", "SYSTEM_EXIT_ERROR", 0, 7},
		{"import sys\nsys.exit(0)", "", "", "", 0, 0},
		{"import sys\nsys.exit('it is over')", "SystemExit", "it is over", "SYSTEM_EXIT_ERROR", 0, 1},
		{"\n\nraise ValueError('no')", "ValueError", "no", "UNCLASSIFIED_ERROR", 3, 1},
		{"import nothing_such", "ModuleNotFoundError", "No module named 'nothing_such'", "IMPORT_ERROR", 1, 1},
		{"a = 1\nb = (", "SyntaxError", "'(' was never closed (s.py, line 2)", "SYNTAX_ERROR", 2, 1},
		{"import sys\nfrom awsglue.utils import getResolvedOptions\ngetResolvedOptions(sys.argv, ['x'])", "GlueArgumentError", "the following arguments are required: --x", "INVALID_ARGUMENT_ERROR", 3, 1},
		{"import os\nos._exit(9)", "", "", "", 0, 9},
		{"import os\nopen('.job/error.json', 'w').write('{\"type\": 5')\nos._exit(1)", "", "", "", 0, 1},
		{"import os\nos.symlink('/etc/passwd', '.job/error.json')\nos._exit(1)", "", "", "", 0, 1},
		{"import os\nos.mkfifo('.job/error.json')\nos._exit(1)", "", "", "", 0, 1},
		{"\xff\xfe", "SyntaxError", "", "SYNTAX_ERROR", 0, 1},
	} {
		r, _, errs := script(x.text)
		got, err := e.Run(t.Context(), r)
		if err != nil || got.Type != x.kind || !strings.Contains(got.Message, x.message) || got.Category != x.category || x.line > 0 && got.Line != x.line || got.Code != x.code || got.Failed != (x.code != 0) {
			t.Errorf("%q: %+v, %v", x.text, got, err)
		}
		if strings.Contains(errs.text, "run.py") {
			t.Errorf("%q: what starts scripts is in the trace: %s", x.text, errs.text)
		}
	}
}

func TestModulesMustBeThere(t *testing.T) {
	e := open(t)
	r, _, errs := script("print('runs')")
	r.Modules = []string{"no-such-module-x==1.0"}
	got, err := e.Run(t.Context(), r)
	if err != nil || got.Category != "IMPORT_ERROR" || !strings.Contains(got.Message, "brookmere jobs setup 'no-such-module-x==1.0'") {
		t.Errorf("%+v, %v: %s", got, err, errs.text)
	}
	r, _, _ = script("print('runs')")
	r.Kind = Spark
	if _, err := e.Run(t.Context(), r); !errors.Is(err, ErrSetup) || !strings.Contains(err.Error(), "brookmere jobs setup --data ") {
		t.Errorf("without Spark: %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	e := &Engine{o: Options{Tasks: noTasks{}}}
	for _, r := range []*Run{
		{Files: []File{{"../x", nil}}}, {Files: []File{{"a/b", nil}}}, {Files: []File{{"", nil}}}, {Files: []File{{"s.py", nil}}}, {Files: []File{{".job", nil}}},
		{Libraries: []File{{"a.py", nil}, {"a.py", nil}}}, {Libraries: []File{{"..", nil}}}, {Jars: []File{{"x\x00", nil}}},
		{Files: []File{{"large", make([]byte, MaxFiles+1)}}},
	} {
		r.Script = File{"s.py", nil}
		if _, err := e.Run(t.Context(), r); err == nil || errors.Is(err, errStarted) {
			t.Errorf("%.100v: %v", r, err)
		}
	}
	for _, name := range []string{"..", "", ".job", "a\\b"} {
		if _, err := e.Run(t.Context(), &Run{Script: File{name, nil}}); err == nil || errors.Is(err, errStarted) {
			t.Errorf("the script %q: %v", name, err)
		}
	}
}

var errStarted = errors.New("started")

type noTasks struct{}

func (noTasks) RunTask(ctx context.Context, t *function.Task) (function.Exit, error) {
	if _, err := t.Files(ctx); err != nil {
		return function.Exit{}, err
	}
	return function.Exit{}, errStarted
}
func (noTasks) Python(string) (function.Python, error) { return function.Python{}, nil }

func TestSubmitArguments(t *testing.T) {
	got := submitArguments(&Run{Conf: []string{"spark.x=it's $(here)"}, Jars: []File{{"a.jar", nil}}}, 1024, "/tmp")
	for _, want := range []string{`'--driver-memory' '640m'`, `'--conf' 'spark.x=it'"'"'s $(here)'`, `'--jars' '/tmp/.job/jars/a.jar'`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	if !slices.Equal(strings.Fields(got)[:2], []string{"'--master'", strings.Fields(got)[1]}) || !strings.HasSuffix(got, " pyspark-shell") {
		t.Error(got)
	}
}
