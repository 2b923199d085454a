package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
)

// Topics takes the notifications of alarms.
type Topics interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Functions are called by alarms.
type Functions interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Streams take what functions are called with, as records.
type Streams interface {
	PutRecord(context.Context, *kinesis.PutRecordInput, ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error)
}

// Webhook is told of each transition of an alarm of a scope, by the message that topics get.
type Webhook func(ctx context.Context, sc scope.Scope, message []byte) error

var errNoNeighbour = errors.New("the service of the action is not there")

// act does an action of an alarm that has changed.
func (s *Service) act(ctx context.Context, d *alarmDoc, action string) error {
	a, ok := arn.Parse(action)
	if !ok {
		return fmt.Errorf("%s is not an ARN", action)
	}
	switch a.Service {
	case "sns":
		if s.cfg.Topics == nil {
			return errNoNeighbour
		}
		ctx = awswire.AsService(ctx, d.Account, d.Region, "cloudwatch.amazonaws.com", d.arn())
		subject := clip(fmt.Sprintf("%s: %q in %s", d.State, d.Name, regionName(d.Region)), 100)
		_, err := s.cfg.Topics.Publish(ctx, &sns.PublishInput{TopicArn: &action, Subject: aws.String(ascii(subject)), Message: aws.String(string(s.notification(d)))})
		return err
	case "lambda":
		if s.cfg.Functions == nil {
			return errNoNeighbour
		}
		ctx = awswire.AsService(ctx, d.Account, d.Region, "lambda.alarms.cloudwatch.amazonaws.com", d.arn())
		_, err := s.cfg.Functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: &action, InvocationType: lambdatypes.InvocationTypeEvent, Payload: s.event(d)})
		return err
	case "kinesis":
		if s.cfg.Streams == nil {
			return errNoNeighbour
		}
		ctx = awswire.AsService(ctx, d.Account, d.Region, "cloudwatch.amazonaws.com", d.arn())
		// The changes of an alarm are in one shard, in their order.
		_, err := s.cfg.Streams.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: &action, PartitionKey: &d.Name, Data: append(s.event(d), '\n')})
		return err
	}
	return fmt.Errorf("the action %s is not supported", action)
}

// permanent reports whether an action that failed so would fail again.
func permanent(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorFault() == smithy.FaultClient && !strings.Contains(api.ErrorCode(), "Throttl") && !strings.Contains(api.ErrorCode(), "TooManyRequests") || errors.Is(err, errNoNeighbour)
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// plain is JSON without the escapes that are for pages.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// named is a dimension in notifications.
type named struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

func namedDimensions(in []types.Dimension) []named {
	out := []named{}
	for _, d := range in {
		out = append(out, named{aws.ToString(d.Value), aws.ToString(d.Name)})
	}
	return out
}

// trigger is what an alarm looks at, in notifications. Members are in AWS's order.
type trigger struct {
	MetricName         *string                  `json:"MetricName,omitempty"`
	Namespace          *string                  `json:"Namespace,omitempty"`
	StatisticType      string                   `json:"StatisticType,omitempty"`
	Statistic          string                   `json:"Statistic,omitempty"`
	ExtendedStatistic  string                   `json:"ExtendedStatistic,omitempty"`
	Unit               *string                  `json:"Unit"`
	Dimensions         []named                  `json:"Dimensions,omitzero"`
	Period             int64                    `json:"Period"`
	EvaluationPeriods  int32                    `json:"EvaluationPeriods"`
	DatapointsToAlarm  *int32                   `json:"DatapointsToAlarm,omitempty"`
	ComparisonOperator types.ComparisonOperator `json:"ComparisonOperator"`
	Threshold          *float64                 `json:"Threshold,omitempty"`
	ThresholdMetricID  string                   `json:"ThresholdMetricId,omitempty"`
	TreatMissingData   string                   `json:"TreatMissingData"`
	LowSamples         string                   `json:"EvaluateLowSampleCountPercentile"`
	Metrics            []map[string]any         `json:"Metrics,omitempty"`
}

var statisticNames = map[string]string{"Average": "AVERAGE", "Sum": "SUM", "Minimum": "MINIMUM", "Maximum": "MAXIMUM", "SampleCount": "SAMPLE_COUNT"}

func (w *watchDoc) trigger(sc scope.Scope) *trigger {
	t := &trigger{
		EvaluationPeriods: w.Periods, DatapointsToAlarm: w.Datapoints, ComparisonOperator: w.Compare, Threshold: w.Threshold, ThresholdMetricID: w.ThresholdID,
		TreatMissingData: w.Missing, LowSamples: w.LowSamples, Period: int64(w.Period),
	}
	if len(w.Queries) == 0 {
		t.MetricName, t.Namespace, t.Dimensions = &w.Metric, &w.Namespace, namedDimensions(w.Dimensions)
		if w.Unit != "" {
			t.Unit = &w.Unit
		}
		if w.Statistic != "" {
			t.StatisticType, t.Statistic = "Statistic", statisticNames[w.Statistic]
		} else {
			t.StatisticType, t.ExtendedStatistic = "ExtendedStatistic", w.ExtendedStatistic
		}
		return t
	}
	if qs, err := w.queries(sc); err == nil {
		t.Period = qs.step()
	}
	for _, q := range w.Queries {
		m := map[string]any{"Id": aws.ToString(q.Id), "ReturnData": q.ReturnData == nil || *q.ReturnData}
		if q.Label != nil {
			m["Label"] = *q.Label
		}
		if q.Expression != nil {
			m["Expression"] = *q.Expression
		}
		if ms := q.MetricStat; ms != nil && ms.Metric != nil {
			m["MetricStat"] = map[string]any{
				"Metric": map[string]any{"Dimensions": namedDimensions(ms.Metric.Dimensions), "MetricName": aws.ToString(ms.Metric.MetricName), "Namespace": aws.ToString(ms.Metric.Namespace)},
				"Period": aws.ToInt32(ms.Period), "Stat": aws.ToString(ms.Stat),
			}
		}
		t.Metrics = append(t.Metrics, m)
	}
	return t
}

// notification is the message that a topic gets.
func (s *Service) notification(d *alarmDoc) []byte {
	old := types.StateValueInsufficientData
	if d.Due != nil {
		old = d.Due.Old
	}
	m := struct {
		AlarmName               string
		AlarmDescription        *string
		AWSAccountID            string `json:"AWSAccountId"`
		Configured              string `json:"AlarmConfigurationUpdatedTimestamp"`
		NewStateValue           types.StateValue
		NewStateReason          string
		StateChangeTime         string
		Region                  string
		AlarmArn                string
		OldStateValue           types.StateValue
		OKActions               []string
		AlarmActions            []string
		InsufficientDataActions []string
		AlarmRule               string   `json:",omitempty"`
		Trigger                 *trigger `json:",omitempty"`
	}{
		d.Name, d.Description, d.Account, stamp(d.Configured), d.State, d.Reason, stamp(d.Transitioned), regionName(d.Region), d.arn(), old,
		listed0(d.OKActions), listed0(d.AlarmActions), listed0(d.NoData), d.Rule, nil,
	}
	if d.Watch != nil {
		m.Trigger = d.Watch.trigger(d.scope())
	}
	b, err := plain(m)
	if err != nil {
		s.log.Error("the notification of an alarm", "alarm", d.arn(), "error", err)
	}
	return b
}

// event is what a function is called with.
func (s *Service) event(d *alarmDoc) []byte {
	b, err := plain(map[string]any{
		"source": "aws.cloudwatch", "alarmArn": d.arn(), "accountId": d.Account, "time": stamp(d.Transitioned), "region": d.Region, "alarmData": d.changed(),
	})
	if err != nil {
		s.log.Error("the event of an alarm", "alarm", d.arn(), "error", err)
	}
	return b
}

// EventSink takes events for the default bus of an account and region. The same id is the same event; the detail is a JSON
// object.
type EventSink interface {
	PutServiceEvent(account, region, source, detailType, id string, at time.Time, resources []string, detail []byte) error
}

// tell puts an event about the last transition of an alarm.
func (s *Service) tell(d *alarmDoc) error {
	if s.cfg.Events == nil || d.Due.Released != "" {
		return nil
	}
	detail, err := plain(d.changed())
	if err != nil {
		return err
	}
	id := d.arn() + "/" + d.Transitioned.UTC().Format(time.RFC3339Nano) + "/" + string(d.State)
	return s.cfg.Events.PutServiceEvent(d.Account, d.Region, "aws.cloudwatch", "CloudWatch Alarm State Change", id, d.Transitioned, []string{d.arn()}, detail)
}

// changed is an alarm with its state and the one before.
func (d *alarmDoc) changed() map[string]any {
	stateOf := func(v types.StateValue, reason, data, at string) map[string]any {
		m := map[string]any{"value": v, "reason": reason, "timestamp": at}
		if data != "" {
			m["reasonData"] = data
		}
		return m
	}
	alarm := map[string]any{
		"alarmName": d.Name, "state": stateOf(d.State, d.Reason, d.ReasonData, stamp(d.Updated)), "configuration": d.configuration(),
	}
	if due := d.Due; due != nil && due.Released != "" {
		before := stateOf(d.State, due.OldReason, due.OldData, stamp(due.OldUpdated))
		before["actionsSuppressedBy"], before["actionsSuppressedReason"] = due.Released, suppressedBy(due.Released)
		alarm["previousState"] = before
	} else if due != nil {
		alarm["previousState"] = stateOf(due.Old, due.OldReason, due.OldData, stamp(due.OldUpdated))
	}
	return alarm
}

// configuration is what an alarm looks at, in events.
func (d *alarmDoc) configuration() map[string]any {
	c := map[string]any{}
	if d.Description != nil {
		c["description"] = *d.Description
	}
	if d.composite() {
		c["alarmRule"] = d.Rule
		if p := d.Suppressor; p != nil {
			c["actionsSuppressor"], c["actionsSuppressorWaitPeriod"], c["actionsSuppressorExtensionPeriod"] = p.Alarm, p.Wait, p.Extension
		}
		return c
	}
	qs, err := d.Watch.queries(d.scope())
	if err != nil {
		return c
	}
	metrics := []map[string]any{}
	for _, q := range qs.queries {
		m := map[string]any{"id": q.id, "returnData": q.returns}
		if q.label != "" {
			m["label"] = q.label
		}
		if q.metric == nil {
			m["expression"] = q.text
		} else {
			dims := map[string]string{}
			for _, x := range q.metric.Dimensions {
				dims[x.Name] = x.Value
			}
			m["metricStat"] = map[string]any{
				"metric": map[string]any{"namespace": q.metric.Namespace, "name": q.metric.Name, "dimensions": dims}, "period": q.period, "stat": q.statistic.String(),
			}
		}
		metrics = append(metrics, m)
	}
	c["metrics"] = metrics
	return c
}

// regionNames are regions as notifications call them; others are called by their code.
var regionNames = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (N. California)", "us-west-2": "US West (Oregon)",
	"eu-west-1": "EU (Ireland)", "eu-west-2": "EU (London)", "eu-west-3": "EU (Paris)", "eu-central-1": "EU (Frankfurt)", "eu-north-1": "EU (Stockholm)",
	"ap-southeast-1": "Asia Pacific (Singapore)", "ap-southeast-2": "Asia Pacific (Sydney)", "ap-northeast-1": "Asia Pacific (Tokyo)",
	"ap-northeast-2": "Asia Pacific (Seoul)", "ap-south-1": "Asia Pacific (Mumbai)", "sa-east-1": "South America (Sao Paulo)", "ca-central-1": "Canada (Central)",
}

func regionName(region string) string {
	if n := regionNames[region]; n != "" {
		return n
	}
	return region
}
