package crawl

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// Grok: lines of text that a pattern takes apart. A pattern is a regular expression in
// which %{NAME} stands for a named one, and %{NAME:column} and %{NAME:column:type} make a
// column of what it matches. Expressions are Java's: those that package regexp does not
// compile, as they look ahead or behind, are matched more slowly.

type grokClassifier struct {
	classification  string
	pattern, custom string
	match           func(line []byte) bool
	columns         Columns
	// capture makes a group of each reference, whose names groups has in their order.
	capture bool
	groups  []GrokGroup
}

// GrokGroup is a reference in a Grok pattern: what it is called, and the place of its group in
// the expression, from 1. Named reports whether the pattern gives the name.
type GrokGroup struct {
	Name  string
	Place int
	Named bool
}

// GrokExpression gives a Grok pattern as a regular expression, with its references as groups.
func GrokExpression(pattern, custom string) (string, []GrokGroup, error) {
	own, err := customPatterns(custom)
	if err != nil {
		return "", nil, err
	}
	c := &grokClassifier{capture: true}
	var b strings.Builder
	if err := c.expand(&b, pattern, own, 0); err != nil {
		return "", nil, err
	}
	if _, err := matcher(b.String()); err != nil {
		return "", nil, err
	}
	for i, name := range groupNames(b.String()) {
		for j := range c.groups {
			if name == fmt.Sprintf("grok%d", j) {
				c.groups[j].Place = i + 1
			}
		}
	}
	return b.String(), c.groups, nil
}

// matcher compiles an expression.
func matcher(expr string) (func(line []byte) bool, error) {
	re, err := regexp.Compile(expr)
	if err == nil {
		return re.Match, nil
	}
	java, other := javaregexp.Compile(expr, false)
	if other != nil {
		return nil, fmt.Errorf("the Grok pattern cannot be compiled: %w", other)
	}
	var slow atomic.Bool // a line took so long that no other is tried
	return func(line []byte) bool {
		if slow.Load() {
			return false
		}
		m, err := java.Match(string(line))
		slow.Store(err != nil)
		return err == nil && m != nil
	}, nil
}

// groupNames are the names of an expression's groups in their order, empty for those without.
func groupNames(expr string) []string {
	var out []string
	class := false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
			if rest := strings.TrimPrefix(expr[i+1:], "^"); strings.HasPrefix(rest, "]") { // which is a character there
				i = len(expr) - len(rest)
			}
		case c != '(':
		case !strings.HasPrefix(expr[i+1:], "?"):
			out = append(out, "")
		default:
			name, ok := strings.CutPrefix(strings.Replace(expr[i+1:min(len(expr), i+100)], "?P<", "?<", 1), "?<")
			if name, _, closed := strings.Cut(name, ">"); ok && closed && grokName.MatchString(name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// maxGrok bounds a pattern with all that it stands for.
const maxGrok = 1 << 18

var grokReference = regexp.MustCompile(`%\{([A-Za-z0-9_]+)(?::([^:{}]*))?(?::([^:{}]*))?\}`)

var grokTypes = map[string]hivetype.Kind{
	"byte": hivetype.TinyInt, "boolean": hivetype.Boolean, "double": hivetype.Double, "short": hivetype.SmallInt,
	"int": hivetype.Int, "integer": hivetype.Int, "long": hivetype.BigInt, "bigint": hivetype.BigInt, "float": hivetype.Float,
	"string": hivetype.String, "date": hivetype.Date, "timestamp": hivetype.Timestamp,
}

// NewGrok returns the classifier of lines that pattern matches. custom has patterns of the
// user's, one a line: a name, a blank, the expression.
func NewGrok(classification, pattern, custom string) (Classifier, error) {
	c := &grokClassifier{classification: classification, pattern: pattern, custom: custom}
	own, err := customPatterns(custom)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := c.expand(&b, pattern, own, 0); err != nil {
		return nil, err
	}
	if len(c.columns) == 0 {
		return nil, errors.New("the Grok pattern names no column")
	}
	c.match, err = matcher("^(?:" + b.String() + ")$")
	return c, err
}

func customPatterns(custom string) (map[string]string, error) {
	own := make(map[string]string)
	for line := range strings.Lines(custom) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, expr, ok := strings.Cut(line, " ")
		if !ok || !grokName.MatchString(name) {
			return nil, fmt.Errorf("the custom pattern %q is not a name, a blank and an expression", line)
		}
		own[name] = strings.TrimSpace(expr)
	}
	return own, nil
}

var grokName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// expand writes a pattern as a regular expression and collects its columns.
func (c *grokClassifier) expand(b *strings.Builder, pattern string, own map[string]string, depth int) error {
	if depth > 30 {
		return errors.New("the Grok pattern refers to itself")
	}
	at := 0
	for _, m := range grokReference.FindAllStringSubmatchIndex(pattern, -1) {
		b.WriteString(pattern[at:m[0]])
		at = m[1]
		name := pattern[m[2]:m[3]]
		inner, ok := own[name]
		if !ok {
			if inner, ok = grokPatterns[name]; !ok {
				return fmt.Errorf("there is no Grok pattern %s", name)
			}
		}
		if m[4] >= 0 && m[5] > m[4] {
			t := stringType
			if m[6] >= 0 {
				kind, ok := grokTypes[strings.ToLower(pattern[m[6]:m[7]])]
				if !ok {
					return fmt.Errorf("there is no Grok type %q", pattern[m[6]:m[7]])
				}
				t = &hivetype.Type{Kind: kind}
			}
			c.column(columnName(pattern[m[4]:m[5]]), t)
		}
		switch {
		case !c.capture:
			b.WriteString("(?:")
		case m[4] >= 0 && m[5] > m[4]:
			fmt.Fprintf(b, "(?<grok%d>", len(c.groups))
			c.groups = append(c.groups, GrokGroup{Name: columnName(pattern[m[4]:m[5]]), Named: true})
		default:
			fmt.Fprintf(b, "(?<grok%d>", len(c.groups))
			c.groups = append(c.groups, GrokGroup{Name: columnName(name)})
		}
		if err := c.expand(b, inner, own, depth+1); err != nil {
			return err
		}
		b.WriteString(")")
		if b.Len() > maxGrok {
			return errors.New("the Grok pattern is too long")
		}
	}
	b.WriteString(pattern[at:])
	return nil
}

func (c *grokClassifier) column(name string, t *hivetype.Type) {
	for _, have := range c.columns {
		if have.Name == name {
			return // either of two ways to write it
		}
	}
	c.columns = append(c.columns, Column{name, t})
}

// classify takes text of which most lines match.
func (c *grokClassifier) classify(f *file, text []byte, complete bool) bool {
	text, ok := plainText(text)
	if !ok {
		return false
	}
	lines, matched := int64(0), int64(0)
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' && !complete {
			break // cut off
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			continue
		}
		lines++
		if c.match(line) {
			matched++
		}
	}
	if matched == 0 || matched*2 < lines {
		return false
	}
	f.format = Format{
		Classification: Classification(c.classification), Compression: f.format.Compression,
		Grok: c.pattern, GrokCustom: c.custom,
	}
	f.columns, f.records = c.columns, lines
	return true
}

// grokPatterns are those that a pattern may refer to without saying what they are.
var grokPatterns = map[string]string{
	"USERNAME": `[a-zA-Z0-9._-]+`,
	"USER":     `%{USERNAME}`,
	"INT":      `[+-]?[0-9]+`, "BASE10NUM": `[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)`, "NUMBER": `%{BASE10NUM}`,
	"BASE16NUM": `[+-]?(?:0x)?[0-9A-Fa-f]+`, "BASE16FLOAT": `[+-]?(?:0x)?(?:[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?|\.[0-9A-Fa-f]+)`,
	"BOOLEAN": `(?i:true|false)`, "POSINT": `[1-9][0-9]*`, "NONNEGINT": `[0-9]+`,
	"WORD": `\b\w+\b`, "NOTSPACE": `\S+`, "SPACE": `\s*`, "DATA": `.*?`, "GREEDYDATA": `.*`,
	"QUOTEDSTRING": `"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|` + "`(?:[^`\\\\]|\\\\.)*`", "QS": `%{QUOTEDSTRING}`,
	"UUID": `[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}`,

	"MAC":      `(?:[A-Fa-f0-9]{2}[:-]){5}[A-Fa-f0-9]{2}|(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}`,
	"CISCOMAC": `(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}`, "WINDOWSMAC": `(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}`,
	"COMMONMAC": `(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2}`,
	"IPV4":      `(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})`,
	"IPV6":      `[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%{IPV4})?(?:%[0-9A-Za-z]+)?`,
	"IP":        `%{IPV4}|%{IPV6}`,
	"HOSTNAME":  `[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?`, "HOST": `%{HOSTNAME}`,
	"IPORHOST": `%{IP}|%{HOSTNAME}`, "HOSTPORT": `%{IPORHOST}:%{POSINT}`,
	"EMAILADDRESS": `[A-Za-z0-9.!#$%&'*+/=?^_|~-]+@%{HOSTNAME}`,

	"PATH": `%{UNIXPATH}|%{WINPATH}`, "UNIXPATH": `(?:/[^/\s]*)+`, "TTY": `/dev/(?:pts|tty[pq]?)\w*/?[0-9]+`,
	"WINPATH": `[A-Za-z]:(?:\\[^\\?*]*)+|\\(?:\\[^\\?*]*)+`, "URIPROTO": `[A-Za-z][A-Za-z0-9+.-]*`, "URIHOST": `%{IPORHOST}(?::%{POSINT})?`,
	"URIPATH": `(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_-]*)+`, "URIPARAM": `\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\[\]<>-]*`,
	"URIPATHPARAM": `%{URIPATH}(?:%{URIPARAM})?`,
	"URI":          `%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?`,

	"MONTH":    `(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)`,
	"MONTHNUM": `0?[1-9]|1[0-2]`, "MONTHNUM2": `0[1-9]|1[0-2]`, "MONTHDAY": `0[1-9]|[12][0-9]|3[01]|[1-9]`,
	"DAY":  `(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)`,
	"YEAR": `(?:[0-9]{2}){1,2}`, "HOUR": `2[0-3]|[01]?[0-9]`, "MINUTE": `[0-5][0-9]`,
	"SECOND": `(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?`, "TIME": `%{HOUR}:%{MINUTE}(?::%{SECOND})?`,
	"DATE_US": `%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}`, "DATE_EU": `%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}`,
	"DATE": `%{DATE_US}|%{DATE_EU}`, "DATESTAMP": `%{DATE}[- ]%{TIME}`,
	"ISO8601_TIMEZONE": `Z|[+-]%{HOUR}(?::?%{MINUTE})`, "ISO8601_SECOND": `%{SECOND}`,
	"TIMESTAMP_ISO8601": `%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?(?:%{ISO8601_TIMEZONE})?`,
	"TZ":                `[A-Z]{3,4}`, "DATESTAMP_RFC822": `%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}`,
	"DATESTAMP_RFC2822": `%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}`,
	"DATESTAMP_OTHER":   `%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}`, "DATESTAMP_EVENTLOG": `%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}`,
	"CISCOTIMESTAMP": `%{MONTH} +%{MONTHDAY}(?: %{YEAR})? %{TIME}`,

	"SYSLOGTIMESTAMP": `%{MONTH} +%{MONTHDAY} %{TIME}`, "PROG": `[\x21-\x5a\x5c\x5e-\x7e]+`,
	"SYSLOGPROG": `%{PROG:program}(?:\[%{POSINT:pid}\])?`, "SYSLOGHOST": `%{IPORHOST}`,
	"SYSLOGFACILITY": `<%{NONNEGINT:facility}.%{NONNEGINT:priority}>`, "HTTPDATE": `%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}`,
	"SYSLOGBASE":        `%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} %{SYSLOGPROG}:`,
	"COMMONAPACHELOG":   `%{IPORHOST:clientip} %{NOTSPACE:ident} %{NOTSPACE:auth} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{NUMBER:response} (?:%{NUMBER:bytes}|-)`,
	"COMBINEDAPACHELOG": `%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}`,
	"LOGLEVEL":          `(?i:alert|trace|debug|notice|info|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg(?:ency)?)`,
	"MESSAGESLOG":       `%{SYSLOGBASE} %{DATA}`,
}
