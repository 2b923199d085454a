package streamsql

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/streamsql/dialect"
)

// Log parsers give a record of several fields out of one text. In a select list such a call
// becomes a column for each field, which is named through the call's alias: (SELECT STREAM
// W3C_LOG_PARSE("log", 'COMMON') AS r FROM s) AS t has t.r.COLUMN1.

// logParser is a function that parses a text into fields.
type logParser struct {
	Name, Syntax, Doc string

	least, most int
	// make gives the fields and how they are found, for constant arguments behind the text. What
	// it returns gives the fields' texts into the slice, false where the text is of another form.
	make func(c *compiler, x *sql.Call, args []string) ([]Column, func(text string, into []string) bool)
}

var logParsers = map[string]*logParser{}

func init() {
	for i := range logParserTable {
		for _, n := range strings.Split(logParserTable[i].Name, "|") {
			logParsers[n] = &logParserTable[i]
		}
	}
}

var logParserTable = []logParser{
	{"REGEX_LOG_PARSE", "REGEX_LOG_PARSE(text, 'pattern' [, 'name type, ...'])", "The groups of a regular expression, as COLUMN1, COLUMN2 and on, or under the given names.", 2, 3, regexLog},
	{"FAST_REGEX_LOG_PARSER|FAST_REGEX_LOG_PARSE", "FAST_REGEX_LOG_PARSER(text, 'pattern')", "The groups of a fast regular expression that is to match all of the text, each taking as little as it can, as COLUMN1, COLUMN2 and on.", 2, 2, fastRegexLog},
	{"FIXED_COLUMN_LOG_PARSE", "FIXED_COLUMN_LOG_PARSE(text, 'name TYPE type [''format''] START n [FOR n], ...')", "Fields at fixed places, counting from 0.", 2, 2, fixedLog},
	{"VARIABLE_COLUMN_LOG_PARSE", "VARIABLE_COLUMN_LOG_PARSE(text, 'name TYPE type, ...', 'delimiter' [, 'escape' [, 'quotes']])", "Fields parted by a delimiter; a number in place of the names makes COLUMN1, COLUMN2 and on.", 3, 5, variableLog},
	{"SYS_LOG_PARSE", "SYS_LOG_PARSE(text)", "The time of a line of syslog, a TIMESTAMP in 1970 as the line has no year, and what follows it, as COLUMN1 and COLUMN2.", 1, 1, sysLog},
	{"W3C_LOG_PARSE", "W3C_LOG_PARSE(text, 'format')", "The fields of a web server's log: COMMON, COMMON WITH VHOST, NCSA EXTENDED, REFERER, AGENT or a format of percent signs.", 2, 2, w3cLog},
}

// recordCall is a call of a log parser, shared by the columns of its fields: the text of a row is
// parsed once.
type recordCall struct {
	input  *compiled
	types  []Type
	parse  func(string, []string) bool
	last   string
	some   bool
	parsed bool
	fields []string
}

// recordField is a field of a log parser's record.
type recordField struct {
	sql.ExprNode
	call *recordCall
	n    int
}

// Children and SQL make it a node of the grammar.
func (*recordField) Children(func(sql.Node))            {}
func (f *recordField) SQL(func(sql.Node) string) string { return "FIELD " + itoa(f.n) }

// record opens a call of a log parser; nil: it is another function.
func (c *compiler) record(x *sql.Call) (*recordCall, []Column) {
	p := logParsers[strings.ToUpper(dialect.LookupName(x.Name))]
	if p == nil {
		return nil, nil
	}
	if len(x.Args) < p.least || len(x.Args) > p.most {
		fail(x, "Its syntax is "+p.Syntax+".", "Invalid number of arguments to function '%s'", p.Name)
	}
	input := c.compile(x.Args[0])
	if to, ok := textual.accepts(input.t); !ok {
		fail(x.Args[0], "Its syntax is "+p.Syntax+".", "'%s' takes a text", p.Name)
	} else {
		input = convert(input, to)
	}
	var args []string
	for _, a := range x.Args[1:] {
		v := c.compile(a)
		if v.constant && v.t.isInteger() && len(args) == 0 && strings.HasPrefix(p.Name, "VARIABLE") {
			v = convert(v, Type{Kind: Varchar})
		}
		if !v.constant || !v.t.isString() {
			fail(a, "Its syntax is "+p.Syntax+".", "'%s' takes a constant text here", p.Name)
		}
		args = append(args, v.eval(&frame{}).s)
	}
	r := &recordCall{input: input}
	columns, parse := p.make(c, x, args)
	r.parse, r.fields = parse, make([]string, len(columns))
	for _, col := range columns {
		r.types = append(r.types, col.Type)
	}
	return r, columns
}

// field compiles a field of a record.
func (f *recordField) compile() *compiled {
	r, t := f.call, f.call.types[f.n]
	from := Type{Kind: Varchar}
	return &compiled{t: t, column: -1, key: "field " + itoa(f.n) + " of " + r.input.key, eval: func(fr *frame) value {
		v := r.input.eval(fr)
		if v.null {
			return null
		}
		if !r.parsed || r.last != v.s {
			clear(r.fields)
			r.some = r.parse(v.s, r.fields)
			r.last, r.parsed = v.s, true
		}
		s := r.fields[f.n]
		if !r.some || s == "" && !t.isString() {
			return null
		}
		x, err := cast(value{s: s}, from, t, fr.now)
		if err != nil {
			return fr.fail(err)
		}
		return x
	}}
}

func numberedColumns(n int, t Type) []Column {
	list := make([]Column, n)
	for i := range list {
		list[i] = Column{"COLUMN" + strconv.Itoa(i+1), t}
	}
	return list
}

var fieldType = Type{Kind: Varchar, Length: 1024}

func regexLog(c *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	re, err := regexes.get(args[0])
	if err != nil {
		fail(x.Args[1], "", "%s", err.message)
	}
	n := re.Groups()
	if n == 0 {
		fail(x.Args[1], "Put what is to become a column into parentheses.", "The regular expression '%s' has no groups", args[0])
	}
	columns := numberedColumns(n, fieldType)
	if len(args) > 1 {
		columns = nil
		for _, d := range columnList(x, args[1]) {
			columns = append(columns, Column{d.name, d.t})
		}
		if len(columns) != n {
			fail(x.Args[2], "", "There are %d columns, and %d groups in the regular expression", len(columns), n)
		}
	}
	return columns, func(s string, into []string) bool {
		all := find(re, s, 1)
		if all == nil {
			return false
		}
		for i := range into {
			if from := all[0][2*i+2]; from >= 0 {
				into[i] = s[from:all[0][2*i+3]]
			}
		}
		return true
	}
}

func fixedLog(c *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	list := columnList(x, args[0])
	columns := make([]Column, len(list))
	for i, d := range list {
		columns[i] = Column{d.name, d.t}
		if d.start < 0 {
			fail(x.Args[1], "", "Column %s has no START", d.name)
		}
	}
	return columns, func(s string, into []string) bool {
		r := []rune(s)
		for i, d := range list {
			from := min(d.start, len(r))
			to := len(r)
			switch {
			case d.len >= 0:
				to = min(from+d.len, len(r))
			case d.t.Length > 0:
				to = min(from+d.t.Length, len(r))
			}
			into[i] = d.text(strings.TrimRight(string(r[from:to]), " "))
		}
		return true
	}
}

func variableLog(c *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	var list []described
	if n, err := strconv.Atoi(strings.TrimSpace(args[0])); err == nil {
		if n < 1 || n > maxLogColumns {
			fail(x.Args[1], "", "The number of columns is 1 to %d", maxLogColumns)
		}
		for _, col := range numberedColumns(n, fieldType) {
			list = append(list, described{name: col.Name, t: col.Type})
		}
	} else {
		list = columnList(x, args[0])
	}
	columns := make([]Column, len(list))
	for i, d := range list {
		columns[i] = Column{d.name, d.t}
	}
	delimiter := args[1]
	if delimiter == "" {
		fail(x.Args[2], "", "The delimiter is empty")
	}
	escape, quote, unquote := "", "", ""
	if len(args) > 2 {
		escape = args[2]
	}
	if len(args) > 3 && args[3] != "" {
		r := []rune(args[3])
		if len(r) > 2 {
			fail(x.Args[4], "", "The quotes are one character, or one that begins and one that ends a quoted text")
		}
		quote, unquote = string(r[0]), string(r[len(r)-1])
	}
	return columns, func(s string, into []string) bool {
		var b strings.Builder
		k, quoted := 0, false
		for i := 0; i < len(s); {
			switch {
			case escape != "" && strings.HasPrefix(s[i:], escape) && i+len(escape) < len(s):
				i += len(escape)
				b.WriteByte(s[i])
				i++
			case quoted && strings.HasPrefix(s[i:], unquote):
				quoted = false
				i += len(unquote)
			case quote != "" && !quoted && strings.HasPrefix(s[i:], quote):
				quoted = true
				i += len(quote)
			case !quoted && strings.HasPrefix(s[i:], delimiter):
				if k < len(into) {
					into[k] = list[k].text(b.String())
				}
				k++
				b.Reset()
				i += len(delimiter)
			default:
				b.WriteByte(s[i])
				i++
			}
		}
		if k < len(into) {
			into[k] = list[k].text(b.String())
		}
		return true
	}
}

var sysLogLine = regexp.MustCompile(`^(?:<\d+>)?(\w{3}\s+\d{1,2} \d{2}:\d{2}:\d{2}) (.*)$`)

func sysLog(*compiler, *sql.Call, []string) ([]Column, func(string, []string) bool) {
	columns := []Column{{"COLUMN1", timestampType}, {"COLUMN2", fieldType}}
	return columns, func(s string, into []string) bool {
		m := sysLogLine.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		ms, ok := parseFormat("MMM d HH:mm:ss", strings.Join(strings.Fields(m[1]), " "))
		if !ok {
			return false
		}
		into[0], into[1] = string(appendText(nil, timestampType, whole(ms))), m[2]
		return true
	}
}

var w3cFormats = map[string]string{
	"COMMON":            `%h %l %u %t "%r" %>s %b`,
	"COMMON WITH VHOST": `%v %h %l %u %t "%r" %>s %b`,
	"NCSA EXTENDED":     `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i"`,
	"REFERER":           `%{Referer}i -> %U`,
	"AGENT":             `%{User-agent}i`,
}

func w3cLog(_ *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	format := args[0]
	if f, ok := w3cFormats[strings.ToUpper(strings.TrimSpace(format))]; ok {
		format = f
	}
	// Every directive is a group: to the closing quote or bracket, or without blanks.
	var b strings.Builder
	b.WriteByte('^')
	n := 0
	for i := 0; i < len(format); {
		if format[i] != '%' {
			b.WriteString(regexp.QuoteMeta(format[i : i+1]))
			i++
			continue
		}
		i++
		for i < len(format) && strings.IndexByte("<>!,0123456789", format[i]) >= 0 {
			i++
		}
		if i < len(format) && (format[i] == '{' || format[i] == '[') {
			end := strings.IndexAny(format[i:], "}]")
			if end < 0 {
				fail(x.Args[1], "", "The format '%s' has a bracket that is not closed", args[0])
			}
			i += end + 1
		}
		if i >= len(format) {
			fail(x.Args[1], "", "The format '%s' ends within a directive", args[0])
		}
		letter := format[i]
		i++
		if letter == '%' {
			b.WriteByte('%')
			continue
		}
		n++
		quoted := i < len(format) && format[i] == '"'
		switch {
		case letter == 't':
			b.WriteString(`\[([^\]]*)\]`)
		case quoted:
			b.WriteString(`((?:[^"\\]|\\.)*)`)
		case i >= len(format):
			b.WriteString(`(.*)`)
		default:
			b.WriteString(`(\S*)`)
		}
	}
	pattern := b.String()
	if strings.EqualFold(strings.TrimSpace(args[0]), "REFERER") {
		pattern = strings.Replace(pattern, " -> ", " -+> ", 1) // the reference writes it with three strokes
	}
	re, err := regexp.Compile(pattern)
	if err != nil || n == 0 {
		fail(x.Args[1], "Formats are COMMON, COMMON WITH VHOST, NCSA EXTENDED, REFERER, AGENT, or written as '%%h %%l %%u %%t'.", "The format '%s' is not known", args[0])
	}
	return numberedColumns(n, fieldType), func(s string, into []string) bool {
		m := re.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		copy(into, m[1:])
		return true
	}
}
