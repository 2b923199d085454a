package firehose

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// keepFor is how long records that were put stay readable after their delivery, in a delivery stream that
// is read: as long as Firehose keeps what it cannot deliver.
const keepFor = 24 * time.Hour

// Puts reads what is put to delivery streams of the source DirectPut, by the methods of Kinesis's
// client, as a stream of one shard whose ARN is the delivery stream's. Firehose has no such operations
// for clients; Kinesis Data Analytics reads delivery streams so.
//
// To be read, a delivery stream keeps what it has delivered for a day, from its first reading
// until a day after its last one. Who comes later finds what is not delivered yet, and no more.
type Puts struct{ s *Service }

// Puts reads what is put.
func (s *Service) Puts() Puts { return Puts{s} }

// putsShard is the id of the one shard.
const putsShard = "shardId-000000000000"

// opened finds the delivery stream of an ARN, which must be the caller's own.
func (p Puts) opened(ctx context.Context, delivery *string) (*stream, error) {
	c := awswire.CallerFrom(ctx)
	a, _ := arn.Parse(aws.ToString(delivery))
	name, ok := a.After("deliverystream/")
	if !ok || a.Service != "firehose" || a.Account != c.Account || a.Region != c.Region {
		return nil, notFound(c.Account, aws.ToString(delivery))
	}
	st, err := p.s.lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	if st.shard == nil {
		return nil, invalid("Delivery stream %s reads a Kinesis stream. Read that.", name)
	}
	return st, nil
}

// DescribeStreamSummary reports when the delivery stream was created. Its records are kept from now on.
func (p Puts) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	st, err := p.opened(ctx, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if err := st.keepRead(ctx); err != nil {
		return nil, err
	}
	d := st.doc.Load()
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{
		StreamARN: aws.String(d.arn()), StreamName: aws.String(d.Name), StreamCreationTimestamp: aws.Time(d.Created),
		StreamStatus: types.StreamStatusActive, OpenShardCount: aws.Int32(1), RetentionPeriodHours: aws.Int32(int32(keepFor / time.Hour)),
	}}, nil
}

// ListShards lists the one shard.
func (p Puts) ListShards(ctx context.Context, in *kinesis.ListShardsInput, _ ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	if _, err := p.opened(ctx, in.StreamARN); err != nil {
		return nil, err
	}
	return &kinesis.ListShardsOutput{Shards: []types.Shard{{
		ShardId: aws.String(putsShard), SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String(putSequence(shardlog.Position{}))},
	}}}, nil
}

// GetShardIterator finds a place. LATEST is behind what has been put by now.
func (p Puts) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	st, err := p.opened(ctx, in.StreamARN)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.ShardId) != putsShard {
		return nil, invalid("Shard %s is not there.", aws.ToString(in.ShardId))
	}
	var at shardlog.Position
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeTrimHorizon:
	case types.ShardIteratorTypeLatest:
		info, err := st.shard.Info(ctx)
		if err != nil {
			return nil, p.failed(st, err)
		}
		at = info.End
	case types.ShardIteratorTypeAtTimestamp:
		if at, err = st.shard.Seek(ctx, aws.ToTime(in.Timestamp)); err != nil {
			return nil, p.failed(st, err)
		}
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		var ok bool
		if at, ok = parsePutSequence(aws.ToString(in.StartingSequenceNumber)); !ok {
			return nil, invalid("%q is not a sequence number of the delivery stream.", aws.ToString(in.StartingSequenceNumber))
		}
		if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
			at.Index++
		}
	default:
		return nil, invalid("%q is not a type of iterators.", in.ShardIteratorType)
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: aws.String(putIterator{st.doc.Load().ID, at}.String())}, nil
}

// GetRecords reads from an iterator on, which must be of the stream of the ARN.
func (p Puts) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	st, it, err := p.at(ctx, in.StreamARN, aws.ToString(in.ShardIterator))
	if err != nil {
		return nil, err
	}
	if err := st.keepRead(ctx); err != nil {
		return nil, err
	}
	o := shardlog.ReadOptions{MaxRecords: maxRead, MaxBytes: maxReadBytes}
	if n := int(aws.ToInt32(in.Limit)); n > 0 {
		o.MaxRecords = min(n, maxRead)
	}
	records, next, err := st.shard.Read(ctx, it.at, o, nil)
	if errors.Is(err, shardlog.ErrCorrupt) && next.Compare(it.at) > 0 {
		p.s.metrics.corrupt.Inc()
		p.s.log.Error("skipped what could not be read of a delivery stream", "stream", st.doc.Load().Name, "from", it.at, "to", next, "err", err)
		err = nil
	}
	if err != nil {
		return nil, p.failed(st, err)
	}
	info, err := st.shard.Info(ctx)
	if err != nil {
		return nil, p.failed(st, err)
	}
	out := &kinesis.GetRecordsOutput{Records: make([]types.Record, len(records)), MillisBehindLatest: aws.Int64(0), NextShardIterator: aws.String(putIterator{it.stream, next}.String())}
	for i := range records {
		r := &records[i]
		out.Records[i] = types.Record{SequenceNumber: aws.String(putSequence(r.Position)), PartitionKey: aws.String(""), Data: r.Data, ApproximateArrivalTimestamp: aws.Time(r.Time)}
	}
	if next.Compare(info.End) < 0 {
		now := p.s.clock.Now()
		last := now
		if len(records) > 0 {
			last = records[len(records)-1].Time
		}
		out.MillisBehindLatest = aws.Int64(max(now.Sub(last).Milliseconds(), 1))
	}
	return out, nil
}

// Limits of a read.
const (
	maxRead      = 10000
	maxReadBytes = 10 << 20
)

// WaitForRecords returns when there is something to read from an iterator on.
func (p Puts) WaitForRecords(ctx context.Context, iterator string) error {
	it, ok := parsePutIterator(iterator)
	if !ok {
		return invalid("Invalid ShardIterator.")
	}
	c := awswire.CallerFrom(ctx)
	p.s.mu.RLock()
	var st *stream
	for k, one := range p.s.streams {
		if k.account == c.Account && k.region == c.Region && one.doc.Load().ID == it.stream {
			st = one
		}
	}
	p.s.mu.RUnlock()
	if st == nil || st.shard == nil {
		return invalid("Invalid ShardIterator.")
	}
	if err := st.shard.Wait(ctx, it.at); err != nil && !errors.Is(err, shardlog.ErrCorrupt) {
		return p.failed(st, err)
	}
	return nil
}

// at is the stream and the place of an iterator.
func (p Puts) at(ctx context.Context, delivery *string, iterator string) (*stream, putIterator, error) {
	st, err := p.opened(ctx, delivery)
	if err != nil {
		return nil, putIterator{}, err
	}
	it, ok := parsePutIterator(iterator)
	if !ok || it.stream != st.doc.Load().ID {
		return nil, it, invalid("Invalid ShardIterator.")
	}
	return st, it, nil
}

func (p Puts) failed(st *stream, err error) error {
	if d := st.doc.Load(); errors.Is(err, shardlog.ErrNoShard) {
		return notFound(d.Account, d.Name)
	}
	return err
}

// putIterator is a place in the puts of a delivery stream.
type putIterator struct {
	stream string // id
	at     shardlog.Position
}

func (it putIterator) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(it.stream + " " + putSequence(it.at)))
}

func parsePutIterator(s string) (it putIterator, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return it, false
	}
	stream, at, ok := strings.Cut(string(b), " ")
	if !ok {
		return it, false
	}
	it.stream = stream
	it.at, ok = parsePutSequence(at)
	return it, ok
}

// putSequence is the sequence number of a record: a decimal number that grows, of one length.
func putSequence(p shardlog.Position) string { return fmt.Sprintf("4%020d%010d", p.Frame, p.Index) }

func parsePutSequence(s string) (p shardlog.Position, ok bool) {
	if len(s) != 31 || s[0] != '4' {
		return p, false
	}
	frame, err := strconv.ParseUint(s[1:21], 10, 64)
	index, err2 := strconv.ParseUint(s[21:], 10, 32)
	return shardlog.Position{Frame: frame, Index: uint32(index)}, err == nil && err2 == nil
}

// keepRead notes that the stream is read, once an hour.
func (st *stream) keepRead(ctx context.Context) error {
	until := st.s.clock.Now().Add(keepFor)
	if until.Sub(st.doc.Load().ReadUntil) < time.Hour {
		return nil
	}
	return st.s.modify(ctx, st.doc.Load().Name, func(d *streamDoc) error {
		d.ReadUntil = until
		return nil
	})
}

// returnIn is how long the readers of a stream have to return after a start: who reads could not while the process
// was down, however long that was.
const returnIn = time.Hour

// kept is the place up to which delivered records may go: to itself, or, while the stream is read, as far as
// its records are a day old.
func (st *stream) kept(ctx context.Context, to shardlog.Position) (shardlog.Position, error) {
	now := st.s.clock.Now()
	until := st.doc.Load().ReadUntil
	if back := st.s.since.Add(returnIn); !until.IsZero() && until.Before(back) {
		until = back
	}
	if !until.After(now) {
		return to, nil
	}
	young, err := st.shard.Seek(ctx, now.Add(-keepFor))
	if err == nil && young.Compare(to) < 0 {
		to = young
	}
	return to, err
}
