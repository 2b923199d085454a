package lambda

import (
	"context"
	"encoding/base64"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
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
