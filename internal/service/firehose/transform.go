package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/engine/recordplan"
)

// Lambda has the functions that transform records.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Limits of transformation. https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
const (
	lambdaMaxResponse = 6 << 20
	lambdaMaxRequest  = 6<<20 - 64<<10
	lambdaEventBytes  = 1 << 10 // of an event without its records, at most
	lambdaRecordBytes = 512     // of a record without its data and key, at most
	lambdaMaxKeys     = 4 << 10 // bytes of partition keys of a record; an object's key has 1,024
	lambdaMaxBuffer   = 3       // MB
	lambdaSeconds     = 60
	lambdaRetries     = 3
)

// transformSettings are those of the configuration as it is now. Records of a stream
// that once had a function go the same way when it has none.
func (st *stream) transformSettings() recordplan.TransformSettings {
	d := st.doc.Load()
	s := recordplan.TransformSettings{Spec: d.unpacking(), Size: 1 << 20}
	p := d.processing().find(types.ProcessorTypeLambda)
	if p == nil {
		return s
	}
	s.Size = int64(p.number(types.ProcessorParameterNameBufferSizeInMb, 1) * (1 << 20))
	s.Interval = time.Duration(p.number(types.ProcessorParameterNameBufferIntervalInSeconds, lambdaSeconds)) * time.Second
	s.Function = &lambdaFunction{
		st: st, d: d, arn: p.param(types.ProcessorParameterNameLambdaArn),
		retries: int(p.number(types.ProcessorParameterNameLambdaNumberOfRetries, lambdaRetries)),
	}
	return s
}

// lambdaFunction calls a function of Lambda as Firehose does.
type lambdaFunction struct {
	st      *stream
	d       *streamDoc
	arn     string
	retries int
}

type lambdaEvent struct {
	InvocationID string              `json:"invocationId"`
	StreamARN    string              `json:"deliveryStreamArn"`
	SourceARN    string              `json:"sourceKinesisStreamArn,omitempty"`
	Region       string              `json:"region"`
	Records      []lambdaEventRecord `json:"records"`
}

type lambdaEventRecord struct {
	ID      string              `json:"recordId"`
	Arrival int64               `json:"approximateArrivalTimestamp"`
	Data    []byte              `json:"data"`
	Kinesis *lambdaEventKinesis `json:"kinesisRecordMetadata,omitempty"`
}

type lambdaEventKinesis struct {
	Shard        string `json:"shardId"`
	PartitionKey string `json:"partitionKey"`
	Arrival      int64  `json:"approximateArrivalTimestamp"`
	Sequence     string `json:"sequenceNumber"`
	Sub          int64  `json:"subsequenceNumber"`
}

type lambdaResponse struct {
	Records []lambdaResponseRecord `json:"records"`
}

type lambdaResponseRecord struct {
	ID       *string `json:"recordId"`
	Result   string  `json:"result"`
	Data     *string `json:"data"`
	Metadata *struct {
		Keys map[string]any `json:"partitionKeys"`
	} `json:"metadata"`
}

// lambdaError is why a whole batch failed.
type lambdaError struct {
	code, message string
	final         bool // trying again does not help
}

func (e *lambdaError) Error() string { return e.code + ": " + e.message }

// Transform is that of recordplan.Function. A batch whose event would be larger than a call may
// be goes in several.
func (f *lambdaFunction) Transform(ctx context.Context, batch []recordplan.Outcome) ([]recordplan.Outcome, error) {
	var done []recordplan.Outcome
	for len(batch) > 0 {
		n, size := 0, lambdaEventBytes
		for n < len(batch) {
			size += lambdaRecordBytes + base64.StdEncoding.EncodedLen(len(batch[n].Data)) + 6*len(batch[n].PartitionKey)
			if n > 0 && size > lambdaMaxRequest {
				break
			}
			n++
		}
		out, err := f.call(ctx, batch[:n:n])
		if err != nil {
			return nil, err
		}
		batch = batch[n:]
		if len(batch) == 0 && done == nil {
			return out, nil
		}
		done = append(done, out...)
	}
	return done, nil
}

// call has the function transform records by one event.
func (f *lambdaFunction) call(ctx context.Context, batch []recordplan.Outcome) ([]recordplan.Outcome, error) {
	event := lambdaEvent{InvocationID: uuid.NewString(), StreamARN: f.d.arn(), Region: f.d.Region}
	if f.d.Source != nil {
		event.SourceARN = f.d.Source.StreamARN
	}
	sent := make(map[string]int, len(batch))
	for i := range batch {
		o := &batch[i]
		if o.Result != recordplan.Ok {
			continue // it failed before
		}
		r := lambdaEventRecord{ID: fmt.Sprintf("%032d%010d%06d000000", o.From.Frame, o.From.Index, i), Arrival: o.Arrival, Data: o.Data}
		if r.Data == nil {
			r.Data = []byte{}
		}
		if f.d.Source != nil {
			r.Kinesis = &lambdaEventKinesis{Shard: o.Shard, PartitionKey: o.PartitionKey, Arrival: o.Arrival, Sequence: o.Sequence, Sub: o.Sub}
		}
		sent[r.ID] = i
		event.Records = append(event.Records, r)
	}
	if len(event.Records) == 0 {
		return batch, nil
	}
	answer, failed, attempts, err := f.invokeAgain(ctx, &event)
	if err != nil {
		return nil, err
	}
	a := &lambdaAnswer{f: f, batch: batch, sent: sent, attempts: attempts}
	if failed != nil {
		f.st.s.log.Warn("the function of a delivery stream failed", "stream", f.d.Name, "function", f.arn, "err", failed, "records", len(event.Records))
		for _, r := range event.Records {
			a.fail(&batch[sent[r.ID]], failed.code, failed.message)
		}
		return batch, nil
	}
	return a.outcomes(answer), nil
}

// invokeAgain calls the function until it answers, by the number of retries.
func (f *lambdaFunction) invokeAgain(ctx context.Context, event *lambdaEvent) (answer *lambdaResponse, failed *lambdaError, attempts int, err error) {
	payload, err := json.Marshal(event)
	if err != nil {
		return nil, nil, 0, err
	}
	if len(payload) > lambdaMaxResponse {
		return nil, &lambdaError{code: "Lambda.RequestTooLarge", message: "The request to the function exceeds 6 MB", final: true}, 1, nil
	}
	s := f.st.s
	wait := 200 * time.Millisecond
	for {
		attempts++
		answer, failed = f.invoke(ctx, payload)
		if ctx.Err() != nil {
			return nil, nil, 0, ctx.Err() // the node stops: it was not the function
		}
		if failed == nil || failed.final || attempts > f.retries {
			return answer, failed, attempts, nil
		}
		s.metrics.retries.Inc()
		t := s.clock.NewTimer(wait)
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return nil, nil, 0, ctx.Err()
		}
		wait = min(2*wait, 10*time.Second)
	}
}

func lambdaKeys(m *struct {
	Keys map[string]any `json:"partitionKeys"`
}) (map[string]string, error) {
	if m == nil || len(m.Keys) == 0 {
		return nil, nil
	}
	keys, size := make(map[string]string, len(m.Keys)), 0
	for k, v := range m.Keys {
		switch v := v.(type) {
		case string:
			keys[k] = v
		case float64:
			keys[k] = strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			keys[k] = strconv.FormatBool(v)
		default:
			return nil, errors.New("partitionKeys values must be strings")
		}
		size += len(k) + len(keys[k])
	}
	if size > lambdaMaxKeys {
		return nil, fmt.Errorf("partitionKeys have more than %d bytes", lambdaMaxKeys)
	}
	return keys, nil
}

// invoke calls the function once.
func (f *lambdaFunction) invoke(ctx context.Context, payload []byte) (*lambdaResponse, *lambdaError) {
	out, err := f.st.s.cfg.Lambda.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &f.arn, InvocationType: lambdatypes.InvocationTypeRequestResponse, Payload: payload,
	})
	if err != nil {
		var e smithy.APIError
		if errors.As(err, &e) {
			switch e.ErrorCode() {
			case "ResourceNotFoundException":
				return nil, &lambdaError{code: "Lambda.FunctionNotFound", message: "The specified function does not exist."}
			case "TooManyRequestsException":
				return nil, &lambdaError{code: "Lambda.InvokeLimitExceeded", message: e.ErrorMessage()}
			}
			return nil, &lambdaError{code: "Lambda." + e.ErrorCode(), message: truncated(e.ErrorMessage(), 1000)}
		}
		return nil, &lambdaError{code: "Lambda.InvocationFailed", message: truncated(err.Error(), 1000)}
	}
	if out.FunctionError != nil {
		return nil, &lambdaError{code: "Lambda.FunctionError", message: "The Lambda function was successfully invoked but it returned an error result."}
	}
	if len(out.Payload) > lambdaMaxResponse {
		return nil, &lambdaError{code: "Lambda.ResponseTooLarge", message: "The response of the function exceeds 6 MB", final: true}
	}
	var r lambdaResponse
	if err := json.Unmarshal(out.Payload, &r); err != nil || r.Records == nil {
		return nil, &lambdaError{
			code: "Lambda.JsonProcessingException", message: "There was an error parsing the records that the function returned. Ensure that the function returns the records in the expected form.", final: true,
		}
	}
	return &r, nil
}

func truncated(s string, n int) string {
	if len(s) > n {
		return s[:n] + "..."
	}
	return s
}
