package sandbox

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// maxFreezeRounds bounds how often Freeze looks for processes that were started while it stopped the others.
const maxFreezeRounds = 10

// maxTree bounds the processes of one program that are looked at: more than it may have.
const maxTree = 1 << 14

// Freeze stops the program and all that it has started: until Thaw they take no processor time. Called again, it
// stops what the first time has missed. A process that somebody traces, a debugger, is left running, and one that
// the program itself has stopped stays as it is. Calls of Freeze and Thaw must not overlap.
func (p *Process) Freeze() {
	if p.stopped == nil {
		p.stopped = map[int]*os.Process{}
	}
	for range maxFreezeRounds {
		more := false
		for _, pid := range append([]int{p.Pid()}, tree(p.Pid())...) {
			if p.stopped[pid] == nil && p.stop(pid) {
				more = true
			}
		}
		if !more {
			return
		}
	}
}

// stop stops one process, if it runs and nobody traces it.
func (p *Process) stop(pid int) bool {
	process := p.cmd.Process
	if pid != p.Pid() {
		var err error
		if process, err = os.FindProcess(pid); err != nil {
			return false
		}
	}
	switch state, traced := stateOf(pid); {
	case traced, bytes.IndexByte([]byte("TtZX"), state) >= 0:
		return false
	}
	if process.Signal(syscall.SIGSTOP) != nil {
		return false
	}
	p.stopped[pid] = process
	return true
}

// Thaw lets go on what Freeze has stopped.
func (p *Process) Thaw() {
	for pid, process := range p.stopped {
		_ = process.Signal(syscall.SIGCONT) // an error says that it has ended
		if pid != p.Pid() {
			process.Release()
		}
	}
	clear(p.stopped)
}

// stateOf is the state of a process, as ps names it, and whether it is traced; 'X' where it is gone.
func stateOf(pid int) (state byte, traced bool) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 'X', false
	}
	field := func(name string) []byte {
		_, rest, _ := bytes.Cut(status, []byte("\n"+name+":"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		return bytes.TrimSpace(line)
	}
	if s := field("State"); len(s) > 0 {
		state = s[0]
	}
	return state, string(field("TracerPid")) != "0"
}

// tree lists the processes that came from pid. Where the kernel tells the children of a process, the other
// processes of the machine are not looked at.
func tree(pid int) []int {
	var found []int
	for at := -1; at < len(found) && len(found) < maxTree; at++ {
		of := pid
		if at >= 0 {
			of = found[at]
		}
		task := "/proc/" + strconv.Itoa(of) + "/task/"
		threads, err := os.ReadDir(task)
		if err != nil {
			continue // it has ended
		}
		for _, thread := range threads {
			children, err := os.ReadFile(task + thread.Name() + "/children")
			if err != nil && at < 0 && thread.Name() == strconv.Itoa(pid) {
				return Descendants(pid) // the kernel does not tell
			}
			for _, field := range bytes.Fields(children) {
				if child, err := strconv.Atoi(string(field)); err == nil {
					found = append(found, child)
				}
			}
		}
	}
	return found
}
