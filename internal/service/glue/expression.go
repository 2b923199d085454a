package glue

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// The Expression of GetPartitions: the WHERE clause of an SQL query over the partition
// keys. It has comparisons (= <> != < <= > >=), [NOT] IN, BETWEEN and LIKE, IS [NOT]
// NULL, AND, OR, NOT and parentheses, over keys, quoted text and numbers. A key of a
// number type is compared as a number, any other as text; dates and timestamps in their
// usual form sort as text. CAST changes the type that decides. A value that is no number, or that is Hive's default
// partition, is NULL, for which no comparison holds.

const hiveDefaultPartition = "__HIVE_DEFAULT_PARTITION__"

// maxExpressionDepth bounds the nesting of parentheses and NOTs.
const maxExpressionDepth = 100

// A predicate answers 1 for true, 0 for false, -1 for unknown.
type predicate func(values []string) int8

// compileExpression turns text into a test of a partition's values; of empty text, one
// that always holds.
func compileExpression(text string, keys []columnDoc) (func(values []string) bool, error) {
	if strings.TrimSpace(text) == "" {
		return func([]string) bool { return true }, nil
	}
	p := &expressionParser{text: text, keys: keys}
	p.advance()
	pred := p.or(0)
	if p.err == nil && p.kind != tokenEnd {
		p.fail()
	}
	if p.err != nil {
		return nil, p.err
	}
	return func(values []string) bool { return len(values) == len(keys) && pred(values) == 1 }, nil
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

func (p *expressionParser) fail() {
	if p.err == nil {
		p.err = invalidInput("Unsupported expression '%s'", p.text)
	}
	p.kind, p.token = tokenEnd, ""
}

var expressionToken = regexp.MustCompile(`^(?:([A-Za-z_][A-Za-z0-9_$]*)|("(?:[^"]|"")*"|` + "`[^`]*`" + `)|('(?:[^']|'')*')|([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))|(<=|>=|<>|!=|==|[=<>(),]))`)

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

func (p *expressionParser) or(depth int) predicate {
	left := p.and(depth)
	for p.word("or") {
		a, b := left, p.and(depth)
		left = func(v []string) int8 {
			x := a(v)
			if x == 1 {
				return 1
			}
			y := b(v)
			if y == 1 {
				return 1
			}
			return min(x, y) // unknown unless both are false
		}
	}
	return left
}

func (p *expressionParser) and(depth int) predicate {
	left := p.not(depth)
	for p.word("and") {
		a, b := left, p.not(depth)
		left = func(v []string) int8 {
			x := a(v)
			if x == 0 {
				return 0
			}
			y := b(v)
			if y == 0 {
				return 0
			}
			return min(x, y)
		}
	}
	return left
}

func negate(a predicate) predicate {
	return func(v []string) int8 {
		if x := a(v); x >= 0 {
			return 1 - x
		}
		return -1
	}
}

func (p *expressionParser) not(depth int) predicate {
	if depth > maxExpressionDepth {
		p.fail()
		return nil
	}
	if p.word("not") {
		return negate(p.not(depth + 1))
	}
	if p.symbol("(") {
		e := p.or(depth + 1)
		p.expect(p.symbol(")"))
		return e
	}
	return p.comparison()
}

// operand is a key (index >= 0) or a literal.
type operand struct {
	index   int
	literal string
	numeric bool // the key's type, or the literal's, or that of the cast
	cast    bool
}

var numberTypes = map[string]bool{
	"tinyint": true, "smallint": true, "int": true, "integer": true, "bigint": true, "long": true,
	"float": true, "double": true, "decimal": true, "numeric": true,
}

func (p *expressionParser) operand() operand {
	if p.kind == tokenName && strings.EqualFold(p.token, "cast") && strings.HasPrefix(strings.TrimLeft(p.text[p.pos:], " \t\r\n"), "(") {
		return p.cast()
	}
	o := operand{index: -1, literal: p.token}
	switch p.kind {
	case tokenText:
	case tokenNumber:
		o.numeric = true
	case tokenName, tokenQuotedName:
		name := p.token
		for i, k := range p.keys {
			if strings.EqualFold(k.Name, name) {
				base, _, _ := strings.Cut(strings.ToLower(aws.ToString(k.Type)), "(")
				o.index, o.numeric = i, numberTypes[base]
			}
		}
		if o.index < 0 {
			if p.kind == tokenName && (strings.EqualFold(name, "date") || strings.EqualFold(name, "timestamp")) {
				p.advance() // DATE '2024-01-01'
				o.literal = p.token
				p.expect(p.kind == tokenText)
				break
			}
			p.fail()
			return o
		}
	default:
		p.fail()
		return o
	}
	p.advance()
	return o
}

// cast is CAST(operand AS type), of which the type decides whether numbers are compared.
func (p *expressionParser) cast() operand {
	p.advance()
	p.advance() // the parenthesis
	if p.kind == tokenName && strings.EqualFold(p.token, "cast") {
		p.fail() // once will do
	}
	o := p.operand()
	p.expect(p.word("as"))
	o.cast, o.numeric = true, numberTypes[strings.ToLower(p.token)]
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

func (o operand) text(values []string) (string, bool) {
	if o.index < 0 {
		return o.literal, true
	}
	v := values[o.index]
	return v, v != hiveDefaultPartition
}

// maxNumber bounds the digits that are read as a number, which could take long.
const maxNumber = 400

func number(s string) (*big.Rat, bool) {
	if len(s) > maxNumber || strings.ContainsAny(s, "eE/_xX") {
		return nil, false
	}
	return new(big.Rat).SetString(strings.TrimSpace(s))
}

// compare orders two operands, as numbers where a key among them is one.
func compare(a, b operand) func(values []string) (int, bool) {
	typed := func(o operand) bool { return o.index >= 0 || o.cast }
	numeric := typed(a) && a.numeric || typed(b) && b.numeric || !typed(a) && !typed(b) && a.numeric && b.numeric
	return func(values []string) (int, bool) {
		x, ok := a.text(values)
		y, ok2 := b.text(values)
		if !ok || !ok2 {
			return 0, false
		}
		if !numeric {
			return strings.Compare(x, y), true
		}
		m, ok := number(x)
		n, ok2 := number(y)
		if !ok || !ok2 {
			return 0, false
		}
		return m.Cmp(n), true
	}
}

func test(cmp func([]string) (int, bool), holds func(int) bool) predicate {
	return func(v []string) int8 {
		c, ok := cmp(v)
		switch {
		case !ok:
			return -1
		case holds(c):
			return 1
		}
		return 0
	}
}

func (p *expressionParser) comparison() predicate {
	a := p.operand()
	if p.err != nil {
		return nil
	}
	if p.kind == tokenSymbol {
		var holds func(int) bool
		switch p.token {
		case "=", "==":
			holds = func(c int) bool { return c == 0 }
		case "<>", "!=":
			holds = func(c int) bool { return c != 0 }
		case "<":
			holds = func(c int) bool { return c < 0 }
		case "<=":
			holds = func(c int) bool { return c <= 0 }
		case ">":
			holds = func(c int) bool { return c > 0 }
		case ">=":
			holds = func(c int) bool { return c >= 0 }
		default:
			p.fail()
			return nil
		}
		p.advance()
		return test(compare(a, p.operand()), holds)
	}
	if p.word("is") {
		not := p.word("not")
		p.expect(p.word("null"))
		return func(v []string) int8 {
			if _, ok := a.text(v); ok == not {
				return 1
			}
			return 0
		}
	}
	not := p.word("not")
	var pred predicate
	switch {
	case p.word("in"):
		p.expect(p.symbol("("))
		var cmps []func([]string) (int, bool)
		for p.err == nil {
			cmps = append(cmps, compare(a, p.operand()))
			if !p.symbol(",") {
				break
			}
		}
		p.expect(p.symbol(")"))
		pred = func(v []string) int8 {
			result := int8(0)
			for _, cmp := range cmps {
				if c, ok := cmp(v); !ok {
					result = -1
				} else if c == 0 {
					return 1
				}
			}
			return result
		}
	case p.word("between"):
		low := test(compare(a, p.operand()), func(c int) bool { return c >= 0 })
		p.expect(p.word("and"))
		high := test(compare(a, p.operand()), func(c int) bool { return c <= 0 })
		pred = func(v []string) int8 {
			x, y := low(v), high(v)
			if x == 0 || y == 0 {
				return 0
			}
			return min(x, y)
		}
	case p.word("like"):
		pattern := p.token
		p.expect(p.kind == tokenText)
		p.advance()
		re, err := regexp.Compile(likePattern(pattern))
		if err != nil {
			p.fail()
			return nil
		}
		pred = func(v []string) int8 {
			s, ok := a.text(v)
			switch {
			case !ok:
				return -1
			case re.MatchString(s):
				return 1
			}
			return 0
		}
	default:
		p.fail()
		return nil
	}
	if not {
		pred = negate(pred)
	}
	return pred
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
