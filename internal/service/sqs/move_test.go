package sqs

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TestMovesThatFail starts a task beside another, and deletes the queue that a task moves to: as AWS was recorded.
func TestMovesThatFail(t *testing.T) {
	s, ctx := service(t)
	const prefix = "arn:aws:sqs:eu-west-1:111122223333:"
	urls := map[string]*string{}
	for _, name := range []string{"dead", "to", "q"} {
		in := &sqs.CreateQueueInput{QueueName: &name}
		if name == "q" {
			in.Attributes = map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + prefix + `dead","maxReceiveCount":1}`}
		}
		out, err := s.CreateQueue(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		urls[name] = out.QueueUrl
	}
	for range 3 {
		if _, err := s.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: urls["dead"], MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
	}
	start := func() error {
		_, err := s.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "dead"), DestinationArn: aws.String(prefix + "to"), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
		return err
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := start(); code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "There is already a task running.") {
		t.Errorf("a second task: %v", err)
	}
	_, noSource := s.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + "none")})
	_, noDestination := s.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(prefix + "dead"), DestinationArn: aws.String(prefix + "none")})
	for _, err := range []error{noSource, noDestination} {
		if status, ok := errors.AsType[interface {
			error
			HTTPStatusCode() int
		}](err); code(err) != "ResourceNotFoundException" || !ok || status.HTTPStatusCode() != 404 {
			t.Errorf("what is not there: %v", err)
		}
	}
	if _, err := s.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: urls["to"]}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		l, err := s.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(prefix + "dead")})
		if err != nil {
			t.Fatal(err)
		}
		if m := l.Results[0]; *m.Status == "FAILED" {
			if aws.ToString(m.FailureReason) != "AWS.SimpleQueueService.NonExistentQueue" {
				t.Errorf("%+v", m)
			}
			return
		} else if time.Now().After(end) {
			t.Fatalf("%+v", m)
		}
	}
}
