// Package schemarecord reads records in the formats of the Glue Schema Registry as JSON objects: what its serializers wrote,
// by the schema whose version a record's header names (package schemaheader), and, in Avro, records without a header by a
// schema that is given.
//
//	AVRO      the binary encoding of one value, without the container of files
//	JSON      as it is
//	PROTOBUF  the number of a message among those of the schema, as a varint, and the message
//
// # Bounds
//
// A record's values are decoded into at most maxValues bytes of memory, a record's JSON has at most MaxText bytes, and a
// Reader keeps the last maxSchemas schemas. What is more is an error of the record.
package schemarecord

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/brookmere/brookmere/internal/engine/schemaheader"
)

// Schema is one version of a schema of a registry. The zero value is none.
type Schema struct {
	Format     string // "AVRO", "JSON" or "PROTOBUF"
	Definition string
}

// Lookup finds a version by its id.
type Lookup func(version string) (Schema, error)

// MaxText bounds the JSON of one record.
const MaxText = 64 << 20

// maxSchemas bounds the schemas that a Reader knows at a time.
const maxSchemas = 1000

var (
	errNoSchema = errors.New("the record names no schema, and the source has none")
	errLong     = fmt.Errorf("the record has more than %d bytes as JSON", MaxText)
)

// decoder appends a payload as JSON.
type decoder interface {
	text(dst, payload []byte) ([]byte, error)
}

// Reader reads records. It is not for several goroutines. The zero value reads none.
type Reader struct {
	Given  Schema // of records without a header
	Lookup Lookup // nil: there is no registry

	known map[string]known // by version; "": the given one
}

type known struct {
	decoder
	err error // why there is none
}

// Check says why a schema cannot read records.
func (s Schema) Check() error {
	_, err := s.decoder()
	return err
}

func (s Schema) decoder() (decoder, error) {
	switch s.Format {
	case "AVRO":
		return newAvro(s.Definition)
	case "JSON":
		return asItIs{}, nil
	case "PROTOBUF":
		return newProtobuf(s.Definition)
	}
	return nil, fmt.Errorf("records of the format %q cannot be read", s.Format)
}

// asItIs is the decoder of JSON.
type asItIs struct{}

func (asItIs) text(dst, payload []byte) ([]byte, error) { return append(dst, payload...), nil }

func (r *Reader) schema(version string) (decoder, error) {
	if k, ok := r.known[version]; ok {
		return k.decoder, k.err
	}
	s := r.Given
	if version != "" {
		if r.Lookup == nil {
			return nil, errNoSchema
		}
		var err error
		if s, err = r.Lookup(version); err != nil {
			return nil, err // it may be there the next time
		}
	} else if s.Definition == "" {
		return nil, errNoSchema
	}
	if r.known == nil || len(r.known) >= maxSchemas {
		r.known = make(map[string]known)
	}
	d, err := s.decoder()
	r.known[version] = known{d, err}
	return d, err
}

// Encoded reports whether a record has a header that names a schema, unless that is JSON: whether AppendJSON makes something
// else of it than its text behind the header, or an error. One whose schema cannot be had is taken for JSON where it begins
// like that.
func (r *Reader) Encoded(record []byte) bool {
	version, ok := schemaheader.Version(record)
	if !ok {
		return false
	}
	d, err := r.schema(version)
	if err != nil {
		text := bytes.TrimLeft(schemaheader.Payload(record), " \t\r\n")
		return len(text) == 0 || text[0] != '{' && text[0] != '['
	}
	_, plain := d.(asItIs)
	return !plain
}

// AppendJSON appends a record as JSON: what is not appended when there is an error is dst as it was. Where the header names a
// schema in JSON, that is the record's text, which is not looked at.
func (r *Reader) AppendJSON(dst, record []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil { // decoders go by reflection
			out, err = dst, fmt.Errorf("the record cannot be decoded: %v", v)
		}
	}()
	version, payload, _ := schemaheader.Split(record)
	d, err := r.schema(version)
	if err != nil {
		return dst, err
	}
	out, err = d.text(dst, payload)
	if err == nil && len(out)-len(dst) > MaxText {
		err = errLong
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}
