package firehose

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Limits of puts. https://docs.aws.amazon.com/firehose/latest/dev/limits.html
const (
	maxRecords    = 500
	maxRecordSize = 1000 << 10
	maxBatchSize  = 4 << 20
)

// batches are reused; one that has grown large is let go.
var batches = sync.Pool{New: func() any { return new(shardlog.Batch) }}

func putBatch(b *shardlog.Batch) {
	b.Reset()
	batches.Put(b)
}

// PutRecord takes one record of up to 1,000 KiB; it is on disk when the call returns.
func (s *Service) PutRecord(ctx context.Context, in *firehose.PutRecordInput, _ ...func(*firehose.Options)) (*firehose.PutRecordOutput, error) {
	st, err := s.putting(ctx, aws.ToString(in.DeliveryStreamName))
	if err != nil {
		return nil, err
	}
	if in.Record == nil || len(in.Record.Data) > maxRecordSize {
		return nil, invalid("Record size must be at most %d bytes", maxRecordSize)
	}
	if st.doc.Load().enforces(s) && !(st.meter.put(s.clock.Now()) && st.meter.record(len(in.Record.Data))) {
		return nil, errSlowDown()
	}
	b := batches.Get().(*shardlog.Batch)
	defer putBatch(b)
	b.Add(nil, in.Record.Data)
	pos, err := st.append(ctx, b)
	if err != nil {
		return nil, err
	}
	d := st.doc.Load()
	return &firehose.PutRecordOutput{RecordId: aws.String(string(appendRecordID(nil, d.ID, pos, 0))), Encrypted: aws.Bool(d.Encryption != nil)}, nil
}

// PutRecordBatch takes up to 500 records of up to 1,000 KiB each and 4 MiB together. They
// are taken all or none: when the log cannot take them the call fails and the client
// tries again. Records have errors of their own only where limits are enforced.
func (s *Service) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	st, err := s.putting(ctx, aws.ToString(in.DeliveryStreamName))
	if err != nil {
		return nil, err
	}
	if n := len(in.Records); n == 0 || n > maxRecords {
		return nil, invalid("Records must have 1 to %d members", maxRecords)
	}
	b := batches.Get().(*shardlog.Batch)
	defer putBatch(b)
	total := 0
	for _, r := range in.Records {
		if len(r.Data) > maxRecordSize {
			return nil, invalid("Record size must be at most %d bytes", maxRecordSize)
		}
		if total += len(r.Data); total > maxBatchSize {
			return nil, invalid("Records size exceeds 4 MB limit")
		}
	}
	d := st.doc.Load()
	limited := d.enforces(s)
	if limited && !st.meter.put(s.clock.Now()) {
		return nil, errSlowDown()
	}
	out := &firehose.PutRecordBatchOutput{Encrypted: aws.Bool(d.Encryption != nil), RequestResponses: make([]types.PutRecordBatchResponseEntry, len(in.Records))}
	failed := 0
	for i, r := range in.Records {
		if limited && !st.meter.record(len(r.Data)) {
			out.RequestResponses[i] = types.PutRecordBatchResponseEntry{ErrorCode: aws.String("ServiceUnavailableException"), ErrorMessage: aws.String(slowDown)}
			failed++
			continue
		}
		b.Add(nil, r.Data)
	}
	out.FailedPutCount = aws.Int32(int32(failed))
	if failed == len(in.Records) {
		return out, nil
	}
	pos, err := st.append(ctx, b)
	if err != nil {
		return nil, err
	}
	n := 0
	for i := range out.RequestResponses {
		if out.RequestResponses[i].ErrorCode == nil {
			out.RequestResponses[i].RecordId = aws.String(string(appendRecordID(nil, d.ID, pos, n)))
			n++
		}
	}
	return out, nil
}

// putting finds the caller's delivery stream for a put.
func (s *Service) putting(ctx context.Context, name string) (*stream, error) {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return nil, err
	}
	if d := st.doc.Load(); d.Deleting {
		return nil, notFound(d.Account, d.Name)
	} else if d.Source != nil {
		return nil, invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.")
	}
	return st, nil
}

// append makes the batch durable.
func (st *stream) append(ctx context.Context, b *shardlog.Batch) (shardlog.Position, error) {
	n, size, began := b.Len(), b.Size(), time.Now()
	pos, _, err := st.shard.Append(ctx, b)
	switch {
	case errors.Is(err, shardlog.ErrFull):
		m := "The log's storage is full. Nothing was taken; try again."
		return pos, &types.ServiceUnavailableException{Message: &m}
	case errors.Is(err, shardlog.ErrNoShard), errors.Is(err, shardlog.ErrClosed):
		if st.s.ctx.Err() == nil {
			d := st.doc.Load()
			return pos, notFound(d.Account, d.Name)
		}
		m := "The service is stopping."
		return pos, &types.ServiceUnavailableException{Message: &m}
	case err != nil:
		return pos, err
	}
	st.s.metrics.records.Add(float64(n))
	st.s.metrics.bytes.Add(float64(size))
	st.measurePut(n, size, began)
	return pos, nil
}

// appendRecordID appends the id of the i-th record of a batch: the stream's id and the
// record's position, both of which never come again.
func appendRecordID(dst []byte, id string, pos shardlog.Position, i int) []byte {
	dst = append(dst, id...)
	dst = appendHex(dst, pos.Frame, 16)
	return appendHex(dst, uint64(pos.Index)+uint64(i), 8)
}

func appendHex(dst []byte, v uint64, width int) []byte {
	const digits = "0123456789abcdef"
	for shift := (width - 1) * 4; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// putCall is a request of PutRecord or PutRecordBatch in JSON, read without reflection:
// base64 is decoded straight into the log's batch.
type putCall struct {
	s     *Service
	name  []byte
	batch *shardlog.Batch
	many  bool
}

var putCalls = sync.Pool{New: func() any { return new(putCall) }}

func (s *Service) putRecordFast(p awswire.Protocol, body []byte) (awswire.FastCall, bool) {
	return s.putFast(p, body, false)
}

func (s *Service) putRecordBatchFast(p awswire.Protocol, body []byte) (awswire.FastCall, bool) {
	return s.putFast(p, body, true)
}

func (s *Service) putFast(p awswire.Protocol, body []byte, many bool) (awswire.FastCall, bool) {
	if p != awswire.JSON11 && p != awswire.JSON10 {
		return nil, false
	}
	b := batches.Get().(*shardlog.Batch)
	name, ok := decodePut(body, many, b)
	if !ok {
		putBatch(b)
		return nil, false
	}
	c := putCalls.Get().(*putCall)
	*c = putCall{s, name, b, many}
	return c, true
}

// Resource implements awswire.FastCall.
func (c *putCall) Resource(caller awswire.Caller) string {
	return arn.New("firehose", caller.Region, caller.Account, "deliverystream/"+string(c.name))
}

// Free implements awswire.FastCall.
func (c *putCall) Free() {
	putBatch(c.batch)
	*c = putCall{}
	putCalls.Put(c)
}

// Serve implements awswire.FastCall.
func (c *putCall) Serve(ctx context.Context, dst []byte) ([]byte, bool, error) {
	caller := awswire.CallerFrom(ctx)
	c.s.mu.RLock()
	st := c.s.streams[streamKey{caller.Account, caller.Region, string(c.name)}]
	c.s.mu.RUnlock()
	if st == nil || st.shard == nil {
		return dst, false, nil
	}
	if d := st.doc.Load(); d.Deleting || d.enforces(c.s) {
		return dst, false, nil
	}
	n := c.batch.Len()
	pos, err := st.append(ctx, c.batch)
	if err != nil {
		return dst, true, err
	}
	d := st.doc.Load()
	dst = append(dst, `{"Encrypted":`...)
	dst = strconv.AppendBool(dst, d.Encryption != nil)
	if !c.many {
		dst = append(dst, `,"RecordId":"`...)
		dst = appendRecordID(dst, d.ID, pos, 0)
		return append(dst, `"}`...), true, nil
	}
	dst = append(dst, `,"FailedPutCount":0,"RequestResponses":[`...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"RecordId":"`...)
		dst = appendRecordID(dst, d.ID, pos, i)
		dst = append(dst, `"}`...)
	}
	return append(dst, `]}`...), true, nil
}
