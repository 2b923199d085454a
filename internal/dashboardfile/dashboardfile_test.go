package dashboardfile

import (
	"encoding/json"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	const file = `# Orders as they come.
start: -PT1H
widgets:
  - type: custom
    x: 0
    y: 0
    width: 12
    height: 7
    properties:
      title: "Paid: by country"
      params:
        sql: |
          SELECT country, sum(amount) AS paid
          FROM orders WHERE amount < 10 AND note <> 'a & b'
          GROUP BY 1
        stacked: true
        ratio: 0.5
        none: null
  - {type: metric, properties: {metrics: [[AWS/Kinesis, IncomingRecords, StreamName, orders], ["...", bills, {stat: Sum}]]}}
`
	const want = `{"start":"-PT1H","widgets":[{"type":"custom","x":0,"y":0,"width":12,"height":7,"properties":{"title":"Paid: by country","params":{` +
		`"sql":"SELECT country, sum(amount) AS paid\nFROM orders WHERE amount < 10 AND note <> 'a & b'\nGROUP BY 1\n","stacked":true,"ratio":0.5,"none":null}}},` +
		`{"type":"metric","properties":{"metrics":[["AWS/Kinesis","IncomingRecords","StreamName","orders"],["...","bills",{"stat":"Sum"}]]}}]}`
	got, err := Body([]byte(file))
	if err != nil || got != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
	}
	text, err := YAML(got)
	if err != nil || !strings.Contains(string(text), "sql: |\n") {
		t.Fatalf("%v\n%s", err, text)
	}
	if again, err := Body(text); err != nil || again != want {
		t.Errorf("%v, read back:\n%s", err, again)
	}
	if got, err := Body([]byte(" {\"widgets\": [ ]}\n")); err != nil || got != `{"widgets":[]}` {
		t.Errorf("JSON: %s, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	for file, want := range map[string]string{
		"":                                  "empty",
		"- a\n- b\n":                        "not a map",
		"a: [1, 2\n":                        "[1:",
		"a: &x 1\nb: *x\n":                  "line 1: anchors",
		"a: 1\na: 2\n":                      "/a is there twice",
		"a: !!binary eA==\n":                "line 1: tags",
		"a: .nan\n":                         "no such number",
		"a: 1\n---\nb: 2\n":                 "one dashboard",
		"a: " + strings.Repeat("[", 50_000): "levels",
		"a: {" + strings.Repeat("b: 1,", 10_000) + "}": "more than 10000 members",
		strings.Repeat("- ", 100_000):                  "levels",
		"a:\n" + strings.Repeat(" ", 300) + "b: 1":     "too deep",
		strings.Repeat("a", MaxSize+1):                 "bytes",
	} {
		if got, err := Body([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %s, %v; want %q", file, got, err, want)
		}
	}
	for _, body := range []string{"{", "{} {}", "", strings.Repeat("[", 100_000)} {
		if _, err := YAML(body); err == nil || !strings.Contains(err.Error(), "not JSON") {
			t.Errorf("%.40q: %v", body, err)
		}
	}
}

// TestManyValues: a small file does not become much memory, of whatever it has many.
func TestManyValues(t *testing.T) {
	for _, many := range []string{"1,", "[],", "'',", "\n- 1", "\n#", "\n  x", "- ", "*a ", "{} ", "\"\" "} {
		file := "a: [" + strings.Repeat(many, MaxSize/len(many)-8) + "]"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Body([]byte(file)); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("%q: %v", many, err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
			t.Errorf("%q: %d bytes were allocated", many, got)
		}
	}
	// A body of as many is written as JSON, and read again.
	body := `{"a":[` + strings.Repeat(`"",`, 100_000) + `""]}`
	text, err := YAML(body)
	if err != nil || !strings.HasPrefix(string(text), "{") {
		t.Fatalf("%.60q, %v", text, err)
	}
	if got, err := Body(text); err != nil || got != body {
		t.Errorf("%.60q, %v", got, err)
	}
}

// TestDeep: a body that is deep and wide does not become a file that is a thousand times as large.
func TestDeep(t *testing.T) {
	deep := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels) + strings.Repeat("1,", 1000) + "1" + strings.Repeat("]", levels) + "}"
	}
	for _, levels := range []int{maxDepth, 5000} {
		text, err := YAML(deep(levels))
		if err != nil || string(text) != deep(levels)+"\n" {
			t.Errorf("%d levels: %d bytes, %v", levels, len(text), err)
		}
	}
	text, err := YAML(deep(maxDepth - 1))
	if err != nil || !same(text, deep(maxDepth-1)) || strings.HasPrefix(string(text), "{") {
		t.Errorf("%.80q, %v", text, err)
	}
}

// FuzzBody reads anything without a crash; what it takes is JSON, and comes back from YAML.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"widgets: []", `{"a": "\r\n x"}`, "a: |\n  b\n c: 1", "? a\n: b", "a: 'x\n\n y'", "{\"a\": 1e999}", "a: 0x1F\nb: 1_000\nc: 2026-01-01"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		body, err := Body(file)
		if err != nil {
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatalf("%q becomes %q", file, body)
		}
		text, err := YAML(body)
		if err != nil {
			return // a number that no program has
		}
		if again, err := Body(text); err != nil || !same([]byte(again), body) {
			t.Fatalf("%q, written as %q, is read as %q: %v", body, text, again, err)
		}
	})
}

func TestServe(t *testing.T) {
	for _, c := range []struct {
		query, in string
		status    int
		want      string
	}{
		{"", "widgets: [] # none yet\n", 200, `{"widgets":[]}`},
		{"?to=yaml", `{"widgets":[]}`, 200, "widgets: []\n"},
		{"", "a: *b", 400, "anchors"},
		{"?to=yaml", "{", 400, "not JSON"},
		{"", strings.Repeat("#", MaxSize+1), 413, "too large"},
	} {
		w := httptest.NewRecorder()
		Serve(w, httptest.NewRequest("POST", "/_brookmere/dashboard-file"+c.query, strings.NewReader(c.in)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%.20q: %d %s, want %d %s", c.in, w.Code, w.Body, c.status, c.want)
		}
	}
}
