package storeindex

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Inspection is what the files of a stream say of it.
type Inspection struct {
	Stream string
	Plain  bool             // of the kind that Update knows: messages in sequence, removed at the beginning alone
	First  uint64           // sequence of the first record of the first block, where it was read
	Last   uint64           // sequence of the last record; 0 when there is none
	Blocks map[string]int64 // sizes of the block files by name
	Faults []Fault

	from uint64 // the first message that need not be synced; 0: not known
}

// Fault is something wrong with one file of a stream.
type Fault struct {
	File string // its path
	What string
	Bad  []Span // records that are not what was written
	Last uint64 // the stream ends before this sequence, which it did hold; 0: not so
}

// unsynced is how many bytes at the end of a stream a loss of power may have reached, where
// each change is synced before anybody is told of it, and no journal tells more.
const unsynced = 256 << 10

// Span is where bytes of a file are that cannot be used.
type Span struct{ From, To int64 }

// Depth is how much Inspect reads. Of streams that are not plain it verifies every record
// in any case.
type Depth int

const (
	Ends     Depth = iota // where each stream ends
	LastOnes              // and verify its last block, as after a kill
	All                   // verify every record
)

// Inspect looks at the stream in the directory without changing anything: whether its
// description can be read, whether a block is missing between others, whether records are
// what was written, and whether it ends before its index says it did. A record that is not
// whole at the end of the last block is no fault: a kill leaves that. After a loss of power,
// what was not synced may be missing, torn anywhere near its end, or known to the index
// alone; with powerLost that is no fault either. From is the first message that a journal has,
// so that it need not be synced; 0: none. The server must not run.
func Inspect(dir string, depth Depth, powerLost bool, from uint64, now time.Time) (*Inspection, error) {
	in := &Inspection{Stream: filepath.Base(dir), Blocks: map[string]int64{}, from: from}
	s := &stream{name: in.Stream, dir: filepath.Join(dir, "msgs")}
	if err := s.find(); err != nil {
		return nil, err
	}
	held := int64(0)
	for _, b := range s.blocks {
		info, err := os.Stat(b.file)
		if err != nil {
			return nil, fmt.Errorf("storeindex: %w", err)
		}
		in.Blocks[filepath.Base(b.file)] = info.Size()
		held += info.Size()
	}
	metaFile := filepath.Join(dir, server.JetStreamMetaFile)
	meta, err := os.ReadFile(metaFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("storeindex: %w", err)
	}
	var info server.FileStreamInfo
	if err := json.Unmarshal(meta, &info); err != nil || info.Name != in.Stream {
		if held > 0 { // a kill leaves an empty one while the stream is being made
			in.fault(metaFile, "the description of a stream that has messages is missing or damaged")
		}
		return in, nil
	}
	cfg, err := plain(dir)
	if err != nil {
		return nil, err
	}
	in.Plain = cfg != nil
	for i, b := range s.blocks {
		last := i == len(s.blocks)-1
		if in.Plain && i > 0 && !powerLost && b.number != s.blocks[i-1].number+1 {
			in.fault(b.file, "the block before it is missing")
		}
		if depth < All && in.Plain && !last {
			if depth == LastOnes && !powerLost {
				if err := in.walk(b, s.blocks[i+1]); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := in.inspect(b, last, depth > Ends || !in.Plain, powerLost); err != nil {
			return nil, err
		}
	}
	// A kill, or a full disk, leaves a last block with no message that is whole.
	var w walker
	for i := len(s.blocks) - 2; i >= 0 && in.Plain && in.Last == 0; i-- {
		if in.Last, _, err = s.blocks[i].heads(&w, in); err != nil {
			return nil, err
		}
	}
	var known bounds
	ok := false
	if !failed(dir) {
		known, ok = boundsOf(filepath.Join(s.dir, indexFile), in.Stream)
	}
	if last := known.last; last > in.Last && !powerLost {
		in.Faults = append(in.Faults, Fault{File: s.dir, Last: last,
			What: fmt.Sprintf("the last message is %d, the index has known %d: blocks are missing or cut off", in.Last, last)})
	}
	// Removing messages before their age is noted, and then brings the index up to date.
	if !ok {
		known = bounds{first: max(1, info.FirstSeq), firstTime: info.Created}
	}
	known.first = max(known.first, trimOf(dir), 1) // of a stream that was empty the index says 0
	if in.Plain && !powerLost && in.First > known.first && (cfg.MaxAge == 0 || now.Sub(known.firstTime) < cfg.MaxAge) {
		in.fault(s.dir, fmt.Sprintf("the first message is %d, which was %d: blocks are missing", in.First, known.first))
	}
	return in, nil
}

func (in *Inspection) fault(file, what string, bad ...Span) {
	in.Faults = append(in.Faults, Fault{File: file, What: what, Bad: bad})
}

// walk goes over the heads of the records of a block that another one follows: its messages
// follow each other, and it ends where that begins.
func (in *Inspection) walk(b, next *block) error {
	var w walker
	last, size, err := b.heads(&w, in)
	if err != nil {
		return err
	}
	if size != in.Blocks[filepath.Base(b.file)] {
		in.fault(b.file, "it is cut off, or records in it are not what was written")
		return nil
	}
	f, err := os.Open(next.file)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	w.buf, w.at = w.buf[:0], 0
	head, err := w.peek(f, 0, recordHeader)
	if err != nil {
		return err
	}
	if r, ok := parse(head); ok && last > 0 && r.sequence&(isTombstone|isErased) == 0 && r.sequence != last+1 {
		in.fault(b.file, fmt.Sprintf("it ends with message %d, the next file begins with %d", last, r.sequence))
	}
	return nil
}

// heads goes over the records of the block as long as they can be, and tells the sequence
// of the last and where it ends.
func (b *block) heads(w *walker, in *Inspection) (last uint64, off int64, err error) {
	f, err := os.Open(b.file)
	if err != nil {
		return 0, 0, fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	w.buf, w.at = w.buf[:0], 0
	for size := in.Blocks[filepath.Base(b.file)]; off < size; {
		head, err := w.peek(f, off, recordHeader)
		if err != nil {
			return 0, 0, err
		}
		r, ok := parse(head)
		seq := r.sequence &^ (isErased | isTombstone)
		message := r.sequence == seq
		if !ok || off+r.length > size || message && last > 0 && seq != last+1 {
			return last, off, nil
		}
		if message && in.First == 0 && b == b.stream.blocks[0] {
			in.First = seq
		}
		if r.sequence&isTombstone == 0 {
			last = seq
		}
		off += r.length
	}
	return last, off, nil
}

// inspect goes over the records of a block. Where a record cannot be found any more, the
// rest of the block is bad.
func (in *Inspection) inspect(b *block, last, verify, powerLost bool) error {
	f, err := os.Open(b.file)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBlock))
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	h, err := b.hash()
	if err != nil {
		return err
	}
	var bad []Span
	firstBad := uint64(0) // message that the first bad record was, or is now
	off, whole := 0, 0
	for off < len(data) {
		r, ok := parse(data[off:])
		if !ok || r.length > int64(len(data)-off) {
			break
		}
		rec := data[off : off+int(r.length)]
		end := off + len(rec)
		if verify && !checksumHolds(h, r, rec) {
			if len(bad) == 0 {
				if firstBad = r.sequence &^ (isErased | isTombstone); whole > 0 {
					firstBad = in.Last + 1
				}
			}
			bad = append(bad, Span{int64(off), int64(end)})
		} else {
			whole = end
			if in.First == 0 && b == b.stream.blocks[0] && r.sequence&(isErased|isTombstone) == 0 {
				in.First = r.sequence
			}
			in.Last = max(in.Last, r.sequence&^(isErased|isTombstone))
		}
		off = end
	}
	if off < len(data) {
		bad = append(bad, Span{int64(off), int64(len(data))})
	}
	if last && len(bad) > 0 && bad[0].From >= int64(whole) { // torn, not changed: nothing whole follows
		return nil
	}
	if last && powerLost && len(bad) > 0 && (bad[0].From >= int64(len(data)-unsynced) || in.from > 0 && firstBad >= in.from) {
		return nil
	}
	if len(bad) > 0 {
		in.fault(b.file, fmt.Sprintf("%d records are not what was written", len(bad)), bad...)
	}
	return nil
}

// trimFile in the stream's directory has the sequence before which messages were removed, or
// were about to be.
const trimFile = "trim"

// NoteTrim notes that messages before the sequence are about to be removed. It is not
// synced: a kill keeps it, and after a loss of power nobody asks.
func NoteTrim(dir string, first uint64) error {
	if first <= trimOf(dir) {
		return nil
	}
	file := filepath.Join(dir, trimFile)
	err := os.WriteFile(file+".tmp", strconv.AppendUint(nil, first, 10), 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the stream is not there, which the server says
	}
	if err == nil {
		err = os.Rename(file+".tmp", file)
	}
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

func trimOf(dir string) uint64 {
	b, err := os.ReadFile(filepath.Join(dir, trimFile))
	if err != nil {
		return 0
	}
	first, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0
	}
	return first
}

// bounds are the ends of a stream as its index has them.
type bounds struct {
	first, last uint64
	firstTime   time.Time
}

// boundsOf is false for an index that the server would not believe either.
func boundsOf(file, stream string) (bounds, bool) {
	index, err := os.ReadFile(file)
	if err != nil || len(index) < 2+checksumSize || index[0] != indexMagic || index[1] != indexVersion {
		return bounds{}, false
	}
	end := len(index) - checksumSize
	sum, err := indexSum(stream, index[:end])
	if err != nil || string(sum) != string(index[end:]) {
		return bounds{}, false
	}
	b := index[2:end]
	var v [5]uint64 // messages, bytes, first sequence, first time, last sequence
	for i := range v {
		n := 0
		if i == 3 {
			var t int64
			t, n = binary.Varint(b)
			v[i] = uint64(t)
		} else {
			v[i], n = binary.Uvarint(b)
		}
		if n <= 0 {
			return bounds{}, false
		}
		b = b[n:]
	}
	return bounds{v[2], v[4], time.Unix(0, int64(v[3]))}, true
}

// Cut writes the block without the spans, and takes away the index, which knew them. The
// server must not run.
func Cut(file string, bad []Span) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	var kept []byte
	at := int64(0)
	for _, s := range bad {
		kept = append(kept, data[at:s.From]...)
		at = s.To
	}
	kept = append(kept, data[at:]...)
	tmp := file + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	_, err = f.Write(kept)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, file)
	}
	if err == nil {
		err = ForgetIndex(filepath.Dir(filepath.Dir(file)))
	}
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

// ForgetIndex makes the server read the stream in the directory by its blocks.
func ForgetIndex(dir string) error {
	if err := os.Remove(filepath.Join(dir, "msgs", indexFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

// EndAt makes a stream end at the sequence, by a block with the mark of a message that was
// removed: so the sequences of messages that are lost are not given out again.
func EndAt(dir string, seq uint64) error {
	s := &stream{name: filepath.Base(dir), dir: filepath.Join(dir, "msgs")}
	if err := s.find(); err != nil {
		return err
	}
	b := &block{stream: s, number: 1}
	if n := len(s.blocks); n > 0 {
		var in Inspection
		if err := in.inspect(s.blocks[n-1], true, false, false); err != nil || in.Last >= seq {
			return err
		}
		b.number = s.blocks[n-1].number + 1
	}
	rec := make([]byte, recordHeader, recordHeader+checksumSize)
	le.PutUint32(rec, recordHeader+checksumSize)
	le.PutUint64(rec[4:], seq|isErased)
	h, err := b.hash()
	if err != nil {
		return err
	}
	h.Write(rec[4:20])
	rec = h.Sum(rec)
	file := filepath.Join(s.dir, fmt.Sprintf("%d%s", b.number, blockExt))
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	if err := os.WriteFile(file, rec, 0o600); err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	return ForgetIndex(dir)
}
