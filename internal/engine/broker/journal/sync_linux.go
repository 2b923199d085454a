package journal

import (
	"os"
	"syscall"
)

// syncData makes what was written to the file durable, but not when it was written.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
