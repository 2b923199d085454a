package logstore

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

const (
	segmentBytes = 512 << 10 // of blocks as they are stored
	segmentLines = 50_000
	// maxSegmentStreams is how many streams a segment names; of one with more, any may be in it.
	maxSegmentStreams = 32
	readBytes         = 4 << 20
)

// segment is a run of blocks.
type segment struct {
	From    shardlog.Position `json:"from"`
	To      shardlog.Position `json:"to"` // where the next begins
	First   int64             `json:"first"`
	Last    int64             `json:"last"`
	Bytes   int64             `json:"bytes"` // as stored
	Text    int64             `json:"text"`  // what lines count for
	Lines   int64             `json:"lines"`
	Streams []uint64          `json:"streams,omitempty"` // sorted
	Any     bool              `json:"any,omitempty"`     // more streams than are named
}

func (s *segment) has(streams map[uint64]bool) bool {
	if streams == nil || s.Any {
		return true
	}
	for _, id := range s.Streams {
		if streams[id] {
			return true
		}
	}
	return false
}

// StreamInfo is what there is of a stream. Times are in milliseconds since 1970.
type StreamInfo struct {
	First   int64 `json:"first"`
	Last    int64 `json:"last"`
	Arrived int64 `json:"arrived"` // of the newest
	Text    int64 `json:"text"`    // bytes that its lines count for
	Lines   int64 `json:"lines"`
}

// group is a group that is in use.
type group struct {
	s    *Store
	name string
	puts atomic.Int64 // since the index caught up

	making sync.Mutex
	shard  atomic.Pointer[shardlog.Shard]

	catching sync.Mutex // held while the index catches up

	mu       sync.Mutex
	loaded   bool
	segments []segment
	covered  shardlog.Position // everything before it is in the index
	streams  map[uint64]*StreamInfo
	written  shardlog.Position // covered, in the file
}

func newGroup(s *Store, name string) *group {
	return &group{s: s, name: name, streams: map[uint64]*StreamInfo{}}
}

// shardOf is the group's shard; shardlog.ErrNoShard before the first put.
func (g *group) shardOf(ctx context.Context) (*shardlog.Shard, error) {
	if sh := g.shard.Load(); sh != nil {
		return sh, nil
	}
	sh, err := g.s.o.Log.Shard(ctx, shardPrefix+g.name)
	if err == nil {
		g.shard.Store(sh)
	}
	return sh, err
}

func (g *group) shardFor(ctx context.Context, retention time.Duration) (*shardlog.Shard, error) {
	sh, err := g.shardOf(ctx)
	if !errors.Is(err, shardlog.ErrNoShard) {
		return sh, err
	}
	g.making.Lock()
	defer g.making.Unlock()
	if sh, err = g.shardOf(ctx); !errors.Is(err, shardlog.ErrNoShard) {
		return sh, err
	}
	sh, err = g.s.o.Log.CreateShard(ctx, shardPrefix+g.name, shardlog.ShardConfig{MaxAge: shardAge(retention)})
	if errors.Is(err, shardlog.ErrShardExists) {
		return g.shardOf(ctx)
	}
	if err != nil {
		return nil, err
	}
	g.shard.Store(sh)
	return sh, nil
}

// catchUp brings the index to the end of the shard.
func (g *group) catchUp(ctx context.Context) error {
	sh, err := g.shardOf(ctx)
	if errors.Is(err, shardlog.ErrNoShard) {
		return nil
	}
	if err != nil {
		return err
	}
	g.catching.Lock()
	defer g.catching.Unlock()
	info, err := sh.Info(ctx)
	if err != nil {
		return err
	}
	g.load(info)
	g.forget(info.Oldest)
	var recs []shardlog.Record
	at := g.covered
	for at.Compare(info.End) < 0 {
		var next shardlog.Position
		recs, next, err = sh.Read(ctx, at, shardlog.ReadOptions{MaxBytes: readBytes}, recs[:0])
		if err != nil && !errors.Is(err, shardlog.ErrCorrupt) {
			return err
		}
		if err != nil {
			g.s.o.Failed(g.name, err)
		} else if len(recs) == 0 {
			return nil
		}
		g.mu.Lock()
		for i := range recs {
			after := next
			if i+1 < len(recs) {
				after = recs[i+1].Position
			}
			g.add(&recs[i], after)
		}
		g.covered = next
		g.mu.Unlock()
		at = next
	}
	return nil
}

// add takes a block into the index.
func (g *group) add(r *shardlog.Record, after shardlog.Position) {
	h, err := parseHead(r.Data)
	if err != nil || len(r.Key) != 8 {
		g.s.o.Failed(g.name, fmt.Errorf("at %v: %w", r.Position, cmpErr(err)))
		return
	}
	stream := binary.BigEndian.Uint64(r.Key)
	text := int64(h.length) + int64(h.lines)*Overhead
	if n := len(g.segments); n == 0 || g.segments[n-1].Bytes >= segmentBytes || g.segments[n-1].Lines >= segmentLines {
		g.segments = append(g.segments, segment{From: r.Position, First: h.first, Last: h.last})
	}
	s := &g.segments[len(g.segments)-1]
	s.To = after
	s.First, s.Last = min(s.First, h.first), max(s.Last, h.last)
	s.Bytes += int64(len(r.Data))
	s.Text += text
	s.Lines += int64(h.lines)
	if !s.Any {
		if i, found := slices.BinarySearch(s.Streams, stream); !found {
			if len(s.Streams) == maxSegmentStreams {
				s.Streams, s.Any = nil, true
			} else {
				s.Streams = slices.Insert(s.Streams, i, stream)
			}
		}
	}
	info := g.streams[stream]
	if info == nil {
		info = &StreamInfo{First: h.first, Last: h.last}
		g.streams[stream] = info
	}
	info.First, info.Last = min(info.First, h.first), max(info.Last, h.last)
	info.Arrived = max(info.Arrived, h.arrived)
	info.Text += text
	info.Lines += int64(h.lines)
}

func cmpErr(err error) error {
	if err == nil {
		return fmt.Errorf("%w: a bad key", errBlock)
	}
	return err
}

// forget removes segments that the shard has removed.
func (g *group) forget(oldest shardlog.Position) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for n < len(g.segments) && g.segments[n].To.Compare(oldest) <= 0 {
		n++
	}
	if n > 0 {
		g.segments = slices.Clone(g.segments[n:])
	}
}

// indexFile is the form of an index on disk.
type indexFile struct {
	Form     int                    `json:"form"`
	Covered  shardlog.Position      `json:"covered"`
	Segments []segment              `json:"segments"`
	Streams  map[uint64]*StreamInfo `json:"streams"`
}

// load reads the index's file, once.
func (g *group) load(info shardlog.Info) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loaded {
		return
	}
	g.loaded = true
	if g.s.o.Dir == "" {
		return
	}
	b, err := os.ReadFile(g.s.indexFile(g.name))
	if err != nil {
		return
	}
	var f indexFile
	if json.Unmarshal(b, &f) != nil || f.Form != 1 || f.Streams == nil || f.Covered.Compare(info.End) > 0 {
		return // it is recreated
	}
	g.segments, g.covered, g.streams, g.written = f.Segments, f.Covered, f.Streams, f.Covered
}

func (g *group) writeIndex() error {
	if g.s.o.Dir == "" {
		return nil
	}
	g.mu.Lock()
	if g.covered == g.written {
		g.mu.Unlock()
		return nil
	}
	covered := g.covered
	b, err := json.Marshal(indexFile{1, g.covered, g.segments, g.streams})
	g.mu.Unlock()
	if err != nil {
		return err
	}
	name := g.s.indexFile(g.name)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	g.mu.Lock()
	g.written = covered
	g.mu.Unlock()
	return nil
}

// Info is what there is of a group.
type Info struct {
	Text    int64 // bytes that its lines count for
	Lines   int64
	Streams map[uint64]StreamInfo
}

// Info reports what there is of a group.
func (s *Store) Info(ctx context.Context, name string) (Info, error) {
	g := s.group(name)
	if err := g.catchUp(ctx); err != nil {
		return Info{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := Info{Streams: make(map[uint64]StreamInfo, len(g.streams))}
	for _, seg := range g.segments {
		i.Text += seg.Text
		i.Lines += seg.Lines
	}
	for id, st := range g.streams {
		i.Streams[id] = *st
	}
	return i, nil
}
