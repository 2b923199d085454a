package crash

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

const crashStream = "under-fire"

// ackedRecord is what a put was answered.
type ackedRecord struct {
	shard, sequence string
}

func TestKinesisKeepsWhatItAcknowledged(t *testing.T) {
	const writers, batch = 6, 25
	var (
		mu    sync.Mutex
		acked = make(map[string]ackedRecord)
		next  int
	)
	client := func(n *nodetest.Node) *kinesis.Client {
		// A retry after a lost answer would put the record again: that is the client's doing.
		return kinesis.NewFromConfig(n.AWS(), func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	}
	n := underFire(t, func(n *nodetest.Node) {
		_, err := client(n).CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crashStream), ShardCount: aws.Int32(3)})
		if err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context, n *nodetest.Node) {
		c := client(n)
		var wg sync.WaitGroup
		wg.Go(func() { change(ctx, c) })
		for range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					entries := make([]types.PutRecordsRequestEntry, batch)
					mu.Lock()
					for i := range entries {
						id := fmt.Sprintf("record-%d", next)
						next++
						entries[i] = types.PutRecordsRequestEntry{Data: []byte(id), PartitionKey: aws.String(id)}
					}
					mu.Unlock()
					out, err := c.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: aws.String(crashStream), Records: entries})
					if err != nil {
						return // the node is dead, or about to be
					}
					mu.Lock()
					for i, r := range out.Records {
						if r.ErrorCode == nil {
							acked[string(entries[i].Data)] = ackedRecord{*r.ShardId, *r.SequenceNumber}
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	})
	seen := make(map[string]bool)
	c := kinesis.NewFromConfig(n.AWS())
	shards, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String(crashStream)})
	if err != nil {
		t.Fatal(err)
	}
	if shards.NextToken != nil {
		t.Fatal("more shards than a page holds")
	}
	for _, s := range shards.Shards {
		last := new(big.Int)
		for _, r := range readShard(t, c, *s.ShardId) {
			id := string(r.Data)
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
			if a, ok := acked[id]; ok && (a != ackedRecord{*s.ShardId, *r.SequenceNumber}) {
				t.Errorf("%s was acknowledged as %v, read as %s in %s", id, a, *r.SequenceNumber, *s.ShardId)
			}
			seq, _ := new(big.Int).SetString(*r.SequenceNumber, 10)
			if seq.Cmp(last) <= 0 {
				t.Errorf("%s: sequence number %s does not grow", *s.ShardId, seq)
			}
			last = seq
		}
	}
	lost := 0
	for id := range acked {
		if !seen[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged records are lost", lost, len(acked))
	}
	t.Logf("%d kills: %d records acknowledged, %d there, in %d shards", *rounds, len(acked), len(seen), len(shards.Shards))
}

// change rescales the stream and changes its retention. When the node dies meanwhile, the
// next start goes on with it, so that errors say nothing.
func change(ctx context.Context, c *kinesis.Client) {
	hours := aws.Int32(int32(24 + rand.IntN(48)))
	_, _ = c.IncreaseStreamRetentionPeriod(ctx, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: aws.String(crashStream), RetentionPeriodHours: hours})
	_, _ = c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{
		StreamName: aws.String(crashStream), TargetShardCount: aws.Int32(int32(2 + rand.IntN(3))), ScalingType: types.ScalingTypeUniformScaling,
	})
	_, _ = c.DecreaseStreamRetentionPeriod(ctx, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: aws.String(crashStream), RetentionPeriodHours: hours})
}

// reading has a client try calls again, which clients of these tests do not: to read twice does no harm.
func reading(o *kinesis.Options) { o.RetryMaxAttempts = 3 }

func readShard(t *testing.T, c *kinesis.Client, shard string) []types.Record {
	t.Helper()
	it, err := c.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
		StreamName: aws.String(crashStream), ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatal(err)
	}
	var recs []types.Record
	for next := it.ShardIterator; ; {
		out, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: next}, reading)
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, out.Records...)
		if out.NextShardIterator == nil || len(out.Records) == 0 && aws.ToInt64(out.MillisBehindLatest) == 0 {
			return recs
		}
		next = out.NextShardIterator
	}
}
