package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestSettingsRefused: what AWS refuses to set, in its words where they are known.
func TestSettingsRefused(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", "def handler(e, c): return c.client_context and c.client_context.custom")
	bucket := aws.String("arn:aws:s3:::b")
	_, err := x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f})
	wantCode(t, err, "InvalidParameterValueException", "at least one of error handling or destination setting")
	_, err = x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: bucket}}})
	wantCode(t, err, "InvalidParameterValueException", "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:s3:::b), onFailure=null) is invalid.")
	_, err = x.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: f, Qualifier: aws.String("$LATEST"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("*")})
	wantCode(t, err, "InvalidParameterValueException", "$LATEST")
	for _, text := range []string{"%%%", base64.StdEncoding.EncodeToString([]byte("[1]")), base64.StdEncoding.EncodeToString([]byte("{"))} {
		_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, ClientContext: &text})
		wantCode(t, err, "InvalidRequestContentException", "must be a valid Base64-encoded JSON object")
	}
	long := base64.StdEncoding.EncodeToString([]byte(`{"custom":"` + strings.Repeat("x", 3000) + `"}`))
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, ClientContext: &long})
	wantCode(t, err, "InvalidRequestContentException", "3583")
	lines := base64.StdEncoding.EncodeToString([]byte("{\n \"custom\": {\"a\": 1}\n}"))
	out, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, ClientContext: &lines})
	if err != nil || string(out.Payload) != `{"a": 1}` {
		t.Errorf("a context over several lines: %s, %v", out.Payload, err)
	}
	mapping := func(change func(*lambda.CreateEventSourceMappingInput)) error {
		in := &lambda.CreateEventSourceMappingInput{FunctionName: f, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q.fifo")}
		change(in)
		_, err := x.CreateEventSourceMapping(ctx, in)
		return err
	}
	wantCode(t, mapping(func(in *lambda.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(1) }), "InvalidParameterValueException", "FIFO")
	wantCode(t, mapping(func(in *lambda.CreateEventSourceMappingInput) {
		in.EventSourceArn = aws.String("arn:aws:sqs:us-east-1:000000000000:short")
	}), "InvalidParameterValueException", "Queue visibility timeout: 5 seconds is less than Function timeout: 20 seconds")
	for queue, action := range map[string]string{"unreadable": "ReceiveMessage", "undeletable": "DeleteMessage"} {
		wantCode(t, mapping(func(in *lambda.CreateEventSourceMappingInput) {
			in.EventSourceArn = aws.String("arn:aws:sqs:us-east-1:000000000000:" + queue)
		}), "InvalidParameterValueException", "The function execution role does not have permissions to call "+action+" on SQS")
	}
}

// second is the error of a call.
func second(_ any, err error) error { return err }

// TestWhatIsNotThere: each operation tells in words of its own that something is not there.
func TestWhatIsNotThere(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f, none := aws.String("f"), aws.String("none")
	x.python("f", "def handler(e, c): return 1")
	const missing, bad = "ResourceNotFoundException", "InvalidParameterValueException"
	const at = "arn:aws:lambda:us-east-1:000000000000:function:"
	to := func(arn string) *types.DestinationConfig {
		return &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &arn}}
	}
	put := func(name, qualifier *string, to *types.DestinationConfig) error {
		return second(x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, Qualifier: qualifier, MaximumRetryAttempts: aws.Int32(1), DestinationConfig: to}))
	}
	for _, c := range []struct {
		what, code, message string
		err                 error
	}{
		{"retries of no function", missing, "The function doesn't exist.", put(none, nil, nil)},
		{"retries of no alias", missing, "The function doesn't exist.", put(f, none, nil)},
		{"other retries of no function", missing, "The function doesn't exist.", second(x.UpdateFunctionEventInvokeConfig(ctx, &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: none, MaximumRetryAttempts: aws.Int32(1)}))},
		{"all retries of no function", missing, "The function doesn't exist.", second(x.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: none}))},
		{"the retries of no function", missing, "The function " + at + "none:$LATEST doesn't have an EventInvokeConfig", second(x.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: none}))},
		{"the retries of no alias", missing, "The function " + at + "f:none doesn't have an EventInvokeConfig", second(x.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: f, Qualifier: none}))},
		{"no retries of no function", missing, "The function " + at + "none:$LATEST doesn't have an EventInvokeConfig", second(x.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: none}))},
		{"a destination that is not there", bad, "The destination ARN " + at + "none is invalid.", put(f, nil, to(at+"none"))},
		{"a destination that is none", bad, "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam::000000000000:role/r), onFailure=null) is invalid.", put(f, nil, to("arn:aws:iam::000000000000:role/r"))},
		{"an alias of no function", missing, "Function not found: " + at + "none:1", second(x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: none, Name: aws.String("a"), FunctionVersion: aws.String("1")}))},
		{"concurrency of no function", missing, "Function not found: " + at + "none:$LATEST", second(x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: none, ReservedConcurrentExecutions: aws.Int32(1)}))},
		{"concurrency of a version", bad, "This operation is permitted on Lambda functions only.", second(x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f:1"), ReservedConcurrentExecutions: aws.Int32(1)}))},
		{"a function of another account", "AccessDeniedException", "", second(x.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("arn:aws:lambda:us-east-1:111111111111:function:f"), Runtime: "python3.12", Handler: aws.String("a.b"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: []byte("x")}}))},
		{"an image for a function that has none", bad, "Please don't provide ImageUri when updating a function with packageType Zip.", second(x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ImageUri: aws.String("i")}))},
		{"a large package", "RequestEntityTooLargeException", "Zipped size must be smaller than 52428800 bytes", second(x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: make([]byte, maxZip+1)}))},
		{"no tags", bad, "An error occurred and the request cannot be processed.", second(x.TagResource(ctx, &lambda.TagResourceInput{Resource: aws.String(at + "f"), Tags: map[string]string{}}))},
		{"tags of an alias", bad, "Tags on function aliases and versions are not supported. Please specify a function ARN.", second(x.TagResource(ctx, &lambda.TagResourceInput{Resource: aws.String(at + "f:a"), Tags: map[string]string{"a": "b"}}))},
		{"a layer's version below one", bad, "Layer Version Cannot be less than 1", second(x.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(0)}))},
		{"such a version to delete", bad, "Layer Version Cannot be less than 1", second(x.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: aws.String("l"), VersionNumber: aws.Int64(-1)}))},
		{"a mapping of no source", bad, "Unrecognized event source.", second(x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: none}))},
		{"a mapping to no function", bad, "Function does not exist", second(x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: none, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}))},
	} {
		t.Run(c.what, func(t *testing.T) { wantCode(t, c.err, c.code, c.message) })
	}
}

// TestProvisionedConcurrencyHasLimits: no more is set aside than a function or the account has.
func TestProvisionedConcurrencyHasLimits(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f, one := aws.String("f"), aws.String("1")
	x.python("f", "def handler(e, c): return 1", func(in *lambda.CreateFunctionInput) {
		in.Publish, in.Environment = true, &types.Environment{Variables: map[string]string{}}
	})
	put := func(n int32) error {
		return second(x.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: one, ProvisionedConcurrentExecutions: &n}))
	}
	all := int32(x.cfg.Engine.Concurrency())
	wantCode(t, put(all+1), "InvalidParameterValueException", fmt.Sprintf("is greater than account's unreserved concurrency [%d].", all))
	wantCode(t, put(all-99), "InvalidParameterValueException", "decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	if err := put(all - 100); err != nil {
		t.Error(err)
	}
	if _, err := x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(5)}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(6), "InvalidParameterValueException", "reservedConcurrentExecution")
	if err := put(5); err != nil {
		t.Error(err)
	}
	c, err := x.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: f})
	if err != nil || c.Environment == nil || c.Environment.Variables == nil {
		t.Errorf("an environment of nothing: %+v, %v", c, err)
	}
	usage, err := x.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil || usage.AccountUsage.TotalCodeSize != 2*c.CodeSize {
		t.Errorf("a function and a version of %d bytes: %+v, %v", c.CodeSize, usage.AccountUsage, err)
	}
}

// TestSameCodeIsNoVersion: the package that is there already, given once more, makes no other version.
func TestSameCodeIsNoVersion(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	const source = "def handler(e, c): return 1"
	x.python("f", source)
	update := func(text string) string {
		t.Helper()
		out, err := x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: zipped(t, map[string]string{"main.py": text}), Publish: true})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Version
	}
	if got := []string{update(source), update(source), update(source + "0"), update(source + "0"), update(source)}; !slices.Equal(got, []string{"1", "1", "2", "2", "3"}) {
		t.Errorf("versions %v", got)
	}
}

// TestSwitchedOff: an event for a function with no concurrency is not tried.
func TestSwitchedOff(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	f := aws.String("f")
	x.python("f", "def handler(e, c): return 1", func(in *lambda.CreateFunctionInput) {
		in.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: aws.String("arn:aws:sqs:us-east-1:000000000000:dead")}
	})
	_, err := x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: f, DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:bad")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, InvocationType: "Event", Payload: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is at its destinations", func() bool { return len(x.sqs.bodies("bad")) == 1 && len(x.sqs.bodies("dead")) == 1 })
	var r destinationRecord
	if err := json.Unmarshal([]byte(x.sqs.bodies("bad")[0]), &r); err != nil {
		t.Fatal(err)
	}
	if r.Request.Condition != "ZeroReservedConcurrency" || r.Request.Count != 0 || r.Response != nil || x.sqs.bodies("dead")[0] != `{"a":1}` {
		t.Errorf("%+v, and %s", r, x.sqs.bodies("dead")[0])
	}
	_, err = x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f})
	wantCode(t, err, "TooManyRequestsException", "Rate Exceeded.")
}

// TestLayersStay: what several layers make together is not taken for something that nothing needs.
func TestLayersStay(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	var arns []string
	for _, name := range []string{"one", "two"} {
		l, err := x.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: zipped(t, map[string]string{"python/" + name + ".py": "w = '" + name + "'"})}})
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, *l.LayerVersionArn)
	}
	x.python("f", "import importlib\ndef handler(e, c): return importlib.import_module(e).w", func(in *lambda.CreateFunctionInput) { in.Layers = arns })
	if got := x.invoke("f", `"one"`); got != `"one"` {
		t.Error(got)
	}
	if err := x.removePackages(ctx); err != nil {
		t.Fatal(err)
	}
	if got := x.invoke("f", `"two"`); got != `"two"` { // of the process that was started before
		t.Error(got)
	}
}

func TestReportedItems(t *testing.T) {
	for answer, want := range map[string][]string{
		`null`: nil, `{}`: nil, `{"batchItemFailures":null}`: nil, `{"batchItemFailures":[]}`: nil, `{"BatchItemFailures":[{"itemIdentifier":"a"}]}`: nil,
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}`:          {"a", "a"},
		`{"batchItemFailures":[{"ItemIdentifier":"a"},{"itemIdentifier":null},{},null]}`: {"", "", "", ""},
	} {
		var f itemFailures
		if err := json.Unmarshal([]byte(answer), &f); err != nil || !slices.Equal(f, want) {
			t.Errorf("%s: %q, %v", answer, f, err)
		}
	}
	for _, answer := range []string{`"x"`, `[]`, `1`, `{"batchItemFailures":"x"}`, `{"batchItemFailures":[1]}`, `{"batchItemFailures":[{"itemIdentifier":5}]}`} {
		var f itemFailures
		if json.Unmarshal([]byte(answer), &f) == nil {
			t.Errorf("%s was taken for a report", answer)
		}
	}
}

func TestAttributeText(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\n": "plain\ttext\n", "a\x00b\x1b": "a\uFFFDb\uFFFD", "\xff": "\uFFFD",
		strings.Repeat("x", 63) + "é": strings.Repeat("x", 63), strings.Repeat("é", 40): strings.Repeat("é", 32),
	} {
		if got := attributeText(text, 64); got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q", text, got)
		}
	}
}
