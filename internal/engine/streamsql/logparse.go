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
	{"FAST_REGEX_LOG_PARSER|FAST_REGEX_LOG_PARSE", "FAST_REGEX_LOG_PARSER(text, 'pattern')", "The groups of a regular expression, as COLUMN1, COLUMN2 and on.", 2, 2, regexLog},
	{"FIXED_COLUMN_LOG_PARSE", "FIXED_COLUMN_LOG_PARSE(text, 'name TYPE type START n [FOR n], ...')", "Fields at fixed places, counting from 0.", 2, 2, fixedLog},
	{"VARIABLE_COLUMN_LOG_PARSE", "VARIABLE_COLUMN_LOG_PARSE(text, 'name TYPE type, ...', 'delimiter' [, 'escape' [, 'quote']])", "Fields parted by a delimiter.", 3, 5, variableLog},
	{"SYS_LOG_PARSE", "SYS_LOG_PARSE(text)", "The time, host, program and message of a line of syslog, as COLUMN1 to COLUMN4.", 1, 1, sysLog},
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
	re, err := regexp.Compile(args[0])
	if err != nil {
		fail(x.Args[1], "", "The regular expression '%s' cannot be used: %v", args[0], err)
	}
	n := re.NumSubexp()
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
		m := re.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		copy(into, m[1:])
		return true
	}
}

// described is a column of a parser's description.
type described struct {
	name       string
	t          Type
	start, len int // -1: not said
}

// columnList reads "name [TYPE] type [NOT NULL] [START n [FOR n]], ...".
func columnList(x *sql.Call, text string) []described {
	var list []described
	depth, from := 0, 0
	part := func(s string) {
		f := strings.Fields(s)
		if len(f) == 0 {
			fail(x, "", "The list of columns '%s' has an empty column", text)
		}
		d := described{name: strings.ToUpper(f[0]), t: fieldType, start: -1, len: -1}
		if q := strings.Trim(f[0], `"`); q != f[0] {
			d.name = q
		}
		f = f[1:]
		if len(f) > 0 && strings.EqualFold(f[0], "TYPE") {
			f = f[1:]
		}
		var typ []string
		for len(f) > 0 && !strings.EqualFold(f[0], "START") && !strings.EqualFold(f[0], "NOT") {
			typ = append(typ, f[0])
			f = f[1:]
		}
		if typ != nil {
			t, err := ParseType(strings.Join(typ, " "))
			if err != nil {
				fail(x, "", "The type '%s' of column %s is not known", strings.Join(typ, " "), d.name)
			}
			d.t = t
		}
		for len(f) > 0 {
			number := func() int {
				if len(f) < 2 {
					fail(x, "", "The description of column %s ends with %s", d.name, f[0])
				}
				n, err := strconv.Atoi(f[1])
				if err != nil || n < 0 {
					fail(x, "", "The description of column %s has no number behind %s", d.name, f[0])
				}
				f = f[2:]
				return n
			}
			switch strings.ToUpper(f[0]) {
			case "START":
				d.start = number()
			case "FOR":
				d.len = number()
			case "NOT", "NULL":
				f = f[1:]
			default:
				fail(x, "", "The description of column %s has %s", d.name, f[0])
			}
		}
		list = append(list, d)
	}
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				part(text[from:i])
				from = i + 1
			}
		}
	}
	part(text[from:])
	return list
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
			into[i] = strings.TrimRight(string(r[from:to]), " ")
		}
		return true
	}
}

func variableLog(c *compiler, x *sql.Call, args []string) ([]Column, func(string, []string) bool) {
	list := columnList(x, args[0])
	columns := make([]Column, len(list))
	for i, d := range list {
		columns[i] = Column{d.name, d.t}
	}
	delimiter := args[1]
	if delimiter == "" {
		fail(x.Args[2], "", "The delimiter is empty")
	}
	escape, quote := "", ""
	if len(args) > 2 {
		escape = args[2]
	}
	if len(args) > 3 {
		quote = args[3]
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
			case quote != "" && strings.HasPrefix(s[i:], quote):
				quoted = !quoted
				i += len(quote)
			case !quoted && strings.HasPrefix(s[i:], delimiter):
				if k < len(into) {
					into[k] = b.String()
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
			into[k] = b.String()
		}
		return true
	}
}

var sysLogLine = regexp.MustCompile(`^(?:<\d+>)?(\w{3}\s+\d{1,2} \d{2}:\d{2}:\d{2}) (\S+) ([^:]+):\s?(.*)$`)

func sysLog(*compiler, *sql.Call, []string) ([]Column, func(string, []string) bool) {
	return numberedColumns(4, fieldType), func(s string, into []string) bool {
		m := sysLogLine.FindStringSubmatch(s)
		if m == nil {
			return false
		}
		copy(into, m[1:])
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
	re, err := regexp.Compile(b.String())
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
