package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// A queue as the source of a mapping. A message is deleted when the function has succeeded
// with it, or no filter wants it; what has failed, or is of a loop (recursion.go), becomes visible
// again by itself, and goes to the queue's dead-letter queue by its own policy.

// queuePollers is how many batches of a queue are under way at once.
const queuePollers = 2

// poll takes messages until ctx ends.
func (s *Service) poll(ctx context.Context, j *work.Job[mappingDoc]) error {
	d := j.Document()
	a, ok := arn.Parse(d.Source)
	if !ok {
		return fmt.Errorf("%q is not an ARN", d.Source)
	}
	as := s.actingAs(d)
	url, err := s.queueURL(as(ctx), a)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(a.Resource, ".fifo") { // whose groups keep their order
		for n := 1; n < queuePollers; n++ {
			j.Go(fmt.Sprintf("poller %d", n+1), func(part context.Context) error {
				p := &poller{s: s, j: j, as: as, url: url}
				return p.run(part)
			})
		}
	}
	p := &poller{s: s, j: j, as: as, url: url}
	return p.run(ctx)
}

type poller struct {
	s       *Service
	j       *work.Job[mappingDoc]
	as      shardreader.As // what is done with the queue is done as the function's role
	url     string
	filters filters
}

func (p *poller) run(ctx context.Context) error {
	for ctx.Err() == nil {
		messages, err := p.gather(ctx)
		if ctx.Err() != nil {
			break // what was received becomes visible again
		}
		if err != nil {
			return err
		}
		if len(messages) > 0 {
			if err := p.deliver(ctx, messages); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// gather receives a batch.
func (p *poller) gather(ctx context.Context) ([]sqstypes.Message, error) {
	d := p.j.Document()
	var all []sqstypes.Message
	var until time.Time
	size := 0
	for len(all) < int(d.Batch) && size < maxBatchData {
		wait := int32(20)
		if !until.IsZero() {
			left := until.Sub(p.s.clock.Now())
			if left <= 0 {
				break
			}
			wait = int32(min(20, max(1, left/time.Second)))
		}
		out, err := p.s.cfg.SQS.ReceiveMessage(p.as(ctx), &sqs.ReceiveMessageInput{
			QueueUrl: &p.url, MaxNumberOfMessages: min(10, d.Batch-int32(len(all))), WaitTimeSeconds: wait,
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			if len(all) > 0 {
				return all, nil
			}
			return nil, fmt.Errorf("receive messages of %s: %w", d.Source, err)
		}
		for i := range out.Messages {
			size += len(aws.ToString(out.Messages[i].Body))
		}
		all = append(all, out.Messages...)
		switch {
		case len(all) == 0:
			return nil, nil // settings are looked at again
		case d.Window == 0:
			return all, nil
		case until.IsZero():
			until = p.s.clock.Now().Add(time.Duration(d.Window) * time.Second)
		}
	}
	return all, nil
}

// deliver calls the function with messages and deletes those that it is done with.
func (p *poller) deliver(ctx context.Context, messages []sqstypes.Message) error {
	s, d := p.s, p.j.Document()
	var wanted, done []sqstypes.Message
	patterns := p.filters.of(d)
	for _, m := range messages {
		if patterns == nil || matches(patterns, filterMessage(&m)) {
			wanted = append(wanted, m)
		} else {
			done = append(done, m)
		}
	}
	s.measureEvents(d, polledEvents, len(messages))
	s.measureEvents(d, filteredOut, len(done))
	var failed bool
	f, err := s.functions.Get(d.scope().Key(d.Name)...)
	if err == nil {
		if n := len(wanted); n > 0 {
			if wanted = s.withoutLoops(f, wanted, strings.HasSuffix(d.Source, ".fifo")); len(wanted) < n {
				failed = true
				s.results.Store(d.ID, "PROBLEM: "+errorMessage(recursive(f)))
			}
		}
	}
	if len(wanted) > 0 {
		var out result
		if err == nil {
			out, err = p.invoke(awswire.WithTrace(p.as(ctx), chainOf(f, wanted)), f, d, wanted)
		}
		switch {
		case ctx.Err() != nil && context.Cause(ctx) == work.ErrClosed:
			return context.Cause(ctx)
		case err != nil:
			failed = true
			s.measureEvents(d, failedInvoke, len(wanted))
			s.results.Store(d.ID, "PROBLEM: "+err.Error())
		case out.Failed:
			failed = true
			s.measureEvents(d, invokedEvents, len(wanted))
			s.measureEvents(d, failedInvoke, len(wanted))
			s.results.Store(d.ID, "PROBLEM: Function call failed")
		default:
			s.results.Store(d.ID, "OK")
			good := succeeded(d, out.Payload, wanted)
			s.measureEvents(d, invokedEvents, len(wanted))
			s.measureEvents(d, failedInvoke, len(wanted)-len(good))
			done = append(done, good...)
		}
	}
	for len(done) > 0 {
		n := min(10, len(done))
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &p.url}
		for i, m := range done[:n] {
			in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		out, err := s.cfg.SQS.DeleteMessageBatch(p.as(context.WithoutCancel(ctx)), in)
		if err != nil {
			return fmt.Errorf("delete messages of %s: %w", d.Source, err) // they come again
		}
		s.measureEvents(d, deletedEvents, n-len(out.Failed))
		done = done[n:]
	}
	if failed { // slower, so that a function that cannot run is not called all the time
		t := s.clock.NewTimer(time.Second)
		defer t.Stop()
		select {
		case <-t.Chan():
		case <-ctx.Done():
		}
	}
	return nil
}

func (p *poller) invoke(ctx context.Context, f *functionDoc, d *mappingDoc, messages []sqstypes.Message) (result, error) {
	t := target{Scope: d.scope(), name: d.Name, qualifier: d.Qualifier}
	event := struct {
		Records []map[string]any
	}{}
	for i := range messages {
		event.Records = append(event.Records, messageJSON(d, &messages[i]))
	}
	payload, err := json.Marshal(&event)
	if err != nil {
		return result{}, err
	}
	return p.s.call(ctx, f, t, &function.Request{ID: newID(), Payload: payload})
}

// succeeded are the messages that the function does not report as failed.
func succeeded(d *mappingDoc, answer []byte, messages []sqstypes.Message) []sqstypes.Message {
	if !d.Partial || string(answer) == "null" {
		return messages
	}
	var f itemFailures
	if json.Unmarshal(answer, &f) != nil {
		return nil
	}
	failed := map[string]bool{}
	for _, id := range f {
		failed[id] = true
	}
	known := 0
	var done []sqstypes.Message
	for _, m := range messages {
		if failed[aws.ToString(m.MessageId)] {
			known++
		} else {
			done = append(done, m)
		}
	}
	if known < len(failed) {
		return nil // it names what it was not given
	}
	return done
}

func messageJSON(d *mappingDoc, m *sqstypes.Message) map[string]any {
	attributes := map[string]any{}
	for name, v := range m.MessageAttributes {
		a := map[string]any{"dataType": aws.ToString(v.DataType), "stringListValues": []string{}, "binaryListValues": []string{}}
		if v.StringValue != nil {
			a["stringValue"] = *v.StringValue
		}
		if v.BinaryValue != nil {
			a["binaryValue"] = v.BinaryValue
		}
		attributes[name] = a
	}
	return map[string]any{
		"messageId": aws.ToString(m.MessageId), "receiptHandle": aws.ToString(m.ReceiptHandle), "body": aws.ToString(m.Body), "attributes": m.Attributes,
		"messageAttributes": attributes, "md5OfBody": aws.ToString(m.MD5OfBody), "eventSource": "aws:sqs", "eventSourceARN": d.Source, "awsRegion": d.Region,
	}
}

func filterMessage(m *sqstypes.Message) map[string]any {
	body := decodedJSON([]byte(aws.ToString(m.Body)))
	attributes := map[string]any{}
	for name, v := range m.MessageAttributes {
		attributes[name] = map[string]any{"dataType": aws.ToString(v.DataType), "stringValue": aws.ToString(v.StringValue)}
	}
	system := map[string]any{}
	for name, v := range m.Attributes {
		system[name] = v
	}
	return map[string]any{"messageId": aws.ToString(m.MessageId), "body": body, "attributes": system, "messageAttributes": attributes}
}
