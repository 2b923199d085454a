package delivery

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Budget is the memory that buffers of all pipelines may hold. The zero Budget is
// DefaultBudget.
type Budget struct {
	Limit int64 // bytes; 0: DefaultBudget
	used  atomic.Int64
}

// DefaultBudget is the memory for buffers when none is set.
const DefaultBudget = 128 << 20

func (b *Budget) add(n int64) { b.used.Add(n) }

// Used is the memory held now.
func (b *Budget) Used() int64 { return b.used.Load() }

func (b *Budget) over() bool {
	limit := b.Limit
	if limit == 0 {
		limit = DefaultBudget
	}
	return b.used.Load() > limit
}

const blockSize = 32 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// spool holds an object while it is made: in memory, or, once told to, in a temporary
// file that has no name and so goes with the process. Its encoder may write while others
// ask for its memory or move it to a file; it is read when it is finished.
type spool struct {
	dir string

	mu     sync.Mutex
	blocks []*[blockSize]byte
	file   *os.File
	tail   *[blockSize]byte // of what was written, not in the file yet; rows are small
	held   int              // bytes of tail
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	n := len(p)
	s.mu.Lock() // and no defer: this is once a row
	if s.file != nil {
		err := s.append(p)
		s.mu.Unlock()
		return n, err
	}
	for len(p) > 0 {
		at := int(s.size % blockSize)
		if at == 0 && s.size == int64(len(s.blocks))*blockSize {
			s.blocks = append(s.blocks, blocks.Get().(*[blockSize]byte))
		}
		c := copy(s.blocks[len(s.blocks)-1][at:], p)
		s.size += int64(c)
		p = p[c:]
	}
	s.mu.Unlock()
	return n, nil
}

// append writes behind what the file has.
func (s *spool) append(p []byte) error {
	s.size += int64(len(p))
	for len(p) > 0 {
		if s.held == 0 && len(p) >= blockSize {
			_, err := s.file.Write(p)
			return err
		}
		if s.tail == nil {
			s.tail = blocks.Get().(*[blockSize]byte)
		}
		c := copy(s.tail[s.held:], p)
		s.held += c
		p = p[c:]
		if s.held == blockSize {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush has the file hold all that was written, which it must before it is read.
func (s *spool) flush() error {
	if s.held == 0 {
		return nil
	}
	_, err := s.file.Write(s.tail[:s.held])
	s.held = 0
	return err
}

// memory is what the spool holds of it.
func (s *spool) memory() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := int64(len(s.blocks)) * blockSize
	if s.tail != nil {
		n += blockSize
	}
	return n
}

// toFile moves what was written, and all that follows, to a file.
func (s *spool) toFile() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		return nil
	}
	f, err := os.CreateTemp(s.dir, "delivery-*")
	if err != nil {
		return fmt.Errorf("delivery: spill a buffer: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(fmt.Errorf("delivery: spill a buffer: %w", err), f.Close())
	}
	left := s.size
	for _, b := range s.blocks {
		n := min(left, blockSize)
		if _, err := f.Write(b[:n]); err != nil {
			return errors.Join(fmt.Errorf("delivery: spill a buffer: %w", err), f.Close())
		}
		left -= n
	}
	s.file = f
	s.release()
	return nil
}

func (s *spool) release() {
	for _, b := range s.blocks {
		blocks.Put(b)
	}
	s.blocks = nil
	if s.tail != nil {
		blocks.Put(s.tail)
		s.tail = nil
	}
}

// finish ends the writing.
func (s *spool) finish() error {
	if s.file == nil {
		return nil
	}
	err := s.flush()
	s.release()
	return err
}

// body reads what was written, independently of other bodies.
func (s *spool) body() io.ReadSeeker {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return io.NewSectionReader(blockReader{s}, 0, s.size)
}

func (s *spool) close() {
	s.release()
	if s.file != nil {
		s.file.Close() // nothing is left to lose: the file has no name
		s.file = nil
	}
}

type blockReader struct{ s *spool }

func (r blockReader) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		if off >= r.s.size {
			return n, io.EOF
		}
		b := r.s.blocks[off/blockSize]
		at := off % blockSize
		end := min(int64(blockSize), at+r.s.size-off)
		c := copy(p[n:], b[at:end])
		n += c
		off += int64(c)
	}
	return n, nil
}
