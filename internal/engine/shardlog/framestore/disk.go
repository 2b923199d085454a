package framestore

import (
	"os"
	"syscall"
)

// disk is how the store writes, so that tests can have that fail.
type disk struct {
	write   func(f *os.File, offset int64, header, data []byte) error // one after the other
	sync    func(f *os.File) error
	syncDir func(dir string) error
	free    func(dir string) (bytes uint64, err error) // that files may still take
}

func (d disk) orDefault() disk {
	if d.write == nil {
		d.write = writeAt
	}
	if d.sync == nil {
		d.sync = syncData
	}
	if d.syncDir == nil {
		d.syncDir = syncDir
	}
	if d.free == nil {
		d.free = freeBytes
	}
	return d
}

func freeBytes(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, os.NewSyscallError("statfs", err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
