package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/engine/queue"
)

// receive takes messages, and waits for the first one where it is to.
func (s *Service) receive(ctx context.Context, in *ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	n, visibility, wait := int64(1), d.number("VisibilityTimeout"), d.number("ReceiveMessageWaitTimeSeconds")
	for _, p := range []struct {
		name        string
		from        *int32
		to          *int64
		least, most int64
	}{{"MaxNumberOfMessages", in.MaxNumberOfMessages, &n, 1, 10}, {"VisibilityTimeout", in.VisibilityTimeout, &visibility, 0, 43_200}, {"WaitTimeSeconds", in.WaitTimeSeconds, &wait, 0, 20}} {
		if p.from == nil {
			continue
		}
		if *p.to = int64(*p.from); *p.to < p.least || *p.to > p.most {
			return nil, invalid("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", *p.to, p.name, p.least, p.most)
		}
	}
	names, err := systemNames(in)
	if err != nil {
		return nil, err
	}
	list, err := s.take(ctx, d, q, in.ReceiveRequestAttemptId, int(n), time.Duration(visibility)*time.Second, time.Duration(wait)*time.Second)
	if err != nil {
		if d.fifo() && errors.Is(err, queue.ErrInFlight) {
			return &sqs.ReceiveMessageOutput{}, nil // as if there were none
		}
		return nil, told(err)
	}
	s.measureReceive(d, len(list))
	out := &sqs.ReceiveMessageOutput{}
	for i := range list {
		m, err := message(d, &list[i], names, in.MessageAttributeNames)
		if err != nil {
			return nil, err
		}
		out.Messages = append(out.Messages, m)
	}
	return out, nil
}

// take receives messages, or, of a FIFO queue, those of the same attempt before, as long as nothing was done to them.
func (s *Service) take(ctx context.Context, d *queueDoc, q *queue.Queue, attemptID *string, n int, visibility, wait time.Duration) ([]queue.Received, error) {
	if !d.fifo() || attemptID == nil {
		return q.Receive(ctx, n, visibility, wait)
	}
	if !fifoID.MatchString(*attemptID) {
		return nil, invalid("Value %s for parameter ReceiveRequestAttemptId is invalid. Reason: ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.", *attemptID)
	}
	key, at := attemptKey{d.ID, *attemptID}, s.clock.Now()
	if before, ok := s.attempts.find(key, s.clock); ok {
		list, err := q.Again(before.held, visibility)
		if err != nil || len(list) > 0 {
			s.attempts.keep(key, before.at, list, s.clock)
			return list, err
		}
	}
	list, err := q.Receive(ctx, n, visibility, wait)
	if err == nil {
		s.attempts.keep(key, at, list, s.clock)
	}
	return list, err
}

// systemNames are the system attributes that are asked for, in either way.
func systemNames(in *ReceiveMessageInput) (map[string]bool, error) {
	names := map[string]bool{}
	for _, n := range in.MessageSystemAttributeNames {
		names[string(n)] = true
	}
	for _, n := range in.AttributeNames {
		names[string(n)] = true
	}
	all := types.MessageSystemAttributeName("").Values()
	for n := range names {
		if n != "All" && !slices.Contains(all, types.MessageSystemAttributeName(n)) && !slices.Contains(types.QueueAttributeName("").Values(), types.QueueAttributeName(n)) {
			return nil, &types.InvalidAttributeName{Message: aws.String("Unknown Attribute " + n + ".")}
		}
	}
	return names, nil
}

// message is a received message as the client gets it.
func message(d *queueDoc, r *queue.Received, names map[string]bool, attributes []string) (types.Message, error) {
	var x extra
	if r.Extra != nil {
		if err := json.Unmarshal(r.Extra, &x); err != nil {
			return types.Message{}, fmt.Errorf("attributes of the message %s: %w", r.ID, err)
		}
	}
	body := string(r.Body)
	m := types.Message{MessageId: &r.ID, ReceiptHandle: &r.Handle, Body: &body, MD5OfBody: aws.String(hexMD5(r.Body))}
	set := func(name, v string) {
		if v == "" || !names["All"] && !names[name] {
			return
		}
		if m.Attributes == nil {
			m.Attributes = map[string]string{}
		}
		m.Attributes[name] = v
	}
	set("SenderId", r.Sender)
	set("SentTimestamp", strconv.FormatInt(r.Sent, 10))
	set("ApproximateReceiveCount", strconv.Itoa(r.Count))
	set("ApproximateFirstReceiveTimestamp", strconv.FormatInt(r.First, 10))
	set("MessageGroupId", r.Group)
	set("MessageDeduplicationId", r.Dedup)
	set("SequenceNumber", aws.ToString(sequence(d, r.Sequence)))
	set("AWSTraceHeader", x.Trace)
	set("DeadLetterQueueSourceArn", r.Source)
	chosen := map[string]attribute{}
	for name, a := range x.Attributes {
		if !asked(attributes, name) {
			continue
		}
		chosen[name] = a
		if m.MessageAttributes == nil {
			m.MessageAttributes = map[string]types.MessageAttributeValue{}
		}
		m.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: a.Text, BinaryValue: a.Binary}
	}
	m.MD5OfMessageAttributes = some(md5Of(chosen))
	return m, nil
}

// asked says whether a list of names, "All", "*" and prefixes that end in ".*" has a name.
func asked(list []string, name string) bool {
	for _, n := range list {
		if n == "All" || n == "*" || n == name {
			return true
		}
		if p, ok := strings.CutSuffix(n, ".*"); ok && strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// DeleteMessage removes a message that was received.
func (s *Service) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, missing("ReceiptHandle")
	}
	errs, err := q.Delete([]string{*in.ReceiptHandle})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return nil, toldOf(err, in.ReceiptHandle)
	}
	s.measureDelete(d, 1)
	return &sqs.DeleteMessageOutput{}, nil
}

// DeleteMessageBatch removes up to ten messages.
func (s *Service) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	d, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("DeleteMessageBatchRequestEntry", len(in.Entries), func(i int) *string { return in.Entries[i].Id }); err != nil {
		return nil, err
	}
	handles := make([]string, len(in.Entries))
	for i := range in.Entries {
		handles[i] = aws.ToString(in.Entries[i].ReceiptHandle)
	}
	errs, err := q.Delete(handles)
	if err != nil {
		return nil, told(err)
	}
	out := &sqs.DeleteMessageBatchOutput{Successful: []types.DeleteMessageBatchResultEntry{}, Failed: []types.BatchResultErrorEntry{}}
	for i, err := range errs {
		if err == nil {
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: in.Entries[i].Id})
			continue
		}
		f, err := failed(in.Entries[i].Id, toldOf(err, in.Entries[i].ReceiptHandle))
		if err != nil {
			return nil, err
		}
		out.Failed = append(out.Failed, f)
	}
	s.measureDelete(d, len(out.Successful))
	return out, nil
}

func checkTimeout(n int32) error {
	if n < 0 || n > 43_200 {
		return invalid("Value %d for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200.", n)
	}
	return nil
}

// ChangeMessageVisibility sets when a message that was received comes back.
func (s *Service) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	_, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == nil {
		return nil, missing("ReceiptHandle")
	}
	if err := checkTimeout(in.VisibilityTimeout); err != nil {
		return nil, err
	}
	errs, err := q.Change([]string{*in.ReceiptHandle}, []time.Duration{time.Duration(in.VisibilityTimeout) * time.Second})
	if err == nil {
		err = errs[0]
	}
	if err != nil {
		return nil, toldOf(err, in.ReceiptHandle)
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// ChangeMessageVisibilityBatch is ChangeMessageVisibility for up to ten messages.
func (s *Service) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	_, q, err := s.on(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("ChangeMessageVisibilityBatchRequestEntry", len(in.Entries), func(i int) *string { return in.Entries[i].Id }); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{Successful: []types.ChangeMessageVisibilityBatchResultEntry{}, Failed: []types.BatchResultErrorEntry{}}
	fail := func(id *string, err error) error {
		f, err := failed(id, err)
		out.Failed = append(out.Failed, f)
		return err
	}
	var handles []string
	var timeouts []time.Duration
	var ids []*string
	for i := range in.Entries {
		e := &in.Entries[i]
		if err := checkTimeout(e.VisibilityTimeout); err != nil {
			if err := fail(e.Id, err); err != nil {
				return nil, err
			}
			continue
		}
		handles, timeouts, ids = append(handles, aws.ToString(e.ReceiptHandle)), append(timeouts, time.Duration(e.VisibilityTimeout)*time.Second), append(ids, e.Id)
	}
	errs, err := q.Change(handles, timeouts)
	if err != nil {
		return nil, told(err)
	}
	for i, err := range errs {
		if err == nil {
			out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: ids[i]})
		} else if err := fail(ids[i], toldOf(err, &handles[i])); err != nil {
			return nil, err
		}
	}
	return out, nil
}
