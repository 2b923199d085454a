package awswire

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/prometheus/client_golang/prometheus"
)

// seenCall is what an interceptor saw.
type seenCall struct {
	operation string
	actions   []string
	resources []string
	input     bool
	code      string
}

// Interceptors run around calls of the generic codec and of fast paths alike, and can refuse
// them before they have an effect.
func TestInterceptors(t *testing.T) {
	f := &fakeKinesis{}
	var calls []seenCall
	watch := func(ctx context.Context, c *Call) error {
		err := c.Next(ctx)
		r, rerr := c.Resources()
		if rerr != nil && rerr.Error() != err.Error() {
			t.Errorf("resources: %v, answer: %v", rerr, err)
		}
		in, _ := c.Input()
		calls = append(calls, seenCall{c.Operation, c.Actions, r, in != nil, c.Code(ctx, err)})
		return err
	}
	refused := false
	gate := func(ctx context.Context, c *Call) error {
		if refused {
			return Errorf("AccessDeniedException", "no")
		}
		return c.Next(ctx)
	}
	on := func(c Caller, in *kinesis.CreateStreamInput) []string {
		return []string{"arn:aws:kinesis:" + c.Region + ":" + c.Account + ":stream/" + *in.StreamName}
	}
	h, err := NewHandler(API{Model: "kinesis", Operations: []Operation{
		Executes(f.ListStreams).Fast(func(_ Protocol, body []byte) (FastCall, bool) { return fastCall{body}, true }),
		Executes(f.CreateStream, on),
		Executes(f.PutRecords).Action("kinesis:PutRecord", "kinesis:PutRecords"),
	}}, HandlerOptions{Interceptors: []Interceptor{watch, gate}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	for _, tt := range []struct {
		operation, body string
		refuse          bool
		status          int
		want            seenCall
	}{
		{"ListStreams", "{}", false, 200, seenCall{"ListStreams", []string{"kinesis:ListStreams"}, []string{"arn:fast"}, true, ""}},
		{"ListStreams", "{}" + strings.Repeat(" ", 60), false, 400, seenCall{"ListStreams", []string{"kinesis:ListStreams"}, []string{"arn:fast"}, true, "ResourceNotFoundException"}},
		{"ListStreams", "{}" + strings.Repeat(" ", 90), false, 200, seenCall{"ListStreams", []string{"kinesis:ListStreams"}, []string{"arn:fast"}, true, ""}},
		{"ListStreams", "{}", true, 400, seenCall{"ListStreams", []string{"kinesis:ListStreams"}, []string{"arn:fast"}, true, "AccessDeniedException"}},
		{"CreateStream", `{"StreamName":"s"}`, false, 200, seenCall{"CreateStream", []string{"kinesis:CreateStream"}, []string{"arn:aws:kinesis:us-east-1:000000000000:stream/s"}, true, ""}},
		{"CreateStream", `{"StreamName":"taken"}`, false, 400, seenCall{"CreateStream", []string{"kinesis:CreateStream"}, []string{"arn:aws:kinesis:us-east-1:000000000000:stream/taken"}, true, "ResourceInUseException"}},
		{"CreateStream", `{"StreamName":"panic"}`, false, 500, seenCall{"CreateStream", []string{"kinesis:CreateStream"}, []string{"arn:aws:kinesis:us-east-1:000000000000:stream/panic"}, true, "InternalFailure"}},
		{"CreateStream", `{"StreamName":`, false, 400, seenCall{"CreateStream", []string{"kinesis:CreateStream"}, nil, false, "SerializationException"}},
		{"PutRecords", `{"Records":[]}`, false, 400, seenCall{"PutRecords", []string{"kinesis:PutRecord", "kinesis:PutRecords"}, []string{}, false, "ValidationException"}},
	} {
		calls, refused = nil, tt.refuse
		if status, got := post(t, s.URL, "Kinesis_20131202."+tt.operation, tt.body); status != tt.status {
			t.Errorf("%s %s: %d %s", tt.operation, tt.body, status, got)
		}
		if len(calls) != 1 || !reflect.DeepEqual(calls[0], tt.want) {
			t.Errorf("%s %s:\ngot  %+v\nwant %+v", tt.operation, tt.body, calls, tt.want)
		}
	}
}

func TestThrottle(t *testing.T) {
	now := time.Unix(0, 0)
	f := &fakeKinesis{}
	on := func(_ Caller, in *kinesis.CreateStreamInput) []string { return []string{*in.StreamName} }
	h, err := NewHandler(API{Model: "kinesis", Operations: []Operation{
		Executes(f.ListStreams).Calls(2, PerAccount), Executes(f.CreateStream, on).Calls(1, PerResource),
	}}, HandlerOptions{Interceptors: []Interceptor{Throttle(func() time.Time { return now })}})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	for i, tt := range []struct {
		operation, body string
		advance         time.Duration
		status          int
	}{
		{"ListStreams", `{}`, 0, 200},
		{"ListStreams", `{}`, 0, 200},
		{"ListStreams", `{}`, 999 * time.Millisecond, 400},
		{"CreateStream", `{"StreamName":"a"}`, 0, 200},
		{"CreateStream", `{"StreamName":"b"}`, 0, 200},
		{"CreateStream", `{"StreamName":"a"}`, 0, 400},
		{"ListStreams", `{}`, time.Millisecond, 200},
	} {
		now = now.Add(tt.advance)
		if status, got := post(t, s.URL, "Kinesis_20131202."+tt.operation, tt.body); status != tt.status {
			t.Errorf("%d: %s: %d %s", i, tt.operation, status, got)
		}
	}
}

func TestMeter(t *testing.T) {
	reg := prometheus.NewRegistry()
	meter, err := Meter(reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx := WithCaller(t.Context(), Caller{Account: "111111111111", Region: "eu-west-1"})
	facts := Facts{Service: "s3", Operation: "GetObject", Actions: []string{"s3:GetObject"}, Resources: []string{"arn:aws:s3:::b/k"}}
	refuse := func(ctx context.Context, c *Call) error {
		keys, err := c.Keys()
		if r, _ := c.Resources(); len(r) != 1 || keys["aws:RequestedRegion"][0] != "eu-west-1" || c.Caller.Account != "111111111111" || err != nil {
			t.Errorf("call %+v, resources %v, keys %v, %v", c, r, keys, err)
		}
		return c.Next(ctx)
	}
	for _, answer := range []error{nil, nil, Errorf("NoSuchKey", "x"), errors.New("a fault of ours")} {
		if err := Intercept(ctx, []Interceptor{meter, refuse}, facts, func(context.Context) error { return answer }); err != answer {
			t.Errorf("got %v, want %v", err, answer)
		}
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"brookmere_api_calls_total GetObject s3":                  4,
		"brookmere_api_errors_total InternalFailure GetObject s3": 1,
		"brookmere_api_errors_total NoSuchKey GetObject s3":       1,
		"brookmere_api_call_seconds GetObject s3":                 4,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
