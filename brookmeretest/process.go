package brookmeretest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/brookmere/brookmere/internal/node"
)

// startTime is how long a process may take to answer, on a machine that is busy.
const startTime = 2 * time.Minute

// startProcess starts a node as a process of its own.
func (s *settings) startProcess(log io.Writer) (url string, stop func() error, err error) {
	binary := s.binary
	if binary == "" {
		if binary, err = exec.LookPath(cmp.Or(os.Getenv("BROOKMERE_BIN"), "brookmere")); err != nil {
			return "", nil, fmt.Errorf("find the program: %w (BROOKMERE_BIN names it)", err)
		}
	}
	dir, err := os.MkdirTemp("", "brookmeretest-")
	if err != nil {
		return "", nil, err
	}
	ready := filepath.Join(dir, "ready")
	args := []string{"up", "--data", node.InMemory, "--listen", "127.0.0.1:0", "--log-level", "warn", "--ready-file", ready}
	for _, kv := range s.keys {
		args = append(args, "--"+kv.name+"="+kv.value)
	}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	endWithTest(cmd)
	if err := cmd.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
		var err error
		select {
		case err = <-exited:
		case <-time.After(closeTime):
			_ = cmd.Process.Kill()
			<-exited
			err = fmt.Errorf("it did not end in %v", closeTime)
		}
		return errors.Join(err, os.RemoveAll(dir))
	}
	late := time.After(startTime)
	for {
		if text, err := os.ReadFile(ready); err == nil {
			return string(bytes.TrimSpace(text)), stop, nil
		}
		select {
		case err := <-exited:
			return "", nil, errors.Join(fmt.Errorf("it ended at once: %w", err), os.RemoveAll(dir))
		case <-late:
			return "", nil, errors.Join(fmt.Errorf("it does not answer after %v", startTime), stop())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
