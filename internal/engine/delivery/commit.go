package delivery

import (
	"context"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// maxBatch objects go out under one change of the progress.
const maxBatch = 1024

// commitStage makes flushes durable, a batch of them at a time.
type commitStage struct {
	p        *Pipeline
	doc      *Progress
	flushes  chan *flush
	requests []*flushRequest // of flushes that were not finished
}

func (c *commitStage) run(ctx context.Context) error {
	var done []*flush // put, and in doc, but doc is not saved yet
	var batch []*flush
	defer func() {
		for _, f := range append(done, batch...) {
			c.requests = append(c.requests, f.requests...)
			f.discard(c.p.o.Budget)
		}
	}()
	for {
		batch = c.next(len(done) == 0, batch[:0])
		if len(batch) == 0 && len(done) == 0 {
			return ctx.Err() // no more will come
		}
		doc := c.doc.clone()
		doc.Intents, doc.Atomic = nil, false
		for _, f := range batch {
			for _, o := range f.objects {
				doc.Intents = append(doc.Intents, o.Intent)
			}
			doc.Atomic = doc.Atomic || f.atomic
		}
		if len(doc.Intents) > 0 || len(done) > 0 {
			if err := c.p.save(ctx, doc); err != nil {
				return err
			}
		}
		c.doc = doc
		c.finish(done)
		done = done[:0]
		if len(batch) == 0 {
			continue
		}
		if err := c.put(ctx, batch); err != nil {
			return err
		}
		c.doc = c.doc.clone()
		c.apply(batch)
		done, batch = append(done, batch...), batch[:0]
	}
}

// next gathers the flushes that wait; with wait, at least one unless no more will come.
func (c *commitStage) next(wait bool, batch []*flush) []*flush {
	n := 0
	for n < maxBatch {
		var f *flush
		if wait && len(batch) == 0 {
			f = <-c.flushes
		} else {
			select {
			case f = <-c.flushes:
			default:
			}
		}
		if f == nil {
			break
		}
		n += len(f.objects)
		batch = append(batch, f)
	}
	return batch
}

// put puts the objects of the batch, several at a time, until all are.
func (c *commitStage) put(ctx context.Context, batch []*flush) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, c.p.o.Puts)
	for _, f := range batch {
		for _, o := range f.objects {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			wg.Go(func() {
				defer func() { <-slots }()
				err := c.p.retry(ctx, func() error {
					return c.p.o.Objects.Put(ctx, Object{Bucket: o.Bucket, Key: o.Key, Body: o.spool.body(), Size: o.spool.size, Encoding: o.encoding})
				})
				if err != nil {
					cancel(err)
					return
				}
				o.discard(c.p.o.Budget)
			})
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// apply counts the batch as delivered.
func (c *commitStage) apply(batch []*flush) {
	d := c.doc
	d.LastTime = c.p.o.Clock.Now().UTC()
	for _, f := range batch {
		for _, o := range f.objects {
			if d.Flushed == nil {
				d.Flushed = make(map[string]shardlog.Position)
			}
			d.Flushed[o.Partition] = later(d.Flushed[o.Partition], o.Upto)
			if IsError(o.Partition) {
				d.Rejected += o.Rows
			} else {
				d.Rows += o.Rows
				d.Bytes += o.bytes
			}
			d.Objects++
			d.LastObject = o.Bucket + "/" + o.Key
		}
		d.Watermark = f.low
	}
	for k, v := range d.Flushed {
		if v.Compare(d.Watermark) < 0 {
			delete(d.Flushed, k)
		}
	}
	if len(d.Flushed) == 0 {
		d.Flushed = nil
	}
}

// finish tells the world of flushes whose progress is saved.
func (c *commitStage) finish(done []*flush) {
	if len(done) == 0 {
		return
	}
	if c.p.o.Events.Delivered != nil {
		var objects []Intent
		for _, f := range done {
			for _, o := range f.objects {
				objects = append(objects, o.Intent)
			}
		}
		c.p.o.Events.Delivered(objects, c.doc)
	}
	for _, f := range done {
		for _, r := range f.requests {
			close(r.done)
		}
		f.requests = nil
	}
}
