package function

import (
	"errors"
	"fmt"
	"time"
)

// ErrAttached is returned when another process is attached to the function.
var ErrAttached = errors.New("function: another process is attached")

// attachedTime is what an attached process has for an invocation: people step through it.
const attachedTime = 12 * time.Hour

// Attach lets a process that somebody else starts take the invocations of a group, one after
// the other, in the place of processes of the engine's: address is what its
// AWS_LAMBDA_RUNTIME_API is to be. Invocations wait for it until detach is called, even
// where the process has not come yet or has gone. Its time for each is not limited.
func (e *Engine) Attach(f *Function) (address string, detach func(), err error) {
	i := e.newInstance(f)
	i.attached, i.turn = true, make(chan struct{}, 1)
	r, err := emptyOutput()
	if err != nil {
		return "", nil, err
	}
	if i.capture, err = i.newCapture(r); err != nil {
		r.Close()
		return "", nil, err
	}
	go i.capture.run()
	if address, err = i.serve(); err != nil {
		return "", nil, fmt.Errorf("function: serve the Runtime API: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		err = ErrClosed
	case e.attached[f.Group] != nil:
		err = ErrAttached
	}
	if err != nil {
		i.unserve()
		return "", nil, err
	}
	e.attached[f.Group] = i
	return address, func() {
		e.mu.Lock()
		if e.attached[f.Group] == i {
			delete(e.attached, f.Group)
		}
		e.mu.Unlock()
		i.kill("it was detached")
	}, nil
}

func (e *Engine) attachedTo(group string) *instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attached[group]
}

// timeout is how long the process has for an invocation.
func (i *instance) timeout() time.Duration {
	if i.attached {
		return attachedTime
	}
	return i.f.Timeout
}
