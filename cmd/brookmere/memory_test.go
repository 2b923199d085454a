package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestMemoryLimit(t *testing.T) {
	for live, want := range map[uint64]int64{
		0:         memoryFloor,
		67 << 20:  memoryFloor,
		200 << 20: 506 << 20,
		800 << 20: 1256 << 20,
	} {
		if got := memoryLimit(live); got != want {
			t.Errorf("the limit of a heap of %d MiB is %d MiB, want %d", live>>20, got>>20, want>>20)
		}
	}
}

// TestHoldMemory changes the limit: each collection sets it again.
func TestHoldMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	holdMemory()
	for range 3 {
		debug.SetMemoryLimit(math.MaxInt64)
		deadline := time.Now().Add(time.Minute)
		for debug.SetMemoryLimit(-1) == math.MaxInt64 {
			if time.Now().After(deadline) {
				t.Fatal("the limit is not set by a collection")
			}
			runtime.GC()
			runtime.Gosched()
		}
	}
}
