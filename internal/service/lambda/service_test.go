package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskinesis "github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/service/kinesis"
)

// queues is an SQS in memory, of queues that are made as they are named.
type queues struct {
	mu      sync.Mutex
	queues  map[string][]sqstypes.Message
	deleted map[string]int
	more    chan struct{}
}

func (q *queues) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: in.QueueName}, nil
}

func (q *queues) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	visible := "30"
	if strings.Contains(*in.QueueUrl, "short") {
		visible = "5"
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"VisibilityTimeout": visible}}, nil
}

func (q *queues) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := newID()
	q.queues[*in.QueueUrl] = append(q.queues[*in.QueueUrl], sqstypes.Message{MessageId: &id, ReceiptHandle: &id, Body: in.MessageBody, MessageAttributes: in.MessageAttributes})
	close(q.more)
	q.more = make(chan struct{})
	return &sqs.SendMessageOutput{MessageId: &id}, nil
}

func (q *queues) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	switch {
	case strings.Contains(*in.QueueUrl, "unreadable"):
		return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
	case in.MaxNumberOfMessages > 10:
		return nil, &smithy.GenericAPIError{Code: "InvalidParameterValue"}
	}
	for end := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second); ; {
		q.mu.Lock()
		list, more := q.queues[*in.QueueUrl], q.more
		n := min(len(list), int(in.MaxNumberOfMessages))
		q.queues[*in.QueueUrl] = list[n:]
		q.mu.Unlock()
		if n > 0 || time.Now().After(end) {
			return &sqs.ReceiveMessageOutput{Messages: list[:n]}, nil
		}
		select {
		case <-more:
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queues) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if strings.Contains(*in.QueueUrl, "undeletable") {
		return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for i, e := range in.Entries {
		switch {
		case i == 0 && strings.Contains(*in.QueueUrl, "partly"): // its time was over
			out.Failed = append(out.Failed, sqstypes.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InvalidParameterValue")})
		case *e.ReceiptHandle != "none": // which is of no message
			q.deleted[*in.QueueUrl]++
		}
	}
	return out, nil
}

func (q *queues) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// bodies are the messages of a queue.
func (q *queues) bodies(name string) (list []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.queues[name] {
		list = append(list, *m.Body)
	}
	return list
}

// buckets is an S3 in memory.
type buckets struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (b *buckets) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.objects[*in.Bucket+"/"+*in.Key]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "NoSuchKey", Message: "The specified key does not exist."}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(data))}, nil
}

func (b *buckets) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	data, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[*in.Bucket+"/"+*in.Key] = data
	return &s3.PutObjectOutput{}, nil
}

type fixture struct {
	*Service
	t       testing.TB
	dir     string
	clock   clockwork.Clock
	sqs     *queues
	s3      *buckets
	kinesis *kinesis.Service
	close   func()
	opened  func() // is called before the service starts; nil: nothing is
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not on this machine")
	}
	x := &fixture{
		t: t, dir: t.TempDir(), sqs: &queues{queues: map[string][]sqstypes.Message{}, deleted: map[string]int{}, more: make(chan struct{})},
		s3: &buckets{objects: map[string][]byte{}},
	}
	x.open()
	t.Cleanup(func() { x.close() })
	return x
}

// events passes the engine's on, as the service is made after it.
type events struct{ s **Service }

func (e events) Log(f *function.Function, i string, l []function.Line) { (*e.s).Log(f, i, l) }
func (e events) Note(m string)                                         { (*e.s).Note(m) }

func (x *fixture) open() {
	t, ctx := x.t, context.Background()
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := broker.Start(broker.Options{Dir: filepath.Join(x.dir, "log"), NoSync: true})
	must(err)
	st, err := state.Open(ctx, b, state.Options{})
	must(err)
	log, err := shardlog.Open(ctx, b, shardlog.Options{})
	must(err)
	x.kinesis, err = kinesis.New(kinesis.Config{State: st, Log: log})
	must(err)
	must(x.kinesis.Start(ctx))
	x.Service = nil
	engine, err := function.Open(function.Options{Dir: filepath.Join(x.dir, "functions"), Events: events{&x.Service}, Clock: x.clock})
	must(err)
	x.Service, err = New(Config{
		State: st, Log: log, Engine: engine, S3: x.s3, SQS: x.sqs, Kinesis: x.kinesis, FanOut: x.kinesis, Clock: x.clock,
		Endpoint: func() string { return "http://127.0.0.1:4566" },
	})
	must(err)
	if x.opened != nil {
		x.opened()
	}
	must(x.Service.Start(ctx))
	x.close = func() {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		x.Service.Close(ctx)
		engine.Close()
		x.kinesis.Close(ctx)
		log.Close()
		st.Close()
		b.Close()
	}
}

func (x *fixture) restart() {
	x.t.Helper()
	x.close()
	x.open()
}

func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const role = "arn:aws:iam::000000000000:role/r"

// python makes a function of source, whose handler is called handler.
func (x *fixture) python(name, source string, change ...func(*lambda.CreateFunctionInput)) {
	x.t.Helper()
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(role), Runtime: "python3.12", Handler: aws.String("main.handler"), Timeout: aws.Int32(20),
		Code: &types.FunctionCode{ZipFile: zipped(x.t, map[string]string{"main.py": source})},
	}
	for _, c := range change {
		c(in)
	}
	if _, err := x.CreateFunction(context.Background(), in); err != nil {
		x.t.Fatal(err)
	}
}

func (x *fixture) invoke(name, payload string) string {
	x.t.Helper()
	out, err := x.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload)})
	if err != nil {
		x.t.Fatal(err)
	}
	return string(out.Payload)
}

func wantCode(t testing.TB, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("error %v, want %s with %q", err, code, message)
	}
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func TestFunctionLife(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", `
import os
def handler(e, c): return [1, os.environ.get("A"), os.environ["AWS_REGION"], c.function_version, c.invoked_function_arn]
`, func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"k": "v"} })
	_, err := x.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: f, Role: aws.String(role), Runtime: "python3.12", Handler: aws.String("x.y"), Code: &types.FunctionCode{ZipFile: []byte("x")},
	})
	wantCode(t, err, "ResourceConflictException", "Function already exist: f")
	got, err := x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f})
	if err != nil {
		t.Fatal(err)
	}
	c := got.Configuration
	if c.State != "Active" || c.LastUpdateStatus != "Successful" || *c.MemorySize != 128 || *c.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f" || got.Tags["k"] != "v" || *c.Version != "$LATEST" {
		t.Errorf("%+v", c)
	}
	if got := x.invoke("f", `{}`); got != `[1, null, "us-east-1", "$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:f"]` {
		t.Error(got)
	}
	v1, err := x.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: f, CodeSha256: c.CodeSha256})
	if err != nil || *v1.Version != "1" || *v1.FunctionArn != *c.FunctionArn+":1" {
		t.Fatalf("%+v, %v", v1, err)
	}
	again, err := x.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: f})
	if err != nil || *again.Version != "1" {
		t.Errorf("published unchanged: %+v, %v", again, err)
	}
	_, err = x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, RevisionId: aws.String("other")})
	wantCode(t, err, "PreconditionFailedException", "RevisionId")
	updated, err := x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: f, RevisionId: c.RevisionId, Environment: &types.Environment{Variables: map[string]string{"A": "b"}},
	})
	if err != nil || *updated.RevisionId == *c.RevisionId || updated.Environment.Variables["A"] != "b" {
		t.Fatalf("%+v, %v", updated, err)
	}
	if got := x.invoke("f", `{}`); !strings.HasPrefix(got, `[1, "b"`) {
		t.Error(got)
	}
	if got := x.invoke("f:1", `{}`); !strings.HasPrefix(got, `[1, null, "us-east-1", "1", "arn:aws:lambda:us-east-1:000000000000:function:f:1"`) {
		t.Error(got)
	}
	if _, err := x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, Publish: true, ZipFile: zipped(t, map[string]string{"main.py": "def handler(e, c): return 2"})}); err != nil {
		t.Fatal(err)
	}
	if a, b := x.invoke("f", `{}`), x.invoke("f:2", `{}`); a != "2" || b != "2" {
		t.Error(a, b)
	}
	list, err := x.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: f})
	if err != nil || len(list.Versions) != 3 || *list.Versions[0].Version != "$LATEST" || *list.Versions[2].Version != "2" {
		t.Errorf("%+v, %v", list, err)
	}
	a, err := x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1")})
	if err != nil || *a.AliasArn != *c.FunctionArn+":live" {
		t.Fatalf("%+v, %v", a, err)
	}
	if got := x.invoke("f:live", `{}`); !strings.HasPrefix(got, "[1,") {
		t.Error(got)
	}
	if _, err := x.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: f, Name: aws.String("live"), RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 1}}}); err != nil {
		t.Fatal(err)
	}
	if got := x.invoke("f:live", `{}`); got != "2" {
		t.Error(got)
	}
	_, err = x.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f, Qualifier: aws.String("1")})
	wantCode(t, err, "ResourceConflictException", "referenced by aliases")
	_, err = x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: aws.String("none"), FunctionVersion: aws.String("9")})
	wantCode(t, err, "ResourceNotFoundException", "function:f:9")
	st, err := x.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: f, StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::b")})
	if err != nil || *st.Statement != `{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}` {
		t.Errorf("%v, %v", st, err)
	}
	p, err := x.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f})
	if err != nil || !json.Valid([]byte(*p.Policy)) {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := x.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: f, StatementId: aws.String("s")}); err != nil {
		t.Error(err)
	}
	_, err = x.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f})
	wantCode(t, err, "ResourceNotFoundException", "")
	x.restart()
	if got := x.invoke("f:2", `{}`); got != "2" {
		t.Error(got)
	}
	if _, err := x.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f}); err != nil {
		t.Fatal(err)
	}
	_, err = x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f})
	wantCode(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f")
	_, err = x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f:2")})
	wantCode(t, err, "ResourceNotFoundException", "Function not found")
	if err := x.removePackages(ctx); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(x.dir, "functions", "code")); len(left) != 0 {
		t.Errorf("%d packages are left", len(left))
	}
}

func TestRefusals(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	code := &types.FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": ""})}
	for name, c := range map[string]struct {
		change func(*lambda.CreateFunctionInput)
		code   string
		text   string
	}{
		"java":    {func(in *lambda.CreateFunctionInput) { in.Runtime = "java21" }, "InvalidParameterValueException", "java21"},
		"image":   {func(in *lambda.CreateFunctionInput) { in.PackageType = "Image" }, "InvalidParameterValueException", "Container images"},
		"handler": {func(in *lambda.CreateFunctionInput) { in.Handler = nil }, "InvalidParameterValueException", "mandatory"},
		"zip":     {func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{ZipFile: []byte("no")} }, "InvalidParameterValueException", "Could not unzip"},
		"none":    {func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} }, "InvalidParameterValueException", "source for function code"},
		"s3": {func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("b"), S3Key: aws.String("k")}
		}, "InvalidParameterValueException", "NoSuchKey"},
		"timeout": {func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "ValidationException", "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		"memory":  {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }, "ValidationException", "greater than or equal to 128"},
		"reserved": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"},
		"env": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"A": strings.Repeat("x", 5000)}}
		}, "InvalidParameterValueException", "4KB"},
		"layer": {func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}
		}, "InvalidParameterValueException", "does not exist"},
		"account": {func(in *lambda.CreateFunctionInput) {
			in.FunctionName = aws.String("arn:aws:lambda:us-east-1:111111111111:function:f")
		}, "AccessDeniedException", ""},
		"path":      {func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("../f") }, "InvalidParameterValueException", "Invalid function name"},
		"long name": {func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String(strings.Repeat("f", 65)) }, "InvalidParameterValueException", "length less than or equal to 64"},
		"tag":       {func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"aws:x": ""} }, "InvalidParameterValueException", "aws:"},
		"layers": {func(in *lambda.CreateFunctionInput) {
			in.Layers = slices.Repeat([]string{"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}, 6)
		}, "InvalidParameterValueException", "Cannot reference more than 5 layers."},
		"log level": {func(in *lambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{ApplicationLogLevel: "DEBUG"}
		}, "InvalidParameterValueException", "Text"},
		"dead letters to a function": {func(in *lambda.CreateFunctionInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:g")}
		}, "InvalidParameterValueException", "dead-letter"},
		"topic": {func(in *lambda.CreateFunctionInput) {
			in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sns:us-east-1:000000000000:t")}
		}, "InvalidParameterValueException", "SNS"},
	} {
		in := &lambda.CreateFunctionInput{FunctionName: aws.String("f"), Role: aws.String(role), Runtime: "python3.12", Handler: aws.String("main.handler"), Code: code}
		c.change(in)
		_, err := x.CreateFunction(ctx, in)
		t.Run(name, func(t *testing.T) { wantCode(t, err, c.code, c.text) })
	}
	if docs, err := x.functions.All(); err != nil || len(docs) != 0 {
		t.Errorf("%d functions were made, %v", len(docs), err)
	}
}

func TestInvoke(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", `
def handler(e, c):
    print("said")
    if e == "fail": raise ValueError("no")
    return e
`)
	out, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, Payload: []byte(`"fail"`), LogType: "Tail"})
	if err != nil || out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"errorType": "ValueError"`) {
		t.Errorf("%+v, %v", out, err)
	}
	log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if !strings.Contains(string(log), "said\n[ERROR] ValueError: no\rTraceback") {
		t.Errorf("log %q", log)
	}
	out, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, InvocationType: "DryRun"})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("%+v, %v", out, err)
	}
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, Payload: []byte(`{`)})
	wantCode(t, err, "InvalidRequestContentException", "Could not parse request body into json")
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, Payload: []byte(`"` + strings.Repeat("x", maxSync) + `"`)})
	wantCode(t, err, "RequestTooLargeException", "Request must be smaller than 6291456 bytes")
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("g")})
	wantCode(t, err, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g")
	if got := x.invoke("000000000000:function:f", ``); got != "{}" {
		t.Error(got)
	}
	if _, err := x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f})
	wantCode(t, err, "TooManyRequestsException", "Rate Exceeded.")
	_, err = x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(950)})
	wantCode(t, err, "InvalidParameterValueException", "below its minimum value of [100]")
}

// TestAsync: an event is retried, also over a restart, and its end goes to the destination.
func TestAsync(t *testing.T) {
	clock := clockwork.NewRealClock()
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", `
def handler(e, c):
    if e["fail"]: raise ValueError("no")
    return {"got": e}
`)
	queue := func(name string) *string { return aws.String("arn:aws:sqs:us-east-1:000000000000:" + name) }
	_, err := x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: f, MaximumRetryAttempts: aws.Int32(0),
		DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: queue("good")}, OnFailure: &types.OnFailure{Destination: queue("bad")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	send := func(payload string) {
		t.Helper()
		out, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, InvocationType: "Event", Payload: []byte(payload)})
		if err != nil || out.StatusCode != 202 {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	send(`{"fail":false}`)
	eventually(t, "a success is told", func() bool { return len(x.sqs.bodies("good")) == 1 })
	var r destinationRecord
	json.Unmarshal([]byte(x.sqs.bodies("good")[0]), &r)
	if r.Request.Condition != "Success" || r.Request.ARN != "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST" || r.Request.Count != 1 || string(r.Answer) != `{"got":{"fail":false}}` {
		t.Errorf("%+v", r)
	}
	send(`{"fail":true}`)
	eventually(t, "a failure is told", func() bool { return len(x.sqs.bodies("bad")) == 1 })
	json.Unmarshal([]byte(x.sqs.bodies("bad")[0]), &r)
	if r.Request.Condition != "RetriesExhausted" || r.Response.Error != "Unhandled" || !strings.Contains(string(r.Answer), "ValueError") {
		t.Errorf("%+v", r)
	}
	// With retries the event waits a minute; a restart in between forgets nothing.
	if _, err := x.UpdateFunctionEventInvokeConfig(ctx, &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: f, MaximumRetryAttempts: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	send(`{"fail":true}`)
	waits := func() bool {
		d, err := x.progress.Get(asyncKey)
		return err == nil && len(d.Waiting) == 1 && d.Waiting[0].Attempts == 1
	}
	eventually(t, "the second failure waits", waits)
	x.restart()
	if !waits() || len(x.sqs.bodies("bad")) != 1 {
		t.Error("the restart has forgotten what waits")
	}
	if _, err := x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: zipped(t, map[string]string{"main.py": "def handler(e, c): return 'late'"})}); err != nil {
		t.Fatal(err)
	}
	x.close()
	x.open()
	x.async.mu.Lock()
	for _, w := range x.async.main.waiting {
		w.Next = clock.Now()
	}
	x.async.mu.Unlock()
	x.async.poke()
	eventually(t, "the retry has succeeded", func() bool { return len(x.sqs.bodies("good")) == 2 })
	eventually(t, "nothing is left to do", func() bool {
		d, err := x.progress.Get(asyncKey)
		return err == nil && len(d.Waiting) == 0 && len(d.Open) == 0
	})
}

func TestLayers(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	l, err := x.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("words"), CompatibleRuntimes: []types.Runtime{"python3.12"}, Content: &types.LayerVersionContentInput{ZipFile: zipped(t, map[string]string{"python/word.py": "w = 'one'"})}})
	if err != nil || l.Version != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	x.python("f", "import word\ndef handler(e, c): return word.w", func(in *lambda.CreateFunctionInput) { in.Layers = []string{*l.LayerVersionArn} })
	if got := x.invoke("f", "{}"); got != `"one"` {
		t.Error(got)
	}
	if _, err := x.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("words"), VersionNumber: aws.Int64(1)}); err != nil {
		t.Fatal(err)
	}
	_, err = x.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: aws.String("words"), VersionNumber: aws.Int64(1)})
	wantCode(t, err, "ResourceNotFoundException", "")
	l, err = x.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("words"), Content: &types.LayerVersionContentInput{ZipFile: zipped(t, map[string]string{"python/word.py": "w = 'two'"})}})
	if err != nil || l.Version != 2 {
		t.Fatalf("%+v, %v", l, err)
	}
	list, err := x.ListLayerVersions(ctx, &lambda.ListLayerVersionsInput{LayerName: aws.String("words")})
	if err != nil || len(list.LayerVersions) != 1 || list.LayerVersions[0].Version != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := x.removePackages(ctx); err != nil {
		t.Error(err)
	}
	if got := x.invoke("f", "{}"); got != `"one"` {
		t.Error(got)
	}
}

// Streams.

func (x *fixture) stream(name string, shards int32) string {
	x.t.Helper()
	ctx := context.Background()
	if _, err := x.kinesis.CreateStream(ctx, &awskinesis.CreateStreamInput{StreamName: &name, ShardCount: &shards}); err != nil {
		x.t.Fatal(err)
	}
	arn := "arn:aws:kinesis:us-east-1:000000000000:stream/" + name
	eventually(x.t, "the stream is there", func() bool {
		out, err := x.kinesis.DescribeStreamSummary(ctx, &awskinesis.DescribeStreamSummaryInput{StreamName: &name})
		return err == nil && out.StreamDescriptionSummary.StreamStatus == "ACTIVE"
	})
	return arn
}

func (x *fixture) put(stream string, key func(i int) string, data ...string) {
	x.t.Helper()
	in := &awskinesis.PutRecordsInput{StreamName: &stream}
	for i, d := range data {
		in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{PartitionKey: aws.String(key(i)), Data: []byte(d)})
	}
	if out, err := x.kinesis.PutRecords(context.Background(), in); err != nil || *out.FailedRecordCount != 0 {
		x.t.Fatalf("%+v, %v", out, err)
	}
}

func sameKey(int) string { return "k" }

func (x *fixture) mapping(source, name string, change func(*lambda.CreateEventSourceMappingInput)) string {
	x.t.Helper()
	in := &lambda.CreateEventSourceMappingInput{FunctionName: &name, EventSourceArn: &source, StartingPosition: "TRIM_HORIZON"}
	if change != nil {
		change(in)
	}
	out, err := x.CreateEventSourceMapping(context.Background(), in)
	if err != nil {
		x.t.Fatal(err)
	}
	return *out.UUID
}

// said are the lines that a function has printed with a word at their beginning.
func (x *fixture) said(name, word string) (list []string) {
	events, _, _ := x.recent.after("000000000000/us-east-1/"+name, 0)
	for _, e := range events {
		if rest, ok := strings.CutPrefix(e.Message, word+" "); ok {
			list = append(list, rest)
		}
	}
	return list
}

const printer = `
import base64, json
def handler(e, c):
    data = [base64.b64decode(r["kinesis"]["data"]).decode() for r in e["Records"]]
    if "poison" in data: raise ValueError("poison")
    for d in data: print("got", d)
    print("batch", len(data))
`

func TestPoison(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("whole", printer)
	x.python("halves", printer)
	data := []string{"1", "2", "3", "4", "poison", "6", "7", "8", "9"}
	x.put("s", sameKey, data...)
	bad := func(queue string, bisect bool) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) {
			in.MaximumRetryAttempts, in.BisectBatchOnFunctionError = aws.Int32(2), &bisect
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:" + queue)}}
		}
	}
	x.mapping(stream, "whole", bad("sqs:us-east-1:000000000000:whole", false))
	x.mapping(stream, "halves", bad("s3:::halves", true))
	eventually(t, "the batch has failed", func() bool { return len(x.sqs.bodies("whole")) == 1 })
	var r struct {
		RequestContext   destinationContext
		KinesisBatchInfo batchInfo
	}
	json.Unmarshal([]byte(x.sqs.bodies("whole")[0]), &r)
	if r.KinesisBatchInfo.Size != 9 || r.RequestContext.Condition != "RetryAttemptsExhausted" || r.RequestContext.Count != 3 || r.KinesisBatchInfo.Stream != stream || r.KinesisBatchInfo.Shard != "shardId-000000000000" ||
		!strings.Contains(x.sqs.bodies("whole")[0], `"functionError":"Unhandled"`) {
		t.Errorf("%s", x.sqs.bodies("whole")[0])
	}
	x.put("s", sameKey, "10")
	eventually(t, "both have the record after", func() bool { return len(x.said("whole", "got")) == 1 && len(x.said("halves", "got")) == 9 })
	if got := strings.Join(x.said("halves", "got"), " "); got != "1 2 3 4 6 7 8 9 10" {
		t.Errorf("got %s", got)
	}
	x.s3.mu.Lock()
	defer x.s3.mu.Unlock()
	if len(x.s3.objects) != 1 {
		t.Errorf("%d objects", len(x.s3.objects))
	}
	for key, body := range x.s3.objects {
		json.Unmarshal(body, &r)
		if !strings.Contains(key, "halves/aws/lambda/") || !strings.Contains(key, "/shardId-000000000000/") || r.KinesisBatchInfo.Size != 1 || !strings.Contains(string(body), `"payload":"{\"Records\":[{\"kinesis\"`) {
			t.Errorf("%s: %s", key, body)
		}
	}
}

// TestNamedFailure: a record that a function names as failed, without an error, goes to the failure destination after its
// retries, which tells of no error.
func TestNamedFailure(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("f", `def handler(e, c): return {"batchItemFailures": [{"itemIdentifier": e["Records"][0]["kinesis"]["sequenceNumber"]}]}`)
	x.put("s", sameKey, "1")
	x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.MaximumRetryAttempts, in.FunctionResponseTypes = aws.Int32(1), []types.FunctionResponseType{"ReportBatchItemFailures"}
		in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:bad")}}
	})
	eventually(t, "the record has failed", func() bool { return len(x.sqs.bodies("bad")) == 1 })
	if body := x.sqs.bodies("bad")[0]; !strings.Contains(body, `"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":null}`) || !strings.Contains(body, `"condition":"RetryAttemptsExhausted","approximateInvokeCount":2`) {
		t.Error(body)
	}
}

func TestPartialFailures(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("f", `
import base64
seen = 0
def handler(e, c):
    global seen
    for r in e["Records"]:
        d = base64.b64decode(r["kinesis"]["data"]).decode()
        if d == "3" and seen < 2:
            seen += 1
            return {"batchItemFailures": [{"itemIdentifier": r["kinesis"]["sequenceNumber"]}]}
        print("got", d)
    return {"batchItemFailures": []}
`)
	x.put("s", sameKey, "1", "2", "3", "4")
	x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.FunctionResponseTypes = []types.FunctionResponseType{"ReportBatchItemFailures"}
	})
	eventually(t, "all have come", func() bool { return len(x.said("f", "got")) == 4 })
	if got := strings.Join(x.said("f", "got"), " "); got != "1 2 3 4" {
		t.Errorf("got %s", got)
	}
}

// TestStoredFilter: a mapping with a filter that an earlier version took and this one refuses waits, says so, and goes on
// with all records when it has another one.
func TestStoredFilter(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("f", printer)
	made := x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) { in.Enabled = aws.Bool(false) })
	modify := func(change func(d *mappingDoc)) {
		t.Helper()
		for k, err := range x.mappings.List() {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.mappings.Modify(context.Background(), func(d *mappingDoc) error { change(d); return nil }, k.Value.key()...); err != nil {
				t.Fatal(err)
			}
		}
	}
	modify(func(d *mappingDoc) {
		d.Filters, d.Enabled = []string{`{"data":{"n":[{"numeric":["<",9,">",1]}]}}`}, true
	})
	x.put("s", sameKey, `{"n":1}`, `{"n":5}`)
	eventually(t, "the mapping tells of its filter", func() bool {
		out, err := x.GetEventSourceMapping(context.Background(), &lambda.GetEventSourceMappingInput{UUID: &made})
		return err == nil && strings.HasPrefix(*out.LastProcessingResult, "PROBLEM: the filter pattern")
	})
	if got := x.said("f", "got"); len(got) > 0 {
		t.Errorf("the function got %v", got)
	}
	modify(func(d *mappingDoc) { d.Filters = []string{`{"data":{"n":[{"numeric":[">",1,"<",9]}]}}`} })
	eventually(t, "the record has come", func() bool { return len(x.said("f", "got")) == 1 })
}

func TestFilterAndParallel(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 2)
	x.python("filtered", printer)
	x.python("parallel", `
import base64
def handler(e, c):
    for r in e["Records"]: print("got", r["kinesis"]["partitionKey"], base64.b64decode(r["kinesis"]["data"]).decode())
`)
	x.mapping(stream, "filtered", func(in *lambda.CreateEventSourceMappingInput) {
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"data":{"n":[{"numeric":[">=",90]}]}}`)}}}
	})
	x.mapping(stream, "parallel", func(in *lambda.CreateEventSourceMappingInput) {
		in.ParallelizationFactor, in.BatchSize = aws.Int32(4), aws.Int32(7)
	})
	var data []string
	for i := range 100 {
		data = append(data, fmt.Sprintf(`{"n":%d}`, i))
	}
	x.put("s", func(i int) string { return fmt.Sprint("key", i%5) }, data...)
	eventually(t, "all have come", func() bool { return len(x.said("parallel", "got")) == 100 && len(x.said("filtered", "got")) == 10 })
	last := map[string]int{}
	for _, line := range x.said("parallel", "got") {
		var key string
		var n int
		fmt.Sscanf(strings.Replace(strings.TrimSuffix(line, "}"), `{"n":`, "", 1), "%s %d", &key, &n)
		if before, ok := last[key]; ok && n <= before {
			t.Errorf("%s: %d after %d", key, n, before)
		}
		last[key] = n
	}
}

func TestTumblingWindow(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("f", `
import json
def handler(e, c):
    state = e["state"]
    state["n"] = state.get("n", 0) + len(e["Records"])
    if e["isFinalInvokeForWindow"]:
        print("window", json.dumps([e["window"]["start"], state["n"], e["isWindowTerminatedEarly"], e["shardId"], e["eventSourceARN"]]))
    return {"state": state}
`)
	id := x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) { in.TumblingWindowInSeconds = aws.Int32(2) })
	x.put("s", sameKey, "1", "2")
	eventually(t, "the first records have come", func() bool {
		d, err := x.positions.Get("000000000000", "us-east-1", id)
		return err == nil && len(d.Windows) == 1 || len(x.said("f", "window")) > 0
	})
	sum := func() (n int) {
		for _, line := range x.said("f", "window") {
			var w []any
			if json.Unmarshal([]byte(line), &w) == nil {
				n += int(w[1].(float64))
			}
		}
		return n
	}
	// The state of a window outlives a restart. On a slow machine the window may have ended before it: what
	// the function said of it is told to this process alone.
	x.close()
	before := sum()
	x.open()
	x.put("s", sameKey, "3")
	eventually(t, "every record is in a window", func() bool { return before+sum() >= 3 })
}

// A window of which more is there than a batch has one final invocation, also when its time has long passed.
func TestTumblingWindowOfBacklog(t *testing.T) {
	x := newFixture(t)
	stream := x.stream("s", 1)
	x.python("f", `
import json
def handler(e, c):
    n = e["state"].get("n", 0) + len(e["Records"])
    if e["isFinalInvokeForWindow"]:
        print("window", json.dumps([e["window"]["start"], n]))
    return {"state": {"n": n}}
`)
	const records = 60
	for n := range records {
		x.put("s", sameKey, fmt.Sprint(n))
	}
	over := time.Now().Truncate(time.Second).Add(time.Second)
	eventually(t, "the windows are over", func() bool { return time.Now().After(over) })
	x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.TumblingWindowInSeconds, in.BatchSize = aws.Int32(1), aws.Int32(10)
	})
	windows := map[string]int{}
	eventually(t, "all records are in windows that are over", func() bool {
		sum := 0
		clear(windows)
		for _, line := range x.said("f", "window") {
			var w struct {
				Start string
				N     int
			}
			if err := json.Unmarshal([]byte(line), &[]any{&w.Start, &w.N}); err != nil {
				t.Fatal(line, err)
			}
			windows[w.Start]++
			sum += w.N
		}
		return sum >= records
	})
	for start, n := range windows {
		if n != 1 {
			t.Errorf("the window of %s has had %d final invocations", start, n)
		}
	}
}

// TestPositions: positions outlive restarts, disabling and resharding; nothing is skipped.
func TestPositions(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	stream := x.stream("s", 1)
	x.python("f", printer)
	x.put("s", sameKey, "old")
	id := x.mapping(stream, "f", func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "LATEST" })
	eventually(t, "the mapping has begun", func() bool {
		d, err := x.positions.Get("000000000000", "us-east-1", id)
		return err == nil && len(d.Position.Shards) == 1
	})
	time.Sleep(2 * time.Millisecond) // what is put now is later than that
	x.put("s", sameKey, "1")
	eventually(t, "the first has come", func() bool { return len(x.said("f", "got")) == 1 })
	if _, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	got, err := x.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	if err != nil || *got.State != "Disabled" {
		t.Fatalf("%+v, %v", got, err)
	}
	eventually(t, "it has stopped", func() bool { _, runs := x.runner.Status("000000000000", "us-east-1", id); return !runs })
	x.put("s", sameKey, "2")
	if _, err := x.kinesis.SplitShard(ctx, &awskinesis.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("170141183460469231731687303715884105728")}); err != nil {
		t.Fatal(err)
	}
	x.put("s", func(i int) string { return fmt.Sprint("key", i) }, "3", "4", "5", "6")
	x.restart()
	if _, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all have come", func() bool { return len(x.said("f", "got")) == 5 })
	if first := x.said("f", "got")[0]; first != "2" {
		t.Errorf("first %s", first)
	}
	if _, err := x.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &id}); err != nil {
		t.Fatal(err)
	}
	_, err = x.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	wantCode(t, err, "ResourceNotFoundException", "")
}

func TestQueueSource(t *testing.T) {
	x := newFixture(t)
	x.python("f", `
def handler(e, c):
    failed = []
    for r in e["Records"]:
        if r["body"] == "bad": failed.append({"itemIdentifier": r["messageId"]})
        else: print("got", r["body"], r["eventSource"])
    return {"batchItemFailures": failed}
`)
	for _, body := range []string{"1", "bad", "2"} {
		x.sqs.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: aws.String("q"), MessageBody: &body})
	}
	x.mapping("arn:aws:sqs:us-east-1:000000000000:q", "f", func(in *lambda.CreateEventSourceMappingInput) {
		in.StartingPosition, in.FunctionResponseTypes = "", []types.FunctionResponseType{"ReportBatchItemFailures"}
	})
	eventually(t, "two are done", func() bool {
		x.sqs.mu.Lock()
		defer x.sqs.mu.Unlock()
		return x.sqs.deleted["q"] == 2
	})
	if got := strings.Join(x.said("f", "got"), "|"); got != "1 aws:sqs|2 aws:sqs" {
		t.Errorf("got %s", got)
	}
}
