package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	analytics "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	analyticstypes "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/test/nodetest"
)

// analyticsCode passes every record on, with its ROWTIME, and sums up each second.
const analyticsCode = `
CREATE OR REPLACE STREAM "EVERY" ("id" INTEGER, "name" VARCHAR(16), "at" TIMESTAMP);
CREATE OR REPLACE PUMP "EVERY_PUMP" AS INSERT INTO "EVERY" SELECT STREAM "id", "name", "ROWTIME" FROM "SOURCE_001";
CREATE OR REPLACE STREAM "SECONDS" ("name" VARCHAR(16), "at" TIMESTAMP, "n" BIGINT, "total" BIGINT);
CREATE OR REPLACE PUMP "SECONDS_PUMP" AS INSERT INTO "SECONDS"
  SELECT STREAM "name", FLOOR("SOURCE_001"."ROWTIME" TO SECOND), COUNT(*), SUM("id") FROM "SOURCE_001" GROUP BY FLOOR("SOURCE_001"."ROWTIME" TO SECOND), "name";
`

const (
	analyticsIn      = "analytics-in"
	analyticsEvery   = "analytics-every"
	analyticsSeconds = "analytics-seconds"
)

// TestAnalyticsWritesEachRowOnce kills a node under an application of two outputs, one of them with a row for
// each record, while shards of its input are split and merged. Every record must be in the first output
// once, and the windows of the second must be those of the first, each once.
func TestAnalyticsWritesEachRowOnce(t *testing.T) {
	const writers, batch, names = 2, 25, 4
	client := func(n *nodetest.Node) *kinesis.Client {
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	var mu sync.Mutex
	next, shards := 1, 2
	acked := map[int]bool{}
	n := underFire(t, func(n *nodetest.Node) { makeAnalytics(t, n) }, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		wg.Go(func() {
			shards = 5 - shards // two and three by turns
			_, _ = c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
				StreamName: aws.String(analyticsIn), TargetShardCount: aws.Int32(int32(shards)), ScalingType: types.ScalingTypeUniformScaling,
			}) // it may come too often, or the node be dead
		})
		for range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					in := &kinesis.PutRecordsInput{StreamName: aws.String(analyticsIn)}
					mu.Lock()
					first := next
					next += batch
					mu.Unlock()
					for id := first; id < first+batch; id++ {
						in.Records = append(in.Records, types.PutRecordsRequestEntry{
							PartitionKey: aws.String(fmt.Sprint(id)), Data: fmt.Appendf(nil, `{"id":%d,"name":"n%d"}`, id, id%names),
						})
					}
					out, err := c.PutRecords(ctx, in)
					if err != nil {
						return
					}
					mu.Lock()
					for i, r := range out.Records {
						if r.ErrorCode == nil {
							acked[first+i] = true
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	c := client(n)
	put := map[int]int{}
	for _, data := range readAll(t, c, analyticsIn) {
		put[field(t, data, "id")]++
	}
	for id := range acked {
		if put[id] == 0 {
			t.Errorf("record %d was acknowledged and is not in the stream", id)
		}
	}
	var every, seconds []string
	deadline := time.Now().Add(3 * time.Minute)
	for {
		every, seconds = readAll(t, c, analyticsEvery), readAll(t, c, analyticsSeconds)
		total := 0
		for _, row := range seconds {
			total += field(t, row, "n")
		}
		if len(every) >= len(put) && total >= len(put) {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("of %d records %d are in the first output and %d in the windows of the second\n%s", len(put), len(every), total, n.Log())
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	type window struct{ name, at string }
	type sums struct{ n, total int }
	want := map[window]sums{}
	seen := map[int]int{}
	for _, data := range every {
		var row struct {
			ID       int `json:"id"`
			Name, At string
		}
		if err := json.Unmarshal([]byte(data), &row); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if seen[row.ID]++; seen[row.ID] == 2 {
			t.Errorf("record %d is in the output more than once", row.ID)
		}
		at, _, _ := strings.Cut(row.At, ".")
		w := window{row.Name, at + ".000"}
		want[w] = sums{want[w].n + 1, want[w].total + row.ID}
	}
	for id := range put {
		if seen[id] == 0 {
			t.Errorf("record %d is not in the output", id)
		}
	}
	got := map[window]int{}
	for _, data := range seconds {
		var row struct {
			Name, At string
			N, Total int
		}
		if err := json.Unmarshal([]byte(data), &row); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		w := window{row.Name, row.At}
		if got[w]++; got[w] == 2 {
			t.Errorf("window %v is in the output more than once", w)
		}
		if want[w] != (sums{row.N, row.Total}) {
			t.Errorf("window %v has %d records of the sum %d; it should have %+v", w, row.N, row.Total, want[w])
		}
	}
	for w := range want {
		if got[w] == 0 {
			t.Errorf("window %v is not in the output", w)
		}
	}
	t.Logf("%d records, %d windows, %d kills", len(put), len(got), *rounds)
}

// makeAnalytics makes the streams and the application, and starts it.
func makeAnalytics(t *testing.T, n *nodetest.Node) {
	t.Helper()
	ctx := t.Context()
	k, a := kinesis.NewFromConfig(n.AWS()), analytics.NewFromConfig(n.AWS())
	for _, name := range []string{analyticsIn, analyticsEvery, analyticsSeconds} {
		if _, err := k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(2)}); err != nil {
			t.Fatal(err)
		}
		if err := kinesis.NewStreamExistsWaiter(k, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	role := aws.String("arn:aws:iam::000000000000:role/analytics")
	arn := func(name string) *string { return aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + name) }
	output := func(name, stream string) analyticstypes.Output {
		return analyticstypes.Output{
			Name: &name, KinesisStreamsOutput: &analyticstypes.KinesisStreamsOutput{ResourceARN: arn(stream), RoleARN: role},
			DestinationSchema: &analyticstypes.DestinationSchema{RecordFormatType: analyticstypes.RecordFormatTypeJson},
		}
	}
	_, err := a.CreateApplication(ctx, &analytics.CreateApplicationInput{
		ApplicationName: aws.String("sums"), ApplicationCode: aws.String(analyticsCode),
		Inputs: []analyticstypes.Input{{
			NamePrefix: aws.String("SOURCE"), KinesisStreamsInput: &analyticstypes.KinesisStreamsInput{ResourceARN: arn(analyticsIn), RoleARN: role},
			InputSchema: &analyticstypes.SourceSchema{
				RecordFormat: &analyticstypes.RecordFormat{RecordFormatType: analyticstypes.RecordFormatTypeJson},
				RecordColumns: []analyticstypes.RecordColumn{
					{Name: aws.String("id"), SqlType: aws.String("INTEGER"), Mapping: aws.String("$.id")},
					{Name: aws.String("name"), SqlType: aws.String("VARCHAR(16)"), Mapping: aws.String("$.name")},
				},
			},
		}},
		Outputs: []analyticstypes.Output{output("EVERY", analyticsEvery), output("SECONDS", analyticsSeconds)},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.StartApplication(ctx, &analytics.StartApplicationInput{ApplicationName: aws.String("sums"), InputConfigurations: []analyticstypes.InputConfiguration{{
		Id:                                 aws.String("1.1"),
		InputStartingPositionConfiguration: &analyticstypes.InputStartingPositionConfiguration{InputStartingPosition: analyticstypes.InputStartingPositionTrimHorizon},
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// readAll reads what a stream has now.
func readAll(t *testing.T, c *kinesis.Client, stream string) []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	r := shardreader.New(shardreader.Kinesis(c, stream), nil, shardreader.Options{})
	defer r.Close()
	err := r.Run(t.Context(), nil, shardreader.Tip, func(ctx context.Context, sh *shardreader.Shard[types.Record]) error {
		for {
			records, err := sh.Next(ctx, shardreader.Limits{})
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			mu.Lock()
			for i := range records {
				all = append(all, string(records[i].Data))
			}
			mu.Unlock()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// field is a number of a JSON object.
func field(t *testing.T, data, name string) int {
	t.Helper()
	var row map[string]any
	if err := json.Unmarshal([]byte(data), &row); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	n, _ := row[name].(float64)
	return int(n)
}
