package trino

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Patterns are Java's in Trino and RE2's in DuckDB. Constant ones are rewritten where the
// two only spell differently, and matched by package javaregexp where RE2 has nothing: lookaround,
// references to groups, possessive quantifiers, atomic groups; and where it would give an empty text
// for a group that takes no part, which is null.

// beyond is a call whose pattern DuckDB cannot match.
type beyond struct {
	c       *invocation
	re      *javaregexp.Searcher
	pattern string // as a literal
	text    string
}

// beyond is the call where its pattern is constant and beyond RE2, or one that RE2 matches and needs
// says that it is not enough for; nil where it is not.
func (c *invocation) beyond(needs func(*syntax.Regexp) bool) *beyond {
	x := c.exprs[1]
	if p, ok := x.(*sql.Parameter); ok && p.Index < len(c.request.Parameters) {
		x = c.request.Parameters[p.Index]
	}
	s, ok := x.(*sql.String)
	if !ok {
		return nil
	}
	if out, missing := duck.Pattern(s.Value); missing == "" {
		if re, err := syntax.Parse(out, syntax.Perl); err != nil || !needs(re) {
			return nil
		}
	}
	re, err := javaregexp.CompileSearch(s.Value)
	if err != nil {
		return nil
	}
	return &beyond{c: c, re: re, pattern: stringLiteral(s.Value), text: c.args[0]}
}

func never(*syntax.Regexp) bool { return false }

// optional reports whether a pattern has a group that a match may leave out.
func optional(re *syntax.Regexp) bool { return leavesOut(re, false) }

func leavesOut(re *syntax.Regexp, within bool) bool {
	switch re.Op {
	case syntax.OpCapture:
		if within {
			return true
		}
	case syntax.OpStar, syntax.OpQuest, syntax.OpAlternate:
		within = true
	case syntax.OpRepeat:
		within = within || re.Min == 0
	}
	for _, sub := range re.Sub {
		if leavesOut(sub, within) {
			return true
		}
	}
	return false
}

// looksBack reports whether a match may depend on what is before it, or be empty. DuckDB splits a
// text by looking at what is behind a match as at a text of its own: ^ would match there again.
func looksBack(re *syntax.Regexp) bool { return javaregexp.MayBeEmpty(re) || assertsBack(re) }

// optionalOrEmpty is for what gives groups: RE2 passes over an empty match at the end of another.
func optionalOrEmpty(re *syntax.Regexp) bool { return javaregexp.MayBeEmpty(re) || optional(re) }

func assertsBack(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, assertsBack)
}

// group is the text of the argument that numbers a group, in a form of cut's.
func (b *beyond) group() string { return strings.ReplaceAll(b.groupNumber(), "%", "%%") }

func (b *beyond) groupNumber() string {
	if len(b.c.args) < 3 {
		return "0"
	}
	g, groups := b.c.group(2, b.re.Groups()), b.re.Groups()
	if _, ok := b.c.exprs[2].(*sql.Number); ok {
		return g
	}
	return fmt.Sprintf("CASE WHEN %[1]s < 0 THEN %[2]s WHEN %[1]s > %[3]d THEN %[4]s ELSE %[1]s END", g, duck.Raised("Group cannot be negative"), groups,
		duck.Raise("INVALID_FUNCTION_ARGUMENT", fmt.Sprintf("'Pattern has %d groups. Cannot access group ' || %s", groups, g)))
}

// cut writes a form with what the text is cut into (%[1]s), how many parts that is for each match
// (%[2]d), and another name (%[3]s).
func (b *beyond) cut(form string) string {
	parts := b.c.fresh()
	return "list_transform([trino_regex_cut(" + b.pattern + ", " + b.text + ")], lambda " + parts + ": " + fmt.Sprintf(form, parts, b.re.Groups()+2, b.c.fresh()) + ")[1]"
}

// replaceBeyond is regexp_replace of such a pattern.
func (c *invocation) replaceBeyond(b *beyond) string {
	to := "''"
	const match = "%[1]s[%[3]s + "
	if len(c.args) == 3 {
		switch x := c.exprs[2].(type) {
		case *sql.Lambda:
			groups := make([]string, b.re.Groups())
			for i := range groups {
				groups[i] = match + strconv.Itoa(i+2) + "]"
			}
			p := c.fresh()
			body, _ := c.lambda(2, param{p, types.ArrayOf(types.Varchar)})
			to = "coalesce(list_transform([[" + strings.Join(groups, ", ") + "]], lambda " + p + ": " + strings.ReplaceAll(body, "%", "%%") + ")[1], '')"
		case *sql.String:
			var parts []string
			plain := ""
			flush := func() {
				if plain != "" {
					parts = append(parts, strings.ReplaceAll(stringLiteral(plain), "%", "%%"))
					plain = ""
				}
			}
			for _, p := range javaReplacement(x.Position, x.Value, b.re.Groups(), b.re.Names()) {
				if p.group < 0 {
					plain += p.text
					continue
				}
				flush()
				parts = append(parts, "coalesce("+match+strconv.Itoa(p.group+1)+"], '')")
			}
			if flush(); parts != nil {
				to = strings.Join(parts, " || ")
			}
		default:
			fault.Fail(c.exprs[2].Pos(), "NOT_SUPPORTED", "Argument 3 of function regexp_replace must be a constant or a lambda expression with this regular expression")
		}
	}
	return b.cut("array_to_string(list_transform(range(1, len(%[1]s) + 1, %[2]d), lambda %[3]s: %[1]s[%[3]s] || CASE WHEN %[3]s < len(%[1]s) THEN " + to + " ELSE '' END), '')")
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

// replaced is a part of a replacement: text, or what a group has.
type replaced struct {
	text  string
	group int // -1: text
}

// re2Replacement writes a replacement as RE2 does; its groups are below 10.
func re2Replacement(parts []replaced) string {
	var b strings.Builder
	for _, p := range parts {
		if p.group < 0 {
			b.WriteString(strings.ReplaceAll(p.text, `\`, `\\`))
		} else {
			b.WriteString(`\` + strconv.Itoa(p.group))
		}
	}
	return b.String()
}

// javaReplacement reads a constant replacement of Java's: $1, ${name}, \$. Of several digits as many are the group's
// number as there is a group of.
func javaReplacement(at sql.Position, s string, groups int, names []string) []replaced {
	var out []replaced
	add := func(c byte) {
		if n := len(out); n == 0 || out[n-1].group >= 0 {
			out = append(out, replaced{group: -1})
		}
		out[len(out)-1].text += string([]byte{c})
	}
	bad := func(format string, args ...any) {
		fault.Fail(at, "INVALID_FUNCTION_ARGUMENT", "Illegal replacement sequence: "+format, args...)
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			add(s[i])
		case s[i] == '\\':
			bad("%s", s)
		case s[i] != '$':
			add(s[i])
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
			out = append(out, replaced{group: at})
			i += end
		case i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			i++
			n := int(s[i] - '0')
			if groups >= 0 && n > groups {
				bad("unknown group %d", n)
			}
			for ; i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' && n*10+int(s[i+1]-'0') <= groups; i++ {
				n = n*10 + int(s[i+1]-'0')
			}
			out = append(out, replaced{group: n})
		default:
			bad("%s", s)
		}
	}
	return out
}
