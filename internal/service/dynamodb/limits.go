package dynamodb

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// This file: throughput, where limits are enforced. A provisioned table or global index has what was
// provisioned, one on demand its maximum if it has one, and every partition key of either what a partition
// has. Left out: the quotas of accounts.

const (
	// burst is for how many seconds unused throughput is kept; that of partitions is not.
	burst = 300
	// Units a second of one partition key.
	partitionReads  = 3000
	partitionWrites = 1000
	// maxBuckets is how many buckets there are at most before those that are full are forgotten.
	maxBuckets = 1 << 16
)

// meters hold tables to their throughput. A bucket fills with the units of a second every
// second, up to those of burst seconds; a request is let in while the bucket is not empty
// and may overdraw it, as what it takes is known only when it is done.
type meters struct {
	mu      sync.Mutex
	buckets map[meterKey]*bucket
}

// meterKey names a bucket: of a table, of an index, or, with a partition, of a partition key of the table.
type meterKey struct {
	table     uint64
	index     string
	write     bool
	partition uint64 // hash of the key; 0: none
}

type bucket struct {
	units, rate, most float64
	at                time.Time
}

func (b *bucket) fill(now time.Time, rate, most float64) {
	b.rate, b.most = rate, most
	b.units = min(b.units+max(0, now.Sub(b.at).Seconds())*rate, most)
	b.at = now
}

var partitionSeed = maphash.MakeSeed()

func partitionOf(hash attr.Value) uint64 {
	if hash == nil {
		return 0
	}
	return max(1, maphash.Bytes(partitionSeed, attr.AppendKey(nil, hash)))
}

// demand is what a request asks of a table.
type demand struct {
	table *table
	index string // global; "" for the table
	write bool
	hash  attr.Value // the partition key of the table, where it is one
	more  float64    // units of the table that the request takes before these
	same  float64    // those of them that are of the partition key
}

// rate is the units a second of a table or a global index of it, 0 for no limit.
func (d *table) rate(index string, write bool) float64 {
	t, most := d.Throughput, d.MaxUnits
	if index != "" {
		x := d.index(index)
		if x == nil || x.Local {
			return 0
		}
		t, most = x.Throughput, x.MaxUnits
	}
	if d.OnDemand {
		if most == nil {
			return 0
		}
		t = throughput{Read: most.Read, Write: most.Write}
	}
	if write {
		return float64(t.Write)
	}
	return float64(t.Read)
}

// admit refuses a request to a table, or a global index of it, whose throughput is used up.
func (s *Service) admit(q demand) error {
	if !s.cfg.EnforceLimits {
		return nil
	}
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	empty := func(b *bucket, more float64) bool { return b != nil && b.units-more <= 0 }
	d := q.table
	switch {
	case empty(s.bucket(d, meterKey{index: q.index, write: q.write}), q.more):
		return s.throttled(q, q.index, "")
	case q.hash != nil && empty(s.bucket(d, meterKey{write: q.write, partition: partitionOf(q.hash)}), q.same):
		return s.throttled(q, "", "KeyRangeThroughputExceeded")
	case q.write: // a write waits for the global indexes
		for i := range d.Indexes {
			if x := &d.Indexes[i]; !x.Local && empty(s.bucket(d, meterKey{index: x.Name, write: true}), q.more) {
				return s.throttled(q, x.Name, "")
			}
		}
	}
	return nil
}

// The words of throttling.
const (
	tableExceeded  = "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
	indexExceeded  = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API"
	demandExceeded = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
	keyExceeded    = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
)

// throttled is the refusal of a request: limit is which limit, "" for the one of the table's mode.
func (s *Service) throttled(q demand, index, limit string) error {
	d := q.table
	s.measureThrottled(d, index, q.write)
	resource, of, operation := d.arn(), "Table", "Read"
	if index != "" {
		resource, of = resource+"/index/"+index, "Index"
	}
	if q.write {
		operation = "Write"
	}
	text := tableExceeded
	switch {
	case d.OnDemand && limit != "":
		text = keyExceeded
	case d.OnDemand:
		text, limit = demandExceeded, "MaxOnDemandThroughputExceeded"
	case index != "":
		text = indexExceeded
	}
	if limit == "" {
		limit = "ProvisionedThroughputExceeded"
	}
	reasons := []types.ThrottlingReason{{Reason: aws.String(of + operation + limit), Resource: aws.String(resource)}}
	if d.OnDemand {
		return &types.ThrottlingException{Message: aws.String(text), ThrottlingReasons: reasons}
	}
	return &types.ProvisionedThroughputExceededException{Message: aws.String(text), ThrottlingReasons: reasons}
}

// bucket returns the filled bucket of a table, nil if it has no throughput.
func (s *Service) bucket(d *table, key meterKey) *bucket {
	rate, most := d.rate(key.index, key.write), 0.0
	switch most = rate * burst; {
	case key.partition != 0 && key.write:
		rate, most = partitionWrites, partitionWrites
	case key.partition != 0:
		rate, most = partitionReads, partitionReads
	}
	if rate <= 0 {
		return nil
	}
	now := s.clock.Now()
	key.table = d.Store
	b := s.meters.buckets[key]
	if b == nil {
		if s.meters.buckets == nil {
			s.meters.buckets = map[meterKey]*bucket{}
		}
		s.meters.forget(now)
		b = &bucket{units: most, at: now}
		s.meters.buckets[key] = b
	}
	b.fill(now, rate, most)
	return b
}

// forget drops the buckets that are full, which are as new ones, when there are many, and all when none is.
func (m *meters) forget(now time.Time) {
	if len(m.buckets) < maxBuckets {
		return
	}
	for k, b := range m.buckets {
		if b.fill(now, b.rate, b.most); b.units >= b.most {
			delete(m.buckets, k)
		}
	}
	if len(m.buckets) > maxBuckets/2 {
		clear(m.buckets)
	}
}

// spend takes what a request used out of the buckets.
func (s *Service) spend(d *table, u *usage) {
	s.measure(d, u)
	if !s.cfg.EnforceLimits {
		return
	}
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	take := func(key meterKey, units float64) {
		if b := s.bucket(d, key); b != nil {
			b.units -= units
		}
	}
	table := u.table
	for name, units := range u.indexes {
		if x := d.index(name); x != nil && x.Local {
			table += units
			continue
		}
		take(meterKey{index: name, write: u.write}, units)
	}
	take(meterKey{write: u.write}, table)
	if u.hash != nil {
		take(meterKey{write: u.write, partition: partitionOf(u.hash)}, table)
	}
}
