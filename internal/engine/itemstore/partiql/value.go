package partiql

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// value reads a literal or a question mark.
func (p *parser) value() (attr.Value, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.next()
	switch {
	case t.is("?"):
		if p.used >= len(p.given) {
			return nil, &Error{"Number of parameters in request and statement don't match."}
		}
		p.used++
		return p.given[p.used-1], nil
	case t.kind == text:
		return attr.String(t.text), nil
	case t.kind == number:
		n, err := attr.ParseNumber(t.text)
		if err != nil {
			return nil, p.numberError(t.text, err)
		}
		return n, nil
	case t.is("true"):
		return attr.Bool(true), nil
	case t.is("false"):
		return attr.Bool(false), nil
	case t.is("null"):
		return attr.Null{}, nil
	case t.is("["):
		list := attr.List{}
		for !p.take("]") {
			if len(list) > 0 {
				if err := p.expect(","); err != nil {
					return nil, err
				}
			}
			v, err := p.within("[" + strconv.Itoa(len(list)) + "]")
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case t.is("{"):
		return p.tuple()
	case t.is("<<"):
		return p.set()
	}
	if t.kind == word && p.peek().is("(") {
		return nil, &Error{"Unsupported data type: " + t.text + " under key root at " + p.where(t)}
	}
	if t.kind != end {
		p.at--
	}
	return nil, p.unexpected()
}

// within reads a value that is a part of another.
func (p *parser) within(part string) (attr.Value, *Error) {
	under := p.under
	if p.under += part; under == "" {
		p.under = "root"
	}
	v, err := p.value()
	p.under = under
	return v, err
}

func (p *parser) tuple() (attr.Value, *Error) {
	m := attr.Map{}
	for !p.take("}") {
		if len(m) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		t := p.next()
		if t.kind != text && t.kind != quoted && t.kind != word {
			return nil, malformed("Expected a name in a tuple")
		}
		if t.text == "" {
			return nil, &Error{"Path component cannot be an empty string"}
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		v, err := p.within("." + t.text)
		if err != nil {
			return nil, err
		}
		m[t.text] = v
	}
	return m, nil
}

// numberError words what is wrong with a number that is written in a statement.
func (p *parser) numberError(text string, err error) *Error {
	what := "Attempting to store more than 38 significant digits in a Number"
	switch err := attr.Error32(text, err); {
	case errors.Is(err, attr.ErrNotNumber):
		return malformed("")
	case errors.Is(err, attr.ErrOverflow):
		what = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	case errors.Is(err, attr.ErrUnderflow):
		what = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	}
	return &Error{what + " under " + cmp.Or(p.under, "root")}
}

// set reads a bag, of strings or of numbers.
func (p *parser) set() (attr.Value, *Error) {
	var strs attr.StringSet
	var nums attr.NumberSet
	if p.take(">>") {
		return nil, &Error{"Empty bags are not supported"}
	}
	for first := true; !p.take(">>"); first = false {
		if !first {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		t := p.peek()
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case attr.String:
			if len(nums) > 0 {
				return nil, mixedBag(p.where(t))
			}
			if slices.Contains(strs, string(v)) {
				return nil, &Error{"One or more parameter values were invalid: Input collection [" + strings.Join(append(strs, string(v)), ", ") + "] contains duplicates."}
			}
			strs = append(strs, string(v))
		case attr.Number:
			if len(strs) > 0 {
				return nil, mixedBag(p.where(t))
			}
			if slices.Contains(nums, v) {
				return nil, &Error{"Input collection contains duplicates"}
			}
			nums = append(nums, v)
		default:
			return nil, mixedBag(p.where(t))
		}
	}
	if len(strs) > 0 {
		slices.Sort(strs)
		return strs, nil
	}
	slices.SortFunc(nums, attr.Number.Compare)
	return nums, nil
}

func mixedBag(at string) *Error {
	return &Error{"Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags at " + at}
}
