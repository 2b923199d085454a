package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// sourcesWitness writes what it sees of a queue and a table to a stream, and of a stream with windows, when one is
// over, what was in it. A node on loopback takes any signature.
const sourcesWitness = `
import base64, json, os, time, urllib.request
def tell(list):
    records = [{"PartitionKey": "1", "Data": base64.b64encode(json.dumps(x).encode()).decode()} for x in list]
    body = json.dumps({"StreamName": "seen", "Records": records}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, {
        "X-Amz-Target": "Kinesis_20131202.PutRecords", "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
    })).read()
def handler(event, context):
    if "window" in event:
        ids = event["state"].get("ids", []) + [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
        if event["isFinalInvokeForWindow"]:
            tell([{"window": event["window"]["start"], "ids": ids}])
        return {"state": {"ids": ids}}
    seen = []
    for r in event["Records"]:
        if r["eventSource"] == "aws:sqs":
            seen.append({"message": r["body"]})
        elif r["eventName"] != "REMOVE":
            image = r["dynamodb"]["NewImage"]
            seen.append({"item": image["id"]["S"], "version": int(image["v"]["N"])})
    tell(seen)
`

// TestFunctionSources: functions fed by a queue, a table's stream and windows of a stream miss nothing over kills. The
// versions of an item are first seen in their order, and each record of a window is in that one alone, once.
func TestFunctionSources(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not on this machine")
	}
	slow(t)
	const table, windowed, items = "versions", "windowed", 3
	var (
		mu       sync.Mutex
		messages = map[string]bool{} // that were acknowledged
		records  = map[string]bool{}
		versions = make([]map[int]bool, items) // that were acknowledged, and not seen yet
		next     = make([]int, items)
		sent     int
		round    int
		url      string
	)
	for item := range versions {
		versions[item] = map[int]bool{}
	}
	streams := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := underFire(t, func(n *nodetest.Node) {
		ctx := t.Context()
		for _, name := range []string{windowed, "seen"} {
			_, err := streams(n).CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(1)})
			must(err)
		}
		stream, err := streams(n).DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(windowed)})
		must(err)
		made, err := dynamodb.NewFromConfig(n.AWS()).CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: aws.String(table), BillingMode: ddbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}},
			KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: "HASH"}},
			StreamSpecification:  &ddbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: ddbtypes.StreamViewTypeNewImage},
		})
		must(err)
		queue, err := sqs.NewFromConfig(n.AWS()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("jobs"), Attributes: map[string]string{"VisibilityTimeout": "2"}})
		must(err)
		url = *queue.QueueUrl
		l := lambda.NewFromConfig(n.AWS())
		code := zipped(t, "main.py", sourcesWitness)
		for name, source := range map[string]string{"of-table": *made.TableDescription.LatestStreamArn, "of-queue": "arn:aws:sqs:us-east-1:000000000000:jobs", "of-windows": *stream.StreamDescriptionSummary.StreamARN} {
			_, err := l.CreateFunction(ctx, &lambda.CreateFunctionInput{
				FunctionName: &name, Runtime: "python3.12", Handler: aws.String("main.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
				Timeout: aws.Int32(2), Code: &lambdatypes.FunctionCode{ZipFile: code},
			})
			must(err)
			in := &lambda.CreateEventSourceMappingInput{FunctionName: &name, EventSourceArn: &source, StartingPosition: "TRIM_HORIZON"}
			switch name {
			case "of-queue":
				in.StartingPosition = ""
			case "of-windows":
				in.TumblingWindowInSeconds, in.BatchSize = aws.Int32(1), aws.Int32(50)
			}
			_, err = l.CreateEventSourceMapping(ctx, in)
			must(err)
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		round++
		var wg sync.WaitGroup
		wg.Go(func() {
			c := sqs.NewFromConfig(n.AWS(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
			for ctx.Err() == nil {
				in := &sqs.SendMessageBatchInput{QueueUrl: &url}
				for i := range 10 {
					in.Entries = append(in.Entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String(fmt.Sprint(sent))})
					sent++
				}
				if out, err := c.SendMessageBatch(ctx, in); err == nil && len(out.Failed) == 0 {
					for _, e := range in.Entries {
						messages[*e.MessageBody] = true
					}
				}
				time.Sleep(10 * time.Millisecond) // there is enough to do
			}
		})
		for item := range items {
			wg.Go(func() {
				c := dynamodb.NewFromConfig(n.AWS(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
				for ctx.Err() == nil {
					next[item]++
					_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: ddbItem{"id": ddbS(fmt.Sprint(item)), "v": ddbN(next[item])}})
					if err == nil {
						versions[item][next[item]] = true
					}
				}
			})
		}
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				in := &kinesis.PutRecordsInput{StreamName: aws.String(windowed)}
				for j := range 10 {
					in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("1"), Data: fmt.Appendf(nil, "%d %d %d", round, i, j)})
				}
				if out, err := streams(n).PutRecords(ctx, in); err == nil && *out.FailedRecordCount == 0 {
					mu.Lock()
					for _, r := range in.Records {
						records[string(r.Data)] = true
					}
					mu.Unlock()
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
		wg.Wait()
	})
	it, err := streams(n).GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("seen"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON"})
	must(err)
	iterator := it.ShardIterator
	newest := make([]int, items)
	windows := map[string][]string{}
	take := func(data []byte) {
		var x struct {
			Message, Item, Window string
			Version               int
			IDs                   []string
		}
		must(json.Unmarshal(data, &x))
		var item int
		switch {
		case x.Window != "":
			if before, ok := windows[x.Window]; ok && !slices.Equal(before, x.IDs) {
				t.Errorf("the window of %s had %d records, and then %d", x.Window, len(before), len(x.IDs))
			}
			windows[x.Window] = x.IDs
			for _, id := range x.IDs {
				delete(records, id)
			}
		case x.Item != "":
			fmt.Sscan(x.Item, &item)
			for v := newest[item] + 1; v < x.Version; v++ {
				if versions[item][v] {
					t.Errorf("item %d: version %d was seen before %d", item, x.Version, v)
				}
			}
			newest[item] = max(newest[item], x.Version)
			delete(versions[item], x.Version)
		default:
			delete(messages, x.Message)
		}
	}
	total := len(messages) + len(records)
	missing := func() int {
		n := len(messages) + len(records)
		for _, left := range versions {
			n += len(left)
		}
		return n
	}
	for deadline := time.Now().Add(3 * time.Minute); missing() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("not seen: %d messages, %d records of windows, of items %v, of which was seen %v", len(messages), len(records), versions, newest)
		}
		out, err := streams(n).GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator}, reading)
		must(err)
		iterator = out.NextShardIterator
		for _, r := range out.Records {
			take(r.Data)
		}
		if len(out.Records) == 0 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	in := map[string]string{}
	for start, ids := range windows {
		for _, id := range ids {
			if other, ok := in[id]; ok {
				t.Errorf("%s is in the window of %s and in that of %s, or twice in one", id, start, other)
			}
			in[id] = start
		}
	}
	t.Logf("%d kills: %d messages and records, versions up to %v, %d windows", *rounds, total, newest, len(windows))
}
