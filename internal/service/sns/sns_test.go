package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what the first version of signatures has
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/outbound"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/seal"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const account, region = "111122223333", "eu-west-1"

// fakeQueues keeps what is sent, by the URL of the queue.
type fakeQueues struct {
	mu   sync.Mutex
	sent map[string][]sqstypes.SendMessageBatchRequestEntry
	fail func(name string) error
	got  chan struct{}
}

func (f *fakeQueues) SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return nil, errors.New("not used")
}

func (f *fakeQueues) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	name := (*in.QueueUrl)[strings.LastIndexByte(*in.QueueUrl, '/')+1:]
	if s := awswire.CallerFrom(ctx).Session; s == nil || s.Service != "sns.amazonaws.com" {
		return nil, errors.New("not as SNS")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		select {
		case f.got <- struct{}{}:
		default:
		}
	}()
	if f.fail != nil {
		if err := f.fail(name); err != nil {
			return nil, err
		}
	}
	f.sent[name] = append(f.sent[name], in.Entries...)
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: e.Id, MessageId: aws.String("message-" + *e.Id)})
	}
	return out, nil
}

// wait returns what a queue has when it has n messages.
func (f *fakeQueues) wait(t *testing.T, name string, n int) []sqstypes.SendMessageBatchRequestEntry {
	t.Helper()
	end := time.After(time.Minute)
	for {
		f.mu.Lock()
		list := f.sent[name]
		f.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-f.got:
		case <-time.After(10 * time.Millisecond):
		case <-end:
			t.Fatalf("%s has %d messages, want %d", name, len(list), n)
		}
	}
}

type fakeFunctions struct{ payloads chan []byte }

func (f fakeFunctions) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.payloads <- in.Payload
	return &lambda.InvokeOutput{}, nil
}

type fixture struct {
	*Service
	t         *testing.T
	ctx       context.Context
	queues    *fakeQueues
	functions fakeFunctions
	lines     fakeLogs
	clock     *clockwork.FakeClock
	meter     *metering.Registry
	dir       string
	key       *seal.Key
	closers   []func()
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, dir: t.TempDir(), clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)), key: seal.Random(),
		ctx:       awswire.WithCaller(t.Context(), awswire.Caller{Account: account, Region: region}),
		queues:    &fakeQueues{sent: map[string][]sqstypes.SendMessageBatchRequestEntry{}, got: make(chan struct{}, 1)},
		functions: fakeFunctions{make(chan []byte, 10)}, lines: make(fakeLogs, 100), meter: metering.New(),
	}
	f.start()
	t.Cleanup(f.stop)
	return f
}

func (f *fixture) start() {
	f.t.Helper()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(f.dir, "nats"), NoSync: true})
	if err != nil {
		f.t.Fatal(err)
	}
	st, err := state.Open(f.t.Context(), b, state.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	outbox, err := queue.Open(queue.Options{Dir: filepath.Join(f.dir, "outbox"), MinFree: -1, Clock: f.clock})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Service, err = New(Config{
		State: st, Outbox: outbox, Sealer: f.key, Queues: f.queues, Functions: f.functions, HTTP: outbound.New(outbound.Options{Loopback: true}),
		Endpoint: func() string { return "http://node:4566" }, Clock: f.clock, Meter: f.meter, Logs: f.lines,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.closers = []func(){func() { f.Close(context.Background()) }, func() { outbox.Close() }, func() { st.Close() }, func() { b.Close() }}
}

func (f *fixture) stop() {
	for _, c := range f.closers {
		c()
	}
	f.closers = nil
}

func (f *fixture) topic(name string, attributes ...string) *string {
	f.t.Helper()
	out, err := f.CreateTopic(f.ctx, &sns.CreateTopicInput{Name: &name, Attributes: pairs(attributes)})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.TopicArn
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

func (f *fixture) subscribe(topic *string, protocol, endpoint string, attributes ...string) *string {
	f.t.Helper()
	out, err := f.Subscribe(f.ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: pairs(attributes), ReturnSubscriptionArn: true})
	if err != nil {
		f.t.Fatal(err)
	}
	return out.SubscriptionArn
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestQueueDelivery(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	f.subscribe(topic, "sqs", queueARN("plain"))
	f.subscribe(topic, "sqs", queueARN("raw"), "RawMessageDelivery", "true")
	f.subscribe(topic, "sqs", queueARN("red"), "FilterPolicy", `{"color":["red",{"prefix":"crim"}],"n":[{"numeric":[">",3]}]}`)
	f.subscribe(topic, "sqs", queueARN("body"), "FilterPolicy", `{"a":{"b":[1]}}`, "FilterPolicyScope", "MessageBody")
	f.subscribe(topic, "lambda", "arn:aws:lambda:"+region+":"+account+":function:f")
	text := func(kind, v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &v}
	}
	out, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String(`{"a":{"b":1}}`), Subject: aws.String("s & <t>"),
		MessageAttributes: map[string]types.MessageAttributeValue{"color": text("String", "crimson"), "n": text("Number", "4")}})
	if err != nil {
		t.Fatal(err)
	}
	plain := f.queues.wait(t, "plain", 1)[0]
	var e map[string]any
	if err := json.Unmarshal([]byte(*plain.MessageBody), &e); err != nil {
		t.Fatal(err)
	}
	if e["Type"] != "Notification" || e["MessageId"] != *out.MessageId || e["Subject"] != "s & <t>" || e["Message"] != `{"a":{"b":1}}` || e["Timestamp"] != "2026-01-02T03:04:05.006Z" ||
		fmt.Sprint(e["MessageAttributes"]) != "map[color:map[Type:String Value:crimson] n:map[Type:Number Value:4]]" {
		t.Errorf("%v", e)
	}
	f.verify(e, "1")
	if m := f.queues.wait(t, "raw", 1)[0]; *m.MessageBody != `{"a":{"b":1}}` || *m.MessageAttributes["n"].StringValue != "4" {
		t.Errorf("raw: %+v", m)
	}
	f.queues.wait(t, "red", 1)
	f.queues.wait(t, "body", 1)
	var event struct {
		Records []struct {
			EventSource string
			Sns         struct{ Message, MessageId string }
		}
	}
	if err := json.Unmarshal(<-f.functions.payloads, &event); err != nil || event.Records[0].EventSource != "aws:sns" || event.Records[0].Sns.MessageId != *out.MessageId {
		t.Errorf("%+v (%v)", event, err)
	}
	if _, err := f.PublishBatch(f.ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String(`{"default":"d","sqs":"for queues"}`), MessageStructure: aws.String("json")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.PublishBatch(f.ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("1"), Message: aws.String("")}, {Id: aws.String("2"), Message: aws.String("")},
	}}); code(err) != "InvalidParameter" {
		t.Errorf("a batch of empty messages: %v", err)
	}
	m := f.queues.wait(t, "plain", 2)[1]
	if err := json.Unmarshal([]byte(*m.MessageBody), &e); err != nil || e["Message"] != "for queues" {
		t.Errorf("%v (%v)", e, err)
	}
	delete(e, "Subject") // of the first
	f.verify(e, "1")
	if n := len(f.queues.wait(t, "red", 1)); n != 1 {
		t.Errorf("the filter let %d through", n)
	}
}

// verify checks the signature of an envelope as its receivers do.
func (f *fixture) verify(e map[string]any, version string) {
	f.t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, fmt.Sprint(e["SigningCertURL"]), nil)
	front := f.Fronts()[0]
	if !front.Claims(r) {
		f.t.Fatalf("%v is not served", e["SigningCertURL"])
	}
	front.Handler.ServeHTTP(w, r)
	block, _ := pem.Decode(w.Body.Bytes())
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		f.t.Fatal(err)
	}
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if e["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	text := ""
	for _, n := range names {
		if v, ok := e[n]; ok {
			text += n + "\n" + fmt.Sprint(v) + "\n"
		}
	}
	signature, err := base64.StdEncoding.DecodeString(fmt.Sprint(e["Signature"]))
	if err != nil {
		f.t.Fatal(err)
	}
	hash, sum := crypto.SHA1, sha1.Sum([]byte(text)) //nolint:gosec // what the first version of signatures has
	digest := sum[:]
	if version == "2" {
		s := sha256.Sum256([]byte(text))
		hash, digest = crypto.SHA256, s[:]
	}
	if e["SignatureVersion"] != version {
		f.t.Errorf("version %v", e["SignatureVersion"])
	}
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), hash, digest, signature); err != nil {
		f.t.Errorf("signature of %q: %v", text, err)
	}
}

// TestRetries: what fails is tried again, also after a restart, and goes to the dead-letter queue in the end.
func TestRetries(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	f.subscribe(topic, "sqs", queueARN("q"), "RawMessageDelivery", "true")
	f.subscribe(topic, "sqs", queueARN("gone"), "RawMessageDelivery", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("dead")+`"}`)
	tries := 0
	f.queues.fail = func(name string) error {
		switch name {
		case "gone":
			return &sqstypes.QueueDoesNotExist{}
		case "q":
			if tries++; tries <= 3 {
				return errors.New("the disk is on fire")
			}
		}
		return nil
	}
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("m")}); err != nil {
		t.Fatal(err)
	}
	f.queues.wait(t, "dead", 1)
	f.queues.wait(t, "q", 1) // the first retries do not wait

	f.queues.mu.Lock()
	tries = -1000 // no more
	f.queues.fail = func(string) error { return errors.New("still") }
	f.queues.mu.Unlock()
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("after")}); err != nil {
		t.Fatal(err)
	}
	f.stop() // wherever it is now
	f.queues.mu.Lock()
	f.queues.fail = nil
	f.queues.mu.Unlock()
	f.clock.Advance(time.Minute)
	f.start()
	list := f.queues.wait(t, "q", 2)
	if *list[1].MessageBody != "after" {
		t.Errorf("%v", *list[1].MessageBody)
	}
}

func TestFIFO(t *testing.T) {
	f := open(t)
	topic := f.topic("t.fifo", "FifoTopic", "true", "ContentBasedDeduplication", "true")
	f.subscribe(topic, "sqs", queueARN("q.fifo"), "RawMessageDelivery", "true")
	var first *sns.PublishOutput
	for i := range 30 {
		out, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String(fmt.Sprint(i)), MessageGroupId: aws.String(fmt.Sprint(i % 3))})
		if err != nil || out.SequenceNumber == nil {
			t.Fatal(out, err)
		}
		if i == 0 {
			first = out
		}
	}
	again, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("0"), MessageGroupId: aws.String("0")})
	if err != nil || *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
		t.Errorf("%+v, first %+v (%v)", again, first, err)
	}
	last := map[string]int{"0": -1, "1": -1, "2": -1}
	for _, m := range f.queues.wait(t, "q.fifo", 30) {
		var n int
		fmt.Sscan(*m.MessageBody, &n)
		if n <= last[*m.MessageGroupId] || m.MessageDeduplicationId == nil {
			t.Errorf("%d after %d of group %s", n, last[*m.MessageGroupId], *m.MessageGroupId)
		}
		last[*m.MessageGroupId] = n
	}
	for name, in := range map[string]*sns.PublishInput{
		"no group": {TopicArn: topic, Message: aws.String("x")},
		"group":    {TopicArn: topic, Message: aws.String("x"), MessageGroupId: aws.String("a b")},
	} {
		if _, err := f.Publish(f.ctx, in); code(err) != "InvalidParameter" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTPEndpoint(t *testing.T) {
	f := open(t)
	type got struct {
		header http.Header
		body   map[string]any
		text   string
	}
	requests := make(chan got, 10)
	status := http.StatusInternalServerError
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		g := got{r.Header, nil, string(b)}
		json.Unmarshal(b, &g.body)
		mu.Lock()
		w.WriteHeader(status)
		mu.Unlock()
		requests <- g
	}))
	defer server.Close()
	topic := f.topic("t", "SignatureVersion", "2")
	out, err := f.Subscribe(f.ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("http"), Endpoint: aws.String(server.URL + "/x")})
	if err != nil || *out.SubscriptionArn != "pending confirmation" {
		t.Fatal(out, err)
	}
	g := <-requests
	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	// It is asked again after 20 seconds.
	for f.clock.BlockUntilContext(f.ctx, 3) != nil {
	}
	for done := false; !done; {
		select {
		case g = <-requests:
			done = true
		case <-time.After(20 * time.Millisecond):
			f.clock.Advance(5 * time.Second)
		}
	}
	if g.header.Get("X-Amz-Sns-Message-Type") != "SubscriptionConfirmation" || g.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
		t.Errorf("%v", g.header)
	}
	f.verify(g.body, "2")
	// A message that is published before the confirmation does not arrive.
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("early")}); err != nil {
		t.Fatal(err)
	}
	link := func(url string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		if front := f.Fronts()[0]; !front.Claims(r) {
			t.Fatalf("%s is not claimed", url)
		}
		w := httptest.NewRecorder()
		f.Fronts()[0].Handler.ServeHTTP(w, r.WithContext(awswire.WithCaller(r.Context(), awswire.Caller{Account: "999999999999"})))
		return w
	}
	if w := link("http://node/?Action=ConfirmSubscription&TopicArn=" + *topic + "&Token=wrong"); w.Code != 400 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := link(fmt.Sprint(g.body["SubscribeURL"])); w.Code != 200 || !strings.Contains(w.Body.String(), "<SubscriptionArn>"+*topic+":") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("hello")}); err != nil {
		t.Fatal(err)
	}
	g = <-requests
	if g.body["Message"] != "hello" || g.header.Get("X-Amz-Sns-Subscription-Arn") == "" {
		t.Errorf("%v %v", g.header, g.body)
	}
	f.verify(g.body, "2")
	// Whoever has the link ends it, and the endpoint is told how to take it up again.
	shows := func(want string) {
		t.Helper()
		list, err := f.ListSubscriptionsByTopic(f.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
		if err != nil || len(list.Subscriptions) != 1 || !strings.HasPrefix(*list.Subscriptions[0].SubscriptionArn, want) {
			t.Errorf("%+v (%v), want %s", list, err, want)
		}
	}
	end := fmt.Sprint(g.body["UnsubscribeURL"])
	if !strings.Contains(end, "/?Action=Unsubscribe&SubscriptionArn="+*topic+":") {
		t.Errorf("the link to end it is %s", end)
	}
	if w := link(end); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	shows("Deleted")
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("after the end")}); err != nil {
		t.Fatal(err)
	}
	g = <-requests
	if g.header.Get("X-Amz-Sns-Message-Type") != "UnsubscribeConfirmation" || g.header.Get("X-Amz-Sns-Subscription-Arn") == "" {
		t.Errorf("%v %v", g.header, g.body)
	}
	f.verify(g.body, "2")
	if w := link(end); w.Code != 400 {
		t.Errorf("ended twice: %d %s", w.Code, w.Body)
	}
	again := fmt.Sprint(g.body["SubscribeURL"])
	if w := link(again); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	shows(*topic + ":")
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("again")}); err != nil {
		t.Fatal(err)
	}
	if g = <-requests; g.body["Message"] != "again" {
		t.Errorf("%v %v", g.header, g.body)
	}
}

// TestWhoEndsASubscription confirms subscriptions with and without a signature, and has strangers end them.
func TestWhoEndsASubscription(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	stranger := awswire.WithCaller(t.Context(), awswire.Caller{Account: "444455556666", Region: region})
	nobody := awswire.WithCaller(t.Context(), awswire.Caller{Account: account, Region: region, Anonymous: true})
	n := 0
	confirmed := func(by context.Context, authenticate string) *string {
		t.Helper()
		n++
		sub := f.subscribe(topic, "sqs", fmt.Sprintf("arn:aws:sqs:%s:444455556666:q%d", region, n)) // which the other account confirms
		key, _ := subscriptionKey(*sub)
		d, err := f.subscriptions.Get(key...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ConfirmSubscription(by, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &d.Token, AuthenticateOnUnsubscribe: &authenticate}); err != nil {
			t.Fatal(err)
		}
		return sub
	}
	for what, c := range map[string]struct {
		sub                     *string
		ends                    string // code of the error
		confirmationWasVerified string
	}{
		"the owner's own queue":          {f.subscribe(topic, "sqs", queueARN("own")), "AuthorizationError", "true"},
		"confirmed by nobody":            {confirmed(nobody, "false"), "<nil>", "false"},
		"confirmed by nobody, who signs": {confirmed(nobody, "true"), "<nil>", "false"}, // an unsigned request does not say so
		"confirmed":                      {confirmed(stranger, "false"), "<nil>", "true"},
		"confirmed, signed ends alone":   {confirmed(stranger, "true"), "AuthorizationError", "true"},
	} {
		out, err := f.GetSubscriptionAttributes(f.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: c.sub})
		if err != nil || out.Attributes["ConfirmationWasAuthenticated"] != c.confirmationWasVerified {
			t.Errorf("%s: %v (%v)", what, out, err)
		}
		for who, by := range map[string]context.Context{"nobody": nobody, "a stranger": stranger} {
			_, err := f.Unsubscribe(by, &sns.UnsubscribeInput{SubscriptionArn: c.sub})
			if code(err) != c.ends {
				t.Errorf("%s, ended by %s: %v, want %s", what, who, err, c.ends)
			}
			if err == nil {
				break
			}
		}
		if _, err := f.Unsubscribe(f.ctx, &sns.UnsubscribeInput{SubscriptionArn: c.sub}); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	pending := f.subscribe(topic, "sqs", "arn:aws:sqs:"+region+":444455556666:q")
	for who, by := range map[string]context.Context{"nobody": nobody, "a stranger": stranger} {
		if _, err := f.Unsubscribe(by, &sns.UnsubscribeInput{SubscriptionArn: pending}); code(err) != "InvalidParameter" {
			t.Errorf("pending, ended by %s: %v", who, err)
		}
	}
	list, err := f.ListSubscriptionsByTopic(f.ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
	if err != nil || len(list.Subscriptions) != 1 {
		t.Errorf("%+v (%v)", list, err)
	}
}

func TestContentTypes(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	for c, want := range map[string]string{ // by whether messages are raw
		"true application/xml":                        "<nil>",
		"true text/csv; charset=UTF-8":                "<nil>",
		"false application/json":                      "<nil>",
		"false text/plain; charset=UTF-8":             "<nil>",
		"false application/xml":                       "InvalidParameter",
		"true video/mp4":                              "InvalidParameter",
		"true text/plain; boundary=a":                 "InvalidParameter",
		"true text/plain\\r\\nX-Amz-Sns-Topic-Arn: a": "InvalidParameter",
	} {
		raw, kind, _ := strings.Cut(c, " ")
		_, err := f.Subscribe(f.ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("https"), Endpoint: aws.String("https://example.com/" + fmt.Sprint(len(c))), Attributes: map[string]string{
			"RawMessageDelivery": raw, "DeliveryPolicy": `{"requestPolicy":{"headerContentType":"` + kind + `"}}`,
		}})
		if code(err) != want {
			t.Errorf("%s: %v, want %s", c, err, want)
		}
	}
	for kind, want := range map[string]string{"application/json": "<nil>", "application/xml": "InvalidParameter"} {
		_, err := f.SetTopicAttributes(f.ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: aws.String("DeliveryPolicy"), AttributeValue: aws.String(`{"http":{"defaultRequestPolicy":{"headerContentType":"` + kind + `"}}}`)})
		if code(err) != want {
			t.Errorf("a topic's %s: %v, want %s", kind, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	subscribe := func(protocol, endpoint string, attributes ...string) func() error {
		return func() error {
			_, err := f.Subscribe(f.ctx, &sns.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: pairs(attributes)})
			return err
		}
	}
	create := func(name string, attributes ...string) func() error {
		return func() error {
			_, err := f.CreateTopic(f.ctx, &sns.CreateTopicInput{Name: &name, Attributes: pairs(attributes)})
			return err
		}
	}
	publish := func(in *sns.PublishInput) func() error {
		return func() error { _, err := f.Publish(f.ctx, in); return err }
	}
	other := awswire.WithCaller(t.Context(), awswire.Caller{Account: "444455556666", Region: region})
	sub := f.subscribe(topic, "sqs", queueARN("q"))
	for name, c := range map[string]struct {
		code string
		do   func() error
	}{
		"name":              {"InvalidParameter", create("a b")},
		"fifo name":         {"InvalidParameter", create("a.fifo")},
		"fifo":              {"InvalidParameter", create("a", "FifoTopic", "true")},
		"attribute":         {"InvalidParameter", create("a", "Nope", "1")},
		"again":             {"<nil>", create("t")},
		"other attributes":  {"InvalidParameter", create("t", "DisplayName", "x")},
		"policy":            {"InvalidParameter", create("a", "Policy", "{")},
		"protocol":          {"InvalidParameter", subscribe("pigeon", "x")},
		"sms":               {"InvalidParameter", subscribe("sms", "+1")},
		"url":               {"InvalidParameter", subscribe("https", "http://a")},
		"metadata service":  {"InvalidParameter", subscribe("http", "http://169.254.169.254/latest")},
		"arn":               {"InvalidParameter", subscribe("sqs", "http://a")},
		"escaped queue":     {"InvalidParameter", subscribe("sqs", "arn:aws:sqs:eu-west-1:111122223333:..%2F444455556666%2Fq")},
		"escaped redrive":   {"InvalidParameter", subscribe("sqs", queueARN("q"), "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:444455556666%2Fq"}`)},
		"fifo queue":        {"InvalidParameter", subscribe("sqs", queueARN("q.fifo"))},
		"email":             {"InvalidParameter", subscribe("email", "me")},
		"filter":            {"InvalidParameter", subscribe("sqs", queueARN("q"), "FilterPolicy", `{"a":"b"}`)},
		"nested":            {"InvalidParameter", subscribe("sqs", queueARN("q"), "FilterPolicy", `{"a":{"b":["c"]}}`)},
		"keys":              {"InvalidParameter", subscribe("sqs", queueARN("q"), "FilterPolicy", `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`)},
		"redrive":           {"InvalidParameter", subscribe("sqs", queueARN("q"), "RedrivePolicy", `{"deadLetterTargetArn":"x"}`)},
		"raw to a function": {"InvalidParameter", subscribe("lambda", "arn:aws:lambda:eu-west-1:111122223333:function:f", "RawMessageDelivery", "true")},
		"their function":    {"InvalidParameter", subscribe("lambda", "arn:aws:lambda:eu-west-1:444455556666:function:f")},
		"empty":             {"InvalidParameter", publish(&sns.PublishInput{TopicArn: topic, Message: aws.String("")})},
		"long":              {"InvalidParameter", publish(&sns.PublishInput{TopicArn: topic, Message: aws.String(strings.Repeat("x", maxMessage+1))})},
		"subject":           {"InvalidParameter", publish(&sns.PublishInput{TopicArn: topic, Message: aws.String("x"), Subject: aws.String("a\nb")})},
		"structure":         {"InvalidParameter", publish(&sns.PublishInput{TopicArn: topic, Message: aws.String("{}"), MessageStructure: aws.String("json")})},
		"attribute type":    {"ParameterValueInvalid", publish(&sns.PublishInput{TopicArn: topic, Message: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("X"), StringValue: aws.String("y")}}})},
		"no topic":          {"NotFound", publish(&sns.PublishInput{TopicArn: aws.String(*topic + "x"), Message: aws.String("x")})},
		"phone":             {"InvalidParameter", publish(&sns.PublishInput{PhoneNumber: aws.String("+1"), Message: aws.String("x")})},
		"their deletion":    {"AuthorizationError", func() error { _, err := f.DeleteTopic(other, &sns.DeleteTopicInput{TopicArn: topic}); return err }},
		"their end": {"AuthorizationError", func() error {
			_, err := f.Unsubscribe(other, &sns.UnsubscribeInput{SubscriptionArn: sub})
			return err
		}},
		"their look": {"AuthorizationError", func() error {
			_, err := f.GetSubscriptionAttributes(other, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub})
			return err
		}},
	} {
		if err := c.do(); code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		p    retryPolicy
		want string
	}{
		{httpRetries, "20s 20s 20s end"},
		{retryPolicy{MinDelay: 1, MaxDelay: 10, Retries: 6, NoDelayRetries: 1, MinDelayRetries: 1, MaxDelayRetries: 1, Backoff: "linear"}, "0s 1s 4s 7s 10s 10s end"},
		{retryPolicy{MinDelay: 1, MaxDelay: 16, Retries: 2, Backoff: "exponential"}, "4s 16s end"},
	} {
		var got []string
		for i := 1; ; i++ {
			d, ok := c.p.after(i)
			if !ok {
				got = append(got, "end")
				break
			}
			got = append(got, d.String())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%+v: %s, want %s", c.p, s, c.want)
		}
	}
	if d, ok := awsRetries.after(100_015); !ok || d != 20*time.Second {
		t.Errorf("%v %v", d, ok)
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"a":["x",{"prefix":"y"}],"$or":[{"b":[1]},{"c":[{"exists":false}]}]}`, `["x",null,1]`, true)
	f.Fuzz(func(t *testing.T, policy, value string, body bool) {
		if _, err := parseFilter(policy, body); err != nil {
			if code(err) != "InvalidParameter" {
				t.Error(err)
			}
			return
		}
		scope := inAttributes
		if body {
			scope = inBody
		}
		d := &subscriptionDoc{ID: 1, Protocol: "sqs", Attributes: map[string]string{"FilterPolicy": policy, "FilterPolicyScope": scope}}
		p := &posted{Text: value, Attributes: map[string]attribute{"a": {Type: "String.Array", Text: &value}, "b": {Type: "Number", Text: &value}}}
		s := new(Service)
		s.wants(d, p)
		if c, _ := s.filters.get(d); c.err != nil {
			t.Error(c.err)
		}
	})
}
