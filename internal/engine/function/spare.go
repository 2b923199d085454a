package function

import (
	"os"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// A spare is a process that has the start of the sandbox's helper behind it: that takes as long as the start of an
// interpreter. There is one, of no function, from when there is code to run; the next is started when an instance has
// come up that has used it, so that the two do not share a processor.

// spareAfter is when the next spare is started at the latest after an instance that used one.
const spareAfter = 2 * time.Second

// Prepare starts a spare beside the caller if there is none: somebody is about to run a function.
func (e *Engine) Prepare() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.sparing || e.spare != nil {
		return
	}
	e.sparing = true
	e.wg.Go(func() {
		s, err := sandbox.NewSpare(e.layers)
		e.mu.Lock()
		e.sparing = false
		if err == nil && !e.closed {
			e.spare, s = s, nil
		}
		e.mu.Unlock()
		if err == nil && s != nil {
			drop(s)
		}
	})
}

// prepareAfter is Prepare when an instance is ready, or gone.
func (e *Engine) prepareAfter(i *instance) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.wg.Go(func() {
		t := e.clock.NewTimer(spareAfter)
		defer t.Stop()
		select {
		case <-i.ready:
		case <-i.gone:
		case <-t.Chan():
		case <-e.stop:
			return
		}
		e.Prepare()
	})
}

func drop(s *sandbox.Spare) {
	s.Stop()
	s.Output.Close()
}

// launch starts the instance's process, from the spare if there is one, with its output going to a capture.
func (i *instance) launch(spec sandbox.Spec, join func(pid int) error) (*sandbox.Process, error) {
	i.e.mu.Lock()
	spare := i.e.spare
	i.e.spare = nil
	i.e.mu.Unlock()
	if spare != nil {
		p, err := i.captured(spare.Output, func() (*sandbox.Process, error) { return spare.Start(spec, join) })
		if err == nil {
			return p, nil
		}
		// It has ended meanwhile.
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return i.captured(r, func() (*sandbox.Process, error) { return sandbox.Start(spec, w, w, join) })
}

// captured starts a process whose output is r's; r is closed with an error.
func (i *instance) captured(r *os.File, start func() (*sandbox.Process, error)) (p *sandbox.Process, err error) {
	if i.capture, err = i.newCapture(r); err == nil {
		p, err = start()
	}
	if err != nil {
		r.Close()
	}
	return p, err
}
