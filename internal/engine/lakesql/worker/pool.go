package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
)

// The side of the parent: starting, stopping and restarting the process.

// stopGrace is how long what was told to stop may go on before the process is killed.
const stopGrace = time.Second

// startLimit is how long a process may take until it answers.
const startLimit = 2 * time.Minute

// aloneLimit is how long a statement is run again, by itself or with others, where it is not the process that has ended.
// If another is being run by itself, it waits for that no longer than aloneWait before it tries beside the others.
const (
	aloneLimit = 10 * time.Second
	aloneWait  = time.Second
)

// allocator has DuckDB's allocator give memory that it does not use back to the kernel, after a tenth of a second. What it
// keeps otherwise counts as data of the process, and is more with every large statement (3.2 GB after a few, at a limit of
// 1 GiB for buffers; 1.3 GB with this), until allocations of those that follow fail, where DuckDB would have spilled. To
// give it back at once costs scans a third of their speed; this costs nothing that can be measured.
const allocator = "DUCKDB_JE_MALLOC_CONF=retain:false,dirty_decay_ms:100,muzzy_decay_ms:0"

// ErrMemory is that the process ended because a statement needed more memory than it may have.
var ErrMemory = errors.New("the query engine ran out of memory")

// ErrEnded is that the process ended by itself while a statement ran in it alone.
var ErrEnded = errors.New("the query engine ended unexpectedly")

// ErrClosed is that the pool is closed.
var ErrClosed = errors.New("the query engine is closed")

// Pool is a worker and its slots, and a second worker as long as a statement is run again by itself: that one leaves
// those that come meanwhile their memory, and does not hold them. It is safe for use by many goroutines.
type Pool struct {
	settings Settings
	slots    *semaphore.Weighted
	lone     *semaphore.Weighted // of the second worker, which runs one statement

	mu      sync.Mutex
	proc    *process
	second  *process
	closed  bool
	running map[*Rows]bool // true: it has had others beside it

	// strained is that the statement that ended last had not enough memory: DuckDB may not have given all of it back.
	strained bool
}

// Start starts a worker.
func Start(s Settings) (*Pool, error) {
	p := &Pool{settings: s, slots: semaphore.NewWeighted(int64(s.Slots)), lone: semaphore.NewWeighted(1), running: map[*Rows]bool{}}
	if _, err := p.process(false); err != nil {
		return nil, err
	}
	return p, nil
}

// Close ends the worker; what runs in it fails.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	procs := []*process{p.proc, p.second}
	p.mu.Unlock()
	for _, proc := range procs {
		if proc != nil {
			proc.kill(ErrClosed)
			<-proc.exited
		}
	}
	return nil
}

// PID is the id of the process that statements share, zero where there is none at the moment.
func (p *Pool) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proc == nil || p.proc.cmd == nil {
		return 0
	}
	return p.proc.cmd.Process.Pid
}

// process returns the one that statements share, or that of the one that runs by itself, and starts it where it does not
// run.
func (p *Pool) process(alone bool) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	settings, proc := p.settings, &p.proc
	if settings.SpillDir = settings.TempDir; alone {
		if settings.Slots, proc = 1, &p.second; settings.TempDir != "" {
			settings.SpillDir = p.secondSpill()
		}
	}
	if *proc != nil && !(*proc).ended() {
		return *proc, nil
	}
	begin := start
	if !enabled {
		begin = within
	}
	started, err := begin(settings)
	if err != nil {
		return nil, err
	}
	*proc = started
	return started, nil
}

// secondSpill is where the second worker spills: two that share a directory would write over each other's files.
func (p *Pool) secondSpill() string { return filepath.Join(p.settings.TempDir, "alone") }

// endSecond ends the second worker, with what it has left on disk. It is called before another statement may have one.
func (p *Pool) endSecond() {
	p.mu.Lock()
	proc := p.second
	p.second = nil
	p.mu.Unlock()
	if proc != nil {
		proc.kill(ErrClosed)
		<-proc.exited
	}
	if p.settings.TempDir != "" {
		_ = os.RemoveAll(p.secondSpill()) // what stays is written over
	}
}

// process is one that was started.
type process struct {
	cmd    *exec.Cmd // nil: DuckDB runs within this process
	end    func()    // of what runs within this process
	free   chan *slot
	exited chan struct{}
	output tail // of its standard error

	mu     sync.Mutex
	reason error // why it was killed; nil: it was not
}

// slot is a pair of sockets to a process.
type slot struct {
	conn net.Conn
	r    *bufio.Reader
	buf  []byte
}

func start(s Settings) (_ *process, err error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	path, err := executable()
	if err != nil {
		return nil, err
	}
	proc := &process{cmd: exec.Command(path), free: make(chan *slot, s.Slots), exited: make(chan struct{})}
	proc.cmd.Env = []string{allocator, environment + "=" + string(text)}
	proc.cmd.Stdout, proc.cmd.Stderr = &proc.output, &proc.output
	proc.cmd.SysProcAttr = attributes()
	var slots []*slot
	defer func() {
		for _, f := range proc.cmd.ExtraFiles {
			f.Close()
		}
		if err != nil {
			for _, s := range slots {
				s.conn.Close()
			}
		}
	}()
	for range s.Slots {
		ours, theirs, err := socketPair()
		if err != nil {
			return nil, fmt.Errorf("start the query engine: %w", err)
		}
		slots = append(slots, &slot{conn: ours, r: bufio.NewReaderSize(ours, 64<<10)})
		proc.cmd.ExtraFiles = append(proc.cmd.ExtraFiles, theirs)
	}
	if err := proc.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the query engine: %w", err)
	}
	go func() {
		_ = proc.cmd.Wait() // what matters of it is that it has ended
		close(proc.exited)
		for _, s := range slots {
			s.conn.Close()
		}
	}()
	timer := time.AfterFunc(startLimit, func() { proc.kill(ErrEnded) })
	kind, payload, err := readFrame(slots[0].r, nil)
	timer.Stop()
	if err != nil || kind != frameDone {
		proc.kill(ErrEnded)
		<-proc.exited
		return nil, fmt.Errorf("start the query engine: %s%s", payload, proc.output.String())
	}
	for _, s := range slots {
		proc.free <- s
	}
	return proc, nil
}

// within runs DuckDB in this process, for programs that did not call Main. It is never killed:
// what does not stop goes on.
func within(s Settings) (*process, error) {
	connector, err := open(s)
	if err != nil {
		return nil, err
	}
	w := &server{connector: connector, gone: func() {}}
	proc := &process{free: make(chan *slot, s.Slots), exited: make(chan struct{})}
	var running sync.WaitGroup
	var conns []net.Conn
	for range s.Slots {
		ours, theirs := net.Pipe()
		conns = append(conns, ours)
		running.Go(func() { w.slot(theirs) })
		proc.free <- &slot{conn: ours, r: bufio.NewReaderSize(ours, 64<<10)}
	}
	proc.end = sync.OnceFunc(func() {
		for _, c := range conns {
			c.Close()
		}
		running.Wait()
		_ = connector.Close() // it is in memory alone
		close(proc.exited)
	})
	return proc, nil
}

func socketPair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fds[0]), "query engine")
	conn, err := net.FileConn(f)
	f.Close()
	if err != nil {
		syscall.Close(fds[1])
		return nil, nil, err
	}
	return conn, os.NewFile(uintptr(fds[1]), "query engine"), nil
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.reason != nil && p.cmd != nil
	}
}

// kill ends the process; the first reason stays.
func (p *process) kill(reason error) {
	p.mu.Lock()
	if p.reason == nil {
		p.reason = reason
	}
	p.mu.Unlock()
	switch {
	case p.cmd != nil:
		_ = p.cmd.Process.Kill() // an error says that it has ended
	case errors.Is(reason, ErrClosed):
		p.end()
	}
}

// why returns why a statement did not get to its end: ErrRestarted where the process was
// killed for another's sake.
func (p *process) why() error {
	<-p.exited
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case errors.Is(p.reason, ErrClosed):
		return ErrClosed
	case p.reason != nil:
		return ErrRestarted
	}
	output := p.output.String()
	for _, said := range []string{"out of memory", "cannot allocate", "bad_alloc", "failed to create new OS thread", "errno=11", "errno=12"} {
		if bytes.Contains([]byte(output), []byte(said)) {
			return ErrMemory
		}
	}
	if p.cmd == nil {
		return ErrEnded
	}
	state := p.cmd.ProcessState
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGKILL {
		return ErrMemory // by the kernel, which had no memory left
	}
	return fmt.Errorf("%w: %s: %s", ErrEnded, state, output)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailBytes = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// The beginning of a crash says why, so that is what is kept.
	if room := tailBytes - len(t.b); room > 0 {
		t.b = append(t.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// run begins a statement, whose slot has been taken. crowded is that it failed, and had others beside it.
func (p *Pool) run(ctx context.Context, call Call, alone bool) (r *Rows, crowded bool, err error) {
	r = &Rows{ctx: ctx}
	leave := func() {
		crowded = p.leave(r)
		p.slots.Release(1)
	}
	if alone {
		leave = func() {
			p.endSecond()
			p.lone.Release(1)
		}
	} else {
		p.enter(r)
	}
	left := sync.OnceFunc(leave)
	if err := p.begin(r, call, alone); err != nil {
		left()
		return nil, crowded, err
	}
	r.release = left
	if err := r.head(); err != nil {
		r.Close()
		return nil, crowded, err
	}
	return r, false, nil
}

// enter notes a statement, and beside which others it runs.
func (p *Pool) enter(r *Rows) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.running {
		p.running[other] = true
	}
	p.running[r] = len(p.running) > 0 || p.strained
}

// leave is the end of a statement. It reports whether that had others beside it.
func (p *Pool) leave(r *Rows) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	crowded := p.running[r]
	delete(p.running, r)
	p.strained = outOfMemory(r.err)
	return crowded
}

// begin has a process run a statement.
func (p *Pool) begin(r *Rows, call Call, alone bool) error {
	proc, err := p.process(alone)
	if err != nil {
		return err
	}
	text, err := json.Marshal(call)
	if err != nil {
		return err
	}
	var s *slot
	select {
	case s = <-proc.free:
	case <-proc.exited:
		return ErrRestarted
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	r.proc, r.slot = proc, s
	if err := writeFrame(s.conn, frameCall, text); err != nil {
		return proc.why()
	}
	r.unwatch = context.AfterFunc(r.ctx, r.stop)
	return nil
}

// Run runs a statement. The rows must be closed. When the context ends, so does the statement,
// in a second at most.
//
// Where the process ends while the statement runs and no row has been given out, it is run
// again: by itself, if it may be to blame. So is one for which there was no memory left while others ran.
func (p *Pool) Run(ctx context.Context, call Call) (*Rows, error) {
	alone := false
	var since time.Time // there was too little memory
	if err := p.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		r, crowded, err := p.run(ctx, call, alone)
		restarted := errors.Is(err, ErrRestarted) && try < 3
		ended := !alone && (errors.Is(err, ErrMemory) || errors.Is(err, ErrEnded))
		scarce := crowded && outOfMemory(err)
		if !restarted && !ended && !scarce || ctx.Err() != nil {
			return r, err
		}
		if call.Again != nil {
			if err := call.Again(); err != nil {
				return nil, err
			}
		}
		if alone = alone || !restarted; !alone {
			if err := p.slots.Acquire(ctx, 1); err != nil {
				return nil, err
			}
			continue
		}
		wait, cancel := ctx, context.CancelFunc(func() {})
		if scarce {
			if since.IsZero() {
				since = time.Now()
			}
			wait, cancel = context.WithTimeout(ctx, aloneWait)
		}
		refused := p.lone.Acquire(wait, 1)
		cancel()
		switch {
		case refused == nil:
		case !scarce || ctx.Err() != nil:
			return nil, refused
		case time.Since(since) > aloneLimit:
			return nil, err // another goes on
		default:
			alone = false
			if err := p.slots.Acquire(ctx, 1); err != nil {
				return nil, err
			}
		}
	}
}
