package shardlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/brookmere/brookmere/internal/engine/shardlog/framestore"
)

// ErrPacksChanged is what Open returns when packs are missing, or are not what they were when the log was closed. It has
// changed nothing of them. CheckPacks tells which they are.
var ErrPacksChanged = framestore.ErrChanged

// PackFinding is something that is wrong with the packs of a log that is not open.
type PackFinding struct {
	File        string // its path below the directory that the packs are in, too
	What        string
	Consequence string

	shard       uint64 // 0: not known
	first, last uint64
	torn        bool
}

func (f PackFinding) String() string { return f.File + ": " + f.What + ": " + f.Consequence }

func packsDir(journal string) string { return filepath.Join(filepath.Dir(journal), "packs") }

// CheckPacks looks at every frame in the packs of a log that is not open, by the directory of its journal, and changes
// nothing. With any damage Open returns ErrPacksChanged; with warnings alone it does not, and readers are told where they come to it.
func CheckPacks(journal string) (damage, warnings []PackFinding, err error) {
	dir := packsDir(journal)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	err = framestore.Inspect(dir, verifyFrame, func(f framestore.Finding) {
		x := PackFinding{File: filepath.Join(filepath.Base(dir), f.File), What: f.What, shard: f.Shard, first: f.First, last: f.Last, torn: f.Torn}
		switch {
		case f.Refused:
			x.Consequence = "without it frames of shards are lost: readers get an error where they were, and go on behind"
			damage = append(damage, x)
			return
		case f.First > 0:
			x.tell("the shard number " + strconv.FormatUint(f.Shard, 36))
		default:
			x.Consequence = "where frames are missing readers get an error, and go on behind"
		}
		warnings = append(warnings, x)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("shardlog: check the packs: %w", err)
	}
	return damage, warnings, nil
}

// tell says what the finding means for a shard.
func (f *PackFinding) tell(shard string) {
	frames := fmt.Sprint("frame ", f.first)
	if f.last > f.first {
		frames = fmt.Sprintf("frames %d to %d", f.first, f.last)
	}
	f.Consequence = fmt.Sprintf("%s of %s: readers get an error there, and go on behind", frames, shard)
}

// RepairPacks gives up what CheckPacks calls damage, so that Open takes the rest. What it changes is kept in the
// folder saved.
func RepairPacks(journal, saved string) error {
	dir := packsDir(journal)
	if err := framestore.Repair(dir, filepath.Join(saved, filepath.Base(dir))); err != nil {
		return fmt.Errorf("shardlog: repair the packs: %w", err)
	}
	return nil
}

// LostFrames returns those of the warnings that the log's readers meet, with the names of shards: the journal may have had
// what packs lack, and frames may be trimmed, have expired, or be of shards that were deleted. It adds what is missing in shards.
func (l *Log) LostFrames(ctx context.Context, warnings []PackFinding) ([]PackFinding, error) {
	if l.packs == nil {
		return warnings, nil
	}
	l.mu.RLock()
	byID := make(map[uint64]*Shard, len(l.shards))
	for _, s := range l.shards {
		if s.packed {
			byID[s.id()] = s
		}
	}
	l.mu.RUnlock()
	var left []PackFinding
	told := map[*Shard][]framestore.Hole{}
	for _, f := range warnings {
		s := byID[f.shard]
		switch {
		case f.torn:
			continue // what is missing by that is told below
		case f.first == 0:
			left = append(left, f)
			continue
		case s == nil:
			continue // it was deleted
		}
		begin, err := s.firstUnexpired(ctx)
		if err != nil {
			return nil, err
		}
		for seq := max(f.first, begin); seq <= f.last; seq++ {
			if x, err := s.frame(ctx, seq, 1); err == nil && (x == nil || x.seq == seq) {
				continue
			}
			row := f
			row.first, row.last = seq, seq
			if n := len(left); n > 0 && left[n-1].shard == f.shard && left[n-1].File == f.File && left[n-1].last+1 == seq {
				row = left[n-1]
				row.last = seq
				left = left[:n-1]
			}
			row.tell("the shard " + s.name)
			left = append(left, row)
			told[s] = append(told[s], framestore.Hole{First: seq, Last: seq})
		}
	}
	shards := make([]*Shard, 0, len(byID))
	for _, s := range byID {
		shards = append(shards, s)
	}
	slices.SortFunc(shards, func(a, b *Shard) int { return cmp.Compare(a.name, b.name) })
	for _, s := range shards {
		// Of a shard that ever had frames the last is kept.
		if first, last := l.packs.Bounds(s.id()); last > 0 && first > last {
			_, ok, err := l.packs.Last(s.id())
			if err != nil {
				return nil, fmt.Errorf("shardlog: check shard %s: %w", s.name, err)
			}
			if !ok {
				left = append(left, PackFinding{
					File: "packs", What: "no pack has a frame of a shard", shard: s.id(), last: last,
					Consequence: fmt.Sprintf("all frames of the shard %s, up to %d, are lost: it goes on behind", s.name, last),
				})
			}
		}
		holes := l.packs.Holes(s.id())
		if len(holes) == 0 {
			continue
		}
		begin, err := s.firstUnexpired(ctx)
		if err != nil {
			return nil, err
		}
		for _, h := range holes {
			// The frames at the front of one that has expired are of no use to anybody.
			if h.First < begin || slices.ContainsFunc(told[s], func(t framestore.Hole) bool { return h.First <= t.First && t.First <= h.Last }) {
				continue
			}
			f := PackFinding{File: "packs", What: "no pack has all frames of a shard", shard: s.id(), first: h.First, last: h.Last}
			f.tell("the shard " + s.name)
			left = append(left, f)
		}
	}
	return left, nil
}

// firstUnexpired is the first frame of a shard in packs that readers may get.
func (s *Shard) firstUnexpired(ctx context.Context) (uint64, error) {
	if err := s.open(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	first := s.first
	s.mu.Unlock()
	if oldest, aged := s.oldest(); aged {
		first = max(first, s.log.packs.SeekTime(s.id(), oldest))
	}
	return first, nil
}

func verifyFrame(seq uint64, frame []byte) error {
	_, err := decodeFrame(seq, frame)
	return err
}
