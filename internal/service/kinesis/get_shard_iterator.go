package kinesis

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// GetShardIterator returns a place in a shard to read from. LATEST is the shard's end at
// the time of the call. DryRun does all but return it.
func (s *Service) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	index, ok := parseShardID(aws.ToString(in.ShardId))
	d, err := s.findUsable(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if name := streamNamed(in.StreamName, in.StreamARN); isNotFound(err) && name != "" {
		// What is missed is the shard, whether there is a stream or not.
		account := awswire.CallerFrom(ctx).Account
		if !ok {
			return nil, unknownShard(*in.ShardId, name, account)
		}
		return nil, noShard(shardID(index), name, account)
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, unknownShard(aws.ToString(in.ShardId), d.Name, d.Account)
	}
	sh := d.shard(index, s.clock.Now())
	if sh == nil {
		return nil, noShard(shardID(index), d.Name, d.Account)
	}
	if err := s.admitIterator(d, sh); err != nil {
		return nil, err
	}
	log, err := s.shardLog(ctx, d, sh)
	if err != nil {
		return nil, err
	}
	start := startAt{"GetShardIterator", in.ShardIteratorType, in.StartingSequenceNumber, in.Timestamp}
	at, err := s.position(ctx, d, sh, log, start)
	if err != nil {
		return nil, err
	}
	if aws.ToBool(in.DryRun) {
		return nil, errDryRun
	}
	it := iterator{s.now(), at, index, d.Account, d.Region, d.Name, d.ID}
	return &kinesis.GetShardIteratorOutput{ShardIterator: aws.String(string(s.appendIterator(nil, it)))}, nil
}

// startAt says where in a shard reading begins.
type startAt struct {
	operation string // that the caller calls
	kind      types.ShardIteratorType
	number    *string
	time      *time.Time
}

func (s *Service) position(ctx context.Context, d *stream, sh *shard, log *shardlog.Shard, start startAt) (at shardlog.Position, err error) {
	const rule = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
	switch start.kind {
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		if start.number == nil {
			return at, invalid(rule+"Request specified %s and no StartingSequenceNumber.", start.kind)
		}
	default:
		if start.number != nil {
			return at, invalid(rule+"Request specified %s and also a StartingSequenceNumber.", start.kind)
		}
	}
	if start.kind == types.ShardIteratorTypeAtTimestamp && start.time == nil {
		return at, invalid("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
	}

	switch start.kind {
	case types.ShardIteratorTypeTrimHorizon:
		return shardlog.Position{}, nil
	case types.ShardIteratorTypeLatest:
		info, err := log.Info(ctx)
		if err != nil {
			return at, shardError(d, sh, err)
		}
		return info.End, nil
	case types.ShardIteratorTypeAtTimestamp:
		// The API has milliseconds, and JSON's doubles come a little below them.
		t, now := start.time.Round(time.Millisecond), s.now()
		if t.After(now) && start.time.After(s.clock.Now()) {
			return at, invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", t.UnixMilli(), now.UnixMilli())
		}
		if at, err = log.Seek(ctx, t); err != nil {
			return at, shardError(d, sh, err)
		}
		return at, nil
	}
	q, err := parseSequence(*start.number)
	if err != nil {
		return at, invalid("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid.", *start.number, start.operation, sh.id(), d.Name, d.Account)
	}
	if int(q.shard) != sh.Index {
		return at, invalid("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(int(q.shard)), sh.id())
	}
	if q.created != sh.sequence().created {
		return at, invalid("StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid because it did not come from this stream.", *start.number, start.operation, sh.id(), d.Name, d.Account)
	}
	if start.kind == types.ShardIteratorTypeAfterSequenceNumber && q.frame > 0 {
		return q.after(), nil
	}
	return q.position(), nil
}
