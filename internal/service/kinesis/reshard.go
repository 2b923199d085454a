package kinesis

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// SplitShard cuts an open shard in two at a hash key. The parent takes no more records and
// stays readable until its last one expires. Only for provisioned streams.
func (s *Service) SplitShard(ctx context.Context, in *kinesis.SplitShardInput, _ ...func(*kinesis.Options)) (*kinesis.SplitShardOutput, error) {
	d, shards, err := s.shardsToChange(ctx, in.StreamName, in.StreamARN, in.StreamId, in.ShardToSplit)
	if err != nil {
		return nil, err
	}
	sh := shards[0]
	if err := s.checkShardLimit(awswire.CallerFrom(ctx), 1); err != nil {
		return nil, err
	}
	at, err := parseHashKey(aws.ToString(in.NewStartingHashKey))
	if err != nil || sh.Start == maxHashKey || at.compare(sh.Start.next()) <= 0 || at.compare(sh.End) >= 0 {
		return nil, invalid("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			aws.ToString(in.NewStartingHashKey), sh.id(), d.Name, d.Account, sh.Start, sh.End)
	}
	c := change{Kind: changeSplit, Split: &splitChange{Shard: sh.Index, At: at}}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, c, func(d *stream) error { return d.stillOpen(sh.Index) })
	if err != nil {
		return nil, err
	}
	return &kinesis.SplitShardOutput{}, nil
}

// MergeShards makes one shard of two open ones, of which the second's range of hash keys
// begins where the first's ends.
func (s *Service) MergeShards(ctx context.Context, in *kinesis.MergeShardsInput, _ ...func(*kinesis.Options)) (*kinesis.MergeShardsOutput, error) {
	d, shards, err := s.shardsToChange(ctx, in.StreamName, in.StreamARN, in.StreamId, in.ShardToMerge, in.AdjacentShardToMerge)
	if err != nil {
		return nil, err
	}
	a, b := shards[0], shards[1]
	if a.End == maxHashKey || a.End.next() != b.Start {
		return nil, invalid("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
			a.id(), b.id(), d.Name, d.Account)
	}
	c := change{Kind: changeMerge, Merge: &mergeChange{[2]int{a.Index, b.Index}}}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, c, func(d *stream) error {
		if err := d.stillOpen(a.Index); err != nil {
			return err
		}
		return d.stillOpen(b.Index)
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.MergeShardsOutput{}, nil
}

// UpdateShardCount changes the number of open shards so that they take equal parts of the
// hash keys, or nearly so: see scale. Short-lived shards can come between, as with Kinesis.
func (s *Service) UpdateShardCount(ctx context.Context, in *kinesis.UpdateShardCountInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateShardCountOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	if err := d.provisioned(); err != nil {
		return nil, err
	}
	if err := d.active(); err != nil {
		return nil, err
	}
	open, target := d.openShards(), int(aws.ToInt32(in.TargetShardCount))
	counts := func(rule string, args ...any) error {
		return limitExceeded(rule+" Current open shard count: %d, Target shard count: %d", append(args, open, target)...)
	}
	switch {
	case target > maxShardCount:
		return nil, counts("Target shard count or number of open shards cannot be greater than %d.", maxShardCount)
	case target > 2*open:
		return nil, counts("UpdateShardCount cannot scale up over double your current open shard count.")
	case 2*target < open:
		return nil, counts("UpdateShardCount cannot scale down below half your current open shard count.")
	}
	if err := s.checkShardLimit(awswire.CallerFrom(ctx), target-open); err != nil {
		return nil, err
	}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, change{Kind: changeScale, Target: target}, func(d *stream) error {
		if d.openShards() != open {
			return &types.ResourceInUseException{Message: aws.String("The shards of the stream have changed meanwhile.")}
		}
		var full bool
		if d.Rescaled, full = inDay(d.Rescaled, s.now(), maxRescales); full && s.enforces(d) {
			return limitExceeded("UpdateShardCount cannot be called more than %d times for stream %s within 24 hours.", maxRescales, d.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &kinesis.UpdateShardCountOutput{
		StreamName:        aws.String(d.Name),
		StreamARN:         aws.String(d.arn()),
		CurrentShardCount: aws.Int32(int32(open)),
		TargetShardCount:  aws.Int32(int32(target)),
	}, nil
}

// Limits of UpdateShardCount.
const (
	maxShardCount = 10000
	maxRescales   = 10 // a day
)

// shardsToChange returns open shards, that a request names, of a provisioned stream that is
// ACTIVE.
func (s *Service) shardsToChange(ctx context.Context, name, arn, streamID *string, ids ...*string) (*stream, []*shard, error) {
	indexes := make([]int, len(ids))
	for i, id := range ids {
		var ok bool
		if indexes[i], ok = parseShardID(aws.ToString(id)); !ok {
			return nil, nil, unknownShard(aws.ToString(id), streamNamed(name, arn), awswire.CallerFrom(ctx).Account)
		}
	}
	d, err := s.find(ctx, name, arn, streamID)
	if err != nil {
		return nil, nil, err
	}
	if err := d.provisioned(); err != nil {
		return nil, nil, err
	}
	if err := d.active(); err != nil {
		return nil, nil, err
	}
	shards := make([]*shard, len(ids))
	for i, index := range indexes {
		if shards[i] = d.shard(index, s.clock.Now()); shards[i] == nil {
			return nil, nil, unknownShard(shardID(index), d.Name, d.Account)
		}
	}
	for _, index := range indexes {
		if err := d.stillOpen(index); err != nil {
			return nil, nil, err
		}
	}
	return d, shards, nil
}

func (d *stream) provisioned() error {
	if d.Mode == types.StreamModeOnDemand {
		return awswire.Validationf("Request is invalid. Stream %s under account %s is in On-Demand mode.", d.Name, d.Account)
	}
	return nil
}

// stillOpen refuses a shard that is closed.
func (d *stream) stillOpen(index int) error {
	if sh := d.shardAt(index); sh != nil && sh.open() {
		return nil
	}
	return invalid("Shard %s in stream %s under account %s has already been merged or split, and thus is not eligible for merging or splitting.", shardID(index), d.Name, d.Account)
}

// applyReshard makes the shards that the pending change needs, and then, while no append
// is under way, puts them into the document in place of their parents.
func (s *Service) applyReshard(ctx context.Context, d *stream) error {
	now := s.now()
	after := *d
	after.Shards = slices.Clone(d.Shards)
	after.reshard(now)
	if err := s.createShards(ctx, d, after.Shards[len(d.Shards):]); err != nil {
		return err
	}
	r := s.runtime(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.endPending(ctx, d, func(d *stream) { d.reshard(now) })
}

// reshard applies the pending change to the document's shards. New shards go to the end
// of the list, and their indexes depend on nothing but the document and the change.
func (d *stream) reshard(now time.Time) {
	switch c := d.Pending; c.Kind {
	case changeSplit:
		d.split(c.Split.Shard, c.Split.At, now)
	case changeMerge:
		d.merge(c.Merge.Shards[0], c.Merge.Shards[1], now)
	case changeScale:
		d.scale(c.Target, now)
	}
}

func (d *stream) split(index int, at hashKey, now time.Time) (upper int) {
	parent := d.shardAt(index)
	parent.Closed = now
	whole := parent.hashRange
	d.add(hashRange{whole.Start, at.prev()}, now, index)
	return d.add(hashRange{at, whole.End}, now, index)
}

func (d *stream) merge(a, b int, now time.Time) int {
	first, second := d.shardAt(a), d.shardAt(b)
	first.Closed, second.Closed = now, now
	r := hashRange{first.Start, second.End}
	if second.Start.compare(first.Start) < 0 {
		r = hashRange{second.Start, first.End}
	}
	return d.add(r, now, a, b)
}

func (d *stream) add(r hashRange, now time.Time, parents ...int) int {
	index := d.NextShard
	d.NextShard++
	d.Shards = append(d.Shards, shard{Index: index, hashRange: r, Parents: parents, Created: now})
	return index
}

// openByRange returns copies of the open shards in the order of their hash keys.
func (d *stream) openByRange() []shard {
	var open []shard
	for _, sh := range d.Shards {
		if sh.open() {
			open = append(open, sh)
		}
	}
	slices.SortFunc(open, func(a, b shard) int { return a.Start.compare(b.Start) })
	return open
}
