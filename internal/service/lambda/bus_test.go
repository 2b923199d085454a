package lambda

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// buses keep what is put on them.
type buses struct {
	mu  sync.Mutex
	got []eventstypes.PutEventsRequestEntry
}

func (b *buses) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, in.Entries...)
	return &eventbridge.PutEventsOutput{Entries: make([]eventstypes.PutEventsResultEntry, len(in.Entries))}, nil
}

// TestBusDestinations puts how events have ended on a bus.
func TestBusDestinations(t *testing.T) {
	x := newFixture(t)
	b := new(buses)
	x.Bind(func(c *Config) { c.Buses = b })
	ctx, f, bus := context.Background(), aws.String("f"), aws.String("arn:aws:events:us-east-1:000000000000:event-bus/shop")
	x.python("f", `
def handler(e, c):
    if e["fail"]: raise ValueError("no")
    return {"got": e}
`)
	config := func(to *string) error {
		_, err := x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: f, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: to}, OnFailure: &types.OnFailure{Destination: to}},
		})
		return err
	}
	wantCode(t, config(aws.String("arn:aws:events:us-east-1:000000000000:rule/r")), "InvalidParameterValueException", "")
	if err := config(bus); err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{`{"fail":false}`, `{"fail":true}`} {
		if _, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, InvocationType: "Event", Payload: []byte(payload)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "both are told", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.got) == 2 })
	for _, e := range b.got {
		var r destinationRecord
		if err := json.Unmarshal([]byte(*e.Detail), &r); err != nil {
			t.Fatal(err)
		}
		want := "Lambda Function Invocation Result - Failure"
		if string(r.Payload) == `{"fail":false}` {
			want = "Lambda Function Invocation Result - Success"
		}
		if *e.Source != "lambda" || *e.DetailType != want || *e.EventBusName != *bus || !slices.Equal(e.Resources, []string{*bus, "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"}) {
			t.Errorf("%+v", e)
		}
	}
}
