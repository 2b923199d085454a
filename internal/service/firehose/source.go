package firehose

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Kinesis has the streams that records come from.
type Kinesis interface {
	DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error)
	ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error)
	GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error)
	GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error)
}

// Limits of reading a Kinesis stream.
const (
	readBytes = 1 << 20                // of records that one GetRecords should bring, about
	pollWait  = 200 * time.Millisecond // before it is asked again in a polling
	leastGap  = 20 * time.Millisecond  // between reads of a shard to which records trickle
	maxRuns   = 20000                  // that a progress document should have at most, about
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
	reader   *shardreader.Reader[kinesistypes.Record]
	clock    clock
	failed   func(err error)                                  // of looks at the stream; nil ends it
	retrying func(err error, attempt int, wait time.Duration) // of reads
	working  func()                                           // reads succeed again
	lost     func(shard string)                               // records are no longer there

	batch    []shardlog.Record // what was read last
	batchAt  uint64            // number of the first of it
	replay   int               // runs of marks that were read again
	partly   int               // records read of the one after them
	partlyTo string            // sequence number of the last of those

	polling atomic.Bool
	polled  chan struct{} // closed when a polling ends; nil: nobody waits for that

	mu     sync.Mutex
	marks  marks
	config *sourceConfig
	beyond uint64 // positions up to it may be in use
}

// clock is what the source needs of clockwork's.
type clock interface {
	Now() time.Time
	After(time.Duration) <-chan time.Time
}

func (st *stream) newKinesisSource() *kinesisSource {
	s, d := st.s, st.doc.Load()
	k := &kinesisSource{st: st, clock: s.clock, config: d.Source, failed: st.sourceFailed, marks: newMarks(d.Source), batchAt: 1}
	k.lost = func(shard string) {
		s.log.Warn("records of a Kinesis stream are no longer there, perhaps some that were not delivered", "stream", d.Source.StreamARN, "shard", shard)
	}
	var stream shardreader.Stream[kinesistypes.Record] = noKinesis{}
	if s.cfg.Kinesis != nil {
		stream = shardreader.Kinesis(shardreader.KinesisAs(s.cfg.Kinesis, d.acting(d.Source.RoleARN)), d.Source.StreamARN)
	}
	k.reader = shardreader.New(stream, &shardreader.Position{Identity: shardreader.CreationIdentity(k.marks.created)}, shardreader.Options{
		Clock: s.clock, Place: k.place, ReadBytes: readBytes,
		Gap: func(shards int) time.Duration {
			return max(leastGap, time.Duration(shards)*st.doc.Load().longest()/maxRuns)
		},
		Events: shardreader.Events{
			Failed: k.readFailed, Looked: k.looked, Recreated: k.recreated,
			Recovered: func(string) {
				if k.working != nil {
					k.working()
				}
			},
			Lost: func(shard string) { k.lost(shard) },
		},
	})
	return k
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
	k.mu.Lock()
	defer k.mu.Unlock()
	k.batch, k.batchAt, k.replay, k.partly = nil, k.marks.number, 0, 0
	k.reader.Restart(shardreader.CreationIdentity(k.marks.created))
}

// mark is a place from which everything at or after the position can be read again. What
// is before it is forgotten.
func (k *kinesisSource) mark(at shardlog.Position) *sourceMark {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.replay -= k.marks.forget(at.Frame)
	return k.marks.save()
}

// PollNow is that of delivery.Source.
func (k *kinesisSource) PollNow() { k.polling.Store(true) }

// endPolling ends a polling.
func (k *kinesisSource) endPolling() {
	k.polling.Store(false)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.polled != nil {
		close(k.polled)
		k.polled = nil
	}
}

// end is the position after everything that the shards have now: the beginning where none had
// a record yet. wake makes the reader look.
func (k *kinesisSource) end(ctx context.Context, wake func()) (shardlog.Position, error) {
	k.mu.Lock()
	if k.polled == nil {
		k.polled = make(chan struct{})
	}
	polled := k.polled
	k.mu.Unlock()
	k.PollNow()
	wake()
	select {
	case <-polled:
	case <-ctx.Done():
		return shardlog.Position{}, ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if next := k.marks.next(); next > 1 { // records are numbered from 1
		return shardlog.Position{Frame: next}, nil
	}
	return shardlog.Position{}, nil
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
		if err := k.reader.Pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads on behind the batch, which it replaces if there is more. In a polling it is
// sure that there is not.
func (k *kinesisSource) fetch(ctx context.Context) (more bool, err error) {
	for {
		polling := k.polling.Load()
		found := k.try(ctx, polling)
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case found == shardreader.Records:
			return true, nil
		case !polling:
			return false, nil
		case found == shardreader.Nothing:
			k.endPolling()
			return false, nil
		case found == shardreader.Unsure:
			continue
		}
		select {
		case <-k.clock.After(pollWait):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// try makes one round of the shards: those whose turn it is, or all.
func (k *kinesisSource) try(ctx context.Context, all bool) shardreader.Found {
	if !k.reader.Prepare(ctx, all) {
		return shardreader.Failing
	}
	if f, again := k.readAgain(ctx); again {
		return f
	}
	b, found := k.reader.Round(ctx, all)
	if found == shardreader.Records {
		k.take(b)
	}
	return found
}

// readAgain reads the next records of the runs that were read before a restart; again is
// false when that is done.
func (k *kinesisSource) readAgain(ctx context.Context) (f shardreader.Found, again bool) {
	for {
		k.mu.Lock()
		if k.replay == len(k.marks.runs) {
			k.mu.Unlock()
			return shardreader.Nothing, false
		}
		run := k.marks.runs[k.replay]
		if run.shard == "" { // numbers that no record has
			k.batch, k.batchAt = nil, k.batchAt+uint64(len(k.batch)+run.count)
			k.replay++
			k.mu.Unlock()
			continue
		}
		partly := k.partly
		k.mu.Unlock()
		b, found := k.reader.Again(ctx, run.shard, run.count-partly)
		switch found {
		case shardreader.Nothing:
			k.giveUp(run.shard)
			return shardreader.Unsure, true
		case shardreader.Unsure:
			continue
		case shardreader.Failing:
			return found, true
		}
		k.setBatch(k.batchAt+uint64(len(k.batch)), b)
		k.mu.Lock()
		k.partlyTo = b.Place.After
		k.marks.runs[k.replay].bytes += dataSize(b.Records)
		k.marks.runs[k.replay].saw(k.partly, b.Records)
		if k.partly += len(b.Records); k.partly == run.count {
			k.marks.runs[k.replay].last = k.partlyTo
			k.replay, k.partly = k.replay+1, 0
		}
		k.mu.Unlock()
		return found, true
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
		r.count, r.last = k.partly, k.partlyTo
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

// take makes records of a shard the batch.
func (k *kinesisSource) take(b shardreader.Batch[kinesistypes.Record]) {
	k.mu.Lock()
	k.marks.add(b.Shard, b.Records)
	k.replay = len(k.marks.runs)
	k.mu.Unlock()
	k.setBatch(k.batchAt+uint64(len(k.batch)), b)
}

// setBatch makes records the batch, the first of them with the number.
func (k *kinesisSource) setBatch(number uint64, b shardreader.Batch[kinesistypes.Record]) {
	shard, records := b.Shard, b.Records
	keys := 0
	for i := range records {
		keys += len(shard) + len(*records[i].SequenceNumber) + len(*records[i].PartitionKey) + 2
	}
	arena := make([]byte, 0, keys)
	batch := make([]shardlog.Record, len(records))
	for i := range records {
		r := &records[i]
		at := len(arena)
		arena = recordplan.AppendKinesisKey(arena, shard, *r.SequenceNumber, *r.PartitionKey)
		batch[i] = shardlog.Record{
			Position: shardlog.Position{Frame: number + uint64(i)}, Key: arena[at:len(arena):len(arena)], Data: r.Data,
			Time: aws.ToTime(r.ApproximateArrivalTimestamp),
		}
	}
	k.batch, k.batchAt = batch, number
}

// backlog reports what was read and is not delivered, and how old it is. What was not read yet
// counts as one record.
func (k *kinesisSource) backlog(_ context.Context, p *delivery.Progress) (shardlog.Backlog, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r shardlog.Backlog
	if at := max(p.Watermark.Frame, 1); k.marks.next() > at {
		r.Records = k.marks.next() - at
		r.Bytes = k.marks.bytesFrom(at)
		r.Oldest = k.marks.oldest(at)
	}
	if lag := k.reader.Behind(); lag > 0 {
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
