package sql

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEOF        tokenKind = iota
	tokenWord                 // identifier or keyword without quotes
	tokenQuoted               // "..."
	tokenBackQuoted           // `...`
	tokenString               // '...'; text is decoded, raw is what stood between the quotes
	tokenBinary               // X'...'
	tokenUnicode              // U&'...'; decoded only when the UESCAPE clause is known
	tokenInteger
	tokenDecimal
	tokenDouble
	tokenSymbol
)

type token struct {
	Position
	kind  tokenKind
	text  string // words as written; strings and names without quotes
	upper string // words in upper case
	end   int    // offset after the token
}

// lexer cuts text into tokens. With hive, a backslash escapes in strings, and "..." may
// be a string.
type lexer struct {
	src  string
	off  int
	line int
	col  int // of off
	hive bool
}

func lex(src string, hive bool) ([]token, error) {
	l := &lexer{src: src, line: 1, col: 1, hive: hive}
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEOF {
			return tokens, nil
		}
	}
}

// advance moves over n bytes, keeping line and column.
func (l *lexer) advance(n int) {
	for _, r := range l.src[l.off : l.off+n] {
		if r == '\n' {
			l.line++
			l.col = 1
		} else {
			l.col++
		}
	}
	l.off += n
}

func (l *lexer) position() Position { return Position{l.line, l.col, l.off} }

func (l *lexer) skipSpace() error {
	for l.off < len(l.src) {
		rest := l.src[l.off:]
		switch {
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest) - 1
			}
			l.advance(n + 1)
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return &Error{l.position(), "mismatched input '/*'. The comment is not closed"}
			}
			l.advance(n + 4)
		default:
			r, size := utf8.DecodeRuneInString(rest)
			if !unicode.IsSpace(r) && r != '\ufeff' {
				return nil
			}
			l.advance(size)
		}
	}
	return nil
}

func isWordStart(c rune) bool { return c == '_' || unicode.IsLetter(c) }

func isWordPart(c rune) bool {
	return c == '_' || c == '@' || c == '$' || unicode.IsLetter(c) || unicode.IsDigit(c)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	t := token{Position: l.position()}
	rest := l.src[l.off:]
	if rest == "" {
		t.text, t.end = "<EOF>", l.off
		return t, nil
	}
	r, size := utf8.DecodeRuneInString(rest)
	n := size
	switch {
	case r == '\'' || r == '"' || r == '`':
		return l.quoted(t, byte(r), 0)
	case (r == 'x' || r == 'X') && strings.HasPrefix(rest[1:], "'"):
		t, err := l.quoted(t, '\'', 1)
		if err != nil {
			return t, err
		}
		text := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, t.text)
		if len(text)%2 != 0 {
			return t, &Error{t.Position, "Binary literal must contain an even number of digits"}
		}
		b, err := hex.DecodeString(text)
		if err != nil {
			return t, &Error{t.Position, "Binary literal can only contain hexadecimal digits"}
		}
		t.kind, t.text = tokenBinary, string(b)
		return t, nil
	case (r == 'u' || r == 'U') && strings.HasPrefix(rest[1:], "&'"):
		t, err := l.quoted(t, '\'', 2)
		t.kind = tokenUnicode
		return t, err
	case isWordStart(r):
		for n < len(rest) {
			c, size := utf8.DecodeRuneInString(rest[n:])
			if !isWordPart(c) {
				break
			}
			n += size
		}
		t.kind, t.text = tokenWord, rest[:n]
		t.upper = strings.ToUpper(t.text)
	case r < utf8.RuneSelf && isDigit(byte(r)), r == '.' && len(rest) > 1 && isDigit(rest[1]):
		t.kind, n = scanNumber(rest)
		t.text = rest[:n]
		if n < len(rest) {
			// 1abc is Hive's and a mistake in Trino.
			if c, _ := utf8.DecodeRuneInString(rest[n:]); isWordStart(c) {
				if !l.hive {
					return t, &Error{t.Position, "identifiers must not start with a digit; surround the identifier with double quotes"}
				}
				for n < len(rest) && isWordPart(rune(rest[n])) {
					n++
				}
				t.kind, t.text = tokenWord, rest[:n]
				t.upper = strings.ToUpper(t.text)
			}
		}
	default:
		t.kind = tokenSymbol
		for _, s := range [...]string{"<>", "!=", "<=", ">=", "||", "->", "=>"} {
			if strings.HasPrefix(rest, s) {
				n = len(s)
				break
			}
		}
		if n == 1 && !strings.ContainsRune("()[],.;+-*/%=<>?:{}|^$", r) || r == utf8.RuneError || n > 2 || size > 1 {
			return t, &Error{t.Position, "extraneous input '" + string(r) + "'"}
		}
		t.text = rest[:n]
		if t.text == "!=" {
			t.text = "<>"
		}
	}
	l.advance(n)
	t.end = l.off
	return t, nil
}

// scanNumber measures the number that s begins with.
func scanNumber(s string) (tokenKind, int) {
	kind, n := tokenInteger, 0
	digits := func() {
		for n < len(s) && (isDigit(s[n]) || s[n] == '_' && n > 0 && isDigit(s[n-1])) {
			n++
		}
	}
	digits()
	if n < len(s) && s[n] == '.' {
		kind = tokenDecimal
		n++
		digits()
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && isDigit(s[m]) {
			kind, n = tokenDouble, m
			digits()
		}
	}
	return kind, n
}

// quoted reads a quoted token whose quote stands after skip bytes.
func (l *lexer) quoted(t token, quote byte, skip int) (token, error) {
	var b strings.Builder
	s := l.src[l.off+skip+1:]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && l.hive && quote != '`' && i+1 < len(s):
			// Kept as written: what it means is decided where the string is used.
			b.WriteByte(c)
			i++
			b.WriteByte(s[i])
		case c != quote:
			b.WriteByte(c)
		case i+1 < len(s) && s[i+1] == quote:
			b.WriteByte(c)
			i++
		default:
			l.advance(skip + i + 2)
			t.text, t.end = b.String(), l.off
			switch quote {
			case '\'':
				t.kind = tokenString
			case '"':
				t.kind = tokenQuoted
			default:
				t.kind = tokenBackQuoted
			}
			if t.text == "" && t.kind != tokenString && !l.hive {
				return t, &Error{t.Position, "Zero-length delimited identifier not allowed"}
			}
			return t, nil
		}
	}
	return t, &Error{t.Position, "mismatched input '" + string(quote) + "'. The quote is not closed"}
}

// reserved are the words that cannot be names without quotes. Source: Trino's list of
// reserved keywords.
var reserved = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE
		CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME
		CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT
		EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT
		INTO IS JOIN LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER
		OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING
		VALUES WHEN WHERE WITH`) {
		reserved[w] = true
	}
}

// Reserved reports whether a word needs quotes to be a name.
func Reserved(word string) bool { return reserved[strings.ToUpper(word)] }
