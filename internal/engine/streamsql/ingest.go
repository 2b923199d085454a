package streamsql

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// reader reads rows out of records by a Schema. It is a plan, and may be used by several decoders.
type reader struct {
	schema  Schema
	arrival bool     // arrivalColumns stand behind the schema's
	own     []Column // those of arrivalColumns that the application needs
	types   []Type
	rowPath []pathStep
	columns []columnPath // JSON
	simple  map[string][]int
	deep    []int // columns whose path has more than a name
	// flat are the columns below the elements of an array, which lies at flatPath.
	flat     []int
	flatPath []pathStep
	flatFrom int
	rowEnd   string
	colEnd   string
}

// columnPath is where a column's value is, below a row.
type columnPath struct {
	name  string // of a member, where that is all
	steps []pathStep
}

// pathStep is .name, [n] or [from:], which is every element from n on.
type pathStep struct {
	name string
	n    int // -1: a name
	all  bool
}

const maxPath = 64

// parsePath reads a JSON path: $.a.b[0], $['a'].b[0:].
func parsePath(path string) ([]pathStep, error) {
	p := strings.TrimPrefix(strings.TrimSpace(path), "$")
	var steps []pathStep
	for p != "" {
		if len(steps) >= maxPath {
			return nil, &Error{Message: fmt.Sprintf("The path %q is too long", path)}
		}
		switch {
		case strings.HasPrefix(p, "['"), strings.HasPrefix(p, `["`):
			end := 0
			if end = strings.Index(p[2:], p[1:2]+"]"); end < 0 {
				return nil, &Error{Message: fmt.Sprintf("The path %q has a bracket that is not closed", path)}
			}
			steps = append(steps, pathStep{name: p[2 : 2+end], n: -1})
			p = p[2+end+2:]
		case p[0] == '[':
			end := strings.IndexByte(p, ']')
			if end < 0 {
				return nil, &Error{Message: fmt.Sprintf("The path %q has a bracket that is not closed", path)}
			}
			inner := p[1:end]
			all := inner == "*" || strings.HasSuffix(inner, ":")
			inner = strings.TrimSuffix(inner, ":")
			n := 0
			if inner != "" && inner != "*" {
				var err error
				if n, err = strconv.Atoi(inner); err != nil || n < 0 {
					return nil, &Error{Message: fmt.Sprintf("The path %q has no number in its brackets", path)}
				}
			}
			steps = append(steps, pathStep{n: n, all: all})
			p = p[end+1:]
		default:
			p = strings.TrimPrefix(p, ".")
			end := strings.IndexAny(p, ".[")
			if end < 0 {
				end = len(p)
			}
			if end == 0 {
				return nil, &Error{Message: fmt.Sprintf("The path %q has an empty name", path)}
			}
			steps = append(steps, pathStep{name: p[:end], n: -1})
			p = p[end:]
		}
	}
	return steps, nil
}

// flattened is the step of a path whose elements become rows; -1: there is none.
func flattened(steps []pathStep) int {
	for i, s := range steps[:max(len(steps)-1, 0)] {
		if s.all {
			return i
		}
	}
	return -1
}

// newReader checks a Schema.
func newReader(what string, s Schema, arrival bool) (*reader, error) {
	r := &reader{schema: s, arrival: arrival, simple: map[string][]int{}}
	if len(s.Columns) == 0 {
		return nil, &Error{Message: what + " has no columns"}
	}
	for i, c := range s.Columns {
		if c.Type.Kind == Null || int(c.Type.Kind) >= len(kindNames) {
			return nil, &Error{Message: fmt.Sprintf("Column '%s' of %s has no type", c.Name, what)}
		}
		r.types = append(r.types, c.Type)
		path := c.Mapping
		if path == "" {
			path = `$["` + c.Name + `"]`
		}
		if s.Format == CSV {
			continue
		}
		steps, err := parsePath(path)
		if err != nil {
			return nil, err
		}
		p := columnPath{steps: steps}
		if at := flattened(steps); at >= 0 {
			if r.flat != nil && !slices.Equal(r.flatPath, steps[:at]) {
				return nil, &Error{Message: fmt.Sprintf("The paths of %s flatten two arrays", what), Hint: "One array can give a row for each of its elements."}
			}
			r.flat, r.flatPath, r.flatFrom = append(r.flat, i), steps[:at], steps[at].n
			r.columns = append(r.columns, p)
			continue
		}
		if len(steps) == 1 && steps[0].n < 0 {
			p.name = steps[0].name
			r.simple[p.name] = append(r.simple[p.name], i)
		} else {
			r.deep = append(r.deep, i)
		}
		r.columns = append(r.columns, p)
	}
	if s.Format == CSV {
		r.rowEnd, r.colEnd = unescapeDelimiter(s.RowDelimiter, "\n"), unescapeDelimiter(s.ColumnDelimiter, ",")
		return r, nil
	}
	steps, err := parsePath(s.RowPath)
	if err != nil {
		return nil, err
	}
	r.rowPath = steps
	return r, nil
}

func unescapeDelimiter(s, fallback string) string {
	if s == "" {
		return fallback
	}
	if u, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`); err == nil {
		return u
	}
	return s
}

// badRecord is why a row of a record could not be read.
type badRecord struct {
	err  *rowError
	data []byte
	at   int // rows of the batch that stand before it
}

// decoder reads records, one after the other. It is for one goroutine.
type recordDecoder struct {
	*reader
	rec     jsontext.Record
	byKey   []int32 // the column of a key's number, -1: none; -2: several
	scratch []value
	out     *batch
	bad     []badRecord
}

func (r *reader) decoder() *recordDecoder {
	return &recordDecoder{reader: r, scratch: make([]value, len(r.types))}
}

// decode reads records into a batch of the source's stream.
func (d *recordDecoder) decode(records []Record, now int64) (*batch, []badRecord) {
	types := d.types
	if d.arrival {
		types = append(append([]Type(nil), types...), columnTypes(d.own)...)
	}
	d.out = newBatch(types)
	d.out.grow(len(records))
	d.bad = nil
	row := d.scratch
	if d.arrival {
		row = make([]value, len(types))
	}
	for _, r := range records {
		arrival := value{i: r.Arrival.UnixMilli()}
		if r.Arrival.IsZero() {
			arrival = null
		}
		if d.arrival {
			own := row[len(d.types):]
			own[0] = arrival
			if len(own) > 1 {
				own[1], own[2], own[3] = text(r.PartitionKey), text(r.SequenceNumber), text(r.ShardID)
			}
		}
		if d.schema.Format == CSV {
			d.csv(r.Data, row, now)
		} else {
			d.json(r.Data, row, now)
		}
	}
	return d.out, d.bad
}

func (d *recordDecoder) fail(err *rowError, data []byte) {
	d.bad = append(d.bad, badRecord{err, data, d.out.n})
}

func (d *recordDecoder) json(data []byte, row []value, now int64) {
	for i := jsontext.SkipSpace(data, 0); i < len(data); i = jsontext.SkipSpace(data, i) {
		if data[i] == ',' { // values parted by commas are taken too
			i++
			continue
		}
		n, err := d.rec.Parse(data[i:])
		if err != nil {
			d.fail(&rowError{errorFormat, "The record is not JSON: " + err.Error()}, data[i:])
			return
		}
		if d.rec.Kind == jsontext.Object && len(d.rowPath) == 0 {
			d.object(row, now)
		} else {
			d.below(d.rec.Text, d.rec.Kind, d.rowPath, row, now)
		}
		i += n
	}
}

// below finds the rows below a value.
func (d *recordDecoder) below(text []byte, kind jsontext.Kind, path []pathStep, row []value, now int64) {
	switch {
	case len(path) > 0 && path[0].n < 0:
		if v, k, _, ok := member(text, kind, path[0].name); ok {
			d.below(v, k, path[1:], row, now)
		}
	case kind == jsontext.Array:
		from, all := 0, true
		rest := path
		if len(path) > 0 {
			from, all, rest = path[0].n, path[0].all, path[1:]
		}
		it := jsontext.Over(text)
		for i := 0; ; i++ {
			lo, hi, k, _, ok := it.Element()
			if !ok {
				return
			}
			if i < from {
				continue
			}
			if len(path) == 0 && k == jsontext.Array { // no rows in rows
				d.fail(&rowError{errorFormat, "The record is not a JSON object"}, text[lo:hi])
			} else {
				d.below(text[lo:hi], k, rest, row, now)
			}
			if !all {
				return
			}
		}
	case len(path) > 0:
	case kind == jsontext.Object:
		if _, err := d.rec.Parse(text); err == nil {
			d.object(row, now)
		}
	default:
		d.fail(&rowError{errorFormat, "The record is not a JSON object"}, text)
	}
}

func member(text []byte, kind jsontext.Kind, name string) (v []byte, k jsontext.Kind, escaped, ok bool) {
	if kind != jsontext.Object {
		return nil, 0, false, false
	}
	it := jsontext.Over(text)
	for {
		m, more := it.Member()
		if !more {
			return v, k, escaped, ok
		}
		key := text[m.KeyLo:m.KeyHi]
		if m.KeyEscaped {
			key = jsontext.AppendUnquoted(nil, key)
		}
		if string(key) == name { // the last of several counts
			v, k, escaped, ok = text[m.Lo:m.Hi], m.Kind, m.Escaped, true
		}
	}
}

// object reads the object that was parsed last as a row.
func (d *recordDecoder) object(row []value, now int64) {
	n := len(d.types)
	for i := range row[:n] {
		row[i] = null
	}
	rec := &d.rec
	for i := range rec.Members {
		m := &rec.Members[i]
		c := int32(-1)
		if m.Key >= 0 {
			for int(m.Key) >= len(d.byKey) {
				d.byKey = append(d.byKey, d.columnOf(rec.Keys.Name(int32(len(d.byKey)))))
			}
			c = d.byKey[m.Key]
		} else {
			key := rec.Text[m.KeyLo:m.KeyHi]
			if m.KeyEscaped {
				key = jsontext.AppendUnquoted(nil, key)
			}
			c = d.columnOf(string(key))
		}
		switch {
		case c >= 0:
			v, err := d.value(rec.Text[m.Lo:m.Hi], m.Kind, m.Escaped, d.types[c])
			if err != nil {
				d.fail(named(err, d.schema.Columns[c].Name), rec.Text)
				return
			}
			row[c] = v
		case c == -2:
			for _, c := range d.simple[rec.Keys.Name(m.Key)] {
				v, err := d.value(rec.Text[m.Lo:m.Hi], m.Kind, m.Escaped, d.types[c])
				if err != nil {
					d.fail(named(err, d.schema.Columns[c].Name), rec.Text)
					return
				}
				row[c] = v
			}
		}
	}
	if !d.take(row, d.deep, rec.Text, jsontext.Object, false, 0) {
		return
	}
	if len(d.flat) == 0 {
		d.out.push(now, row)
		return
	}
	// A row for every element of an array, or one for none.
	list, kind, _, ok := walk(rec.Text, jsontext.Object, false, d.flatPath)
	some := false
	if ok && kind == jsontext.Array {
		it := jsontext.Over(list)
		for i := 0; ; i++ {
			lo, hi, k, e, more := it.Element()
			if !more {
				break
			}
			if i < d.flatFrom {
				continue
			}
			some = true
			for _, c := range d.flat {
				row[c] = null
			}
			if !d.take(row, d.flat, list[lo:hi], k, e, len(d.flatPath)+1) {
				continue
			}
			d.out.push(now, row)
		}
	}
	if !some {
		d.out.push(now, row)
	}
}

// take reads columns by what their paths have from a step on; false: the row is bad.
func (d *recordDecoder) take(row []value, columns []int, text []byte, kind jsontext.Kind, escaped bool, from int) bool {
	for _, c := range columns {
		b, k, e, ok := walk(text, kind, escaped, d.columns[c].steps[from:])
		if !ok {
			continue
		}
		v, err := d.value(b, k, e, d.types[c])
		if err != nil {
			d.fail(named(err, d.schema.Columns[c].Name), d.rec.Text)
			return false
		}
		row[c] = v
	}
	return true
}

// walk follows a path. An array whose elements are all meant is the array.
func walk(text []byte, kind jsontext.Kind, escaped bool, steps []pathStep) ([]byte, jsontext.Kind, bool, bool) {
	ok := true
	for _, s := range steps {
		switch {
		case s.n < 0:
			text, kind, escaped, ok = member(text, kind, s.name)
		case s.all:
			ok = kind == jsontext.Array
		default:
			if kind != jsontext.Array {
				return nil, 0, false, false
			}
			it := jsontext.Over(text)
			for i := 0; ok; i++ {
				var lo, hi int
				lo, hi, kind, escaped, ok = it.Element()
				if ok && i == s.n {
					text = text[lo:hi]
					break
				}
			}
		}
		if !ok {
			return nil, 0, false, false
		}
	}
	return text, kind, escaped, true
}

func named(err *rowError, column string) *rowError {
	return &rowError{err.name, "Column '" + column + "': " + err.message}
}

func (d *recordDecoder) columnOf(name string) int32 {
	switch list := d.simple[name]; len(list) {
	case 0:
		return -1
	case 1:
		return int32(list[0])
	}
	return -2
}

// view is a text of bytes that do not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// value reads a JSON value as one of a type.
func (d *recordDecoder) value(b []byte, kind jsontext.Kind, escaped bool, t Type) (value, *rowError) {
	if kind == jsontext.Null {
		return null, nil
	}
	if kind == jsontext.String {
		var s string
		if escaped {
			s = string(jsontext.AppendUnquoted(nil, b[1:len(b)-1]))
		} else {
			s = view(b[1 : len(b)-1])
		}
		if t.isString() {
			if len(s) <= t.Length && t.Kind == Varchar || t.Length == 0 {
				return value{s: s}, nil
			}
			return value{s: fit(s, t)}, nil
		}
		if t.Kind == Varbinary {
			raw, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return null, &rowError{errorInvalidValue, "the text is not base64"}
			}
			return value{s: fit(string(raw), t)}, nil
		}
		if s == "" {
			return null, nil
		}
		return parse(s, t)
	}
	switch {
	case t.isString(): // numbers, objects and the like as they are written
		return value{s: fit(view(b), t)}, nil
	case t.Kind == Boolean:
		switch string(b) {
		case "true", "1":
			return value{i: 1}, nil
		case "false", "0":
			return value{}, nil
		}
	case t.isInteger():
		if i, ok := jsontext.Int(b); ok {
			if !inRange(t.Kind, i) {
				return null, outOfRange(string(b), t)
			}
			return value{i: i}, nil
		}
		if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
			return cast(float(jsontext.Float(b)), Type{Kind: Double}, t, 0)
		}
	case t.Kind == Decimal:
		if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
			return parse(view(b), t)
		}
	case t.isApprox():
		if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
			f := jsontext.Float(b)
			if t.Kind == Real {
				f = float64(float32(f))
			}
			if math.IsInf(f, 0) || math.IsNaN(f) {
				return null, outOfRange(string(b), t)
			}
			return float(f), nil
		}
	}
	return null, &rowError{errorCoercion, "'" + string(b[:min(len(b), 100)]) + "' is not a valid " + t.String()}
}
