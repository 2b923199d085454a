package hive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hivetext"
)

// In a file of LazySimpleSerDe's a value of an array, a map or a struct is text that is divided by
// a separator for each level of nesting: what collection.delim says, then what mapkey.delim says, then the
// characters 4 to 8. An array or struct takes one level, and a map two: one between its entries, one
// between a key and its value. Such columns are divided here, and all values get their types here.

// nestedText reads the lines of a table of LazySimpleSerDe's.
type nestedText struct {
	rules      *textRules
	types      []*hivetype.Type // by column; nil: text
	separators []byte           // by level; the first is between columns
	formats    hivetext.Formats // of timestamps
	patterns   string           // what formats were made of
	any        bool             // there is a column that nests
}

// separatorsOf reads the separators of a table.
func separatorsOf(params map[string]string) []byte {
	levels := 8
	if strings.EqualFold(params["hive.serialization.extend.nesting.levels"], "true") || strings.EqualFold(params["hive.serialization.extend.additional.nesting.levels"], "true") {
		levels = 24 // of control characters those that are not white space or have another use
	}
	out := make([]byte, 0, levels)
	for c := byte(1); len(out) < levels; c++ {
		if levels > 8 && (c >= '\t' && c <= '\r' && c != '\v' || c == 27) {
			continue
		}
		out = append(out, c)
	}
	byteOf := func(s string) (byte, bool) {
		s = delimiter(s)
		if s == "" || s[0] >= utf8.RuneSelf {
			return 0, false
		}
		return s[0], true
	}
	if c, ok := byteOf(first(params, "", "collection.delim", "colelction.delim")); ok {
		out[1] = c
	}
	if c, ok := byteOf(params["mapkey.delim"]); ok {
		out[2] = c
	}
	return out
}

// String is all that convert depends on besides the rules.
func (n *nestedText) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nested %q %q", n.separators, n.patterns)
	for _, t := range n.types {
		if t == nil {
			b.WriteString(" text")
		} else {
			fmt.Fprintf(&b, " %q", t.String())
		}
	}
	return b.String()
}

// levels is how many separators a type takes.
func (n *nestedText) levels(t *hivetype.Type) int {
	switch t.Kind {
	case hivetype.Array:
		return 1 + n.levels(t.Elem)
	case hivetype.Map:
		return 2 + max(n.levels(t.Key), n.levels(t.Elem))
	case hivetype.Struct:
		deepest := 0
		for _, f := range t.Fields {
			deepest = max(deepest, n.levels(f.Type))
		}
		return 1 + deepest
	}
	return 0
}

// convert writes the fields of lines as columns c0 and on.
func (n *nestedText) convert(ctx context.Context, lines *lineReader, out io.Writer) error {
	columns := make([]sinkField, len(n.types))
	for i, t := range n.types {
		if t == nil {
			t = stringType
		}
		columns[i] = sinkField{Name: fmt.Sprintf("c%d", i), Type: t}
	}
	s, err := newSink(ctx, out, columns)
	if err != nil {
		return err
	}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return s.close()
		}
		if err != nil {
			return err
		}
		done := 0
		n.rules.rawFields(line, func(i int, field []byte) {
			done = i + 1
			n.value(s.columns[i], n.types[i], field, 1)
		})
		for ; done < len(s.columns); done++ {
			s.columns[done].null()
		}
		if err := s.columns[0].bounded(); err != nil {
			return err
		}
		if err := s.row(); err != nil {
			return err
		}
	}
}

// value writes a value at a level; t is nil for text.
func (n *nestedText) value(out *sinkNode, t *hivetype.Type, text []byte, level int) {
	if string(text) == n.rules.null {
		out.null()
		return
	}
	if t == nil || t.Primitive() {
		n.scalar(out, t, n.rules.unescaped(text))
		return
	}
	separator := n.separators[level]
	switch t.Kind {
	case hivetype.Array:
		out.items(func(next func()) error {
			for more := len(text) > 0; more; {
				var item []byte
				item, text, more = n.cut(text, separator)
				next()
				n.value(out.kids[0], t.Elem, item, level+1)
			}
			return nil
		})
	case hivetype.Map:
		seen := map[string]bool{} // the first of several entries of a key counts
		out.items(func(next func()) error {
			for more := len(text) > 0; more; {
				var entry []byte
				entry, text, more = n.cut(text, separator)
				key, value, whole := n.cut(entry, n.separators[level+1])
				if string(key) == n.rules.null {
					continue
				}
				if t.Key.Primitive() {
					id, ok := n.keyOf(t.Key, n.rules.unescaped(key))
					if !ok || seen[id] {
						continue
					}
					seen[id] = true
				}
				next()
				n.value(out.kids[0], t.Key, key, level+2)
				if whole {
					n.value(out.kids[1], t.Elem, value, level+2)
				} else {
					out.kids[1].null()
				}
			}
			return nil
		})
	case hivetype.Struct:
		more := true
		for i, f := range t.Fields {
			if !more {
				out.kids[i].null()
				continue
			}
			var field []byte
			if n.rules.rest && i == len(t.Fields)-1 {
				field, more = text, false
			} else {
				field, text, more = n.cut(text, separator)
			}
			n.value(out.kids[i], f.Type, field, level+1)
		}
	}
}

// cut divides text at the first separator that is not escaped.
func (n *nestedText) cut(text []byte, separator byte) (before, after []byte, found bool) {
	escape := n.rules.escape
	if escape == 0 {
		if i := bytes.IndexByte(text, separator); i >= 0 {
			return text[:i], text[i+1:], true
		}
		return text, nil, false
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == escape && i+1 < len(text):
			i++
		case text[i] == separator:
			return text[:i], text[i+1:], true
		}
	}
	return text, nil, false
}
