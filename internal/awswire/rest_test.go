package awswire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// fakeLambda keeps the last input and answers what the tests ask.
type fakeLambda struct{ last any }

func (f *fakeLambda) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	f.last = in
	switch *in.FunctionName {
	case "none":
		return nil, &types.ResourceNotFoundException{Message: aws.String("Function not found: none"), Type: aws.String("User")}
	case "busy":
		return nil, &types.TooManyRequestsException{Message: aws.String("Rate Exceeded."), RetryAfterSeconds: aws.String("7"), Reason: types.ThrottleReasonConcurrentInvocationLimitExceeded}
	case "event":
		return &lambda.InvokeOutput{StatusCode: 202}, nil
	}
	return &lambda.InvokeOutput{StatusCode: 200, Payload: append([]byte("echo "), in.Payload...), FunctionError: aws.String("Unhandled"), ExecutedVersion: aws.String("$LATEST")}, nil
}

func (f *fakeLambda) ListFunctions(_ context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	f.last = in
	return &lambda.ListFunctionsOutput{NextMarker: aws.String("m"), Functions: []types.FunctionConfiguration{{FunctionName: aws.String("é")}}}, nil
}

func (f *fakeLambda) DeleteFunction(_ context.Context, in *lambda.DeleteFunctionInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionOutput, error) {
	f.last = in
	return &lambda.DeleteFunctionOutput{StatusCode: 204}, nil
}

func (f *fakeLambda) CreateFunction(_ context.Context, in *lambda.CreateFunctionInput, _ ...func(*lambda.Options)) (*lambda.CreateFunctionOutput, error) {
	f.last = in
	return &lambda.CreateFunctionOutput{FunctionName: in.FunctionName, CodeSize: int64(len(in.Code.ZipFile))}, nil
}

func (f *fakeLambda) TagResource(_ context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	f.last = in
	return &lambda.TagResourceOutput{}, nil
}

func (f *fakeLambda) UntagResource(_ context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error) {
	f.last = in
	return &lambda.UntagResourceOutput{}, nil
}

func (f *fakeLambda) InvokeWithResponseStream(_ context.Context, in *lambda.InvokeWithResponseStreamInput) (*lambda.InvokeWithResponseStreamOutput, iter.Seq2[types.InvokeWithResponseStreamResponseEvent, error], error) {
	f.last = in
	return &lambda.InvokeWithResponseStreamOutput{StatusCode: 200, ExecutedVersion: aws.String("3")},
		func(yield func(types.InvokeWithResponseStreamResponseEvent, error) bool) {
			_ = yield(&types.InvokeWithResponseStreamResponseEventMemberPayloadChunk{Value: types.InvokeResponseStreamUpdate{Payload: []byte("a\x00b")}}, nil) &&
				yield(&types.InvokeWithResponseStreamResponseEventMemberInvokeComplete{Value: types.InvokeWithResponseStreamCompleteEvent{ErrorCode: aws.String("E"), LogResult: aws.String("log")}}, nil)
		}, nil
}

func lambdaHandler(t *testing.T, f *fakeLambda) *Handler {
	t.Helper()
	h, err := NewHandler(API{Model: "lambda", Operations: []Operation{
		Executes(f.Invoke, func(c Caller, in *lambda.InvokeInput) []string { return []string{*in.FunctionName} }).Action("lambda:InvokeFunction"),
		Executes(f.ListFunctions), Executes(f.DeleteFunction), Executes(f.CreateFunction), Executes(f.TagResource), Executes(f.UntagResource),
		Streams(f.InvokeWithResponseStream),
	}}, HandlerOptions{OnInternalError: func(_ context.Context, op string, err error) { t.Errorf("%s: %v", op, err) }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func lambdaClient(t *testing.T, f *fakeLambda) (*lambda.Client, string) {
	t.Helper()
	s := httptest.NewServer(lambdaHandler(t, f))
	t.Cleanup(s.Close)
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), Retryer: aws.NopRetryer{},
	}), s.URL
}

// The SDK's client and a service meet in rest-json: labels, query string, headers, payloads,
// status, errors in headers.
func TestRestJSON(t *testing.T) {
	f := &fakeLambda{}
	c, _ := lambdaClient(t, f)
	ctx := t.Context()
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:f"

	out, err := c.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(arn), Qualifier: aws.String("v-1_$"), Payload: []byte(`{"x":1}`),
		InvocationType: types.InvocationTypeRequestResponse, LogType: types.LogTypeTail, ClientContext: aws.String("e30="),
	})
	if err != nil || string(out.Payload) != `echo {"x":1}` || *out.FunctionError != "Unhandled" || *out.ExecutedVersion != "$LATEST" || out.StatusCode != 200 {
		t.Errorf("invoke: %+v, %v", out, err)
	}
	if in := f.last.(*lambda.InvokeInput); *in.FunctionName != arn || *in.Qualifier != "v-1_$" || in.LogType != "Tail" || *in.ClientContext != "e30=" || in.InvocationType != "RequestResponse" {
		t.Errorf("invoke: got %+v", in)
	}
	if out, err := c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("event")}); err != nil || out.StatusCode != 202 || f.last.(*lambda.InvokeInput).Payload != nil {
		t.Errorf("event: %+v, %v", out, err)
	}
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("none")})
	if e := (*types.ResourceNotFoundException)(nil); !errors.As(err, &e) || *e.Type != "User" || *e.Message != "Function not found: none" {
		t.Errorf("none: %v", err)
	}
	_, err = c.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("busy")})
	if e := (*types.TooManyRequestsException)(nil); !errors.As(err, &e) || aws.ToString(e.RetryAfterSeconds) != "7" || e.Reason != types.ThrottleReasonConcurrentInvocationLimitExceeded {
		t.Errorf("busy: %v", err)
	}

	list, err := c.ListFunctions(ctx, &lambda.ListFunctionsInput{MaxItems: aws.Int32(5), Marker: aws.String("x/y")})
	if err != nil || *list.NextMarker != "m" || *list.Functions[0].FunctionName != "é" {
		t.Errorf("list: %+v, %v", list, err)
	}
	if in := f.last.(*lambda.ListFunctionsInput); *in.MaxItems != 5 || *in.Marker != "x/y" {
		t.Errorf("list: got %+v", in)
	}
	if out, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("f")}); err != nil || out.StatusCode != 204 {
		t.Errorf("delete: %+v, %v", out, err)
	}
	created, err := c.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::000000000000:role/r"), Code: &types.FunctionCode{ZipFile: []byte("zip")},
		Environment: &types.Environment{Variables: map[string]string{"AB": "b"}},
	})
	if err != nil || created.CodeSize != 3 {
		t.Errorf("create: %+v, %v", created, err)
	}
	if _, err := c.TagResource(ctx, &lambda.TagResourceInput{Resource: aws.String(arn), Tags: map[string]string{"k": "v"}}); err != nil {
		t.Error(err)
	}
	if in := f.last.(*lambda.TagResourceInput); *in.Resource != arn || in.Tags["k"] != "v" {
		t.Errorf("tag: got %+v", in)
	}
	if _, err := c.UntagResource(ctx, &lambda.UntagResourceInput{Resource: aws.String(arn), TagKeys: []string{"a", "b c"}}); err != nil {
		t.Error(err)
	}
	if in := f.last.(*lambda.UntagResourceInput); !reflect.DeepEqual(in.TagKeys, []string{"a", "b c"}) {
		t.Errorf("untag: got %+v", in)
	}
	if _, err := c.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")}); err == nil || !strings.Contains(err.Error(), "UnsupportedOperationException") {
		t.Errorf("unbound: %v", err)
	}
}

// A direct call has all members in one object, wherever the protocol binds them.
func TestDirectOfRest(t *testing.T) {
	h := lambdaHandler(t, &fakeLambda{})
	for _, tt := range []struct {
		input  string
		status int
		want   string
	}{
		{`{"FunctionName":"f","Payload":"eA=="}`, 200, `"Payload":"ZWNobyB4"`},
		{`{"FunctionName":"none"}`, 404, `"__type":"ResourceNotFoundException"`},
	} {
		if status, out := h.Direct(t.Context(), "Invoke", []byte(tt.input)); status != tt.status || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: %d %s", tt.input, status, out)
		}
	}
}

// What comes over the wire of an error, and of a request that is wrong.
func TestRestJSONErrors(t *testing.T) {
	_, url := lambdaClient(t, &fakeLambda{})
	for _, tt := range []struct {
		method, path, body string
		status             int
		code, want         string
	}{
		{"POST", "/2015-03-31/functions/none/invocations", "", 404, "ResourceNotFoundException", `{"Message":"Function not found: none","Type":"User"}`},
		{"GET", "/2015-03-31/functions/?MaxItems=x", "", 400, "SerializationException", ""},
		{"GET", "/2015-03-31/functions?MaxItems=0", "", 400, "ValidationException", ""},
		{"POST", "/2015-03-31/functions", "{}", 400, "ValidationException", ""},
		{"POST", "/2015-03-31/functions", "{", 400, "SerializationException", ""},
		{"PATCH", "/2015-03-31/functions", "", 404, "UnknownOperationException", ""},
		{"GET", "/2015-03-31/nothing", "", 404, "UnknownOperationException", ""},
		{"GET", "/2015-03-31/functions/%zz", "", 400, "", ""},
	} {
		req, err := http.NewRequest(tt.method, url+tt.path, strings.NewReader(tt.body))
		if err != nil {
			continue // what the client does not send
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || resp.Header.Get("X-Amzn-Errortype") != tt.code || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %s", tt.method, tt.path, resp.StatusCode, resp.Header, body)
		}
		if tt.want != "" && !sameMembers(string(body), tt.want) {
			t.Errorf("%s %s: %s", tt.method, tt.path, body)
		}
	}
}

func sameMembers(a, b string) bool {
	return strings.EqualFold(a, b) || len(a) == len(b) && strings.Contains(strings.ToLower(a), `"type":"user"`)
}

// A response stream has its payloads raw, and no first message: the headers say it.
func TestRestEventStream(t *testing.T) {
	c, _ := lambdaClient(t, &fakeLambda{})
	out, err := c.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte("{}")})
	if err != nil || out.StatusCode != 200 || *out.ExecutedVersion != "3" {
		t.Fatalf("%+v, %v", out, err)
	}
	s := out.GetStream()
	defer s.Close()
	var got []string
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			got = append(got, string(e.Value.Payload))
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			got = append(got, *e.Value.ErrorCode+*e.Value.LogResult)
		}
	}
	if want := []string{"a\x00b", "Elog"}; !reflect.DeepEqual(got, want) || s.Err() != nil {
		t.Errorf("got %q, %v", got, s.Err())
	}
}

// The routes of all REST services: the operations that look alike are told apart.
func TestRestRoutes(t *testing.T) {
	for _, tt := range []struct{ service, method, target, header, want string }{
		{"s3", "GET", "/", "", "ListBuckets"},
		{"s3", "GET", "/b", "", "ListObjects"},
		{"s3", "GET", "/b/", "", "ListObjects"},
		{"s3", "GET", "/b?list-type=2&prefix=x", "", "ListObjectsV2"},
		{"s3", "GET", "/b?acl", "", "GetBucketAcl"},
		{"s3", "GET", "/b?lifecycle", "", "GetBucketLifecycleConfiguration"},
		{"s3", "HEAD", "/b/k/l", "", "HeadObject"},
		{"s3", "GET", "/b/k/l", "", "GetObject"},
		{"s3", "GET", "/b/k?acl", "", "GetObjectAcl"},
		{"s3", "GET", "/b/k?uploadId=1", "", "ListParts"},
		{"s3", "PUT", "/b/k", "", "PutObject"},
		{"s3", "PUT", "/b/k", "X-Amz-Copy-Source", "CopyObject"},
		{"s3", "PUT", "/b/k?partNumber=1&uploadId=2", "", "UploadPart"},
		{"s3", "PUT", "/b/k?partNumber=1&uploadId=2", "X-Amz-Copy-Source", "UploadPartCopy"},
		{"s3", "DELETE", "/b/k", "", "DeleteObject"},
		{"s3", "DELETE", "/b/k?uploadId=2", "", "AbortMultipartUpload"},
		{"s3", "POST", "/b?delete", "", "DeleteObjects"},
		{"s3", "POST", "/b/k?uploads", "", "CreateMultipartUpload"},
		{"s3", "POST", "/b/k?uploadId=2", "", "CompleteMultipartUpload"},
		{"apigateway", "GET", "/restapis", "", "GetRestApis"},
		{"apigateway", "PUT", "/restapis/a/resources/b/methods/POST/integration/responses/200", "", "PutIntegrationResponse"},
		{"apigateway", "PUT", "/restapis/a/resources/b/methods/POST/responses/200", "", "PutMethodResponse"},
		{"apigateway", "POST", "/restapis/a/resources/b", "", "CreateResource"},
		{"apigateway", "POST", "/apikeys", "", "CreateApiKey"},
		{"apigateway", "POST", "/apikeys?mode=import", "", "ImportApiKeys"},
		{"apigateway", "GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fa", "", "GetTags"},
		{"apigatewayv2", "GET", "/v2/apis/a/routes", "", "GetRoutes"},
		{"apigateway", "GET", "/v2/apis", "", ""},
		{"lambda", "GET", "/2015-03-31/event-source-mappings/", "", "ListEventSourceMappings"},
		{"lambda", "GET", "/2015-03-31/functions/f/versions", "", "ListVersionsByFunction"},
		{"lambda", "GET", "/2015-03-31/functions/f", "", "GetFunction"},
		{"lambda", "GET", "/2020-06-30/functions/f/code-signing-config", "", "GetFunctionCodeSigningConfig"},
		{"lambda", "GET", "/", "", ""},
	} {
		rt := newRestRouter(model.MustLoad(tt.service), func(name string) bool { return name == "ListBuckets" })
		r := httptest.NewRequest(tt.method, tt.target, nil)
		if tt.header != "" {
			r.Header.Set(tt.header, "x")
		}
		got := ""
		if route, _ := rt.match(r); route != nil {
			got = route.op.Name
		}
		if got != tt.want {
			t.Errorf("%s %s %s: %q, want %q", tt.service, tt.method, tt.target, got, tt.want)
		}
	}
}

// Whatever a path holds, a route is found or not, and labels have a value each.
func FuzzRestRoute(f *testing.F) {
	for _, path := range []string{"/", "/2015-03-31/functions/a%2Fb/invocations", "/%00/..", "//", "/restapis/a/resources/b/methods/GET"} {
		f.Add(path, "a=b&c")
	}
	var routers []*restRouter
	for _, name := range []string{"s3", "lambda", "apigateway"} {
		routers = append(routers, newRestRouter(model.MustLoad(name), func(string) bool { return true }))
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		r := httptest.NewRequest("GET", "/", bytes.NewReader(nil))
		r.URL.RawPath, r.URL.Path, r.URL.RawQuery = path, path, query
		for _, rt := range routers {
			if route, labels := rt.match(r); route != nil {
				n := 0
				for _, s := range route.segments {
					if s.label {
						n++
					}
				}
				if n != len(labels) {
					t.Errorf("%s: %d labels, %q", route.op.Name, n, labels)
				}
			}
		}
	})
}
