package metricstore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Dimension is part of a metric's name.
type Dimension struct{ Name, Value string }

// Metric is the name of a metric. None of its texts has control characters, and dimensions are in the order of their
// names, each once.
type Metric struct {
	Scope      string // whose it is
	Namespace  string
	Name       string
	Dimensions []Dimension
}

// Key tells metrics apart, in the order in which List has them.
func (m *Metric) Key() string { return string(m.key()[1+len(m.Scope)+1:]) }

func (m *Metric) key() []byte {
	b := append(make([]byte, 0, 128), kindMetric)
	for _, s := range [...]string{m.Scope, m.Namespace, m.Name} {
		b = append(append(b, s...), 0)
	}
	for _, d := range m.Dimensions {
		b = append(append(b, d.Name...), 1)
		b = append(append(b, d.Value...), 2)
	}
	return b
}

func metricOf(key []byte) (m Metric, ok bool) {
	parts := strings.SplitN(string(key[1:]), "\x00", 4)
	if len(parts) != 4 {
		return m, false
	}
	m.Scope, m.Namespace, m.Name = parts[0], parts[1], parts[2]
	for rest := parts[3]; rest != ""; {
		name, after, ok1 := strings.Cut(rest, "\x01")
		value, after, ok2 := strings.Cut(after, "\x02")
		if !ok1 || !ok2 {
			return m, false
		}
		m.Dimensions = append(m.Dimensions, Dimension{name, value})
		rest = after
	}
	return m, true
}

// metricCache knows metrics that were written to, up to maxCached, in two halves: what is used in the newer one stays when
// the older one goes.
type metricCache struct {
	mu         sync.Mutex
	newer, old map[string]*known
}

type known struct {
	id   uint64
	last int64 // when the metric was written to, as its row says
}

const (
	maxCached   = 32 << 10
	activeEvery = 300 // seconds between changes of a row for its last time
)

func (c *metricCache) get(key string) *known {
	if k := c.newer[key]; k != nil {
		return k
	}
	k := c.old[key]
	if k != nil {
		c.put(key, k)
	}
	return k
}

func (c *metricCache) put(key string, k *known) {
	if c.newer == nil || len(c.newer) >= maxCached/2 {
		c.old, c.newer = c.newer, make(map[string]*known)
	}
	c.newer[key] = k
}

func (k *known) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, k.id), uint64(k.last))
}

func decodeKnown(b []byte) (*known, error) {
	if len(b) != 16 {
		return nil, ErrCorrupt
	}
	return &known{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

func (s *Store) find(key []byte) (*known, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return decodeKnown(v)
}

// idOf is the id of a metric that is written to now. The row of a new one is not synced here: it comes before what is
// written by its id in the WAL.
func (s *Store) idOf(m *Metric, now int64) (uint64, error) {
	key := m.key()
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	k := s.metrics.get(string(key))
	if k == nil {
		var err error
		k, err = s.find(key)
		if errors.Is(err, pebble.ErrNotFound) {
			var b [8]byte
			rand.Read(b[:]) // it does not fail
			k, err = &known{id: binary.BigEndian.Uint64(b[:])}, nil
		}
		if err != nil {
			return 0, err
		}
		s.metrics.put(string(key), k)
	}
	if k.last == 0 || now >= k.last+activeEvery {
		was := k.last
		k.last = now
		if err := s.db.Set(key, k.encode(), pebble.NoSync); err != nil {
			k.last = was
			return 0, err
		}
	}
	return k.id, nil
}

// Filter chooses metrics. The zero Filter chooses all of a scope.
type Filter struct {
	Namespace  string // empty: any
	Name       string // empty: any
	Dimensions []Dimension
	AnyValue   []string // names of dimensions that a metric must have
	Since      int64    // last written to no earlier, in seconds, give or take five minutes
}

func (f *Filter) takes(m *Metric) bool {
	if f.Name != "" && m.Name != f.Name {
		return false
	}
	value := func(name string) (string, bool) {
		for _, d := range m.Dimensions {
			if d.Name == name {
				return d.Value, true
			}
		}
		return "", false
	}
	for _, d := range f.Dimensions {
		if v, ok := value(d.Name); !ok || v != d.Value {
			return false
		}
	}
	for _, name := range f.AnyValue {
		if _, ok := value(name); !ok {
			return false
		}
	}
	return true
}

// List calls yield with the metrics of a scope that a filter takes, in the order of their keys, from behind the key after
// on, until it returns false.
func (s *Store) List(scope string, f Filter, after string, yield func(Metric) bool) error {
	prefix := append(append([]byte{kindMetric}, scope...), 0)
	if f.Namespace != "" {
		prefix = append(append(prefix, f.Namespace...), 0)
		if f.Name != "" {
			prefix = append(append(prefix, f.Name...), 0)
		}
	}
	return s.guarded(func() error {
		lower := prefix
		if after != "" {
			from := append(append(append([]byte{kindMetric}, scope...), 0), after...)
			if from = append(from, 0); bytes.Compare(from, lower) > 0 {
				lower = from
			}
		}
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: end(prefix)})
		if err != nil {
			return err
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			k, err := decodeKnown(it.Value())
			if err != nil {
				return err
			}
			if k.last < f.Since {
				continue
			}
			m, ok := metricOf(it.Key())
			if !ok {
				return ErrCorrupt
			}
			if f.takes(&m) && !yield(m) {
				return nil
			}
		}
		return it.Error()
	})
}

// end is the first key behind all that begin with a prefix.
func end(prefix []byte) []byte {
	e := bytes.Clone(prefix)
	e[len(e)-1]++ // no prefix here ends with 0xff
	return e
}
