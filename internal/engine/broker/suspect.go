package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/brookmere/brookmere/internal/engine/broker/journal"
)

// # Suspect files
//
// A sync that succeeds after one that failed proves nothing: the system may have dropped what it
// could not write, and tell of it once. So a file of a stream is suspect once a sync of it has
// failed, whether the broker's or the server's own, and its stream with it: each further sync of
// the stream fails with journal.ErrSuspect, so that no journal gives up what it has of it, and
// nobody is told that something of it is durable. The stream can be read, and the server appends
// to it.
//
// The next start of a broker writes suspect files again, to new ones that take their places when
// they are synced. What the system has dropped of them, if that is not in memory any more either,
// is cut off and made again from the journals, as after a loss of power. A file that cannot be
// written again stays suspect.
//
// Which they are stands in a file of the directory: it has to outlive a kill, and need not a loss
// of power, which leaves nothing in memory that only seems to be on the disk.

const (
	suspectFile = "suspect"
	rewriting   = "suspect.tmp" // the copy of a suspect file; one in the stream's folder would be taken for a block
)

// suspects are the suspect files of all streams. They stay so over a restart of the server.
type suspects struct {
	dir string

	mu       sync.Mutex
	byStream map[string]map[string]struct{} // paths in the stream's folder; "." is each file of it
	behind   bool                           // the file lacks some, or ends within a line
}

// suspectEntry is a line of the file.
type suspectEntry struct {
	Stream string `json:"stream"`
	File   string `json:"file"`
}

// readSuspects reads which files are suspect. A list that cannot be read is an error, but for one
// that a loss of power has left. Where the last line is cut off, as a kill on a full disk leaves it,
// all files are suspect that it may have named.
func readSuspects(dir string) (*suspects, error) {
	s := &suspects{dir: dir, byStream: map[string]map[string]struct{}{}}
	data, err := os.ReadFile(filepath.Join(dir, suspectFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	for line := range bytes.Lines(data) {
		var e suspectEntry
		if err == nil {
			cut := line[len(line)-1] != '\n'
			s.behind = cut
			if err = json.Unmarshal(line, &e); err != nil && cut && !powerLost(dir) {
				return s, s.noteCut(line)
			}
		}
		if err == nil && (!filepath.IsLocal(e.Stream) || e.Stream != filepath.Base(e.Stream) || !filepath.IsLocal(e.File)) {
			err = fmt.Errorf("it names the file %q of stream %q", e.File, e.Stream)
		}
		if err == nil {
			s.note(e)
		}
	}
	if err != nil && !powerLost(dir) {
		return nil, fmt.Errorf("broker: read the list of suspect files %s: %w", filepath.Join(dir, suspectFile), err)
	}
	return s, nil
}

// noteCut notes each file of the stream that the beginning of a line names, or of all streams where
// the name is not all there.
func (s *suspects) noteCut(line []byte) error {
	rest, _ := bytes.CutPrefix(line, []byte(`{"stream":`))
	for i := range rest {
		var name string
		if json.Unmarshal(rest[:i+1], &name) == nil && filepath.IsLocal(name) && name == filepath.Base(name) {
			s.note(suspectEntry{name, "."})
			return nil
		}
	}
	names, err := streamNames(s.dir)
	for _, name := range names {
		s.note(suspectEntry{name, "."})
	}
	return err
}

// note reports whether an entry is a new one.
func (s *suspects) note(e suspectEntry) bool {
	if s.byStream[e.Stream] == nil {
		s.byStream[e.Stream] = map[string]struct{}{}
	}
	_, known := s.byStream[e.Stream][e.File]
	s.byStream[e.Stream][e.File] = struct{}{}
	return !known
}

// write replaces the list. Callers hold mu.
func (s *suspects) write() error {
	file := filepath.Join(s.dir, suspectFile)
	if len(s.byStream) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.behind = false
		return nil
	}
	var data []byte
	for stream, paths := range s.byStream {
		for path := range paths {
			data = append(data, suspectEntry{stream, path}.line()...)
		}
	}
	err := os.WriteFile(file+".new", data, 0o640)
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err == nil {
		s.behind = false
	}
	return err
}

func (e suspectEntry) line() []byte {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // two strings
	}
	return append(line, '\n')
}

// add notes a file of which a sync has failed, or a folder. Where that cannot be written down, has
// tries again.
func (s *suspects) add(stream, path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := suspectEntry{stream, path}
	known := !s.note(e)
	switch {
	case s.behind:
		return s.write()
	case known:
		return nil
	}
	err := s.append(e.line())
	s.behind = err != nil
	return err
}

// append appends a line to the file, all or nothing if it can.
func (s *suspects) append(line []byte) error {
	f, err := os.OpenFile(filepath.Join(s.dir, suspectFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		if _, err = f.Write(line); err != nil {
			err = errors.Join(err, f.Truncate(info.Size()))
		}
	}
	return errors.Join(err, f.Close())
}

// drop forgets a stream that was removed.
func (s *suspects) drop(stream string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byStream[stream]; ok {
		delete(s.byStream, stream)
		s.write() // of a stream that is not there the next start forgets it
	}
}

func (s *suspects) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byStream) > 0
}

// has reports whether a stream has suspect files.
func (s *suspects) has(stream string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byStream[stream]) == 0 {
		return false
	}
	if s.behind {
		s.write() // it is told again, with each try to sync the stream
	}
	return true
}

// syncFailed notes a file of which a sync has failed: its path is below the streams' folder.
func (d *disk) syncFailed(path string, err error) {
	rel, e := filepath.Rel(streamsDir(d.dir), path)
	stream, in, ok := strings.Cut(rel, string(filepath.Separator))
	if e != nil || !filepath.IsLocal(rel) || stream == "." {
		return
	}
	if info, err := os.Lstat(path); !ok || err == nil && info.IsDir() {
		in = "."
	}
	e = d.suspects.add(stream, in)
	if d.logf != nil {
		d.logf("error", fmt.Sprintf("the file %s could not be synced (%v): nothing of stream %s is taken for durable until the node is started again, which writes it to a new file", path, err, stream))
		if e != nil {
			d.logf("error", fmt.Sprintf("the list of suspect files cannot be written: %v", e))
		}
	}
}

// serverFailed looks through what the server logs of an error for a sync of its own that failed.
func (d *disk) serverFailed(v []any) {
	for _, v := range v {
		err, ok := v.(error)
		var failed *fs.PathError
		if ok && errors.As(err, &failed) && failed.Op == "sync" {
			d.syncFailed(failed.Path, err)
		}
	}
}

// rewrite writes the suspect files again, to new ones. The server must not run, and nobody may
// rely on what it had of the streams before. Streams whose files cannot be written stay suspect.
func (d *disk) rewrite() error {
	s := d.suspects
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Lstat(filepath.Join(s.dir, suspectFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for stream, paths := range s.byStream {
		n, err := d.rewriteStream(streamDir(d.dir, stream), paths)
		switch {
		case err == nil:
			delete(s.byStream, stream)
			if d.logf != nil {
				d.logf("warn", fmt.Sprintf("%d files of stream %s that could not be synced before were written again", n, stream))
			}
		case d.logf != nil:
			d.logf("error", fmt.Sprintf("files of stream %s that could not be synced cannot be written again: %v", stream, err))
		}
	}
	err := s.write()
	if err == nil {
		err = d.syncPath(d.dir)
	}
	if err != nil {
		return fmt.Errorf("broker: write the list of suspect files: %w", err)
	}
	return nil
}

// rewriteStream writes files of a stream again, and reports how many.
func (d *disk) rewriteStream(dir string, paths map[string]struct{}) (n int, err error) {
	names := maps.Clone(paths)
	if _, all := names["."]; all {
		names = map[string]struct{}{}
		for _, sub := range []string{".", "msgs"} {
			entries, err := os.ReadDir(filepath.Join(dir, sub))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return 0, err
			}
			for _, e := range entries {
				if e.Type().IsRegular() {
					names[filepath.Join(sub, e.Name())] = struct{}{}
				}
			}
		}
	}
	for name := range names {
		err := d.rewriteFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // trimmed
		}
		if err != nil {
			return n, err
		}
		n++
	}
	for _, sub := range []string{filepath.Join(dir, "msgs"), dir, filepath.Dir(dir)} {
		if err := d.syncPath(sub); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
	}
	return n, nil
}

// rewriteFile puts a synced copy of a file in its place.
func (d *disk) rewriteFile(path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(filepath.Join(d.dir, rewriting), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	if _, err = io.Copy(to, from); err == nil {
		err = d.fsync(to)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), path)
}

// syncPath syncs a file or folder.
func (d *disk) syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return d.fsync(f)
}

// errSuspect is the error of each sync of a stream that has suspect files.
var errSuspect = fmt.Errorf("%w: start the node again, which writes the file to a new place", journal.ErrSuspect)
