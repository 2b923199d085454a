package recordplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// routed is what a spec makes of one record: its rows, encoded each on its own, and the
// envelopes of what could not be.
func routed(t *testing.T, spec Spec, r shardlog.Record) (rows []string, failed map[string][]map[string]any) {
	t.Helper()
	p, err := New("1", spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	failed = make(map[string][]map[string]any)
	reject := func(partition string, data []byte) {
		var e map[string]any
		if err := json.Unmarshal(data, &e); err != nil {
			t.Fatalf("envelope %q: %v", data, err)
		}
		kind := strings.TrimPrefix(partition, delivery.ErrorMark)
		failed[kind] = append(failed[kind], e)
	}
	all := delivery.Rows{From: delivery.From{Position: r.Position, Arrival: r.Time, Key: r.Key}}
	p.Route(&r, &all)
	for partition, row := range all.All() {
		if delivery.IsError(string(partition)) {
			reject(string(partition), row.Data)
			continue
		}
		e, err := p.Encoder(string(partition), new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		switch err := e.Add(row).(type) {
		case nil:
			rows = append(rows, string(row.Data))
		case *delivery.Rejected:
			reject(err.Partition, err.Data)
		default:
			t.Fatal(err)
		}
	}
	return rows, failed
}

func TestRoute(t *testing.T) {
	at := shardlog.Record{Position: shardlog.Position{Frame: 7, Index: 2}, Time: time.UnixMilli(1000).UTC()}
	table := &Table{Catalog: "0", Database: "d", Name: "t", Region: "r", Version: "LATEST", ARN: "a", Role: "role"}
	convert := Spec{Name: "s", Version: "1", Convert: &Conversion{Columns: []Column{{"a", "int"}}, Table: table}}
	kinesis := convert
	kinesis.Kinesis = true
	many := func(n int, sep string) string { return strings.Repeat(`{"a":1}`+sep, n) }
	for _, c := range []struct {
		name   string
		spec   Spec
		key    []byte
		data   string
		rows   int
		kind   string
		expect map[string]any // of the only envelope
	}{
		{"empty", convert, nil, "", 0, FormatConversionFailed, map[string]any{
			"lastErrorCode": "DataFormatConversion.MalformedData", "lastErrorMessage": "The record was empty or contained only whitespace.", "rawData": ""}},
		{"blank", convert, nil, " \n", 0, FormatConversionFailed, map[string]any{"rawData": "IAo="}},
		{"as it came", convert, nil, "{\"a\":\"x\"}\n", 0, FormatConversionFailed, map[string]any{
			"attemptsMade": 1.0, "arrivalTimestamp": 1000.0, "rawData": "eyJhIjoieCJ9Cg==", "sequenceNumber": "70000000002", "subSequenceNumber": 0.0,
			"lastErrorMessage": `Data does not match the schema. For input string: "x"`,
			"dataCatalogTable": map[string]any{"catalogId": "0", "databaseName": "d", "tableName": "t", "region": "r", "versionId": "LATEST", "catalogArn": "a", "roleArn": "role"}}},
		{"several", convert, nil, "{\"a\":1}{\"a\":2}\n\n{\"a\":3}", 3, "", nil},
		{"behind a header of the Schema Registry", convert, nil, "\x03\x000123456789abcdef{\"a\":1}", 1, "", nil},
		{"more than a record may hold otherwise", convert, nil, many(600, "\n"), 600, "", nil},
		{"from a stream", kinesis, AppendKinesisKey(nil, "shardId-0", "4960", "key"), `{"a":"x"}`, 0, FormatConversionFailed, map[string]any{"sequenceNumber": "4960", "subSequenceNumber": 0.0}},
		{"too many, JSON", Spec{Name: "s", Split: SplitJSON}, nil, many(MaxSubRecords+2, ""), MaxSubRecords, ProcessingFailed, map[string]any{
			"errorCode": ExtractionFailed, "rawData": "eyJhIjoxfXsiYSI6MX0="}},
		{"too many, delimited", Spec{Name: "s", Split: SplitDelimited, SplitAt: "Cg=="}, nil, many(MaxSubRecords+1, "\n"), MaxSubRecords, ProcessingFailed, map[string]any{
			"rawData": "eyJhIjoxfQo="}},
		{"too many, by a key", Spec{Name: "s", Split: SplitJSON, Partition: "{a:.a}", Prefix: "!{partitionKeyFromQuery:a}/", ErrorPrefix: "e/"}, nil, many(MaxSubRecords+1, " "), MaxSubRecords, ProcessingFailed, map[string]any{
			"rawData": "eyJhIjoxfSA="}},
		{"not compressed", Spec{Name: "s", Decompress: true}, nil, "plain", 0, UnpackingFailed, map[string]any{"errorCode": DecompressionFailed, "rawData": "cGxhaW4="}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := at
			r.Key, r.Data = c.key, []byte(c.data)
			rows, failed := routed(t, c.spec, r)
			if len(rows) != c.rows {
				t.Errorf("%d rows, want %d", len(rows), c.rows)
			}
			if c.kind == "" {
				if len(failed) > 0 {
					t.Errorf("failed: %v", failed)
				}
				return
			}
			if len(failed) != 1 || len(failed[c.kind]) != 1 {
				t.Fatalf("failed: %v", failed)
			}
			for k, want := range c.expect {
				if got := failed[c.kind][0][k]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: %v, want %v", k, got, want)
				}
			}
		})
	}
}

// TestStorable: no key that cannot be put, since that would stop all that comes after it.
func TestStorable(t *testing.T) {
	long := strings.Repeat("x", 200)
	for prefix, ok := range map[string]bool{
		"": true, "a": true, "a/b/": true, "a b/ü+%/": true, long + "/": true,
		"/a/": true, "a//b": true, "a/../": true, "./": true, strings.Repeat("x", 300) + "/": true, "a\x00/": false, strings.Repeat("/", 900): false,
		"../": false, "a/../../b/": false, "./../": false, "a/..": true,
	} {
		if _, err := New("1", Spec{Name: "s", Version: "1", Prefix: prefix}, nil); (err == nil) != ok {
			t.Errorf("prefix %q: %v", prefix, err)
		}
		if _, err := New("1", Spec{Name: "s", Version: "1", ErrorPrefix: prefix}, nil); (err == nil) != ok {
			t.Errorf("error prefix %q: %v", prefix, err)
		}
	}
	spec := Spec{Name: "s", Version: "1", Partition: "{k:.k}", Prefix: "data/k=!{partitionKeyFromQuery:k}/!{partitionKeyFromQuery:k}", ErrorPrefix: "e/"}
	for k, ok := range map[string]bool{
		"a": true, "a b": true, "é🙂": true, "a/b": true, "x..": true, "..": true, // of a longer segment
		"/a": true, "a/": true, "a//b": true, "a/../b": true, long: true, strings.Repeat(long, 5): false, "a\x00": false, strings.Repeat("/", 400): false,
	} {
		data, err := json.Marshal(map[string]string{"k": k})
		if err != nil {
			t.Fatal(err)
		}
		rows, failed := routed(t, spec, shardlog.Record{Data: data})
		if (len(rows) == 1) != ok || ok == (len(failed) > 0) {
			t.Errorf("key %q: %d rows, failed %v", k, len(rows), failed)
		}
	}
	spec.Prefix = "!{partitionKeyFromQuery:k}/"
	for k, ok := range map[string]bool{"../../x": false, "..": false, "a/../..": false, ".": true, "a/../b": true, "..a": true, "/..": false} {
		rows, failed := routed(t, spec, shardlog.Record{Data: fmt.Appendf(nil, `{"k":%q}`, k)})
		if (len(rows) == 1) != ok || ok == (len(failed) > 0) {
			t.Errorf("key %q of a prefix that begins with it: %d rows, failed %v", k, len(rows), failed)
		}
	}
}

// TestRouteBySchema: where records are read as JSON, those whose headers name schemas are the JSON that these make; the others
// are what they are, and what cannot be read goes to the error prefix as it came.
func TestRouteBySchema(t *testing.T) {
	lookup := func(version string) (schemarecord.Schema, error) {
		if version != "30313233-3435-3637-3839-616263646566" {
			return schemarecord.Schema{}, errors.New("there is no such version")
		}
		return schemarecord.Schema{Format: "PROTOBUF", Definition: `syntax = "proto3"; message R { int32 a = 1; }`}, nil
	}
	const header, other = "\x03\x000123456789abcdef", "\x03\x00fedcba9876543210"
	convert := Spec{Name: "s", Version: "1", Convert: &Conversion{Columns: []Column{{"a", "int"}}}}
	keyed := Spec{Name: "s", Version: "1", Partition: "{a:.a}", Prefix: "a=!{partitionKeyFromQuery:a}/", ErrorPrefix: "e/"}
	for _, tt := range []struct {
		name, data string
		spec       Spec
		row, kind  string
	}{
		{"converted", header + "\x00\x08\x07", convert, `{"a":7}`, ""},
		{"partitioned", header + "\x00\x08\x07", keyed, `{"a":7}`, ""},
		{"as they are", header + "\x00\x08\x07", Spec{Name: "s", Version: "1"}, header + "\x00\x08\x07", ""},
		{"JSON of a version that is gone", other + `{"a":7}`, convert, `{"a":7}`, ""},
		{"no header", `{"a":7}`, convert, `{"a":7}`, ""},
		{"torn", header + "\x00\x08", convert, "", FormatConversionFailed},
		{"torn, partitioned", header + "\x00\x08", keyed, "", ProcessingFailed},
		{"a version that is gone", other + "\x00\x08\x07", convert, "", FormatConversionFailed},
	} {
		p, err := New("1", tt.spec, lookup)
		if err != nil {
			t.Fatal(err)
		}
		var all delivery.Rows
		p.Route(&shardlog.Record{Data: []byte(tt.data)}, &all)
		n := 0
		for partition, row := range all.All() {
			n++
			if delivery.IsError(string(partition)) {
				var e struct {
					ErrorMessage string
					RawData      []byte
				}
				if err := json.Unmarshal(row.Data, &e); err != nil {
					t.Fatal(err)
				}
				if string(partition) != delivery.ErrorMark+tt.kind || string(e.RawData) != tt.data || !strings.Contains(e.ErrorMessage, "schema") {
					t.Errorf("%s: %s %+v", tt.name, partition, e)
				}
			} else if string(row.Data) != tt.row || tt.kind != "" {
				t.Errorf("%s: row %q", tt.name, row.Data)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d rows", tt.name, n)
		}
	}
}
