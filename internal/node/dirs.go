package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// formatVersion is the layout of the data directory that this program writes.
const formatVersion = "1"

// dirs are the places below the data directory, all absolute: a library that the S3
// service builds on changes the working directory of the process.
type dirs struct {
	root, log, objects, s3, tmp string
	lock                        *os.File
	temporary                   bool // root goes when the node does
}

// openDirs makes and locks the data directory.
func openDirs(data string) (d dirs, err error) {
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if data == InMemory {
		d.temporary = true
		d.root, err = os.MkdirTemp("", "brookmere-")
	} else {
		d.root, err = filepath.Abs(data)
	}
	if err != nil {
		return d, fmt.Errorf("data directory: %w", err)
	}
	for dir, name := range map[*string]string{&d.log: "log", &d.objects: "objects", &d.s3: "s3", &d.tmp: "tmp"} {
		*dir = filepath.Join(d.root, name)
	}
	if err := os.MkdirAll(d.root, 0o750); err != nil {
		return d, fmt.Errorf("data directory: %w", err)
	}
	if d.lock, err = lockFile(filepath.Join(d.root, "LOCK")); err != nil {
		return d, fmt.Errorf("data directory %s: %w", d.root, err)
	}
	if err := checkFormat(filepath.Join(d.root, "FORMAT")); err != nil {
		return d, fmt.Errorf("data directory %s: %w", d.root, err)
	}
	if err := os.RemoveAll(d.tmp); err != nil {
		return d, fmt.Errorf("empty %s: %w", d.tmp, err)
	}
	for _, dir := range []string{d.log, d.objects, d.s3, d.tmp} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return d, fmt.Errorf("data directory: %w", err)
		}
	}
	return d, nil
}

// lockFile takes the lock that says a node is running. The kernel gives it back when
// the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("another node is running on it: stop that one, or name another directory with --data")
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

func checkFormat(path string) error {
	have, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(path, []byte(formatVersion+"\n"), 0o640)
	}
	if err != nil {
		return err
	}
	if v := strings.TrimSpace(string(have)); v != formatVersion {
		return fmt.Errorf("its format is %q, this program's is %q: use the program that wrote it", v, formatVersion)
	}
	return nil
}

// emptyLog throws the log away. The old files go in the background: only their name
// has to be free.
func (d dirs) emptyLog() error {
	trash, err := os.MkdirTemp(d.tmp, "reset-")
	if err != nil {
		return err
	}
	if err := os.Rename(d.log, filepath.Join(trash, "log")); err != nil {
		return err
	}
	go os.RemoveAll(trash)
	return os.MkdirAll(d.log, 0o750)
}

// temp is a directory of a part's own for what can go. The part makes it.
func (d dirs) temp(part string) string { return filepath.Join(d.tmp, part) }

func (d dirs) close() error {
	var err error
	if d.temporary && d.root != "" {
		err = os.RemoveAll(d.root)
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}
