package brookmeretest_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	athenatypes "github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/brookmere/brookmere/brookmeretest"
)

func TestMain(m *testing.M) { brookmeretest.Main(m) }

// put creates the stream s and puts a record.
func put(t *testing.T, cfg aws.Config) *kinesis.Client {
	t.Helper()
	client := kinesis.NewFromConfig(cfg)
	if _, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	err := kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond }).
		Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: aws.String("s")}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: []byte("data")}); err != nil {
		t.Fatal(err)
	}
	return client
}

func iterator(t *testing.T, client *kinesis.Client) *string {
	t.Helper()
	out, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String("s"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	return out.ShardIterator
}

func TestStart(t *testing.T) {
	node := brookmeretest.Start(t, brookmeretest.Set("account", "123456789012"))
	client := put(t, node.Config())
	if id, err := sts.NewFromConfig(node.Config()).GetCallerIdentity(t.Context(), nil); err != nil || *id.Account != node.Account() || node.Account() != "123456789012" {
		t.Errorf("the caller is %+v, %v", id, err)
	}
	if _, err := s3.NewFromConfig(node.Config()).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("results")}); err != nil {
		t.Error(err)
	}
	node.Reset(t)
	if out, err := client.ListStreams(t.Context(), nil); err != nil || len(out.StreamNames) != 0 {
		t.Errorf("after Reset: %+v, %v", out, err)
	}
}

// TestShared has tests of one node create the same names, in parallel.
func TestShared(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			node := brookmeretest.Shared(t)
			put(t, node.Config())
		})
	}
}

// TestQuery runs SQL, in the process that Main makes possible.
func TestQuery(t *testing.T) {
	node := brookmeretest.Shared(t)
	if _, err := s3.NewFromConfig(node.Config()).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("answers")}); err != nil {
		t.Fatal(err)
	}
	client := athena.NewFromConfig(node.Config())
	q, err := client.StartQueryExecution(t.Context(), &athena.StartQueryExecutionInput{QueryString: aws.String("SELECT 6 * 7"),
		ResultConfiguration: &athenatypes.ResultConfiguration{OutputLocation: aws.String("s3://answers/")}})
	if err != nil {
		t.Fatal(err)
	}
	for {
		x, err := client.GetQueryExecution(t.Context(), &athena.GetQueryExecutionInput{QueryExecutionId: q.QueryExecutionId})
		if err != nil {
			t.Fatal(err)
		}
		if state := x.QueryExecution.Status.State; state == athenatypes.QueryExecutionStateSucceeded {
			break
		} else if state == athenatypes.QueryExecutionStateFailed {
			t.Fatal(aws.ToString(x.QueryExecution.Status.StateChangeReason))
		}
	}
	out, err := client.GetQueryResults(t.Context(), &athena.GetQueryResultsInput{QueryExecutionId: q.QueryExecutionId})
	if err != nil || *out.ResultSet.Rows[1].Data[0].VarCharValue != "42" {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestClock has records and iterators expire without waiting.
func TestClock(t *testing.T) {
	for _, mode := range []string{"offset", "frozen"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			node := brookmeretest.Start(t, brookmeretest.Clock(mode))
			client := put(t, node.Config())
			old := iterator(t, client)
			if out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: old}); err != nil || len(out.Records) != 1 {
				t.Fatalf("%+v, %v", out, err)
			}
			before := node.Now(t)
			if after := node.Advance(t, 6*time.Minute); after.Sub(before) < 6*time.Minute || after.Sub(before) > 7*time.Minute {
				t.Errorf("time went from %v to %v", before, after)
			}
			if _, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: old}); err == nil || !strings.Contains(err.Error(), "ExpiredIteratorException") {
				t.Errorf("an iterator of six minutes: %v", err)
			}
			node.Advance(t, 25*time.Hour)
			if out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator(t, client)}); err != nil || len(out.Records) != 0 {
				t.Errorf("a record of 25 hours: %+v, %v", out, err)
			}
			if frozen := node.Now(t).Equal(node.Now(t)); frozen != (mode == "frozen") {
				t.Errorf("a clock that is %s stands still: %v", mode, frozen)
			}
		})
	}
}

// TestClockDelivers has a delivery stream's buffering interval pass.
func TestClockDelivers(t *testing.T) {
	node := brookmeretest.Start(t, brookmeretest.Clock("frozen"))
	objects, client := s3.NewFromConfig(node.Config()), firehose.NewFromConfig(node.Config())
	if _, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("lake")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("d"),
		ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{
			BucketARN: aws.String("arn:aws:s3:::lake"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r"),
			BufferingHints: &firehosetypes.BufferingHints{IntervalInSeconds: aws.Int32(900)},
		},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutRecord(t.Context(), &firehose.PutRecordInput{DeliveryStreamName: aws.String("d"), Record: &firehosetypes.Record{Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		node.Advance(t, 901*time.Second) // again, as the record may reach its buffer after the first time
		out, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("lake")})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Contents) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no object, though the interval has passed")
		}
	}
}

// TestEnviron starts a program that finds the node by its environment.
func TestEnviron(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	node := brookmeretest.Shared(t)
	cmd := exec.CommandContext(t.Context(), curl, "-sS", "https://kinesis.eu-west-1.amazonaws.com/_brookmere/health")
	cmd.Env = node.Environ(t)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "UnknownOperationException") && !strings.Contains(string(out), "ok") {
		t.Errorf("%v: %s", err, out)
	}
	if env := strings.Join(cmd.Env, "\n"); !strings.Contains(env, "AWS_ENDPOINT_URL="+node.URL()) || !strings.Contains(env, "AWS_ACCESS_KEY_ID="+node.Account()) {
		t.Errorf("the environment is\n%s", env)
	}
}

func ExampleStart() {
	test := func(t *testing.T) {
		node := brookmeretest.Start(t)
		streams := kinesis.NewFromConfig(node.Config())
		_, err := streams.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1)})
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = test
}
