package recordplan

import (
	"strings"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
)

func TestOwnerKnowsItsKeys(t *testing.T) {
	const secret, stream = "firehose/1/r/abc", "a.stream-1"
	o := NewOwner(secret, stream)
	plan, err := New("1", Spec{ID: "x", Owner: secret, Name: stream, Version: "7", Bucket: "b", Prefix: "p/!{timestamp:yyyy}/a.stream-1-", ErrorPrefix: "e/", Extension: ".json-2.gz"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	_, key := plan.Name(delivery.ObjectInfo{Arrival: at})
	want := ObjectKey{Prefix: "p/2026/a.stream-1-", Version: "7", Time: "2026-01-02-03-04-05", Extension: ".json-2.gz"}
	if k, ok := o.Parse(key); !ok || k != want {
		t.Errorf("%s: got %+v, %v", key, k, ok)
	}
	merged := o.Key(stream, want, delivery.NewObjectID("m", key))
	if k, ok := o.Parse(merged); !ok || k != want || merged == key {
		t.Errorf("%s: got %+v, %v", merged, k, ok)
	}
	_, failed := plan.Name(delivery.ObjectInfo{Partition: delivery.ErrorMark + ProcessingFailed, Arrival: at})
	digit := strings.LastIndex(key, ".json") - 12
	for _, foreign := range []string{
		"", "copy/" + key, strings.Replace(key, "2026/", "2025/", 1), key + "x", strings.Replace(key, "-7-", "-8-", 1),
		key[:digit] + string('0'+'1'-key[digit]%2) + key[digit+1:], failed,
	} {
		if k, ok := o.Parse(foreign); ok {
			t.Errorf("%s: got %+v", foreign, k)
		}
	}
	if _, ok := NewOwner("other", stream).Parse(key); ok {
		t.Error("another owner takes the key")
	}
}
