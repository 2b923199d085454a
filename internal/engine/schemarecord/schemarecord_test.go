package schemarecord

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

const id = "0123456789abcdef"

// readings is a schema whose messages are numbered by their full names: x.Other, x.Reading, x.Reading.ByEntry (of the map)
// and x.Reading.Inner.
const readings = `syntax = "proto3"; package x;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/duration.proto";
message Reading {
  message Inner { int32 a = 1; }
  enum Kind { UNKNOWN = 0; GOOD = 1; }
  string patient = 2;
  sint64 rate = 1;
  optional int32 note = 3;
  repeated int32 many = 4;
  Inner inner = 5;
  map<string, Inner> by = 6;
  Kind kind = 7;
  double share = 8;
  bytes raw = 9;
  google.protobuf.Timestamp at = 10;
  google.protobuf.Int64Value held = 11;
  google.protobuf.Struct any = 12;
  google.protobuf.Duration took = 13;
  oneof one { string s = 14; uint64 u = 15; }
  bool ok = 16;
}
message Other { repeated Reading all = 1; Other inner = 2; }`

func reader(format, definition string) *Reader {
	return &Reader{Lookup: func(version string) (Schema, error) {
		if version != "30313233-3435-3637-3839-616263646566" {
			return Schema{}, errors.New("there is no such version")
		}
		return Schema{format, definition}, nil
	}}
}

func message(number uint64, fields ...[]byte) []byte {
	return append(binary.AppendUvarint([]byte("\x03\x00"+id), number), bytes.Join(fields, nil)...)
}

func number(n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
}

func block(n protowire.Number, v ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), bytes.Join(v, nil))
}

func TestProtobuf(t *testing.T) {
	full := [][]byte{
		block(2, []byte(`p"1`)), number(1, protowire.EncodeZigZag(-7)), number(3, 0), block(4, []byte{1, 2}), number(4, 3), block(5, number(1, 5)),
		block(6, block(1, []byte("k")), block(2, number(1, 6))), number(7, 1), protowire.AppendFixed64(protowire.AppendTag(nil, 8, protowire.Fixed64Type), 0x3ff0000000000000),
		block(9, []byte{0xff}), block(10, number(1, 86400), number(2, 1000)), block(11, number(1, 9)),
		block(12, block(1, block(1, []byte("x")), block(2, block(3, []byte("y"))))), block(13, number(1, 1), number(2, 500_000_000)), number(15, 1<<63), number(16, 1), number(99, 1),
	}
	zipped := func(b []byte) []byte {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		z.Write(b[18:])
		z.Close()
		return append([]byte("\x03\x05"+id), out.Bytes()...)
	}
	const empty = `{"patient":"","rate":0,"many":[],"by":{},"kind":"UNKNOWN","share":0.0,"raw":"","ok":false}`
	const wanted = `{"patient":"p\"1","rate":-7,"note":0,"many":[1,2,3],"inner":{"a":5},"by":{"k":{"a":6}},"kind":"GOOD","share":1.0,"raw":"/w==",` +
		`"at":"1970-01-02 00:00:00.000001","held":9,"any":{"x":"y"},"took":"1.500s","u":9223372036854775808,"ok":true}`
	for _, x := range []struct {
		name   string
		record []byte
		want   string // beginning with ! an error that holds it
	}{
		{"full", message(1, full...), wanted},
		{"compressed", zipped(message(1, full...)), wanted},
		{"empty", message(1), empty},
		{"the last of a number counts", message(1, number(1, 2), number(1, 4), number(7, 1), number(7, 5)), strings.NewReplacer(`"rate":0`, `"rate":2`, `"UNKNOWN"`, `"5"`).Replace(empty)},
		{"nested by its own number", message(3, number(1, 8)), `{"a":8}`},
		{"other", message(0, block(1), block(2)), `{"all":[` + empty + `],"inner":{"all":[]}}`},
		{"no such message", message(4), "!names no message"},
		{"no number", []byte("\x03\x00" + id + "\xff"), "!names no message"},
		{"torn", message(1, []byte{0x12, 9, 'x'}), "!"},
		{"text that is not UTF-8", message(1, block(2, []byte{0xff})), "!"},
		{"time out of range", message(1, block(10, number(1, 1<<60))), "!out of range"},
		{"another version", []byte("\x03\x00fedcba9876543210\x01"), "!no such version"},
		{"no header", []byte{1, 2}, "!names no schema"},
	} {
		out, err := reader("PROTOBUF", readings).AppendJSON([]byte("was"), x.record)
		if message, bad := strings.CutPrefix(x.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), message) || string(out) != "was" {
				t.Errorf("%s: %q, %v", x.name, out, err)
			}
		} else if err != nil || string(out) != "was"+x.want {
			t.Errorf("%s: %v\n got %s\nwant %s", x.name, err, out, "was"+x.want)
		}
	}
}

// TestEncoded: a record whose schema is JSON, or cannot be had, is its text.
func TestEncoded(t *testing.T) {
	const other = "\x03\x00fedcba9876543210"
	for _, x := range []struct {
		format, record string
		want           bool
	}{
		{"JSON", "\x03\x00" + id + `{"a":1}`, false},
		{"PROTOBUF", "\x03\x00" + id + "\x01", true},
		{"AVRO", "\x03\x00" + id + "\x01", true}, // the definition is none: an error
		{"JSON", other + ` {"a":1}`, false},
		{"JSON", other + "\x01", true},
		{"PROTOBUF", `{"a":1}`, false},
		{"PROTOBUF", "", false},
	} {
		if got := reader(x.format, readings).Encoded([]byte(x.record)); got != x.want {
			t.Errorf("%s %q: %v", x.format, x.record, got)
		}
	}
}

func TestDefinitions(t *testing.T) {
	for _, x := range []struct{ format, definition, want string }{
		{"PROTOBUF", readings, ""},
		{"PROTOBUF", `syntax = "proto2"; message A { required int32 a = 1; optional group G = 2 { optional int32 b = 1; } }`, ""},
		{"PROTOBUF", `syntax = "proto3"; enum E { A = 0; }`, "no message"},
		{"PROTOBUF", `syntax = "proto3"; import "google/type/date.proto"; message A { google.type.Date d = 1; }`, "google/protobuf alone"},
		{"PROTOBUF", `syntax = "proto3"; message A { Missing a = 1; }`, "Missing"},
		{"PROTOBUF", "message {", "syntax error"},
		{"PROTOBUF", "// " + strings.Repeat("x", maxDefinition), "more than"},
		{"AVRO", `"string"`, "not a record"},
		{"AVRO", `{`, "unknown type"},
		{"CSV", "", "cannot be read"},
	} {
		err := Schema{x.format, x.definition}.Check()
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.60s: %v", x.definition, err)
		}
	}
}

// TestLargeDefinitions: a definition that would take very much memory for its size is refused before it does; one that only looks
// like that is not.
func TestLargeDefinitions(t *testing.T) {
	numbered := func(n int, text string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i+1)))
		}
		return b.String()
	}
	const option = `syntax = "proto3"; import "google/protobuf/descriptor.proto"; message M { M m = 1; string s = 2; }
		extend google.protobuf.MessageOptions { M o = 50000; } message A { option (o) = `
	long := strings.Repeat("x", 80000)
	for _, x := range []struct {
		what, definition string
		bad              bool
	}{
		{"options within one another", option + strings.Repeat("{m", 40000) + "{}" + strings.Repeat("}", 40000) + "; }", true},
		{"options in the other brackets", option + "{" + strings.Repeat("m<", 40000) + strings.Repeat(">", 40000) + "}; }", true},
		{"fields of a long name", `syntax = "proto3"; message ` + long + " {" + numbered(5000, "bool a# = #;") + "}", true},
		{"values of an enumeration in one", `syntax = "proto3"; message ` + long + " { enum E { Z = 0;" + numbered(5000, "A# = #;") + "} }", true},
		{"a long comment before many fields", `syntax = "proto3"; /* ` + long + " */ // { \n\nmessage A {" + numbered(5000, "bool a# = #; // {\n") + "}", false},
		{"brackets in texts", option + `{s: "` + strings.Repeat(`{\"`, 500) + `"}; }`, false},
		{"options a few deep", option + strings.Repeat("{m", 50) + "{}" + strings.Repeat("}", 50) + "; }", false},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Schema{"PROTOBUF", x.definition}.Check()
		runtime.ReadMemStats(&after)
		if !x.bad && err != nil || x.bad && !errors.Is(err, errDefinition) {
			t.Errorf("%s: %v", x.what, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; x.bad && took > 1<<20 {
			t.Errorf("%s: %d MiB", x.what, took>>20)
		}
	}
}

// TestLargeInMemory: a small record of very many values is refused before they take the memory.
func TestLargeInMemory(t *testing.T) {
	for name, record := range map[string][]byte{
		"messages": message(0, bytes.Repeat(block(1), 1<<20)),
		"packed":   message(1, block(4, bytes.Repeat([]byte{0}, 4<<20))),
		"maps":     message(1, bytes.Repeat(block(6), 1<<20)),
		"deep":     message(0, deep(200)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := reader("PROTOBUF", readings).AppendJSON(nil, record)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > maxValues {
			t.Errorf("%s: %d MiB", name, took>>20)
		}
	}
}

func deep(n int) (b []byte) {
	for range n {
		b = block(2, b)
	}
	return b
}

func FuzzProtobuf(f *testing.F) {
	f.Add(message(1, block(2, []byte("p")), number(1, 3), block(12, block(1))))
	f.Add(message(0, block(1, block(10, number(1, 5)))))
	r := reader("PROTOBUF", readings)
	f.Fuzz(func(t *testing.T, record []byte) {
		out, err := r.AppendJSON(nil, record)
		if err == nil && !json.Valid(out) {
			t.Errorf("%q became %q", record, out)
		}
	})
}

func FuzzProtobufDefinition(f *testing.F) {
	f.Add(readings)
	f.Fuzz(func(t *testing.T, definition string) {
		_ = Schema{"PROTOBUF", definition}.Check()
	})
}
