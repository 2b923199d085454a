package schemacheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Avro: the specification's rules of schema resolution.

// avroType is a parsed schema. A named type that refers to itself is a cycle of pointers.
type avroType struct {
	kind     string // null, boolean, int, long, float, double, bytes, string, record, enum, array, map, fixed, union
	name     string // full
	aliases  []string
	fields   []avroField
	symbols  []string
	fallback bool // an enum has a default
	size     int
	of       []*avroType // element, value, branches
}

type avroField struct {
	name     string
	aliases  []string
	typ      *avroType
	defaults bool
	value    any // the default, as JSON has it
}

var avroPrimitives = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

// maxNesting bounds how deep a definition nests.
const maxNesting = 200

type avroParser struct {
	named   map[string]*avroType
	records []*avroType
}

func parseAvro(text string) (*avroType, error) {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		if slices.Contains(avroPrimitives, strings.TrimSpace(text)) {
			return &avroType{kind: strings.TrimSpace(text)}, nil
		}
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	p := &avroParser{named: map[string]*avroType{}}
	t, err := p.parse(v, "", 0)
	if err != nil {
		return nil, err
	}
	// Defaults are looked at when all types are known, which may be within themselves.
	left := maxSteps
	for _, r := range p.records {
		for _, f := range r.fields {
			if f.defaults && !f.typ.holds(f.value, 0, &left) {
				return nil, fmt.Errorf("the default of the field %s.%s is not of its type", r.name, f.name)
			}
		}
	}
	return t, nil
}

// holds says whether a value of JSON can be a default of a type; of a union, if it is of any branch. left is the work
// that may be spent: branches of unions within unions multiply.
func (t *avroType) holds(v any, depth int, left *int) bool {
	if *left--; depth > maxNesting || *left < 0 {
		return false
	}
	switch t.kind {
	case "null":
		return v == nil
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "int", "long":
		n, ok := v.(float64)
		if !ok || n != math.Trunc(n) {
			return false
		}
		if t.kind == "int" {
			return n >= math.MinInt32 && n <= math.MaxInt32
		}
		return n >= math.MinInt64 && n <= math.MaxInt64
	case "float", "double":
		_, ok := v.(float64)
		return ok
	case "string", "bytes", "fixed":
		_, ok := v.(string)
		return ok
	case "enum":
		s, ok := v.(string)
		return ok && slices.Contains(t.symbols, s)
	case "array":
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(x any) bool { return !t.of[0].holds(x, depth+1, left) })
	case "map":
		m, ok := v.(map[string]any)
		for _, x := range m {
			ok = ok && t.of[0].holds(x, depth+1, left)
		}
		return ok
	case "union":
		return slices.ContainsFunc(t.of, func(b *avroType) bool { return b.holds(v, depth+1, left) })
	case "record":
		m, ok := v.(map[string]any)
		for _, f := range t.fields {
			x, there := m[f.name]
			ok = ok && (there && f.typ.holds(x, depth+1, left) || !there && f.defaults)
		}
		return ok
	}
	return false
}

func avroName(s string) bool {
	for _, part := range strings.Split(s, ".") {
		if part == "" {
			return false
		}
		for i, r := range part {
			if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
				return false
			}
		}
	}
	return true
}

func (p *avroParser) parse(v any, space string, depth int) (*avroType, error) {
	if depth > maxNesting {
		return nil, errors.New("the schema nests too deep")
	}
	switch v := v.(type) {
	case string:
		if slices.Contains(avroPrimitives, v) {
			return &avroType{kind: v}, nil
		}
		for _, name := range []string{qualified(v, space), v} {
			if t := p.named[name]; t != nil {
				return t, nil
			}
		}
		return nil, fmt.Errorf("undefined name: %q", v)
	case []any:
		u := &avroType{kind: "union"}
		seen := map[string]bool{}
		for _, b := range v {
			t, err := p.parse(b, space, depth+1)
			if err != nil {
				return nil, err
			}
			if t.kind == "union" {
				return nil, errors.New("a union may not hold a union")
			}
			key := t.kind + t.name
			if seen[key] {
				return nil, fmt.Errorf("%s is in a union twice", key)
			}
			seen[key] = true
			u.of = append(u.of, t)
		}
		return u, nil
	case map[string]any:
		return p.complex(v, space, depth)
	}
	return nil, errors.New("a schema is a name, an array or an object")
}

func qualified(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

func (p *avroParser) complex(v map[string]any, space string, depth int) (*avroType, error) {
	kind, ok := v["type"].(string)
	if !ok {
		if v["type"] == nil {
			return nil, errors.New("no type")
		}
		return p.parse(v["type"], space, depth+1)
	}
	t := &avroType{kind: kind}
	switch kind {
	case "array", "map":
		of := v["items"]
		if kind == "map" {
			of = v["values"]
		}
		if of == nil {
			return nil, fmt.Errorf("a %s has no type of its values", kind)
		}
		e, err := p.parse(of, space, depth+1)
		t.of = []*avroType{e}
		return t, err
	case "record", "error", "enum", "fixed":
	default:
		return p.parse(kind, space, depth+1)
	}
	if kind == "error" {
		t.kind = "record"
	}
	name, _ := v["name"].(string)
	if !avroName(name) {
		return nil, fmt.Errorf("illegal name: %q", name)
	}
	if s, ok := v["namespace"].(string); ok && !strings.Contains(name, ".") {
		space = s
	}
	t.name = qualified(name, space)
	if i := strings.LastIndexByte(t.name, '.'); i >= 0 {
		space = t.name[:i]
	}
	if p.named[t.name] != nil {
		return nil, fmt.Errorf("%s is defined twice", t.name)
	}
	p.named[t.name] = t
	if t.kind == "record" {
		p.records = append(p.records, t)
	}
	for _, a := range texts(v["aliases"]) {
		t.aliases = append(t.aliases, qualified(a, space))
	}
	switch kind {
	case "enum":
		t.symbols = texts(v["symbols"])
		seen := map[string]bool{}
		for _, s := range t.symbols {
			if !avroName(s) || strings.Contains(s, ".") || seen[s] {
				return nil, fmt.Errorf("illegal symbol %q of %s", s, t.name)
			}
			seen[s] = true
		}
		if v["symbols"] == nil {
			return nil, fmt.Errorf("the enum %s has no symbols", t.name)
		}
		if d, there := v["default"]; there {
			left := maxSteps
			if t.fallback = t.holds(d, 0, &left); !t.fallback {
				return nil, fmt.Errorf("the default of the enum %s is not one of its symbols", t.name)
			}
		}
		return t, nil
	case "fixed":
		n, ok := v["size"].(float64)
		if !ok || n < 0 || n != float64(int(n)) {
			return nil, fmt.Errorf("the fixed %s has no size", t.name)
		}
		t.size = int(n)
		return t, nil
	}
	list, ok := v["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("the record %s has no fields", t.name)
	}
	seen := map[string]bool{}
	for _, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a field of %s is not an object", t.name)
		}
		f := avroField{aliases: texts(m["aliases"])}
		f.name, _ = m["name"].(string)
		if !avroName(f.name) || strings.Contains(f.name, ".") || seen[f.name] {
			return nil, fmt.Errorf("illegal field name %q of %s", f.name, t.name)
		}
		seen[f.name] = true
		if m["type"] == nil {
			return nil, fmt.Errorf("the field %s.%s has no type", t.name, f.name)
		}
		var err error
		if f.typ, err = p.parse(m["type"], space, depth+1); err != nil {
			return nil, err
		}
		f.value, f.defaults = m["default"]
		t.fields = append(t.fields, f)
	}
	return t, nil
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// avroReads says why data written by one schema cannot be read by another; nil when it can.
func avroReads(reader, writer *avroType) error {
	left := maxSteps
	return (&avroMatch{seen: map[[2]*avroType]bool{}, left: &left}).reads(reader, writer, "")
}

// maxSteps bounds the work on one pair of schemas: branches of unions within unions multiply.
const maxSteps = 200_000

type avroMatch struct {
	seen map[[2]*avroType]bool
	left *int
}

func (m *avroMatch) reads(r, w *avroType, path string) error {
	if *m.left--; *m.left < 0 {
		return errors.New("the schemas are too large to compare")
	}
	pair := [2]*avroType{r, w}
	if m.seen[pair] {
		return nil // it is being looked at
	}
	m.seen[pair] = true
	if w.kind == "union" {
		for _, b := range w.of {
			if err := m.reads(r, b, path); err != nil {
				return err
			}
		}
		return nil
	}
	if r.kind == "union" {
		for _, b := range r.of {
			if (&avroMatch{seen: cloned(m.seen), left: m.left}).reads(b, w, path) == nil {
				return nil
			}
		}
		return fmt.Errorf("%s: no branch of the union reads %s", at(path), w.kind)
	}
	promotes := map[string]string{"int": "long float double", "long": "float double", "float": "double", "string": "bytes", "bytes": "string"}
	if r.kind != w.kind {
		if slices.Contains(strings.Fields(promotes[w.kind]), r.kind) {
			return nil
		}
		return fmt.Errorf("%s: %s cannot be read as %s", at(path), w.kind, r.kind)
	}
	switch r.kind {
	case "array", "map":
		return m.reads(r.of[0], w.of[0], path+"/"+r.kind)
	case "record", "enum", "fixed":
		if short(r.name) != short(w.name) && !slices.Contains(r.aliases, w.name) {
			return fmt.Errorf("%s: the name %s is another than %s", at(path), r.name, w.name)
		}
	}
	switch r.kind {
	case "fixed":
		if r.size != w.size {
			return fmt.Errorf("%s: a fixed of %d bytes is not one of %d", at(path), w.size, r.size)
		}
	case "enum":
		for _, s := range w.symbols {
			if !slices.Contains(r.symbols, s) && !r.fallback {
				return fmt.Errorf("%s: the symbol %s is missing", at(path), s)
			}
		}
	case "record":
		for _, f := range r.fields {
			i := slices.IndexFunc(w.fields, func(x avroField) bool { return x.name == f.name || slices.Contains(f.aliases, x.name) })
			if i < 0 {
				if !f.defaults {
					return fmt.Errorf("%s: the field %s is missing in the data, and has no default", at(path), f.name)
				}
				continue
			}
			if err := m.reads(f.typ, w.fields[i].typ, path+"/"+f.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func cloned(m map[[2]*avroType]bool) map[[2]*avroType]bool {
	c := make(map[[2]*avroType]bool, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func short(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func at(path string) string {
	if path == "" {
		return "/"
	}
	return path
}
