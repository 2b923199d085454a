package lambda

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// processorTime is what this process and those of a function have used.
func (x *fixture) processorTime(function string) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		x.t.Fatal(err)
	}
	sum := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	for _, i := range x.cfg.Engine.Running("000000000000/us-east-1/" + function) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", i.Pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, ticks := range fields[11:13] {
			n, _ := strconv.Atoi(ticks)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

// BenchmarkMapping takes records of 200 bytes from a stream to a Python function, 1,000 at a time. records/core-s counts
// the time of processors that the node and the function use together.
func BenchmarkMapping(b *testing.B) {
	x := newFixture(b)
	const records, each = 200_000, 500
	stream := x.stream("s", 1)
	x.python("f", "def handler(e, c): pass")
	x.invoke("f", `{}`) // it has started
	entries := make([]kinesistypes.PutRecordsRequestEntry, each)
	for i := range entries {
		entries[i] = kinesistypes.PutRecordsRequestEntry{PartitionKey: aws.String(strconv.Itoa(i)), Data: fmt.Appendf(nil, "%0200d", i)}
	}
	var last string
	for range records / each {
		out, err := x.kinesis.PutRecords(context.Background(), &awskinesis.PutRecordsInput{StreamName: aws.String("s"), Records: entries})
		if err != nil || *out.FailedRecordCount != 0 {
			b.Fatal(out, err)
		}
		last = *out.Records[each-1].SequenceNumber
	}
	for b.Loop() {
		used, began := x.processorTime("f"), time.Now()
		id := x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(1000) })
		eventually(b, "all are consumed", func() bool {
			d, err := x.positions.Get("000000000000", "us-east-1", id)
			return err == nil && d.Position.Shards["shardId-000000000000"].After == last
		})
		b.ReportMetric(records/time.Since(began).Seconds(), "records/s")
		b.ReportMetric(records/(x.processorTime("f")-used).Seconds(), "records/core-s")
		if _, err := x.DeleteEventSourceMapping(context.Background(), &lambda.DeleteEventSourceMappingInput{UUID: &id}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPutToInvocation is how long after its put a record is in the hands of a Python function.
func BenchmarkPutToInvocation(b *testing.B) {
	x := newFixture(b)
	stream := x.stream("s", 1)
	x.python("f", `
import base64, time
def handler(e, c):
    now = time.time()
    for r in e["Records"]: print("took", base64.b64decode(r["kinesis"]["data"]).decode(), now)
`)
	x.mapping(stream, "f", nil)
	took := func(n int) func() bool {
		return func() bool { return len(x.said("f", "took")) >= n }
	}
	x.put("s", sameKey, "0")
	eventually(b, "the function has started", took(1))
	var waits []float64
	for b.Loop() {
		at := float64(time.Now().UnixNano()) / 1e9
		x.put("s", sameKey, strconv.FormatFloat(at, 'f', 6, 64))
		var line string
		eventually(b, "the record is taken", func() bool {
			said := x.said("f", "took")
			line = said[len(said)-1]
			return strings.HasPrefix(line, strconv.FormatFloat(at, 'f', 6, 64))
		})
		_, end, _ := strings.Cut(line, " ")
		seconds, _ := strconv.ParseFloat(end, 64)
		waits = append(waits, (seconds-at)*1000)
	}
	slices.Sort(waits)
	b.ReportMetric(waits[len(waits)/2], "p50-ms")
	b.ReportMetric(waits[len(waits)*99/100], "p99-ms")
}

// BenchmarkWarm is a synchronous invocation of a function that runs, less the function's own time.
func BenchmarkWarm(b *testing.B) {
	x := newFixture(b)
	x.python("f", "def handler(e, c): return 1")
	x.invoke("f", `{}`)
	for b.Loop() {
		x.invoke("f", `{}`)
	}
}
