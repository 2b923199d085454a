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
		{"PROTOBUF", "BACKWARD", `message M {}`, `message N {}`, "message M is missing"},
		{"PROTOBUF", "FORWARD", `message M {}`, `message M {} message N {}`, "message N is missing"},
		{"PROTOBUF", "FULL", `message M { int32 a = 1; }`, `message M { int64 renamed = 1; string b = 2; }`, ""},
		{"PROTOBUF", "FULL", `message M { int32 a = 1; string b = 2; }`, `message M { int32 a = 1; reserved 2; }`, ""},
		{"PROTOBUF", "BACKWARD", `message M { int32 a = 1; }`, `message M { string a = 1; }`, "field 1 of M: int32 cannot be read as string"},
		{"PROTOBUF", "BACKWARD", `message M { int32 a = 1; }`, `message M { sint32 a = 1; }`, "cannot be read as sint32"},
		{"PROTOBUF", "FULL", `message M { string a = 1; }`, `message M { bytes a = 1; }`, ""},
		{"PROTOBUF", "FULL", `enum E { X = 0; } message M { E a = 1; }`, `enum E { X = 0; Y = 1; } message M { int32 a = 1; }`, ""},
		{"PROTOBUF", "BACKWARD", `syntax = "proto2"; message M { }`, `syntax = "proto2"; message M { required int32 a = 1; }`, "required and was not"},
		{"PROTOBUF", "FORWARD", `syntax = "proto2"; message M { }`, `syntax = "proto2"; message M { required int32 a = 1; }`, ""},
		{"PROTOBUF", "BACKWARD", `message M { int32 a = 1; }`, `message M { repeated int32 a = 1; }`, "repeated"},
		{"PROTOBUF", "BACKWARD", `message M { map<string, int32> a = 1; }`, `message M { map<string, string> a = 1; }`, "map<string,int32> cannot be read as map<string,string>"},
		{"PROTOBUF", "BACKWARD", `message M { N n = 1; message N { int32 a = 1; } }`, `message M { N n = 1; message N { bool b = 2; double a = 1; } }`, "field 1 of M.N"},
		{"PROTOBUF", "FULL", `package p; message M { .p.N n = 1; } message N { int32 a = 1; }`, `package p; message M { N n = 1; } message N { int32 a = 1; }`, ""},
		{"PROTOBUF", "BACKWARD", `message M { N n = 1; } message N { } message O { }`, `message M { O n = 1; } message N { } message O { }`, "N cannot be read as O"},
		{"PROTOBUF", "BACKWARD", `message M { int32 a = 1; int32 b = 2; }`, `message M { oneof x { int32 a = 1; int32 b = 2; } }`, "oneof x of M"},
		{"PROTOBUF", "BACKWARD", `message M { int32 a = 1; }`, `message M { oneof x { int32 a = 1; int32 b = 2; } }`, ""},
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
