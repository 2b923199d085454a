package glue

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
)

// The Expression of GetPartitions: the WHERE clause of an SQL query over the partition
// keys. It has comparisons (= <> != < <= > >=), [NOT] IN, BETWEEN and LIKE, IS [NOT]
// NULL, AND, OR, NOT and parentheses, over keys, quoted text and numbers. The type of the
// key, or of a CAST of it, says how both sides are read and compared, see
// expression_value.go. Hive's default partition is NULL, for which no comparison holds.

const hiveDefaultPartition = "__HIVE_DEFAULT_PARTITION__"

// maxExpressionDepth bounds the nesting of parentheses and NOTs.
const maxExpressionDepth = 100

// A predicate answers 1 for true, 0 for false, -1 for unknown.
type predicate func(*partitionRow) int8

// partitionRow is a partition while it is tested.
type partitionRow struct {
	values []string
	err    error // a value that is not of its key's type
}

// term is what stands in parentheses: a condition or, as in (year) = (2024), an operand.
type term struct {
	holds   predicate
	operand operand
}

// compileExpression turns text into a test of a partition's values; of empty text, one
// that always holds.
func compileExpression(text string, keys []columnDoc) (func(values []string) (bool, error), error) {
	if strings.TrimSpace(text) == "" {
		return func([]string) (bool, error) { return true, nil }, nil
	}
	p := &expressionParser{text: text, keys: keys}
	p.advance()
	t := p.or(0)
	p.expect(p.kind == tokenEnd && t.holds != nil)
	if p.err != nil {
		return nil, p.err
	}
	return func(values []string) (bool, error) {
		if len(values) != len(keys) {
			return false, nil
		}
		row := &partitionRow{values: values}
		holds := t.holds(row) == 1
		return holds && row.err == nil, row.err
	}, nil
}

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenQuotedName
	tokenText
	tokenNumber
	tokenSymbol
)

type expressionParser struct {
	text string
	pos  int
	keys []columnDoc
	err  error

	kind  tokenKind
	token string
}

func (p *expressionParser) fail() { p.failWith(invalidInput("Unsupported expression '%s'", p.text)) }

func (p *expressionParser) failWith(err error) {
	if p.err == nil {
		p.err = err
	}
	p.kind, p.token = tokenEnd, ""
}

var expressionToken = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_$]*)|("(?:[^"]|"")*"|` + "`[^`]*`" + `)|('(?:[^']|'')*')|([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(<=|>=|<>|!=|==|[=<>(),]))`)

func (p *expressionParser) advance() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.err != nil || p.pos >= len(p.text) {
		p.kind, p.token = tokenEnd, ""
		return
	}
	m := expressionToken.FindStringSubmatch(p.text[p.pos:])
	if m == nil {
		p.fail()
		return
	}
	p.pos += len(m[0])
	switch {
	case m[1] != "":
		p.kind, p.token = tokenName, m[1]
	case m[2] != "":
		q := m[2][:1]
		p.kind, p.token = tokenQuotedName, strings.ReplaceAll(m[2][1:len(m[2])-1], q+q, q)
	case m[3] != "":
		p.kind, p.token = tokenText, strings.ReplaceAll(m[3][1:len(m[3])-1], "''", "'")
	case m[4] != "":
		p.kind, p.token = tokenNumber, m[4]
	default:
		p.kind, p.token = tokenSymbol, m[5]
	}
}

func (p *expressionParser) word(w string) bool {
	if p.kind == tokenName && strings.EqualFold(p.token, w) {
		p.advance()
		return true
	}
	return false
}

func (p *expressionParser) symbol(s string) bool {
	if p.kind == tokenSymbol && p.token == s {
		p.advance()
		return true
	}
	return false
}

func (p *expressionParser) expect(ok bool) {
	if !ok {
		p.fail()
	}
}

func (p *expressionParser) or(depth int) term {
	left := p.and(depth)
	for p.word("or") {
		right := p.and(depth)
		p.expect(left.holds != nil && right.holds != nil)
		a, b := left.holds, right.holds
		left = term{holds: func(r *partitionRow) int8 {
			x := a(r)
			if x == 1 {
				return 1
			}
			y := b(r)
			if y == 1 {
				return 1
			}
			return min(x, y) // unknown unless both are false
		}}
	}
	return left
}

func (p *expressionParser) and(depth int) term {
	left := p.not(depth)
	for p.word("and") {
		right := p.not(depth)
		p.expect(left.holds != nil && right.holds != nil)
		a, b := left.holds, right.holds
		left = term{holds: func(r *partitionRow) int8 {
			x := a(r)
			if x == 0 {
				return 0
			}
			y := b(r)
			if y == 0 {
				return 0
			}
			return min(x, y)
		}}
	}
	return left
}

func negate(a predicate) predicate {
	return func(r *partitionRow) int8 {
		if x := a(r); x >= 0 {
			return 1 - x
		}
		return -1
	}
}

func (p *expressionParser) not(depth int) term {
	if depth > maxExpressionDepth {
		p.fail()
		return term{}
	}
	if p.word("not") {
		t := p.not(depth + 1)
		p.expect(t.holds != nil)
		return term{holds: negate(t.holds)}
	}
	if p.symbol("(") {
		t := p.or(depth + 1)
		p.expect(p.symbol(")"))
		if t.holds != nil {
			return t
		}
		return p.comparison(t.operand)
	}
	return p.comparison(p.operand(depth))
}

// operand is a key (index >= 0) or a literal.
type operand struct {
	index   int
	typ     string // the key's, or that of a cast; empty for a literal
	literal string
}

func (p *expressionParser) operand(depth int) operand {
	o := operand{index: -1, literal: p.token}
	switch p.kind {
	case tokenText, tokenNumber:
	case tokenName, tokenQuotedName:
		word := p.kind == tokenName
		next := strings.TrimLeft(p.text[p.pos:], " \t\r\n")
		switch {
		case word && strings.EqualFold(p.token, "cast") && strings.HasPrefix(next, "("):
			return p.cast(depth)
		case word && (strings.EqualFold(p.token, "date") || strings.EqualFold(p.token, "timestamp")) && strings.HasPrefix(next, "'"):
			p.advance() // DATE '2024-01-01'
			o.literal = p.token
		default:
			i := slices.IndexFunc(p.keys, func(k columnDoc) bool { return strings.EqualFold(k.Name, p.token) })
			if i < 0 {
				p.failWith(invalidInput("Invalid partition expression!"))
				return o
			}
			o.index, o.typ = i, valueType(aws.ToString(p.keys[i].Type))
		}
	case tokenSymbol:
		if depth > maxExpressionDepth || !p.symbol("(") {
			p.fail()
			return o
		}
		o = p.operand(depth + 1)
		p.expect(p.symbol(")"))
		return o
	default:
		p.fail()
		return o
	}
	p.advance()
	return o
}

// cast is CAST(operand AS type).
func (p *expressionParser) cast(depth int) operand {
	p.advance()
	p.advance() // the parenthesis
	if depth > maxExpressionDepth {
		p.fail()
	}
	o := p.operand(depth + 1)
	p.expect(p.word("as"))
	o.typ = valueType(p.token)
	p.expect(p.kind == tokenName)
	p.advance()
	if p.symbol("(") { // decimal(10,2)
		for p.kind == tokenNumber || p.kind == tokenSymbol && p.token == "," {
			p.advance()
		}
		p.expect(p.symbol(")"))
	}
	p.expect(p.symbol(")"))
	return o
}

// compare orders two operands by the type of the one that has one. A literal that is not
// of that type is the caller's mistake, a partition's value that is not, the catalog's.
func (p *expressionParser) compare(a, b operand) func(*partitionRow) (int, bool) {
	typ := a.typ
	if typ == "" {
		typ = b.typ
	}
	if p.err != nil {
		return nil
	}
	if typ == "" {
		p.fail() // two literals
		return nil
	}
	side := func(o operand) func(*partitionRow) (value, bool) {
		if o.index < 0 {
			v, err := parseValue(typ, o.literal)
			if err != nil {
				p.failWith(invalidInput("%s", err))
			}
			return func(*partitionRow) (value, bool) { return v, true }
		}
		return func(r *partitionRow) (value, bool) {
			text := r.values[o.index]
			if text == hiveDefaultPartition {
				return value{}, false
			}
			v, err := parseValue(typ, text)
			if err != nil && r.err == nil {
				r.err = &types.InvalidStateException{Message: aws.String(err.Error())}
			}
			return v, err == nil
		}
	}
	x, y := side(a), side(b)
	return func(r *partitionRow) (int, bool) {
		v, ok := x(r)
		w, ok2 := y(r)
		if !ok || !ok2 {
			return 0, false
		}
		return v.compare(w), true
	}
}

func test(cmp func(*partitionRow) (int, bool), holds func(int) bool) predicate {
	return func(r *partitionRow) int8 {
		c, ok := cmp(r)
		switch {
		case !ok:
			return -1
		case holds(c):
			return 1
		}
		return 0
	}
}

var comparisons = map[string]func(int) bool{
	"=":  func(c int) bool { return c == 0 },
	"==": func(c int) bool { return c == 0 },
	"<>": func(c int) bool { return c != 0 },
	"!=": func(c int) bool { return c != 0 },
	"<":  func(c int) bool { return c < 0 },
	"<=": func(c int) bool { return c <= 0 },
	">":  func(c int) bool { return c > 0 },
	">=": func(c int) bool { return c >= 0 },
}

// comparison goes on behind an operand; with nothing of it there, the operand stands
// alone, as it may in parentheses.
func (p *expressionParser) comparison(a operand) term {
	if holds := comparisons[p.token]; p.kind == tokenSymbol && holds != nil {
		p.advance()
		return term{holds: test(p.compare(a, p.operand(0)), holds)}
	}
	if p.word("is") {
		not := p.word("not")
		p.expect(p.word("null") && a.index >= 0)
		return term{holds: func(r *partitionRow) int8 {
			if (r.values[a.index] == hiveDefaultPartition) != not {
				return 1
			}
			return 0
		}}
	}
	not := p.word("not")
	var holds predicate
	switch {
	case p.word("in"):
		holds = p.in(a)
	case p.word("between"):
		low := test(p.compare(a, p.operand(0)), comparisons[">="])
		p.expect(p.word("and"))
		high := test(p.compare(a, p.operand(0)), comparisons["<="])
		holds = func(r *partitionRow) int8 {
			x, y := low(r), high(r)
			if x == 0 || y == 0 {
				return 0
			}
			return min(x, y)
		}
	case p.word("like"):
		holds = p.like(a)
	case not:
		p.fail()
	default:
		return term{operand: a}
	}
	if not {
		holds = negate(holds)
	}
	return term{holds: holds}
}

func (p *expressionParser) in(a operand) predicate {
	p.expect(p.symbol("("))
	var items []func(*partitionRow) (int, bool)
	for p.err == nil {
		items = append(items, p.compare(a, p.operand(0)))
		if !p.symbol(",") {
			break
		}
	}
	p.expect(p.symbol(")"))
	return func(r *partitionRow) int8 {
		result := int8(0)
		for _, cmp := range items {
			if c, ok := cmp(r); !ok {
				result = -1
			} else if c == 0 {
				return 1
			}
		}
		return result
	}
}

func (p *expressionParser) like(a operand) predicate {
	pattern := p.token
	p.expect((p.kind == tokenText || p.kind == tokenNumber) && a.index >= 0)
	if p.err == nil && a.typ != "string" {
		kind := valueKinds[a.typ]
		if kind == "" {
			p.failWith(unknownType(a.typ))
		}
		p.failWith(invalidInput("%s data type doesn't support operation 'LIKE'", kind))
	}
	p.advance()
	re, err := regexp.Compile(likePattern(pattern))
	if err != nil {
		p.fail()
	}
	return func(r *partitionRow) int8 {
		switch text := r.values[a.index]; {
		case text == hiveDefaultPartition:
			return -1
		case re.MatchString(text):
			return 1
		}
		return 0
	}
}

func likePattern(like string) string {
	var b strings.Builder
	b.WriteString("(?s)^")
	for _, r := range like {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteByte('$')
	return b.String()
}
