package storeindex

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Mend cuts the stream in the directory off at the first message that is not there, or is
// not what was written, if its sequence is from or after it: of those, which were not
// synced, a loss of power may leave anything, those before are durable. Streams that are
// not of the plain kind it leaves alone. The server must not run.
func Mend(dir string, from uint64) error {
	cfg, err := plain(dir)
	if cfg == nil || err != nil {
		return err
	}
	s := &stream{name: cfg.Name, subject: cfg.Subjects[0], dir: filepath.Join(dir, "msgs")}
	if err := s.list(); err != nil {
		return err
	}
	start, err := s.blockOf(from)
	if err != nil {
		return err
	}
	var next uint64 // sequence of the next message; 0: not known
	for i := start; i < len(s.blocks); i++ {
		whole, size, err := s.blocks[i].written(&next, from)
		if err != nil {
			return err
		}
		if whole == size {
			continue
		}
		if next > 0 && next < from {
			return nil // damage to what was durable, which readers are told of
		}
		return s.cut(i, whole)
	}
	return nil
}

// blockOf finds a block that begins at or before the message of the sequence.
func (s *stream) blockOf(seq uint64) (int, error) {
	var w walker
	for i := len(s.blocks) - 1; i > 0; i-- {
		f, err := os.Open(s.blocks[i].file)
		if err != nil {
			return 0, fmt.Errorf("storeindex: %w", err)
		}
		w.buf = w.buf[:0]
		head, err := w.peek(f, 0, recordHeader)
		f.Close()
		if err != nil {
			return 0, err
		}
		if r, ok := parse(head); ok && r.sequence > 0 && r.sequence <= seq {
			return i, nil
		}
	}
	return 0, nil
}

// written reports how much of the block is as it was written: records that are whole, in
// sequence, and with a valid checksum if they are from the sequence on. It moves next on.
func (b *block) written(next *uint64, from uint64) (whole, size int, err error) {
	f, err := os.Open(b.file)
	if err != nil {
		return 0, 0, fmt.Errorf("storeindex: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBlock))
	if err != nil {
		return 0, 0, fmt.Errorf("storeindex: %w", err)
	}
	h, err := b.hash()
	if err != nil {
		return 0, 0, err
	}
	for off := 0; off < len(data); off = whole {
		r, ok := parse(data[off:])
		if !ok || r.length > int64(len(data)-off) {
			break
		}
		rec := data[off : off+int(r.length)]
		seq := r.sequence &^ (isErased | isTombstone)
		message := r.sequence == seq
		if message && (seq == 0 || *next > 0 && seq != *next) {
			break
		}
		if (!message || seq >= from) && !checksumHolds(h, r, rec) {
			break
		}
		if message {
			*next = seq + 1
		}
		whole = off + int(r.length)
	}
	return whole, len(data), nil
}

// cut makes the stream end in block i, after so many bytes of it. What the index says of
// the messages after that must not be believed.
func (s *stream) cut(i, whole int) error {
	var err error
	if whole > 0 {
		err = truncate(s.blocks[i].file, int64(whole))
		i++
	}
	for _, b := range s.blocks[i:] {
		err = errors.Join(err, os.Remove(b.file))
	}
	if e := os.Remove(filepath.Join(s.dir, indexFile)); !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("storeindex: cut off what was not synced: %w", err)
	}
	return nil
}

func truncate(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return errors.Join(f.Truncate(size), f.Sync())
}
