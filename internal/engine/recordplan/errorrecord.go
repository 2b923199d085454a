package recordplan

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"
)

// An ErrorRecord is a record that could not be delivered, in the envelope in which it
// goes below the error prefix: a line of JSON.
type ErrorRecord struct {
	Attempts    int
	Arrival     time.Time
	Ended       time.Time // when the last attempt ended
	Code        string
	Message     string
	Raw         []byte
	Sequence    string // of a record from a Kinesis stream
	SubSequence int64
	LambdaARN   string // if the function failed
	// Table is where the schema is from, as JSON, if the record could not be converted.
	// AWS then names the code and message lastErrorCode and lastErrorMessage.
	Table []byte
}

// Append appends the envelope and a newline to dst.
func (r *ErrorRecord) Append(dst []byte) []byte {
	dst = append(dst, `{"attemptsMade":`...)
	dst = strconv.AppendInt(dst, int64(r.Attempts), 10)
	dst = append(dst, `,"arrivalTimestamp":`...)
	dst = strconv.AppendInt(dst, r.Arrival.UnixMilli(), 10)
	code, message := `,"errorCode":`, `,"errorMessage":`
	if r.Table != nil {
		code, message = `,"lastErrorCode":`, `,"lastErrorMessage":`
	}
	dst = appendQuoted(append(dst, code...), r.Code)
	dst = appendQuoted(append(dst, message...), r.Message)
	dst = append(dst, `,"attemptEndingTimestamp":`...)
	dst = strconv.AppendInt(dst, r.Ended.UnixMilli(), 10)
	dst = append(dst, `,"rawData":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, r.Raw)
	dst = append(dst, '"')
	if r.Sequence != "" {
		dst = appendQuoted(append(dst, `,"sequenceNumber":`...), r.Sequence)
		dst = append(dst, `,"subSequenceNumber":`...)
		dst = strconv.AppendInt(dst, r.SubSequence, 10)
	}
	if r.LambdaARN != "" {
		dst = appendQuoted(append(dst, `,"lambdaArn":`...), r.LambdaARN)
	}
	if r.Table != nil {
		dst = append(append(dst, `,"dataCatalogTable":`...), r.Table...)
	}
	return append(dst, '}', '\n')
}

func appendQuoted(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // a string always can be
		return append(dst, `""`...)
	}
	return append(dst, b...)
}
