package worker

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Rows is a statement that runs: its columns, then its rows one by one.
//
//	for r.Next() { use(r.Row()) }
//	err := r.Err()
//	r.Close()
type Rows struct {
	Columns  []Column
	Affected int64 // of what was executed, when the rows have ended

	ctx     context.Context
	proc    *process
	slot    *slot
	unwatch func() bool
	release func()

	batch []byte
	row   []Value
	err   error
	ended bool // the worker is done with it

	mu      sync.Mutex
	stopped bool
	killer  *time.Timer
}

// stop tells the worker to stop the statement, and kills it if it does not.
func (r *Rows) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.stopped = true
	r.killer = time.AfterFunc(stopGrace, func() { r.proc.kill(ErrRestarted) })
	_ = writeFrame(r.slot.conn, frameStop, nil) // an error says that the process has ended
}

// head reads up to the columns, or to the end of what has none.
func (r *Rows) head() error {
	kind, payload, ok := r.frame()
	if !ok {
		return r.err
	}
	switch kind {
	case frameColumns:
		if err := json.Unmarshal(payload, &r.Columns); err != nil {
			return fmt.Errorf("read columns: %w", err)
		}
		r.row = make([]Value, len(r.Columns))
	case frameDone:
		return r.done(payload)
	}
	return nil
}

func (r *Rows) done(payload []byte) error {
	var d Done
	err := json.Unmarshal(payload, &d)
	r.Affected = d.Affected
	r.finish()
	return err
}

// invalidated is what DuckDB says to all statements after an error of its own, until it is started again.
const invalidated = "database has been invalidated"

// frame reads a frame; false where the statement has failed.
func (r *Rows) frame() (kind byte, payload []byte, ok bool) {
	if r.ended {
		return 0, nil, false
	}
	kind, payload, err := readFrame(r.slot.r, r.slot.buf)
	r.slot.buf = payload[:0]
	switch {
	case err != nil:
		if errors.Is(err, errFrame) {
			r.proc.kill(errFrame)
		}
		r.err = r.proc.why()
		r.lost()
	case kind == frameError && r.proc.cmd != nil && bytes.Contains(payload, []byte(invalidated)):
		r.proc.kill(ErrRestarted)
		r.err = r.proc.why()
		r.lost()
	case kind == frameError:
		r.err = &Error{string(payload)}
		r.finish()
	default:
		return kind, payload, true
	}
	if err := r.ctx.Err(); err != nil {
		r.err = err
	}
	return 0, nil, false
}

// finish gives the slot back: the worker is done.
func (r *Rows) finish() {
	slot, proc := r.slot, r.proc
	if cap(slot.buf) > 1<<20 {
		slot.buf = nil
	}
	if r.lost() {
		proc.free <- slot
	}
}

// lost ends the statement without its slot. It reports whether it had not ended before.
func (r *Rows) lost() bool {
	if r.ended {
		return false
	}
	r.ended = true
	r.unwatch()
	r.mu.Lock()
	r.stopped = true // from here on there is nothing to stop
	if r.killer != nil {
		r.killer.Stop()
	}
	r.mu.Unlock()
	return true
}

// Next moves to the next row; false at the end or on an error.
func (r *Rows) Next() bool {
	for len(r.batch) == 0 {
		kind, payload, ok := r.frame()
		if !ok {
			return false
		}
		switch kind {
		case frameRows:
			r.batch = payload
		case frameDone:
			r.err = r.done(payload)
			return false
		}
	}
	for i := range r.row {
		n, used := binary.Uvarint(r.batch)
		if used <= 0 || n > uint64(len(r.batch)-used)+1 {
			r.err = errors.New("a row from the query engine is damaged")
			return false
		}
		r.batch = r.batch[used:]
		if n == 0 {
			r.row[i] = Value{Null: true}
			continue
		}
		r.row[i] = Value{Text: string(r.batch[:n-1])}
		r.batch = r.batch[n-1:]
	}
	return true
}

// Row is the current row, good until the next call of Next.
func (r *Rows) Row() []Value { return r.row }

// Err is what ended the rows early, nil if nothing did.
func (r *Rows) Err() error { return r.err }

// Close ends the statement. It may be called twice.
func (r *Rows) Close() {
	if !r.ended {
		r.stop()
		for {
			kind, payload, ok := r.frame()
			if !ok {
				break
			}
			if kind == frameDone {
				_ = r.done(payload) // nobody asks for it any more
				break
			}
		}
	}
	if r.release != nil {
		r.release()
		r.release = nil
	}
}
