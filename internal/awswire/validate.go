package awswire

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// constraints is what the model demands of a value.
type constraints struct {
	min, max *float64
	enum     []string
	pattern  string // as messages write it
	match    func(string) bool
}

var patterns sync.Map // model's Go form -> func() *regexp.Regexp

// compiled returns the expression, which is compiled when it is first needed.
func compiled(expr string) func() *regexp.Regexp {
	re, _ := patterns.LoadOrStore(expr, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) }))
	return re.(func() *regexp.Regexp)
}

// blankEnum stands in an input for an enumeration that a client sent as an empty text, which AWS refuses: the SDK's structs
// have the empty text where none was sent. It satisfies no enumeration, so that validate lets none through.
const blankEnum = "\x00blank"

// read is the text that an input is to hold for one that a client sent.
func (p *plan) read(text string) string {
	if text == "" && !p.ptr && p.typ.PkgPath() != "" && p.constraints != nil && len(p.constraints.enum) > 0 {
		return blankEnum
	}
	return text
}

// told is the text that a client sent for one that an input holds.
func told(text string) string {
	if text == blankEnum {
		return ""
	}
	return text
}

// anyText is the pattern of texts that are not blank. Its dots are line breaks too for AWS: definitions of schemas have
// several lines.
const anyText = `.*\S.*`

// matcher checks the pattern of a shape.
func matcher(s *model.Shape) func(string) bool {
	if s.Pattern == anyText {
		return func(text string) bool { return strings.Trim(text, " \t\n\v\f\r") != "" }
	}
	re := compiled(s.RE)
	if len(s.With)+len(s.Without) == 0 {
		return func(text string) bool { return re().MatchString(text) }
	}
	return func(text string) bool {
		matches := func(expr string) bool { return compiled(expr)().MatchString(text) }
		return re().MatchString(text) && !slices.ContainsFunc(s.Without, matches) &&
			!slices.ContainsFunc(s.With, func(expr string) bool { return !matches(expr) })
	}
}

func (b *planner) newConstraints(s *model.Shape) *constraints {
	c := &constraints{min: s.Min, max: s.Max, enum: s.Enum}
	if slices.Contains(b.open, s.Name) {
		c.enum, c.min, c.max = nil, nil, nil
	}
	if order := b.enums[s.Name]; order != nil {
		c.enum = slices.DeleteFunc(slices.Clone(order), func(v string) bool { return !slices.Contains(s.Enum, v) })
		for _, v := range s.Enum {
			if !slices.Contains(order, v) {
				c.enum = append(c.enum, v)
			}
		}
	}
	if s.RE != "" {
		c.pattern = b.pattern(s.Pattern)
		c.match = matcher(s)
	}
	if c.min == nil && c.max == nil && c.match == nil && len(c.enum) == 0 {
		return nil
	}
	return c
}

// sensitive reports whether values of the plan are not for messages.
func (p *plan) sensitive() bool {
	if p.shape != nil && p.shape.Sensitive {
		return true
	}
	switch p.kind {
	case kindList:
		return p.elem.sensitive()
	case kindMap:
		return p.key.sensitive() || p.elem.sensitive()
	}
	return false
}

// maxViolations bounds the errors that one message tells of.
const maxViolations = 10

// validator gathers the violations of an input, in AWS's words.
type validator struct {
	planner    *planner
	path       []string
	violations []string
	more       int
}

// validate checks an input struct and returns AWS's message, "" if it is sound.
func (b *planner) validate(p *plan, v reflect.Value) string {
	c := validator{planner: b}
	c.input(p, v)
	n := len(c.violations) + c.more
	switch n {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + c.violations[0]
	}
	return strconv.Itoa(n) + " validation errors detected: " + strings.Join(c.violations, "; ")
}

// fail tells of a value that does not satisfy a constraint. Those of sensitive shapes are not repeated, which may be
// secrets, nor are containers of them.
func (c *validator) fail(p *plan, value, constraint string) {
	if value != "null" {
		if c.planner.noValues || p.sensitive() {
			c.violate("", constraint)
			return
		}
		value = "'" + value + "'"
	}
	c.violate(value+" ", constraint)
}

func (c *validator) violate(value, constraint string) {
	if len(c.violations) == maxViolations {
		c.more++
		return
	}
	c.violations = append(c.violations, "Value "+value+"at '"+strings.Join(c.path, ".")+"' failed to satisfy constraint: "+constraint)
}

func (c *validator) push(segments ...string) { c.path = append(c.path, segments...) }
func (c *validator) pop(n int)               { c.path = c.path[:len(c.path)-n] }

// input checks the members of an operation's input.
func (c *validator) input(p *plan, v reflect.Value) {
	if !c.planner.inputs || p.shape == nil {
		c.members(p, v)
		return
	}
	located := func(f field) bool { return f.member != nil && f.member.Location != "" }
	c.push(lowerFirst(strings.TrimSuffix(p.shape.Name, "Request")) + "Input")
	c.fields(slices.DeleteFunc(slices.Clone(p.fields), located), v)
	if p.payload != nil {
		c.fields([]field{*p.payload}, v)
	}
	c.pop(1)
	c.fields(slices.DeleteFunc(slices.Clone(p.fields), func(f field) bool { return !located(f) }), v)
	c.fields(p.bound, v)
}

func (c *validator) members(p *plan, v reflect.Value) {
	c.fields(p.fields, v)
	c.fields(p.bound, v)
	if p.payload != nil {
		c.fields([]field{*p.payload}, v)
	}
}

func (c *validator) fields(fields []field, v reflect.Value) {
	for i := range fields {
		f := &fields[i]
		if f.member == nil || (!f.required && !needsCheck(f.plan)) {
			continue
		}
		fv := v.Field(f.index)
		if absent(f.plan, fv) {
			if f.required {
				c.push(f.label)
				c.fail(f.plan, "null", "Member must not be null")
				c.pop(1)
			}
			continue
		}
		if f.always && fv.IsZero() {
			continue // not sent, or not to be told from that
		}
		c.push(f.label)
		c.value(f.plan, fv)
		c.pop(1)
	}
}

// value checks a value that is there.
func (c *validator) value(p *plan, v reflect.Value) {
	if p.ptr {
		v = v.Elem()
	}
	for _, broken := range p.broken(v) {
		if p.kind == kindList && v.Len() > 0 && !simple(p.elem) {
			c.violate("", broken) // a structure has no form in a message
			continue
		}
		c.fail(p, display(p, v), broken)
	}
	switch p.kind {
	case kindStruct:
		c.members(p, v)
	case kindUnion:
		u := reflect.Indirect(v.Elem())
		if m, err := c.planner.unionMemberFor(p, u.Type()); err == nil && needsCheck(m.plan) {
			if val := u.FieldByName("Value"); !absent(m.plan, val) {
				c.push(lowerFirst(m.name))
				c.value(m.plan, val)
				c.pop(1)
			}
		}
	case kindList:
		if !needsCheck(p.elem) {
			return
		}
		if simple(p.elem) {
			for i := range v.Len() {
				if len(p.elem.broken(deref(p.elem, v.Index(i)))) > 0 {
					c.fail(p, display(p, v), "Member must satisfy constraint: "+p.elem.constraintList())
					break
				}
			}
			return
		}
		for i := range v.Len() {
			if e := v.Index(i); !absent(p.elem, e) {
				c.push(strconv.Itoa(i+1), "member")
				c.value(p.elem, e)
				c.pop(2)
			}
		}
	case kindMap:
		c.entries(p, v)
	}
}

func (c *validator) entries(p *plan, v reflect.Value) {
	keys, values := needsCheck(p.key), needsCheck(p.elem)
	if !keys && !values {
		return
	}
	badKey, badValue := false, false
	for _, k := range sortedKeys(v) {
		if keys && len(p.key.broken(k)) > 0 {
			badKey = true
		}
		if !values {
			continue
		}
		e := v.MapIndex(k)
		if absent(p.elem, e) {
			continue
		}
		if simple(p.elem) {
			badValue = badValue || len(p.elem.broken(deref(p.elem, e))) > 0
			continue
		}
		c.push(k.String(), "member")
		c.value(p.elem, e)
		c.pop(2)
	}
	if badKey {
		c.fail(p, display(p, v), "Map keys must satisfy constraint: "+p.key.constraintList())
	}
	if badValue {
		c.fail(p, display(p, v), "Map value must satisfy constraint: "+p.elem.constraintList())
	}
}

func deref(p *plan, v reflect.Value) reflect.Value {
	if p.ptr && !v.IsNil() {
		return v.Elem()
	}
	return v
}

// simple reports whether AWS names the container, not the element, in an error about
// an element of this plan.
func simple(p *plan) bool {
	switch p.kind {
	case kindStruct, kindUnion, kindList, kindMap:
		return false
	}
	return true
}

// needsCheck reports whether a value of the plan may break a constraint, itself or
// below. For containers it errs towards yes; plans may be cyclic.
func needsCheck(p *plan) bool {
	return p.constraints != nil || p.kind == kindStruct || p.kind == kindUnion ||
		p.kind == kindList && needsCheck(p.elem) || p.kind == kindMap && (needsCheck(p.key) || needsCheck(p.elem))
}

// broken lists the constraints that v, dereferenced, does not satisfy.
func (p *plan) broken(v reflect.Value) []string {
	k := p.constraints
	if k == nil {
		return nil
	}
	var out []string
	size, what := 0.0, "length"
	switch p.kind {
	case kindString:
		s := told(v.String())
		if k.min != nil || k.max != nil {
			size = float64(utf8.RuneCountInString(s))
		}
		if len(k.enum) > 0 && !slices.Contains(k.enum, s) {
			out = append(out, k.enumRule())
		}
		if k.match != nil && !k.match(s) {
			out = append(out, k.patternRule())
		}
	case kindBlob, kindList, kindMap:
		size = float64(v.Len())
	case kindInt:
		size, what = float64(v.Int()), "value"
	case kindFloat:
		size, what = v.Float(), "value"
	default:
		return nil
	}
	if k.min != nil && size < *k.min {
		out = append(out, minRule(what, *k.min))
	}
	if k.max != nil && size > *k.max {
		out = append(out, maxRule(what, *k.max))
	}
	return out
}

func (p *plan) constraintList() string {
	k := p.constraints
	if k == nil {
		return "[]"
	}
	what := "length"
	if p.kind == kindInt || p.kind == kindFloat {
		what = "value"
	}
	var rules []string
	if k.max != nil {
		rules = append(rules, maxRule(what, *k.max))
	}
	if k.min != nil {
		rules = append(rules, minRule(what, *k.min))
	}
	if k.match != nil {
		rules = append(rules, k.patternRule())
	}
	if len(k.enum) > 0 {
		rules = append(rules, k.enumRule())
	}
	return "[" + strings.Join(rules, ", ") + "]"
}

func minRule(what string, n float64) string {
	return "Member must have " + what + " greater than or equal to " + strconv.FormatFloat(n, 'f', -1, 64)
}

func maxRule(what string, n float64) string {
	return "Member must have " + what + " less than or equal to " + strconv.FormatFloat(n, 'f', -1, 64)
}

func (k *constraints) enumRule() string {
	return "Member must satisfy enum value set: [" + strings.Join(k.enum, ", ") + "]"
}

func (k *constraints) patternRule() string {
	return "Member must satisfy regular expression pattern: " + k.pattern
}

// maxDisplay bounds a value told back in a message.
const maxDisplay = 1024

// display writes a value as AWS's Java services put it in a message.
func display(p *plan, v reflect.Value) string {
	var b strings.Builder
	appendDisplay(&b, p, v)
	s := b.String()
	if len(s) > maxDisplay {
		s = strings.ToValidUTF8(s[:maxDisplay], "") + "..."
	}
	return s
}

func appendDisplay(b *strings.Builder, p *plan, v reflect.Value) {
	if b.Len() > maxDisplay {
		return
	}
	switch p.kind {
	case kindString:
		s := told(v.String())
		b.WriteString(s[:min(len(s), maxDisplay+1)])
	case kindInt:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case kindFloat:
		b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	case kindBool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case kindBlob:
		fmt.Fprintf(b, "java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", v.Len(), v.Len())
	case kindTime:
		b.WriteString(formatISO(v.Interface().(time.Time)))
	case kindList:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			if b.Len() > maxDisplay {
				break
			}
			appendDisplay(b, p.elem, deref(p.elem, v.Index(i)))
		}
		b.WriteByte(']')
	case kindMap:
		b.WriteByte('{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b.WriteString(", ")
			}
			if b.Len() > maxDisplay {
				break
			}
			b.WriteString(k.String() + "=")
			appendDisplay(b, p.elem, deref(p.elem, v.MapIndex(k)))
		}
		b.WriteByte('}')
	default:
		if p.shape != nil {
			b.WriteString(p.shape.Name)
		}
	}
}
