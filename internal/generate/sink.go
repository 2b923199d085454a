package generate

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
)

// PutRecordsAPI is what a stream takes records by: a client of Kinesis.
type PutRecordsAPI interface {
	PutRecords(context.Context, *kinesis.PutRecordsInput, ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error)
}

// PutRecordBatchAPI is what a delivery stream takes records by: a client of Firehose.
type PutRecordBatchAPI interface {
	PutRecordBatch(context.Context, *firehose.PutRecordBatchInput, ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error)
}

// Refused records are tried again after retryFirst, twice that, and so on up to retryMost.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
)

// retry calls put with what is left of a batch until nothing is.
func retry(ctx context.Context, clock clockwork.Clock, batch []Record, put func([]Record) (again []Record, err error)) (int, error) {
	total, wait := len(batch), retryFirst
	for {
		again, err := put(batch)
		if err != nil {
			return total - len(batch), err
		}
		if len(again) == 0 {
			return total, nil
		}
		if len(again) == len(batch) {
			select {
			case <-clock.After(wait):
			case <-ctx.Done():
				return total - len(again), context.Cause(ctx)
			}
			wait = min(2*wait, retryMost)
		}
		batch = again
	}
}

// StreamSink puts records into a Kinesis stream.
type StreamSink struct {
	Client PutRecordsAPI
	Stream string
	Clock  clockwork.Clock
}

// Limits are those of PutRecords.
func (*StreamSink) Limits() (records, bytes int) { return 500, 5 << 20 }

// Put sends a batch.
func (s *StreamSink) Put(ctx context.Context, batch []Record) (int, error) {
	return retry(ctx, s.Clock, batch, func(batch []Record) (again []Record, err error) {
		in := &kinesis.PutRecordsInput{StreamName: &s.Stream, Records: make([]kinesistypes.PutRecordsRequestEntry, len(batch))}
		for i := range batch {
			in.Records[i].Data, in.Records[i].PartitionKey = batch[i].Data, &batch[i].Key
		}
		out, err := s.Client.PutRecords(ctx, in)
		if err != nil {
			return nil, err
		}
		for i, r := range out.Records {
			if r.ErrorCode != nil {
				again = append(again, batch[i])
			}
		}
		return again, nil
	})
}

// DeliverySink puts records into a delivery stream.
type DeliverySink struct {
	Client PutRecordBatchAPI
	Stream string
	Clock  clockwork.Clock
}

// Limits are those of PutRecordBatch.
func (*DeliverySink) Limits() (records, bytes int) { return 500, 4 << 20 }

// Put sends a batch.
func (s *DeliverySink) Put(ctx context.Context, batch []Record) (int, error) {
	return retry(ctx, s.Clock, batch, func(batch []Record) (again []Record, err error) {
		in := &firehose.PutRecordBatchInput{DeliveryStreamName: &s.Stream, Records: make([]firehosetypes.Record, len(batch))}
		for i := range batch {
			in.Records[i].Data = batch[i].Data
		}
		out, err := s.Client.PutRecordBatch(ctx, in)
		if err != nil {
			return nil, err
		}
		for i, r := range out.RequestResponses {
			if aws.ToString(r.ErrorCode) != "" {
				again = append(again, batch[i])
			}
		}
		return again, nil
	})
}

// HTTPSink posts each record to an address. A record that is answered with 400 or 422 was refused by a service that
// validates: it is counted as refused, and sending goes on. 429 and 500 and up are tried again, others end it.
type HTTPSink struct {
	Client *http.Client
	URL    string
	Wrap   func(Record) []byte // makes the body of a record; nil: the record itself
	Clock  clockwork.Clock

	refused atomic.Int64
}

// Refused is how many records the service refused as invalid.
func (s *HTTPSink) Refused() int64 { return s.refused.Load() }

// Limits are of one request for a record, several in a batch.
func (*HTTPSink) Limits() (records, bytes int) { return 20, 10 << 20 }

// Put posts a batch, record by record.
func (s *HTTPSink) Put(ctx context.Context, batch []Record) (int, error) {
	for i, r := range batch {
		if _, err := retry(ctx, s.Clock, []Record{r}, func(one []Record) ([]Record, error) { return s.post(ctx, one) }); err != nil {
			return i, err
		}
	}
	return len(batch), nil
}

func (s *HTTPSink) post(ctx context.Context, one []Record) (again []Record, err error) {
	body := one[0].Data
	if s.Wrap != nil {
		body = s.Wrap(one[0])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	switch {
	case resp.StatusCode < 300:
		return nil, nil
	case resp.StatusCode == http.StatusUnprocessableEntity, resp.StatusCode == http.StatusBadRequest:
		s.refused.Add(1)
		return nil, nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		return one, nil
	}
	return nil, fmt.Errorf("POST %s: %s: %s", s.URL, resp.Status, shorten(answer))
}

// WriterSink writes records one after the other.
type WriterSink struct {
	mu sync.Mutex
	w  *bufio.Writer
}

// NewWriterSink returns a sink of a writer.
func NewWriterSink(w io.Writer) *WriterSink { return &WriterSink{w: bufio.NewWriterSize(w, 256<<10)} }

// Limits are of a few large writes.
func (*WriterSink) Limits() (records, bytes int) { return 1000, 1 << 20 }

// Put writes a batch.
func (s *WriterSink) Put(_ context.Context, batch []Record) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range batch {
		if _, err := s.w.Write(r.Data); err != nil {
			return i, err
		}
	}
	return len(batch), s.w.Flush()
}

var errNoTarget = errors.New("want kinesis:STREAM, firehose:STREAM, an http(s) URL, or - for standard output")

// Target is where a feed goes, as text says it.
type Target struct{ Kind, Name string } // kinesis, firehose, http, stdout

// ParseTarget reads a target: kinesis:NAME, firehose:NAME, http://..., https://... or -.
func ParseTarget(text string) (Target, error) {
	switch {
	case text == "-":
		return Target{Kind: "stdout"}, nil
	case len(text) > len("kinesis:") && text[:8] == "kinesis:":
		return Target{"kinesis", text[8:]}, nil
	case len(text) > len("firehose:") && text[:9] == "firehose:":
		return Target{"firehose", text[9:]}, nil
	case len(text) > 8 && (text[:7] == "http://" || text[:8] == "https://"):
		return Target{"http", text}, nil
	}
	return Target{}, fmt.Errorf("target %q: %w", text, errNoTarget)
}
