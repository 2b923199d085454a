//go:build !linux

package function

// syncFilesystem does nothing here: functions run on Linux.
func syncFilesystem(string) error { return nil }
