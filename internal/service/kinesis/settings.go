package kinesis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/policy"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// The operations here keep settings of a stream that Kinesis shows again. Of them the
// record size and the stream's mode are acted on. A stream is UPDATING for the configured
// duration after each but the resource policy.

func (s *Service) set(ctx context.Context, name, arn, id *string, f func(*stream) error) (*stream, error) {
	d, err := s.find(ctx, name, arn, id)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, d, types.StreamStatusUpdating, change{Kind: changeNone}, f)
}

// UpdateMaxRecordSize sets how large a record of the stream may be: 1 to 10 MiB.
func (s *Service) UpdateMaxRecordSize(ctx context.Context, in *kinesis.UpdateMaxRecordSizeInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateMaxRecordSizeOutput, error) {
	_, err := s.set(ctx, nil, in.StreamARN, in.StreamId, func(d *stream) error {
		d.MaxRecordKiB = int(aws.ToInt32(in.MaxRecordSizeInKiB))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateMaxRecordSizeOutput{}, nil
}

// maxSwitches is how often a day a stream with limits changes its mode.
const maxSwitches = 2

// UpdateStreamMode changes between provisioned and on-demand. The shards stay as they are.
func (s *Service) UpdateStreamMode(ctx context.Context, in *kinesis.UpdateStreamModeInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateStreamModeOutput, error) {
	mode := in.StreamModeDetails.StreamMode
	if in.WarmThroughputMiBps != nil && mode != types.StreamModeOnDemand {
		return nil, awswire.Validationf("WarmThroughputMiBps is only supported for a stream in ON_DEMAND mode.")
	}
	d, err := s.find(ctx, nil, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	caller := awswire.CallerFrom(ctx)
	if mode != d.Mode {
		if mode == types.StreamModeOnDemand {
			if n, err := s.onDemandStreams(caller); err != nil {
				return nil, err
			} else if n >= s.cfg.OnDemandLimit {
				return nil, limitExceeded("This request would exceed the on-demand stream limit of %d for the account %s in %s.", s.cfg.OnDemandLimit, d.Account, d.Region)
			}
		} else if err := s.checkShardLimit(caller, d.openShards()); err != nil {
			return nil, err
		}
	}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, change{Kind: changeNone}, func(d *stream) error {
		if mode != d.Mode {
			var full bool
			if d.Switched, full = inDay(d.Switched, s.now(), maxSwitches); full && s.enforces(d) {
				return limitExceeded("The capacity mode of stream %s under account %s can be changed %d times within 24 hours.", d.Name, d.Account, maxSwitches)
			}
		}
		if mode != d.Mode {
			d.Peaks, d.WatchedFrom = nil, time.Time{}
		}
		d.Mode = mode
		if in.WarmThroughputMiBps != nil {
			d.WarmMiBps = int(*in.WarmThroughputMiBps)
		}
		if mode != types.StreamModeOnDemand {
			d.WarmMiBps, d.Distribution = 0, ""
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateStreamModeOutput{}, nil
}

// maxWarmMiBps is 10 GiB a second.
const maxWarmMiBps = 10 << 10

// UpdateStreamWarmThroughput keeps the throughput that an on-demand stream is to be ready
// for. Nothing acts on it: shards here take what the machine takes.
func (s *Service) UpdateStreamWarmThroughput(ctx context.Context, in *kinesis.UpdateStreamWarmThroughputInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateStreamWarmThroughputOutput, error) {
	warm := int(aws.ToInt32(in.WarmThroughputMiBps))
	if warm > maxWarmMiBps {
		return nil, limitExceeded("WarmThroughputMiBps %d is above the limit of %d.", warm, maxWarmMiBps)
	}
	d, err := s.set(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		if d.Mode != types.StreamModeOnDemand {
			return awswire.Validationf("Warm throughput is only supported for a stream in ON_DEMAND mode.")
		}
		d.WarmMiBps = warm
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateStreamWarmThroughputOutput{
		StreamName: aws.String(d.Name), StreamARN: aws.String(d.arn()), WarmThroughput: d.warmThroughput(),
	}, nil
}

// maxEncryptions is how often a day encryption of a stream with limits can be started, and
// how often stopped.
const maxEncryptions = 25

// StartStreamEncryption keeps the KMS key that records are to be encrypted with, and says
// so of the stream and its records. Records are not encrypted: there is no KMS.
func (s *Service) StartStreamEncryption(ctx context.Context, in *kinesis.StartStreamEncryptionInput, _ ...func(*kinesis.Options)) (*kinesis.StartStreamEncryptionOutput, error) {
	if in.EncryptionType != types.EncryptionTypeKms {
		return nil, invalid("EncryptionType must be KMS.")
	}
	_, err := s.set(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		var full bool
		if d.Encrypted, full = inDay(d.Encrypted, s.now(), maxEncryptions); full && s.enforces(d) {
			return limitExceeded("Encryption of stream %s under account %s can be started %d times within 24 hours.", d.Name, d.Account, maxEncryptions)
		}
		d.KeyID = aws.ToString(in.KeyId)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.StartStreamEncryptionOutput{}, nil
}

// StopStreamEncryption forgets the KMS key.
func (s *Service) StopStreamEncryption(ctx context.Context, in *kinesis.StopStreamEncryptionInput, _ ...func(*kinesis.Options)) (*kinesis.StopStreamEncryptionOutput, error) {
	if in.EncryptionType != types.EncryptionTypeKms {
		return nil, invalid("EncryptionType must be KMS.")
	}
	_, err := s.set(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		var full bool
		if d.Decrypted, full = inDay(d.Decrypted, s.now(), maxEncryptions); full && s.enforces(d) {
			return limitExceeded("Encryption of stream %s under account %s can be stopped %d times within 24 hours.", d.Name, d.Account, maxEncryptions)
		}
		d.KeyID = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.StopStreamEncryptionOutput{}, nil
}

// allShardMetrics is what ALL stands for.
var allShardMetrics = func() (all []string) {
	for _, m := range types.MetricsName("").Values() {
		if m != types.MetricsNameAll {
			all = append(all, string(m))
		}
	}
	slices.Sort(all)
	return all
}()

// metricNames returns the metrics that a request names, ALL replaced by what it stands for.
func metricNames(in []types.MetricsName) []string {
	var names []string
	for _, m := range in {
		if m == types.MetricsNameAll {
			return slices.Clone(allShardMetrics)
		}
		names = append(names, string(m))
	}
	return names
}

// EnableEnhancedMonitoring keeps which metrics of single shards are to be reported.
func (s *Service) EnableEnhancedMonitoring(ctx context.Context, in *kinesis.EnableEnhancedMonitoringInput, _ ...func(*kinesis.Options)) (*kinesis.EnableEnhancedMonitoringOutput, error) {
	var before []types.MetricsName
	d, err := s.set(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		before = d.shardMetrics()
		d.Metrics = append(d.Metrics, metricNames(in.ShardLevelMetrics)...)
		slices.Sort(d.Metrics)
		d.Metrics = slices.Compact(d.Metrics)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.EnableEnhancedMonitoringOutput{
		StreamName: aws.String(d.Name), StreamARN: aws.String(d.arn()),
		CurrentShardLevelMetrics: before, DesiredShardLevelMetrics: d.shardMetrics(),
	}, nil
}

// DisableEnhancedMonitoring takes metrics from those that EnableEnhancedMonitoring keeps.
func (s *Service) DisableEnhancedMonitoring(ctx context.Context, in *kinesis.DisableEnhancedMonitoringInput, _ ...func(*kinesis.Options)) (*kinesis.DisableEnhancedMonitoringOutput, error) {
	var before []types.MetricsName
	off := metricNames(in.ShardLevelMetrics)
	d, err := s.set(ctx, in.StreamName, in.StreamARN, in.StreamId, func(d *stream) error {
		before = d.shardMetrics()
		d.Metrics = slices.DeleteFunc(d.Metrics, func(m string) bool { return slices.Contains(off, m) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.DisableEnhancedMonitoringOutput{
		StreamName: aws.String(d.Name), StreamARN: aws.String(d.arn()),
		CurrentShardLevelMetrics: before, DesiredShardLevelMetrics: d.shardMetrics(),
	}, nil
}

// maxPolicy is the most bytes of a resource policy.
const maxPolicy = 20 << 10

// PutResourcePolicy keeps the policy of a stream or a consumer, which decides about calls where policies count.
func (s *Service) PutResourcePolicy(ctx context.Context, in *kinesis.PutResourcePolicyInput, _ ...func(*kinesis.Options)) (*kinesis.PutResourcePolicyOutput, error) {
	text := aws.ToString(in.Policy)
	if len(text) > maxPolicy || !json.Valid([]byte(text)) {
		return nil, invalid("The policy is not a JSON document of at most %d bytes.", maxPolicy)
	}
	if _, err := policy.Parse(text, policy.Resource); err != nil {
		return nil, invalid("Invalid policy document: %v", err)
	}
	if err := s.setPolicy(ctx, in.ResourceARN, in.StreamId, text); err != nil {
		return nil, err
	}
	return &kinesis.PutResourcePolicyOutput{}, nil
}

// ResourcePolicy returns the policy of the stream or the consumer of an ARN, and its account. A document that cannot be
// evaluated, as was taken before policies counted, is none.
func (s *Service) ResourcePolicy(_ context.Context, resource string) (document, owner string, err error) {
	of, name, _ := splitConsumerARN(resource)
	a, err := parseStreamARN(of)
	if err != nil {
		return "", "", nil
	}
	d, err := s.streams.Get(a.account, a.region, a.name)
	if errors.Is(err, state.ErrNotFound) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("kinesis: reading stream %s: %w", a.name, err)
	}
	if document = d.Policy; name != "" {
		document = ""
		if c := s.consumer(d, name); c != nil && d.consumerARN(c) == resource {
			document = c.Policy
		}
	}
	if document == "" {
		return "", a.account, nil
	}
	if _, err := s.policies.Parse(document, policy.Resource); err != nil {
		return "", a.account, nil
	}
	return document, a.account, nil
}

// DeleteResourcePolicy removes a policy document.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *kinesis.DeleteResourcePolicyInput, _ ...func(*kinesis.Options)) (*kinesis.DeleteResourcePolicyOutput, error) {
	if err := s.setPolicy(ctx, in.ResourceARN, in.StreamId, ""); err != nil {
		return nil, err
	}
	return &kinesis.DeleteResourcePolicyOutput{}, nil
}

func (s *Service) setPolicy(ctx context.Context, arn, id *string, policy string) error {
	set := func(old *string) error {
		if policy == "" && *old == "" {
			return &types.ResourceNotFoundException{Message: aws.String("No resource policy found for resource ARN " + aws.ToString(arn) + ".")}
		}
		*old = policy
		return nil
	}
	if _, name, _ := splitConsumerARN(aws.ToString(arn)); name != "" {
		d, c, err := s.findConsumer(ctx, arn, nil, nil, id)
		if err != nil {
			return err
		}
		return s.modifyConsumer(ctx, d, c, func(c *consumer) error { return set(&c.Policy) })
	}
	return s.change(ctx, nil, arn, id, func(d *stream) error { return set(&d.Policy) })
}

// GetResourcePolicy returns a policy document, an empty one where none was put.
func (s *Service) GetResourcePolicy(ctx context.Context, in *kinesis.GetResourcePolicyInput, _ ...func(*kinesis.Options)) (*kinesis.GetResourcePolicyOutput, error) {
	var policy string
	if _, name, _ := splitConsumerARN(aws.ToString(in.ResourceARN)); name != "" {
		_, c, err := s.findConsumer(ctx, in.ResourceARN, nil, nil, in.StreamId)
		if err != nil {
			return nil, err
		}
		policy = c.Policy
	} else {
		d, err := s.find(ctx, nil, in.ResourceARN, in.StreamId)
		if err != nil {
			return nil, err
		}
		policy = d.Policy
	}
	return &kinesis.GetResourcePolicyOutput{Policy: aws.String(cmp.Or(policy, "{}"))}, nil
}
