package eventpattern

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// compiler makes the conditions of a pattern from its tokens. What it refuses it refuses where and as AWS's own
// compiler of rules does.
type compiler struct {
	text string
	list []token
	i    int
	rule bool // the words are those of rules
}

// Parse compiles a pattern. Its error is a *SyntaxError.
func Parse(text string) (*Pattern, error) { return parse(text, false) }

// ParseRule is Parse for the pattern of a rule: EventBridge words some errors in another way than the services that have
// patterns besides.
func ParseRule(text string) (*Pattern, error) { return parse(text, true) }

func parse(text string, rule bool) (*Pattern, error) {
	list, err := scan(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{text: text, list: list, rule: rule}
	if t := c.next(); t.kind != '{' {
		return nil, c.bad(t, "Filter is not an object")
	}
	root := new(node)
	if err := c.object(root, nil); err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

// next takes the next token. All of them are there: the text is JSON.
func (c *compiler) next() token {
	t := c.list[c.i]
	c.i++
	return t
}

// bad makes the error of a token, which is the last that was taken.
func (c *compiler) bad(t token, format string, args ...any) error {
	return c.badAt(t.begun, format, args...)
}

func (c *compiler) badAt(at int, format string, args ...any) error {
	line, column := position(c.text, at)
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), JSON: true, Line: line, Column: column, Places: 1}
}

// badValue makes the error of a value that is told without its place.
func (c *compiler) badValue(t token, format string, args ...any) error {
	line, column := position(c.text, t.end)
	return &SyntaxError{Reason: fmt.Sprintf(format, args...), JSON: true, Line: line, Column: column}
}

// object compiles an object, whose first token is taken, into n. path leads to n.
func (c *compiler) object(n *node, path []string) error {
	first := true
	for {
		t := c.next()
		if t.kind == '}' {
			if first {
				return c.bad(t, "Empty objects are not allowed")
			}
			return nil
		}
		first = false
		if t.text == "$or" && c.choices() {
			if err := c.or(n, path); err != nil {
				return err
			}
			continue
		}
		way := steps(t.text)
		at, to := n.at(way[:len(way)-1]), slices.Concat(path, way)
		last := way[len(way)-1]
		switch v := c.next(); v.kind {
		case '{':
			if err := c.object(at.at([]string{last}), to); err != nil {
				return err
			}
		case '[':
			f := field{name: last, path: to}
			if err := c.conditions(&f); err != nil {
				return err
			}
			at.fields = slices.DeleteFunc(at.fields, func(o field) bool { return o.inner == nil && o.name == last })
			at.fields = append(at.fields, f)
		default:
			return c.bad(v, "%q must be an object or an array", t.text)
		}
	}
}

// at is the node that names lead to from n; those that are missing are made.
func (n *node) at(names []string) *node {
	for _, name := range names {
		i := slices.IndexFunc(n.fields, func(f field) bool { return f.inner != nil && f.name == name })
		if i < 0 {
			i = len(n.fields)
			n.fields = append(n.fields, field{name: name, inner: new(node)})
		}
		n = n.fields[i].inner
	}
	return n
}

// choices reports whether a member named $or, whose name is taken, is one of choices: at least two objects. Otherwise
// $or is a name like others.
func (c *compiler) choices() bool {
	if c.list[c.i].kind != '[' {
		return false
	}
	depth, objects := 0, 0
	for _, t := range c.list[c.i:] {
		switch {
		case t.kind == '{' && depth == 1:
			objects++
			depth++
		case t.kind == '{' || t.kind == '[':
			depth++
		case t.kind == '}' || t.kind == ']':
			if depth--; depth == 0 {
				return objects >= 2
			}
		case depth == 1:
			return false
		}
	}
	return false
}

func (c *compiler) or(n *node, path []string) error {
	c.next()
	var choices []*node
	for {
		t := c.next()
		switch t.kind {
		case ']':
			n.or = append(n.or, choices)
			return nil
		case '{':
			inner := new(node)
			if err := c.object(inner, path); err != nil {
				return err
			}
			choices = append(choices, inner)
		default:
			return c.bad(t, "Only JSON object is allowed in array of $or relationship.")
		}
	}
}

// conditions compiles an array, whose first token is taken.
func (c *compiler) conditions(f *field) error {
	for n := 0; ; n++ {
		t := c.next()
		switch t.kind {
		case ']':
			if n == 0 {
				return c.bad(t, "Empty arrays are not allowed")
			}
			return nil
		case '{':
			cond, err := c.expression(f)
			if err != nil {
				return err
			}
			if cond != nil {
				f.any = append(f.any, cond)
			}
		case '[':
			return c.bad(t, "Match value must be String, number, true, false, or null")
		default:
			f.values.add(literal(t))
		}
	}
}

// literal is the value of a token that stands for itself.
func literal(t token) any {
	switch t.kind {
	case 's':
		return t.text
	case 'n':
		n, _ := strconv.ParseFloat(t.text, 64) // scan has seen that it is one
		return n
	case '0':
		return nil
	}
	return t.kind == 't'
}

// closed takes the end of an expression.
func (c *compiler) closed() error {
	if t := c.next(); t.kind != '}' {
		return c.bad(t, "Only one key allowed in match expression")
	}
	return nil
}

// expression compiles an object of one operator, whose first token is taken. It returns no condition for one that is
// about what is absent.
func (c *compiler) expression(f *field) (condition, error) {
	name := c.next()
	if name.kind != 'k' {
		return nil, c.bad(name, "Match expression name not found")
	}
	var cond condition
	var err error
	switch op := name.text; op {
	case "numeric":
		if t := c.next(); t.kind != '[' {
			return nil, c.bad(t, "Value of numeric must be an array.")
		}
		if cond, err = c.numeric(); err != nil {
			return nil, err
		}
		if t := c.next(); t.kind != '}' {
			return nil, c.bad(t, "Too many elements in numeric expression")
		}
		return cond, nil
	case "anything-but":
		cond, err = c.anythingBut()
	case "exists":
		t := c.next()
		switch t.kind {
		case 't':
			cond = func(any) bool { return true }
		case 'f':
			f.absent = true
		default:
			return nil, c.bad(t, "exists match pattern must be either true or false.")
		}
	case "prefix", "suffix":
		t := c.next()
		if t.kind == '{' && c.list[c.i].kind == 'k' && c.list[c.i].text == "equals-ignore-case" {
			c.next()
			if t = c.next(); t.kind != 's' {
				return nil, c.bad(t, "equals-ignore-case match pattern must be a string")
			}
			if err := c.closed(); err != nil {
				return nil, err
			}
			cond = textCondition(op, t.text, true)
			break
		}
		cond, err = c.onText(op, t)
	case "equals-ignore-case", "wildcard", "cidr":
		t := c.next()
		if cond, err = c.onText(op, t); err == nil && op == "wildcard" {
			f.addGlob(t.text)
		}
	default:
		return nil, c.bad(name, "Unrecognized match type %s", op)
	}
	if err != nil {
		return nil, err
	}
	return cond, c.closed()
}

// onText compiles an operator on texts, whose argument is taken.
func (c *compiler) onText(op string, t token) (condition, error) {
	if t.kind != 's' {
		if op == "cidr" {
			op = "prefix"
		}
		return nil, c.bad(t, "%s match pattern must be a string", op)
	}
	switch op {
	case "wildcard":
		glob, at, why := parseGlob(t.text)
		if why != "" {
			return nil, c.badAt(t.end, "%s at pos %d", why, at)
		}
		return onText(glob.matches), nil
	case "cidr":
		if _, err := netip.ParsePrefix(t.text); err != nil {
			return nil, c.badValue(t, "%s", malformedCIDR(t.text))
		}
	}
	return textCondition(op, t.text, false), nil
}

// addGlob notes a wildcard among the conditions of a field, whose text is one.
func (f *field) addGlob(text string) {
	g, _, _ := parseGlob(text)
	if !slices.ContainsFunc(f.globs, func(o glob) bool { return slices.Equal(o, g) }) {
		f.globs = append(f.globs, g)
	}
}

// malformedCIDR says what is wrong with a range of addresses.
func malformedCIDR(text string) string {
	address, mask, ok := strings.Cut(text, "/")
	if !ok || strings.Contains(mask, "/") {
		return "Malformed CIDR, one '/' required"
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "Nonstandard IP address: " + address
	}
	n, err := strconv.Atoi(mask)
	if err != nil {
		return "Malformed CIDR, mask bits must be an integer"
	}
	if n < 0 || n > ip.BitLen() {
		return fmt.Sprintf("Malformed CIDR, mask bits must be between 0 and %d", ip.BitLen())
	}
	return "Malformed CIDR, an address without a zone required"
}

// onText is the condition of a value that is a text for which holds holds.
func onText(holds func(string) bool) condition {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && holds(s)
	}
}

// textCondition is the condition of an operator on texts, whose argument is one that it takes.
func textCondition(op, arg string, fold bool) condition {
	var holds func(string) bool
	switch op {
	case "prefix":
		holds = func(s string) bool { return strings.HasPrefix(s, arg) }
	case "suffix":
		holds = func(s string) bool { return strings.HasSuffix(s, arg) }
	case "equals-ignore-case":
		holds = func(s string) bool { return strings.EqualFold(s, arg) }
	case "cidr":
		p, _ := netip.ParsePrefix(arg)
		holds = func(s string) bool {
			ip, err := netip.ParseAddr(s)
			return err == nil && p.Contains(ip)
		}
	}
	if fold {
		inner := holds
		arg = strings.ToLower(arg)
		holds = func(s string) bool { return inner(strings.ToLower(s)) }
	}
	return onText(holds)
}

// numeric compiles the array of a numeric expression, whose first token is taken.
func (c *compiler) numeric() (condition, error) {
	op := c.next()
	if op.kind != 's' {
		return nil, c.bad(op, "Invalid member in numeric match: %s", op.text)
	}
	t := c.next()
	word := op.text
	switch word {
	case "=":
		word = "equals"
	case "<", "<=", ">", ">=":
	default:
		return nil, c.bad(t, "Unrecognized numeric range operator: %s", op.text)
	}
	if t.kind != 'n' {
		return nil, c.bad(t, "Value of %s must be numeric", word)
	}
	bottom, err := c.amount(t)
	if err != nil {
		return nil, err
	}
	first := compare(op.text, bottom)
	t = c.next()
	if t.kind == ']' {
		return first, nil
	}
	if op.text[0] != '>' {
		return nil, c.bad(t, "Too many elements in numeric expression")
	}
	if t.kind != 's' {
		return nil, c.bad(t, "Bad value in numeric range: %s", t.text)
	}
	if t.text != "<" && t.text != "<=" {
		return nil, c.badAt(t.end, "Bad numeric range operator: %s", t.text)
	}
	to := c.next()
	if to.kind != 'n' {
		return nil, c.bad(to, "Value of %s must be numeric", t.text)
	}
	top, err := c.amount(to)
	if err != nil {
		return nil, err
	}
	second := compare(t.text, top)
	if t = c.next(); t.kind != ']' {
		return nil, c.bad(t, "Too many terms in numeric range expression")
	}
	if bottom >= top {
		return nil, c.bad(t, "Bottom must be less than top")
	}
	return func(v any) bool { return first(v) && second(v) }, nil
}

// maxAmount is how large the numbers are that a numeric condition compares with.
const maxAmount = 5e9

func (c *compiler) amount(t token) (float64, error) {
	n, _ := strconv.ParseFloat(t.text, 64) // scan has seen that it is one
	if n < -maxAmount || n > maxAmount {
		return 0, c.bad(t, "Value must be between %.0f and %.0f, inclusive", -maxAmount, maxAmount)
	}
	return n, nil
}

// compare is the condition of a comparison with a number.
func compare(op string, n float64) condition {
	var holds func(float64) bool
	switch op {
	case "=":
		holds = func(v float64) bool { return v == n }
	case "<":
		holds = func(v float64) bool { return v < n }
	case "<=":
		holds = func(v float64) bool { return v <= n }
	case ">":
		holds = func(v float64) bool { return v > n }
	default:
		holds = func(v float64) bool { return v >= n }
	}
	return func(v any) bool {
		f, ok := v.(float64)
		return ok && holds(f)
	}
}

// anythingBut compiles the argument of anything-but: a condition that holds for what is there and is none of what is named.
func (c *compiler) anythingBut() (condition, error) {
	var values values
	var not []condition
	switch t := c.next(); t.kind {
	case 's', 'n':
		values.add(literal(t))
	case '[':
		kind := byte(0)
		for {
			t := c.next()
			if t.kind == ']' {
				if kind == 0 {
					return nil, c.bad(t, "Inside anything but list, either all values are number or string, mixed type is not supported")
				}
				break
			}
			if t.kind != 's' && t.kind != 'n' {
				return nil, c.bad(t, "Inside anything but list, start|null|boolean is not supported.")
			}
			kind = t.kind
			values.add(literal(t))
		}
	case '{':
		op := c.next()
		if op.kind != 'k' {
			return nil, c.bad(op, "Anything-But expression name not found")
		}
		if !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, op.text) {
			return nil, c.bad(op, "Unsupported anything-but pattern: %s", op.text)
		}
		add := func(t token, places int) error {
			if err := c.checkNot(op.text, t, places); err != nil {
				return err
			}
			cond, err := c.onText(op.text, t)
			not = append(not, cond)
			return err
		}
		t := c.next()
		if t.kind != '[' {
			if err := add(t, 1); err != nil {
				return nil, err
			}
			return noneOf(values, not), c.closed()
		}
		for {
			if t = c.next(); t.kind == ']' {
				break
			}
			if err := add(t, 2); err != nil {
				return nil, err
			}
		}
		if len(not) == 0 {
			return nil, c.bad(t, "Empty arrays are not allowed")
		}
		if err := c.closed(); err != nil {
			return nil, err
		}
	default:
		return nil, c.bad(t, "Value of anything-but must be an array or single string/number value.")
	}
	return noneOf(values, not), nil
}

// checkNot refuses an argument of an operator within anything-but in the words of rules, which tell its place as often as
// they have been through it.
func (c *compiler) checkNot(op string, t token, places int) error {
	if !c.rule {
		return nil
	}
	affix := op == "prefix" || op == "suffix"
	var err error
	switch {
	case places == 1 && t.kind == '{':
		err = c.bad(t, "Value of anything-but must be an array or single string/number value.")
	case t.kind != 's' && affix:
		err = c.bad(t, "prefix/suffix match pattern must be a string")
	case t.kind != 's' && op == "equals-ignore-case":
		err = c.bad(t, "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
	case t.kind != 's':
		err = c.bad(t, "%s match pattern must be a string", op)
	case affix && t.text == "":
		err = c.badAt(t.end, "Null prefix/suffix not allowed")
	default:
		return nil
	}
	err.(*SyntaxError).Places = places //nolint:errorlint // it was made here
	return err
}

func noneOf(l values, list []condition) condition {
	return func(v any) bool {
		return !l.has(v) && !slices.ContainsFunc(list, func(c condition) bool { return c(v) })
	}
}
