package partiql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxSize is the most bytes of a statement.
const MaxSize = 8192

// Error says what is wrong with a statement, in DynamoDB's words.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func malformed(format string, args ...any) *Error {
	return &Error{"Statement wasn't well formed, can't be processed: " + fmt.Sprintf(format, args...)}
}

type kind uint8

const (
	end    kind = iota
	word        // name or keyword
	quoted      // "name"
	text        // 'text'
	number
	symbol
)

type token struct {
	kind kind
	text string
	at   int // its first byte
	size int // in bytes, as written
}

func (t token) is(s string) bool {
	return t.kind == symbol && t.text == s || t.kind == word && strings.EqualFold(t.text, s)
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func tokens(s string) ([]token, *Error) {
	if len(s) > MaxSize || !utf8.ValidString(s) {
		return nil, malformed("Statement is not text of at most %d bytes", MaxSize)
	}
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case strings.HasPrefix(s[i:], "--"): // a comment, to the end of the line
			for i < len(s) && s[i] != '\n' {
				i++
			}
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i+2:], "*/")
			if end < 0 {
				return nil, malformed("")
			}
			i += end + 4
		case c == '\'' || c == '"':
			var b strings.Builder
			j := i + 1
			for ; ; j++ {
				if j >= len(s) {
					return nil, malformed("")
				}
				if s[j] == c {
					if j+1 < len(s) && s[j+1] == c {
						j++
					} else {
						break
					}
				}
				b.WriteByte(s[j])
			}
			k := text
			if c == '"' {
				k = quoted
			}
			out = append(out, token{k, b.String(), i, j + 1 - i})
			i = j + 1
		case startsNumber(s[i:], out):
			j := i + 1
			for j < len(s) && (s[j] == '.' || '0' <= s[j] && s[j] <= '9' || (s[j] == 'e' || s[j] == 'E') || (s[j] == '+' || s[j] == '-') && (s[j-1] == 'e' || s[j-1] == 'E')) {
				j++
			}
			out = append(out, token{number, s[i:j], i, j - i})
			i = j
		case wordByte(c):
			j := i
			for j < len(s) && wordByte(s[j]) {
				j++
			}
			out = append(out, token{word, s[i:j], i, j - i})
			i = j
		default:
			n := 1
			if i+1 < len(s) {
				switch s[i : i+2] {
				case "<>", "<=", ">=", "!=", "<<", ">>":
					n = 2
				}
			}
			if n == 1 && strings.IndexByte("=<>()[]{},.:?+-*;", c) < 0 {
				return nil, malformed("")
			}
			out = append(out, token{symbol, s[i : i+n], i, n})
			i += n
		}
	}
	return append(out, token{kind: end, at: len(s)}), nil
}

// startsNumber reports whether a number begins here: a digit, or a point or a minus before one
// where they belong to it.
func startsNumber(s string, before []token) bool {
	if s[0] == '-' && !operandBefore(before) {
		s = s[1:]
	}
	if s != "" && s[0] == '.' && !operandBefore(before) {
		s = s[1:]
	}
	return s != "" && '0' <= s[0] && s[0] <= '9'
}

// operandBefore reports whether a minus after these tokens subtracts.
func operandBefore(t []token) bool {
	if len(t) == 0 {
		return false
	}
	last := t[len(t)-1]
	if last.is("NOT") || misplaced(last) != nil {
		return false
	}
	return last.kind == quoted || last.kind == number || last.kind == word || last.is(")") || last.is("]") || last.is("?")
}
