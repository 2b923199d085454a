// Package schemacheck checks the syntax of schemas in Avro, JSON Schema and Protocol Buffers, and
// whether a new version of a schema is compatible with earlier ones.
//
// Compatible means, by mode: BACKWARD, data written by the last version can be read by the new
// one; FORWARD, data written by the new one can be read by the last; FULL, both; with _ALL, of
// every earlier version. Avro follows the rules of its specification. JSON Schema is compared by
// structure: types, properties, required members, enumerations and bounds; what is put together
// by allOf, anyOf, oneOf, not or references must be the same. Protocol Buffers are compared by what
// is on the wire (proto_compatible.go).
//
// Everything is bounded: definitions by the caller, nesting by maxNesting, comparing by maxSteps.
package schemacheck

import (
	"fmt"
	"strings"
)

// Valid says what is wrong with a definition; nil when nothing is.
func Valid(format, definition string) error {
	switch format {
	case "AVRO":
		_, err := parseAvro(definition)
		return err
	case "JSON":
		_, err := parseJSON(definition)
		return err
	case "PROTOBUF":
		return checkProto(definition)
	}
	return fmt.Errorf("there is no format %q", format)
}

// Compatible says why a new version is not compatible with the earlier ones, the newest last; nil
// when it is. Definitions are valid.
func Compatible(format, mode, definition string, earlier []string) error {
	if mode == "NONE" || mode == "DISABLED" || len(earlier) == 0 {
		return nil
	}
	if !strings.HasSuffix(mode, "_ALL") {
		earlier = earlier[len(earlier)-1:]
	}
	direction := strings.TrimSuffix(mode, "_ALL")
	for _, old := range earlier {
		if direction == "BACKWARD" || direction == "FULL" {
			if err := reads(format, definition, old); err != nil {
				return fmt.Errorf("the new version does not read what an earlier one wrote: %w", err)
			}
		}
		if direction == "FORWARD" || direction == "FULL" {
			if err := reads(format, old, definition); err != nil {
				return fmt.Errorf("an earlier version does not read what the new one writes: %w", err)
			}
		}
	}
	return nil
}

func reads(format, reader, writer string) error {
	switch format {
	case "AVRO":
		r, err := parseAvro(reader)
		if err != nil {
			return err
		}
		w, err := parseAvro(writer)
		if err != nil {
			return err
		}
		return avroReads(r, w)
	case "JSON":
		r, err := parseJSON(reader)
		if err != nil {
			return err
		}
		w, err := parseJSON(writer)
		if err != nil {
			return err
		}
		return jsonReads(r, w, "", 0)
	}
	r, err := parseProto(reader)
	if err != nil {
		return err
	}
	w, err := parseProto(writer)
	if err != nil {
		return err
	}
	return protoReads(protoTypes(r), protoTypes(w))
}
