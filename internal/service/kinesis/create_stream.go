package kinesis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Defaults of a new stream.
const (
	defaultRetentionHours = 24
	defaultMaxRecordKiB   = 1024
	onDemandShards        = 4
)

// CreateStream makes a stream. It is ACTIVE when the call returns, or CREATING where a
// duration is configured. One with neither a mode nor a number of shards is on-demand.
// On-demand streams begin with four shards. Warm throughput is kept, and acts on nothing.
func (s *Service) CreateStream(ctx context.Context, in *kinesis.CreateStreamInput, _ ...func(*kinesis.Options)) (*kinesis.CreateStreamOutput, error) {
	caller := awswire.CallerFrom(ctx)
	d := &stream{
		Name:           aws.ToString(in.StreamName),
		Account:        caller.Account,
		Region:         caller.Region,
		ID:             newStreamID(),
		Created:        s.now(),
		Status:         types.StreamStatusCreating,
		Mode:           types.StreamModeProvisioned,
		RetentionHours: defaultRetentionHours,
		MaxRecordKiB:   defaultMaxRecordKiB,
		WarmMiBps:      int(aws.ToInt32(in.WarmThroughputMiBps)),
		Distribution:   string(in.RecordDistributionStrategy),
	}
	switch {
	case in.StreamModeDetails != nil && in.StreamModeDetails.StreamMode != "":
		d.Mode = in.StreamModeDetails.StreamMode
	case in.ShardCount == nil:
		d.Mode = types.StreamModeOnDemand
	}
	if in.MaxRecordSizeInKiB != nil {
		d.MaxRecordKiB = int(*in.MaxRecordSizeInKiB)
	}
	shards := int(aws.ToInt32(in.ShardCount))
	switch d.Mode {
	case types.StreamModeOnDemand:
		if in.ShardCount != nil {
			return nil, awswire.Validationf("ShardCount must not be specified for a stream in ON_DEMAND mode.")
		}
		shards = onDemandShards
	default:
		if shards < 1 {
			return nil, awswire.Validationf("ShardCount must be specified for a stream in PROVISIONED mode.")
		}
		if in.WarmThroughputMiBps != nil {
			return nil, awswire.Validationf("WarmThroughputMiBps is only supported for a stream in ON_DEMAND mode.")
		}
		if in.RecordDistributionStrategy == types.RecordDistributionStrategyAuto {
			return nil, invalid("RecordDistributionStrategy AUTO is only supported for a stream in ON_DEMAND mode.")
		}
	}
	// That the name is taken is said before a limit that does not matter then.
	if _, err := s.streams.Get(d.key()...); err == nil {
		return nil, d.taken()
	}
	if n, err := s.onDemandStreams(caller); err != nil {
		return nil, err
	} else if d.Mode == types.StreamModeOnDemand && n >= s.cfg.OnDemandLimit {
		return nil, limitExceeded("This request would exceed the on-demand stream limit of %d for the account %s in %s.", s.cfg.OnDemandLimit, caller.Account, caller.Region)
	}
	if err := s.checkShardLimit(caller, shards); err != nil {
		return nil, err
	}
	if n, err := s.creating(caller); err != nil {
		return nil, err
	} else if s.cfg.EnforceLimits && n >= maxCreating {
		return nil, limitExceeded("Rate exceeded for account %s: it has %d streams in state CREATING.", caller.Account, maxCreating)
	}
	if err := d.tag(in.Tags); err != nil {
		return nil, err
	}
	epoch := s.epoch(d)
	for i, r := range evenRanges(shards) {
		d.Shards = append(d.Shards, shard{Index: i, hashRange: r, Created: d.Created, Epoch: epoch})
	}
	d.NextShard = shards
	d.Pending = &change{ID: newStreamID(), Kind: changeCreate, Due: d.Created.Add(s.cfg.ControlDelay)}

	if err := s.streams.Create(ctx, d, d.key()...); err != nil {
		if errors.Is(err, state.ErrExists) {
			return nil, d.taken()
		}
		return nil, fmt.Errorf("kinesis: storing stream %s: %w", d.arn(), err)
	}
	if err := s.finish(ctx, d); err != nil {
		if ctx.Err() != nil {
			return nil, err // the client has gone; the stream will be there
		}
		// Nothing of it may stay: the client is told that there is no such stream.
		_, undo := s.modifyAny(ctx, d, func(d *stream) error {
			d.Status, d.Pending = types.StreamStatusDeleting, &change{ID: newStreamID(), Kind: changeDelete, Due: s.now()}
			return nil
		})
		if undo == nil {
			undo = s.changes.Await(ctx, d.key()...)
		}
		return nil, errors.Join(err, undo)
	}
	return &kinesis.CreateStreamOutput{}, nil
}

// taken is the error of making a stream whose name another has.
func (d *stream) taken() error {
	return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf("Stream %s under account %s already exists.", d.Name, d.Account))}
}

// epoch sets the shards of a new stream apart, by their sequence numbers, from those of a
// stream of the same name that was made and removed in the same second. It is 0 where the
// second of creation does.
func (s *Service) epoch(d *stream) uint64 {
	now := seconds(d.Created)
	name := strings.Join(d.key(), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.epochs[name]; ok && last >= now {
		s.epochs[name] = last + 1
		return last + 1
	}
	if s.epochs == nil || len(s.epochs) >= 1024 {
		maps.DeleteFunc(s.epochs, func(_ string, last uint64) bool { return last < now })
		if s.epochs == nil {
			s.epochs = make(map[string]uint64)
		}
	}
	s.epochs[name] = now
	return 0
}

// newStreamID returns a stream ID of the API's form: [a-z0-9]{20}-[a-z0-9]{3}.
func newStreamID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 24)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	b[20] = '-'
	return string(b)
}

// total adds up what f says of the streams of an account in a Region.
func (s *Service) total(caller awswire.Caller, f func(*stream) int) (n int, err error) {
	for it, err := range s.streams.List(caller.Account, caller.Region) {
		if err != nil {
			return 0, err
		}
		n += f(it.Value)
	}
	return n, nil
}

// creating counts the streams that are being made.
func (s *Service) creating(caller awswire.Caller) (int, error) {
	return s.total(caller, func(d *stream) int {
		if d.Status == types.StreamStatusCreating {
			return 1
		}
		return 0
	})
}

func (s *Service) onDemandStreams(caller awswire.Caller) (int, error) {
	return s.total(caller, func(d *stream) int {
		if d.Mode == types.StreamModeOnDemand {
			return 1
		}
		return 0
	})
}

// provisionedShards counts the open shards that count towards an account's limit.
func (s *Service) provisionedShards(caller awswire.Caller) (int, error) {
	return s.total(caller, func(d *stream) int {
		if d.Mode == types.StreamModeOnDemand {
			return 0
		}
		return d.openShards()
	})
}

func (s *Service) checkShardLimit(caller awswire.Caller, more int) error {
	n, err := s.provisionedShards(caller)
	if err != nil {
		return err
	}
	if n+more > s.cfg.ShardLimit {
		return limitExceeded("This request would exceed the shard limit for the account %s in %s. Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d. Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.",
			caller.Account, caller.Region, n, s.cfg.ShardLimit, more)
	}
	return nil
}
