package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

const account, region = "111122223333", "us-east-1"

// told is what a target got.
type told struct {
	body, key  string // the partition key, the group, or the stream of a log group
	attributes map[string]string
	as         string // the role, or the service
	source     string // ARN of the rule
}

// neighbours are all targets, by the last part of their names.
type neighbours struct {
	mu     sync.Mutex
	got    map[string][]told
	fail   map[string]error
	moved  chan struct{}
	groups map[string]bool // streams of log groups
}

func (n *neighbours) take(ctx context.Context, name string, t told) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.fail[name]; err != nil {
		return err
	}
	if s := awswire.CallerFrom(ctx).Session; s != nil {
		t.as, t.source = s.Service, s.Keys["aws:SourceArn"][0]
		if s.Source != "" {
			t.as = s.Source
		}
	}
	n.got[name] = append(n.got[name], t)
	select {
	case n.moved <- struct{}{}:
	default:
	}
	return nil
}

func (n *neighbours) set(name string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail[name] = err
}

func last(s *string, by string) string { return (*s)[strings.LastIndex(*s, by)+1:] }

func (n *neighbours) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		t := told{body: *e.MessageBody, key: aws.ToString(e.MessageGroupId), attributes: map[string]string{}}
		for k, v := range e.MessageAttributes {
			t.attributes[k] = *v.StringValue
		}
		if err := n.take(ctx, last(in.QueueUrl, "/"), t); err != nil {
			return nil, err
		}
		out.Successful = append(out.Successful, sqstypes.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (n *neighbours) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{}, n.take(ctx, last(in.TopicArn, ":"), told{body: *in.Message})
}

func (n *neighbours) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return &lambda.InvokeOutput{}, n.take(ctx, last(in.FunctionName, ":"), told{body: string(in.Payload)})
}

func (n *neighbours) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	out := &kinesis.PutRecordsOutput{}
	for _, r := range in.Records {
		if err := n.take(ctx, last(in.StreamARN, "/"), told{body: string(r.Data), key: *r.PartitionKey}); err != nil {
			return nil, err
		}
		out.Records = append(out.Records, kinesistypes.PutRecordsResultEntry{})
	}
	return out, nil
}

func (n *neighbours) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	out := &firehose.PutRecordBatchOutput{}
	for _, r := range in.Records {
		if err := n.take(ctx, *in.DeliveryStreamName, told{body: string(r.Data)}); err != nil {
			return nil, err
		}
		out.RequestResponses = append(out.RequestResponses, firehosetypes.PutRecordBatchResponseEntry{})
	}
	return out, nil
}

func (n *neighbours) CreateLogStream(_ context.Context, in *logs.CreateLogStreamInput, _ ...func(*logs.Options)) (*logs.CreateLogStreamOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.groups[*in.LogGroupName+"\x00"+*in.LogStreamName] = true
	return &logs.CreateLogStreamOutput{}, nil
}

func (n *neighbours) PutLogEvents(ctx context.Context, in *logs.PutLogEventsInput, _ ...func(*logs.Options)) (*logs.PutLogEventsOutput, error) {
	n.mu.Lock()
	there := n.groups[*in.LogGroupName+"\x00"+*in.LogStreamName]
	n.mu.Unlock()
	if !there {
		return nil, &logstypes.ResourceNotFoundException{}
	}
	for _, e := range in.LogEvents {
		if err := n.take(ctx, *in.LogGroupName, told{body: *e.Message, key: fmt.Sprint(*e.Timestamp)}); err != nil {
			return nil, err
		}
	}
	return &logs.PutLogEventsOutput{}, nil
}

// wait returns what a target has got when that is n events.
func (n *neighbours) wait(t *testing.T, name string, count int) []told {
	t.Helper()
	end := time.After(time.Minute)
	for {
		n.mu.Lock()
		list := n.got[name]
		n.mu.Unlock()
		if len(list) >= count {
			return list
		}
		select {
		case <-n.moved:
		case <-time.After(5 * time.Millisecond):
		case <-end:
			t.Fatalf("%s has %d events, want %d", name, len(list), count)
		}
	}
}

type fixture struct {
	*Service
	t       *testing.T
	ctx     context.Context
	to      *neighbours
	clock   *clockwork.FakeClock
	meter   *metering.Registry
	dir     string
	closers []func()
	allow   func(ctx context.Context, action, resource string) (context.Context, error)
	keys    atomic.Pointer[map[string][]string] // that allow was last asked with
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, dir: t.TempDir(), clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), meter: metering.New(),
		ctx: awswire.WithCaller(t.Context(), awswire.Caller{Account: account, Region: region}),
		to:  &neighbours{got: map[string][]told{}, fail: map[string]error{}, moved: make(chan struct{}, 1), groups: map[string]bool{}},
		allow: func(ctx context.Context, _, resource string) (context.Context, error) { // policies let everybody in
			c := awswire.CallerFrom(ctx)
			if a, ok := arn.Parse(resource); ok && a.Account != c.Account {
				ctx = awswire.WithCaller(ctx, c.Reaching(a.Account))
			}
			return ctx, nil
		},
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
	box, err := queue.Open(queue.Options{Dir: filepath.Join(f.dir, "outbox"), MinFree: -1, Clock: f.clock})
	if err != nil {
		f.t.Fatal(err)
	}
	f.Service, err = New(Config{
		State: st, Outbox: box, Queues: f.to, Topics: f.to, Functions: f.to, Streams: f.to, Deliveries: f.to, Logs: f.to, Clock: f.clock, Meter: f.meter,
		Allow: func(ctx context.Context, action, resource string, keys map[string][]string) (context.Context, error) {
			f.keys.Store(&keys)
			return f.allow(ctx, action, resource)
		},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.closers = []func(){func() { f.Close(context.Background()) }, func() { box.Close() }, func() { st.Close() }, func() { b.Close() }}
}

func (f *fixture) stop() {
	for _, c := range f.closers {
		c()
	}
	f.closers = nil
}

func (f *fixture) rule(name, bus, pattern string, targets ...types.Target) {
	f.t.Helper()
	in := &eventbridge.PutRuleInput{Name: &name, EventBusName: some(bus)}
	if strings.HasPrefix(pattern, "{") {
		in.EventPattern = &pattern
	} else {
		in.ScheduleExpression = &pattern
	}
	if _, err := f.PutRule(f.ctx, in); err != nil {
		f.t.Fatal(err)
	}
	f.targets(name, bus, targets...)
}

func (f *fixture) targets(rule, bus string, targets ...types.Target) {
	f.t.Helper()
	if _, err := f.PutTargets(f.ctx, &eventbridge.PutTargetsInput{Rule: &rule, EventBusName: some(bus), Targets: targets}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) put(bus, source, detail string) string {
	f.t.Helper()
	out, err := f.PutEvents(f.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: &source, DetailType: aws.String("order"), Detail: &detail, EventBusName: some(bus)}}})
	if err != nil || out.FailedEntryCount > 0 {
		f.t.Fatalf("%+v (%v)", out, err)
	}
	return *out.Entries[0].EventId
}

const (
	all  = `{"source":[{"prefix":""}]}`
	role = "arn:aws:iam::" + account + ":role/r"
)

func name(service, resource string) *string {
	return aws.String(arn.New(service, region, account, resource))
}

func target(id, service, resource string) types.Target {
	t := types.Target{Id: &id, Arn: name(service, resource)}
	if service == "kinesis" || service == "firehose" || service == "events" {
		t.RoleArn = aws.String(role)
	}
	return t
}

// TestTargets gives an event to a target of each kind, in each form of input.
func TestTargets(t *testing.T) {
	f := open(t)
	path, input, template, key := target("path", "lambda", "function:f"), target("input", "sns", "t"), target("template", "sqs", "made.fifo"), target("key", "kinesis", "stream/s")
	path.InputPath, input.Input, key.KinesisParameters = aws.String("$.detail"), aws.String(`{"fixed":true}`), &types.KinesisParameters{PartitionKeyPath: aws.String("$.detail.id")}
	template.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")}
	template.InputTransformer = &types.InputTransformer{InputPathsMap: map[string]string{"n": "$.detail.n", "s": "$.source"}, InputTemplate: aws.String(`{"n": <n>, "of": "<s> by <aws.events.rule-name>"}`)}
	f.rule("r", "", `{"source":["shop"],"detail":{"n":[{"numeric":[">",1]}]}}`, target("q", "sqs", "q"), path, input, template, key)
	line := target("line", "logs", "log-group:/aws/events/line:*")
	line.InputTransformer = &types.InputTransformer{InputPathsMap: map[string]string{"t": "$.time", "d": "$.detail"}, InputTemplate: aws.String(`{"timestamp": <t>, "message": <d>}`)}
	f.rule("more", "", `{"source":["shop"]}`, target("d", "firehose", "deliverystream/d"), target("g", "logs", "log-group:/aws/events/g"), line)

	id := f.put("", "shop", `{"id": "k1", "n": 2.50}`)
	event := `{"version":"0","id":"` + id + `","detail-type":"order","source":"shop","account":"111122223333","time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":[],"detail":{"id":"k1","n":2.50}}`
	ruleARN := *name("events", "rule/r")
	for _, c := range []struct{ target, body, key, as string }{
		{"q", event, "", principal},
		{"f", `{"id":"k1","n":2.50}`, "", principal},
		{"t", `{"fixed":true}`, "", principal},
		{"made.fifo", `{"n": 2.50, "of": "shop by r"}`, "g", principal},
		{"s", event, "k1", role},
		{"d", event, "", role},
		{"/aws/events/g", event, "1767323045000", principal},
		{"/aws/events/line", `{"id":"k1","n":2.50}`, "1767323045000", principal},
	} {
		got := f.to.wait(t, c.target, 1)[0]
		if got.body != c.body || got.key != c.key || got.as != c.as {
			t.Errorf("%s: %+v\nwant %+v", c.target, got, c)
		}
		if c.target == "q" && got.source != ruleARN {
			t.Errorf("as of %s", got.source)
		}
	}
	// What does not match goes nowhere, nor does an event of a bus that is not there, of a disabled rule, of a target that went.
	f.put("", "shop", `{"id": "k2", "n": 1}`)
	f.put("none", "shop", `{"id": "k3", "n": 9}`)
	f.to.wait(t, "d", 2)
	if _, err := f.DisableRule(f.ctx, &eventbridge.DisableRuleInput{Name: aws.String("more")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.RemoveTargets(f.ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"path"}}); err != nil {
		t.Fatal(err)
	}
	f.put("", "shop", `{"id": "k4", "n": 9}`)
	if got := f.to.wait(t, "s", 2); len(got) != 2 || got[1].key != "k4" {
		t.Errorf("%+v", got)
	}
	if len(f.to.wait(t, "d", 2)) != 2 || len(f.to.wait(t, "f", 1)) != 1 {
		t.Error("there are more")
	}
}

// TestRetry: an event that fails is tried again, over a restart too, and goes to the dead-letter queue in the end.
func TestRetry(t *testing.T) {
	f := open(t)
	f.to.set("q", &smithy.GenericAPIError{Code: "InternalError", Message: "down", Fault: smithy.FaultServer})
	q := target("q", "sqs", "q")
	q.RetryPolicy, q.DeadLetterConfig = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}, &types.DeadLetterConfig{Arn: name("sqs", "dead")}
	gone := target("gone", "lambda", "function:gone")
	gone.DeadLetterConfig = q.DeadLetterConfig
	if code := judged(&smithy.GenericAPIError{Code: "QueueDoesNotExist", Fault: smithy.FaultClient}).code; code != "NO_RESOURCE" {
		t.Error(code)
	}
	f.to.set("gone", &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "Function not found", Fault: smithy.FaultClient})
	f.rule("r", "", all, q, gone)
	id := f.put("", "shop", `{}`)
	first := f.to.wait(t, "dead", 1)[0]
	want := map[string]string{"RULE_ARN": *name("events", "rule/r"), "TARGET_ARN": *gone.Arn, "ERROR_CODE": "NO_RESOURCE", "RETRY_ATTEMPTS": "0"}
	for k, v := range want {
		if first.attributes[k] != v {
			t.Errorf("%s = %q, want %q", k, first.attributes[k], v)
		}
	}
	if _, is := first.attributes["EXHAUSTED_RETRY_CONDITION"]; is || !strings.Contains(first.attributes["ERROR_MESSAGE"], "Function not found") || !strings.Contains(first.body, id) {
		t.Errorf("%+v", first)
	}
	f.stop()
	f.start()
	second := f.advanceUntil("dead", 2, time.Second)[1]
	if a := second.attributes; a["TARGET_ARN"] != *q.Arn || a["ERROR_CODE"] != "ERROR_FROM_TARGET" || a["RETRY_ATTEMPTS"] != "2" || a["EXHAUSTED_RETRY_CONDITION"] != "MaximumRetryAttempts" {
		t.Errorf("%+v", second)
	}
	// By age, and what comes back before that.
	q.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60)}
	f.targets("r", "", q)
	f.put("", "old", `{}`)
	third := f.advanceUntil("dead", 4, time.Second)
	old := third[2]
	if old.attributes["TARGET_ARN"] != *q.Arn {
		old = third[3]
	}
	if old.attributes["EXHAUSTED_RETRY_CONDITION"] != "MaximumEventAgeInSeconds" {
		t.Errorf("%+v", old)
	}
	f.put("", "late", `{}`)
	f.to.set("q", nil)
	if got := f.advanceUntil("q", 1, time.Second); !strings.Contains(got[0].body, `"source":"late"`) {
		t.Errorf("%+v", got)
	}
}

// advanceUntil moves the clock on until a target has got n events.
func (f *fixture) advanceUntil(name string, n int, by time.Duration) []told {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		f.to.mu.Lock()
		list := f.to.got[name]
		f.to.mu.Unlock()
		if len(list) >= n {
			return list
		}
		f.clock.Advance(by)
		select {
		case <-f.to.moved:
		case <-time.After(2 * time.Millisecond):
		}
	}
	f.t.Fatalf("%s did not get %d events", name, n)
	return nil
}

// TestBuses hands events on to another bus, which hands them on to no third one, and takes those of another account.
func TestBuses(t *testing.T) {
	f := open(t)
	for _, b := range []string{"one", "two", "three"} {
		if _, err := f.CreateEventBus(f.ctx, &eventbridge.CreateEventBusInput{Name: &b}); err != nil {
			t.Fatal(err)
		}
	}
	f.rule("on", "one", all, target("b", "events", "event-bus/two"))
	third := target("b", "events", "event-bus/three")
	third.DeadLetterConfig = &types.DeadLetterConfig{Arn: name("sqs", "dead")}
	f.rule("on", "two", all, third, target("q", "sqs", "q2"))
	f.rule("on", "three", all, target("q", "sqs", "q3"))
	id := f.put("one", "shop", `{"a":1}`)
	if got := f.to.wait(t, "q2", 1)[0]; !strings.Contains(got.body, id) || got.source != *name("events", "rule/two/on") {
		t.Errorf("%+v", got)
	}
	if got := fmt.Sprint(*f.keys.Load()); got != "map[aws:SourceAccount:[111122223333] aws:SourceArn:["+*name("events", "rule/one/on")+"] events:detail-type:[order] events:eventBusInvocation:[true] events:source:[shop]]" {
		t.Error(got)
	}
	if got := f.to.wait(t, "dead", 1)[0]; got.attributes["ERROR_CODE"] != "THIRD_ACCOUNT_HOP_DETECTED" {
		t.Errorf("%+v", got)
	}
	f.put("two", "shop", `{"a":2}`)
	if got := f.to.wait(t, "q3", 1)[0]; !strings.Contains(got.body, `{"a":2}`) {
		t.Errorf("%+v", got)
	}

	other := awswire.WithCaller(t.Context(), awswire.Caller{Account: "444455556666", Region: region})
	put := func() *eventbridge.PutEventsOutput {
		out, err := f.PutEvents(other, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
			Source: aws.String("far"), DetailType: aws.String("t"), Detail: aws.String("{}"), EventBusName: name("events", "event-bus/three"),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := put(); out.FailedEntryCount != 0 {
		t.Errorf("%+v", out)
	}
	if got := fmt.Sprint(*f.keys.Load()); got != "map[events:detail-type:[t] events:eventBusInvocation:[false] events:source:[far]]" {
		t.Error(got)
	}
	if got := f.to.wait(t, "q3", 2)[1]; !strings.Contains(got.body, `"account":"444455556666"`) {
		t.Errorf("%+v", got)
	}
	f.allow = func(ctx context.Context, _, _ string) (context.Context, error) { return ctx, nil } // policies do not count, and let nobody else in
	if out := put(); out.FailedEntryCount != 1 || *out.Entries[0].ErrorCode != "AccessDeniedException" {
		t.Errorf("%+v", out)
	}
	f.allow = func(context.Context, string, string) (context.Context, error) { return nil, errors.New("denied") }
	if out := put(); out.FailedEntryCount != 1 || *out.Entries[0].ErrorMessage != "denied" {
		t.Errorf("%+v", out)
	}
}

// TestSchedules fires once for each time that is due, over restarts, and once for those that passed meanwhile.
func TestSchedules(t *testing.T) {
	f := open(t)
	f.rule("rate", "", "rate(5 minutes)", target("q", "sqs", "rate"))
	f.rule("cron", "", "cron(0/10 * * * ? *)", target("q", "sqs", "cron"))
	timeOf := func(e told) string {
		var doc struct {
			Time       string
			DetailType string `json:"detail-type"`
			Source     string
			Resources  []string
		}
		if err := json.Unmarshal([]byte(e.body), &doc); err != nil || doc.DetailType != "Scheduled Event" || doc.Source != "aws.events" || len(doc.Resources) != 1 {
			t.Errorf("%s (%v)", e.body, err)
		}
		return doc.Time[11:19]
	}
	if got := f.advanceUntil("rate", 1, time.Minute); timeOf(got[0]) != "03:09:05" {
		t.Errorf("%+v", got)
	}
	f.stop()
	f.start()
	if got := f.advanceUntil("rate", 2, time.Minute); timeOf(got[1]) != "03:14:05" {
		t.Errorf("%+v", got)
	}
	if got := f.to.wait(t, "cron", 1); timeOf(got[0]) != "03:10:00" {
		t.Errorf("%+v", got)
	}
	f.stop()
	f.clock.Advance(time.Hour)
	f.start()
	got := f.advanceUntil("rate", 4, time.Minute)
	if timeOf(got[2]) != "03:19:05" || timeOf(got[3]) < "04:1" {
		t.Errorf("%s, %s", timeOf(got[2]), timeOf(got[3]))
	}
	if _, err := f.DisableRule(f.ctx, &eventbridge.DisableRuleInput{Name: aws.String("rate")}); err != nil {
		t.Fatal(err)
	}
	f.to.mu.Lock()
	had := len(f.to.got["rate"])
	f.to.mu.Unlock()
	before := len(f.to.wait(t, "cron", 1))
	f.advanceUntil("cron", before+2, time.Minute)
	f.to.mu.Lock()
	defer f.to.mu.Unlock()
	if len(f.to.got["rate"]) > had+1 { // one may have been on its way
		t.Errorf("a disabled rule fired: %d, then %d", had, len(f.to.got["rate"]))
	}
}

// TestClockSetBack fires on time after the clock was a year ahead, and when the rule itself is from then.
func TestClockSetBack(t *testing.T) {
	f := open(t)
	right := f.clock.Now()
	f.rule("rate", "", "rate(5 minutes)", target("q", "sqs", "rate"))
	f.rule("cron", "", "cron(0 * * * ? *)", target("q", "sqs", "cron"))
	f.clock.Advance(365 * 24 * time.Hour)
	f.to.wait(t, "rate", 1)
	f.to.wait(t, "cron", 1)
	f.rule("late", "", "rate(5 minutes)", target("q", "sqs", "late"))
	f.stop()
	f.clock = clockwork.NewFakeClockAt(right.Add(time.Minute))
	f.start()
	f.advanceUntil("rate", 2, time.Minute)
	f.advanceUntil("late", 1, time.Minute)
	f.advanceUntil("cron", 2, 10*time.Minute)
	if after := f.clock.Now().Sub(right); after > 24*time.Hour {
		t.Errorf("all have fired after %v", after)
	}
}

// TestServiceEvents puts an event of a service on the default bus, twice the same.
func TestServiceEvents(t *testing.T) {
	f := open(t)
	f.rule("r", "", `{"source":["aws.s3"]}`, target("q", "sqs", "q"))
	for range 2 {
		if err := f.PutServiceEvent(account, region, "aws.s3", "Object Created", "e1", f.clock.Now(), []string{"arn:aws:s3:::b"}, []byte(`{"version":"0"}`)); err != nil {
			t.Fatal(err)
		}
	}
	got := f.to.wait(t, "q", 2)
	if got[0].body != got[1].body || !strings.Contains(got[0].body, `"resources":["arn:aws:s3:::b"],"detail":{"version":"0"}}`) {
		t.Errorf("%s", got[0].body)
	}
}

func TestLargeEvents(t *testing.T) {
	f := open(t)
	f.rule("r", "", all, target("q", "sqs", "q"))
	entry := func(n int) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{Source: aws.String("s"), DetailType: aws.String("t"), Detail: aws.String(`{"x":"` + strings.Repeat("y", n) + `"}`)}
	}
	if _, err := f.PutEvents(f.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry(512 << 10), entry(512 << 10)}}); err == nil || !strings.Contains(err.Error(), "Total size of the entries in the request is over the limit.") {
		t.Errorf("%v", err)
	}
	out, err := f.PutEvents(f.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry(1<<20 - 10), {}}[:1]})
	if err != nil || out.FailedEntryCount != 0 {
		t.Errorf("%+v (%v)", out, err)
	}
	if got := f.to.wait(t, "q", 1)[0]; len(got.body) < 1<<20-10 {
		t.Errorf("%d bytes", len(got.body))
	}
	f.put("", "s", `{"x":[1e400]}`)
	if got := f.to.wait(t, "q", 2)[1]; !strings.Contains(got.body, `"detail":{"x":[1e400]}`) {
		t.Errorf("%s", got.body)
	}
	if _, ok := readDetail(strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001)); ok {
		t.Error("a detail of 1001 levels is taken")
	}
	if b, ok := readDetail(` {"a" : "{[\"" } `); !ok || string(b) != `{"a":"{[\""}` {
		t.Errorf("%s %v", b, ok)
	}
}
