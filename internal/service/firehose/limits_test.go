package firehose

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m meter
	now := time.Unix(100, 0)
	for range 2 { // again in each second
		for i := range putsASecond + 1 {
			if ok := m.put(now); ok != (i < putsASecond) {
				t.Fatalf("put %d: %v", i, ok)
			}
		}
		for i := range 6 {
			if ok := m.record(1 << 20); ok != (i < 5) {
				t.Fatalf("record %d: %v", i, ok)
			}
		}
		now = now.Add(time.Second)
	}
	m.put(now)
	for i := range recordsASecond + 1 {
		if ok := m.record(0); ok != (i < recordsASecond) {
			t.Fatalf("record %d: %v", i, ok)
		}
	}
	if !m.put(now.Add(-time.Minute)) {
		t.Error("a clock that went back stops puts")
	}
}
