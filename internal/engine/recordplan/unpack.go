package recordplan

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
	"github.com/brookmere/brookmere/internal/engine/kpl"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Codes of records that cannot be unpacked. AWS documents none for them.
const (
	DecompressionFailed = "Decompression.Failed"
	ExtractionInvalid   = "CloudWatchLogProcessing.InvalidMessage"
)

// maxUnpacked is the size of a record after decompression, so that a small record cannot
// fill the memory.
const maxUnpacked = 16 << 20

// An Origin says where a record comes from, beyond what the log says.
type Origin struct {
	Shard        string `json:"shard,omitempty"` // of a Kinesis stream
	Sequence     string `json:"sequence,omitempty"`
	Sub          int64  `json:"sub,omitempty"` // in an aggregated record
	PartitionKey string `json:"key,omitempty"`
}

// AppendKinesisKey appends what a source of Kinesis records gives as their keys: the
// shard, the sequence number and the partition key.
func AppendKinesisKey(dst []byte, shard, sequence, partitionKey string) []byte {
	dst = append(dst, shard...)
	dst = append(dst, '\n')
	dst = append(dst, sequence...)
	dst = append(dst, '\n')
	return append(dst, partitionKey...)
}

func (o *Origin) parse(key []byte) {
	shard, rest, _ := bytes.Cut(key, []byte{'\n'})
	sequence, partition, _ := bytes.Cut(rest, []byte{'\n'})
	*o = Origin{Shard: string(shard), Sequence: string(sequence), PartitionKey: string(partition)}
}

// unpacker takes the records out of those that a source gives.
type unpacker struct {
	spec    *Spec
	splitAt []byte
	origin  Origin // of the record at hand
	values  Values
}

// kinesis calls f with the records that the user put into one record of a Kinesis stream.
func (u *unpacker) kinesis(key, data []byte, f func([]byte)) {
	u.origin.parse(key)
	ok := kpl.Deaggregate(data, func(partition string, part []byte) {
		u.origin.PartitionKey = partition
		f(part)
		u.origin.Sub++
	})
	if !ok {
		f(data)
	}
}

// open decompresses data and takes log messages out of it, if the spec says so. What it
// yields does not change afterwards.
func (u *unpacker) open(data []byte, f func([]byte), fail func(data []byte, code, reason string)) {
	raw := data
	if u.spec.Decompress {
		var err error
		if data, err = gunzip(data); err != nil {
			fail(raw, DecompressionFailed, "The record could not be decompressed: "+err.Error())
			return
		}
	}
	if !u.spec.Messages {
		f(data)
		return
	}
	// A record of CloudWatch Logs may hold several documents, one after the other.
	var events []logEvents
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var e logEvents
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || e.Type == "" {
			fail(raw, ExtractionInvalid, "The record is not a CloudWatch Logs message")
			return
		}
		events = append(events, e)
	}
	for _, e := range events {
		if e.Type != "DATA_MESSAGE" {
			continue // CONTROL_MESSAGE asks whether anybody is there
		}
		for _, l := range e.Events {
			f([]byte(l.Message))
		}
	}
}

// logEvents is the payload of a subscription of CloudWatch Logs.
type logEvents struct {
	Type   string `json:"messageType"`
	Events []struct {
		Message string `json:"message"`
	} `json:"logEvents"`
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err == nil && len(out) > maxUnpacked {
		err = fmt.Errorf("more than %d bytes", maxUnpacked)
	}
	return out, err
}

// split calls f with each of the records that data holds, or with data.
func (u *unpacker) split(data []byte, f func([]byte), fail func(data []byte, code, reason string)) {
	switch u.spec.Split {
	case SplitDelimited:
		n := 0
		for part, rest := range Delimited(data, u.splitAt) {
			if n++; n > MaxSubRecords {
				fail(rest, ExtractionFailed, errTooManySubRecords.Reason)
				return
			}
			f(part)
		}
	case SplitJSON:
		n := 0
		for at := jsontext.SkipSpace(data, 0); at < len(data); at = jsontext.SkipSpace(data, at) {
			if n++; n > MaxSubRecords {
				fail(data[at:], ExtractionFailed, errTooManySubRecords.Reason)
				return
			}
			end, _, _, err := jsontext.Skip(data, at)
			if err != nil {
				fail(data[at:], ExtractionFailed, NotJSON.Reason)
				return
			}
			f(data[at:end])
			at = end
		}
	default:
		f(data)
	}
}

// An Outcome is what a function made of a record. Transform writes it as the key of the
// record in the transformed log, and the plan reads it there.
type Outcome struct {
	Result  Result            `json:"result,omitempty"`
	Data    []byte            `json:"-"` // of the record; what was sent, when it failed
	Keys    map[string]string `json:"keys,omitempty"`
	Arrival int64             `json:"arrival"` // Unix milliseconds
	Origin

	// Of one that failed.
	Code     string `json:"code,omitempty"`
	Message  string `json:"message,omitempty"`
	Function string `json:"function,omitempty"` // its ARN
	Attempts int    `json:"attempts,omitempty"`
	Ended    int64  `json:"ended,omitempty"` // Unix milliseconds

	From shardlog.Position `json:"from"` // of the record it was made of
}

// Result of a function for a record.
type Result string

// Results. The zero value is that of a record which goes on.
const (
	Ok      Result = ""
	Dropped Result = "dropped"
	Failed  Result = "failed"
)

func (o *Outcome) envelope() []byte {
	e := ErrorRecord{
		Attempts: o.Attempts, Arrival: time.UnixMilli(o.Arrival).UTC(), Ended: time.UnixMilli(o.Ended).UTC(), Code: o.Code, Message: o.Message,
		Raw: o.Data, Sequence: o.Sequence, SubSequence: o.Sub, LambdaARN: o.Function,
	}
	return e.Append(nil)
}

// appendKeyValue appends a value of a partition key to the name of a partition.
func appendKeyValue(dst, v []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(v)), 10)
	return append(append(dst, ':'), v...)
}
