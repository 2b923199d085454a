package storeindex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// # Failed writes
//
// When the server cannot write a message to a block, it has counted it already, and may put it
// into the index: a message that nobody was told is stored, and that no block has. Such an index
// says falsely that blocks are missing, and the server, which believes it, would go on behind the
// sequence of the message, which no message would have then. So the stream is marked when a write
// fails, and opened by its blocks from then on.

// failedFile in the stream's directory says that the index cannot be believed.
const failedFile = "failed"

// NoteFailed notes that a write to a file of the stream in the directory has failed. It is not
// synced: a kill keeps it, and after a loss of power the index is not asked.
func NoteFailed(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, failedFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the stream is gone
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

// DropFailed forgets the index of a stream that was marked, and then the mark. The server must
// not run.
func DropFailed(dir string) error {
	if !failed(dir) {
		return nil
	}
	if err := ForgetIndex(dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, failedFile)); err != nil {
		return fmt.Errorf("storeindex: %w", err)
	}
	return nil
}

func failed(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, failedFile))
	return err == nil
}
