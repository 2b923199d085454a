package framestore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"

	"golang.org/x/sync/errgroup"
)

// Finding is something that Inspect has found.
type Finding struct {
	File    string // its name in the directory
	What    string
	Refused bool // Open returns ErrChanged for it
	Torn    bool // bytes of a pack without a footer, as a loss of power leaves them of what was not durable

	// The frames that are damaged. They are 0 where that is not known, as when a file is missing.
	Shard       uint64
	First, Last uint64 // sequences
}

// Inspect looks at the files of a store that is not open: whether the packs are those of the last Close, and at each
// frame of each pack. It changes nothing. Verify is as in Options. A frame that a later pack has, too, is not told of,
// nor what is cut off at the end of a pack that takes no more since a kill: neither is lost.
func Inspect(dir string, verify func(seq uint64, frame []byte) error, report func(Finding)) error {
	changed, err := compare(dir)
	if err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	for _, c := range changed {
		report(Finding{File: c.file, What: c.what, Refused: true})
	}
	files, err := list(dir)
	if err != nil {
		return err
	}
	all := make([]*inspected, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		g.Go(func() (err error) {
			if all[i], err = inspect(f, verify); err != nil {
				err = fmt.Errorf("framestore: %s: %w", filepath.Base(f.path), err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, in := range all {
		for _, what := range in.notes {
			report(Finding{File: in.file, What: what})
		}
		for _, what := range in.torn {
			report(Finding{File: in.file, What: what, Torn: true})
		}
		later := all[i+1:]
		var last Finding
		flush := func() {
			if last.First > 0 {
				report(last)
			}
			last = Finding{}
		}
		for _, b := range in.bad {
			if slices.ContainsFunc(later, func(l *inspected) bool { return l.has(b.shard, b.seq) }) {
				continue
			}
			if last.First > 0 && b.shard == last.Shard && b.seq == last.Last+1 && b.what == last.What {
				last.Last++
				continue
			}
			flush()
			last = Finding{File: in.file, What: b.what, Shard: b.shard, First: b.seq, Last: b.seq}
		}
		flush()
	}
	return nil
}

// inspected is what was found in a file.
type inspected struct {
	file  string
	notes []string
	torn  []string
	runs  []footRun // of frames that count
	bad   []badFrame
}

type badFrame struct {
	shard, seq uint64
	what       string
}

// has reports whether the file counts for a frame, were it whole or not.
func (in *inspected) has(shard, seq uint64) bool {
	i := sort.Search(len(in.runs), func(i int) bool {
		r := in.runs[i]
		return cmp.Or(cmp.Compare(r.shard, shard), cmp.Compare(r.first, seq)) > 0
	})
	return i > 0 && in.runs[i-1].shard == shard && seq < in.runs[i-1].first+uint64(in.runs[i-1].count)
}

func (in *inspected) note(format string, v ...any) {
	in.notes = append(in.notes, fmt.Sprintf(format, v...))
}

const (
	badEntry = "what stands before the frame is not what was written"
	badData  = "the frame is not what was written"
)

func inspect(f *found, verify func(uint64, []byte) error) (*inspected, error) {
	in := &inspected{file: filepath.Base(f.path)}
	if f.suffix == damagedName {
		in.note("neither its header nor its footer was valid; the frames in it are not there")
		return in, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	header := make([]byte, packHeader)
	if _, err := file.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	id, hasHeader := parsePackHeader(header, f.number)
	foot, footID, runs, hasFooter, err := readFooter(file, info.Size(), f.number)
	if err != nil {
		return nil, err
	}
	if hasFooter && (!hasHeader || id == footID) {
		if !hasHeader {
			in.note("its header is damaged; nothing is lost by that")
		}
		if f.suffix != suspectName {
			in.runs = runs
			return in, in.sealed(file, foot, footID, verify)
		}
		id = footID
	} else if !hasHeader {
		entries, err := hasMagic(file, info.Size())
		if err == nil && entries {
			in.note("neither its header nor its footer is valid; the frames in it are not there")
		}
		return in, err
	}
	return in, in.unsealed(file, info.Size(), id, verify)
}

// sealed looks at what the footer names.
func (in *inspected) sealed(file io.ReaderAt, foot footer, id uint64, verify func(uint64, []byte) error) error {
	var buf []byte
	for _, r := range in.runs {
		for k := uint32(0); k < r.count; k += readAhead {
			refs, err := readRefs(file, foot, r.ref+k, min(readAhead, r.count-k))
			if err != nil {
				return err
			}
			for i, ref := range refs {
				seq := r.first + uint64(k) + uint64(i)
				if need := entryHeader + int(ref.length); cap(buf) < need {
					buf = make([]byte, need)
				}
				frame, err := readEntry(file, id, r.shard, seq, ref, buf)
				switch {
				case errors.Is(err, errDamaged):
					in.bad = append(in.bad, badFrame{r.shard, seq, badEntry})
				case err != nil: // the others may be whole
					in.bad = append(in.bad, badFrame{r.shard, seq, err.Error()})
				default:
					if verify(seq, frame) != nil {
						in.bad = append(in.bad, badFrame{r.shard, seq, badData})
					}
				}
			}
		}
	}
	return nil
}

// unsealed looks at all entries, and at what is between them.
func (in *inspected) unsealed(file io.ReaderAt, size int64, id uint64, verify func(uint64, []byte) error) error {
	entries, err := scan(file, size, id, verify)
	if err != nil {
		return err
	}
	places := make([]ref, len(entries))
	for i, e := range entries {
		places[i] = e.ref
	}
	header := make([]byte, entryHeader)
	at := int64(packHeader)
	for _, r := range places { // in the order in which they stand
		for at < r.offset() {
			if _, err := file.ReadAt(header, at); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			e, ok := parseEntry(header, id, at)
			next := at + align(entryHeader+int64(e.length))
			if !ok || next > r.offset() {
				in.torn = append(in.torn, fmt.Sprintf("%d bytes from %d on are not what was written: frames of shards may be missing", r.offset()-at, at))
				break
			}
			in.bad = append(in.bad, badFrame{e.shard, e.seq, badData})
			at = next
		}
		at = r.offset() + int64(r.units())*alignment
	}
	for _, o := range openRuns(entries) {
		in.runs = append(in.runs, footRun{shard: o.shard, first: o.first, count: uint32(len(o.refs))})
	}
	in.bad = slices.DeleteFunc(in.bad, func(b badFrame) bool { return in.has(b.shard, b.seq) })
	slices.SortFunc(in.bad, func(a, b badFrame) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.seq, b.seq))
	})
	return nil
}

// Hole is a row of sequences within the bounds of a shard of which there are no frames.
type Hole struct {
	First, Last uint64
}

// Holes returns where frames of a shard are missing: a loss of power has taken them and no journal had them, or Repair
// has given them up.
func (s *Store) Holes(id uint64) []Hole {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sh := s.shards[id]
	if sh == nil {
		return nil
	}
	var holes []Hole
	next, _ := sh.bounds()
	for _, r := range sh.runs[min(sh.at(next), len(sh.runs)):] {
		if r.first > next {
			holes = append(holes, Hole{next, r.first - 1})
		}
		next = r.end()
	}
	if next <= sh.last {
		holes = append(holes, Hole{next, sh.last})
	}
	return holes
}
