package hivetype

import (
	"fmt"
	"strconv"
	"strings"
)

// A SyntaxError says where in a type's text it could not be read, and why.
type SyntaxError struct {
	Text   string
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("type %q, offset %d: %s", clip(e.Text), e.Offset, e.Reason)
}

func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

var kindByName = map[string]Kind{
	"boolean": Boolean, "bool": Boolean,
	"tinyint": TinyInt, "byte": TinyInt,
	"smallint": SmallInt, "short": SmallInt,
	"int": Int, "integer": Int,
	"bigint": BigInt, "long": BigInt,
	"float": Float, "real": Float,
	"double":  Double,
	"decimal": Decimal, "numeric": Decimal, "dec": Decimal,
	"string": String,
	"char":   Char, "character": Char,
	"varchar": Varchar,
	"binary":  Binary, "varbinary": Binary,
	"date":      Date,
	"timestamp": Timestamp,
	"array":     Array, "list": Array,
	"map":    Map,
	"struct": Struct, "row": Struct,
}

// Parse reads a type in any letter case; "integer", "long", "numeric" and the like are
// taken as Hive and Glue take them. The error, a *SyntaxError, says at which offset and why.
func Parse(s string) (*Type, error) {
	p := parser{s: s}
	t, err := p.typ(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.i < len(s) {
		return nil, p.errorf("unexpected %q after the type", s[p.i])
	}
	return t, nil
}

type parser struct {
	s string
	i int
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{Text: p.s, Offset: p.i, Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// take consumes c if it is next, after space.
func (p *parser) take(c byte) bool {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(c byte, after string) error {
	if p.take(c) {
		return nil
	}
	if p.i >= len(p.s) {
		return p.errorf("ends where %q should follow %s", c, after)
	}
	return p.errorf("found %q where %q should follow %s", p.s[p.i], c, after)
}

func (p *parser) word() string {
	p.space()
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			break
		}
		p.i++
	}
	return strings.ToLower(p.s[start:p.i])
}

func (p *parser) typ(depth int) (*Type, error) {
	if depth > maxDepth {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	p.space()
	start := p.i
	w := p.word()
	if w == "" {
		if p.i >= len(p.s) {
			return nil, p.errorf("ends where a type should be")
		}
		return nil, p.errorf("found %q where a type should be", p.s[p.i])
	}
	kind, ok := kindByName[w]
	if !ok {
		p.i = start
		return nil, p.errorf("%q is not a type", clip(w))
	}
	t := &Type{Kind: kind}
	var err error
	switch kind {
	case Double:
		if end := p.i; p.word() != "precision" {
			p.i = end
		}
	case Decimal:
		t.Precision = DefaultPrecision
		if p.take('(') {
			if t.Precision, err = p.number("precision", 1, MaxPrecision); err != nil {
				return nil, err
			}
			if p.take(',') {
				if t.Scale, err = p.number("scale", 0, t.Precision); err != nil {
					return nil, err
				}
			}
			err = p.expect(')', "the scale")
		}
	case Char, Varchar:
		limit := MaxChar
		if kind == Varchar {
			limit = MaxVarchar
		}
		if err = p.expect('(', w); err != nil {
			return nil, err
		}
		if t.Length, err = p.number("length", 1, limit); err != nil {
			return nil, err
		}
		err = p.expect(')', "the length")
	case Array:
		if err = p.expect('<', w); err != nil {
			return nil, err
		}
		if t.Elem, err = p.typ(depth + 1); err != nil {
			return nil, err
		}
		err = p.expect('>', "the element type")
	case Map:
		if err = p.expect('<', w); err != nil {
			return nil, err
		}
		keyAt := p.i
		if t.Key, err = p.typ(depth + 1); err != nil {
			return nil, err
		}
		if !t.Key.Primitive() {
			p.i = keyAt
			return nil, p.errorf("a map's key cannot be %s", t.Key.Kind)
		}
		if err = p.expect(',', "the key type"); err != nil {
			return nil, err
		}
		if t.Elem, err = p.typ(depth + 1); err != nil {
			return nil, err
		}
		err = p.expect('>', "the value type")
	case Struct:
		err = p.fields(t, w, depth)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (p *parser) fields(t *Type, w string, depth int) error {
	if err := p.expect('<', w); err != nil {
		return err
	}
	if p.take('>') {
		p.i--
		return p.errorf("a struct needs a field")
	}
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		if err := p.expect(':', "the field name"); err != nil {
			return err
		}
		ft, err := p.typ(depth + 1)
		if err != nil {
			return err
		}
		t.Fields = append(t.Fields, Field{Name: name, Type: ft})
		// A field may carry a comment in DDL; it is not part of the type.
		if err := p.comment(); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		return p.expect('>', "the field")
	}
}

func (p *parser) name() (string, error) {
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '`' {
		start := p.i
		p.i++
		var b strings.Builder
		for p.i < len(p.s) {
			c := p.s[p.i]
			p.i++
			if c == '`' {
				if p.i < len(p.s) && p.s[p.i] == '`' {
					p.i++
				} else {
					if b.Len() == 0 {
						p.i = start
						return "", p.errorf("empty field name")
					}
					return b.String(), nil
				}
			}
			b.WriteByte(c)
		}
		p.i = start
		return "", p.errorf("quoted field name does not end")
	}
	start := p.i
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ':', ',', '<', '>', '`', '\t', '\n', '\r':
		default:
			p.i++
			continue
		}
		break
	}
	name := strings.TrimRight(p.s[start:p.i], " ")
	if name == "" {
		if p.i >= len(p.s) {
			return "", p.errorf("ends where a field name should be")
		}
		return "", p.errorf("found %q where a field name should be", p.s[p.i])
	}
	return name, nil
}

func (p *parser) comment() error {
	start := p.i
	if p.word() != "comment" {
		p.i = start
		return nil
	}
	p.space()
	if p.i >= len(p.s) || (p.s[p.i] != '\'' && p.s[p.i] != '"') {
		return p.errorf("a comment is a quoted string")
	}
	quote := p.s[p.i]
	for p.i++; p.i < len(p.s); p.i++ {
		if p.s[p.i] == '\\' {
			p.i++
		} else if p.s[p.i] == quote {
			p.i++
			return nil
		}
	}
	p.i = len(p.s)
	return p.errorf("comment does not end")
}

func (p *parser) number(what string, low, high int) (int, error) {
	p.space()
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	text := p.s[start:p.i]
	n, err := strconv.Atoi(text)
	if text == "" || err != nil || n < low || n > high {
		p.i = start
		return 0, p.errorf("%s is a whole number from %d to %d", what, low, high)
	}
	return n, nil
}
