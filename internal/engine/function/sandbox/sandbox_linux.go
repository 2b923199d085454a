package sandbox

import (
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

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// helperName is the first argument of a process that becomes a helper. It is not a subcommand:
// nobody types it.
const helperName = "brookmere-function-sandbox"

// probeName is that of a process which only tries what this machine allows.
const probeName = "brookmere-function-probe"

// The user and group that a function is, as AWS has it, where a user namespace makes it so.
const (
	insideUser  = 993
	insideGroup = 990
)

// Process is a started program.
type Process struct {
	cmd *exec.Cmd
	// Done is closed when the program has ended.
	Done chan struct{}
	// Listeners are those of Spec.Ports, in their order. They are the caller's, to serve and to close.
	Listeners []net.Listener

	spec    Spec
	once    sync.Once
	stopped map[int]*os.Process // by Freeze, by process id
}

// starter starts processes from one thread that never ends: the kernel takes the thread for
// the parent whose death ends them.
var starter = sync.OnceValue(func() chan func() {
	c := make(chan func())
	go func() {
		// Locked and never unlocked, as it never returns.
		lockThread()
		for f := range c {
			f()
		}
	}()
	return c
})

// Start starts the program with its output going to out, and what it prints of errors to errs.
// before is called with its process id while it waits, to put it into a control group; nil:
// nothing is to be done.
func Start(spec Spec, out, errs *os.File, before func(pid int) error) (*Process, error) {
	if len(spec.Ports) > 0 && !spec.Layers.Namespaces {
		return nil, errors.New("sandbox: a network of its own needs namespaces")
	}
	h, err := startHelper(spec.Layers, len(spec.Ports) > 0, out, errs)
	if err != nil {
		return nil, err
	}
	return h.become(spec, before)
}

// Spare is a helper that waits for what it is to become. It has everything of this program's start behind it, which is
// most of what a sandbox costs, and nothing of a guest's yet. It ends with this process.
type Spare struct {
	h      *helper
	layers Layers

	// Output is what the program will print, errors too. It is the caller's to close.
	Output *os.File
}

// NewSpare starts a helper for a program with these layers that needs no network of its own.
func NewSpare(layers Layers) (*Spare, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer w.Close()
	h, err := startHelper(layers, false, w, w)
	if err != nil {
		r.Close()
		return nil, err
	}
	return &Spare{h: h, layers: layers, Output: r}, nil
}

// Start lets the spare become the program, as the function Start does. A spare starts one program. An error may
// be that the spare has ended meanwhile.
func (s *Spare) Start(spec Spec, before func(pid int) error) (*Process, error) {
	if spec.Layers != s.layers || len(spec.Ports) > 0 {
		s.Stop()
		return nil, errors.New("sandbox: the spare is for other programs")
	}
	if s.ended() {
		s.h.close()
		return nil, errors.New("sandbox: the spare has ended")
	}
	return s.h.become(spec, before)
}

// Stop ends a spare that is not needed. The caller closes Output.
func (s *Spare) Stop() {
	s.h.close()
	if !s.ended() {
		s.h.p.Kill()
	}
}

// ended reports whether the spare is gone: it may be for long, and its process id another's, which must not be
// killed or be put into a control group for it.
func (s *Spare) ended() bool {
	select {
	case <-s.h.p.Done:
		return true
	default:
		return false
	}
}

// helper is a process on its way to become a program.
type helper struct {
	p      *Process
	config *os.File // where it is told what
	door   *os.File // where the listeners of its network come from; nil: it has none of its own
}

func startHelper(layers Layers, network bool, out, errs *os.File) (_ *helper, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("sandbox: find this program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer r.Close()
	h := &helper{config: w}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	cmd := exec.Command(self)
	cmd.Args = []string{helperName}
	cmd.Env = []string{"PATH=/usr/bin:/bin", "GOMAXPROCS=1", "GOGC=off"}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr = attributes(layers)
	if network {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
		if os.Geteuid() != 0 {
			cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, unix.CAP_NET_ADMIN)
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		h.door = os.NewFile(uintptr(pair[0]), "door")
		theirs := os.NewFile(uintptr(pair[1]), "door")
		defer theirs.Close() // so that its end is seen
		cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	}
	started := make(chan error, 1)
	starter() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("sandbox: start: %w", err)
	}
	h.p = &Process{cmd: cmd, Done: make(chan struct{}), spec: Spec{Layers: layers}}
	go func() {
		cmd.Wait() // State has it
		close(h.p.Done)
	}()
	return h, nil
}

func (h *helper) close() {
	h.config.Close()
	if h.door != nil {
		h.door.Close()
	}
}

// become tells the helper what it is.
func (h *helper) become(spec Spec, before func(pid int) error) (_ *Process, err error) {
	defer h.close()
	p := h.p
	p.spec = spec
	defer func() {
		if err != nil {
			p.Kill()
		}
	}()
	config, err := json.Marshal(&spec)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if before != nil {
		if err := before(p.cmd.Process.Pid); err != nil {
			return nil, err
		}
	}
	if _, err := h.config.Write(config); err != nil {
		return nil, fmt.Errorf("sandbox: configure: %w", err)
	}
	h.config.Close()
	if h.door != nil {
		if p.Listeners, err = receive(h.door, len(spec.Ports)); err != nil {
			return nil, fmt.Errorf("sandbox: the program's network: %w", err)
		}
	}
	return p, nil
}

func attributes(l Layers) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if !l.Namespaces {
		return a
	}
	a.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	if os.Geteuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: insideUser, HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: insideGroup, HostID: os.Getegid(), Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_DAC_OVERRIDE}
	}
	return a
}

// Pid is the process id, of the program and of its session and process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// State is how the program ended, after Done.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Kill ends the program and all that it has started, and returns when the program is gone.
func (p *Process) Kill() {
	p.once.Do(func() {
		if p.spec.Layers.Namespaces {
			// The first process of the namespace: the kernel ends the others with it.
			p.cmd.Process.Kill()
			return
		}
		killTree(p.Pid())
	})
	<-p.Done
}

// killTree ends a process and its descendants, again until none is left: one that forks
// faster than it is looked at loses its parents one by one.
func killTree(pid int) {
	syscall.Kill(pid, syscall.SIGSTOP) // forks no more; it adopts the orphans of its own
	for range 200 {
		children := Descendants(pid)
		if len(children) == 0 {
			break
		}
		for _, c := range children {
			syscall.Kill(c, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond)
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	syscall.Kill(pid, syscall.SIGKILL)
}

// Probe tries what this machine allows. It starts a process or two, for some milliseconds.
func Probe() Layers {
	l := Layers{Landlock: landlockVersion(), Seccomp: seccomp.Supported()}
	self, err := os.Executable()
	if err != nil {
		return l
	}
	dir, err := os.MkdirTemp("", "brookmere-probe-")
	if err != nil {
		return l
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(self)
	cmd.Args = []string{probeName, filepath.Clean(dir)}
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.SysProcAttr = attributes(Layers{Namespaces: true})
	err = cmd.Run()
	var exit *exec.ExitError
	l.Namespaces = err == nil || errors.As(err, &exit) && exit.ExitCode() == probeSameUser
	l.User = err == nil && os.Geteuid() == 0
	return l
}
