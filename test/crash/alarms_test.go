package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/test/nodetest"
)

// TestAlarmsThatAreDueFireAfterKills puts the data that alarms wait for, and kills the node again and again until after the
// time when they are due: each goes into ALARM once, and each tells its topic, perhaps twice.
func TestAlarmsThatAreDueFireAfterKills(t *testing.T) {
	const alarms, period = 8, 10
	ctx, data := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n := nodetest.Start(t, nodetest.Options{Data: data})
	queue, err := sqs.NewFromConfig(n.AWS()).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("told"), Attributes: map[string]string{
		"VisibilityTimeout": "600", "Policy": `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}`,
	}})
	must(err)
	topic, err := sns.NewFromConfig(n.AWS()).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("ops")})
	must(err)
	_, err = sns.NewFromConfig(n.AWS()).Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:told"), Attributes: map[string]string{"RawMessageDelivery": "true"},
	})
	must(err)
	name := func(i int) *string { return aws.String(fmt.Sprint("alarm", i)) }
	watch := cloudwatch.NewFromConfig(n.AWS())
	for i := range alarms {
		_, err := watch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
			AlarmName: name(i), Namespace: aws.String("Crash"), MetricName: name(i), Statistic: types.StatisticSum, Period: aws.Int32(period), EvaluationPeriods: aws.Int32(1),
			Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{*topic.TopicArn},
		})
		must(err)
	}
	// What comes is put at once, from the next period on: only time is missing when the node is killed.
	due := time.Now().Truncate(period * time.Second).Add(period * time.Second)
	var samples []types.MetricDatum
	for i := range alarms {
		for k := range 30 {
			samples = append(samples, types.MetricDatum{MetricName: name(i), Value: aws.Float64(5), Timestamp: aws.Time(due.Add(time.Duration(k) * period * time.Second)), StorageResolution: aws.Int32(1)})
		}
	}
	_, err = watch.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Crash"), MetricData: samples})
	must(err)

	kills, fired := 0, 0
	for end := time.Now().Add(4 * time.Minute); fired < alarms || kills < 5; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d alarms are in ALARM after %d kills", fired, alarms, kills)
		}
		n.Kill()
		kills++
		n = nodetest.Start(t, nodetest.Options{Data: data})
		// The time is what makes rounds differ; nothing is asserted of it.
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
		out, err := cloudwatch.NewFromConfig(n.AWS()).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{StateValue: types.StateValueAlarm})
		must(err)
		fired = len(out.MetricAlarms)
	}
	told := map[string]int{}
	c := sqs.NewFromConfig(n.AWS())
	for end := time.Now().Add(3 * time.Minute); len(told) < alarms; {
		if time.Now().After(end) {
			t.Fatalf("the topic was told of %v", told)
		}
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		must(err)
		for _, m := range out.Messages {
			var change struct{ AlarmName, NewStateValue string }
			must(json.Unmarshal([]byte(*m.Body), &change))
			if change.NewStateValue != "ALARM" {
				t.Errorf("told: %s", *m.Body)
			}
			told[change.AlarmName]++
		}
	}
	for i := range alarms {
		out, err := cloudwatch.NewFromConfig(n.AWS()).DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: name(i), HistoryItemType: types.HistoryItemTypeStateUpdate})
		must(err)
		changes := 0
		for _, h := range out.AlarmHistoryItems {
			if strings.HasSuffix(*h.HistorySummary, "to ALARM") {
				changes++
			}
		}
		if changes != 1 {
			t.Errorf("%s went into ALARM %d times", *name(i), changes)
		}
	}
	t.Logf("%d kills: %d alarms, told %v", kills, alarms, told)
}
