package columnar

import (
	"math/bits"
	"sync"
)

// pages is where the encoded pages of all writers lie until their row group ends. They
// grow by doubling; what one column has outgrown another takes.
var pages pageMemory

// pageMemory is an arrow allocator that keeps some of the memory that is freed. What is
// not freed is left to the garbage collector.
type pageMemory struct {
	mu   sync.Mutex
	free [maxPageClass][][]byte
	idle int // bytes in free
}

const (
	minPageClass = 10 // 1 KiB, as a power of two
	maxPageClass = 27
	maxIdlePages = 32 << 20
)

// pageClass is the power of two that holds size bytes; 0 for what is not worth keeping.
func pageClass(size int) int {
	if c := bits.Len(uint(size - 1)); size > 0 && c >= minPageClass && c < maxPageClass {
		return c
	}
	return 0
}

func (m *pageMemory) Allocate(size int) []byte {
	b, used := m.take(size)
	if used {
		clear(b)
	}
	return b
}

// take returns memory, and whether it was used before.
func (m *pageMemory) take(size int) (b []byte, used bool) {
	c := pageClass(size)
	if c == 0 {
		return make([]byte, size), false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.free[c]); n > 0 {
		b = m.free[c][n-1]
		m.free[c][n-1] = nil
		m.free[c] = m.free[c][:n-1]
		m.idle -= len(b)
		return b[:size], true
	}
	return make([]byte, size, 1<<c), false
}

func (m *pageMemory) Reallocate(size int, b []byte) []byte {
	if cap(b) >= size {
		if n := len(b); n < size {
			clear(b[n:size])
		}
		return b[:size]
	}
	grown, used := m.take(size)
	if n := copy(grown, b); used {
		clear(grown[n:])
	}
	m.Free(b)
	return grown
}

func (m *pageMemory) Free(b []byte) {
	c := pageClass(cap(b))
	if c == 0 || cap(b) != 1<<c {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idle+cap(b) <= maxIdlePages {
		m.free[c] = append(m.free[c], b[:cap(b)])
		m.idle += cap(b)
	}
}
