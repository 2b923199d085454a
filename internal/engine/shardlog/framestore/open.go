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
	"strconv"
	"strings"
	"sync"
)

// found is a file of the directory.
type found struct {
	number uint64
	path   string
	suffix string

	pack *pack     // nil: is none
	runs []footRun // of one with a footer
	gone bool      // was removed
	err  error
}

// list returns the files that are named as packs, in the order of their numbers.
func list(dir string) ([]*found, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("framestore: %w", err)
	}
	var all []*found
	for _, n := range names {
		suffix := filepath.Ext(n.Name())
		number := packNumber(n.Name())
		if number == 0 || !n.Type().IsRegular() {
			continue
		}
		if suffix == packName || suffix == suspectName || suffix == damagedName {
			all = append(all, &found{number: number, suffix: suffix, path: filepath.Join(dir, n.Name())})
		}
	}
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(a.number, b.number) })
	return all, nil
}

// packNumber is the number in the name of a file; 0: it is not named as packs are.
func packNumber(name string) uint64 {
	digits := strings.TrimSuffix(name, filepath.Ext(name))
	number, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || len(digits) != 16 {
		return 0
	}
	return number
}

// load reads all packs of the directory and makes the index.
func (s *Store) load() error {
	all, err := list(s.dir)
	if err != nil || len(all) == 0 {
		return err
	}
	s.number = all[len(all)-1].number
	var wg sync.WaitGroup
	work := make(chan *found)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for f := range work {
				f.err = s.loadPack(f, f.number == s.number)
			}
		})
	}
	for _, f := range all {
		if f.suffix != damagedName {
			work <- f
		}
	}
	close(work)
	wg.Wait()
	var errs []error
	for _, f := range all {
		if f.err != nil {
			errs = append(errs, fmt.Errorf("framestore: %s: %w", filepath.Base(f.path), f.err))
		}
		if f.pack != nil {
			s.enter(f.pack)
			s.index(f)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, sh := range s.shards {
		s.disentangle(sh)
	}
	return nil
}

// loadPack reads one file.
func (s *Store) loadPack(f *found, newest bool) (err error) {
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	p := &pack{number: f.number, path: f.path, named: true}
	defer func() {
		if p.file == nil {
			file.Close()
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	suspect := f.suffix == suspectName
	header := make([]byte, packHeader)
	if _, err := file.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	id, hasHeader := parsePackHeader(header, f.number)
	foot, footID, runs, hasFooter, err := readFooter(file, size, f.number)
	if err != nil {
		return err
	}
	if hasFooter && !suspect && (!hasHeader || footID == id) {
		p.id, p.footer, p.sealed = footID, foot, true
		f.pack, f.runs = p, runs
		return nil
	}
	if !hasHeader && hasFooter {
		id, hasHeader = footID, true
	}
	if !hasHeader {
		return s.loadOther(f, file, size, newest)
	}
	entries, err := scan(file, size, id, s.o.Verify)
	if err != nil {
		return err
	}
	p.id, p.file, p.open, p.end, p.synced = id, file, openRuns(entries), align(size), packHeader
	if suspect {
		p.suspect, p.renamed = errors.New("a sync failed before the start"), true
	}
	f.pack = p
	return nil
}

// loadOther sees to a file that is no pack. The newest one without anything like an entry in it is what a loss of
// power has left of a pack of which nothing was durable.
func (s *Store) loadOther(f *found, file *os.File, size int64, newest bool) error {
	entries, err := hasMagic(file, size)
	if err != nil {
		return err
	}
	if newest && !entries {
		f.gone = true
		return os.Remove(f.path)
	}
	to := s.path(f.number, damagedName)
	if err := s.rename(f.path, to); err != nil {
		return err
	}
	s.report(fmt.Errorf("framestore: %s is damaged: neither its header nor its footer is valid; the frames in it are not there",
		filepath.Base(to)))
	return nil
}

// rename renames a file, but not over another one.
func (s *Store) rename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("framestore: rename %s: %s exists", filepath.Base(from), filepath.Base(to))
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("framestore: %w", err)
	}
	return nil
}

// index appends the runs of a pack to those of their shards. They may overlap then.
func (s *Store) index(f *found) {
	enter := func(id uint64, r run) {
		sh := s.shards[id]
		if sh == nil {
			sh = &shard{}
			s.shards[id] = sh
		}
		r.pack = f.pack.key
		sh.runs = append(sh.runs, r)
	}
	for _, r := range f.runs {
		enter(r.shard, run{first: r.first, ms: r.ms, ref: r.ref, count: r.count, units: r.units})
	}
	for i, o := range f.pack.open {
		enter(o.shard, o.run(0, uint32(i)))
	}
}

// disentangle sorts the runs, which come in the order of their packs. What is in several counts in the last one.
func (s *Store) disentangle(sh *shard) {
	sorted := true
	for i := 1; i < len(sh.runs); i++ {
		sorted = sorted && sh.runs[i].first >= sh.runs[i-1].end()
	}
	if !sorted {
		var clear []run
		for _, r := range slices.Backward(sh.runs) {
			clear = s.addPieces(clear, r)
		}
		sh.runs = clear
	}
	for _, r := range sh.runs {
		s.count(r)
		sh.last = max(sh.last, r.end()-1)
	}
}

// addPieces adds those parts of a run to sorted ones that these do not have.
func (s *Store) addPieces(sorted []run, r run) []run {
	first, _ := slices.BinarySearchFunc(sorted, r.first, func(a run, seq uint64) int {
		if a.end() <= seq {
			return -1
		}
		return 1
	})
	var pieces []run
	at, i := r.first, first
	for ; i < len(sorted) && sorted[i].first < r.end(); i++ {
		if at < sorted[i].first {
			pieces = append(pieces, s.piece(r, at, sorted[i].first))
		}
		pieces = append(pieces, sorted[i])
		at = sorted[i].end()
	}
	if at < r.end() {
		pieces = append(pieces, s.piece(r, at, r.end()))
	}
	if p := s.packs[r.pack]; i > first && !p.sealed {
		o := p.open[r.ref]
		o.dead, o.refs = true, nil
	}
	return slices.Replace(sorted, first, i, pieces...)
}

// piece returns a part of a run.
func (s *Store) piece(r run, from, to uint64) run {
	if from == r.first && to == r.end() {
		return r
	}
	p := s.packs[r.pack]
	k, n := uint32(from-r.first), uint32(to-from)
	if !p.sealed {
		o := p.open[r.ref]
		part := &openRun{shard: o.shard, first: from, refs: o.refs[k : k+n : k+n]}
		p.open = append(p.open, part)
		return part.run(p.key, uint32(len(p.open)-1))
	}
	return run{from, r.ms, r.pack, r.ref + k, n, share(r.units, n, r.count)}
}
