package kinesis

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// UpdateStreamRecordDistributionStrategy says where an on-demand stream puts its records:
// by their keys (USER_PARTITION_KEY), or evenly over its shards whatever their keys (AUTO).
// It holds at once, for records that come after.
func (s *Service) UpdateStreamRecordDistributionStrategy(ctx context.Context, in *kinesis.UpdateStreamRecordDistributionStrategyInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateStreamRecordDistributionStrategyOutput, error) {
	err := s.change(ctx, nil, in.StreamARN, in.StreamId, func(d *stream) error {
		if d.Mode != types.StreamModeOnDemand && in.RecordDistributionStrategy == types.RecordDistributionStrategyAuto {
			return invalid("RecordDistributionStrategy AUTO is only supported for a stream in ON_DEMAND mode.")
		}
		d.Distribution = string(in.RecordDistributionStrategy)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateStreamRecordDistributionStrategyOutput{}, nil
}

// distribute gives the records of a stream that distributes by itself their places, and
// refuses a record without a partition key on any other.
func (p *put) distribute() error {
	auto := p.view.doc.Distribution == string(types.RecordDistributionStrategyAuto)
	if !auto && !p.keyless {
		return nil
	}
	for i := range p.entries {
		e := &p.entries[i]
		switch {
		case auto:
			e.explicit, e.hasExplicit = hashKey{rand.Uint64(), rand.Uint64()}, true
		case len(e.key) == 0:
			member := "partitionKey"
			if !p.single {
				member = fmt.Sprintf("records.%d.member.partitionKey", i+1)
			}
			return awswire.Validationf("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
		}
	}
	return nil
}

// distribution is a stream's strategy as DescribeStreamSummary returns it.
func (d *stream) distribution() types.RecordDistributionStrategy {
	if d.Mode == types.StreamModeOnDemand && d.Distribution == "" {
		return types.RecordDistributionStrategyUserPartitionKey
	}
	return types.RecordDistributionStrategy(d.Distribution)
}
