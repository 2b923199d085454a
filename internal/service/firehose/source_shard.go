package firehose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// shardReader reads one shard of a Kinesis stream from a place on.
type shardReader struct {
	k     *kinesisSource
	id    string
	last  string // sequence number of the record before; "": begin with the oldest, or at a time
	whole bool   // the oldest
	first string // sequence number of the first record to come; "": not known

	iterator *string
	check    bool // the first record to come is the last one again
	skipped  bool // it was not: records are no longer there

	atEnd, ended bool          // at the tip; and the shard is closed, so that is its end
	soon         bool          // the last read brought all there was
	at, due      time.Time     // of the last read; of the next one
	wait         time.Duration // between reads at the tip
	pause        time.Time     // after a failure
	failures     int

	ready   atomic.Bool // there is more
	waiting atomic.Bool
	ctx     context.Context // of what waits
	close   context.CancelFunc
}

// next is when the shard is to be read.
func (r *shardReader) next(gap time.Duration) time.Time {
	t := r.due
	if r.soon || r.ready.Load() {
		t = r.at.Add(gap)
	}
	if r.pause.After(t) {
		return r.pause
	}
	return t
}

// get reads once.
func (r *shardReader) get(ctx context.Context, limit int32) ([]kinesistypes.Record, error) {
	k := r.k
	r.ready.Store(false)
	r.at = k.clock.Now()
	out, err := r.call(ctx, limit)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.iterator = nil // it may be what is wrong
		throttled := isCode(err, "ProvisionedThroughputExceededException")
		if !throttled {
			// Another stream of the name would take the place that is asked for.
			k.doubt, k.look = true, time.Time{}
		}
		r.failures++
		wait := min(pollWait<<min(r.failures-1, 10), sourceWait)
		r.pause = r.at.Add(wait)
		err = fmt.Errorf("read shard %s of %s: %w", r.id, k.config.StreamARN, err)
		if k.retrying != nil && !throttled && !isCode(err, "ExpiredIteratorException") {
			k.retrying(err, r.failures, wait)
		}
		return nil, err
	}
	r.failures, r.pause = 0, time.Time{}
	records := out.Records
	if r.first != "" && len(records) > 0 {
		r.skipped = r.first != aws.ToString(records[0].SequenceNumber)
		r.first = ""
	}
	if r.check && len(records) > 0 {
		if r.check = false; aws.ToString(records[0].SequenceNumber) == r.last {
			records = records[1:]
		} else {
			r.skipped = true
		}
	}
	behind := time.Duration(aws.ToInt64(out.MillisBehindLatest)) * time.Millisecond
	r.iterator, r.ended, r.atEnd = out.NextShardIterator, out.NextShardIterator == nil, behind == 0
	k.mu.Lock()
	if r.atEnd {
		delete(k.behind, r.id)
	} else {
		k.behind[r.id] = behind
	}
	k.mu.Unlock()
	r.soon = len(records) > 0 && r.atEnd
	switch {
	case r.ended:
		k.look = time.Time{} // its children's turn has come
	case len(records) > 0 || !r.atEnd:
		r.due, r.wait = r.at, 0
	default:
		r.wait = min(max(pollWait, r.wait+r.wait/4), idleWait)
		if a, ok := k.k.(arrivals); ok {
			r.wait = toldWait
			r.listen(a)
		}
		r.due = r.at.Add(r.wait)
	}
	return records, nil
}

func (r *shardReader) call(ctx context.Context, limit int32) (*kinesis.GetRecordsOutput, error) {
	arn := &r.k.config.StreamARN
	if r.iterator == nil {
		in := &kinesis.GetShardIteratorInput{StreamARN: arn, ShardId: &r.id, ShardIteratorType: kinesistypes.ShardIteratorTypeTrimHorizon}
		if r.check = r.last != ""; r.check {
			in.ShardIteratorType, in.StartingSequenceNumber = kinesistypes.ShardIteratorTypeAtSequenceNumber, &r.last
		} else if !r.whole {
			in.ShardIteratorType, in.Timestamp = kinesistypes.ShardIteratorTypeAtTimestamp, &r.k.config.Started
		}
		out, err := r.k.k.GetShardIterator(ctx, in)
		if err != nil {
			return nil, err
		}
		r.iterator = out.ShardIterator
	}
	if r.check {
		limit = min(limit+1, 10000)
	}
	return r.k.k.GetRecords(ctx, &kinesis.GetRecordsInput{StreamARN: arn, ShardIterator: r.iterator, Limit: &limit})
}

// listen wakes the source when the shard has more.
func (r *shardReader) listen(a arrivals) {
	if r.waiting.Swap(true) {
		return
	}
	iterator := *r.iterator
	r.k.spawn(func() {
		err := a.WaitForRecords(r.ctx, iterator)
		r.waiting.Store(false)
		if err == nil {
			r.ready.Store(true)
			r.k.wake()
		}
	})
}

// lookAround opens the shards whose turn has come, and forgets those that are gone.
func (k *kinesisSource) lookAround(ctx context.Context) error {
	if k.k == nil {
		return errNoKinesis
	}
	arn := k.config.StreamARN
	out, err := k.k.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: &arn})
	if err != nil {
		return fmt.Errorf("describe %s: %w", arn, err)
	}
	listed := make(map[string]*kinesistypes.Shard)
	if err := listShards(ctx, k.k, arn, func(sh *kinesistypes.Shard) { listed[aws.ToString(sh.ShardId)] = sh }); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	m := &k.marks
	switch created := aws.ToTime(out.StreamDescriptionSummary.StreamCreationTimestamp); {
	case created.IsZero():
	case m.created.IsZero():
		m.created = created
	case !m.created.Equal(created):
		k.another(created)
	}
	latest := k.config.Shards[len(k.config.Shards)-1]
	initial := func(id string) bool { _, ok := slices.BinarySearch(k.config.Shards, id); return ok && !m.whole }
	ours := func(id string) bool { return m.whole || initial(id) || id > latest } // numbers of shards grow
	waits := func(parent *string) bool {
		id := aws.ToString(parent)
		if id == "" || !ours(id) || listed[id] == nil {
			return false
		}
		r := k.reader(id)
		return r == nil || !r.ended
	}
	var now []*shardReader
	for id, sh := range listed {
		r := k.reader(id)
		_, begun := m.places[id]
		begun = begun || m.has(id)
		if r == nil && (!ours(id) || !begun && (waits(sh.ParentShardId) || waits(sh.AdjacentParentShardId))) {
			continue
		}
		if r == nil {
			r = &shardReader{k: k, id: id, last: m.places[id], first: m.firsts[id], whole: !initial(id)}
			r.ctx, r.close = context.WithCancel(k.ctx)
		}
		now = append(now, r)
	}
	for _, r := range k.shards {
		if listed[r.id] == nil {
			r.close()
			delete(k.behind, r.id)
		}
	}
	for id := range m.places {
		if listed[id] == nil && !m.has(id) {
			delete(m.places, id)
		}
	}
	slices.SortFunc(now, func(a, b *shardReader) int { return strings.Compare(a.id, b.id) })
	k.shards = now
	return nil
}

// another goes on with a stream that was made anew under the name.
func (k *kinesisSource) another(created time.Time) {
	k.st.s.log.Warn("the Kinesis stream that a delivery stream reads is another one of the name; it is read from its beginning",
		"stream", k.st.doc.Load().Name, "source", k.config.StreamARN)
	m := &k.marks
	was := int(k.batchAt-m.number) + len(k.batch)
	rest := max(m.sum()-was, int(k.beyond)+1-int(m.number)-was, 0)
	m.another(created)
	k.replay, k.partly = 0, 0
	if was > 0 {
		m.runs, k.replay = append(m.runs, run{count: was}), 1
	}
	if rest > 0 {
		m.runs = append(m.runs, run{count: rest})
	}
	for _, r := range k.shards {
		r.close()
	}
	k.shards = nil
	clear(k.behind)
}
