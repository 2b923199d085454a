package glue

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Visual batch jobs: objects through the graph into objects, in memory.

// batch reads all sources, runs the graph and writes its targets.
func (r *jobRunning) batch(ctx context.Context) error {
	if r.s.runs.objects == nil {
		return errors.New("this node has no objects to run a job with")
	}
	g, err := compileGraph(&r.d.Settings, r.s.cfg.SQL)
	if err != nil {
		return err
	}
	mark, err := r.bookmark()
	if err != nil {
		return err
	}
	sources := make(map[string]*etl.Frame)
	if err := r.addFiles(ctx, g, sources, mark); err != nil {
		return err
	}
	frames, err := g.graph.Run(ctx, sources, etl.Limits{})
	if err != nil {
		return err
	}
	tables := &tableWriter{s: r.s, sc: r.sc, log: func(line string) { r.log(logOutput, line) }}
	// The time of the start: the same objects when the run is done again.
	made, err := r.makeOutputs(ctx, g, frames, r.d.Running.Truncate(time.Millisecond), false, tables)
	if err != nil {
		return err
	}
	rows, err := r.putOutputs(ctx, made, tables)
	if err != nil {
		return err
	}
	r.log(logOutput, fmt.Sprintf("%d rows in %d objects.", rows, len(made)))
	return r.saveBookmark(ctx, mark)
}

// bookmarkRun is a bookmark as a run reads and moves it. nil: the job has none.
type bookmarkRun struct {
	was  bookmarkDoc
	next map[string]sourceMark
}

func (r *jobRunning) bookmark() (*bookmarkRun, error) {
	if on, err := bookmarks(r.args); !on {
		return nil, err
	}
	d, err := r.s.bookmarks.Get(r.sc.account, r.sc.region, r.d.Job)
	if errors.Is(err, state.ErrNotFound) {
		return &bookmarkRun{next: map[string]sourceMark{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &bookmarkRun{*d, map[string]sourceMark{}}, nil
}

// saveBookmark notes what has been read. A crash before it reads again and writes the same.
func (r *jobRunning) saveBookmark(ctx context.Context, b *bookmarkRun) error {
	if b == nil || jobArgument(r.args, "job-bookmark-option") == "job-bookmark-pause" {
		return nil
	}
	return r.moveBookmark(ctx, func(d *bookmarkDoc) {
		if d.Sources == nil {
			d.Sources, d.Names = make(map[string]time.Time), nil
		}
		if d.Names == nil {
			d.Names = make(map[string][]string)
		}
		for id, m := range b.next {
			d.Sources[id], d.Names[id] = m.at, m.names
		}
	})
}

// moveBookmark changes the job's bookmark for this run: once, also where it is done again.
func (r *jobRunning) moveBookmark(ctx context.Context, move func(*bookmarkDoc)) error {
	key := []string{r.sc.account, r.sc.region, r.d.Job}
	if err := r.s.bookmarks.Create(ctx, &bookmarkDoc{}, key...); err != nil && !errors.Is(err, state.ErrExists) {
		return err
	}
	_, err := r.s.bookmarks.Modify(ctx, func(d *bookmarkDoc) error {
		if d.RunID == r.d.ID {
			return nil
		}
		d.Version++
		d.Run++
		d.Previous, d.RunID = d.RunID, r.d.ID
		move(d)
		return nil
	}, key...)
	return err
}

// addFiles reads the sources that are objects.
func (r *jobRunning) addFiles(ctx context.Context, g *jobGraph, sources map[string]*etl.Frame, mark *bookmarkRun) error {
	for i := range g.files {
		f := &g.files[i]
		frame, err := r.readFiles(ctx, f, mark)
		if err != nil {
			return fmt.Errorf("source %s: %w", f.name, err)
		}
		sources[f.id] = frame
	}
	return nil
}

// place is a folder to read, and the values of its partition.
type place struct {
	bucket, prefix string
	values         []string
}

func (r *jobRunning) readFiles(ctx context.Context, f *fileSource, mark *bookmarkRun) (*etl.Frame, error) {
	read := f.read
	var places []place
	for _, p := range f.paths {
		places = append(places, place{p.Bucket, p.Key, nil})
	}
	if f.table != "" {
		var err error
		if read, places, err = r.tablePlaces(ctx, f); err != nil {
			return nil, err
		}
	}
	all, err := r.listFiles(ctx, f, places)
	if err != nil {
		return nil, err
	}
	if mark != nil {
		all = mark.unread(f, all)
	}
	reader := etl.NewReader(read)
	for _, o := range all {
		body, err := (&s3Source{ctx: ctx, objects: r.s.runs.objects, bucket: o.place.bucket}).get(o.key)
		if err != nil {
			return nil, err
		}
		if err := reader.Add(o.key, bytes.NewReader(body), o.place.values); err != nil {
			return nil, err
		}
	}
	return reader.Frame()
}

// file is one object of a source.
type file struct {
	place   *place
	key     string
	size    int64
	changed time.Time
}

func (r *jobRunning) listFiles(ctx context.Context, f *fileSource, places []place) ([]file, error) {
	var all []file
	for i := range places {
		p := &places[i]
		src := &s3Source{ctx: ctx, objects: r.s.runs.objects, bucket: p.bucket}
		objects, err := crawl.Objects(ctx, src, p.prefix, f.exclusions)
		if err != nil {
			return nil, err
		}
		for o, err := range objects {
			if err != nil {
				return nil, err
			}
			if !f.recurse && strings.Contains(strings.TrimPrefix(o.Key, folder(p.prefix)), "/") {
				continue
			}
			all = append(all, file{p, o.Key, o.Size, src.changed[o.Key]})
		}
	}
	return all, nil
}

// sourceMark is how far a source has been read: the time of the newest object, and the objects of that time, as others of
// it may still come.
type sourceMark struct {
	at    time.Time
	names []string
}

// unread are the objects of a source that no earlier run has read, of a bounded source the oldest of them, and notes how
// far that is.
func (b *bookmarkRun) unread(f *fileSource, all []file) []file {
	m := sourceMark{b.was.Sources[f.id], b.was.Names[f.id]}
	name := func(o *file) string { return o.place.bucket + "/" + o.key }
	_, named := b.was.Names[f.id] // a bookmark of an earlier release has none: it has read what is of its time
	was := make(map[string]bool, len(m.names))
	for _, n := range m.names {
		was[n] = true
	}
	all = slices.DeleteFunc(all, func(o file) bool {
		return o.changed.Before(m.at) || o.changed.Equal(m.at) && (!named || was[name(&o)])
	})
	slices.SortStableFunc(all, func(x, y file) int {
		return cmp.Or(x.changed.Compare(y.changed), strings.Compare(name(&x), name(&y)))
	})
	size := int64(0)
	for i := range all {
		if f.boundedFiles > 0 && int64(i) >= f.boundedFiles || f.boundedBytes > 0 && i > 0 && size+all[i].size > f.boundedBytes {
			all = all[:i]
			break
		}
		size += all[i].size
	}
	m.names = slices.Clone(m.names)
	for i := range all {
		if all[i].changed.After(m.at) {
			m = sourceMark{at: all[i].changed}
		}
		m.names = append(m.names, name(&all[i]))
	}
	b.next[f.id] = m
	return all
}

// tablePlaces are the folders of a table, and how to read them.
func (r *jobRunning) tablePlaces(ctx context.Context, f *fileSource) (etl.ReadOptions, []place, error) {
	none := etl.ReadOptions{}
	if err := r.s.mayOnTable(ctx, "GetTable", f.database, f.table); err != nil {
		return none, nil, err
	}
	d, err := r.s.table(r.sc, f.database, f.table)
	if err != nil {
		return none, nil, fmt.Errorf("table %s.%s: %w", f.database, f.table, err)
	}
	if d.Descriptor == nil {
		return none, nil, fmt.Errorf("table %s.%s has no location", f.database, f.table)
	}
	if d.overStream() {
		return none, nil, fmt.Errorf("table %s.%s is over a Kinesis stream: only a streaming job reads it", f.database, f.table)
	}
	format, err := formatOf(d)
	if err != nil {
		return none, nil, err
	}
	columns, err := etlColumns(append(append([]columnDoc{}, d.Descriptor.Columns...), d.PartitionKeys...))
	if err != nil {
		return none, nil, err
	}
	read := etl.ReadOptions{Format: format.Name, Columns: columns}
	if format.Name == "csv" {
		p := d.streamParameters() // those of the table, its SerDe and its descriptor
		if s := []rune(p["field.delim"] + p["separatorChar"]); len(s) > 0 {
			read.Delimiter = s[0]
		}
		read.SkipFirst = p["skip.header.line.count"] == "1"
	}
	if len(d.PartitionKeys) == 0 {
		bucket, prefix, err := splitLocation(aws.ToString(d.Descriptor.Location))
		return read, []place{{bucket, folder(prefix), nil}}, err
	}
	match, err := compileExpression(f.predicate, d.PartitionKeys)
	if err != nil {
		return none, nil, err
	}
	if err := r.s.mayOnTable(ctx, "GetPartitions", f.database, f.table); err != nil {
		return none, nil, err
	}
	parts, err := r.s.partitionsOf(r.sc, f.database, d.Name).list()
	if err != nil {
		return none, nil, err
	}
	var places []place
	for _, p := range parts {
		ok, err := match(p.doc.Values)
		if err != nil {
			return none, nil, err
		}
		if !ok {
			continue
		}
		out := p.output(r.sc, f.database, d.Name, false)
		bucket, prefix, err := splitLocation(aws.ToString(out.StorageDescriptor.Location))
		if err != nil {
			return none, nil, err
		}
		places = append(places, place{bucket, folder(prefix), p.doc.Values})
	}
	return read, places, nil
}

// maxObject bounds an object that is read whole.
const maxObject = 1 << 30

// s3Source lists a bucket and notes when objects were changed.
type s3Source struct {
	ctx     context.Context
	objects Objects
	bucket  string
	changed map[string]time.Time
}

// List implements crawl.Source.
func (s *s3Source) List(ctx context.Context, prefix string) iter.Seq2[crawl.Object, error] {
	s.changed = make(map[string]time.Time)
	return func(yield func(crawl.Object, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String(s.bucket), Prefix: aws.String(prefix)}
		for {
			page, err := s.objects.ListObjectsV2(ctx, in)
			if err != nil {
				yield(crawl.Object{}, fmt.Errorf("list s3://%s/%s: %w", s.bucket, prefix, err))
				return
			}
			for _, o := range page.Contents {
				s.changed[aws.ToString(o.Key)] = aws.ToTime(o.LastModified)
				if !yield(crawl.Object{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size)}, nil) {
					return
				}
			}
			if in.ContinuationToken = page.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" {
				return
			}
		}
	}
}

// Open implements crawl.Source; jobs read objects whole.
func (s *s3Source) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, errors.ErrUnsupported
}

// get reads an object.
func (s *s3Source) get(key string) ([]byte, error) {
	out, err := s.objects.GetObject(s.ctx, &s3.GetObjectInput{Bucket: aws.String(s.bucket), Key: aws.String(key)})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", s.bucket, key, err)
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", s.bucket, key, err)
	}
	if len(b) > maxObject {
		return nil, fmt.Errorf("read s3://%s/%s: %w", s.bucket, key, etl.ErrTooLarge)
	}
	return b, nil
}
