package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/state"
)

var rewrite = flag.Bool("update", false, "write what the service answers into testdata")

// harness is a service on a state store on disk and items in memory.
type harness struct {
	t     testing.TB
	cfg   Config
	clock *clockwork.FakeClock
	fs    vfs.FS
	items *itemstore.Store
	s     *Service
	apis  map[string]*awswire.Handler
	vars  map[string]string
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newHarness(t testing.TB, cfg Config) *harness {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(context.Background(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{t: t, cfg: cfg, clock: clockwork.NewFakeClockAt(epoch), fs: vfs.Default, vars: map[string]string{}}
	h.cfg.State, h.cfg.Clock, h.cfg.BackupDir = st, h.clock, filepath.Join(t.TempDir(), "backups")
	dir := filepath.Join(filepath.Dir(h.cfg.BackupDir), "items")
	t.Cleanup(func() { h.stop(); st.Close(); b.Close() })
	h.start(dir)
	return h
}

func (h *harness) start(dir string) {
	h.t.Helper()
	var err error
	if h.items, err = itemstore.Open(itemstore.Options{Dir: dir, FS: h.fs, Clock: h.clock, MinFree: -1, NoSync: true}); err != nil {
		h.t.Fatal(err)
	}
	h.cfg.Items = h.items
	if h.s, err = New(h.cfg); err != nil {
		h.t.Fatal(err)
	}
	if err := h.s.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.apis = map[string]*awswire.Handler{}
	for prefix, api := range map[string]awswire.API{"DynamoDB_20120810": h.s.API(), "DynamoDBStreams_20120810": h.s.Streams().API()} {
		if h.apis[prefix], err = awswire.NewHandler(api, awswire.HandlerOptions{OnInternalError: func(_ context.Context, op string, err error) { h.t.Errorf("%s: %v", op, err) }}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *harness) stop() {
	if err := h.s.Close(context.Background()); err != nil {
		h.t.Error(err)
	}
	if err := h.items.Close(); err != nil {
		h.t.Error(err)
	}
}

// call does an operation over the wire.
func (h *harness) call(op, body string) (int, []byte) {
	prefix := "DynamoDB_20120810"
	if name, ok := strings.CutPrefix(op, "streams."); ok {
		op, prefix = name, "DynamoDBStreams_20120810"
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", prefix+"."+op)
	w := httptest.NewRecorder()
	h.apis[prefix].ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

func (h *harness) settle() {
	for range 6000 { // half a minute, where the machine is slow
		busy := false
		tables, err := h.s.tables.All()
		if err != nil {
			h.t.Fatal(err)
		}
		for _, d := range tables {
			busy = busy || d.Status != "ACTIVE" || d.Expiry.Building
			for _, x := range d.Indexes {
				busy = busy || x.Status != "ACTIVE"
			}
		}
		if !busy {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.t.Fatal("work in the background does not end")
}

var (
	variable = regexp.MustCompile(`\$\w+`)
	volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"eventID":"[0-9a-f]{32}"|backup/\d{14}-[0-9a-f]{8}`)
)

// TestScripts runs the files of testdata: operations and what they answer. A line with an
// operation's name, or streams. before it, has the request's JSON behind it, which may go
// on over lines; then come ---- and the answer. "-> name .path" after the request keeps a
// text of the answer as $name. "advance 5m" moves the clock and sweeps, "restart" closes
// the service and opens it again, "settle" waits for work in the background. "quiet" before an
// operation leaves out what it answers, which depends on how far that work is.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := newHarness(t, Config{})
			var out strings.Builder
			for _, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n") {
				request, want, _ := strings.Cut(block, "\n----\n")
				if strings.HasPrefix(request, "#") && !strings.Contains(request, "\n") {
					out.WriteString(block + "\n\n")
					continue
				}
				got := h.run(request)
				if got != want && !*rewrite {
					t.Errorf("%s\n got %s\nwant %s", request, got, want)
				}
				out.WriteString(request)
				if got != "" || want != "" {
					out.WriteString("\n----\n" + got)
				}
				out.WriteString("\n\n")
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func (h *harness) run(request string) string {
	for strings.HasPrefix(request, "#") {
		_, request, _ = strings.Cut(request, "\n")
	}
	op, body, _ := strings.Cut(request, " ")
	switch op {
	case "advance":
		d, err := time.ParseDuration(body)
		if err != nil {
			h.t.Fatal(err)
		}
		h.clock.Advance(d)
		h.s.sweepOnce(context.Background())
		return ""
	case "settle":
		h.settle()
		return ""
	case "quiet":
		if got := h.run(body); !strings.HasPrefix(got, "{") {
			return got
		}
		return ""
	case "restart":
		h.stop()
		h.start(filepath.Join(filepath.Dir(h.cfg.BackupDir), "items"))
		return ""
	}
	body, keep, _ := strings.Cut(body, "\n-> ")
	body = variable.ReplaceAllStringFunc(body, func(v string) string { return h.vars[v[1:]] })
	code, answer := h.call(op, body)
	if keep != "" {
		name, path, _ := strings.Cut(keep, " ")
		h.vars[name] = lookup(answer, path)
	}
	text := volatile.ReplaceAllString(string(answer), "<id>")
	names := sortedKeys(h.vars)
	slices.SortStableFunc(names, func(a, b string) int { return len(h.vars[b]) - len(h.vars[a]) })
	for _, name := range names {
		if v := h.vars[name]; v != "" {
			text = strings.ReplaceAll(text, v, "$"+name)
		}
	}
	if code == 200 {
		return text
	}
	var e struct {
		Type    string `json:"__type"`
		Message string
		Reasons json.RawMessage `json:"CancellationReasons"`
		Item    json.RawMessage
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		return fmt.Sprintf("%d %s", code, answer)
	}
	_, short, _ := strings.Cut(e.Type, "#")
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s %s%s", code, short, e.Message, e.Reasons, e.Item))
}

// lookup finds .A.0.B in JSON.
func lookup(b []byte, path string) string {
	var v any
	if json.NewDecoder(bytes.NewReader(b)).Decode(&v) != nil {
		return ""
	}
	for _, p := range strings.Split(strings.TrimPrefix(path, "."), ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i := int(p[0] - '0')
			if i >= len(x) {
				return ""
			}
			v = x[i]
		}
	}
	s, _ := v.(string)
	return s
}

// An expression of more than 4 KB is refused; which operations tell its size differs.
func TestExpressionSize(t *testing.T) {
	h := newHarness(t, Config{})
	h.call("CreateTable", `{"TableName":"size","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}`)
	long := strings.Repeat("a", 4097)
	const rule = "Expression size has exceeded the maximum allowed size"
	for _, c := range []struct{ op, body, want string }{
		{"DeleteItem", `{"TableName":"size","Key":{"pk":{"S":"x"}},"ConditionExpression":"` + long + `"}`, "1 validation error detected: Invalid ConditionExpression: " + rule + `"`},
		{"Query", `{"TableName":"size","KeyConditionExpression":"` + long + `"}`, "Invalid KeyConditionExpression: " + rule + `"`},
		{"Scan", `{"TableName":"size","FilterExpression":"` + long + `"}`, "Invalid FilterExpression: " + rule + `; expression size: 4097"`},
		{"TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"size","Key":{"pk":{"S":"x"}},"ConditionExpression":"` + long + `"}}]}`, "Invalid ConditionExpression: " + rule + `; expression size: 4097"`},
	} {
		if status, got := h.call(c.op, c.body); status != 400 || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %d %s, want %s", c.op, status, got, c.want)
		}
	}
}
