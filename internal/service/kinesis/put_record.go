package kinesis

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// PutRecord appends one record to the shard of its partition key. It is durable when the
// call returns. SequenceNumberForOrdering is checked and has nothing to do: records of a
// shard lie in the order in which they were acknowledged. DryRun does all but store it.
func (s *Service) PutRecord(ctx context.Context, in *kinesis.PutRecordInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error) {
	p := newPut()
	defer p.free()
	p.dry = aws.ToBool(in.DryRun)
	p.single = true
	p.name, p.arn, p.id = bytesOf(in.StreamName), bytesOf(in.StreamARN), bytesOf(in.StreamId)
	p.ordering = bytesOf(in.SequenceNumberForOrdering)
	if err := p.add(in.Data, in.PartitionKey, in.ExplicitHashKey); err != nil {
		return nil, err
	}
	if err := s.storeOne(ctx, p); err != nil {
		return nil, err
	}
	sl := &p.slots[0]
	return &kinesis.PutRecordOutput{
		SequenceNumber: aws.String(string(sl.appendNext(nil))),
		ShardId:        aws.String(sl.shard.id),
		EncryptionType: p.view.doc.answeredEncryption(),
	}, nil
}

// storeOne is store where a failed append fails the call.
func (s *Service) storeOne(ctx context.Context, p *put) error {
	if err := s.store(ctx, p); err != nil {
		return err
	}
	if e := &p.entries[0]; e.throttled {
		return throughputExceeded(p.throttledMessage(e))
	}
	if err := p.slots[0].err; err != nil {
		return logError(err)
	}
	return nil
}

// putRecordFast is PutRecord from the request's text to the answer's.
func (s *Service) putRecordFast(proto awswire.Protocol, body []byte) (awswire.FastCall, bool) {
	return s.putFast(proto, body, false)
}

// putFast reads a request of PutRecord, or with batch of PutRecords.
func (s *Service) putFast(proto awswire.Protocol, body []byte, batch bool) (awswire.FastCall, bool) {
	p := newPut()
	p.s, p.proto, p.single = s, proto, !batch
	if !p.decode(proto, body, batch) {
		p.free()
		return nil, false
	}
	return p, true
}

// Serve implements awswire.FastCall.
func (p *put) Serve(ctx context.Context, dst []byte) ([]byte, bool, error) {
	store := p.s.store
	if p.single {
		store = p.s.storeOne
	}
	switch err := store(ctx, p); {
	case p.gaveUp(err):
		return nil, false, nil
	case err != nil:
		return nil, true, err
	case p.single:
		return p.appendOne(dst), true, nil
	case p.proto == awswire.CBOR11:
		return p.appendCBOR(dst), true, nil
	}
	return p.appendJSON(dst), true, nil
}

// appendOne appends the answer of PutRecord.
func (p *put) appendOne(dst []byte) []byte {
	sl := &p.slots[0]
	encryption := p.view.doc.answeredEncryption()
	if p.proto == awswire.CBOR11 {
		members := 2
		if encryption != "" {
			members++
		}
		dst = scan.AppendHead(dst, scan.Map, uint64(members))
		dst = scan.AppendHead(scan.AppendText(dst, "SequenceNumber"), scan.Text, 56)
		dst = sl.appendNext(dst)
		dst = scan.AppendText(scan.AppendText(dst, "ShardId"), sl.shard.id)
		if encryption != "" {
			dst = scan.AppendText(scan.AppendText(dst, "EncryptionType"), encryption)
		}
		return dst
	}
	dst = append(dst, `{"SequenceNumber":"`...)
	dst = sl.appendNext(dst)
	dst = append(dst, `","ShardId":"`...)
	dst = append(dst, sl.shard.id...)
	if encryption != "" {
		dst = append(append(dst, `","EncryptionType":"`...), encryption...)
	}
	return append(dst, `"}`...)
}
