package sqs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestAttempts receives from a FIFO queue with the id of a call that had no answer.
func TestAttempts(t *testing.T) {
	s, ctx := service(t)
	if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("f.fifo"), Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}}); err != nil {
		t.Fatal(err)
	}
	url := aws.String("https://sqs.eu-west-1.amazonaws.com/111122223333/f.fifo")
	for _, body := range []string{"1", "2"} {
		if _, err := s.send(ctx, &SendMessageInput{QueueUrl: url, MessageBody: &body, MessageGroupId: &body}); err != nil {
			t.Fatal(err)
		}
	}
	receive := func(id string, want string) (handle *string) {
		t.Helper()
		out, err := s.receive(ctx, &ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: &id})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range out.Messages {
			got, handle = got+*m.Body, m.ReceiptHandle
		}
		if got != want {
			t.Errorf("%s received %q, want %q", id, got, want)
		}
		return handle
	}
	first := receive("a", "1")
	if again := receive("a", "1"); *again != *first {
		t.Errorf("another handle: %s and %s", *first, *again)
	}
	receive("b", "2")
	receive("c", "")
	if _, err := s.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: first}); err != nil {
		t.Fatal(err)
	}
	receive("a", "")
	receive("b", "2")
	for _, id := range []string{"", "a b"} {
		if _, err := s.receive(ctx, &ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: &id}); code(err) != "InvalidParameterValue" {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestAttemptsAtOnce: of calls of an attempt that come at the same time, those that receive nothing do not make the others'
// messages forgotten.
func TestAttemptsAtOnce(t *testing.T) {
	s, ctx := service(t)
	if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("f.fifo"), Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}}); err != nil {
		t.Fatal(err)
	}
	url := aws.String("https://sqs.eu-west-1.amazonaws.com/111122223333/f.fifo")
	if _, err := s.send(ctx, &SendMessageInput{QueueUrl: url, MessageBody: aws.String("x"), MessageGroupId: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	receive := func() int {
		t.Helper()
		out, err := s.receive(ctx, &ReceiveMessageInput{QueueUrl: url, ReceiveRequestAttemptId: aws.String("a")})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Messages)
	}
	if n := receive(); n != 1 {
		t.Fatalf("%d messages", n)
	}
	for k := range s.attempts.made {
		s.attempts.keep(k, s.clock.Now(), nil, s.clock) // as the other call does
	}
	if n := receive(); n != 1 {
		t.Errorf("%d messages once more", n)
	}
}
