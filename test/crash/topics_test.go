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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestTopicsAndEventsUnderFire publishes to a topic and to a FIFO topic, and puts objects into a bucket with
// notifications, while nodes are killed. Every acknowledged message and object comes to its queue; what comes from the
// FIFO topic is in order, each message once.
func TestTopicsAndEventsUnderFire(t *testing.T) {
	slow(t)
	const account = "000000000000"
	var (
		queues   = map[string]string{} // URL by name
		messages = map[string]bool{}   // that were acknowledged
		objects  = map[string]bool{}
		ordered  int // how many of the FIFO topic's were acknowledged
		sent     int
	)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	buckets := func(n *nodetest.Node) *s3.Client {
		return s3.NewFromConfig(n.AWS(), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
	}
	topic := func(name string) *string { return aws.String("arn:aws:sns:us-east-1:" + account + ":" + name) }
	n := underFire(t, func(n *nodetest.Node) {
		ctx := t.Context()
		allow := `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}`
		for name, more := range map[string]map[string]string{"of-topic": {}, "of-bucket": {}, "of-topic.fifo": {"FifoQueue": "true"}} {
			more["Policy"], more["VisibilityTimeout"] = allow, "30"
			out, err := sqs.NewFromConfig(n.AWS()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: more})
			must(err)
			queues[name] = *out.QueueUrl
		}
		for name, attributes := range map[string]map[string]string{"topic": nil, "topic.fifo": {"FifoTopic": "true"}} {
			_, err := sns.NewFromConfig(n.AWS()).CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Attributes: attributes})
			must(err)
			_, err = sns.NewFromConfig(n.AWS()).Subscribe(ctx, &sns.SubscribeInput{
				TopicArn: topic(name), Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:" + account + ":of-" + name), Attributes: map[string]string{"RawMessageDelivery": "true"},
			})
			must(err)
		}
		_, err := buckets(n).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("events")})
		must(err)
		_, err = buckets(n).PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
			Bucket: aws.String("events"), NotificationConfiguration: &s3types.NotificationConfiguration{QueueConfigurations: []s3types.QueueConfiguration{{
				QueueArn: aws.String("arn:aws:sqs:us-east-1:" + account + ":of-bucket"), Events: []s3types.Event{"s3:ObjectCreated:*"},
			}}},
		})
		must(err)
	}, func(ctx context.Context, n *nodetest.Node) {
		var wg sync.WaitGroup
		c := sns.NewFromConfig(n.AWS(), func(o *sns.Options) { o.RetryMaxAttempts = 1 })
		wg.Go(func() {
			for ctx.Err() == nil {
				text := fmt.Sprint(sent)
				sent++
				if _, err := c.Publish(ctx, &sns.PublishInput{TopicArn: topic("topic"), Message: &text}); err == nil {
					messages[text] = true
				}
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil { // what had no answer is sent again, with the same id
				text := fmt.Sprint(ordered)
				_, err := c.Publish(ctx, &sns.PublishInput{TopicArn: topic("topic.fifo"), Message: &text, MessageGroupId: aws.String("g"), MessageDeduplicationId: &text})
				if err == nil {
					ordered++
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
	total := len(messages) + len(objects)
	took := 0 // of the FIFO queue
	receive := func(name string, each func(body string)) {
		t.Helper()
		out, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(queues[name]), MaxNumberOfMessages: 10})
		must(err)
		in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(queues[name])}
		for i, m := range out.Messages {
			each(*m.Body)
			in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if len(in.Entries) > 0 {
			_, err = c.DeleteMessageBatch(t.Context(), in)
			must(err)
		}
	}
	for deadline := time.Now().Add(3 * time.Minute); len(messages)+len(objects) > 0 || took < ordered; {
		if time.Now().After(deadline) {
			t.Fatalf("not received: %d messages, %d events, %d of %d in order", len(messages), len(objects), ordered-took, ordered)
		}
		receive("of-topic", func(body string) { delete(messages, body) })
		receive("of-topic.fifo", func(body string) {
			if body != fmt.Sprint(took) {
				t.Errorf("received %s, want %d", body, took)
			}
			took++
		})
		receive("of-bucket", func(body string) {
			var e struct {
				Records []struct {
					S3 struct{ Object struct{ Key string } }
				}
			}
			must(json.Unmarshal([]byte(body), &e))
			for _, r := range e.Records { // a test event has none
				delete(objects, r.S3.Object.Key)
			}
		})
	}
	if ordered == 0 || total == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d kills: %d messages and events, %d in order", *rounds, total, ordered)
}
