package jsontext

import "math"

// A Member is one member of an object: where it lies in the text it was parsed from. It
// is small, for many are kept.
type Member struct {
	Key          int32 // number of the key in the record's Keys, -1 if it has none
	KeyLo, KeyHi int32 // the key's text, without its quotes
	Lo, Hi       int32 // the value's text, quotes and brackets included
	Kind         Kind
	KeyEscaped   bool // the key's text holds escapes
	Escaped      bool // the value is a string that holds escapes
}

// maxText is what the offsets of a Member reach.
const maxText = math.MaxInt32

// Keys numbers the keys that records have, so that what belongs to a key (its column, its
// partition query) is looked up once and then found by number. Keys written differently
// ("a" and "\u0061") have different numbers. It stops growing at a bound.
type Keys struct {
	byText map[string]int32
	texts  []string // with quotes
	names  []string // decoded
	size   int
}

const (
	maxKeys     = 16384
	maxKeyBytes = 1 << 20
)

// Name is the decoded name of key number k.
func (ks *Keys) Name(k int32) string { return ks.names[k] }

// Len is how many keys have numbers; they go from 0 to Len-1.
func (ks *Keys) Len() int { return len(ks.names) }

func (ks *Keys) number(quoted []byte, escaped bool) int32 {
	if k, ok := ks.byText[string(quoted)]; ok {
		return k
	}
	if len(ks.texts) >= maxKeys || ks.size+len(quoted) > maxKeyBytes {
		return -1
	}
	if ks.byText == nil {
		ks.byText = make(map[string]int32)
	}
	text := string(quoted)
	name := text[1 : len(text)-1]
	if escaped {
		name = string(AppendUnquoted(nil, []byte(name)))
	}
	k := int32(len(ks.texts))
	ks.byText[text] = k
	ks.texts = append(ks.texts, text)
	ks.names = append(ks.names, name)
	ks.size += len(quoted)
	return k
}

// A Record is one parsed JSON value and, if that is an object, its members. It is used
// again for record after record: it expects the keys of the last one, in its order, which
// makes finding them a comparison. Not for use by several goroutines at once. The zero
// value is ready.
type Record struct {
	Keys    Keys
	Text    []byte // the value, from its first byte to its last; not copied
	Kind    Kind
	Escaped bool // a string with escapes
	Members []Member

	expected []expectation // of the keys that the last record had
}

// expectation is a key that has a number.
type expectation struct {
	text    string // with quotes; empty: there is none
	key     int32
	escaped bool
}

// Parse reads the first JSON value in b, after white space, and returns the offset after
// it. What the record held before is forgotten, even if there is an error; the offsets of
// members are those in Text.
func (r *Record) Parse(b []byte) (n int, err error) {
	r.Members = r.Members[:0]
	r.Text, r.Kind = nil, Invalid
	start := SkipSpace(b, 0)
	if start >= len(b) || b[start] != '{' {
		end, kind, escaped, se := skip(b, start, 0)
		if se != nil {
			return end, se
		}
		r.Text, r.Kind, r.Escaped = b[start:end], kind, escaped
		return end, nil
	}
	end, se := r.object(b[start:])
	if se != nil {
		se.Offset += start
		r.Members = r.Members[:0]
		return start + end, se
	}
	r.Text, r.Kind, r.Escaped = b[start:start+end], Object, false
	return start + end, nil
}

func (r *Record) object(b []byte) (int, *SyntaxError) {
	if len(b) > maxText {
		return 0, &SyntaxError{maxText, "too long"}
	}
	i := SkipSpace(b, 1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	members := r.Members // for this is the innermost loop of a delivery
	defer func() { r.Members = members }()
	for at := 0; ; at++ {
		if i < len(b) && b[i] <= ' ' {
			i = SkipSpace(b, i)
		}
		// A member is made where it stays: to copy it right away would wait for its fields.
		if at < cap(members) {
			members = members[:at+1]
		} else {
			members = append(members, Member{})
		}
		m := &members[at]
		end := -1
		if at < len(r.expected) {
			e := &r.expected[at]
			if n := len(e.text); n > 0 && len(b)-i >= n && string(b[i:i+n]) == e.text {
				m.Key, m.KeyEscaped, end = e.key, e.escaped, i+n
			}
		}
		if end < 0 {
			if i >= len(b) || b[i] != '"' {
				return i, unexpected(b, i, "want a key")
			}
			var se *SyntaxError
			if end, m.KeyEscaped, se = skipString(b, i+1); se != nil {
				return end, se
			}
			m.Key = r.Keys.number(b[i:end], m.KeyEscaped)
			r.expect(at, m)
		}
		m.KeyLo, m.KeyHi = int32(i+1), int32(end-1)
		if i = end; i >= len(b) || b[i] != ':' {
			if i = SkipSpace(b, i); i >= len(b) || b[i] != ':' {
				return i, unexpected(b, i, "want ':'")
			}
		}
		if i++; i < len(b) && b[i] <= ' ' {
			i = SkipSpace(b, i)
		}
		var se *SyntaxError
		if i < len(b) && b[i] == '"' {
			m.Kind = String
			end, m.Escaped, se = skipString(b, i+1)
		} else if i < len(b) && b[i]-'0' <= 9 {
			m.Escaped = false
			end, m.Kind, se = skipNumber(b, i)
		} else {
			end, m.Kind, m.Escaped, se = skip(b, i, 1)
		}
		if se != nil {
			return end, se
		}
		m.Lo, m.Hi = int32(i), int32(end)
		if i = end; i < len(b) && b[i] <= ' ' {
			i = SkipSpace(b, i)
		}
		if i < len(b) && b[i] == ',' {
			i++
			continue
		}
		if i < len(b) && b[i] == '}' {
			return i + 1, nil
		}
		return i, unexpected(b, i, "want ',' or '}'")
	}
}

// expect notes the key of m as that of the next record's member at the same place.
func (r *Record) expect(at int, m *Member) {
	e := expectation{key: m.Key, escaped: m.KeyEscaped}
	if m.Key >= 0 {
		e.text = r.Keys.texts[m.Key]
	}
	if at < len(r.expected) {
		r.expected[at] = e
	} else if at < maxKeys {
		r.expected = append(r.expected, e)
	}
}

// AppendKey appends the decoded name of a member of the record to dst.
func (r *Record) AppendKey(dst []byte, m *Member) []byte {
	if !m.KeyEscaped {
		return append(dst, r.Text[m.KeyLo:m.KeyHi]...)
	}
	return AppendUnquoted(dst, r.Text[m.KeyLo:m.KeyHi])
}

// Value is the text of a member's value.
func (r *Record) Value(m *Member) []byte { return r.Text[m.Lo:m.Hi] }
