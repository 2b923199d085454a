package attack

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/sys/unix"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestMemoryOfOneGigabyte: a node whose process the system gives one GiB outlives every kind of
// bomb, while puts go on.
func TestMemoryOfOneGigabyte(t *testing.T) {
	config := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(config, []byte("query:\n  memory_mib: 256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := nodetest.Start(t, nodetest.Options{Args: []string{"--config", config}})
	limit := unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}
	if err := unix.Prlimit(n.PID(), unix.RLIMIT_DATA, &limit, nil); err != nil {
		t.Fatal(err)
	}
	u := newLakeUser(t, n, mallory, "mallorys")
	cfg := n.AWS()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(victim, "secret", "")
	streams := kinesis.NewFromConfig(cfg)
	if _, err := streams.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	var puts atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		records := make([]kinesistypes.PutRecordsRequestEntry, 100)
		for i := range records {
			records[i] = kinesistypes.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte(strings.Repeat("x", 200))}
		}
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := streams.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String("clicks"), Records: records}); err != nil {
				t.Errorf("a put while bombs go off: %v", err)
				return
			}
			puts.Add(1)
		}
	})
	defer func() { close(stop); wg.Wait() }()

	// Statements.
	for _, bomb := range []string{
		"SELECT length(array_join(repeat(rpad('', 1000000, 'a'), 10000), ','))",
		"SELECT reduce(sequence(1, 40), 'a', (s, x) -> s || s, s -> length(s))",
		"SELECT cardinality(array_agg(rpad('', 1000000, 'a'))) FROM UNNEST(sequence(1, 10000)) t(x)",
	} {
		id := u.start(bomb)
		if q := u.wait(id, 2*time.Minute); q.Status.State == "SUCCEEDED" {
			t.Errorf("%s succeeds", bomb)
		}
		_, _ = u.athena.StopQueryExecution(t.Context(), &athena.StopQueryExecutionInput{QueryExecutionId: &id})
	}
	nested := "SELECT 1 a, 2 b"
	for range 40 {
		nested = "SELECT * FROM (" + nested + ") x JOIN (SELECT 1 c, 2 d) y ON true"
	}
	u.wait(u.start(nested), 2*time.Minute)

	// A query of a delivery stream that grows without end on one record.
	deliveries := firehose.NewFromConfig(cfg)
	v := newLakeUser(t, n, victim, "victims")
	_, err := deliveries.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("bomb"),
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::victims"), RoleARN: aws.String("arn:aws:iam::" + victim + ":role/r"), Prefix: aws.String("!{partitionKeyFromQuery:k}/"), ErrorOutputPrefix: aws.String("errors/"),
			BufferingHints:                   &firehosetypes.BufferingHints{IntervalInSeconds: aws.Int32(0), SizeInMBs: aws.Int32(64)},
			DynamicPartitioningConfiguration: &firehosetypes.DynamicPartitioningConfiguration{Enabled: aws.Bool(true)},
			ProcessingConfiguration: &firehosetypes.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []firehosetypes.Processor{{Type: firehosetypes.ProcessorTypeMetadataExtraction, Parameters: []firehosetypes.ProcessorParameter{
				{ParameterName: firehosetypes.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String(`{k: ([range(100000000)] | map(tostring) | add | length)}`)},
				{ParameterName: firehosetypes.ProcessorParameterNameJsonParsingEngine, ParameterValue: aws.String("JQ-1.6")},
			}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deliveries.PutRecord(t.Context(), &firehose.PutRecordInput{DeliveryStreamName: aws.String("bomb"), Record: &firehosetypes.Record{Data: []byte(`{"a":1}`)}}); err != nil {
		t.Fatal(err)
	}

	// Bodies that are announced and never sent, and answers that are never read.
	address := strings.TrimPrefix(n.URL, "http://")
	for range 200 {
		c, err := net.DialTimeout("tcp", address, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n%s", address, 19<<20, strings.Repeat("x", 1000))
	}
	v.put("large", strings.Repeat("y", 8<<20))
	for range 100 {
		c, err := net.DialTimeout("tcp", address, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /victims/large HTTP/1.1\r\nHost: %s\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%s/%s/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n", address, victim, time.Now().UTC().Format("20060102"))
	}
	before := puts.Load()
	for deadline := time.Now().Add(time.Minute); puts.Load() < before+20; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("puts do not go on")
		}
	}
	// What the last bomb held may be given back a moment after its query has failed.
	for deadline := time.Now().Add(time.Minute); ; {
		state, reason, rows := u.run("SELECT 1 + 1 AS n")
		if state == athenatypes.QueryExecutionStateSucceeded {
			if rows != "n\n2" {
				t.Errorf("after the bombs: %q", rows)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the bombs: %s %s", state, reason)
		}
	}
	t.Logf("%d puts went on, the node has %d MiB resident", puts.Load(), resident(t, n)>>20)
}
