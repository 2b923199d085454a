package sns

import (
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestTopicsAreMeasured(t *testing.T) {
	f := open(t)
	topic := f.topic("t")
	f.queues.mu.Lock()
	f.queues.fail = func(name string) error {
		if name == "gone" || name == "nowhere" {
			return &sqstypes.QueueDoesNotExist{}
		}
		return nil
	}
	f.queues.mu.Unlock()
	f.subscribe(topic, "sqs", queueARN("q"), "RawMessageDelivery", "true")
	f.subscribe(topic, "sqs", queueARN("none"), "FilterPolicy", `{"color":["red"]}`)
	f.subscribe(topic, "sqs", queueARN("gone"), "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("dead")+`"}`)
	f.subscribe(topic, "sqs", queueARN("nowhere"), "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN("gone")+`"}`)
	if _, err := f.Publish(f.ctx, &sns.PublishInput{TopicArn: topic, Message: aws.String("four")}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.PublishBatch(f.ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
		{Id: aws.String("a"), Message: aws.String("seven..")},
	}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"NumberOfMessagesPublished Count": 2, "PublishSize Bytes": 11, "NumberOfNotificationsDelivered Count": 2, "NumberOfNotificationsFilteredOut Count": 2, "NumberOfNotificationsFailed Count": 4,
		"NumberOfNotificationsRedrivenToDlq Count": 2, "NumberOfNotificationsFailedToRedriveToDlq Count": 2,
	}
	got := map[string]float64{}
	for end := time.Now().Add(time.Minute); !maps.Equal(got, want); time.Sleep(2 * time.Millisecond) {
		for _, p := range f.meter.Take() {
			if r := p.Resource; r.Scope != account+"/"+region || r.Namespace != "AWS/SNS" || len(r.Dimensions) != 1 || r.Dimensions[0].Name != "TopicName" || r.Dimensions[0].Value != "t" {
				t.Fatalf("measured: %+v", r)
			}
			got[p.Measure.Name+" "+p.Measure.Unit] += p.Sum
		}
		if time.Now().After(end) {
			t.Fatalf("measured: %v, not %v", got, want)
		}
	}
}
