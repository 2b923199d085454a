package firehose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
)

// newSource looks up the stream that a delivery stream is to read.
func (s *Service) newSource(ctx context.Context, d *streamDoc) (*sourceConfig, error) {
	arn, role := d.Source.StreamARN, d.Source.RoleARN
	if s.cfg.Kinesis == nil {
		return nil, invalid("DeliveryStreamType KinesisStreamAsSource needs Kinesis, which this node does not have")
	}
	k := shardreader.KinesisAs(s.cfg.Kinesis, d.acting(role))
	out, err := k.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &arn})
	if err != nil {
		var e smithy.APIError
		if errors.As(err, &e) {
			if isDenied(err) {
				return nil, invalid("Role %s is not authorized to perform: kinesis:DescribeStream on resource %s.", role, arn)
			}
			return nil, invalid("Kinesis stream %s cannot be read: %s", arn, e.ErrorMessage())
		}
		return nil, err
	}
	if st := out.StreamDescriptionSummary.StreamStatus; st != kinesistypes.StreamStatusActive && st != kinesistypes.StreamStatusUpdating {
		return nil, invalid("Kinesis stream %s is %s; it must be ACTIVE", arn, st)
	}
	c := &sourceConfig{StreamARN: arn, RoleARN: role}
	// Times of records have whole milliseconds: what is put from the next one on is in.
	c.Started = s.clock.Now().UTC().Truncate(time.Millisecond).Add(time.Millisecond)
	c.Created = aws.ToTime(out.StreamDescriptionSummary.StreamCreationTimestamp)
	err = listShards(ctx, k, arn, func(sh *kinesistypes.Shard) {
		if sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber == nil {
			c.Shards = append(c.Shards, aws.ToString(sh.ShardId))
		}
	})
	if isDenied(err) {
		return nil, invalid("Role %s is not authorized to perform: kinesis:ListShards on resource %s.", role, arn)
	}
	if err != nil {
		return nil, err
	}
	if len(c.Shards) == 0 {
		return nil, invalid("Kinesis stream %s has no open shard", arn)
	}
	slices.Sort(c.Shards)
	select {
	case <-s.clock.After(c.Started.Sub(s.clock.Now())):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return c, nil
}

// isDenied reports whether a role has no permission for a call.
func isDenied(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "AccessDeniedException"
}

var errNoKinesis = errors.New("firehose: no Kinesis to read from")

func listShards(ctx context.Context, k Kinesis, arn string, f func(*kinesistypes.Shard)) error {
	in := &kinesis.ListShardsInput{StreamARN: &arn}
	for {
		out, err := k.ListShards(ctx, in)
		if err != nil {
			return fmt.Errorf("list the shards of %s: %w", arn, err)
		}
		for i := range out.Shards {
			f(&out.Shards[i])
		}
		if out.NextToken == nil {
			return nil
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func (st *stream) sourceFailed(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sourceErr, st.sourceErrTime = err, st.s.clock.Now()
}
