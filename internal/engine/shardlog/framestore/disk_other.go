//go:build !linux

package framestore

import "os"

func syncData(f *os.File) error { return f.Sync() }

// writeAt writes the header last: nothing is there without it.
func writeAt(f *os.File, offset int64, header, data []byte) error {
	if _, err := f.WriteAt(data, offset+int64(len(header))); err != nil {
		return err
	}
	_, err := f.WriteAt(header, offset)
	return err
}

func beginWriting(*os.File, int64, int64) {}
