// Package storeindex brings the index of a stream on disk up to date, so that the server
// opens the stream by it.
//
// The server keeps a stream's messages in block files of 8 MiB, and what is in them in an
// index, index.db, which it writes when it stops and every two minutes or so. After a kill
// the index is older than the blocks. The server then reads and verifies every byte of the
// stream, about a second a gigabyte, and where a message fails its checksum it cuts off
// the rest of the block. Update instead walks over the blocks from header to header,
// verifies the last block alone, the only one that was being written, and writes the
// index that the server would have written.
//
// Blocks of which every message has passed the stream's age it removes at the same time,
// since the server reads each of them before it does.
//
// It does so for streams of the plain kind alone: one subject, messages in sequence, of
// which none was removed but at the beginning. Whatever else it finds it leaves to the
// server, as it does with files that it does not understand, so that a server that changes
// its files is slower, not wrong. TestSameAsServer compares the two.
//
// # Blocks
//
// A block is a file N.blk of records, one after the other, integers little-endian:
//
//	 0        4            12        20       22
//	+--------+------------+---------+--------+---------+----------------+------+----------+
//	| length | sequence   | time    | subj n | subject | [n] [header]   | data | checksum |
//	+--------+------------+---------+--------+---------+----------------+------+----------+
//
// Length is that of the whole record; its highest bit says that there is a header, with
// its length before it. The highest bit of the sequence marks a message that was erased,
// the one below it a tombstone: the message of that sequence was removed. Time is in
// nanoseconds. The checksum is HighwayHash-64, keyed by stream and block.
//
// # Index
//
// The index begins with 11 and its version, 4. The numbers that follow are varints; times,
// here marked with *, are signed:
//
//	messages, bytes, first sequence, first time*, last sequence, last time*
//	number of subjects, and for each: length, subject, messages, first block, last block
//	number of blocks, and for each: N, bytes, first sequence, first time* after that
//	  of the stream, last sequence, last time* likewise, number of removed ones, 0, 0
//	N of the last block, its last 8 bytes, HighwayHash-64 of all that, keyed by stream
package storeindex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/sync/errgroup"
)

const (
	indexFile = "index.db"
	blockExt  = ".blk"

	atOnce = 16 // blocks: a disk has several reads to do before it is as fast as it can be
)

// Update brings the index of the stream in the directory up to date, if the stream is of
// the plain kind and its index is not. Of a block that ends in the middle of a message,
// which nobody was told is stored, it cuts that off, as the server does. The server must
// not run.
func Update(dir string, now time.Time) (updated bool, err error) {
	cfg, err := plain(dir)
	if cfg == nil || err != nil {
		return false, err
	}
	s := &stream{name: cfg.Name, subject: cfg.Subjects[0], dir: filepath.Join(dir, "msgs")}
	if err := s.list(); err != nil || len(s.blocks) == 0 {
		return false, err
	}
	expired := 0
	if cfg.MaxAge > 0 {
		if expired, err = s.expire(now.Add(-cfg.MaxAge)); err != nil {
			return false, err
		}
	}
	if current, err := s.current(); err != nil || current && expired == 0 {
		return false, err
	}
	err = s.walk()
	if err == nil {
		err = s.write()
	}
	if errors.Is(err, errUnclear) {
		return false, nil
	}
	return err == nil, err
}

// NoLimit is a limit on the messages of a subject that no stream comes to. The server gives a stream with
// such a limit files of 4 MiB, of 8 MiB without.
const NoLimit = 1 << 50

// errUnclear is for streams that are left to the server.
var errUnclear = errors.New("storeindex: not a plain stream")

// plain reads the description of the stream; nil if the stream is not of the plain kind.
func plain(dir string) (*server.StreamConfig, error) {
	meta, err := os.ReadFile(filepath.Join(dir, server.JetStreamMetaFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("storeindex: %w", err)
	}
	var info server.FileStreamInfo
	if json.Unmarshal(meta, &info) != nil {
		return nil, nil // what is wrong with it the server says
	}
	c := &info.StreamConfig
	_, err = os.Stat(filepath.Join(dir, server.JetStreamMetaFileKey))
	if c.Name != filepath.Base(dir) || len(c.Subjects) != 1 || strings.ContainsAny(c.Subjects[0], "*>") ||
		c.Retention != server.LimitsPolicy || c.Compression != server.NoCompression || c.MaxMsgsPer > 0 && c.MaxMsgsPer < NoLimit ||
		c.Mirror != nil || len(c.Sources) > 0 || c.SubjectTransform != nil || c.AllowMsgTTL || c.AllowMsgSchedules ||
		c.AllowAtomicPublish || c.AllowBatchPublish || c.AllowRollup || !errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, nil
}

// stream is a stream as its blocks tell it.
type stream struct {
	name, subject string
	dir           string
	blocks        []*block // in order
	end           [checksumSize]byte
}

// list finds the blocks, and removes an empty one at the end.
func (s *stream) list() error {
	if err := s.find(); err != nil {
		return err
	}
	return s.dropEmpty()
}

// find finds the blocks.
func (s *stream) find() error {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	for _, e := range entries {
		n, ok := strings.CutSuffix(e.Name(), blockExt)
		if !ok {
			continue
		}
		number, err := strconv.ParseUint(n, 10, 32)
		if err != nil || strconv.FormatUint(number, 10) != n {
			s.blocks = nil
			return nil
		}
		s.blocks = append(s.blocks, &block{stream: s, number: uint32(number), file: filepath.Join(s.dir, e.Name())})
	}
	slices.SortFunc(s.blocks, func(a, b *block) int { return cmp.Compare(a.number, b.number) })
	return nil
}

// dropEmpty removes a last block that was made and not written to.
func (s *stream) dropEmpty() error {
	last := len(s.blocks) - 1
	if last < 1 {
		return nil
	}
	info, err := os.Stat(s.blocks[last].file)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	if info.Size() > 0 {
		return nil
	}
	if err := os.Remove(s.blocks[last].file); err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	s.blocks = s.blocks[:last]
	return nil
}

// expire removes the blocks at the beginning whose messages are all of the time or before,
// and reports how many. The last block stays: it knows where the stream ends.
func (s *stream) expire(before time.Time) (int, error) {
	n := 0
	for w := new(walker); len(s.blocks) > 1; n++ {
		b := s.blocks[0]
		// A block is as old as its last message: so most need not be read.
		info, err := os.Stat(b.file)
		if err != nil {
			return n, fmt.Errorf("storeindex: %w", err)
		}
		if info.ModTime().After(before) {
			break
		}
		if err := b.walk(w, 0); errors.Is(err, errUnclear) || err == nil && (b.first == 0 || b.lastTime > before.UnixNano()) {
			break
		} else if err != nil {
			return n, err
		}
		if err := os.Remove(b.file); err != nil {
			return n, fmt.Errorf("storeindex: %w", err)
		}
		s.blocks = s.blocks[1:]
	}
	return n, nil
}

// walk reads all blocks, and brings together what they say of each other's messages.
func (s *stream) walk() error {
	last := len(s.blocks) - 1
	var err error
	if s.end, err = s.blocks[last].verify(); err != nil {
		return err
	}
	var group errgroup.Group
	var next atomic.Int64
	for range min(last+1, atOnce) {
		group.Go(func() error {
			var w walker
			for i := next.Add(1) - 1; i <= int64(last); i = next.Add(1) - 1 {
				if err := s.blocks[i].walk(&w, 0); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, b := range s.blocks {
		switch {
		case i == 0 && b.first == 0:
			return errUnclear
		case i == 0:
		case i == last && b.first == 0: // tombstones alone
			b.first, b.last, b.lastTime = s.blocks[i-1].last+1, s.blocks[i-1].last, s.blocks[i-1].lastTime
		case b.first != s.blocks[i-1].last+1:
			return errUnclear
		}
	}
	return s.trim()
}

// trim takes away the messages at the beginning that were removed.
func (s *stream) trim() error {
	first, last := s.blocks[0].first, s.blocks[len(s.blocks)-1].last
	var removed []uint64
	for _, b := range s.blocks {
		for _, seq := range b.removed {
			if seq > last {
				return errUnclear
			}
			if seq >= first {
				removed = append(removed, seq)
			}
		}
	}
	slices.Sort(removed)
	removed = slices.Compact(removed)
	if len(removed) == 0 {
		return nil
	}
	// There is none that stays before one that was removed.
	first += uint64(len(removed))
	if removed[len(removed)-1] != first-1 {
		return errUnclear
	}
	// The block of the first one that stays is the first one left: the server deletes the
	// files of those before when it removes their messages.
	b := s.blocks[0]
	if first > b.last {
		return errUnclear
	}
	if first == b.first {
		return nil
	}
	return b.walk(new(walker), first)
}
