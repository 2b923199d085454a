package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// latencyEvery is the pause between the records whose way is timed: the node has little
// to do meanwhile.
const latencyEvery = 5 * time.Millisecond

// pollEvery is the pause between calls of GetRecords.
const pollEvery = time.Millisecond

// latencies puts single records to an idle stream of one shard, and times each from the
// call of its put to its acknowledgement, to a reader that calls GetRecords all the
// time, and to a subscriber.
func (b *benchStreams) latencies(ctx context.Context) ([]streamResult, error) {
	done := b.show("latencies", 3*b.length)
	defer done()
	l := &latency{bench: b, stream: b.stream + "-latency", begun: time.Now()}
	_, err := b.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &l.stream, ShardCount: aws.Int32(1)})
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		_, _ = b.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: &l.stream, EnforceConsumerDeletion: aws.Bool(true)}) // the measurement's error matters more
	}()
	err = kinesis.NewStreamExistsWaiter(b.client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 10 * time.Millisecond }).
		Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &l.stream}, time.Minute)
	if err != nil {
		return nil, err
	}
	// One after the other: a reader that asks all the time takes from the machine.
	alone, err := l.run(ctx, nil)
	if err != nil {
		return nil, err
	}
	polled, err := l.run(ctx, l.poll)
	if err != nil {
		return nil, err
	}
	results := []streamResult{named(alone.ack, "put to acknowledgement"), named(polled.seen, "put to GetRecords")}
	pushed, err := l.run(ctx, l.subscribe)
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && (api.ErrorCode() == "UnsupportedOperationException" || api.ErrorCode() == "UnknownOperationException"):
		return append(results, streamResult{Name: "put to subscriber", Note: "not supported by the node"}), nil
	case err != nil:
		return nil, err
	}
	return append(results, named(pushed.seen, "put to subscriber")), nil
}

func named(r streamResult, name string) streamResult {
	r.Name = name
	return r
}

// latency is a measurement of records' ways.
type latency struct {
	bench  *benchStreams
	stream string
	begun  time.Time
}

type latencyResult struct{ ack, seen streamResult }

// run puts records for the measurement's time while read, if there is one, calls saw with
// all that it reads. read calls ready when it will see what is put from then on.
func (l *latency) run(ctx context.Context, read func(ctx context.Context, ready func(), saw func([]types.Record)) error) (out latencyResult, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	put := 0
	saw := func(records []types.Record) {
		now := time.Since(l.begun)
		mu.Lock()
		defer mu.Unlock()
		for i := range records {
			if len(records[i].Data) == 8 {
				sent := time.Duration(binary.BigEndian.Uint64(records[i].Data))
				out.seen.took = append(out.seen.took, now-sent)
			}
		}
	}
	failed := make(chan error, 1)
	if read != nil {
		ready := make(chan struct{})
		go func() { failed <- read(ctx, sync.OnceFunc(func() { close(ready) }), saw) }()
		select {
		case <-ready:
		case err := <-failed:
			return out, err
		}
	}
	start := time.Now()
	for time.Since(start) < l.bench.length {
		sent := time.Since(l.begun)
		_, err := l.bench.client.PutRecord(ctx, &kinesis.PutRecordInput{
			StreamName: &l.stream, PartitionKey: aws.String("k"), Data: binary.BigEndian.AppendUint64(nil, uint64(sent)),
		})
		if err != nil {
			return out, err
		}
		out.ack.took = append(out.ack.took, time.Since(l.begun)-sent)
		put++
		if err := pause(ctx, latencyEvery); err != nil {
			return out, err
		}
	}
	seconds := time.Since(start).Seconds()
	if read != nil {
		err := poll(ctx, time.Millisecond, func() (bool, error) {
			select {
			case err := <-failed:
				return false, fmt.Errorf("the reader ended: %w", err)
			default:
			}
			mu.Lock()
			defer mu.Unlock()
			return len(out.seen.took) >= put, nil
		})
		if err != nil {
			return out, err
		}
		cancel()
		<-failed
	}
	for _, r := range []*streamResult{&out.ack, &out.seen} {
		r.Records, r.Seconds = len(r.took), seconds
		r.done()
	}
	return out, nil
}

// poll calls GetRecords all the time.
func (l *latency) poll(ctx context.Context, ready func(), saw func([]types.Record)) error {
	c := l.bench.client
	it, err := c.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: &l.stream, ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeLatest})
	if err != nil {
		return err
	}
	for next := it.ShardIterator; ; {
		ready()
		out, err := c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: next})
		if err != nil {
			return err
		}
		saw(out.Records)
		next = out.NextShardIterator
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// subscribe reads by enhanced fan-out.
func (l *latency) subscribe(ctx context.Context, ready func(), saw func([]types.Record)) error {
	c := l.bench.client
	summary, err := c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &l.stream})
	if err != nil {
		return err
	}
	made, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: summary.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("bench")})
	if err != nil {
		return err
	}
	arn := made.Consumer.ConsumerARN
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		d, err := c.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
		return err == nil && d.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive, err
	})
	if err != nil {
		return err
	}
	sub, err := c.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: arn, ShardId: aws.String("shardId-000000000000"),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	})
	if err != nil {
		return err
	}
	events := sub.GetStream()
	defer events.Close()
	ready()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-events.Events():
			if !ok {
				return errors.Join(errors.New("the subscription ended"), events.Err())
			}
			if e, ok := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); ok {
				saw(e.Value.Records)
			}
		}
	}
}

// pause waits unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
