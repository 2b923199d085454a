package cloudwatch

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// toldEvents keeps events by their ids.
type toldEvents struct {
	mu  sync.Mutex
	got map[string]string
}

func (e *toldEvents) PutServiceEvent(account, region, source, detailType, id string, _ time.Time, resources []string, detail []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got[id] = strings.Join([]string{account, region, source, detailType, resources[0], string(detail)}, "|")
	return nil
}

// TestAlarmEvents sets the state of an alarm, and wants the event of the change.
func TestAlarmEvents(t *testing.T) {
	dir := t.TempDir()
	b, err := broker.Start(broker.Options{Dir: filepath.Join(dir, "nats"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	st, err := state.Open(t.Context(), b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	m, err := metricstore.Open(metricstore.Options{Dir: filepath.Join(dir, "metrics"), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e := &toldEvents{got: map[string]string{}}
	s, err := New(Config{State: st, Metrics: m, Events: e})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	ctx := awswire.WithCaller(t.Context(), awswire.Caller{Account: "111122223333", Region: "us-east-1"})
	if _, err := s.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("late"), Namespace: aws.String("shop"), MetricName: aws.String("age"), Statistic: types.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1),
		Threshold: aws.Float64(10), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("late"), StateValue: types.StateValueAlarm, StateReason: aws.String("by hand")}); err != nil {
		t.Fatal(err)
	}
	text := ""
	for end := time.Now().Add(time.Minute); text == "" && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		e.mu.Lock()
		for _, v := range e.got {
			if strings.Contains(v, "by hand") {
				text = v
			}
		}
		e.mu.Unlock()
	}
	detail, ok := strings.CutPrefix(text, "111122223333|us-east-1|aws.cloudwatch|CloudWatch Alarm State Change|arn:aws:cloudwatch:us-east-1:111122223333:alarm:late|")
	var d struct {
		AlarmName     string
		State         struct{ Value, Reason string }
		PreviousState struct{ Value string }
		Configuration struct{ Metrics []any }
	}
	if err := json.Unmarshal([]byte(detail), &d); !ok || err != nil || d.AlarmName != "late" || d.State.Value != "ALARM" || d.PreviousState.Value != "INSUFFICIENT_DATA" || len(d.Configuration.Metrics) != 1 {
		t.Errorf("%q: %+v (%v)", text, d, err)
	}
}
