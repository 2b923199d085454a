package firehose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// TestPuts reads what was put to a delivery stream, also when it is delivered, and after a restart.
func TestPuts(t *testing.T) {
	n := newNode(t)
	n.create(t, "d", raw("lake"))
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "000000000000", Region: "us-east-1"})
	stream := "arn:aws:firehose:us-east-1:000000000000:deliverystream/d"
	n.put(t, "d", "a", "b")
	read := func(from *shardreader.Position, want ...string) *shardreader.Position {
		t.Helper()
		r := shardreader.New(shardreader.Kinesis(n.svc.Puts(), stream), from, shardreader.Options{Events: shardreader.Events{
			Failed: func(_ string, err error, _ int, _ time.Duration) { t.Error(err) },
			Lost:   func(string) { t.Error("records were lost") },
		}})
		defer r.Close()
		var got []string
		for len(got) < len(want) {
			b, err := r.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Records {
				got = append(got, string(b.Records[i].Data))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		return r.Position()
	}
	at := read(nil, "a", "b")
	n.put(t, "d", "c")
	n.flush(t, "d")
	read(at, "c")
	read(nil, "a", "b", "c")
	n.stop(t)
	n.start(t)
	n.put(t, "d", "d")
	n.flush(t, "d")
	read(at, "c", "d")
	read(nil, "a", "b", "c", "d")
}

// TestPutsAreKeptForReaders keeps delivered records of a stream that is read for a day, and no longer, although nothing
// more is put; and readers find what came after a start however long the service was down.
func TestPutsAreKeptForReaders(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := &node{dir: t.TempDir(), s3: &memS3{}, glue: &memGlue{}, clock: clock}
	n.start(t)
	t.Cleanup(func() { n.stop(t) })
	n.create(t, "d", raw("lake"))
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "000000000000", Region: "us-east-1"})
	opened := func() *stream {
		t.Helper()
		st, err := n.svc.Puts().opened(ctx, aws.String("arn:aws:firehose:us-east-1:000000000000:deliverystream/d"))
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	// frame ends the frame that appends go to.
	frame := func() {
		t.Helper()
		if err := opened().shard.TrimBefore(ctx, shardlog.Position{}); err != nil {
			t.Fatal(err)
		}
	}
	// passes lets hours pass until the log holds so many records.
	passes := func(want uint64) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
			info, err := opened().shard.Info(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if info.Records == want {
				return
			}
			clock.Advance(trimAgain)
			time.Sleep(5 * time.Millisecond) // for the trimmer to look
		}
		t.Fatalf("the log does not get to %d records", want)
	}
	if err := opened().keepRead(ctx); err != nil {
		t.Fatal(err)
	}
	n.put(t, "d", "a", "b")
	frame()
	n.put(t, "d", "last") // the newest frame stays until another comes
	n.flush(t, "d")
	if info, err := opened().shard.Info(ctx); err != nil || info.Records != 3 {
		t.Fatalf("%+v, %v: what was delivered is not kept for readers", info, err)
	}
	passes(1)

	// Kept when it stops, and gone some time after it starts again, without a move of the delivery.
	if err := opened().keepRead(ctx); err != nil {
		t.Fatal(err)
	}
	n.put(t, "d", "c")
	n.flush(t, "d")
	frame()
	n.stop(t)
	clock.Advance(2 * keepFor)
	n.start(t)
	n.put(t, "d", "d")
	n.flush(t, "d")
	info, err := opened().shard.Info(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if to, err := opened().kept(ctx, info.End); err != nil || to.Compare(info.End) >= 0 {
		t.Errorf("what is put after a start is kept from %v on (%v), and ends at %v", to, err, info.End)
	}
	passes(1)
}

// TestPutsRefusals asks for what is not the caller's, or not there.
func TestPutsRefusals(t *testing.T) {
	n := newNode(t)
	n.create(t, "d", raw("lake"))
	n.create(t, "e", raw("lake"))
	as := func(account, region string) awswire.Caller { return awswire.Caller{Account: account, Region: region} }
	p := n.svc.Puts()
	arn := func(name string) *string {
		return aws.String("arn:aws:firehose:us-east-1:000000000000:deliverystream/" + name)
	}
	own := awswire.WithCaller(t.Context(), as("000000000000", "us-east-1"))
	got, err := p.GetShardIterator(own, &kinesis.GetShardIteratorInput{StreamARN: arn("d"), ShardId: aws.String(putsShard), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []awswire.Caller{as("111111111111", "us-east-1"), as("000000000000", "eu-west-1")} {
		ctx := awswire.WithCaller(t.Context(), c)
		if _, err := p.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: arn("d")}); err == nil {
			t.Errorf("%v describes it", c)
		}
		if _, err := p.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: arn("d"), ShardIterator: got.ShardIterator}); err == nil {
			t.Errorf("%v reads it", c)
		}
		if err := p.WaitForRecords(ctx, *got.ShardIterator); err == nil {
			t.Errorf("%v waits for it", c)
		}
	}
	for _, it := range []string{"", "x", strings.Repeat("A", 1000), *got.ShardIterator + "A"} {
		if _, err := p.GetRecords(own, &kinesis.GetRecordsInput{StreamARN: arn("d"), ShardIterator: &it}); err == nil {
			t.Errorf("iterator %q reads", it)
		}
	}
	if _, err := p.GetRecords(own, &kinesis.GetRecordsInput{StreamARN: arn("e"), ShardIterator: got.ShardIterator}); err == nil {
		t.Error("the iterator of another delivery stream reads")
	}
	for _, seq := range []string{"", "1", "4" + strings.Repeat("9", 30), "49" + strings.Repeat("x", 29)} {
		if _, err := p.GetShardIterator(own, &kinesis.GetShardIteratorInput{StreamARN: arn("d"), ShardId: aws.String(putsShard), ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &seq}); err == nil {
			t.Errorf("sequence number %q is taken", seq)
		}
	}
	if _, err := p.DescribeStreamSummary(own, &kinesis.DescribeStreamSummaryInput{StreamARN: arn("none")}); err == nil {
		t.Error("a delivery stream that is not there is described")
	}
}
