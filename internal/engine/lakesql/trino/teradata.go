package trino

import (
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// teradataFields are the fields of Teradata's formats as Joda's has them, longer ones first.
var teradataFields = []struct{ field, joda string }{
	{"yyyy", "yyyy"}, {"hh24", "HH"}, {"yy", "yy"}, {"mm", "MM"}, {"dd", "dd"}, {"hh", "hh"}, {"mi", "mm"}, {"ss", "ss"},
}

// teradata calls a function that takes a format of Joda's with the format of Teradata's that the
// second argument is, which has to be a constant.
func (c *invocation) teradata(name string) string {
	format := c.constant(1)
	var joda strings.Builder
	for at := 0; at < len(format); {
		rest := format[at:]
		if strings.IndexByte("-/,.;: ", rest[0]) >= 0 {
			joda.WriteByte(rest[0])
			at++
			continue
		}
		found := false
		for _, f := range teradataFields {
			if strings.HasPrefix(rest, f.field) {
				joda.WriteString(f.joda)
				at, found = at+len(f.field), true
				break
			}
		}
		if !found {
			fault.Fail(c.exprs[1].Pos(), "INVALID_FUNCTION_ARGUMENT", "Failed to tokenize string [%s] at offset [%d]", format, at)
		}
	}
	c.exprs = slices.Clone(c.exprs) // the statement keeps its own
	c.exprs[1], c.args[1] = &sql.String{Position: c.exprs[1].Pos(), Value: joda.String()}, duck.Quote(joda.String())
	text, _ := translations[name].write(c)
	return text
}
