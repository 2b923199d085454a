package sqs

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// What a receiver asks for of attributes: names, all of them, or prefixes.
func TestAskedAttributes(t *testing.T) {
	have := []string{"General", "Hello", "Help.Me"}
	for _, c := range []struct {
		asked []string
		want  []string
	}{
		{nil, nil},
		{[]string{"All"}, have},
		{[]string{"*"}, have},
		{[]string{".*"}, have},
		{[]string{"Hel.*"}, []string{"Hello", "Help.Me"}},
		{[]string{"Help.*", "Foo"}, []string{"Help.Me"}},
		{[]string{"Hello", "Foo"}, []string{"Hello"}},
		{[]string{"hello", "AWS.", "..x", ""}, nil},
	} {
		var got []string
		for _, name := range have {
			if asked(c.asked, name) {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.asked, got, c.want)
		}
	}
}

// Answers as SQS words them, where more than the code matters.
func TestAnswers(t *testing.T) {
	s, ctx := service(t)
	create := func(name string, set map[string]string) *string {
		t.Helper()
		out, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: set})
		if err != nil {
			t.Fatal(err)
		}
		return out.QueueUrl
	}
	wants := func(err error, name, message string) {
		t.Helper()
		if code(err) != name || !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %s: %s", err, name, message)
		}
	}
	url := create("q", nil)
	set := func(attributes map[string]string) error {
		_, err := s.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: attributes})
		return err
	}
	if err := set(map[string]string{"KmsMasterKeyId": "k", "KmsDataKeyReusePeriodSeconds": "6000"}); err != nil {
		t.Fatal(err)
	}
	wants(set(map[string]string{"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}), "InvalidAttributeName", "You can use one type of server-side encryption (SSE) at one time.")
	if err := set(map[string]string{"SqsManagedSseEnabled": "true"}); err != nil {
		t.Fatal(err)
	}
	out, err := s.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"}})
	if err != nil || len(out.Attributes) != 1 || out.Attributes["SqsManagedSseEnabled"] != "true" {
		t.Errorf("%v, %v", out, err)
	}
	wants(set(map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"dummy","maxReceiveCount":42}`}), "InvalidParameterValue", "Reason: Invalid value for deadLetterTargetArn.")

	if _, err := s.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	_, err = s.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url})
	wants(err, "PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")

	fifo := create("q.fifo", map[string]string{"FifoQueue": "true"})
	batch := func(e types.SendMessageBatchRequestEntry) error {
		e.Id, e.MessageBody = aws.String("2"), aws.String("x")
		_, err := s.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: fifo, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("1"), MessageBody: aws.String("x"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("1")}, e,
		}})
		return err
	}
	wants(batch(types.SendMessageBatchRequestEntry{}), "InvalidParameterValue", "The request must contain the parameter MessageGroupId.")
	wants(batch(types.SendMessageBatchRequestEntry{MessageGroupId: aws.String("g")}), "InvalidParameterValue", "MessageDeduplicationId provided explicitly")
	got, err := s.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: fifo})
	if err != nil || len(got.Messages) != 0 {
		t.Errorf("a batch that was refused has sent %v (%v)", got, err)
	}

	add := func(accounts ...string) error {
		_, err := s.AddPermission(ctx, &sqs.AddPermissionInput{QueueUrl: url, Label: aws.String("l"), AWSAccountIds: accounts, Actions: []string{"ReceiveMessage"}})
		return err
	}
	if err := add("111122223333"); err != nil {
		t.Fatal(err)
	}
	out, err = s.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"Policy"}})
	const arn = "arn:aws:sqs:eu-west-1:111122223333:q"
	if want := `{"Version":"2008-10-17","Id":"` + arn + `/SQSDefaultPolicy","Statement":[{"Action":"SQS:ReceiveMessage","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Resource":"` + arn + `","Sid":"l"}]}`; err != nil || out.Attributes["Policy"] != want {
		t.Errorf("%v (%v)", out, err)
	}
	_, err = s.RemovePermission(ctx, &sqs.RemovePermissionInput{QueueUrl: url, Label: aws.String("other")})
	wants(err, "InvalidParameterValue", "Reason: can't find label.")

	// The chain of requests that a message belongs to goes with it.
	in := awswire.WithTrace(ctx, "Root=1-5759e988-bd862e3fe1be46a994272793")
	sent, err := s.SendMessage(in, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")})
	if err != nil || sent.MD5OfMessageSystemAttributes != nil {
		t.Fatalf("%v (%v)", sent, err)
	}
	got, err = s.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"AWSTraceHeader"}})
	if err != nil || len(got.Messages) != 1 || got.Messages[0].Attributes["AWSTraceHeader"] != awswire.CallerFrom(in).Trace {
		t.Errorf("%v (%v)", got, err)
	}
}

// A purge that failed does not count: the queue can be purged again at once.
func TestFailedPurge(t *testing.T) {
	s, ctx := service(t)
	made, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := s.on(ctx, made.QueueUrl)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cfg.Messages.Drop(d.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: made.QueueUrl}); err == nil || code(err) == "PurgeQueueInProgress" {
			t.Errorf("a purge of messages that are gone: %v", err)
		}
	}
}
