package main

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/node"
)

// handlerPython is a function that logs, answers and fails.
const handlerPython = `
def handler(event, context):
    print("called with", event.get("id"))
    if event.get("id", 0) < 0:
        raise ValueError("a negative id")
    return {"id": event.get("id"), "version": VERSION}
`

func writeHandler(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(strings.ReplaceAll(handlerPython, "VERSION", version)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestFunctionDevelopment develops a function in a folder, calls it, and reads what it logs.
func TestFunctionDevelopment(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	url, _ := sharedNode(t)
	dir := t.TempDir()
	fails(t, append(words(url, "functions dev orders"), dir), "has no files")
	notes := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(notes, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, append(words(url, "functions dev orders"), dir), "--runtime and --handler say what to make")
	if err := os.Remove(notes); err != nil {
		t.Fatal(err)
	}
	writeHandler(t, dir, "1")
	fails(t, append(words(url, "functions dev orders"), filepath.Join(dir, "none")), "no such file")

	if err := os.MkdirAll(filepath.Join(dir, "__pycache__"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "__pycache__", "app.pyc"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	dev := start(t, append(words(url, "functions dev orders --runtime python3.12 --handler app.handler"), dir)...)
	dev.says("orders runs 1 files of") // without the cache
	prints(t, append(words(url, "functions invoke orders --log"), "--payload", `{"id": 7}`), `{"id": 7, "version": 1}`, "called with 7", "REPORT RequestId")
	writeHandler(t, dir, "22")
	dev.says("orders runs 1 files of " + dir + "\n")
	invoked := func(want string) bool {
		got, err := typed(t, `{"id": 8}`, words(url, "functions invoke orders --payload @-")...)
		return err == nil && strings.Contains(got, want)
	}
	for !invoked(`"version": 22`) {
		if t.Context().Err() != nil {
			t.Fatal("the change of the file is not run")
		}
	}
	dev.interrupt()

	event := filepath.Join(dir, "event.json")
	if err := os.WriteFile(event, []byte(`{"id": -1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := command(t, words(url, "functions invoke orders --payload @"+event)...)
	if err == nil || err.Error() != "the function failed" || !strings.Contains(got, "a negative id") {
		t.Errorf("a function that fails: %v, printed\n%s", err, got)
	}
	prints(t, append(words(url, "functions invoke orders --event"), "--payload", `{"id": 9}`))
	prints(t, words(url, "functions ls"), "orders", "python3.12", "app.handler", "512 MB", "60 s")
	logs := start(t, words(url, "functions logs orders --follow")...)
	logs.says("called with 7")
	logs.says("called with 9")
	logs.interrupt()
	prints(t, words(url, "functions logs orders"), "called with 8")

	fails(t, words(url, "functions invoke none"), "Function not found")
	fails(t, words(url, "functions logs none"), "none")
	fails(t, words(url, "functions attach none"), "none")
	fails(t, words(url, "functions invoke orders --payload @"+filepath.Join(dir, "none.json")), "--payload")
	fails(t, append(words(url, "functions invoke orders"), "--payload", "{"), "InvalidRequestContentException")
	for _, args := range []string{"ls", "invoke orders", "dev orders " + dir} {
		fails(t, words("http://127.0.0.1:1", "functions "+args), "nothing answers at")
	}
}

// TestFunctionAttach has a process of the user's take a function's invocations.
func TestFunctionAttach(t *testing.T) {
	for _, needed := range []string{"python3", "sh"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip("there is no " + needed)
		}
	}
	url, _ := sharedNode(t)
	dir := t.TempDir()
	writeHandler(t, dir, "1")
	dev := start(t, append(words(url, "functions dev attached --runtime python3.12 --handler app.handler"), dir)...)
	dev.says("attached runs")
	dev.interrupt()

	variables := start(t, words(url, "functions attach attached")...)
	variables.says("export AWS_LAMBDA_RUNTIME_API='127.0.0.1:")
	variables.interrupt()

	const runtime = `
import os, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
print("waiting as", os.environ["AWS_LAMBDA_FUNCTION_NAME"], flush=True)
while True:
    with urllib.request.urlopen(api + "next") as r:
        id, event = r.headers["Lambda-Runtime-Aws-Request-Id"], r.read()
    urllib.request.urlopen(api + id + "/response", data=b'{"mine": ' + event + b"}")
`
	attach := append(words(url, "functions attach attached"), "--", "python3", "-c", runtime)
	mine := start(t, attach...)
	for !mine.said("waiting as attached") { // until the node sees that the one before has gone
		if err := mine.end(); err == nil || !strings.Contains(err.Error(), "another process is attached") {
			t.Fatalf("%v\n%s", err, mine.printed())
		}
		mine = start(t, attach...)
	}
	prints(t, words(url, "functions ls"), "attached")
	prints(t, append(words(url, "functions invoke attached"), "--payload", `{"id": 1}`), `{"mine": {"id": 1}}`)
	mine.stop()
	_ = mine.end() // the process ends by the interrupt
	prints(t, append(words(url, "functions invoke attached"), "--payload", `{"id": 1}`), `{"id": 1, "version": 1}`)
}

// TestChangesAreSigned asks a node with credentials for what changes it, with and without them.
func TestChangesAreSigned(t *testing.T) {
	cfg := node.DefaultConfig()
	cfg.Data, cfg.Listen = node.InMemory, "127.0.0.1:0"
	cfg.Credentials = []node.Credential{{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "a-long-secret", Account: cfg.Account}}
	n, err := node.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer closeNode(n)
	for _, line := range []string{"functions attach orders", "deliveries flush orders"} {
		fails(t, words(n.URL(), line), "signature")
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a-long-secret")
	for _, line := range []string{"functions attach orders", "deliveries flush orders"} {
		fails(t, words(n.URL(), line), "orders")
	}
}

// TestFunctionSetup installs the SDKs with the tools that are found on the PATH.
func TestFunctionSetup(t *testing.T) {
	bin, data := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	fails(t, []string{"functions", "setup", "--data", data}, "neither Python nor Node")
	fails(t, []string{"functions", "setup", "python", "--data", data}, "python3 is not on this machine")
	fails(t, []string{"functions", "setup", "cobol", "--data", data}, "cobol")
	// One that does what pip does with its --target.
	pip := "#!/bin/sh\nwhile [ $# -gt 1 ] && [ \"$1\" != --target ]; do shift; done\n: > \"$2/boto3.py\"\n"
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(pip), 0o755); err != nil {
		t.Fatal(err)
	}
	prints(t, []string{"functions", "setup", "--data", data}, "nodejs: left out", "Installed into "+data)
	if _, err := os.Stat(filepath.Join(data, "functions", "sdk", "python", "boto3.py")); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	fails(t, []string{"functions", "setup", "python", "--data", data}, "exit status 3")
	if _, err := os.Stat(filepath.Join(data, "functions", "sdk", "python", "boto3.py")); err != nil {
		t.Error("a failed setup removed what was there:", err)
	}
}

func TestDevArguments(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "my orders (2)")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args           []string
		name, dir, err string
	}{
		{[]string{"orders", "src"}, "orders", "src", ""},
		{[]string{folder}, "my-orders-2", folder, ""},
		{[]string{"orders-of-nobody"}, "orders-of-nobody", ".", ""},
		{[]string{filepath.Join(dir, "none")}, "", "", "is not a folder"},
		{[]string{"/"}, "", "", "give a name"},
	} {
		name, at, err := devArguments(c.args)
		if name != c.name || at != c.dir || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q: %q, %q, %v", c.args, name, at, err)
		}
	}
}

func TestGuessedHandler(t *testing.T) {
	for _, c := range []struct {
		files   map[string]string
		runtime string
		handler string
	}{
		{map[string]string{"lambda_function.py": "import json\ndef lambda_handler(event, context): pass", "other.py": "def handler(e, c): pass"}, "python3.12", "lambda_function.lambda_handler"},
		{map[string]string{"app.py": "def handler(event, context): pass", "lib.py": "x = 1"}, "python3.12", "app.handler"},
		{map[string]string{"a.py": "def handler(e, c): pass", "b.py": "def handler(e, c): pass"}, "", ""},
		{map[string]string{"a.py": "class A:\n  def handler(self, c): pass"}, "", ""},
		{map[string]string{"index.mjs": ""}, "nodejs20.x", "index.handler"},
		{map[string]string{"bootstrap": ""}, "provided.al2023", "bootstrap"},
		{map[string]string{"notes.txt": ""}, "", ""},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		d := &devFunction{dir: dir}
		files, _, err := d.look()
		if err != nil {
			t.Fatal(err)
		}
		if runtime, handler := guess(dir, files); runtime != c.runtime || handler != c.handler {
			t.Errorf("%v: %q, %q", c.files, runtime, handler)
		}
	}
}
