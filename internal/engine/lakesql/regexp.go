package lakesql

import (
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Patterns are Java's in Trino and RE2's in DuckDB. Constant ones are rewritten where the
// two only spell differently, and refused where RE2 has nothing: lookaround, references to
// groups, possessive quantifiers, atomic groups, classes that are cut out of others.

// posixClasses are Java's names in RE2's words.
var posixClasses = map[string]string{"Alpha": "[:alpha:]", "Digit": "[:digit:]", "Alnum": "[:alnum:]", "Upper": "[:upper:]", "Lower": "[:lower:]",
	"Punct": "[:punct:]", "Space": "[:space:]", "Blank": "[:blank:]", "Cntrl": "[:cntrl:]", "XDigit": "[:xdigit:]", "Graph": "[:graph:]", "Print": "[:print:]", "ASCII": "[:ascii:]"}

// javaPattern rewrites a pattern; what is not empty names what RE2 does not have.
func javaPattern(p string) (out, missing string) {
	var b strings.Builder
	class := 0 // depth of [
	for i := 0; i < len(p); {
		rest := p[i:]
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			d := p[i+1]
			switch {
			case d >= '1' && d <= '9' && class == 0:
				return "", "back-reference " + rest[:2]
			case d == 'k' && class == 0:
				return "", "back-reference \\k"
			case d == 'G' || d == 'Z' || d == 'X' || d == 'R':
				return "", "\\" + string(d)
			case d == 'h':
				space := `\t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000} `
				if class == 0 {
					space = "[" + space + "]"
				}
				b.WriteString(space)
			case d == 'u' && len(rest) >= 6:
				b.WriteString(`\x{` + rest[2:6] + `}`)
				i += 4
			case d == 'e':
				b.WriteString(`\x1b`)
			case d == 'p' || d == 'P':
				end := strings.IndexByte(rest, '}')
				if end < 3 || rest[2] != '{' {
					b.WriteString(rest[:2])
					break
				}
				name := rest[3:end]
				if posix, ok := posixClasses[name]; ok {
					if d == 'P' {
						posix = "[:^" + posix[2:]
					}
					if class == 0 {
						posix = "[" + posix + "]"
					}
					b.WriteString(posix)
				} else {
					b.WriteString(`\` + string(d) + `{` + strings.TrimPrefix(name, "Is") + `}`)
				}
				i += end - 1
			default:
				b.WriteString(rest[:2])
			}
			i += 2
			continue
		case c == '[':
			if class > 0 && !strings.HasPrefix(rest, "[:") {
				return "", "class within a class"
			}
			class++
		case c == ']' && class > 0:
			class--
		case class > 0 && strings.HasPrefix(rest, "&&"):
			return "", "intersection of classes"
		case class > 0:
		case strings.HasPrefix(rest, "(?=") || strings.HasPrefix(rest, "(?!"):
			return "", "lookahead " + rest[:3]
		case strings.HasPrefix(rest, "(?<=") || strings.HasPrefix(rest, "(?<!"):
			return "", "lookbehind " + rest[:4]
		case strings.HasPrefix(rest, "(?>"):
			return "", "atomic group (?>"
		case strings.HasPrefix(rest, "(?<"):
			b.WriteString("(?P<")
			i += 3
			continue
		case strings.IndexByte("*+?}", c) >= 0 && i+1 < len(p) && p[i+1] == '+' && i > 0:
			return "", "possessive quantifier " + rest[:2]
		}
		b.WriteByte(p[i])
		i++
	}
	return b.String(), ""
}

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
	out, missing := javaPattern(s.Value)
	if missing != "" {
		fail(x.Pos(), "NOT_SUPPORTED", "Regular expression %s: %s is not supported", s.Value, missing)
	}
	re, err := syntax.Parse(out, syntax.Perl)
	if err != nil {
		fail(x.Pos(), "INVALID_FUNCTION_ARGUMENT", "Invalid regular expression: %s", s.Value)
	}
	return stringLiteral(out), re.MaxCap(), re.CapNames()
}

// group checks the number of a group against a constant pattern.
func (c *invocation) group(i, groups int) string {
	if n, ok := c.exprs[i].(*sql.Number); ok && groups >= 0 {
		if v, err := strconv.Atoi(n.Text); err == nil && v > groups {
			fail(n.Position, "INVALID_FUNCTION_ARGUMENT", "Pattern has %d groups. Cannot access group %d", groups, v)
		}
	}
	return c.args[i]
}

// javaReplacement turns a constant replacement of Java's ($1, ${name}, \$) into RE2's.
func javaReplacement(at sql.Position, s string, groups int, names []string) string {
	var b strings.Builder
	bad := func(format string, args ...any) {
		fail(at, "INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: "+format, args...)
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
