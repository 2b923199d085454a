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
	config, err := json.Marshal(&spec)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("sandbox: find this program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	defer w.Close()
	cmd := exec.Command(self)
	cmd.Args = []string{helperName}
	cmd.Env = []string{"PATH=/usr/bin:/bin", "GOMAXPROCS=1", "GOGC=off"}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr = attributes(spec.Layers)
	var door *os.File // where the listeners come from
	if len(spec.Ports) > 0 {
		if !spec.Layers.Namespaces {
			r.Close()
			return nil, errors.New("sandbox: a network of its own needs namespaces")
		}
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWNET
		if os.Geteuid() != 0 {
			cmd.SysProcAttr.AmbientCaps = append(cmd.SysProcAttr.AmbientCaps, unix.CAP_NET_ADMIN)
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		door = os.NewFile(uintptr(pair[0]), "door")
		defer door.Close()
		theirs := os.NewFile(uintptr(pair[1]), "door")
		defer theirs.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	}
	started := make(chan error, 1)
	starter() <- func() { started <- cmd.Start() }
	err = <-started
	r.Close()
	if err != nil {
		return nil, fmt.Errorf("sandbox: start: %w", err)
	}
	p := &Process{cmd: cmd, Done: make(chan struct{}), spec: spec}
	go func() {
		cmd.Wait() // State has it
		close(p.Done)
	}()
	if before != nil {
		if err := before(cmd.Process.Pid); err != nil {
			p.Kill()
			return nil, err
		}
	}
	if _, err := w.Write(config); err != nil {
		p.Kill()
		return nil, fmt.Errorf("sandbox: configure: %w", err)
	}
	w.Close()
	if door != nil {
		for _, f := range cmd.ExtraFiles[1:] {
			f.Close() // so that its end is seen
		}
		if p.Listeners, err = receive(door, len(spec.Ports)); err != nil {
			p.Kill()
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
