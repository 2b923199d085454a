package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// neighbours record what alarms do.
type neighbours struct {
	mu    sync.Mutex
	done  []string // messages
	fails int      // how many publishes fail first
}

func (n *neighbours) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails > 0 {
		n.fails--
		return nil, errors.New("not now")
	}
	n.done = append(n.done, *in.Subject+"\n"+*in.Message)
	return &sns.PublishOutput{}, nil
}

func (n *neighbours) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = append(n.done, "function\n"+string(in.Payload))
	return &lambda.InvokeOutput{}, nil
}

func (n *neighbours) PutRecord(_ context.Context, in *kinesis.PutRecordInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.done = append(n.done, *in.StreamARN+" "+*in.PartitionKey+"\n"+string(in.Data))
	return &kinesis.PutRecordOutput{}, nil
}

func (n *neighbours) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.done...)
}

// bench is a service on a clock, which can be restarted.
type bench struct {
	t     *testing.T
	fs    vfs.FS
	b     *broker.Broker
	clock *clockwork.FakeClock
	n     *neighbours

	docs *state.Store
	s    *Service
}

func newBench(t *testing.T) *bench {
	b, err := broker.Start(broker.Options{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	x := &bench{t: t, fs: vfs.NewMem(), b: b, clock: clockwork.NewFakeClockAt(time.Date(2024, 5, 6, 7, 8, 4, 0, time.UTC)), n: &neighbours{}}
	x.open()
	t.Cleanup(x.close)
	return x
}

func (x *bench) open() {
	x.t.Helper()
	var err error
	if x.docs, err = state.Open(x.t.Context(), x.b, state.Options{}); err != nil {
		x.t.Fatal(err)
	}
	m, err := metricstore.Open(metricstore.Options{Dir: "m", FS: x.fs, Clock: x.clock, MinFree: -1})
	if err != nil {
		x.t.Fatal(err)
	}
	if x.s, err = New(Config{State: x.docs, Metrics: m, Clock: x.clock, Topics: x.n, Functions: x.n, Streams: x.n, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		x.t.Fatal(err)
	}
	if err := x.s.Start(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
}

func (x *bench) close() {
	x.s.Close(context.Background())
	x.s.metrics.Close()
	x.docs.Close()
}

func (x *bench) put(v float64) {
	x.t.Helper()
	if _, err := x.s.PutMetricData(x.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{{MetricName: aws.String("age"), Value: &v}}}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *bench) alarm(name string, change func(*cloudwatch.PutMetricAlarmInput)) {
	x.t.Helper()
	in := &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("shop"), MetricName: aws.String("age"), Statistic: types.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1),
		Threshold: aws.Float64(10), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"},
	}
	if change != nil {
		change(in)
	}
	if _, err := x.s.PutMetricAlarm(x.t.Context(), in); err != nil {
		x.t.Fatal(err)
	}
}

// until waits for something that other goroutines do.
func (x *bench) until(what string, ok func() bool) {
	x.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			x.t.Fatalf("it does not come to pass: %s", what)
		}
	}
}

func (x *bench) state(name string) (types.StateValue, bool) {
	d, err := x.s.alarms.Get(scope.Of(x.t.Context()).Key(name)...)
	if err != nil {
		x.t.Fatal(err)
	}
	return d.State, d.Due == nil
}

func (x *bench) becomes(name string, want types.StateValue) {
	x.t.Helper()
	x.until(name+" becomes "+string(want), func() bool { st, settled := x.state(name); return st == want && settled })
}

// looked waits until metric alarms were looked at once: what that says takes the place of a state set before.
func (x *bench) looked(names ...string) {
	x.t.Helper()
	for _, name := range names {
		d, err := x.s.alarms.Get(scope.Of(x.t.Context()).Key(name)...)
		if err != nil {
			x.t.Fatal(err)
		}
		x.until(name+" is looked at", func() bool { _, ok := x.s.looked.Load(d.arn()); return ok })
	}
}

func TestAlarmActs(t *testing.T) {
	x := newBench(t)
	x.n.fails = 1
	x.alarm("late", func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmActions = append(in.AlarmActions, "arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:kinesis:us-east-1:000000000000:stream/alerts")
		in.OKActions = []string{"arn:aws:sns:us-east-1:000000000000:ops"}
	})
	x.put(12.5)
	x.clock.Advance(time.Minute)
	x.until("the second try", func() bool {
		x.clock.Advance(time.Second)
		st, settled := x.state("late")
		return st == "ALARM" && settled
	})
	done := x.n.all()
	if len(done) != 3 {
		t.Fatalf("%d actions: %q", len(done), done)
	}
	subject, message, _ := strings.Cut(done[0], "\n")
	if subject != `ALARM: "late" in US East (N. Virginia)` {
		t.Error(subject)
	}
	var m struct {
		AlarmName, NewStateValue, OldStateValue, NewStateReason, AWSAccountId, Region string
		Trigger                                                                       struct {
			MetricName, Statistic string
			Threshold             float64
		}
	}
	if err := json.Unmarshal([]byte(message), &m); err != nil {
		t.Fatal(err)
	}
	if m.AlarmName != "late" || m.NewStateValue != "ALARM" || m.OldStateValue != "INSUFFICIENT_DATA" || m.AWSAccountId != "000000000000" || m.Trigger.MetricName != "age" || m.Trigger.Statistic != "MAXIMUM" || m.Trigger.Threshold != 10 {
		t.Errorf("%s", message)
	}
	if want := "Threshold Crossed: 1 datapoint [12.5 (06/05/24 07:08:00)] was greater than the threshold (10.0)."; m.NewStateReason != want {
		t.Error(m.NewStateReason)
	}
	if !strings.Contains(done[1], `"alarmName":"late"`) || !strings.Contains(done[1], `"previousState"`) || !strings.Contains(done[1], `"source":"aws.cloudwatch"`) {
		t.Error(done[1])
	}
	if line, record, _ := strings.Cut(done[2], "\n"); line != "arn:aws:kinesis:us-east-1:000000000000:stream/alerts late" || record != strings.TrimPrefix(done[1], "function\n")+"\n" {
		t.Error(done[2])
	}
	// Back to OK.
	x.put(1)
	x.until("OK", func() bool {
		x.clock.Advance(20 * time.Second)
		st, settled := x.state("late")
		return st == "OK" && settled
	})
	out, err := x.s.DescribeAlarmHistory(t.Context(), &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("late")})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range out.AlarmHistoryItems {
		kinds = append(kinds, string(e.HistoryItemType))
	}
	if got := strings.Join(kinds, " "); got != "Action StateUpdate Action Action Action StateUpdate ConfigurationUpdate" {
		t.Errorf("the history: %s", got)
	}
}

func TestAnAlarmThatWasDueFiresAfterARestart(t *testing.T) {
	x := newBench(t)
	x.alarm("late", nil)
	x.put(12.5)
	x.until("the first look", func() bool {
		_, ok := x.s.looked.Load("arn:aws:cloudwatch:us-east-1:000000000000:alarm:late")
		return ok
	})
	x.close()
	x.clock.Advance(time.Minute)
	x.open()
	x.becomes("late", "ALARM")
	if n := len(x.n.all()); n != 1 {
		t.Errorf("%d actions", n)
	}
	// A transition that was written, of which nothing else was done.
	x.close()
	docs, err := state.Open(t.Context(), x.b, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = state.NewCollection[alarmDoc](docs, "cloudwatch.alarm").Modify(t.Context(), func(d *alarmDoc) error {
		d.State = "OK"
		d.become("ALARM", "again", "", x.clock.Now().UTC())
		return nil
	}, scope.Of(t.Context()).Key("late")...)
	if err != nil {
		t.Fatal(err)
	}
	docs.Close()
	x.open()
	x.becomes("late", "ALARM")
	if n := len(x.n.all()); n != 2 {
		t.Errorf("%d actions", n)
	}
}

func TestCompositeAndSetState(t *testing.T) {
	x := newBench(t)
	x.alarm("a", nil)
	x.alarm("b", nil)
	x.looked("a", "b")
	if _, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("both"), AlarmRule: aws.String("ALARM(a) AND ALARM(b)"), AlarmActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"}}); err != nil {
		t.Fatal(err)
	}
	x.becomes("both", "OK")
	set := func(name string, st types.StateValue) {
		if _, err := x.s.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: st, StateReason: aws.String("by hand")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.s.DisableAlarmActions(t.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"a", "b"}}); err != nil {
		t.Fatal(err)
	}
	set("a", "ALARM")
	x.becomes("a", "ALARM")
	set("b", "ALARM")
	x.becomes("both", "ALARM")
	if done := x.n.all(); len(done) != 1 || !strings.Contains(done[0], `"AlarmRule":"ALARM(a) AND ALARM(b)"`) {
		t.Errorf("%q", done)
	}
	// Cycles are refused.
	_, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("more"), AlarmRule: aws.String("ALARM(both)")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("both"), AlarmRule: aws.String("ALARM(more)")}); err == nil {
		t.Error("a cycle was taken")
	}
}

func TestBandOfASeason(t *testing.T) {
	x := newBench(t)
	now := x.clock.Now().Truncate(time.Hour)
	var data []types.MetricDatum
	for h := range 10 * 24 {
		at := now.Add(-time.Duration(h) * time.Hour)
		v := 10.0
		if at.Hour() >= 6 && at.Hour() < 9 {
			v = 100 // mornings are busy
		}
		data = append(data, types.MetricDatum{MetricName: aws.String("load"), Timestamp: aws.Time(at), Value: aws.Float64(v + float64(h%3))})
	}
	if _, err := x.s.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: data}); err != nil {
		t.Fatal(err)
	}
	out, err := x.s.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(now), EndTime: aws.Time(now.Add(12 * time.Hour)), ScanBy: types.ScanByTimestampAscending,
		MetricDataQueries: []types.MetricDataQuery{
			{Id: aws.String("m1"), MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("shop"), MetricName: aws.String("load")}, Period: aws.Int32(3600), Stat: aws.String("Average")}},
			{Id: aws.String("band"), Expression: aws.String("ANOMALY_DETECTION_BAND(m1, 3)")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.MetricDataResults) != 3 {
		t.Fatalf("%d results", len(out.MetricDataResults))
	}
	low, high := out.MetricDataResults[1].Values, out.MetricDataResults[2].Values
	if len(low) != 12 || !(low[0] > 90 && high[0] < 115) || !(high[8] < 30 && low[8] < high[8]) {
		t.Errorf("at 7: %v to %v; at 15: %v to %v", low[0], high[0], low[8], high[8])
	}
}
