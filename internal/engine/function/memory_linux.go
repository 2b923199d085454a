package function

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// controlGroups makes a group a process, below one of this node's own, so that the kernel
// holds a function to its memory.
type controlGroups struct {
	kind string // "v1" or "v2"
	dir  string // of version 2, or of the memory of version 1
	pids string // of version 1; empty: processes are not counted
}

type controlGroup struct {
	kind string
	dirs []string // the first has the memory
}

// openControlGroups finds where groups can be made; nil where they cannot.
func openControlGroups() *controlGroups {
	name := fmt.Sprintf("brookmere-%d", os.Getpid())
	for _, root := range []string{ownGroup(), "/sys/fs/cgroup"} {
		controllers, err := os.ReadFile(filepath.Join(root, "cgroup.subtree_control"))
		if err != nil || !slicesHave(strings.Fields(string(controllers)), "memory") {
			continue
		}
		dir := filepath.Join(root, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		g := &controlGroups{kind: "v2", dir: dir}
		if os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory +pids"), 0) != nil &&
			os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory"), 0) != nil || !g.works() {
			os.Remove(dir)
			continue
		}
		return g
	}
	dir := filepath.Join("/sys/fs/cgroup/memory", name)
	if os.Mkdir(dir, 0o755) == nil {
		g := &controlGroups{kind: "v1", dir: dir}
		if pids := filepath.Join("/sys/fs/cgroup/pids", name); os.Mkdir(pids, 0o755) == nil {
			g.pids = pids
		}
		if g.works() {
			return g
		}
		g.close()
	}
	return nil
}

func slicesHave(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// ownGroup is the folder of this process's group of version 2.
func ownGroup() string {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return filepath.Join("/sys/fs/cgroup", p)
		}
	}
	return ""
}

// works tries a group.
func (g *controlGroups) works() bool {
	c, err := g.make("try", 64, 16)
	if err != nil {
		return false
	}
	c.remove()
	return true
}

func (g *controlGroups) make(name string, memoryMiB, pids int) (*controlGroup, error) {
	c := &controlGroup{kind: g.kind, dirs: []string{filepath.Join(g.dir, name)}}
	if g.pids != "" {
		c.dirs = append(c.dirs, filepath.Join(g.pids, name))
	}
	for _, d := range c.dirs {
		if err := os.Mkdir(d, 0o755); err != nil {
			c.remove()
			return nil, fmt.Errorf("function: create a control group: %w", err)
		}
	}
	limit := []byte(strconv.Itoa(memoryMiB << 20))
	// Without swap, where that can be said: a function that eats memory would be slow
	// before it is stopped.
	var err error
	if g.kind == "v2" {
		err = os.WriteFile(filepath.Join(c.dirs[0], "memory.max"), limit, 0)
		_ = os.WriteFile(filepath.Join(c.dirs[0], "memory.swap.max"), []byte("0"), 0)
		_ = os.WriteFile(filepath.Join(c.dirs[0], "memory.oom.group"), []byte("1"), 0)
		_ = os.WriteFile(filepath.Join(c.dirs[0], "pids.max"), []byte(strconv.Itoa(pids)), 0)
	} else {
		err = os.WriteFile(filepath.Join(c.dirs[0], "memory.limit_in_bytes"), limit, 0)
		_ = os.WriteFile(filepath.Join(c.dirs[0], "memory.memsw.limit_in_bytes"), limit, 0)
		if g.pids != "" {
			_ = os.WriteFile(filepath.Join(c.dirs[1], "pids.max"), []byte(strconv.Itoa(pids)), 0)
		}
	}
	if err != nil {
		c.remove()
		return nil, fmt.Errorf("function: limit a control group: %w", err)
	}
	return c, nil
}

func (g *controlGroups) close() {
	os.Remove(g.dir)
	if g.pids != "" {
		os.Remove(g.pids)
	}
}

// add puts a process into the group.
func (c *controlGroup) add(pid int) error {
	for _, d := range c.dirs {
		if err := os.WriteFile(filepath.Join(d, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("function: join a control group: %w", err)
		}
	}
	return nil
}

// peak is the most memory that the group has used, in bytes; 0 where nobody knows.
func (c *controlGroup) peak() int64 {
	name := "memory.peak"
	if c.kind == "v1" {
		name = "memory.max_usage_in_bytes"
	}
	b, err := os.ReadFile(filepath.Join(c.dirs[0], name))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// killed reports whether the kernel has killed a process of the group for its memory.
func (c *controlGroup) killed() bool {
	name := "memory.events"
	if c.kind == "v1" {
		name = "memory.oom_control"
	}
	b, err := os.ReadFile(filepath.Join(c.dirs[0], name))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok && n != "0" {
			return true
		}
	}
	return false
}

// remove removes the group, whose processes have ended or are about to.
func (c *controlGroup) remove() {
	for _, d := range c.dirs {
		for range 100 {
			if err := os.Remove(d); err == nil || errors.Is(err, os.ErrNotExist) {
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// resident is the memory of a process that is its own, in bytes.
func resident(pid int) int64 {
	return statusBytes(pid, "RssAnon:") + statusBytes(pid, "RssShmem:")
}

// residentPeak is the most that a process has had, with what it shares.
func residentPeak(pid int) int64 { return statusBytes(pid, "VmHWM:") }

func statusBytes(pid int, field string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(b, []byte(field))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n << 10
}
