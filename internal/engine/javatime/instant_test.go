package javatime

import (
	"testing"
	"time"
)

// TestInstant: the earlier of two moments, and what no clock shows, as Joda-Time and java.time resolve them.
func TestInstant(t *testing.T) {
	for _, c := range []struct{ zone, wall, want, near, wantNear string }{
		{"America/New_York", "2020-11-01T01:30:00Z", "2020-11-01T05:30:00Z", "2020-11-02T00:00:00Z", "2020-11-01T06:30:00Z"},
		{"America/New_York", "2020-11-01T01:30:00Z", "2020-11-01T05:30:00Z", "2020-10-31T00:00:00Z", "2020-11-01T05:30:00Z"},
		{"America/New_York", "2020-03-08T02:30:00Z", "2020-03-08T07:30:00Z", "2020-03-09T00:00:00Z", "2020-03-08T07:30:00Z"},
		{"America/New_York", "2020-07-01T02:30:00Z", "2020-07-01T06:30:00Z", "2020-01-01T00:00:00Z", "2020-07-01T06:30:00Z"},
		{"Europe/Berlin", "2020-10-25T02:30:00Z", "2020-10-25T00:30:00Z", "2020-10-25T02:30:00Z", "2020-10-25T01:30:00Z"},
		{"Australia/Lord_Howe", "2020-04-05T01:45:00Z", "2020-04-04T14:45:00Z", "2020-04-06T00:00:00Z", "2020-04-04T15:15:00Z"},
		{"America/Sao_Paulo", "2018-11-04T00:00:00Z", "2018-11-04T03:00:00Z", "2018-11-03T00:00:00Z", "2018-11-04T03:00:00Z"},
	} {
		zone, err := Location(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at := func(s string) time.Time {
			v, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		if got := Instant(at(c.wall), zone); !got.Equal(at(c.want)) {
			t.Errorf("%s in %s: %s, want %s", c.wall, c.zone, got.UTC(), c.want)
		}
		if got := InstantNear(at(c.wall), zone, at(c.near)); !got.Equal(at(c.wantNear)) {
			t.Errorf("%s in %s near %s: %s, want %s", c.wall, c.zone, c.near, got.UTC(), c.wantNear)
		}
	}
	zone, _ := Location("America/New_York")
	if IsShown(time.Date(2020, 3, 8, 2, 30, 0, 0, time.UTC), zone) || !IsShown(time.Date(2020, 11, 1, 1, 30, 0, 0, time.UTC), zone) {
		t.Error("what clocks show")
	}
}
