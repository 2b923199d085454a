package function

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// zipped is a package of files: contents by name.
func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o644)
		if name == "bootstrap" {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// logs keeps what functions print.
type logs struct {
	mu    sync.Mutex
	lines []string
	notes []string
}

func (l *logs) Log(_ *Function, _ string, lines []Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.lines = append(l.lines, line.Text)
	}
	if len(l.lines) > 10000 {
		l.lines = l.lines[len(l.lines)-10000:]
	}
}

func (l *logs) Note(m string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notes = append(l.notes, m)
}

func (l *logs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

type fixture struct {
	*Engine
	logs *logs
}

func open(t testing.TB, change ...func(*Options)) *fixture {
	t.Helper()
	l := new(logs)
	o := Options{Dir: t.TempDir(), Events: l}
	for _, c := range change {
		c(&o)
	}
	e, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return &fixture{e, l}
}

func needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not on this machine", program)
	}
}

// python makes a function of source in which handler is the handler.
func (x *fixture) python(t testing.TB, source string) *Function {
	t.Helper()
	needs(t, "python3")
	return x.function(t, "python3.12", "main.handler", map[string]string{"main.py": source})
}

func (x *fixture) node(t testing.TB, source string) *Function {
	t.Helper()
	needs(t, "node")
	return x.function(t, "nodejs20.x", "index.handler", map[string]string{"index.js": source})
}

func (x *fixture) function(t testing.TB, runtime, handler string, files map[string]string) *Function {
	t.Helper()
	p, err := x.PutPackage(zipped(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return &Function{
		Key: p.Digest, Group: p.Digest, Owner: "me", Name: "f", Version: "$LATEST", Runtime: runtime, Handler: handler, Code: p.Digest,
		Timeout: time.Minute, Memory: 256, Storage: 512, Reserved: -1,
		Env: func(context.Context, string) ([]string, error) {
			return []string{"AWS_LAMBDA_FUNCTION_NAME=f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "WORD=hello"}, nil
		},
	}
}

func (x *fixture) invoke(t testing.TB, f *Function, payload string) *Result {
	t.Helper()
	r, err := x.Invoke(context.Background(), f, &Request{ID: uuid.NewString(), Payload: []byte(payload), ARN: "arn:f"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, r *Result, payload string) {
	t.Helper()
	if r.Failed || string(r.Payload) != payload {
		t.Errorf("answered %s (failed %v), want %s\n%s", r.Payload, r.Failed, payload, r.Log)
	}
}

// wantError checks an error's type and message, with ID in the place of the request's.
func wantError(t *testing.T, r *Result, kind, message string) {
	t.Helper()
	var e struct{ ErrorType, ErrorMessage, RequestID string }
	if err := json.Unmarshal(r.Payload, &e); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	if !r.Failed || e.ErrorType != kind || !strings.Contains(e.ErrorMessage, message) {
		t.Errorf("answered %s (failed %v), want a %s with %q\n%s", r.Payload, r.Failed, kind, message, r.Log)
	}
}

func TestPython(t *testing.T) {
	x := open(t)
	f := x.python(t, `
import json, os, sys, logging
from decimal import Decimal
n = 0
logging.getLogger().setLevel("INFO")
def handler(event, context):
    global n
    n += 1
    op = event["op"]
    if op == "count": return n
    if op == "echo": return event
    if op == "fail": return event["missing"]
    if op == "decimal": return {"d": Decimal("1.10")}
    if op == "set": return {1, 2}
    if op == "exit": sys.exit(3)
    if op == "die": os._exit(4)
    if op == "context":
        print("printed")
        logging.info("logged\nin two lines")
        left = context.get_remaining_time_in_millis()
        return [context.function_name, context.aws_request_id != "", context.invoked_function_arn, context.memory_limit_in_mb, 0 < left <= 60000, os.environ["WORD"]]
    if op == "tmp":
        open("/tmp/x", "w").write("y")
        return open("/tmp/x").read()
`)
	r := x.invoke(t, f, `{"op":"count"}`)
	want(t, r, "1")
	if r.Init == 0 {
		t.Error("the first invocation was not a cold start")
	}
	r = x.invoke(t, f, `{"op":"count"}`)
	want(t, r, "2")
	if r.Init != 0 {
		t.Error("the second invocation was a cold start")
	}
	want(t, x.invoke(t, f, `{"op":"echo","ä":"ö\u0000"}`), `{"op": "echo", "ä": "ö\u0000"}`)
	r = x.invoke(t, f, `{"op":"fail"}`)
	wantError(t, r, "KeyError", "'missing'")
	var e struct{ StackTrace []string }
	if json.Unmarshal(r.Payload, &e); len(e.StackTrace) != 1 || !strings.Contains(e.StackTrace[0], "main.py\", line 12, in handler\n    ") {
		t.Errorf("stack %q", e.StackTrace)
	}
	want(t, x.invoke(t, f, `{"op":"decimal"}`), `{"d": "1.10"}`)
	wantError(t, x.invoke(t, f, `{"op":"set"}`), "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable")
	wantError(t, x.invoke(t, f, `{"op":`), "Runtime.UnmarshalError", "Unable to unmarshal input")
	want(t, x.invoke(t, f, `{"op":"tmp"}`), `"y"`)
	r = x.invoke(t, f, `{"op":"context"}`)
	want(t, r, `["f", true, "arn:f", "256", true, "hello"]`)
	log := string(r.Log)
	for _, part := range []string{"START RequestId: ", " Version: $LATEST\nprinted\n[INFO]\t", "\tlogged\nin two lines\nEND RequestId: ", "\nREPORT RequestId: ", "\tMemory Size: 256 MB\tMax Memory Used: "} {
		if !strings.Contains(log, part) {
			t.Errorf("log %q lacks %q", log, part)
		}
	}
	wantError(t, x.invoke(t, f, `{"op":"die"}`), "Runtime.ExitError", "Error: Runtime exited with error: exit status 4")
	wantError(t, x.invoke(t, f, `{"op":"exit"}`), "Runtime.ExitError", "Error: Runtime exited with error: exit status 3")
	want(t, x.invoke(t, f, `{"op":"count"}`), "1")
}

func TestPythonInitErrors(t *testing.T) {
	x := open(t)
	for name, c := range map[string]struct{ handler, source, kind, message string }{
		"module":    {"main.handler", "import nothing_there", "Runtime.ImportModuleError", "Unable to import module 'main': No module named 'nothing_there'"},
		"absent":    {"other.handler", "", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"},
		"handler":   {"main.other", "", "Runtime.HandlerNotFound", "Handler 'other' missing on module 'main'"},
		"syntax":    {"main.handler", "def f(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'main': "},
		"name":      {"main", "", "Runtime.MalformedHandlerName", "Bad handler 'main': not enough values to unpack (expected 2, got 1)"},
		"exception": {"main.handler", "raise ValueError('no')", "ValueError", "no"},
		"exit":      {"main.handler", "import os; os._exit(7)", "Runtime.ExitError", "Runtime exited with error: exit status 7"},
	} {
		t.Run(name, func(t *testing.T) {
			f := x.python(t, c.source)
			f.Handler = c.handler
			f.Key += c.handler
			wantError(t, x.invoke(t, f, "{}"), c.kind, c.message)
		})
	}
}

func TestNode(t *testing.T) {
	x := open(t)
	f := x.node(t, `
let n = 0;
exports.handler = async (event, context) => {
  n++;
  switch (event.op) {
  case 'count': return n;
  case 'echo': return event;
  case 'fail': throw new TypeError('no');
  case 'text': throw 'no';
  case 'nothing': return;
  case 'pending': return new Promise(() => {});
  case 'later': setTimeout(() => { throw new Error('late'); }, 5); return new Promise(() => setTimeout(() => {}, 5000));
  case 'rejected': Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 500)); return 1;
  case 'exit': process.exit(5);
  case 'circle': { const o = {}; o.o = o; return o; }
  case 'context':
    console.log('printed %d\nhere', 3); console.error('bad');
    return [context.functionName, context.invokedFunctionArn, context.memoryLimitInMB, context.getRemainingTimeInMillis() > 0, process.env.WORD];
  }
};
const d = {};
exports.callback = (event, context, callback) => {
  if (event.now) context.callbackWaitsForEmptyEventLoop = false;
  if (event.slow) setTimeout(() => { d.done = true; }, 300);
  if (event.op === 'fail') callback(new Error('no'));
  else if (event.op === 'text') callback('no');
  else if (event.op === 'silent') return;
  else if (event.op === 'done') context.succeed({ fine: 1 });
  else callback(null, { done: d.done === true, op: event.op });
};
`)
	want(t, x.invoke(t, f, `{"op":"count"}`), "1")
	want(t, x.invoke(t, f, `{"op":"count"}`), "2")
	want(t, x.invoke(t, f, `{"op":"echo","ä":"ö"}`), `{"op":"echo","ä":"ö"}`)
	want(t, x.invoke(t, f, `{"op":"nothing"}`), `null`)
	r := x.invoke(t, f, `{"op":"fail"}`)
	wantError(t, r, "TypeError", "no")
	if !strings.Contains(string(r.Payload), `"trace":["TypeError: no","    at `) {
		t.Errorf("answered %s", r.Payload)
	}
	if r := x.invoke(t, f, `{"op":"text"}`); string(r.Payload) != `{"errorType":"string","errorMessage":"no","trace":[]}` {
		t.Errorf("answered %s", r.Payload)
	}
	wantError(t, x.invoke(t, f, `{"op":"circle"}`), "Runtime.MarshalError", "Unable to stringify response body")
	wantError(t, x.invoke(t, f, `{"op":"pending"}`), "Runtime.NodeJsExit", "exited before")
	wantError(t, x.invoke(t, f, `{"op":"later"}`), "Error", "late")
	wantError(t, x.invoke(t, f, `{"op":"rejected"}`), "Runtime.UnhandledPromiseRejection", "Error: lost")
	wantError(t, x.invoke(t, f, `{"op":"exit"}`), "Runtime.ExitError", "exit status 5")
	r = x.invoke(t, f, `{"op":"context"}`)
	want(t, r, `["f","arn:f","256",true,"hello"]`)
	if log := string(r.Log); !strings.Contains(log, "\tINFO\tprinted 3\rhere\n") || !strings.Contains(log, "\tERROR\tbad\n") {
		t.Errorf("log %q", log)
	}

	g := *f
	g.Handler, g.Key, g.Runtime = "index.callback", f.Key+"2", "nodejs10.x"
	want(t, x.invoke(t, &g, `{"op":"x"}`), `{"done":false,"op":"x"}`)
	want(t, x.invoke(t, &g, `{"op":"x","slow":1,"now":1}`), `{"done":false,"op":"x"}`)
	want(t, x.invoke(t, &g, `{"op":"silent"}`), `null`)
	want(t, x.invoke(t, &g, `{"op":"done"}`), `{"fine":1}`)
	wantError(t, x.invoke(t, &g, `{"op":"fail"}`), "Error", "no")
	wantError(t, x.invoke(t, &g, `{"op":"text"}`), "string", "no")
	begin := time.Now()
	x.invoke(t, &g, `{"op":"x","slow":1}`)
	if time.Since(begin) < 300*time.Millisecond {
		t.Error("the callback's answer did not wait for the event loop")
	}
	if !strings.Contains(strings.Join(x.logs.notes, "\n"), "nodejs10.x functions run on Node ") {
		t.Errorf("notes %q", x.logs.notes)
	}
}

func TestNodeModules(t *testing.T) {
	x := open(t)
	sdk := x.SDKFolder("nodejs") + "/node_modules/brought-along"
	if err := os.MkdirAll(sdk, 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(sdk+"/package.json", []byte(`{"name":"brought-along","main":"i.js"}`), 0o644)
	os.WriteFile(sdk+"/i.js", []byte(`module.exports = { word: 'here' };`), 0o644)
	needs(t, "node")
	f := x.function(t, "nodejs20.x", "src/app.handler", map[string]string{"src/app.mjs": `import b from 'brought-along'; export const handler = async () => b.word;`})
	want(t, x.invoke(t, f, `{}`), `"here"`)
	f = x.function(t, "nodejs20.x", "app.handler", map[string]string{"app.js": `const b = require('brought-along'); exports.handler = async () => b.word;`})
	want(t, x.invoke(t, f, `{}`), `"here"`)
	f = x.function(t, "nodejs20.x", "app.handler", map[string]string{"app.js": `exports.handler = 1`})
	wantError(t, x.invoke(t, f, `{}`), "Runtime.HandlerNotFound", "app.handler is not a function")
	f = x.function(t, "nodejs20.x", "none.handler", map[string]string{"app.js": ``})
	wantError(t, x.invoke(t, f, `{}`), "Runtime.ImportModuleError", "Error: Cannot find module")
	f = x.function(t, "nodejs20.x", "app.handler", map[string]string{"app.js": `exports.handler = (`})
	wantError(t, x.invoke(t, f, `{}`), "Runtime.UserCodeSyntaxError", "SyntaxError: ")
}

func TestStreaming(t *testing.T) {
	x := open(t)
	f := x.node(t, `
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
  stream.write('one ');
  await new Promise((r) => setTimeout(r, 50));
  if (event.fail) throw new Error('half way');
  stream.write('two');
  stream.end();
  if (event.late) { await new Promise((r) => setTimeout(r, 200)); console.log('later'); }
});`)
	call := func(payload string, stream bool) *Result {
		t.Helper()
		r, err := x.Invoke(context.Background(), f, &Request{ID: uuid.NewString(), Payload: []byte(payload), Stream: stream})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	prelude := `{"statusCode":201}` + strings.Repeat("\x00", 8)
	r := call(`{}`, true)
	if r.Body == nil {
		t.Fatalf("answered %s, not as a stream", r.Payload)
	}
	all, err := io.ReadAll(r.Body)
	if err != nil || string(all) != prelude+"one two" || r.ContentType != "application/vnd.awslambda.http-integration-response" {
		t.Errorf("streamed %q, %v, %s", all, err, r.ContentType)
	}
	want(t, call(`{}`, false), prelude+"one two")
	r = call(`{"fail":1}`, true)
	all, err = io.ReadAll(r.Body)
	var failed *StreamError
	if string(all) != prelude+"one " || !errors.As(err, &failed) || failed.Type != "Error" || !strings.Contains(string(failed.Payload), "half way") {
		t.Errorf("streamed %q, %v", all, err)
	}
	// What the function does after its answer belongs to the invocation.
	r = call(`{"late":1}`, true)
	io.Copy(io.Discard, r.Body)
	select {
	case end := <-r.Ending:
		if end.Duration < 200*time.Millisecond || end.Failed || !strings.Contains(string(end.Log), "\tlater\nEND") {
			t.Errorf("took %v, failed %v, log %s", end.Duration, end.Failed, end.Log)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// TestEagerRuntime has a process ask for its next invocation while it still streams its answer to the one before.
func TestEagerRuntime(t *testing.T) {
	needs(t, "python3")
	x := open(t)
	f := x.function(t, "provided.al2023", "x", map[string]string{"bootstrap": `#!/usr/bin/env python3
import http.client, os, time
host, _, path = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
base = "/" + path + "/2018-06-01/runtime/invocation/"
asks, answers = http.client.HTTPConnection(host), http.client.HTTPConnection(host)
asks.request("GET", base + "next")
while True:
    r = asks.getresponse()
    r.read()
    answers.putrequest("POST", base + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response")
    answers.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    answers.putheader("Transfer-Encoding", "chunked")
    answers.endheaders(b"3\r\none\r\n")
    asks.request("GET", base + "next")
    time.sleep(0.1)
    answers.send(b"3\r\ntwo\r\n0\r\n\r\n")
    answers.getresponse().read()
`})
	f.Timeout = 30 * time.Second
	for range 2 {
		r, err := x.Invoke(context.Background(), f, &Request{ID: uuid.NewString(), Payload: []byte(`{}`), Stream: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Body == nil {
			t.Fatalf("answered %s, not as a stream", r.Payload)
		}
		all, err := io.ReadAll(r.Body)
		if err != nil || string(all) != "onetwo" {
			t.Errorf("streamed %q, %v", all, err)
		}
		if end := <-r.Ending; end.Failed { // it comes, at the timeout if nothing else
			t.Errorf("it has failed after %v: %s", end.Duration, end.ErrorType)
		}
	}
}

func TestProvided(t *testing.T) {
	needs(t, "curl")
	x := open(t)
	f := x.function(t, "provided.al2023", "any", map[string]string{"bootstrap": `#!/bin/sh
set -eu
while true; do
  headers=$(mktemp)
  event=$(curl -sS -LD "$headers" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  id=$(grep -i Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  curl -sS "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$id/response" -d "{\"got\":$event}" > /dev/null
done
`})
	want(t, x.invoke(t, f, `{"a":1}`), `{"got":{"a":1}}`)
	want(t, x.invoke(t, f, `{"a":2}`), `{"got":{"a":2}}`)
	f = x.function(t, "provided.al2", "any", map[string]string{"readme": ``})
	r := x.invoke(t, f, `{}`)
	wantError(t, r, "Runtime.ExitError", "")
	if !strings.Contains(string(r.Log)+x.logs.text(), "bootstrap: no such file") {
		t.Errorf("log %q", r.Log)
	}
}

func TestLayers(t *testing.T) {
	x := open(t)
	f := x.python(t, `
import one, two
def handler(e, c): return [one.v, two.v]
`)
	for _, files := range []map[string]string{
		{"python/one.py": "v = 1", "python/two.py": "v = 1"},
		{"python/two.py": "v = 2"},
	} {
		p, err := x.PutPackage(zipped(t, files))
		if err != nil {
			t.Fatal(err)
		}
		f.Layers = append(f.Layers, p.Digest)
	}
	want(t, x.invoke(t, f, `{}`), "[1, 2]")
}

func TestRuntimeNames(t *testing.T) {
	x := open(t)
	for _, name := range []string{"java21", "ruby3.3", "dotnet8", "python2.7", "python", "nodejs-x", ""} {
		if err := x.CheckRuntime(name); !errors.Is(err, ErrRuntime) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"provided", "provided.al2", "provided.al2023", "go1.x"} {
		if err := x.CheckRuntime(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestConcurrency(t *testing.T) {
	x := open(t, func(o *Options) { o.Instances = 2; o.Concurrency = 5 })
	f := x.python(t, `
import time
def handler(e, c):
    time.sleep(e)
    return c.aws_request_id
`)
	ctx := context.Background()
	// More at once than there may be processes: they wait.
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			r, err := x.Invoke(ctx, f, &Request{ID: uuid.NewString(), Payload: []byte("0.05")})
			if err != nil || r.Failed {
				t.Errorf("%v, %v", r, err)
			}
		})
	}
	wg.Wait()
	if n := len(x.Running("")); n > 2 {
		t.Errorf("%d processes", n)
	}
	// A reservation is a bound and a right.
	f.Reserved = 1
	x.Reserve("me", f.Group, 1)
	// Two invoke it, one after the other each: until one meets the other.
	var throttled atomic.Bool
	deadline := time.Now().Add(time.Minute)
	for range 2 {
		wg.Go(func() {
			for !throttled.Load() && time.Now().Before(deadline) {
				_, err := x.Invoke(ctx, f, &Request{ID: uuid.NewString(), Payload: []byte("0.05")})
				if errors.Is(err, ErrThrottled) {
					throttled.Store(true)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if !throttled.Load() {
		t.Error("never throttled")
	}
	f.Reserved = 0
	if _, err := x.Invoke(ctx, f, &Request{ID: uuid.NewString(), Payload: []byte("0")}); !errors.Is(err, ErrThrottled) {
		t.Errorf("with none reserved: %v", err)
	}
	// Another function takes the place of an idle one.
	g := x.python(t, "def handler(e, c): return 7")
	want(t, x.invoke(t, g, "0"), "7")
	if n := len(x.Running("")); n > 2 {
		t.Errorf("%d processes", n)
	}
}

func TestAttach(t *testing.T) {
	x := open(t)
	f := x.python(t, "def handler(e, c): return 'engine'")
	address, detach, err := x.Attach(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Attach(f); !errors.Is(err, ErrAttached) {
		t.Errorf("a second time: %v", err)
	}
	cmd := exec.Command("python3", "-c", fmt.Sprintf(`
import urllib.request as u
base = "http://%s/2018-06-01/runtime/invocation/"
while True:
    r = u.urlopen(base + "next")
    body = r.read()
    u.urlopen(base + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", b'{"mine":' + body + b'}')
`, address))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	want(t, x.invoke(t, f, "1"), `{"mine":1}`)
	want(t, x.invoke(t, f, "2"), `{"mine":2}`)
	detach()
	want(t, x.invoke(t, f, "3"), `"engine"`)
}
