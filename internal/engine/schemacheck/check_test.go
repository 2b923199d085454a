package schemacheck

import (
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	for _, test := range []struct{ format, text, want string }{
		{"AVRO", `{"type":"record","name":"r","fields":[{"name":"a","type":["null","string"],"default":null}]}`, ""},
		{"AVRO", `"string"`, ""},
		{"AVRO", `{"type":"record","name":"r","fields":[{"name":"next","type":["null","r"]}]}`, ""},
		{"AVRO", `{"type":"record","name":"r","fields":[{"name":"a","type":"nope"}]}`, "undefined name"},
		{"AVRO", `{"type":"record","name":"1r","fields":[]}`, "illegal name"},
		{"AVRO", `{"type":"enum","name":"e","symbols":["A","A"]}`, "illegal symbol"},
		{"AVRO", `{`, "not JSON"},
		{"JSON", `{"type":"object","properties":{"a":{"type":"string"}}}`, ""},
		{"JSON", `{"type":"nope"}`, "type"},
		{"JSON", `{"$ref":"file:///etc/passwd"}`, "not followed"},
		{"PROTOBUF", `syntax = "proto3"; message M { string a = 1; }`, ""},
		{"PROTOBUF", `message {`, "expected"},
		{"PROTOBUF", ``, "neither a message"},
		{"PROTOBUF", strings.Repeat("message M {", 100000), "too deep"},
	} {
		err := Valid(test.format, test.text)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %.80s: %v, want %q", test.format, test.text, err, test.want)
		}
	}
}

func TestCompatible(t *testing.T) {
	avro := func(fields string) string { return `{"type":"record","name":"r","fields":[` + fields + `]}` }
	a, ab := avro(`{"name":"a","type":"int"}`), avro(`{"name":"a","type":"int"},{"name":"b","type":"int"}`)
	abDefault := avro(`{"name":"a","type":"long"},{"name":"b","type":"int","default":0}`)
	js := func(s string) string { return `{"type":"object",` + s + `}` }
	for _, test := range []struct{ format, mode, was, is, want string }{
		{"AVRO", "BACKWARD", a, ab, "no default"},
		{"AVRO", "BACKWARD", a, abDefault, ""},
		{"AVRO", "FORWARD", a, ab, ""},
		{"AVRO", "FORWARD", a, abDefault, "long cannot be read as int"},
		{"AVRO", "FULL", a, ab, "no default"},
		{"AVRO", "NONE", a, `"string"`, ""},
		{"AVRO", "BACKWARD", avro(`{"name":"a","type":"string"}`), avro(`{"name":"a","type":["null","string"]}`), ""},
		{"AVRO", "FORWARD", avro(`{"name":"a","type":"string"}`), avro(`{"name":"a","type":["null","string"]}`), "null cannot be read"},
		{"AVRO", "BACKWARD", `{"type":"enum","name":"e","symbols":["A","B"]}`, `{"type":"enum","name":"e","symbols":["A"]}`, "symbol B is missing"},
		{"JSON", "BACKWARD", js(`"properties":{"a":{"type":"integer"}}`), js(`"properties":{"a":{"type":"number"}}`), ""},
		{"JSON", "FORWARD", js(`"properties":{"a":{"type":"integer"}}`), js(`"properties":{"a":{"type":"number"}}`), "number is not allowed"},
		{"JSON", "BACKWARD", js(`"properties":{"a":{}}`), js(`"properties":{"a":{}},"required":["a"]`), "required and was not"},
		{"JSON", "BACKWARD", js(`"properties":{"a":{"enum":[1,2]}}`), js(`"properties":{"a":{"enum":[1]}}`), "not allowed any more"},
		{"JSON", "BACKWARD", js(`"properties":{"a":{}}`), js(`"properties":{"a":{}},"additionalProperties":false`), "nothing is allowed"},
		{"JSON", "BACKWARD", js(`"properties":{"a":{"maximum":9}}`), js(`"properties":{"a":{"maximum":5}}`), "stricter"},
		{"PROTOBUF", "BACKWARD", `message M {}`, `message N {}`, "not checked"},
	} {
		err := Compatible(test.format, test.mode, test.is, []string{test.was})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s %s -> %s: %v, want %q", test.format, test.mode, test.was, test.is, err, test.want)
		}
	}
	if err := Compatible("AVRO", "BACKWARD_ALL", abDefault, []string{`"string"`, ab}); err == nil {
		t.Error("BACKWARD_ALL looks at the last version alone")
	}
}

func FuzzCompatible(f *testing.F) {
	f.Add("AVRO", `["null",{"type":"array","items":"int"}]`, `{"type":"map","values":"bytes"}`)
	f.Add("JSON", `{"items":{"type":"string"}}`, `{"properties":{"a":{"minimum":1e400}}}`)
	f.Add("PROTOBUF", `message M { map<string, int32> a = 1; }`, ``)
	f.Fuzz(func(t *testing.T, format, a, b string) {
		if Valid(format, a) == nil && Valid(format, b) == nil {
			_ = Compatible(format, "FULL_ALL", a, []string{b, a})
		}
	})
}
