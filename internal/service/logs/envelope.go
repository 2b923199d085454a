package logs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/klauspost/compress/gzip"

	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/logstore"
)

// envelope is what subscriptions send, as gzip.
type envelope struct {
	MessageType         string          `json:"messageType"`
	Owner               string          `json:"owner"`
	LogGroup            string          `json:"logGroup"`
	LogStream           string          `json:"logStream"`
	SubscriptionFilters []string        `json:"subscriptionFilters"`
	LogEvents           []envelopeEvent `json:"logEvents"`
}

type envelopeEvent struct {
	ID              string            `json:"id"`
	Timestamp       int64             `json:"timestamp"`
	Message         string            `json:"message"`
	ExtractedFields map[string]string `json:"extractedFields,omitempty"`
}

// Bounds of one envelope: of what is compressed, of the result for streams, and for a function, whose event has it
// in base64.
const (
	maxEnvelopeText   = 4 << 20
	maxEnvelope       = 1_000_000
	maxLambdaEnvelope = 180 << 10
)

// batch is the envelope of events of one stream.
type batch struct {
	stream string
	data   []byte
}

// batches makes the envelopes of what matches in some blocks.
func (s *Service) batches(g *groupDoc, d *subscriptionDoc, p *logpattern.Pattern, blocks []logstore.Block) ([]batch, error) {
	_, names, err := s.numbers(g, nil)
	if err != nil {
		return nil, err
	}
	byStream := map[uint64][]envelopeEvent{}
	var order []uint64
	for i := range blocks {
		b := &blocks[i]
		if _, ok := names[b.Stream]; !ok {
			continue // it has been deleted
		}
		for k, l := range b.Lines {
			fields, ok := p.Extract([]byte(l.Text))
			if !ok {
				continue
			}
			if !p.Space() {
				fields = nil
			}
			if byStream[b.Stream] == nil {
				order = append(order, b.Stream)
			}
			byStream[b.Stream] = append(byStream[b.Stream], envelopeEvent{eventID(b.Key(k)), l.Time, l.Text, dollarless(fields)})
		}
	}
	limit := maxEnvelope
	if d.kind() == "lambda" {
		limit = maxLambdaEnvelope
	}
	var out []batch
	for _, st := range order {
		e := envelope{"DATA_MESSAGE", d.Account, d.Group, names[st], []string{d.Name}, byStream[st]}
		if out, err = e.split(out, limit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func dollarless(fields map[string]string) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]string, len(fields))
	for k, v := range fields {
		out[k[1:]] = v
	}
	return out
}

// split appends the envelope to out, as several where it is larger than the limit.
func (e envelope) split(out []batch, limit int) ([]batch, error) {
	size := 0
	for _, l := range e.LogEvents {
		size += len(l.Message) + 100
	}
	if size <= maxEnvelopeText || len(e.LogEvents) == 1 {
		data, err := e.pack()
		if err != nil {
			return out, err
		}
		if len(data) <= limit || len(e.LogEvents) == 1 {
			return append(out, batch{e.LogStream, data}), nil
		}
	}
	first, second := e, e
	half := len(e.LogEvents) / 2
	first.LogEvents, second.LogEvents = e.LogEvents[:half], e.LogEvents[half:]
	out, err := first.split(out, limit)
	if err != nil {
		return out, err
	}
	return second.split(out, limit)
}

func (e *envelope) pack() ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// control is the envelope that tries a destination.
func (s *Service) control(destination string) (batch, error) {
	e := envelope{"CONTROL_MESSAGE", "CloudwatchLogs", "", "", []string{}, []envelopeEvent{{
		Timestamp: s.nowMillis(), Message: "CWL CONTROL MESSAGE: Checking health of destination " + destination + ".",
	}}}
	data, err := e.pack()
	return batch{"", data}, err
}

// try reports whether a destination takes what it is sent.
func (s *Service) try(ctx context.Context, d *subscriptionDoc) error {
	var err error
	switch d.kind() {
	case "kinesis":
		var b batch
		if b, err = s.control("Kinesis stream"); err == nil {
			err = s.sendKinesis(ctx, d, []batch{b})
		}
		if err != nil {
			return invalid("Could not deliver test message to specified Kinesis stream. Check if the given Kinesis stream is in ACTIVE state. (%v)", err)
		}
	case "firehose":
		var b batch
		if b, err = s.control("Firehose"); err == nil {
			err = s.sendFirehose(ctx, d, []batch{b})
		}
		if err != nil {
			return invalid("Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state. (%v)", err)
		}
	case "lambda":
		if s.cfg.Lambda == nil {
			return unsupported("Subscribing a function")
		}
		if _, err = s.cfg.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &d.Destination, InvocationType: lambdatypes.InvocationTypeDryRun}); err != nil {
			return invalid("Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function. (%v)", err)
		}
	}
	return nil
}

// send sends envelopes to the destination.
func (s *Service) send(ctx context.Context, d *subscriptionDoc, batches []batch) error {
	switch d.kind() {
	case "kinesis":
		return s.sendKinesis(ctx, d, batches)
	case "firehose":
		return s.sendFirehose(ctx, d, batches)
	case "lambda":
		return s.sendLambda(ctx, d, batches)
	}
	return fmt.Errorf("a destination of the service %q is not known", d.kind())
}

// maxRequest bounds a call with several envelopes, in bytes.
const maxRequest = 3 << 20

// chunks calls f with runs of batches of at most that many, and that many bytes together.
func chunks(batches []batch, most int, f func([]batch) error) error {
	for len(batches) > 0 {
		n, size := 0, 0
		for n < len(batches) && n < most && (n == 0 || size+len(batches[n].data) <= maxRequest) {
			size += len(batches[n].data)
			n++
		}
		if err := f(batches[:n]); err != nil {
			return err
		}
		batches = batches[n:]
	}
	return nil
}

func (s *Service) sendKinesis(ctx context.Context, d *subscriptionDoc, batches []batch) error {
	if s.cfg.Kinesis == nil {
		return errors.New("there is no Kinesis")
	}
	return chunks(batches, 500, func(batches []batch) error {
		in := &kinesis.PutRecordsInput{StreamARN: &d.Destination}
		for _, b := range batches {
			key := b.stream
			if d.Distribution == "Random" || key == "" {
				key = newID()
			}
			if len(key) > 256 {
				key = key[:256]
			}
			in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{Data: b.data, PartitionKey: aws.String(key)})
		}
		for {
			out, err := s.cfg.Kinesis.PutRecords(ctx, in)
			if err != nil {
				return err
			}
			if aws.ToInt32(out.FailedRecordCount) == 0 {
				return nil
			}
			var rest []kinesistypes.PutRecordsRequestEntry
			for i, r := range out.Records {
				if r.ErrorCode != nil {
					rest = append(rest, in.Records[i])
					err = fmt.Errorf("%s: %s", *r.ErrorCode, aws.ToString(r.ErrorMessage))
				}
			}
			if len(rest) == len(in.Records) {
				return err
			}
			in.Records = rest
		}
	})
}

func (s *Service) sendFirehose(ctx context.Context, d *subscriptionDoc, batches []batch) error {
	if s.cfg.Firehose == nil {
		return errors.New("there is no Firehose")
	}
	name := d.Destination[lastIndex(d.Destination, '/')+1:]
	return chunks(batches, 500, func(batches []batch) error {
		in := &firehose.PutRecordBatchInput{DeliveryStreamName: &name}
		for _, b := range batches {
			in.Records = append(in.Records, firehosetypes.Record{Data: b.data})
		}
		for {
			out, err := s.cfg.Firehose.PutRecordBatch(ctx, in)
			if err != nil {
				return err
			}
			if aws.ToInt32(out.FailedPutCount) == 0 {
				return nil
			}
			var rest []firehosetypes.Record
			for i, r := range out.RequestResponses {
				if r.ErrorCode != nil {
					rest = append(rest, in.Records[i])
					err = fmt.Errorf("%s: %s", *r.ErrorCode, aws.ToString(r.ErrorMessage))
				}
			}
			if len(rest) == len(in.Records) {
				return err
			}
			in.Records = rest
		}
	})
}

func (s *Service) sendLambda(ctx context.Context, d *subscriptionDoc, batches []batch) error {
	if s.cfg.Lambda == nil {
		return errors.New("there is no Lambda")
	}
	for _, b := range batches {
		payload := []byte(`{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(b.data) + `"}}`)
		if _, err := s.cfg.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &d.Destination, InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

func lastIndex(s string, c byte) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == c {
			return i
		}
	}
	return -1
}
