// Package kpl takes apart the records that the Kinesis Producer Library puts: many small
// records of the user, packed into one record of the stream.
//
// An aggregated record is
//
//	4 bytes   f3 89 9a c2
//	n bytes   a protocol buffers message, AggregatedRecord
//	16 bytes  the MD5 of the message
//
//	message AggregatedRecord {
//	  repeated string partition_key_table     = 1;
//	  repeated string explicit_hash_key_table = 2;
//	  repeated Record records                 = 3;
//	}
//	message Record {
//	  required uint64 partition_key_index     = 1;  // into partition_key_table
//	  optional uint64 explicit_hash_key_index = 2;
//	  required bytes  data                    = 3;
//	  repeated Tag    tags                    = 4;
//	}
//
// The format is that of the library's own description, aggregation-format.md. What is not
// exactly of this form is a record like any other, as it is for the Kinesis Client Library:
// a record of the user may begin with the four bytes by chance.
package kpl

import (
	"bytes"
	"crypto/md5"

	"google.golang.org/protobuf/encoding/protowire"
)

var magic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// Numbers of the fields.
const (
	fieldKey    protowire.Number = 1 // of AggregatedRecord
	fieldRecord protowire.Number = 3

	fieldKeyIndex protowire.Number = 1 // of Record
	fieldData     protowire.Number = 3
)

// Deaggregate calls yield with the partition key and the data of every record that data
// holds, in their order. When data is not an aggregated record, or a damaged one, it
// returns false and has called nothing: data is to be taken as it is. What it yields aliases
// data.
func Deaggregate(data []byte, yield func(key string, data []byte)) (ok bool) {
	message, ok := unwrap(data)
	if !ok {
		return false
	}
	keys, ok := check(message)
	if !ok {
		return false
	}
	// It has been checked, so the second way through needs no errors.
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		message = message[n:]
		if number != fieldRecord {
			message = message[protowire.ConsumeFieldValue(number, typ, message):]
			continue
		}
		body, n := protowire.ConsumeBytes(message)
		message = message[n:]
		r, _ := parseRecord(body)
		yield(keys[r.key], r.data)
	}
	return true
}

// unwrap returns the message of an aggregated record.
func unwrap(data []byte) (message []byte, ok bool) {
	message, ok = bytes.CutPrefix(data, magic)
	if !ok || len(message) < md5.Size {
		return nil, false
	}
	at := len(message) - md5.Size
	message, sum := message[:at], message[at:]
	want := md5.Sum(message)
	return message, bytes.Equal(sum, want[:])
}

// check reads the whole message and returns its table of keys.
func check(message []byte) (keys []string, ok bool) {
	highest, records := uint64(0), 0
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		message = message[n:]
		if number != fieldKey && number != fieldRecord {
			if n = protowire.ConsumeFieldValue(number, typ, message); n < 0 {
				return nil, false
			}
			message = message[n:]
			continue
		}
		body, n := protowire.ConsumeBytes(message)
		if typ != protowire.BytesType || n < 0 {
			return nil, false
		}
		message = message[n:]
		if number == fieldKey {
			keys = append(keys, string(body))
			continue
		}
		r, ok := parseRecord(body)
		if !ok {
			return nil, false
		}
		highest = max(highest, r.key)
		records++
	}
	// The table may come after the records.
	return keys, records == 0 || highest < uint64(len(keys))
}

type record struct {
	key  uint64 // index
	data []byte
}

func parseRecord(b []byte) (r record, ok bool) {
	haveKey, haveData := false, false
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return r, false
		}
		b = b[n:]
		switch {
		case number == fieldKeyIndex && typ == protowire.VarintType:
			r.key, n = protowire.ConsumeVarint(b)
			haveKey = true
		case number == fieldData && typ == protowire.BytesType:
			r.data, n = protowire.ConsumeBytes(b)
			haveData = true
		case number == fieldKeyIndex || number == fieldData:
			return r, false
		default:
			n = protowire.ConsumeFieldValue(number, typ, b)
		}
		if n < 0 {
			return r, false
		}
		b = b[n:]
	}
	return r, haveKey && haveData
}
