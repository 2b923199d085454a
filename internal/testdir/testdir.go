// Package testdir copies directories that a program is at work in: what a kill would leave of them.
package testdir

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

// tries is how often a copy is begun before the test fails: files come and go for a moment, not for ever.
const tries = 1000

// Copy copies a directory, whose owner goes on with it, to one that is empty or not there. A file may be
// removed or get another name between the listing and the copy. Then it copies all of it again, since
// what has the other name may have been passed.
func Copy(t testing.TB, to, from string) {
	t.Helper()
	for n := 1; ; n++ {
		err := os.CopyFS(to, os.DirFS(from))
		if err == nil {
			return
		}
		if _, gone := os.Lstat(from); gone != nil || n == tries || !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
}
