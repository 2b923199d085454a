package s3

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// node is an XML element.
type node struct {
	Name string
	Text string // of an element without children
	Type string // xsi:type
	Kids []*node
}

// maxDepth is more than any document has.
const maxDepth = 12

// parseXML reads a document; ok is false if it is not well-formed.
func parseXML(doc []byte) (root *node, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	var stack []*node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root, root != nil && len(stack) == 0
		}
		if err != nil {
			return nil, false
		}
		switch t := token.(type) {
		case xml.StartElement:
			n := &node{Name: t.Name.Local}
			for _, a := range t.Attr {
				if a.Name.Local == "type" && a.Name.Space != "" {
					n.Type = a.Value
				}
			}
			switch {
			case len(stack) > maxDepth, len(stack) == 0 && root != nil:
				return nil, false
			case len(stack) == 0:
				root = n
			default:
				top := stack[len(stack)-1]
				top.Kids, top.Text = append(top.Kids, n), ""
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 && len(stack[len(stack)-1].Kids) == 0 {
				stack[len(stack)-1].Text += string(t)
			} else if len(stack) == 0 && len(bytes.TrimSpace(t)) > 0 {
				return nil, false
			}
		}
	}
}

// get returns the first child of a name, nil for none; it may be called on nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.Kids {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// at follows names down.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.get(name)
	}
	return n
}

// text is that of the child that names lead to, "" for none.
func (n *node) text(names ...string) string {
	if n = n.at(names...); n == nil {
		return ""
	}
	return n.Text
}

// all returns the children of a name.
func (n *node) all(name string) []*node {
	if n == nil {
		return nil
	}
	var found []*node
	for _, k := range n.Kids {
		if k.Name == name {
			found = append(found, k)
		}
	}
	return found
}

func (n *node) number(names ...string) (int, bool) {
	v, err := strconv.Atoi(strings.TrimSpace(n.text(names...)))
	return v, err == nil
}

// add appends a child with a text.
func (n *node) add(name, text string) *node {
	k := &node{Name: name, Text: text}
	n.Kids = append(n.Kids, k)
	return n
}

func el(name string, kids ...*node) *node { return &node{Name: name, Kids: kids} }

func leaf(name, text string) *node { return &node{Name: name, Text: text} }

func (n *node) write(b *strings.Builder, root bool) {
	b.WriteString("<" + n.Name)
	if root {
		b.WriteString(` xmlns="` + namespace + `"`)
	}
	if n.Type != "" {
		b.WriteString(` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="` + n.Type + `"`)
	}
	b.WriteByte('>')
	escapeXML(b, n.Text)
	for _, k := range n.Kids {
		k.write(b, false)
	}
	b.WriteString("</" + n.Name + ">")
}

func (n *node) String() string {
	var b strings.Builder
	n.write(&b, true)
	return b.String()
}

// plain is the document without a namespace.
func (n *node) plain() string {
	var b strings.Builder
	n.write(&b, false)
	return b.String()
}

// escapeXML writes text; what XML cannot hold becomes a character reference where it may, as
// S3 does it.
func escapeXML(b *strings.Builder, s string) {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '&' || c == '<' || c == '>' || c == '"' || c == 0x7f || c >= 0x80 {
			plain = false
			break
		}
	}
	if plain {
		b.WriteString(s)
		return
	}
	for _, c := range s {
		switch c {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '"':
			b.WriteString("&quot;")
		case '\r':
			b.WriteString("&#13;")
		default:
			if c < 0x20 && c != '\n' && c != '\t' {
				b.WriteString("&#x" + strconv.FormatInt(int64(c), 16) + ";")
			} else {
				b.WriteRune(c)
			}
		}
	}
}

func (c *call) writeXML(root *node) error {
	var b strings.Builder
	b.WriteString(xml.Header)
	root.write(&b, true)
	c.writeDocument([]byte(b.String()), "application/xml")
	return nil
}

func (c *call) writeDocument(doc []byte, contentType string) {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(doc)))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(doc) // the client has gone if this fails
	}
}

// A shape says what a document may hold, in a line:
//
//	Name            one element with text        Name?  at most one
//	Name*           any number                   Name+  at least one
//	Name:int        its text is a whole number   Name:A|B|C  one of these
//	Name{...}       its children, separated by blanks
//
// with the types int, bool, date besides lists of words.
type shape struct {
	name     string
	min, max int // max 0: any number
	kind     string
	kids     []*shape
	leaf     bool
}

// parseShape reads the notation; it panics on what it does not understand, at start.
func parseShape(text string) *shape {
	p := shapeParser{text}
	s := p.one()
	if strings.TrimSpace(p.rest) != "" {
		panic("s3: a shape goes on with " + p.rest)
	}
	return s
}

type shapeParser struct{ rest string }

func (p *shapeParser) one() *shape {
	p.rest = strings.TrimSpace(p.rest)
	end := strings.IndexAny(p.rest, "{}?*+: ")
	if end < 0 {
		end = len(p.rest)
	}
	s := &shape{name: p.rest[:end], min: 1, max: 1, leaf: true}
	p.rest = p.rest[end:]
	if p.rest != "" {
		switch p.rest[0] {
		case '?':
			s.min, p.rest = 0, p.rest[1:]
		case '*':
			s.min, s.max, p.rest = 0, 0, p.rest[1:]
		case '+':
			s.max, p.rest = 0, p.rest[1:]
		}
	}
	if rest, ok := strings.CutPrefix(p.rest, ":"); ok {
		end := strings.IndexAny(rest, "{} ")
		if end < 0 {
			end = len(rest)
		}
		s.kind, p.rest = rest[:end], rest[end:]
	}
	if rest, ok := strings.CutPrefix(p.rest, "{"); ok {
		s.leaf, p.rest = false, strings.TrimSpace(rest)
		for !strings.HasPrefix(p.rest, "}") {
			s.kids = append(s.kids, p.one())
			p.rest = strings.TrimSpace(p.rest)
		}
		p.rest = p.rest[1:]
	}
	if s.name == "" {
		panic("s3: a shape without a name before " + p.rest)
	}
	return s
}

// check reports whether n has the shape.
func (s *shape) check(n *node) bool {
	if n.Name != s.name {
		return false
	}
	if s.leaf {
		return len(n.Kids) == 0 && checkKind(s.kind, strings.TrimSpace(n.Text))
	}
	if strings.TrimSpace(n.Text) != "" {
		return false
	}
	count := make(map[string]int, len(n.Kids))
	for _, k := range n.Kids {
		var ks *shape
		for _, c := range s.kids {
			if c.name == k.Name {
				ks = c
			}
		}
		if ks == nil || !ks.check(k) {
			return false
		}
		count[k.Name]++
	}
	for _, c := range s.kids {
		if n := count[c.name]; n < c.min || c.max > 0 && n > c.max {
			return false
		}
	}
	return true
}

func checkKind(kind, text string) bool {
	switch kind {
	case "":
		return true
	case "int":
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	case "bool":
		return text == "true" || text == "false" || text == "TRUE" || text == "FALSE" || text == "True" || text == "False"
	case "date":
		_, ok := parseDate(text)
		return ok
	}
	for word := range strings.SplitSeq(kind, "|") {
		if word == text {
			return true
		}
	}
	return false
}

// document reads the body of a request that is not an object's data, as XML of a shape.
func (c *call) document(s *shape) (*node, error) {
	doc, err := c.readBody()
	if err != nil {
		return nil, err
	}
	if len(doc) == 0 {
		return nil, errMissingBody
	}
	n, ok := parseXML(doc)
	if !ok || !s.check(n) {
		return nil, errMalformedXML
	}
	return n, nil
}
