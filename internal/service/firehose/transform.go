package firehose

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

// Lambda has the functions that transform records.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Limits of transformation. https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
const (
	lambdaMaxResponse = 6 << 20
	lambdaMaxKeys     = 4 << 10 // bytes of partition keys of a record; an object's key has 1,024
	lambdaMaxBuffer   = 3       // MB
	lambdaSeconds     = 60
	lambdaRetries     = 3
)

// transformSettings are those of the configuration as it is now. Records of a stream
// that once had a function go the same way when it has none.
func (st *stream) transformSettings() delivery.TransformSettings {
	d := st.doc.Load()
	s := delivery.TransformSettings{Spec: d.unpacking(), Size: 1 << 20}
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
	Records []struct {
		ID       *string `json:"recordId"`
		Result   string  `json:"result"`
		Data     *string `json:"data"`
		Metadata *struct {
			Keys map[string]any `json:"partitionKeys"`
		} `json:"metadata"`
	} `json:"records"`
}

// lambdaError is why a whole batch failed.
type lambdaError struct {
	code, message string
	final         bool // to try again is no use
}

func (e *lambdaError) Error() string { return e.code + ": " + e.message }

// Transform is that of delivery.Function.
func (f *lambdaFunction) Transform(ctx context.Context, batch []delivery.Outcome) ([]delivery.Outcome, error) {
	s := f.st.s
	event := lambdaEvent{InvocationID: uuid.NewString(), StreamARN: f.d.arn(), Region: f.d.Region}
	if f.d.Source != nil {
		event.SourceARN = f.d.Source.StreamARN
	}
	sent := make(map[string]int, len(batch))
	for i := range batch {
		o := &batch[i]
		if o.Result != delivery.Ok {
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
	payload, err := json.Marshal(&event)
	if err != nil {
		return nil, err
	}
	var answer *lambdaResponse
	var failed *lambdaError
	attempts := 0
	wait := 200 * time.Millisecond
	for {
		attempts++
		if answer, failed = f.invoke(ctx, payload); failed == nil || failed.final || attempts > f.retries {
			break
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.metrics.retries.Inc()
		t := s.clock.NewTimer(wait)
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return nil, ctx.Err()
		}
		wait = min(2*wait, 10*time.Second)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err() // the node stops: it was not the function
	}
	fail := func(o *delivery.Outcome, code, message string) {
		o.Result, o.Code, o.Message, o.Function = delivery.Failed, code, message, f.arn
		o.Attempts, o.Ended = attempts, s.clock.Now().UnixMilli()
	}
	if failed != nil {
		s.log.Warn("the function of a delivery stream failed", "stream", f.d.Name, "function", f.arn, "err", failed, "records", len(event.Records))
		for _, r := range event.Records {
			fail(&batch[sent[r.ID]], failed.code, failed.message)
		}
		return batch, nil
	}
	seen := make(map[string]bool, len(sent))
	out := batch
	for _, r := range answer.Records {
		id := aws.ToString(r.ID)
		i, known := sent[id]
		if !known {
			o := delivery.Outcome{Arrival: batch[len(batch)-1].Arrival, From: batch[len(batch)-1].From, Data: []byte(aws.ToString(r.Data))}
			fail(&o, "Lambda.UnknownRecordId", "The function returned a record ID that it was not given: "+truncated(id, 100))
			out = append(out, o)
			continue
		}
		o := &out[i]
		if seen[id] {
			o.Data, o.Keys = event.Records[position(event.Records, id)].Data, nil
			fail(o, "Lambda.DuplicatedRecordId", "Multiple records were returned with the same record Id. Ensure that the Lambda function returns a unique record Id for each record.")
			continue
		}
		seen[id] = true
		switch r.Result {
		case "Dropped":
			o.Result = delivery.Dropped
		case "Ok":
			if r.Data == nil {
				fail(o, "Lambda.InvalidReturnFormat", "The data field cannot be null when the SourceType is DirectPut or KinesisStreamAsSource and processing result is Ok. The value field cannot be null when the SourceType is MSKAsSource and processing result is Ok.")
				continue
			}
			data, err := base64.StdEncoding.DecodeString(*r.Data)
			if err != nil {
				fail(o, "Lambda.InvalidReturnFormat", "The data of the record that the function returned is not base64")
				continue
			}
			keys, err := lambdaKeys(r.Metadata)
			if err != nil {
				fail(o, "Lambda.InvalidPartitionKeys", err.Error())
				continue
			}
			o.Data, o.Keys = data, keys
		case "ProcessingFailed":
			fail(o, "Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
		default:
			fail(o, "Lambda.InvalidReturnFormat", "The result of the record is none of Ok, Dropped and ProcessingFailed: "+truncated(r.Result, 100))
		}
	}
	for id, i := range sent {
		if !seen[id] {
			fail(&out[i], "Lambda.MissingRecordId", "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.")
		}
	}
	return out, nil
}

func position(records []lambdaEventRecord, id string) int {
	for i := range records {
		if records[i].ID == id {
			return i
		}
	}
	return 0
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
