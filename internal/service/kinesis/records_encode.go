package kinesis

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"
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
		dst = appendBase64(dst, rec.Data)
		if encryption != "" {
			dst = append(append(dst, `","EncryptionType":"`...), encryption...)
		}
		dst = append(dst, `","PartitionKey":`...)
		dst = appendJSONString(dst, rec.Key)
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
	if r.resume != (sequence{}) {
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
	if r.resume != (sequence{}) {
		dst = cborHead(cborString(dst, "ContinuationSequenceNumber"), cborText, 56)
		dst = r.resume.append(dst)
	}
	dst = cborHead(cborString(dst, "Records"), cborArray, uint64(len(r.records)))
	encryption := r.doc.answeredEncryption()
	numbers := numbering{shard: r.shard.sequence()}
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
		dst = numbers.append(dst, rec.Position, rec.Time)
	}
	return dst
}
