package trino

import (
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Patterns are Java's in Trino and RE2's in DuckDB. Constant ones are rewritten where the
// two only spell differently, and refused where RE2 has nothing: lookaround, references to
// groups, possessive quantifiers, atomic groups, classes that are cut out of others.

// pattern is the pattern argument in RE2's words, and how many groups it has (-1 where it
// is not constant).
func (c *invocation) pattern(i int) (text string, groups int, names []string) {
	x := c.exprs[i]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		return c.args[i], -1, nil
	}
	out, missing := duck.Pattern(s.Value)
	if missing != "" {
		fault.Fail(x.Pos(), "NOT_SUPPORTED", "Regular expression %s: %s is not supported", s.Value, missing)
	}
	re, err := syntax.Parse(out, syntax.Perl)
	if err != nil {
		fault.Fail(x.Pos(), "INVALID_FUNCTION_ARGUMENT", "Invalid regular expression: %s", s.Value)
	}
	return stringLiteral(out), re.MaxCap(), re.CapNames()
}

// group checks the number of a group against a constant pattern.
func (c *invocation) group(i, groups int) string {
	if n, ok := c.exprs[i].(*sql.Number); ok && groups >= 0 {
		if v, err := strconv.Atoi(n.Text); err == nil && v > groups {
			fault.Fail(n.Position, "INVALID_FUNCTION_ARGUMENT", "Pattern has %d groups. Cannot access group %d", groups, v)
		}
	}
	return c.args[i]
}

// javaReplacement turns a constant replacement of Java's ($1, ${name}, \$) into RE2's.
func javaReplacement(at sql.Position, s string, groups int, names []string) string {
	var b strings.Builder
	bad := func(format string, args ...any) {
		fault.Fail(at, "INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: "+format, args...)
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == '\\':
			bad("%s", s)
		case s[i] != '$':
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i:], "${"):
			end := strings.IndexByte(s[i:], '}')
			if end < 0 {
				bad("%s", s)
			}
			at := -1
			for n, name := range names {
				if name != "" && name == s[i+2:i+end] {
					at = n
				}
			}
			if at < 0 {
				bad("unknown group { %s }", s[i+2:i+end])
			}
			b.WriteString(`\` + strconv.Itoa(at))
			i += end
		case i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			n := int(s[i+1] - '0')
			if groups >= 0 && n > groups {
				bad("unknown group %d", n)
			}
			b.WriteString(`\` + s[i+1:i+2])
			i++
		default:
			bad("%s", s)
		}
	}
	return b.String()
}
