package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// A lane delivers what the source holds to one place: the destination, or the bucket that
// source records are backed up to. A delivery stream has one or two.
type lane struct {
	st       *stream
	name     string // of its progress and plans
	backup   bool
	pipeline *delivery.Pipeline
	plans    *lanePlans
	backlog  func(ctx context.Context, p *delivery.Progress) (shardlog.Backlog, error)
	moved    func(shardlog.Position) // what is before it is delivered
	works    context.Context         // ends when it works no more
	kinesis  *kinesisSource          // that it reads itself; nil: none

	transformer *transformer // what its records go through; nil: nothing

	mu      sync.Mutex
	failing int // attempts in a row that failed
	lastErr error
	errTime time.Time
	said    time.Time // when failed records were logged last
	unsaid  int64     // failed records since then
}

// Names of lanes.
const (
	mainLane          = "main"
	backupSuffix      = "~backup"
	transformedSuffix = "~transformed"
)

// newLane makes a lane of the Kinesis source, or of the puts if it is nil.
func (st *stream) newLane(name string, backup bool, kinesis *kinesisSource) *lane {
	l := st.lane(name, backup, st.sourceOf(kinesis), kinesis)
	l.backlog = st.backlogOf(kinesis)
	if l.kinesis = kinesis; kinesis != nil {
		kinesis.retrying, kinesis.working = l.retrying, l.working
	}
	return l
}

func (st *stream) lane(name string, backup bool, source delivery.Source, kinesis *kinesisSource) *lane {
	s, d := st.s, st.doc.Load()
	l := &lane{st: st, name: name, backup: backup, moved: func(shardlog.Position) {}}
	l.plans = &lanePlans{lane: l}
	l.pipeline = delivery.New(delivery.Options{
		Source:   source,
		Objects:  objects{l},
		Progress: &progressStore{document{store: s.cfg.State, key: state.Key{progressKind, d.Account, d.Region, d.ID, name}, source: kinesis}},
		Plans:    l.plans,
		Clock:    s.clock,
		Budget:   s.cfg.Budget,
		TempDir:  s.cfg.TempDir,

		PlanCheck: 1, // a change is to act on what is put after it; lanePlans remembers the rest
		Events: delivery.Events{
			Delivered: l.delivered,
			Resumed:   func(p *delivery.Progress) { l.moved(p.Watermark) },
			Retrying:  l.retrying,
			Corrupt: func(err error) {
				s.metrics.corrupt.Inc()
				s.log.Error("delivery skipped records that cannot be read", "stream", d.Name, "lane", name, "err", err)
			},
		},
	})
	return l
}

// working notes that the source can be read again.
func (l *lane) working() {
	l.mu.Lock()
	l.failing = 0
	l.mu.Unlock()
}

// sayFailed logs that records have gone to the error prefix, at most once a minute.
func (l *lane) sayFailed(objs []delivery.Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range objs {
		if delivery.IsError(o.Partition) {
			l.unsaid += o.Rows
		}
	}
	now := l.st.s.clock.Now()
	if l.unsaid == 0 || now.Sub(l.said) < time.Minute {
		return
	}
	for _, o := range objs {
		if delivery.IsError(o.Partition) {
			l.st.s.log.Warn("records could not be delivered and are in the error prefix, where each has its reason", "stream", l.st.doc.Load().Name,
				"kind", strings.TrimPrefix(o.Partition, delivery.ErrorMark), "records", l.unsaid, "object", "s3://"+o.Bucket+"/"+o.Key)
			l.said, l.unsaid = now, 0
			return
		}
	}
}

func (l *lane) delivered(objs []delivery.Intent, p *delivery.Progress) {
	m := l.st.s.metrics
	for _, o := range objs {
		switch {
		case delivery.IsError(o.Partition):
			m.rejected.Add(float64(o.Rows))
		case !l.backup:
			m.delivered.Add(float64(o.Rows))
		}
	}
	m.objects.Add(float64(len(objs)))
	l.sayFailed(objs)
	l.logRejected(objs)
	if !l.backup {
		l.st.measureDelivered(objs)
		l.st.wrote(objs)
	}
	l.mu.Lock()
	l.failing = 0
	l.mu.Unlock()
	l.moved(p.Watermark)
}

func (l *lane) retrying(err error, attempt int, wait time.Duration) {
	l.st.s.metrics.retries.Inc()
	l.mu.Lock()
	l.failing++
	l.lastErr, l.errTime = err, l.st.s.clock.Now()
	l.mu.Unlock()
	if d := l.st.doc.Load(); attempt == 1 || attempt%20 == 0 {
		l.st.s.logError(d, errorCode(err), "Data could not be delivered to the destination and is tried again: "+err.Error())
	}
	if attempt == 1 {
		l.st.s.log.Warn("delivery is failing and will be retried", "stream", l.st.doc.Load().Name, "lane", l.name, "err", err, "wait", wait)
	}
}

// failure is the error of the last attempt, if that failed.
func (l *lane) failure() (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failing == 0 {
		return time.Time{}, nil
	}
	return l.errTime, l.lastErr
}

// flush delivers what the lane's source has now.
func (l *lane) flush(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.works, cancel)()
	err := func() error {
		if t := l.transformer; t != nil {
			end, err := t.end(ctx)
			if err != nil {
				return err
			}
			if err := t.Flush(ctx, end); err != nil {
				return err
			}
		}
		return l.pipeline.Flush(ctx)
	}()
	if l.works.Err() != nil { // the stream is changed or gone
		return nil
	}
	return err
}

// trimAgain is how often records that are kept for readers are looked at, whether deliveries move or not.
const trimAgain = time.Hour

// trimmer removes what all readers of a shard are done with.
type trimmer struct {
	st    *stream
	shard *shardlog.Shard
	ctx   context.Context // of the run that the readers are of

	mu      sync.Mutex
	readers map[string]shardlog.Position
	running bool
	done    shardlog.Position // what is before it is removed
}

// reader adds a reader that has not moved yet, and returns what it calls when it moves.
func (t *trimmer) reader(name string) func(shardlog.Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.readers = make(map[string]shardlog.Position)
	}
	t.readers[name] = shardlog.Position{}
	return func(p shardlog.Position) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.readers[name] = p
		if !t.running && t.done.Compare(t.low()) < 0 {
			t.running = t.st.s.work.Go("trim", func(context.Context) error {
				t.trim()
				return nil
			})
		}
	}
}

func (t *trimmer) low() shardlog.Position {
	low, first := shardlog.Position{}, true
	for _, p := range t.readers {
		if first || p.Compare(low) < 0 {
			low, first = p, false
		}
	}
	return low
}

// trim removes what is done with, and comes back for what is kept for readers of the stream. What it fails to remove
// goes at the next move.
func (t *trimmer) trim() {
	for {
		t.mu.Lock()
		to := t.low()
		if to.Compare(t.done) <= 0 || t.ctx.Err() != nil {
			t.running = false
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		cut := to
		if t.shard == t.st.shard {
			var err error
			if cut, err = t.st.kept(t.ctx, to); err != nil {
				cut = to
			} else if err = t.cut(cut); err == nil && cut.Compare(to) < 0 {
				select {
				case <-t.ctx.Done():
				case <-t.st.gone:
					return // for good: nothing moves any more
				case <-t.st.s.clock.After(trimAgain):
				}
				continue
			}
		} else {
			_ = t.cut(cut)
		}
		t.mu.Lock()
		t.done = to
		t.mu.Unlock()
	}
}

// cut removes what is before a place.
func (t *trimmer) cut(to shardlog.Position) error {
	err := t.shard.TrimBefore(t.ctx, to)
	if err != nil && t.ctx.Err() == nil && !errors.Is(err, shardlog.ErrNoShard) {
		t.st.s.log.Warn("delivered records could not be removed from the log", "stream", t.st.doc.Load().Name, "err", err)
	}
	return err
}

// Kinds of documents of a delivery stream, beside its own.
const (
	progressKind = "firehose.progress"
	markKind     = "firehose.transform"
)

// document is a document that one writer changes by compare-and-swap. If records come
// from a Kinesis stream, its place in the stream is in the document too.
type document struct {
	store  *state.Store
	key    state.Key
	source *kinesisSource
	rev    uint64
}

// load reads the document into v; one that is not there leaves v.
func (p *document) load(v any) error {
	d, err := p.store.Get(p.key)
	if errors.Is(err, state.ErrNotFound) {
		p.rev = 0
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(d.Value, v); err != nil {
		return fmt.Errorf("firehose: read %s: %w", p.key, err)
	}
	p.rev = d.Revision
	return nil
}

func (p *document) save(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var rev uint64
	if p.rev == 0 {
		rev, err = p.store.Create(ctx, p.key, b)
	} else {
		rev, err = p.store.Update(ctx, p.key, b, p.rev)
	}
	if errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrExists) || errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("%w: %w", delivery.ErrConflict, err)
	}
	if err != nil {
		return err
	}
	p.rev = rev
	return nil
}

// progressStore keeps a pipeline's progress.
type progressStore struct{ document }

type progressDoc struct {
	*delivery.Progress
	Kinesis *sourceMark `json:"kinesis,omitempty"`
}

func (p *progressStore) Load(ctx context.Context) (*delivery.Progress, error) {
	d := progressDoc{Progress: new(delivery.Progress)}
	if err := p.load(&d); err != nil {
		return nil, err
	}
	if p.source != nil {
		beyond := d.Watermark
		for _, at := range d.Flushed {
			beyond = later(beyond, at)
		}
		for _, in := range d.Intents {
			beyond = later(beyond, in.Upto)
		}
		p.source.restart(d.Kinesis, beyond)
	}
	return d.Progress, nil
}

func (p *progressStore) Save(ctx context.Context, v *delivery.Progress) error {
	d := progressDoc{Progress: v}
	if p.source != nil {
		d.Kinesis = p.source.mark(v.Watermark)
	}
	return p.save(ctx, d)
}

// markStore keeps a transformer's mark.
type markStore struct{ document }

type markDoc struct {
	*recordplan.TransformMark
	Kinesis *sourceMark `json:"kinesis,omitempty"`
}

func (p *markStore) Load(ctx context.Context) (*recordplan.TransformMark, error) {
	d := markDoc{TransformMark: new(recordplan.TransformMark)}
	if err := p.load(&d); err != nil {
		return nil, err
	}
	if p.source != nil {
		p.source.restart(d.Kinesis, d.Source)
	}
	return d.TransformMark, nil
}

func (p *markStore) Save(ctx context.Context, v *recordplan.TransformMark) error {
	d := markDoc{TransformMark: v}
	if p.source != nil {
		d.Kinesis = p.source.mark(v.Source)
	}
	return p.save(ctx, d)
}

func later(a, b shardlog.Position) shardlog.Position {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}
