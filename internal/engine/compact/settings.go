package compact

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Settings say what is compacted, and when. The zero Settings compact nothing.
type Settings struct {
	Target int64         // size of the objects that are made, about; 0: compaction is off
	After  time.Duration // a folder is closed when nothing was delivered into it for so long
	Keep   time.Duration // how long what was merged can still be got by its old keys
}

// DefaultSettings are those of "on".
var DefaultSettings = Settings{Target: 128 << 20, After: 5 * time.Minute, Keep: 5 * time.Minute}

// Bounds of settings. The target is that of a healthy file; what is kept costs the disk
// twice.
const (
	minTarget = 64 << 10
	maxTarget = 1 << 30
	maxAfter  = 7 * 24 * time.Hour
	maxKeep   = 24 * time.Hour
)

// ParseSettings reads "off", "on", or any of target=128MiB, after=5m and keep=5m, with
// spaces or commas between them.
func ParseSettings(s string) (Settings, error) {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' })
	if len(fields) == 1 && fields[0] == "off" {
		return Settings{}, nil
	}
	out := DefaultSettings
	if len(fields) == 1 && fields[0] == "on" {
		return out, nil
	}
	if len(fields) == 0 {
		return Settings{}, fmt.Errorf("compaction is empty: want off, on, or a list such as target=128MiB after=5m keep=5m")
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		var err error
		switch name {
		case "target":
			out.Target, err = parseSize(value)
		case "after":
			out.After, err = parseTime(value, maxAfter)
		case "keep":
			out.Keep, err = parseTime(value, maxKeep)
		default:
			err = fmt.Errorf("unknown: want off, on, or a list such as target=128MiB after=5m keep=5m")
		}
		if err != nil {
			return Settings{}, fmt.Errorf("compaction %q: %w", f, err)
		}
	}
	return out, nil
}

func parseTime(s string, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > most {
		return 0, fmt.Errorf("want a time from 0s to %v, such as 5m", most)
	}
	return d, nil
}

func parseSize(s string) (int64, error) {
	number, unit := s, int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = rest, u.size
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/unit || n*unit < minTarget || n*unit > maxTarget {
		return 0, fmt.Errorf("want a size from 64KiB to 1GiB, such as 128MiB")
	}
	return n * unit, nil
}

// On reports whether anything is compacted.
func (s Settings) On() bool { return s.Target > 0 }

func (s Settings) String() string {
	if !s.On() {
		return "off"
	}
	return fmt.Sprintf("target=%s after=%s keep=%s", sizeText(s.Target), timeText(s.After), timeText(s.Keep))
}

func sizeText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// timeText is without the zeros that Duration.String ends with.
func timeText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
