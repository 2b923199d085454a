package kinesisanalytics

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// An output takes the rows of an in-application stream to where they go, in order, in a goroutine of
// its own. A row has a position in its stream, and by that a name that is the same whenever it is
// made again.

// outputBytes bounds the rows of an output that wait, in bytes: the application waits then.
const outputBytes = 32 << 20

// Limits of one call: those of PutRecords and PutRecordBatch, and for a function what an event may have.
const (
	callRecords = 500
	callBytes   = 4 << 20
)

// row is a row that is to be delivered.
type row struct {
	position uint64
	data     []byte
	tries    int
}

// output is an output that runs.
type output struct {
	r    *running
	doc  outputDoc
	sink sink

	mu      sync.Mutex
	rows    []row
	bytes   int
	next    uint64        // rows before it are delivered
	at      time.Time     // when that was known
	changed chan struct{} // replaced and closed at every change
}

// sink is where rows go.
type sink interface {
	// send delivers rows and returns those that have to be sent again. What is not among them
	// is delivered. An error says nothing of any of them.
	send(ctx context.Context, rows []row) (again []row, err error)

	// arrived says which of the rows, none of which was sent before since, have been delivered
	// after all, by position; nil where that cannot be known.
	arrived(ctx context.Context, rows []row, since time.Time) (map[uint64]bool, error)
}

// openOutputs makes the outputs, which take rows and do not send yet.
func (r *running) openOutputs(from positions) {
	now := r.s.clock.Now()
	for i := range r.doc.Outputs {
		o := &output{r: r, doc: r.doc.Outputs[i], changed: make(chan struct{}), at: now}
		switch {
		case o.doc.Stream != nil:
			o.sink = streamSink{o}
		case o.doc.Delivery != nil:
			o.sink = deliverySink{o}
		default:
			o.sink = functionSink{o}
		}
		o.next = r.rows[o.doc.Name]
		if d, ok := from.Delivered[o.doc.ID]; ok {
			o.next, o.at = d.Next, time.UnixMilli(d.At)
		}
		r.outputs = append(r.outputs, o)
	}
}

// startOutputs has the outputs send.
func (r *running) startOutputs() {
	for _, o := range r.outputs {
		r.group.Go("output "+o.doc.ID, func(ctx context.Context) error {
			o.run(ctx)
			return nil
		})
	}
}

// delivered is how far the outputs are, by id.
func (r *running) delivered() map[string]delivered {
	if len(r.outputs) == 0 {
		return nil
	}
	out := map[string]delivered{}
	for _, o := range r.outputs {
		o.mu.Lock()
		out[o.doc.ID] = delivered{o.next, o.at.UnixMilli()}
		o.mu.Unlock()
	}
	return out
}

// drain waits until the outputs have delivered all that they have taken.
func (r *running) drain(ctx context.Context) error {
	for _, o := range r.outputs {
		if err := o.await(ctx, func() bool { return len(o.rows) == 0 }); err != nil {
			return fmt.Errorf("wait for output %s: %w", o.doc.ID, err)
		}
	}
	return nil
}

// change changes the output, and tells those that wait for it.
func (o *output) change(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
	close(o.changed)
	o.changed = make(chan struct{})
}

// await waits until a condition holds or ctx ends.
func (o *output) await(ctx context.Context, holds func() bool) error {
	for {
		o.mu.Lock()
		ok, changed := holds(), o.changed
		o.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take takes rows that a step gave, those that are not delivered yet. It waits while the output has
// more than it should, unless steps are taken again: then nothing is sent yet.
func (o *output) take(ctx context.Context, out streamsql.Output) error {
	if !o.r.replaying {
		if err := o.await(ctx, func() bool { return o.bytes < outputBytes }); err != nil {
			return err
		}
	}
	o.mu.Lock()
	next := o.next
	o.mu.Unlock()
	var rows []row
	size := 0
	for i := range out.Rows.Len() {
		p := out.First + uint64(i)
		if p < next { // delivered before a restart
			continue
		}
		var data []byte
		if o.doc.Format == "CSV" {
			data = append(out.Rows.AppendCSV(nil, i, ","), '\n')
		} else {
			data = out.Rows.AppendJSON(nil, i)
		}
		rows = append(rows, row{position: p, data: data})
		size += len(data) + 64
	}
	if len(rows) > 0 {
		o.change(func() { o.rows, o.bytes = append(o.rows, rows...), o.bytes+size })
	}
	return nil
}

// run sends until ctx ends.
func (o *output) run(ctx context.Context) {
	ctx = o.r.acting(ctx, o.doc.target().Role)
	if o.r.replayed && !o.dropDelivered(ctx) {
		return
	}
	for {
		if err := o.await(ctx, func() bool { return len(o.rows) > 0 }); err != nil {
			return
		}
		o.mu.Lock()
		rows, since := o.head(), o.at
		o.mu.Unlock()
		if !o.deliver(ctx, rows, since) {
			return
		}
	}
}

// failedOnce tells of a failure, and waits before the next try. It is false when ctx has ended.
func (o *output) failedOnce(ctx context.Context, failures int, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	o.sayFailed(failures, err)
	return o.pause(ctx, failures)
}

// sayFailed tells of a failure, the first and now and then one of those in a row that follow, and counts it.
func (o *output) sayFailed(failures int, err error) {
	if failures == 1 || failures%20 == 0 {
		o.r.s.log.Warn("an output of an application does not take its rows and is tried again", "application", o.r.doc.arn(), "output", o.doc.target().ARN, "error", err)
		o.r.s.tell(o.r.doc, "ERROR", "The destination "+o.doc.target().ARN+" does not take rows, and is tried again: "+err.Error())
	}
	o.r.s.metrics.outputFailed(o.r.doc)
}

// head is the rows of the next call. mu is held.
func (o *output) head() []row {
	n, size := 0, 0
	for n < len(o.rows) && n < callRecords {
		size += len(o.rows[n].data) + 64
		if n > 0 && size > callBytes {
			break
		}
		n++
	}
	return o.rows[:n:n]
}

// dropDelivered drops rows of a run before that have been delivered, although that was not written down. It is
// false when ctx has ended.
func (o *output) dropDelivered(ctx context.Context) bool {
	o.mu.Lock()
	rows, since := o.rows[:len(o.rows):len(o.rows)], o.at
	o.mu.Unlock()
	if len(rows) == 0 {
		return true
	}
	for failures := 1; ; failures++ {
		there, err := o.sink.arrived(ctx, rows, since.Add(-clockDifference))
		if err != nil {
			if !o.failedOnce(ctx, failures, fmt.Errorf("look for rows that were delivered before a failure: %w", err)) {
				return false
			}
			continue
		}
		o.change(func() {
			left := make([]row, 0, len(o.rows))
			o.bytes = 0
			for _, r := range o.rows {
				if !there[r.position] {
					left = append(left, r)
					o.bytes += len(r.data) + 64
				}
			}
			o.rows = left
		})
		return true
	}
}

// clockDifference is how far the clocks of the node and of what has the stream may be apart.
const clockDifference = 5 * time.Second

// deliver delivers rows, the first of those that wait, and takes them from there. It tries until that is
// done: a row that may have been delivered is not sent again before that is known. It is false when ctx has
// ended.
func (o *output) deliver(ctx context.Context, rows []row, since time.Time) bool {
	left, uncertain := rows, false
	for failures := 0; len(left) > 0; {
		if uncertain {
			there, err := o.sink.arrived(ctx, left, since.Add(-clockDifference))
			if err != nil {
				failures++
				if !o.failedOnce(ctx, failures, err) {
					return false
				}
				continue
			}
			left = slices.DeleteFunc(slices.Clone(left), func(r row) bool { return there[r.position] })
			uncertain = false
			continue
		}
		again, err := o.sink.send(ctx, left)
		if err != nil {
			uncertain = !isCertain(err)
			failures++
			if !o.failedOnce(ctx, failures, err) {
				return false
			}
			continue
		}
		if left = again; len(left) > 0 {
			failures++
			if !o.pause(ctx, failures) {
				return false
			}
		}
	}
	last := rows[len(rows)-1].position
	now := o.r.s.clock.Now()
	o.change(func() {
		n := 0
		for n < len(o.rows) && o.rows[n].position <= last {
			o.bytes -= len(o.rows[n].data) + 64
			n++
		}
		o.rows = o.rows[n:]
		o.next, o.at = last+1, now
	})
	o.r.s.metrics.delivered(o.r.doc, len(rows))
	return true
}

// isCertain says whether an error tells that nothing was done: the service said so.
func isCertain(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorFault() != smithy.FaultServer && e.ErrorCode() != "InternalFailure"
}

// pause waits before the next try; false when ctx has ended.
func (o *output) pause(ctx context.Context, failures int) bool {
	t := o.r.s.clock.NewTimer(min(50*time.Millisecond<<min(failures, 7), 5*time.Second))
	defer t.Stop()
	select {
	case <-t.Chan():
		return true
	case <-ctx.Done():
		return false
	}
}

// key names a row for ever: by the state that made it, its output and its position.
func (o *output) key(position uint64) string {
	h := sha256.Sum256([]byte(o.r.generation + "/" + o.doc.ID + "/" + strconv.FormatUint(position, 10)))
	return hex.EncodeToString(h[:16])
}
