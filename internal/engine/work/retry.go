package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jonboulle/clockwork"
)

// Why the context of a Run has ended; context.Cause tells.
var (
	ErrGone        = errors.New("work: the document is gone")
	ErrChanged     = errors.New("work: the document has changed")
	ErrPaused      = errors.New("work: the document does not ask to be run")
	ErrUndecodable = errors.New("work: the document cannot be decoded")
	ErrLeaseLost   = errors.New("work: another process owns it")
	ErrClosed      = errors.New("work: closed")
)

// Backoff is how long to wait after a failure: First, then twice as long each time, up to
// Max. A run that lasted longer than Reset starts with First again. Zero values mean
// 100 ms, 30 s and one minute.
type Backoff struct {
	First, Max, Reset time.Duration
}

func (b Backoff) filled() Backoff {
	return Backoff{cmp.Or(b.First, 100*time.Millisecond), cmp.Or(b.Max, 30*time.Second), cmp.Or(b.Reset, time.Minute)}
}

// after is the wait after so many failures in a row.
func (b Backoff) after(failures int) time.Duration {
	wait := b.First
	for range failures - 1 {
		if wait >= b.Max {
			break
		}
		wait *= 2
	}
	return min(wait, b.Max)
}

// Events are told by what runs, from its goroutines; nil ones are left out. They must not
// block. part is the name that was given to Job.Go or Group.Go, "" for Run itself.
type Events struct {
	// Failed: run returned an error, *PanicError after a panic, and is called again after
	// wait; failures counts those in a row.
	Failed func(key Key, part string, err error, failures int, wait time.Duration)

	// Undecodable: a document cannot be used. Told once for each time that it is looked at.
	Undecodable func(key Key, err error)
}

func (e *Events) failed(key Key, part string, err error, failures int, wait time.Duration) {
	if e.Failed != nil {
		e.Failed(key, part, err, failures, wait)
	}
}

// PanicError is a panic of what was run.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// RunAfter is the error by which a run asks to be called again after d. It is not a failure.
func RunAfter(d time.Duration) error { return again(d) }

type again time.Duration

func (a again) Error() string { return "run again after " + time.Duration(a).String() }

// Contain calls run and makes a *PanicError of its panic.
func Contain(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return run()
}

// retry counts the failures of one thing that is run again and again.
type retry struct {
	clock    clockwork.Clock
	backoff  Backoff
	failures int
}

// outcome says what follows a run that began then and returned err: it is done, or run
// again after wait, which is a failure or not.
func (r *retry) outcome(began time.Time, err error) (done, failed bool, wait time.Duration) {
	var a again
	switch {
	case err == nil:
		r.failures = 0
		return true, false, 0
	case errors.As(err, &a):
		r.failures = 0
		return false, false, time.Duration(a)
	}
	if r.clock.Since(began) > r.backoff.Reset {
		r.failures = 0
	}
	r.failures++
	return false, true, r.backoff.after(r.failures)
}

// pause waits, unless ctx ends or wake has a token; it reports whether ctx has not ended.
func pause(ctx context.Context, clock clockwork.Clock, wait time.Duration, wake <-chan struct{}) bool {
	if wait <= 0 {
		return ctx.Err() == nil
	}
	t := clock.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.Chan():
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
