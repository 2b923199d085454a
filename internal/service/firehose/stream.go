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
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/worker"
)

// stream is an open delivery stream and its delivery.
type stream struct {
	s     *Service
	doc   atomic.Pointer[streamDoc]
	shard *shardlog.Shard // of puts; nil where records are from a Kinesis stream

	meter      meter      // of puts
	docMu      sync.Mutex // serialises changes of doc
	updating   sync.Mutex // held by UpdateDestination, and by what must not meet it
	compaction compaction
	saidMore   sync.Once // that its function returns more records than it gets

	ctx    context.Context    // of all that works
	cancel context.CancelFunc // ends it
	group  *worker.Group      // and it
	done   chan struct{}      // closed when nothing works

	mu            sync.Mutex
	lanes         []*lane
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
	st := &stream{s: s}
	st.doc.Store(d)
	st.compaction.Compactor = st.newCompactor()
	if d.Source != nil {
		return st, nil
	}
	var err error
	st.shard, err = s.cfg.Log.Shard(ctx, d.shardName())
	return st, err
}

// begin delivers until the service or the stream is stopped.
func (st *stream) begin() error {
	s, d := st.s, st.doc.Load()
	ctx, cancel := context.WithCancel(awswire.Acting(s.ctx, d.Account, d.Region, "firehose.amazonaws.com", d.S3.RoleARN, d.arn()))
	group, done := &worker.Group{Context: ctx, Clock: s.clock}, make(chan struct{})
	ok := s.work.Go("delivery stream "+d.Name, func(context.Context) error {
		<-ctx.Done()
		defer close(done)
		return group.Close(context.WithoutCancel(ctx)) // which ends when nothing works
	})
	if !ok {
		cancel()
		return shardlog.ErrClosed
	}
	st.ctx, st.cancel, st.group, st.done = ctx, cancel, group, done
	st.mu.Lock()
	st.lanes = nil
	st.mu.Unlock()
	if err := st.run(ctx); err != nil {
		st.end()
		return err
	}
	st.beginCompaction(ctx)
	return nil
}

// end stops what begin began, and returns when nothing of it works.
func (st *stream) end() {
	st.cancel()
	<-st.done
}

func (st *stream) run(ctx context.Context) error {
	d := st.doc.Load()
	// Each lane has a source of its own: they are not at the same place.
	source := func() *kinesisSource { return nil }
	trim := &trimmer{st: st, shard: st.shard}
	moved := trim.reader
	if d.Source != nil {
		source = func() *kinesisSource { return st.newKinesisSource(ctx) }
		moved = func(string) func(shardlog.Position) { return func(shardlog.Position) {} }
	}
	var lanes []*lane
	if d.Transforms {
		out, err := st.openOutput(ctx, d.base()+"/transformed")
		if err != nil {
			return err
		}
		lanes = append(lanes, st.addTransformed(ctx, source(), out, moved("transform")))
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
		l.over = ctx.Done()
	}
	st.mu.Lock()
	st.lanes = lanes
	if st.held {
		for _, l := range lanes {
			l.pipeline.Hold()
		}
	}
	st.mu.Unlock()
	for _, l := range lanes {
		st.work("delivery", l.pipeline.Run, l.retrying)
	}
	return nil
}

// sourceOf is what a lane reads: the Kinesis stream, or the log of puts.
func (st *stream) sourceOf(k *kinesisSource) delivery.Source {
	if k != nil {
		return k
	}
	return st.shard
}

func (st *stream) restOf(k *kinesisSource) func(context.Context, *delivery.Progress) (shardlog.Rest, error) {
	if k != nil {
		return k.rest
	}
	return func(ctx context.Context, p *delivery.Progress) (shardlog.Rest, error) {
		return st.shard.Rest(ctx, p.Watermark)
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
func (st *stream) addTransformed(ctx context.Context, source *kinesisSource, out *shardlog.Shard, moved func(shardlog.Position)) *lane {
	s, d := st.s, st.doc.Load()
	name := mainLane + transformedSuffix
	trim := &trimmer{st: st, shard: out}
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
	before := st.restOf(source)
	t.end = func(ctx context.Context) (shardlog.Position, error) {
		if source != nil {
			return source.end(ctx, t.Wake)
		}
		info, err := st.shard.Info(ctx)
		return info.End, err
	}
	l.rest = func(ctx context.Context, p *delivery.Progress) (shardlog.Rest, error) {
		r, err := before(ctx, &delivery.Progress{Watermark: t.At()})
		if err != nil {
			return r, err
		}
		o, err := out.Rest(ctx, p.Watermark)
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
	st.work("transformation", t.Run, l.retrying)
	return l
}

// flush delivers what the stream holds now.
func (st *stream) flush(ctx context.Context) error {
	st.mu.Lock()
	lanes := append([]*lane(nil), st.lanes...)
	st.mu.Unlock()
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
		return fmt.Errorf("firehose: make the temporary directory: %w", err)
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
