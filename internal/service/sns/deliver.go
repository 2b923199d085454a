package sns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const principal = "sns.amazonaws.com"

// finalError is why a message will never be taken.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// transient are codes of errors that are the client's by their form, and pass.
var transient = []string{
	"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled", "ServiceUnavailable", "ServiceUnavailableException",
	"ProvisionedThroughputExceededException", "LimitExceededException", "OverLimit",
}

// judged makes a finalError of an error that trying again does not mend.
func judged(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer && !slices.Contains(transient, api.ErrorCode()) {
		return &finalError{err}
	}
	return err
}

// outgoing is a message on its way to a subscription.
type outgoing struct {
	m      *queue.Received
	p      *posted
	err    error // why it was not taken
	answer answer
}

// batchOf is how many messages a protocol takes at once.
func batchOf(protocol string) int {
	switch protocol {
	case "http", "https":
		return 8
	case "firehose":
		return 32
	}
	return 20
}

// deliver delivers what a subscription's outbox has.
func (s *Service) deliver(ctx context.Context, j *work.Job[subscriptionDoc]) error {
	return orLater(s.drain.Run(ctx, batchOf(j.Document().Protocol), func() (*queue.Queue, error) { return s.inbox(j.Document()) }, func(q *queue.Queue, list []queue.Received) error {
		return s.deliverBatch(ctx, j.Document(), q, list)
	}))
}

// deliverBatch tries to deliver messages once, and says when what was not taken is tried again.
func (s *Service) deliverBatch(ctx context.Context, d *subscriptionDoc, q *queue.Queue, list []queue.Received) error {
	t, err := s.topics.Get(d.Account, d.Region, d.Topic)
	if err != nil {
		return fmt.Errorf("topic: %w", err)
	}
	if now, err := s.subscriptions.Get(d.key()...); err == nil { // the worker's may be from before it ended
		d = now
	} else if !errors.Is(err, state.ErrNotFound) {
		return err
	}
	var out []*outgoing
	var done, later []string
	var waits []time.Duration
	for i := range list {
		m := &list[i]
		p, err := decodePosted(m.Body)
		if err != nil {
			s.log.Error("a message of a subscription is dropped", "subscription", d.arn(), "message", m.ID, "error", err)
			done = append(done, m.Handle)
			continue
		}
		if p.Type == confirmationType && !d.Pending || p.Type == endType && !d.Ended || p.Type == "" && d.Ended {
			done = append(done, m.Handle)
			continue
		}
		out = append(out, &outgoing{m: m, p: p})
	}
	retry, contentType := s.policyOf(t, d)
	switch d.Protocol {
	case "sqs":
		s.toQueue(ctx, d, d.Endpoint, out)
	case "lambda":
		s.toFunction(ctx, d, out)
	case "firehose":
		s.toStream(ctx, d, out)
	default:
		s.toEndpoints(ctx, d, out, contentType)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // what was taken may come again
	}
	var dead []*outgoing
	for _, o := range out {
		var final *finalError
		wait, again := retry.after(o.m.Count)
		switch {
		case o.err == nil:
			done = append(done, o.m.Handle)
			s.measureDelivery(d, o, false)
			s.logStatus(t, d, o)
		case errors.As(o.err, &final) || !again:
			dead = append(dead, o)
		default:
			s.log.Debug("a delivery failed", "subscription", d.arn(), "message", o.p.ID, "attempt", o.m.Count, "error", o.err, "again", wait)
			later, waits = append(later, o.m.Handle), append(waits, wait)
			s.measureDelivery(d, o, false)
		}
	}
	for _, o := range dead {
		if wait := s.bury(ctx, d, o); wait > 0 {
			later, waits = append(later, o.m.Handle), append(waits, wait)
		} else {
			done = append(done, o.m.Handle)
			s.measureDelivery(d, o, true)
			s.logStatus(t, d, o)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(later) > 0 {
		if _, err := q.Change(later, waits); err != nil && !errors.Is(err, queue.ErrGone) {
			return err
		}
	}
	if len(done) > 0 {
		if _, err := q.Delete(done); err != nil && !errors.Is(err, queue.ErrGone) {
			return err
		}
	}
	return nil
}

// bury sends a message that is given up to the dead-letter queue. It returns how long to wait where that could not
// be done now; zero when there is nothing more to do.
func (s *Service) bury(ctx context.Context, d *subscriptionDoc, o *outgoing) time.Duration {
	target := d.redrive()
	if target == "" || o.p.Type != "" {
		s.log.Warn("a message was not delivered and is dropped", "subscription", d.arn(), "message", o.p.ID, "attempts", o.m.Count, "error", o.err)
		return 0
	}
	letter := &outgoing{m: o.m, p: o.p}
	s.toQueue(ctx, d, target, []*outgoing{letter})
	var final *finalError
	switch {
	case letter.err == nil:
		s.meter(d.Account, d.Region, d.Topic).Add(redriven.Of(1))
		s.log.Info("a message was not delivered and went to the dead-letter queue", "subscription", d.arn(), "message", o.p.ID, "error", o.err)
		return 0
	case errors.As(letter.err, &final):
		s.meter(d.Account, d.Region, d.Topic).Add(notRedriven.Of(1))
		s.log.Warn("a message was not delivered, nor could it be put into the dead-letter queue: it is dropped", "subscription", d.arn(), "message", o.p.ID, "error", letter.err)
		return 0
	}
	return 20 * time.Second
}

// asItself is the context of what SNS does for a topic, in the region of what it works on.
func asItself(ctx context.Context, d *subscriptionDoc, region string) context.Context {
	return awswire.AsService(ctx, d.Account, region, principal, d.topicARN())
}

// maxQueueBatch is how long the messages of one call may be, below the limit of queues, in bytes.
const maxQueueBatch = 900 << 10

// toQueue sends messages to a queue, in their order: behind one that is to be tried again none of a FIFO topic's is.
func (s *Service) toQueue(ctx context.Context, d *subscriptionDoc, target string, list []*outgoing) {
	a, ok := arn.Parse(target)
	if !ok {
		for _, o := range list {
			o.err = &finalError{fmt.Errorf("%q is not an ARN", target)}
		}
		return
	}
	ctx = asItself(ctx, d, a.Region)
	url := "https://sqs." + a.Region + ".amazonaws.com/" + a.Account + "/" + a.Resource
	for len(list) > 0 {
		in := &sqs.SendMessageBatchInput{QueueUrl: &url}
		size, n := 0, 0
		for n < min(10, len(list)) {
			e, length, err := s.entry(d, list[n].p, strings.HasSuffix(target, ".fifo"))
			if err != nil {
				list[n].err = err
				list = slices.Delete(slices.Clone(list), n, n+1)
				continue
			}
			if n > 0 && size+length > maxQueueBatch {
				break
			}
			size += length
			e.Id = aws.String(fmt.Sprint(n))
			in.Entries = append(in.Entries, e)
			n++
		}
		if n == 0 {
			return
		}
		out, err := s.cfg.Queues.SendMessageBatch(ctx, in)
		if err != nil {
			err = judged(err)
			for _, o := range list[:n] {
				o.err = err
			}
			var final *finalError
			if strings.HasSuffix(d.Topic, ".fifo") && !errors.As(err, &final) {
				for _, o := range list[n:] {
					o.err = err
				}
				return
			}
		} else {
			for _, f := range out.Successful {
				var k int
				if _, err := fmt.Sscan(aws.ToString(f.Id), &k); err == nil && k >= 0 && k < n {
					list[k].answer = answer{http.StatusOK, told(map[string]string{"sqsMessageId": aws.ToString(f.MessageId)})}
				}
			}
			for _, f := range out.Failed {
				var k int
				if _, err := fmt.Sscan(aws.ToString(f.Id), &k); err == nil && k >= 0 && k < n {
					list[k].err = judged(&smithy.GenericAPIError{Code: aws.ToString(f.Code), Message: aws.ToString(f.Message), Fault: smithy.FaultClient})
				}
			}
		}
		list = list[n:]
	}
}

// entry is a message for a queue.
func (s *Service) entry(d *subscriptionDoc, p *posted, fifo bool) (sqstypes.SendMessageBatchRequestEntry, int, error) {
	body, err := s.body(p, d)
	if err != nil {
		return sqstypes.SendMessageBatchRequestEntry{}, 0, err
	}
	e := sqstypes.SendMessageBatchRequestEntry{MessageBody: &body}
	if fifo || !strings.HasSuffix(d.Topic, ".fifo") { // the groups of a FIFO topic end at standard queues
		e.MessageGroupId = number(p.Group)
	}
	if fifo {
		e.MessageDeduplicationId = number(p.Dedup)
	}
	if p.Trace != "" {
		e.MessageSystemAttributes = map[string]sqstypes.MessageSystemAttributeValue{
			string(sqstypes.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &p.Trace},
		}
	}
	size := len(body)
	if d.raw() && p.Type == "" {
		for name, v := range p.Attributes {
			kind := v.Type
			if e.MessageAttributes == nil {
				e.MessageAttributes = map[string]sqstypes.MessageAttributeValue{}
			}
			e.MessageAttributes[name] = sqstypes.MessageAttributeValue{DataType: &kind, StringValue: v.Text, BinaryValue: v.Binary}
			size += len(name) + len(kind) + len(aws.ToString(v.Text)) + len(v.Binary)
		}
	}
	return e, size, nil
}

// toFunction gives messages to a function, one a call, which takes them without running.
func (s *Service) toFunction(ctx context.Context, d *subscriptionDoc, list []*outgoing) {
	a, _ := arn.Parse(d.Endpoint) // it was one when it was subscribed
	ctx = asItself(ctx, d, a.Region)
	for _, o := range list {
		payload, err := s.event(o.p, d)
		if err == nil {
			_, err = s.cfg.Functions.Invoke(awswire.WithTrace(ctx, o.p.Trace), &lambda.InvokeInput{FunctionName: &d.Endpoint, InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload})
		}
		if o.err = judged(err); err == nil {
			o.answer = answer{http.StatusAccepted, "{}"}
		}
	}
}

// toStream puts messages into a delivery stream, a line each, as the subscription's role.
func (s *Service) toStream(ctx context.Context, d *subscriptionDoc, list []*outgoing) {
	a, _ := arn.Parse(d.Endpoint) // it was one when it was subscribed
	name, _ := a.After("deliverystream/")
	ctx = awswire.Acting(ctx, a.Account, a.Region, principal, d.Attributes["SubscriptionRoleArn"], d.topicARN())
	for len(list) > 0 {
		in := &firehose.PutRecordBatchInput{DeliveryStreamName: &name}
		var sent []*outgoing
		size := 0
		for len(list) > 0 {
			body, err := s.body(list[0].p, d)
			if err != nil {
				list[0].err, list = err, list[1:]
				continue
			}
			if size += len(body) + 1; len(sent) > 0 && size > 3<<20 {
				break
			}
			in.Records = append(in.Records, firehosetypes.Record{Data: append([]byte(body), '\n')})
			sent, list = append(sent, list[0]), list[1:]
		}
		if len(sent) == 0 {
			return
		}
		out, err := s.cfg.Streams.PutRecordBatch(ctx, in)
		for i, o := range sent {
			switch {
			case err != nil:
				o.err = judged(err)
			case i < len(out.RequestResponses) && aws.ToString(out.RequestResponses[i].ErrorCode) == "":
				o.answer = answer{http.StatusOK, told(map[string]string{"recordId": aws.ToString(out.RequestResponses[i].RecordId)})}
			case i < len(out.RequestResponses):
				o.err = fmt.Errorf("%s: %s", *out.RequestResponses[i].ErrorCode, aws.ToString(out.RequestResponses[i].ErrorMessage))
			}
		}
	}
}
