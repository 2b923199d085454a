package awswire

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire/model"
)

// fakeKinesis answers what the tests ask.
type fakeKinesis struct {
	put *kinesis.PutRecordsInput
	err error
}

func (f *fakeKinesis) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	f.put = in
	if f.err != nil {
		return nil, f.err
	}
	out := &kinesis.PutRecordsOutput{FailedRecordCount: aws.Int32(0)}
	for range in.Records {
		out.Records = append(out.Records, types.PutRecordsResultEntry{SequenceNumber: aws.String("1"), ShardId: aws.String("shardId-000000000000")})
	}
	return out, nil
}

func (f *fakeKinesis) GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	return &kinesis.GetRecordsOutput{
		MillisBehindLatest: aws.Int64(0),
		Records: []types.Record{{
			Data: []byte("a\x00b"), PartitionKey: aws.String("é\"\n"), SequenceNumber: aws.String("7"),
			ApproximateArrivalTimestamp: aws.Time(time.UnixMilli(1700000000123)),
		}},
	}, nil
}

func (f *fakeKinesis) ListStreams(context.Context, *kinesis.ListStreamsInput, ...func(*kinesis.Options)) (*kinesis.ListStreamsOutput, error) {
	return &kinesis.ListStreamsOutput{HasMoreStreams: aws.Bool(false), StreamNames: []string{}}, nil
}

func (f *fakeKinesis) CreateStream(_ context.Context, in *kinesis.CreateStreamInput, _ ...func(*kinesis.Options)) (*kinesis.CreateStreamOutput, error) {
	switch *in.StreamName {
	case "taken":
		return nil, &types.ResourceInUseException{Message: aws.String("Stream taken exists")}
	case "panic":
		panic("boom")
	}
	return &kinesis.CreateStreamOutput{}, nil
}

func (f *fakeKinesis) operations() []Operation {
	return []Operation{Executes(f.PutRecords), Executes(f.GetRecords), Executes(f.ListStreams), Executes(f.CreateStream)}
}

func kinesisServer(t testing.TB, f *fakeKinesis, change ...func(*API)) *httptest.Server {
	t.Helper()
	api := API{Model: "kinesis", Operations: f.operations()}
	for _, c := range change {
		c(&api)
	}
	h, err := NewHandler(api, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// post sends a JSON 1.1 request and returns status and body.
func post(t testing.TB, url, target, body string) (int, string) {
	t.Helper()
	req, _ := http.NewRequest("POST", url, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", target)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
	return resp.StatusCode, string(b)
}

func TestJSONCalls(t *testing.T) {
	f := &fakeKinesis{}
	s := kinesisServer(t, f)
	long := strings.Repeat("x", 129)
	for _, tt := range []struct {
		op, body string
		status   int
		want     string
	}{
		{"ListStreams", `{}`, 200, `{"HasMoreStreams":false,"StreamNames":[]}`},
		{"ListStreams", ``, 200, `{"HasMoreStreams":false,"StreamNames":[]}`},
		{"ListStreams", `{"Limit":null,"Later":{"a":[1,"x",{}]}}`, 200, `{"HasMoreStreams":false,"StreamNames":[]}`},
		{"GetRecords", `{"ShardIterator":"x"}`, 200, `{"Records":[{"Data":"YQBi","SequenceNumber":"7","ApproximateArrivalTimestamp":1700000000.123,"PartitionKey":"é\"\n"}],"MillisBehindLatest":0}`},
		{"CreateStream", `{"StreamName":"s"}`, 200, ``},
		{"CreateStream", `{"StreamName":"taken"}`, 400, `{"__type":"ResourceInUseException","message":"Stream taken exists"}`},
		{"CreateStream", `{"StreamName":"panic"}`, 500, `{"__type":"InternalFailure"}`},
		{"CreateStream", `{}`, 400, `{"__type":"ValidationException","message":"1 validation error detected: Value null at 'streamName' failed to satisfy constraint: Member must not be null"}`},
		{"CreateStream", `{"StreamName":"a b"}`, 400, `{"__type":"ValidationException","message":"1 validation error detected: Value 'a b' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"}`},
		{"CreateStream", `{"StreamName":"` + long + `","ShardCount":0}`, 400, `{"__type":"ValidationException","message":"2 validation errors detected: Value '` + long + `' at 'streamName' failed to satisfy constraint: Member must have length less than or equal to 128; Value '0' at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1"}`},
		{"PutRecords", `{"StreamName":"s","Records":[]}`, 400, `{"__type":"ValidationException","message":"1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"}`},
		{"PutRecords", `{"StreamName":"s","Records":[{"Data":"","PartitionKey":""}]}`, 400, `{"__type":"ValidationException","message":"1 validation error detected: Value '' at 'records.1.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1"}`},
		{"CreateStream", `{"StreamName":1}`, 400, `{"__type":"SerializationException","Message":"NUMBER_VALUE cannot be converted to String"}`},
		{"CreateStream", `{"StreamName":{}}`, 400, `{"__type":"SerializationException","Message":"Start of structure or map found where not expected."}`},
		{"CreateStream", `{"StreamName":"x","ShardCount":"1"}`, 400, `{"__type":"SerializationException","Message":"STRING_VALUE cannot be converted to Integer"}`},
		{"PutRecords", `{"StreamName":"s","Records":[{"Data":"!","PartitionKey":"x"}]}`, 400, `{"__type":"SerializationException","Message":"Invalid base64 in a blob"}`},
		{"CreateStream", `{"StreamName":`, 400, `{"__type":"SerializationException"}`},
		{"CreateStream", `[]`, 400, `{"__type":"SerializationException","Message":"Start of list found where not expected"}`},
		{"CreateStream", `{"StreamName":"x"}}`, 400, `{"__type":"SerializationException"}`},
		{"NoSuch", `{}`, 400, `{"__type":"UnknownOperationException"}`},
		{"SplitShard", `{}`, 400, `{"__type":"UnsupportedOperationException","message":"The operation SplitShard of Kinesis is not supported by Brookmere; \"brookmere operations\" lists those that are."}`},
	} {
		status, got := post(t, s.URL, "Kinesis_20131202."+tt.op, tt.body)
		if status != tt.status || got != tt.want {
			t.Errorf("%s %.80s\n got %d %s\nwant %d %s", tt.op, tt.body, status, got, tt.status, tt.want)
		}
	}
}

func TestSDKClient(t *testing.T) {
	f := &fakeKinesis{}
	s := kinesisServer(t, f)
	c := kinesis.New(kinesis.Options{BaseEndpoint: &s.URL, Region: "eu-west-1", RetryMaxAttempts: 1, Credentials: staticCredentials{}})
	out, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String("s"), Records: []types.PutRecordsRequestEntry{{Data: []byte{0, 255, '"'}, PartitionKey: aws.String("k\u2028é")}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Records) != 1 || *out.FailedRecordCount != 0 || string(f.put.Records[0].Data) != "\x00\xff\"" || *f.put.Records[0].PartitionKey != "k\u2028é" {
		t.Errorf("got %+v, service saw %+v", out, f.put)
	}
}

type staticCredentials struct{}

func (staticCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
}

func TestQuery(t *testing.T) {
	h, err := NewHandler(API{Model: "sts", Operations: []Operation{Executes(func(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
		return &sts.GetCallerIdentityOutput{Account: aws.String("000000000000"), Arn: aws.String("arn:aws:iam::000000000000:root"), UserId: aws.String("<&>")}, nil
	})}}, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	c := sts.New(sts.Options{BaseEndpoint: &s.URL, Region: "eu-west-1", RetryMaxAttempts: 1, Credentials: staticCredentials{}})
	out, err := c.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *out.UserId != "<&>" || *out.Account != "000000000000" {
		t.Errorf("got %+v", out)
	}
	if _, err = c.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/x"), RoleSessionName: aws.String("s")}); err == nil || !strings.Contains(err.Error(), "UnsupportedOperationException") {
		t.Errorf("unbound: %v", err)
	}
}

func TestWriteError(t *testing.T) {
	for _, tt := range []struct{ service, contentType, want string }{
		{"kinesis", "application/x-amz-json-1.1", `{"__type":"InvalidSignatureException","message":"no"}`},
		{"glue", "application/x-amz-json-1.1", `{"__type":"InvalidSignatureException","Message":"no"}`},
		{"sts", "application/x-www-form-urlencoded", `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidSignatureException</Code><Message>no</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
	} {
		h, err := NewHandler(API{Model: tt.service}, HandlerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", tt.contentType)
		w := httptest.NewRecorder()
		h.WriteError(w, r.WithContext(WithCaller(r.Context(), Caller{RequestID: "id"})), WithStatus(&smithy.GenericAPIError{Code: "InvalidSignatureException", Message: "no"}, 403))
		if w.Code != 403 || w.Body.String() != tt.want {
			t.Errorf("%s: %d %s", tt.service, w.Code, w.Body)
		}
	}
}

func TestBodies(t *testing.T) {
	s := kinesisServer(t, &fakeKinesis{}, func(a *API) { a.MaxBody = 1000 })
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	zw.Write([]byte(`{}`))
	zw.Close()
	var bomb bytes.Buffer
	zw = gzip.NewWriter(&bomb)
	zw.Write(bytes.Repeat([]byte(" "), 1<<20))
	zw.Close()
	for _, tt := range []struct {
		name, encoding string
		body           []byte
		status         int
	}{
		{"plain", "", []byte(`{}`), 200},
		{"gzip", "gzip", zipped.Bytes(), 200},
		{"broken gzip", "gzip", []byte("{}"), 400},
		{"bomb", "gzip", bomb.Bytes(), 413},
		{"too large", "", bytes.Repeat([]byte(" "), 1001), 413},
		{"other encoding", "br", []byte("{}"), 415},
	} {
		req, _ := http.NewRequest("POST", s.URL, bytes.NewReader(tt.body))
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
		if tt.encoding != "" {
			req.Header.Set("Content-Encoding", tt.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, resp.StatusCode, tt.status)
		}
	}
}

// fastCall answers by the length of its request.
type fastCall struct{ body []byte }

func (fastCall) Resource(Caller) string { return "arn:fast" }
func (fastCall) Free()                  {}
func (c fastCall) Serve(_ context.Context, dst []byte) ([]byte, bool, error) {
	switch {
	case len(c.body) > 80:
		return nil, false, nil
	case len(c.body) > 50:
		return nil, true, &types.ResourceNotFoundException{Message: aws.String("x")}
	}
	return append(dst, `{"fast":true}`...), true, nil
}

// A fast path answers what it takes and leaves the rest to the codec.
func TestFastPath(t *testing.T) {
	f := &fakeKinesis{}
	fast := func(p Protocol, body []byte) (FastCall, bool) {
		return fastCall{body}, p == JSON11 && len(body) <= 100
	}
	h, err := NewHandler(API{Model: "kinesis", Operations: []Operation{Executes(f.ListStreams).Fast(fast)}}, HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	for _, tt := range []struct {
		pad    int
		status int
		want   string
	}{
		{0, 200, `{"fast":true}`},
		{60, 400, `{"__type":"ResourceNotFoundException","message":"x"}`},
		{90, 200, `{"HasMoreStreams":false,"StreamNames":[]}`},
		{200, 200, `{"HasMoreStreams":false,"StreamNames":[]}`},
	} {
		status, got := post(t, s.URL, "Kinesis_20131202.ListStreams", "{}"+strings.Repeat(" ", tt.pad))
		if status != tt.status || got != tt.want {
			t.Errorf("pad %d: %d %s", tt.pad, status, got)
		}
	}
}

func TestOperationsTable(t *testing.T) {
	f := &fakeKinesis{}
	var b strings.Builder
	rows, err := OperationsTable(API{Model: "kinesis", Operations: []Operation{Executes(f.PutRecords), Stores(f.CreateStream)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteOperationsTable(&b, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Kinesis | PutRecords | executes |\n", "| Kinesis | CreateStream | stores |\n", "| Kinesis | SplitShard | refuses |\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no row %q", want)
		}
	}
	if len(rows) != len(model.MustLoad("kinesis").Operations) {
		t.Errorf("%d rows", len(rows))
	}
}

// Every model is there, links up, and has patterns that compile.
func TestModels(t *testing.T) {
	for _, name := range model.Names() {
		m, err := model.Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range m.Shapes {
			if c := newPlanner(m, API{}).newConstraints(s); c != nil && c.match != nil {
				c.match("")
			}
		}
	}
	if len(model.Names()) < 14 {
		t.Errorf("models: %v", model.Names())
	}
}

func TestLookAhead(t *testing.T) {
	m := model.MustLoad("firehose").Shapes["TagKey"]
	match := matcher(m)
	for text, want := range map[string]bool{"team": true, "aws:team": false, "x aws:": true, "tab\t": false} {
		if got := match(text); got != want {
			t.Errorf("%q matches %s: %t", text, m.Pattern, got)
		}
	}
}
