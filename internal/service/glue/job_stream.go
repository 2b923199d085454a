package glue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/kpl"
	"github.com/brookmere/brookmere/internal/engine/schemarecord"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Visual streaming jobs: windows of a stream, each through the graph into objects.
//
//	read a window ── graph ── encode ── intent ── put ── table, partitions ── position
//
// Each record comes into objects once, whatever happens between. All that a job remembers is one
// document, its checkpoint, changed by compare-and-swap:
//
//	Position  what is in objects, and in the catalog
//	Intent    the window that is about to be put: the last record of each shard, the time that
//	          names its objects, and their keys
//
// After a crash the records of the intent are read again, to the same last ones, and the same
// objects are written over; those of the intent that the graph does not make any more (it was
// changed) are deleted. Then the position moves.
//
// The pipeline of package delivery is not used, as its rows depend on a record alone, while here
// the columns depend on all records of a window, of all shards.
//
// A window ends when its time is over, on the multiples of WindowSize as Spark's do, or, before
// that, when it holds windowBytes.

const (
	windowBytes = 48 << 20
	partRows    = 128 << 10 // rows of an object
)

type checkpointDoc struct {
	Source   string                `json:"source"`
	Owner    string                `json:"owner"` // the run that moves it
	Batch    int64                 `json:"batch"`
	Position *shardreader.Position `json:"position,omitempty"`
	Intent   *intentDoc            `json:"intent,omitempty"`
	Records  int64                 `json:"records"` // since the job began
	Rows     int64                 `json:"rows"`
}

type intentDoc struct {
	At      time.Time                    `json:"at"`
	Until   map[string]shardreader.Place `json:"until"` // shard -> behind its last record
	Objects []objectRef                  `json:"objects"`
}

type objectRef struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

// streamRun is a run of a visual streaming job.
type streamRun struct {
	*jobRunning
	graph  *jobGraph
	source *streamSource
	stream shardreader.Stream[kinesistypes.Record]
	tables tableWriter
	cp     *checkpointDoc
	failed chan error // of the stream itself
}

// window is the records that have been read and not yet written.
type window struct {
	records  *etl.Records
	position *shardreader.Position
	until    map[string]shardreader.Place
	count    int64
}

func (r *streamRun) newWindow() *window {
	return &window{records: etl.NewRecords(r.source.format), until: make(map[string]shardreader.Place)}
}

// add takes a batch of a shard.
func (w *window) add(shard string, records []kinesistypes.Record) {
	for i := range records {
		rec := &records[i]
		arrived := aws.ToTime(rec.ApproximateArrivalTimestamp)
		if !kpl.Deaggregate(rec.Data, func(_ string, data []byte) { w.records.Add(data, arrived); w.count++ }) {
			w.records.Add(rec.Data, arrived)
			w.count++
		}
	}
	if n := len(records); n > 0 {
		w.until[shard] = shardreader.Place{After: aws.ToString(records[n-1].SequenceNumber)}
	}
}

// stream works until the run is stopped.
func (r *jobRunning) stream(ctx context.Context) error {
	if r.s.cfg.Kinesis == nil || r.s.runs.objects == nil {
		return errors.New("this node has no streams or no objects to run a streaming job with")
	}
	graph, err := compileGraph(&r.d.Settings, r.s.cfg.SQL)
	if err != nil {
		return err
	}
	run := &streamRun{jobRunning: r, graph: graph, source: graph.stream, failed: make(chan error, 1)}
	run.tables = tableWriter{s: r.s, sc: r.sc, log: func(line string) { r.log(logOutput, line) }}
	if err := run.resolve(ctx); err != nil {
		return err
	}
	if err := run.claim(ctx); err != nil {
		return err
	}
	if run.cp.Intent != nil {
		if err := run.redo(ctx); err != nil {
			return err
		}
	}
	r.log(logV2, fmt.Sprintf("Streaming query started for job %s, run %s.", r.d.Job, r.d.ID))
	return run.loop(ctx)
}

// resolve finds the stream, which the catalog may name.
func (r *streamRun) resolve(ctx context.Context) error {
	s := r.source
	if s.table != "" {
		if err := r.s.mayOnTable(ctx, "GetTable", s.database, s.table); err != nil {
			return err
		}
		t, err := r.s.table(r.sc, s.database, s.table)
		if err != nil {
			return fmt.Errorf("table %s.%s: %w", s.database, s.table, err)
		}
		if err := s.fromTable(t); err != nil {
			return err
		}
	}
	s.format.Schemas = func(version string) (schemarecord.Schema, error) { return r.s.recordSchema(r.sc, version) }
	if err := s.format.Check(); err != nil {
		return err
	}
	if s.consumer != "" {
		r.log(logOutput, "Enhanced fan-out is not needed on this node: the stream is read by its shards.")
	}
	stream := s.stream
	if !strings.HasPrefix(stream, "arn:") {
		stream = arn.New("kinesis", r.sc.region, r.sc.account, "stream/"+stream) // so that each read names what it is of
	}
	r.stream = shardreader.Kinesis(r.s.cfg.Kinesis, stream)
	return nil
}

// fromTable takes what the catalog says of a table over a stream.
func (s *streamSource) fromTable(t *tableDoc) error {
	if !t.overStream() {
		return fmt.Errorf("table %s.%s is not over a Kinesis stream: its typeOfData is not kinesis", s.database, s.table)
	}
	p := t.streamParameters()
	get := func(names ...string) string {
		for _, n := range names {
			if v := p[n]; v != "" {
				return v
			}
		}
		return ""
	}
	s.stream = cmp.Or(s.stream, get("streamARN", "streamArn", "streamName"), aws.ToString(t.Descriptor.Location))
	if s.stream == "" {
		return fmt.Errorf("table %s.%s names no stream", s.database, s.table)
	}
	if c := get("classification"); c != "" {
		s.format.Classification = c
	}
	if d := get("delimiter", "field.delim"); d != "" && s.format.Delimiter == "" {
		s.format.Delimiter = d
	}
	s.format.Schema = get("avroSchema", "avro.schema.literal")
	s.format.Pattern, s.format.CustomPatterns = get("grokPattern", "input.format"), get("grokCustomPatterns", "input.grokCustomPatterns")
	if !s.detect {
		columns, err := etlColumns(t.Descriptor.Columns)
		if err != nil {
			return err
		}
		s.format.Columns = columns
	}
	return s.format.Check()
}

// claim takes the job's checkpoint for this run, made if need be.
func (r *streamRun) claim(ctx context.Context) error {
	key := []string{r.sc.account, r.sc.region, r.d.Job}
	err := r.s.checkpoints.Create(ctx, &checkpointDoc{Source: r.source.key(), Owner: r.d.ID}, key...)
	if err != nil && !errors.Is(err, state.ErrExists) {
		return err
	}
	var stale []objectRef
	r.cp, err = r.s.checkpoints.Modify(ctx, func(d *checkpointDoc) error {
		stale = nil
		if d.Source != r.source.key() { // another source: from its beginning
			if d.Intent != nil {
				stale = d.Intent.Objects
			}
			*d = checkpointDoc{Source: r.source.key()}
		}
		d.Owner = r.d.ID
		return nil
	}, key...)
	if err != nil {
		return err
	}
	return r.deleteObjects(ctx, stale)
}

var errTakenOver = errors.New("another run of the job has taken over its checkpoint")

// save changes the checkpoint, which must still be this run's.
func (r *streamRun) save(ctx context.Context, change func(d *checkpointDoc)) error {
	cp, err := r.s.checkpoints.Modify(ctx, func(d *checkpointDoc) error {
		if d.Owner != r.d.ID {
			return errTakenOver
		}
		change(d)
		return nil
	}, r.sc.account, r.sc.region, r.d.Job)
	if err == nil {
		r.cp = cp
	}
	return err
}

func (r *streamRun) reader() *shardreader.Reader[kinesistypes.Record] {
	return shardreader.New(r.stream, r.cp.Position, shardreader.Options{
		Clock: r.s.clock, Start: r.source.start, ReadBytes: 4 << 20,
		Events: shardreader.Events{
			Failed: func(shard string, err error, failures int, _ time.Duration) {
				r.log(logError, fmt.Sprintf("Reading %s: %v", r.source.stream, err))
				if gone(err) && failures > 1 {
					select {
					case r.failed <- err:
					default:
					}
				}
			},
			Lost: func(shard string) {
				r.log(logError, fmt.Sprintf("Records of %s, %s were lost to the stream's retention before they were read.", r.source.stream, shard))
			},
			Recreated: func(string) {
				r.log(logOutput, fmt.Sprintf("The stream %s was created again: it is read from its beginning.", r.source.stream))
			},
		},
	})
}

// gone reports whether the stream cannot be read, now or later.
func gone(err error) bool {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return false
	}
	switch e.ErrorCode() {
	case "ResourceNotFoundException", "AccessDeniedException", "InvalidArgumentException":
		return true
	}
	return false
}

// loop reads and writes windows.
func (r *streamRun) loop(ctx context.Context) error {
	reader := r.reader()
	defer reader.Close()
	if err := reader.Look(ctx); err != nil {
		return fmt.Errorf("source %s: %w", r.source.stream, err)
	}
	if r.cp.Position == nil { // what arrives from now on is read, also after a restart
		if err := r.save(ctx, func(d *checkpointDoc) { d.Position = reader.Position() }); err != nil {
			return err
		}
	}
	first := true
	for {
		w := r.newWindow()
		if err := r.fill(ctx, reader, w, first); err != nil {
			return err
		}
		first = false
		if w.count == 0 {
			continue
		}
		w.position = reader.Position()
		if err := r.write(ctx, w, r.s.runTime()); err != nil {
			return err
		}
	}
}

// fill reads until the window is over; the first one is when all that there is has been read.
func (r *streamRun) fill(ctx context.Context, reader *shardreader.Reader[kinesistypes.Record], w *window, first bool) error {
	over, end := context.WithCancel(ctx)
	defer end()
	now := r.s.clock.Now()
	until := now.Truncate(r.source.window).Add(r.source.window)
	timer := r.s.clock.AfterFunc(until.Sub(now), end)
	defer timer.Stop()
	for w.records.Bytes() < windowBytes {
		b, found := reader.Poll(ctx, false)
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case found == shardreader.Records:
			w.add(b.Shard, b.Records)
		case first && found == shardreader.Nothing && w.count > 0:
			return nil
		}
		select {
		case err := <-r.failed:
			return fmt.Errorf("source %s: %w", r.source.stream, err)
		case <-over.Done():
			return nil
		default:
		}
		if found == shardreader.Nothing || found == shardreader.Failing {
			_ = reader.Pause(over) // over is looked at above
			if over.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// redo reads the records of the intent again and writes them.
func (r *streamRun) redo(ctx context.Context) error {
	intent := r.cp.Intent
	r.log(logOutput, fmt.Sprintf("Batch %d was under way when the job ended: it is done again.", r.cp.Batch))
	reader := r.reader()
	defer reader.Close()
	w := r.newWindow()
	left := make(map[string]string, len(intent.Until))
	places := make(map[string]shardreader.Place)
	for shard, p := range intent.Until {
		left[shard] = p.After
	}
	for len(left) > 0 {
		b, found := reader.Poll(ctx, false)
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case err := <-r.failed:
			return fmt.Errorf("source %s: %w", r.source.stream, err)
		default:
		}
		switch found {
		case shardreader.Records:
			last, wanted := left[b.Shard]
			if !wanted {
				continue // it is read again afterwards
			}
			n := 0
			for n < len(b.Records) && !sequenceAfter(aws.ToString(b.Records[n].SequenceNumber), last) {
				n++
			}
			w.add(b.Shard, b.Records[:n])
			if n < len(b.Records) || b.Place.After == last {
				delete(left, b.Shard)
				places[b.Shard] = shardreader.Place{After: last, Begun: true, Ended: b.Place.Ended && b.Place.After == last}
			}
		case shardreader.Nothing:
			if _, found := reader.Poll(ctx, true); found == shardreader.Nothing {
				for shard := range left { // what was lost to the retention does not come again
					r.log(logError, fmt.Sprintf("Records of %s, %s were lost to the stream's retention before they were written.", r.source.stream, shard))
					delete(left, shard)
				}
			}
		case shardreader.Failing:
			if err := reader.Pause(ctx); err != nil {
				return err
			}
		}
	}
	// Behind the intent's records, and where it was in every other shard.
	w.position = &shardreader.Position{Identity: cmp.Or(reader.Position().Identity, r.cp.Position.Identity), Shards: map[string]shardreader.Place{}}
	for shard, p := range r.cp.Position.Shards {
		w.position.Shards[shard] = p
	}
	for shard, p := range intent.Until {
		was := w.position.Shards[shard]
		p.Begun, p.Ended = true, places[shard].Ended || was.Ended
		w.position.Shards[shard] = p
	}
	return r.write(ctx, w, intent.At)
}

// sequenceAfter reports whether a sequence number is greater than another.
func sequenceAfter(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// write puts a window into objects and moves the position behind it.
func (r *streamRun) write(ctx context.Context, w *window, at time.Time) error {
	began := r.s.clock.Now()
	frame := w.records.Frame()
	made := []output{}
	if frame.Len() > 0 && len(frame.Columns) > 0 {
		sources := map[string]*etl.Frame{r.source.id: frame}
		if err := r.addFiles(ctx, r.graph, sources, nil); err != nil {
			return err
		}
		targets, err := r.graph.graph.Run(ctx, sources, etl.Limits{})
		if err != nil {
			return err
		}
		if made, err = r.makeOutputs(ctx, r.graph, targets, at, true, &r.tables); err != nil {
			return err
		}
	}
	refs := []objectRef{}
	for _, o := range made {
		refs = append(refs, objectRef{o.target.bucket, o.key})
	}
	var stale []objectRef
	if i := r.cp.Intent; i != nil {
		for _, ref := range i.Objects {
			if !containsRef(refs, ref) {
				stale = append(stale, ref)
			}
		}
	}
	err := r.save(ctx, func(d *checkpointDoc) { d.Intent = &intentDoc{At: at, Until: w.until, Objects: append(refs, stale...)} })
	if err != nil {
		return err
	}
	if err := r.deleteObjects(ctx, stale); err != nil {
		return err
	}
	rows, err := r.putOutputs(ctx, made, &r.tables)
	if err != nil {
		return err
	}
	err = r.save(ctx, func(d *checkpointDoc) {
		d.Intent, d.Position = nil, w.position
		d.Batch++
		d.Records += w.count
		d.Rows += rows
	})
	if err != nil {
		return err
	}
	r.s.metrics.jobRecords.Add(float64(w.count))
	line := fmt.Sprintf("Batch %d: %d records, %d rows in %d objects, %d ms.", r.cp.Batch-1, w.count, rows, len(made), r.s.clock.Since(began).Milliseconds())
	if n := w.records.Corrupt(); n > 0 {
		line += fmt.Sprintf(" %d records could not be parsed and are in the column %s.", n, etl.CorruptColumn)
	}
	r.log(logOutput, line)
	return nil
}

func containsRef(all []objectRef, ref objectRef) bool {
	for _, r := range all {
		if r == ref {
			return true
		}
	}
	return false
}

// runTime is a time, in whole milliseconds, that no other window or run of this process has: it
// names objects.
func (s *Service) runTime() time.Time {
	for {
		last := s.lastRun.Load()
		now := max(s.clock.Now().UnixMilli(), last+1)
		if s.lastRun.CompareAndSwap(last, now) {
			return time.UnixMilli(now).UTC()
		}
	}
}
