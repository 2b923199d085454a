package jsonpath

import (
	"encoding/json"
	"strings"
	"testing"
)

const sample = `{"a":1,"b":[1,2,{"c":"x"}],"o":{"k":"v","n":null},"e":[],"d":2.5}`

func TestEval(t *testing.T) {
	for path, want := range map[string]string{
		"lax $.a":                            "1",
		"strict $.a":                         "1",
		"lax $.zz":                           "",
		"strict $.zz":                        "error",
		"lax $.b[*]":                         `1 2 {"c":"x"}`,
		"lax $.b[0]":                         "1",
		"lax $.b[last]":                      `{"c":"x"}`,
		"lax $.b[0 to 1]":                    "1 2",
		"lax $.b[last - 1, 0]":               "2 1",
		"lax $.b[9]":                         "",
		"strict $.b[9]":                      "error",
		"lax $.b.c":                          `"x"`,
		"strict $.b.c":                       "error",
		"lax $.a[0]":                         "1",
		"lax $.*":                            `1 [1,2,{"c":"x"}] {"k":"v","n":null} [] 2.5`,
		"lax $..c":                           `"x"`,
		`lax $."o"."k"`:                      `"v"`,
		"lax $.b.size()":                     "3",
		"lax $.o.type()":                     `"object"`,
		"lax $.d.ceiling()":                  "3",
		"lax $.a.double()":                   "1.0",
		"lax $.a + 2 * 3":                    "7",
		"lax -$.a":                           "-1",
		"lax $.b[*] ? (@ > 1)":               "2",
		`lax $.b[*] ? (exists(@.c))`:         `{"c":"x"}`,
		`lax $.b[*] ? (@.c starts with "x")`: `{"c":"x"}`,
		`lax $.b[*] ? (@.c like_regex "^X$" flag "i")`: `{"c":"x"}`,
		"lax $.b[*] ? (@ == 1 || @ == 2)":              "1 2",
		"lax $.b[*] ? (!(@ > 1) && @ < 5)":             "1",
		`lax $.b[*] ? ((@ > "x") is unknown)`:          `1 2 {"c":"x"}`,
		"lax $.o ? (@.n == null).k":                    `"v"`,
		"lax $x * 2":                                   "84",
		"lax $nope":                                    "error",
		"lax $.a / 0":                                  "error",
	} {
		p, err := Parse(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		doc, err := Decode(sample)
		if err != nil {
			t.Fatal(err)
		}
		items, err := p.Eval(doc, map[string]any{"x": json.Number("42")})
		got := "error"
		if err == nil {
			texts := make([]string, len(items))
			for i, v := range items {
				texts[i] = Encode(v)
			}
			got = strings.Join(texts, " ")
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	for _, bad := range []string{"", "$.a", "lax", "lax $.", "lax $[", "lax $ ? (1)", "lax $.a.nope()", `lax $."a`, "lax $.a b"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("lax $.b[*] ? (@ > 1 && exists(@.c)).size()", sample)
	f.Add(`strict $.o."k"[last to 0].keyvalue() - -1`, "[1,{}]")
	f.Fuzz(func(t *testing.T, path, document string) {
		p, err := Parse(path)
		if err != nil {
			return
		}
		doc, err := Decode(document)
		if err != nil {
			return
		}
		items, err := p.Eval(doc, nil)
		if err != nil {
			return
		}
		for _, v := range items {
			if text := Encode(v); !json.Valid([]byte(text)) {
				t.Errorf("%s of %s gives %s", path, document, text)
			}
		}
	})
}
