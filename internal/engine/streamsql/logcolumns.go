package streamsql

import (
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// maxLogColumns is how many columns a log parser makes at most.
const maxLogColumns = 1000

// described is a column of a parser's description.
type described struct {
	name       string
	t          Type
	format     string // of a time, as SimpleDateFormat has it; may be empty
	start, len int    // -1: not said
}

// text is a field as it is cast to the column's type.
func (d *described) text(s string) string {
	if d.format == "" {
		return s
	}
	ms, ok := parseFormat(d.format, s)
	if !ok {
		return s
	}
	switch d.t.Kind {
	case Date:
		ms = floorTo(ms, msDay)
	case Time:
		ms -= floorTo(ms, msDay)
	}
	return string(appendText(nil, d.t, whole(ms)))
}

// columnList reads "name [TYPE] type ['format'] [NOT NULL] [START n [FOR n]], ...".
func columnList(x *sql.Call, text string) []described {
	var list []described
	for _, part := range splitDescription(text, ',') {
		f := splitDescription(part, ' ')
		if len(f) == 0 {
			fail(x, "", "The list of columns '%s' has an empty column", text)
		}
		list = append(list, describe(x, f))
	}
	if len(list) > maxLogColumns {
		fail(x, "", "The list has more than %d columns", maxLogColumns)
	}
	return list
}

// describe reads the words of a column.
func describe(x *sql.Call, f []string) described {
	d := described{name: strings.ToUpper(f[0]), t: fieldType, start: -1, len: -1}
	if q := strings.Trim(f[0], `"`); q != f[0] {
		d.name = q
	}
	f = f[1:]
	if len(f) > 0 && strings.EqualFold(f[0], "TYPE") {
		f = f[1:]
	}
	var typ []string
	for len(f) > 0 && !strings.EqualFold(f[0], "START") && !strings.EqualFold(f[0], "NOT") && f[0][0] != '\'' {
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
	if len(f) > 0 && f[0][0] == '\'' {
		if !d.t.isTime() {
			fail(x, "", "Column %s has a format, and is of type %s", d.name, d.t)
		}
		d.format = strings.ReplaceAll(strings.TrimSuffix(f[0][1:], "'"), "''", "'")
		f = f[1:]
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
	return d
}

// splitDescription splits at a character outside of quotes and parentheses. Blanks stand for
// each other, and leave no empty parts.
func splitDescription(text string, at rune) []string {
	var parts []string
	depth, from := 0, 0
	quote := rune(0)
	add := func(to int) {
		if s := strings.TrimSpace(text[from:to]); s != "" || at != ' ' {
			parts = append(parts, s)
		}
	}
	for i, r := range text {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && (r == at || at == ' ' && (r == '\t' || r == '\n' || r == '\r')):
			add(i)
			from = i + 1
		}
	}
	add(len(text))
	return parts
}
