package kinesis

import (
	"encoding/binary"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	cborUint  = 0
	cborBytes = 2
	cborText  = 3
	cborArray = 4
	cborMap   = 5
	cborTag   = 6
)

// cborHead appends the head of a data item.
func cborHead(dst []byte, major byte, n uint64) []byte {
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

func cborString[T ~string | ~[]byte](dst []byte, s T) []byte {
	return append(cborHead(dst, cborText, uint64(len(s))), s...)
}

// cborScanner reads CBOR of the plain sort. Maps and arrays may be of unknown length, as
// the Java SDK writes them; strings may not.
type cborScanner struct {
	b []byte
	i int
}

const cborUnknown = -1

// head reads the head of an item of the major type; n is cborUnknown for an unknown length.
func (s *cborScanner) head(major byte) (n int, ok bool) {
	if s.i >= len(s.b) || s.b[s.i]>>5 != major {
		return 0, false
	}
	low := s.b[s.i] & 31
	s.i++
	switch {
	case low < 24:
		return int(low), true
	case low == 24 && s.i < len(s.b):
		s.i++
		return int(s.b[s.i-1]), true
	case low == 25 && s.i+2 <= len(s.b):
		s.i += 2
		return int(binary.BigEndian.Uint16(s.b[s.i-2:])), true
	case low == 31 && (major == cborArray || major == cborMap):
		return cborUnknown, true
	case low > 27:
		return 0, false
	}
	size := 1 << (low - 24)
	if len(s.b)-s.i < size {
		return 0, false
	}
	var v uint64
	for _, c := range s.b[s.i : s.i+size] {
		v = v<<8 | uint64(c)
	}
	s.i += size
	return int(v), v <= 1<<31-1
}

// more says whether an array or map of n items, of which left are to come, goes on.
func (s *cborScanner) more(left *int) bool {
	if *left == cborUnknown {
		if s.i < len(s.b) && s.b[s.i] == 0xff {
			s.i++
			return false
		}
		return true
	}
	*left--
	return *left >= 0
}

func (s *cborScanner) string(major byte) ([]byte, bool) {
	n, ok := s.head(major)
	if !ok || n > len(s.b)-s.i {
		return nil, false
	}
	text := s.b[s.i : s.i+n : s.i+n]
	s.i += n
	return text, true
}

func (s *cborScanner) text() ([]byte, bool) {
	text, ok := s.string(cborText)
	return text, ok && utf8.Valid(text)
}

// name reads the name of a member, which is compared with those that are known and so
// needs no look at its form.
func (s *cborScanner) name() ([]byte, bool) {
	if s.i < len(s.b) && s.b[s.i]>>5 == cborText {
		if from, n := s.i+1, int(s.b[s.i]&31); n < 24 && n <= len(s.b)-from {
			s.i = from + n
			return s.b[from:s.i], true
		}
	}
	return s.string(cborText)
}

func (s *cborScanner) end() bool { return s.i == len(s.b) }

func (p *put) decodeCBOR(body []byte, batch bool) bool {
	s := cborScanner{b: body}
	var have seen
	var one entry
	members, ok := s.head(cborMap)
	if !ok {
		return false
	}
	for s.more(&members) {
		name, ok := s.name()
		if !ok {
			return false
		}
		switch string(name) {
		case "StreamName":
			p.name, ok = s.text()
			ok = ok && have.first(0) && isName(p.name)
		case "StreamARN":
			p.arn, ok = s.text()
			ok = ok && have.first(1) && isARN(p.arn)
		case "Records":
			ok = batch && have.first(2) && p.cborRecords(&s)
		default:
			ok = !batch && p.cborMember(&s, &one, name, &have)
		}
		if !ok {
			return false
		}
	}
	return s.end() && p.complete(batch, one)
}

func (p *put) cborRecords(s *cborScanner) bool {
	records, ok := s.head(cborArray)
	if !ok {
		return false
	}
	for s.more(&records) {
		members, ok := s.head(cborMap)
		if !ok || len(p.entries) == maxPutRecords {
			return false
		}
		p.entries = append(p.entries, entry{})
		e := &p.entries[len(p.entries)-1]
		var have seen
		for s.more(&members) {
			name, ok := s.name()
			if !ok || !p.cborMember(s, e, name, &have) {
				return false
			}
		}
		if e.data == nil || e.key == nil {
			return false
		}
	}
	return true
}

func (p *put) cborMember(s *cborScanner, e *entry, name []byte, have *seen) (ok bool) {
	switch string(name) {
	case "Data":
		e.data, ok = s.string(cborBytes)
		return ok && have.first(3)
	case "PartitionKey":
		e.key, ok = s.text()
		return ok && have.first(4) && isPartitionKey(e.key)
	case "ExplicitHashKey":
		text, ok := s.text()
		return ok && have.first(5) && e.hash(text)
	case "SequenceNumberForOrdering":
		p.ordering, ok = s.text()
		return ok && p.single && have.first(6) && isOrdering(p.ordering)
	}
	return false
}
