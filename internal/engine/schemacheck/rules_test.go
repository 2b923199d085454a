package schemacheck

import (
	"strings"
	"testing"
)

// TestRules goes through the rules of the three formats: what of a new version (is) reads what of the versions before it
// (was, the newest last). The last word says what is wrong, "" that nothing is.
func TestRules(t *testing.T) {
	rec := func(fields string) string { return `{"type":"record","name":"r","fields":[` + fields + `]}` }
	a := rec(`{"name":"a","type":"int"}`)
	f := func(typ string) string { return rec(`{"name":"a","type":` + typ + `}`) }
	opt := rec(`{"name":"a","type":"int"},{"name":"b","type":["null","string"],"default":null}`)
	obj := func(s string) string { return `{"type":"object",` + s + `}` }
	str := obj(`"properties":{"a":{"type":"string"}}`)
	p2 := func(s string) string { return `syntax="proto2"; message M { ` + s + ` }` }
	p3 := func(s string) string { return `syntax="proto3"; message M { ` + s + ` }` }
	for _, test := range []struct {
		format, mode string
		was          []string
		is, want     string
	}{
		// Avro: fields.
		{"AVRO", "BACKWARD", []string{opt}, a, ""}, // a field goes: its data are skipped
		{"AVRO", "FORWARD", []string{opt}, a, ""},  // its default stands in
		{"AVRO", "FULL", []string{a}, opt, ""},     // an optional field comes
		{"AVRO", "FORWARD", []string{a}, rec(`{"name":"b","type":"int","default":0}`), "field a is missing"},
		{"AVRO", "BACKWARD", []string{a}, rec(`{"name":"b","aliases":["a"],"type":"int"}`), ""},
		{"AVRO", "BACKWARD", []string{rec(`{"name":"a","type":"int"},{"name":"b","type":"int"}`)}, rec(`{"name":"b","type":"int"},{"name":"a","type":"int"}`), ""},
		{"AVRO", "BACKWARD", []string{a}, strings.Replace(a, `"r"`, `"other"`, 1), "name"},
		{"AVRO", "BACKWARD", []string{a}, `{"type":"record","name":"other","aliases":["r"],"fields":[{"name":"a","type":"int"}]}`, ""},
		// Avro: promotions.
		{"AVRO", "BACKWARD", []string{f(`"int"`)}, f(`"double"`), ""},
		{"AVRO", "BACKWARD", []string{f(`"float"`)}, f(`"double"`), ""},
		{"AVRO", "BACKWARD", []string{f(`"double"`)}, f(`"float"`), "cannot be read"},
		{"AVRO", "BACKWARD", []string{f(`"long"`)}, f(`"int"`), "cannot be read"},
		{"AVRO", "FULL", []string{f(`"string"`)}, f(`"bytes"`), ""},
		{"AVRO", "BACKWARD", []string{f(`"boolean"`)}, f(`"int"`), "cannot be read"},
		{"AVRO", "BACKWARD", []string{f(`"int"`)}, f(`{"type":"int","logicalType":"date"}`), ""},
		// Avro: unions.
		{"AVRO", "BACKWARD", []string{f(`["null","int"]`)}, f(`["null","int","string"]`), ""},
		{"AVRO", "BACKWARD", []string{f(`["null","int","string"]`)}, f(`["null","int"]`), "string"},
		{"AVRO", "BACKWARD", []string{f(`["int","string"]`)}, f(`["string","long"]`), ""},
		{"AVRO", "BACKWARD", []string{f(`["null","int"]`)}, f(`"int"`), "null"},
		// Avro: enumerations, fixed, collections, records within records.
		{"AVRO", "BACKWARD", []string{f(`{"type":"enum","name":"e","symbols":["A"]}`)}, f(`{"type":"enum","name":"e","symbols":["A","B"]}`), ""},
		{"AVRO", "FORWARD", []string{f(`{"type":"enum","name":"e","symbols":["A"]}`)}, f(`{"type":"enum","name":"e","symbols":["A","B"]}`), "symbol B"},
		{"AVRO", "FORWARD", []string{f(`{"type":"enum","name":"e","symbols":["A"],"default":"A"}`)}, f(`{"type":"enum","name":"e","symbols":["A","B"]}`), ""},
		{"AVRO", "BACKWARD", []string{f(`{"type":"fixed","name":"x","size":4}`)}, f(`{"type":"fixed","name":"x","size":8}`), "fixed"},
		{"AVRO", "BACKWARD", []string{f(`{"type":"array","items":"int"}`)}, f(`{"type":"array","items":"long"}`), ""},
		{"AVRO", "BACKWARD", []string{f(`{"type":"map","values":"int"}`)}, f(`{"type":"array","items":"int"}`), "cannot be read"},
		{"AVRO", "BACKWARD", []string{f(`{"type":"record","name":"in","fields":[]}`)}, f(`{"type":"record","name":"in","fields":[{"name":"z","type":"int"}]}`), "z"},
		// Avro: all versions, the last alone, none.
		{"AVRO", "BACKWARD_ALL", []string{f(`"string"`), f(`"int"`)}, f(`"long"`), "string"},
		{"AVRO", "BACKWARD", []string{f(`"string"`), f(`"int"`)}, f(`"long"`), ""},
		{"AVRO", "FORWARD_ALL", []string{f(`"int"`), f(`"long"`)}, f(`"long"`), "long cannot be read as int"},
		{"AVRO", "FULL_ALL", []string{a, opt}, opt, ""},
		{"AVRO", "FULL_ALL", []string{rec(``), a}, a, "a"},
		{"AVRO", "DISABLED", []string{a}, `"int"`, ""},

		// JSON Schema.
		{"JSON", "BACKWARD", []string{str}, obj(`"properties":{"a":{"type":["string","null"]}}`), ""},
		{"JSON", "FORWARD", []string{str}, obj(`"properties":{"a":{"type":["string","null"]}}`), "null"},
		{"JSON", "FULL", []string{str}, obj(`"description":"x","properties":{"a":{"type":"string","title":"y"}}`), ""},
		{"JSON", "BACKWARD", []string{str}, obj(`"properties":{"a":{"type":"integer"}}`), "string"},
		{"JSON", "BACKWARD", []string{obj(`"required":["a"],"properties":{"a":{"type":"string"}}`)}, str, ""},
		{"JSON", "FORWARD", []string{obj(`"required":["a"],"properties":{"a":{"type":"string"}}`)}, str, "required"},
		{"JSON", "BACKWARD", []string{obj(`"properties":{"a":{"type":"string","maxLength":5}}`)}, obj(`"properties":{"a":{"type":"string","maxLength":9}}`), ""},
		{"JSON", "BACKWARD", []string{obj(`"properties":{"a":{"type":"string","maxLength":9}}`)}, obj(`"properties":{"a":{"type":"string","maxLength":5}}`), "maxLength"},
		{"JSON", "BACKWARD", []string{obj(`"properties":{"a":{"enum":["x"]}}`)}, obj(`"properties":{"a":{"enum":["x","y"]}}`), ""},
		{"JSON", "BACKWARD", []string{obj(`"properties":{"a":{"type":"array","items":{"type":"integer"}}}`)}, obj(`"properties":{"a":{"type":"array","items":{"type":"string"}}}`), "integer"},
		{"JSON", "BACKWARD_ALL", []string{str, obj(`"properties":{"a":{"type":"integer"}}`)}, obj(`"properties":{"a":{"type":"number"}}`), "string"},

		// Protocol Buffers.
		{"PROTOBUF", "BACKWARD", []string{`syntax="proto3"; message M { int32 a = 1; string b = 2; }`}, `syntax="proto3"; message M { int32 a = 1; }`, ""},
		{"PROTOBUF", "FULL", []string{`syntax="proto3"; message M { int32 a = 1; }`}, `syntax="proto3"; message M { int32 a = 1; optional string b = 2; }`, ""},
		{"PROTOBUF", "FULL", []string{`syntax="proto3"; message M { int32 a = 1; }`}, `syntax="proto3"; message M { uint32 a = 1; }`, ""},
		{"PROTOBUF", "BACKWARD", []string{`syntax="proto3"; message M { int32 a = 1; }`}, `syntax="proto3"; message M { fixed32 a = 1; }`, "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{`syntax="proto3"; message M { repeated string a = 1; }`}, `syntax="proto3"; message M { string a = 1; }`, ""}, // the last one counts
		{"PROTOBUF", "BACKWARD", []string{`syntax="proto3"; message M { message N { int32 a = 1; } N n = 1; }`}, `syntax="proto3"; message M { string n = 1; }`, "cannot be read"},
		// Protocol Buffers: fields that are required, as the guide of the registry has them for its modes.
		{"PROTOBUF", "BACKWARD", []string{p2(`required string a = 1; required string b = 2;`)}, p2(`required string a = 1;`), ""},
		{"PROTOBUF", "BACKWARD", []string{p2(`required string a = 1;`)}, p2(`required string a = 1; required string z = 2;`), "required"},
		{"PROTOBUF", "BACKWARD", []string{p2(`required string a = 1;`)}, p2(`required string a = 1; optional string z = 2;`), ""},
		{"PROTOBUF", "BACKWARD", []string{p2(`optional string a = 1;`)}, p2(`required string a = 1;`), "required"},
		{"PROTOBUF", "FORWARD", []string{p2(`required string a = 1;`)}, p2(`required string a = 1; required string z = 2;`), ""},
		{"PROTOBUF", "FORWARD", []string{p2(`required string a = 1; required string b = 2;`)}, p2(`required string b = 2;`), "required"},
		{"PROTOBUF", "FORWARD", []string{p2(`required string a = 1; optional string b = 2;`)}, p2(`required string a = 1;`), ""},
		{"PROTOBUF", "FORWARD", []string{p2(`required string a = 1;`)}, p2(`optional string a = 1;`), "required"},
		{"PROTOBUF", "FULL", []string{p2(`required string a = 1; optional string b = 2;`)}, p2(`required string a = 1; optional string c = 3;`), ""},
		{"PROTOBUF", "FULL", []string{p2(`required string a = 1;`)}, p2(`required string a = 1; required string z = 2;`), "required"},
		{"PROTOBUF", "FULL", []string{p2(`required string a = 1; required string b = 2;`)}, p2(`required string a = 1;`), "required"},
		// Protocol Buffers: all versions, the last alone.
		{"PROTOBUF", "BACKWARD", []string{p3(`string a = 1;`), p3(`string b = 2;`)}, p3(`int32 a = 1; string b = 2;`), ""},
		{"PROTOBUF", "BACKWARD_ALL", []string{p3(`string a = 1;`), p3(`string b = 2;`)}, p3(`int32 a = 1; string b = 2;`), "cannot be read"},
		{"PROTOBUF", "FORWARD_ALL", []string{p2(`required string a = 1;`), p2(`required string a = 1; optional string b = 2;`)}, p2(`required string a = 1;`), ""},
		{"PROTOBUF", "FORWARD_ALL", []string{p2(`required string a = 1;`), p2(`optional string a = 1;`)}, p2(`optional string a = 1;`), "required"},
		{"PROTOBUF", "FULL_ALL", []string{p3(`int32 a = 1;`), p3(`int32 a = 1; string b = 2;`)}, p3(`int32 a = 1; string c = 3;`), ""},
		{"PROTOBUF", "NONE", []string{p3(`int32 a = 1;`)}, p3(`string a = 1;`), ""},
		// Protocol Buffers: numbers make fields, names do not.
		{"PROTOBUF", "FULL", []string{p3(`int32 a = 1;`)}, p3(`int32 renamed = 1;`), ""},
		{"PROTOBUF", "FULL", []string{p3(`int32 a = 1;`)}, p3(`int32 a = 2;`), ""},
		{"PROTOBUF", "FULL", []string{p3(`int32 a = 1; string b = 2;`)}, p3(`reserved 2; reserved "b"; int32 a = 1;`), ""},
		{"PROTOBUF", "BACKWARD", []string{p3(`int32 a = 1; string b = 2;`)}, p3(`int32 b = 2; string a = 1;`), "cannot be read"},
		// Protocol Buffers: types that are alike on the wire, and that are not.
		{"PROTOBUF", "FULL", []string{p3(`string a = 1;`)}, p3(`bytes a = 1;`), ""},
		{"PROTOBUF", "FULL", []string{p3(`sint32 a = 1;`)}, p3(`sint64 a = 1;`), ""},
		{"PROTOBUF", "FULL", []string{p3(`fixed64 a = 1;`)}, p3(`sfixed64 a = 1;`), ""},
		{"PROTOBUF", "FULL", []string{p3(`E a = 1; enum E { X = 0; }`)}, p3(`int32 a = 1; enum E { X = 0; Y = 1; }`), ""},
		{"PROTOBUF", "BACKWARD", []string{p3(`int32 a = 1;`)}, p3(`sint32 a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p3(`float a = 1;`)}, p3(`double a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p3(`fixed32 a = 1;`)}, p3(`fixed64 a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p3(`int64 a = 1;`)}, p3(`string a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p3(`repeated int32 a = 1;`)}, p3(`int32 a = 1;`), "repeated"},
		{"PROTOBUF", "FULL", []string{p3(`N a = 1; message N { int32 x = 1; }`)}, p3(`repeated N a = 1; message N { int32 x = 1; }`), ""},
		{"PROTOBUF", "FULL", []string{p3(`map<string, int32> a = 1;`)}, p3(`map<string, int64> a = 1;`), ""},
		{"PROTOBUF", "BACKWARD", []string{p3(`map<string, int32> a = 1;`)}, p3(`map<int32, int32> a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p3(`map<string, int32> a = 1;`)}, p3(`string a = 1;`), "cannot be read"},
		{"PROTOBUF", "BACKWARD", []string{p2(`optional group G = 1 { optional int32 b = 1; }`)}, p2(`optional G g = 1; message G { optional int32 b = 1; }`), "group G"},
		// Protocol Buffers: messages within messages, of other names, in other packages.
		{"PROTOBUF", "BACKWARD", []string{p3(`N a = 1; message N { int32 x = 1; }`)}, p3(`N a = 1; message N { string x = 1; }`), "M.N"},
		{"PROTOBUF", "BACKWARD", []string{p3(`N a = 1; message N { int32 x = 1; }`)}, p3(`O a = 1; message O { int32 x = 1; }`), "N cannot be read as O"},
		{"PROTOBUF", "FULL", []string{`syntax="proto3"; package one; message M { N n = 1; } message N { int32 a = 1; }`}, `syntax="proto3"; package two; message M { .two.N n = 1; } message N { int32 a = 1; }`, ""},
		{"PROTOBUF", "BACKWARD", []string{`syntax="proto3"; message M { int32 a = 1; } message N { int32 a = 1; }`}, p3(`int32 a = 1;`), "N is missing"},
		// A field of a new message: the registry takes it as BACKWARD and refuses it as FORWARD, wherever the message stands.
		{"PROTOBUF", "BACKWARD", []string{p3(`int32 foo = 1;`)}, p3(`int32 foo = 1; optional C at = 3; message C { double x = 10; }`), ""},
		{"PROTOBUF", "FORWARD", []string{p3(`int32 foo = 1;`)}, p3(`int32 foo = 1; optional C at = 3; message C { double x = 10; }`), "M.C is missing"},
		{"PROTOBUF", "FORWARD", []string{p3(`int32 foo = 1;`)}, `syntax="proto3"; message C { optional double x = 10; } message M { int32 foo = 1; optional C at = 3; }`, "C is missing"},
		{"PROTOBUF", "FORWARD", []string{p3(`int32 foo = 1;`)}, p3(`int32 foo = 1; optional double at = 3;`), ""},
		// Protocol Buffers: oneof.
		{"PROTOBUF", "FULL", []string{p3(`int32 a = 1;`)}, p3(`oneof x { int32 a = 1; string b = 2; }`), ""},
		{"PROTOBUF", "BACKWARD", []string{p3(`int32 a = 1; string b = 2;`)}, p3(`oneof x { int32 a = 1; string b = 2; }`), "oneof x"},
		{"PROTOBUF", "FORWARD", []string{p3(`int32 a = 1; string b = 2;`)}, p3(`oneof x { int32 a = 1; string b = 2; }`), ""},
		{"PROTOBUF", "FULL_ALL", []string{`syntax="proto3"; message M { bool a = 1; }`, `syntax="proto3"; message M { int32 a = 1; }`}, `syntax="proto3"; message M { int64 a = 1; }`, ""},
	} {
		for _, s := range append([]string{test.is}, test.was...) {
			if err := Valid(test.format, s); err != nil {
				t.Errorf("%s %s: %v", test.format, s, err)
			}
		}
		err := Compatible(test.format, test.mode, test.is, test.was)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s %s -> %s: %v, want %q", test.format, test.mode, test.was, test.is, err, test.want)
		}
	}
	// Definitions that the formats' own parsers take.
	for _, test := range []struct{ format, text string }{
		{"AVRO", rec(`{"name":"a","type":["null","int"],"default":5}`)}, // of any branch, as Avro's library has it
		{"AVRO", rec(`{"name":"a","type":{"type":"map","values":{"type":"array","items":"double"}},"default":{"x":[1,2.5]}}`)},
		{"AVRO", rec(`{"name":"a","type":{"type":"record","name":"in","fields":[{"name":"z","type":"int","default":1}]},"default":{}}`)},
		{"AVRO", rec(`{"name":"a","type":{"type":"fixed","name":"x","size":1},"default":"\u0000"}`)},
		{"PROTOBUF", `syntax="proto3"; import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp at = 1; }`},
		{"PROTOBUF", `syntax="proto2"; message M { required int32 a = 1; optional group G = 2 { optional int32 b = 1; } extensions 100 to 199; }`},
		{"PROTOBUF", `syntax="proto3"; package p; message M { .p.M next = 1; p.E e = 2; map<string, E> m = 3; oneof x { int32 y = 4; M z = 5; } } enum E { option allow_alias = true; A = 0; B = 0; }`},
	} {
		if err := Valid(test.format, test.text); err != nil {
			t.Errorf("%s %s: %v", test.format, test.text, err)
		}
	}
	// Definitions that they refuse.
	for _, test := range []struct{ format, text, want string }{
		{"AVRO", rec(`{"name":"a","type":"int"},{"name":"a","type":"int"}`), "a"},
		{"AVRO", rec(`{"name":"a","type":"int","default":"x"}`), "default"},
		{"AVRO", rec(`{"name":"a","type":["null","int"],"default":"x"}`), "default"},
		{"AVRO", rec(`{"name":"a","type":"int","default":4294967296}`), "default"},
		{"AVRO", rec(`{"name":"a","type":{"type":"enum","name":"e","symbols":["A"]},"default":"B"}`), "default"},
		{"AVRO", rec(`{"name":"a","type":{"type":"array","items":"int"},"default":{}}`), "default"},
		{"AVRO", rec(`{"name":"a","type":{"type":"record","name":"in","fields":[{"name":"z","type":"int"}]},"default":{}}`), "default"},
		{"AVRO", f(`["int",["null"]]`), "union"},
		{"AVRO", f(`["int","int"]`), "union"},
		{"AVRO", f(`{"type":"record","name":"r","fields":[]}`), "r"},
		{"AVRO", f(`{"type":"fixed","name":"x"}`), "size"},
		{"AVRO", f(`{"type":"fixed","name":"x","size":-1}`), "size"},
		{"AVRO", `{"type":"enum","name":"e","symbols":["A"],"default":"B"}`, "default"},
		{"AVRO", `{"type":"record","name":"r"}`, "fields"},
		{"JSON", `{"type":"object"`, "JSON"},
		{"JSON", `{"properties":[]}`, "properties"},
		{"JSON", `{"pattern":"("}`, "pattern"},
		{"PROTOBUF", `syntax="proto3"; message M { int32 a = 1; int32 b = 1; }`, "1"},
		{"PROTOBUF", `syntax="proto3"; message M { Nope a = 1; }`, "Nope"},
		{"PROTOBUF", `syntax="proto3"; message M { int32 a = 0; }`, "0"},
		{"PROTOBUF", `syntax="proto3"; message M { int32 a = 19000; }`, "19000"},
		{"PROTOBUF", `syntax="proto3"; message M { required int32 a = 1; }`, "required"},
		{"PROTOBUF", `syntax="proto3"; message M { reserved 1; int32 a = 1; }`, "reserved"},
		{"PROTOBUF", `syntax="proto3"; message M { reserved 4 to max; reserved "b"; int32 b = 1; }`, "reserved"},
		{"PROTOBUF", `syntax="proto3"; message M { int32 a = 1; oneof x { string a = 2; } }`, "twice"},
		{"PROTOBUF", `syntax="proto3"; message M { map<double, string> a = 1; }`, "keys"},
		{"PROTOBUF", `syntax="proto3"; message M { message N {} N n = 1; } message O { N n = 1; }`, "N"},
		{"PROTOBUF", `syntax="proto3"; enum E { A = 1; }`, "must be 0"},
		{"PROTOBUF", `syntax="proto3"; enum E { A = 0; B = 0; }`, "number 0"},
		{"PROTOBUF", `message M {} message M {}`, "twice"},
	} {
		if err := Valid(test.format, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %v, want %q", test.format, test.text, err, test.want)
		}
	}
}

// TestDefaultsOfManyBranches: a default that could be of two branches at each of many depths is told soon.
func TestDefaultsOfManyBranches(t *testing.T) {
	value := `{"f":` + strings.Repeat(`{"f":`, 150) + `1` + strings.Repeat(`}`, 150) + `}`
	schema := `{"type":"record","name":"a","fields":[{"name":"f","type":["null",{"type":"record","name":"b","fields":[{"name":"f","type":["null","a","b"],"default":` + value + `}]},"a"]}]}`
	if err := Valid("AVRO", schema); err == nil || !strings.Contains(err.Error(), "default") {
		t.Errorf("%v", err)
	}
}
