package kinesis

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
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
	behind   time.Duration
	children []types.ChildShard // at the end of a closed shard
}

var reads = sync.Pool{New: func() any { return new(batchRead) }}

func (r *batchRead) free() {
	clear(r.records)
	*r = batchRead{records: r.records[:0]}
	reads.Put(r)
}

// read reads from an iterator. A frame that is corrupt is reported and skipped.
func (s *Service) read(ctx context.Context, sealed []byte, limit int, r *batchRead) error {
	it, err := s.openIterator(sealed)
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
	sh := d.shard(it.shard, s.clock.Now())
	if sh == nil {
		return noShard(shardID(it.shard), it.name, it.account)
	}
	v, err := s.viewOf(ctx, s.route(d), d)
	if err != nil {
		return logError(err)
	}
	log := v.log(it.shard)
	recs, next, err := log.Read(ctx, it.at, shardlog.ReadOptions{MaxRecords: limit, MaxBytes: maxGetBytes}, r.records)
	if errors.Is(err, shardlog.ErrCorrupt) && next.Compare(it.at) > 0 {
		s.metrics.corrupt.Inc()
		s.log.Error("kinesis: skipped what could not be read", "stream", d.arn(), "shard", sh.id(), "from", it.at, "to", next, "error", err)
		err = nil
	}
	if err != nil {
		return logError(err)
	}
	r.doc, r.shard, r.records = d, sh, recs
	info, err := log.Info(ctx)
	if err != nil {
		return logError(err)
	}
	now, atEnd := s.now(), next.Compare(info.End) >= 0
	if !atEnd {
		last := now
		if len(recs) > 0 {
			last = recs[len(recs)-1].Time
		}
		// Behind by something, even if all came in one millisecond.
		r.behind = max(now.Sub(last), time.Millisecond)
	}
	if atEnd && !sh.open() {
		r.children = d.children(sh.Index)
	} else {
		it.made, it.at = now, next
		r.next = it
	}
	bytes := 0
	for i := range recs {
		bytes += len(recs[i].Key) + len(recs[i].Data)
	}
	s.metrics.outRecords.Add(float64(len(recs)))
	s.metrics.outBytes.Add(float64(bytes))
	return nil
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
// DryRun is refused.
func (s *Service) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	r := reads.Get().(*batchRead)
	defer r.free()
	if err := s.read(ctx, []byte(aws.ToString(in.ShardIterator)), pageSize(in.Limit, maxGetRecords), r); err != nil {
		return nil, err
	}
	if in.StreamARN != nil && *in.StreamARN != r.doc.arn() {
		return nil, invalid("StreamARN %s is not that of the ShardIterator.", *in.StreamARN)
	}
	out := &kinesis.GetRecordsOutput{
		Records:            make([]types.Record, len(r.records)),
		MillisBehindLatest: aws.Int64(r.behind.Milliseconds()),
		ChildShards:        r.children,
	}
	if r.next != (iterator{}) {
		out.NextShardIterator = aws.String(string(s.appendIterator(nil, r.next)))
	}
	for i := range r.records {
		rec := &r.records[i]
		out.Records[i] = types.Record{
			SequenceNumber:              aws.String(r.sequence(rec).String()),
			ApproximateArrivalTimestamp: aws.Time(rec.Time),
			Data:                        slices.Clip(rec.Data),
			PartitionKey:                aws.String(string(rec.Key)),
			EncryptionType:              r.doc.answeredEncryption(),
		}
	}
	return out, nil
}

func (r *batchRead) sequence(rec *shardlog.Record) sequence {
	q := r.shard.sequence()
	q.frame, q.index, q.time = rec.Position.Frame, rec.Position.Index, seconds(rec.Time)
	return q
}

// getRecordsFast is GetRecords from the request's text to the answer's.
func (s *Service) getRecordsFast(ctx context.Context, proto awswire.Protocol, body, dst []byte) ([]byte, bool, error) {
	sealed, limit, ok := decodeGetRecords(proto, body)
	if !ok {
		return nil, false, nil
	}
	r := reads.Get().(*batchRead)
	defer r.free()
	if err := s.read(ctx, sealed, limit, r); err != nil {
		return nil, true, err
	}
	if proto == awswire.CBOR11 {
		return s.appendRecordsCBOR(dst, r), true, nil
	}
	return s.appendRecordsJSON(dst, r), true, nil
}

// decodeGetRecords reads a request that has an iterator and perhaps a limit.
func decodeGetRecords(proto awswire.Protocol, body []byte) (sealed []byte, limit int, ok bool) {
	limit = maxGetRecords
	var have seen
	switch proto {
	case awswire.JSON11, awswire.JSON10:
		s := jsonScanner{b: body}
		if !s.next('{') {
			return nil, 0, false
		}
		for {
			name, ok := s.text()
			if !ok || !s.next(':') {
				return nil, 0, false
			}
			switch string(name) {
			case "ShardIterator":
				sealed, ok = s.text()
				ok = ok && have.first(0)
			case "Limit":
				limit, ok = s.uint()
				ok = ok && have.first(1)
			default:
				ok = false
			}
			if !ok {
				return nil, 0, false
			}
			if !s.next(',') {
				break
			}
		}
		ok = s.next('}') && s.end()
	case awswire.CBOR11:
		s := cborScanner{b: body}
		var members int
		members, ok = s.head(cborMap)
		for ok && s.more(&members) {
			var name []byte
			if name, ok = s.text(); !ok {
				break
			}
			switch string(name) {
			case "ShardIterator":
				sealed, ok = s.text()
				ok = ok && have.first(0)
			case "Limit":
				limit, ok = s.head(cborUint)
				ok = ok && have.first(1)
			default:
				ok = false
			}
		}
		ok = ok && s.end()
	}
	return sealed, limit, ok && len(sealed) >= 1 && len(sealed) <= 512 && limit >= 1 && limit <= maxGetRecords
}

// uint reads a small whole number.
func (s *jsonScanner) uint() (int, bool) {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\n' || s.b[s.i] == '\r') {
		s.i++
	}
	n, from := 0, s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' && s.i-from < 9 {
		n = n*10 + int(s.b[s.i]-'0')
		s.i++
	}
	return n, s.i > from && (s.b[from] != '0' || s.i == from+1)
}

func (s *Service) appendRecordsJSON(dst []byte, r *batchRead) []byte {
	size := 0
	for i := range r.records {
		size += base64.StdEncoding.EncodedLen(len(r.records[i].Data)) + len(r.records[i].Key) + 160
	}
	dst = slices.Grow(dst, size+1024)
	dst = append(dst, '{')
	if r.children != nil {
		dst = append(dst, `"ChildShards":[`...)
		for i, c := range r.children {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, `{"HashKeyRange":{"EndingHashKey":"`...), *c.HashKeyRange.EndingHashKey...), `","StartingHashKey":"`...)
			dst = append(append(dst, *c.HashKeyRange.StartingHashKey...), `"},"ParentShards":[`...)
			for i, p := range c.ParentShards {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = append(append(append(dst, '"'), p...), '"')
			}
			dst = append(append(append(dst, `],"ShardId":"`...), *c.ShardId...), `"}`...)
		}
		dst = append(dst, `],`...)
	}
	dst = append(dst, `"MillisBehindLatest":`...)
	dst = strconv.AppendInt(dst, r.behind.Milliseconds(), 10)
	if r.next != (iterator{}) {
		dst = append(dst, `,"NextShardIterator":"`...)
		dst = s.appendIterator(dst, r.next)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"Records":[`...)
	encryption := r.doc.answeredEncryption()
	for i := range r.records {
		rec := &r.records[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"ApproximateArrivalTimestamp":`...)
		dst = appendMillis(dst, rec.Time.UnixMilli())
		dst = append(dst, `,"Data":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, rec.Data)
		if encryption != "" {
			dst = append(append(dst, `","EncryptionType":"`...), encryption...)
		}
		dst = append(dst, `","PartitionKey":`...)
		dst = appendJSONString(dst, rec.Key)
		dst = append(dst, `,"SequenceNumber":"`...)
		dst = r.sequence(rec).append(dst)
		dst = append(dst, `"}`...)
	}
	return append(dst, `]}`...)
}

// appendMillis appends milliseconds as seconds with three decimals.
func appendMillis(dst []byte, ms int64) []byte {
	dst = strconv.AppendInt(dst, ms/1000, 10)
	ms %= 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

func appendJSONString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(text[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}

func (s *Service) appendRecordsCBOR(dst []byte, r *batchRead) []byte {
	size := 0
	for i := range r.records {
		size += len(r.records[i].Data) + len(r.records[i].Key) + 170
	}
	dst = slices.Grow(dst, size+1024)
	members := uint64(2)
	if r.children != nil {
		members++
	}
	if r.next != (iterator{}) {
		members++
	}
	dst = cborHead(dst, cborMap, members)
	if r.children != nil {
		dst = cborHead(cborString(dst, "ChildShards"), cborArray, uint64(len(r.children)))
		for _, c := range r.children {
			dst = cborHead(dst, cborMap, 3)
			dst = cborHead(cborString(dst, "HashKeyRange"), cborMap, 2)
			dst = cborString(cborString(dst, "EndingHashKey"), *c.HashKeyRange.EndingHashKey)
			dst = cborString(cborString(dst, "StartingHashKey"), *c.HashKeyRange.StartingHashKey)
			dst = cborHead(cborString(dst, "ParentShards"), cborArray, uint64(len(c.ParentShards)))
			for _, p := range c.ParentShards {
				dst = cborString(dst, p)
			}
			dst = cborString(cborString(dst, "ShardId"), *c.ShardId)
		}
	}
	dst = cborHead(cborString(dst, "MillisBehindLatest"), cborUint, uint64(r.behind.Milliseconds()))
	if r.next != (iterator{}) {
		var buf [512]byte
		dst = cborString(cborString(dst, "NextShardIterator"), s.appendIterator(buf[:0], r.next))
	}
	dst = cborHead(cborString(dst, "Records"), cborArray, uint64(len(r.records)))
	encryption := r.doc.answeredEncryption()
	members = 4
	if encryption != "" {
		members++
	}
	for i := range r.records {
		rec := &r.records[i]
		dst = cborHead(dst, cborMap, members)
		dst = cborHead(cborString(dst, "ApproximateArrivalTimestamp"), cborTag, 1)
		dst = cborHead(dst, cborUint, uint64(rec.Time.UnixMilli()))
		dst = append(cborHead(cborString(dst, "Data"), cborBytes, uint64(len(rec.Data))), rec.Data...)
		if encryption != "" {
			dst = cborString(cborString(dst, "EncryptionType"), encryption)
		}
		dst = cborString(cborString(dst, "PartitionKey"), rec.Key)
		dst = cborHead(cborString(dst, "SequenceNumber"), cborText, 56)
		dst = r.sequence(rec).append(dst)
	}
	return dst
}
