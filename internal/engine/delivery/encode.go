package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// encodeStage keeps the buffers: it encodes rows into them and seals them.
type encodeStage struct {
	p    *Pipeline
	plan Plan

	chunks, free chan *chunk
	flushes      chan *flush
	requests     []*flushRequest // of a flush that could not be passed on

	active    map[string]*buffer
	open      int     // buffers in active that are not of error partitions
	last      *buffer // of the row before
	full      []*buffer
	touched   []*buffer // since memory was last accounted for
	processed shardlog.Position
	sealedLow shardlog.Position // the low of the last flush
	atEnd     bool              // the source has no more than was encoded
	overflow  bool              // rows of too many partitions are buffered

	// What a crash left behind.
	flushed   map[string]shardlog.Position
	intents   map[string][]Intent
	maxUpto   shardlog.Position
	completed []*object // of intents, in recovery

	now   time.Time
	timer clockwork.Timer
}

// buffer is an object in the making.
type buffer struct {
	partition   string
	enc         Encoder
	spool       *spool
	limits      Buffering
	first, last shardlog.Position
	arrival     time.Time // of the first row
	opened      time.Time // when the first row was encoded
	rows, bytes int64
	codes       map[string]int64 // rows by their codes
	memory      int64            // accounted for in the budget
	touched     bool
	full        bool
}

// object is a sealed buffer.
type object struct {
	Intent
	bytes    int64
	spool    *spool
	memory   int64
	encoding string
}

// flush is a set of objects that become durable together. Every row before low that is
// in no earlier flush is in this one.
type flush struct {
	objects  []*object
	low      shardlog.Position
	atomic   bool
	requests []*flushRequest
}

func (f *flush) discard(b *Budget) {
	for _, o := range f.objects {
		o.discard(b)
	}
}

func (o *object) discard(b *Budget) {
	b.add(-o.memory)
	o.memory = 0
	o.spool.close()
}

func newEncodeStage(p *Pipeline, plan Plan, doc *Progress) *encodeStage {
	e := &encodeStage{p: p, plan: plan, active: make(map[string]*buffer), processed: doc.Watermark, sealedLow: doc.Watermark}
	if len(doc.Flushed) > 0 {
		e.flushed = make(map[string]shardlog.Position, len(doc.Flushed))
		for k, v := range doc.Flushed {
			e.flushed[k] = v
			e.maxUpto = later(e.maxUpto, v)
		}
	}
	if len(doc.Intents) > 0 {
		e.intents = make(map[string][]Intent)
		for _, in := range doc.Intents {
			e.intents[in.Partition] = append(e.intents[in.Partition], in)
			e.maxUpto = later(e.maxUpto, in.Upto)
		}
	}
	return e
}

func later(a, b shardlog.Position) shardlog.Position {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}

// discard lets go of all memory and files.
func (e *encodeStage) discard() {
	for _, b := range e.active {
		b.enc.Abort()
		e.p.o.Budget.add(-b.memory)
		b.spool.close()
	}
	for _, o := range e.completed {
		o.discard(e.p.o.Budget)
	}
	e.active, e.completed = nil, nil
}

func (e *encodeStage) run(ctx context.Context) error {
	e.timer = e.p.o.Clock.NewTimer(time.Hour)
	defer e.timer.Stop()
	for {
		select {
		case c, ok := <-e.chunks:
			if !ok {
				return ctx.Err()
			}
			last, err := e.chunk(ctx, c)
			if err != nil || last {
				return err
			}
		case <-e.timer.Chan():
			e.now = e.p.o.Clock.Now()
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := e.sealDue(ctx); err != nil {
			return err
		}
	}
}

// chunk encodes the rows of c and does what it asks for.
func (e *encodeStage) chunk(ctx context.Context, c *chunk) (last bool, err error) {
	e.now = e.p.o.Clock.Now()
	e.atEnd = c.end
	for i := range c.rows.rows {
		r := &c.rows.rows[i]
		if r.From.Position != e.processed {
			if err := e.boundary(ctx, r.From.Position); err != nil {
				return false, err
			}
		}
		if err := e.add(r.partition, &r.Row); err != nil {
			return false, err
		}
	}
	if err := e.boundary(ctx, c.next); err != nil {
		return false, err
	}
	if (c.end || c.last) && e.intents != nil {
		if err := e.finishIntents(ctx); err != nil {
			return false, err
		}
	}
	if err := e.account(); err != nil {
		return false, err
	}
	last = c.last
	if last || len(c.requests) > 0 {
		err = e.sealAll(ctx, c.requests)
	} else if c.end && len(e.active) == 0 && e.processed != e.sealedLow {
		err = e.send(ctx, &flush{low: e.processed}) // records without rows
	}
	c.reset()
	select {
	case e.free <- c:
	default:
	}
	return last, err
}

// boundary is between two records: all rows before pos are in buffers.
func (e *encodeStage) boundary(ctx context.Context, pos shardlog.Position) error {
	e.processed = pos
	if e.intents != nil {
		if pos.Compare(e.maxUpto) <= 0 {
			return nil
		}
		if err := e.finishIntents(ctx); err != nil {
			return err
		}
	}
	if len(e.full) > 0 {
		return e.seal(ctx, e.full, nil)
	}
	return nil
}

// add encodes a row into the buffer of its partition.
func (e *encodeStage) add(partition []byte, row *Row) error {
	pos := row.From.Position
	b := e.last
	if b == nil || b.partition != string(partition) {
		b = e.active[string(partition)]
	}
	if len(e.flushed) > 0 {
		if f, ok := e.flushed[string(partition)]; ok {
			if pos.Compare(f) <= 0 {
				return nil // in an object already
			}
			delete(e.flushed, string(partition))
		}
	}
	if e.intents != nil {
		if q := e.intents[string(partition)]; len(q) > 0 && pos.Compare(q[0].Upto) > 0 {
			if err := e.complete(q[0]); err != nil {
				return err
			}
			e.intents[string(partition)] = q[1:]
			b = nil
		}
	}
	if b == nil {
		name := string(partition)
		if !IsError(name) && e.intents == nil && e.open >= e.plan.MaxPartitions() {
			e.overflow = true
			return e.reject(e.plan.TooMany(name, row.Data, &row.From), row)
		}
		b = &buffer{partition: name, spool: &spool{dir: e.p.o.TempDir}, limits: e.plan.Buffering(name)}
		enc, err := e.plan.Encoder(name, b.spool)
		if err != nil {
			return fmt.Errorf("delivery: start an object: %w", err)
		}
		b.enc = enc
		e.active[name] = b
		if !IsError(name) {
			e.open++
		}
	}
	e.last = b
	if !b.touched {
		b.touched = true
		e.touched = append(e.touched, b)
	}
	if err := b.enc.Add(row); err != nil {
		var r *Rejected
		if errors.As(err, &r) && !IsError(b.partition) {
			return e.reject(r, row)
		}
		return fmt.Errorf("delivery: encode a row: %w", err)
	}
	if b.rows == 0 {
		b.first, b.arrival, b.opened = pos, row.From.Arrival, e.now
	}
	b.last = pos
	b.rows++
	if row.code != "" {
		if b.codes == nil {
			b.codes = map[string]int64{}
		}
		b.codes[row.code]++
	}
	b.bytes += int64(len(row.Data))
	if b.bytes >= b.limits.Size && !b.full {
		b.full = true
		e.full = append(e.full, b)
	}
	return nil
}

func (e *encodeStage) reject(r *Rejected, row *Row) error {
	return e.add([]byte(r.Partition), &Row{Data: r.Data, From: row.From, code: r.Code})
}

// account tells the budget what the buffers hold, and moves the largest to files when
// that is too much.
func (e *encodeStage) account() error {
	for _, b := range e.touched {
		b.touched = false
		if e.active[b.partition] == b {
			e.measure(b)
		}
	}
	clear(e.touched)
	e.touched = e.touched[:0]
	for e.p.o.Budget.over() {
		var big *buffer
		for _, b := range e.active {
			if big == nil || b.memory > big.memory {
				big = b
			}
		}
		if big == nil || big.memory < 2*blockSize {
			return nil // others hold it, or nothing is worth a file
		}
		before := big.memory
		if err := big.spool.toFile(); err != nil {
			return err
		}
		if err := big.enc.Spill(); err != nil {
			return fmt.Errorf("delivery: spill a buffer: %w", err)
		}
		e.measure(big)
		if big.memory > before/2 {
			return nil
		}
	}
	return nil
}

func (e *encodeStage) measure(b *buffer) {
	m := b.enc.Buffered() + b.spool.memory()
	e.p.o.Budget.add(m - b.memory)
	b.memory = m
}

// due is when b is to be sealed by its age. As long as there is a backlog its age is
// counted from when it was opened: after a long stop everything is old, and must not
// become many small objects.
func (e *encodeStage) due(b *buffer) time.Time {
	from := b.opened
	if e.atEnd && b.arrival.Before(from) {
		from = b.arrival
	}
	if b.limits.Interval == 0 {
		return from.Add(e.p.o.Linger)
	}
	return from.Add(b.limits.Interval)
}

// sealDue seals what is old enough and sets the timer for the rest.
func (e *encodeStage) sealDue(ctx context.Context) error {
	if e.intents != nil {
		return nil
	}
	var next time.Time
	var due []*buffer
	for _, b := range e.active {
		if b.rows == 0 {
			continue
		}
		if t := e.due(b); !t.After(e.now) {
			due = append(due, b)
		} else if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	e.timer.Stop()
	if !next.IsZero() {
		e.timer.Reset(next.Sub(e.now))
	}
	if len(due) == 0 {
		return nil
	}
	return e.seal(ctx, due, nil)
}

func (e *encodeStage) sealAll(ctx context.Context, requests []*flushRequest) error {
	all := make([]*buffer, 0, len(e.active))
	for _, b := range e.active {
		all = append(all, b)
	}
	return e.seal(ctx, all, requests)
}

// seal makes objects of the buffers, at a boundary between records.
func (e *encodeStage) seal(ctx context.Context, bufs []*buffer, requests []*flushRequest) error {
	f := &flush{atomic: e.overflow, requests: requests}
	close := func(b *buffer) error {
		if e.active[b.partition] != b {
			return nil
		}
		o, err := e.close(b)
		if o != nil {
			f.objects = append(f.objects, o)
		}
		return err
	}
	for _, b := range bufs {
		if err := close(b); err != nil {
			f.discard(e.p.o.Budget)
			return err
		}
	}
	for _, b := range e.active {
		// Error partitions go with any other, and so do buffers without a row, whose
		// rows all were rejected. The package comment says why.
		if e.overflow || b.rows == 0 || IsError(b.partition) {
			if err := close(b); err != nil {
				f.discard(e.p.o.Budget)
				return err
			}
		}
	}
	e.overflow = false
	clear(e.full)
	e.full = e.full[:0]
	f.low = e.processed
	for _, b := range e.active {
		if b.rows > 0 && b.first.Compare(f.low) < 0 {
			f.low = b.first
		}
		if b.full {
			e.full = append(e.full, b)
		}
	}
	return e.send(ctx, f)
}

// close takes b out of the active buffers and ends its object; nil when it has no row.
func (e *encodeStage) close(b *buffer) (*object, error) {
	delete(e.active, b.partition)
	if !IsError(b.partition) {
		e.open--
	}
	if e.last == b {
		e.last = nil
	}
	err := b.enc.Close()
	if err == nil {
		err = b.spool.finish()
	}
	e.p.o.Budget.add(b.spool.memory() - b.memory)
	o := &object{spool: b.spool, memory: b.spool.memory(), bytes: b.bytes}
	if enc, ok := b.enc.(interface{ ContentEncoding() string }); ok {
		o.encoding = enc.ContentEncoding()
	}
	if err != nil {
		o.discard(e.p.o.Budget)
		return nil, fmt.Errorf("delivery: end an object: %w", err)
	}
	if b.rows == 0 {
		o.discard(e.p.o.Budget)
		return nil, nil
	}
	if e.p.o.Budget.over() {
		if err := b.spool.toFile(); err != nil {
			o.discard(e.p.o.Budget)
			return nil, err
		}
		e.p.o.Budget.add(-o.memory)
		o.memory = 0
	}
	o.Intent = Intent{Partition: b.partition, From: b.first, Upto: b.last, Rows: b.rows, Codes: b.codes}
	o.Bucket, o.Key = e.plan.Name(ObjectInfo{Partition: b.partition, From: b.first, Upto: b.last, Arrival: b.arrival})
	return o, nil
}

// complete makes the object of an open intent of the buffer of its partition.
func (e *encodeStage) complete(in Intent) error {
	b := e.active[in.Partition]
	if b == nil {
		return nil
	}
	o, err := e.close(b)
	if o != nil {
		o.Bucket, o.Key = in.Bucket, in.Key
		e.completed = append(e.completed, o)
	}
	return err
}

// finishIntents ends recovery: all rows of the open intents have been seen.
func (e *encodeStage) finishIntents(ctx context.Context) error {
	for _, q := range e.intents {
		if len(q) > 0 {
			if err := e.complete(q[0]); err != nil {
				return err
			}
		}
	}
	e.intents = nil
	f := &flush{objects: e.completed, low: e.processed}
	e.completed = nil
	for _, b := range e.active {
		if b.rows > 0 && b.first.Compare(f.low) < 0 {
			f.low = b.first
		}
	}
	return e.send(ctx, f)
}

func (e *encodeStage) send(ctx context.Context, f *flush) error {
	e.sealedLow = f.low
	select {
	case e.flushes <- f:
		return nil
	case <-ctx.Done():
		e.requests = f.requests
		f.discard(e.p.o.Budget)
		return ctx.Err()
	}
}
