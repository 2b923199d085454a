package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/eventinput"
)

const (
	maxQueueBatch    = 900 << 10 // bytes of the messages of a call, below the limit of queues
	maxStreamBatch   = 4 << 20
	maxDeliveryBatch = 3 << 20
	maxPartitionKey  = 256 // characters
)

// as is the context of what is done for a target's rule: as the target's role, or as EventBridge.
func as(ctx context.Context, d *targetDoc, region string) context.Context {
	if d.Role != "" {
		return awswire.Acting(ctx, d.Account, region, principal, d.Role, d.ruleARN())
	}
	return awswire.AsService(ctx, d.Account, region, principal, d.ruleARN())
}

// send gives events to a target. What was not taken has an error.
func (s *Service) send(ctx context.Context, d *targetDoc, list []*sending) {
	a, ok := arn.Parse(d.ARN)
	if !ok {
		fail(list, &failure{code: "INVALID_PARAMETER", final: true, err: fmt.Errorf("%q is not an ARN", d.ARN)})
		return
	}
	to := as(ctx, d, a.Region)
	switch kindOf(a) {
	case queueTarget:
		chunks(list, 10, maxQueueBatch, func(part []*sending) { s.toQueue(to, d, a, part) })
	case topicTarget:
		for _, o := range list {
			text := string(o.payload)
			_, o.err = s.cfg.Topics.Publish(awswire.WithTrace(to, o.of.Trace), &sns.PublishInput{TopicArn: &d.ARN, Message: &text})
		}
	case functionTarget:
		for _, o := range list {
			_, o.err = s.cfg.Functions.Invoke(awswire.WithTrace(to, o.of.Trace), &lambda.InvokeInput{FunctionName: &d.ARN, InvocationType: lambdatypes.InvocationTypeEvent, Payload: o.payload})
		}
	case streamTarget:
		chunks(list, 500, maxStreamBatch, func(part []*sending) { s.toStream(to, d, part) })
	case deliveryTarget:
		chunks(list, 500, maxDeliveryBatch, func(part []*sending) { s.toDelivery(to, a, part) })
	case groupTarget:
		for _, o := range list { // those in a call have to be in the order of their times
			o.err = s.toGroup(to, d, a, o)
		}
	case busTarget:
		for _, o := range list {
			o.err = s.toBus(ctx, d, a, o)
		}
	}
}

func fail(list []*sending, err error) {
	for _, o := range list {
		o.err = err
	}
}

// chunks calls f with parts of a list of up to so many events and bytes; one event may have more.
func chunks(list []*sending, most, bytes int, f func([]*sending)) {
	for len(list) > 0 {
		n, size := 1, len(list[0].payload)
		for n < min(most, len(list)) && size+len(list[n].payload) <= bytes {
			size += len(list[n].payload)
			n++
		}
		f(list[:n])
		list = list[n:]
	}
}

func (s *Service) toQueue(ctx context.Context, d *targetDoc, a arn.ARN, list []*sending) {
	in := &sqs.SendMessageBatchInput{QueueUrl: queueURL(a)}
	for i, o := range list {
		e := sqstypes.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(o.payload)), MessageGroupId: some(d.Group)}
		if o.of.Trace != "" {
			e.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
				string(sqstypes.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &o.of.Trace},
			}
		}
		in.Entries = append(in.Entries, e)
	}
	out, err := s.cfg.Queues.SendMessageBatch(ctx, in)
	if err != nil {
		fail(list, err)
		return
	}
	for _, f := range out.Failed {
		if i, err := strconv.Atoi(aws.ToString(f.Id)); err == nil && i >= 0 && i < len(list) {
			list[i].err = &smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: smithy.FaultClient}
		}
	}
}

// partitionKey is the key of an event in a stream: what the target's path leads to, or its id.
func (d *targetDoc) partitionKey(o *sending) string {
	if d.KeyPath != nil {
		if p, err := eventinput.ParsePath(*d.KeyPath); err == nil {
			if v, ok := p.Get(o.m.Body); ok {
				if key := []rune(eventinput.Text(v)); len(key) > 0 {
					return string(key[:min(len(key), maxPartitionKey)])
				}
			}
		}
	}
	return o.m.ID
}

func (s *Service) toStream(ctx context.Context, d *targetDoc, list []*sending) {
	in := &kinesis.PutRecordsInput{StreamARN: &d.ARN}
	for _, o := range list {
		in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{Data: o.payload, PartitionKey: aws.String(d.partitionKey(o))})
	}
	out, err := s.cfg.Streams.PutRecords(ctx, in)
	if err != nil {
		fail(list, err)
		return
	}
	for i, o := range list {
		if i < len(out.Records) && aws.ToString(out.Records[i].ErrorCode) != "" {
			o.err = &smithy.GenericAPIError{Code: *out.Records[i].ErrorCode, Message: aws.ToString(out.Records[i].ErrorMessage), Fault: smithy.FaultServer}
		}
	}
}

func (s *Service) toDelivery(ctx context.Context, a arn.ARN, list []*sending) {
	name, _ := a.After("deliverystream/")
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: &name}
	for _, o := range list {
		in.Records = append(in.Records, firehosetypes.Record{Data: o.payload})
	}
	out, err := s.cfg.Deliveries.PutRecordBatch(ctx, in)
	if err != nil {
		fail(list, err)
		return
	}
	for i, o := range list {
		if i < len(out.RequestResponses) && aws.ToString(out.RequestResponses[i].ErrorCode) != "" {
			o.err = &smithy.GenericAPIError{Code: *out.RequestResponses[i].ErrorCode, Message: aws.ToString(out.RequestResponses[i].ErrorMessage), Fault: smithy.FaultServer}
		}
	}
}

// toGroup writes an event into the target's stream of a log group, which is made when it is missing. A template makes an
// object of the line's timestamp and message.
func (s *Service) toGroup(ctx context.Context, d *targetDoc, a arn.ARN, o *sending) error {
	group, _ := a.After("log-group:")
	group, _, _ = cutStar(group)
	line := struct {
		Timestamp json.RawMessage `json:"timestamp"`
		Message   json.RawMessage `json:"message"`
	}{}
	at, text := o.of.Ingested.UnixMilli(), string(o.payload)
	if d.Template != nil {
		if err := json.Unmarshal(o.payload, &line); err != nil || len(line.Message) == 0 {
			return &failure{code: "INVALID_JSON", final: true, err: errors.New("the input of a log group is an object with timestamp and message")}
		}
		text = eventinput.Text(line.Message)
		when := eventinput.Text(line.Timestamp)
		if n, err := strconv.ParseInt(when, 10, 64); err == nil {
			at = n
		} else if t, err := time.Parse(time.RFC3339, when); err == nil {
			at = t.UnixMilli()
		}
	}
	stream := uuid.NewSHA1(uuid.NameSpaceURL, []byte(d.ruleARN()+"\x00"+d.RuleID+"\x00"+d.ID)).String()
	in := &logs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: []logstypes.InputLogEvent{{Message: &text, Timestamp: &at}}}
	err := s.putLine(ctx, in)
	var missing *logstypes.ResourceNotFoundException
	if !errors.As(err, &missing) {
		return err
	}
	var exists *logstypes.ResourceAlreadyExistsException
	if _, err := s.cfg.Logs.CreateLogStream(ctx, &logs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}); err != nil && !errors.As(err, &exists) {
		return err
	}
	return s.putLine(ctx, in)
}

// putLine puts a line, of which log groups leave out those of other times in silence.
func (s *Service) putLine(ctx context.Context, in *logs.PutLogEventsInput) error {
	out, err := s.cfg.Logs.PutLogEvents(ctx, in)
	if err == nil && out.RejectedLogEventsInfo != nil {
		return &failure{code: "INVALID_PARAMETER", final: true, err: errors.New("the log group takes no line of this time")}
	}
	return err
}

// cutStar takes ":*" off the name of a log group in an ARN.
func cutStar(name string) (string, string, bool) {
	if n := len(name); n > 2 && name[n-2:] == ":*" {
		return name[:n-2], ":*", true
	}
	return name, "", false
}

// toBus puts an event on another bus, which does not hand it on to a third one.
func (s *Service) toBus(ctx context.Context, d *targetDoc, a arn.ARN, o *sending) error {
	if o.of.Hops > 0 {
		return &failure{code: "THIRD_ACCOUNT_HOP_DETECTED", final: true, err: errors.New("an event that a rule has put on a bus goes to no third bus")}
	}
	name, _ := a.After("event-bus/")
	of := scope.Scope{Account: a.Account, Region: a.Region}
	as := scope.Scope{Account: d.Account, Region: a.Region}.Context(ctx)
	if d.Role != "" {
		as = awswire.Acting(ctx, d.Account, a.Region, principal, d.Role, d.ruleARN())
	}
	e, err := decodeEvent(o.m.Body)
	if err != nil {
		return &failure{code: "INVALID_JSON", final: true, err: err}
	}
	reached, err := s.cfg.Allow(as, "events:PutEvents", d.ARN, keysOfHop(d, e.Source, e.DetailType))
	if err != nil {
		return err
	}
	if awswire.CallerFrom(reached).Account != a.Account {
		return &failure{code: "NO_PERMISSIONS", final: true, err: errors.New("the policy of " + d.ARN + " does not let the account " + d.Account + " put events")}
	}
	if _, err := s.bus(of, name); err != nil {
		return err
	}
	e.trace, e.ingested, e.hops = o.of.Trace, s.now(), o.of.Hops+1
	return s.route(of, name, e)
}
