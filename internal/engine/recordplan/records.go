package recordplan

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"strconv"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// MaxSubRecords is the most records that Firehose takes out of one that holds several. What
// comes after them goes to the error prefix.
const MaxSubRecords = 500

var errTooManySubRecords = &PartitionError{ExtractionFailed, "The record holds more than " + strconv.Itoa(MaxSubRecords) + " records"}

// Values goes through the JSON values that a record holds, however they are written: one
// or several, printed over lines or not, with white space between them or nothing. It is
// used again for record after record and allocates nothing for one. The zero value is
// ready for Reset.
type Values struct {
	// Value is the one that Next found. It points into the record.
	Value jsontext.Record

	rest []byte
	err  error
}

// Reset begins with another record.
func (v *Values) Reset(data []byte) { v.rest, v.err = data, nil }

// Next finds the next value; false at the end and at what is not JSON.
func (v *Values) Next() bool {
	if v.err != nil {
		return false
	}
	start := jsontext.SkipSpace(v.rest, 0)
	if start == len(v.rest) {
		v.rest = nil
		return false
	}
	n, err := v.Value.Parse(v.rest[start:])
	if err != nil {
		v.rest, v.err = v.rest[start:], err
		return false
	}
	v.rest = v.rest[start+n:]
	return true
}

// Rest is what remains when Next has returned false: nothing and no error at the end,
// else what is not JSON and why. There is no telling where the next value would begin.
func (v *Values) Rest() ([]byte, error) { return v.rest, v.err }

// ParseDelimiter decodes the delimiter of DELIMITED deaggregation, which the API takes in
// base64.
func ParseDelimiter(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("delimiter %q is not base64", s)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("delimiter is empty")
	}
	return b, nil
}

// Delimited goes through the parts of a record between delimiters, empty ones left out;
// each with the rest of the record that begins with it.
func Delimited(data, delimiter []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(part, rest []byte) bool) {
		for len(data) > 0 {
			part, rest := data, data
			if i := bytes.Index(data, delimiter); i >= 0 && len(delimiter) > 0 {
				part, data = data[:i], data[i+len(delimiter):]
			} else {
				data = nil
			}
			if len(part) > 0 && !yield(part, rest) {
				return
			}
		}
	}
}
