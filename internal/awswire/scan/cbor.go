package scan

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	Uint = iota
	Negative
	Bytes
	Text
	Array
	Map
	Tag
	Simple // and floats
)

// Break ends a container or string of unknown length.
const Break = 0xff

// Unknown is the length of a container that a Break ends.
const Unknown = -1

// CBOR is a position in CBOR data. Where it fails, the position is of no use any more.
type CBOR struct {
	Data []byte
	Pos  int

	depth int
}

// Head is the start of a data item.
type Head struct {
	Major      byte
	Info       byte   // the low five bits: which simple value, how wide a float
	Arg        uint64 // the number that goes with it: a value, a length, the bits of a float
	Indefinite bool   // the length is unknown
}

// End reports whether nothing is left.
func (s *CBOR) End() bool { return s.Pos == len(s.Data) }

// Head takes the start of the next item, and the tags before it.
func (s *CBOR) Head() (Head, error) {
	for {
		h, err := s.head()
		if err != nil || h.Major != Tag {
			return h, err
		}
	}
}

func (s *CBOR) head() (Head, error) {
	if s.Pos >= len(s.Data) {
		return Head{}, fail(s.Pos, Truncated)
	}
	b := s.Data[s.Pos]
	s.Pos++
	h := Head{Major: b >> 5, Info: b & 31}
	switch {
	case h.Info < 24:
		h.Arg = uint64(h.Info)
	case h.Info < 28:
		n := 1 << (h.Info - 24)
		if len(s.Data)-s.Pos < n {
			return h, fail(len(s.Data), Truncated)
		}
		var wide [8]byte
		copy(wide[8-n:], s.Data[s.Pos:])
		h.Arg = binary.BigEndian.Uint64(wide[:])
		s.Pos += n
	case h.Info == 31 && h.Major >= Bytes && h.Major <= Map:
		h.Indefinite = true
	default:
		return h, fail(s.Pos-1, Malformed)
	}
	return h, nil
}

// Len is the length of an array or a map in items or pairs, for More.
func (h Head) Len() int {
	if h.Indefinite {
		return Unknown
	}
	return int(min(h.Arg, math.MaxInt)) // no data has as many, so its end is met first
}

// IsNull reports whether the item is null or undefined.
func (h Head) IsNull() bool { return h.Major == Simple && (h.Info == 22 || h.Info == 23) }

// Bool is the value of true and false.
func (h Head) Bool() (value, ok bool) {
	return h.Info == 21, h.Major == Simple && (h.Info == 20 || h.Info == 21)
}

// Int is the value of an integer that fits.
func (h Head) Int() (int64, bool) {
	switch {
	case h.Arg > math.MaxInt64:
		return 0, false
	case h.Major == Uint:
		return int64(h.Arg), true
	case h.Major == Negative:
		return -1 - int64(h.Arg), true
	}
	return 0, false
}

// Float is the value of a float of 16, 32 or 64 bits.
func (h Head) Float() (float64, bool) {
	if h.Major != Simple {
		return 0, false
	}
	switch h.Info {
	case 25:
		return halfFloat(uint16(h.Arg)), true
	case 26:
		return float64(math.Float32frombits(uint32(h.Arg))), true
	case 27:
		return math.Float64frombits(h.Arg), true
	}
	return 0, false
}

// Number is the value of an integer or a float.
func (h Head) Number() (float64, bool) {
	switch h.Major {
	case Uint:
		return float64(h.Arg), true
	case Negative:
		return -1 - float64(h.Arg), true
	}
	return h.Float()
}

func halfFloat(b uint16) float64 {
	exp, frac := int(b>>10&31), float64(b&1023)
	f := 0.0
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		f = math.Inf(1)
	default:
		f = math.Ldexp(1024+frac, exp-25)
	}
	if b&0x8000 != 0 {
		f = -f
	}
	return f
}

// Enter counts a level of containers, Leave counts it out.
func (s *CBOR) Enter() error {
	if s.depth++; s.depth > MaxDepth {
		return fail(s.Pos, TooDeep)
	}
	return nil
}

// Leave ends what Enter began.
func (s *CBOR) Leave() { s.depth-- }

// More reports whether a container of which left items or pairs are to come, or Unknown, has
// another one. It counts left down, or takes the Break. At the end of the data the answer
// may be true; what is read next fails.
func (s *CBOR) More(left *int) bool {
	if *left == Unknown {
		if s.Pos < len(s.Data) && s.Data[s.Pos] == Break {
			s.Pos++
			return false
		}
		return true
	}
	*left--
	return *left >= 0
}

// Bytes takes the content of a byte or text string after its head. It aliases the data,
// unless the string is in pieces.
func (s *CBOR) Bytes(h Head) ([]byte, error) {
	if !h.Indefinite {
		if h.Arg > uint64(len(s.Data)-s.Pos) {
			return nil, fail(len(s.Data), Truncated)
		}
		n := int(h.Arg)
		b := s.Data[s.Pos : s.Pos+n : s.Pos+n]
		s.Pos += n
		return b, nil
	}
	var out []byte
	for left := Unknown; s.More(&left); {
		at := s.Pos
		piece, err := s.head()
		if err != nil {
			return nil, err
		}
		if piece.Major != h.Major || piece.Indefinite {
			return nil, fail(at, Malformed)
		}
		b, err := s.Bytes(piece)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return out, nil
}

// Text takes the content of a text string after its head.
func (s *CBOR) Text(h Head) ([]byte, error) {
	at := s.Pos
	if h.Major != Text {
		return nil, fail(at, Malformed)
	}
	b, err := s.Bytes(h)
	if err == nil && !utf8.Valid(b) {
		err = fail(at, BadText)
	}
	return b, err
}

// Name takes a text string, a map's key.
func (s *CBOR) Name() ([]byte, error) {
	h, err := s.Head()
	if err != nil {
		return nil, err
	}
	return s.Text(h)
}

// Skip takes an item of any kind.
func (s *CBOR) Skip() error {
	h, err := s.Head()
	if err != nil {
		return err
	}
	return s.SkipItem(h)
}

// SkipItem takes the rest of the item with the head h.
func (s *CBOR) SkipItem(h Head) error {
	switch h.Major {
	case Bytes, Text:
		_, err := s.Bytes(h)
		return err
	case Array, Map:
		if err := s.Enter(); err != nil {
			return err
		}
		for left := h.Len(); s.More(&left); {
			if h.Major == Map {
				if err := s.Skip(); err != nil {
					return err
				}
			}
			if err := s.Skip(); err != nil {
				return err
			}
		}
		s.Leave()
	}
	return nil
}
