package function

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// Limits of a process that AWS has as well.
const (
	maxProcesses = 1024
	maxFiles     = 1024
	minInit      = 10 * time.Second
)

// instance is one process of a function.
type instance struct {
	e        *Engine
	f        *Function
	id       string
	started  time.Time
	attached bool // a process that somebody else has started

	// Guarded by the engine's mu.
	used    time.Time
	idle    bool
	retired bool

	process *sandbox.Process // nil where attached, and before start
	capture *capture
	group   *controlGroup // nil: memory is watched by polling
	user    int           // slot of the user's id; -1: none

	server  *http.Server
	prefix  string
	port    uint16
	unserve func()

	queue     chan *invocation
	current   atomic.Pointer[invocation]
	ready     chan struct{} // closed when the process first asks for an invocation
	readyOnce sync.Once
	initGone  chan struct{} // closed when it has told of an error before
	initOnce  sync.Once
	initError atomic.Pointer[Result]
	gone      chan struct{} // closed when the instance is over
	goneOnce  sync.Once
	cause     atomic.Pointer[string] // why it was killed, where the engine did it
	peak      atomic.Int64           // bytes of memory, as polled
	turn      chan struct{}          // where attached: held by the invocation under way
	rest      rest
}

func (e *Engine) newInstance(f *Function) *instance {
	var id [16]byte
	rand.Read(id[:])
	now := e.clock.Now()
	i := &instance{
		e: e, f: f, id: hex.EncodeToString(id[:]), started: now, used: now, user: -1,
		queue: make(chan *invocation, 1), ready: make(chan struct{}), initGone: make(chan struct{}), gone: make(chan struct{}),
	}
	i.rest.i, i.rest.busy = i, true // until its first invocation has ended
	return i
}

func (i *instance) dead() bool {
	select {
	case <-i.gone:
		return true
	default:
		return false
	}
}

func (i *instance) dir() string { return filepath.Join(i.e.runDir(), i.id) }

// start starts the process. When it fails, nothing is left of it.
func (i *instance) start(ctx context.Context) (err error) {
	e, f := i.e, i.f
	defer func() {
		if err != nil {
			i.clean()
		}
	}()
	layers, err := e.layerFolder(f.Layers)
	if err != nil {
		return err
	}
	l, err := e.launch(f, layers)
	if err != nil {
		return err
	}
	scratch, root := filepath.Join(i.dir(), "tmp"), filepath.Join(i.dir(), "root")
	for _, d := range []string{scratch, root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	spec := sandbox.Spec{
		Program: l.program, Args: l.args, Env: l.env, Dir: l.dir, Binds: l.binds, Scratch: scratch, Root: root,
		Outgoing: e.o.Outgoing, Processes: maxProcesses, Files: maxFiles, FileSize: int64(f.Storage) << 20, Layers: e.layers,
	}
	if e.layers.User {
		i.user = e.takeUser()
		spec.User = sandbox.FirstUser + i.user
		if err := os.Chown(scratch, spec.User, spec.User); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	address, err := i.serve()
	if err != nil {
		return fmt.Errorf("function: serve the Runtime API: %w", err)
	}
	spec.Connect = append([]uint16{i.port}, e.o.Connect...)
	spec.Env = append(spec.Env, "AWS_LAMBDA_RUNTIME_API="+address)
	if !e.layers.Namespaces {
		spec.Env = append(spec.Env, "TMPDIR="+scratch)
	}
	if f.Env != nil {
		more, err := f.Env(ctx, i.id)
		if err != nil {
			return fmt.Errorf("function: environment of %s: %w", f.Name, err)
		}
		spec.Env = mergeEnv(spec.Env, more)
	}
	var join func(int) error
	if e.groups != nil {
		if i.group, err = e.groups.make(i.id, f.Memory, maxProcesses); err != nil {
			return err
		}
		join = i.group.add
	}
	process, err := i.launch(spec, join)
	if err != nil {
		return fmt.Errorf("function: start %s: %w", f.Name, err)
	}
	e.mu.Lock()
	i.process = process
	closed := e.closed
	e.mu.Unlock()
	i.capture.initStart()
	go i.capture.run()
	go func() {
		<-process.Done
		i.over()
	}()
	e.prepareAfter(i)
	if closed {
		i.kill("the node stops")
		return ErrClosed
	}
	return nil
}

// mergeEnv lets later settings of a variable replace earlier ones, but for search paths,
// which go before.
func mergeEnv(env, more []string) []string {
	at := map[string]int{}
	var out []string
	for _, kv := range append(env, more...) {
		name, value, _ := strings.Cut(kv, "=")
		if n, ok := at[name]; ok {
			switch name {
			case "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH":
				_, old, _ := strings.Cut(out[n], "=")
				out[n] = name + "=" + value + ":" + old
			default:
				out[n] = kv
			}
			continue
		}
		at[name] = len(out)
		out = append(out, kv)
	}
	return out
}

// over marks the instance as one that takes nothing more.
func (i *instance) over() { i.goneOnce.Do(func() { close(i.gone) }) }

// kill ends the process with all that it has started, and removes what it left.
func (i *instance) kill(why string) {
	i.cause.CompareAndSwap(nil, &why)
	i.over()
	if i.process != nil {
		i.process.Kill()
	}
	i.clean()
}

// clean gives back what an instance has taken; its process has ended.
func (i *instance) clean() {
	i.over()
	if i.unserve != nil {
		i.unserve()
	}
	if i.group != nil {
		i.group.remove()
	}
	e := i.e
	e.mu.Lock()
	user := i.user
	i.user = -1
	if user >= 0 {
		e.users[user] = false
	}
	e.mu.Unlock()
	if i.attached {
		return
	}
	// A process may be in the middle of making files: it is dead, but not yet gone.
	for range 20 {
		if err := os.RemoveAll(i.dir()); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// takeUser returns a slot of user ids that no instance has.
func (e *Engine) takeUser() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, used := range e.users {
		if !used {
			e.users[n] = true
			return n
		}
	}
	e.users = append(e.users, true)
	return len(e.users) - 1
}

// exit words how the process ended, as AWS does.
func (i *instance) exit() string {
	if i.process == nil || i.process.State() == nil {
		return "without providing a reason"
	}
	state := i.process.State()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "with error: signal: " + ws.Signal().String()
	}
	if state.ExitCode() == 0 {
		return "without providing a reason"
	}
	return fmt.Sprintf("with error: exit status %d", state.ExitCode())
}

// memory is the most that the instance has used, in bytes.
func (i *instance) memory() int64 {
	if i.group != nil {
		if n := i.group.peak(); n > 0 {
			return n
		}
	}
	if i.process != nil && i.peak.Load() == 0 {
		i.peak.Store(residentPeak(i.process.Pid()))
	}
	return i.peak.Load()
}

// outOfMemory reports whether that is why it ended.
func (i *instance) outOfMemory() bool {
	c := i.cause.Load()
	return c != nil && *c == causeMemory || i.group != nil && i.group.killed()
}

// Why the engine kills a process that has work.
const (
	causeMemory  = "it has used more memory than it may"
	causeStorage = "it has filled its /tmp beyond what it may"
	causeTimeout = "it took longer than it may"
)

// layerFolder is one folder of all the layers, laid over one another; "" without layers.
func (e *Engine) layerFolder(digests []string) (string, error) {
	switch len(digests) {
	case 0:
		return "", nil
	case 1:
		return e.packages.folder(digests[0])
	}
	return e.packages.merged(digests)
}

var errNoAnswer = errors.New("function: the process has ended before it took the invocation")
