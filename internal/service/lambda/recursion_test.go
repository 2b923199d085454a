package lambda

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

var traceForm = regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01];Lineage=[0-9a-f:|]+$`)

func TestNextTrace(t *testing.T) {
	now := time.Unix(0x5759e988, 0)
	trace, nth := nextTrace("", "f", now)
	if nth != 0 || !traceForm.MatchString(trace) || !strings.HasPrefix(trace, "Root=1-5759e988-") {
		t.Errorf("the first: %d, %s", nth, trace)
	}
	root, _, _ := strings.Cut(trace, ";")
	for n := 1; n <= 20; n++ { // two functions that call each other
		if trace, nth = nextTrace(trace, "g", now); nth != n-1 {
			t.Errorf("g: %d before, want %d", nth, n-1)
		}
		if trace, nth = nextTrace(trace, "f", now); nth != n || !strings.HasPrefix(trace, root+";") {
			t.Errorf("f: %d before, want %d: %s", nth, n, trace)
		}
	}
	_, nth = nextTrace("Root=1-5759e988-bd862e3fe1be46a994272793; Sampled=1; Lineage=1:a87bd80c:1|68fd508a:5,c512fbe3:2", "f", now)
	if nth != 0 {
		t.Errorf("others were invoked, f was not: %d", nth)
	}
	for n := range 40 { // a chain of many functions keeps the counts that are highest
		for range 2 {
			trace, _ = nextTrace(trace, "f", now)
		}
		trace, _ = nextTrace(trace, strings.Repeat("x", n+1), now)
	}
	if _, nth := nextTrace(trace, "f", now); nth != 101 || len(trace) > 400 {
		t.Errorf("%d, %d bytes: %s", nth, len(trace), trace)
	}
}

func FuzzNextTrace(f *testing.F) {
	f.Add("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1|68fd508a:5")
	f.Add(";;Lineage=1:00000000:99999|:,|=")
	f.Fuzz(func(t *testing.T, trace string) {
		next, nth := nextTrace(trace, "f", time.Unix(0, 0))
		if !traceForm.MatchString(next) || nth < 0 || len(next) > 500 {
			t.Errorf("%q: %q, %d", trace, next, nth)
		}
	})
}

// A function that has run sixteen times in a chain of requests does not run again, unless that is allowed.
func TestLoops(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	x.python("f", `
import os
def handler(e, c):
    return os.environ["_X_AMZN_TRACE_ID"]
`)
	queue := func(name string) *string { return aws.String("arn:aws:sqs:us-east-1:000000000000:" + name) }
	d, err := x.functions.Get("000000000000", "us-east-1", "f")
	if err != nil {
		t.Fatal(err)
	}
	trace := ""
	for range maxLoop - 1 {
		trace, _ = nextTrace(trace, d.group(), time.Now())
	}
	run := func(trace string) (string, error) {
		out, err := x.Invoke(awswire.WithTrace(ctx, trace), &lambda.InvokeInput{FunctionName: &d.Name})
		if err != nil {
			return "", err
		}
		return strings.Trim(string(out.Payload), `"`), nil
	}
	last, err := run(trace) // the sixteenth
	if err != nil || !strings.Contains(last, ":15") {
		t.Fatal(last, err)
	}
	_, err = run(last)
	wantCode(t, err, "RecursiveInvocationException", "calls itself without end")

	_, err = x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &d.Name, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: queue("bad")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Invoke(awswire.WithTrace(ctx, last), &lambda.InvokeInput{FunctionName: &d.Name, InvocationType: "Event", Payload: []byte(`"again"`)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is at the failure destination", func() bool { return len(x.sqs.bodies("bad")) == 1 })

	x.python("q", "def handler(e, c): print('got', *[r['body'] for r in e['Records']])")
	g, err := x.functions.Get("000000000000", "us-east-1", "q")
	if err != nil {
		t.Fatal(err)
	}
	loop := ""
	for range maxLoop {
		loop, _ = nextTrace(loop, g.group(), time.Now())
	}
	x.sqs.mu.Lock()
	for _, m := range [][2]string{{"loop", loop}, {"one", ""}} {
		x.sqs.queues["q"] = append(x.sqs.queues["q"], sqstypes.Message{
			MessageId: &m[0], ReceiptHandle: &m[0], Body: &m[0], Attributes: map[string]string{"AWSTraceHeader": m[1]},
		})
	}
	x.sqs.mu.Unlock()
	made := x.mapping(*queue("q"), "q", func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "" })
	eventually(t, "the other message is done with", func() bool {
		x.sqs.mu.Lock()
		defer x.sqs.mu.Unlock()
		return x.sqs.deleted["q"] == 1
	})
	if got := strings.Join(x.said("q", "got"), "|"); got != "one" {
		t.Errorf("got %s", got)
	}
	_ = made

	if _, err := x.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{FunctionName: &d.Name, RecursiveLoop: types.RecursiveLoopAllow}); err != nil {
		t.Fatal(err)
	}
	if next, err := run(last); err != nil || !strings.Contains(next, ":16") {
		t.Error(next, err)
	}
}
