package sparksql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The text of Spark's dialect as text of Trino's: what differs between their words.

// regexpMark begins the pattern of a LIKE that was written as RLIKE.
const regexpMark = "\ue000"

// ilikeMark begins the pattern of a LIKE that was written as ILIKE.
const ilikeMark = "\ue001"

// explodeName is the function that stands for explode in FROM, posexplodeName that for posexplode.
const (
	explodeName    = "__explode"
	posexplodeName = "__posexplode"
)

type tokenKind uint8

const (
	word tokenKind = iota
	quotedName
	text // a string
	number
	symbol
)

type token struct {
	kind  tokenKind
	value string // decoded
	line  int
}

func (t *token) is(upper string) bool {
	return (t.kind == word || t.kind == symbol) && strings.EqualFold(t.value, upper)
}

func failLine(line int, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
}

// lex cuts a text into tokens.
func lex(src string) ([]token, error) {
	var all []token
	line := 1
	for i := 0; i < len(src); {
		rest := src[i:]
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\n':
			line++
			i++
		case unicode.IsSpace(r):
			i += size
		case strings.HasPrefix(rest, "--"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			i += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return nil, failLine(line, "a comment is not closed")
			}
			line += strings.Count(rest[:n+4], "\n")
			i += n + 4
		case r == '\'' || r == '"' || (r == 'r' || r == 'R') && len(rest) > 1 && (rest[1] == '\'' || rest[1] == '"'):
			v, n, err := unquoted(rest, line)
			if err != nil {
				return nil, err
			}
			if len(all) > 0 && all[len(all)-1].kind == text {
				return nil, failLine(line, "two strings stand side by side: join them with ||, and write a quote within a string as \\'")
			}
			all = append(all, token{text, v, line})
			line += strings.Count(rest[:n], "\n")
			i += n
		case r == '`':
			var b strings.Builder
			n := 1
			for ; ; n++ {
				if n >= len(rest) {
					return nil, failLine(line, "a name in backquotes is not closed")
				}
				if rest[n] == '`' {
					if n+1 < len(rest) && rest[n+1] == '`' {
						n++
					} else {
						break
					}
				}
				b.WriteByte(rest[n])
			}
			all = append(all, token{quotedName, b.String(), line})
			line += strings.Count(rest[:n], "\n")
			i += n + 1
		case r == '_' || unicode.IsLetter(r):
			n := 0
			for n < len(rest) {
				r, size := utf8.DecodeRuneInString(rest[n:])
				if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
					break
				}
				n += size
			}
			if n < len(rest) && (rest[n] == '\'' || rest[n] == '"') && n == 1 {
				return nil, failLine(line, "strings with the prefix %s are not supported", rest[:n])
			}
			all = append(all, token{word, rest[:n], line})
			i += n
		case r >= '0' && r <= '9' || r == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
			n := 0
			for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '.') {
				n++
			}
			if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
				m := n + 1
				if m < len(rest) && (rest[m] == '+' || rest[m] == '-') {
					m++
				}
				digits := m
				for m < len(rest) && rest[m] >= '0' && rest[m] <= '9' {
					m++
				}
				if m > digits {
					n = m
				}
			}
			t := token{number, rest[:n], line}
			if n < len(rest) {
				switch rest[n] {
				case 'L', 'l':
					t.value = "CAST(" + t.value + " AS bigint)"
					n++
				case 'D', 'd':
					t.value = "CAST(" + t.value + " AS double)"
					n++
				case 'F', 'f':
					t.value = "CAST(" + t.value + " AS real)"
					n++
				case 'S', 's':
					t.value = "CAST(" + t.value + " AS smallint)"
					n++
				case 'Y', 'y':
					t.value = "CAST(" + t.value + " AS tinyint)"
					n++
				case 'B', 'b':
					if n+1 < len(rest) && (rest[n+1] == 'D' || rest[n+1] == 'd') && !strings.ContainsAny(t.value, "eE") {
						n += 2
					}
				}
			}
			if r, _ := utf8.DecodeRuneInString(rest[n:]); n < len(rest) && (r == '_' || unicode.IsLetter(r)) {
				return nil, failLine(line, "the number %s has a suffix that is not supported", rest[:n])
			}
			all = append(all, t)
			i += n
		default:
			if size > 1 || r == utf8.RuneError || strings.ContainsRune("?{}$@#\\:;&^~|", r) && !strings.HasPrefix(rest, "||") {
				if r == ';' && strings.TrimSpace(rest[1:]) == "" {
					return all, nil
				}
				return nil, failLine(line, "%q is not supported", r)
			}
			n := 1
			for _, s := range [...]string{"<=>", "==", "<>", "!=", "<=", ">=", "||", "->"} {
				if strings.HasPrefix(rest, s) {
					n = len(s)
					break
				}
			}
			all = append(all, token{symbol, rest[:n], line})
			i += n
		}
	}
	return all, nil
}

// unquoted decodes the string that s begins with, which r says is raw, and measures it.
func unquoted(s string, line int) (string, int, error) {
	if s[0] != 'r' && s[0] != 'R' {
		return unquote(s, s[0], line)
	}
	n := strings.IndexByte(s[2:], s[1])
	if n < 0 {
		return "", 0, failLine(line, "a string is not closed")
	}
	return s[2 : n+2], n + 3, nil
}

// unquote decodes the string that s begins with, and measures it.
func unquote(s string, quote byte, line int) (string, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == quote {
			return b.String(), i + 1, nil
		}
		if c != '\\' || i+1 >= len(s) {
			b.WriteByte(c)
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case '0':
			return "", 0, failLine(line, "a string with the character 0 is not supported")
		case 'Z':
			b.WriteByte(26)
		case '%', '_': // which LIKE sees
			b.WriteByte('\\')
			b.WriteByte(c)
		case 'u':
			if i+4 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 32); err == nil && n > 0 && utf8.ValidRune(rune(n)) {
					b.WriteRune(rune(n))
					i += 4
					continue
				}
			}
			return "", 0, failLine(line, `\u needs four hexadecimal digits of a character`)
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, failLine(line, "a string is not closed")
}

// rewrite is a query in Spark's words in Trino's.
func rewrite(src string) (string, error) {
	tokens, err := lex(src)
	if err != nil {
		return "", err
	}
	var w writer
	marks := map[int]string{} // of the ON of joins
	var structs []bool        // of the parentheses that are open: whether they are a struct's
	for i := 0; i < len(tokens); i++ {
		t := &tokens[i]
		if mark, words, on, err := halfJoin(tokens, i); err != nil {
			return "", err
		} else if mark != "" {
			w.put(t.line, "JOIN")
			marks[on] = mark
			i += words - 1
			continue
		}
		next := func(n int) *token {
			if i+n < len(tokens) {
				return &tokens[i+n]
			}
			return &token{kind: symbol, line: t.line}
		}
		switch {
		case marks[i] != "":
			w.put(t.line, `ON "`+marks[i]+`" OR`)
		case t.is("=="):
			w.put(t.line, "=")
		case t.is("<=>"):
			w.put(t.line, "IS NOT DISTINCT FROM")
		case t.is("!"):
			w.put(t.line, "NOT")
		case t.is("ilike"):
			if next(1).kind != text {
				return "", failLine(t.line, "ILIKE takes a pattern that is a string")
			}
			i++
			w.put(t.line, "LIKE "+quote(ilikeMark+tokens[i].value))
		case t.is("exists") && next(1).is("(") && !next(2).is("select") && !next(2).is("with") && !next(2).is("("):
			w.put(t.line, "any_match")
		case t.is("minus") && next(1).is("select"):
			w.put(t.line, "EXCEPT")
		case t.is("limit") && next(1).kind == number && next(2).is("offset") && next(3).kind == number:
			w.put(t.line, "OFFSET "+next(3).value+" LIMIT "+next(1).value)
			i += 3
		case t.is("ltrim") && next(1).is("("):
			w.put(t.line, leftTrim)
		case t.is("rtrim") && next(1).is("("):
			w.put(t.line, rightTrim)
		case (t.is("rlike") || t.is("regexp")) && next(1).is("(") && (i == 0 || tokens[i-1].kind == symbol && !tokens[i-1].is(")") || tokens[i-1].kind == word && reserved[strings.ToLower(tokens[i-1].value)]):
			w.put(t.line, "regexp_like")
		case t.is("rlike"), t.is("regexp"):
			if next(1).kind != text {
				return "", failLine(t.line, "%s takes a pattern that is a string", strings.ToUpper(t.value))
			}
			i++
			w.put(t.line, "LIKE "+quote(regexpMark+tokens[i].value))
		case t.is("div") && i > 0 && (next(1).kind != symbol || next(1).is("(")) && !tokens[i-1].is("select") && !tokens[i-1].is(",") && !tokens[i-1].is("."):
			w.put(t.line, `/ "`+divName+`" /`)
		case t.is("as") && len(structs) > 0 && structs[len(structs)-1] && (next(1).kind == word || next(1).kind == quotedName):
			w.put(t.line, ", "+quote(fieldMark+next(1).value))
			i++
		case t.is("("):
			structs = append(structs, i > 0 && tokens[i-1].is("struct"))
			w.put(t.line, "(")
		case t.is(")"):
			structs = structs[:max(len(structs)-1, 0)]
			w.put(t.line, ")")
		case t.is("interval") && (next(1).kind == number || next(1).kind == text) && next(2).kind == word:
			unit := strings.ToLower(next(2).value)
			w.put(t.line, "INTERVAL "+quote(next(1).value)+" "+strings.TrimSuffix(unit, "s"))
			i += 2
		case (t.is("current_timestamp") || t.is("current_date")) && next(1).is("(") && next(2).is(")"):
			w.put(t.line, t.value)
			i += 2
		case t.is("lateral") && next(1).is("view"):
			n, err := w.lateral(tokens[i:])
			if err != nil {
				return "", err
			}
			i += n - 1
		case t.kind == text:
			w.put(t.line, quote(t.value))
		case t.kind == quotedName:
			w.put(t.line, `"`+strings.ReplaceAll(t.value, `"`, `""`)+`"`)
		default:
			w.put(t.line, t.value)
		}
	}
	return w.b.String(), nil
}

// reserved are the words behind which an expression begins.
var reserved = words("select distinct where and or not when then else on having by case in between")

// writer writes words on the lines that they were on.
type writer struct {
	b    strings.Builder
	line int
}

func (w *writer) put(line int, s string) {
	for w.line < line-1 {
		w.b.WriteByte('\n')
		w.line++
	}
	w.b.WriteString(s)
	w.b.WriteByte(' ')
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// lateral writes LATERAL VIEW [OUTER] explode(x) name [AS] column, or posexplode(x) name [AS] place, column, or inline(x) name
// [AS] columns, and returns how many tokens it is.
func (w *writer) lateral(tokens []token) (int, error) {
	line, i := tokens[0].line, 2
	at := func() *token {
		if i < len(tokens) {
			return &tokens[i]
		}
		return &token{kind: symbol}
	}
	outer := at().is("outer")
	if outer {
		i++
	}
	function, inline := explodeName, false
	switch f := at(); {
	case f.is("posexplode"), f.is("posexplode_outer"):
		function, outer = posexplodeName, outer || f.is("posexplode_outer")
	case f.is("inline"), f.is("inline_outer"):
		inline, outer = true, outer || f.is("inline_outer")
	case f.is("explode"), f.is("explode_outer"):
		outer = outer || f.is("explode_outer")
	default:
		return 0, failLine(line, "LATERAL VIEW takes explode, posexplode and inline, and %q is not supported", f.value)
	}
	if i++; !at().is("(") {
		return 0, failLine(line, "explode has no argument")
	}
	begin, depth := i+1, 0
	for ; i < len(tokens); i++ {
		if at().is("(") {
			depth++
		}
		if at().is(")") {
			if depth--; depth == 0 {
				break
			}
		}
	}
	if i >= len(tokens) {
		return 0, failLine(line, "explode( is not closed")
	}
	end := i
	name := func() (string, error) {
		if i++; at().kind != word && at().kind != quotedName {
			return "", failLine(line, "LATERAL VIEW explode(...) names a table and a column: t AS c")
		}
		return `"` + strings.ReplaceAll(at().value, `"`, `""`) + `"`, nil
	}
	table, err := name()
	if err != nil {
		return 0, err
	}
	if i+1 < len(tokens) && tokens[i+1].is("as") {
		i++
	}
	column, err := name()
	if err != nil {
		return 0, err
	}
	if i+2 < len(tokens) && tokens[i+1].is(",") && (tokens[i+2].kind == word || tokens[i+2].kind == quotedName) { // of a map: key and value
		i++
		value, err := name()
		if err != nil {
			return 0, err
		}
		column += ", " + value
	} else if function == posexplodeName {
		return 0, failLine(line, "LATERAL VIEW posexplode(...) names a table and two columns: t AS pos, c")
	}
	for inline && i+2 < len(tokens) && tokens[i+1].is(",") && (tokens[i+2].kind == word || tokens[i+2].kind == quotedName) {
		i++
		more, err := name()
		if err != nil {
			return 0, err
		}
		column += ", " + more
	}
	if inline && !strings.Contains(column, ", ") {
		return 0, failLine(line, "LATERAL VIEW inline(...) of structs of one field is not supported: use explode and name.field")
	}
	inner, err := rewriteTokens(tokens[begin:end])
	if err != nil {
		return 0, err
	}
	join, on := "CROSS JOIN", ""
	if outer {
		join, on = "LEFT JOIN", " ON TRUE"
	}
	w.put(line, fmt.Sprintf("%s UNNEST(%s(%s)) AS %s(%s)%s", join, function, inner, table, column, on))
	return i + 1, nil
}

// rewriteTokens is what is within an explode.
func rewriteTokens(tokens []token) (string, error) {
	var parts []string
	for i := range tokens {
		switch t := &tokens[i]; {
		case t.is("lateral"), t.is("rlike"), t.is("regexp"), t.is("interval"), t.is("<=>"), t.is("select"):
			return "", failLine(t.line, "%s is not supported within LATERAL VIEW explode", strings.ToUpper(t.value))
		case t.is("=="):
			parts = append(parts, "=")
		case t.is("!"):
			parts = append(parts, "NOT")
		case t.kind == text:
			parts = append(parts, quote(t.value))
		case t.kind == quotedName:
			parts = append(parts, `"`+strings.ReplaceAll(t.value, `"`, `""`)+`"`)
		default:
			parts = append(parts, t.value)
		}
	}
	return strings.Join(parts, " "), nil
}
