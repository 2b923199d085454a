package sqs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// measured opens the service, with a clock and a registry.
func measured(t *testing.T) (*Service, *clockwork.FakeClock, *metering.Registry, context.Context) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	clock := clockwork.NewFakeClockAt(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
	messages, err := queue.Open(queue.Options{Dir: t.TempDir(), NoSync: true, MinFree: -1, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { messages.Close() })
	meter := metering.New()
	s, err := New(Config{State: st, Messages: messages, Meter: meter, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return s, clock, meter, awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Region: "eu-west-1"})
}

func TestQueuesAreMeasured(t *testing.T) {
	s, clock, meter, ctx := measured(t)
	taken := func() map[string]float64 {
		t.Helper()
		got := map[string]float64{}
		for _, p := range meter.Take() {
			if p.Resource.Scope != "111122223333/eu-west-1" || p.Resource.Namespace != "AWS/SQS" || len(p.Resource.Dimensions) != 1 || p.Resource.Dimensions[0].Name != "QueueName" || p.Resource.Dimensions[0].Value != "q" {
				t.Errorf("measured: %+v", p.Resource)
			}
			got[p.Measure.Name+" "+p.Measure.Unit] = p.Sum
		}
		return got
	}
	same := func(what string, got, want map[string]float64) {
		t.Helper()
		for name, v := range want {
			if g, ok := got[name]; !ok || g != v {
				t.Errorf("%s: %s is %v (%v), not %v", what, name, g, ok, v)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v", what, got)
		}
	}
	made, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	same("a queue that nobody has used", taken(), nil)
	if _, err := s.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("four")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: made.QueueUrl, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("x")}, {Id: aws.String("b"), MessageBody: aws.String("later"), DelaySeconds: 900}, {Id: aws.String("c"), MessageBody: aws.String("bad\x01")},
	}}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(40 * time.Second)
	got, err := s.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 1})
	if err != nil || len(got.Messages) != 1 {
		t.Fatal(got, err)
	}
	same("in use", taken(), map[string]float64{
		"NumberOfMessagesSent Count": 3, "SentMessageSize Bytes": 10, "NumberOfMessagesReceived Count": 1, "NumberOfMessagesDeleted Count": 0, "NumberOfEmptyReceives Count": 0,
		"ApproximateNumberOfMessagesVisible Count": 1, "ApproximateNumberOfMessagesNotVisible Count": 1, "ApproximateNumberOfMessagesDelayed Count": 1, "ApproximateAgeOfOldestMessage Seconds": 40,
	})
	for range 3 { // the second one, and twice none
		more, err := s.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		got.Messages = append(got.Messages, more.Messages...)
	}
	for i := range got.Messages {
		if _, err := s.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: made.QueueUrl, ReceiptHandle: got.Messages[i].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	same("nearly empty", taken(), map[string]float64{
		"NumberOfMessagesSent Count": 0, "NumberOfMessagesReceived Count": 1, "NumberOfMessagesDeleted Count": 2, "NumberOfEmptyReceives Count": 2,
		"ApproximateNumberOfMessagesVisible Count": 0, "ApproximateNumberOfMessagesNotVisible Count": 0, "ApproximateNumberOfMessagesDelayed Count": 1, "ApproximateAgeOfOldestMessage Seconds": 40,
	})
	if _, err := s.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: made.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	if got := taken(); got["ApproximateAgeOfOldestMessage Seconds"] != 0 || len(got) != 8 {
		t.Errorf("an empty queue: %v", got)
	}
	clock.Advance(activeFor + time.Second)
	same("a queue that is not used any more", taken(), nil)
}

// Queues that nobody uses take no places of the registry, and one that was used when there was none gets one later.
func TestMeasuredQueuesAndOthers(t *testing.T) {
	s, _, meter, ctx := measured(t)
	for i := range metering.Limit - 1 {
		meter.Resource("a/r", "AWS/Kinesis", "StreamName", fmt.Sprint(i))
	}
	made, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	meter.Take()
	if meter.Resource("a/r", "AWS/Kinesis", "StreamName", "last") == nil {
		t.Error("a queue that nobody has used has taken the last place")
	}
	send := func() (told bool) {
		t.Helper()
		if _, err := s.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: made.QueueUrl, MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
		for _, p := range meter.Take() {
			told = told || p.Measure == sentSize
		}
		return told
	}
	if send() {
		t.Fatal("there was a place")
	}
	for range 100 { // the streams are idle, and leave
		meter.Take()
	}
	if !send() {
		t.Error("the queue is not measured, though there are places")
	}
}
