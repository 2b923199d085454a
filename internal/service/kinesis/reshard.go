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
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	at, err := parseHashKey(aws.ToString(in.NewStartingHashKey))
	if err != nil {
		return nil, invalid("Invalid NewStartingHashKey %s. It must be in the range: [0, 2^128-1].", aws.ToString(in.NewStartingHashKey))
	}
	sh, err := s.shardToChange(d, aws.ToString(in.ShardToSplit))
	if err != nil {
		return nil, err
	}
	if err := s.checkShardLimit(awswire.CallerFrom(ctx), 1); err != nil {
		return nil, err
	}
	if sh.Start == maxHashKey || at.compare(sh.Start.next()) <= 0 || at.compare(sh.End) >= 0 {
		return nil, invalid("NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under account %s is not both greater than one plus the shard's StartingHashKey %s and less than the shard's EndingHashKey %s.",
			at, sh.id(), d.Name, d.Account, sh.Start, sh.End)
	}
	c := change{Kind: changeSplit, Split: &splitChange{Shard: sh.Index, At: at}}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, c, func(d *stream) error { return d.stillOpen(sh.Index) })
	if err != nil {
		return nil, err
	}
	return &kinesis.SplitShardOutput{}, nil
}

// MergeShards makes one shard of two open ones whose ranges of hash keys meet.
func (s *Service) MergeShards(ctx context.Context, in *kinesis.MergeShardsInput, _ ...func(*kinesis.Options)) (*kinesis.MergeShardsOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	a, err := s.shardToChange(d, aws.ToString(in.ShardToMerge))
	if err != nil {
		return nil, err
	}
	b, err := s.shardToChange(d, aws.ToString(in.AdjacentShardToMerge))
	if err != nil {
		return nil, err
	}
	c := change{Kind: changeMerge, Merge: &mergeChange{[2]int{a.Index, b.Index}}}
	switch {
	case a.End != maxHashKey && a.End.next() == b.Start:
	case b.End != maxHashKey && b.End.next() == a.Start:
	default:
		return nil, invalid("Shards %s and %s in stream %s under account %s are not an adjacent pair of shards eligible for merging",
			a.id(), b.id(), d.Name, d.Account)
	}
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

// UpdateShardCount changes the number of open shards so that all take an equal part of the
// hash keys: it splits what crosses the bounds of the new parts, and then merges what
// lies within one, so that short-lived shards can come between, as with Kinesis.
func (s *Service) UpdateShardCount(ctx context.Context, in *kinesis.UpdateShardCountInput, _ ...func(*kinesis.Options)) (*kinesis.UpdateShardCountOutput, error) {
	d, err := s.find(ctx, in.StreamName, in.StreamARN, in.StreamId)
	if err != nil {
		return nil, err
	}
	if err := d.provisioned("UpdateShardCount"); err != nil {
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
	now := s.now()
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, change{Kind: changeScale, Target: target}, func(d *stream) error {
		if d.openShards() != open {
			return &types.ResourceInUseException{Message: aws.String("The shards of the stream have changed meanwhile.")}
		}
		d.Rescaled = slices.DeleteFunc(d.Rescaled, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
		if len(d.Rescaled) >= maxRescales {
			return limitExceeded("UpdateShardCount cannot be called more than %d times for stream %s within 24 hours.", maxRescales, d.Name)
		}
		d.Rescaled = append(d.Rescaled, now)
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

// shardToChange returns an open shard of an ACTIVE provisioned stream.
func (s *Service) shardToChange(d *stream, id string) (*shard, error) {
	index, ok := parseShardID(id)
	if !ok {
		return nil, unknownShard(id, d.Name, d.Account)
	}
	sh := d.shard(index, s.clock.Now())
	if sh == nil {
		return nil, unknownShard(shardID(index), d.Name, d.Account)
	}
	if err := d.provisioned("Resharding"); err != nil {
		return nil, err
	}
	if err := d.active(); err != nil {
		return nil, err
	}
	return sh, d.stillOpen(index)
}

func (d *stream) provisioned(what string) error {
	if d.Mode == types.StreamModeOnDemand {
		return awswire.Validationf("%s is not supported for stream %s under account %s, which is in ON_DEMAND mode.", what, d.Name, d.Account)
	}
	return nil
}

// stillOpen refuses a shard that is closed.
func (d *stream) stillOpen(index int) error {
	for i := range d.Shards {
		if d.Shards[i].Index == index && d.Shards[i].open() {
			return nil
		}
	}
	return invalid("Shard %s in stream %s under account %s is closed.", shardID(index), d.Name, d.Account)
}

// settleReshard makes the shards that the pending change needs, and then, while no append
// is under way, puts them into the document in place of their parents.
func (s *Service) settleReshard(ctx context.Context, d *stream) error {
	now := s.now()
	after := *d
	after.Shards = slices.Clone(d.Shards)
	after.reshard(now)
	if err := s.createShards(ctx, d, after.Shards[len(d.Shards):]); err != nil {
		return err
	}
	r := s.route(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.settled(ctx, d, func(d *stream) { d.reshard(now) })
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

func (d *stream) shardAt(index int) *shard {
	i := slices.IndexFunc(d.Shards, func(sh shard) bool { return sh.Index == index })
	return &d.Shards[i]
}

func (d *stream) split(index int, at hashKey, now time.Time) (lower, upper int) {
	parent := d.shardAt(index)
	parent.Closed = now
	whole := parent.hashRange
	lower = d.add(hashRange{whole.Start, at.prev()}, now, index)
	upper = d.add(hashRange{at, whole.End}, now, index)
	return lower, upper
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

// scale makes the open shards n of equal ranges.
func (d *stream) scale(n int, now time.Time) {
	parts := evenRanges(n)
	next := 0
	for _, sh := range d.openByRange() {
		rest := sh.Index
		for ; next < n && parts[next].Start.compare(sh.End) <= 0; next++ {
			if parts[next].Start.compare(sh.Start) > 0 {
				_, rest = d.split(rest, parts[next].Start, now)
			}
		}
	}
	part, last := 0, -1
	for _, sh := range d.openByRange() {
		for parts[part].End.compare(sh.Start) < 0 {
			part, last = part+1, -1
		}
		if last < 0 {
			last = sh.Index
		} else {
			last = d.merge(last, sh.Index, now)
		}
	}
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
