package objectstore

import (
	"reflect"
	"testing"
	"time"
)

func TestRecord(t *testing.T) {
	r := Record{
		ETag: "abc-2", Version: "v", Upload: "u", Headers: map[string]string{"content-type": "a=b%\n"},
		User: map[string]string{"n=1": "ü\x00"}, Tags: map[string]string{"k": ""}, Props: map[string]string{"class": "GLACIER"},
		Parts:  []Part{{1, 5 << 20, "sum="}, {7, 1, ""}},
		sealed: []stretch{{"ab", 5 << 20}, {"ab", 0}, {"", 1}, {"cd", 7}},
	}
	got, err := decodeRecord(r.encode())
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("eabc\nvx\npclass=A\nP1 2 x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decodeRecord(raw)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.encode())
		if err != nil || !reflect.DeepEqual(again.encode(), r.encode()) {
			t.Errorf("%q: %v", raw, err)
		}
	})
}

func TestVersionIDs(t *testing.T) {
	var ids versionIDs
	now := time.Now()
	last := ""
	for range 1000 {
		id := ids.next(now)
		if !IsVersionID(id) || len(id) != idLength || id <= last {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
	for _, id := range []string{"", "x", "../../../../../../../../../../..", "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD", last[:31] + "/", "null\x00"} {
		if IsVersionID(id) {
			t.Errorf("%q passes", id)
		}
	}
}
