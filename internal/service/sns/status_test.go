package sns

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fakeLogs takes lines about deliveries.
type fakeLogs chan statusLine

type statusLine struct {
	LogPlace
	deliveryStatus
}

func (f fakeLogs) Log(p LogPlace, _ time.Time, line string) {
	l := statusLine{LogPlace: p}
	if err := json.Unmarshal([]byte(line), &l.deliveryStatus); err != nil {
		panic(err)
	}
	f <- l
}

// TestStatusOfDeliveries publishes to a queue that is there, one that is not, an endpoint that refuses, and a topic that wants
// nothing logged.
func TestStatusOfDeliveries(t *testing.T) {
	f := open(t)
	f.queues.fail = func(name string) error {
		if name == "gone" {
			return &sqstypes.QueueDoesNotExist{Message: aws.String("It is not there.")}
		}
		return nil
	}
	const role = "arn:aws:iam::" + account + ":role/"
	quiet := f.topic("quiet", "SQSSuccessFeedbackRoleArn", role+"ok", "SQSSuccessFeedbackSampleRate", "0")
	f.subscribe(quiet, "sqs", queueARN("quiet"))
	topic := f.topic("t", "SQSSuccessFeedbackRoleArn", role+"ok", "SQSSuccessFeedbackSampleRate", "100", "SQSFailureFeedbackRoleArn", role+"bad", "HTTPFailureFeedbackRoleArn", role+"http")
	tokens := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Token string }
		if json.NewDecoder(r.Body).Decode(&m); m.Token != "" {
			tokens <- m.Token
			return
		}
		http.Error(w, "not here", http.StatusGone)
	}))
	defer server.Close()
	f.subscribe(topic, "sqs", queueARN("there"))
	f.subscribe(topic, "sqs", queueARN("gone"))
	f.subscribe(topic, "http", server.URL)
	if _, err := f.ConfirmSubscription(f.ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String(<-tokens)}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: quiet, Message: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	f.queues.wait(t, "quiet", 1)
	out, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("hello")})
	if err != nil {
		t.Fatal(err)
	}
	group := "sns/" + region + "/" + account + "/t"
	for range 3 {
		l := <-f.lines
		n, d := l.Notification, l.Delivery
		if l.Account != account || l.Region != region || l.Topic != *topic || l.Stream == "" || n.ID != *out.MessageId || n.Topic != *topic || n.Time != "2026-01-02 03:04:05.006" ||
			n.MD5 != "5d41402abc4b2a76b9719d911017c592" || d.ID == "" || d.Attempts != 1 || d.Dwell < 0 {
			t.Errorf("%+v", l)
		}
		got := []any{l.Group, l.Role, l.Status, d.StatusCode, d.Response}
		want := map[string][5]any{
			queueARN("there"): {group, role + "ok", "SUCCESS", 200, `{"sqsMessageId":"message-0"}`},
			queueARN("gone"):  {group + "/Failure", role + "bad", "FAILURE", 400, `{"ErrorCode":"QueueDoesNotExist","ErrorMessage":"It is not there."}`},
			server.URL:        {group + "/Failure", role + "http", "FAILURE", 410, "not here\n"},
		}[d.Destination]
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", d.Destination, got[i], want[i])
			}
		}
	}
	select {
	case l := <-f.lines:
		t.Errorf("and %+v", l)
	default:
	}
}

// brokenFunctions answer nothing.
type brokenFunctions struct{}

func (brokenFunctions) Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return nil, errors.New("the connection broke")
}

// TestStatusOfFunctions: a function that was not reached has not answered that it took the message.
func TestStatusOfFunctions(t *testing.T) {
	f := open(t)
	f.cfg.Functions = brokenFunctions{}
	o := &outgoing{p: &posted{ID: "m"}}
	f.toFunction(f.ctx, &subscriptionDoc{Protocol: "lambda", Endpoint: "arn:aws:lambda:" + region + ":" + account + ":function:f"}, []*outgoing{o})
	if text, status := failure(o); text != "the connection broke" || status != 0 {
		t.Errorf("%d %s", status, text)
	}
}
