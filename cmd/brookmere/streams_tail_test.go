package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/schemarecord"
)

// TestTailPrintsALineARecord prints what records hold as one line each.
func TestTailPrintsALineARecord(t *testing.T) {
	for _, test := range []struct{ data, want string }{
		{"text", "text"},
		{"text\n", "text"},
		{"{\n    \"a\": 1,\n    \"b\": \"x y\"\n}", `{"a":1,"b":"x y"}`},
		{"{\"a\":  1}", "{\"a\":  1}"},
		{"first\r\nsecond\nthird\n", `first\r\nsecond\nthird`},
		{"bell\a\nline", "base64:YmVsbAcKbGluZQ=="},
		{"\xff\xfe", "base64://4="},
		{"", ""},
		{"\x03\x00" + "0123456789abcdef" + `{"a":1}`, `schema:30313233-3435-3637-3839-616263646566 {"a":1}`},
		{"\x03\x00" + "0123456789abcdef" + "\xff", `schema:30313233-3435-3637-3839-616263646566 base64:/w==`},
		{"\x03\x00" + "0123456789abcdef" + "\x00\x08\x07", `schema:30313233-3435-3637-3839-616263646566 {"rate":7}`},
		{"\x03\x00" + "fedcba9876543210" + "\x00\x08\x07", `schema:66656463-6261-3938-3736-353433323130 base64:AAgH`},
	} {
		var out bytes.Buffer
		p := newRecordPrinter(&out, false)
		p.schemas.Lookup = func(version string) (schemarecord.Schema, error) {
			if version[0] != '3' {
				return schemarecord.Schema{}, errors.New("not there")
			}
			return schemarecord.Schema{Format: "PROTOBUF", Definition: `syntax = "proto3"; message R { int64 rate = 1; }`}, nil
		}
		r := types.Record{Data: []byte(test.data), PartitionKey: aws.String("key"), ApproximateArrivalTimestamp: aws.Time(time.Unix(0, 0))}
		if err := p.print("shardId-000000000003", &r); err != nil {
			t.Fatal(err)
		}
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(out.String(), "  3  key  ")
		if got != test.want+"\n" {
			t.Errorf("%q: printed %q, want %q", test.data, got, test.want)
		}
	}
}
