package crawl

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// Avro object containers: their header has the schema as JSON. Records are counted from
// the heads of the blocks, of which as many are looked at as were read.

var avroMagic = []byte("Obj\x01")

// avroFile takes what head, the beginning of a file, says of it.
func avroFile(f *file, head []byte) bool {
	rest, ok := bytes.CutPrefix(head, avroMagic)
	if !ok {
		return false
	}
	meta, rest, ok := avroMeta(rest)
	if !ok || len(rest) < 16 {
		return false
	}
	var parsed any
	if json.Unmarshal(meta["avro.schema"], &parsed) != nil {
		return false
	}
	s := avroSchema{named: make(map[string]*hivetype.Type)}
	t := s.hive(parsed, "", 0)
	if t == nil || t.Kind != hivetype.Struct || len(t.Fields) == 0 {
		return false
	}
	f.format.Classification, f.format.Schema = Avro, string(meta["avro.schema"])
	seen := make(map[string]bool)
	for _, field := range t.Fields {
		if !seen[field.Name] {
			seen[field.Name] = true
			f.columns = append(f.columns, Column(field))
		}
	}
	counted := int64(0)
	for rest = rest[16:]; ; {
		n, after, ok := avroLong(rest)
		if !ok || n <= 0 {
			break
		}
		size, after, ok := avroLong(after)
		if !ok || size < 0 || n > f.Size*1024 { // a record may have no bytes at all
			break
		}
		f.records += n
		counted += size
		if size+16 > int64(len(after)) {
			break
		}
		rest = after[size+16:]
	}
	if counted > 0 && f.Size > int64(len(head)) {
		f.records = max(f.records, int64(float64(f.records)*float64(f.Size)/float64(counted)))
	}
	return true
}

// avroLong reads a number in zigzag form.
func avroLong(b []byte) (int64, []byte, bool) {
	n, size := binary.Varint(b)
	if size <= 0 {
		return 0, nil, false
	}
	return n, b[size:], true
}

// avroMeta reads the map of a header, and returns what follows it.
func avroMeta(b []byte) (map[string][]byte, []byte, bool) {
	meta := make(map[string][]byte)
	text := func() ([]byte, bool) {
		n, rest, ok := avroLong(b)
		if !ok || n < 0 || n > int64(len(rest)) {
			return nil, false
		}
		b = rest[n:]
		return rest[:n], true
	}
	for {
		n, rest, ok := avroLong(b)
		if !ok {
			return nil, nil, false
		}
		b = rest
		if n == 0 {
			return meta, b, true
		}
		if n < 0 { // the block's length follows
			n = -n
			if _, b, ok = avroLong(b); !ok {
				return nil, nil, false
			}
		}
		for ; n > 0; n-- {
			k, ok := text()
			if !ok {
				return nil, nil, false
			}
			v, ok := text()
			if !ok {
				return nil, nil, false
			}
			meta[string(k)] = v
		}
	}
}

// avroSchema turns a schema into a Hive type.
type avroSchema struct {
	named map[string]*hivetype.Type // by full name; nil while it is read
	count int
}

// hive is the type of a schema, nil for null. What refers to itself is text.
func (s *avroSchema) hive(schema any, namespace string, depth int) *hivetype.Type {
	if s.count++; depth > maxJSONDepth || s.count > maxJSONFields {
		return stringType
	}
	switch v := schema.(type) {
	case string:
		return s.primitive(v, namespace)
	case []any:
		var t *hivetype.Type
		for _, branch := range v {
			b := s.hive(branch, namespace, depth+1)
			t = merge(t, b)
		}
		return t
	case map[string]any:
		return s.complex(v, namespace, depth)
	}
	return stringType
}

func (s *avroSchema) primitive(name, namespace string) *hivetype.Type {
	switch name {
	case "null":
		return nil
	case "boolean":
		return booleanType
	case "int":
		return intType
	case "long":
		return bigintType
	case "float":
		return &hivetype.Type{Kind: hivetype.Float}
	case "double":
		return doubleType
	case "bytes":
		return &hivetype.Type{Kind: hivetype.Binary}
	}
	for _, full := range []string{name, namespace + "." + name} {
		if t := s.named[full]; t != nil {
			return t
		}
	}
	return stringType
}

func (s *avroSchema) complex(v map[string]any, namespace string, depth int) *hivetype.Type {
	if n, ok := v["namespace"].(string); ok {
		namespace = n
	}
	kind, _ := v["type"].(string)
	switch v["logicalType"] {
	case "date":
		return dateType
	case "timestamp-millis", "timestamp-micros", "local-timestamp-millis", "local-timestamp-micros":
		return &hivetype.Type{Kind: hivetype.Timestamp}
	case "decimal":
		p, _ := v["precision"].(float64)
		scale, _ := v["scale"].(float64)
		if p >= 1 && p <= 38 && scale >= 0 && scale <= p {
			return &hivetype.Type{Kind: hivetype.Decimal, Precision: int(p), Scale: int(scale)}
		}
	}
	switch kind {
	case "record", "error":
		fields, _ := v["fields"].([]any)
		t := &hivetype.Type{Kind: hivetype.Struct}
		for _, f := range fields {
			field, _ := f.(map[string]any)
			name, _ := field["name"].(string)
			if name == "" || len(t.Fields) >= maxJSONFields {
				return stringType
			}
			t.Fields = append(t.Fields, hivetype.Field{Name: columnName(name), Type: s.hive(field["type"], namespace, depth+1)})
		}
		s.name(v, namespace, t)
		return t
	case "enum":
		s.name(v, namespace, stringType)
		return stringType
	case "fixed":
		t := &hivetype.Type{Kind: hivetype.Binary}
		s.name(v, namespace, t)
		return t
	case "array":
		return &hivetype.Type{Kind: hivetype.Array, Elem: s.hive(v["items"], namespace, depth+1)}
	case "map":
		return &hivetype.Type{Kind: hivetype.Map, Key: stringType, Elem: s.hive(v["values"], namespace, depth+1)}
	}
	return s.hive(v["type"], namespace, depth+1)
}

func (s *avroSchema) name(v map[string]any, namespace string, t *hivetype.Type) {
	name, _ := v["name"].(string)
	s.named[name] = t
	if namespace != "" {
		s.named[namespace+"."+name] = t
	}
}
