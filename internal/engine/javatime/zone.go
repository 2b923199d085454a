package javatime

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are part of the languages, wherever they run
	"unicode/utf8"
)

var offsetText = regexp.MustCompile(`^(?:UTC|GMT|UT)?([+-])(\d{1,2}):?(\d{2})?$`)

// zones keeps zones by their names as written; at most maxZones of them.
var zones struct {
	sync.RWMutex
	m map[string]*time.Location
}

const maxZones = 2000

// Location is a zone by its name, as the zone database has it, or by its offset (+01:00,
// +0100, UTC+1). Its String is the name, an offset as +01:00, and UTC for all names of UTC.
func Location(zone string) (*time.Location, error) {
	zones.RLock()
	l := zones.m[zone]
	zones.RUnlock()
	if l != nil {
		return l, nil
	}
	l, err := location(zone)
	if err != nil {
		return nil, err
	}
	zones.Lock()
	defer zones.Unlock()
	if zones.m == nil || len(zones.m) >= maxZones {
		zones.m = make(map[string]*time.Location)
	}
	zones.m[strings.Clone(zone)] = l
	return l, nil
}

func location(zone string) (*time.Location, error) {
	bad := fmt.Errorf("'%s' is not a valid time zone", zone)
	switch strings.ToUpper(zone) {
	case "UTC", "Z", "GMT", "UT", "ETC/UTC", "ZULU":
		return time.UTC, nil
	}
	if m := offsetText.FindStringSubmatch(strings.ToUpper(zone)); m != nil {
		h, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		seconds := h*3600 + n*60
		if h > 14 || n > 59 {
			return nil, bad
		}
		if m[1] == "-" {
			seconds = -seconds
		}
		if seconds == 0 {
			return time.UTC, nil
		}
		return time.FixedZone(fmt.Sprintf("%s%02d:%02d", m[1], h, n), seconds), nil
	}
	if zone == "" || zone == "Local" || len(zone) > 64 || !utf8.ValidString(zone) {
		return nil, bad
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		return nil, bad
	}
	return l, nil
}

// abbreviations are the zones that Joda-Time knows by three letters.
var abbreviations = map[string]string{
	"UT": "UTC", "UTC": "UTC", "GMT": "UTC", "EST": "America/New_York", "EDT": "America/New_York", "CST": "America/Chicago", "CDT": "America/Chicago",
	"MST": "America/Denver", "MDT": "America/Denver", "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles",
}

// zoneName is how many bytes of s can be the name of a zone.
func zoneName(s []byte) (n int) {
	for n < len(s) && (letter(s[n]) || s[n]-'0' <= 9 || n > 0 && strings.IndexByte("/_+-:", s[n]) >= 0 || s[n] == '+' || s[n] == '-') {
		n++
	}
	return n
}

// offset reads +hh, and the minutes and seconds behind it as far as they are there.
// colon: 1 for those that must be set off, -1 for those that must not, 0 for either.
func offset(s []byte, colon int) (seconds, used int) {
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return 0, 0
	}
	unit := 3600
	for used = 1; unit > 0; unit /= 60 {
		at := used
		if unit < 3600 {
			switch set := at < len(s) && s[at] == ':'; {
			case set && colon >= 0:
				at++
			case !set && colon > 0, set:
				return sign(s[0], seconds), used
			}
		}
		if at+2 > len(s) || s[at]-'0' > 9 || s[at+1]-'0' > 9 {
			break
		}
		v := int(s[at]-'0')*10 + int(s[at+1]-'0')
		if unit == 3600 && v > 23 || unit < 3600 && v > 59 {
			break
		}
		seconds += v * unit
		used = at + 2
	}
	if used == 1 {
		return 0, 0
	}
	return sign(s[0], seconds), used
}

func sign(c byte, n int) int {
	if c == '-' {
		return -n
	}
	return n
}

// offsetName is an offset as Location names it.
func offsetName(seconds int) string {
	c := '+'
	if seconds < 0 {
		c, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d:%02d", c, seconds/3600, seconds/60%60)
}

// jodaZone reads a zone: the abbreviations that Joda-Time knows for z, offsets and Z for Z
// and ZZ, names for ZZZ.
func (r *reading) jodaZone(s []byte, f *Field) (used int) {
	if f.Letter == 'Z' && f.Count < 3 {
		if len(s) > 0 && s[0]|0x20 == 'z' {
			return 1
		}
		r.offset, used = offset(s, 0)
		return used
	}
	n := zoneName(s)
	if n == 0 {
		return 0
	}
	name := string(s[:n])
	if f.Letter == 'z' {
		known := abbreviations[name]
		if known == "" {
			return 0
		}
		r.zone, _ = Location(known)
		return n
	}
	if name[0] == '+' || name[0] == '-' {
		return 0
	}
	l, err := Location(name)
	if err != nil {
		return 0
	}
	r.zone = l
	return n
}

// javaZone reads a zone of Java's: an offset for X, x and Z, else a name or an offset.
func (r *reading) javaZone(s []byte, f *Field) (used int) {
	switch f.Letter {
	case 'X', 'x', 'Z':
		if zero := f.Letter == 'X' || f.Letter == 'Z' && f.Count == 5; zero && len(s) > 0 && s[0] == 'Z' {
			return 1
		}
		colon := -1
		if f.Count == 5 || f.Count == 3 && f.Letter != 'Z' {
			colon = 1
		}
		if r.offset, used = offset(s, colon); f.Count > 1 || f.Letter == 'Z' {
			if least := 5 + max(colon, 0); used < least {
				return 0
			}
		}
		most := 5 + max(colon, 0)
		if (f.Count < 4 || f.Letter == 'Z' && f.Count < 5) && used > most { // seconds are not its
			r.offset, used = offset(s[:most], colon)
		}
		return used
	}
	n := zoneName(s)
	if n == 0 {
		return 0
	}
	name := string(s[:n])
	if known := abbreviations[name]; f.Letter == 'z' && known != "" {
		name = known
	}
	l, err := Location(name)
	if err != nil {
		return 0
	}
	r.zone = l
	return n
}
