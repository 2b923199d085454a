package crash

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestFirehoseDeliversStreamOnce delivers a Kinesis stream into a partitioned table and,
// as it came, into a second bucket, while the stream's shards are split and merged and the
// node is killed.
func TestFirehoseDeliversStreamOnce(t *testing.T) { deliversStreamOnce(t, nil, nil) }

// transform is a function that gives each record its partition, and drops nothing.
const transform = `
import base64, json
def handler(event, context):
    out = []
    for r in event["records"]:
        record = json.loads(base64.b64decode(r["data"]))
        data = base64.b64encode((json.dumps(record) + "\n").encode()).decode()
        out.append({"recordId": r["recordId"], "result": "Ok", "data": data, "metadata": {"partitionKeys": {"part": record["part"]}}})
    return {"records": out}
`

// TestFirehoseTransformsStreamOnce does the same with records that a function transforms and gives their
// partitions.
func TestFirehoseTransformsStreamOnce(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not on this machine")
	}
	if *rounds == 20 {
		t.Skip("it takes two minutes: -rounds 30 runs it")
	}
	const name = "transform"
	deliversStreamOnce(t, func(n *nodetest.Node) {
		_, err := lambda.NewFromConfig(n.AWS()).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String(name), Runtime: "python3.12", Handler: aws.String("main.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
			Timeout: aws.Int32(60), Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, "main.py", transform)},
		})
		if err != nil {
			t.Fatal(err)
		}
	}, func(d *firehosetypes.ExtendedS3DestinationConfiguration) {
		d.Prefix = aws.String("lake/!{partitionKeyFromLambda:part}/")
		d.ProcessingConfiguration.Processors = []firehosetypes.Processor{{
			Type: firehosetypes.ProcessorTypeLambda,
			Parameters: []firehosetypes.ProcessorParameter{{
				ParameterName: firehosetypes.ProcessorParameterNameLambdaArn, ParameterValue: aws.String("arn:aws:lambda:us-east-1:000000000000:function:" + name + ":$LATEST"),
			}, {
				ParameterName: firehosetypes.ProcessorParameterNameBufferIntervalInSeconds, ParameterValue: aws.String("0"),
			}, {
				ParameterName: firehosetypes.ProcessorParameterNameBufferSizeInMb, ParameterValue: aws.String("1"),
			}},
		}}
	})
}

func deliversStreamOnce(t *testing.T, before func(*nodetest.Node), change func(*firehosetypes.ExtendedS3DestinationConfiguration)) {
	t.Helper()
	const writers, batch, partitions = 3, 40, 5
	const backup = "under-fire-raw"
	var (
		mu     sync.Mutex
		acked  = make(map[string]bool)
		next   int
		shards = 2
	)
	client := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	buckets := func(n *nodetest.Node) *s3.Client {
		return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	}
	n := underFire(t, func(n *nodetest.Node) {
		c := client(n)
		if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(2)}); err != nil {
			t.Fatal(err)
		}
		if _, err := buckets(n).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(backup)}); err != nil {
			t.Fatal(err)
		}
		d, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(crashStream)})
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			before(n)
		}
		makeDelivery(t, n, func(in *firehose.CreateDeliveryStreamInput) {
			in.DeliveryStreamType = firehosetypes.DeliveryStreamTypeKinesisStreamAsSource
			in.KinesisStreamSourceConfiguration = &firehosetypes.KinesisStreamSourceConfiguration{
				KinesisStreamARN: d.StreamDescriptionSummary.StreamARN, RoleARN: aws.String(crashRole),
			}
			in.ExtendedS3DestinationConfiguration.S3BackupMode = firehosetypes.S3BackupModeEnabled
			in.ExtendedS3DestinationConfiguration.S3BackupConfiguration = &firehosetypes.S3DestinationConfiguration{
				RoleARN: aws.String(crashRole), BucketARN: aws.String("arn:aws:s3:::" + backup),
				BufferingHints: &firehosetypes.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(0)},
			}
			if change != nil {
				change(in.ExtendedS3DestinationConfiguration)
			}
		})
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		wg.Go(func() {
			shards = 5 - shards // two and three by turns
			_, _ = c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
				StreamName: aws.String(crashStream), TargetShardCount: aws.Int32(int32(shards)), ScalingType: types.ScalingTypeUniformScaling,
			}) // it may come too often, or the node be dead
		})
		for range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					entries, ids := make([]types.PutRecordsRequestEntry, batch), make([]string, batch)
					mu.Lock()
					for i := range entries {
						ids[i] = fmt.Sprintf("r%d", next)
						entries[i] = types.PutRecordsRequestEntry{
							PartitionKey: &ids[i], Data: fmt.Appendf(nil, "{\"id\":\"%s\",\"part\":\"p %d\"}\n", ids[i], next%partitions),
						}
						next++
					}
					mu.Unlock()
					out, err := c.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(crashStream), Records: entries})
					if err != nil {
						return
					}
					mu.Lock()
					for i, r := range out.Records {
						if r.ErrorCode == nil {
							acked[ids[i]] = true
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	count := func(ids []string) (lost, doubled int) {
		counts := make(map[string]int)
		for _, id := range ids {
			counts[id]++
		}
		for id := range acked {
			if counts[id] == 0 {
				lost++
			}
		}
		for _, c := range counts {
			if c > 1 {
				doubled++
			}
		}
		return lost, doubled
	}
	raw := func() (ids []string) {
		pages := s3.NewListObjectsV2Paginator(buckets(n), &s3.ListObjectsV2Input{Bucket: aws.String(backup)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				obj, err := buckets(n).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(backup), Key: o.Key})
				if err != nil {
					t.Fatal(err)
				}
				for lines := bufio.NewScanner(obj.Body); lines.Scan(); {
					var id string
					if _, err := fmt.Sscanf(lines.Text(), `{"id":%q`, &id); err != nil {
						t.Errorf("%s: %q", *o.Key, lines.Text())
					}
					ids = append(ids, id)
				}
				obj.Body.Close()
			}
		}
		return ids
	}
	// The lag knows nothing of what was not read yet: look until all is there, and once
	// more when whatever is doubled has had time to come.
	deadline := time.Now().Add(3 * time.Minute)
	for {
		a, _ := count(queryColumn(t, n, "SELECT id FROM "+crashTable))
		b, _ := count(raw())
		if a+b == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	time.Sleep(time.Second)
	for where, ids := range map[string][]string{"table": queryColumn(t, n, "SELECT id FROM "+crashTable), "backup": raw()} {
		if lost, doubled := count(ids); lost > 0 || doubled > 0 {
			t.Errorf("%s: of %d acknowledged records %d are lost; %d are there more than once", where, len(acked), lost, doubled)
		}
	}
	noStrayFiles(t, n)
	t.Logf("%d kills: %d records acknowledged, over %d reshards", *rounds, len(acked), *rounds)
}
