package wildrydes

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/generate"
)

// Fly puts a reading of each unicorn into a stream every second until ctx ends: an object of JSON and a line
// feed, with the unicorn's name as its partition key. put is told of each record; nil: nobody is.
func Fly(ctx context.Context, client *kinesis.Client, stream string, names []string, put func(data []byte)) error {
	fleet, err := generate.Builtin("unicorns", generate.Options{Seed: uint64(time.Now().UnixNano()), Names: names})
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		in := &kinesis.PutRecordsInput{StreamName: &stream}
		for _, name := range names {
			data := append(fleet.Append(nil, time.Now()), '\n')
			in.Records = append(in.Records, kinesistypes.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(name)})
		}
		out, err := client.PutRecords(ctx, in)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("put the fleet's readings: %w", err)
		}
		for i, r := range out.Records {
			if r.ErrorCode == nil && put != nil {
				put(in.Records[i].Data)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Watch hands the records that come into a stream to see until ctx ends: all shards are asked once a
// second.
func Watch(ctx context.Context, client *kinesis.Client, stream string, see func(data []byte)) error {
	shards, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: &stream})
	if err != nil {
		return err
	}
	var iterators []string
	for _, s := range shards.Shards {
		out, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: s.ShardId, ShardIteratorType: kinesistypes.ShardIteratorTypeLatest})
		if err != nil {
			return err
		}
		iterators = append(iterators, aws.ToString(out.ShardIterator))
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for len(iterators) > 0 {
		for i, it := range iterators {
			out, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String(it)})
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			for _, r := range out.Records {
				see(r.Data)
			}
			iterators[i] = aws.ToString(out.NextShardIterator)
		}
		iterators = slices.DeleteFunc(iterators, func(it string) bool { return it == "" }) // shards that have ended
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
