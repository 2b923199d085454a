package kinesis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
)

const shard0 = onlyShard

func (n *node) consumer(stream, name string) string {
	n.t.Helper()
	d, err := n.client.DescribeStreamSummary(context.Background(), &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := n.client.RegisterStreamConsumer(context.Background(), &kinesis.RegisterStreamConsumerInput{
		StreamARN: d.StreamDescriptionSummary.StreamARN, ConsumerName: &name,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return *out.Consumer.ConsumerARN
}

func (n *node) subscribe(ctx context.Context, consumer, shard string, at types.StartingPosition) (*kinesis.SubscribeToShardEventStream, error) {
	// A client for each: subscriptions of one client of the SDK race for its codec.
	o := n.client.Options()
	c := kinesis.New(kinesis.Options{Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, Retryer: o.Retryer})
	out, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{ConsumerARN: &consumer, ShardId: &shard, StartingPosition: &at})
	if err != nil {
		return nil, err
	}
	n.t.Cleanup(func() { out.GetStream().Close() })
	return out.GetStream(), nil
}

func (n *node) mustSubscribe(consumer, shard string, at types.StartingPosition) *kinesis.SubscribeToShardEventStream {
	n.t.Helper()
	s, err := n.subscribe(context.Background(), consumer, shard, at)
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

var (
	fromHorizon = types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}
	fromLatest  = types.StartingPosition{Type: types.ShardIteratorTypeLatest}
)

func (n *node) putAll(stream string, data ...string) (numbers []string) {
	n.t.Helper()
	for _, d := range data {
		out, err := n.client.PutRecord(context.Background(), &kinesis.PutRecordInput{StreamName: &stream, PartitionKey: aws.String("k"), Data: []byte(d)})
		if err != nil {
			n.t.Fatal(err)
		}
		numbers = append(numbers, *out.SequenceNumber)
	}
	return numbers
}

// next waits for an event.
func next(t *testing.T, s *kinesis.SubscribeToShardEventStream) types.SubscribeToShardEvent {
	t.Helper()
	select {
	case e, ok := <-s.Events():
		if !ok {
			t.Fatalf("the stream has ended: %v", s.Err())
		}
		return e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
	case <-time.After(time.Minute):
		t.Fatal("no event comes")
	}
	panic("unreachable")
}

// wait reports whether a subscription waits for records or for the time of a heartbeat.
func (ss *subscriptions) wait() bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, sub := range ss.active {
		sub.mu.Lock()
		waits := sub.wake != nil
		sub.mu.Unlock()
		if waits {
			return true
		}
	}
	return false
}

// take reads events until there are as many records.
func take(t *testing.T, s *kinesis.SubscribeToShardEventStream, records int) (data string, last types.SubscribeToShardEvent) {
	t.Helper()
	var got []string
	for len(got) < records {
		last = next(t, s)
		for _, r := range last.Records {
			got = append(got, string(r.Data))
		}
	}
	return strings.Join(got, " "), last
}

// ends waits for the end of the stream and returns its error.
func ends(t *testing.T, s *kinesis.SubscribeToShardEventStream) error {
	t.Helper()
	for {
		select {
		case _, ok := <-s.Events():
			if !ok {
				return s.Err()
			}
		case <-time.After(time.Minute):
			t.Fatal("the stream does not end")
		}
	}
}

func TestSubscribePositions(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 1)
	numbers := n.putAll("s", "a", "b", "c")
	for i, tt := range []struct {
		at   types.StartingPosition
		want string
	}{
		{fromHorizon, "a b c d"},
		{fromLatest, "d"},
		{types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &numbers[1]}, "b c d"},
		{types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &numbers[1]}, "c d"},
		{types.StartingPosition{Type: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(time.Now().Add(-time.Hour))}, "a b c d"},
		{types.StartingPosition{Type: types.ShardIteratorTypeAtTimestamp, Timestamp: aws.Time(time.Unix(0, 0))}, "a b c d"},
	} {
		if i > 0 {
			n.Service.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("s"), EnforceConsumerDeletion: aws.Bool(true)})
			n.create("s", 1)
			fresh := n.putAll("s", "a", "b", "c")
			if tt.at.SequenceNumber != nil {
				tt.at.SequenceNumber = &fresh[slices.Index(numbers, *tt.at.SequenceNumber)]
			}
		}
		s := n.mustSubscribe(n.consumer("s", "c"), shard0, tt.at)
		n.putAll("s", "d")
		if got, last := take(t, s, strings.Count(tt.want, " ")+1); got != tt.want || *last.MillisBehindLatest != 0 || len(last.ChildShards) != 0 {
			t.Errorf("%s: %q, %+v; want %q", tt.at.Type, got, last, tt.want)
		}
	}
}

func TestSubscribeRefuses(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 1)
	c := n.consumer("s", "c")
	other := n.putAll("s", "x")[0]
	for _, tt := range []struct {
		consumer, shard string
		at              types.StartingPosition
		code, message   string
	}{
		{c + "1", shard0, fromLatest, "ResourceNotFoundException", "Consumer " + c + "1, account 000000000000 not found."},
		{strings.Replace(c, "stream/s/", "stream/t/", 1), shard0, fromLatest, "ResourceNotFoundException", "Stream t under account 000000000000 not found."},
		{"arn:aws:kinesis:us-east-1:000000000000:stream/s", shard0, fromLatest, "ValidationException", "consumerARN"},
		{c, "shardId-000000000009", fromLatest, "ResourceNotFoundException", "Shard shardId-000000000009 in stream s under account 000000000000 does not exist"},
		{c, "x", fromLatest, "ResourceNotFoundException", "Could not find shard x"},
		{c, shard0, types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber}, "InvalidArgumentException", "no StartingSequenceNumber"},
		{c, shard0, types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: aws.String("12")}, "InvalidArgumentException", "is invalid"},
		{c, shard0, types.StartingPosition{Type: types.ShardIteratorTypeLatest, SequenceNumber: &other}, "InvalidArgumentException", "also a StartingSequenceNumber"},
		{c, shard0, types.StartingPosition{Type: types.ShardIteratorTypeAtTimestamp}, "InvalidArgumentException", "timestamp"},
		{c, shard0, types.StartingPosition{Type: "SOMEWHERE"}, "ValidationException", "startingPosition.type"},
	} {
		_, err := n.subscribe(t.Context(), tt.consumer, tt.shard, tt.at)
		want(t, err, tt.code, tt.message)
	}
	if got := n.subscriptions.count(); got != 0 {
		t.Errorf("%d subscriptions", got)
	}
}

// TestSubscribeContinuation: a continuation brings back to where the subscription was, used
// either way, whether records came or not.
func TestSubscribeContinuation(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := newNode(t, Config{Clock: clock})
	n.create("s", 1)
	c := n.consumer("s", "c")
	again := func(kind types.ShardIteratorType, from types.SubscribeToShardEvent) *kinesis.SubscribeToShardEventStream {
		clock.Advance(takeoverAge) // the service may not know yet that the one before was closed
		return n.mustSubscribe(c, shard0, types.StartingPosition{Type: kind, SequenceNumber: from.ContinuationSequenceNumber})
	}
	s := n.mustSubscribe(c, shard0, fromLatest)
	for i := range 3 {
		for _, kind := range []types.ShardIteratorType{types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber} {
			// An event without records, as there have been none.

			beat := make(chan types.SubscribeToShardEvent)
			go func() { beat <- next(t, s) }()
			var e types.SubscribeToShardEvent
			for waiting := true; waiting; {
				select {
				case e = <-beat:
					waiting = false
				case <-time.After(time.Millisecond):
					if n.subscriptions.wait() { // its time must not run while it works
						clock.Advance(time.Second)
					}
				}
			}
			if len(e.Records) != 0 || *e.MillisBehindLatest != 0 {
				t.Errorf("the heartbeat is %+v", e)
			}
			name := fmt.Sprint(kind, i)
			n.putAll("s", "missed-"+name)
			s.Close()
			s = again(kind, e)
			got, e := take(t, s, 1)
			if got != "missed-"+name {
				t.Errorf("%s after a heartbeat: %s", kind, got)
			}
			s.Close()
			n.putAll("s", "next-"+name)
			s = again(kind, e)
			if got, _ := take(t, s, 1); got != "next-"+name {
				t.Errorf("%s after a record: %s", kind, got)
			}
		}
	}
}

func TestSubscribeTakeOver(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := newNode(t, Config{Clock: clock})
	n.create("s", 2)
	c, other := n.consumer("s", "c"), n.consumer("s", "other")
	first := n.mustSubscribe(c, shard0, fromHorizon)
	// Others are in nobody's way.
	n.mustSubscribe(other, shard0, fromHorizon)
	n.mustSubscribe(c, "shardId-000000000001", fromHorizon)
	clock.Advance(takeoverAge - time.Millisecond)
	_, err := n.subscribe(t.Context(), c, shard0, fromHorizon)
	want(t, err, "ResourceInUseException", "Another active subscription exists for this consumer: 000000000000:s:"+shard0+":c")
	clock.Advance(time.Millisecond)
	second := n.mustSubscribe(c, shard0, fromLatest)
	want(t, ends(t, first), "ResourceInUseException", "Another active subscription exists")
	if got := n.subscriptions.count(); got != 3 {
		t.Errorf("%d subscriptions", got)
	}
	// One whose client has hung up makes way at once.
	second.Close()
	n.mustSubscribe(c, shard0, fromHorizon)
}

func TestSubscribeExpires(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Now())
	n := newNode(t, Config{Clock: clock})
	n.create("s", 1)
	c := n.consumer("s", "c")
	s := n.mustSubscribe(c, shard0, fromLatest)
	clock.Advance(subscriptionLife - time.Millisecond)
	n.putAll("s", "a")
	take(t, s, 1)
	clock.Advance(time.Millisecond)
	if err := ends(t, s); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
	n.mustSubscribe(c, shard0, fromLatest)
}

// TestSubscribeShardEnd: the last event names the children, of a shard closed before and of
// one closed while the subscription waits.
func TestSubscribeShardEnd(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 1)
	c := n.consumer("s", "c")
	s := n.mustSubscribe(c, shard0, fromHorizon)
	n.putAll("s", "a")
	take(t, s, 1)
	if _, err := n.client.SplitShard(t.Context(), &kinesis.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: aws.String(shard0), NewStartingHashKey: aws.String("1000")}); err != nil {
		t.Fatal(err)
	}
	check := func(e types.SubscribeToShardEvent) {
		t.Helper()
		var got []string
		for _, c := range e.ChildShards {
			got = append(got, fmt.Sprintf("%s %s %s", *c.ShardId, c.ParentShards, *c.HashKeyRange.StartingHashKey))
		}
		if w := []string{"shardId-000000000001 [" + shard0 + "] 0", "shardId-000000000002 [" + shard0 + "] 1000"}; !slices.Equal(got, w) || e.ContinuationSequenceNumber != nil {
			t.Errorf("children %q, continuation %v", got, e.ContinuationSequenceNumber)
		}
	}
	check(next(t, s))
	if err := ends(t, s); err != nil {
		t.Error(err)
	}
	s = n.mustSubscribe(c, shard0, fromHorizon)
	got, e := take(t, s, 1)
	check(e)
	if err := ends(t, s); err != nil || got != "a" {
		t.Error(got, err)
	}
	child := n.mustSubscribe(c, "shardId-000000000002", fromHorizon)
	n.putAll("s", "b")
	if got, _ := take(t, child, 1); got != "b" {
		t.Errorf("the child has %s", got)
	}
}

// TestSubscribeEnds: what goes away under a subscription ends it.
func TestSubscribeEnds(t *testing.T) {
	for _, tt := range []struct {
		name          string
		end           func(*node, string)
		code, message string
	}{
		{"consumer deregistered", func(n *node, c string) {
			n.client.DeregisterStreamConsumer(context.Background(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: &c})
		}, "ResourceNotFoundException", "Consumer c under stream s not found"},
		{"stream deleted", func(n *node, _ string) {
			n.client.DeleteStream(context.Background(), &kinesis.DeleteStreamInput{StreamName: aws.String("s"), EnforceConsumerDeletion: aws.Bool(true)})
		}, "ResourceNotFoundException", "Stream s under account 000000000000 not found."},
		{"service closed", func(n *node, _ string) { n.Close(context.Background()) }, "", ""},
		{"log closed", func(n *node, _ string) { n.Service.cfg.Log.Close() }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, Config{})
			n.create("s", 1)
			c := n.consumer("s", "c")
			s := n.mustSubscribe(c, shard0, fromHorizon)
			n.putAll("s", "a")
			take(t, s, 1)
			tt.end(n, c)
			if err := ends(t, s); tt.code != "" {
				want(t, err, tt.code, tt.message)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSubscribeMuch: much is pushed in order, in events of bounded size.
func TestSubscribeMuch(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 1)
	c := n.consumer("s", "c")
	var in kinesis.PutRecordsInput
	in.StreamName = aws.String("s")
	for range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: make([]byte, 5000)})
	}
	const batches = 10
	for range batches {
		if _, err := n.client.PutRecords(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
	}
	s := n.mustSubscribe(c, shard0, fromHorizon)
	last, behind := "", false
	for got := 0; got < batches*500; {
		e := next(t, s)
		if len(e.Records) > maxEventBytes/5000+1 {
			t.Errorf("an event of %d records", len(e.Records))
		}
		behind = behind || *e.MillisBehindLatest > 0
		for _, r := range e.Records {
			if *r.SequenceNumber <= last {
				t.Fatalf("%s after %s", *r.SequenceNumber, last)
			}
			last = *r.SequenceNumber
			got++
		}
		// A continuation within a frame goes on with the next record.
		if *e.ContinuationSequenceNumber < last {
			t.Errorf("continuation %s before %s", *e.ContinuationSequenceNumber, last)
		}
	}
	if !behind {
		t.Error("never behind")
	}
}

// Where there are limits, a consumer gets 2 MiB a second of a shard, by the clock.
func TestSubscribeLimit(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 1)
	const records = 6
	for range records {
		if taken, _ := n.putMany("s", 1, 1<<20, "0"); taken != 1 {
			t.Fatal("not taken")
		}
		clock.Advance(time.Second)
	}
	s := n.mustSubscribe(n.consumer("s", "c"), shard0, fromHorizon)
	var took time.Duration
	for got := 0; got < records; {
		select {
		case e, ok := <-s.Events():
			if !ok {
				t.Fatal(s.Err())
			}
			got += len(e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records)
		case <-time.After(time.Millisecond):
			clock.Advance(20 * time.Millisecond)
			took += 20 * time.Millisecond
		}
	}
	if least := (records - 1) * time.Second / 2; took < least {
		t.Errorf("%d MiB in %s, want at least %s", records, took, least)
	}
}

func TestSubscribePositionErrors(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock})
	n.create("s", 1)
	clock.Advance(time.Second)
	n.create("other", 1)
	c, foreign := n.consumer("s", "c"), n.putAll("other", "a")[0]
	for number, message := range map[string]string{
		"5":     "StartingSequenceNumber 5 used in SubscribeToShard on shard shardId-000000000000 in stream s under account 000000000000 is invalid.",
		foreign: "used in SubscribeToShard on shard shardId-000000000000 in stream s under account 000000000000 is invalid because it did not come from this stream.",
	} {
		_, err := n.subscribe(t.Context(), c, shard0, types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &number})
		want(t, err, "InvalidArgumentException", message)
	}
}
