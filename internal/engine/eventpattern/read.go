package eventpattern

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// SyntaxError says what is wrong with a pattern, and where. It wraps ErrSyntax.
type SyntaxError struct {
	Reason string
	// JSON reports whether the text is JSON: then it is a pattern that is not one, else it could not be parsed.
	JSON bool
	// Line and Column are behind what was read last, from 1. A text is read when it is asked for: of one that has the
	// wrong type only the quote was. A column is a unit of UTF-16.
	Line, Column int
	// Places is how often AWS tells the place: not at all of some values, twice of one that is in a list within a list.
	Places int
}

// Source is where a text is wrong as AWS's compiler of rules tells it; empty where it does not.
func (e *SyntaxError) Source(text string) string {
	return strings.Repeat(fmt.Sprintf("\n at [Source: (String)\"%s\"; line: %d, column: %d]", text, e.Line, e.Column), e.Places)
}

func (e *SyntaxError) Error() string { return ErrSyntax.Error() + ": " + e.Reason }

// Unwrap returns ErrSyntax.
func (e *SyntaxError) Unwrap() error { return ErrSyntax }

// token is one of a pattern's text.
type token struct {
	kind  byte // { } [ ] k (a member's name) s (text) n (number) t f 0 (null), and e at the end
	text  string
	begun int // offset behind what is read of it before it is asked for: of a text the quote, of a name what begins its value
	end   int // offset behind it
}

// scanner reads the tokens of a text that should be JSON.
type scanner struct {
	text string
	at   int
	list []token
}

const anyValue = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

// CheckJSON reports, as a *SyntaxError, where a text stops being JSON; nil for one that is.
func CheckJSON(text string) error {
	_, err := scan(text)
	return err
}

// scan reads all tokens of a JSON text, and one that ends them.
func scan(text string) ([]token, error) {
	s := &scanner{text: text}
	if err := s.value(0); err != nil {
		return nil, err
	}
	if s.space(); s.at < len(text) {
		return nil, s.unexpected("it ends with its first value")
	}
	s.add('e', "", s.at, s.at)
	return s.list, nil
}

func (s *scanner) add(kind byte, text string, begun, end int) {
	s.list = append(s.list, token{kind, text, begun, end})
}

// fail makes the error of a text that is not JSON, at an offset.
func (s *scanner) fail(at int, format string, args ...any) error {
	line, column := position(s.text, at)
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), Line: line, Column: column, Places: 1}
}

// position is the line and the column behind the first bytes of a text.
func position(text string, at int) (line, column int) {
	before := text[:at]
	line = strings.Count(before, "\n") + 1
	before = before[strings.LastIndexByte(before, '\n')+1:]
	return line, len(utf16.Encode([]rune(before))) + 1
}

func (s *scanner) unexpected(wanted string) error {
	if s.at >= len(s.text) {
		return s.fail(s.at, "Unexpected end-of-input: %s", wanted)
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return s.fail(s.at, "Unexpected character ('%c' (code %d)): %s", r, r, wanted)
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// next is the byte that comes after white space; zero at the end.
func (s *scanner) next() byte {
	if s.space(); s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return s.fail(s.at, "it is nested deeper than %d", maxDepth)
	}
	switch c := s.next(); {
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		begun := s.at + 1
		text, err := s.quoted()
		s.add('s', text, begun, s.at)
		return err
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		return s.word()
	}
	return s.unexpected("expected a valid value " + anyValue)
}

func (s *scanner) object(depth int) error {
	s.at++
	s.add('{', "{", s.at, s.at)
	if s.next() == '}' {
		s.at++
		s.add('}', "}", s.at, s.at)
		return nil
	}
	for {
		if s.next() != '"' {
			return s.unexpected("was expecting double-quote to start field name")
		}
		name, err := s.quoted()
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return s.unexpected("was expecting a colon to separate field name and value")
		}
		k := len(s.list)
		s.add('k', name, s.at, s.at)
		s.at++
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.list[k].begun = s.list[k+1].begun
		switch s.next() {
		case ',':
			s.at++
		case '}':
			s.at++
			s.add('}', "}", s.at, s.at)
			return nil
		default:
			return s.unexpected("was expecting comma to separate Object entries")
		}
	}
}

func (s *scanner) array(depth int) error {
	s.at++
	s.add('[', "[", s.at, s.at)
	if s.next() == ']' {
		s.at++
		s.add(']', "]", s.at, s.at)
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.at++
		case ']':
			s.at++
			s.add(']', "]", s.at, s.at)
			return nil
		default:
			return s.unexpected("was expecting comma to separate Array entries")
		}
	}
}

// quoted reads a text in quotes.
func (s *scanner) quoted() (string, error) {
	from := s.at
	for i := from + 1; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\\':
			i++
		case c < ' ':
			return "", s.fail(i, "Illegal unquoted character ((CTRL-CHAR, code %d)): has to be escaped using backslash to be included in string value", c)
		case c == '"':
			s.at = i + 1
			var text string
			if json.Unmarshal([]byte(s.text[from:s.at]), &text) != nil {
				return "", s.fail(s.at, "Unrecognized character escape")
			}
			return text, nil
		}
	}
	s.at = len(s.text)
	return "", s.fail(s.at, "Unexpected end-of-input: was expecting closing quote for a string value")
}

func (s *scanner) number() error {
	from := s.at
	for s.at < len(s.text) && strings.IndexByte("+-.eE0123456789", s.text[s.at]) >= 0 {
		s.at++
	}
	text := s.text[from:s.at]
	if !json.Valid([]byte(text)) {
		return s.fail(s.at, "Invalid numeric value: %s", text)
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return s.fail(s.at, "Numeric value (%s) out of range", text)
	}
	s.add('n', text, s.at, s.at)
	return nil
}

// word reads true, false or null.
func (s *scanner) word() error {
	from := s.at
	for s.at < len(s.text) && (s.text[s.at] == '_' || s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at]|0x20 >= 'a' && s.text[s.at]|0x20 <= 'z') {
		s.at++
	}
	switch text := s.text[from:s.at]; text {
	case "true", "false":
		s.add(text[0], text, s.at, s.at)
	case "null":
		s.add('0', text, s.at, s.at)
	default:
		return s.fail(s.at, "Unrecognized token '%s': was expecting %s", text, anyValue)
	}
	return nil
}
