package firehose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// A delivery stream reads a Kinesis stream from the records on that were put after its
// creation (LATEST, as AWS has it). The shards that were open then are read from that
// moment, those that came later from their beginning, and a shard only when its parents
// are read and delivered to their end: so the records of a partition key keep their order.
// What is known of a shard is a document ("firehose.shard"; account, region, id, shard),
// which stays until Kinesis no longer lists the shard.
type shardDoc struct {
	Ended bool `json:"ended,omitempty"` // read and delivered to its end
}

// shardsWait is how often the shards are listed even if none has ended.
const shardsWait = 30 * time.Second

// shardLanes delivers one shard of a Kinesis stream.
type shardLanes struct {
	cancel context.CancelFunc
	lanes  []*lane
	group  sync.WaitGroup
}

// newSource looks up the stream that a delivery stream is to read.
func (s *Service) newSource(ctx context.Context, arn, role string) (*sourceConfig, error) {
	if s.cfg.Kinesis == nil {
		return nil, invalid("DeliveryStreamType KinesisStreamAsSource needs Kinesis, which this node does not have")
	}
	out, err := s.cfg.Kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &arn})
	if err != nil {
		var e smithy.APIError
		if errors.As(err, &e) {
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
	err = s.listShards(ctx, arn, func(sh *kinesistypes.Shard) {
		if sh.SequenceNumberRange != nil && sh.SequenceNumberRange.EndingSequenceNumber == nil {
			c.Shards = append(c.Shards, aws.ToString(sh.ShardId))
		}
	})
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

func (s *Service) listShards(ctx context.Context, arn string, f func(*kinesistypes.Shard)) error {
	if s.cfg.Kinesis == nil {
		return errors.New("firehose: no Kinesis to read from")
	}
	in := &kinesis.ListShardsInput{StreamARN: &arn}
	for {
		out, err := s.cfg.Kinesis.ListShards(ctx, in)
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

// followShards reads the shards of the Kinesis stream until ctx ends.
func (st *stream) followShards(ctx context.Context) {
	clock := st.s.clock
	for attempt := 1; ; attempt++ {
		wait := shardsWait
		if err := st.openShards(ctx); err == nil {
			attempt = 0
			st.sourceFailed(nil)
		} else if ctx.Err() == nil {
			wait = min(time.Duration(attempt)*time.Second, sourceWait)
			st.sourceFailed(err)
			if attempt == 1 {
				st.s.log.Warn("the source of a delivery stream cannot be read", "stream", st.doc.Load().Name, "err", err)
			}
		}
		t := clock.NewTimer(wait)
		select {
		case <-st.shardEnded:
		case <-t.Chan():
		case <-ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}

func (st *stream) sourceFailed(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sourceErr, st.sourceErrTime = err, st.s.clock.Now()
}

// openShards begins to read the shards whose turn has come, and forgets those that are
// gone.
func (st *stream) openShards(ctx context.Context) error {
	s, d := st.s, st.doc.Load()
	docs := make(map[string]*shardDoc)
	for k, v := range s.shards.List(d.Account, d.Region, d.ID) {
		docs[k[len(k)-1]] = v
	}
	latest := d.Source.Shards[len(d.Source.Shards)-1]
	ours := func(id string) bool {
		_, initial := slices.BinarySearch(d.Source.Shards, id)
		return initial || id > latest // numbers of shards grow
	}
	listed := make(map[string]*kinesistypes.Shard)
	if err := s.listShards(ctx, d.Source.StreamARN, func(sh *kinesistypes.Shard) { listed[aws.ToString(sh.ShardId)] = sh }); err != nil {
		return err
	}
	waits := func(parent *string) bool {
		id := aws.ToString(parent)
		if id == "" || !ours(id) || listed[id] == nil {
			return false
		}
		return docs[id] == nil || !docs[id].Ended
	}
	for id, sh := range listed {
		if !ours(id) || waits(sh.ParentShardId) || waits(sh.AdjacentParentShardId) {
			continue
		}
		doc := docs[id]
		if doc == nil {
			doc = new(shardDoc)
			err := s.shards.Create(ctx, doc, d.Account, d.Region, d.ID, id)
			if err != nil && !errors.Is(err, state.ErrExists) {
				return err
			}
		}
		if doc.Ended {
			continue
		}
		if err := st.openShard(ctx, id); err != nil {
			return err
		}
	}
	for id, doc := range docs {
		if listed[id] != nil || !doc.Ended {
			continue
		}
		if err := s.forgetShard(ctx, d, id); err != nil {
			return err
		}
	}
	return nil
}

// forgetShard removes the documents of a shard that Kinesis no longer has.
func (s *Service) forgetShard(ctx context.Context, d *streamDoc, id string) error {
	for _, name := range []string{id, id + backupSuffix, id + transformedSuffix} {
		for _, kind := range []string{progressKind, markKind} {
			if err := s.cfg.State.Delete(ctx, state.Key{kind, d.Account, d.Region, d.ID, name}, 0); err != nil && !errors.Is(err, state.ErrNotFound) {
				return err
			}
		}
		for k := range s.plans.List(d.Account, d.Region, d.ID, name) {
			if err := s.plans.Delete(ctx, k...); err != nil && !errors.Is(err, state.ErrNotFound) {
				return err
			}
		}
	}
	if err := s.shards.Delete(ctx, d.Account, d.Region, d.ID, id); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// openShard delivers a shard until it ends, if it is not being delivered.
func (st *stream) openShard(ctx context.Context, id string) error {
	d := st.doc.Load()
	st.mu.Lock()
	running := st.shards[id] != nil
	st.mu.Unlock()
	if running {
		return nil
	}
	var from time.Time
	if _, initial := slices.BinarySearch(d.Source.Shards, id); initial {
		from = d.Source.Started
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &shardLanes{cancel: cancel}
	source := st.newKinesisSource(id, from)
	ended := func(ctx context.Context) error {
		select {
		case <-source.ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if d.Transforms {
		out, err := st.openOutput(ctx, d.base()+"/"+id)
		if err != nil {
			cancel()
			return err
		}
		l, caughtUp := st.addTransformed(ctx, &g.group, id+transformedSuffix, id, source, source, out, func(shardlog.Position) {})
		g.lanes = append(g.lanes, l)
		source.retrying = l.retrying
		read := ended
		ended = func(ctx context.Context) error {
			if err := read(ctx); err != nil {
				return err
			}
			return caughtUp(ctx, source.last)
		}
	} else {
		l := st.newLane(id, id, false, source, source)
		l.rest, source.retrying = source.rest, l.retrying
		g.lanes = append(g.lanes, l)
	}
	if d.backs() {
		second := st.newKinesisSource(id, from)
		l := st.newLane(id+backupSuffix, id, true, second, second)
		l.rest, second.retrying = second.rest, l.retrying
		g.lanes = append(g.lanes, l)
		first := ended
		ended = func(ctx context.Context) error {
			if err := first(ctx); err != nil {
				return err
			}
			select {
			case <-second.ended:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	for _, l := range g.lanes {
		l.over = ctx.Done()
	}
	st.mu.Lock()
	st.shards[id] = g
	st.lanes = append(st.lanes, g.lanes...)
	if st.held {
		for _, l := range g.lanes {
			l.pipeline.Hold()
		}
	}
	st.mu.Unlock()
	for _, l := range g.lanes {
		st.work(ctx, &g.group, "delivery", l.pipeline.Run, l.retrying)
	}
	st.group.Go(func() {
		defer g.group.Wait()
		defer cancel()
		if ended(ctx) != nil {
			return
		}
		for _, l := range g.lanes {
			if l.pipeline.Flush(ctx) != nil { // of all that was read: the source has ended
				return
			}
		}
		st.endShard(ctx, id, g)
	})
	return nil
}

// endShard notes that a shard is delivered to its end.
func (st *stream) endShard(ctx context.Context, id string, g *shardLanes) {
	s, d := st.s, st.doc.Load()
	for {
		_, err := s.shards.Modify(ctx, func(sd *shardDoc) error { sd.Ended = true; return nil }, d.Account, d.Region, d.ID, id)
		if err == nil || errors.Is(err, state.ErrNotFound) {
			break
		}
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the end of a shard could not be stored", "stream", d.Name, "shard", id, "err", err)
		select {
		case <-s.clock.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
	g.cancel()
	g.group.Wait()
	st.mu.Lock()
	delete(st.shards, id)
	for _, l := range g.lanes {
		p := l.pipeline.Progress()
		if !l.backup {
			st.past.add(p)
		}
		st.lanes = slices.DeleteFunc(st.lanes, func(o *lane) bool { return o == l })
	}
	st.mu.Unlock()
	if d.Transforms {
		if err := s.cfg.Log.DeleteShard(s.ctx, d.base()+"/"+id); err != nil && !errors.Is(err, shardlog.ErrNoShard) && s.ctx.Err() == nil {
			s.log.Warn("a log that is not needed stays", "shard", d.base()+"/"+id, "err", err)
		}
	}
	select {
	case st.shardEnded <- struct{}{}:
	default:
	}
}
