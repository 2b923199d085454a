package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
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

// fewSchemas is a registry that is away until it is back.
type fewSchemas struct {
	back  bool
	calls int
}

func (r *fewSchemas) GetSchemaVersion(context.Context, *glue.GetSchemaVersionInput, ...func(*glue.Options)) (*glue.GetSchemaVersionOutput, error) {
	r.calls++
	if !r.back {
		return nil, errors.New("not there")
	}
	return &glue.GetSchemaVersionOutput{DataFormat: gluetypes.DataFormatAvro, SchemaDefinition: aws.String(`"int"`)}, nil
}

// TestTailAsksForSchemasAgain: a version that cannot be had is asked for once a minute, not for each record.
func TestTailAsksForSchemasAgain(t *testing.T) {
	now := time.Unix(0, 0)
	registry := new(fewSchemas)
	look := lookSchemasUp(t.Context(), registry, func() time.Time { return now })
	for range 3 {
		if _, err := look("v"); err == nil {
			t.Fatal("a schema that is not there was found")
		}
	}
	if registry.calls != 1 {
		t.Errorf("asked %d times within a minute", registry.calls)
	}
	registry.back = true
	now = now.Add(schemaAgain)
	if s, err := look("v"); err != nil || s.Format != "AVRO" || s.Definition != `"int"` {
		t.Errorf("%+v, %v", s, err)
	}
}
