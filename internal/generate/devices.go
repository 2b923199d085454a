package generate

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// IoT makes readings of a small fleet of devices: what a machine's agent reports of
// its temperature and load. The same seed gives the same readings, times apart.
type IoT struct {
	rng *rand.Rand
}

// NewIoT returns a generator with the seed.
func NewIoT(seed uint64) *IoT {
	return &IoT{rng: rand.New(rand.NewPCG(seed, 0x6272_6f6f_6b6d_6572))}
}

// Devices is the number of devices that report, ids 0 to Devices-1.
const Devices = 11

// TimestampLayout and HourLayout are the time formats of a reading, in UTC.
const (
	TimestampLayout = "2006-01-02 15:04:05.000000"
	HourLayout      = "2006-01-02 15"
)

// Append appends one reading, sent at t, to dst as a JSON object without a newline:
// temperature (int, 0 to 100), cpu, ram and hd (float, 0 to 1), timestamp,
// timestamp_sent (the hour, what the lake is partitioned by) and id_device (int).
func (g *IoT) Append(dst []byte, t time.Time) []byte {
	t = t.UTC()
	dst = append(dst, `{"temperature":`...)
	dst = strconv.AppendInt(dst, g.rng.Int64N(101), 10)
	dst = g.appendShare(dst, `,"cpu":`)
	dst = g.appendShare(dst, `,"ram":`)
	dst = g.appendShare(dst, `,"hd":`)
	dst = append(dst, `,"timestamp":"`...)
	dst = t.AppendFormat(dst, TimestampLayout)
	dst = append(dst, `","timestamp_sent":"`...)
	dst = t.AppendFormat(dst, HourLayout)
	dst = append(dst, `","id_device":`...)
	dst = strconv.AppendInt(dst, g.rng.Int64N(Devices), 10)
	return append(dst, '}')
}

// appendShare appends a member whose value is between 0 and 1, to four digits.
func (g *IoT) appendShare(dst []byte, member string) []byte {
	dst = append(dst, member...)
	return strconv.AppendFloat(dst, float64(g.rng.IntN(10001))/10000, 'f', -1, 64)
}
