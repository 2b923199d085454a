package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestHostilePartitionKeys puts records whose partition keys try to be something else than
// a folder's name. Every record is delivered or is an error record with its reason, and none
// holds up the others.
func TestHostilePartitionKeys(t *testing.T) {
	keepWorkingDirectory(t)
	n := startNode(t, InMemory, nil)
	defer stopNode(t, n)
	ctx, cfg := t.Context(), clientConfig(n, "us-east-1", "test", "test")
	objects, deliveries := s3Client(cfg), firehose.NewFromConfig(cfg)
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	destination := func(prefix string) *types.ExtendedS3DestinationConfiguration {
		return &types.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::lake"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r"),
			Prefix: &prefix, ErrorOutputPrefix: aws.String("errors/"),
			BufferingHints:                   &types.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(900)},
			DynamicPartitioningConfiguration: &types.DynamicPartitioningConfiguration{Enabled: aws.Bool(true)},
			ProcessingConfiguration: &types.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []types.Processor{{
				Type: types.ProcessorTypeMetadataExtraction, Parameters: []types.ProcessorParameter{
					{ParameterName: types.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String("{k:.k}")},
					{ParameterName: types.ProcessorParameterNameJsonParsingEngine, ParameterValue: aws.String("JQ-1.6")},
				},
			}}},
		}
	}
	for _, address := range []string{n.URL() + "/_brookmere/reset", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/"} {
		address = strings.Replace(address, "http:", "https:", 1)
		_, err := deliveries.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("bad"),
			HttpEndpointDestinationConfiguration: &types.HttpEndpointDestinationConfiguration{
				EndpointConfiguration: &types.HttpEndpointConfiguration{Url: &address},
				S3Configuration:       &types.S3DestinationConfiguration{BucketARN: aws.String("arn:aws:s3:::lake"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r")},
			}})
		var refused *types.InvalidArgumentException
		if !errors.As(err, &refused) {
			t.Errorf("endpoint %s: %v", address, err)
		}
	}
	for _, prefix := range []string{"../!{partitionKeyFromQuery:k}/", "a/../../!{partitionKeyFromQuery:k}/"} {
		_, err := deliveries.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("bad"), ExtendedS3DestinationConfiguration: destination(prefix)})
		if err == nil {
			t.Errorf("prefix %q is accepted", prefix)
		}
	}
	if _, err := deliveries.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("s"), ExtendedS3DestinationConfiguration: destination("!{partitionKeyFromQuery:k}/"),
	}); err != nil {
		t.Fatal(err)
	}
	type record struct {
		K any `json:"k"`
		N int `json:"n"`
	}
	text := func(s string) any { return s }
	var records []record
	for _, k := range []any{
		"plain", "../../x", "..", ".", "../", "/..", "a/../../b", "a/../b", "./..", "...", "/etc/passwd", "//", "/", "a//b", "a/", "", nil, 7, -1.5e300, true,
		"\x00", "a\x00b", "\n", "\r\n", "\t", "\u202e", "\ufeff", " ", "  a  ", "~", ".~", ".~e", ".~..", ".~+a", ".sgwtmp", ".sgwtmp/x", "%2e%2e/x", "..%2f", `..\..\x`, "C:\\x",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("x", 900), strings.Repeat("x", 2000), strings.Repeat("é", 300), strings.Repeat("/", 400), strings.Repeat("../", 100),
		strings.Repeat("a/", 300), "errors/processing-failed/x", "_temporary", "#?&;=+", "'\"<>", "{a,b}[c]*", "\U0001f600", []any{"a"}, map[string]any{"a": text("b")},
	} {
		records = append(records, record{K: k, N: len(records)})
	}
	put := func(data []byte) {
		t.Helper()
		if _, err := deliveries.PutRecord(ctx, &firehose.PutRecordInput{DeliveryStreamName: aws.String("s"), Record: &types.Record{Data: append(data, '\n')}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range records {
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		put(data)
	}
	for i, k := range []string{"\xff\xfe", "\xc0\xaf..", "\xed\xa0\x80"} { // no UTF-8
		put([]byte(`{"k":"` + k + `","n":` + string(rune('0'+i)) + `,"x":1}`))
	}
	put([]byte(`{"k":"last"}`))
	resp, err := http.Post(n.URL()+"/_brookmere/deliveries/s/flush?region=us-east-1", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("flush: %s %s", resp.Status, answer)
	}
	delivered, failed := 0, 0
	list, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("lake"), EncodingType: "url"})
	if err != nil {
		t.Fatal(err)
	}
	count := func(key string) {
		out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("lake"), Key: &key})
		if err != nil {
			t.Errorf("get %q: %v", key, err)
			return
		}
		defer out.Body.Close()
		lines := bufio.NewScanner(out.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e struct {
				ErrorCode    string `json:"errorCode"`
				ErrorMessage string `json:"errorMessage"`
			}
			if strings.HasPrefix(key, "errors/20") || strings.HasPrefix(key, "errors/processing-failed/20") {
				failed++
				if json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &e) != nil || e.ErrorCode == "" || e.ErrorMessage == "" {
					t.Errorf("error record %s", lines.Text())
				}
				continue
			}
			if bytes.Contains(lines.Bytes(), []byte(`"k"`)) {
				delivered++
			}
		}
	}
	for _, o := range list.Contents {
		key, err := url.QueryUnescape(aws.ToString(o.Key))
		if err != nil {
			t.Fatal(err)
		}
		count(key)
	}
	if all := len(records) + 4; delivered+failed != all || failed < 10 || delivered < 35 {
		t.Errorf("%d records: %d delivered, %d failed", all, delivered, failed)
	}
}
