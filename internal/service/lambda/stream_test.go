package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

// The end of a streamed response has the log of the invocation, to its report.
func TestStreamedLog(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this machine")
	}
	x := newFixture(t)
	ctx := context.Background()
	if _, err := x.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("s"), Runtime: types.RuntimeNodejs20x, Handler: aws.String("app.handler"), Role: aws.String("arn:aws:iam::000000000000:role/f"),
		Timeout: aws.Int32(30), Code: &types.FunctionCode{ZipFile: zipped(t, map[string]string{"app.js": `
exports.handler = awslambda.streamifyResponse(async (event, out) => { console.log('printed it'); out.write('a'); out.write('b'); out.end(); });`})},
	}); err != nil {
		t.Fatal(err)
	}
	for _, tail := range []bool{true, false} {
		in := &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("s")}
		if tail {
			in.LogType = types.LogTypeTail
		}
		_, events, err := x.InvokeWithResponseStream(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		var body string
		var complete *types.InvokeWithResponseStreamCompleteEvent
		for e, err := range events {
			if err != nil {
				t.Fatal(err)
			}
			switch e := e.(type) {
			case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				body += string(e.Value.Payload)
			case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				complete = &e.Value
			}
		}
		if body != "ab" || complete == nil || complete.ErrorCode != nil {
			t.Fatalf("answered %q, then %+v", body, complete)
		}
		if (complete.LogResult != nil) != tail {
			t.Fatalf("tail %v: log result %v", tail, complete.LogResult)
		}
		if !tail {
			continue
		}
		log, err := base64.StdEncoding.DecodeString(*complete.LogResult)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"START RequestId", "printed it", "REPORT RequestId"} {
			if !strings.Contains(string(log), want) {
				t.Errorf("the log lacks %q:\n%s", want, log)
			}
		}
	}
}

// A mapping of a consumer needs the consumer.
func TestMappingOfConsumer(t *testing.T) {
	x := newFixture(t)
	x.python("f", "def handler(e, c): pass")
	stream := x.stream("s", 1)
	for _, consumer := range []string{stream + "/consumer/none:1700000000", stream + "/consumer/"} {
		_, err := x.CreateEventSourceMapping(context.Background(), &lambda.CreateEventSourceMappingInput{FunctionName: aws.String("f"), EventSourceArn: &consumer, StartingPosition: types.EventSourcePositionLatest})
		wantCode(t, err, "InvalidParameterValueException", "not found")
	}
}

// TestEventCount: a mapping that wants it tells CloudWatch how many events came how far, and says so.
func TestEventCount(t *testing.T) {
	x := newFixture(t)
	meter := metering.New()
	x.opened = func() { x.Service.cfg.Meter = meter }
	x.restart()
	ctx := context.Background()
	stream := x.stream("s", 1)
	x.python("f", `
import base64, json
def handler(e, c):
    for r in e["Records"]:
        if json.loads(base64.b64decode(r["kinesis"]["data"]))["n"] == 5: raise ValueError("five")
`)
	var data []string
	for i := range 9 {
		data = append(data, fmt.Sprintf(`{"n":%d}`, i))
	}
	x.put("s", sameKey, data...)
	events := &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{"EventCount"}}
	id := x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.MetricsConfig, in.MaximumRetryAttempts, in.BisectBatchOnFunctionError = events, aws.Int32(0), aws.Bool(true)
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"data":{"n":[{"numeric":[">=",3]}]}}`)}}}
	})
	if c, err := x.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id}); err != nil || c.MetricsConfig == nil || len(c.MetricsConfig.Metrics) != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	got := map[string]float64{}
	eventually(t, "all are counted", func() bool {
		for _, p := range meter.Take() {
			if d := p.Resource.Dimensions; len(d) == 1 && d[0].Name == "EventSourceMappingUUID" && d[0].Value == id {
				got[p.Measure.Name] += p.Sum
			}
		}
		return got["PolledEventCount"] == 9 && got["FilteredOutEventCount"] == 3 && got["DroppedEventCount"] == 1 && got["InvokedEventCount"]-got["FailedInvokeEventCount"] == 5
	})
	_, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, MetricsConfig: &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{"KafkaMetrics"}}})
	wantCode(t, err, "InvalidParameterValueException", "KafkaMetrics")
	c, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, MetricsConfig: &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{}}})
	if err != nil || c.MetricsConfig != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestEventCountOfQueue: messages that the queue did not delete are not counted as deleted.
func TestEventCountOfQueue(t *testing.T) {
	x := newFixture(t)
	meter := metering.New()
	x.opened = func() { x.Service.cfg.Meter = meter }
	x.restart()
	x.python("f", "def handler(e, c): return None\n")
	for _, body := range []string{"1", "2", "3"} {
		x.sqs.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: aws.String("partly"), MessageBody: &body})
	}
	id := x.mapping("arn:aws:sqs:us-east-1:000000000000:partly", "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.StartingPosition, in.BatchSize = "", aws.Int32(10)
		in.MetricsConfig = &types.EventSourceMappingMetricsConfig{Metrics: []types.EventSourceMappingMetric{"EventCount"}}
	})
	got := map[string]float64{}
	eventually(t, "all are counted", func() bool {
		for _, p := range meter.Take() {
			if d := p.Resource.Dimensions; len(d) == 1 && d[0].Name == "EventSourceMappingUUID" && d[0].Value == id {
				got[p.Measure.Name] += p.Sum
			}
		}
		return got["InvokedEventCount"] == 3
	})
	x.close()
	for _, p := range meter.Take() {
		got[p.Measure.Name] += p.Sum
	}
	x.sqs.mu.Lock()
	defer x.sqs.mu.Unlock()
	if want := float64(x.sqs.deleted["partly"]); got["DeletedEventCount"] != want || want == 3 {
		t.Errorf("%v deleted are counted, %v were", got["DeletedEventCount"], want)
	}
}
