//go:build !linux

package objectstore

// exchange gives each of two files the other's name, in one step, where the system can.
func exchange(_, _ string) error { return ErrBadKey }
