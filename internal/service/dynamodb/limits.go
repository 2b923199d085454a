package dynamodb

import (
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// burst is for how many seconds unused throughput is kept.
const burst = 300

// meters hold provisioned tables to their throughput, where limits are enforced. A bucket
// fills with the units of a second every second, up to those of burst seconds; a request
// is let in while the bucket is not empty and may overdraw it, as what it takes is known
// only when it is done.
type meters struct {
	mu      sync.Mutex
	buckets map[meterKey]*bucket
}

type meterKey struct {
	table uint64
	index string
	write bool
}

type bucket struct {
	units float64
	at    time.Time
}

func (b *bucket) fill(now time.Time, rate float64) {
	b.units = min(b.units+now.Sub(b.at).Seconds()*rate, rate*burst)
	b.at = now
}

func (s *Service) rate(d *table, index string, write bool) float64 {
	t := d.Throughput
	if index != "" {
		x := d.index(index)
		if x == nil || x.Local {
			return 0
		}
		t = x.Throughput
	}
	if write {
		return float64(t.Write)
	}
	return float64(t.Read)
}

// admit refuses a request to a table, or a global index of it, whose throughput is used up.
func (s *Service) admit(d *table, index string, write bool) error {
	if !s.cfg.EnforceLimits || d.OnDemand {
		return nil
	}
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	check := func(index string) bool {
		b := s.bucket(d, index, write)
		return b == nil || b.units > 0
	}
	ok := check(index)
	if write {
		for i := range d.Indexes {
			if x := &d.Indexes[i]; !x.Local {
				ok = ok && check(x.Name)
			}
		}
	}
	if ok {
		return nil
	}
	return &types.ProvisionedThroughputExceededException{Message: aws.String("The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")}
}

// bucket returns the filled bucket of a table or index, nil if it has no throughput.
func (s *Service) bucket(d *table, index string, write bool) *bucket {
	rate := s.rate(d, index, write)
	if rate <= 0 {
		return nil
	}
	now := s.clock.Now()
	key := meterKey{d.Store, index, write}
	b := s.meters.buckets[key]
	if b == nil {
		if s.meters.buckets == nil {
			s.meters.buckets = map[meterKey]*bucket{}
		}
		b = &bucket{units: rate * burst, at: now}
		s.meters.buckets[key] = b
	}
	b.fill(now, rate)
	return b
}

// spend takes what a request used out of the buckets.
func (s *Service) spend(d *table, u *usage) {
	s.measure(d, u)
	if !s.cfg.EnforceLimits || d.OnDemand {
		return
	}
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	take := func(index string, units float64) {
		if b := s.bucket(d, index, u.write); b != nil {
			b.units -= units
		}
	}
	take("", u.table)
	for name, units := range u.indexes {
		if x := d.index(name); x != nil && x.Local {
			take("", units)
			continue
		}
		take(name, units)
	}
}
