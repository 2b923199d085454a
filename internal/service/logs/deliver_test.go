package logs

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/klauspost/compress/gzip"

	"github.com/brookmere/brookmere/internal/engine/logstore"
)

// destinations takes what filters send. Each call fails as often as it is told to first.
type destinations struct {
	mu        sync.Mutex
	failures  int
	envelopes []envelope
	data      []*cloudwatch.PutMetricDataInput
}

func (d *destinations) fail() error {
	if d.failures > 0 {
		d.failures--
		return errors.New("not now")
	}
	return nil
}

func (d *destinations) open(data []byte) {
	r, err := gzip.NewReader(strings.NewReader(string(data)))
	if err != nil {
		panic(err)
	}
	b, _ := io.ReadAll(r)
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		panic(err)
	}
	d.envelopes = append(d.envelopes, e)
}

func (d *destinations) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range in.Records {
		d.open(r.Data)
	}
	return &kinesis.PutRecordsOutput{FailedRecordCount: aws.Int32(0), Records: make([]kinesistypes.PutRecordsResultEntry, len(in.Records))}, nil
}

func (d *destinations) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if in.InvocationType == lambdatypes.InvocationTypeDryRun {
		return &lambda.InvokeOutput{}, nil
	}
	if err := d.fail(); err != nil {
		return nil, err
	}
	var event struct {
		Logs struct {
			Data string `json:"data"`
		} `json:"awslogs"`
	}
	if err := json.Unmarshal(in.Payload, &event); err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(event.Logs.Data)
	if err != nil {
		return nil, err
	}
	d.open(b)
	return &lambda.InvokeOutput{}, nil
}

func (d *destinations) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range in.MetricData {
		for _, dim := range m.Dimensions {
			if *dim.Value != strings.ToValidUTF8(*dim.Value, "") || strings.ContainsAny(*dim.Value, "é") {
				return nil, &cloudwatchtypes.InvalidParameterValueException{}
			}
		}
	}
	d.data = append(d.data, in)
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// until waits for a condition of the destinations.
func (d *destinations) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		d.mu.Lock()
		is := ok()
		d.mu.Unlock()
		if is {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// TestMetricFiltersLeaveOutWhatIsNotTaken writes lines with values and dimensions that no data point can have: those of
// the other lines are put.
func TestMetricFiltersLeaveOutWhatIsNotTaken(t *testing.T) {
	d := &destinations{}
	s := newService(t, func(c *Config) { c.Metrics = d })
	at := time.Now().Add(-time.Minute).Truncate(time.Minute)
	fill(t, s, "g", "s", at, "{}")
	put := func(tr types.MetricTransformation) error {
		tr.MetricName, tr.MetricNamespace = aws.String("N"), aws.String(cmp.Or(aws.ToString(tr.MetricNamespace), "App"))
		_, err := s.PutMetricFilter(t.Context(), &logs.PutMetricFilterInput{
			LogGroupName: aws.String("g"), FilterName: aws.String("m"), FilterPattern: aws.String("{ $.v = * }"), MetricTransformations: []types.MetricTransformation{tr},
		})
		return err
	}
	for name, bad := range map[string]types.MetricTransformation{
		"a value":     {MetricValue: aws.String("NaN")},
		"hexadecimal": {MetricValue: aws.String("0x1p3")},
		"a default":   {MetricValue: aws.String("1"), DefaultValue: aws.Float64(math.NaN())},
		"a namespace": {MetricValue: aws.String("1"), MetricNamespace: aws.String("AWS/Lambda")},
	} {
		var e *types.InvalidParameterException
		if err := put(bad); !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := put(types.MetricTransformation{MetricValue: aws.String("$.v"), Dimensions: map[string]string{"D": "$.d"}}); err != nil {
		t.Fatal(err)
	}
	fill(t, s, "g", "s", at,
		`{"v": "NaN", "d": "a"}`, `{"v": "-Inf", "d": "a"}`, `{"v": 1e400, "d": "a"}`, `{"v": 1e300, "d": "a"}`, `{"v": "1_000", "d": "u"}`, `{"v": "0x1p3", "d": "h"}`, `{"v": 1, "d": "é"}`, `{"v": 2, "d": "`+strings.Repeat("x", 1025)+`"}`,
		`{"v": 3, "d": "a"}`, `{"v": 4, "d": "b"}`)
	fill(t, s, "g", "s", at, `{"v": 5, "d": "c"}`)
	got := map[string][]float64{}
	d.until(t, "last data point", func() bool {
		for _, in := range d.data {
			for _, m := range in.MetricData {
				got[*m.Dimensions[0].Value] = m.Values
			}
		}
		return len(got) == 3
	})
	for dim, want := range map[string]float64{"a": 3, "b": 4, "c": 5} {
		if len(got[dim]) != 1 || got[dim][0] != want {
			t.Errorf("%s: %v, want %v", dim, got[dim], want)
		}
	}
}

func TestSubscriptionsAndMetricFilters(t *testing.T) {
	d := &destinations{}
	s := newService(t, func(c *Config) { c.Kinesis, c.Lambda, c.Metrics = d, d, d })
	ctx := t.Context()
	at := time.Now().Add(-time.Minute).Truncate(time.Minute)
	fill(t, s, "g", "s", at, "before ERROR 1")
	_, err := s.PutSubscriptionFilter(ctx, &logs.PutSubscriptionFilterInput{
		LogGroupName: aws.String("g"), FilterName: aws.String("stream"), FilterPattern: aws.String("ERROR"),
		DestinationArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/x"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.until(t, "control message", func() bool { return len(d.envelopes) == 1 && d.envelopes[0].MessageType == "CONTROL_MESSAGE" })
	_, err = s.PutMetricFilter(ctx, &logs.PutMetricFilterInput{
		LogGroupName: aws.String("g"), FilterName: aws.String("m"), FilterPattern: aws.String("[what, level = ERROR, n]"),
		MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("N"), MetricNamespace: aws.String("App"), MetricValue: aws.String("$n"), DefaultValue: aws.Float64(0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, "g", "s", at, "one ERROR 7", "two INFO 8", "three ERROR 7", "four ERROR 2")
	d.until(t, "envelope", func() bool { return len(d.envelopes) == 2 })
	e := d.envelopes[1]
	if e.MessageType != "DATA_MESSAGE" || e.LogGroup != "g" || e.LogStream != "s" || e.Owner != "000000000000" || e.SubscriptionFilters[0] != "stream" ||
		len(e.LogEvents) != 3 || e.LogEvents[0].Message != "one ERROR 7" || e.LogEvents[0].Timestamp != at.UnixMilli() || len(e.LogEvents[0].ID) != 56 {
		t.Errorf("envelope: %+v", e)
	}
	d.until(t, "metric data", func() bool { return len(d.data) == 1 })
	m := d.data[0].MetricData[0]
	sum, n := 0.0, 0.0
	for i, v := range m.Values {
		sum, n = sum+v*m.Counts[i], n+m.Counts[i]
	}
	if *d.data[0].Namespace != "App" || *m.MetricName != "N" || sum != 16 || n != 3 || !m.Timestamp.Equal(at) {
		t.Errorf("metric data: %+v", m)
	}

	// A function that fails at first gets what it was to get all the same.
	if _, err := s.DeleteSubscriptionFilter(ctx, &logs.DeleteSubscriptionFilterInput{LogGroupName: aws.String("g"), FilterName: aws.String("stream")}); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.failures, d.envelopes = 2, nil
	d.mu.Unlock()
	_, err = s.PutSubscriptionFilter(ctx, &logs.PutSubscriptionFilterInput{
		LogGroupName: aws.String("g"), FilterName: aws.String("function"), FilterPattern: aws.String("[word, ...]"),
		DestinationArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"),
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, "g", "s", at, "five six")
	d.until(t, "event", func() bool { return len(d.envelopes) == 1 })
	if f := d.envelopes[0].LogEvents[0].ExtractedFields; f["word"] != "five" || f["2"] != "six" {
		t.Errorf("extracted fields: %v", f)
	}
}

func TestEnvelopesAreSplit(t *testing.T) {
	e := envelope{LogStream: "s"}
	for i := range 100 {
		e.LogEvents = append(e.LogEvents, envelopeEvent{ID: newID(), Message: newID() + strings.Repeat(newID(), i)})
	}
	out, err := e.split(nil, 2<<10)
	if err != nil {
		t.Fatal(err)
	}
	d := &destinations{}
	for _, b := range out {
		if len(b.data) > 2<<10 {
			t.Errorf("an envelope has %d bytes", len(b.data))
		}
		d.open(b.data)
	}
	n := 0
	for _, x := range d.envelopes {
		for _, ev := range x.LogEvents {
			if ev.ID != e.LogEvents[n].ID {
				t.Fatalf("event %d is another", n)
			}
			n++
		}
	}
	if n != 100 || len(out) < 2 {
		t.Errorf("%d events in %d envelopes", n, len(out))
	}
}

// Lines of the node's own come into groups that are made for them; what cannot be put is counted.
func TestSink(t *testing.T) {
	denied := errors.New("denied")
	s := newService(t, func(c *Config) {
		c.Allow = func(_ context.Context, to Target, action, _ string) error {
			if to.Role == "bad" && action == "CreateLogGroup" {
				return denied
			}
			return nil
		}
	})
	to := Target{Account: "000000000000", Region: "us-east-1", Group: "/aws/lambda/f", Stream: "x/[1]y", Role: "good", Service: "lambda.amazonaws.com", CreateGroup: true, CreateStream: true}
	now := time.Now().UnixMilli()
	s.Sink().Write(to, logstore.Line{Time: now, Text: "START"}, logstore.Line{Time: now + 1, Text: "END"})
	bad := to
	bad.Group, bad.Role = "/aws/lambda/g", "bad"
	s.Sink().Write(bad, logstore.Line{Time: now, Text: "START"})
	missing := to
	missing.Stream, missing.CreateStream = "none", false
	s.Sink().Write(missing, logstore.Line{Time: now, Text: "lost"})
	big := make([]logstore.Line, 20)
	for i := range big {
		big[i] = logstore.Line{Time: now, Text: strings.Repeat("x", 1<<20)}
	}
	s.Sink().Write(to, big...)
	new(destinations).until(t, "lines", func() bool {
		r, err := s.GetLogEvents(t.Context(), &logs.GetLogEventsInput{LogGroupName: &to.Group, LogStreamName: &to.Stream})
		return err == nil && len(r.Events) == 2 && *r.Events[1].Message == "END" && s.Sink().Dropped() == 22
	})
	if _, err := s.group(t.Context(), "/aws/lambda/g"); !isNotFound(err) {
		t.Errorf("a group that may not be made: %v", err)
	}
}

// TestFiltersPutAtOnce: of calls that put one filter at once, one makes it, and the others change it.
func TestFiltersPutAtOnce(t *testing.T) {
	d := &destinations{}
	s := newService(t, func(c *Config) { c.Kinesis, c.Lambda, c.Metrics = d, d, d })
	fill(t, s, "g", "s", time.Now(), "line")
	for range 20 {
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() {
				_, err := s.PutSubscriptionFilter(t.Context(), &logs.PutSubscriptionFilterInput{
					LogGroupName: aws.String("g"), FilterName: aws.String("f"), FilterPattern: aws.String(""),
					DestinationArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/x"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
				})
				if err != nil {
					t.Error(err)
				}
			})
			calls.Go(func() {
				_, err := s.PutMetricFilter(t.Context(), &logs.PutMetricFilterInput{
					LogGroupName: aws.String("g"), FilterName: aws.String("f"), FilterPattern: aws.String(""),
					MetricTransformations: []types.MetricTransformation{{MetricName: aws.String("N"), MetricNamespace: aws.String("App"), MetricValue: aws.String("1")}},
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if _, err := s.DeleteSubscriptionFilter(t.Context(), &logs.DeleteSubscriptionFilterInput{LogGroupName: aws.String("g"), FilterName: aws.String("f")}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DeleteMetricFilter(t.Context(), &logs.DeleteMetricFilterInput{LogGroupName: aws.String("g"), FilterName: aws.String("f")}); err != nil {
			t.Fatal(err)
		}
	}
}
