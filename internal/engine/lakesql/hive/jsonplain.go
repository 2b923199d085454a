package hive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/brookmere/brookmere/internal/engine/columnar"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
)

// How much of JSON files is looked at for the letter case of their keys.
const (
	sampledFiles = 16
	sampledBytes = 64 << 10
	sampledLines = 64
)

// jsonKey is a column, or what its type is made of, with the key that it has in all records
// that DuckDB reads.
type jsonKey struct {
	key  string
	typ  *hivetype.Type
	kids []*jsonKey // of a struct its fields, of a map or array its values
	find map[string]int
}

// jsonKeys are the columns of a table.
type jsonKeys struct {
	columns []*jsonKey
	find    map[string]int // the column of a key as fold gives it
	names   []string       // of the columns
	opts    columnar.Options
}

// newJSONKeys gives columns the keys that a sample of records has.
func newJSONKeys(columns columnar.Schema, opts columnar.Options, sample map[string]string) *jsonKeys {
	k := &jsonKeys{opts: opts, find: map[string]int{}}
	for i, c := range columns {
		j := k.build(c.Name, c.Type, "", sample)
		k.columns, k.names = append(k.columns, j), append(k.names, c.Name)
		k.find[k.fold(j.key)] = i
	}
	return k
}

func (k *jsonKeys) fold(key string) string {
	if k.opts.DotsInKeys {
		key = strings.ReplaceAll(key, ".", "_")
	}
	if k.opts.SerDe == columnar.OpenX && k.opts.CaseSensitive {
		return key
	}
	return strings.ToLower(key)
}

func (k *jsonKeys) build(name string, typ *hivetype.Type, path string, sample map[string]string) *jsonKey {
	key := name
	for column, mapped := range k.opts.Mappings {
		if strings.EqualFold(column, name) {
			key = mapped
		}
	}
	if !(k.opts.SerDe == columnar.OpenX && k.opts.CaseSensitive) {
		if actual := sample[path+k.fold(key)]; actual != "" && k.fold(actual) == k.fold(key) {
			key = actual
		}
	}
	j := &jsonKey{key: key, typ: typ}
	k.inner(j, path+strings.ToLower(key)+"\x00", sample)
	return j
}

func (k *jsonKeys) inner(j *jsonKey, path string, sample map[string]string) {
	switch j.typ.Kind {
	case hivetype.Struct:
		j.find = map[string]int{}
		for i, f := range j.typ.Fields {
			kid := k.build(f.Name, f.Type, path, sample)
			j.kids = append(j.kids, kid)
			j.find[k.fold(kid.key)] = i
		}
	case hivetype.Array, hivetype.Map:
		kid := &jsonKey{typ: j.typ.Elem}
		k.inner(kid, path, sample)
		j.kids = []*jsonKey{kid}
	}
}

// index is the place of a column in the table.
func (k *jsonKeys) index(name string) int { return slices.Index(k.names, name) }

// alike reports whether keys differ by their letter case alone, which DuckDB does not tell apart.
func (k *jsonKeys) alike() bool { return alike(k.columns) }

func alike(keys []*jsonKey) bool {
	seen := map[string]bool{}
	for _, j := range keys {
		lower := strings.ToLower(j.key)
		if j.key != "" && seen[lower] || alike(j.kids) {
			return true
		}
		seen[lower] = true
	}
	return false
}

// renamed reports whether a field of a struct has another key than its name, which DuckDB goes by.
func (k *jsonKeys) renamed() bool { return slices.ContainsFunc(k.columns, renamed) }

func renamed(j *jsonKey) bool {
	for i, kid := range j.kids {
		if j.typ.Kind == hivetype.Struct && !strings.EqualFold(kid.key, j.typ.Fields[i].Name) || renamed(kid) {
			return true
		}
	}
	return false
}

// String is all that plain depends on.
func (k *jsonKeys) String() string {
	var b strings.Builder
	var add func(j *jsonKey)
	add = func(j *jsonKey) {
		fmt.Fprintf(&b, "%q %s(", j.key, j.typ)
		for _, kid := range j.kids {
			add(kid)
		}
		b.WriteByte(')')
	}
	for _, j := range k.columns {
		add(j)
	}
	return b.String()
}

// duckType is the type that DuckDB reads a nested column as: the declared one, with the names
// of fields as the files write them.
func (j *jsonKey) duckType() string {
	switch j.typ.Kind {
	case hivetype.Struct:
		parts := make([]string, len(j.kids))
		for i, kid := range j.kids {
			parts[i] = duck.Ident(kid.key) + " " + kid.duckType()
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	case hivetype.Array:
		return j.kids[0].duckType() + "[]"
	case hivetype.Map:
		return "MAP(" + duck.Type(TypeOf(j.typ.Key)) + ", " + j.kids[0].duckType() + ")"
	}
	return duck.Type(TypeOf(j.typ))
}

// plainJSON looks whether DuckDB makes of records what package columnar makes of them: whether
// each column has one key, each value is in the plain form of its type, and no text would lose
// how a number is written.
type plainJSON struct {
	keys   *jsonKeys
	hive   bool
	record jsontext.Record
	twice  duplicates
	byKey  []int // the column of a key's number: -1 none, -2 not yet known, -3 not plain
}

func (p *plainJSON) plain(block []byte) bool {
	if !utf8.Valid(block) || bytes.IndexByte(block, 0) >= 0 {
		return false
	}
	p.twice.fold = !(p.keys.opts.SerDe == columnar.OpenX && p.keys.opts.CaseSensitive)
	for len(block) > 0 {
		line := block
		if end := bytes.IndexByte(block, '\n'); end >= 0 {
			line, block = block[:end], block[end+1:]
		} else {
			block = nil
		}
		if !p.line(line) {
			return false
		}
	}
	return true
}

func (p *plainJSON) line(line []byte) bool {
	if jsontext.SkipSpace(line, 0) == len(line) {
		return true
	}
	if cr := bytes.IndexByte(line, '\r'); cr >= 0 && cr != len(line)-1 {
		return false
	}
	n, err := p.record.Parse(line)
	if err != nil || p.record.Kind != jsontext.Object || jsontext.SkipSpace(line, n) != len(line) || p.twice.find(&p.record) != "" {
		return false
	}
	for i := range p.record.Members {
		m := &p.record.Members[i]
		c := p.column(m)
		if c == -1 {
			continue
		}
		if c < 0 || !p.value(p.keys.columns[c], p.record.Value(m), m.Kind, m.Escaped, true) {
			return false
		}
	}
	return true
}

// column is the column of a member: -1 none, -3 one with another key.
func (p *plainJSON) column(m *jsontext.Member) int {
	for m.Key >= 0 && len(p.byKey) <= int(m.Key) {
		p.byKey = append(p.byKey, -2)
	}
	if m.Key >= 0 && p.byKey[m.Key] != -2 {
		return p.byKey[m.Key]
	}
	key := string(p.record.AppendKey(nil, m))
	c, ok := p.keys.find[p.keys.fold(key)]
	switch {
	case !ok:
		c = -1
	case p.keys.columns[c].key != key:
		c = -3
	}
	if m.Key >= 0 {
		p.byKey[m.Key] = c
	}
	return c
}

// value reports whether a value is in the plain form of its type.
func (p *plainJSON) value(j *jsonKey, b []byte, kind jsontext.Kind, escaped, top bool) bool {
	if kind == jsontext.Null {
		return true
	}
	switch t := j.typ; t.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		switch {
		case kind == jsontext.String:
			return t.Kind != hivetype.Char && (top || t.Kind == hivetype.String) && !(escaped && bytes.Contains(b, []byte(`\u`)))
		case kind == jsontext.True || kind == jsontext.False:
			return t.Kind == hivetype.String && top
		}
		return kind == jsontext.Integer && t.Kind == hivetype.String && len(b) <= 15 && b[0] != '-'
	case hivetype.Boolean:
		return kind == jsontext.True || kind == jsontext.False
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		n, ok := jsontext.Int(b)
		bits := map[hivetype.Kind]uint{hivetype.TinyInt: 7, hivetype.SmallInt: 15, hivetype.Int: 31, hivetype.BigInt: 63}[t.Kind]
		return kind == jsontext.Integer && ok && (n>>bits == 0 || n>>bits == -1)
	case hivetype.Double, hivetype.Float:
		return (kind == jsontext.Integer || kind == jsontext.Real) && len(b) <= 24 && bytes.IndexByte(b, 'E') < 0 && bytes.IndexByte(b, 'e') < 0 && (t.Kind == hivetype.Double || len(b) <= 9)
	case hivetype.Decimal:
		if kind != jsontext.Integer && kind != jsontext.Real || len(b) > 15 || bytes.ContainsAny(b, "eE") {
			return false
		}
		point := bytes.IndexByte(b, '.')
		if point < 0 {
			point = len(b)
		}
		return point <= t.Precision-t.Scale && len(b)-point-1 <= t.Scale
	case hivetype.Date:
		return top && kind == jsontext.String && len(b) == 12 && plainDate(b[1:11])
	case hivetype.Timestamp:
		return top && kind == jsontext.String && !escaped && plainTimestamp(b[1:len(b)-1], p.hive)
	case hivetype.Array:
		if kind != jsontext.Array {
			return false
		}
		for it := jsontext.Over(b); ; {
			lo, hi, kind, escaped, ok := it.Element()
			if !ok {
				return true
			}
			if !p.value(j.kids[0], b[lo:hi], kind, escaped, false) {
				return false
			}
		}
	case hivetype.Struct:
		return kind == jsontext.Object && p.object(j, b)
	}
	return false
}

// object is value of a struct.
func (p *plainJSON) object(j *jsonKey, b []byte) bool {
	var seen uint64
	if len(j.kids) > 64 {
		return false
	}
	for it := jsontext.Over(b); ; {
		m, ok := it.Member()
		if !ok {
			return true
		}
		if m.KeyEscaped {
			return false
		}
		key := string(b[m.KeyLo:m.KeyHi])
		i, ok := j.find[p.keys.fold(key)]
		if !ok {
			continue
		}
		if j.kids[i].key != key || seen&(1<<i) != 0 || !p.value(j.kids[i], b[m.Lo:m.Hi], m.Kind, m.Escaped, false) {
			return false
		}
		seen |= 1 << i
	}
}

func plainDate(b []byte) bool {
	for i, c := range b {
		if (i == 4 || i == 7) != (c == '-') || c != '-' && c-'0' > 9 {
			return false
		}
	}
	if b[0] == '0' && b[1] == '0' { // before the year 100
		return false
	}
	month, day := int(b[5]-'0')*10+int(b[6]-'0'), int(b[8]-'0')*10+int(b[9]-'0')
	if month < 1 || month > 12 || day < 1 {
		return false
	}
	if day <= 28 {
		return true
	}
	_, err := time.Parse(time.DateOnly, string(b))
	return err == nil
}

// plainTimestamp is yyyy-mm-dd hh:mm:ss[.fff], and unless it is Hive's SerDe with T and Z too.
func plainTimestamp(b []byte, hive bool) bool {
	if len(b) < 19 || !plainDate(b[:10]) || b[10] != ' ' && (hive || b[10] != 'T') {
		return false
	}
	if !hive && b[10] == 'T' && b[len(b)-1] == 'Z' {
		b = b[:len(b)-1]
	}
	if len(b) != 19 && (len(b) < 21 || len(b) > 23 || b[19] != '.') {
		return false
	}
	for i, c := range b[11:] {
		if i == 2 || i == 5 {
			if c != ':' {
				return false
			}
		} else if i != 8 && c-'0' > 9 {
			return false
		}
	}
	return string(b[11:13]) < "24" && b[14] < '6' && b[17] < '6'
}

// sampleKeys reads the first lines of some files and gives their keys by lower-case path
// (the parts end in NUL but for the last).
func sampleKeys(pieces []Piece) map[string]string {
	keys := map[string]string{}
	var files []catalog.File
	for _, p := range pieces {
		files = append(files, p.Files...)
	}
	step := max(1, len(files)/sampledFiles)
	for i := 0; i < len(files); i += step {
		f, err := os.Open(files[i].Path)
		if err != nil {
			continue // the query will say so
		}
		var r io.Reader = f
		if strings.HasSuffix(files[i].Path, ".gz") {
			if z, err := gzip.NewReader(f); err == nil {
				r = z
			}
		}
		lines := bufio.NewScanner(io.LimitReader(r, sampledBytes))
		lines.Buffer(nil, sampledBytes+1)
		for n := 0; n < sampledLines && lines.Scan(); n++ {
			var object map[string]any
			if json.Unmarshal(lines.Bytes(), &object) == nil {
				addKeys(keys, "", object)
			}
		}
		f.Close()
	}
	return keys
}

// addKeys notes the keys of a value, and of what it holds behind their lower-case path.
func addKeys(keys map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			lower := path + strings.ToLower(k)
			for _, name := range []string{lower, path + strings.ReplaceAll(strings.ToLower(k), ".", "_")} {
				if keys[name] == "" || k == strings.ToLower(k) {
					keys[name] = k
				}
			}
			addKeys(keys, lower+"\x00", inner)
		}
	case []any:
		for _, inner := range v {
			addKeys(keys, path, inner)
		}
	}
}
