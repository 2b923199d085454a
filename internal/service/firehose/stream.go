package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// stream is an open delivery stream and its delivery.
type stream struct {
	s        *Service
	doc      atomic.Pointer[streamDoc]
	shard    *shardlog.Shard
	pipeline *delivery.Pipeline
	plans    *streamPlans

	stop context.CancelFunc
	done chan struct{} // closed when the delivery has ended

	trimming atomic.Bool
	trimTo   atomic.Pointer[shardlog.Position]

	docMu sync.Mutex // serialises changes of doc

	mu      sync.Mutex
	failing int // attempts in a row that failed
	lastErr error
	errTime time.Time
}

func (s *Service) open(ctx context.Context, d *streamDoc) (*stream, error) {
	shard, err := s.cfg.Log.Shard(ctx, d.shardName())
	if err != nil {
		return nil, err
	}
	return s.newStream(d, shard), nil
}

func (s *Service) newStream(d *streamDoc, shard *shardlog.Shard) *stream {
	st := &stream{s: s, shard: shard, done: make(chan struct{})}
	st.doc.Store(d)
	st.plans = &streamPlans{st: st}
	st.pipeline = delivery.New(delivery.Options{
		Source:   shard,
		Objects:  objects{s},
		Progress: &progressStore{store: s.cfg.State, key: state.Key{"firehose.progress", d.Account, d.Region, d.ID}},
		Plans:    st.plans,
		Clock:    s.clock,
		Budget:   s.cfg.Budget,
		TempDir:  s.cfg.TempDir,
		Events: delivery.Events{
			Delivered: st.delivered,
			Retrying:  st.retrying,
			Corrupt: func(err error) {
				s.metrics.corrupt.Inc()
				s.log.Error("delivery skipped records that cannot be read", "stream", d.Name, "err", err)
			},
		},
	})
	return st
}

// start delivers until the service or the stream is stopped.
func (st *stream) start() {
	s, d := st.s, st.doc.Load()
	work := awswire.WithCaller(s.ctx, awswire.Caller{Account: d.Account, Region: d.Region})
	ctx, stop := context.WithCancel(work)
	st.stop = stop
	s.mu.RLock()
	closed := s.closed
	if !closed {
		s.wg.Add(1)
	}
	s.mu.RUnlock()
	if closed {
		close(st.done)
		return
	}
	go func() {
		defer s.wg.Done()
		defer close(st.done)
		wait := 100 * time.Millisecond
		for {
			began := s.clock.Now()
			err := st.pipeline.Run(ctx)
			if ctx.Err() != nil {
				return
			}
			st.retrying(err, 1, wait)
			s.log.Error("delivery failed and starts again", "stream", d.Name, "err", err, "wait", wait)
			if s.clock.Since(began) > time.Minute {
				wait = 100 * time.Millisecond
			}
			select {
			case <-s.clock.After(wait):
			case <-ctx.Done():
				return
			}
			wait = min(2*wait, 30*time.Second)
		}
	}()
	if d.Deleting {
		s.wg.Go(func() { st.finishDelete(work) })
	}
}

func (st *stream) delivered(objs []delivery.Intent, p *delivery.Progress) {
	m := st.s.metrics
	for _, o := range objs {
		if delivery.IsError(o.Partition) {
			m.rejected.Add(float64(o.Rows))
		} else {
			m.delivered.Add(float64(o.Rows))
		}
	}
	m.objects.Add(float64(len(objs)))
	st.mu.Lock()
	st.failing = 0
	st.mu.Unlock()
	to := p.Watermark
	st.trimTo.Store(&to)
	if st.trimming.CompareAndSwap(false, true) {
		st.s.wg.Go(st.trim) // called by the delivery, which the group counts
	}
}

// trim removes what is delivered from the log. What it fails to remove now goes with
// the next delivery.
func (st *stream) trim() {
	for {
		to := st.trimTo.Swap(nil)
		if to == nil {
			st.trimming.Store(false)
			if st.trimTo.Load() == nil || !st.trimming.CompareAndSwap(false, true) {
				return
			}
			continue
		}
		if err := st.shard.TrimBefore(st.s.ctx, *to); err != nil && st.s.ctx.Err() == nil {
			st.s.log.Warn("delivered records could not be removed from the log", "stream", st.doc.Load().Name, "err", err)
		}
	}
}

func (st *stream) retrying(err error, attempt int, wait time.Duration) {
	st.s.metrics.retries.Inc()
	st.mu.Lock()
	st.failing++
	st.lastErr, st.errTime = err, st.s.clock.Now()
	st.mu.Unlock()
	if attempt == 1 {
		st.s.log.Warn("delivery is failing and will be retried", "stream", st.doc.Load().Name, "err", err, "wait", wait)
	}
}

// objects puts by S3's API.
type objects struct{ s *Service }

func (o objects) Put(ctx context.Context, obj delivery.Object) error {
	if o.s.cfg.S3 == nil {
		return errors.New("firehose: no S3 to deliver to")
	}
	_, err := o.s.cfg.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &obj.Bucket, Key: &obj.Key, Body: obj.Body, ContentLength: &obj.Size})
	if err != nil {
		return fmt.Errorf("put s3://%s/%s: %w", obj.Bucket, obj.Key, err)
	}
	return nil
}

func (o objects) Delete(ctx context.Context, bucket, key string) error {
	if o.s.cfg.S3 == nil {
		return errors.New("firehose: no S3 to deliver to")
	}
	if _, err := o.s.cfg.S3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		return fmt.Errorf("delete s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// progressStore keeps a pipeline's progress as a document of the state store.
type progressStore struct {
	store *state.Store
	key   state.Key
	rev   uint64
}

func (p *progressStore) Load(ctx context.Context) (*delivery.Progress, error) {
	d, err := p.store.Get(p.key)
	if errors.Is(err, state.ErrNotFound) {
		p.rev = 0
		return new(delivery.Progress), nil
	}
	if err != nil {
		return nil, err
	}
	v := new(delivery.Progress)
	if err := json.Unmarshal(d.Value, v); err != nil {
		return nil, fmt.Errorf("firehose: read progress %s: %w", p.key, err)
	}
	p.rev = d.Revision
	return v, nil
}

func (p *progressStore) Save(ctx context.Context, v *delivery.Progress) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var rev uint64
	if p.rev == 0 {
		rev, err = p.store.Create(ctx, p.key, b)
	} else {
		rev, err = p.store.Update(ctx, p.key, b, p.rev)
	}
	if errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrExists) || errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("%w: %w", delivery.ErrConflict, err)
	}
	if err != nil {
		return err
	}
	p.rev = rev
	return nil
}

// remove deletes all that a delivery stream leaves beside its document: progress,
// plans, and last the shard.
func (s *Service) remove(ctx context.Context, shard string) error {
	part := strings.Split(shard, "/")
	if len(part) != 5 {
		return fmt.Errorf("firehose: shard name %q", shard)
	}
	account, region, id := part[1], part[2], part[3]
	err := s.cfg.State.Delete(ctx, state.Key{"firehose.progress", account, region, id}, 0)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	for k := range s.plans.List(account, region, id) {
		if err := s.plans.Delete(ctx, k...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
	}
	if err := s.cfg.Log.DeleteShard(ctx, shard); err != nil && !errors.Is(err, shardlog.ErrNoShard) {
		return err
	}
	return nil
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
