// Package eventstream writes messages of application/vnd.amazon.eventstream, the framing in
// which AWS services push events over one HTTP response.
//
// A message is, all numbers big-endian,
//
//	4 bytes  length of the whole message
//	4 bytes  length of the headers
//	4 bytes  CRC-32 (IEEE) of these eight bytes
//	         the headers
//	         the payload
//	4 bytes  CRC-32 of everything before it
//
// and a header is
//
//	1 byte   length of the name
//	         the name
//	1 byte   type of the value: 7, a string, is the only one that is written here
//	2 bytes  length of the value
//	         the value
package eventstream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ContentType is the media type of a stream of messages.
const ContentType = "application/vnd.amazon.eventstream"

// Names of the headers that say what a message is.
const (
	MessageType   = ":message-type" // event, exception or error
	EventType     = ":event-type"
	ExceptionType = ":exception-type"
	ErrorCode     = ":error-code"
	ErrorMessage  = ":error-message"
	TypeOfContent = ":content-type" // of the payload
)

// MaxPayload is the largest payload that clients take.
const MaxPayload = 16 << 20

// ErrTooLarge is the error of a message that is beyond the format's limits.
var ErrTooLarge = errors.New("eventstream: message is too large")

// Header is a header of a message, with a string for its value.
type Header struct{ Name, Value string }

const (
	preludeSize  = 12
	checksumSize = 4
	stringType   = 7
	maxHeader    = 1<<15 - 1
)

// Append appends a message to dst. The payload is what the function appends; on an error
// dst is returned as it was.
func Append(dst []byte, headers []Header, payload func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst)
	b := append(dst, make([]byte, preludeSize)...)
	for _, h := range headers {
		if len(h.Name) == 0 || len(h.Name) > 255 || len(h.Value) > maxHeader {
			return dst, ErrTooLarge
		}
		b = append(append(b, byte(len(h.Name))), h.Name...)
		b = append(binary.BigEndian.AppendUint16(append(b, stringType), uint16(len(h.Value))), h.Value...)
	}
	body := len(b)
	if payload != nil {
		var err error
		if b, err = payload(b); err != nil {
			return dst, err
		}
	}
	if len(b)-body > MaxPayload {
		return dst, ErrTooLarge
	}
	message := b[start:]
	binary.BigEndian.PutUint32(message, uint32(len(message)+checksumSize))
	binary.BigEndian.PutUint32(message[4:], uint32(body-start-preludeSize))
	binary.BigEndian.PutUint32(message[8:], crc32.ChecksumIEEE(message[:8]))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(message)), nil
}
