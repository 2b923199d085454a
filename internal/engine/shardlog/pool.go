package shardlog

import (
	"math/bits"
	"sync"
)

// Buffers of open frames come in sizes of powers of two, and go back when the frame is in its
// stream, unless a reader may hold on to records in them.

const (
	minBufferBits = 9
	maxBufferBits = 20

	// maxSpare bounds the bytes of buffers that nobody uses, of all sizes.
	maxSpare = 32 << 20
)

var frameBuffers bufferPool

// bufferPool keeps buffers over collections of garbage, which empty a sync.Pool: with many shards
// there are several of them between two frames of one. What nobody needs any more goes with trim.
type bufferPool struct {
	mu    sync.Mutex
	spare [maxBufferBits - minBufferBits + 1][][]byte
	least [maxBufferBits - minBufferBits + 1]int // how few there were since trim was called
	bytes int                                    // of all that are spare
}

// bufferClass is the class of the smallest buffers with room for n bytes.
func bufferClass(n int) int { return max(bits.Len(uint(max(n, 1)-1)), minBufferBits) - minBufferBits }

// get returns an empty buffer with room for n bytes.
func (p *bufferPool) get(n int) []byte {
	class := bufferClass(n)
	if class >= len(p.spare) {
		return make([]byte, 0, n)
	}
	if b := p.take(class); b != nil {
		return b
	}
	return make([]byte, 0, 1<<(class+minBufferBits))
}

// take returns a spare buffer of a class; nil when there is none.
func (p *bufferPool) take(class int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.spare[class]) - 1
	p.least[class] = min(p.least[class], max(last, 0))
	if last < 0 {
		return nil
	}
	b := p.spare[class][last]
	p.spare[class][last] = nil
	p.spare[class] = p.spare[class][:last]
	p.bytes -= cap(b)
	return b
}

// put takes a buffer back that nobody refers to any more. One of another size, or too much, is
// left to the collector.
func (p *bufferPool) put(b []byte) {
	class := bufferClass(cap(b))
	if class >= len(p.spare) || cap(b) != 1<<(class+minBufferBits) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bytes+cap(b) <= maxSpare {
		p.spare[class] = append(p.spare[class], b[:0])
		p.bytes += cap(b)
	}
}

// trim lets those buffers go that were spare all the time since it was called last.
func (p *bufferPool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for class := range p.spare {
		n := p.least[class] // the first ones, which are taken last
		for i := range n {
			p.bytes -= cap(p.spare[class][i])
		}
		p.spare[class] = append([][]byte(nil), p.spare[class][n:]...)
		p.least[class] = len(p.spare[class])
	}
}
