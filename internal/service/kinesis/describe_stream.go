package kinesis

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// DescribeStream returns a stream's settings and a page of its shards, by index: 100 unless
// Limit says otherwise.
func (s *Service) DescribeStream(ctx context.Context, in *kinesis.DescribeStreamInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	after, err := exclusiveStart(in.ExclusiveStartShardId)
	if err != nil {
		return nil, err
	}
	shards, more := s.shardPage(d, after, pageSize(in.Limit, 100), nil)
	return &kinesis.DescribeStreamOutput{StreamDescription: &types.StreamDescription{
		StreamName:              aws.String(d.Name),
		StreamARN:               aws.String(d.arn()),
		StreamStatus:            d.Status,
		StreamModeDetails:       &types.StreamModeDetails{StreamMode: d.Mode},
		Shards:                  shards,
		HasMoreShards:           aws.Bool(more),
		RetentionPeriodHours:    aws.Int32(int32(d.RetentionHours)),
		StreamCreationTimestamp: aws.Time(d.Created),
		EnhancedMonitoring:      d.monitoring(),
		EncryptionType:          d.encryption(),
		KeyId:                   d.keyID(),
	}}, nil
}

// DescribeStreamSummary returns a stream's settings and counts.
func (s *Service) DescribeStreamSummary(ctx context.Context, in *kinesis.DescribeStreamSummaryInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	open := d.openShards()
	if d.Status == types.StreamStatusCreating {
		open = 0
	}
	out := &types.StreamDescriptionSummary{
		StreamName:              aws.String(d.Name),
		StreamARN:               aws.String(d.arn()),
		StreamId:                aws.String(d.ID),
		StreamStatus:            d.Status,
		StreamModeDetails:       &types.StreamModeDetails{StreamMode: d.Mode},
		RetentionPeriodHours:    aws.Int32(int32(d.RetentionHours)),
		StreamCreationTimestamp: aws.Time(d.Created),
		EnhancedMonitoring:      d.monitoring(),
		EncryptionType:          d.encryption(),
		KeyId:                   d.keyID(),
		OpenShardCount:          aws.Int32(int32(open)),
		ConsumerCount:           aws.Int32(int32(len(s.consumers(d)))),
		MaxRecordSizeInKiB:      aws.Int32(int32(d.MaxRecordKiB)),
	}
	if d.Mode == types.StreamModeOnDemand {
		out.WarmThroughput = d.warmThroughput()
		out.RecordDistributionStrategy = d.distribution()
	}
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: out}, nil
}

func (d *stream) warmThroughput() *types.WarmThroughputObject {
	return &types.WarmThroughputObject{TargetMiBps: aws.Int32(int32(d.WarmMiBps)), CurrentMiBps: aws.Int32(int32(d.WarmMiBps))}
}

func (d *stream) monitoring() []types.EnhancedMetrics {
	return []types.EnhancedMetrics{{ShardLevelMetrics: d.shardMetrics()}}
}

func (d *stream) shardMetrics() []types.MetricsName {
	out := make([]types.MetricsName, len(d.Metrics))
	for i, m := range d.Metrics {
		out[i] = types.MetricsName(m)
	}
	return out
}

func (d *stream) encryption() types.EncryptionType {
	if d.KeyID != "" {
		return types.EncryptionTypeKms
	}
	return types.EncryptionTypeNone
}

func (d *stream) keyID() *string {
	if d.KeyID == "" {
		return nil
	}
	return aws.String(d.KeyID)
}

func pageSize(limit *int32, otherwise int) int {
	if limit == nil {
		return otherwise
	}
	return int(*limit)
}

// exclusiveStart returns the shard index that a page begins after, -1 for none.
func exclusiveStart(id *string) (int, error) {
	if id == nil {
		return -1, nil
	}
	index, ok := parseShardID(*id)
	if !ok {
		return 0, invalid("ExclusiveStartShardId %s is not the ID of a shard.", *id)
	}
	return index, nil
}

// shardPage returns up to n shards with an index above after that keep wants (nil: all),
// and whether there are more. A stream that is being made has none yet.
func (s *Service) shardPage(d *stream, after, n int, keep func(*shard) bool) (shards []types.Shard, more bool) {
	shards = []types.Shard{}
	if d.Status == types.StreamStatusCreating {
		return shards, false
	}
	now := s.clock.Now()
	for i := range d.Shards {
		sh := &d.Shards[i]
		if sh.Index <= after || d.expired(sh, now) || keep != nil && !keep(sh) {
			continue
		}
		if len(shards) == n {
			return shards, true
		}
		shards = append(shards, sh.describe())
	}
	return shards, false
}

// DescribeLimits returns the limits of the caller's account and region, and what of them is
// used.
func (s *Service) DescribeLimits(ctx context.Context, _ *kinesis.DescribeLimitsInput, _ ...func(*kinesis.Options)) (*kinesis.DescribeLimitsOutput, error) {
	caller := awswire.CallerFrom(ctx)
	shards, err := s.provisionedShards(caller)
	if err != nil {
		return nil, err
	}
	onDemand, err := s.onDemandStreams(caller)
	if err != nil {
		return nil, err
	}
	return &kinesis.DescribeLimitsOutput{
		ShardLimit:               aws.Int32(int32(s.cfg.ShardLimit)),
		OpenShardCount:           aws.Int32(int32(shards)),
		OnDemandStreamCount:      aws.Int32(int32(onDemand)),
		OnDemandStreamCountLimit: aws.Int32(int32(s.cfg.OnDemandLimit)),
	}, nil
}
