package attack

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/awswire/model"
	"github.com/brookmere/brookmere/test/nodetest"
)

// hostile are the values that every string member of every operation is sent.
var hostile = []string{
	"../../../../victim",
	"/etc/passwd",
	"a\x00b",
	"..%2f..%2fvictim",
	strings.Repeat("x", 5000),
	"\xff\xfe not UTF-8",
}

// TestHostileStrings sends every operation of every service inputs whose text is path-like,
// holds NUL or no UTF-8, or is too long, one member at a time. No answer is a failure of the
// node, and nothing outside of its data directory changes.
func TestHostileStrings(t *testing.T) {
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	for _, file := range []string{"victim/keep", "data/victim", "1"} {
		path := filepath.Join(outside, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("keep me"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(outside, "data", "node")
	n := nodetest.Start(t, nodetest.Options{Data: data})
	before := snapshot(t, outside, data)

	// What operations name by default is there.
	for target, body := range map[string]string{
		"Kinesis_20131202.CreateStream": `{"StreamName":"ok","ShardCount":1}`,
		"AWSGlue.CreateDatabase":        `{"DatabaseInput":{"Name":"ok"}}`,
		"AmazonAthena.CreateWorkGroup":  `{"Name":"ok"}`,
		"Firehose_20150804.CreateDeliveryStream": `{"DeliveryStreamName":"ok","ExtendedS3DestinationConfiguration":` +
			`{"RoleARN":"arn:aws:iam::000000000000:role/r","BucketARN":"arn:aws:s3:::ok"}}`,
	} {
		if status, got := do(t, request(t.Context(), n.URL, target, body)); status != http.StatusOK {
			t.Fatalf("%s: %d %s", target, status, got)
		}
	}
	if status, got := do(t, request(t.Context(), n.URL, "AWSGlue.CreateTable", `{"DatabaseName":"ok","TableInput":{"Name":"ok"}}`)); status != http.StatusOK {
		t.Fatalf("%d %s", status, got)
	}
	var health struct{ Services map[string]string }
	if err := n.GetJSON("/_brookmere/health", &health); err != nil {
		t.Fatal(err)
	}
	var calls []hostileCall
	for _, name := range model.Names() {
		if _, ok := health.Services[name]; !ok || name == "s3" {
			continue
		}
		calls = append(calls, hostileCalls(model.MustLoad(name))...)
	}
	t.Logf("%d calls", len(calls))
	var taken atomic.Int64
	work := make(chan hostileCall)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for c := range work {
				why, status := c.send(t.Context(), n.URL)
				if why != "" {
					t.Errorf("%s", why)
				}
				if status == http.StatusOK {
					taken.Add(1)
				}
			}
		})
	}
	for _, c := range calls {
		work <- c
	}
	close(work)
	workers.Wait()
	// Not all text is wrong: most of what is optional is free.
	if t.Logf("%d of them were taken", taken.Load()); taken.Load() < 150 {
		t.Errorf("%d of %d calls were taken: they do not reach the services", taken.Load(), len(calls))
	}

	for _, text := range append(hostile, ".", "..", "....//victim") {
		for _, target := range []string{
			"/b/k?uploadId=", "/b/k?versionId=", "/b?list-type=2&continuation-token=", "/b?list-type=2&prefix=", "/b?marker=",
			"/b?versions&version-id-marker=", "/b?uploads&upload-id-marker=", "/b/k?partNumber=1&uploadId=",
		} {
			for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "POST"} {
				c := hostileCall{method: method, target: target + url.QueryEscape(text), name: "s3 " + target}
				if why, _ := c.send(t.Context(), n.URL); why != "" {
					t.Errorf("%s", why)
				}
			}
		}
	}
	if after := snapshot(t, outside, data); !slices.Equal(before, after) {
		t.Errorf("outside of the data directory, before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if text, err := os.ReadFile(filepath.Join(victim, "keep")); err != nil || string(text) != "keep me" {
		t.Errorf("the victim: %q, %v", text, err)
	}
}

// snapshot lists what is below dir but not below except, with what files hold.
func snapshot(t testing.TB, dir, except string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == except:
			return filepath.SkipDir
		case d.IsDir():
			list = append(list, path+"/")
			return nil
		}
		text, err := os.ReadFile(path)
		list = append(list, fmt.Sprintf("%s %x", path, sha256.Sum256(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// hostileCall is one request.
type hostileCall struct {
	name    string // for a report
	method  string
	target  string // path and query
	headers map[string]string
	body    string
}

// send sends the call and says what is wrong with its answer, empty if nothing is,
// and its status.
func (c hostileCall) send(ctx context.Context, base string) (wrong string, status int) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, c.method, base, strings.NewReader(c.body))
	if err != nil {
		return err.Error(), 0
	}
	path, query, _ := strings.Cut(c.target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, path, query
	if unescaped, err := url.PathUnescape(path); err == nil {
		r.URL.Path = unescaped
	}
	for k, v := range c.headers {
		r.Header.Set(k, v)
	}
	resp, err := trusting.Do(r)
	if err != nil {
		return fmt.Sprintf("%s: %v", c.name, err), 0
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented && resp.StatusCode != http.StatusServiceUnavailable {
		return fmt.Sprintf("%s: %d %.300s\n\tof %.300q", c.name, resp.StatusCode, body, c.body), resp.StatusCode
	}
	if text := string(body); strings.Contains(text, "goroutine ") || strings.Contains(text, "root:x:0") {
		return fmt.Sprintf("%s: %.300s", c.name, body), resp.StatusCode
	}
	return "", resp.StatusCode
}

// hostileCalls are the calls of a service: each string of each operation's input in turn, the
// other members that are required having values that are as they should be.
func hostileCalls(m *model.Service) []hostileCall {
	var calls []hostileCall
	for _, op := range m.Operations {
		if op.Input == nil || streams(op) {
			continue
		}
		for _, path := range stringPaths(op.Input, nil, 0) {
			for _, value := range hostile {
				input := sound(op.Input, path, value, 0).(map[string]any)
				if c, ok := encode(m, op, input); ok {
					c.name = fmt.Sprintf("%s %s %s %.30q", m.Name, op.Name, strings.Join(path, "."), value)
					calls = append(calls, c)
				}
			}
		}
	}
	slices.SortFunc(calls, func(a, b hostileCall) int { return strings.Compare(a.name, b.name) })
	return calls
}

// streams says that the operation's answer goes on.
func streams(op *model.Operation) bool {
	return op.Output != nil && slices.ContainsFunc(op.Output.Members, func(m *model.Member) bool { return m.Shape.EventStream })
}

// maxNesting is how deep members are sought.
const maxNesting = 3

// stringPaths are the paths to the strings of a shape: of its members, and of those of what is
// required in it.
func stringPaths(s *model.Shape, at []string, depth int) [][]string {
	var paths [][]string
	if depth > maxNesting {
		return nil
	}
	for _, m := range s.Members {
		path := append(slices.Clone(at), m.Name)
		switch {
		case m.Shape.Type == model.String:
			paths = append(paths, path)
		case m.Shape.Type == model.Structure && (m.Required || depth == 0) && !m.Shape.Union:
			paths = append(paths, stringPaths(m.Shape, path, depth+1)...)
		case m.Shape.Type == model.List && m.Shape.Elem.Shape.Type == model.String:
			paths = append(paths, path)
		case m.Shape.Type == model.List && m.Required && m.Shape.Elem.Shape.Type == model.Structure:
			paths = append(paths, stringPaths(m.Shape.Elem.Shape, path, depth+1)...)
		}
	}
	return paths
}

// sound is a value of a shape with what is required, and with value at the path.
func sound(s *model.Shape, path []string, value string, depth int) any {
	switch s.Type {
	case model.Structure:
		v := map[string]any{}
		for _, m := range s.Members {
			here := len(path) > 0 && path[0] == m.Name
			switch {
			case here:
				v[m.Name] = sound(m.Shape, path[1:], value, depth+1)
			case m.Required && depth < 6:
				v[m.Name] = sound(m.Shape, nil, "ok", depth+1)
			}
		}
		return v
	case model.List:
		return []any{sound(s.Elem.Shape, path, value, depth+1)}
	case model.Map:
		return map[string]any{}
	case model.Blob:
		return "eA=="
	case model.Boolean:
		return false
	case model.Integer, model.Long, model.Float, model.Double:
		if s.Min != nil {
			return *s.Min
		}
		return 1
	case model.Timestamp:
		return 1700000000
	}
	if len(path) == 0 && value == "ok" {
		switch {
		case len(s.Enum) > 0:
			return s.Enum[0]
		case s.Min != nil && int(*s.Min) > 2:
			return strings.Repeat("a", int(*s.Min))
		}
	}
	return value
}

// encode makes the request of an input.
func encode(m *model.Service, op *model.Operation, input map[string]any) (hostileCall, bool) {
	if m.Answers("query") && m.TargetPrefix == "" {
		form := url.Values{"Action": {op.Name}, "Version": {m.APIVersion}}
		for k, v := range input {
			if text, ok := v.(string); ok {
				form.Set(k, text)
			}
		}
		return hostileCall{method: "POST", target: "/", body: form.Encode(), headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, true
	}
	if m.TargetPrefix != "" {
		return hostileCall{method: "POST", target: "/", body: text(input), headers: map[string]string{
			"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": m.TargetPrefix + "." + op.Name,
		}}, true
	}
	path, query, _ := strings.Cut(op.URI, "?")
	params, _ := url.ParseQuery(query)
	body := map[string]any{}
	for _, mem := range op.Input.Members {
		v, ok := input[mem.Name]
		if !ok {
			continue
		}
		s, isText := v.(string)
		switch mem.Location {
		case "uri":
			if !isText {
				s = fmt.Sprint(v)
			}
			path = strings.NewReplacer("{"+mem.WireName()+"}", url.PathEscape(s), "{"+mem.WireName()+"+}", url.PathEscape(s)).Replace(path)
		case "querystring":
			params.Set(mem.WireName(), fmt.Sprint(v))
		case "header", "headers":
			return hostileCall{}, false // Go's client sends no such headers
		default:
			body[mem.WireName()] = v
		}
	}
	method := op.Method
	if method == "" {
		method = http.MethodPost
	}
	c := hostileCall{method: method, target: path + "?" + params.Encode(), body: text(body), headers: map[string]string{"Content-Type": "application/json"}}
	c.headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + m.SigningName + "/aws4_request, SignedHeaders=host, Signature=00"
	return c, true
}

// text is JSON in which bytes that are no UTF-8 stand as they are.
func text(v any) string {
	const mark = "\u241a\u241a"
	b, err := json.Marshal(mangle(v, mark))
	if err != nil {
		panic(err) // of maps, lists and scalars
	}
	return strings.ReplaceAll(string(b), mark, "\xff\xfe")
}

func mangle(v any, mark string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\xff\xfe", mark)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = mangle(v[i], mark)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = mangle(e, mark)
		}
		return out
	}
	return v
}
