package s3

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/queue"
)

// heard is what targets were given.
type heard struct {
	mu   sync.Mutex
	got  map[string][]string // by queue or topic or function
	fail map[string]error
}

func (h *heard) take(ctx context.Context, to, body string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := awswire.CallerFrom(ctx).Session; s == nil || s.Service != "s3.amazonaws.com" {
		return errors.New("not as S3")
	}
	to = to[strings.LastIndexAny(to, "/:")+1:]
	if err := h.fail[to]; err != nil {
		return err
	}
	if body != "" {
		h.got[to] = append(h.got[to], body)
	}
	return nil
}

func (h *heard) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return &sqs.SendMessageOutput{}, h.take(ctx, *in.QueueUrl, *in.MessageBody)
}

func (h *heard) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{}, h.take(ctx, *in.TopicArn, *in.Message)
}

func (h *heard) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return &lambda.InvokeOutput{}, h.take(ctx, *in.FunctionName, string(in.Payload))
}

// told is a record as targets parse it.
type told struct {
	EventName string
	S3        struct {
		ConfigurationID string `json:"configurationId"`
		Object          struct {
			Key, ETag, VersionID, Sequencer string
			Size                            *int64
		}
	}
}

// wait returns the records that a target has, when there are n of them behind the test event.
func (h *heard) wait(t *testing.T, to string, n int) (list []told) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h.mu.Lock()
		got := h.got[to]
		h.mu.Unlock()
		list = nil
		for _, text := range got {
			var d struct{ Records []told }
			if err := json.Unmarshal([]byte(text), &d); err != nil {
				t.Fatal(err)
			}
			list = append(list, d.Records...)
		}
		if len(list) >= n {
			return list
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d records, want %d", to, len(list), n)
		}
	}
}

func outbox(t *testing.T, dir string) *queue.Store {
	t.Helper()
	q, err := queue.Open(queue.Options{Dir: dir, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

const queueOf = "arn:aws:sqs:us-east-1:111122223333:"

func TestEvents(t *testing.T) {
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{"gone": &sqstypes.QueueDoesNotExist{}}}
	box := outbox(t, filepath.Join(t.TempDir(), "outbox"))
	events := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h})
	if err := events.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(context.Background()); box.Close() })
	c := n.client("111122223333", "us-east-1")
	makeBucket(t, c, "bkt")
	set := func(config *types.NotificationConfiguration) error {
		_, err := c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"), NotificationConfiguration: config})
		return err
	}
	filter := func(pairs ...string) *types.NotificationConfigurationFilter {
		f := &types.S3KeyFilter{}
		for i := 0; i < len(pairs); i += 2 {
			f.FilterRules = append(f.FilterRules, types.FilterRule{Name: types.FilterRuleName(pairs[i]), Value: &pairs[i+1]})
		}
		return &types.NotificationConfigurationFilter{Key: f}
	}
	for name, config := range map[string]*types.NotificationConfiguration{
		"gone":    {QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueOf + "gone"), Events: []types.Event{"s3:ObjectCreated:*"}}}},
		"region":  {QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String("arn:aws:sqs:eu-west-1:111122223333:q"), Events: []types.Event{"s3:ObjectCreated:*"}}}},
		"fifo":    {QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueOf + "q.fifo"), Events: []types.Event{"s3:ObjectCreated:*"}}}},
		"overlap": {QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueOf + "q"), Events: []types.Event{"s3:ObjectCreated:*"}}, {QueueArn: aws.String(queueOf + "p"), Events: []types.Event{"s3:ObjectCreated:Put"}}}},
	} {
		if err := set(config); codeOf(err) != "InvalidArgument" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := set(&types.NotificationConfiguration{
		QueueConfigurations:          []types.QueueConfiguration{{Id: aws.String("mine"), QueueArn: aws.String(queueOf + "q"), Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}, Filter: filter("prefix", "in/", "suffix", ".csv")}},
		TopicConfigurations:          []types.TopicConfiguration{{TopicArn: aws.String("arn:aws:sns:us-east-1:111122223333:t"), Events: []types.Event{"s3:ObjectRemoved:*"}, Filter: filter("prefix", "out/")}},
		LambdaFunctionConfigurations: []types.LambdaFunctionConfiguration{{LambdaFunctionArn: aws.String("arn:aws:lambda:us-east-1:111122223333:function:f"), Events: []types.Event{"s3:ObjectCreated:Copy"}, Filter: filter("prefix", "out/")}},
	}); err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	if len(h.got["q"]) != 1 || !strings.HasPrefix(h.got["q"][0], `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"`) || len(h.got["t"]) != 1 || len(h.got["f"]) != 0 {
		t.Errorf("%v", h.got)
	}
	h.mu.Unlock()
	put(t, c, "bkt", "in/a ü+.csv", "hello")
	put(t, c, "bkt", "in/not.txt", "hello")
	must(c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("out/x"), CopySource: aws.String("bkt/in/not.txt")}))(t)
	for _, key := range []string{"in/a ü+.csv", "out/x", "out/none", "in/none.csv"} {
		must(c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: &key}))(t)
	}
	list := h.wait(t, "q", 2)
	o := list[0].S3.Object
	if list[0].EventName != "ObjectCreated:Put" || list[0].S3.ConfigurationID != "mine" || o.Key != "in/a+%C3%BC%2B.csv" || *o.Size != 5 || o.ETag != "5d41402abc4b2a76b9719d911017c592" || len(o.Sequencer) != 18 {
		t.Errorf("%+v", list[0])
	}
	if r := list[1]; r.EventName != "ObjectRemoved:Delete" || r.S3.Object.Size != nil || r.S3.Object.Sequencer <= o.Sequencer {
		t.Errorf("%+v", r)
	}
	if r := h.wait(t, "t", 1)[0]; r.EventName != "ObjectRemoved:Delete" || r.S3.Object.Key != "out/x" {
		t.Errorf("%+v", r)
	}
	if r := h.wait(t, "f", 1)[0]; r.EventName != "ObjectCreated:Copy" {
		t.Errorf("%+v", r)
	}
	if len(h.wait(t, "q", 2)) != 2 || len(h.wait(t, "t", 1)) != 1 {
		t.Error("there are more")
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) { // notices go when all is handled
		events.mu.Lock()
		left := len(events.pending)
		events.mu.Unlock()
		if left == 0 {
			return
		}
	}
	t.Error("notices are left")
}

// TestEventsAfterCrash: an event whose change was cut off is delivered unless the object shows that there was none,
// and one that could not be delivered is delivered by the next process.
func TestEventsAfterCrash(t *testing.T) {
	dir := t.TempDir()
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{}}
	c := n.client("111122223333", "us-east-1")
	makeBucket(t, c, "bkt")
	put(t, c, "bkt", "old", "x")
	box := outbox(t, filepath.Join(dir, "outbox"))
	before := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h})
	to := []Target{{"queue", queueOf + "q", "id"}}
	was, err := n.store.Stat("bkt", "old", "")
	if err != nil {
		t.Fatal(err)
	}
	begin := func(name, key string, found *state) {
		t.Helper()
		if _, err := before.Begin(t.Context(), Event{ID: awswire.NewRequestID(), Name: name, Bucket: "bkt", Key: key, Time: time.Now(), Before: found, Region: "us-east-1", Owner: "111122223333", Removal: name == "ObjectRemoved:Delete"}, to); err != nil {
			t.Fatal(err)
		}
	}
	begin("ObjectCreated:Put", "old", stateOf(&was))    // the object is as it was: the put did not happen
	begin("ObjectRemoved:Delete", "old", stateOf(&was)) // nor did the deletion
	begin("ObjectCreated:Put", "new", nil)
	put(t, c, "bkt", "new", "hello")
	begin("ObjectRemoved:Delete", "gone", stateOf(&was))
	box.Close() // the process dies
	box = outbox(t, filepath.Join(dir, "outbox"))
	after := NewEvents(EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h})
	if err := after.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after.Close(context.Background()); box.Close() })
	seen := map[string]int64{}
	for _, r := range h.wait(t, "q", 2) {
		seen[r.EventName+" "+r.S3.Object.Key] = aws.ToInt64(r.S3.Object.Size)
	}
	if len(seen) != 2 || seen["ObjectCreated:Put new"] != 5 {
		t.Errorf("%v", seen)
	}
	if _, ok := seen["ObjectRemoved:Delete gone"]; !ok {
		t.Errorf("%v", seen)
	}
}

// TestEventsOfVersionsAfterCrash: what a version is reports whether its event's change was made, not what the object is,
// and the event of a version that is deleted before the event is delivered is not lost.
func TestEventsOfVersionsAfterCrash(t *testing.T) {
	dir := t.TempDir()
	n := newNode(t)
	h := &heard{got: map[string][]string{}, fail: map[string]error{}}
	c := n.client("111122223333", "us-east-1")
	makeBucket(t, c, "bkt")
	must(c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("bkt"), VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))(t)
	put(t, c, "bkt", "old", "x")
	box := outbox(t, filepath.Join(dir, "outbox"))
	config := EventsConfig{Objects: n.Service, Outbox: box, Queues: h, Topics: h, Functions: h}
	before := NewEvents(config) // never started: nothing is delivered before the crash
	n.Notify(before)
	must(c.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"), SkipDestinationValidation: aws.Bool(true),
		NotificationConfiguration: &types.NotificationConfiguration{QueueConfigurations: []types.QueueConfiguration{{QueueArn: aws.String(queueOf + "q"), Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}}}}}))(t)
	version := func(key, body string) string {
		t.Helper()
		return *must(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bkt"), Key: &key, Body: strings.NewReader(body)}))(t).VersionId
	}
	del := func(key, id string) string {
		t.Helper()
		in := &s3.DeleteObjectInput{Bucket: aws.String("bkt"), Key: &key}
		if id != "" {
			in.VersionId = &id
		}
		return aws.ToString(must(c.DeleteObject(t.Context(), in))(t).VersionId)
	}
	first, second := version("k", "one"), version("k", "second")
	del("k", second) // acknowledged, deleted again, and never told of
	marker := del("old", "")
	del("old", marker)
	late := version("late", "three")
	// A put that the crash cut off.
	was, err := n.store.Stat("bkt", "old", "")
	if err != nil {
		t.Fatal(err)
	}
	cut := Event{ID: awswire.NewRequestID(), Name: "ObjectCreated:Put", Bucket: "bkt", Key: "old", Time: time.Now(), Before: stateOf(&was), After: &state{Version: second, ETag: "e"}, Of: second, Region: "us-east-1", Owner: "111122223333"}
	if _, err := before.Begin(t.Context(), cut, []Target{{"queue", queueOf + "q", "id"}}); err != nil {
		t.Fatal(err)
	}
	n.Notify(nil)
	box.Close() // the process dies
	box = outbox(t, filepath.Join(dir, "outbox"))
	config.Outbox = box
	after := NewEvents(config)
	n.Notify(after)
	del("late", late) // before its event of the earlier process is looked at
	if err := after.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { after.Close(context.Background()); box.Close() })
	want := map[string]int64{
		"ObjectCreated:Put k " + first: 3, "ObjectCreated:Put k " + second: 6, "ObjectRemoved:Delete k " + second: 0,
		"ObjectRemoved:DeleteMarkerCreated old " + marker: 0, "ObjectRemoved:Delete old " + marker: 0,
		"ObjectCreated:Put late " + late: 5, "ObjectRemoved:Delete late " + late: 0,
	}
	seen := map[string]int64{}
	for _, r := range h.wait(t, "q", len(want)) {
		seen[r.EventName+" "+r.S3.Object.Key+" "+r.S3.Object.VersionID] = aws.ToInt64(r.S3.Object.Size)
	}
	if !maps.Equal(seen, want) {
		t.Errorf("told %v\nwant %v", seen, want)
	}
}
