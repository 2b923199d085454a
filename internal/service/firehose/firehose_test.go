package firehose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jonboulle/clockwork"
	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// memS3 is a bucket for all.
type memS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	err     error
}

func (m *memS3) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	b, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[*in.Bucket+"/"+*in.Key] = b
	return &s3.PutObjectOutput{}, nil
}

func (m *memS3) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, *in.Bucket+"/"+*in.Key)
	return &s3.DeleteObjectOutput{}, nil
}

func (m *memS3) all() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.objects)
}

type memGlue struct {
	mu      sync.Mutex
	columns []gluetypes.Column
	schemas map[string]*glue.GetSchemaVersionOutput // by the version's id
}

func (g *memGlue) GetSchemaVersion(ctx context.Context, in *glue.GetSchemaVersionInput, _ ...func(*glue.Options)) (*glue.GetSchemaVersionOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v := g.schemas[*in.SchemaVersionId]; v != nil {
		return v, nil
	}
	return nil, &gluetypes.EntityNotFoundException{Message: aws.String("Schema version is not found.")}
}

func (g *memGlue) GetTable(ctx context.Context, in *glue.GetTableInput, _ ...func(*glue.Options)) (*glue.GetTableOutput, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.columns) == 0 {
		return nil, &gluetypes.EntityNotFoundException{}
	}
	return &glue.GetTableOutput{Table: &gluetypes.Table{Name: in.Name, StorageDescriptor: &gluetypes.StorageDescriptor{Columns: g.columns}}}, nil
}

func (g *memGlue) GetTableVersion(ctx context.Context, in *glue.GetTableVersionInput, _ ...func(*glue.Options)) (*glue.GetTableVersionOutput, error) {
	return nil, errors.New("not here")
}

func (g *memGlue) set(columns ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.columns = nil
	for i := 0; i < len(columns); i += 2 {
		g.columns = append(g.columns, gluetypes.Column{Name: &columns[i], Type: &columns[i+1]})
	}
}

// node is the service with what it needs, restartable.
type node struct {
	*firehose.Client
	dir    string
	s3     *memS3
	glue   *memGlue
	k      Kinesis
	lambda Lambda
	svc    *Service
	url    string
	broker *broker.Broker
	log    *shardlog.Log
	state  *state.Store
	server *httptest.Server
	clock  clockwork.Clock // nil: the real one
}

type noCredentials struct{}

func (noCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
}

func newNode(t testing.TB) *node {
	n := &node{dir: t.TempDir(), s3: &memS3{}, glue: &memGlue{}}
	n.start(t)
	t.Cleanup(func() { n.stop(t) })
	return n
}

func (n *node) start(t testing.TB) {
	t.Helper()
	var err error
	if n.broker, err = broker.Start(broker.Options{Dir: filepath.Join(n.dir, "nats")}); err != nil {
		t.Fatal(err)
	}
	if n.log, err = shardlog.Open(t.Context(), n.broker, shardlog.Options{Journal: broker.AppendsDir(filepath.Join(n.dir, "nats")), Clock: n.clock}); err != nil {
		t.Fatal(err)
	}
	if n.state, err = state.Open(t.Context(), n.broker, state.Options{}); err != nil {
		t.Fatal(err)
	}
	n.svc, err = New(Config{State: n.state, Log: n.log, S3: n.s3, Glue: n.glue, Kinesis: n.k, Lambda: n.lambda, TempDir: filepath.Join(n.dir, "tmp"), Clock: n.clock, Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	n.svc.deleteWait, n.svc.updateWait = time.Minute, time.Minute
	if err := n.svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, err := awswire.NewHandler(n.svc.API(), awswire.HandlerOptions{
		OnInternalError: func(_ context.Context, op string, err error) { t.Errorf("%s: %v", op, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	n.server = httptest.NewServer(h)
	n.url = n.server.URL
	n.Client = firehose.New(firehose.Options{BaseEndpoint: &n.url, Region: "us-east-1", RetryMaxAttempts: 1, Credentials: noCredentials{}})
}

// bind has the service call functions of l, after its next start too. It has no delivery streams yet,
// which call them whenever they like.
func (n *node) bind(l Lambda) { n.lambda, n.svc.cfg.Lambda = l, l }

func (n *node) stop(t testing.TB) {
	t.Helper()
	n.server.Close()
	if err := n.svc.Close(context.Background()); err != nil {
		t.Error(err)
	}
	n.state.Close()
	n.log.Close()
	n.broker.Close()
}

func raw(bucket string) *types.ExtendedS3DestinationConfiguration {
	return &types.ExtendedS3DestinationConfiguration{
		RoleARN: aws.String("arn:aws:iam::000000000000:role/r"), BucketARN: aws.String("arn:aws:s3:::" + bucket),
	}
}

func parquetPartitioned(bucket string) *types.ExtendedS3DestinationConfiguration {
	c := raw(bucket)
	c.Prefix = aws.String("data/!{partitionKeyFromQuery:day}/")
	c.ErrorOutputPrefix = aws.String("errors/!{firehose:error-output-type}/")
	c.BufferingHints = &types.BufferingHints{SizeInMBs: aws.Int32(64), IntervalInSeconds: aws.Int32(60)}
	c.DynamicPartitioningConfiguration = &types.DynamicPartitioningConfiguration{Enabled: aws.Bool(true)}
	c.ProcessingConfiguration = &types.ProcessingConfiguration{Enabled: aws.Bool(true), Processors: []types.Processor{{
		Type: types.ProcessorTypeMetadataExtraction,
		Parameters: []types.ProcessorParameter{
			{ParameterName: types.ProcessorParameterNameMetadataExtractionQuery, ParameterValue: aws.String("{day:.day}")},
			{ParameterName: types.ProcessorParameterNameJsonParsingEngine, ParameterValue: aws.String("JQ-1.6")},
		},
	}}}
	c.DataFormatConversionConfiguration = &types.DataFormatConversionConfiguration{
		Enabled:                   aws.Bool(true),
		InputFormatConfiguration:  &types.InputFormatConfiguration{Deserializer: &types.Deserializer{OpenXJsonSerDe: &types.OpenXJsonSerDe{}}},
		OutputFormatConfiguration: &types.OutputFormatConfiguration{Serializer: &types.Serializer{ParquetSerDe: &types.ParquetSerDe{}}},
		SchemaConfiguration: &types.SchemaConfiguration{
			RoleARN: aws.String("arn:aws:iam::000000000000:role/r"), DatabaseName: aws.String("db"), TableName: aws.String("t"),
		},
	}
	return c
}

func (n *node) create(t testing.TB, name string, c *types.ExtendedS3DestinationConfiguration) {
	t.Helper()
	if _, err := n.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{DeliveryStreamName: &name, ExtendedS3DestinationConfiguration: c}); err != nil {
		t.Fatal(err)
	}
}

func (n *node) put(t testing.TB, name string, data ...string) {
	t.Helper()
	var recs []types.Record
	for _, d := range data {
		recs = append(recs, types.Record{Data: []byte(d)})
	}
	out, err := n.PutRecordBatch(t.Context(), &firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: recs})
	if err != nil {
		t.Fatal(err)
	}
	if *out.FailedPutCount != 0 || len(out.RequestResponses) != len(data) || *out.Encrypted {
		t.Fatalf("PutRecordBatch: %+v", out)
	}
	seen := map[string]bool{}
	for _, r := range out.RequestResponses {
		if seen[*r.RecordId] {
			t.Errorf("record id %s is there twice", *r.RecordId)
		}
		seen[*r.RecordId] = true
	}
}

func (n *node) flush(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.svc.Flush(ctx, name); err != nil {
		t.Fatal(err)
	}
}

func code(err error) string {
	var e interface{ ErrorCode() string }
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestRaw(t *testing.T) {
	n := newNode(t)
	n.create(t, "s", raw("b"))
	began := time.Now().UTC()
	n.put(t, "s", "one", "two\n", "")
	id, err := n.PutRecord(t.Context(), &firehose.PutRecordInput{DeliveryStreamName: aws.String("s"), Record: &types.Record{Data: []byte("three")}})
	if err != nil || *id.RecordId == "" {
		t.Fatal(id, err)
	}
	n.flush(t, "s")
	objects := n.s3.all()
	if len(objects) != 1 {
		t.Fatalf("%d objects", len(objects))
	}
	for k, v := range objects {
		day := func(at time.Time) bool { return strings.HasPrefix(k, "b/"+at.Format("2006/01/02/")) }
		if !day(began) && !day(time.Now().UTC()) || !strings.Contains(k, "/s-1-") {
			t.Errorf("key %s", k)
		}
		if string(v) != "onetwo\nthree" {
			t.Errorf("object %q", v)
		}
	}
	l, err := n.svc.Lag(t.Context(), "s")
	if err != nil || l.Records != 0 || l.Delivered != 4 || l.Objects != 1 {
		t.Errorf("lag %+v, %v", l, err)
	}
}

// TestZeroBuffering delivers by itself, soon.
func TestZeroBuffering(t *testing.T) {
	n := newNode(t)
	c := raw("b")
	c.BufferingHints = &types.BufferingHints{IntervalInSeconds: aws.Int32(0), SizeInMBs: aws.Int32(1)}
	n.create(t, "s", c)
	began := time.Now()
	n.put(t, "s", "x")
	for len(n.s3.all()) == 0 {
		if time.Since(began) > time.Minute {
			t.Fatal("nothing came")
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("delivered after %v", time.Since(began))
}

func TestParquetPartitions(t *testing.T) {
	n := newNode(t)
	n.glue.set("day", "string", "v", "int")
	n.create(t, "s", parquetPartitioned("b"))
	n.put(t, "s", `{"day":"2024-01-01 10","v":1}`, "{\"day\":\"2024-01-01 11\",\n \"v\":2}\n{\"day\":\"2024-01-01 10\",\"v\":3}",
		`{"v":4}`, `{"day":"2024-01-01 10","v":"many"}`, `nonsense`)
	n.flush(t, "s")
	type row struct {
		Day string `parquet:"day,optional"`
		V   int32  `parquet:"v,optional"`
	}
	got := map[string][]int32{}
	errorsSeen := 0
	for k, v := range n.s3.all() {
		if strings.HasPrefix(k, "b/errors/") {
			for line := range bytes.Lines(v) {
				var e struct{ RawData []byte }
				if err := json.Unmarshal(line, &e); err != nil || len(e.RawData) == 0 {
					t.Errorf("%s: %s: %v", k, line, err)
				}
				errorsSeen++
			}
			continue
		}
		if !strings.HasSuffix(k, ".parquet") {
			t.Errorf("key %s", k)
		}
		rows, err := parquet.Read[row](bytes.NewReader(v), int64(len(v)))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if !strings.HasPrefix(k, "b/data/"+r.Day+"/") {
				t.Errorf("%+v is in %s", r, k)
			}
			got[r.Day] = append(got[r.Day], r.V)
		}
	}
	if !slices.Equal(got["2024-01-01 10"], []int32{1, 3}) || !slices.Equal(got["2024-01-01 11"], []int32{2}) {
		t.Errorf("rows %v", got)
	}
	if errorsSeen != 3 {
		t.Errorf("%d error records, want 3", errorsSeen)
	}
}

// TestSchemaChange: rows put after a change of the table have the new columns, those
// before it the old ones. Without the table there is no delivery stream to make, and of one
// that is made the delivery waits.
func TestSchemaChange(t *testing.T) {
	n := newNode(t)
	for _, columns := range [][]string{nil, {"v", "int128"}} {
		n.glue.set(columns...)
		_, err := n.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("s"), ExtendedS3DestinationConfiguration: parquetPartitioned("b")})
		var bad *types.InvalidArgumentException
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), "data format conversion configuration cannot be") {
			t.Fatalf("columns %v: %v", columns, err)
		}
	}
	n.glue.set("v", "int")
	n.create(t, "s", parquetPartitioned("b"))
	n.glue.set()
	n.put(t, "s", `{"day":"a","v":1,"w":1}`)
	n.glue.set("v", "int")
	n.flush(t, "s")
	n.glue.set("v", "int", "w", "int")
	time.Sleep(1100 * time.Millisecond) // the plan is asked for once a second
	n.put(t, "s", `{"day":"b","v":2,"w":2}`)
	n.flush(t, "s")
	columns := map[string]int{}
	for k, v := range n.s3.all() {
		f, err := parquet.OpenFile(bytes.NewReader(v), int64(len(v)))
		if err != nil {
			t.Fatal(err)
		}
		columns[k[:len("b/data/a")]] = len(f.Schema().Fields())
	}
	if columns["b/data/a"] != 1 || columns["b/data/b"] != 2 {
		t.Errorf("columns %v", columns)
	}
}

// TestRestart: what was put and not delivered is delivered after a restart, once.
func TestRestart(t *testing.T) {
	n := newNode(t)
	n.create(t, "s", raw("b"))
	n.put(t, "s", "a", "b")
	n.flush(t, "s")
	n.put(t, "s", "c", "d")
	n.stop(t)
	n.start(t)
	n.put(t, "s", "e")
	n.flush(t, "s")
	var all []string
	for _, v := range n.s3.all() {
		all = append(all, string(v))
	}
	slices.Sort(all)
	if got := strings.Join(all, "|"); got != "ab|cde" {
		t.Errorf("objects %s", got)
	}
}

func TestDescribe(t *testing.T) {
	n := newNode(t)
	n.glue.set("v", "int")
	n.create(t, "plain", raw("b"))
	out, err := n.DescribeDeliveryStream(t.Context(), &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("plain")})
	if err != nil {
		t.Fatal(err)
	}
	d := out.DeliveryStreamDescription
	if *d.VersionId != "1" || d.DeliveryStreamStatus != "ACTIVE" || *d.HasMoreDestinations || *d.DeliveryStreamARN != "arn:aws:firehose:us-east-1:000000000000:deliverystream/plain" || len(d.Destinations) != 1 {
		t.Errorf("%+v", d)
	}
	e := d.Destinations[0].ExtendedS3DestinationDescription
	if *e.BufferingHints.SizeInMBs != 5 || *e.BufferingHints.IntervalInSeconds != 300 || e.CompressionFormat != "UNCOMPRESSED" || e.EncryptionConfiguration.NoEncryptionConfig != "NoEncryption" ||
		*e.CloudWatchLoggingOptions.Enabled || e.S3BackupMode != "Disabled" || e.Prefix != nil {
		t.Errorf("%+v", e)
	}
	n.create(t, "full", parquetPartitioned("b"))
	out, err = n.DescribeDeliveryStream(t.Context(), &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("full")})
	if err != nil {
		t.Fatal(err)
	}
	e = out.DeliveryStreamDescription.Destinations[0].ExtendedS3DestinationDescription
	if len(e.ProcessingConfiguration.Processors) != 1 || len(e.ProcessingConfiguration.Processors[0].Parameters) != 2 ||
		*e.DataFormatConversionConfiguration.SchemaConfiguration.TableName != "t" || e.DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe == nil {
		t.Errorf("%+v", e)
	}

	// An update changes what it names.
	_, err = n.UpdateDestination(t.Context(), &firehose.UpdateDestinationInput{
		DeliveryStreamName: aws.String("full"), CurrentDeliveryStreamVersionId: aws.String("1"), DestinationId: aws.String(destinationID),
		ExtendedS3DestinationUpdate: &types.ExtendedS3DestinationUpdate{BufferingHints: &types.BufferingHints{SizeInMBs: aws.Int32(100), IntervalInSeconds: aws.Int32(0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, _ = n.DescribeDeliveryStream(t.Context(), &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("full")})
	d = out.DeliveryStreamDescription
	if *d.VersionId != "2" || *d.Destinations[0].ExtendedS3DestinationDescription.BufferingHints.SizeInMBs != 100 || d.Destinations[0].ExtendedS3DestinationDescription.Prefix == nil {
		t.Errorf("%+v", d)
	}
	_, err = n.UpdateDestination(t.Context(), &firehose.UpdateDestinationInput{
		DeliveryStreamName: aws.String("full"), CurrentDeliveryStreamVersionId: aws.String("1"), DestinationId: aws.String(destinationID),
		ExtendedS3DestinationUpdate: &types.ExtendedS3DestinationUpdate{Prefix: aws.String("x/")},
	})
	if code(err) != "ConcurrentModificationException" {
		t.Error(err)
	}
}

func TestListTagDelete(t *testing.T) {
	n := newNode(t)
	ctx := t.Context()
	for _, name := range []string{"b", "a", "c"} {
		n.create(t, name, raw("b"))
	}
	l, err := n.ListDeliveryStreams(ctx, &firehose.ListDeliveryStreamsInput{Limit: aws.Int32(2)})
	if err != nil || !slices.Equal(l.DeliveryStreamNames, []string{"a", "b"}) || !*l.HasMoreDeliveryStreams {
		t.Errorf("%+v %v", l, err)
	}
	l, _ = n.ListDeliveryStreams(ctx, &firehose.ListDeliveryStreamsInput{ExclusiveStartDeliveryStreamName: aws.String("b")})
	if !slices.Equal(l.DeliveryStreamNames, []string{"c"}) || *l.HasMoreDeliveryStreams {
		t.Errorf("%+v", l)
	}
	if _, err := n.TagDeliveryStream(ctx, &firehose.TagDeliveryStreamInput{DeliveryStreamName: aws.String("a"), Tags: []types.Tag{{Key: aws.String("k2"), Value: aws.String("v")}, {Key: aws.String("k1")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.UntagDeliveryStream(ctx, &firehose.UntagDeliveryStreamInput{DeliveryStreamName: aws.String("a"), TagKeys: []string{"k1", "none"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := n.ListTagsForDeliveryStream(ctx, &firehose.ListTagsForDeliveryStreamInput{DeliveryStreamName: aws.String("a")})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "v" || *tags.HasMoreTags {
		t.Errorf("%+v %v", tags, err)
	}

	n.put(t, "a", "rest")
	if _, err := n.DeleteDeliveryStream(ctx, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: aws.String("a")}); err != nil {
		t.Fatal(err)
	}
	if len(n.s3.all()) != 1 {
		t.Error("the rest was not delivered")
	}
	if _, err := n.DescribeDeliveryStream(ctx, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("a")}); code(err) != "ResourceNotFoundException" {
		t.Error(err)
	}
	if names, _ := n.log.Shards(ctx, "firehose/"); len(names) != 2 {
		t.Errorf("shards %v", names)
	}
	n.create(t, "a", raw("b"))
	n.put(t, "a", "again")
	n.flush(t, "a")
	if len(n.s3.all()) != 2 {
		t.Errorf("%d objects", len(n.s3.all()))
	}
}

func TestErrors(t *testing.T) {
	n := newNode(t)
	ctx := t.Context()
	n.create(t, "s", raw("b"))
	big := types.Record{Data: make([]byte, 1000<<10)}
	tooLarge := types.Record{Data: make([]byte, 1000<<10+1)}
	create := func(f func(*types.ExtendedS3DestinationConfiguration)) error {
		c := parquetPartitioned("b")
		f(c)
		_, err := n.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("x"), ExtendedS3DestinationConfiguration: c})
		return err
	}
	put := func(name string, recs ...types.Record) error {
		_, err := n.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{DeliveryStreamName: &name, Records: recs})
		return err
	}
	_, again := n.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("s"), ExtendedS3DestinationConfiguration: raw("b")})
	_, none := n.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("y")})
	_, kinesis := n.CreateDeliveryStream(ctx, &firehose.CreateDeliveryStreamInput{DeliveryStreamName: aws.String("y"), DeliveryStreamType: types.DeliveryStreamTypeKinesisStreamAsSource, ExtendedS3DestinationConfiguration: raw("b")})
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"exists", again, "ResourceInUseException"},
		{"no destination", none, "InvalidArgumentException"},
		{"kinesis source", kinesis, "InvalidArgumentException"},
		{"no such stream", put("none", big), "ResourceNotFoundException"},
		{"4 MiB", put("s", big, big, big, big, big), "InvalidArgumentException"},
		{"large record", put("s", tooLarge), "ValidationException"},
		{"501 records", put("s", slices.Repeat([]types.Record{{Data: []byte("x")}}, 501)...), "ValidationException"},
		{"small buffer", create(func(c *types.ExtendedS3DestinationConfiguration) { c.BufferingHints.SizeInMBs = aws.Int32(5) }), "InvalidArgumentException"},
		{"no error prefix", create(func(c *types.ExtendedS3DestinationConfiguration) { c.ErrorOutputPrefix = nil }), "InvalidArgumentException"},
		{"compression", create(func(c *types.ExtendedS3DestinationConfiguration) { c.CompressionFormat = types.CompressionFormatGzip }), "InvalidArgumentException"},
		{"no processor", create(func(c *types.ExtendedS3DestinationConfiguration) { c.ProcessingConfiguration = nil }), "InvalidArgumentException"},
		{"bad query", create(func(c *types.ExtendedS3DestinationConfiguration) {
			c.ProcessingConfiguration.Processors[0].Parameters[0].ParameterValue = aws.String("{")
		}), "InvalidArgumentException"},
	} {
		if got := code(tt.err); got != tt.want {
			t.Errorf("%s: %s (%v), want %s", tt.name, got, tt.err, tt.want)
		}
	}
	resp, err := http.Post(n.url, "application/x-amz-json-1.1", strings.NewReader("{"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode/100 != 4 {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// FuzzDecodePut compares the fast decoder with encoding/json: what it takes is what the
// generic codec would take.
func FuzzDecodePut(f *testing.F) {
	f.Add([]byte(`{"DeliveryStreamName":"s","Records":[{"Data":"YQ=="},{"Data":""}]}`), true)
	f.Add([]byte(` { "Records" : [ { "Data" : "YWJj" } ] , "DeliveryStreamName" : "s" } `), true)
	f.Add([]byte(`{"Record":{"Data":"YQ=="},"DeliveryStreamName":"s"}`), false)
	f.Fuzz(func(t *testing.T, body []byte, many bool) {
		var b shardlog.Batch
		name, ok := decodePut(body, many, &b)
		if !ok {
			return
		}
		var v struct {
			DeliveryStreamName string
			Record             struct{ Data []byte }
			Records            []struct{ Data []byte }
		}
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatalf("taken but not JSON: %v", err)
		}
		n, size := 1, len(v.Record.Data)
		if many {
			n, size = len(v.Records), 0
			for _, r := range v.Records {
				size += len(r.Data)
			}
		}
		if string(name) != v.DeliveryStreamName || b.Len() != n || b.Size() != size {
			t.Fatalf("got %q %d %d, want %q %d %d", name, b.Len(), b.Size(), v.DeliveryStreamName, n, size)
		}
	})
}

func BenchmarkDecodePut(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"DeliveryStreamName":"stream","Records":[`)
	for i := range 500 {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"Data":"` + strings.Repeat("QUJD", 50) + `"}`)
	}
	body.WriteString(`]}`)
	var batch shardlog.Batch
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		if _, ok := decodePut(body.Bytes(), true, &batch); !ok {
			b.Fatal("not taken")
		}
	}
}
