package streamsql

import (
	"encoding/hex"
	"math"
	"strings"
)

// runtime is what the operators of an App share.
type runtime struct {
	now         int64
	used, limit int64
	errors      *stream // error_stream
	operators   []operator
	reporting   bool // a row is on its way into error_stream

	interrupted func() bool // nil: never
	looked      uint32      // how often look was called
}

// stepEnded is panicked where a step is interrupted; Apply turns it into ErrInterrupted.
type stepEnded struct{}

// look ends the step that is under way if it is interrupted. It is called for each row, and each pair of rows, that
// is looked at.
func (r *runtime) look() {
	if r.looked++; r.looked&0xff == 0 && r.interrupted != nil && r.interrupted() {
		panic(stepEnded{})
	}
}

// stateFull is panicked by an operator whose state would pass the limit; Apply turns it into
// ErrStateLimit.
type stateFull struct{}

// take counts bytes of state; negative ones are given back.
func (r *runtime) take(n int64) {
	if r.used += n; n > 0 && r.used > r.limit {
		panic(stateFull{})
	}
}

// failed reports whether the last evaluation failed, and if so writes a row about it.
func (r *runtime) failed(f *frame, pump string, b *batch, i int, types []Type) bool {
	if f.err == nil {
		return false
	}
	err := f.err
	f.err = nil
	var row []byte
	for c := range b.cols {
		if c > 0 {
			row = append(row, ',')
		}
		if c < len(types) {
			row = appendText(row, types[c], b.cols[c].at(i))
		}
	}
	r.report(err, pump, value{i: b.time[i]}, row)
	return true
}

// report writes a row to error_stream.
func (r *runtime) report(err *rowError, pump string, rowtime value, row []byte) {
	const longest = 49152 / 2
	if len(row) > longest {
		row = row[:longest]
	}
	message := err.message
	if len(message) > 4096 {
		message = strings.ToValidUTF8(message[:4096], "")
	}
	if r.reporting { // a pump that reads error_stream failed itself: its row is not read again
		readers := r.errors.readers
		r.errors.readers = nil
		defer func() { r.errors.readers = readers }()
	} else {
		r.reporting = true
		defer func() { r.reporting = false }()
	}
	out := newBatch(columnTypes(ErrorColumns()))
	out.push(r.now, []value{whole(r.now), text("ERROR"), text(err.name), text(message), rowtime, text(strings.ToUpper(hex.EncodeToString(row))), text(pump)})
	r.errors.push(out)
}

func columnTypes(list []Column) []Type {
	types := make([]Type, len(list))
	for i, c := range list {
		types[i] = c.Type
	}
	return types
}

// operator is a part of a pump that does something when time goes on, or has state.
type operator interface {
	advance(now int64)
	// deadline is when advance has something to do; never where nothing waits.
	deadline() int64
	save(*encoder)
	load(*decoder)
}

const never = math.MaxInt64

// pipe is a place that batches come out of: rows of types, which a scope has names for.
type pipe struct {
	scope  *scope
	types  []Type
	stream bool // false: a reference table
	table  *table
	emit   func(*batch)
	text   string // of the operator, for Explain
	inputs []*pipe
}

// stream is an in-application stream at work.
type stream struct {
	Stream
	types   []Type
	readers []func(*batch)
	count   uint64 // rows that came in
	output  bool
	result  *[]Output
	taps    []*Tap
	arrival bool // it has arrivalColumns behind the others
}

// has reports whether the stream declares a column.
func (s *stream) has(name string) bool {
	for _, c := range s.Columns {
		if c.Name == name {
			return true
		}
	}
	return false
}

func (s *stream) push(b *batch) {
	if b.n == 0 {
		return
	}
	first := s.count
	s.count += uint64(b.n)
	if s.output || len(s.taps) > 0 {
		rows := &Rows{columns: s.Columns, b: b}
		if s.output {
			*s.result = append(*s.result, Output{s.Name, first, rows})
		}
		for _, t := range s.taps {
			t.offer(rows)
		}
	}
	for _, read := range s.readers {
		read(b)
	}
}

// table is reference data at work.
type table struct {
	ref   Reference
	types []Type
	rows  *batch
	index map[*joinOperator]map[string][]int // of the joins that look it up
}
