package work

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Job is one call of Run.
type Job[T any] struct {
	Key   Key
	Epoch uint64 // of the lease

	r       *Runner[T]
	ctx     context.Context // of the parts
	doc     atomic.Pointer[T]
	changed chan struct{} // holds a token after a change that is the same work

	mu    sync.Mutex
	parts []*PartStatus
	wg    sync.WaitGroup
}

// Document is the newest version of the document that is the same work as the one that
// Run was called for. It is shared: nobody changes it.
func (j *Job[T]) Document() *T { return j.doc.Load() }

// Changed has a token when Document has become another one since the last token was taken.
func (j *Job[T]) Changed() <-chan struct{} { return j.changed }

// Go runs a part of the job in a goroutine of its own: it is called again after errors and
// panics by the Runner's Backoff, whatever other parts do, until it returns nil or the job
// ends. The job lasts until Run and all its parts have returned; when Run returns an error,
// the parts are stopped. Go is called by Run and by parts only.
func (j *Job[T]) Go(part string, run func(ctx context.Context) error) {
	s := &PartStatus{Name: part}
	j.mu.Lock()
	j.parts = append(j.parts, s)
	j.mu.Unlock()
	j.wg.Go(func() {
		r := &retry{clock: j.r.o.Clock, backoff: j.r.o.Backoff}
		loop(j.ctx, r, run,
			func(err error, failures int, wait time.Duration) {
				j.r.o.Events.failed(j.Key, part, err, failures, wait)
			},
			func(failures int, err error, at time.Time) {
				j.mu.Lock()
				s.Failures, s.Err, s.Next = failures, err, at
				j.mu.Unlock()
			})
		j.mu.Lock()
		j.parts = slices.DeleteFunc(j.parts, func(p *PartStatus) bool { return p == s })
		j.mu.Unlock()
	})
}

func (j *Job[T]) partStatus() []PartStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []PartStatus
	for _, p := range j.parts {
		all = append(all, *p)
	}
	return all
}

// offer passes on a document that is the same work.
func (j *Job[T]) offer(doc *T) {
	if j.doc.Swap(doc) == doc {
		return
	}
	select {
	case j.changed <- struct{}{}:
	default:
	}
}
