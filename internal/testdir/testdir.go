// Package testdir copies directories that a program is at work in: what a kill would leave of them.
package testdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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

// CopyAtOnce is Copy of a directory as it was at one time: a file that changes after another one was
// copied would make a state that no kill leaves. The directory must come to rest now and then.
func CopyAtOnce(t testing.TB, to, from string) {
	t.Helper()
	for n := 1; ; n++ {
		before, err := listing(from)
		if err == nil {
			Copy(t, to, from)
			var after string
			if after, err = listing(from); err == nil && before == after {
				return
			}
		}
		if n == tries || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s is never at rest: %v", from, err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
	}
}

// listing tells the files of a directory with their sizes and times.
func listing(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	return b.String(), err
}
