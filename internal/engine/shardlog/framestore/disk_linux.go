package framestore

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes what was written to the file durable, but not when it was written.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// writeAt writes a header and what follows it with one call to the system, unless that takes a part only.
func writeAt(f *os.File, offset int64, header, data []byte) error {
	for len(header)+len(data) > 0 {
		n, err := unix.Pwritev(int(f.Fd()), [][]byte{header, data}, offset)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("pwritev", err)
		}
		if n <= 0 {
			return io.ErrShortWrite
		}
		offset += int64(n)
		k := min(n, len(header))
		header, data = header[k:], data[n-k:]
	}
	return nil
}

// beginWriting has the system write to the disk what it has of a part of the file, and does not wait for that. What it
// fails to write a later sync says.
func beginWriting(f *os.File, offset, bytes int64) {
	_ = unix.SyncFileRange(int(f.Fd()), offset, bytes, unix.SYNC_FILE_RANGE_WRITE)
}
