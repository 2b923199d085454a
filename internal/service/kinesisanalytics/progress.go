package kinesisanalytics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// What an application has done so far is a shard of the log of its own, of the name
// "kinesisanalytics/ID". Its records, by their keys:
//
//	begin        JSON of beginning: a run from nothing. What is before it counts no longer.
//	steps        JSON of stepsRecord: steps that were taken, in order
//	state ID N   part N of a snapshot of the engine's state
//	whole ID N   JSON of positions: the snapshot has N parts; with it begins what counts
//
// A snapshot goes to the log and not to a file, since the log is what all nodes share, is durable
// with one sync, and removes what is before a position.

// step is one step of the engine: its time and what it was given, as ranges of the inputs.
type step struct {
	Time  int64       `json:"t"` // milliseconds since 1970
	Parts []stepRange `json:"p,omitempty"`
}

// stepRange is a number of records that come one after the other in a shard.
type stepRange struct {
	Input int    `json:"i"` // index among the application's inputs
	Shard string `json:"s"`
	Count int    `json:"n"`
	Last  string `json:"l"` // sequence number of the last of them
}

// delivered is how far an output is: rows below Next are where they are to go.
type delivered struct {
	Next uint64 `json:"next"`
	At   int64  `json:"at"` // when that was known, in milliseconds: rows from Next on were sent after it
}

type beginning struct {
	Generation string `json:"generation"`
	Run        int64  `json:"run"`
	At         int64  `json:"at"`
}

type stepsRecord struct {
	Steps     []step               `json:"steps,omitempty"`
	Delivered map[string]delivered `json:"delivered,omitempty"` // by output
}

// positions is what a snapshot holds beside the engine's state.
type positions struct {
	Generation string                           `json:"generation"` // of the state: rows of two have nothing to do with each other
	Run        int64                            `json:"run"`
	Time       int64                            `json:"time"`           // of the last step
	Inputs     map[string]*shardreader.Position `json:"inputs"`         // by id of the input
	Rows       map[string]uint64                `json:"rows,omitempty"` // that the streams of outputs had so far
	Delivered  map[string]delivered             `json:"delivered,omitempty"`
}

// snapshotPart is how large a part of a snapshot is, in bytes.
const snapshotPart = 4 << 20

// progress is the log of one application.
type progress struct {
	shard *shardlog.Shard
}

func progressName(id string) string { return "kinesisanalytics/" + id }

// openProgress returns the log of an application; it is created if it is missing.
func (s *Service) openProgress(ctx context.Context, id string) (*progress, error) {
	sh, err := s.cfg.Log.Shard(ctx, progressName(id))
	if errors.Is(err, shardlog.ErrNoShard) {
		sh, err = s.cfg.Log.CreateShard(ctx, progressName(id), shardlog.ShardConfig{})
		if errors.Is(err, shardlog.ErrShardExists) {
			sh, err = s.cfg.Log.Shard(ctx, progressName(id))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the log of progress: %w", err)
	}
	return &progress{sh}, nil
}

func (s *Service) deleteProgress(ctx context.Context, id string) error {
	err := s.cfg.Log.DeleteShard(ctx, progressName(id))
	if errors.Is(err, shardlog.ErrNoShard) {
		return nil
	}
	return err
}

// past is what a log of progress says.
type past struct {
	at    positions
	state [][]byte // parts of the snapshot; nil: the engine is new
	steps []step   // since then
}

// load reads the log. A log that says nothing is nil.
func (p *progress) load(ctx context.Context) (*past, error) {
	var (
		at      shardlog.Position
		found   *past
		parts   [][]byte
		partsOf string
	)
	for {
		records, next, err := p.shard.Read(ctx, at, shardlog.ReadOptions{MaxBytes: 8 << 20}, nil)
		if err != nil {
			return nil, fmt.Errorf("read the log of progress: %w", err)
		}
		if len(records) == 0 {
			return found, nil
		}
		at = next
		for _, r := range records {
			kind, rest, _ := strings.Cut(string(r.Key), " ")
			id, n, _ := strings.Cut(rest, " ")
			switch kind {
			case "begin":
				var b beginning
				if err := json.Unmarshal(r.Data, &b); err != nil {
					return nil, fmt.Errorf("read the log of progress at %v: %w", r.Position, err)
				}
				found = &past{at: positions{Generation: b.Generation, Run: b.Run}}
			case "steps":
				if found == nil {
					continue // of before what was trimmed
				}
				var sr stepsRecord
				if err := json.Unmarshal(r.Data, &sr); err != nil {
					return nil, fmt.Errorf("read the log of progress at %v: %w", r.Position, err)
				}
				found.steps = append(found.steps, sr.Steps...)
				if sr.Delivered != nil {
					found.at.Delivered = sr.Delivered
				}
			case "state":
				if id != partsOf {
					parts, partsOf = nil, id
				}
				parts = append(parts, bytes.Clone(r.Data))
			case "whole":
				if n != strconv.Itoa(len(parts)) || id != partsOf {
					continue // it was begun before what was trimmed, and another follows
				}
				f := &past{state: parts}
				if err := json.Unmarshal(r.Data, &f.at); err != nil {
					return nil, fmt.Errorf("read the log of progress at %v: %w", r.Position, err)
				}
				found, parts, partsOf = f, nil, ""
			}
		}
	}
}

func (p *progress) append(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var b shardlog.Batch
	b.Add([]byte(key), data)
	_, _, err = p.shard.Append(context.WithoutCancel(ctx), &b)
	return err
}

// begin notes that the application runs from nothing.
func (p *progress) begin(ctx context.Context, b beginning) error {
	return p.append(ctx, "begin", b)
}

// steps notes steps that were taken, durably.
func (p *progress) steps(ctx context.Context, r stepsRecord) error { return p.append(ctx, "steps", r) }

// snapshot writes a snapshot, which write writes, and removes what is before it.
func (p *progress) snapshot(ctx context.Context, at *positions, write func(io.Writer) error) (int64, error) {
	w := &partWriter{ctx: context.WithoutCancel(ctx), p: p, id: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if err := write(w); err != nil {
		return 0, err
	}
	if err := w.flush(); err != nil {
		return 0, err
	}
	if err := p.append(ctx, "whole "+w.id+" "+strconv.Itoa(w.n), at); err != nil {
		return 0, err
	}
	return w.size, p.shard.TrimBefore(ctx, w.first)
}

// partWriter writes the parts of a snapshot.
type partWriter struct {
	ctx   context.Context
	p     *progress
	id    string
	n     int
	size  int64
	first shardlog.Position
	buf   []byte
}

func (w *partWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		k := min(snapshotPart-len(w.buf), len(b))
		w.buf = append(w.buf, b[:k]...)
		b = b[k:]
		if len(w.buf) == snapshotPart {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (w *partWriter) flush() error {
	if len(w.buf) == 0 && w.n > 0 {
		return nil
	}
	var b shardlog.Batch
	b.Add([]byte("state "+w.id+" "+strconv.Itoa(w.n)), w.buf)
	at, _, err := w.p.shard.Append(w.ctx, &b)
	if err != nil {
		return err
	}
	if w.n == 0 {
		w.first = at
	}
	w.n++
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// reader reads the parts of a snapshot one after the other.
func (p *past) reader() io.Reader {
	readers := make([]io.Reader, len(p.state))
	for i := range p.state {
		readers[i] = bytes.NewReader(p.state[i])
	}
	return io.MultiReader(readers...)
}

// skip puts the positions of the inputs behind the steps, which are not taken again.
func (p *past) skip(d *applicationDoc) {
	for _, st := range p.steps {
		for _, part := range st.Parts {
			if part.Input >= len(d.Inputs) {
				continue
			}
			id := d.Inputs[part.Input].ID
			if p.at.Inputs == nil {
				p.at.Inputs = map[string]*shardreader.Position{}
			}
			in := p.at.Inputs[id]
			if in == nil {
				in = &shardreader.Position{}
				p.at.Inputs[id] = in
			}
			if in.Shards == nil {
				in.Shards = map[string]shardreader.Place{}
			}
			in.Shards[part.Shard] = shardreader.Place{After: part.Last, Begun: true}
		}
		p.at.Time = max(p.at.Time, st.Time)
	}
	p.steps = nil
}
