package awswire

import (
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

func kinesisServer(t testing.TB, f *fakeKinesis, o HandlerOptions) *httptest.Server {
	t.Helper()
	h, err := NewHandler(model.MustLoad("kinesis"), f.operations(), o)
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
	s := kinesisServer(t, f, HandlerOptions{})
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
		{"SplitShard", `{}`, 400, `{"__type":"UnsupportedOperationException","message":"Brookmere does not support the operation SplitShard of Kinesis; docs/operations.md lists those that it does."}`},
	} {
		status, got := post(t, s.URL, "Kinesis_20131202."+tt.op, tt.body)
		if status != tt.status || got != tt.want {
			t.Errorf("%s %.80s\n got %d %s\nwant %d %s", tt.op, tt.body, status, got, tt.status, tt.want)
		}
	}
}

func TestSDKClient(t *testing.T) {
	f := &fakeKinesis{}
	s := kinesisServer(t, f, HandlerOptions{})
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
	h, err := NewHandler(model.MustLoad("sts"), []Operation{Executes(func(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
		return &sts.GetCallerIdentityOutput{Account: aws.String("000000000000"), Arn: aws.String("arn:aws:iam::000000000000:root"), UserId: aws.String("<&>")}, nil
	})}, HandlerOptions{})
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
