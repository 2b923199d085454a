package firehose

import (
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
)

// LimitsTag is the key of a tag that says, with the value "enforce" or "off", whether the
// delivery stream has the limits of puts, whatever the configuration says.
const LimitsTag = "brookmere:limits"

const (
	limitsEnforce = "enforce"
	limitsOff     = "off"
)

// What a delivery stream takes in a second where limits are enforced.
// https://docs.aws.amazon.com/firehose/latest/dev/limits.html
const (
	putsASecond    = 2000
	recordsASecond = 500000
	bytesASecond   = 5 << 20
)

// enforces reports whether puts have limits.
func (d *streamDoc) enforces(s *Service) bool {
	if i := tagIndex(d.Tags, LimitsTag); i >= 0 {
		return aws.ToString(d.Tags[i].Value) == limitsEnforce
	}
	return s.cfg.EnforceLimits
}

func checkLimitsTag(tags []tag) error {
	i := tagIndex(tags, LimitsTag)
	if i < 0 {
		return nil
	}
	if v := aws.ToString(tags[i].Value); v != limitsEnforce && v != limitsOff {
		return invalid("The tag %s says whether a delivery stream has the limits of Firehose: its value is %s or %s, not %q.", LimitsTag, limitsEnforce, limitsOff, v)
	}
	return nil
}

// meter counts what is put in a second, which begins with the first put.
type meter struct {
	mu                   sync.Mutex
	start                time.Time
	puts, records, bytes int
}

// put counts a call, unless the second is full.
func (m *meter) put(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := now.Sub(m.start); d >= time.Second || d < 0 {
		m.start, m.puts, m.records, m.bytes = now, 0, 0, 0
	}
	m.puts++
	return m.puts <= putsASecond
}

// record counts a record, unless the second is full.
func (m *meter) record(size int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records >= recordsASecond || m.bytes+size > bytesASecond {
		return false
	}
	m.records++
	m.bytes += size
	return true
}

// slowDown is what Firehose says of a put beyond the limits.
const slowDown = "Slow down."

func errSlowDown() error {
	m := slowDown
	return &types.ServiceUnavailableException{Message: &m}
}
