// Package javatime formats and parses times by the patterns of the Java world, in which users
// write them: in prefixes and partition projections (java.time's DateTimeFormatter), in
// timestamp formats of SerDes and format_datetime (Joda-Time), in date_format (MySQL's
// specifiers as Trino has them, on Joda-Time).
//
//	pattern -> Compile -> Pattern -> Append: time -> text
//	                              -> Parse:  text -> time
//
// The three read the same letters differently; each does here what its Java library does in
// the English locale of the United States:
//
//   - Java parses strictly: a field has as many digits as it has letters (one letter: as many as
//     there are), names and literals are in their letter case, years of two digits begin at 2000.
//     A day that a shorter month does not have is its last. Weeks are American. What Java
//     refuses as a pattern is refused, and so are pad modifiers (p). Parsing knows neither eras,
//     weeks, quarters, localized offsets nor optional sections: Parse says so.
//   - Joda parses leniently: fewer digits than letters will do, names and literals are in any
//     letter case. Its times have milliseconds, and so has what Parse returns; a fraction has no
//     more digits than letters. Weeks are of ISO 8601. What a text does not say is that
//     of 1970-01-01, or of 2000 where it says a month or a day and no year. A year of two digits is
//     from 1946 to 2045: Joda-Time's own pivot, 30 years before the clock's, stood still in 2026, so
//     that a text means the same tomorrow.
//   - MySQL is Joda with years of at most four digits, and years of two from 1970 to 2069.
//
// A Pattern does not change and may be used by several goroutines. Formatting and ParseInstant
// allocate nothing but what they append to.
package javatime

import (
	"fmt"
	"strings"
	"time"
)

// Dialect is whose pattern a text is.
type Dialect uint8

// Dialects.
const (
	Java  Dialect = iota // java.time.format.DateTimeFormatter
	Joda                 // org.joda.time.format.DateTimeFormat
	MySQL                // date_format and date_parse, as Trino has them
)

// Pattern is a compiled pattern.
type Pattern struct {
	text     string
	dialect  Dialect
	fields   []Field
	optional bool     // it has optional sections, which are there when it formats
	unread   error    // why it does not parse; nil: it does
	reads    []reader // of the fields
	letters  letterSet
}

// Field is a letter of a pattern, Count times, or a literal where Letter is 0. The fields of
// MySQL's patterns are Joda-Time's.
type Field struct {
	Letter byte
	Count  int
	Text   string
}

// Compile reads a pattern. Its errors name what is wrong, Joda-Time's in its own words.
func Compile(d Dialect, text string) (*Pattern, error) {
	p := &Pattern{text: text, dialect: d}
	var err error
	switch d {
	case Joda:
		if err = p.joda(text); err == nil && text == "" {
			err = worded("Invalid pattern specification")
		}
	case MySQL:
		err = p.mysql(text)
	default:
		err = p.java(text)
	}
	if err != nil {
		return nil, err
	}
	p.unread, p.reads = p.canParse(), p.readers()
	for i := range p.fields {
		if c := p.fields[i].Letter; c != 0 {
			p.letters |= 1 << (c - 'A')
		}
	}
	return p, nil
}

// wordedError is an error in the words of a Java library, which begin with a capital.
type wordedError string

func (e wordedError) Error() string { return string(e) }

func worded(format string, args ...any) error { return wordedError(fmt.Sprintf(format, args...)) }

// Fields are those of the pattern, in its order. They must not be changed.
func (p *Pattern) Fields() []Field { return p.fields }

// String is the pattern as it was written.
func (p *Pattern) String() string { return p.text }

func (p *Pattern) literal(text string) {
	if n := len(p.fields); n > 0 && p.fields[n-1].Letter == 0 {
		p.fields[n-1].Text += text
	} else {
		p.fields = append(p.fields, Field{Text: text})
	}
}

// quoted reads what is quoted from i on and returns where it ends. Without its last quote it
// goes to the end, closed false.
func quoted(s string, i int) (text string, end int, closed bool) {
	if strings.HasPrefix(s[i:], "''") {
		return "'", i + 2, true
	}
	var b strings.Builder
	for i++; i < len(s); i++ {
		if s[i] == '\'' {
			if i+1 == len(s) || s[i+1] != '\'' {
				return b.String(), i + 1, true
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), i, false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// run is how often the byte at i is repeated.
func run(s string, i int) int {
	n := 1
	for i+n < len(s) && s[i+n] == s[i] {
		n++
	}
	return n
}

// mostLetters is how often Java lets a letter be repeated.
var mostLetters = map[byte]int{
	'G': 5, 'u': 19, 'y': 19, 'Y': 19, 'D': 3, 'M': 5, 'L': 5, 'd': 2, 'Q': 5, 'q': 5, 'w': 2, 'W': 1,
	'E': 5, 'e': 5, 'c': 5, 'F': 1, 'a': 1, 'h': 2, 'K': 2, 'k': 2, 'H': 2, 'm': 2, 's': 2, 'S': 9,
	'A': 19, 'n': 19, 'N': 19, 'z': 4, 'O': 4, 'X': 5, 'x': 5, 'Z': 5, 'V': 2,
}

func (p *Pattern) java(s string) error {
	optional := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			text, end, closed := quoted(s, i)
			if !closed {
				return fmt.Errorf("pattern %q: quote at %d does not end", s, i)
			}
			p.literal(text)
			i = end
		case letter(c):
			most, count := mostLetters[c], run(s, i)
			if most == 0 {
				return fmt.Errorf("pattern %q: unknown pattern letter %q", s, c)
			}
			if count > most || c == 'O' && count != 1 && count != 4 || c == 'V' && count != 2 || c == 'c' && count == 2 {
				return fmt.Errorf("pattern %q: %d pattern letters %q", s, count, c)
			}
			p.fields = append(p.fields, Field{Letter: c, Count: count})
			i += count
		case c == '[': // optional, and all fields of a time are there
			p.optional = true
			optional++
			i++
		case c == ']' && optional > 0:
			optional--
			i++
		case strings.IndexByte("]{}#", c) >= 0:
			return fmt.Errorf("pattern %q: reserved character %q", s, c)
		default:
			p.literal(s[i : i+1])
			i++
		}
	}
	return nil
}

const jodaLetters = "GCYxweEyDMdaKhHkmsSzZ"

// maxLetters is how often a letter may be repeated where the library has no limit.
const maxLetters = 100

func (p *Pattern) joda(s string) error {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'':
			text, end, _ := quoted(s, i)
			p.literal(text)
			i = end
		case letter(c):
			count := run(s, i)
			if strings.IndexByte(jodaLetters, c) < 0 {
				return worded("Illegal pattern component: %s", s[i:i+count])
			}
			if count > maxLetters {
				return worded("Illegal pattern component: %d letters %c", count, c)
			}
			p.fields = append(p.fields, Field{Letter: c, Count: count})
			i += count
		default:
			p.literal(s[i : i+1])
			i++
		}
	}
	return nil
}

// specifiers are MySQL's in Joda-Time's letters.
var specifiers = map[byte]string{'a': "E", 'b': "MMM", 'c': "M", 'd': "dd", 'e': "d", 'f': "SSSSSS", 'H': "HH", 'h': "hh", 'I': "hh", 'i': "mm",
	'j': "DDD", 'k': "H", 'l': "h", 'M': "MMMM", 'm': "MM", 'p': "a", 'r': "hh:mm:ss a", 'S': "ss", 's': "ss", 'T': "HH:mm:ss",
	'v': "ww", 'W': "EEEE", 'x': "xxxx", 'Y': "yyyy", 'y': "yy"}

func (p *Pattern) mysql(s string) error {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' || i+1 == len(s) {
			p.literal(s[i : i+1])
			continue
		}
		i++
		if joda := specifiers[s[i]]; joda != "" {
			if err := p.joda(joda); err != nil {
				return err
			}
		} else if strings.IndexByte("DUuVwX", s[i]) >= 0 {
			return fmt.Errorf("%%%c not supported in date format string", s[i])
		} else {
			p.literal(s[i : i+1])
		}
	}
	return nil
}

// Format is the time, in its own zone, by the pattern.
func (p *Pattern) Format(t time.Time) string { return string(p.Append(nil, t)) }

// Append appends the time, in its own zone, by the pattern.
func (p *Pattern) Append(dst []byte, t time.Time) []byte {
	c := civilOf(t)
	for i := range p.fields {
		switch f := &p.fields[i]; {
		case f.Letter == 0:
			dst = append(dst, f.Text...)
		case p.dialect == Java:
			dst = c.java(dst, f)
		default:
			dst = c.joda(dst, f)
		}
	}
	return dst
}
