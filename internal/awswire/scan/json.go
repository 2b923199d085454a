package scan

// JSON is a position in a JSON text. Where it fails, the position is of no use any more.
type JSON struct {
	Data []byte
	Pos  int
	Half rune // what half a surrogate pair of a text becomes; 0: U+FFFD

	depth   int
	scratch []byte // the last string with escapes
}

// Space skips white space.
func (s *JSON) Space() {
	for s.Pos < len(s.Data) {
		switch s.Data[s.Pos] {
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return
		}
	}
}

// Peek skips white space and returns the byte behind it, 0 at the end.
func (s *JSON) Peek() byte {
	s.Space()
	if s.Pos < len(s.Data) {
		return s.Data[s.Pos]
	}
	return 0
}

// Take skips white space and then c, if c is there.
func (s *JSON) Take(c byte) bool {
	for s.Pos < len(s.Data) {
		switch got := s.Data[s.Pos]; got {
		case c:
			s.Pos++
			return true
		case ' ', '\t', '\n', '\r':
			s.Pos++
		default:
			return false
		}
	}
	return false
}

// End reports whether only white space is left, and skips it.
func (s *JSON) End() bool {
	s.Space()
	return s.Pos == len(s.Data)
}

// Literal takes true, false or null where it stands right at the position.
func (s *JSON) Literal(word string) bool {
	if len(s.Data)-s.Pos >= len(word) && string(s.Data[s.Pos:s.Pos+len(word)]) == word {
		s.Pos += len(word)
		return true
	}
	return false
}

// Null takes a null, if that is what comes.
func (s *JSON) Null() (bool, error) {
	if s.Peek() != 'n' {
		return false, nil
	}
	if !s.Literal("null") {
		return false, s.wrong()
	}
	return true, nil
}

// wrong says that what comes is not what should.
func (s *JSON) wrong() error {
	if s.Pos >= len(s.Data) {
		return fail(len(s.Data), Truncated)
	}
	return fail(s.Pos, Malformed)
}

// Open skips white space and takes c, the brace of an object or the bracket of an array. It
// counts a level, which Member or Element ends with the container.
func (s *JSON) Open(c byte) error {
	if !s.Take(c) {
		return s.wrong()
	}
	if s.depth++; s.depth > MaxDepth {
		return fail(s.Pos-1, TooDeep)
	}
	return nil
}

// Member reads the name of an object's next member and the colon behind it. At the end of
// the object, which it takes, more is false. first says that the object was opened just now.
// The name is valid until the next string is read.
func (s *JSON) Member(first bool) (name []byte, more bool, err error) {
	c := s.Peek()
	if c == '}' {
		s.Pos++
		s.depth--
		return nil, false, nil
	}
	if !first {
		if c != ',' {
			return nil, false, s.wrong()
		}
		s.Pos++
		s.Space()
	}
	if name, err = s.Text(); err != nil {
		return nil, false, err
	}
	if !s.Take(':') {
		return nil, false, s.wrong()
	}
	return name, true, nil
}

// Element goes to an array's next element. At the end of the array, which it takes, it
// returns false. first says that the array was opened just now.
func (s *JSON) Element(first bool) (bool, error) {
	c := s.Peek()
	if c == ']' {
		s.Pos++
		s.depth--
		return false, nil
	}
	if !first {
		if c != ',' {
			return false, s.wrong()
		}
		s.Pos++
	}
	return true, nil
}

// Number takes a number by JSON's grammar, which must stand right at the position.
func (s *JSON) Number() ([]byte, error) {
	start := s.Pos
	if s.at('-') {
		s.Pos++
	}
	if s.at('0') {
		s.Pos++
	} else if !s.digits() {
		return nil, s.wrong()
	}
	if s.at('.') {
		s.Pos++
		if !s.digits() {
			return nil, s.wrong()
		}
	}
	if s.at('e') || s.at('E') {
		s.Pos++
		if s.at('+') || s.at('-') {
			s.Pos++
		}
		if !s.digits() {
			return nil, s.wrong()
		}
	}
	return s.Data[start:s.Pos], nil
}

func (s *JSON) at(c byte) bool { return s.Pos < len(s.Data) && s.Data[s.Pos] == c }

// digits takes digits, and reports whether there were any.
func (s *JSON) digits() bool {
	from := s.Pos
	for s.Pos < len(s.Data) && s.Data[s.Pos] >= '0' && s.Data[s.Pos] <= '9' {
		s.Pos++
	}
	return s.Pos > from
}

// Skip takes a value of any kind, and checks its grammar.
func (s *JSON) Skip() error {
	switch c := s.Peek(); {
	case c == '"':
		_, err := s.Text()
		return err
	case c == '{':
		if err := s.Open(c); err != nil {
			return err
		}
		for first := true; ; first = false {
			if _, more, err := s.Member(first); err != nil || !more {
				return err
			}
			if err := s.Skip(); err != nil {
				return err
			}
		}
	case c == '[':
		if err := s.Open(c); err != nil {
			return err
		}
		for first := true; ; first = false {
			if more, err := s.Element(first); err != nil || !more {
				return err
			}
			if err := s.Skip(); err != nil {
				return err
			}
		}
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.Number()
		return err
	case c == 't' && s.Literal("true"), c == 'f' && s.Literal("false"), c == 'n' && s.Literal("null"):
		return nil
	}
	return s.wrong()
}

// Small skips white space and takes a whole number below 10^9, in digits alone.
func (s *JSON) Small() (int, bool) {
	s.Space()
	n, from := 0, s.Pos
	for s.Pos < len(s.Data) && '0' <= s.Data[s.Pos] && s.Data[s.Pos] <= '9' && s.Pos-from < 9 {
		n = n*10 + int(s.Data[s.Pos]-'0')
		s.Pos++
	}
	return n, s.Pos > from && (s.Data[from] != '0' || s.Pos == from+1)
}
