//go:build linux

package shardlog

import "testing"

// TestFront runs tests of the log with a journal for small appends, those that do not know
// which append comes into which frame.
func TestFront(t *testing.T) {
	fronted = true
	defer func() { fronted = false }()
	t.Run("ConcurrentAppends", TestConcurrentAppends)
	t.Run("Shards", TestShards)
	t.Run("ManyShards", TestManyShards)
	t.Run("ExpiredStayAway", TestExpiredStayAway)
	t.Run("Full", TestFull)
	t.Run("FullOfSmall", func(t *testing.T) {
		defer func(n int) { fullBytes = n }(fullBytes)
		fullBytes = 20 << 10
		TestFull(t)
	})
	t.Run("Kill", TestKill)
	t.Run("KillResting", func(t *testing.T) { testKill(t, true) })
}
