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
)

var frameBuffers [maxBufferBits - minBufferBits + 1]sync.Pool

// getFrameBuffer returns an empty buffer with room for n bytes.
func getFrameBuffer(n int) []byte {
	class := max(bits.Len(uint(n-1)), minBufferBits)
	if class > maxBufferBits {
		return make([]byte, 0, n)
	}
	if b, ok := frameBuffers[class-minBufferBits].Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// putFrameBuffer takes a buffer back that nobody refers to any more. One of another size is
// left to the collector.
func putFrameBuffer(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < minBufferBits || class > maxBufferBits || cap(b) != 1<<class {
		return
	}
	frameBuffers[class-minBufferBits].Put(&b)
}
