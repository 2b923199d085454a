package journal

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Left is what a journal holds that was not closed: messages that the store may have lost,
// or not.
type Left struct {
	dir      string
	segments []leftSegment // oldest first
	streams  map[StreamID]*leftStream
}

type leftSegment struct {
	generation uint64
	streams    map[string]struct{} // that it has entries of
	suspect    bool                // a later one says where it ends
}

// StreamID names a stream, and tells it from others of its name.
type StreamID struct {
	Name string
	Born int64
}

// leftStream has the entries in the order of their sequences, of which some may be missing:
// a message that the store syncs itself has none.
type leftStream struct {
	entries []place
	synced  uint64 // by a mark: the stream's own files hold everything up to it
}

// place is where an entry stands.
type place struct {
	seq        uint64
	generation uint64
	offset     int64
	length     int32
}

// Read reads the journal in the directory, which need not be there. Nobody may be writing
// to it.
func Read(dir string) (*Left, error) {
	l := &Left{dir: dir, streams: map[StreamID]*leftStream{}}
	generations, err := list(dir)
	if err != nil {
		return nil, err
	}
	cuts := map[uint64]int64{}
	for _, g := range generations {
		err := l.scan(g, entryHeader, func(e Entry, p place) bool {
			if e.isCut() {
				cuts[e.Seq] = e.Born
			}
			return false
		})
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	for _, g := range generations {
		end, suspect := cuts[g]
		if !suspect {
			end = math.MaxInt64
		}
		s := leftSegment{g, map[string]struct{}{}, suspect}
		err := l.scan(g, 1<<20, func(e Entry, p place) bool {
			if p.offset >= end {
				return false
			}
			if !e.isCut() {
				l.add(e, p)
				s.streams[e.Stream] = struct{}{}
			}
			return true
		})
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		l.segments = append(l.segments, s)
	}
	return l, nil
}

// list finds the generations that there are, oldest first.
func list(dir string) ([]uint64, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var all []uint64
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), extension)
		if g, err := strconv.ParseUint(name, 16, 64); ok && err == nil && f.Name() == fileName(g) {
			all = append(all, g)
		}
	}
	slices.Sort(all)
	return all, nil
}

const extension = ".wal"

func fileName(generation uint64) string { return fmt.Sprintf("%016x%s", generation, extension) }

// scan calls take with the entries of a segment, until it returns false.
func (l *Left) scan(generation uint64, ahead int, take func(Entry, place) bool) error {
	f, err := os.Open(filepath.Join(l.dir, fileName(generation)))
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, ahead)
	var buf []byte
	for offset := int64(0); ; {
		head, err := r.Peek(entryHeader)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		n, ok := length(head, generation)
		if !ok {
			return nil
		}
		buf = slices.Grow(buf[:0], n)[:n]
		if _, err := io.ReadFull(r, buf); errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		} else if err != nil {
			return err
		}
		e, ok := parse(buf)
		if !ok || !take(e, place{e.Seq, generation, offset, int32(n)}) {
			return nil
		}
		offset += int64(n)
	}
}

func (l *Left) add(e Entry, p place) {
	id := StreamID{e.Stream, e.Born}
	s := l.streams[id]
	if s == nil {
		s = new(leftStream)
		l.streams[id] = s
	}
	i := len(s.entries)
	if i > 0 && s.entries[i-1].seq >= e.Seq {
		i, _ = slices.BinarySearchFunc(s.entries, e.Seq, func(p place, seq uint64) int { return cmp.Compare(p.seq, seq) })
	}
	if len(e.Data) == 0 { // all up to here is in the store
		for i < len(s.entries) && s.entries[i].seq <= e.Seq {
			i++
		}
		s.entries = s.entries[i:]
		s.synced = max(s.synced, e.Seq)
		return
	}
	// What stands at or behind its place the store lost again before it was acknowledged.
	s.entries = append(s.entries[:i], p)
}

// Stream is a stream that messages are left of.
type Stream struct {
	StreamID
	First uint64 // sequence of the first message
	Last  uint64
}

// Held is the sequence up to which the files of a stream hold everything by the journal:
// synced for certain, and written, before the first message of the journal, whatever a loss
// of power may have taken of it.
func (l *Left) Held(id StreamID) (synced, written uint64) {
	s := l.streams[id]
	if s == nil {
		return 0, 0
	}
	synced, written = s.synced, s.synced
	if len(s.entries) > 0 {
		written = max(written, s.entries[0].seq-1)
	}
	return synced, written
}

// Streams are the streams that messages are left of, by name.
func (l *Left) Streams() []Stream {
	var all []Stream
	for id, s := range l.streams {
		if n := len(s.entries); n > 0 {
			all = append(all, Stream{id, s.entries[0].seq, s.entries[n-1].seq})
		}
	}
	slices.SortFunc(all, func(a, b Stream) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Born, b.Born))
	})
	return all
}

// Entries calls f with the messages of a stream after the sequence, in order; some between
// may be missing. Data is valid during the call alone.
func (l *Left) Entries(id StreamID, after uint64, f func(Entry) error) error {
	s := l.streams[id]
	if s == nil {
		return nil
	}
	var file *os.File
	var generation uint64
	defer func() {
		if file != nil {
			file.Close()
		}
	}()
	var buf []byte
	for _, p := range s.entries {
		if p.seq <= after {
			continue
		}
		if file == nil || generation != p.generation {
			if file != nil {
				file.Close()
			}
			var err error
			if file, err = os.Open(filepath.Join(l.dir, fileName(p.generation))); err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			generation = p.generation
		}
		buf = slices.Grow(buf[:0], int(p.length))[:p.length]
		if _, err := file.ReadAt(buf, p.offset); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		e, ok := parse(buf)
		if !ok {
			return fmt.Errorf("journal: entry at %d of %s has changed", p.offset, fileName(p.generation))
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}
