package streamsql

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

var varchar = returns(Varchar)

var textFunctions = []scalarFunction{
	{Name: "CHAR_LENGTH|CHARACTER_LENGTH", Syntax: "CHAR_LENGTH(text)", Doc: "How many characters a text has.",
		params: []param{textual}, result: returns(Integer), eval: func(_ *frame, a []value, _ []*compiled) value { return whole(int64(utf8.RuneCountInString(a[0].s))) }},
	{Name: "INITCAP", Syntax: "INITCAP(text)", Doc: "A text with each word's first letter in upper case, and the others in lower case.",
		params: []param{textual}, result: sameAs(0), eval: func(_ *frame, a []value, _ []*compiled) value { return text(initcap(a[0].s)) }},
	{Name: "LOWER", Syntax: "LOWER(text)", Doc: "A text in lower case.",
		params: []param{textual}, result: sameAs(0), eval: func(_ *frame, a []value, _ []*compiled) value { return text(strings.ToLower(a[0].s)) }},
	{Name: "UPPER", Syntax: "UPPER(text)", Doc: "A text in upper case.",
		params: []param{textual}, result: sameAs(0), eval: func(_ *frame, a []value, _ []*compiled) value { return text(strings.ToUpper(a[0].s)) }},
	{Name: "OVERLAY", Syntax: "OVERLAY(text PLACING replacement FROM start [FOR length])", Doc: "A text with a part of it replaced.",
		params: []param{textual, textual, integral, integral}, optional: 1, result: varchar, eval: overlay},
	{Name: "STRPOS", Syntax: "POSITION(search IN text)", Doc: "Where a text first has another, counting from 1; 0: nowhere.",
		params: []param{textual, textual, integral}, optional: 1, result: returns(Integer), eval: position},
	{Name: "REGEX_REPLACE", Syntax: "REGEX_REPLACE(text, pattern, replacement, start, occurrence)", Doc: "A text with what matches a regular expression replaced: the given occurrence, or all for 0.",
		params: []param{textual, textual, textual, integral, integral}, optional: 2, result: varchar, eval: regexReplace},
	{Name: "SUBSTRING", Syntax: "SUBSTRING(text FROM start [FOR length])", Doc: "A part of a text, by position, by a regular expression behind FROM, or by a pattern of three parts (SIMILAR 'before#\"part#\"after' ESCAPE '#').",
		params: []param{textual, anyType, anyType}, optional: 1, result: sameAs(0), eval: substring},
	{Name: "SUBSTR", Syntax: "SUBSTRING(text, start [, length])", Doc: "A part of a text, as SUBSTRING; NULL when it would begin behind the text's end.",
		params: []param{textual, anyType, anyType}, optional: 1, result: sameAs(0), eval: substr},
	{Name: "TRIM", Syntax: "TRIM([BOTH | LEADING | TRAILING] [character FROM] text)", Doc: "A text without the given character, or blanks, at its ends.",
		params: []param{textual, textual}, optional: 1, result: sameAs(0), eval: trimmer(true, true)},
	{Name: "LTRIM", Syntax: "TRIM(LEADING [character FROM] text)", Doc: "A text without the given character, or blanks, at its beginning.",
		params: []param{textual, textual}, optional: 1, result: sameAs(0), eval: trimmer(true, false)},
	{Name: "RTRIM", Syntax: "TRIM(TRAILING [character FROM] text)", Doc: "A text without the given character, or blanks, at its end.",
		params: []param{textual, textual}, optional: 1, result: sameAs(0), eval: trimmer(false, true)},
	{Name: "CONCAT", Syntax: "CONCAT(text, ...)", Doc: "Texts one behind the other.",
		params: []param{textual, textual}, optional: 1, variadic: true, result: varchar, eval: func(f *frame, a []value, _ []*compiled) value {
			var b strings.Builder
			for _, v := range a {
				if b.WriteString(v.s); b.Len() > longestText {
					return f.fail(errTooLong)
				}
			}
			return text(b.String())
		}},
	{Name: "REPLACE", Syntax: "REPLACE(text, search, replacement)", Doc: "A text with all places of another replaced.",
		params: []param{textual, textual, textual}, result: varchar, eval: func(f *frame, a []value, _ []*compiled) value {
			if a[1].s == "" {
				return a[0]
			}
			if len(a[0].s)+strings.Count(a[0].s, a[1].s)*len(a[2].s) > longestText {
				return f.fail(errTooLong)
			}
			return text(strings.ReplaceAll(a[0].s, a[1].s, a[2].s))
		}},
	{Name: "SYSTEM_USER", Syntax: "SYSTEM_USER", Doc: "The user that the application runs as.", result: varchar,
		eval: func(*frame, []value, []*compiled) value { return text("kinesis") }},
	{Name: "CURRENT_PATH", Syntax: "CURRENT_PATH", Doc: "Where names of functions are looked for.", result: varchar,
		eval: func(*frame, []value, []*compiled) value { return text("LOCALDB.PUBLIC") }},
}

func initcap(s string) string {
	var b strings.Builder
	first := true
	for _, r := range s {
		if first {
			b.WriteRune(unicode.ToUpper(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		first = r == ' '
	}
	return b.String()
}

func overlay(f *frame, a []value, _ []*compiled) value {
	s, r, start := []rune(a[0].s), []rune(a[1].s), min(max(a[2].i, -longestText), longestText)
	length := int64(len(r))
	if len(a) > 3 {
		length = min(a[3].i, longestText)
	}
	if length < 0 {
		return f.fail(&rowError{errorArgument, "OVERLAY: the length is less than 0"})
	}
	n := int64(len(s))
	// What lies before the text's beginning is put in front of it.
	head := s[:min(max(start-1, 0), n)]
	tail := s[min(max(start-1+length, 0), n):]
	return text(string(head) + string(r) + string(tail))
}

func position(f *frame, a []value, _ []*compiled) value {
	s := a[0].s
	skipped := 0
	if len(a) > 2 {
		for skipped < int(a[2].i)-1 && s != "" {
			_, size := utf8.DecodeRuneInString(s)
			s = s[size:]
			skipped++
		}
	}
	i := strings.Index(s, a[1].s)
	if i < 0 {
		return whole(0)
	}
	return whole(int64(skipped + utf8.RuneCountInString(s[:i]) + 1))
}

func trimmer(left, right bool) func(*frame, []value, []*compiled) value {
	return func(f *frame, a []value, _ []*compiled) value {
		cutset := " "
		if len(a) > 1 {
			if cutset = a[1].s; utf8.RuneCountInString(cutset) != 1 {
				return f.fail(&rowError{errorArgument, "TRIM takes one character to trim"})
			}
		}
		s := a[0].s
		if left {
			s = strings.TrimLeft(s, cutset)
		}
		if right {
			s = strings.TrimRight(s, cutset)
		}
		return text(s)
	}
}

// substr is SUBSTRING with commas, which has no part of a text behind its end.
func substr(f *frame, a []value, args []*compiled) value {
	v := substring(f, a, args)
	if v.null || v.s != "" || args[1].t.isString() {
		return v
	}
	start, err := cast(a[1], args[1].t, Type{Kind: BigInt}, 0)
	if err != nil {
		return v // it was told
	}
	n := int64(len(a[0].s))
	if args[0].t.Kind != Varbinary {
		n = int64(utf8.RuneCountInString(a[0].s))
	}
	if start.i > n {
		return null
	}
	return v
}

func substring(f *frame, a []value, args []*compiled) value {
	if args[1].t.isString() {
		if len(args) > 2 {
			return substringSimilar(f, a, args)
		}
		return substringPattern(f, a)
	}
	for _, x := range args[1:] {
		if !x.t.isNumeric() {
			return f.fail(&rowError{errorArgument, "SUBSTRING takes numbers as start and length"})
		}
	}
	integer := func(i int) int64 {
		v, err := cast(a[i], args[i].t, Type{Kind: BigInt}, 0)
		if err != nil {
			f.fail(err)
		}
		return min(max(v.i, -longestText), longestText)
	}
	binary := args[0].t.Kind == Varbinary
	n := int64(len(a[0].s))
	if !binary && !isASCII(a[0].s) {
		n = int64(utf8.RuneCountInString(a[0].s))
	}
	start := integer(1)
	end := n + 1
	if len(a) > 2 {
		length := integer(2)
		if length < 0 {
			return f.fail(&rowError{errorArgument, "SUBSTRING: the length is less than 0"})
		}
		end = min(end, max(start, 0)+length)
		if start < 1 {
			end = min(n+1, start+length)
		}
	}
	start = max(start, 1)
	if start >= end {
		return text("")
	}
	if n == int64(len(a[0].s)) {
		return text(a[0].s[start-1 : end-1])
	}
	return text(string([]rune(a[0].s)[start-1 : end-1]))
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// substringPattern is SUBSTRING(text FROM regular expression).
func substringPattern(f *frame, a []value) value {
	re, err := regexes.get(a[1].s)
	if err != nil {
		return f.fail(err)
	}
	m := find(re, a[0].s, 1)
	if m == nil {
		return null
	}
	return text(a[0].s[m[0][0]:m[0][1]])
}

// substringSimilar is SUBSTRING(text SIMILAR pattern ESCAPE e), the same as FROM pattern FOR e: the escape
// character with a double quote parts what is before, what is returned and what is behind. All three have to
// be in the text, one behind the other.
func substringSimilar(f *frame, a []value, args []*compiled) value {
	escape, size := utf8.DecodeRuneInString(a[2].s)
	if !args[2].t.isString() || size == 0 || size != len(a[2].s) {
		return f.fail(&rowError{errorArgument, "SUBSTRING: ESCAPE takes one character"})
	}
	mark := a[2].s + `"`
	parts := []string{""}
	for p := a[1].s; p != ""; {
		_, n := utf8.DecodeRuneInString(p)
		switch {
		case strings.HasPrefix(p, mark):
			parts = append(parts, "")
			p = p[len(mark):]
			continue
		case strings.HasPrefix(p, a[2].s) && len(p) > size:
			_, next := utf8.DecodeRuneInString(p[size:])
			n = size + next
		}
		parts[len(parts)-1] += p[:n]
		p = p[n:]
	}
	if len(parts) != 3 {
		return f.fail(&rowError{errorArgument, `SUBSTRING: a pattern of SIMILAR has three parts, with the escape character and " between them`})
	}
	for i, p := range parts {
		parts[i] = similarParts(p, escape)
		if _, err := similars.get(parts[i]); err != nil {
			return f.fail(err)
		}
	}
	re, err := similars.get("(?s)(?U:" + parts[0] + ")(?P<part>" + parts[1] + ")(?U:" + parts[2] + ")")
	if err != nil {
		return f.fail(err)
	}
	m := re.FindStringSubmatchIndex(a[0].s)
	if m == nil {
		return null
	}
	i := 2 * re.SubexpIndex("part")
	return text(a[0].s[m[i]:m[i+1]])
}

func regexReplace(f *frame, a []value, _ []*compiled) value {
	re, err := regexes.get(a[1].s)
	if err != nil {
		return f.fail(err)
	}
	start, occurrence := int64(1), int64(0)
	if len(a) > 3 {
		start = a[3].i
	}
	if len(a) > 4 {
		occurrence = a[4].i
	}
	if start < 1 {
		return f.fail(&rowError{errorArgument, "REGEX_REPLACE: the start position is less than 1"})
	}
	if occurrence < 0 {
		return f.fail(&rowError{errorArgument, "REGEX_REPLACE: the occurrence is less than 0"})
	}
	s := a[0].s
	at := 0
	for i := int64(1); i < start; i++ {
		if at >= len(s) {
			return a[0]
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	head, tail := s[:at], s[at:]
	var b strings.Builder
	b.WriteString(head)
	done := 0
	n := -1
	if occurrence > 0 {
		n = int(min(occurrence, 1<<20))
	}
	for i, m := range find(re, tail, n) {
		if occurrence != 0 && int64(i+1) != occurrence {
			continue
		}
		b.WriteString(tail[done:m[0]])
		if err := expand(&b, re, a[2].s, tail, m); err != nil {
			return f.fail(err)
		}
		done = m[1]
	}
	b.WriteString(tail[done:])
	return text(b.String())
}

// like compiles x LIKE pattern.
func (c *compiler) like(x *sql.Like) *compiled {
	v, p := c.compile(x.X), c.compile(x.Pattern)
	escape := c.escape(x.Escape)
	if !v.t.isString() && v.t.Kind != Null || !p.t.isString() && p.t.Kind != Null {
		fail(x, "", "Cannot apply 'LIKE' to arguments of type '<%s> LIKE <%s>'", v.t, p.t)
	}
	ve, pe := v.eval, p.eval
	out := &compiled{t: Type{Kind: Boolean}, constant: v.constant && p.constant, column: -1, key: "like(" + v.key + "," + p.key + "," + string(escape) + ")"}
	out.eval = func(f *frame) value {
		a := ve(f)
		if a.null {
			return null
		}
		b := pe(f)
		if b.null {
			return null
		}
		return boolean(likeMatch(a.s, b.s, escape))
	}
	return negate(x.Not, fold(out))
}

func (c *compiler) escape(x sql.Expr) rune {
	if x == nil {
		return 0
	}
	e := c.compile(x)
	if !e.constant || !e.t.isString() {
		fail(x, "", "ESCAPE takes one character")
	}
	r := []rune(e.eval(&frame{}).s)
	if len(r) != 1 {
		fail(x, "", "ESCAPE takes one character")
	}
	return r[0]
}

// likeMatch matches % and _, going back to the last % only, which suffices.
func likeMatch(s, p string, escape rune) bool {
	backS, backP := -1, -1
	i, j := 0, 0
	for i < len(s) {
		if j < len(p) {
			r, size := utf8.DecodeRuneInString(p[j:])
			c, width := utf8.DecodeRuneInString(s[i:])
			switch {
			case escape != 0 && r == escape && j+size < len(p):
				e, esize := utf8.DecodeRuneInString(p[j+size:])
				if e == c {
					i, j = i+width, j+size+esize
					continue
				}
			case r == '%':
				j += size
				backS, backP = i, j
				continue
			case r == '_' || r == c:
				i, j = i+width, j+size
				continue
			}
		}
		if backP < 0 {
			return false
		}
		_, width := utf8.DecodeRuneInString(s[backS:])
		backS += width
		i, j = backS, backP
	}
	for j < len(p) && p[j] == '%' {
		j++
	}
	return j == len(p)
}

// similar compiles x SIMILAR TO pattern.
func (c *compiler) similar(x *dialect.Similar) *compiled {
	v, p := c.compile(x.X), c.compile(x.Pattern)
	escape := c.escape(x.Escape)
	if !v.t.isString() || !p.t.isString() {
		fail(x, "", "Cannot apply 'SIMILAR TO' to arguments of type '<%s> SIMILAR TO <%s>'", v.t, p.t)
	}
	ve, pe := v.eval, p.eval
	out := &compiled{t: Type{Kind: Boolean}, constant: v.constant && p.constant, column: -1, key: "similar(" + v.key + "," + p.key + "," + string(escape) + ")"}
	out.eval = func(f *frame) value {
		a := ve(f)
		if a.null {
			return null
		}
		b := pe(f)
		if b.null {
			return null
		}
		re, err := similars.get(similarPattern(b.s, escape))
		if err != nil {
			return f.fail(err)
		}
		return boolean(re.MatchString(a.s))
	}
	return negate(x.Not, fold(out))
}

// similarPattern is a pattern of SIMILAR TO as a regular expression.
func similarPattern(p string, escape rune) string {
	return "^(?s:" + similarParts(p, escape) + ")$"
}

// similarParts is a pattern of SIMILAR TO, or a part of one, as a regular expression of what it matches.
func similarParts(p string, escape rune) string {
	var b strings.Builder
	escaped := false
	for _, r := range p {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case escape != 0 && r == escape:
			escaped = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteByte('.')
		case r == '.' || r == '\\' || r == '^' && !strings.HasSuffix(b.String(), "[") || r == '$':
			b.WriteString(regexp.QuoteMeta(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
