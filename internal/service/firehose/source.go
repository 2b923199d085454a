package firehose

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Kinesis has the streams that records come from.
type Kinesis interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// arrivals is a Kinesis that tells when a shard has more: WaitForRecords returns when there
// is something to read from the iterator on. Another one is asked now and then.
type arrivals interface {
	WaitForRecords(ctx context.Context, iterator string) error
}

// Limits of reading a Kinesis stream.
const (
	readBytes  = 1 << 20                // of records that one GetRecords should bring, about
	pollWait   = 200 * time.Millisecond // between reads of a shard at its end: Kinesis allows five a second
	idleWait   = time.Second            // of one that has been at its end for a while
	toldWait   = 2 * time.Second        // of one that tells when it has more; its end it does not tell
	sourceWait = 10 * time.Second       // the longest wait after an error
	shardsWait = 30 * time.Second       // between looks at the stream, even if no shard has ended
	leastGap   = 20 * time.Millisecond  // between reads of a shard to which records trickle
	maxRuns    = 20000                  // that a progress document should have at most, about
)

// kinesisSource reads a Kinesis stream as one source of the delivery engine, so that the
// shards of a stream fill one buffer.
//
// The engine's positions are small and dense, sequence numbers are neither. So a position
// counts: that of the n-th record read, from 1, is frame n. Shards are read in turn, from
// each what it has, and it is written down what was read from which: as runs, so and so many
// records of this shard. The runs from the oldest record on that is still needed go into the
// progress document, with the place in each shard before them; a source that is restarted
// there reads the runs again in their order and counts as before. When a record of a run is
// no longer in the shard, records have been lost to the stream's retention; the count then
// goes on behind everything that the progress tells of, so that nothing is taken for
// delivered that is not.
//
// A shard is read when its parents are read to their ends: the records of a partition key
// keep their order. Of the shards that were open when the delivery stream was made, what
// was put after that is read, of those that came later, all.
//
// Read and Wait are for one goroutine at a time.
type kinesisSource struct {
	st       *stream
	k        Kinesis
	clock    clock
	spawn    func(func())                                     // runs what waits for arrivals
	ctx      context.Context                                  // of that
	gap      func(shards int) time.Duration                   // between reads of a shard at its end
	failed   func(err error)                                  // of looks at the stream; nil ends it
	retrying func(err error, attempt int, wait time.Duration) // of reads
	lost     func(shard string)                               // records are no longer there

	batch   []shardlog.Record // what was read last
	batchAt uint64            // number of the first of it
	shards  []*shardReader    // in their order
	turn    int
	replay  int // runs of marks that were read again
	partly  int // records read of the one after them
	limit   int32
	look    time.Time // when to look at the stream
	looks   int       // in a row that failed
	doubt   bool      // whether the stream is still the same: look before reading on

	hurry   atomic.Bool
	woken   chan struct{}
	settled chan struct{} // closed when a hurry ends; nil: nobody waits for that

	mu     sync.Mutex
	marks  marks
	config *sourceConfig
	beyond uint64 // positions up to it may be in use
	behind map[string]time.Duration
}

// clock is what the source needs of clockwork's.
type clock interface {
	Now() time.Time
	After(time.Duration) <-chan time.Time
}

func (st *stream) newKinesisSource(ctx context.Context) *kinesisSource {
	s, d := st.s, st.doc.Load()
	return &kinesisSource{
		st: st, k: s.cfg.Kinesis, clock: s.clock, ctx: ctx, spawn: func(f func()) { st.group.Go(f) }, config: d.Source, failed: st.sourceFailed,
		gap: func(shards int) time.Duration {
			return max(leastGap, time.Duration(shards)*st.doc.Load().longest()/maxRuns)
		},
		lost: func(shard string) {
			s.log.Warn("records of a Kinesis stream are no longer there, perhaps some that were not delivered", "stream", d.Source.StreamARN, "shard", shard)
		},
		marks: newMarks(d.Source), limit: 1000, batchAt: 1, woken: make(chan struct{}, 1), behind: make(map[string]time.Duration),
	}
}

// longest is how long records are buffered at most.
func (d *streamDoc) longest() time.Duration {
	seconds := d.S3.Seconds
	if d.HTTP != nil {
		seconds = d.HTTP.Seconds
	}
	if d.Backup != nil {
		seconds = max(seconds, d.Backup.Seconds)
	}
	return time.Duration(seconds) * time.Second
}

// restart begins again at a mark. Positions up to beyond may be in use.
func (k *kinesisSource) restart(m *sourceMark, beyond shardlog.Position) {
	k.mu.Lock()
	k.marks = m.open(k.config)
	k.beyond = beyond.Frame
	k.mu.Unlock()
	k.rewind()
}

// rewind goes back to the mark.
func (k *kinesisSource) rewind() {
	for _, r := range k.shards {
		r.close()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batch, k.batchAt, k.shards, k.replay, k.partly, k.look = nil, k.marks.number, nil, 0, 0, time.Time{}
}

// mark is a place from which everything at or after the position can be read again. What
// is before it is forgotten.
func (k *kinesisSource) mark(at shardlog.Position) *sourceMark {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.replay -= k.marks.forget(at.Frame)
	return k.marks.save()
}

// Hurry is that of delivery.Source.
func (k *kinesisSource) Hurry() { k.hurry.Store(true) }

// settle ends a hurry.
func (k *kinesisSource) settle() {
	k.hurry.Store(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.settled != nil {
		close(k.settled)
		k.settled = nil
	}
}

// end is the position after everything that the shards have now. wake makes the reader
// look.
func (k *kinesisSource) end(ctx context.Context, wake func()) (shardlog.Position, error) {
	k.mu.Lock()
	if k.settled == nil {
		k.settled = make(chan struct{})
	}
	settled := k.settled
	k.mu.Unlock()
	k.Hurry()
	wake()
	select {
	case <-settled:
	case <-ctx.Done():
		return shardlog.Position{}, ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return shardlog.Position{Frame: k.marks.next()}, nil
}

// Read is that of delivery.Source.
func (k *kinesisSource) Read(ctx context.Context, from shardlog.Position, o shardlog.ReadOptions, dst []shardlog.Record) ([]shardlog.Record, shardlog.Position, error) {
	at := max(from.Frame, 1)
	if from.Index > 0 {
		at = from.Frame + 1
	}
	if at < k.batchAt {
		k.rewind()
	}
	for at >= k.batchAt+uint64(len(k.batch)) {
		more, err := k.fetch(ctx)
		if err != nil {
			return nil, from, err
		}
		if !more {
			return dst, from, nil
		}
	}
	at = max(at, k.batchAt) // records between were lost
	n, size := 0, 0
	for _, r := range k.batch[at-k.batchAt:] {
		if n > 0 && (o.MaxRecords > 0 && n >= o.MaxRecords || o.MaxBytes > 0 && size+len(r.Data) > o.MaxBytes) {
			break
		}
		dst = append(dst, r)
		size += len(r.Data)
		n++
	}
	return dst, shardlog.Position{Frame: at + uint64(n)}, nil
}

// Wait is that of delivery.Source.
func (k *kinesisSource) Wait(ctx context.Context, from shardlog.Position) error {
	at := max(from.Frame, 1)
	for at >= k.batchAt+uint64(len(k.batch)) {
		more, err := k.fetch(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		now := k.clock.Now()
		next := k.look
		for _, r := range k.shards {
			if t := r.next(k.gap(len(k.shards))); !r.ended && t.Before(next) {
				next = t
			}
		}
		select {
		case <-k.clock.After(max(next.Sub(now), time.Millisecond)):
		case <-k.woken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// wake ends a Wait's pause.
func (k *kinesisSource) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// fetch reads on behind the batch, which it replaces if there is more. In a hurry it is
// sure that there is not.
func (k *kinesisSource) fetch(ctx context.Context) (more bool, err error) {
	for {
		hurry := k.hurry.Load()
		found := k.try(ctx, hurry)
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case found == records:
			return true, nil
		case !hurry:
			return false, nil
		case found == nothing:
			k.settle()
			return false, nil
		case found == unsure:
			continue
		}
		select {
		case <-k.clock.After(pollWait):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// What a round of the shards found.
type found int

const (
	records found = iota
	nothing       // all of them said so
	unsure        // some are to be asked again, or have children
	failing       // some could not be asked
)

// try makes one round of the shards: those whose turn it is, or all.
func (k *kinesisSource) try(ctx context.Context, all bool) found {
	if now := k.clock.Now(); all || !now.Before(k.look) {
		if err := k.lookAround(ctx); err != nil {
			if ctx.Err() != nil {
				return failing
			}
			k.looks++
			k.look = now.Add(min(time.Duration(k.looks)*time.Second, sourceWait))
			k.failed(err)
			if k.looks == 1 {
				k.st.s.log.Warn("the source of a delivery stream cannot be read", "stream", k.st.doc.Load().Name, "err", err)
			}
			if k.doubt || len(k.shards) == 0 {
				return failing
			}
		} else {
			k.look, k.looks, k.doubt = now.Add(shardsWait), 0, false
			k.failed(nil)
		}
	} else if k.doubt {
		return failing
	}
	if f, again := k.readAgain(ctx); again {
		return f
	}
	result := nothing
	gap := k.gap(len(k.shards))
	for range k.shards {
		k.turn = (k.turn + 1) % len(k.shards)
		r := k.shards[k.turn]
		if r.ended || !all && k.clock.Now().Before(r.next(gap)) {
			continue
		}
		recs, err := r.get(ctx, k.limit)
		if err != nil {
			if k.doubt {
				return failing
			}
			result = failing
			continue
		}
		if len(recs) > 0 {
			k.take(r, recs)
			return records
		}
		if result == nothing && !r.ended && !r.atEnd {
			result = unsure
		}
	}
	if result == nothing && k.look.IsZero() {
		return unsure // a shard has ended, and others may begin
	}
	return result
}

// readAgain reads the next records of the runs that were read before a restart; again is
// false when that is done.
func (k *kinesisSource) readAgain(ctx context.Context) (f found, again bool) {
	for {
		k.mu.Lock()
		if k.replay == len(k.marks.runs) {
			k.mu.Unlock()
			return nothing, false
		}
		run := k.marks.runs[k.replay]
		if run.shard == "" { // numbers that no record has
			k.batch, k.batchAt = nil, k.batchAt+uint64(len(k.batch)+run.count)
			k.replay++
			k.mu.Unlock()
			continue
		}
		k.mu.Unlock()
		r := k.reader(run.shard)
		if r != nil && k.clock.Now().Before(r.pause) {
			return failing, true
		}
		var recs []kinesistypes.Record
		lost := r == nil
		if !lost {
			var err error
			recs, err = r.get(ctx, int32(min(run.count-k.partly, int(k.limit))))
			if err != nil {
				return failing, true
			}
			lost = r.skipped || len(recs) == 0 && (r.ended || r.atEnd)
		}
		if lost {
			k.giveUp(run.shard)
			if r != nil {
				r.iterator, r.skipped = nil, false // what it may have brought is read in its turn
			}
			return unsure, true
		}
		if len(recs) == 0 {
			continue
		}
		k.setBatch(k.batchAt+uint64(len(k.batch)), r.id, recs)
		k.mu.Lock()
		r.last = *recs[len(recs)-1].SequenceNumber
		if k.partly += len(recs); k.partly == run.count {
			k.marks.runs[k.replay].last = r.last
			k.replay, k.partly = k.replay+1, 0
		}
		k.mu.Unlock()
		return records, true
	}
}

// giveUp ends the reading of runs, some record of which is no longer there: what follows is
// counted behind everything that may be in use.
func (k *kinesisSource) giveUp(shard string) {
	k.lost(shard)
	k.mu.Lock()
	defer k.mu.Unlock()
	m := &k.marks
	read := m.runs[:k.replay]
	if k.partly > 0 {
		r := m.runs[k.replay]
		r.count, r.last = k.partly, k.reader(r.shard).last
		read = append(read, r)
	}
	next := k.batchAt + uint64(len(k.batch))
	m.runs = read
	if k.beyond >= next {
		m.runs = append(m.runs, run{count: int(k.beyond + 1 - next)})
		k.batch, k.batchAt = nil, k.beyond+1
	}
	k.replay, k.partly = len(m.runs), 0
}

func (k *kinesisSource) reader(shard string) *shardReader {
	for _, r := range k.shards {
		if r.id == shard {
			return r
		}
	}
	return nil
}

// take makes records of a shard the batch.
func (k *kinesisSource) take(r *shardReader, records []kinesistypes.Record) {
	if r.skipped {
		r.skipped = false
		k.lost(r.id)
	}
	r.last = *records[len(records)-1].SequenceNumber
	k.mu.Lock()
	k.marks.add(r.id, records)
	k.replay = len(k.marks.runs)
	k.mu.Unlock()
	k.setBatch(k.batchAt+uint64(len(k.batch)), r.id, records)
}

// setBatch makes records the batch, the first of them with the number.
func (k *kinesisSource) setBatch(number uint64, shard string, records []kinesistypes.Record) {
	size, keys := 0, 0
	for i := range records {
		size += len(records[i].Data)
		keys += len(shard) + len(*records[i].SequenceNumber) + len(*records[i].PartitionKey) + 2
	}
	arena := make([]byte, 0, keys)
	batch := make([]shardlog.Record, len(records))
	for i := range records {
		r := &records[i]
		at := len(arena)
		arena = delivery.AppendKinesisKey(arena, shard, *r.SequenceNumber, *r.PartitionKey)
		batch[i] = shardlog.Record{
			Position: shardlog.Position{Frame: number + uint64(i)}, Key: arena[at:len(arena):len(arena)], Data: r.Data,
			Time: aws.ToTime(r.ApproximateArrivalTimestamp),
		}
	}
	k.batch, k.batchAt = batch, number
	k.limit = int32(min(max(readBytes*len(records)/max(size, 1), 1), 10000))
}

// rest tells what was read and is not delivered, and how old it is. What was not read yet
// counts as one record.
func (k *kinesisSource) rest(_ context.Context, p *delivery.Progress) (shardlog.Rest, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r shardlog.Rest
	if at := max(p.Watermark.Frame, 1); k.marks.next() > at {
		r.Records = k.marks.next() - at
		for _, q := range k.marks.runs {
			if !q.time.IsZero() {
				r.Oldest = q.time
				break
			}
		}
	}
	var lag time.Duration
	for _, b := range k.behind {
		lag = max(lag, b)
	}
	if lag > 0 {
		r.Records = max(r.Records, 1)
		if t := k.clock.Now().Add(-lag); r.Oldest.IsZero() || t.Before(r.Oldest) {
			r.Oldest = t
		}
	}
	if r.Records > 0 && r.Oldest.IsZero() {
		r.Oldest = k.clock.Now()
	}
	return r, nil
}

// isCode tells whether an error is one of the API's with the code.
func isCode(err error, code string) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == code
}
