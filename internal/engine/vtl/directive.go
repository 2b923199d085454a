package vtl

import "strings"

// directive is what the parser found at a hash. The zero value: text, and the position is behind it.
type directive struct {
	done bool   // a directive or a comment; node is what it does, nil for nothing
	node node   //
	end  string // the end of a block: "end", "else" or "elseif"
}

// directive parses what begins with a hash.
func (p *parser) directive() (directive, error) {
	switch p.peek(1) {
	case '#': // to the end of the line, which goes too
		if i := strings.IndexAny(p.rest(), "\r\n"); i >= 0 {
			p.pos += i + 1
			if p.src[p.pos-1] == '\r' && p.peek(0) == '\n' {
				p.pos++
			}
		} else {
			p.pos = len(p.src)
		}
		return directive{done: true}, nil
	case '*':
		i := strings.Index(p.rest()[2:], "*#")
		if i < 0 {
			return directive{}, p.errorf("a comment is not closed by *#")
		}
		p.pos += 2 + i + 2
		return directive{done: true}, nil
	case '[':
		if p.peek(2) != '[' {
			break
		}
		i := strings.Index(p.rest(), "]]#")
		if i < 0 {
			return directive{}, p.errorf("text is not closed by ]]#")
		}
		text := p.rest()[3:i]
		p.pos += i + 3
		return directive{done: true, node: textNode(text)}, nil
	case '@':
		return p.macroCall(2, true)
	}
	at := p.pos
	name, n := p.directiveName(1)
	if name == "" {
		p.pos++
		return directive{}, nil
	}
	switch name {
	case "end", "else":
		p.pos += n
		p.lineEnd()
		return directive{end: name}, nil
	case "elseif":
		p.pos += n
		return directive{end: name}, nil
	case "set":
		return p.set(n)
	case "if":
		return p.ifElse(n)
	case "foreach":
		return p.foreach(n)
	case "break", "stop":
		p.pos += n
		if name == "break" {
			return directive{done: true, node: breakNode{}}, nil
		}
		return directive{done: true, node: stopNode{}}, nil
	case "macro":
		return p.macro(n)
	case "define":
		return p.define(n)
	case "include", "parse", "evaluate":
		return directive{}, p.errorf("#%s is not available in a mapping template", name)
	}
	p.pos = at
	return p.macroCall(1, false)
}

// directiveName returns the name at offset n, "x" or "{x}", and the offset behind it.
func (p *parser) directiveName(n int) (string, int) {
	braces := p.peek(n) == '{'
	if braces {
		n++
	}
	name, _, _ := strings.Cut(p.identifier(n), "-") // "#end-x" is #end and text
	n += len(name)
	if braces {
		if name == "" || p.peek(n) != '}' {
			return "", 0
		}
		n++
	}
	return name, n
}

// open moves behind the parenthesis that comes next, after blanks.
func (p *parser) open(name string) error {
	for p.peek(0) == ' ' || p.peek(0) == '\t' {
		p.pos++
	}
	if p.peek(0) != '(' {
		return p.errorf("expected ( after #%s", name)
	}
	p.pos++
	return nil
}

// closeLine moves behind the closing parenthesis and the line end that follows it.
func (p *parser) closeLine(name string) error {
	p.blanks()
	if p.peek(0) != ')' {
		return p.errorf("#%s is not closed by )", name)
	}
	p.pos++
	p.lineEnd()
	return nil
}

func (p *parser) set(n int) (directive, error) {
	p.pos += n
	if err := p.open("set"); err != nil {
		return directive{}, err
	}
	p.blanks()
	if p.peek(0) != '$' {
		return directive{}, p.errorf("#set expects a reference")
	}
	target, err := p.reference()
	if err != nil {
		return directive{}, err
	}
	if target == nil {
		return directive{}, p.errorf("#set expects a reference")
	}
	p.blanks()
	if p.peek(0) != '=' || p.peek(1) == '=' {
		return directive{}, p.errorf("#set expects =")
	}
	p.pos++
	value, err := p.expression()
	if err != nil {
		return directive{}, err
	}
	if err := p.closeLine("set"); err != nil {
		return directive{}, err
	}
	return directive{done: true, node: &setNode{target, value}}, nil
}

func (p *parser) condition(name string) (expr, error) {
	if err := p.open(name); err != nil {
		return nil, err
	}
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	return x, p.closeLine(name)
}

func (p *parser) ifElse(n int) (directive, error) {
	p.pos += n
	d := &ifNode{}
	name := "if"
	for {
		x, err := p.condition(name)
		if err != nil {
			return directive{}, err
		}
		body, end, err := p.block()
		if err != nil {
			return directive{}, err
		}
		d.conditions, d.blocks = append(d.conditions, x), append(d.blocks, body)
		switch end {
		case "elseif":
			name = end
			continue
		case "else":
			if d.otherwise, end, err = p.block(); err != nil {
				return directive{}, err
			}
			if d.otherwise == nil {
				d.otherwise = block{}
			}
		}
		if end != "end" {
			return directive{}, p.errorf("#if is not closed by #end")
		}
		return directive{done: true, node: d}, nil
	}
}

// body parses a block up to its #end.
func (p *parser) body(name string) (block, error) {
	b, end, err := p.block()
	if err != nil {
		return nil, err
	}
	if end != "end" {
		return nil, p.errorf("#%s is not closed by #end", name)
	}
	return b, nil
}

func (p *parser) foreach(n int) (directive, error) {
	p.pos += n
	if err := p.open("foreach"); err != nil {
		return directive{}, err
	}
	p.blanks()
	if p.peek(0) != '$' {
		return directive{}, p.errorf("#foreach expects a reference")
	}
	v, err := p.reference()
	if err != nil {
		return directive{}, err
	}
	if v == nil || len(v.path) > 0 {
		return directive{}, p.errorf("#foreach expects a variable")
	}
	p.blanks()
	if p.identifier(0) != "in" {
		return directive{}, p.errorf("#foreach expects in")
	}
	p.pos += len("in")
	p.blanks()
	in, err := p.argument()
	if err != nil {
		return directive{}, err
	}
	if err := p.closeLine("foreach"); err != nil {
		return directive{}, err
	}
	body, err := p.body("foreach")
	if err != nil {
		return directive{}, err
	}
	return directive{done: true, node: &foreachNode{name: v.name, in: in, body: body}}, nil
}

func (p *parser) define(n int) (directive, error) {
	p.pos += n
	if err := p.open("define"); err != nil {
		return directive{}, err
	}
	p.blanks()
	if p.peek(0) != '$' {
		return directive{}, p.errorf("#define expects a reference")
	}
	v, err := p.reference()
	if err != nil {
		return directive{}, err
	}
	if v == nil || len(v.path) > 0 {
		return directive{}, p.errorf("#define expects a variable")
	}
	if err := p.closeLine("define"); err != nil {
		return directive{}, err
	}
	body, err := p.body("define")
	if err != nil {
		return directive{}, err
	}
	return directive{done: true, node: &defineNode{v.name, body}}, nil
}

// macro parses a definition: #macro(name $a $b) ... #end, with or without commas.
func (p *parser) macro(n int) (directive, error) {
	p.pos += n
	if err := p.open("macro"); err != nil {
		return directive{}, err
	}
	p.blanks()
	name := p.identifier(0)
	if name == "" {
		return directive{}, p.errorf("#macro expects a name")
	}
	p.pos += len(name)
	m := &macro{}
	for {
		p.blanks()
		if p.peek(0) == ',' {
			p.pos++
			p.blanks()
		}
		if p.peek(0) != '$' {
			break
		}
		v, err := p.reference()
		if err != nil {
			return directive{}, err
		}
		if v == nil || len(v.path) > 0 {
			return directive{}, p.errorf("#macro expects variables")
		}
		m.params = append(m.params, v.name)
	}
	if err := p.closeLine("macro"); err != nil {
		return directive{}, err
	}
	if isDirective(name) {
		return directive{}, p.errorf("#%s cannot be defined", name)
	}
	_, had := p.macros[name]
	if !had {
		p.macros[name] = m // known in its own body
	}
	body, err := p.body("macro")
	if err != nil {
		return directive{}, err
	}
	m.body = body
	return directive{done: true}, nil
}

// macroCall parses #name(args) and #@name(args) ... #end; n is the length of "#" or "#@". What has
// no parenthesis behind it is text, unless a macro of that name is known.
func (p *parser) macroCall(n int, withBody bool) (directive, error) {
	at := p.pos
	name, end := p.directiveName(n)
	if name == "" {
		p.pos++
		return directive{}, nil
	}
	p.pos += end
	paren := p.pos
	for p.peek(0) == ' ' || p.peek(0) == '\t' {
		p.pos++
	}
	if p.peek(0) != '(' {
		p.pos = paren
		if p.macros[name] == nil || withBody {
			return directive{}, nil
		}
		return directive{done: true, node: &macroCall{name: name, source: p.src[at:p.pos]}}, nil
	}
	p.pos++
	call := &macroCall{name: name}
	for {
		p.blanks()
		if p.peek(0) == ',' {
			p.pos++
			p.blanks()
		}
		if p.peek(0) == ')' {
			break
		}
		x, err := p.argument()
		if err != nil {
			if !withBody && p.macros[name] == nil {
				p.pos = paren // not a call: text with a parenthesis behind it
				return directive{}, nil
			}
			return directive{}, err
		}
		call.args = append(call.args, x)
	}
	if err := p.closeLine(name); err != nil {
		return directive{}, err
	}
	if withBody {
		body, err := p.body("@" + name)
		if err != nil {
			return directive{}, err
		}
		call.body = body
	}
	call.source = p.src[at:p.pos]
	return directive{done: true, node: call}, nil
}
