package jsontext

// An Iter goes through the members of an object, or the elements of an array, whose text
// is known to be valid, as that of a value found by Skip or Record.Parse is.
type Iter struct {
	text []byte
	i    int
}

// Over returns an iterator over the text of an object or array, brackets included.
func Over(text []byte) Iter { return Iter{text, 1} }

// Member returns the next member of an object; its Key is -1, its offsets are those in
// the iterator's text.
func (it *Iter) Member() (m Member, ok bool) {
	b := it.text
	i := SkipSpace(b, it.i)
	if i < len(b) && b[i] == ',' {
		i = SkipSpace(b, i+1)
	}
	if i >= len(b) || b[i] != '"' {
		return m, false
	}
	end, escaped, se := skipString(b, i+1)
	if se != nil {
		return m, false
	}
	m.Key, m.KeyLo, m.KeyHi, m.KeyEscaped = -1, int32(i+1), int32(end-1), escaped
	i = SkipSpace(b, SkipSpace(b, end)+1)
	end, m.Kind, m.Escaped, se = skip(b, i, 0)
	if se != nil {
		return m, false
	}
	m.Lo, m.Hi = int32(i), int32(end)
	it.i = end
	return m, true
}

// Element returns where the next element of an array lies, its kind, and whether it is a
// string with escapes.
func (it *Iter) Element() (lo, hi int, kind Kind, escaped, ok bool) {
	b := it.text
	i := SkipSpace(b, it.i)
	if i < len(b) && b[i] == ',' {
		i = SkipSpace(b, i+1)
	}
	if i >= len(b) || b[i] == ']' {
		return i, i, Invalid, false, false
	}
	hi, kind, escaped, se := skip(b, i, 0)
	if se != nil {
		return i, i, Invalid, false, false
	}
	it.i = hi
	return i, hi, kind, escaped, true
}
