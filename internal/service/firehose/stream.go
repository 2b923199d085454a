package firehose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// stream is an open delivery stream and, where this process delivers it, its delivery.
type stream struct {
	s     *Service
	doc   atomic.Pointer[streamDoc]
	shard *shardlog.Shard // of puts; nil where records are from a Kinesis stream

	meter     meter              // of puts
	docMu     sync.Mutex         // serialises changes of doc
	updating  sync.Mutex         // held by UpdateDestination
	compactor *compact.Compactor // nil: nothing is compacted
	saidMore  sync.Once          // that its function returns more records than it gets
	runs      atomic.Int32       // runs of its delivery in this process: 0 or 1
	gone      chan struct{}      // closed when it has been removed, whoever did
	leave     func()             // closes gone, once

	mu            sync.Mutex
	lanes         []*lane
	cannot        error         // why there are no lanes
	begun         chan struct{} // closed when there are lanes, or cannot be
	held          bool
	sourceErr     error
	sourceErrTime time.Time
}

// transformer is one with what it reads.
type transformer struct {
	*recordplan.Transformer
	end func(ctx context.Context) (shardlog.Position, error) // of the source, now
}

func (s *Service) open(ctx context.Context, d *streamDoc) (*stream, error) {
	st := &stream{s: s, gone: make(chan struct{}), begun: make(chan struct{})}
	st.leave = sync.OnceFunc(func() { close(st.gone) })
	st.doc.Store(d)
	st.compactor = st.newCompactor()
	if d.Source != nil {
		return st, nil
	}
	var err error
	st.shard, err = s.cfg.Log.Shard(ctx, d.shardName())
	return st, err
}

// acting returns what makes contexts of calls as a role of the delivery stream.
func (d *streamDoc) acting(role string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		return awswire.Acting(ctx, d.Account, d.Region, "firehose.amazonaws.com", role, d.arn())
	}
}

// delivering is one run of a stream's delivery. Its parts end before the run does when it is
// stopped: a stream that is being deleted has to be at rest.
type delivering struct {
	st    *stream
	job   *work.Job[streamDoc]
	ctx   context.Context // of the parts
	stop  context.CancelFunc
	parts []<-chan struct{} // closed when they have ended

	compacting compacting
}

// run delivers until its document asks for something else.
func (s *Service) run(ctx context.Context, j *work.Job[streamDoc]) error {
	d := j.Document()
	st, err := s.stream(ctx, d)
	if err != nil {
		return err
	}
	st.runs.Add(1)
	defer func() {
		st.runs.Add(-1)
		if now, err := s.docs.Get(d.path()...); errors.Is(err, state.ErrNotFound) || err == nil && now.ID != d.ID {
			st.leave()
		}
	}()
	r := &delivering{st: st, job: j}
	r.ctx, r.stop = context.WithCancel(d.acting(d.S3.RoleARN)(ctx))
	defer r.stop()
	lanes, err := r.makeLanes(d)
	st.begin(lanes, err)
	defer st.rest()
	if err != nil {
		return err
	}
	for _, l := range lanes {
		r.work("delivery", l.pipeline.Run, l.retrying)
	}
	for {
		if d := j.Document(); d.Deleting {
			return r.finishDelete(ctx, d)
		}
		r.compact()
		select {
		case <-j.Changed():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// work calls run until the delivery is stopped, again after an error or a panic.
func (r *delivering) work(what string, run func(context.Context) error, failed func(error, int, time.Duration)) {
	done := make(chan struct{})
	ended := sync.OnceFunc(func() { close(done) })
	r.parts = append(r.parts, done)
	r.job.Go(what, func(context.Context) error {
		err := work.Contain(func() error { return run(r.ctx) })
		if r.ctx.Err() != nil {
			err = nil
		}
		if err == nil {
			ended()
		} else if failed != nil {
			failed(err, 1, 0)
		}
		return err
	})
}

// halt ends the parts, or returns the error of ctx.
func (r *delivering) halt(ctx context.Context) error {
	r.stop()
	for _, done := range r.parts {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// begin tells of the lanes, or why there are none.
func (st *stream) begin(lanes []*lane, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err != nil {
		st.sourceErr, st.sourceErrTime = err, st.s.clock.Now()
	}
	st.lanes, st.cannot = lanes, err
	if st.held {
		for _, l := range lanes {
			l.pipeline.Hold()
		}
	}
	close(st.begun)
}

// rest tells that the lanes work no more.
func (st *stream) rest() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.begun = make(chan struct{})
}

// errElsewhere is told where the delivery's own process is needed.
var errElsewhere = errors.New("firehose: another node delivers the stream")

// working waits for the lanes, or returns errElsewhere.
func (st *stream) working(ctx context.Context) ([]*lane, error) {
	here, err := st.s.runner.Begun(ctx, st.doc.Load().path()...)
	if err != nil {
		return nil, err
	}
	if !here && st.s.ctx.Err() == nil {
		if _, err := st.s.docs.Get(st.doc.Load().path()...); err == nil {
			return nil, errElsewhere
		}
	}
	st.mu.Lock()
	begun := st.begun
	st.mu.Unlock()
	select {
	case <-begun:
	case <-st.gone:
		return nil, nil
	case <-st.s.ctx.Done():
		return nil, shardlog.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]*lane(nil), st.lanes...), st.cannot
}

func (r *delivering) makeLanes(d *streamDoc) ([]*lane, error) {
	st, ctx := r.st, r.ctx
	// Each lane has a source of its own: they are not at the same place.
	source := func() *kinesisSource { return nil }
	trim := &trimmer{st: st, shard: st.shard, ctx: ctx}
	moved := trim.reader
	if d.Source != nil {
		source = func() *kinesisSource {
			k := st.newKinesisSource()
			r.work("reader of the source", func(ctx context.Context) error {
				<-ctx.Done()
				k.reader.Close()
				return nil
			}, nil)
			return k
		}
		moved = func(string) func(shardlog.Position) { return func(shardlog.Position) {} }
	}
	var lanes []*lane
	if d.Transforms {
		out, err := st.openOutput(ctx, d.base()+"/transformed")
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, r.addTransformed(source(), out, moved("transform")))
	} else {
		l := st.newLane(mainLane, false, source())
		l.moved = moved(mainLane)
		lanes = append(lanes, l)
	}
	if d.backs() {
		l := st.newLane(mainLane+backupSuffix, true, source())
		l.moved = moved(backupSuffix)
		lanes = append(lanes, l)
	}
	for _, l := range lanes {
		l.works = ctx
	}
	return lanes, nil
}

// sourceOf is what a lane reads: the Kinesis stream, or the log of puts.
func (st *stream) sourceOf(k *kinesisSource) delivery.Source {
	if k != nil {
		return k
	}
	return st.shard
}

func (st *stream) backlogOf(k *kinesisSource) func(context.Context, *delivery.Progress) (shardlog.Backlog, error) {
	if k != nil {
		return k.backlog
	}
	return func(ctx context.Context, p *delivery.Progress) (shardlog.Backlog, error) {
		return st.shard.Backlog(ctx, p.Watermark)
	}
}

// openOutput opens the log of transformed records, made if need be.
func (st *stream) openOutput(ctx context.Context, name string) (*shardlog.Shard, error) {
	out, err := st.s.cfg.Log.Shard(ctx, name)
	if errors.Is(err, shardlog.ErrNoShard) {
		out, err = st.s.cfg.Log.CreateShard(ctx, name, shardlog.ShardConfig{})
	}
	if err != nil {
		return nil, fmt.Errorf("firehose: open the log of transformed records: %w", err)
	}
	return out, nil
}

// addTransformed transforms what the source has, the puts if it is nil, into a log and makes
// a lane that delivers that.
func (r *delivering) addTransformed(source *kinesisSource, out *shardlog.Shard, moved func(shardlog.Position)) *lane {
	st, s, d := r.st, r.st.s, r.st.doc.Load()
	name := mainLane + transformedSuffix
	trim := &trimmer{st: st, shard: out, ctx: r.ctx}
	l := st.lane(name, false, recordplan.Transformed{Shard: out}, nil)
	l.moved = trim.reader(name)
	marked := trim.reader("mark")
	t := &transformer{Transformer: &recordplan.Transformer{
		Source: st.sourceOf(source), Output: out, Clock: s.clock,
		Marks:    &markStore{document{store: s.cfg.State, key: state.Key{markKind, d.Account, d.Region, d.ID, name}, source: source}},
		Settings: st.transformSettings,
		Moved: func(m *recordplan.TransformMark) {
			moved(m.Source)
			marked(m.Output)
		},
		Corrupt: func(err error) {
			s.metrics.corrupt.Inc()
			s.log.Error("transformation skipped records that cannot be read", "stream", d.Name, "err", err)
		},
	}}
	before := st.backlogOf(source)
	t.end = func(ctx context.Context) (shardlog.Position, error) {
		if source != nil {
			return source.end(ctx, t.Wake)
		}
		info, err := st.shard.Info(ctx)
		return info.End, err
	}
	l.backlog = func(ctx context.Context, p *delivery.Progress) (shardlog.Backlog, error) {
		r, err := before(ctx, &delivery.Progress{Watermark: t.At()})
		if err != nil {
			return r, err
		}
		o, err := out.Backlog(ctx, p.Watermark)
		r.Records, r.Bytes = r.Records+o.Records, r.Bytes+o.Bytes
		if r.Oldest.IsZero() || !o.Oldest.IsZero() && o.Oldest.Before(r.Oldest) {
			r.Oldest = o.Oldest
		}
		return r, err
	}
	if source != nil {
		source.retrying, source.working = l.retrying, l.working
	}
	l.transformer = t
	r.work("transformation", t.Run, l.retrying)
	return l
}

// flush delivers what the stream holds now.
func (st *stream) flush(ctx context.Context) error {
	lanes, err := st.working(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, l := range lanes {
		wg.Go(func() {
			if err := l.flush(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// failure is the error of the last attempt of a lane, if one failed.
func (st *stream) failure() (time.Time, error) {
	st.mu.Lock()
	lanes, err, at := append([]*lane(nil), st.lanes...), st.sourceErr, st.sourceErrTime
	st.mu.Unlock()
	for _, l := range lanes {
		if t, e := l.failure(); e != nil {
			return t, e
		}
	}
	return at, err
}

// objects puts by S3's API, and to the HTTP endpoint.
type objects struct{ l *lane }

func (o objects) Put(ctx context.Context, obj delivery.Object) error {
	if obj.Bucket == recordplan.EndpointBucket {
		return o.post(ctx, obj)
	}
	err := o.put(ctx, obj)
	if to := o.bucket(); noBucket(err) && to != obj.Bucket {
		// The bucket is gone with all that was in it, and the destination was changed
		// meanwhile: what was on its way to the old bucket goes to the new one.
		obj.Bucket = to
		err = o.put(ctx, obj)
	}
	return err
}

func (o objects) put(ctx context.Context, obj delivery.Object) error {
	c := o.l.st.s.cfg.S3
	if c == nil {
		return errors.New("firehose: no S3 to deliver to")
	}
	contentType := "application/octet-stream"
	_, err := c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &obj.Bucket, Key: &obj.Key, Body: obj.Body, ContentLength: &obj.Size, ContentType: &contentType, ContentEncoding: optional(obj.Encoding),
	})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", obj.Bucket, obj.Key, err)
	}
	return nil
}

// bucket is the one that the destination has now.
func (o objects) bucket() string {
	d := o.l.st.doc.Load()
	if o.l.backup && d.Backup != nil {
		return bucketOf(d.Backup.BucketARN)
	}
	return bucketOf(d.S3.BucketARN)
}

func (o objects) Delete(ctx context.Context, bucket, key string) error {
	c := o.l.st.s.cfg.S3
	if c == nil {
		return errors.New("firehose: no S3 to deliver to")
	}
	// What was not delivered is taken back as the account: the role need not be allowed to delete.
	d := o.l.st.doc.Load()
	undo := awswire.WithCaller(ctx, awswire.Caller{Account: d.Account, Region: d.Region})
	for _, b := range [2]string{bucket, o.bucket()} {
		if b == recordplan.EndpointBucket {
			continue
		}
		if _, err := c.DeleteObject(undo, &s3.DeleteObjectInput{Bucket: &b, Key: &key}); err != nil && !noBucket(err) {
			return fmt.Errorf("delete s3://%s/%s: %w", b, key, err)
		}
	}
	return nil
}

func noBucket(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "NoSuchBucket"
}

// emptyDir makes dir if it is missing and removes the delivery engine's files in it.
func emptyDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("firehose: create the temporary directory: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "delivery-*"))
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := os.Remove(n); err != nil {
			return fmt.Errorf("firehose: empty the temporary directory: %w", err)
		}
	}
	return nil
}
