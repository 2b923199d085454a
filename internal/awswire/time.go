package awswire

import (
	"math"
	"strconv"
	"time"
)

// maxEpoch is the end of the year 9999, beyond which times cannot be written back.
const maxEpoch = 253402300800

// epochSeconds reads a decimal number of seconds exactly, to the nanosecond where it is
// written without an exponent.
func epochSeconds(s []byte) (time.Time, bool) {
	f, err := strconv.ParseFloat(unsafeString(s), 64)
	if err != nil || f < -maxEpoch || f > maxEpoch*1000 {
		return time.Time{}, false
	}
	neg := false
	var whole, frac, scale int64 = 0, 0, 1e9
	point := false
	for i, c := range s {
		switch {
		case i == 0 && c == '-':
			neg = true
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			return floatSeconds(f), true
		case !point:
			whole = whole*10 + int64(c-'0')
		case scale > 1:
			scale /= 10
			frac += int64(c-'0') * scale
		}
	}
	if neg {
		whole, frac = -whole, -frac
	}
	return time.Unix(whole, frac).UTC(), true
}

// floatSeconds is the time at f seconds, to the microsecond, which is what a float64
// can tell of the present.
func floatSeconds(f float64) time.Time {
	whole, frac := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(frac*1e6))*1000).UTC()
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "20060102T150405Z", "2006-01-02", time.RFC1123}

func parseTimestamp(s string) (time.Time, error) {
	var err error
	for _, layout := range timeLayouts {
		var t time.Time
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}
