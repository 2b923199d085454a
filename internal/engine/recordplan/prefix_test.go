package recordplan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/javatime"
)

func TestPrefixCommands(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	runCommands(t, "testdata/prefix", func(cmd, arg, input string) string {
		switch cmd {
		case "time":
			var err error
			if at, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(input)); err != nil {
				return err.Error()
			}
			return ""
		case "format": // patterns, one a line
			zone, err := time.LoadLocation(arg)
			if err != nil {
				return err.Error()
			}
			var out []string
			for line := range strings.Lines(input) {
				line = strings.TrimSuffix(line, "\n")
				p, err := javatime.Compile(javatime.Java, line)
				if err != nil {
					out = append(out, "error: "+err.Error())
					continue
				}
				out = append(out, line+" | "+p.Format(at.In(zone)))
			}
			return strings.Join(out, "\n")
		case "prefixes": // "name: value" lines
			c := PrefixConfig{}
			values := PrefixValues{Seed: 7, ErrorType: ProcessingFailed, Query: new(KeyValues), Lambda: new(KeyValues)}
			for line := range strings.Lines(input) {
				k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
				switch k {
				case "prefix":
					c.Prefix = v
				case "error":
					c.ErrorPrefix = v
				case "zone":
					c.TimeZone = v
				case "query":
					q, err := CompileKeys(v)
					if err != nil {
						return err.Error()
					}
					c.Query, c.Partitions = q, true
				case "partitions":
					c.Partitions = true
				case "lambda":
					c.Lambda = true
				case "key":
					name, value, _ := strings.Cut(v, "=")
					values.Query.Set(name, value)
					values.Lambda.Set(name, "lambda-"+value)
				}
			}
			p, err := ParsePrefixes(c)
			if err != nil {
				return "refused: " + err.Error()
			}
			values.Time = at.In(p.Zone)
			data, err := p.Data.Append(nil, &values)
			if err != nil {
				return "no partition: " + err.Error()
			}
			errs, err := p.Error.Append(nil, &values)
			if err != nil {
				return err.Error()
			}
			return string(data) + "\n" + string(errs)
		}
		return "unknown command " + cmd
	})
}

func TestObjectName(t *testing.T) {
	id := delivery.NewObjectID("stream", "ab")
	if id == delivery.NewObjectID("streama", "b") || id != delivery.NewObjectID("stream", "ab") {
		t.Error("ids do not tell seeds apart, or are not the same for the same")
	}
	got := string(AppendObjectName(nil, "s", "3", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), id, ParquetExtension))
	if want := "s-3-2026-01-02-03-04-05-" + id.String() + ".parquet"; got != want || len(id.String()) != 36 || id.String()[14] != '4' {
		t.Errorf("name is %s, want %s", got, want)
	}
}

func TestErrorRecord(t *testing.T) {
	at := time.UnixMilli(1767323045678)
	r := ErrorRecord{Attempts: 1, Arrival: at, Ended: at.Add(time.Second), Code: ExtractionFailed, Message: "a \"b\"\n\xff", Raw: []byte("hi\x00")}
	want := map[string]any{"attemptsMade": 1.0, "arrivalTimestamp": 1767323045678.0, "errorCode": ExtractionFailed, "errorMessage": "a \"b\"\n�",
		"attemptEndingTimestamp": 1767323046678.0, "rawData": "aGkA"}
	checkJSON(t, r.Append(nil), want)
	r.Table, r.Sequence, r.LambdaARN = []byte(`{"tableName":"t"}`), "495", "arn"
	delete(want, "errorCode")
	delete(want, "errorMessage")
	want["lastErrorCode"], want["lastErrorMessage"] = ExtractionFailed, "a \"b\"\n�"
	want["sequenceNumber"], want["subSequenceNumber"], want["lambdaArn"] = "495", 0.0, "arn"
	want["dataCatalogTable"] = map[string]any{"tableName": "t"}
	checkJSON(t, r.Append(nil), want)
}

func checkJSON(t *testing.T, b []byte, want map[string]any) {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil || b[len(b)-1] != '\n' {
		t.Fatalf("%q: %v", b, err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("record is %v, want %v", got, want)
	}
}

func FuzzPrefix(f *testing.F) {
	for _, s := range []string{"a/!{timestamp:yyyy/MM/dd}/!{firehose:random-string}", "!{timestamp:'x''y'Y w E}", "!{partitionKeyFromQuery:a}", "!{", "!{x}", "!{timestamp:zzzz XXXXX O V}"} {
		f.Add(s)
	}
	keys := new(KeyValues)
	keys.Set("a", "b")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrefix(s)
		if err != nil {
			return
		}
		v := PrefixValues{Time: time.Unix(1767323045, 6e8).UTC(), Query: keys, Lambda: keys}
		if _, err := p.Append(nil, &v); err != nil && err != error(errEmptyKey) {
			t.Fatal(err)
		}
	})
}

func BenchmarkPrefix(b *testing.B) {
	p, err := ParsePrefix("data/!{partitionKeyFromQuery:k}/!{timestamp:yyyy/MM/dd/HH}/!{firehose:random-string}/")
	if err != nil {
		b.Fatal(err)
	}
	keys := new(KeyValues)
	keys.Set("k", "2026-11-22 05")
	v := PrefixValues{Time: time.Unix(1767323045, 6e8).UTC(), Query: keys}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = p.Append(dst[:0], &v); err != nil {
			b.Fatal(err)
		}
	}
}
