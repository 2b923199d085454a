package kinesisanalytics

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/kpl"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// A feed reads one input: a goroutine a shard reads records, has the function of the input work on
// them, and queues them, so many bytes at most, until they are taken for a step.

// feedBytes bounds the records of an input that wait, over all of its shards; each has room for
// the records of one read at least.
const feedBytes = 48 << 20

// stallAfter is how many failures in a row make a shard one that the others do not wait for.
const stallAfter = 3

// item is a record of an input.
type item struct {
	sequence string
	arrival  time.Time
	data     [][]byte // the rows' records: none if the function dropped it, more if it was aggregated
	size     int
}

// queue has the records of a shard that were read and not taken.
type queue struct {
	shard   string
	source  int // index of the in-application stream
	items   []item
	bytes   int
	tip     bool // all that there was has been queued
	behind  time.Duration
	ended   bool // nothing comes after the items
	stalled bool // it cannot be read
}

// feed is an input that is read.
type feed struct {
	index  int
	doc    inputDoc
	reader *shardreader.Reader[kinesistypes.Record]
	limit  int    // bytes of a queue
	notify func() // tells that something has changed
	lost   func(shard string)

	mu       sync.Mutex
	room     *sync.Cond // of mu: items were taken, or the feed ends
	over     bool
	shards   []shardreader.ShardInfo // nil: the stream was not looked at yet
	identity string
	queues   map[string]*queue
	places   map[string]shardreader.Place // behind what was taken
}

// taken tells for each shard the sequence number of the last record that a step has taken.
func (f *feed) taken() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]string, len(f.places))
	for shard, p := range f.places {
		if p.After != "" {
			all[shard] = p.After
		}
	}
	return all
}

// feedOptions are what a feed is made with.
type feedOptions struct {
	index   int
	doc     inputDoc
	stream  shardreader.Stream[kinesistypes.Record]
	waiter  shardreader.Waiter // nil: the stream is polled
	from    *shardreader.Position
	start   time.Time // where shards begin that from does not have; zero: with their oldest record
	notify  func()
	failed  func(err error)
	lost    func(shard string)
	options shardreader.Options
}

func newFeed(o feedOptions) *feed {
	f := &feed{index: o.index, doc: o.doc, notify: o.notify, lost: o.lost, queues: map[string]*queue{}, places: map[string]shardreader.Place{}, limit: 8 << 20}
	f.room = sync.NewCond(&f.mu)
	from := &shardreader.Position{}
	if o.from != nil {
		from = o.from
		for id, p := range o.from.Shards {
			f.places[id] = p
		}
		f.identity = o.from.Identity
	}
	ro := o.options
	ro.Place = func(sh shardreader.ShardInfo) shardreader.Place {
		f.mu.Lock()
		defer f.mu.Unlock()
		if p, ok := f.places[sh.ID]; ok {
			return p
		}
		return shardreader.Place{From: o.start}
	}
	ro.Events = shardreader.Events{
		Failed: func(shard string, err error, failures int, _ time.Duration) {
			if failures == stallAfter {
				f.set(shard, func(q *queue) { q.stalled = true })
			}
			if failures == 1 || failures%20 == 0 {
				o.failed(err)
			}
		},
		Recovered: func(shard string) { f.set(shard, func(q *queue) { q.stalled = false }) },
		Looked:    f.saw,
		Lost:      func(shard string) { f.lost(shard) },
		Recreated: func(identity string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.identity, f.places = identity, map[string]shardreader.Place{}
			clear(f.queues)
		},
	}
	w := watched{o.stream, f, &sync.Map{}}
	var stream shardreader.Stream[kinesistypes.Record] = w
	if o.waiter != nil {
		stream = toldWatched{w, o.waiter}
	}
	f.reader = shardreader.New(stream, &shardreader.Position{Identity: from.Identity}, ro)
	return f
}

// saw notes the shards that there are.
func (f *feed) saw(d shardreader.Description) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shards, f.identity = d.Shards, d.Identity
	f.limit = max(feedBytes/max(len(d.Shards), 1), 2<<20)
	for id := range f.places {
		if !slices.ContainsFunc(d.Shards, func(sh shardreader.ShardInfo) bool { return sh.ID == id }) && f.queues[id] == nil {
			delete(f.places, id) // it has expired
		}
	}
	f.notify()
}

// ready says whether every shard whose turn has come is being read. mu is held.
func (f *feed) ready() bool {
	if f.shards == nil {
		return false
	}
	unfinished := func(id string) bool {
		return slices.ContainsFunc(f.shards, func(sh shardreader.ShardInfo) bool { return sh.ID == id }) && !f.places[id].Ended
	}
	for _, sh := range f.shards {
		if f.queues[sh.ID] == nil && !f.places[sh.ID].Ended && !slices.ContainsFunc(sh.Parents, unfinished) {
			return false
		}
	}
	return true
}

// gone says whether nothing more is to come of a shard that has no queue. mu is held.
func (f *feed) gone(shard string) bool {
	listed := slices.ContainsFunc(f.shards, func(sh shardreader.ShardInfo) bool { return sh.ID == shard })
	return f.shards != nil && (!listed || f.places[shard].Ended)
}

// set changes the queue of a shard, if there is one.
func (f *feed) set(shard string, change func(*queue)) {
	f.mu.Lock()
	if q := f.queues[shard]; q != nil {
		change(q)
	}
	f.mu.Unlock()
	f.notify()
}

// run reads until ctx ends. process is what the input's function makes of records.
func (f *feed) run(ctx context.Context, process func(ctx context.Context, shard string, records []kinesistypes.Record) ([]item, error)) error {
	stop := context.AfterFunc(ctx, func() {
		f.mu.Lock()
		f.over = true
		f.mu.Unlock()
		f.room.Broadcast()
	})
	defer stop()
	defer f.reader.Close()
	return f.reader.Run(ctx, nil, shardreader.Forever, func(ctx context.Context, sh *shardreader.Shard[kinesistypes.Record]) error {
		q := &queue{shard: sh.ID, source: sourceOf(sh.ID, int(f.doc.Parallelism))}
		f.mu.Lock()
		f.queues[sh.ID] = q
		f.mu.Unlock()
		for {
			records, err := sh.Next(ctx, shardreader.Limits{Records: 10000, Bytes: 4 << 20})
			if errors.Is(err, io.EOF) {
				return f.drain(ctx, q)
			}
			if err != nil {
				return err
			}
			items, err := process(ctx, sh.ID, records)
			if err != nil {
				return err
			}
			if err := f.push(ctx, q, items); err != nil {
				return err
			}
		}
	})
}

// push queues records when there is room.
func (f *feed) push(ctx context.Context, q *queue, items []item) error {
	f.mu.Lock()
	for q.bytes > f.limit && !f.over && ctx.Err() == nil {
		stop := context.AfterFunc(ctx, f.room.Broadcast)
		f.room.Wait()
		stop()
	}
	if f.over || ctx.Err() != nil {
		f.mu.Unlock()
		return context.Cause(ctx)
	}
	for i := range items {
		q.bytes += items[i].size
	}
	q.items = append(q.items, items...)
	q.tip = q.behind == 0
	f.mu.Unlock()
	f.notify()
	return nil
}

// drain waits until the records of a shard that has ended are taken, so that its children come after.
func (f *feed) drain(ctx context.Context, q *queue) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	q.ended = true
	stop := context.AfterFunc(ctx, f.room.Broadcast)
	defer stop()
	for len(q.items) > 0 && !f.over && ctx.Err() == nil {
		f.room.Wait()
	}
	if len(q.items) > 0 {
		return context.Cause(ctx)
	}
	p := f.places[q.shard]
	p.Ended, p.Begun = true, true
	f.places[q.shard] = p
	delete(f.queues, q.shard)
	f.notify()
	return nil
}

// take takes the first n records of a queue. mu is held.
func (f *feed) take(q *queue, n int) []item {
	items := q.items[:n:n]
	q.items = q.items[n:]
	for i := range items {
		q.bytes -= items[i].size
	}
	f.places[q.shard] = shardreader.Place{After: items[n-1].sequence, Begun: true}
	f.room.Broadcast()
	return items
}

// position is how far the input's records were taken.
func (f *feed) position() *shardreader.Position {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &shardreader.Position{Identity: f.identity, Shards: map[string]shardreader.Place{}}
	for id, place := range f.places {
		p.Shards[id] = place
	}
	return p
}

// sourceOf spreads shards over the in-application streams of an input: by the numbers in their
// names, so that a shard's records always come into the same.
func sourceOf(shard string, parallelism int) int {
	n := 0
	for _, c := range shard {
		if c >= '0' && c <= '9' {
			n = (n*10 + int(c-'0')) % (1 << 30)
		} else {
			n = 0
		}
	}
	return n % max(parallelism, 1)
}

// plainItems are records without a function.
func plainItems(records []kinesistypes.Record) []item {
	items := make([]item, len(records))
	for i := range records {
		items[i] = newItem(&records[i], deaggregated(records[i].Data))
	}
	return items
}

func newItem(r *kinesistypes.Record, data [][]byte) item {
	it := item{sequence: aws.ToString(r.SequenceNumber), arrival: aws.ToTime(r.ApproximateArrivalTimestamp), data: data, size: 64}
	for _, d := range data {
		it.size += len(d)
	}
	return it
}

// deaggregated are the user's records in a record.
func deaggregated(data []byte) [][]byte {
	var out [][]byte
	if kpl.Deaggregate(data, func(_ string, d []byte) { out = append(out, d) }) {
		return out
	}
	return [][]byte{data}
}

// watched is a stream whose reads tell the feed which shards are at their tips.
type watched struct {
	shardreader.Stream[kinesistypes.Record]
	f      *feed
	shards *sync.Map // iterator -> shard
}

type toldWatched struct {
	watched
	shardreader.Waiter
}

func (w watched) Iterator(ctx context.Context, shard string, at shardreader.Start) (string, error) {
	it, err := w.Stream.Iterator(ctx, shard, at)
	if err == nil {
		w.shards.Store(it, shard)
	}
	return it, err
}

func (w watched) Read(ctx context.Context, iterator string, limit int32) (shardreader.Page[kinesistypes.Record], error) {
	page, err := w.Stream.Read(ctx, iterator, limit)
	if err != nil {
		return page, err
	}
	v, ok := w.shards.LoadAndDelete(iterator)
	if !ok {
		return page, nil
	}
	shard := v.(string)
	if page.Next != "" {
		w.shards.Store(page.Next, shard)
	}
	w.f.mu.Lock()
	if q := w.f.queues[shard]; q != nil {
		q.behind = page.Behind
		// What was read is at the tip when it is queued.
		q.tip = len(page.Records) == 0 && page.Behind == 0
	}
	w.f.mu.Unlock()
	if len(page.Records) == 0 {
		w.f.notify()
	}
	return page, nil
}

// engineRecords are the records of items as the engine takes them.
func engineRecords(dst []streamsql.Record, items []item) []streamsql.Record {
	for i := range items {
		for _, d := range items[i].data {
			dst = append(dst, streamsql.Record{Data: d, Arrival: items[i].arrival})
		}
	}
	return dst
}
