package shardlog

import "testing"

// TestFront runs tests of the log with a journal for small appends.
func TestFront(t *testing.T) {
	fronted = true
	defer func() { fronted = false }()
	t.Run("ConcurrentAppends", TestConcurrentAppends)
	t.Run("Shards", TestShards)
	t.Run("Wait", TestWait)
	t.Run("ManyShards", TestManyShards)
	t.Run("Rest", TestRest)
	t.Run("SeekTrimAge", TestSeekTrimAge)
	t.Run("ExpiredStayAway", TestExpiredStayAway)
	t.Run("AppendRead", TestAppendRead)
	t.Run("Full", TestFull)
	t.Run("Kill", TestKill)
}
