package recordplan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/itchyny/gojq"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// ExtractionFailed is the error code of a record whose partition keys cannot be had.
const ExtractionFailed = "DynamicPartitioning.MetadataExtractionFailed"

// A PartitionError says why a record has no partition.
type PartitionError struct {
	Code   string
	Reason string // as Firehose words it, where that is known
}

func (e *PartitionError) Error() string { return e.Code + ": " + e.Reason }

// NotJSON is why a record without JSON has no partition.
var NotJSON = &PartitionError{ExtractionFailed, "Non JSON record provided"}

var errEmptyKey = &PartitionError{ExtractionFailed, "partitionKeys values must not be null or empty"}

const maxQueryKeys = 50 // as Firehose has it

// A KeyQuery is a compiled MetadataExtraction query: jq that makes an object of partition
// keys of a record. Where each value is a path of fields it is read straight from the
// record; all else is jq's. Both give the same. Not for use by several goroutines at once.
type KeyQuery struct {
	names []string // nil if the query does not tell
	paths []keyPath
	code  *gojq.Code
	bound *queryRun

	scratch []byte
}

// keyPath is an expression that needs no jq: .a.b, or .a.b|tostring.
type keyPath struct {
	fields   []string
	toString bool

	keys    *jsontext.Keys // that matches belongs to
	matches []bool         // by number: the key is fields[0]
}

// CompileKeys compiles a query.
func CompileKeys(query string) (*KeyQuery, error) {
	q, err := gojq.Parse(query)
	if err != nil {
		return nil, fmt.Errorf("metadata extraction query: %w", err)
	}
	if err := checkPure(q); err != nil {
		return nil, err
	}
	k := &KeyQuery{bound: new(queryRun)}
	if k.code, err = compileBounded(query, k.bound); err != nil {
		return nil, fmt.Errorf("metadata extraction query: %w", err)
	}
	t := term(q)
	if t == nil || t.Type != gojq.TermTypeObject || len(t.SuffixList) > 0 {
		return k, nil
	}
	simple := true
	for _, kv := range t.Object.KeyVals {
		name, path, ok := keyValue(kv)
		if name == "" {
			k.names, k.paths = nil, nil
			return k, nil
		}
		if slices.Contains(k.names, name) {
			simple = false
			continue
		}
		k.names = append(k.names, name)
		k.paths = append(k.paths, path)
		simple = simple && ok
	}
	if len(k.names) > maxQueryKeys {
		return nil, fmt.Errorf("metadata extraction query: %d partition keys, at most %d are allowed", len(k.names), maxQueryKeys)
	}
	if !simple {
		k.paths = nil
	}
	return k, nil
}

// term returns the only term of a query.
func term(q *gojq.Query) *gojq.Term {
	for q != nil && q.Term != nil && q.Left == nil && len(q.FuncDefs) == 0 && len(q.Imports) == 0 && q.Meta == nil {
		if q.Term.Type != gojq.TermTypeQuery || len(q.Term.SuffixList) > 0 {
			return q.Term
		}
		q = q.Term.Query // in parentheses
	}
	return nil
}

// keyValue returns the name of a key of an object that a query makes, "" if it is
// computed, and its value if that is a path.
func keyValue(kv *gojq.ObjectKeyVal) (name string, path keyPath, ok bool) {
	switch {
	case kv.KeyString != nil && len(kv.KeyString.Queries) == 0:
		name = kv.KeyString.Str
	case kv.Key != "":
		name = kv.Key
	}
	if name == "" || name[0] == '$' {
		return "", path, false
	}
	if kv.Val == nil { // {a} is {a: .a}
		path.fields = []string{name}
		return name, path, true
	}
	v := kv.Val
	for v.Term != nil && v.Term.Type == gojq.TermTypeQuery && len(v.Term.SuffixList) == 0 && len(v.FuncDefs) == 0 {
		v = v.Term.Query // in parentheses
	}
	if v.Op == gojq.OpPipe && len(v.FuncDefs) == 0 && len(v.Patterns) == 0 {
		f := term(v.Right)
		if f == nil || f.Type != gojq.TermTypeFunc || f.Func.Name != "tostring" || len(f.Func.Args) > 0 || len(f.SuffixList) > 0 {
			return name, path, false
		}
		path.toString = true
		v = v.Left
	}
	t := term(v)
	if t == nil || t.Type != gojq.TermTypeIndex || !field(t.Index, &path) {
		return name, path, false
	}
	for _, s := range t.SuffixList {
		if s.Iter || s.Optional || s.Index == nil || !field(s.Index, &path) {
			return name, path, false
		}
	}
	return name, path, true
}

// field appends the field that an index names to the path.
func field(x *gojq.Index, p *keyPath) bool {
	switch {
	case x.IsSlice || x.Start != nil && stringOf(x.Start) == nil || x.End != nil:
		return false
	case x.Name != "":
		p.fields = append(p.fields, x.Name)
	case x.Str != nil && len(x.Str.Queries) == 0:
		p.fields = append(p.fields, x.Str.Str)
	case x.Start != nil: // ["a"]
		p.fields = append(p.fields, *stringOf(x.Start))
	default:
		return false
	}
	return true
}

func stringOf(q *gojq.Query) *string {
	if t := term(q); t != nil && t.Type == gojq.TermTypeString && len(t.SuffixList) == 0 && len(t.Str.Queries) == 0 {
		return &t.Str.Str
	}
	return nil
}

// Names are the keys that the query makes, in its order; nil if only running it tells.
func (k *KeyQuery) Names() []string { return k.names }

// KeyValues are the partition keys of a record. It is used again for the next.
type KeyValues struct {
	names []string
	ends  []int
	buf   []byte
}

// Reset forgets all keys.
func (v *KeyValues) Reset() { v.names, v.ends, v.buf = v.names[:0], v.ends[:0], v.buf[:0] }

// Set adds a key, such as one that a function returned.
func (v *KeyValues) Set(name, value string) {
	v.buf = append(v.buf, value...)
	v.end(name)
}

func (v *KeyValues) end(name string) {
	v.names = append(v.names, name)
	v.ends = append(v.ends, len(v.buf))
}

// Len is how many keys there are.
func (v *KeyValues) Len() int { return len(v.names) }

// Name is that of the i-th key.
func (v *KeyValues) Name(i int) string { return v.names[i] }

// Value is that of the i-th key.
func (v *KeyValues) Value(i int) []byte {
	start := 0
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.buf[start:v.ends[i]]
}

// Get is the value of the named key, nil if there is none.
func (v *KeyValues) Get(name string) []byte {
	for i, n := range v.names {
		if n == name {
			return v.Value(i)
		}
	}
	return nil
}

// Extract replaces dst by the keys of a record. The error is a *PartitionError. A value
// is a string, a number as the record writes it, or a boolean; there is no partition for
// null, an empty string, an array or an object.
func (k *KeyQuery) Extract(r *jsontext.Record, dst *KeyValues) error {
	dst.Reset()
	if k.paths == nil || r.Kind != jsontext.Object {
		return k.run(r, dst)
	}
	for i := range k.paths {
		p := &k.paths[i]
		b, kind, escaped, err := k.find(r, p)
		if err != nil {
			return err
		}
		switch kind {
		case jsontext.String:
			if escaped {
				dst.buf = jsontext.AppendUnquoted(dst.buf, b[1:len(b)-1])
			} else {
				dst.buf = append(dst.buf, b[1:len(b)-1]...)
			}
			if len(b) == 2 {
				return errEmptyKey
			}
		case jsontext.Null:
			if !p.toString {
				return errEmptyKey
			}
			dst.buf = append(dst.buf, "null"...)
		case jsontext.Object, jsontext.Array:
			if p.toString {
				return k.run(r, dst) // jq sorts the keys
			}
			return notScalar(k.names[i], kind)
		default:
			dst.buf = append(dst.buf, b...)
		}
		dst.end(k.names[i])
	}
	return nil
}

func notScalar(name string, kind jsontext.Kind) error {
	return &PartitionError{ExtractionFailed, fmt.Sprintf("partitionKeys value of %s must not be an %s", name, kind)}
}

// find follows a path; what is not there is null.
func (k *KeyQuery) find(r *jsontext.Record, p *keyPath) (b []byte, kind jsontext.Kind, escaped bool, err error) {
	kind = jsontext.Null
	if p.keys != &r.Keys {
		p.keys, p.matches = &r.Keys, p.matches[:0]
	}
	for len(p.matches) < r.Keys.Len() {
		p.matches = append(p.matches, r.Keys.Name(int32(len(p.matches))) == p.fields[0])
	}
	// The last of several members with one key counts.
	for i := len(r.Members) - 1; i >= 0; i-- {
		m := &r.Members[i]
		if m.Key >= 0 && p.matches[m.Key] || m.Key < 0 && string(r.AppendKey(k.scratch[:0], m)) == p.fields[0] {
			b, kind, escaped = r.Text[m.Lo:m.Hi], m.Kind, m.Escaped
			break
		}
	}
	for _, f := range p.fields[1:] {
		if kind == jsontext.Null {
			return nil, kind, false, nil
		}
		if kind != jsontext.Object {
			return nil, kind, false, &PartitionError{ExtractionFailed, fmt.Sprintf("Cannot index %s with %q", kind, f)}
		}
		text := b
		b, kind, escaped = nil, jsontext.Null, false
		it := jsontext.Over(text)
		for {
			m, ok := it.Member()
			if !ok {
				break
			}
			name := text[m.KeyLo:m.KeyHi]
			if m.KeyEscaped {
				k.scratch = jsontext.AppendUnquoted(k.scratch[:0], name)
				name = k.scratch
			}
			if string(name) == f {
				b, kind, escaped = text[m.Lo:m.Hi], m.Kind, m.Escaped
			}
		}
	}
	return b, kind, escaped, nil
}

// run is Extract by jq.
func (k *KeyQuery) run(r *jsontext.Record, dst *KeyValues) error {
	dst.Reset()
	var in any
	d := json.NewDecoder(bytes.NewReader(r.Text))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return NotJSON
	}
	k.bound.begin(len(r.Text))
	out, ok := k.code.RunWithContext(k.bound, in).Next()
	if !ok {
		return &PartitionError{ExtractionFailed, "metadata extraction query gave no result"}
	}
	if err, ok := out.(error); ok {
		return &PartitionError{ExtractionFailed, err.Error()}
	}
	obj, ok := out.(map[string]any)
	if !ok {
		return &PartitionError{ExtractionFailed, "metadata extraction query must give an object"}
	}
	names := k.names
	if names == nil {
		for name := range obj {
			names = append(names, name)
		}
		sort.Strings(names)
	}
	for _, name := range names {
		switch v := obj[name].(type) {
		case nil:
			return errEmptyKey
		case string:
			if v == "" {
				return errEmptyKey
			}
			dst.buf = append(dst.buf, v...)
		case map[string]any:
			return notScalar(name, jsontext.Object)
		case []any:
			return notScalar(name, jsontext.Array)
		case json.Number:
			dst.buf = append(dst.buf, v...)
		default:
			b, err := gojq.Marshal(v)
			if err != nil {
				return &PartitionError{ExtractionFailed, err.Error()}
			}
			dst.buf = append(dst.buf, b...)
		}
		dst.end(name)
	}
	return nil
}
