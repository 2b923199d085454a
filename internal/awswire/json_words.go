package awswire

import (
	"bytes"
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/awswire/scan"
)

// This file: JSON as the newer of AWS's readers takes it (API.NewerReader), which takes
// texts for booleans and numbers beyond an integer's range, and words what it does not take
// in its own way.

// misplaced is a value of another kind than its place takes. The words depend on whether
// that place is a member of a structure or an element of a list or a map: the list or the
// map around it puts in its own.
type misplaced struct {
	error       // as of a member
	place *plan // what was expected
}

func (m *misplaced) Unwrap() error { return m.error }

// inside is the error of an element, where err says that it is of another kind than elem.
func inside(elem *plan, err error) error {
	m, ok := err.(*misplaced)
	if !ok || m.place != elem {
		return err
	}
	if elem.kind == kindList || elem.kind == kindMap {
		return errSyntax
	}
	return serializationError("Unexpected value type in payload")
}

// newerMismatch words that the next value, which begins with c, is not of p's kind.
func (d *jsonDecoder) newerMismatch(p *plan, c byte) error {
	what := "NUMBER_VALUE"
	switch {
	case c == '[':
		return errSyntax
	case c == '{':
		return serializationError("Start of structure or map found where not expected")
	case p.kind == kindList, p.kind == kindMap, p.kind == kindStruct, p.kind == kindUnion:
		return &misplaced{error: serializationError("Unexpected field type"), place: p}
	case p.kind == kindBlob:
		return serializationError("only base-64-encoded strings are convertible to bytes")
	case c == '"' && p.kind == kindBool:
		return serializationError("Unexpected token received from parser")
	case c == '"':
		what = "STRING_VALUE"
	case c == 't':
		what = "TRUE_VALUE"
	case c == 'f':
		what = "FALSE_VALUE"
	default:
		start := d.Pos
		if s, err := d.Number(); err == nil && bytes.ContainsAny(s, ".eE") {
			what = "DECIMAL_VALUE"
		}
		d.Pos = start
	}
	return serializationError(what + " cannot be converted to " + wordFor(p))
}

// boolean reads a text that is a boolean's word in letters of any case.
func (d *jsonDecoder) boolean(v reflect.Value) (ok bool, err error) {
	start := d.Pos
	s, err := d.Text()
	if err != nil {
		return false, err
	}
	yes := strings.EqualFold(string(s), "true")
	if !yes && !strings.EqualFold(string(s), "false") {
		d.Pos = start
		return false, nil
	}
	v.SetBool(yes)
	return true, nil
}

// setNearest sets an integer field from a JSON number: one beyond the field's range becomes
// the integer of the range that is nearest.
func setNearest(v reflect.Value, s []byte) {
	if setInt(v, s) == nil {
		return
	}
	n := int64(math.MaxInt64) >> (64 - v.Type().Bits())
	if s[0] == '-' {
		n = -n - 1
	}
	v.SetInt(n)
}

// newerBlob words what is wrong with text, which is no base64.
func newerBlob(text []byte) error {
	if len(text)%4 != 0 {
		return serializationError("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text)))
	}
	out := make([]byte, scan.DecodedLen(len(text)))
	if _, err := base64.StdEncoding.Decode(out, text); err == nil && !bytes.ContainsAny(text, "\r\n") { // padding leaves bits over
		return serializationError("Invalid last non-pad Base64 character dectected")
	}
	return serializationError("Unexpected value type in payload")
}
