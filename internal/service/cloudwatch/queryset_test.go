package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/state"
)

func age(id string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("shop"), MetricName: aws.String("age")}, Period: aws.Int32(60), Stat: aws.String("Sum")}}
}

func expression(id, text string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, Expression: &text}
}

func (x *bench) data(ctx context.Context, queries ...types.MetricDataQuery) (*cloudwatch.GetMetricDataOutput, error) {
	now := x.clock.Now()
	return x.s.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)), MetricDataQueries: queries})
}

func times(n int, what string) string { return strings.TrimSuffix(strings.Repeat(what+",", n), ",") }

// TestExpressionsThatMultiply has each expression name the one before a thousand times: the value of each is made once, and
// what all of them make together is bounded.
func TestExpressionsThatMultiply(t *testing.T) {
	x := newBench(t)
	x.put(1)
	_, err := x.data(t.Context(), age("m1"),
		expression("a", "["+times(1000, "m1")+"]"), expression("b", "["+times(1000, "a")+"]"), expression("c", "["+times(1000, "b")+"]"), expression("d", "SUM(c)"))
	if err == nil || !strings.Contains(err.Error(), "too many data points") {
		t.Errorf("lists of lists: %v", err)
	}
	// Each is within bounds alone.
	queries := []types.MetricDataQuery{age("m1"), expression("f", "FILL(FILL(m1,1),REPEAT)")}
	for i := range 20 {
		queries = append(queries, expression(fmt.Sprintf("e%d", i), "FIRST(["+times(80, "f")+"])"))
	}
	now := x.clock.Now()
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-5 * 24 * time.Hour)), EndTime: aws.Time(now), MetricDataQueries: queries[:6]}
	if _, err = x.s.GetMetricData(t.Context(), in); err != nil {
		t.Errorf("four expressions: %v", err)
	}
	in.MetricDataQueries = queries
	if _, err = x.s.GetMetricData(t.Context(), in); err == nil || !strings.Contains(err.Error(), "too many data points") {
		t.Errorf("twenty expressions: %v", err)
	}
	// What is named often and costs nothing is evaluated once.
	if _, err = x.data(t.Context(), age("m1"), expression("a", summed(900, "m1")), expression("b", summed(900, "a")), expression("c", summed(900, "b")), expression("d", summed(900, "c"))); err != nil {
		t.Errorf("sums of sums: %v", err)
	}
}

func summed(n int, what string) string { return strings.Repeat(what+"+", n-1) + what }

func TestSearchOfMany(t *testing.T) {
	x := newBench(t)
	put := func(n, from int) {
		var data []types.MetricDatum
		for i := range n {
			data = append(data, types.MetricDatum{MetricName: aws.String("age"), Value: aws.Float64(1), Dimensions: []types.Dimension{{Name: aws.String("host"), Value: aws.String(fmt.Sprintf("h%04d", from+i))}}})
		}
		if _, err := x.s.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: data}); err != nil {
			t.Fatal(err)
		}
	}
	put(maxFound, 0)
	all := expression("e", "SEARCH('{shop,host} age', 'Sum', 60)")
	out, err := x.data(t.Context(), all)
	if err != nil || len(out.MetricDataResults) != maxFound || len(out.Messages) != 0 {
		t.Fatalf("%v, %d results, messages %v", err, len(out.MetricDataResults), out.Messages)
	}
	put(1, maxFound)
	if out, err = x.data(t.Context(), all); err != nil || len(out.MetricDataResults) != maxFound || len(out.Messages) != 1 || aws.ToString(out.Messages[0].Value) != "Maximum number of allowed metrics exceeded" {
		t.Errorf("one more: %v, %d results, messages %v", err, len(out.MetricDataResults), out.Messages)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if _, err := x.data(gone, all); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that has gone: %v", err)
	}
}

func TestAlarmsWatchOneSeries(t *testing.T) {
	x := newBench(t)
	put := func(threshold string, queries ...types.MetricDataQuery) error {
		in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("a"), EvaluationPeriods: aws.Int32(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(1), Metrics: queries}
		if threshold != "" {
			in.Threshold, in.ThresholdMetricId, in.ComparisonOperator = nil, &threshold, types.ComparisonOperatorGreaterThanUpperThreshold
		}
		_, err := x.s.PutMetricAlarm(t.Context(), in)
		return err
	}
	m1 := age("m1")
	m1.ReturnData = aws.Bool(false)
	for text, want := range map[string]string{
		"SEARCH('shop', 'Sum', 60)":      "SEARCH is not supported on Metric Alarms",
		"MAX(SEARCH('shop', 'Sum', 60))": "SEARCH is not supported on Metric Alarms",
		"[m1, m1]":                       "an array of time series",
		"METRICS()":                      "an array of time series",
		"ANOMALY_DETECTION_BAND(m1)":     "an array of time series",
		"SUM(m1)":                        "a scalar",
		"MAX(METRICS())":                 "",
		"IF(m1 > 1, 1, 0)":               "",
		"m1 / SUM(m1)":                   "",
	} {
		if err := put("", m1, expression("e1", text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := put("e1", age("m1"), expression("e1", "m1 * 2")); err == nil || !strings.Contains(err.Error(), "not the id of an ANOMALY_DETECTION_BAND") {
		t.Errorf("a threshold that is no band: %v", err)
	}
	if err := put("e1", age("m1"), expression("e1", "ANOMALY_DETECTION_BAND(m1)")); err != nil {
		t.Error(err)
	}

	// An alarm that is stored says what is wrong with it, and that it is put right.
	if _, err := x.s.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	sc := scope.Of(t.Context())
	d := &alarmDoc{Account: sc.Account, Region: sc.Region, Name: "old", State: types.StateValueOk, Watch: &watchDoc{
		Queries: []types.MetricDataQuery{m1, expression("e1", "[m1, m1]")}, Periods: 1, Threshold: aws.Float64(1), Compare: types.ComparisonOperatorGreaterThanThreshold,
	}}
	if err := x.s.alarms.Create(t.Context(), d, d.key()...); err != nil {
		t.Fatal(err)
	}
	is := func(want types.EvaluationState) func() bool {
		return func() bool {
			now, err := x.s.alarms.Get(d.key()...)
			return err == nil && now.Evaluation == want && (want == "" || strings.Contains(now.Reason, "single time series") && now.State == types.StateValueInsufficientData)
		}
	}
	x.until("the error of the alarm is told", is(types.EvaluationStateEvaluationError))
	if _, err := x.s.alarms.Modify(t.Context(), func(now *alarmDoc) error {
		now.Watch.Queries[1] = expression("e1", "m1 * 2")
		now.Version++
		return nil
	}, d.key()...); err != nil {
		t.Fatal(err)
	}
	x.until("the error of the alarm is gone", is(""))
}

// TestUndecodableIsNotAbsent has documents that cannot be read: what needs them says so, and what does not goes on.
func TestUndecodableIsNotAbsent(t *testing.T) {
	x := newBench(t)
	sc := scope.Of(t.Context())
	spoil := func(key ...string) {
		t.Helper()
		if _, err := x.docs.Put(t.Context(), key, []byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	spoil(append([]string{"cloudwatch.dashboard", sc.Account}, "bad")...)
	if _, err := x.s.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: aws.String("good"), DashboardBody: aws.String(`{"widgets":[]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.DeleteDashboards(t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"good", "bad"}}); !errors.Is(err, state.ErrUndecodable) {
		t.Errorf("delete a dashboard that cannot be read: %v", err)
	}
	if _, err := x.s.GetDashboard(t.Context(), &cloudwatch.GetDashboardInput{DashboardName: aws.String("good")}); err != nil {
		t.Errorf("it removed the other: %v", err)
	}

	q, err := parseQueries(sc, []types.MetricDataQuery{age("m1")}, "")
	if err != nil {
		t.Fatal(err)
	}
	spoil(append([]string{"cloudwatch.detector"}, detectorKey(sc, q.queries[0].metric, "Sum")...)...)
	if _, err := x.s.DeleteAnomalyDetector(t.Context(), &cloudwatch.DeleteAnomalyDetectorInput{AnomalyDetectorId: aws.String("0123")}); !errors.Is(err, state.ErrUndecodable) {
		t.Errorf("delete a detector that may be one that cannot be read: %v", err)
	}
	x.put(1)
	if _, err := x.data(t.Context(), age("m1"), expression("band", "ANOMALY_DETECTION_BAND(m1)")); !errors.Is(err, state.ErrUndecodable) {
		t.Errorf("a band whose detector cannot be read: %v", err)
	}

	x.alarm("a", nil)
	x.looked("a")
	spoil(append([]string{"cloudwatch.alarm"}, sc.Key("aa")...)...) // before the other
	if _, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("both"), AlarmRule: aws.String("ALARM(a)")}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.s.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("a"), StateValue: types.StateValueAlarm, StateReason: aws.String("try")}); err != nil {
		t.Fatal(err)
	}
	x.becomes("both", "ALARM")
}

// TestRulesThatMultiply has each rule name the one before hundreds of times.
func TestRulesThatMultiply(t *testing.T) {
	x := newBench(t)
	x.alarm("a0", nil)
	for i := 1; i <= 15; i++ {
		rule := strings.Repeat(fmt.Sprintf("ALARM(a%d) OR ", i-1), 400) + "FALSE"
		if _, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String(fmt.Sprintf("a%d", i)), AlarmRule: &rule}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := x.s.PutCompositeAlarm(t.Context(), &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("a1"), AlarmRule: aws.String("ALARM(a15)")}); err == nil {
		t.Error("a cycle was taken")
	}
	r, err := parseRule(`ALARM(b) OR ALARM("a") OR OK(arn:aws:cloudwatch:us-east-1:000000000000:alarm:b) AND AT_LEAST(1, ALARM, (a, c))`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.alarms(scope.Scope{Account: "000000000000", Region: "us-east-1"})); got != "[b a c]" {
		t.Errorf("alarms of the rule: %s", got)
	}
}

// TestTagsHaveOneName tags an alarm by another spelling of its ARN: its tags are those of the alarm.
func TestTagsHaveOneName(t *testing.T) {
	x := newBench(t)
	x.alarm("a", nil)
	for i, name := range []string{"arn:aws-cn:cloudwatch:us-east-1:000000000000:alarm:a", "arn:nonsense:cloudwatch:us-east-1:000000000000:alarm:a", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"} {
		_, err := x.s.TagResource(t.Context(), &cloudwatch.TagResourceInput{ResourceARN: &name, Tags: []types.Tag{{Key: aws.String(fmt.Sprint(i)), Value: aws.String("v")}}})
		if err != nil {
			continue // it need not be taken
		}
		out, err := x.s.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:cloudwatch:us-east-1:000000000000:alarm:a")})
		if err != nil || !strings.Contains(fmt.Sprint(tagsOf(out.Tags)), fmt.Sprintf("%d:v", i)) {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
	if _, err := x.s.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	x.alarm("a", nil)
	out, err := x.s.ListTagsForResource(t.Context(), &cloudwatch.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:cloudwatch:us-east-1:000000000000:alarm:a")})
	if err != nil || len(out.Tags) > 0 {
		t.Errorf("an alarm that is made anew has tags: %v, %v", out, err)
	}
}
