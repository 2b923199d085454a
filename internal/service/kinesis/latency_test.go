package kinesis

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// BenchmarkLatency measures, over HTTP and with the SDK's client on both sides, the time
// from before a put to when a reader has the record: one that a subscription pushes to, and
// one that asks again and again. What they show beside the put itself is the part that the
// reader waits after the record is acknowledged.
func BenchmarkLatency(b *testing.B) {
	for _, size := range []int{200, 10000} {
		b.Run(fmt.Sprintf("subscriber/size=%d", size), func(b *testing.B) {
			n := newNode(b, Config{})
			n.create("s", 1)
			s := n.mustSubscribe(n.consumer("s", "c"), shard0, fromLatest)
			measure(b, n, size, func() error {
				for e := range s.Events() {
					if len(e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records) > 0 {
						return nil
					}
				}
				return fmt.Errorf("the stream has ended: %v", s.Err())
			})
		})
		b.Run(fmt.Sprintf("get/size=%d", size), func(b *testing.B) {
			n := newNode(b, Config{})
			n.create("s", 1)
			it := n.iterator("s", shard0, types.ShardIteratorTypeLatest, nil)
			measure(b, n, size, func() error {
				for {
					out, err := n.client.GetRecords(context.Background(), &kinesis.GetRecordsInput{ShardIterator: &it})
					if err != nil {
						return err
					}
					if it = *out.NextShardIterator; len(out.Records) > 0 {
						return nil
					}
				}
			})
		})
	}
}

func measure(b *testing.B, n *node, size int, await func() error) {
	data := make([]byte, size)
	var put, got, after []time.Duration
	for b.Loop() {
		start := time.Now()
		failed := make(chan error, 1)
		var at time.Time
		go func() {
			err := await()
			at = time.Now()
			failed <- err
		}()
		if _, err := n.client.PutRecord(context.Background(), &kinesis.PutRecordInput{StreamName: aws.String("s"), PartitionKey: aws.String("k"), Data: data}); err != nil {
			b.Fatal(err)
		}
		acknowledged := time.Now()
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
		put, got, after = append(put, acknowledged.Sub(start)), append(got, at.Sub(start)), append(after, max(at.Sub(acknowledged), 0))
	}
	b.ReportMetric(0, "ns/op")
	for _, m := range []struct {
		name string
		d    []time.Duration
	}{{"put", put}, {"put-to-reader", got}, {"ack-to-reader", after}} {
		slices.Sort(m.d)
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(m.d[(len(m.d)-1)*p/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", m.name, p))
		}
	}
}
