package sqs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"net/http/httptest"
	"net/url"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

func service(t *testing.T) (*Service, context.Context) {
	t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(t.TempDir(), "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := queue.Open(queue.Options{Dir: filepath.Join(t.TempDir(), "queues"), NoSync: true, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{State: st, Messages: messages, Endpoint: func() string { return "http://localhost:4566" }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()); messages.Close(); st.Close(); b.Close() })
	return s, awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Region: "eu-west-1"})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestQueues(t *testing.T) {
	s, ctx := service(t)
	made, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")})
	if err != nil || *made.QueueUrl != "http://localhost:4566/111122223333/dead" {
		t.Fatalf("%v (%v)", made, err)
	}
	redrive := `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":1}`
	q, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"RedrivePolicy": redrive, "VisibilityTimeout": "60"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, code string
		set        map[string]string
	}{
		{"q", "QueueNameExists", map[string]string{"VisibilityTimeout": "61"}},
		{"q", "<nil>", map[string]string{"VisibilityTimeout": "60"}},
		{"a b", "InvalidParameterValue", nil},
		{"f.fifo", "InvalidParameterValue", nil},
		{"n", "InvalidAttributeValue", map[string]string{"DelaySeconds": "901"}},
		{"n", "InvalidAttributeName", map[string]string{"Delay": "1"}},
		{"n", "InvalidAttributeValue", map[string]string{"Policy": "{"}},
		{"n", "InvalidParameterValue", map[string]string{"RedrivePolicy": strings.Replace(redrive, "dead\"", "none\"", 1)}},
		{"n.fifo", "InvalidParameterValue", map[string]string{"FifoQueue": "true", "RedrivePolicy": redrive}},
	} {
		if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &c.name, Attributes: c.set}); code(err) != c.code {
			t.Errorf("%s %v: %v, want %s", c.name, c.set, err, c.code)
		}
	}
	sent, err := s.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("hello"), MessageAttributes: map[string]types.MessageAttributeValue{
		"n": {DataType: aws.String("Number"), StringValue: aws.String("1")}, "b": {DataType: aws.String("Binary.x"), BinaryValue: []byte{1, 2}},
	}})
	if err != nil || *sent.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || *sent.MD5OfMessageAttributes == "" {
		t.Fatalf("%+v (%v)", sent, err)
	}
	receive := func(url *string) []types.Message {
		t.Helper()
		out, err := s.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	got := receive(q.QueueUrl)
	if len(got) != 1 || *got[0].Body != "hello" || *got[0].MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || got[0].Attributes["ApproximateReceiveCount"] != "1" || got[0].Attributes["SenderId"] != "111122223333" {
		t.Fatalf("%+v", got)
	}
	zero := func() {
		t.Helper()
		if _, err := s.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: q.QueueUrl, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	zero()
	if list := receive(q.QueueUrl); len(list) != 0 {
		t.Errorf("a dead letter was received: %+v", list)
	}
	attributes, err := s.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || attributes.Attributes["ApproximateNumberOfMessages"] != "1" || attributes.Attributes["VisibilityTimeout"] != "30" || attributes.Attributes["QueueArn"] != "arn:aws:sqs:eu-west-1:111122223333:dead" {
		t.Errorf("%v (%v)", attributes, err)
	}
	sources, err := s.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: made.QueueUrl})
	if err != nil || len(sources.QueueUrls) != 1 {
		t.Errorf("%v (%v)", sources, err)
	}
	source := aws.String("arn:aws:sqs:eu-west-1:111122223333:dead")
	if _, err := s.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: source}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		l, err := s.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: source})
		if err != nil {
			t.Fatal(err)
		}
		if *l.Results[0].Status == "COMPLETED" && l.Results[0].ApproximateNumberOfMessagesMoved == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", l.Results[0])
		}
	}
	got = receive(q.QueueUrl)
	if len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("after the move: %+v", got)
	}
	if _, err := s.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: q.QueueUrl, ReceiptHandle: aws.String("x")}); code(err) != "ReceiptHandleIsInvalid" {
		t.Error(err)
	}
	if _, err := s.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: q.QueueUrl, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
		t.Error(err)
	}
	if _, err := s.AddPermission(ctx, &sqs.AddPermissionInput{QueueUrl: q.QueueUrl, Label: aws.String("l"), AWSAccountIds: []string{"999999999999"}, Actions: []string{"SendMessage"}}); err != nil {
		t.Error(err)
	}
	if p, owner, err := s.ResourcePolicy(ctx, "arn:aws:sqs:eu-west-1:111122223333:q"); err != nil || owner != "111122223333" || !strings.Contains(p, "SQS:SendMessage") {
		t.Errorf("%s %s (%v)", p, owner, err)
	}
	if _, err := s.RemovePermission(ctx, &sqs.RemovePermissionInput{QueueUrl: q.QueueUrl, Label: aws.String("l")}); err != nil {
		t.Error(err)
	}
	if _, err := s.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: q.QueueUrl}); err != nil {
		t.Error(err)
	}
	if _, err := s.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("x")}); code(err) != "QueueDoesNotExist" {
		t.Error(err)
	}
}

// numberAttributes are message attributes that are numbers.
func numberAttributes(vs ...string) map[string]types.MessageAttributeValue {
	out := map[string]types.MessageAttributeValue{}
	for i, v := range vs {
		out[fmt.Sprint("n", i)] = types.MessageAttributeValue{DataType: aws.String("Number"), StringValue: &v}
	}
	return out
}

func TestSendChecks(t *testing.T) {
	s, ctx := service(t)
	for name, set := range map[string]map[string]string{"q": {"MaximumMessageSize": "1024"}, "big": nil, "f.fifo": {"FifoQueue": "true"}} {
		if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: set}); err != nil {
			t.Fatal(err)
		}
	}
	b, u := aws.String("b"), aws.String
	for i, c := range []struct {
		queue, code string
		in          SendMessageInput
	}{
		{"q", "MissingParameter", SendMessageInput{}},
		{"q", "InvalidMessageContents", SendMessageInput{MessageBody: u("\x01")}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: u(strings.Repeat("x", 1025))}},
		{"big", "<nil>", SendMessageInput{MessageBody: u(strings.Repeat("x", 1<<20))}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, DelaySeconds: aws.Int32(901)}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageDeduplicationId: b}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: u("Bool"), StringValue: b}}}},
		{"q", "<nil>", SendMessageInput{MessageBody: b, MessageAttributes: numberAttributes("0", "-1.5", "+.5", "1e400", "1.E-5")}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageAttributes: numberAttributes("NaN")}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageAttributes: numberAttributes("-Infinity")}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageAttributes: numberAttributes("0x1p3")}},
		{"q", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageAttributes: numberAttributes("1_000")}},
		{"f.fifo", "MissingParameter", SendMessageInput{MessageBody: b, MessageDeduplicationId: b}},
		{"f.fifo", "InvalidParameterValue", SendMessageInput{MessageBody: b, MessageGroupId: b}},
		{"f.fifo", "<nil>", SendMessageInput{MessageBody: b, MessageGroupId: b, MessageDeduplicationId: b}},
		{"none", "QueueDoesNotExist", SendMessageInput{MessageBody: b}},
	} {
		c.in.QueueUrl = u("https://sqs.eu-west-1.amazonaws.com/111122223333/" + c.queue)
		if _, err := s.send(ctx, &c.in); code(err) != c.code {
			t.Errorf("%d: %v, want %s", i, err, c.code)
		}
	}
	batch := func(ids ...string) (*sqs.SendMessageBatchOutput, error) {
		in := &SendMessageBatchInput{QueueUrl: u("http://h/111122223333/q")}
		for _, id := range ids {
			in.Entries = append(in.Entries, SendMessageBatchRequestEntry{Id: u(id), MessageBody: u(strings.TrimPrefix(id, "empty"))})
		}
		return s.sendBatch(ctx, in)
	}
	for want, ids := range map[string][]string{
		"EmptyBatchRequest": nil, "BatchEntryIdsNotDistinct": {"a", "a"}, "InvalidBatchEntryId": {"a b"}, "TooManyEntriesInBatchRequest": strings.Split("abcdefghijk", ""),
	} {
		if _, err := batch(ids...); code(err) != want {
			t.Errorf("%v: %v", ids, err)
		}
	}
	out, err := batch("a", "empty", "c")
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Code != "MissingParameter" {
		t.Errorf("%+v (%v)", out, err)
	}
}

// TestProtocols speaks both protocols.
func TestProtocols(t *testing.T) {
	s, ctx := service(t)
	h, err := awswire.NewHandler(s.API(), awswire.HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	call := func(path, kind, target, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, "POST", path, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		if target != "" {
			r.Header.Set("X-Amz-Target", target)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	form := func(path string, pairs ...string) string {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return call(path, "application/x-www-form-urlencoded", "", v.Encode()).Body.String()
	}
	has := func(got string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(got, p) {
				t.Errorf("%s is not in %s", p, got)
			}
		}
	}
	has(form("/", "Action", "CreateQueue", "QueueName", "q", "Attribute.1.Name", "VisibilityTimeout", "Attribute.1.Value", "40", "Tag.1.Key", "k", "Tag.1.Value", "v"),
		`<CreateQueueResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><CreateQueueResult><QueueUrl>http://localhost:4566/111122223333/q</QueueUrl></CreateQueueResult>`)
	// The queue's URL is what is posted to.
	has(form("/111122223333/q", "Action", "SendMessage", "MessageBody", "a<b", "MessageAttribute.1.Name", "x", "MessageAttribute.1.Value.DataType", "String", "MessageAttribute.1.Value.StringValue", "y"),
		"<SendMessageResult>", "<MD5OfMessageBody>", "<MD5OfMessageAttributes>")
	has(form("/111122223333/q", "Action", "GetQueueAttributes", "AttributeName.1", "VisibilityTimeout"), "<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>")
	// Of the model, the names here are those of queues. Clients send those of messages.
	has(form("/111122223333/q", "Action", "ReceiveMessage", "AttributeName.1", "ApproximateReceiveCount", "VisibilityTimeout", "0"), "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>")
	has(form("/111122223333/q", "Action", "ReceiveMessage", "AttributeName.1", "Nothing"), "<Code>InvalidAttributeName</Code>")
	has(form("/111122223333/q", "Action", "SetQueueAttributes", "Attribute.1.Name", "Nothing", "Attribute.1.Value", "1"), "<Code>InvalidAttributeName</Code>")
	has(form("/111122223333/q", "Action", "SendMessageBatch", "SendMessageBatchRequestEntry.1.Id", "i", "SendMessageBatchRequestEntry.1.MessageBody", "c"), "<SendMessageBatchResultEntry><Id>i</Id>")
	has(form("/111122223333/q", "Action", "ReceiveMessage", "MessageAttributeName.1", "All", "AttributeName.1", "All"),
		"<MessageId>", "<Body>a&lt;b</Body>", "<Attribute><Name>ApproximateReceiveCount</Name><Value>2</Value></Attribute>", "<MessageAttribute><Name>x</Name><Value><DataType>String</DataType><StringValue>y</StringValue></Value></MessageAttribute>")
	has(form("/111122223333/none", "Action", "PurgeQueue"), "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>")
	has(form("/", "Action", "ListQueues"), "<ListQueuesResult><QueueUrl>http://localhost:4566/111122223333/q</QueueUrl></ListQueuesResult>")

	w := call("/", "application/x-amz-json-1.0", "AmazonSQS.GetQueueUrl", `{"QueueName":"none"}`)
	has(w.Body.String(), `"__type":"com.amazonaws.sqs#QueueDoesNotExist"`)
	if q := w.Header().Get("X-Amzn-Query-Error"); w.Code != 400 || q != "AWS.SimpleQueueService.NonExistentQueue;Sender" {
		t.Errorf("%d %s", w.Code, q)
	}
	// Half a surrogate pair is no character: another in its place would be another message.
	for _, body := range []string{`"\ud83d"`, `"a\udE00"`, `"\ud83d x"`, `"\ud83d\ud83d\ude00"`} {
		has(call("/", "application/x-amz-json-1.0", "AmazonSQS.SendMessage", `{"QueueUrl":"http://h/111122223333/q","MessageBody":`+body+`}`).Body.String(), "InvalidMessageContents")
		has(call("/", "application/x-amz-json-1.0", "AmazonSQS.SendMessageBatch", `{"QueueUrl":"http://h/111122223333/q","Entries":[{"Id":"i","MessageBody":`+body+`}]}`).Body.String(), `"Failed":[{`, "InvalidMessageContents")
	}
	has(call("/", "application/x-amz-json-1.0", "AmazonSQS.SendMessage", `{"QueueUrl":"http://h/111122223333/smile","MessageBody":"\ud83d\ude00\ufffd"}`).Body.String(), "QueueDoesNotExist")
	// A zero is not what is missing.
	has(call("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"http://h/111122223333/q","MaxNumberOfMessages":0}`).Body.String(), "InvalidParameterValue")
	has(call("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"http://h/111122223333/q","VisibilityTimeout":0}`).Body.String(), `"Body":"c"`)
	has(call("/", "application/x-amz-json-1.0", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"http://h/111122223333/q"}`).Body.String(), `"Body":"c"`)
}

// What a queue's account alone may do is refused to others, whatever the queue's policy says.
func TestOthersMayNotManageAQueue(t *testing.T) {
	s, ctx := service(t)
	made, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	other := awswire.WithCaller(t.Context(), awswire.Caller{Account: "444455556666", Region: "eu-west-1"})
	_, attributes := s.SetQueueAttributes(other, &sqs.SetQueueAttributesInput{QueueUrl: made.QueueUrl, Attributes: map[string]string{"DelaySeconds": "9"}})
	_, add := s.AddPermission(other, &sqs.AddPermissionInput{QueueUrl: made.QueueUrl, Label: aws.String("l"), AWSAccountIds: []string{"444455556666"}, Actions: []string{"SendMessage"}})
	_, remove := s.RemovePermission(other, &sqs.RemovePermissionInput{QueueUrl: made.QueueUrl, Label: aws.String("l")})
	_, tag := s.TagQueue(other, &sqs.TagQueueInput{QueueUrl: made.QueueUrl, Tags: map[string]string{"a": "b"}})
	_, untag := s.UntagQueue(other, &sqs.UntagQueueInput{QueueUrl: made.QueueUrl, TagKeys: []string{"a"}})
	_, tags := s.ListQueueTags(other, &sqs.ListQueueTagsInput{QueueUrl: made.QueueUrl})
	_, gone := s.DeleteQueue(other, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
	for name, err := range map[string]error{"SetQueueAttributes": attributes, "AddPermission": add, "RemovePermission": remove, "TagQueue": tag, "UntagQueue": untag, "ListQueueTags": tags, "DeleteQueue": gone} {
		if code(err) != "AccessDenied" {
			t.Errorf("%s of another account's queue: %v", name, err)
		}
	}
	if _, err := s.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl}); err != nil {
		t.Error(err)
	}
}

// TestMovesAskForAllTheyDo starts tasks as callers that lack one of the permissions that a task needs.
func TestMovesAskForAllTheyDo(t *testing.T) {
	s, ctx := service(t)
	var lacks string
	s.cfg.Allow = func(_ context.Context, action, queue string) error {
		if action+" "+queue == lacks {
			return awswire.Errorf("AccessDenied", "%s", lacks)
		}
		return nil
	}
	const dead, q, other = "arn:aws:sqs:eu-west-1:111122223333:dead", "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:other"
	for name, attributes := range map[string]map[string]string{"dead": nil, "other": nil} {
		if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q"), Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":1}`}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ lacks, to string }{
		{"sqs:ReceiveMessage " + dead, ""}, {"sqs:DeleteMessage " + dead, ""}, {"sqs:GetQueueAttributes " + dead, ""},
		{"sqs:SendMessage " + q, ""}, {"sqs:SendMessage " + other, other},
	} {
		lacks = c.lacks
		in := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(dead), DestinationArn: some(c.to)}
		if _, err := s.StartMessageMoveTask(ctx, in); code(err) != "AccessDenied" {
			t.Errorf("without %s: %v", c.lacks, err)
		}
	}
	lacks = "sqs:SendMessage " + q // which is not asked for
	if _, err := s.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(dead), DestinationArn: aws.String(other)}); err != nil {
		t.Error(err)
	}
}
