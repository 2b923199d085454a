package kinesis

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"
	"github.com/jonboulle/clockwork"
)

// putMany puts records of a size with one hash key and returns how many were taken.
func (n *node) putMany(name string, records, size int, hash string) (taken int, last *kinesis.PutRecordsOutput) {
	n.t.Helper()
	in := &kinesis.PutRecordsInput{StreamName: &name}
	for range records {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{
			Data: make([]byte, size-1), PartitionKey: aws.String("k"), ExplicitHashKey: &hash,
		})
	}
	last, err := n.client.PutRecords(context.Background(), in)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, r := range last.Records {
		if r.ErrorCode == nil {
			taken++
		}
	}
	if taken+int(*last.FailedRecordCount) != records {
		n.t.Errorf("%d taken and %d failed of %d", taken, *last.FailedRecordCount, records)
	}
	return taken, last
}

func TestWriteLimits(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 2)
	const upper = "340282366920938463463374607431768211455"
	for _, step := range []struct {
		records, size int
		hash          string
		advance       time.Duration
		want          int
	}{
		{500, 100, "0", 0, 500},
		{500, 100, "0", 0, 500},
		{500, 100, "0", 999 * time.Millisecond, 0},
		{500, 100, upper, 0, 500}, // another shard
		{500, 100, "0", time.Millisecond, 500},
		{20, 100 << 10, "0", time.Second, 10}, // 1 MiB holds 10 of them
		{1, 24 << 10, "0", 0, 1},
		{1, 1, "0", 0, 0},
		{1, 24 << 10, "0", time.Second, 1},
	} {
		clock.Advance(step.advance)
		taken, out := n.putMany("s", step.records, step.size, step.hash)
		if taken != step.want {
			t.Errorf("%+v: %d taken", step, taken)
		}
		if taken < step.records {
			last := out.Records[step.records-1]
			if *last.ErrorCode != "ProvisionedThroughputExceededException" ||
				*last.ErrorMessage != "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000." || last.SequenceNumber != nil {
				t.Errorf("%+v: %s %s", step, *last.ErrorCode, *last.ErrorMessage)
			}
		}
	}
	n.putMany("s", 1, 1<<20-24<<10, "0")
	_, err := n.client.PutRecord(t.Context(), &kinesis.PutRecordInput{
		StreamName: aws.String("s"), Data: []byte("x"), PartitionKey: aws.String("k"), ExplicitHashKey: aws.String("0"),
	})
	want(t, err, "ProvisionedThroughputExceededException", "Rate exceeded for shard shardId-000000000000 in stream s")
}

func TestReadLimits(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 1)
	for range 12 {
		if taken, _ := n.putMany("s", 1, 1<<20, "0"); taken != 1 {
			t.Fatal("not taken")
		}
		clock.Advance(time.Second)
	}
	get := func(it string) (*kinesis.GetRecordsOutput, error) {
		return n.client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it})
	}
	latest := n.iterator("s", "0", types.ShardIteratorTypeLatest, nil)
	for i := range 5 {
		if _, err := get(latest); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
	}
	_, err := get(latest)
	want(t, err, "ProvisionedThroughputExceededException", "Rate exceeded for shard shardId-000000000000 in stream s under account")
	clock.Advance(time.Second)
	horizon := n.iterator("s", "0", types.ShardIteratorTypeTrimHorizon, nil)
	out, err := get(horizon)
	if err != nil || len(out.Records) != 10 {
		t.Fatalf("%d records, %v", len(out.Records), err)
	}
	clock.Advance(4999 * time.Millisecond)
	_, err = get(*out.NextShardIterator)
	want(t, err, "ProvisionedThroughputExceededException", "")
	clock.Advance(time.Millisecond)
	if out, err = get(*out.NextShardIterator); err != nil || len(out.Records) != 2 {
		t.Fatalf("%d records, %v", len(out.Records), err)
	}
	clock.Advance(time.Second)
	for range 5 {
		n.iterator("s", "0", types.ShardIteratorTypeLatest, nil)
	}
	_, err = n.client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String("s"), ShardId: aws.String("0"), ShardIteratorType: types.ShardIteratorTypeLatest})
	want(t, err, "ProvisionedThroughputExceededException", "")
}

func TestLimitsByTag(t *testing.T) {
	for _, enforce := range []bool{false, true} {
		n := newNode(t, Config{Clock: clockwork.NewFakeClock(), EnforceLimits: enforce})
		for i, tag := range []string{"", "enforce", "off"} {
			name := fmt.Sprint("s", i)
			in := &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}
			if tag != "" {
				in.Tags = map[string]string{LimitsTag: tag}
			}
			if _, err := n.client.CreateStream(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			n.putMany(name, 500, 10, "0")
			n.putMany(name, 500, 10, "0")
			taken, _ := n.putMany(name, 500, 10, "0")
			if limited := taken == 0; limited != (tag == "enforce" || tag == "" && enforce) {
				t.Errorf("configured %v, tag %q: %d taken", enforce, tag, taken)
			}
		}
		_, err := n.client.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: aws.String("s0"), Tags: map[string]string{LimitsTag: "on"}})
		want(t, err, "InvalidArgumentException", "its value is enforce or off")
	}
}

func TestCallLimits(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 1)
	describe := func() error {
		_, err := n.client.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: aws.String("s")})
		return err
	}
	for range 10 {
		if err := describe(); err != nil {
			t.Fatal(err)
		}
	}
	want(t, describe(), "LimitExceededException", "Rate exceeded for stream s under account 000000000000.")
	clock.Advance(time.Second)
	if err := describe(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{}); err != nil {
		t.Fatal(err)
	}
	_, err := n.client.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{})
	want(t, err, "LimitExceededException", "Rate exceeded for account 000000000000.")
}

func TestOnDemandScales(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	_, err := n.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("d"), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
	if err != nil {
		t.Fatal(err)
	}
	open := func() int32 {
		out, err := n.Service.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("d")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.StreamDescriptionSummary.OpenShardCount
	}
	if open() != 4 {
		t.Fatalf("an on-demand stream begins with %d shards", open())
	}
	// More than half of what four shards take.
	in := &kinesis.PutRecordsInput{StreamName: aws.String("d")}
	for i := range 500 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: []byte("x"), PartitionKey: aws.String(fmt.Sprint("key", i))})
	}
	for range 61 {
		for range 5 {
			if _, err := n.Service.PutRecords(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Second)
	}
	for end := time.Now().Add(time.Minute); open() == 4 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if got := open(); got <= 4 || got > 8 {
		t.Errorf("%d shards after a minute at the limit", got)
	}
}

// Once nothing in the last 30 days needs them, an on-demand stream gives shards back.
func TestOnDemandScalesDown(t *testing.T) {
	day, took := 24*time.Hour, 6.0
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	d := newScaled(16, now)
	d.Mode = types.StreamModeOnDemand
	want := func(shards int) {
		t.Helper()
		d.demand(took, now)
		if got := d.demanded(took, now); got != shards {
			t.Errorf("%s: %d shards, want %d", now.Format(time.DateOnly), got, shards)
		}
	}
	want(16)
	took = 0.1
	now = now.Add(20 * day)
	want(16)
	now = now.Add(11 * day)
	want(8)
	d.scale(8, now)
	now = now.Add(time.Hour)
	want(4)
	d.scale(4, now)
	want(4) // as few as it began with
	took = 3
	want(6)
	if len(d.Peaks) > 31 {
		t.Errorf("%d days are kept", len(d.Peaks))
	}
}

func TestCreatingLimit(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true, ControlDelay: time.Minute})
	create := func(i int) error {
		_, err := n.Service.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(fmt.Sprint("s", i)), ShardCount: aws.Int32(1)})
		return err
	}
	for i := range maxCreating {
		if err := create(i); err != nil {
			t.Fatal(err)
		}
	}
	want(t, create(maxCreating), "LimitExceededException", "5 streams in state CREATING")
	clock.Advance(time.Minute)
	first := func() bool {
		d, err := n.streams.Get("000000000000", "us-east-1", "s0")
		return err == nil && d.Status == types.StreamStatusActive
	}
	for end := time.Now().Add(time.Minute); !(first() && create(maxCreating) == nil) && time.Now().Before(end); {
		clock.Advance(time.Second)
		time.Sleep(10 * time.Millisecond)
	}
	register := func(i int) error {
		_, err := n.Service.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{
			StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s0"), ConsumerName: aws.String(fmt.Sprint("c", i))})
		return err
	}
	for i := range maxCreating {
		if err := register(i); err != nil {
			t.Fatal(err)
		}
	}
	want(t, register(maxCreating), "LimitExceededException", "5 consumers in state CREATING")
	clock.Advance(time.Minute)
	if err := register(maxCreating); err != nil {
		t.Error(err)
	}
}

func TestEncryptionLimit(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 1)
	start := func() error {
		_, err := n.Service.StartStreamEncryption(t.Context(), &kinesis.StartStreamEncryptionInput{StreamName: aws.String("s"), EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")})
		return err
	}
	stop := func() error {
		_, err := n.Service.StopStreamEncryption(t.Context(), &kinesis.StopStreamEncryptionInput{StreamName: aws.String("s"), EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")})
		return err
	}
	for _, f := range []func() error{start, stop} {
		for range maxEncryptions {
			if err := f(); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
		}
		want(t, f(), "LimitExceededException", "25 times within 24 hours")
	}
	clock.Advance(24 * time.Hour)
	if err := start(); err != nil {
		t.Error(err)
	}
}

func TestThrottledAnswerInCBOR(t *testing.T) {
	n := newNode(t, Config{Clock: clockwork.NewFakeClock(), EnforceLimits: true})
	n.create("s", 1)
	half := make([]byte, 600<<10)
	body := cborPut(false, entry{data: half, key: []byte("a")}, entry{data: half, key: []byte("b")})
	req, err := http.NewRequest(http.MethodPost, n.server.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecords")
	req.Header.Set("Content-Type", "application/x-amz-cbor-1.1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		FailedRecordCount int
		Records           []struct{ SequenceNumber, ShardId, ErrorCode, ErrorMessage string }
	}
	if err := cbor.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if out.FailedRecordCount != 1 || len(out.Records) != 2 || out.Records[0].SequenceNumber == "" ||
		out.Records[1].ErrorCode != "ProvisionedThroughputExceededException" || out.Records[1].SequenceNumber != "" {
		t.Errorf("got %+v", out)
	}
}

func TestModeSwitches(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := newNode(t, Config{Clock: clock, EnforceLimits: true})
	n.create("s", 1)
	change := func(mode types.StreamMode) error {
		_, err := n.client.UpdateStreamMode(t.Context(), &kinesis.UpdateStreamModeInput{
			StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s"), StreamModeDetails: &types.StreamModeDetails{StreamMode: mode}})
		return err
	}
	for _, mode := range []types.StreamMode{types.StreamModeOnDemand, types.StreamModeProvisioned} {
		if err := change(mode); err != nil {
			t.Fatal(err)
		}
	}
	want(t, change(types.StreamModeOnDemand), "LimitExceededException", "2 times within 24 hours")
	clock.Advance(24 * time.Hour)
	if err := change(types.StreamModeOnDemand); err != nil {
		t.Fatal(err)
	}
}
