package function

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	maxLine    = 256 << 10 // a longer one becomes several
	drainLimit = 1 << 20   // what is still read of the output when an answer has come
)

// tail keeps the last bytes of a log.
type tail struct{ b []byte }

func (t *tail) add(line string) {
	t.b = append(append(t.b, line...), '\n')
	if len(t.b) > 4*maxTail {
		t.b = append(t.b[:0], t.b[len(t.b)-maxTail:]...)
	}
}

func (t *tail) last() []byte { return bytes.Clone(t.b[max(0, len(t.b)-maxTail):]) }

// capture reads what an instance's process prints, and puts it into lines.
//
// Reading and handling are one step under mu: who holds it and finds the pipe empty has seen
// all that was printed before.
type capture struct {
	i   *instance
	out *os.File
	raw syscall.RawConn

	mu      sync.Mutex
	buffer  []byte
	partial []byte
	v       *invocation // under way
	before  tail        // what was printed while none was: the next one's log begins with it
}

func (i *instance) newCapture(out *os.File) (*capture, error) {
	raw, err := out.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &capture{i: i, out: out, raw: raw, buffer: make([]byte, 32<<10)}, nil
}

// emptyOutput is that of a process which prints elsewhere.
func emptyOutput() (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return r, w.Close()
}

// run reads until all writers have closed.
func (c *capture) run() {
	_ = c.raw.Read(func(fd uintptr) bool { // an error ends it as the end does
		for {
			c.mu.Lock()
			more, end := c.read(int(fd))
			c.mu.Unlock()
			if end {
				return true
			}
			if !more {
				return false
			}
		}
	})
	c.mu.Lock()
	c.flush()
	c.mu.Unlock()
	c.out.Close()
}

// read takes one piece of the output. Callers hold mu.
func (c *capture) read(fd int) (more, end bool) {
	n, err := syscall.Read(fd, c.buffer)
	switch {
	case n > 0:
		c.take(c.buffer[:n])
		return true, false
	case errors.Is(err, syscall.EINTR):
		return true, false
	case errors.Is(err, syscall.EAGAIN):
		return false, false
	}
	return false, true
}

// take puts printed bytes into lines. Callers hold mu.
func (c *capture) take(b []byte) {
	var lines []Line
	now := c.i.e.clock.Now()
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		end := n >= 0
		if !end {
			n = len(b)
		}
		n = min(n, maxLine-len(c.partial))
		c.partial = append(c.partial, b[:n]...)
		b = b[n:]
		if end && len(b) > 0 && b[0] == '\n' {
			b = b[1:]
		} else if len(c.partial) < maxLine {
			break
		}
		lines = append(lines, Line{now, string(c.partial)})
		c.partial = c.partial[:0]
	}
	c.emit(c.i.f.JSON.filter(lines))
}

// flush makes a line of what has no end yet. Callers hold mu.
func (c *capture) flush() {
	if len(c.partial) > 0 {
		c.emit(c.i.f.JSON.filter([]Line{{c.i.e.clock.Now(), string(c.partial)}}))
		c.partial = c.partial[:0]
	}
}

func (c *capture) emit(lines []Line) {
	if len(lines) == 0 {
		return
	}
	if v := c.v; v != nil {
		v.mu.Lock()
		for _, l := range lines {
			v.log.add(l.Text)
		}
		v.mu.Unlock()
	} else {
		for _, l := range lines {
			c.before.add(l.Text)
		}
	}
	c.i.e.events.Log(c.i.f, c.i.id, lines)
}

// begin logs the start of an invocation.
func (c *capture) begin(v *invocation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	c.v = v
	v.mu.Lock()
	v.log, c.before = c.before, tail{}
	v.mu.Unlock()
	if j := c.i.f.JSON; j != nil {
		if l, ok := j.event(v.began, "INFO", "start", startRecord{v.r.ID, c.i.f.Version}); ok {
			c.emit([]Line{l})
		}
		return
	}
	c.emit([]Line{{v.began, "START RequestId: " + v.r.ID + " Version: " + c.i.f.Version}})
}

// end takes all that was printed so far.
func (c *capture) end(v *invocation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.v == v {
		c.rest()
	}
}

// drain takes all that was printed so far, of no invocation.
func (c *capture) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest()
}

// rest reads what is there. Callers hold mu.
func (c *capture) rest() {
	_ = c.raw.Control(func(fd uintptr) { // an error says that run has seen the end
		for read := 0; read < drainLimit; read += len(c.buffer) {
			if more, _ := c.read(int(fd)); !more {
				return
			}
		}
	})
	c.flush()
}

// report logs the end of an invocation, and returns the last of its log.
func (c *capture) report(v *invocation, result *Result, status string, init time.Duration, memory int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	v.mu.Lock()
	took := v.ended.Sub(v.began)
	at := v.ended
	v.mu.Unlock()
	ms := float64(took) / float64(time.Millisecond)
	billed, initMS := (took + init + time.Millisecond - 1).Milliseconds(), float64(init)/float64(time.Millisecond)
	lines := []Line{{at, "END RequestId: " + v.r.ID}, {at, ""}}
	text := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		v.r.ID, ms, billed, c.i.f.Memory, memory>>20)
	if init > 0 {
		text += fmt.Sprintf("Init Duration: %.2f ms\t", initMS)
	}
	lines[1].Text = text + status
	if j := c.i.f.JSON; j != nil {
		lines = j.reportEvents(at, metrics{ms, billed, c.i.f.Memory, memory >> 20, initMS}, reportRecord{ID: v.r.ID, Status: result.statusOf(), ErrorType: result.ErrorType})
	}
	c.emit(lines)
	c.v = nil
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.log.last()
}

// say logs a line of the engine's own. In JSON it is part of the report.
func (c *capture) say(text string) {
	if c.i.f.JSON != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush()
	c.emit([]Line{{c.i.e.clock.Now(), text}})
}
