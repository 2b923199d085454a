package kinesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Bounds of a stream's retention, in hours.
const (
	minRetentionHours = 24
	maxRetentionHours = 8760
)

// IncreaseStreamRetentionPeriod keeps records longer. Those that have expired stay so.
func (s *Service) IncreaseStreamRetentionPeriod(ctx context.Context, in *kinesis.IncreaseStreamRetentionPeriodInput, _ ...func(*kinesis.Options)) (*kinesis.IncreaseStreamRetentionPeriodOutput, error) {
	hours := int(aws.ToInt32(in.RetentionPeriodHours))
	err := s.setRetention(ctx, in.StreamName, in.StreamARN, in.StreamId, hours, func(d *stream) error {
		if hours < d.RetentionHours {
			return invalid("Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", hours, d.Name, d.RetentionHours)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.IncreaseStreamRetentionPeriodOutput{}, nil
}

// DecreaseStreamRetentionPeriod keeps records for a shorter time; older ones go at once.
func (s *Service) DecreaseStreamRetentionPeriod(ctx context.Context, in *kinesis.DecreaseStreamRetentionPeriodInput, _ ...func(*kinesis.Options)) (*kinesis.DecreaseStreamRetentionPeriodOutput, error) {
	hours := int(aws.ToInt32(in.RetentionPeriodHours))
	err := s.setRetention(ctx, in.StreamName, in.StreamARN, in.StreamId, hours, func(d *stream) error {
		if hours > d.RetentionHours {
			return invalid("Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", hours, d.Name, d.RetentionHours)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DecreaseStreamRetentionPeriodOutput{}, nil
}

func (s *Service) setRetention(ctx context.Context, name, arn, id *string, hours int, check func(*stream) error) error {
	d, err := s.find(ctx, name, arn, id)
	if err != nil {
		return err
	}
	switch {
	case hours < minRetentionHours:
		return invalid("Minimum allowed retention period is %d hours. Requested retention period (%d hours) is too short.", minRetentionHours, hours)
	case hours > maxRetentionHours:
		return invalid("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", maxRetentionHours, hours)
	}
	if err := check(d); err != nil {
		return err
	}
	// A closed shard that has expired does not come back with a longer retention.
	if err := s.sweep(ctx, d); err != nil {
		return err
	}
	c := change{Kind: changeRetention}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, c, func(d *stream) error {
		if err := check(d); err != nil {
			return err
		}
		d.RetentionHours = hours
		return nil
	})
	return err
}

// applyRetention gives every shard of the log the age that the document says. The log sees
// to it that a longer one does not bring back what has expired.
func (s *Service) applyRetention(ctx context.Context, d *stream) error {
	for i := range d.Shards {
		log, err := s.cfg.Log.Shard(ctx, d.logName(d.Shards[i].Index))
		if errors.Is(err, shardlog.ErrNoShard) {
			continue // expired and swept
		}
		if err == nil {
			err = log.SetMaxAge(ctx, d.retention())
		}
		if err != nil {
			return fmt.Errorf("kinesis: setting the retention of %s in stream %s: %w", d.Shards[i].id(), d.arn(), err)
		}
	}
	return s.endPending(ctx, d, func(*stream) {})
}
