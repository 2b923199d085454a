package logs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/engine/logstore"
)

// Target is where lines of the node's own services go.
type Target struct {
	Account, Region, Group, Stream string
	// Role is the ARN of the role whose permission decides, of the service ("lambda.amazonaws.com"); empty: the
	// service's own. Without a service nobody is asked.
	Role, Service string
	Source        string // ARN of what the service writes for
	// CreateGroup and CreateStream: what is not there is made.
	CreateGroup, CreateStream bool
}

// sinkBytes bounds what waits in a Sink, and sinkEvery is how often it is written.
const (
	sinkBytes = 16 << 20
	sinkEvery = 100 * time.Millisecond
)

// Sink takes lines of the node's own services and puts them into their groups, behind the work that they are about:
// Write never waits. Of what does not fit, and of what cannot be put since a group or a permission is missing, the
// lines are counted.
type Sink struct {
	s       *Service
	wake    chan struct{}
	dropped atomic.Int64

	mu      sync.Mutex
	pending map[Target][]logstore.Line
	bytes   int
}

func newSink(s *Service) *Sink {
	return &Sink{s: s, wake: make(chan struct{}, 1), pending: map[Target][]logstore.Line{}}
}

// Sink is the node's own way to write into groups.
func (s *Service) Sink() *Sink { return s.sink }

// Dropped is how many lines were not written since the start.
func (k *Sink) Dropped() int64 { return k.dropped.Load() }

// Write takes lines. Texts are not empty.
func (k *Sink) Write(t Target, lines ...logstore.Line) {
	size := 0
	for i := range lines {
		size += len(lines[i].Text) + 64
	}
	k.mu.Lock()
	if k.bytes+size > sinkBytes {
		k.mu.Unlock()
		k.dropped.Add(int64(len(lines)))
		return
	}
	k.bytes += size
	k.pending[t] = append(k.pending[t], lines...)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// run writes what comes until ctx ends.
func (k *Sink) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.wake:
		}
		k.flush(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-k.s.clock.After(sinkEvery):
		}
	}
}

// flush writes what waits.
func (k *Sink) flush(ctx context.Context) {
	k.mu.Lock()
	pending := k.pending
	k.pending, k.bytes = map[Target][]logstore.Line{}, 0
	k.mu.Unlock()
	for t, lines := range pending {
		if err := k.put(ctx, t, lines); err != nil {
			k.dropped.Add(int64(len(lines)))
			k.s.log.Debug("lines of a service are not written", "group", t.Group, "stream", t.Stream, "error", err)
		}
	}
}

func (k *Sink) put(ctx context.Context, t Target, lines []logstore.Line) error {
	s := k.s
	g := &groupDoc{Account: t.Account, Region: t.Region, Name: t.Group}
	ctx = g.scope().Context(ctx)
	may := func(action, stream string) error {
		if t.Service == "" || s.cfg.Allow == nil {
			return nil
		}
		return s.cfg.Allow(ctx, t, action, g.arn()+":log-stream:"+stream)
	}
	if err := may("PutLogEvents", t.Stream); err != nil {
		return err
	}
	d, err := s.groups.Get(t.Account, t.Region, t.Group)
	if isNotFound(err) && t.CreateGroup {
		if err := may("CreateLogGroup", ""); err != nil {
			return err
		}
		d = &groupDoc{Account: t.Account, Region: t.Region, Name: t.Group, ID: newID(), Created: s.nowMillis(), Class: string(types.LogGroupClassStandard)}
		err = s.groups.Create(ctx, d, d.scope().Key(d.Name)...)
		if isExisting(err) {
			d, err = s.groups.Get(t.Account, t.Region, t.Group)
		}
	}
	if err != nil {
		return err
	}
	st, err := s.streams.Get(d.key(t.Stream)...)
	if isNotFound(err) && t.CreateStream {
		if err := may("CreateLogStream", t.Stream); err != nil {
			return err
		}
		if err := s.createStream(ctx, d, t.Stream); err != nil && !isExisting(err) {
			return err
		}
		st, err = s.streams.Get(d.key(t.Stream)...)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(lines, func(a, b logstore.Line) int { return cmp.Compare(a.Time, b.Time) })
	for len(lines) > 0 {
		n, size := 0, 0
		for n < len(lines) && n < maxBatchEvents && (n == 0 || size+len(lines[n].Text)+logstore.Overhead <= maxBatchBytes) {
			size += len(lines[n].Text) + logstore.Overhead
			n++
		}
		if err := s.store.Put(ctx, d.in(), st.Number, d.retention(), lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

func isExisting(err error) bool {
	var e *types.ResourceAlreadyExistsException
	return errors.As(err, &e)
}
