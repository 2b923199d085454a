package glue

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// TestStreamFormats: a visual job reads records in Avro and in Protocol Buffers whose schemas the registry has, and lines of a Grok pattern that
// the catalog has.
func TestStreamFormats(t *testing.T) {
	objects := &memoryObjects{objects: map[string]string{}}
	stream := &memoryStream{}
	s, clock := newService(t, objects)
	s.cfg.Kinesis = stream
	ctx := t.Context()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if _, err := s.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &types.DatabaseInput{Name: aws.String("lake")}}); err != nil {
		t.Fatal(err)
	}
	schema, err := s.CreateSchema(ctx, &glue.CreateSchemaInput{
		SchemaName: aws.String("reading"), DataFormat: types.DataFormatAvro, Compatibility: types.CompatibilityNone,
		SchemaDefinition: aws.String(`{"type":"record","name":"r","fields":[{"name":"patient","type":"string"},{"name":"rate","type":"long"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	id, err := hex.DecodeString(strings.ReplaceAll(*schema.SchemaVersionId, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String("lake"), TableInput: &types.TableInput{
		Name: aws.String("lines"), Parameters: map[string]string{"classification": "grok", "grokPattern": "%{WORD:patient}: %{NUMBER:rate}"},
		StorageDescriptor: &types.StorageDescriptor{
			Columns:    []types.Column{{Name: aws.String("patient"), Type: aws.String("string")}, {Name: aws.String("rate"), Type: aws.String("bigint")}},
			Parameters: map[string]string{"typeOfData": "kinesis", "streamName": "st"},
		},
	}}); err != nil {
		t.Fatal(err)
	}
	run := func(job string, source types.CodeGenConfigurationNode) string {
		t.Helper()
		if _, err := s.CreateJob(ctx, &glue.CreateJobInput{
			Name: aws.String(job), Role: aws.String("glue"), Command: &types.JobCommand{Name: aws.String("gluestreaming")},
			CodeGenConfigurationNodes: map[string]types.CodeGenConfigurationNode{
				"a": source,
				"b": {S3DirectTarget: &types.S3DirectTarget{Name: aws.String("out"), Inputs: []string{"a"}, Path: aws.String("s3://b/" + job), Format: types.TargetFormatJson}},
			},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.StartJobRun(ctx, &glue.StartJobRunInput{JobName: aws.String(job)}); err != nil {
			t.Fatal(err)
		}
		var got string
		eventually(t, func() { clock.Advance(100 * time.Millisecond) }, "the objects of "+job, func() bool {
			objects.mu.Lock()
			defer objects.mu.Unlock()
			for key, body := range objects.objects {
				if strings.HasPrefix(key, job+"/") {
					got = body
				}
			}
			return got != ""
		})
		return got
	}
	options := &types.KinesisStreamingSourceOptions{StreamName: aws.String("st"), StartingPosition: types.StartingPositionEarliest, Classification: aws.String("avro")}
	stream.put("\x03\x00" + string(id) + "\x04p1\x0e")
	if got := run("avro", types.CodeGenConfigurationNode{DirectKinesisSource: &types.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: options}}); got != "{\"patient\":\"p1\",\"rate\":7}\n" {
		t.Errorf("avro: %q", got)
	}
	stream.mu.Lock()
	stream.records = nil
	stream.mu.Unlock()
	message, err := s.CreateSchema(ctx, &glue.CreateSchemaInput{
		SchemaName: aws.String("message"), DataFormat: types.DataFormatProtobuf, Compatibility: types.CompatibilityNone,
		SchemaDefinition: aws.String(`syntax = "proto3"; message Reading { string patient = 1; int32 rate = 2; }`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if id, err = hex.DecodeString(strings.ReplaceAll(*message.SchemaVersionId, "-", "")); err != nil {
		t.Fatal(err)
	}
	stream.put("\x03\x00" + string(id) + "\x00\x0a\x02p3\x10\x09")
	options = &types.KinesisStreamingSourceOptions{StreamName: aws.String("st"), StartingPosition: types.StartingPositionEarliest, Classification: aws.String("protobuf")}
	if got := run("protobuf", types.CodeGenConfigurationNode{DirectKinesisSource: &types.DirectKinesisSource{Name: aws.String("in"), WindowSize: aws.Int32(1), StreamingOptions: options}}); got != "{\"patient\":\"p3\",\"rate\":9}\n" {
		t.Errorf("protobuf: %q", got)
	}
	stream.mu.Lock()
	stream.records = nil
	stream.mu.Unlock()
	stream.put("p2: 80\n")
	grok := &types.KinesisStreamingSourceOptions{StartingPosition: types.StartingPositionEarliest, Classification: aws.String("grok")}
	if got := run("grok", types.CodeGenConfigurationNode{CatalogKinesisSource: &types.CatalogKinesisSource{Name: aws.String("in"), Database: aws.String("lake"), Table: aws.String("lines"), WindowSize: aws.Int32(1), StreamingOptions: grok}}); got != "{\"patient\":\"p2\",\"rate\":80}\n" {
		t.Errorf("grok: %q", got)
	}
}
