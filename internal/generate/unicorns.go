package generate

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// UnicornNames are the fleet.
var UnicornNames = []string{"Shadowfax", "Rocinante", "Bucephalus"}

// UnicornLayout is how a reading of a unicorn says its time, in UTC.
const UnicornLayout = "2006-01-02 15:04:05.000"

// unicorns fly over a city: each goes on in its direction, turns now and then, and tires.
type unicorns struct {
	rng   *rand.Rand
	fleet []unicorn
	next  int
	key   string
}

type unicorn struct {
	name            string
	latitude        float64
	longitude       float64
	course          float64 // radians
	magic, vitality int64
}

func newUnicorns(o Options) *unicorns {
	u := &unicorns{rng: newRand(o.Seed, 0x756e_6963)}
	names := o.Names
	if len(names) == 0 {
		names = UnicornNames
	}
	for _, name := range names {
		u.fleet = append(u.fleet, unicorn{
			name: name, latitude: 40.7 + u.rng.Float64()/10, longitude: -74.02 + u.rng.Float64()/10,
			course: u.rng.Float64() * 2 * math.Pi, magic: 150 + u.rng.Int64N(30), vitality: 140 + u.rng.Int64N(30),
		})
	}
	return u
}

// Key is the name of the unicorn of the last record.
func (u *unicorns) Key() string { return u.key }

// Append appends {"Distance","HealthPoints","Latitude","Longitude","MagicPoints","Name","StatusTime"}: Distance is
// the metres since the last reading.
func (u *unicorns) Append(dst []byte, t time.Time) []byte {
	c := &u.fleet[u.next]
	u.next = (u.next + 1) % len(u.fleet)
	u.key = c.name
	distance := 29 + 2*u.rng.Float64()
	c.course += (u.rng.Float64() - 0.5) / 2
	const metresPerDegree = 111_320
	c.latitude += math.Cos(c.course) * distance / metresPerDegree
	c.longitude += math.Sin(c.course) * distance / (metresPerDegree * math.Cos(c.latitude*math.Pi/180))
	c.magic = min(200, max(0, c.magic+u.rng.Int64N(3)-1))
	c.vitality = min(200, max(0, c.vitality+u.rng.Int64N(3)-1))
	dst = strconv.AppendFloat(append(dst, `{"Distance":`...), distance, 'f', 4, 64)
	dst = appendInt(dst, "HealthPoints", c.vitality)
	dst = appendDecimal(dst, "Latitude", c.latitude, 6)
	dst = appendDecimal(dst, "Longitude", c.longitude, 6)
	dst = appendInt(dst, "MagicPoints", c.magic)
	dst = appendText(dst, "Name", c.name)
	dst = append(dst, `,"StatusTime":"`...)
	return append(t.UTC().AppendFormat(dst, UnicornLayout), `"}`...)
}
