package openapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const sample = `
swagger: "2.0"
info: {title: a, version: 2020-01-01}
paths:
  /a/{b}:
    get:
      responses:
        200: {description: ok}
      x-amazon-apigateway-integration:
        timeoutInMillis: 1000
        requestTemplates:
          application/json: |
            {"a": 1}
definitions:
  A: {$ref: "#/definitions/B"}
  B: {type: object}
  C: {$ref: "#/definitions/C"}
`

func TestParse(t *testing.T) {
	d, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	get := Child(Child(Child(d.Root, "paths"), "/a/{b}"), "get")
	if d.Version != 2 || Names(Child(get, "responses"))[0] != "200" || Child(get, "x-amazon-apigateway-integration")["timeoutInMillis"] != 1000.0 {
		t.Errorf("%v", get)
	}
	if got := Text(Child(d.Root, "info"), "version"); got != "2020-01-01" {
		t.Errorf("version %q", got)
	}
	types := Child(d.Root, "definitions")
	if o, err := d.Resolve(types["A"]); err != nil || o["type"] != "object" {
		t.Errorf("%v %v", o, err)
	}
	for _, ref := range []any{types["C"], Object{"$ref": "https://x/y"}, Object{"$ref": "file:///etc/passwd"}, Object{"$ref": "#/none"}} {
		if _, err := d.Resolve(ref); err == nil {
			t.Errorf("%v is followed", ref)
		}
	}
	for _, write := range []func(Object) ([]byte, error){JSON, YAML} {
		b, err := write(d.Root)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(b)
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%v\n%s", err, b)
		}
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for what, text := range map[string]string{
		"nothing": "", "a list": "[]", "no version": "{}", "another version": `{"openapi":"4.0"}`, "broken JSON": `{"swagger":"2.0"`, "deep JSON": deep,
		"deep flow":   "swagger: '2.0'\na: " + strings.Repeat("[", 100_000),
		"deep list":   "swagger: '2.0'\na:\n" + strings.Repeat("- ", 100_000) + "x",
		"an alias":    "swagger: '2.0'\na: &a [x]\nb: *a",
		"deep blocks": "swagger: '2.0'\n" + blocks(2000),
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func blocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"openapi":"3.0.1","paths":{"/":{"$ref":"#/paths/~1"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(d.Root); err != nil {
			t.Errorf("no JSON: %v", err)
		}
		_, _ = d.Resolve(d.Root)
	})
}
