package kinesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/broker"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// node is a service over a store in a directory, that can be stopped and started.
type node struct {
	*Service
	t      testing.TB
	dir    string
	cfg    Config
	broker *broker.Broker
	client *kinesis.Client // over HTTP
	server *httptest.Server
}

func newNode(t testing.TB, cfg Config) *node {
	t.Helper()
	n := &node{t: t, dir: t.TempDir(), cfg: cfg}
	n.start()
	t.Cleanup(n.close)
	return n
}

func (n *node) start() {
	n.t.Helper()
	b, err := broker.Start(broker.Options{Dir: n.dir})
	if err != nil {
		n.t.Fatal(err)
	}
	n.broker = b
	cfg := n.cfg
	if cfg.State, err = state.Open(n.t.Context(), b, state.Options{}); err != nil {
		n.t.Fatal(err)
	}
	if cfg.Log, err = shardlog.Open(n.t.Context(), b, shardlog.Options{Clock: cfg.Clock, Journal: broker.AppendsDir(n.dir)}); err != nil {
		n.t.Fatal(err)
	}
	if n.Service, err = New(cfg); err != nil {
		n.t.Fatal(err)
	}
	if err := n.Start(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	api, options := n.API(), awswire.HandlerOptions{OnInternalError: func(_ context.Context, op string, err error) { n.t.Logf("%s: %v", op, err) }}
	api.MaxBody = 32 << 20
	if cfg.EnforceLimits {
		options.Interceptors = []awswire.Interceptor{awswire.Throttle(n.clock.Now)}
	}
	handler, err := awswire.NewHandler(api, options)
	if err != nil {
		n.t.Fatal(err)
	}
	n.server = httptest.NewServer(handler)
	n.client = kinesis.New(kinesis.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(n.server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: ownBody{n.server.Client().Transport}},
	})
}

// ownBody sends a copy of each request's body. The SDK takes a body away when the answer's
// head is there, which can be before the transport has seen that the body ends; it then
// drops the connection, with what is left of the answer.
type ownBody struct{ http.RoundTripper }

func (o ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return o.RoundTripper.RoundTrip(r)
}

func (n *node) close() {
	n.server.Close()
	if err := n.Close(context.Background()); err != nil {
		n.t.Error(err)
	}
	n.Service.cfg.Log.Close()
	n.Service.cfg.State.Close()
	if err := n.broker.Close(); err != nil {
		n.t.Error(err)
	}
}

func (n *node) restart() {
	n.t.Helper()
	n.close()
	n.start()
}

func (n *node) create(name string, shards int) {
	n.t.Helper()
	_, err := n.client.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(int32(shards))})
	if err != nil {
		n.t.Fatal(err)
	}
}

// again has the SDK try a read again: on a busy machine its connections break now and then.
func again(o *kinesis.Options) { o.Retryer = retry.NewStandard() }

func (n *node) shards(name string) []types.Shard {
	n.t.Helper()
	out, err := n.client.ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: &name}, again)
	if err != nil {
		n.t.Fatal(err)
	}
	return out.Shards
}

func (n *node) iterator(name, shard string, kind types.ShardIteratorType, f func(*kinesis.GetShardIteratorInput)) string {
	n.t.Helper()
	in := &kinesis.GetShardIteratorInput{StreamName: &name, ShardId: &shard, ShardIteratorType: kind}
	if f != nil {
		f(in)
	}
	out, err := n.client.GetShardIterator(context.Background(), in, again)
	if err != nil {
		n.t.Fatal(err)
	}
	return *out.ShardIterator
}

// readAll reads from the iterator to the end of what there is.
func (n *node) readAll(it string) (records []types.Record, last *kinesis.GetRecordsOutput) {
	n.t.Helper()
	for {
		out, err := n.client.GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: &it, Limit: aws.Int32(100)})
		if err != nil {
			n.t.Fatal(err)
		}
		records = append(records, out.Records...)
		if out.NextShardIterator == nil || *out.MillisBehindLatest == 0 {
			return records, out
		}
		it = *out.NextShardIterator
	}
}

func texts(records []types.Record) string {
	var s []string
	for _, r := range records {
		s = append(s, string(r.Data))
	}
	return strings.Join(s, " ")
}

// want fails the test unless err has the code and its message the text.
func want(t testing.TB, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("got %v, want %s with %q", err, code, text)
	}
}

func TestStreamLifecycle(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("orders", 3)
	_, err := n.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(1)})
	want(t, err, "ResourceInUseException", "Stream orders under account 000000000000 already exists.")

	out, err := n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	d := out.StreamDescription
	if d.StreamStatus != types.StreamStatusActive || len(d.Shards) != 3 || *d.HasMoreShards || *d.RetentionPeriodHours != 24 ||
		d.EncryptionType != types.EncryptionTypeNone || d.StreamModeDetails.StreamMode != types.StreamModeProvisioned ||
		*d.StreamARN != "arn:aws:kinesis:us-east-1:000000000000:stream/orders" || len(d.EnhancedMonitoring) != 1 {
		t.Errorf("described as %+v", d)
	}
	if sh := d.Shards[2]; *sh.ShardId != "shardId-000000000002" || *sh.HashKeyRange.EndingHashKey != "340282366920938463463374607431768211455" || sh.ParentShardId != nil || sh.SequenceNumberRange.EndingSequenceNumber != nil {
		t.Errorf("last shard is %+v", sh)
	}
	page, err := n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamARN: d.StreamARN, Limit: aws.Int32(1), ExclusiveStartShardId: aws.String("shardId-000000000000")})
	if err != nil || len(page.StreamDescription.Shards) != 1 || *page.StreamDescription.Shards[0].ShardId != "shardId-000000000001" || !*page.StreamDescription.HasMoreShards {
		t.Errorf("page is %+v, %v", page, err)
	}
	sum, err := n.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("orders"), StreamARN: d.StreamARN})
	if err != nil || *sum.StreamDescriptionSummary.OpenShardCount != 3 || *sum.StreamDescriptionSummary.MaxRecordSizeInKiB != 1024 {
		t.Errorf("summary is %+v, %v", sum, err)
	}
	id := sum.StreamDescriptionSummary.StreamId
	if byID, err := n.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamId: id}); err != nil || *byID.StreamDescriptionSummary.StreamName != "orders" {
		t.Errorf("by ID: %+v, %v", byID, err)
	}
	_, err = n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{})
	want(t, err, "InvalidArgumentException", "StreamName or StreamARN")
	_, err = n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("other"), StreamARN: d.StreamARN})
	want(t, err, "InvalidArgumentException", "do not name the same stream")
	_, err = n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("other")})
	want(t, err, "ResourceNotFoundException", "Stream other under account 000000000000 not found.")

	n.restart()
	if shards := n.shards("orders"); len(shards) != 3 {
		t.Errorf("after a restart: %d shards", len(shards))
	}
	if _, err := n.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("orders")}); err != nil {
		t.Fatal(err)
	}
	_, err = n.client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("orders")})
	want(t, err, "ResourceNotFoundException", "")
	if left, err := n.Service.cfg.Log.Shards(ctx, ""); err != nil || len(left) != 0 {
		t.Errorf("shards left in the log: %v, %v", left, err)
	}
}

func TestControlDelay(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, ControlDelay: time.Second})
	ctx := t.Context()
	status := func() types.StreamStatus {
		t.Helper()
		out, err := n.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("slow")})
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) {
			return "gone"
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.StreamDescriptionSummary.StreamStatus
	}
	until := func(s types.StreamStatus) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); status() != s; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("status stays %s, want %s", status(), s)
			}
		}
	}
	n.create("slow", 1)
	if s := status(); s != types.StreamStatusCreating {
		t.Fatalf("status %s", s)
	}
	_, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("slow"), Data: []byte("x"), PartitionKey: aws.String("k")})
	want(t, err, "ResourceNotFoundException", "")
	n.restart() // goes on with it
	if s := status(); s != types.StreamStatusCreating {
		t.Fatalf("status %s", s)
	}
	clock.BlockUntilContext(ctx, 2) // the change and the sweep
	clock.Advance(time.Second)
	until(types.StreamStatusActive)

	if _, err := n.client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: aws.String("slow"), ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("1000")}); err != nil {
		t.Fatal(err)
	}
	if s := status(); s != types.StreamStatusUpdating || len(n.shards("slow")) != 1 {
		t.Fatalf("status %s, %d shards", s, len(n.shards("slow")))
	}
	clock.BlockUntilContext(ctx, 2)
	clock.Advance(time.Second)
	until(types.StreamStatusActive)
	if len(n.shards("slow")) != 3 {
		t.Errorf("%d shards", len(n.shards("slow")))
	}
	if _, err := n.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("slow")}); err != nil {
		t.Fatal(err)
	}
	until(types.StreamStatusDeleting)
	clock.BlockUntilContext(ctx, 2)
	clock.Advance(time.Second)
	until("gone")
}

func TestListStreams(t *testing.T) {
	n := newNode(t, Config{})
	for i := range 5 {
		n.create("s"+strconv.Itoa(i), 1)
	}
	var names []string
	in := &kinesis.ListStreamsInput{Limit: aws.Int32(2)}
	for {
		out, err := n.client.ListStreams(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, out.StreamNames...)
		if !*out.HasMoreStreams {
			break
		}
		in.NextToken = out.NextToken
	}
	if got := strings.Join(names, " "); got != "s0 s1 s2 s3 s4" {
		t.Errorf("listed %s", got)
	}
	_, err := n.client.ListStreams(t.Context(), &kinesis.ListStreamsInput{NextToken: aws.String("rubbish")})
	want(t, err, "InvalidArgumentException", "Invalid NextToken.")
	// Another region is another world.
	other, err := n.Service.ListStreams(awswire.WithCaller(t.Context(), awswire.Caller{Region: "eu-west-1"}), &kinesis.ListStreamsInput{})
	if err != nil || len(other.StreamNames) != 0 {
		t.Errorf("eu-west-1 has %v, %v", other.StreamNames, err)
	}
}

func TestPutAndGet(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 4)
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: fmt.Append(nil, "record ", i), PartitionKey: aws.String("key-ü" + strconv.Itoa(i))})
	}
	put, err := n.client.PutRecords(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if *put.FailedRecordCount != 0 || len(put.Records) != 500 {
		t.Fatalf("%d failed, %d answers", *put.FailedRecordCount, len(put.Records))
	}
	seen := 0
	for _, sh := range n.shards("s") {
		recs, _ := n.readAll(n.iterator("s", *sh.ShardId, types.ShardIteratorTypeTrimHorizon, nil))
		last := new(big.Int)
		for _, r := range recs {
			i, _ := strconv.Atoi(strings.TrimPrefix(string(r.Data), "record "))
			if a := put.Records[i]; *a.SequenceNumber != *r.SequenceNumber || *a.ShardId != *sh.ShardId || *r.PartitionKey != *in.Records[i].PartitionKey {
				t.Fatalf("record %d was answered %s in %s, and read as %s in %s with key %s", i, *a.SequenceNumber, *a.ShardId, *r.SequenceNumber, *sh.ShardId, *r.PartitionKey)
			}
			q, _ := new(big.Int).SetString(*r.SequenceNumber, 10)
			if q.Cmp(last) <= 0 {
				t.Fatalf("sequence numbers do not grow: %s after %s", q, last)
			}
			last = q
			k := hashOf([]byte(*r.PartitionKey)).String()
			if k < *sh.HashKeyRange.StartingHashKey && len(k) == len(*sh.HashKeyRange.StartingHashKey) {
				t.Fatalf("%s lies below its shard's range", k)
			}
		}
		seen += len(recs)
	}
	if seen != 500 {
		t.Errorf("read %d records", seen)
	}
	one, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{
		StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s"), Data: nil2empty(nil), PartitionKey: aws.String("k"),
		ExplicitHashKey: aws.String("340282366920938463463374607431768211455"), SequenceNumberForOrdering: put.Records[0].SequenceNumber,
	})
	if err != nil || *one.ShardId != "shardId-000000000003" {
		t.Errorf("PutRecord: %+v, %v", one, err)
	}
}

func nil2empty(b []byte) []byte { return append([]byte{}, b...) }

func TestPutErrors(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 2)
	put := func(f func(*kinesis.PutRecordInput)) error {
		in := &kinesis.PutRecordInput{StreamName: aws.String("s"), Data: []byte("x"), PartitionKey: aws.String("k")}
		f(in)
		_, err := n.client.PutRecord(ctx, in)
		return err
	}
	want(t, put(func(in *kinesis.PutRecordInput) { in.StreamName = aws.String("none") }), "ResourceNotFoundException", "Stream none under account")
	want(t, put(func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String("") }), "ValidationException", "partitionKey")
	want(t, put(func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String(strings.Repeat("k", 257)) }), "ValidationException", "partitionKey")
	want(t, put(func(in *kinesis.PutRecordInput) {
		in.ExplicitHashKey = aws.String("340282366920938463463374607431768211456")
	}), "InvalidArgumentException", "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456")
	ordering := func(number string) error {
		return put(func(in *kinesis.PutRecordInput) { in.SequenceNumberForOrdering = &number })
	}
	future := sequence{created: 1.7e9, frame: 3, time: seconds(n.clock.Now().Add(25 * time.Hour))}.String()
	for _, number := range []string{future, "42535295865117307932921825928971026432", "21267647932558653966460912964485513216" + "0", strings.Repeat("9", 56)} {
		want(t, ordering(number), "InvalidArgumentException", "ExclusiveMinimumSequenceNumber "+number)
	}
	for _, number := range []string{"0", "59", "21267647932558653966460912964485513216"} {
		if err := ordering(number); err != nil {
			t.Errorf("after %s: %v", number, err)
		}
	}
	want(t, put(func(in *kinesis.PutRecordInput) { in.Data = make([]byte, 1<<20) }), "ValidationException", "Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 1048576")
	want(t, put(func(in *kinesis.PutRecordInput) { in.DryRun = aws.Bool(true) }), "DryRunOperationException", "would have succeeded")
	if err := put(func(in *kinesis.PutRecordInput) { in.Data = make([]byte, 1<<20-1) }); err != nil {
		t.Error(err)
	}
	if err := put(func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String(strings.Repeat("ü", 256)) }); err != nil {
		t.Error(err)
	}
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for range 11 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, 1<<20), PartitionKey: aws.String("k")}) // each too large, too
	}
	_, err := n.client.PutRecords(ctx, in)
	want(t, err, "InvalidArgumentException", "Records size exceeds 10 MB limit")
	in.Records = make([]types.PutRecordsRequestEntry, 501)
	for i := range in.Records {
		in.Records[i] = types.PutRecordsRequestEntry{Data: []byte("x"), PartitionKey: aws.String("k")}
	}
	_, err = n.client.PutRecords(ctx, in)
	want(t, err, "ValidationException", "less than or equal to 500")
	in.Records = []types.PutRecordsRequestEntry{}
	_, err = n.client.PutRecords(ctx, in)
	want(t, err, "ValidationException", "records")
}

func TestIterators(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	n := newNode(t, Config{Clock: clock})
	ctx := t.Context()
	n.create("s", 2)
	const shard = "shardId-000000000000"
	var numbers []string
	for i := range 5 {
		out, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), Data: fmt.Append(nil, i), PartitionKey: aws.String("k"), ExplicitHashKey: aws.String("0")})
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, *out.SequenceNumber)
		clock.Advance(7 * time.Millisecond)
	}
	start := clock.Now().Add(-35 * time.Millisecond)
	for _, c := range []struct {
		kind types.ShardIteratorType
		f    func(*kinesis.GetShardIteratorInput)
		want string
	}{
		{types.ShardIteratorTypeTrimHorizon, nil, "0 1 2 3 4"},
		{types.ShardIteratorTypeLatest, nil, ""},
		{types.ShardIteratorTypeAtSequenceNumber, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = &numbers[2] }, "2 3 4"},
		{types.ShardIteratorTypeAfterSequenceNumber, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = &numbers[2] }, "3 4"},
		{types.ShardIteratorTypeAfterSequenceNumber, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = &numbers[4] }, ""},
		{types.ShardIteratorTypeAtSequenceNumber, func(in *kinesis.GetShardIteratorInput) {
			in.StartingSequenceNumber = n.shards("s")[0].SequenceNumberRange.StartingSequenceNumber
		}, "0 1 2 3 4"},
		{types.ShardIteratorTypeAfterSequenceNumber, func(in *kinesis.GetShardIteratorInput) {
			in.StartingSequenceNumber = n.shards("s")[0].SequenceNumberRange.StartingSequenceNumber
		}, "0 1 2 3 4"},
		{types.ShardIteratorTypeAtTimestamp, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(start) }, "0 1 2 3 4"},
		{types.ShardIteratorTypeAtTimestamp, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(start.Add(7 * time.Millisecond)) }, "1 2 3 4"},
		{types.ShardIteratorTypeAtTimestamp, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(start.Add(8 * time.Millisecond)) }, "2 3 4"},
		{types.ShardIteratorTypeAtTimestamp, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(start.Add(-time.Hour)) }, "0 1 2 3 4"},
		{types.ShardIteratorTypeAtTimestamp, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(clock.Now()) }, ""},
	} {
		recs, _ := n.readAll(n.iterator("s", shard, c.kind, c.f))
		if got := texts(recs); got != c.want {
			t.Errorf("%s reads %q, want %q", c.kind, got, c.want)
		}
	}

	it := n.iterator("s", shard, types.ShardIteratorTypeTrimHorizon, nil)
	out, err := n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &it, Limit: aws.Int32(2)})
	if err != nil || texts(out.Records) != "0 1" || *out.MillisBehindLatest != 28 || out.NextShardIterator == nil {
		t.Errorf("first two: %+v, %v", out, err)
	}
	if got := *out.Records[1].ApproximateArrivalTimestamp; !got.Equal(start.Add(7 * time.Millisecond)) {
		t.Errorf("arrived at %s, want %s", got, start.Add(7*time.Millisecond))
	}
	_, err = n.Service.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &it, StreamId: aws.String("aaaaaaaaaaaaaaaaaaaa-bbb")})
	want(t, err, "InvalidArgumentException", "is not that of the ShardIterator")
	if out, err := n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String(`"` + it + `"`)}); err != nil || len(out.Records) != 5 {
		t.Errorf("from an iterator in quotes: %+v, %v", out, err)
	}
	latest := n.iterator("s", shard, types.ShardIteratorTypeLatest, nil)
	clock.Advance(tokenLife)
	if _, err := n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &latest}); err != nil {
		t.Errorf("after five minutes: %v", err)
	}
	clock.Advance(time.Millisecond)
	_, err = n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &latest})
	want(t, err, "ExpiredIteratorException", "Iterator expired.")

	changed := []byte(it)
	changed[len(changed)/2] ^= 1
	for _, bad := range []string{"x", string(changed), it[:len(it)-4], "AAAAAAAAAAE="} {
		_, err := n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &bad})
		want(t, err, "InvalidArgumentException", "Invalid ShardIterator.")
	}
	get := func(kind types.ShardIteratorType, shard string, f func(*kinesis.GetShardIteratorInput)) error {
		in := &kinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: &shard, ShardIteratorType: kind}
		if f != nil {
			f(in)
		}
		_, err := n.client.GetShardIterator(ctx, in)
		return err
	}
	want(t, get(types.ShardIteratorTypeLatest, "shardId-000000000007", nil), "ResourceNotFoundException", "Shard shardId-000000000007 in stream s under account 000000000000 does not exist")
	want(t, get(types.ShardIteratorTypeAtSequenceNumber, shard, nil), "InvalidArgumentException", "no StartingSequenceNumber")
	want(t, get(types.ShardIteratorTypeAtTimestamp, shard, nil), "InvalidArgumentException", "Must specify timestampInMillis")
	want(t, get(types.ShardIteratorTypeAtTimestamp, shard, func(in *kinesis.GetShardIteratorInput) { in.Timestamp = aws.Time(clock.Now().Add(time.Second)) }), "InvalidArgumentException", "cannot be greater than")
	want(t, get(types.ShardIteratorTypeAtSequenceNumber, shard, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = aws.String("123") }), "InvalidArgumentException", "is invalid.")
	want(t, get(types.ShardIteratorTypeAtSequenceNumber, "shardId-000000000001", func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = &numbers[0] }),
		"InvalidArgumentException", "It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001")
	other := sequence{created: 1, frame: 1, time: 1}.String()
	want(t, get(types.ShardIteratorTypeAtSequenceNumber, shard, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber = &other }), "InvalidArgumentException", "because it did not come from this stream.")

	// A stream made again knows nothing of the first one's iterators.
	it = n.iterator("s", shard, types.ShardIteratorTypeTrimHorizon, nil)
	n.client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: aws.String("s")})
	n.create("s", 2)
	_, err = n.client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: &it})
	want(t, err, "ResourceNotFoundException", "")
	if recs, _ := n.readAll(n.iterator("s", shard, types.ShardIteratorTypeTrimHorizon, nil)); len(recs) != 0 {
		t.Errorf("the new stream has %d records", len(recs))
	}
}

func TestTags(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 1)
	arn := aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s")
	if _, err := n.client.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("s"), Tags: map[string]string{"b": "2", "a": "1", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.TagResource(ctx, &kinesis.TagResourceInput{ResourceARN: arn, Tags: map[string]string{"b": "3"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.UntagResource(ctx, &kinesis.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"c", "x"}}); err != nil {
		t.Fatal(err)
	}
	page, err := n.client.ListTagsForStream(ctx, &kinesis.ListTagsForStreamInput{StreamARN: arn, Limit: aws.Int32(1)})
	if err != nil || len(page.Tags) != 1 || *page.Tags[0].Key != "a" || !*page.HasMoreTags {
		t.Errorf("page %+v, %v", page, err)
	}
	all, err := n.client.ListTagsForResource(ctx, &kinesis.ListTagsForResourceInput{ResourceARN: arn})
	if err != nil || len(all.Tags) != 2 || *all.Tags[1].Value != "3" {
		t.Errorf("all %+v, %v", all, err)
	}
	_, err = n.client.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("s"), Tags: map[string]string{"bad!": "x"}})
	want(t, err, "InvalidArgumentException", "invalid characters")
	many := map[string]string{}
	for i := range 49 {
		many[strconv.Itoa(i)] = ""
	}
	_, err = n.client.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("s"), Tags: many})
	want(t, err, "InvalidArgumentException", "more than 50 tags")
}

func TestRetention(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	n := newNode(t, Config{Clock: clock})
	ctx := t.Context()
	n.create("s", 1)
	set := func(up bool, hours int32) (err error) {
		if up {
			_, err = n.client.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String("s"), RetentionPeriodHours: &hours})
		} else {
			_, err = n.client.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: aws.String("s"), RetentionPeriodHours: &hours})
		}
		return err
	}
	want(t, set(true, 23), "InvalidArgumentException", "too short")
	want(t, set(true, 8761), "InvalidArgumentException", "too long")
	if err := set(true, 48); err != nil {
		t.Fatal(err)
	}
	want(t, set(true, 24), "InvalidArgumentException", "can not be shorter than existing retention period (48 hours)")
	want(t, set(false, 72), "InvalidArgumentException", "can not be longer than existing retention period (48 hours)")
	for _, x := range []string{"old", "new"} {
		if _, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), Data: []byte(x), PartitionKey: aws.String("k")}); err != nil {
			t.Fatal(err)
		}
		clock.Advance(23 * time.Hour)
	}
	read := func() string {
		recs, _ := n.readAll(n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeTrimHorizon, nil))
		return texts(recs)
	}
	if got := read(); got != "old new" {
		t.Errorf("within 48 hours: %q", got)
	}
	if err := set(false, 24); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "new" {
		t.Errorf("within 24 hours: %q", got)
	}
}

// A stream that is made again in the same second does not know the sequence numbers of the
// first.
func TestRemadeStream(t *testing.T) {
	n := newNode(t, Config{Clock: clockwork.NewFakeClock()})
	seen := make(map[string]bool)
	old := ""
	for range 3 {
		n.create("s", 1)
		out, err := n.client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String("s"), Data: []byte("x"), PartitionKey: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		if seen[*out.SequenceNumber] {
			t.Errorf("sequence number %s again", *out.SequenceNumber)
		}
		seen[*out.SequenceNumber] = true
		if old != "" {
			_, err := n.client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("0"),
				ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: &old})
			want(t, err, "InvalidArgumentException", "did not come from this stream")
		}
		old = *out.SequenceNumber
		if _, err := n.client.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("s")}); err != nil {
			t.Fatal(err)
		}
	}
}
