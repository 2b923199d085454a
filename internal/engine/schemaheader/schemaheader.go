// Package schemaheader reads the header that the serializers of the Glue Schema Registry put before a record: a byte of
// version, a byte of compression, the 16 bytes of the id of the schema's version.
package schemaheader

import (
	"bytes"
	"compress/zlib"
	"io"

	"github.com/google/uuid"
)

const (
	version = 3
	plain   = 0
	zlibbed = 5
	size    = 18
)

// maxInflated bounds a record that its serializer has compressed.
const maxInflated = 10 << 20

// Split takes a record's header off. ok is false, and payload the record, where it has none: no JSON and no text begins
// with its first byte. What cannot be decompressed, or is larger than 10 MiB then, has none either.
func Split(record []byte) (schemaVersion string, payload []byte, ok bool) {
	if len(record) <= size || record[0] != version || record[1] != plain && record[1] != zlibbed {
		return "", record, false
	}
	payload = record[size:]
	if record[1] == zlibbed {
		r, err := zlib.NewReader(bytes.NewReader(payload))
		if err != nil {
			return "", record, false
		}
		payload, err = io.ReadAll(io.LimitReader(r, maxInflated+1))
		if err != nil || len(payload) > maxInflated {
			return "", record, false
		}
	}
	return uuid.UUID(record[2:size]).String(), payload, true
}

// Version is the id of the schema's version that a record's header names.
func Version(record []byte) (id string, ok bool) {
	if len(record) <= size || record[0] != version || record[1] != plain && record[1] != zlibbed {
		return "", false // as nearly all are
	}
	return uuid.UUID(record[2:size]).String(), true
}

// Payload is a record without its header, if it has one.
func Payload(record []byte) []byte {
	if len(record) <= size || record[0] != version {
		return record // as nearly all are
	}
	_, payload, _ := Split(record)
	return payload
}
