package eventinput

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const event = `{"version":"0","id":"i","detail-type":"order","source":"shop","time":"2024-05-06T07:08:09Z","resources":["r1","r2"],"detail":{"b":1,"a":{"n":1.50,"s":"say \"hi\""},"list":[{"k":"x"},{"k":"y"},{"o":0}]}}`

func TestPaths(t *testing.T) {
	for path, want := range map[string]string{
		"$":                     event,
		"$.detail.a":            `{"n":1.50,"s":"say \"hi\""}`,
		"$.detail.a.n":          `1.50`,
		"$.detail-type":         `"order"`,
		"$['detail']['b']":      `1`,
		`$["detail"].b`:         `1`,
		"$.resources[1]":        `"r2"`,
		"$.resources[2]":        ``,
		"$.detail.list[*].k":    `["x","y"]`,
		"$.detail.list[*].z":    ``,
		"$.detail.list[1].k":    `"y"`,
		"$.resources.*":         `["r1","r2"]`,
		"$.detail.a.*":          `[1.50,"say \"hi\""]`,
		"$.detail.none":         ``,
		"$.detail.b.c":          ``,
		"$.detail.list.k":       ``,
		"$.detail[0]":           ``,
		"$.detail.list[0][0]":   ``,
		"$.detail.list[*][0]":   ``,
		"$.detail.list[2].o":    `0`,
		"$.detail.list[*]['k']": `["x","y"]`,
	} {
		p, err := ParsePath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if v, ok := p.Get([]byte(event)); string(v) != want || ok != (want != "") {
			t.Errorf("%s: %s (%v), want %s", path, v, ok, want)
		}
	}
	for _, bad := range []string{"", "detail", "$detail", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$['a", "$['a'", "$.a b", "$.a[?(@.b)]", "$" + strings.Repeat(".a", 65)} {
		if _, err := ParsePath(bad); !errors.Is(err, ErrPath) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	paths := map[string]string{"type": "$.detail-type", "a": "$.detail.a", "s": "$.detail.a.s", "n": "$.detail.a.n", "none": "$.detail.none", "k": "$.detail.list[*].k"}
	of := Of{RuleARN: "arn:r", RuleName: "r", Ingested: "2024-05-06T07:08:10Z"}
	for template, want := range map[string]string{
		`"Event of <type> type, from <none>"`:      `"Event of order type, from "`,
		`{"t": <type>, "n": <n>, "x": <none>}`:     `{"t": "order", "n": 1.50, "x": ""}`,
		`{"t": "is <type>", "s": <s>, "q": "<s>"}`: `{"t": "is order", "s": "say \"hi\"", "q": "say \"hi\""}`,
		`{"a": <a>, "k": <k>}`:                     `{"a": {"n":1.50,"s":"say \"hi\""}, "k": ["x","y"]}`,
		`{"k": "<k>"}`:                             `{"k": "[\"x\",\"y\"]"}`,
		`{"rule": <aws.events.rule-arn>, "n": "<aws.events.rule-name>", "at": <aws.events.event.ingestion-time>}`: `{"rule": "arn:r", "n": "r", "at": "2024-05-06T07:08:10Z"}`,
		`{"e": <aws.events.event.json>}`: `{"e": ` + event + `}`,
		`{"e": <aws.events.event>}`:      `{"e": {"version":"0","id":"i","detailType":"order","source":"shop","time":"2024-05-06T07:08:09Z","resources":["r1","r2"]}}`,
		"\"<type> one\"\n\"two <n>\"":    "\"order one\"\n\"two 1.50\"",
		`"a < b and > c <> <d e> d"`:     `"a < b and > c <> <d e> d"`,
		`<a>`:                            `{"n":1.50,"s":"say \"hi\""}`,
		`{"x": "\"<type>\""}`:            `{"x": "\"order\""}`,
	} {
		tm, err := ParseTemplate(paths, template)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if got, err := tm.Fill([]byte(event), of, 1<<20); err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s (%v)\nwant %s", template, got, err, want)
		}
	}
	for _, bad := range []string{``, `no quotes <type>`, `{"a": <unknown>}`, `{"a": <type>`, `{<type>: 1}`, `{"a":1} {"b":2}`} {
		if _, err := ParseTemplate(paths, bad); !errors.Is(err, ErrTemplate) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	var unknown *VariableError
	if _, err := ParseTemplate(paths, `"of <type> by <who> no JSON`); !errors.As(err, &unknown) || unknown.Name != "who" {
		t.Error(err)
	}
	if _, err := ParseTemplate(map[string]string{"aws.x": "$.a"}, `"x"`); !errors.Is(err, ErrTemplate) {
		t.Error(err)
	}
	tm, err := ParseTemplate(paths, `"`+strings.Repeat("<type>", 100)+`"`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tm.Fill([]byte(event), of, 400); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// TestManyPaths fills a template of as many variables as there may be from the depth of an event as large as there may be.
// Were each path to read all levels above its value by itself, that would take minutes.
func TestManyPaths(t *testing.T) {
	const depth = 60
	var detail, template strings.Builder
	detail.WriteString(strings.Repeat(`{"a":`, depth) + "{")
	for i := range 20_000 {
		fmt.Fprintf(&detail, `"n%d":%d,`, i, i)
	}
	detail.WriteString(`"z":0}` + strings.Repeat("}", depth))
	paths := map[string]string{}
	for i := range 100 {
		paths[fmt.Sprint("v", i)] = "$" + strings.Repeat(".a", depth) + fmt.Sprint(".n", i)
		fmt.Fprintf(&template, "<v%d> ", i)
	}
	tm, err := ParseTemplate(paths, `"`+template.String()+`"`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tm.Fill([]byte(detail.String()), Of{}, 1<<20)
	if err != nil || !strings.HasPrefix(string(got), `"0 1 2 3 `) || !strings.HasSuffix(string(got), ` 98 99 "`) {
		t.Errorf("%.200s (%v)", got, err)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("$.detail.a[*]", `{"x": <v>, "y": "<v>"}`, `{"detail":{"a":[1,"x",{"b":null}]}}`)
	f.Add("$['a'][0]", `"<v> and <aws.events.event>"`, `{"a":["\"\\"]}`)
	f.Fuzz(func(t *testing.T, path, template, event string) {
		tm, err := ParseTemplate(map[string]string{"v": path}, template)
		if err != nil {
			if !errors.Is(err, ErrTemplate) && !errors.Is(err, ErrPath) {
				t.Fatal(err)
			}
			return
		}
		var doc map[string]any
		if json.Unmarshal([]byte(event), &doc) != nil {
			return
		}
		out, err := tm.Fill([]byte(event), Of{RuleARN: "a", RuleName: "r", Ingested: "t"}, 1<<16)
		if err != nil {
			if !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if len(out) > 1<<16 {
			t.Fatalf("%d bytes", len(out))
		}
		// What was JSON with its variables in place is JSON with their values.
		d := json.NewDecoder(strings.NewReader(string(out)))
		for d.More() {
			var v any
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%q: %v", out, err)
			}
		}
	})
}
