package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const kplRole = "arn:aws:iam::000000000000:role/test"

// deliverKPL has what is put into the Kinesis stream delivered to a bucket of its name, a
// line a record, and returns a function that waits for so many lines.
func deliverKPL(t *testing.T, n *Node, stream string) func(count int) []string {
	t.Helper()
	who := credentials.NewStaticCredentialsProvider("test", "test", "")
	objects := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: anyCertificate, Credentials: who, UsePathStyle: true})
	deliveries := firehose.New(firehose.Options{Region: "us-east-1", BaseEndpoint: &n.URL, HTTPClient: anyCertificate, Credentials: who})
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &stream}); err != nil {
		t.Fatal(err)
	}
	_, err := deliveries.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: &stream, DeliveryStreamType: firehosetypes.DeliveryStreamTypeKinesisStreamAsSource,
		KinesisStreamSourceConfiguration: &firehosetypes.KinesisStreamSourceConfiguration{
			KinesisStreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + stream), RoleARN: aws.String(kplRole),
		},
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			RoleARN: aws.String(kplRole), BucketARN: aws.String("arn:aws:s3:::" + stream),
			BufferingHints: &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(0)},
			ProcessingConfiguration: &firehosetypes.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []firehosetypes.Processor{
				{Type: firehosetypes.ProcessorTypeAppendDelimiterToRecord},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func() []string {
		list, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &stream})
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, o := range list.Contents {
			obj, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &stream, Key: o.Key})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(obj.Body)
			if err != nil {
				t.Fatal(err)
			}
			obj.Body.Close()
			lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
		}
		return lines
	}
	return func(count int) []string {
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if lines := read(); len(lines) >= count || time.Now().After(deadline) {
				return lines
			}
		}
	}
}

// onceEach checks that the lines are those of the records, each once.
func onceEach(t *testing.T, lines []string, count int) {
	t.Helper()
	times := make(map[string]int)
	for _, l := range lines {
		times[l]++
	}
	for i := range count {
		if l := fmt.Sprintf("record %d", i); times[l] != 1 {
			t.Fatalf("%q was delivered %d times, among %d lines", l, times[l], len(lines))
		}
	}
	if len(lines) != count {
		t.Errorf("%d lines were delivered of %d records", len(lines), count)
	}
}
