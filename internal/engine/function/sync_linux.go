package function

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFilesystem makes durable all that was written to the file system of dir.
func syncFilesystem(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
