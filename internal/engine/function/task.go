package function

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/brookmere/brookmere/internal/engine/function/sandbox"
)

// Tasks: programs that run once, to their end, held as functions are.

// Limits of a task that functions have not: a Java virtual machine opens all its libraries.
const (
	taskFiles     = 65536
	taskProcesses = 4096
)

// Task is a program that runs once.
type Task struct {
	Name    string // for messages
	Memory  int    // MiB, of all its processes together
	Storage int    // MiB of its /tmp

	// Private gives it a network of its own, where the node is at the port that it has elsewhere, and
	// where its processes may talk to each other over any port. On a machine without such networks it
	// has the machine's.
	Private bool

	// Files are put into its /tmp before it starts, by their paths below it; nil: it has none. They are asked for
	// when the task has its place among those that run, so that what waits holds no memory.
	Files func(context.Context) (map[string][]byte, error)

	// Launch says what is started. tmp is where its /tmp is, as it sees it; show makes a folder or file
	// of the machine visible, at to where that can be, and returns where it is.
	Launch func(tmp string, show func(from, to string) string) Launch

	// Output and Errors take what it prints, line by line, from one goroutine each. nil: nobody does.
	Output, Errors func(Line)

	// After is given its /tmp, as the machine sees it, when it has ended by itself; nil: nobody looks.
	// What lies there was written by the program: it may be anything, links too.
	After func(tmp *os.Root)
}

// Launch is how a task is started.
type Launch struct {
	Program string // absolute
	Args    []string
	Env     []string
	Dir     string
}

// Exit says how a task ended.
type Exit struct {
	Code    int    // -1 where a signal ended it
	Signal  string // its name
	Memory  bool   // it had taken more memory than it may
	Storage bool   // its /tmp was full
	Peak    int64  // most memory, in bytes, as far as that is known
}

// RunTask runs a task to its end, or kills it when ctx ends. It waits, in ctx, where as many tasks run as may. An
// error says that it could not be started, or that ctx has ended; how it ended by itself is in Exit.
func (e *Engine) RunTask(ctx context.Context, t *Task) (Exit, error) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return Exit{}, ErrClosed
	}
	e.wg.Add(1)
	e.mu.Unlock()
	defer e.wg.Done()
	select {
	case e.tasks <- struct{}{}:
		defer func() { <-e.tasks }()
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	case <-e.stop:
		return Exit{}, ErrClosed
	}
	var files map[string][]byte
	if t.Files != nil {
		var err error
		if files, err = t.Files(ctx); err != nil {
			return Exit{}, err
		}
	}
	r := &taskRun{e: e, t: t, files: files, i: e.newInstance(&Function{Name: t.Name, Memory: t.Memory, Storage: t.Storage})}
	defer r.i.clean()
	if err := r.start(); err != nil {
		return Exit{}, err
	}
	return r.wait(ctx)
}

// private reports whether tasks can have networks of their own here; it is tried once.
func (e *Engine) private() bool {
	e.privateOnce.Do(func() {
		e.privateNetworks = e.layers.Namespaces && e.o.Serve != nil && !e.o.Outgoing && sandbox.ProbeNetwork()
		if !e.privateNetworks && !e.o.Outgoing {
			e.events.Note("jobs that run on Spark can connect to any address: this machine allows no networks of their own")
		}
	})
	return e.privateNetworks
}

// taskRun is a task that runs. Its instance has the folder, the user and the control group.
type taskRun struct {
	e       *Engine
	t       *Task
	files   map[string][]byte // until they are written
	i       *instance
	process *sandbox.Process
	readers sync.WaitGroup
	peak    atomic.Int64
}

func (r *taskRun) start() error {
	e, t, i := r.e, r.t, r.i
	scratch, root := filepath.Join(i.dir(), "tmp"), filepath.Join(i.dir(), "root")
	for _, d := range []string{scratch, root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	spec := sandbox.Spec{
		Scratch: scratch, Root: root, Connect: e.o.Connect, Outgoing: e.o.Outgoing,
		Processes: taskProcesses, Files: taskFiles, FileSize: int64(t.Storage) << 20, Layers: e.layers,
	}
	tmp := scratch
	if e.layers.Namespaces {
		tmp = "/tmp"
	}
	l := t.Launch(tmp, func(from, to string) string {
		spec.Binds = append(spec.Binds, sandbox.Bind{From: from, To: to})
		if e.layers.Namespaces {
			return to
		}
		return from
	})
	spec.Program, spec.Args, spec.Dir = l.Program, l.Args, l.Dir
	spec.Env = mergeEnv([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=" + tmp, "TMPDIR=" + tmp}, l.Env)
	if t.Private {
		if e.private() {
			spec.Ports = e.o.Connect
		} else {
			spec.Outgoing = true
		}
	}
	if e.layers.User {
		i.user = e.takeUser()
		spec.User = sandbox.FirstUser + i.user
	}
	if err := r.fill(scratch, spec.User); err != nil {
		return fmt.Errorf("function: files of %s: %w", t.Name, err)
	}
	r.files = nil
	var join func(int) error
	if e.groups != nil {
		var err error
		if i.group, err = e.groups.make(i.id, t.Memory, taskProcesses); err != nil {
			return err
		}
		join = i.group.add
	}
	out, outEnd, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("function: %w", err)
	}
	defer outEnd.Close()
	errs, errsEnd, err := os.Pipe()
	if err != nil {
		out.Close()
		return fmt.Errorf("function: %w", err)
	}
	defer errsEnd.Close()
	r.process, err = sandbox.Start(spec, outEnd, errsEnd, join)
	if err != nil {
		out.Close()
		errs.Close()
		return fmt.Errorf("function: start %s: %w", t.Name, err)
	}
	r.readers.Go(func() { r.read(out, t.Output) })
	r.readers.Go(func() { r.read(errs, t.Errors) })
	for _, l := range r.process.Listeners {
		go func() { _ = e.o.Serve(l) }() // it ends with the listener
	}
	return nil
}

// fill puts the task's files into its folder.
func (r *taskRun) fill(scratch string, user int) error {
	dir, err := os.OpenRoot(scratch)
	if err != nil {
		return err
	}
	defer dir.Close()
	own := func(name string) error {
		if user == 0 {
			return nil
		}
		return dir.Chown(name, user, user)
	}
	if err := own("."); err != nil {
		return err
	}
	for name, data := range r.files {
		parts := strings.Split(name, "/")
		for n := 1; n < len(parts); n++ {
			folder := strings.Join(parts[:n], "/")
			err := dir.Mkdir(folder, 0o755)
			if errors.Is(err, os.ErrExist) {
				continue
			}
			if err := errors.Join(err, own(folder)); err != nil {
				return err
			}
		}
		if err := dir.WriteFile(name, data, 0o600); err != nil {
			return err
		}
		if err := own(name); err != nil {
			return err
		}
	}
	return nil
}

// read takes what the task prints until all its processes have closed it.
func (r *taskRun) read(f *os.File, to func(Line)) {
	defer f.Close()
	if to == nil {
		to = func(Line) {}
	}
	b := bufio.NewReaderSize(f, maxLine)
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			to(Line{r.e.clock.Now(), strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\uFFFD")})
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			_, _ = io.Copy(io.Discard, f) // it has been closed, or cannot be read
			return
		}
	}
}

// wait waits for the end, and brings it about where the task takes too much.
func (r *taskRun) wait(ctx context.Context) (exit Exit, err error) {
	defer func() {
		r.process.Kill()
		for _, l := range r.process.Listeners {
			l.Close()
		}
		r.readers.Wait()
	}()
	look := time.NewTicker(taskWatch)
	defer look.Stop()
	for done := false; !done; {
		select {
		case <-r.process.Done:
			done = true
		case <-ctx.Done():
			return exit, ctx.Err()
		case <-r.e.stop:
			return exit, ErrClosed
		case <-look.C:
			exit.Memory, exit.Storage = r.overMemory(), r.i.storage() > int64(r.t.Storage)<<20
			if done = exit.Memory || exit.Storage; done {
				r.process.Kill()
			}
		}
	}
	r.process.Kill() // what it has left behind
	r.readers.Wait()
	state := r.process.State()
	exit.Code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		exit.Signal = ws.Signal().String()
	}
	if exit.Peak = r.peak.Load(); r.i.group != nil {
		exit.Memory = exit.Memory || r.i.group.killed()
		exit.Peak = max(exit.Peak, r.i.group.peak())
	}
	if r.t.After != nil {
		if root, err := os.OpenRoot(filepath.Join(r.i.dir(), "tmp")); err == nil {
			r.t.After(root)
			root.Close()
		}
	}
	return exit, nil
}

// taskWatch is how often a task's memory, where no control group holds it, and its disk are looked at.
const taskWatch = 500 * time.Millisecond

func (r *taskRun) overMemory() bool {
	if r.e.groups != nil {
		return false
	}
	pid := r.process.Pid()
	sum := resident(pid)
	for _, p := range sandbox.Trees([]int{pid})[pid] {
		sum += resident(p)
	}
	if sum > r.peak.Load() {
		r.peak.Store(sum)
	}
	return sum > int64(r.t.Memory)<<20
}

// Python is an interpreter of this machine.
type Python struct {
	Executable string
	Version    string // "3.11.7"
	Prefixes   []string
	SDK        string // folder where boto3 is; empty: there is none
}

// Python finds an interpreter: that of a version as "3.9", if it is here, else another Python 3. The error wraps
// ErrRuntime.
func (e *Engine) Python(number string) (Python, error) {
	if !strings.Contains(number, ".") {
		number = "3.0"
	}
	i, err := e.runtimes.interpreter("python" + number)
	if err != nil {
		return Python{}, err
	}
	p := Python{Executable: i.Executable, Version: version(i.Version), Prefixes: i.Prefixes, SDK: i.SDK}
	if sdk := e.SDKFolder("python"); isFolder(sdk) {
		p.SDK = sdk
	}
	return p, nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// Serve is how a private network's door to the node is served; see Options.Serve.
type Serve func(net.Listener) error
