package crash

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// witness is a function that writes the records which it sees to another stream, by the
// standard library alone. A node on loopback takes any signature.
const witness = `
import json, os, time, urllib.request
def handler(event, context):
    records = [{"PartitionKey": r["kinesis"]["partitionKey"], "Data": r["kinesis"]["data"]} for r in event["Records"]]
    body = json.dumps({"StreamName": "seen", "Records": records}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], body, {
        "X-Amz-Target": "Kinesis_20131202.PutRecords", "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
    })).read()
`

// TestFunctionSeesEveryRecord: a consumer of a stream misses no record, and sees the records
// of a key in their order, again only after a kill.
func TestFunctionSeesEveryRecord(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not on this machine")
	}
	if *rounds == 20 { // unless somebody asks for another number: starts of processes take their time
		*rounds = 6
		defer func() { *rounds = 20 }()
	}
	const writers, batch = 3, 20
	var (
		mu    sync.Mutex
		acked = map[string]bool{}
		next  = make([]int, writers)
	)
	client := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	n := underFire(t, func(n *nodetest.Node) {
		for _, name := range []string{crashStream, "seen"} {
			if _, err := client(n).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(1)}); err != nil {
				t.Fatal(err)
			}
		}
		l := lambda.NewFromConfig(n.AWS())
		_, err := l.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("witness"), Runtime: "python3.12", Handler: aws.String("main.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
			Timeout: aws.Int32(30), Code: &lambdatypes.FunctionCode{ZipFile: zipped(t, "main.py", witness)},
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := client(n).DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(crashStream)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
			FunctionName: aws.String("witness"), EventSourceArn: d.StreamDescriptionSummary.StreamARN, StartingPosition: "TRIM_HORIZON", ParallelizationFactor: aws.Int32(2),
		})
		if err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					in := &kinesis.PutRecordsInput{StreamName: aws.String(crashStream)}
					var data []string
					for range batch {
						d := fmt.Sprintf("%d %08d", w, next[w])
						next[w]++
						data = append(data, d)
						in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint(w)), Data: []byte(d)})
					}
					if out, err := c.PutRecords(ctx, in); err == nil && *out.FailedRecordCount == 0 {
						mu.Lock()
						for _, d := range data {
							acked[d] = true
						}
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
	})
	c := client(n)
	it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("seen"), ShardId: aws.String("shardId-000000000000"), ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		t.Fatal(err)
	}
	iterator := it.ShardIterator
	seen := map[string]bool{}
	last := map[string]string{}
	missing := func() (n int) {
		for d := range acked {
			if !seen[d] {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(3 * time.Minute); missing() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records were not seen", missing(), len(acked))
		}
		out, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator}, reading)
		if err != nil {
			t.Fatal(err)
		}
		iterator = out.NextShardIterator
		for _, r := range out.Records {
			d := string(r.Data)
			key, _, _ := strings.Cut(d, " ")
			if !seen[d] && d < last[key] {
				t.Errorf("%q was first seen after %q", d, last[key])
			}
			seen[d] = true
			last[key] = max(last[key], d)
		}
		if len(out.Records) == 0 {
			time.Sleep(50 * time.Millisecond)
		}
	}
	t.Logf("%d records acknowledged, %d seen", len(acked), len(seen))
}

func zipped(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
