package kinesisanalytics

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	api "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// functions is a Lambda with functions in Go, by name.
type functions map[string]func(event []byte) any

func (f functions) Invoke(_ context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	name := (*in.FunctionName)[strings.LastIndexByte(*in.FunctionName, ':')+1:]
	payload, err := json.Marshal(f[name](in.Payload))
	return &lambda.InvokeOutput{StatusCode: 200, Payload: payload}, err
}

// objects is an S3 in memory.
type objects map[string]string

func (o objects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	data, ok := o[*in.Bucket+"/"+*in.Key]
	if !ok {
		return nil, &smithy.GenericAPIError{Code: "NoSuchKey", Message: "The specified key does not exist."}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(data))}, nil
}

// deliveries is a Firehose that takes half of what it is given at first.
type deliveries struct {
	mu    sync.Mutex
	calls int
	data  []string
}

func (d *deliveries) DescribeDeliveryStream(context.Context, *firehose.DescribeDeliveryStreamInput, ...func(*firehose.Options)) (*firehose.DescribeDeliveryStreamOutput, error) {
	return &firehose.DescribeDeliveryStreamOutput{DeliveryStreamDescription: &firehosetypes.DeliveryStreamDescription{
		Source: &firehosetypes.SourceDescription{KinesisStreamSourceDescription: &firehosetypes.KinesisStreamSourceDescription{KinesisStreamARN: streamARN("in")}},
	}}, nil
}

func (d *deliveries) PutRecordBatch(_ context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	out := &firehose.PutRecordBatchOutput{RequestResponses: make([]firehosetypes.PutRecordBatchResponseEntry, len(in.Records))}
	for i, r := range in.Records {
		if d.calls == 1 && i%2 == 1 {
			out.RequestResponses[i].ErrorCode = aws.String("ServiceUnavailableException")
			continue
		}
		d.data = append(d.data, string(r.Data))
	}
	return out, nil
}

func (d *deliveries) all() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.data, "")
}

// logs is a sink of log lines.
type logs struct {
	mu    sync.Mutex
	lines []string
}

func (l *logs) Log(p LogPlace, _ time.Time, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, strings.Join([]string{p.Account, p.Region, p.Group, p.Stream, line}, " "))
}

func (l *logs) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

const joined = `
CREATE OR REPLACE STREAM "OUT" ("ticker" VARCHAR(8), "company" VARCHAR(32), "price" DOUBLE);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
  SELECT STREAM s."ticker", c."Company", s."price" FROM "SOURCE_001" AS s LEFT JOIN "Companies" AS c ON s."ticker" = c."Ticker";
`

// TestNeighbours runs an application whose records go through a function and are joined with an object, into a
// delivery stream as CSV and a function as JSON.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var stored []string
	tries := 0
	out := &deliveries{}
	told := &logs{}
	f := newFixture(t, func(c *Config) {
		c.Firehose, c.S3, c.Logs = out, objects{"lake/companies.csv": "AMZN,Amazon\nMSFT,Microsoft\n"}, told
		c.Lambda = functions{
			"clean": func(event []byte) any { // upper case; what is no price is dropped, what is broken has failed
				var e inputEvent
				if err := json.Unmarshal(event, &e); err != nil || e.Application == "" || e.Stream != *streamARN("in") {
					t.Errorf("event %s: %v", event, err)
				}
				type answer struct {
					ID     string `json:"recordId"`
					Result string `json:"result"`
					Data   []byte `json:"data,omitempty"`
				}
				var records []answer
				for _, r := range e.Records {
					data, _ := base64.StdEncoding.DecodeString(r.Data)
					switch {
					case r.Metadata.Sequence == "" || r.Metadata.Shard == "" || r.Metadata.Arrival == 0:
						t.Errorf("record %+v lacks metadata", r)
					case bytes.Contains(data, []byte("drop")):
						records = append(records, answer{r.ID, "Dropped", nil})
					case bytes.Contains(data, []byte("broken")):
						records = append(records, answer{r.ID, "ProcessingFailed", data})
					default:
						records = append(records, answer{r.ID, "Ok", bytes.ReplaceAll(data, []byte("amzn"), []byte("AMZN"))})
					}
				}
				return map[string]any{"records": records}
			},
			"store": func(event []byte) any { // it fails once
				var e outputEvent
				if err := json.Unmarshal(event, &e); err != nil {
					t.Errorf("event %s: %v", event, err)
				}
				mu.Lock()
				defer mu.Unlock()
				var records []map[string]string
				for _, r := range e.Records {
					tries++
					result := "Ok"
					if tries == 1 {
						result = "DeliveryFailed"
					} else {
						stored = append(stored, fmt.Sprintf("%d %s", r.Metadata.RetryHint, r.Data))
					}
					records = append(records, map[string]string{"recordId": r.ID, "result": result})
				}
				return map[string]any{"records": records}
			},
		}
	})
	f.stream("in", 1)
	role := aws.String(testRole)
	function := func(name string) *string { return aws.String("arn:aws:lambda:us-east-1:000000000000:function:" + name) }
	f.application("", [][2]string{{"ticker", "VARCHAR(8)"}, {"price", "DOUBLE"}}, nil, func(in *api.CreateApplicationInput) {
		in.ApplicationCode = aws.String(joined)
		in.Inputs[0].InputProcessingConfiguration = &types.InputProcessingConfiguration{InputLambdaProcessor: &types.InputLambdaProcessor{ResourceARN: function("clean"), RoleARN: role}}
		in.Inputs[0].KinesisStreamsInput = nil
		in.Inputs[0].KinesisFirehoseInput = &types.KinesisFirehoseInput{ResourceARN: aws.String("arn:aws:firehose:us-east-1:000000000000:deliverystream/source"), RoleARN: role}
		in.Outputs = []types.Output{
			{Name: aws.String("OUT"), DestinationSchema: &types.DestinationSchema{RecordFormatType: types.RecordFormatTypeCsv}, KinesisFirehoseOutput: &types.KinesisFirehoseOutput{ResourceARN: aws.String("arn:aws:firehose:us-east-1:000000000000:deliverystream/out"), RoleARN: role}},
			{Name: aws.String("OUT"), DestinationSchema: &types.DestinationSchema{RecordFormatType: types.RecordFormatTypeJson}, LambdaOutput: &types.LambdaOutput{ResourceARN: function("store"), RoleARN: role}},
		}
		in.CloudWatchLoggingOptions = []types.CloudWatchLoggingOption{{LogStreamARN: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:analytics:log-stream:app"), RoleARN: role}}
	})
	_, err := f.AddApplicationReferenceDataSource(t.Context(), &api.AddApplicationReferenceDataSourceInput{
		ApplicationName: aws.String("app"), CurrentApplicationVersionId: aws.Int64(1),
		ReferenceDataSource: &types.ReferenceDataSource{
			TableName: aws.String("Companies"), S3ReferenceDataSource: &types.S3ReferenceDataSource{BucketARN: aws.String("arn:aws:s3:::lake"), FileKey: aws.String("companies.csv"), ReferenceRoleARN: role},
			ReferenceSchema: &types.SourceSchema{
				RecordFormat:  &types.RecordFormat{RecordFormatType: types.RecordFormatTypeCsv, MappingParameters: &types.MappingParameters{CSVMappingParameters: &types.CSVMappingParameters{RecordRowDelimiter: aws.String("\n"), RecordColumnDelimiter: aws.String(",")}}},
				RecordColumns: []types.RecordColumn{{Name: aws.String("Ticker"), SqlType: aws.String("VARCHAR(8)")}, {Name: aws.String("Company"), SqlType: aws.String("VARCHAR(32)")}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.start(types.InputStartingPositionTrimHorizon)
	for _, data := range []string{`{"ticker":"amzn","price":1.5}`, `{"drop":1}`, `{"ticker":"MSFT","price":2}`, `{"broken":1}`, `{"ticker":"ACME","price":3}`} {
		f.put("in", data)
	}
	f.eventually("rows", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(stored) >= 3 && strings.Count(out.all(), "\n") >= 3
	})
	if got := out.all(); !strings.Contains(got, "AMZN,Amazon,1.5\n") || !strings.Contains(got, "ACME,,3") || strings.Count(got, "\n") != 3 {
		t.Errorf("the delivery stream got %q", got)
	}
	if got := strings.Join(stored, "\n"); !strings.Contains(got, `{"ticker":"MSFT","company":"Microsoft","price":2`) || !strings.Contains(got, `1 {"ticker":"AMZN"`) {
		t.Errorf("the function got %s", got)
	}
	f.eventually("the log line", func() bool {
		return strings.Contains(told.all(), `000000000000 us-east-1 analytics app {"applicationARN":"arn:aws:kinesisanalytics:us-east-1:000000000000:application/app"`)
	})
	if !strings.Contains(told.all(), "could not process 1 records") {
		t.Errorf("the log has %s", told.all())
	}
}

// TestDiscover infers the schema of the unicorns, of an object, and of what has none.
func TestDiscover(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) {
		c.S3 = objects{"lake/companies.csv": "Ticker,Company\nAMZN,Amazon.com\nMSFT,Microsoft\n"}
	})
	f.stream("in", 1)
	f.put("in", `{"Distance":30.21,"HealthPoints":152,"Latitude":40.74,"Longitude":-73.98,"MagicPoints":151,"Name":"Shadowfax","StatusTime":"2026-11-28 14:05:38.155"}`+"\n")
	in := &api.DiscoverInputSchemaInput{ResourceARN: streamARN("in"), RoleARN: aws.String(testRole), InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: types.InputStartingPositionTrimHorizon}}
	out, err := f.DiscoverInputSchema(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	describe := func(s *types.SourceSchema) string {
		var b strings.Builder
		for _, c := range s.RecordColumns {
			fmt.Fprintf(&b, "%s %s %s, ", *c.Name, *c.SqlType, aws.ToString(c.Mapping))
		}
		return b.String()
	}
	if got, want := describe(out.InputSchema), "Distance DOUBLE $.Distance, HealthPoints INTEGER $.HealthPoints, Latitude DOUBLE $.Latitude, Longitude DOUBLE $.Longitude, MagicPoints INTEGER $.MagicPoints, Name VARCHAR(16) $.Name, StatusTime TIMESTAMP $.StatusTime, "; got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
	if len(out.RawInputRecords) != 1 || len(out.ParsedInputRecords) != 1 || out.ParsedInputRecords[0][5] != "Shadowfax" {
		t.Errorf("records %q, parsed %q", out.RawInputRecords, out.ParsedInputRecords)
	}
	out, err = f.DiscoverInputSchema(t.Context(), &api.DiscoverInputSchemaInput{S3Configuration: &types.S3Configuration{BucketARN: aws.String("arn:aws:s3:::lake"), FileKey: aws.String("companies.csv"), RoleARN: aws.String(testRole)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(out.InputSchema), "Ticker VARCHAR(4) , Company VARCHAR(16) , "; got != want {
		t.Errorf("schema %s, want %s", got, want)
	}
	f.stream("noise", 1)
	f.put("noise", "hello")
	in.ResourceARN = streamARN("noise")
	_, err = f.DiscoverInputSchema(t.Context(), in)
	if e, ok := err.(*types.UnableToDetectSchemaException); !ok || len(e.RawInputRecords) != 1 {
		t.Errorf("noise: %v", err)
	}
	in.ResourceARN = streamARN("nowhere")
	if _, err = f.DiscoverInputSchema(t.Context(), in); err == nil || !strings.Contains(err.Error(), "InvalidArgumentException") {
		t.Errorf("no stream: %v", err)
	}
}

// BenchmarkTumbling takes in readings of 150 bytes from a stream, of the past, and sums them up by name and minute.
func BenchmarkTumbling(b *testing.B) {
	f := newFixture(b)
	f.stream("in", 4)
	f.stream("seconds", 1)
	const total, batch = 1_000_000, 500
	pad := strings.Repeat("x", 90)
	for i := 0; i < total; i += batch {
		in := &kinesis.PutRecordsInput{StreamName: aws.String("in")}
		for k := range batch {
			in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{
				PartitionKey: aws.String(fmt.Sprint(i + k)), Data: fmt.Appendf(nil, `{"id":%d,"name":"n%d","pad":%q}`, i+k, k%100, pad),
			})
		}
		if _, err := f.kinesis.PutRecords(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		f.application(eachAndSeconds[strings.Index(eachAndSeconds, `CREATE OR REPLACE STREAM "SECONDS"`):], [][2]string{{"id", "INTEGER"}, {"name", "VARCHAR(16)"}}, map[string]string{"SECONDS": "seconds"})
		begun := time.Now()
		f.start(types.InputStartingPositionTrimHorizon)
		taken := testutil.ToFloat64(f.metrics.in.WithLabelValues("app"))
		f.eventually("all records", func() bool { return testutil.ToFloat64(f.metrics.in.WithLabelValues("app"))-taken >= total })
		b.ReportMetric(float64(total)/time.Since(begun).Seconds(), "records/s")
		f.stop()
		d := f.describe()
		if _, err := f.DeleteApplication(b.Context(), &api.DeleteApplicationInput{ApplicationName: aws.String("app"), CreateTimestamp: d.CreateTimestamp}); err != nil {
			b.Fatal(err)
		}
	}
}
