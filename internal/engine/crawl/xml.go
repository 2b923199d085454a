package crawl

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html/charset"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// XML: each element of a name, the row tag, is a row; its columns are the elements in it and, as
// "_name", its attributes. What occurs more than once in an element is an array, what has
// elements or attributes a struct, whose text beside them is "_value". Whole numbers are int, or
// bigint where one does not fit. An element without content and without an end tag is not a row.

// xmlClassifier takes XML whose rows are elements by the name rowTag; where that is empty, the
// document is the row.
type xmlClassifier struct {
	classification Classification
	rowTag         string
}

// builtinXML is the classifier of XML that every crawler has.
var builtinXML Classifier = &xmlClassifier{classification: XML}

var xmlName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}._:-]*$`)

// NewXML returns the classifier of XML whose rows are the elements by the name of rowTag; without
// one the document is the row.
func NewXML(classification, rowTag string) (Classifier, error) {
	if rowTag != "" && !xmlName.MatchString(rowTag) {
		return nil, errors.New("the row tag is not the name of an XML element")
	}
	if classification == "" {
		classification = string(XML)
	}
	return &xmlClassifier{Classification(classification), rowTag}, nil
}

func (c *xmlClassifier) classify(f *file, text []byte, complete bool) bool {
	begin, ok := xmlUTF8(text)
	if !ok {
		return false
	}
	d := xml.NewDecoder(bytes.NewReader(begin))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	x := xmlReader{d: d, text: begin}
	var all *hivetype.Type
	records := int64(0)
	depth := 0
	for {
		tok, err := d.Token()
		if err != nil {
			if err == io.EOF && depth == 0 || !complete && errors.As(err, new(*xml.SyntaxError)) {
				break
			}
			return false
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if c.rowTag != "" && tok.Name.Local != c.localTag() {
				depth++
				continue
			}
			selfClosing := x.selfClosing()
			t, err := x.element(tok, 0)
			if err != nil && (complete || !errors.As(err, new(*xml.SyntaxError))) {
				return false
			}
			if !selfClosing || c.rowTag == "" {
				all = xmlMerge(all, xmlRow(t))
				records++
			}
		case xml.EndElement:
			depth--
		}
	}
	if all == nil || len(all.Fields) == 0 {
		return false
	}
	f.columns = nil
	for _, field := range all.Fields {
		f.columns = append(f.columns, Column(field))
	}
	f.format = Format{Classification: c.classification, Compression: f.format.Compression, RowTag: c.rowTag}
	f.records = records
	return true
}

// localTag is the row tag without the prefix of a namespace.
func (c *xmlClassifier) localTag() string {
	return c.rowTag[strings.LastIndexByte(c.rowTag, ':')+1:]
}

// xmlRow is an element's type as that of a row.
func xmlRow(t *hivetype.Type) *hivetype.Type {
	if t == nil || t.Kind != hivetype.Struct {
		return &hivetype.Type{Kind: hivetype.Struct, Fields: []hivetype.Field{{Name: "_value", Type: t}}}
	}
	return t
}

// xmlUTF8 is a text that could be XML, in UTF-8.
func xmlUTF8(text []byte) ([]byte, bool) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	label := "utf-8"
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		label = "utf-16le"
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		label = "utf-16be"
	default:
		if m := xmlEncoding.FindSubmatch(text[:min(len(text), 200)]); m != nil {
			label = string(m[1])
		}
	}
	if !strings.EqualFold(label, "utf-8") {
		r, err := charset.NewReaderLabel(label, bytes.NewReader(text))
		if err != nil {
			return nil, false
		}
		if text, err = io.ReadAll(r); err != nil {
			return nil, false
		}
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	text = bytes.TrimLeft(text, " \t\r\n")
	return text, len(text) > 0 && text[0] == '<'
}

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// xmlMerge is the type of an element that is of either type: one that occurs once here and
// several times there is an array.
func xmlMerge(a, b *hivetype.Type) *hivetype.Type {
	if a == nil || b == nil {
		return merge(a, b)
	}
	switch {
	case a.Kind == hivetype.Array && b.Kind == hivetype.Array:
		return &hivetype.Type{Kind: hivetype.Array, Elem: xmlMerge(a.Elem, b.Elem)}
	case a.Kind == hivetype.Array:
		return &hivetype.Type{Kind: hivetype.Array, Elem: xmlMerge(a.Elem, b)}
	case b.Kind == hivetype.Array:
		return &hivetype.Type{Kind: hivetype.Array, Elem: xmlMerge(a, b.Elem)}
	case a.Kind != hivetype.Struct || b.Kind != hivetype.Struct:
		return merge(a, b)
	}
	s := a // copied where it changes: of elements that are alike it does not
	change := func() {
		if s == a {
			s = &hivetype.Type{Kind: hivetype.Struct, Fields: slices.Clone(a.Fields)}
		}
	}
	for _, f := range b.Fields {
		i := slices.IndexFunc(s.Fields, func(x hivetype.Field) bool { return x.Name == f.Name })
		if i < 0 {
			if len(s.Fields) < maxJSONFields {
				change()
				s.Fields = append(s.Fields, f)
			}
			continue
		}
		if t := xmlMerge(s.Fields[i].Type, f.Type); t != s.Fields[i].Type {
			change()
			s.Fields[i].Type = t
		}
	}
	return s
}

type xmlReader struct {
	d    *xml.Decoder
	text []byte
}

// selfClosing says whether the start tag that was just read is closed by "/>".
func (x *xmlReader) selfClosing() bool {
	at := x.d.InputOffset()
	return at >= 2 && at <= int64(len(x.text)) && x.text[at-2] == '/'
}

// element reads an element to its end and gives its type, nil where it is empty. With an error
// it gives what was known by then.
func (x *xmlReader) element(start xml.StartElement, depth int) (*hivetype.Type, error) {
	if depth > maxJSONDepth {
		return nil, errNotXML
	}
	t := &hivetype.Type{Kind: hivetype.Struct}
	index := make(map[string]int)
	seen := make(map[string]bool)
	add := func(name string, v *hivetype.Type) error {
		name = strings.ToLower(name)
		i, ok := index[name]
		if !ok {
			if len(t.Fields) >= maxJSONFields {
				return errNotXML
			}
			index[name] = len(t.Fields)
			t.Fields = append(t.Fields, hivetype.Field{Name: name, Type: v})
			return nil
		}
		field := &t.Fields[i]
		if !seen[name] {
			seen[name] = true
			field.Type = &hivetype.Type{Kind: hivetype.Array, Elem: field.Type}
		}
		field.Type = &hivetype.Type{Kind: hivetype.Array, Elem: xmlMerge(field.Type.Elem, v)}
		return nil
	}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" && a.Name.Space == "" {
			continue
		}
		if err := add("_"+a.Name.Local, xmlText(a.Value)); err != nil {
			return nil, err
		}
	}
	var content strings.Builder
	finish := func(err error) (*hivetype.Type, error) {
		v := xmlText(content.String())
		if len(t.Fields) == 0 {
			return v, err
		}
		if v != nil {
			err = cmp.Or(err, add("_value", v))
		}
		return t, err
	}
	for {
		tok, err := x.d.Token()
		if err != nil {
			return finish(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			v, err := x.element(tok, depth+1)
			if e := add(tok.Name.Local, v); e != nil {
				return t, e
			}
			if err != nil {
				return finish(err)
			}
		case xml.CharData:
			content.Write(tok)
		case xml.EndElement:
			return finish(nil)
		}
	}
}

var errNotXML = errors.New("not XML records")

// xmlText is the type of a text, nil for an empty one.
func xmlText(s string) *hivetype.Type {
	s = strings.TrimSpace(s)
	t := csvType(s)
	if t == bigintType {
		return numberType(strings.TrimPrefix(s, "+"))
	}
	return t
}
