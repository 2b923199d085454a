package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Where results go: queues, buckets and other functions.

// checkDeadLetter refuses what cannot be a dead-letter queue: it is a queue or a topic, without an order.
func (s *Service) checkDeadLetter(to string) error {
	a, ok := arn.Parse(to)
	if to != "" && (!ok || a.Service != "sqs" && a.Service != "sns" || strings.HasSuffix(a.Resource, ".fifo")) {
		return invalid("The target of a dead-letter configuration is a standard queue of SQS or a standard topic of SNS, not %s", to)
	}
	return s.checkDestination(to, false)
}

// badDestination tells a configuration of destinations that has one which cannot be, as AWS writes it.
func badDestination(success, failed *string) error {
	side := func(name string, to *string) string {
		if aws.ToString(to) == "" {
			return "null"
		}
		return name + "(destination=" + *to + ")"
	}
	return invalid("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.", side("OnSuccess", success), side("OnFailure", failed))
}

// errNoDestination is of ARNs that are no place for events, for badDestination.
var errNoDestination = errors.New("lambda: not a destination")

// checkDestination refuses places that nothing can be sent to here, with errNoDestination where no function could. "" is none.
func (s *Service) checkDestination(to string, buckets bool) error {
	if to == "" {
		return nil
	}
	a, ok := arn.Parse(to)
	if !ok {
		return errNoDestination
	}
	switch {
	case a.Service == "sqs" && s.cfg.SQS != nil, a.Service == "sns" && s.cfg.SNS != nil, a.Service == "s3" && buckets && s.cfg.S3 != nil, a.Service == "lambda":
		return nil
	case a.Service == "events" && strings.HasPrefix(a.Resource, "event-bus/") && s.cfg.Buses != nil:
		return nil
	case a.Service == "sqs":
		return refused("SQS queues as destinations are")
	case a.Service == "sns":
		return refused("SNS topics as destinations are")
	case a.Service == "events":
		return refused("EventBridge buses as destinations are")
	}
	return errNoDestination
}

// outcome is how an asynchronous event has ended.
type outcome struct {
	ID        string
	ARN       string
	Condition string
	Tries     int
	Payload   []byte
	Result    *result // nil: it did not run
	Message   string  // why, where Condition does not say it
}

type destinationContext struct {
	RequestID string `json:"requestId"`
	ARN       string `json:"functionArn"`
	Condition string `json:"condition"`
	Count     int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	Status  int    `json:"statusCode"`
	Version string `json:"executedVersion"`
	Error   string `json:"functionError,omitempty"`
}

// streamResponseContext is that of records of a stream, which tells of no error too: a function may have named what failed.
type streamResponseContext struct {
	Status  int     `json:"statusCode"`
	Version string  `json:"executedVersion"`
	Error   *string `json:"functionError"`
}

type destinationRecord struct {
	Version   string             `json:"version"`
	Timestamp string             `json:"timestamp"`
	Request   destinationContext `json:"requestContext"`
	Payload   json.RawMessage    `json:"requestPayload"`
	Response  *responseContext   `json:"responseContext,omitempty"`
	Answer    json.RawMessage    `json:"responsePayload,omitempty"`
}

const recordTime = "2006-01-02T15:04:05.000Z"

func orNull(b []byte) json.RawMessage {
	if !json.Valid(b) {
		return json.RawMessage("null")
	}
	return b
}

// conclude sends the outcome of an event where the function's settings say.
func (s *Service) conclude(ctx context.Context, d *functionDoc, set *invokeDoc, o outcome) {
	r := destinationRecord{
		Version: "1.0", Timestamp: s.clock.Now().UTC().Format(recordTime),
		Request: destinationContext{o.ID, o.ARN, o.Condition, o.Tries}, Payload: orNull(o.Payload),
	}
	to := set.OnFailure
	if o.Condition == "Success" {
		to = set.OnSuccess
	}
	if o.Result != nil {
		r.Response = &responseContext{Status: 200, Version: o.Result.version}
		if o.Result.Failed {
			r.Response.Error = "Unhandled"
		}
		r.Answer = orNull(o.Result.Payload)
	}
	// What becomes of an event is told as the function's role.
	trace := awswire.CallerFrom(ctx).Trace
	if o.Condition == "Success" { // what has failed ends the chain
		trace, _ = nextTrace(trace, d.group(), s.clock.Now())
	} else {
		trace = ""
	}
	ctx = awswire.WithTrace(awswire.Acting(ctx, d.Account, d.Region, "lambda.amazonaws.com", d.Latest.Role, o.ARN), trace)
	if to != "" {
		if body, err := json.Marshal(&r); err == nil {
			now := s.clock.Now().UTC()
			key := "aws/lambda/async/" + d.Name + "/" + now.Format("2006/01/02") + "/" + now.Format("2006-01-02T15.04.05") + "-" + o.ID
			s.sendUntil(ctx, to, key, body, nil)
		}
	}
	if o.Condition == "Success" {
		return
	}
	s.log.Warn("an asynchronous event has failed", "function", d.Name, "request", o.ID, "condition", o.Condition, "attempts", o.Tries)
	if dead := d.Latest.DeadLetter; dead != "" {
		code, message := "200", cmp.Or(o.Message, o.Condition)
		if o.Result != nil {
			var e struct {
				Message string `json:"errorMessage"`
			}
			_ = json.Unmarshal(o.Result.Payload, &e) // what has no message has none
			message = e.Message
		}
		message = attributeText(message, 1024)
		s.sendUntil(ctx, dead, "", o.Payload, map[string]string{"RequestID": o.ID, "ErrorCode": code, "ErrorMessage": message})
	}
}

// attributeText is the beginning of a text in n bytes, without what queues and topics refuse in an attribute.
func attributeText(text string, n int) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			r = '\uFFFD'
		}
		if b.Len()+utf8.RuneLen(r) > n {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// sendUntil sends a record, again after failures, until there have been many.
func (s *Service) sendUntil(ctx context.Context, to, key string, body []byte, attributes map[string]string) {
	for n := range 8 {
		err := s.send(ctx, to, key, body, attributes)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			return
		}
		if n == 7 {
			s.log.Error("a result of a function could not be delivered and is dropped", "destination", to, "error", err, "record", string(body[:min(len(body), 2000)]))
			return
		}
		t := s.clock.NewTimer(min(time.Second<<n, 30*time.Second))
		select {
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// send sends a record once: to a queue with attributes, to a bucket at key, to a function as
// an event.
func (s *Service) send(ctx context.Context, to, key string, body []byte, attributes map[string]string) error {
	a, ok := arn.Parse(to)
	if !ok {
		return fmt.Errorf("destination %q is not an ARN", to)
	}
	switch {
	case a.Service == "sqs" && s.cfg.SQS != nil:
		url, err := s.queueURL(ctx, a)
		if err != nil {
			return err
		}
		in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))}
		if len(body) == 0 {
			in.MessageBody = aws.String("{}")
		}
		for name, value := range attributes {
			if value == "" {
				continue
			}
			if in.MessageAttributes == nil {
				in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{}
			}
			kind := "String"
			if _, err := strconv.Atoi(value); err == nil && name == "ErrorCode" {
				kind = "Number"
			}
			in.MessageAttributes[name] = sqstypes.MessageAttributeValue{DataType: &kind, StringValue: aws.String(value)}
		}
		_, err = s.cfg.SQS.SendMessage(ctx, in)
		return err
	case a.Service == "sns" && s.cfg.SNS != nil:
		in := &sns.PublishInput{TopicArn: &to, Message: aws.String(string(body))}
		if len(body) == 0 {
			in.Message = aws.String("{}")
		}
		for name, value := range attributes {
			if value == "" {
				continue
			}
			if in.MessageAttributes == nil {
				in.MessageAttributes = map[string]snstypes.MessageAttributeValue{}
			}
			in.MessageAttributes[name] = snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
		_, err := s.cfg.SNS.Publish(ctx, in)
		return err
	case a.Service == "s3" && s.cfg.S3 != nil:
		bucket, prefix, _ := strings.Cut(a.Resource, "/")
		if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
			key = prefix + "/" + key
		}
		_, err := s.cfg.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body)))})
		return err
	case a.Service == "events" && s.cfg.Buses != nil:
		return s.sendToBus(ctx, to, body)
	case a.Service == "lambda":
		_, err := s.Invoke(ctx, &lambda.InvokeInput{FunctionName: &to, InvocationType: types.InvocationTypeEvent, Payload: body})
		return err
	}
	return fmt.Errorf("destination %s cannot be reached from here", to)
}

// sendToBus puts the record of an event that has ended on a bus.
func (s *Service) sendToBus(ctx context.Context, bus string, record []byte) error {
	var r destinationRecord
	if err := json.Unmarshal(record, &r); err != nil {
		return err
	}
	kind := "Lambda Function Invocation Result - Failure"
	if r.Request.Condition == "Success" {
		kind = "Lambda Function Invocation Result - Success"
	}
	out, err := s.cfg.Buses.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventstypes.PutEventsRequestEntry{{
		Source: aws.String("lambda"), DetailType: &kind, Detail: aws.String(string(record)), Resources: []string{bus, r.Request.ARN}, EventBusName: &bus,
	}}})
	if err == nil && out.FailedEntryCount > 0 {
		e := out.Entries[0]
		err = fmt.Errorf("%s: %s", aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage))
	}
	return err
}

// queueURL asks for the URL of a queue.
func (s *Service) queueURL(ctx context.Context, a arn.ARN) (string, error) {
	out, err := s.cfg.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &a.Resource, QueueOwnerAWSAccountId: optional(a.Account)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.QueueUrl), nil
}

// isCode reports whether an error is the API's with one of the codes.
func isCode(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}
