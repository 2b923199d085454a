package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// attempts is how many instances may end before they take an invocation.
const attempts = 3

// Invoke runs a function once. An error says that it was not run: ErrThrottled, ErrBusy,
// ErrRuntime, that of ctx while it waited for a process. A function that was started is run
// to its end, or to its time, whatever becomes of ctx; how it failed is in the result.
func (e *Engine) Invoke(ctx context.Context, f *Function, r *Request) (*Result, error) {
	if err := e.enter(f); err != nil {
		return nil, err
	}
	left := false
	leave := func() {
		if !left {
			left = true
			e.leave(f)
		}
	}
	if i := e.attachedTo(f.Group); i != nil {
		select {
		case i.turn <- struct{}{}:
			result, err := i.run(ctx, r, false, leave)
			<-i.turn
			if !errors.Is(err, errNoAnswer) {
				leave()
				return result, err
			}
		case <-i.gone: // back to processes of the engine's own
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	for n := 1; ; n++ {
		i, cold, err := e.acquire(ctx, f)
		if err != nil {
			leave()
			return nil, err
		}
		result, err := i.run(context.WithoutCancel(ctx), r, cold, leave)
		if errors.Is(err, errNoAnswer) && n < attempts {
			continue
		}
		if result == nil || result.Body == nil {
			leave()
		}
		return result, err
	}
}

// run makes one invocation on an instance that the caller has acquired, and gives it back.
func (i *instance) run(ctx context.Context, r *Request, cold bool, leave func()) (*Result, error) {
	var init time.Duration
	if cold {
		begin := i.e.clock.Now()
		failed, err := i.warm(ctx, r)
		if err != nil || failed != nil {
			i.discard("it did not start")
			return failed, err
		}
		init = max(i.e.clock.Since(begin), 1)
		i.capture.initEnd(init, Result{})
	}
	i.rest.begin()
	v := &invocation{r: r, taken: make(chan struct{}), answered: make(chan struct{}), streamed: make(chan struct{}), asked: make(chan struct{})}
	select {
	case i.queue <- v:
	case <-i.gone:
		i.discard("it has ended")
		return nil, errNoAnswer
	}
	select {
	case <-v.taken:
	case <-i.gone:
		select {
		case <-v.taken: // both
		default:
			i.discard("it has ended")
			return nil, errNoAnswer
		}
	}
	v.mu.Lock()
	deadline := v.deadline
	v.mu.Unlock()
	t := i.e.clock.NewTimer(deadline.Sub(i.e.clock.Now()))
	select {
	case <-v.answered:
	case <-i.gone:
		i.ended(v)
	case <-t.Chan():
		i.timedOut(v)
	}
	if v.result.Body == nil {
		t.Stop()
		return i.finished(v, init), nil
	}
	// The answer is being made: what is left is done behind the caller's back.
	result := v.result
	ending := make(chan *Result, 1)
	result.Init, result.Ending = init, ending
	i.e.wg.Go(func() {
		defer leave()
		defer t.Stop()
		// It ends when the process asks for the next one: it may go on after its answer.
		select {
		case <-v.asked:
		case <-i.gone:
			// The pipe ends with the connection.
			select {
			case <-v.streamed: // both
			default:
				v.fail(i.exitResult(r.ID))
			}
		case <-t.Chan():
			v.fail(timeoutResult(r.ID, i.f.Timeout))
			i.kill(causeTimeout)
		}
		i.capture.end(v)
		v.mu.Lock()
		v.ended = i.e.clock.Now()
		v.mu.Unlock()
		ending <- i.finished(v, init)
	})
	return &result, nil
}

// finished logs the report and gives the instance back.
func (i *instance) finished(v *invocation, init time.Duration) *Result {
	i.current.CompareAndSwap(v, nil)
	v.mu.Lock()
	result := v.result
	v.mu.Unlock()
	status := ""
	switch {
	case result.TimedOut:
		status = "Status: timeout"
	case result.Failed && (result.ErrorType == "Runtime.ExitError" || result.ErrorType == "Runtime.OutOfMemory"):
		if i.outOfMemory() {
			result.ErrorType = "Runtime.OutOfMemory"
		}
		status = "Status: error\tError Type: " + result.ErrorType
	}
	result.Log = i.capture.report(v, &result, status, init, i.memory())
	result.Duration, result.Init = v.ended.Sub(v.began), init
	switch {
	case i.attached:
	case i.dead():
		i.discard("it has ended")
	default:
		v.mu.Lock()
		deadline := v.deadline
		v.mu.Unlock()
		i.rest.end(deadline)
		i.e.release(i)
	}
	return &result
}

// discard counts an instance out that is over.
func (i *instance) discard(why string) {
	if i.attached {
		return // whoever attached it ends it
	}
	i.over()
	i.e.mu.Lock()
	i.e.forget(i)
	i.e.mu.Unlock()
	i.kill(why)
}

// warm starts the process and waits until it asks for work. A result says how that failed
// by the function's own fault.
func (i *instance) warm(ctx context.Context, r *Request) (*Result, error) {
	if err := i.start(ctx); err != nil {
		return nil, err
	}
	patience := max(minInit, i.f.Timeout)
	t := i.e.clock.NewTimer(patience)
	defer t.Stop()
	select {
	case <-i.ready:
		return nil, nil
	case <-i.initGone:
		return i.initFailure(r, *i.initError.Load()), nil
	case <-i.gone:
		if e := i.initError.Load(); e != nil {
			return i.initFailure(r, *e), nil
		}
		if c := i.cause.Load(); c == nil || *c == causeMemory || *c == causeStorage {
			return i.initFailure(r, i.exitResult(r.ID)), nil
		}
		return nil, ErrClosed
	case <-t.Chan():
		i.kill(causeTimeout)
		return i.initFailure(r, timeoutResult(r.ID, patience)), nil
	}
}

// initFailure is the result of an invocation whose instance did not start.
func (i *instance) initFailure(r *Request, result Result) *Result {
	now := i.e.clock.Now()
	v := &invocation{r: r, began: i.started, ended: now}
	select { // what it printed is read when its output ends
	case <-i.process.Done:
	case <-time.After(time.Second):
	}
	i.capture.drain()
	i.capture.initEnd(now.Sub(i.started), result)
	i.capture.begin(v)
	status := "Status: error\tError Type: " + result.ErrorType
	if result.TimedOut {
		status = "Status: timeout"
	}
	result.Log = i.capture.report(v, &result, status, 0, i.memory())
	result.Duration = now.Sub(i.started)
	if len(result.Payload) == 0 {
		result.Payload = []byte("null")
	}
	return &result
}

// ended is an invocation whose process ended before its answer.
func (i *instance) ended(v *invocation) {
	if i.process != nil {
		<-i.process.Done // it has ended, or is being killed
	}
	i.capture.end(v)
	r := i.exitResult(v.r.ID)
	i.capture.say(fmt.Sprintf("RequestId: %s Error: Runtime exited %s", v.r.ID, i.exit()))
	v.finish(r, i.e.clock.Now())
}

func (i *instance) exitResult(id string) Result {
	kind := "Runtime.ExitError"
	return Result{Failed: true, ErrorType: kind, Payload: faultJSON(kind, fmt.Sprintf("RequestId: %s Error: Runtime exited %s", id, i.exit()))}
}

func faultJSON(kind, message string) []byte {
	b, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{kind, message})
	if err != nil {
		panic(err) // two strings
	}
	return b
}

func timeoutResult(id string, after time.Duration) Result {
	return Result{
		Failed: true, TimedOut: true, ErrorType: "Sandbox.Timedout",
		Payload: faultJSON("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, after.Seconds())),
	}
}

// timedOut kills the process at an invocation's deadline.
func (i *instance) timedOut(v *invocation) {
	i.kill(causeTimeout)
	i.capture.end(v)
	now := i.e.clock.Now()
	i.capture.say(fmt.Sprintf("%s %s Task timed out after %.2f seconds", now.UTC().Format("2006-01-02T15:04:05.000Z"), v.r.ID, i.f.Timeout.Seconds()))
	v.finish(timeoutResult(v.r.ID, i.f.Timeout), now)
}
