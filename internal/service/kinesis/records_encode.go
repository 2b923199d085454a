package kinesis

import (
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// The answers of GetRecords, and the events of SubscribeToShard, straight from the log's
// records.

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
	if r.resume != (sequence{}) {
		dst = append(dst, `,"ContinuationSequenceNumber":"`...)
		dst = r.resume.append(dst)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"Records":[`...)
	encryption := r.doc.answeredEncryption()
	numbers := numbering{shard: r.shard.sequence()}
	var arrived int64 // of the record before; its text is in stamp
	var room [32]byte
	stamp := room[:0]
	for i := range r.records {
		rec := &r.records[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		if ms := rec.Time.UnixMilli(); ms != arrived || i == 0 {
			arrived, stamp = ms, appendMillis(stamp[:0], ms)
		}
		dst = append(append(dst, `{"ApproximateArrivalTimestamp":`...), stamp...)
		dst = append(dst, `,"Data":"`...)
		dst = scan.AppendBase64(dst, rec.Data)
		if encryption != "" {
			dst = append(append(dst, `","EncryptionType":"`...), encryption...)
		}
		dst = append(dst, `","PartitionKey":`...)
		dst = scan.AppendQuoted(dst, rec.Key)
		dst = append(dst, `,"SequenceNumber":"`...)
		dst = numbers.append(dst, rec.Position, rec.Time)
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
	if r.resume != (sequence{}) {
		members++
	}
	dst = scan.AppendHead(dst, scan.Map, members)
	if r.children != nil {
		dst = scan.AppendHead(scan.AppendText(dst, "ChildShards"), scan.Array, uint64(len(r.children)))
		for _, c := range r.children {
			dst = scan.AppendHead(dst, scan.Map, 3)
			dst = scan.AppendHead(scan.AppendText(dst, "HashKeyRange"), scan.Map, 2)
			dst = scan.AppendText(scan.AppendText(dst, "EndingHashKey"), *c.HashKeyRange.EndingHashKey)
			dst = scan.AppendText(scan.AppendText(dst, "StartingHashKey"), *c.HashKeyRange.StartingHashKey)
			dst = scan.AppendHead(scan.AppendText(dst, "ParentShards"), scan.Array, uint64(len(c.ParentShards)))
			for _, p := range c.ParentShards {
				dst = scan.AppendText(dst, p)
			}
			dst = scan.AppendText(scan.AppendText(dst, "ShardId"), *c.ShardId)
		}
	}
	dst = scan.AppendHead(scan.AppendText(dst, "MillisBehindLatest"), scan.Uint, uint64(r.behind.Milliseconds()))
	if r.next != (iterator{}) {
		var buf [512]byte
		dst = scan.AppendText(scan.AppendText(dst, "NextShardIterator"), s.appendIterator(buf[:0], r.next))
	}
	if r.resume != (sequence{}) {
		dst = scan.AppendHead(scan.AppendText(dst, "ContinuationSequenceNumber"), scan.Text, 56)
		dst = r.resume.append(dst)
	}
	dst = scan.AppendHead(scan.AppendText(dst, "Records"), scan.Array, uint64(len(r.records)))
	encryption := r.doc.answeredEncryption()
	numbers := numbering{shard: r.shard.sequence()}
	members = 4
	if encryption != "" {
		members++
	}
	for i := range r.records {
		rec := &r.records[i]
		dst = scan.AppendHead(dst, scan.Map, members)
		dst = scan.AppendHead(scan.AppendText(dst, "ApproximateArrivalTimestamp"), scan.Tag, 1)
		dst = scan.AppendHead(dst, scan.Uint, uint64(rec.Time.UnixMilli()))
		dst = append(scan.AppendHead(scan.AppendText(dst, "Data"), scan.Bytes, uint64(len(rec.Data))), rec.Data...)
		if encryption != "" {
			dst = scan.AppendText(scan.AppendText(dst, "EncryptionType"), encryption)
		}
		dst = scan.AppendText(scan.AppendText(dst, "PartitionKey"), rec.Key)
		dst = scan.AppendHead(scan.AppendText(dst, "SequenceNumber"), scan.Text, 56)
		dst = numbers.append(dst, rec.Position, rec.Time)
	}
	return dst
}
