package schemarecord

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// Records in Protocol Buffers. The serializers of the Schema Registry number the messages of a schema, nested ones and those of
// the entries of maps too, in the order of their full names, and write the number before the message.
//
// A message becomes an object whose members have the names of its fields in the schema, in their order there. A field
// without a presence of its own (of proto3, and not optional) has its default where it is not set; another one that is not set
// is left out. Enumerations are the names of their values, 64-bit integers are numbers, bytes are text where they are that and
// in base64 where they are not, and numbers that are none are null. Timestamps are texts, as in Avro; wrappers, Struct, Value
// and ListValue are what they hold; a Duration is a text such as 1.5s; an Any stays type_url and value.
//
// Definitions import the types of google/protobuf alone.

const (
	maxValues     = 64 << 20  // memory of a record's values, about
	maxDefinition = 256 << 10 // bytes of a definition
	maxDepth      = 100       // messages within one another
)

type protobuf struct {
	messages []protoreflect.MessageDescriptor
} // by their numbers

func newProtobuf(definition string) (*protobuf, error) {
	if len(definition) > maxDefinition {
		return nil, fmt.Errorf("the schema has more than %d bytes", maxDefinition)
	}
	if err := checkProtobuf(definition); err != nil {
		return nil, err
	}
	const name = "schema.proto"
	c := protocompile.Compiler{MaxParallelism: 1, Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: func(path string) (io.ReadCloser, error) {
			if path != name {
				return nil, fmt.Errorf("%s is not there: a schema imports files of google/protobuf alone", path)
			}
			return io.NopCloser(strings.NewReader(definition)), nil
		},
	})}
	files, err := c.Compile(context.Background(), name)
	if err != nil {
		return nil, err
	}
	p := &protobuf{}
	var add func(all protoreflect.MessageDescriptors)
	add = func(all protoreflect.MessageDescriptors) {
		for i := range all.Len() {
			m := all.Get(i)
			p.messages = append(p.messages, m)
			add(m.Messages())
		}
	}
	add(files[0].Messages())
	if len(p.messages) == 0 {
		return nil, errors.New("the schema has no message")
	}
	slices.SortFunc(p.messages, func(a, b protoreflect.MessageDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return p, nil
}

func (p *protobuf) text(dst, payload []byte) ([]byte, error) {
	at, n := binary.Uvarint(payload)
	if n <= 0 || at >= uint64(len(p.messages)) {
		return dst, errors.New("the record names no message of its schema")
	}
	payload = payload[n:]
	desc := p.messages[at]
	if budget := maxValues; !affordable(desc, payload, &budget, 0) {
		return dst, fmt.Errorf("the record's values take more than %d bytes of memory, or nest deeper than %d", maxValues, maxDepth)
	}
	m := dynamicpb.NewMessage(desc)
	if err := (proto.UnmarshalOptions{RecursionLimit: maxDepth + 1, DiscardUnknown: true}).Unmarshal(payload, m); err != nil {
		return dst, err
	}
	return appendMessage(dst, len(dst), m)
}

// What values take in memory beside their bytes, about.
const (
	messageCost = 256
	valueCost   = 48
)

// affordable counts what a message takes; false when that is more than the budget. What cannot be read is left to the decoder.
func affordable(desc protoreflect.MessageDescriptor, b []byte, budget *int, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if *budget -= messageCost + len(b); *budget < 0 {
		return false
	}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return true
		}
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
			return true
		}
		value := b[:n]
		b = b[n:]
		if *budget -= valueCost; *budget < 0 {
			return false
		}
		f := desc.Fields().ByNumber(number)
		if f == nil {
			continue
		}
		switch {
		case kind == protowire.BytesType && f.Kind() == protoreflect.MessageKind:
			inner, n := protowire.ConsumeBytes(value)
			if n < 0 {
				return true
			}
			if !affordable(f.Message(), inner, budget, depth+1) {
				return false
			}
		case kind == protowire.StartGroupType && f.Kind() == protoreflect.GroupKind:
			inner, n := protowire.ConsumeGroup(number, value)
			if n < 0 {
				return true
			}
			if !affordable(f.Message(), inner, budget, depth+1) {
				return false
			}
		case kind == protowire.BytesType && f.IsList() && f.Kind() != protoreflect.StringKind && f.Kind() != protoreflect.BytesKind:
			if *budget -= valueCost * len(value); *budget < 0 { // packed, at worst a value a byte
				return false
			}
		}
	}
	return true
}

// appendMessage appends a message; start is where the record's text begins.
func appendMessage(dst []byte, start int, m protoreflect.Message) ([]byte, error) {
	if out, ok, err := appendWellKnown(dst, start, m); ok || err != nil {
		return out, err
	}
	dst = append(dst, '{')
	fields := m.Descriptor().Fields()
	first := true
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.HasPresence() && !m.Has(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(jsontext.AppendQuoted(dst, string(f.Name())), ':')
		var err error
		if dst, err = appendField(dst, start, f, m.Get(f)); err != nil {
			return dst, err
		}
		if len(dst)-start > MaxText {
			return dst, errLong
		}
	}
	return append(dst, '}'), nil
}

func appendField(dst []byte, start int, f protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	var err error
	switch {
	case f.IsList():
		dst = append(dst, '[')
		list := v.List()
		for i := range list.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendScalar(dst, start, f, list.Get(i)); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case f.IsMap():
		entries := v.Map()
		keys := make([]protoreflect.MapKey, 0, entries.Len())
		entries.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
			keys = append(keys, k)
			return true
		})
		slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return strings.Compare(a.String(), b.String()) })
		dst = append(dst, '{')
		for i, k := range keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(jsontext.AppendQuoted(dst, k.String()), ':')
			if dst, err = appendScalar(dst, start, f.MapValue(), entries.Get(k)); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	return appendScalar(dst, start, f, v)
}

func appendScalar(dst []byte, start int, f protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	if len(dst)-start > MaxText {
		return dst, errLong
	}
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return appendMessage(dst, start, v.Message())
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v.Bool()), nil
	case protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return jsontext.AppendQuoted(dst, string(e.Name())), nil
		}
		return append(strconv.AppendInt(append(dst, '"'), int64(v.Enum()), 10), '"'), nil
	case protoreflect.StringKind:
		return jsontext.AppendQuoted(dst, v.String()), nil
	case protoreflect.BytesKind:
		return appendBytes(dst, v.Bytes()), nil
	case protoreflect.FloatKind:
		return appendFloat(dst, v.Float(), 32), nil
	case protoreflect.DoubleKind:
		return appendFloat(dst, v.Float(), 64), nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return strconv.AppendInt(dst, v.Int(), 10), nil
}

// appendWellKnown appends a message of google.protobuf that stands for a value; false where it is none.
func appendWellKnown(dst []byte, start int, m protoreflect.Message) ([]byte, bool, error) {
	name, ok := strings.CutPrefix(string(m.Descriptor().FullName()), "google.protobuf.")
	if !ok {
		return dst, false, nil
	}
	field := func(n protoreflect.FieldNumber) (protoreflect.FieldDescriptor, protoreflect.Value) {
		f := m.Descriptor().Fields().ByNumber(n)
		return f, m.Get(f)
	}
	switch name {
	case "Timestamp":
		_, seconds := field(1)
		_, nanos := field(2)
		if s := seconds.Int(); s < -62135596800 || s > 253402300799 || nanos.Int() < 0 || nanos.Int() > 999_999_999 {
			return dst, true, errors.New("a Timestamp is out of range")
		}
		t := time.Unix(seconds.Int(), nanos.Int()).UTC()
		return append(t.AppendFormat(append(dst, '"'), "2006-01-02 15:04:05.000000"), '"'), true, nil
	case "BoolValue", "Int32Value", "Int64Value", "UInt32Value", "UInt64Value", "FloatValue", "DoubleValue", "StringValue", "BytesValue":
		f, v := field(1)
		dst, err := appendScalar(dst, start, f, v)
		return dst, true, err
	case "Duration", "Struct", "Value", "ListValue":
		text, err := protojson.Marshal(m.Interface())
		if err != nil {
			return dst, true, err
		}
		return jsontext.AppendCompact(dst, text, false), true, nil
	}
	return dst, false, nil
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	text := strconv.AppendFloat(nil, v, 'g', -1, bits)
	if !slices.ContainsFunc(text, func(c byte) bool { return c == '.' || c == 'e' }) {
		text = append(text, '.', '0') // it is not an integer, whatever its value
	}
	return append(dst, text...)
}
