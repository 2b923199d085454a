//go:build !linux

package worker

import (
	"os"
	"syscall"
)

// limitData does nothing: other systems do not bound what a process maps.
func limitData(int64) error { return nil }

func volunteer() {}

// attributes of the process: signals of the terminal are the parent's.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func executable() (string, error) { return os.Executable() }
