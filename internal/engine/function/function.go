package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

var (
	// ErrThrottled is returned when the function, or its account, runs as often as it may.
	ErrThrottled = errors.New("function: too many concurrent invocations")
	// ErrBusy is returned when too many invocations wait for a process.
	ErrBusy = errors.New("function: too many invocations wait")
	// ErrRuntime is wrapped by errors of runtimes that are not on this machine, or not known.
	ErrRuntime = errors.New("function: no such runtime")
	// ErrPackage is wrapped by errors of packages that cannot be taken.
	ErrPackage = errors.New("function: bad package")
	// ErrNoPackage is returned for a package that was never put.
	ErrNoPackage = errors.New("function: no such package")
	// ErrClosed is returned by a closed engine.
	ErrClosed = errors.New("function: closed")
)

// Limits of one invocation, in bytes.
const (
	MaxPayload  = 6291556   // of a request and of an answer that is not streamed
	MaxStreamed = 200 << 20 // of an answer that is
	maxTail     = 4 << 10   // of the log that an invocation returns
)

// Function is what to run. It is not changed: another configuration is another Function,
// with another Key.
type Function struct {
	Key   string // instances of the same key are alike
	Group string // concurrency is counted by group: the function, whatever its version
	Owner string // and by owner: the account

	Name     string // for messages
	Version  string
	Runtime  string
	Handler  string
	Code     string   // package
	Layers   []string // packages, laid over one another in this order
	Timeout  time.Duration
	Memory   int // MiB
	Storage  int // MiB of /tmp
	Reserved int // concurrency that the group has for itself; negative: none is reserved

	JSON *JSONLog // nil: the log is text

	Context any // the caller's own; the engine does not look at it

	// Env is the environment besides what the engine itself sets; it is asked at each cold
	// start, as credentials expire. instance names the instance.
	Env func(ctx context.Context, instance string) ([]string, error)
}

// Request is one invocation.
type Request struct {
	ID            string // a UUID
	Payload       []byte // JSON; not changed, and not kept
	ARN           string // as it was called
	ClientContext string // JSON, or empty
	Trace         string
	Stream        bool // Result.Body may be given in place of Payload
}

// Result is what came of an invocation that was made.
type Result struct {
	Payload   []byte // the answer, or the error's JSON
	Failed    bool   // it is an error's
	ErrorType string // its kind, "KeyError"
	TimedOut  bool

	// Body is the answer while it is made, where the request and the function agree to it;
	// nil otherwise. It is read to its end or closed. Its error says how the function failed.
	Body        io.ReadCloser
	ContentType string

	Log      []byte         // the last of what the invocation logged; nil where Body is given
	Ending   <-chan *Result // of Body: the result of all of it, once, when the invocation has ended; it has room
	Duration time.Duration  // until the answer; where that is streamed, see Ending
	Init     time.Duration  // of a cold start; 0: the instance was there
}

// Events are told what happens. They must not block.
type Events interface {
	// Log is given lines of an instance's log, in order. A function can print without end:
	// who keeps lines keeps a bounded number, and counts the rest.
	Log(f *Function, instance string, lines []Line)
	// Note is something that the owner of the node should read: once a cause.
	Note(message string)
}

// Line is one event of a log.
type Line struct {
	Time time.Time
	Text string // without a newline
}

type noEvents struct{}

func (noEvents) Log(*Function, string, []Line) {}
func (noEvents) Note(string)                   {}

// Options configure an engine. Dir is required.
type Options struct {
	Dir    string // of all that the engine keeps; absolute
	Clock  clockwork.Clock
	Events Events

	Instances   int           // processes at once; 0: 64
	Waiting     int           // invocations that wait for one; 0: 4096
	Concurrency int           // invocations at once of one owner; 0: 1000
	Idle        time.Duration // an instance without work is stopped after it; 0: 5 minutes
	MaxAge      time.Duration // an instance is replaced when it is older; 0: 6 hours

	Connect  []uint16 // TCP ports that functions may connect to: the node's
	Outgoing bool     // they may connect to anything
	Tasks    int      // tasks at once; 0: 4
	Serve    Serve    // serves the ports of Connect to tasks with networks of their own; nil: they have none

	Layers *sandbox.Layers // nil: what this machine allows
	// NoControlGroups makes memory be watched by polling also where a control group could.
	NoControlGroups bool
}

// Engine runs functions.
type Engine struct {
	o        Options
	clock    clockwork.Clock
	events   Events
	layers   sandbox.Layers
	groups   *controlGroups // nil: memory is watched by polling
	packages packages
	runtimes runtimes

	mu       sync.Mutex
	pools    map[string]*pool
	inFlight map[string]int // by group
	owners   map[string]int // invocations outside of reservations, by owner
	reserved map[string]map[string]int
	total    int // processes
	waiting  []*waiter
	users    []bool // ids in use, from firstUser on
	closed   bool
	noted    map[string]bool
	attached map[string]*instance // by group
	spare    *sandbox.Spare       // nil: there is none now
	sparing  bool                 // one is being started

	tasks           chan struct{} // a place each
	privateOnce     sync.Once
	privateNetworks bool

	stop chan struct{}
	wg   sync.WaitGroup
}

// Open returns an engine on a folder, which it makes if need be. It starts no function.
func Open(o Options) (*Engine, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("function: folder %q is not absolute", o.Dir)
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Events == nil {
		o.Events = noEvents{}
	}
	for p, v := range map[*int]int{&o.Instances: 64, &o.Waiting: 4096, &o.Concurrency: 1000, &o.Tasks: 4} {
		if *p == 0 {
			*p = v
		}
	}
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	if o.MaxAge == 0 {
		o.MaxAge = 6 * time.Hour
	}
	e := &Engine{
		o: o, clock: o.Clock, events: o.Events,
		pools: map[string]*pool{}, inFlight: map[string]int{}, owners: map[string]int{}, reserved: map[string]map[string]int{}, noted: map[string]bool{}, attached: map[string]*instance{},
		tasks: make(chan struct{}, o.Tasks), stop: make(chan struct{}),
	}
	if err := os.RemoveAll(e.runDir()); err != nil {
		return nil, fmt.Errorf("function: %w", err)
	}
	for _, dir := range []string{e.runDir(), filepath.Join(o.Dir, "code"), filepath.Join(o.Dir, "runtime")} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("function: %w", err)
		}
	}
	e.packages.dir = filepath.Join(o.Dir, "code")
	if err := e.runtimes.open(o.Dir); err != nil {
		return nil, err
	}
	if o.Layers != nil {
		e.layers = *o.Layers
	} else {
		e.layers = sandbox.Probe()
	}
	if !o.NoControlGroups {
		e.groups = openControlGroups()
	}
	e.wg.Go(e.reap)
	e.wg.Go(e.watch)
	return e, nil
}

func (e *Engine) runDir() string { return filepath.Join(e.o.Dir, "run") }

// Layers says which layers of the sandbox hold, for people.
func (e *Engine) Layers() (holds string, missing []string) {
	holds = e.layers.String()
	if e.groups != nil {
		return holds + ", control groups (" + e.groups.kind + ")", e.layers.Missing()
	}
	return holds + ", memory by polling", e.layers.Missing()
}

// Close stops all instances; invocations under way fail.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.stop)
	var all []*instance
	for _, p := range e.pools {
		for i := range p.all {
			all = append(all, i)
		}
	}
	for _, i := range e.attached {
		all = append(all, i)
	}
	for _, w := range e.waiting {
		close(w.got)
	}
	e.waiting = nil
	spare := e.spare
	e.spare = nil
	e.mu.Unlock()
	if spare != nil {
		e.wg.Go(func() { drop(spare) })
	}
	for _, i := range all {
		e.wg.Go(func() { i.kill("the node stops") })
	}
	e.wg.Wait()
	if e.groups != nil {
		e.groups.close()
	}
	return nil
}

// Stop stops idle instances for which which says so; those with work when it is done. It
// returns at once.
func (e *Engine) Stop(which func(*Function) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.pools {
		if !which(p.f) {
			continue
		}
		for i := range p.all {
			i.retired = true
		}
		idle := p.idle
		p.idle = nil
		for _, i := range idle {
			e.end(i, "the function has changed")
		}
	}
}

// note tells of a cause once.
func (e *Engine) note(message string) {
	e.mu.Lock()
	seen := e.noted[message]
	if len(e.noted) < 1000 {
		e.noted[message] = true
	}
	e.mu.Unlock()
	if !seen {
		e.events.Note(message)
	}
}

// InstanceInfo describes a process.
type InstanceInfo struct {
	ID       string
	Function string
	Version  string
	Pid      int
	Started  time.Time
	Busy     bool
	Attached bool
}

// Running lists the processes of a group, of all groups where it is empty.
func (e *Engine) Running(group string) []InstanceInfo {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []InstanceInfo
	for _, p := range e.pools {
		if group != "" && p.f.Group != group {
			continue
		}
		for i := range p.all {
			info := InstanceInfo{ID: i.id, Function: p.f.Name, Version: p.f.Version, Started: i.started, Busy: !i.idle}
			if i.process != nil {
				info.Pid = i.process.Pid()
			}
			list = append(list, info)
		}
	}
	for group2, i := range e.attached {
		if group == "" || group == group2 {
			list = append(list, InstanceInfo{ID: i.id, Function: i.f.Name, Version: i.f.Version, Started: i.started, Busy: len(i.turn) > 0, Attached: true})
		}
	}
	return list
}
