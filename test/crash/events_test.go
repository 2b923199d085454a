package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestBusesKeepWhatTheyAcknowledged puts events on a bus, whose rule hands them on to another one, and objects into a bucket
// that tells EventBridge, while nodes are killed. Every acknowledged event and object comes to the queue of its rule.
func TestBusesKeepWhatTheyAcknowledged(t *testing.T) {
	slow(t)
	const account = "000000000000"
	var (
		queues  = map[string]string{} // URL by name
		events  = map[string]bool{}   // that were acknowledged
		objects = map[string]bool{}
	)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	bridge := func(n *nodetest.Node) *eventbridge.Client {
		return eventbridge.NewFromConfig(n.AWS(), func(o *eventbridge.Options) { o.RetryMaxAttempts = 1 })
	}
	buckets := func(n *nodetest.Node) *s3.Client {
		return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	}
	name := func(service, resource string) *string {
		return aws.String("arn:aws:" + service + ":us-east-1:" + account + ":" + resource)
	}
	n := underFire(t, func(n *nodetest.Node) {
		ctx := t.Context()
		for _, q := range []string{"first", "second", "of-bucket"} {
			out, err := sqs.NewFromConfig(n.AWS()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &q})
			must(err)
			queues[q] = *out.QueueUrl
		}
		role := aws.String("arn:aws:iam::" + account + ":role/events")
		for _, r := range []struct {
			bus, pattern string
			targets      []eventstypes.Target
		}{
			{"one", `{"source":["shop"]}`, []eventstypes.Target{{Id: aws.String("q"), Arn: name("sqs", "first")}, {Id: aws.String("b"), Arn: name("events", "event-bus/two"), RoleArn: role}}},
			{"two", `{"source":["shop"]}`, []eventstypes.Target{{Id: aws.String("q"), Arn: name("sqs", "second")}}},
			{"default", `{"source":["aws.s3"],"detail-type":["Object Created"]}`, []eventstypes.Target{{Id: aws.String("q"), Arn: name("sqs", "of-bucket")}}},
		} {
			if r.bus != "default" {
				_, err := bridge(n).CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &r.bus})
				must(err)
			}
			_, err := bridge(n).PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: &r.bus, EventPattern: &r.pattern})
			must(err)
			_, err = bridge(n).PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), EventBusName: &r.bus, Targets: r.targets})
			must(err)
		}
		_, err := buckets(n).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("events")})
		must(err)
		_, err = buckets(n).PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
			Bucket: aws.String("events"), NotificationConfiguration: &s3types.NotificationConfiguration{EventBridgeConfiguration: &s3types.EventBridgeConfiguration{}},
		})
		must(err)
	}, func(ctx context.Context, n *nodetest.Node) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				in := &eventbridge.PutEventsInput{}
				for range 3 {
					in.Entries = append(in.Entries, eventstypes.PutEventsRequestEntry{Source: aws.String("shop"), DetailType: aws.String("order"), Detail: aws.String("{}"), EventBusName: aws.String("one")})
				}
				out, err := bridge(n).PutEvents(ctx, in)
				if err != nil {
					continue
				}
				for _, e := range out.Entries {
					if e.EventId != nil {
						events[*e.EventId] = true
					}
				}
			}
		})
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := strings.ReplaceAll(n.URL[len("http://"):], ":", "-") + "/" + strconv.Itoa(i)
				if _, err := buckets(n).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("events"), Key: &key, Body: bytes.NewReader([]byte("x"))}); err == nil {
					objects[key] = true
				}
			}
		})
		wg.Wait()
	})
	c := sqs.NewFromConfig(n.AWS())
	total, puts := len(events), len(objects)
	again := map[string]bool{}
	for id := range events {
		again[id] = true
	}
	type event struct {
		ID     string
		Detail struct{ Object struct{ Key string } }
	}
	receive := func(name string, each func(event)) {
		t.Helper()
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queues[name]), MaxNumberOfMessages: 10})
		must(err)
		in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(queues[name])}
		for i, m := range out.Messages {
			var e event
			must(json.Unmarshal([]byte(*m.Body), &e))
			each(e)
			in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if len(in.Entries) > 0 {
			_, err = c.DeleteMessageBatch(t.Context(), in)
			must(err)
		}
	}
	for deadline := time.Now().Add(3 * time.Minute); len(events)+len(again)+len(objects) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("not received: %d events of the first bus, %d of the second, %d of the bucket", len(events), len(again), len(objects))
		}
		receive("first", func(e event) { delete(events, e.ID) })
		receive("second", func(e event) { delete(again, e.ID) })
		receive("of-bucket", func(e event) { delete(objects, e.Detail.Object.Key) })
	}
	if total == 0 || puts == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d kills: %d events on two buses, %d of a bucket", *rounds, total, puts)
}
