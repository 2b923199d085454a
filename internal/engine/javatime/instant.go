package javatime

import "time"

// Instant is the moment at which the clocks of a zone show what the fields of wall say, whatever
// wall's own zone is. Of two such moments, where clocks are set back, it is the earlier one. What
// no clock shows, since they are set forward, is as much later as they are set.
func Instant(wall time.Time, zone *time.Location) time.Time {
	first, second := around(wall, zone)
	if first.valid || !second.valid {
		return first.at
	}
	return second.at
}

// InstantNear is Instant, but of two moments it is the one with the offset that the zone has at
// another moment, if one of them has it.
func InstantNear(wall time.Time, zone *time.Location, near time.Time) time.Time {
	_, offset := near.In(zone).Zone()
	if c := with(wall, zone, offset); c.valid {
		return c.at
	}
	return Instant(wall, zone)
}

// IsShown reports whether there is a moment at which the clocks of a zone show what wall says.
func IsShown(wall time.Time, zone *time.Location) bool {
	first, second := around(wall, zone)
	return first.valid || second.valid
}

// candidate is a moment that a local time could be; valid if the zone has that offset then.
type candidate struct {
	at    time.Time
	valid bool
}

// around are the moments by the offsets before and after a change that is near; no zone changes
// its offset twice within two days. The first one is the earlier one of two that are valid.
func around(wall time.Time, zone *time.Location) (first, second candidate) {
	utc := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC)
	_, before := utc.Add(-24 * time.Hour).In(zone).Zone()
	_, after := utc.Add(24 * time.Hour).In(zone).Zone()
	return with(utc, zone, before), with(utc, zone, after)
}

func with(wall time.Time, zone *time.Location, offset int) candidate {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), time.UTC).Add(-time.Duration(offset) * time.Second).In(zone)
	_, is := at.Zone()
	return candidate{at, is == offset}
}
