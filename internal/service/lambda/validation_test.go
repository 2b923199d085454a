package lambda

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// TestValidation: what the operations refuse beyond the constraints of the API's model, by AWS's codes, and that a refusal
// changes nothing.
func TestValidation(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	const source = "def handler(e, c): return 1"
	x.python("f", source, func(in *lambda.CreateFunctionInput) { in.Publish = true })
	x.python("g", source)
	f, name := aws.String("f"), aws.String
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: zipped(t, map[string]string{"main.py": source + "2"}), Publish: true})
	must(nil, err)
	_, err = x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: name("live"), FunctionVersion: name("1"), RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}}})
	must(nil, err)
	_, err = x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: name("head"), FunctionVersion: name("$LATEST")})
	must(nil, err)
	stream, other := x.stream("s", 1), x.stream("o", 1)
	made, err := x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: f, EventSourceArn: &stream, StartingPosition: "LATEST", Enabled: aws.Bool(false)})
	must(nil, err)
	_, err = x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: name("g"), EventSourceArn: &stream, StartingPosition: "LATEST", Enabled: aws.Bool(false)})
	must(nil, err)

	create := func(change func(*lambda.CreateFunctionInput)) error {
		in := &lambda.CreateFunctionInput{
			FunctionName: name("new"), Role: aws.String(role), Runtime: "python3.12", Handler: name("main.handler"),
			Code: &types.FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": source})},
		}
		change(in)
		_, err := x.CreateFunction(ctx, in)
		return err
	}
	configure := func(in lambda.UpdateFunctionConfigurationInput) error {
		in.FunctionName = f
		_, err := x.UpdateFunctionConfiguration(ctx, &in)
		return err
	}
	mapping := func(source string, change func(*lambda.CreateEventSourceMappingInput)) error {
		in := &lambda.CreateEventSourceMappingInput{FunctionName: f, EventSourceArn: &source, StartingPosition: "LATEST"}
		change(in)
		_, err := x.CreateEventSourceMapping(ctx, in)
		return err
	}
	queue := "arn:aws:sqs:us-east-1:000000000000:q"
	onQueue := func(change func(*lambda.CreateEventSourceMappingInput)) error {
		return mapping(queue, func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = ""; change(in) })
	}
	grant := func(in lambda.AddPermissionInput) error {
		in.FunctionName, in.StatementId = f, name("s")
		if in.Principal == nil {
			in.Principal = name("*")
		}
		_, err := x.AddPermission(ctx, &in)
		return err
	}
	alias := func(version *string, weights map[string]float64) error {
		in := &lambda.UpdateAliasInput{FunctionName: f, Name: name("live"), FunctionVersion: version}
		if weights != nil {
			in.RoutingConfig = &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
		}
		_, err := x.UpdateAlias(ctx, in)
		return err
	}
	tags := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint("k", i)] = "v"
		}
		return m
	}
	const invalidParameter, missing, conflicts = "InvalidParameterValueException", "ResourceNotFoundException", "ResourceConflictException"
	for _, c := range []struct {
		what string
		err  error
		code string
		text string
	}{
		{"a function that is there", create(func(in *lambda.CreateFunctionInput) { in.FunctionName = f }), conflicts, "Function already exist"},
		{"no handler", create(func(in *lambda.CreateFunctionInput) { in.Handler = nil }), invalidParameter, "Runtime and Handler are mandatory"},
		{"no runtime", create(func(in *lambda.CreateFunctionInput) { in.Runtime = "" }), invalidParameter, "Runtime and Handler are mandatory"},
		{"no code", create(func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} }), invalidParameter, "provide a source for function code"},
		{"code twice", create(func(in *lambda.CreateFunctionInput) { in.Code.S3Bucket = name("b") }), invalidParameter, "do not provide other FunctionCode parameters"},
		{"no zip", create(func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("nope") }), invalidParameter, "zip"},
		{"a bucket that is not there", create(func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: name("none"), S3Key: name("k")}
		}), invalidParameter, "Error occurred while GetObject"},
		{"an image", create(func(in *lambda.CreateFunctionInput) { in.PackageType = "Image" }), invalidParameter, "Container images"},
		{"a runtime that does not run", create(func(in *lambda.CreateFunctionInput) { in.Runtime = "java21" }), invalidParameter, "java21"},
		{"a timeout of zero", create(func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(0) }), "ValidationException", "'timeout'"},
		{"a long timeout", create(func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }), "ValidationException", "'timeout'"},
		{"little memory", create(func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(127) }), "ValidationException", "'memorySize'"},
		{"much storage", create(func(in *lambda.CreateFunctionInput) {
			in.EphemeralStorage = &types.EphemeralStorage{Size: aws.Int32(10241)}
		}), "ValidationException", "ephemeralStorage"},
		{"a variable of Lambda's own", create(func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"AWS_REGION": "x"}}
		}), invalidParameter, "Reserved keys used in this request: AWS_REGION"},
		{"large variables", create(func(in *lambda.CreateFunctionInput) {
			in.Environment = &types.Environment{Variables: map[string]string{"A": strings.Repeat("x", 4096)}}
		}), invalidParameter, "exceeded the 4KB limit"},
		{"many tags", create(func(in *lambda.CreateFunctionInput) { in.Tags = tags(51) }), invalidParameter, "tags"},
		{"a tag of AWS's", create(func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"aws:x": ""} }), invalidParameter, "aws:"},
		{"a long tag", create(func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"k": strings.Repeat("v", 257)} }), invalidParameter, "256"},
		{"a layer that is not there", create(func(in *lambda.CreateFunctionInput) {
			in.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:none:1"}
		}), invalidParameter, "does not exist"},
		{"six layers", create(func(in *lambda.CreateFunctionInput) {
			in.Layers = strings.Split(strings.Repeat("arn:aws:lambda:us-east-1:000000000000:layer:none:1,", 6), ",")[:6]
		}), invalidParameter, "Cannot reference more than 5 layers"},
		{"levels of a text log", create(func(in *lambda.CreateFunctionInput) {
			in.LoggingConfig = &types.LoggingConfig{LogFormat: "Text", SystemLogLevel: "WARN"}
		}), invalidParameter, "JSON"},
		{"two architectures", create(func(in *lambda.CreateFunctionInput) { in.Architectures = []types.Architecture{"x86_64", "arm64"} }), "ValidationException", "architectures"},

		{"a stale configuration", configure(lambda.UpdateFunctionConfigurationInput{RevisionId: name("x"), Timeout: aws.Int32(9)}), "PreconditionFailedException", "RevisionId"},
		{"half a change", configure(lambda.UpdateFunctionConfigurationInput{Timeout: aws.Int32(9), MemorySize: aws.Int32(1)}), "ValidationException", "memorySize"},
		{"a function that is not there", second(x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: name("none")})), missing, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"},
		{"a version that is not there", second(x.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: f, Qualifier: name("9")})), missing, "function:f:9"},
		{"code of a version", second(x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f})), invalidParameter, "source for function code"},
		{"a version that an alias has", second(x.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f, Qualifier: name("2")})), conflicts, "is referenced by aliases"},
		{"$LATEST alone", second(x.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f, Qualifier: name("$LATEST")})), invalidParameter, "$LATEST version cannot be deleted"},
		{"another code's version", second(x.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: f, CodeSha256: name("x")})), invalidParameter, "CodeSHA256"},
		{"an event that is not JSON", second(x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, Payload: []byte("{")})), "InvalidRequestContentException", "Could not parse"},
		{"a large event", second(x.Invoke(ctx, &lambda.InvokeInput{FunctionName: f, InvocationType: "Event", Payload: []byte(`"` + strings.Repeat("x", maxAsync) + `"`)})), "RequestTooLargeException", "1048576"},

		{"an alias that is there", second(x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: name("live"), FunctionVersion: name("1")})), conflicts, "Alias already exists"},
		{"an alias of no version", second(x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: name("a"), FunctionVersion: name("9")})), missing, "f:9"},
		{"an alias that is a number", second(x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: name("12"), FunctionVersion: name("1")})), invalidParameter, "alias"},
		{"the weighted version as the version", alias(name("2"), nil), invalidParameter, "already included in routing configuration"},
		{"weights beside $LATEST", alias(name("$LATEST"), nil), invalidParameter, "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"two weights", alias(nil, map[string]float64{"1": 0.1, "2": 0.1}), invalidParameter, "AdditionalVersionWeights"},
		{"a weight above one", alias(nil, map[string]float64{"2": 1.5}), invalidParameter, "weight"},
		{"no alias", second(x.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: f, Name: name("none")})), missing, "Alias not found"},

		{"a URL's type for another action", grant(lambda.AddPermissionInput{Action: name("lambda:InvokeFunction"), FunctionUrlAuthType: "NONE"}), invalidParameter, "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"},
		{"by the URL for another action", grant(lambda.AddPermissionInput{Action: name("lambda:InvokeFunctionUrl"), InvokedViaFunctionUrl: aws.Bool(true)}), invalidParameter, "InvokedViaFunctionUrl"},
		{"a principal that is none", grant(lambda.AddPermissionInput{Action: name("lambda:InvokeFunction"), Principal: name("nobody")}), invalidParameter, "principal was invalid"},
		{"a statement that is not there", second(x.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: f, StatementId: name("none")})), missing, "Statement none is not found"},
		{"no policy", second(x.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f})), missing, "does not exist"},

		{"a URL of a version", second(x.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: f, Qualifier: name("1"), AuthType: "NONE"})), invalidParameter, "version"},
		{"no URL", second(x.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: f})), missing, "does not exist"},
		{"all concurrency", second(x.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: f, ReservedConcurrentExecutions: aws.Int32(901)})), invalidParameter, "below its minimum value of [100]"},
		{"provisioned $LATEST", second(x.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: name("$LATEST"), ProvisionedConcurrentExecutions: aws.Int32(1)})), invalidParameter, "unpublished"},
		{"provisioned $LATEST by an alias", second(x.PutProvisionedConcurrencyConfig(ctx, &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: name("head"), ProvisionedConcurrentExecutions: aws.Int32(1)})), invalidParameter, "unpublished"},
		{"no provisioned concurrency", second(x.GetProvisionedConcurrencyConfig(ctx, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: f, Qualifier: name("1")})), "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found"},
		{"itself as a destination", second(x.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: f, DestinationConfig: &types.DestinationConfig{
			OnFailure: &types.OnFailure{Destination: name("arn:aws:lambda:us-east-1:000000000000:function:f:live")},
		}})), invalidParameter, "destination for itself"},
		{"no settings of events", second(x.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: f})), missing, "doesn't have an EventInvokeConfig"},
		{"tags of nothing", second(x.TagResource(ctx, &lambda.TagResourceInput{Resource: name("arn:aws:lambda:us-east-1:000000000000:function:none"), Tags: tags(1)})), missing, "not found"},

		{"no starting position", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "" }), invalidParameter, "startingPosition"},
		{"a time without one", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "AT_TIMESTAMP" }), invalidParameter, "StartingPositionTimestamp"},
		{"a time before time", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.StartingPosition, in.StartingPositionTimestamp = "AT_TIMESTAMP", aws.Time(time.Unix(-1, 0))
		}), invalidParameter, "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a Timestamp"},
		{"a time of no use", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.StartingPosition, in.StartingPositionTimestamp = "LATEST", aws.Time(time.Unix(1, 0))
		}), invalidParameter, "Timestamp only valid with StartingPosition AT_TIMESTAMP"},
		{"a stream that is not there", mapping("arn:aws:kinesis:us-east-1:000000000000:stream/none", func(*lambda.CreateEventSourceMappingInput) {}), invalidParameter, "not found"},
		{"a source that is none", mapping("arn:aws:s3:::b", func(*lambda.CreateEventSourceMappingInput) {}), invalidParameter, "Unrecognized event source"},
		{"a mapping that is there", mapping(stream, func(*lambda.CreateEventSourceMappingInput) {}), conflicts, *made.UUID},
		{"a large batch", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(10001) }), invalidParameter, "BatchSize"},
		{"a long window", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(301) }), invalidParameter, "MaximumBatchingWindowInSeconds"},
		{"eleven at once", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.ParallelizationFactor = aws.Int32(11) }), invalidParameter, "ParallelizationFactor"},
		{"a short age", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.MaximumRecordAgeInSeconds = aws.Int32(59) }), invalidParameter, "MaximumRecordAgeInSeconds"},
		{"windows of lanes", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.TumblingWindowInSeconds, in.ParallelizationFactor = aws.Int32(10), aws.Int32(2)
		}), invalidParameter, "Tumbling"},
		{"a queue's setting for a stream", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(5)}
		}), invalidParameter, "ScalingConfig"},
		{"a filter that is none", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: name(`{"data": 1}`)}}}
		}), invalidParameter, "filter pattern"},
		{"eleven filters", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: make([]types.Filter, 11)}
		}), invalidParameter, "10 filters"},
		{"a function as the place of failures", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: name("arn:aws:lambda:us-east-1:000000000000:function:g")}}
		}), invalidParameter, "DestinationConfig"},
		{"a place for successes", mapping(other, func(in *lambda.CreateEventSourceMappingInput) {
			in.DestinationConfig = &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &queue}}
		}), invalidParameter, "successes"},
		{"a mapping's tag of AWS's", mapping(other, func(in *lambda.CreateEventSourceMappingInput) { in.Tags = map[string]string{"aws:x": ""} }), invalidParameter, "aws:"},
		{"a starting position of a queue", onQueue(func(in *lambda.CreateEventSourceMappingInput) { in.StartingPosition = "LATEST" }), invalidParameter, "StartingPosition is not valid for SQS"},
		{"retries of a queue", onQueue(func(in *lambda.CreateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(1) }), invalidParameter, "Unsupported MaximumRetryAttempts"},
		{"bisecting a queue", onQueue(func(in *lambda.CreateEventSourceMappingInput) { in.BisectBatchOnFunctionError = aws.Bool(true) }), invalidParameter, "Unsupported BisectBatchOnFunctionError"},
		{"windows of a queue", onQueue(func(in *lambda.CreateEventSourceMappingInput) { in.TumblingWindowInSeconds = aws.Int32(5) }), invalidParameter, "Unsupported TumblingWindowInSeconds"},
		{"a large batch at once", onQueue(func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = aws.Int32(11) }), invalidParameter, "Maximum batch window in seconds must be greater than 0"},
		{"one at a time", onQueue(func(in *lambda.CreateEventSourceMappingInput) {
			in.ScalingConfig = &types.ScalingConfig{MaximumConcurrency: aws.Int32(1)}
		}), invalidParameter, "MaximumConcurrency"},
		{"another's source", second(x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, FunctionName: name("g")})), conflicts, "already exists"},
		{"no mapping", second(x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: name("none")})), missing, "does not exist"},
	} {
		var api smithy.APIError
		if !errors.As(c.err, &api) || api.ErrorCode() != c.code || !strings.Contains(api.ErrorMessage(), c.text) {
			t.Errorf("%s: %v, want %s with %q", c.what, c.err, c.code, c.text)
		}
	}
	// Nothing has changed.
	if c, err := x.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: f}); err != nil || *c.Timeout != 20 || *c.MemorySize != 128 {
		t.Errorf("%+v, %v", c, err)
	}
	if a, err := x.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: f, Name: name("live")}); err != nil || *a.FunctionVersion != "1" || a.RoutingConfig.AdditionalVersionWeights["2"] != 0.5 {
		t.Errorf("%+v, %v", a, err)
	}
	if all, err := x.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{}); err != nil || len(all.EventSourceMappings) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := x.ListFunctions(ctx, &lambda.ListFunctionsInput{}); err != nil || len(all.Functions) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestVersionOfNoWeight: a version that an alias names stays, whatever its weight, and the alias can be changed.
func TestVersionOfNoWeight(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	const source = "def handler(e, c): return 1"
	x.python("f", source, func(in *lambda.CreateFunctionInput) { in.Publish = true })
	f := aws.String("f")
	if _, err := x.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: f, ZipFile: zipped(t, map[string]string{"main.py": source + "2"}), Publish: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: f, Name: aws.String("live"), FunctionVersion: aws.String("1"), RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0}}}); err != nil {
		t.Fatal(err)
	}
	_, err := x.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: f, Qualifier: aws.String("2")})
	wantCode(t, err, "ResourceConflictException", "is referenced by aliases")
	if _, err := x.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: f, Name: aws.String("live"), Description: aws.String("d")}); err != nil {
		t.Error(err)
	}
}

// TestMappingKeepsItsFunction: a change that names the function which the mapping has is none of the function, and nothing is
// asked that was asked when it was made; another function has to fit the queue.
func TestMappingKeepsItsFunction(t *testing.T) {
	x := newFixture(t)
	ctx := context.Background()
	x.python("f", "def handler(e, c): return 1")
	x.python("slow", "def handler(e, c): return 1", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(40) })
	f := aws.String("f")
	made, err := x.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: f, EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"), Enabled: aws.Bool(false)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: f, Timeout: aws.Int32(40)}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, FunctionName: f, BatchSize: aws.Int32(5)}); err != nil {
		t.Error(err)
	}
	_, err = x.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, FunctionName: aws.String("slow")})
	wantCode(t, err, "InvalidParameterValueException", "Queue visibility timeout: 30 seconds is less than Function timeout: 40 seconds")
}
