package s3select

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a name or a keyword
	tokenQuoted           // "name"
	tokenString           // 'text'
	tokenNumber
	tokenTime // `2007T`
	tokenSign
)

type token struct {
	kind tokenKind
	text string
	at   int // byte
}

func (t token) is(word string) bool {
	return (t.kind == tokenWord || t.kind == tokenSign) && strings.EqualFold(t.text, word)
}

// maxTokens bounds what a statement is made of.
const maxTokens = 100_000

func lex(s string) ([]token, error) {
	var all []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			i++
			continue
		case strings.HasPrefix(s[i:], "--"):
			if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(s)
			}
			continue
		case strings.HasPrefix(s[i:], "/*"):
			n := strings.Index(s[i+2:], "*/")
			if n < 0 {
				return nil, fail("LexerInvalidLiteral", "The SQL expression contains an invalid literal: a comment does not end.")
			}
			i += n + 4
			continue
		}
		t := token{at: i}
		switch {
		case c == '\'' || c == '"' || c == '`':
			var b strings.Builder
			j, closed := i+1, false
			for j < len(s) {
				if s[j] != c {
					b.WriteByte(s[j])
				} else if j+1 < len(s) && s[j+1] == c {
					b.WriteByte(c)
					j++
				} else {
					closed = true
					break
				}
				j++
			}
			if !closed {
				return nil, fail("LexerInvalidLiteral", "The SQL expression contains an invalid literal at position %d: it does not end.", i+1)
			}
			t.kind, t.text = map[byte]tokenKind{'\'': tokenString, '"': tokenQuoted, '`': tokenTime}[c], b.String()
			i = j + 1
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			j := i
			for j < len(s) && (s[j] >= '0' && s[j] <= '9' || s[j] == '.') {
				j++
			}
			if j < len(s) && (s[j] == 'e' || s[j] == 'E') {
				k := j + 1
				if k < len(s) && (s[k] == '+' || s[k] == '-') {
					k++
				}
				for k < len(s) && s[k] >= '0' && s[k] <= '9' {
					k++
					j = k
				}
			}
			t.kind, t.text = tokenNumber, s[i:j]
			i = j
		case c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80:
			j := i
			for j < len(s) && (s[j] == '_' || s[j] == '$' || s[j] >= '0' && s[j] <= '9' || s[j] >= 'a' && s[j] <= 'z' || s[j] >= 'A' && s[j] <= 'Z' || s[j] >= 0x80) {
				j++
			}
			t.kind, t.text = tokenWord, s[i:j]
			if !utf8.ValidString(t.text) {
				return nil, fail("LexerInvalidChar", "The SQL expression contains an invalid character.")
			}
			i = j
		default:
			t.kind = tokenSign
			for _, two := range []string{"<=", ">=", "<>", "!=", "||"} {
				if strings.HasPrefix(s[i:], two) {
					t.text = two
				}
			}
			if t.text == "" {
				if !strings.ContainsRune("()[],.*+-/%=<>;", rune(c)) {
					return nil, fail("LexerInvalidChar", "The SQL expression contains an invalid character at position %d.", i+1)
				}
				t.text = s[i : i+1]
			}
			i += len(t.text)
		}
		if all = append(all, t); len(all) > maxTokens {
			return nil, fail("ExpressionTooLong", "The SQL expression is too long.")
		}
	}
	return append(all, token{at: len(s)}), nil
}
