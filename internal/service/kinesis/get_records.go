package kinesis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Limits of a GetRecords answer.
const (
	maxGetRecords = 10000
	maxGetBytes   = 10 << 20
)

// batchRead is what GetRecords answers with, before it has a form. Its memory is used
// again.
type batchRead struct {
	doc      *stream
	shard    *shard
	records  []shardlog.Record
	next     iterator // zero at the end of a closed shard
	resume   sequence // of an event, in place of next
	bytes    int      // of the records' keys and data
	behind   time.Duration
	children []types.ChildShard // at the end of a closed shard
}

var reads = sync.Pool{New: func() any { return new(batchRead) }}

func (r *batchRead) free() {
	r.reset()
	reads.Put(r)
}

func (r *batchRead) reset() {
	clear(r.records)
	*r = batchRead{records: r.records[:0]}
}

// getRequest is a GetRecords request. Its slices alias the request.
type getRequest struct {
	iterator []byte
	arn, id  []byte // of the stream; nil: not given
	limit    int
	dry      bool // read nothing
}

// read reads from an iterator.
func (s *Service) read(ctx context.Context, q getRequest, r *batchRead) error {
	it, err := s.openIterator(q.iterator)
	if err != nil {
		return err
	}
	caller := awswire.CallerFrom(ctx)
	if it.account != caller.Account || it.region != caller.Region {
		return invalid("Invalid ShardIterator.")
	}
	d, err := s.streams.Get(it.account, it.region, it.name)
	if errors.Is(err, state.ErrNotFound) || err == nil && (d.ID != it.stream || !d.usable()) {
		return noShard(shardID(it.shard), it.name, it.account)
	}
	if err != nil {
		return err
	}
	if q.arn != nil && string(q.arn) != d.arn() {
		return invalid("StreamARN %s is not that of the ShardIterator.", q.arn)
	}
	if q.id != nil && string(q.id) != d.ID {
		return invalid("StreamId %s is not that of the ShardIterator.", q.id)
	}
	sh := d.shard(it.shard, s.clock.Now())
	if sh == nil {
		return noShard(shardID(it.shard), it.name, it.account)
	}
	if q.dry {
		return errDryRun
	}
	began := time.Now()
	if err := s.admitRead(d, sh); err != nil {
		s.measureRefused(d, sh)
		return err
	}
	log, err := s.shardLog(ctx, d, sh)
	if err != nil {
		return err
	}
	next, atEnd, err := s.readShard(ctx, d, sh, log, it.at, shardlog.ReadOptions{MaxRecords: q.limit, MaxBytes: maxGetBytes}, r)
	if err != nil {
		return err
	}
	if atEnd && !sh.open() {
		r.children = d.children(sh.Index)
	} else {
		it.made, it.at = s.now(), next
		r.next = it
	}
	s.countRead(d, sh, r.bytes)
	s.measureGet(d, sh, r, began)
	return nil
}

// readShard reads from a position and reports where to go on, and whether that is the end of
// the shard. A frame that is corrupt is reported and skipped.
func (s *Service) readShard(ctx context.Context, d *stream, sh *shard, log *shardlog.Shard, at shardlog.Position, o shardlog.ReadOptions, r *batchRead) (next shardlog.Position, atEnd bool, err error) {
	recs, next, err := log.Read(ctx, at, o, r.records)
	if errors.Is(err, shardlog.ErrCorrupt) && next.Compare(at) > 0 {
		s.metrics.corrupt.Inc()
		s.log.Error("kinesis: skipped what could not be read", "stream", d.arn(), "shard", sh.id(), "from", at, "to", next, "error", err)
		err = nil
	}
	if err != nil {
		return next, false, shardError(d, sh, err)
	}
	r.doc, r.shard, r.records = d, sh, recs
	info, err := log.Info(ctx)
	if err != nil {
		return next, false, shardError(d, sh, err)
	}
	atEnd = next.Compare(info.End) >= 0
	if !atEnd {
		now := s.now()
		last := now
		if len(recs) > 0 {
			last = recs[len(recs)-1].Time
		}
		// Behind by something, even if all came in one millisecond.
		r.behind = max(now.Sub(last), time.Millisecond)
	}
	for i := range recs {
		r.bytes += len(recs[i].Key) + len(recs[i].Data)
	}
	s.metrics.outRecords.Add(float64(len(recs)))
	s.metrics.outBytes.Add(float64(r.bytes))
	return next, atEnd, nil
}

// children returns the shards that took over from a closed one.
func (d *stream) children(parent int) []types.ChildShard {
	var out []types.ChildShard
	for i := range d.Shards {
		sh := &d.Shards[i]
		if !slices.Contains(sh.Parents, parent) {
			continue
		}
		c := types.ChildShard{
			ShardId: aws.String(sh.id()),
			HashKeyRange: &types.HashKeyRange{
				StartingHashKey: aws.String(sh.Start.String()), EndingHashKey: aws.String(sh.End.String()),
			},
		}
		for _, p := range sh.Parents {
			c.ParentShards = append(c.ParentShards, shardID(p))
		}
		out = append(out, c)
	}
	return out
}

// GetRecords returns records from an iterator on: up to Limit (10,000 without), and up to
// 10 MiB. NextShardIterator is missing at the end of a closed shard, and there only.
// DryRun does all but read.
func (s *Service) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	r := reads.Get().(*batchRead)
	defer r.free()
	q := getRequest{bytesOf(in.ShardIterator), bytesOf(in.StreamARN), bytesOf(in.StreamId), pageSize(in.Limit, maxGetRecords), aws.ToBool(in.DryRun)}
	if err := s.read(ctx, q, r); err != nil {
		return nil, err
	}
	out := &kinesis.GetRecordsOutput{
		Records:            r.output(),
		MillisBehindLatest: aws.Int64(r.behind.Milliseconds()),
		ChildShards:        r.children,
	}
	if r.next != (iterator{}) {
		out.NextShardIterator = aws.String(string(s.appendIterator(nil, r.next)))
	}
	return out, nil
}

// output is the records as the SDK has them.
func (r *batchRead) output() []types.Record {
	out := make([]types.Record, len(r.records))
	for i := range r.records {
		rec := &r.records[i]
		out[i] = types.Record{
			SequenceNumber:              aws.String(r.sequence(rec).String()),
			ApproximateArrivalTimestamp: aws.Time(rec.Time),
			Data:                        slices.Clip(rec.Data),
			PartitionKey:                aws.String(string(rec.Key)),
			EncryptionType:              r.doc.answeredEncryption(),
		}
	}
	return out
}

func (r *batchRead) sequence(rec *shardlog.Record) sequence {
	q := r.shard.sequence()
	q.frame, q.index, q.time = rec.Position.Frame, rec.Position.Index, seconds(rec.Time)
	return q
}

// getCall is a GetRecords request of a fast path. Its memory is used again.
type getCall struct {
	s     *Service
	proto awswire.Protocol
	q     getRequest
	r     *batchRead
}

var getCalls = sync.Pool{New: func() any { return new(getCall) }}

// getRecordsFast is GetRecords from the request's text to the answer's.
func (s *Service) getRecordsFast(proto awswire.Protocol, body []byte) (awswire.FastCall, bool) {
	q, ok := decodeGetRecords(proto, body)
	if !ok {
		return nil, false
	}
	g := getCalls.Get().(*getCall)
	*g = getCall{s, proto, q, reads.Get().(*batchRead)}
	return g, true
}

// Resource implements awswire.FastCall.
func (g *getCall) Resource(awswire.Caller) string { return g.s.iteratorARN(g.q.iterator) }

// Serve implements awswire.FastCall.
func (g *getCall) Serve(ctx context.Context, dst []byte) ([]byte, bool, error) {
	if err := g.s.read(ctx, g.q, g.r); err != nil {
		return nil, true, err
	}
	if g.proto == awswire.CBOR11 {
		return g.s.appendRecordsCBOR(dst, g.r), true, nil
	}
	return g.s.appendRecordsJSON(dst, g.r), true, nil
}

// Free implements awswire.FastCall.
func (g *getCall) Free() {
	g.r.free()
	*g = getCall{}
	getCalls.Put(g)
}

// decodeGetRecords reads a request that has an iterator and perhaps a limit and an ARN.
func decodeGetRecords(proto awswire.Protocol, body []byte) (q getRequest, ok bool) {
	q.limit = maxGetRecords
	var have seen
	switch proto {
	case awswire.JSON11, awswire.JSON10:
		s := scan.JSON{Data: body}
		if s.Open('{') != nil {
			return q, false
		}
		for first, more := true, true; ; first = false {
			var name []byte
			var err error
			if name, more, err = s.Member(first); err != nil {
				return q, false
			}
			if !more {
				break
			}
			switch string(name) {
			case "ShardIterator":
				q.iterator, ok = s.Plain()
				ok = ok && have.first(0)
			case "StreamARN":
				q.arn, ok = s.Plain()
				ok = ok && have.first(1) && isARN(q.arn)
			case "Limit":
				q.limit, ok = s.Small()
				ok = ok && have.first(2)
			default:
				ok = false
			}
			if !ok {
				return q, false
			}
		}
		ok = s.End()
	case awswire.CBOR11:
		s := scan.CBOR{Data: body}
		var members int
		members, ok = s.Length(scan.Map)
		for ok && s.More(&members) {
			var name []byte
			if name, ok = s.PlainText(); !ok {
				break
			}
			switch string(name) {
			case "ShardIterator":
				q.iterator, ok = s.PlainText()
				ok = ok && have.first(0)
			case "StreamARN":
				q.arn, ok = s.PlainText()
				ok = ok && have.first(1) && isARN(q.arn)
			case "Limit":
				q.limit, ok = s.Length(scan.Uint)
				ok = ok && have.first(2)
			default:
				ok = false
			}
		}
		ok = ok && s.End()
	}
	return q, ok && len(q.iterator) >= 1 && len(q.iterator) <= 512 && q.limit >= 1 && q.limit <= maxGetRecords
}
