package hive

import (
	"context"
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
)

// duckType is a type as DuckDB writes it, taken apart. A type that is not nested is its text alone.
type duckType struct {
	text  string
	kind  string     // STRUCT, LIST, MAP; empty: not nested
	names []string   // of a struct's fields
	inner []duckType // of a struct's fields, a list's elements, a map's keys and values
}

// parseDuckType reads a type as DESCRIBE gives it; false if it is not understood.
func parseDuckType(s string) (duckType, bool) {
	t, rest, ok := cutDuckType(s, 0)
	return t, ok && strings.TrimSpace(rest) == ""
}

const maxTypeDepth = 100

func cutDuckType(s string, depth int) (t duckType, rest string, ok bool) {
	if depth > maxTypeDepth {
		return t, s, false
	}
	s = strings.TrimLeft(s, " ")
	switch {
	case strings.HasPrefix(s, "STRUCT("):
		t.kind, rest = "STRUCT", s[len("STRUCT("):]
		for {
			name, after, ok := cutDuckName(rest)
			if !ok {
				return t, s, false
			}
			inner, after, ok := cutDuckType(after, depth+1)
			if !ok || after == "" {
				return t, s, false
			}
			t.names, t.inner = append(t.names, name), append(t.inner, inner)
			rest = strings.TrimLeft(after[1:], " ")
			if after[0] == ')' {
				break
			}
			if after[0] != ',' {
				return t, s, false
			}
		}
	case strings.HasPrefix(s, "MAP("):
		t.kind = "MAP"
		key, after, ok := cutDuckType(s[len("MAP("):], depth+1)
		if !ok || !strings.HasPrefix(after, ",") {
			return t, s, false
		}
		value, after, ok := cutDuckType(after[1:], depth+1)
		if !ok || !strings.HasPrefix(after, ")") {
			return t, s, false
		}
		t.inner, rest = []duckType{key, value}, after[1:]
	default:
		open, end := 0, len(s)
		for i, c := range s {
			if c == '(' {
				open++
			} else if c == ')' && open > 0 {
				open--
			} else if open == 0 && (c == ',' || c == ')' || c == '[') {
				end = i
				break
			}
		}
		t.text, rest = s[:end], s[end:]
	}
	for strings.HasPrefix(rest, "[]") {
		t, rest = duckType{kind: "LIST", inner: []duckType{t}}, rest[2:]
	}
	return t, rest, true
}

// cutDuckName cuts the name of a field.
func cutDuckName(s string) (name, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return strings.Cut(s, " ")
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], `""`, `"`), s[i+1:], true
	}
	return "", s, false
}

// describeNested asks DuckDB what it reads the nested columns of a file as.
func (c *Footers) describeNested(ctx context.Context, path string, columns []parquetColumn) error {
	return c.Query(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet("+fileList([]Piece{{Files: []catalog.File{{Path: path}}}})+", hive_partitioning=false))", func(values []string) {
		for i := range columns {
			if columns[i].typ == "" && columns[i].name == values[0] {
				if t, ok := parseDuckType(values[1]); ok {
					columns[i].nested = &t
				}
			}
		}
	})
}

// nested is the value of a nested column as the table's type: fields by name, those that a
// file does not have null. ok is false where it is of another type.
func (g *parquetRead) nested(value string, from *duckType, to *hivetype.Type, depth int) (text string, changed, ok bool) {
	switch to.Kind {
	case hivetype.Struct:
		if from.kind != "STRUCT" {
			return "", false, false
		}
		parts := make([]string, len(to.Fields))
		changed = len(from.names) != len(to.Fields)
		for i, f := range to.Fields {
			at := -1
			for j, name := range from.names {
				if strings.EqualFold(name, f.Name) {
					at = j
					break
				}
			}
			if at < 0 {
				parts[i], changed = duck.Ident(f.Name)+" := CAST(NULL AS "+duck.Type(TypeOf(f.Type))+")", true
				continue
			}
			inner, other, ok := g.nested("("+value+")."+duck.Ident(from.names[at]), &from.inner[at], f.Type, depth)
			if !ok {
				return "", false, false
			}
			parts[i] = duck.Ident(f.Name) + " := " + inner
			changed = changed || other || at != i || from.names[at] != f.Name
		}
		if !changed {
			return value, false, true
		}
		return "CASE WHEN " + value + " IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END", true, true
	case hivetype.Array:
		if from.kind != "LIST" {
			return "", false, false
		}
		p := fmt.Sprintf("element%d", depth)
		inner, other, ok := g.nested(p, &from.inner[0], to.Elem, depth+1)
		if !ok || !other {
			return value, false, ok
		}
		return "list_transform(" + value + ", lambda " + p + ": " + inner + ")", true, true
	case hivetype.Map:
		if from.kind != "MAP" {
			return "", false, false
		}
		p := fmt.Sprintf("entry%d", depth)
		key, otherKey, ok := g.nested(p+".key", &from.inner[0], to.Key, depth+1)
		if !ok {
			return "", false, false
		}
		inner, other, ok := g.nested(p+".value", &from.inner[1], to.Elem, depth+1)
		if !ok || !other && !otherKey {
			return value, false, ok
		}
		return "map_from_entries(list_transform(map_entries(" + value + "), lambda " + p + ": {'key': " + key + ", 'value': " + inner + "}))", true, true
	}
	a := parquetColumn{typ: from.text}
	if from.text == "VARCHAR" || from.text == "BLOB" {
		a.physical = "BYTE_ARRAY"
	}
	if from.kind != "" || !fits(a, to) {
		return "", false, false
	}
	text = g.leaf(value, a, to, true)
	return text, text != value, true
}
