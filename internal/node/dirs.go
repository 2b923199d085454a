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
	functions                   string
	jobs                        string // what scripts of jobs run with
	items, backups              string // of tables, and of their backups
	logIndex                    string // of lines of log groups; it is recreated from the log
	queues                      string // messages of queues
	outbox                      string // messages of topics, and events of buckets, on their way
	metrics                     string // samples of metrics
	locks                       []*os.File
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
	for dir, name := range map[*string]string{&d.log: "log", &d.objects: "objects", &d.s3: "s3", &d.tmp: "tmp", &d.functions: "functions", &d.jobs: "jobs", &d.items: "items", &d.backups: "backups", &d.logIndex: "logindex", &d.queues: "queues", &d.outbox: "outbox", &d.metrics: "metrics"} {
		*dir = filepath.Join(d.root, name)
	}
	if err := os.MkdirAll(d.root, 0o750); err != nil {
		return d, fmt.Errorf("data directory: %w", err)
	}
	if err := d.takeLocks(); err != nil {
		return d, err
	}
	if err := checkFormat(filepath.Join(d.root, "FORMAT")); err != nil {
		return d, fmt.Errorf("data directory %s: %w", d.root, err)
	}
	if err := os.RemoveAll(d.tmp); err != nil {
		return d, fmt.Errorf("empty %s: %w", d.tmp, err)
	}
	for _, dir := range []string{d.log, d.objects, d.s3, d.tmp, d.items, d.backups, d.queues, d.outbox, d.metrics} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return d, fmt.Errorf("data directory: %w", err)
		}
	}
	return d, nil
}

// takeLocks takes the locks that say a node is running: on the directory itself, and on the
// file LOCK, by which earlier versions went. A file can be deleted and made again under a
// running node; the directory cannot, without its data. The kernel gives the locks back
// when the process ends, however it ends.
func (d *dirs) takeLocks() error {
	for _, path := range []string{d.root, filepath.Join(d.root, "LOCK")} {
		flags := os.O_CREATE | os.O_RDWR
		if path == d.root {
			flags = os.O_RDONLY
		}
		f, err := os.OpenFile(path, flags, 0o640)
		if err == nil {
			d.locks = append(d.locks, f)
			err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another node is running on it: stop that one, or name another directory with --data")
		}
		if err != nil {
			return fmt.Errorf("data directory %s: lock: %w", d.root, err)
		}
	}
	return nil
}

// errDamagedState is state that is missing or cannot be read.
var errDamagedState = errors.New("the state is damaged")

// checkState refuses a directory in which there is data, and nothing of the state that says
// what it is: a node that started with none would serve it to nobody, and remove some of it.
func (d *dirs) checkState() error {
	streams := filepath.Join(d.log, "jetstream", "$G", "streams")
	if _, err := os.Stat(filepath.Join(streams, "KV_state")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, dir := range []string{streams, filepath.Join(d.s3, "buckets")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if len(entries) > 0 {
			return fmt.Errorf("%w: %s has data, but the stream KV_state of its documents is missing", errDamagedState, d.root)
		}
	}
	return nil
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

// emptyLog throws the log away, and the items of tables with it. The old files are put aside, in a
// folder that the caller removes: only their names have to be free.
func (d dirs) emptyLog() (trash string, err error) {
	trash, err = os.MkdirTemp(d.tmp, "reset-")
	if err != nil {
		return "", err
	}
	for _, dir := range []string{d.log, d.items, d.backups, d.logIndex, d.queues, d.outbox, d.metrics} {
		if err := os.Rename(dir, filepath.Join(trash, filepath.Base(dir))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return "", err
		}
	}
	return trash, nil
}

// temp is a directory of a part's own for what can go. The part makes it.
func (d dirs) temp(part string) string { return filepath.Join(d.tmp, part) }

func (d dirs) close() error {
	var err error
	if d.temporary && d.root != "" {
		err = os.RemoveAll(d.root)
	}
	for _, l := range d.locks {
		err = errors.Join(err, l.Close())
	}
	return err
}
