package objectstore

import (
	"slices"
	"testing"
	"time"
)

// TestVersionsAfter: what is behind a version is found by its id when it is gone too.
func TestVersionsAfter(t *testing.T) {
	var ids versionIDs
	begin := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	at := func(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }
	const old = "01ARZ3NDEKTSV4RRFFQ69G5FAV" // a ULID, of 2016
	id := []string{old, ids.next(at(1)), ids.next(at(2)), "", ids.next(at(4)), ids.next(at(5))}
	for n := 1; n < len(id); n++ {
		if id[n] != "" && !idTime(id[n]).Equal(at(n)) {
			t.Errorf("%s was made at %v, not %v", id[n], idTime(id[n]), at(n))
		}
	}
	if got := idTime(old).UTC().Format("2006-01-02T15:04:05.000"); got != "2016-07-30T23:54:10.259" {
		t.Errorf("the ULID is of %s", got)
	}
	var all []Info
	for n := len(id) - 1; n >= 0; n-- {
		all = append(all, Info{ModTime: at(n), Record: Record{Version: id[n]}})
	}
	all[len(all)-1].ModTime = idTime(old)
	name := func(list []Info) (names []string) {
		for _, v := range list {
			names = append(names, v.VersionID())
		}
		return names
	}
	for i, v := range all {
		behind := name(all[i+1:])
		if got := name(versionsAfter(all, v.VersionID())); !slices.Equal(got, behind) {
			t.Errorf("behind %s: %v", v.VersionID(), got)
		}
		without := slices.Delete(slices.Clone(all), i, i+1)
		if v.Version == "" {
			behind = name(without)
		}
		if got := name(versionsAfter(without, v.VersionID())); !slices.Equal(got, behind) {
			t.Errorf("behind %s, which is gone: %v, want %v", v.VersionID(), got, behind)
		}
	}
}
