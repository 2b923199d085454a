package kinesis

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// PutRecords appends up to 500 records, each to the shard of its partition key. They are
// durable when it returns. Records of a shard whose append failed are answered with an
// error code, the others with sequence numbers. DryRun does all but store them.
func (s *Service) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	p := newPut()
	defer p.free()
	p.dry = aws.ToBool(in.DryRun)
	p.name, p.arn, p.id = bytesOf(in.StreamName), bytesOf(in.StreamARN), bytesOf(in.StreamId)
	for i := range in.Records {
		r := &in.Records[i]
		if err := p.add(r.Data, r.PartitionKey, r.ExplicitHashKey); err != nil {
			return nil, err
		}
	}
	if len(p.entries) == 0 || len(p.entries) > maxPutRecords {
		return nil, awswire.Validationf("1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length between 1 and %d", maxPutRecords)
	}
	if err := s.store(ctx, p); err != nil {
		return nil, err
	}
	out := &kinesis.PutRecordsOutput{
		FailedRecordCount: aws.Int32(int32(p.failed)),
		Records:           make([]types.PutRecordsResultEntry, len(p.entries)),
		EncryptionType:    p.view.doc.answeredEncryption(),
	}
	for i := range p.entries {
		e, r := &p.entries[i], &out.Records[i]
		if e.throttled {
			r.ErrorCode, r.ErrorMessage = aws.String(throttledCode), aws.String(p.throttledMessage(e))
			continue
		}
		sl := &p.slots[e.slot]
		if sl.err != nil {
			r.ErrorCode, r.ErrorMessage = aws.String(failedRecordCode), aws.String(failedRecordMessage)
			continue
		}
		r.SequenceNumber, r.ShardId = aws.String(string(sl.appendNext(nil))), aws.String(sl.shard.id)
	}
	return out, nil
}

// errDryRun is the answer to a request with DryRun in which nothing is wrong.
var errDryRun = &types.DryRunOperationException{Message: aws.String("Request would have succeeded, but DryRun flag is set.")}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

// add takes a record that the generic codec has decoded and checked against the model; a
// caller in this process has not.
func (p *put) add(data []byte, key, explicit *string) error {
	if n := len(aws.ToString(key)); key != nil && n == 0 || n > 4*maxPartitionKey {
		return awswire.Validationf("1 validation error detected: Value at 'partitionKey' failed to satisfy constraint: Member must have length between 1 and %d", maxPartitionKey)
	}
	p.keyless = p.keyless || key == nil
	e := entry{key: bytesOf(key), data: data}
	if explicit != nil {
		k, err := explicitHashKey(*explicit)
		if err != nil {
			return err
		}
		e.explicit, e.hasExplicit = k, true
	}
	p.entries = append(p.entries, e)
	return nil
}

// putRecordsFast is PutRecords from the request's text to the answer's.
func (s *Service) putRecordsFast(proto awswire.Protocol, body []byte) (awswire.FastCall, bool) {
	return s.putFast(proto, body, true)
}

func (p *put) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"FailedRecordCount":`...)
	dst = strconv.AppendInt(dst, int64(p.failed), 10)
	if e := p.view.doc.answeredEncryption(); e != "" {
		dst = append(append(append(dst, `,"EncryptionType":"`...), e...), '"')
	}
	dst = append(dst, `,"Records":[`...)
	for i := range p.entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		e := &p.entries[i]
		if e.throttled {
			dst = append(append(dst, `{"ErrorCode":"`+throttledCode+`","ErrorMessage":"`...), p.throttledMessage(e)...)
			dst = append(dst, `"}`...)
			continue
		}
		sl := &p.slots[e.slot]
		if sl.err != nil {
			dst = append(dst, `{"ErrorCode":"`+failedRecordCode+`","ErrorMessage":"`+failedRecordMessage+`"}`...)
			continue
		}
		dst = append(dst, `{"SequenceNumber":"`...)
		dst = sl.appendNext(dst)
		dst = append(dst, `","ShardId":"`...)
		dst = append(dst, sl.shard.id...)
		dst = append(dst, `"}`...)
	}
	return append(dst, `]}`...)
}

func (p *put) appendCBOR(dst []byte) []byte {
	encryption := p.view.doc.answeredEncryption()
	members := 2
	if encryption != "" {
		members++
	}
	dst = scan.AppendHead(dst, scan.Map, uint64(members))
	dst = scan.AppendHead(scan.AppendText(dst, "FailedRecordCount"), scan.Uint, uint64(p.failed))
	if encryption != "" {
		dst = scan.AppendText(scan.AppendText(dst, "EncryptionType"), encryption)
	}
	dst = scan.AppendHead(scan.AppendText(dst, "Records"), scan.Array, uint64(len(p.entries)))
	for i := range p.entries {
		e := &p.entries[i]
		if e.throttled {
			dst = appendCBORFailure(dst, throttledCode, p.throttledMessage(e))
			continue
		}
		sl := &p.slots[e.slot]
		if sl.err != nil {
			dst = appendCBORFailure(dst, failedRecordCode, failedRecordMessage)
			continue
		}
		// A map of two: a text of 56 digits, and a text.
		dst = append(dst, "\xa2\x6eSequenceNumber\x78\x38"...)
		dst = sl.appendNext(dst)
		dst = append(dst, "\x67ShardId"...)
		dst = scan.AppendText(dst, sl.shard.id)
	}
	return dst
}

func appendCBORFailure(dst []byte, code, message string) []byte {
	dst = scan.AppendText(scan.AppendText(scan.AppendHead(dst, scan.Map, 2), "ErrorCode"), code)
	return scan.AppendText(scan.AppendText(dst, "ErrorMessage"), message)
}
