package firehose

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Kinesis has the streams that records come from.
type Kinesis interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// Limits of reading a Kinesis stream.
const (
	readBytes  = 1 << 20                // of records that one GetRecords should bring, about
	pollWait   = 200 * time.Millisecond // between reads of a shard at its end: Kinesis allows five a second
	idleWait   = time.Second            // of one that has been at its end for a while
	sourceWait = 10 * time.Second       // the longest wait after an error
)

// kinesisSource reads a shard of a Kinesis stream as a source of the delivery engine.
//
// The engine's positions are small and dense, sequence numbers are neither. So a position
// counts: that of the n-th record read, from 1, is frame n. What is counted is
// remembered as marks (before position p came the record of sequence number q), the
// oldest one that is still needed goes into the progress document, and a source that is
// restarted there counts on from it. When the record of the mark is no longer in the
// shard, records have been lost to the stream's retention; the count then goes on behind
// everything that the progress tells of, so that nothing is taken for delivered that is
// not.
//
// Read and Wait are for one goroutine at a time.
type kinesisSource struct {
	k        Kinesis
	stream   string    // ARN
	shard    string    // id
	from     time.Time // where to begin; zero: the oldest record
	s        *Service
	retrying func(err error, attempt int, wait time.Duration)
	ended    chan struct{} // closed when the shard is closed and all of it was read

	batch    []shardlog.Record // what was read last
	batchAt  uint64            // number of the first of it
	iterator *string           // after it; nil: to be got
	over     bool              // nothing comes after it
	limit    int32
	wait     time.Duration

	mu      sync.Mutex
	marks   []sourceMark // in order, at least one
	next    uint64       // number of the record after the batch
	beyond  uint64
	lag     time.Duration // behind the tip, at the last read
	endAt   uint64        // number of the record after the last, when over
	isEnded bool
}

// sourceMark is a place in a shard.
type sourceMark struct {
	Number   uint64 `json:"number"`             // of the next record
	Sequence string `json:"sequence,omitempty"` // of the record before it; "": it is the first
	time     time.Time
}

func (st *stream) newKinesisSource(shard string, from time.Time) *kinesisSource {
	return &kinesisSource{
		k: st.s.cfg.Kinesis, stream: st.doc.Load().Source.StreamARN, shard: shard, from: from, s: st.s,
		ended: make(chan struct{}), limit: 1000, marks: []sourceMark{{Number: 1}}, batchAt: 1,
	}
}

// restart begins again at a mark. Positions up to beyond may be in use.
func (k *kinesisSource) restart(m *sourceMark, beyond shardlog.Position) {
	if m == nil {
		m = &sourceMark{Number: 1}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.marks = []sourceMark{*m}
	k.beyond = beyond.Frame
	k.batch, k.batchAt, k.iterator, k.over = nil, m.Number, nil, false
}

// mark is a place from which everything at or after the position can be read again. What
// is before it is forgotten.
func (k *kinesisSource) mark(at shardlog.Position) *sourceMark {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := 0
	for i+1 < len(k.marks) && k.marks[i+1].Number <= at.Frame {
		i++
	}
	k.marks = append(k.marks[:0], k.marks[i:]...)
	m := k.marks[0]
	return &m
}

// Read is that of delivery.Source.
func (k *kinesisSource) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	at := max(from.Frame, 1)
	if from.Index > 0 {
		at = from.Frame + 1
	}
	if at < k.batchAt || at > k.batchAt+uint64(len(k.batch)) && k.iterator == nil && !k.over {
		if err := k.seek(at); err != nil {
			return nil, from, err
		}
	}
	for at >= k.batchAt+uint64(len(k.batch)) {
		more, err := k.fetch(ctx)
		if err != nil {
			return nil, from, err
		}
		if !more {
			return dst, from, nil
		}
	}
	at = max(at, k.batchAt) // records between were lost
	n, size := 0, 0
	for _, r := range k.batch[at-k.batchAt:] {
		if n > 0 && (o.MaxRecords > 0 && n >= o.MaxRecords || o.MaxBytes > 0 && size+len(r.Data) > o.MaxBytes) {
			break
		}
		dst = append(dst, r)
		size += len(r.Data)
		n++
	}
	return dst, shardlog.Position{Frame: at + uint64(n)}, nil
}

// Wait is that of delivery.Source.
func (k *kinesisSource) Wait(ctx context.Context, from shardlog.Position) error {
	at := max(from.Frame, 1)
	for {
		if at < k.batchAt+uint64(len(k.batch)) {
			return nil
		}
		if k.over {
			k.end()
			<-ctx.Done()
			return ctx.Err()
		}
		if err := k.sleep(ctx, k.wait); err != nil {
			return err
		}
		if _, err := k.fetch(ctx); err != nil {
			return err
		}
	}
}

// end says that the shard is read to its end.
func (k *kinesisSource) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.endAt = k.batchAt + uint64(len(k.batch))
	if !k.isEnded {
		k.isEnded = true
		close(k.ended)
	}
}

// last is the position after the last record of a shard that has ended.
func (k *kinesisSource) last() shardlog.Position {
	k.mu.Lock()
	defer k.mu.Unlock()
	return shardlog.Position{Frame: k.endAt}
}

func (k *kinesisSource) sleep(ctx context.Context, d time.Duration) error {
	t := k.s.clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.Chan():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// seek goes back to the last mark at or before a number.
func (k *kinesisSource) seek(at uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.marks[0]
	for _, n := range k.marks {
		if n.Number > at {
			break
		}
		m = n
	}
	k.batch, k.batchAt, k.iterator, k.over = nil, m.Number, nil, false
	return nil
}

// fetch reads on behind the batch, which it replaces if there is more.
func (k *kinesisSource) fetch(ctx context.Context) (more bool, err error) {
	if k.over {
		return false, nil
	}
	wait := pollWait
	for attempt := 1; ; attempt++ {
		more, err = k.get(ctx)
		if err == nil {
			return more, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		k.iterator = nil // it may be what is wrong
		if k.retrying != nil && !throttled(err) {
			k.retrying(err, attempt, wait)
		}
		if err := k.sleep(ctx, wait); err != nil {
			return false, err
		}
		wait = min(2*wait, sourceWait)
	}
}

func throttled(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && (e.ErrorCode() == "ProvisionedThroughputExceededException" || e.ErrorCode() == "ExpiredIteratorException")
}

// get reads until it has records or the shard has no more for now.
func (k *kinesisSource) get(ctx context.Context) (more bool, err error) {
	next := k.batchAt + uint64(len(k.batch))
	expect := "" // the record before the next one
	if k.iterator == nil {
		in := &kinesis.GetShardIteratorInput{StreamARN: &k.stream, ShardId: &k.shard, ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon}
		if n := len(k.batch); n > 0 {
			expect = k.sequence(n - 1)
		} else {
			k.mu.Lock()
			for _, m := range k.marks {
				if m.Number == next {
					expect = m.Sequence
				}
			}
			k.mu.Unlock()
		}
		if expect != "" {
			in.ShardIteratorType, in.StartingSequenceNumber = kinesistypes.ShardIteratorTypeAtSequenceNumber, &expect
		} else if !k.from.IsZero() {
			in.ShardIteratorType, in.Timestamp = kinesistypes.ShardIteratorTypeAtTimestamp, &k.from
		}
		out, err := k.k.GetShardIterator(ctx, in)
		if err != nil {
			return false, fmt.Errorf("read shard %s of %s: %w", k.shard, k.stream, err)
		}
		k.iterator = out.ShardIterator
	}
	for {
		out, err := k.k.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: &k.stream, ShardIterator: k.iterator, Limit: &k.limit})
		if err != nil {
			return false, fmt.Errorf("read shard %s of %s: %w", k.shard, k.stream, err)
		}
		records := out.Records
		if expect != "" && len(records) > 0 {
			if aws.ToString(records[0].SequenceNumber) == expect {
				records = records[1:]
			} else {
				k.mu.Lock()
				next = max(next, k.beyond+1)
				k.marks = append(k.marks, sourceMark{Number: next + 1, Sequence: *records[0].SequenceNumber, time: *records[0].ApproximateArrivalTimestamp})
				k.mu.Unlock()
				k.s.log.Warn("records of a Kinesis stream are no longer there, perhaps some that were not delivered", "stream", k.stream, "shard", k.shard)
			}
			expect = ""
		}
		k.iterator, k.over = out.NextShardIterator, out.NextShardIterator == nil
		behind := time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond
		k.mu.Lock()
		k.lag = behind
		k.mu.Unlock()
		if len(records) > 0 {
			k.take(next, records)
			k.wait = 0
			return true, nil
		}
		if k.over || behind == 0 {
			if k.wait = max(pollWait, k.wait+k.wait/4); k.wait > idleWait {
				k.wait = idleWait
			}
			return false, nil
		}
	}
}

// take makes records the batch, the first of them with the number.
func (k *kinesisSource) take(number uint64, records []kinesistypes.Record) {
	before := ""
	if n := len(k.batch); n > 0 {
		before = k.sequence(n - 1)
	}
	size, keys := 0, 0
	for i := range records {
		size += len(records[i].Data)
		keys += len(*records[i].SequenceNumber) + len(*records[i].PartitionKey) + 1
	}
	arena := make([]byte, 0, keys)
	batch := make([]shardlog.Record, len(records))
	for i := range records {
		r := &records[i]
		at := len(arena)
		arena = delivery.AppendKinesisKey(arena, *r.SequenceNumber, *r.PartitionKey)
		batch[i] = shardlog.Record{
			Position: shardlog.Position{Frame: number + uint64(i)}, Key: arena[at:len(arena):len(arena)], Data: r.Data,
			Time: aws.ToTime(r.ApproximateArrivalTimestamp),
		}
	}
	k.mu.Lock()
	if last := k.marks[len(k.marks)-1]; before != "" && last.Number < number {
		k.marks = append(k.marks, sourceMark{Number: number, Sequence: before, time: batch[0].Time})
	}
	k.next = number + uint64(len(batch))
	k.mu.Unlock()
	k.batch, k.batchAt = batch, number
	k.limit = int32(min(max(readBytes*len(records)/max(size, 1), 1), 10000))
}

// sequence is the number of the i-th record of the batch.
func (k *kinesisSource) sequence(i int) string {
	key := k.batch[i].Key
	for n, c := range key {
		if c == '\n' {
			return string(key[:n])
		}
	}
	return string(key)
}

// rest tells what was read of the shard and is not delivered, and how old it is. What was
// not read yet counts as one record.
func (k *kinesisSource) rest(_ context.Context, p *delivery.Progress) (shardlog.Rest, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r shardlog.Rest
	if at := max(p.Watermark.Frame, 1); k.next > at {
		r.Records = k.next - at
		r.Oldest = k.marks[0].time
	}
	if k.lag > 0 {
		r.Records = max(r.Records, 1)
		if t := k.s.clock.Now().Add(-k.lag); r.Oldest.IsZero() || t.Before(r.Oldest) {
			r.Oldest = t
		}
	}
	if r.Records > 0 && r.Oldest.IsZero() {
		r.Oldest = k.s.clock.Now()
	}
	return r, nil
}
