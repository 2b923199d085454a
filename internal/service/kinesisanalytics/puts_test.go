package kinesisanalytics

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	api "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	firehosesvc "github.com/brookmere/brookmere/internal/service/firehose"
)

// nowhere takes objects and forgets them.
type nowhere struct{}

func (nowhere) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	_, err := io.Copy(io.Discard, in.Body)
	return &s3.PutObjectOutput{}, err
}

func (nowhere) DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	return &s3.DeleteObjectOutput{}, nil
}

// TestPuts runs an application on a delivery stream of the source DirectPut, with a function and restarts: each
// record is in the output once.
func TestPuts(t *testing.T) {
	t.Parallel()
	const delivery = "arn:aws:firehose:us-east-1:000000000000:deliverystream/puts"
	var puts *firehosesvc.Service
	f := newFixture(t, func(c *Config) {
		var err error
		if puts, err = firehosesvc.New(firehosesvc.Config{State: c.State, Log: c.Log, S3: nowhere{}, TempDir: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
		if err = puts.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = puts.Close(context.Background()) })
		c.Firehose, c.Puts = puts, puts.Puts()
		c.Lambda = functions{"same": func(event []byte) any {
			var e inputEvent
			if err := json.Unmarshal(event, &e); err != nil || e.Stream != delivery || e.Records[0].Delivery.Arrival == 0 || e.Records[0].Metadata != nil {
				t.Errorf("the function got %s: %v", event, err)
			}
			var a functionAnswer
			b, _ := json.Marshal(map[string]any{"records": e.Records})
			_ = json.Unmarshal(b, &a)
			for i := range a.Records {
				a.Records[i].Result = "Ok"
			}
			return a
		}}
	})
	f.stream("every", 1)
	name := aws.String("puts")
	if _, err := puts.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{DeliveryStreamName: name, ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
		RoleARN: aws.String("arn:aws:iam::000000000000:role/r"), BucketARN: aws.String("arn:aws:s3:::lake"),
	}}); err != nil {
		t.Fatal(err)
	}
	id := 0
	put := func() {
		t.Helper()
		in := &firehose.PutRecordBatchInput{DeliveryStreamName: name}
		for range 10 {
			in.Records = append(in.Records, firehosetypes.Record{Data: fmt.Appendf(nil, `{"id":%d,"name":"x"}`, id)})
			id++
		}
		if _, err := puts.PutRecordBatch(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	put() // before the application: it begins with the oldest that are there
	discovered, err := f.DiscoverInputSchema(t.Context(), &api.DiscoverInputSchemaInput{ResourceARN: aws.String(delivery), RoleARN: aws.String(testRole),
		InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: types.InputStartingPositionTrimHorizon}})
	if err != nil {
		t.Fatal(err)
	}
	if c := discovered.InputSchema.RecordColumns; len(c) != 2 || *c[0].Name != "id" || *c[0].SqlType != "INTEGER" {
		t.Errorf("discovered %+v", c)
	}
	f.application(eachAndSeconds, [][2]string{{"id", "INTEGER"}, {"name", "VARCHAR(16)"}}, map[string]string{"EVERY": "every"}, func(in *api.CreateApplicationInput) {
		in.Inputs[0].KinesisStreamsInput = nil
		in.Inputs[0].KinesisFirehoseInput = &types.KinesisFirehoseInput{ResourceARN: aws.String(delivery), RoleARN: aws.String(testRole)}
		in.Inputs[0].InputProcessingConfiguration = &types.InputProcessingConfiguration{InputLambdaProcessor: &types.InputLambdaProcessor{
			ResourceARN: aws.String("arn:aws:lambda:us-east-1:000000000000:function:same"), RoleARN: aws.String(testRole)}}
	})
	f.start(types.InputStartingPositionTrimHorizon)
	for range 3 {
		put()
		f.close()
		put() // while it is down
		f.open()
	}
	f.eventually("all rows", func() bool { return len(f.read("every")) >= id })
	seen := map[int]int{}
	for _, r := range rows[everyRow](t, f.read("every")) {
		seen[r.ID]++
	}
	for i := range id {
		if seen[i] != 1 {
			t.Errorf("record %d is there %d times", i, seen[i])
		}
	}
}
