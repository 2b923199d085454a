package scan

import (
	"encoding/binary"
	"unicode/utf8"
)

// Length takes the head of an item of the major type, which has no tag: the value of a
// number below 2^31, the length of a string in one piece, or how many items or pairs an
// array or a map has, Unknown where a Break ends it.
func (s *CBOR) Length(major byte) (n int, ok bool) {
	if s.Pos >= len(s.Data) || s.Data[s.Pos]>>5 != major {
		return 0, false
	}
	low := s.Data[s.Pos] & 31
	s.Pos++
	switch {
	case low < 24:
		return int(low), true
	case low == 24 && s.Pos < len(s.Data):
		s.Pos++
		return int(s.Data[s.Pos-1]), true
	case low == 25 && s.Pos+2 <= len(s.Data):
		s.Pos += 2
		return int(binary.BigEndian.Uint16(s.Data[s.Pos-2:])), true
	case low == 31 && (major == Array || major == Map):
		return Unknown, true
	case low > 27:
		return 0, false
	}
	size := 1 << (low - 24)
	if len(s.Data)-s.Pos < size {
		return 0, false
	}
	var v uint64
	for _, c := range s.Data[s.Pos : s.Pos+size] {
		v = v<<8 | uint64(c)
	}
	s.Pos += size
	return int(v), v <= 1<<31-1
}

// Plain takes a string in one piece of the major type Bytes or Text. A Text is not checked
// for UTF-8. It aliases the data.
func (s *CBOR) Plain(major byte) ([]byte, bool) {
	n, ok := s.Length(major)
	if !ok || n > len(s.Data)-s.Pos {
		return nil, false
	}
	text := s.Data[s.Pos : s.Pos+n : s.Pos+n]
	s.Pos += n
	return text, true
}

// PlainText takes a text in one piece, which is UTF-8.
func (s *CBOR) PlainText() ([]byte, bool) {
	text, ok := s.Plain(Text)
	return text, ok && utf8.Valid(text)
}

// PlainName takes a map's key, which the caller compares with those that it knows, so that
// it need not be checked.
func (s *CBOR) PlainName() ([]byte, bool) {
	if s.Pos < len(s.Data) && s.Data[s.Pos]>>5 == Text {
		if from, n := s.Pos+1, int(s.Data[s.Pos]&31); n < 24 && n <= len(s.Data)-from {
			s.Pos = from + n
			return s.Data[from:s.Pos], true
		}
	}
	return s.Plain(Text)
}

// AppendHead appends the head of an item: the value of a number, the length of a string, the
// number of items or pairs of an array or a map, the number of a tag.
func AppendHead(dst []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

// AppendText appends a text, which must be UTF-8.
func AppendText[T ~string | ~[]byte](dst []byte, s T) []byte {
	return append(AppendHead(dst, Text, uint64(len(s))), s...)
}
