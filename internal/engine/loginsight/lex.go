package loginsight

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrSyntax is wrapped by every error of Parse, whose text is meant for whoever wrote the query.
var ErrSyntax = errors.New("malformed query")

// MaxLength is the longest query, in bytes.
const MaxLength = 10_000

type kind uint8

const (
	endToken kind = iota
	name          // a field, function or keyword
	quotedName
	text
	number
	pattern // /.../
	symbol
)

type token struct {
	kind kind
	text string // of a text without quotes
	raw  string
	num  float64
	at   int
}

type lexer struct {
	s  string
	at int
}

func syntaxf(at int, format string, args ...any) error {
	return fmt.Errorf("%w: %s (at position %d)", ErrSyntax, fmt.Sprintf(format, args...), at+1)
}

func isName(r rune) bool {
	return r == '_' || r == '@' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// next reads a token; wantPattern says that a slash begins a regular expression.
func (l *lexer) next(wantPattern bool) (token, error) {
	for l.at < len(l.s) {
		r, n := utf8.DecodeRuneInString(l.s[l.at:])
		if r == '#' {
			if i := strings.IndexByte(l.s[l.at:], '\n'); i >= 0 {
				l.at += i
				continue
			}
			l.at = len(l.s)
			continue
		}
		if !unicode.IsSpace(r) {
			break
		}
		l.at += n
	}
	from := l.at
	t := token{at: from}
	done := func(k kind, text string, end int) (token, error) {
		t.kind, t.text, t.raw = k, text, l.s[from:end]
		l.at = end
		return t, nil
	}
	if from >= len(l.s) {
		return done(endToken, "", from)
	}
	rest := l.s[from:]
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '"' || r == '\'' || r == '`':
		var b strings.Builder
		for i := 1; i < len(rest); i++ {
			c := rest[i]
			switch {
			case c == '\\' && i+1 < len(rest) && r != '`':
				i++
				switch rest[i] {
				case 'n':
					b.WriteByte('\n')
				case 't':
					b.WriteByte('\t')
				case '\\', '"', '\'':
					b.WriteByte(rest[i])
				default:
					b.WriteByte('\\')
					b.WriteByte(rest[i])
				}
			case c == byte(r):
				k := text
				if r == '`' {
					k = quotedName
				}
				return done(k, b.String(), from+i+1)
			default:
				b.WriteByte(c)
			}
		}
		return t, syntaxf(from, "a quote is not closed")
	case r == '/' && wantPattern:
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == '/' {
				return done(pattern, strings.ReplaceAll(rest[1:i], `\/`, `/`), from+i+1)
			}
		}
		return t, syntaxf(from, "a regular expression is not closed")
	case r >= '0' && r <= '9':
		n := 0
		for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
			n++
		}
		if n < len(rest) && (rest[n]|0x20 == 'e') {
			k := n + 1
			if k < len(rest) && (rest[k] == '-' || rest[k] == '+') {
				k++
			}
			if k < len(rest) && rest[k] >= '0' && rest[k] <= '9' {
				for n = k; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
				}
			}
		}
		v, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil {
			return t, syntaxf(from, "%q is not a number", rest[:n])
		}
		t.num = v
		return done(number, rest[:n], from+n)
	case isName(r):
		n := 0
		for n < len(rest) {
			r, size := utf8.DecodeRuneInString(rest[n:])
			if !isName(r) {
				break
			}
			n += size
		}
		return done(name, rest[:n], from+n)
	}
	for _, s := range []string{"!=", "<=", ">=", "=~", "==", "(", ")", "[", "]", ",", "|", "=", "<", ">", "+", "-", "*", "/", "%", "^", "!", ":"} {
		if strings.HasPrefix(rest, s) {
			return done(symbol, s, from+len(s))
		}
	}
	return t, syntaxf(from, "unexpected symbol %q", r)
}
