package schemaguess

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// member is a member of an object, in the order of the sample.
type member struct {
	name  string
	value any // nil, bool, json.Number, string, []any or []member
}

// guessJSON is the schema of records that are objects; nil if one is not.
func guessJSON(records [][]byte) *Schema {
	var objects [][]member
	for _, r := range records {
		d := json.NewDecoder(bytes.NewReader(r))
		d.UseNumber()
		some := false
		for len(objects) < maxRows {
			v, err := value(d, 0)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil
			}
			more, ok := objectsOf(v)
			if !ok {
				return nil
			}
			objects, some = append(objects, more...), true
		}
		if !some && len(objects) < maxRows && len(bytes.TrimSpace(r)) > 0 {
			return nil
		}
	}
	if len(objects) == 0 {
		return nil
	}
	objects = objects[:min(len(objects), maxRows)]
	s := &Schema{RowPath: "$"}
	if name, ok := onlyArray(objects); ok {
		s.RowPath = "$" + step(name) + "[0:]"
		var rows [][]member
		for _, o := range objects {
			for _, e := range o[0].value.([]any) {
				if row, ok := e.([]member); ok && len(rows) < maxRows {
					rows = append(rows, row)
				}
			}
		}
		objects = rows
	}
	t := &table{index: map[string]int{}}
	for _, o := range objects {
		t.rows = append(t.rows, map[int]string{})
		t.flatten(o, "$", "", 0)
	}
	if len(t.columns) == 0 {
		return nil
	}
	taken := names{}
	for i, c := range t.columns {
		s.Columns = append(s.Columns, Column{Name: taken.add(c.name, c.longer, i+1), Type: c.shape.sqlType(), Mapping: c.path})
	}
	for _, row := range t.rows {
		fields := make([]string, len(t.columns))
		for i, v := range row {
			fields[i] = v
		}
		s.Rows = append(s.Rows, fields)
	}
	return s
}

// value reads the next value, with the members of objects in order.
func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth > maxDepth {
		return nil, ErrNone
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, cut(err)
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, cut(err)
	}
	object := []member{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, cut(err)
		}
		v, err := value(d, depth+1)
		if err != nil {
			return nil, cut(err)
		}
		object = append(object, member{name.(string), v}) // names of members are strings
	}
	_, err = d.Token()
	return object, cut(err)
}

// cut makes the end within a value an error that is not that of the end.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// objectsOf are the objects that a value at the top is.
func objectsOf(v any) ([][]member, bool) {
	switch v := v.(type) {
	case []member:
		return [][]member{v}, true
	case []any:
		var out [][]member
		for _, e := range v {
			o, ok := e.([]member)
			if !ok {
				return nil, false
			}
			out = append(out, o)
		}
		return out, true
	}
	return nil, false
}

// onlyArray says whether all objects have nothing but one array of objects, and its name.
func onlyArray(objects [][]member) (name string, ok bool) {
	for i, o := range objects {
		if len(o) != 1 || i > 0 && o[0].name != name {
			return "", false
		}
		list, isList := o[0].value.([]any)
		if !isList || len(list) == 0 {
			return "", false
		}
		for _, e := range list {
			if _, isObject := e.([]member); !isObject {
				return "", false
			}
		}
		name = o[0].name
	}
	return name, len(objects) > 0
}

// table collects the columns of rows.
type table struct {
	index   map[string]int // by path
	columns []found
	rows    []map[int]string
}

type found struct {
	path, name, longer string
	shape              shape
}

// flatten takes account of the members of an object at a path; prefix is the names on the way there.
func (t *table) flatten(o []member, path, prefix string, depth int) {
	for _, m := range o {
		p, longer := path+step(m.name), m.name
		if prefix != "" {
			longer = prefix + "_" + m.name
		}
		t.take(m.value, p, m.name, longer, depth)
	}
}

func (t *table) take(v any, path, name, longer string, depth int) {
	switch v := v.(type) {
	case []member:
		if depth < maxDepth {
			t.flatten(v, path, longer, depth+1)
		}
	case []any:
		if len(v) > 0 && depth < maxDepth {
			t.take(v[0], path+"[0]", name, longer, depth+1)
		}
	case bool:
		t.see(path, name, longer, boolean, strconv.FormatBool(v))
	case json.Number:
		t.see(path, name, longer, numberKind(v.String()), v.String())
	case string:
		t.see(path, name, longer, textKind(v), v)
	default:
		t.see(path, name, longer, none, "")
	}
}

func (t *table) see(path, name, longer string, k kind, text string) {
	i, ok := t.index[path]
	if !ok {
		if len(t.columns) == maxColumns {
			return
		}
		i = len(t.columns)
		t.index[path] = i
		t.columns = append(t.columns, found{path: path, name: name, longer: longer})
	}
	t.columns[i].shape.see(k, text)
	t.rows[len(t.rows)-1][i] = text
}

// step is a member in a path: behind a dot, or in brackets when it is not a plain name.
func step(name string) string {
	plain := name != ""
	for i, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			plain = false
		}
	}
	if plain {
		return "." + name
	}
	return "['" + strings.ReplaceAll(strings.ReplaceAll(name, `\`, `\\`), "'", `\'`) + "']"
}
