package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// garbagePercent trades memory for time: a node's heap is small beside the copies that
// each put makes, and a quarter as many collections as Go's default save a sixth of the
// processor under load. GOGC has the last word.
const garbagePercent = 400

// memoryFloor is what the Go heap may grow to before garbage is collected more eagerly
// than garbagePercent says: the process stays below 512 MiB whatever it is doing, unless
// what it really holds is more. GOMEMLIMIT has the last word.
const memoryFloor = 340 << 20

// memoryRoom is how far the limit is above a large heap, with a quarter of that: the runtime
// takes some of it for itself, and with little of it left collects all the time. Each collection takes some 10 ms, and
// puts that come then are the slowest: with 96 MiB, the slowest hundredth of puts to 64 shards took a fifth longer.
const memoryRoom = 256 << 20

// memoryLimit is the limit for a heap that holds so many bytes.
func memoryLimit(live uint64) int64 {
	return max(memoryFloor, int64(live+live/4)+memoryRoom)
}

// holdMemory keeps the memory limit above what the heap holds, from each collection to the next.
// Streams that many shards write to take a hundred megabytes a second, so that a limit that is set
// now and then is reached before.
func holdMemory() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetMemoryLimit(memoryLimit(live[0].Value.Uint64()))
	// The next collection finds that nobody holds this.
	runtime.SetFinalizer(new([64]byte), func(*[64]byte) { holdMemory() })
}
