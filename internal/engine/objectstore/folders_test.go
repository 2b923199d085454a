package objectstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// bigStore is a store with a bucket of many keys in few folders, and the keys.
func bigStore(t *testing.T) (*Store, map[string]bool) {
	t.Helper()
	s := sealedStore(t, t.TempDir(), nil, false)
	if err := s.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	for i := range bigFolder + 500 {
		for _, key := range []string{fmt.Sprintf("k%05d", i), fmt.Sprintf("deep/er/k%05d", i)} {
			path := s.file("b", key)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			keys[key] = true
		}
	}
	s.folders.now = func() time.Time { return time.Now().Add(time.Hour) } // all folders have long settled
	return s, keys
}

// tick returns when the file system's clock has gone on: a change is then seen by its time.
func tick(t *testing.T, s *Store) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe")
	var before time.Time
	for i := 0; ; i++ {
		if err := os.Mkdir(probe, 0o755); err != nil {
			t.Fatal(err)
		}
		at, ok := changed(os.Lstat(probe))
		if err := os.Remove(probe); err != nil {
			t.Fatal(err)
		}
		if !ok || i > 0 && at.After(before) {
			return
		}
		before = at
	}
}

// pages lists all keys that begin with a prefix, by pages of a size, and calls between between them.
func pages(t *testing.T, s *Store, prefix string, size int, between func(last string)) (keys []string) {
	t.Helper()
	q := List{Prefix: prefix, Max: size}
	for {
		page, err := s.List(t.Context(), "b", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			keys = append(keys, e.Key)
		}
		if !page.Truncated {
			return keys
		}
		q.Token = page.Token
		if between != nil {
			between(page.Last)
		}
	}
}

func sorted(keys map[string]bool, prefix string) (list []string) {
	for key := range keys {
		if strings.HasPrefix(key, prefix) {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// TestBigFolders: a bucket whose names are kept between pages is listed as it is, whatever is changed meanwhile.
func TestBigFolders(t *testing.T) {
	s, keys := bigStore(t)
	for _, prefix := range []string{"", "k", "k0", "k001", "k9", "deep", "deep/", "deep/er/k01", "e", "a"} {
		if got, want := pages(t, s, prefix, 700, nil), sorted(keys, prefix); !slices.Equal(got, want) {
			t.Errorf("prefix %q: %d keys, want %d", prefix, len(got), len(want))
		}
	}
	if n := len(s.folders.byDir); n != 2 && n != 0 { // none where the time of a change is not known
		t.Errorf("%d folders are kept", n)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 10 {
		added, removed := map[string]bool{}, map[string]bool{}
		got := pages(t, s, "", 900, func(last string) {
			tick(t, s)
			switch key := fmt.Sprintf("%s-%d", last, r.IntN(9)); round % 4 {
			case 0:
				putBytes(t, s, key, []byte("x"))
				added[key] = true
			case 1: // an object becomes a folder beside itself
				putBytes(t, s, last+"/below", []byte("x"))
				added[last+"/below"] = true
			case 2:
				for _, victim := range sorted(keys, "") {
					if victim > last {
						if _, err := s.Delete(t.Context(), "b", victim, Delete{}); err != nil {
							t.Fatal(err)
						}
						removed[victim] = true
						break
					}
				}
			case 3: // somebody else's file
				if err := os.WriteFile(s.file("b", key), nil, 0o644); err != nil {
					t.Fatal(err)
				}
				added[key] = true
			}
		})
		for key := range added {
			keys[key] = true
		}
		for key := range removed {
			delete(keys, key)
		}
		if want := sorted(keys, ""); !slices.Equal(got, want) {
			t.Errorf("round %d: %d keys, want %d", round, len(got), len(want))
		}
	}
}

// TestFolderCacheBounds: names are kept of folders that have long been as they are, and of no more than fit.
func TestFolderCacheBounds(t *testing.T) {
	s, _ := bigStore(t)
	s.folders.now = nil
	pages(t, s, "", 1000, nil)
	if len(s.folders.byDir) != 0 {
		t.Error("a folder that has just been changed is kept")
	}
	c := &folderCache{now: func() time.Time { return time.Now().Add(time.Hour) }}
	dir := t.TempDir()
	for i := range 5 {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		at, ok := changed(os.Lstat(path))
		if !ok {
			t.Skip("when a folder was changed is not known here")
		}
		c.keep(path, &names{text: make([]byte, 0, maxFolders/3), items: make([]nameItem, bigFolder)}, at)
		c.get(filepath.Join(dir, "0")) // which is used
		if c.size > maxFolders {
			t.Errorf("%d bytes are kept", c.size)
		}
	}
	if c.get(filepath.Join(dir, "0")) == nil || c.get(filepath.Join(dir, "4")) == nil || len(c.byDir) != 2 {
		t.Errorf("%d folders are kept, not the last and the one that is used", len(c.byDir))
	}
	if err := os.Remove(filepath.Join(dir, "0")); err != nil {
		t.Fatal(err)
	}
	if c.get(filepath.Join(dir, "0")) != nil || c.size > maxFolders/2 {
		t.Error("a folder that is gone is kept")
	}
}

// TestBigFolderHoldsBucket: a bucket with a big folder is not empty.
func TestBigFolderHoldsBucket(t *testing.T) {
	s, _ := bigStore(t)
	for range 2 {
		if err := s.DeleteBucket(t.Context(), "b", nil); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("%v", err)
		}
	}
}
