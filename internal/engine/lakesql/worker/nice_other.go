//go:build !linux

package worker

// giveWay does nothing where a thread has no priority of its own.
func giveWay(int) {}
