package testdir_test

import (
	"fmt"
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
