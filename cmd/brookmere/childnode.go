package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childNode is a node in a process of its own, so that what it takes of the machine can
// be told from what its clients take.
type childNode struct {
	url, data string
	cmd       *exec.Cmd
	exited    chan struct{}
	output    bytes.Buffer
}

// startChildNode runs "brookmere up" on a free port and returns when it answers.
func startChildNode(ctx context.Context, data string) (*childNode, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if data, err = filepath.Abs(data); err != nil {
		return nil, err
	}
	ready := data + ".ready"
	n := &childNode{data: data, exited: make(chan struct{})}
	n.cmd = exec.Command(self, "up", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn", "--ready-file", ready)
	n.cmd.Stdout, n.cmd.Stderr = &n.output, &n.output
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a node: %w", err)
	}
	go func() {
		_ = n.cmd.Wait() // what it said is in output
		close(n.exited)
	}()
	err = poll(ctx, 5*time.Millisecond, func() (bool, error) {
		select {
		case <-n.exited:
			return false, fmt.Errorf("the node ended at its start: %s", n.output.String())
		default:
		}
		url, err := os.ReadFile(ready)
		n.url = string(bytes.TrimSpace(url))
		return err == nil, nil
	})
	if err != nil {
		_ = n.stop()
		return nil, err
	}
	return n, nil
}

// stop ends the node and returns what went wrong with it.
func (n *childNode) stop() error {
	_ = n.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-n.exited:
	case <-time.After(shutdownTime + 5*time.Second):
		_ = n.cmd.Process.Kill()
		<-n.exited
	}
	if n.cmd.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("the node ended with %v: %s", n.cmd.ProcessState, n.output.String())
	}
	return nil
}

// The following read Linux's /proc; elsewhere they tell nothing.

func (n *childNode) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(n.cmd.Process.Pid), file)
}

// resetPeak begins another measurement of peak.
func (n *childNode) resetPeak() { _ = os.WriteFile(n.proc("clear_refs"), []byte("5"), 0) }

// peak is the most memory that the node has had, in bytes.
func (n *childNode) peak() int64 {
	b, _ := os.ReadFile(n.proc("status"))
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// cpu is the processor time that the node has used, in seconds.
func (n *childNode) cpu() float64 { return processCPU(n.proc("stat")) }

func ownCPU() float64 { return processCPU("/proc/self/stat") }

// processCPU reads user and system time from a stat file, which counts hundredths.
func processCPU(stat string) float64 {
	b, _ := os.ReadFile(stat)
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}
