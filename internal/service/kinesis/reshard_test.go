package kinesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"
)

// checkCover fails unless the open shards cover all hash keys once.
func checkCover(t *testing.T, d *stream) {
	t.Helper()
	open := d.openByRange()
	at := hashKey{}
	for i, sh := range open {
		if sh.Start != at {
			t.Fatalf("open shard %d begins at %s, want %s", sh.Index, sh.Start, at)
		}
		if i == len(open)-1 {
			if sh.End != maxHashKey {
				t.Fatalf("the last open shard ends at %s", sh.End)
			}
			return
		}
		at = sh.End.next()
	}
}

// Kinesis makes as many shards on the way from one number to another.
func TestScale(t *testing.T) {
	now := time.Unix(1.7e9, 0)
	for _, c := range []struct{ from, to, total int }{
		{1, 1, 1}, {4, 4, 4}, {1, 2, 3}, {2, 1, 3}, {2, 4, 6}, {4, 2, 6}, {2, 3, 7}, {3, 5, 10},
		{4, 5, 15}, {4, 6, 14}, {4, 7, 13}, {10, 13, 37}, {5, 3, 7}, {10, 5, 15}, {8, 6, 10},
	} {
		d := newScaled(c.from, now)
		d.scale(c.to, now)
		checkScaled(t, d, c.to)
		if len(d.Shards) != c.total {
			t.Errorf("from %d to %d shards: %d in all, want %d", c.from, c.to, len(d.Shards), c.total)
		}
	}
}

func newScaled(n int, now time.Time) *stream {
	d := &stream{RetentionHours: 24, NextShard: n}
	for i, r := range evenRanges(n) {
		d.Shards = append(d.Shards, shard{Index: i, hashRange: r, Created: now})
	}
	return d
}

// checkScaled checks that n open shards cover all keys, none with more than twice its part.
func checkScaled(t *testing.T, d *stream, n int) {
	t.Helper()
	checkCover(t, d)
	open := d.openByRange()
	if len(open) != n {
		t.Errorf("%d open shards, want %d", len(open), n)
	}
	part := evenRanges(n)[0].End
	for _, sh := range open {
		if size := distance(sh.Start, sh.End); size.hi/2 > part.hi {
			t.Errorf("of %d shards one takes %v", n, sh.hashRange)
		}
		for _, p := range sh.Parents {
			if d.shardAt(p).open() {
				t.Errorf("parent %d of %d is open", p, sh.Index)
			}
		}
	}
}

func TestScaleAgainAndAgain(t *testing.T) {
	now := time.Unix(1.7e9, 0)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + rng.IntN(20)
		d := newScaled(n, now)
		for range 10 {
			n = (n+1)/2 + rng.IntN(2*n-(n+1)/2+1)
			d.scale(n, now)
			checkScaled(t, d, n)
		}
	}
}

// A shard that is far larger than the others is cut as often as it takes.
func TestScaleUneven(t *testing.T) {
	now := time.Unix(1.7e9, 0)
	d := newScaled(1, now)
	for i := range 5 {
		d.split(2*i, hashKey{lo: uint64(100 * (i + 1))}, now)
	}
	for _, n := range []int{12, 6, 7} {
		d.scale(n, now)
		checkScaled(t, d, n)
	}
}

func TestSplitAndMerge(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	n := newNode(t, Config{Clock: clock})
	ctx := t.Context()
	n.create("s", 2)
	put := func(data, hash string) string {
		t.Helper()
		out, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String("s"), Data: []byte(data), PartitionKey: aws.String("k"), ExplicitHashKey: &hash})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ShardId
	}
	split := func(shard, at string) error {
		_, err := n.client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: aws.String("s"), ShardToSplit: &shard, NewStartingHashKey: &at})
		return err
	}
	merge := func(a, b string) error {
		_, err := n.client.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: aws.String("s"), ShardToMerge: &a, AdjacentShardToMerge: &b})
		return err
	}
	put("a", "0")
	put("b", "1000")
	clock.Advance(time.Second)
	it := n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeTrimHorizon, nil)
	if err := split("shardId-000000000000", "1000"); err != nil {
		t.Fatal(err)
	}
	if a, b := put("c", "999"), put("d", "1000"); a != "shardId-000000000002" || b != "shardId-000000000003" {
		t.Errorf("children take as %s and %s", a, b)
	}
	recs, last := n.readAll(it)
	if texts(recs) != "a b" || last.NextShardIterator != nil || len(last.ChildShards) != 2 || *last.ChildShards[0].ShardId != "shardId-000000000002" || last.ChildShards[1].ParentShards[0] != "shardId-000000000000" {
		t.Errorf("parent reads %q, then %+v", texts(recs), last)
	}
	shards := n.shards("s")
	if p := shards[0]; p.SequenceNumberRange.EndingSequenceNumber == nil || *p.SequenceNumberRange.EndingSequenceNumber <= *recs[1].SequenceNumber {
		t.Errorf("parent is %+v", p.SequenceNumberRange)
	}
	if c := shards[3]; *c.ParentShardId != "shardId-000000000000" || *c.HashKeyRange.StartingHashKey != "1000" || c.AdjacentParentShardId != nil {
		t.Errorf("child is %+v", c)
	}
	_, last = n.readAll(n.iterator("s", "shardId-000000000000", types.ShardIteratorTypeLatest, nil))
	if last.NextShardIterator != nil {
		t.Error("LATEST of a closed shard goes on")
	}

	want(t, split("shardId-000000000000", "5"), "InvalidArgumentException", "has already been merged or split")
	want(t, split("shardId-000000000009", "5"), "ResourceNotFoundException", "Could not find shard shardId-000000000009 in stream s under account 000000000000.")
	want(t, split("shardId-000000000002", "1"), "InvalidArgumentException", "is not both greater than one plus the shard's StartingHashKey 0")
	want(t, split("shardId-000000000002", "999"), "InvalidArgumentException", "less than the shard's EndingHashKey 999")
	want(t, merge("shardId-000000000002", "shardId-000000000001"), "InvalidArgumentException", "are not an adjacent pair of shards eligible for merging")

	want(t, merge("shardId-000000000003", "shardId-000000000002"), "InvalidArgumentException", "are not an adjacent pair") // the wrong way round
	want(t, merge("x", "shardId-000000000002"), "ResourceNotFoundException", "Could not find shard x in stream s under account 000000000000.")
	want(t, split("shardId-000000000002", "340282366920938463463374607431768211456"), "InvalidArgumentException", "NewStartingHashKey 340282366920938463463374607431768211456 used in SplitShard()")

	if err := merge("shardId-000000000002", "shardId-000000000003"); err != nil {
		t.Fatal(err)
	}
	n.restart()
	if sh := put("e", "999"); sh != "shardId-000000000004" {
		t.Errorf("merged shard is %s", sh)
	}
	if m := n.shards("s")[4]; *m.ParentShardId != "shardId-000000000002" || *m.AdjacentParentShardId != "shardId-000000000003" || *m.HashKeyRange.StartingHashKey != "0" {
		t.Errorf("merged shard is %+v", m)
	}
	for kind, ids := range map[types.ShardFilterType]int{types.ShardFilterTypeAtLatest: 2, types.ShardFilterTypeAtTrimHorizon: 2, types.ShardFilterTypeFromTrimHorizon: 5} {
		out, err := n.client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("s"), ShardFilter: &types.ShardFilter{Type: kind}})
		if err != nil || len(out.Shards) != ids {
			t.Errorf("%s lists %d shards, %v; want %d", kind, len(out.Shards), err, ids)
		}
	}
	// A time before the stream is that of its beginning.
	for kind, ids := range map[types.ShardFilterType]int{types.ShardFilterTypeAtTimestamp: 2, types.ShardFilterTypeFromTimestamp: 5} {
		out, err := n.client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("s"), ShardFilter: &types.ShardFilter{Type: kind, Timestamp: aws.Time(time.Unix(1, 0))}})
		if err != nil || len(out.Shards) != ids {
			t.Errorf("%s lists %+v, %v", kind, out, err)
		}
	}
	page, err := n.client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: aws.String("s"), MaxResults: aws.Int32(3), ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: aws.String("shardId-000000000000")}})
	if err != nil || len(page.Shards) != 3 || page.NextToken == nil {
		t.Fatalf("page %+v, %v", page, err)
	}
	page, err = n.client.ListShards(ctx, &kinesis.ListShardsInput{NextToken: page.NextToken})
	if err != nil || len(page.Shards) != 1 || *page.Shards[0].ShardId != "shardId-000000000004" || page.NextToken != nil {
		t.Errorf("second page %+v, %v", page, err)
	}

	// Parents go with their last records.
	clock.Advance(24*time.Hour + time.Second)
	if got := n.shards("s"); len(got) != 2 {
		t.Errorf("after a day %d shards are listed", len(got))
	}
	d, _ := n.streams.Get("000000000000", "us-east-1", "s")
	if err := n.sweep(ctx, d); err != nil {
		t.Fatal(err)
	}
	if left, _ := n.Service.cfg.Log.Shards(ctx, ""); len(left) != 2 {
		t.Errorf("after a sweep the log has %v", left)
	}
}

func TestCreateStreamOfNoKind(t *testing.T) {
	n := newNode(t, Config{})
	if _, err := n.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	out, err := n.client.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("s")})
	if d := out.StreamDescriptionSummary; err != nil || d.StreamModeDetails.StreamMode != types.StreamModeOnDemand || *d.OpenShardCount != 4 {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestUpdateShardCountRules(t *testing.T) {
	n := newNode(t, Config{})
	n.create("s", 3)
	update := func(target int32) error {
		_, err := n.client.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: &target, ScalingType: types.ScalingTypeUniformScaling})
		return err
	}
	want(t, update(7), "LimitExceededException", "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 3, Target shard count: 7")
	want(t, update(1), "LimitExceededException", "cannot scale down below half")
	for i := range maxRescales + 2 {
		if err := update(int32(3 + i%2)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := n.client.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: aws.String("s"), Tags: map[string]string{LimitsTag: limitsEnforce}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, update(4), "LimitExceededException", "more than 10 times")
}

// Records are put while the shards change all the time: each is in the shards once, and
// in its parent before its children.
func TestPutWhileResharding(t *testing.T) {
	n := newNode(t, Config{})
	ctx := t.Context()
	n.create("s", 2)
	var stop atomic.Bool
	var acked atomic.Int64
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
				for j := range 10 {
					id := fmt.Sprint(w, "/", i, "/", j)
					in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: []byte(id), PartitionKey: &id})
				}
				out, err := n.PutRecords(ctx, in)
				if err != nil || *out.FailedRecordCount != 0 {
					t.Errorf("put: %+v, %v", out, err)
					return
				}
				acked.Add(10)
			}
		})
	}
	for _, target := range []int32{4, 3, 5, 3, 2, 1, 2} {
		if _, err := n.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: aws.String("s"), TargetShardCount: &target}); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	seen := map[string]bool{}
	for _, sh := range n.shards("s") {
		recs, _ := n.readAll(n.iterator("s", *sh.ShardId, types.ShardIteratorTypeTrimHorizon, nil))
		for _, r := range recs {
			if seen[string(r.Data)] {
				t.Fatalf("%s is there twice", r.Data)
			}
			seen[string(r.Data)] = true
			k := hashOf(r.Data)
			start, _ := parseHashKey(*sh.HashKeyRange.StartingHashKey)
			end, _ := parseHashKey(*sh.HashKeyRange.EndingHashKey)
			if k.compare(start) < 0 || k.compare(end) > 0 {
				t.Fatalf("%s lies in %s, whose range it is not in", r.Data, *sh.ShardId)
			}
		}
	}
	if len(seen) != int(acked.Load()) {
		t.Errorf("%d records were acknowledged, %d are there", acked.Load(), len(seen))
	}
}

func TestSettings(t *testing.T) {
	n := newNode(t, Config{})
	ctx := context.Background()
	_, err := n.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("s"), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}, MaxRecordSizeInKiB: aws.Int32(2048), Tags: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s")
	if got := n.shards("s"); len(got) != 4 {
		t.Errorf("%d shards on demand", len(got))
	}
	_, err = n.client.SplitShard(ctx, &kinesis.SplitShardInput{StreamARN: arn, ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("10")})
	want(t, err, "ValidationException", "Stream s under account 000000000000 is in On-Demand mode.")
	if _, err := n.client.UpdateStreamWarmThroughput(ctx, &kinesis.UpdateStreamWarmThroughputInput{StreamARN: arn, WarmThroughputMiBps: aws.Int32(100)}); err != nil {
		t.Error(err)
	}
	en, err := n.client.EnableEnhancedMonitoring(ctx, &kinesis.EnableEnhancedMonitoringInput{StreamARN: arn, ShardLevelMetrics: []types.MetricsName{types.MetricsNameAll}})
	if err != nil || len(en.CurrentShardLevelMetrics) != 0 || len(en.DesiredShardLevelMetrics) != 7 {
		t.Errorf("enabled %+v, %v", en, err)
	}
	dis, err := n.client.DisableEnhancedMonitoring(ctx, &kinesis.DisableEnhancedMonitoringInput{StreamARN: arn, ShardLevelMetrics: []types.MetricsName{types.MetricsNameIncomingBytes}})
	if err != nil || len(dis.CurrentShardLevelMetrics) != 7 || len(dis.DesiredShardLevelMetrics) != 6 {
		t.Errorf("disabled %+v, %v", dis, err)
	}
	if _, err := n.client.StartStreamEncryption(ctx, &kinesis.StartStreamEncryptionInput{StreamARN: arn, EncryptionType: types.EncryptionTypeKms, KeyId: aws.String("alias/aws/kinesis")}); err != nil {
		t.Error(err)
	}
	put, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: arn, Data: make([]byte, 2<<20-1), PartitionKey: aws.String("k")})
	if err != nil || put.EncryptionType != types.EncryptionTypeKms {
		t.Errorf("put %+v, %v", put, err)
	}
	recs, _ := n.readAll(n.iterator("s", *put.ShardId, types.ShardIteratorTypeTrimHorizon, nil))
	if len(recs) != 1 || recs[0].EncryptionType != types.EncryptionTypeKms || len(recs[0].Data) != 2<<20-1 {
		t.Errorf("read %d records", len(recs))
	}
	if p, err := n.client.GetResourcePolicy(ctx, &kinesis.GetResourcePolicyInput{ResourceARN: arn}); err != nil || *p.Policy != "{}" {
		t.Errorf("no policy %+v, %v", p, err)
	}
	_, err = n.client.DeleteResourcePolicy(ctx, &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
	want(t, err, "ResourceNotFoundException", "No resource policy")
	_, err = n.client.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: aws.String(`{"Version":"2012-10-17"}`)})
	want(t, err, "InvalidArgumentException", "Invalid policy document")
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"kinesis:PutRecord","Resource":"` + *arn + `"}}`
	if _, err := n.client.PutResourcePolicy(ctx, &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &text}); err != nil {
		t.Error(err)
	}
	if p, err := n.client.GetResourcePolicy(ctx, &kinesis.GetResourcePolicyInput{ResourceARN: arn}); err != nil || *p.Policy != text {
		t.Errorf("policy %+v, %v", p, err)
	}
	for on, want := range map[string]string{*arn: text, *arn + "/consumer/none:1": "", *arn + "x": "", "arn:aws:kinesis:us-east-1:1:stream/": "", "*": ""} {
		if got, _, err := n.Service.ResourcePolicy(ctx, on); err != nil || got != want {
			t.Errorf("the policy of %s: %q, %v", on, got, err)
		}
	}
	// What policies take for no ARN of a stream finds none.
	_, err = n.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: aws.String(strings.Replace(*arn, "arn:aws:", "arn:awsome:", 1))})
	want(t, err, "InvalidArgumentException", "is not the ARN of a stream")
	n.restart()
	sum, err := n.client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: arn})
	if err != nil {
		t.Fatal(err)
	}
	d := sum.StreamDescriptionSummary
	if d.EncryptionType != types.EncryptionTypeKms || *d.KeyId != "alias/aws/kinesis" || len(d.EnhancedMonitoring[0].ShardLevelMetrics) != 6 ||
		d.StreamModeDetails.StreamMode != types.StreamModeOnDemand || *d.MaxRecordSizeInKiB != 2048 || *d.WarmThroughput.CurrentMiBps != 100 {
		t.Errorf("summary %+v", d)
	}
	if _, err := n.client.UpdateStreamMode(ctx, &kinesis.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeProvisioned}}); err != nil {
		t.Error(err)
	}
	if _, err := n.client.UpdateMaxRecordSize(ctx, &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: aws.Int32(10240)}); err != nil {
		t.Error(err)
	}
	if _, err := n.client.PutRecord(ctx, &kinesis.PutRecordInput{StreamARN: arn, Data: make([]byte, 10<<20-1), PartitionKey: aws.String("k")}); err != nil {
		t.Error(err)
	}
	limits, err := n.client.DescribeLimits(ctx, &kinesis.DescribeLimitsInput{})
	if err != nil || *limits.OpenShardCount != 4 || *limits.OnDemandStreamCount != 0 {
		t.Errorf("limits %+v, %v", limits, err)
	}
	_, err = n.client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("t"), ShardCount: aws.Int32(*limits.ShardLimit)})
	want(t, err, "LimitExceededException", "Number of additional shards that would have resulted from this request: "+strconv.Itoa(int(*limits.ShardLimit)))
	if _, err := n.client.UpdateAccountSettings(ctx, &kinesis.UpdateAccountSettingsInput{MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: types.MinimumThroughputBillingCommitmentInputStatusEnabled}}); err != nil {
		t.Error(err)
	}
	if a, err := n.client.DescribeAccountSettings(ctx, &kinesis.DescribeAccountSettingsInput{}); err != nil || a.MinimumThroughputBillingCommitment.Status != types.MinimumThroughputBillingCommitmentOutputStatusEnabled {
		t.Errorf("account %+v, %v", a, err)
	}
}
