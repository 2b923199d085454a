package kinesis

import (
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// The limits of Kinesis are off unless the configuration or a stream's tag enforces them.
// They are those of the page "Quotas and limits" of the Kinesis developer guide.

// LimitsTag is the key of a stream's tag that says, with the value "enforce" or "off",
// whether the stream has the limits, whatever the configuration says.
const LimitsTag = "brookmere:limits"

const (
	limitsEnforce = "enforce"
	limitsOff     = "off"
)

// maxCreating is how many streams of an account, or consumers of a stream, may be CREATING.
const maxCreating = 5

// What a shard takes and gives in a second.
const (
	shardInRecords = 1000
	shardInBytes   = 1 << 20
	shardReads     = 5
	shardOutBytes  = 2 << 20
	shardIterators = 5
)

// enforces says whether the stream has limits.
func (s *Service) enforces(d *stream) bool {
	switch d.Tags[LimitsTag] {
	case limitsEnforce:
		return true
	case limitsOff:
		return false
	}
	return s.cfg.EnforceLimits
}

// checkLimitsTag refuses a value of LimitsTag that means nothing.
func checkLimitsTag(tags map[string]string) error {
	if v, ok := tags[LimitsTag]; ok && v != limitsEnforce && v != limitsOff {
		return invalid("The tag %s says whether a stream has the limits of Kinesis: its value is %s or %s, not %q.", LimitsTag, limitsEnforce, limitsOff, v)
	}
	return nil
}

// meter counts what happens in a second, which begins with the first thing that does. A
// second with more bytes than its limit lasts until the limit has made up for them: a read
// of 10 MiB at 2 MiB a second takes five.
type meter struct {
	start        time.Time
	count, bytes int
}

func (m *meter) roll(now time.Time, rate int) {
	length := time.Second
	if m.bytes > rate {
		length = time.Duration(float64(m.bytes) / float64(rate) * float64(time.Second))
	}
	if d := now.Sub(m.start); d >= length || d < 0 {
		*m = meter{start: now}
	}
}

// admit counts one thing unless the second is full.
func (m *meter) admit(now time.Time, most int) bool {
	m.roll(now, 1)
	if m.count >= most {
		return false
	}
	m.count++
	return true
}

// shardMeters are the meters of one shard.
type shardMeters struct{ in, out, iterators meter }

// write counts a record unless the second is full. One that is larger than a second's
// bytes goes into a second of its own.
func (m *shardMeters) write(now time.Time, size int) bool {
	m.in.roll(now, shardInBytes)
	if m.in.count >= shardInRecords || m.in.bytes > 0 && m.in.bytes+size > shardInBytes {
		return false
	}
	m.in.count++
	m.in.bytes += size
	return true
}

// read counts a read unless the second is full; its bytes are added when they are known.
func (m *shardMeters) read(now time.Time) bool {
	m.out.roll(now, shardOutBytes)
	if m.out.count >= shardReads || m.out.bytes >= shardOutBytes {
		return false
	}
	m.out.count++
	return true
}

// limiter meters the shards of a stream. The zero value is ready.
type limiter struct {
	mu     sync.Mutex
	shards map[int]*shardMeters

	// What an on-demand stream took since.
	since          time.Time
	records, bytes int
}

// of returns the meters of a shard; the caller holds mu.
func (l *limiter) of(d *stream, index int) *shardMeters {
	m := l.shards[index]
	if m == nil {
		live := make(map[int]*shardMeters, len(d.Shards))
		for i := range d.Shards {
			if old := l.shards[d.Shards[i].Index]; old != nil {
				live[d.Shards[i].Index] = old
			}
		}
		m = new(shardMeters)
		live[index] = m
		l.shards = live
	}
	return m
}

// throttle marks the records that their shards do not take now.
func (s *Service) throttle(l *limiter, p *put) {
	d, now := p.view.doc, s.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range p.entries {
		e := &p.entries[i]
		number := p.place(e)
		size := len(e.key) + len(e.data)
		if p.base64 {
			size = len(e.key) + base64Size(e.data)
		}
		if l.of(d, p.view.open[number].Index).write(now, size) {
			l.records++
			l.bytes += size
			continue
		}
		e.throttled, e.slot = true, int32(number)
		p.failed++
	}
	if d.Mode == types.StreamModeOnDemand {
		s.watchDemand(l, d, now)
	}
}

// base64Size is what the text decodes to, if it is base64.
func base64Size(text []byte) int {
	n := len(text) / 4 * 3
	for i := len(text) - 1; i >= 0 && i >= len(text)-2 && text[i] == '='; i-- {
		n--
	}
	return max(n, 0)
}

// admitRead counts a GetRecords call against the shard's limits, if the stream has them.
func (s *Service) admitRead(d *stream, sh *shard) error {
	return s.admitAtShard(d, sh, func(m *shardMeters, now time.Time) bool { return m.read(now) })
}

// countRead adds what a GetRecords call returned.
func (s *Service) countRead(d *stream, sh *shard, bytes int) {
	if !s.enforces(d) {
		return
	}
	l := &s.runtime(d).limits
	l.mu.Lock()
	defer l.mu.Unlock()
	l.of(d, sh.Index).out.bytes += bytes
}

// admitIterator counts a GetShardIterator call.
func (s *Service) admitIterator(d *stream, sh *shard) error {
	return s.admitAtShard(d, sh, func(m *shardMeters, now time.Time) bool { return m.iterators.admit(now, shardIterators) })
}

func (s *Service) admitAtShard(d *stream, sh *shard, admit func(*shardMeters, time.Time) bool) error {
	if !s.enforces(d) {
		return nil
	}
	l := &s.runtime(d).limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if admit(l.of(d, sh.Index), s.clock.Now()) {
		return nil
	}
	return throughputExceeded(throttledMessage(sh.id(), d))
}

const throttledCode = "ProvisionedThroughputExceededException"

// throttledMessage is in the words of Kinesis.
func throttledMessage(shardID string, d *stream) string {
	return "Rate exceeded for shard " + shardID + " in stream " + d.Name + " under account " + d.Account + "."
}

func throughputExceeded(message string) error {
	return &types.ProvisionedThroughputExceededException{Message: aws.String(message)}
}

// inDay adds now to the times of the last changes, of which most are kept, unless there
// have been so many in the last 24 hours already.
func inDay(times []time.Time, now time.Time, most int) (_ []time.Time, full bool) {
	times = slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	full = len(times) >= most
	return append(times[max(0, len(times)-most+1):], now), full
}
