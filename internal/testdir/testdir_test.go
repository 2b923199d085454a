package testdir_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/brookmere/brookmere/internal/testdir"
)

// TestCopy copies a directory while its files get other names: a copy has all of them, under the one or
// the other.
func TestCopy(t *testing.T) {
	for range 20 {
		from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
		const files = 30
		for i := range files {
			if err := os.WriteFile(filepath.Join(from, fmt.Sprintf("%02d.old", i)), fmt.Append(nil, i), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		renamed := make(chan error)
		go func() {
			var err error
			for i := files - 1; err == nil && i >= 0; i-- {
				err = os.Rename(filepath.Join(from, fmt.Sprintf("%02d.old", i)), filepath.Join(from, fmt.Sprintf("%02d.new", i)))
			}
			renamed <- err
		}()
		testdir.Copy(t, to, from)
		if err := <-renamed; err != nil {
			t.Fatal(err)
		}
		all, err := filepath.Glob(filepath.Join(to, "*"))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, file := range all {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got[string(data)] = true
		}
		for i := range files {
			if !got[fmt.Sprint(i)] {
				t.Errorf("file %d is in none of %q", i, slices.Sorted(slices.Values(all)))
			}
		}
	}
}

// TestCopyAtOnce copies a directory while one file is written to, and then another one: no copy has more of
// the second.
func TestCopyAtOnce(t *testing.T) {
	from := t.TempDir()
	first, second := filepath.Join(from, "1"), filepath.Join(from, "2")
	grow := func(file string) error {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString("x")
			err = errors.Join(err, f.Close())
		}
		return err
	}
	grown := make(chan error)
	go func() {
		var err error
		for n := 0; err == nil && n < 2000; n++ {
			err = errors.Join(grow(first), grow(second))
		}
		grown <- err
	}()
	size := func(dir, name string) int64 {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for growing := true; growing; {
		select {
		case err := <-grown:
			if err != nil {
				t.Fatal(err)
			}
			growing = false
		default:
		}
		to := filepath.Join(t.TempDir(), "copy")
		testdir.CopyAtOnce(t, to, from)
		if one, two := size(to, "1"), size(to, "2"); two > one {
			t.Errorf("the copy has %d bytes of the first file, and %d of the second", one, two)
		}
	}
}
