package etl

import (
	"bytes"
	"compress/zlib"
	"io"
)

// The header that the serializers of the Glue Schema Registry put before a record: a byte of
// version, a byte of compression, the 16 bytes of the id of the schema's version.
const (
	headerVersion = 3
	headerPlain   = 0
	headerZlib    = 5
	headerSize    = 18
)

// maxInflated bounds a record that its serializer has compressed.
const maxInflated = 10 << 20

// payload is a record without the header of the Schema Registry. No JSON begins with its first
// byte, so what has none is left as it is, and so is what cannot be decompressed.
func payload(data []byte) []byte {
	if len(data) <= headerSize || data[0] != headerVersion {
		return data
	}
	switch data[1] {
	case headerPlain:
		return data[headerSize:]
	case headerZlib:
		r, err := zlib.NewReader(bytes.NewReader(data[headerSize:]))
		if err != nil {
			return data
		}
		plain, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
		if err != nil || len(plain) > maxInflated {
			return data
		}
		return plain
	}
	return data
}
