package metering

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// Measure is something that resources are measured by.
type Measure struct {
	Name string // as AWS has it
	Unit string
}

// Sample is a value of a measure.
type Sample struct {
	Measure *Measure
	Value   float64
}

// Of is a sample of the measure.
func (m *Measure) Of(v float64) Sample { return Sample{m, v} }

const (
	// Limit is how many resources a registry has.
	Limit = 5000
	// maxShown is how many of them Prometheus is shown, with all their measures.
	maxShown  = 1000
	maxValues = 64
	idleAfter = 60 // takes without samples
)

// Registry has resources. Make one with New.
type Registry struct {
	dropped  atomic.Uint64
	minutely []func()

	mu        sync.RWMutex
	resources map[string]*Resource
}

// New returns an empty registry.
func New() *Registry { return &Registry{resources: map[string]*Resource{}} }

// Resource is what is measured: by scope, namespace and dimensions.
type Resource struct {
	registry *Registry
	key      string

	Scope, Namespace string
	Dimensions       []metricstore.Dimension // by name

	mu     sync.Mutex
	listed bool
	idle   int
	gauges []gauge
}

type gauge struct {
	measure    *Measure
	minute     metricstore.Summary
	count, sum float64 // of all
}

// Resource is the one of a scope, a namespace and dimensions, which are names and values by turns. nil, of a nil registry
// or one that is full.
func (r *Registry) Resource(scope, namespace string, dimensions ...string) *Resource {
	if r == nil {
		return nil
	}
	var room [192]byte // for most keys, which need no memory of their own then
	key := append(append(append(append(room[:0], scope...), 0), namespace...), 0)
	for _, d := range dimensions {
		key = append(append(key, d...), 0)
	}
	r.mu.RLock()
	res := r.resources[string(key)]
	r.mu.RUnlock()
	if res != nil {
		return res
	}
	res = &Resource{registry: r, key: string(key), Scope: strings.Clone(scope), Namespace: namespace}
	for i := 0; i+1 < len(dimensions); i += 2 {
		res.Dimensions = append(res.Dimensions, metricstore.Dimension{Name: dimensions[i], Value: strings.Clone(dimensions[i+1])})
	}
	slices.SortFunc(res.Dimensions, func(a, b metricstore.Dimension) int { return strings.Compare(a.Name, b.Name) })
	return r.list(res)
}

// list adds a resource, unless there is one of its key: that is returned.
func (r *Registry) list(res *Resource) *Resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	if has := r.resources[res.key]; has != nil {
		return has
	}
	if len(r.resources) >= Limit {
		r.dropped.Add(1)
		return nil
	}
	res.mu.Lock()
	res.listed, res.idle = true, 0
	res.mu.Unlock()
	r.resources[res.key] = res
	return res
}

// Add adds samples, of one moment.
func (m *Resource) Add(samples ...Sample) {
	if m == nil {
		return
	}
	m.mu.Lock()
	if !m.listed {
		m.mu.Unlock()
		if to := m.registry.list(m); to != m {
			to.Add(samples...)
			return
		}
		m.mu.Lock()
	}
	m.idle = 0
	for _, s := range samples {
		g := m.gauge(s.Measure)
		g.minute.AddWithin(s.Value, 1, maxValues)
		g.count++
		g.sum += s.Value
	}
	m.mu.Unlock()
}

func (m *Resource) gauge(measure *Measure) *gauge {
	for i := range m.gauges {
		if m.gauges[i].measure == measure {
			return &m.gauges[i]
		}
	}
	m.gauges = append(m.gauges, gauge{measure: measure})
	return &m.gauges[len(m.gauges)-1]
}

// EachMinute has a function called before what has been gathered is taken: for what is looked at and does not happen. It
// is called before the registry is used.
func (r *Registry) EachMinute(f func()) {
	if r != nil {
		r.minutely = append(r.minutely, f)
	}
}

// Point is what was gathered of a measure of a resource.
type Point struct {
	Resource *Resource
	Measure  *Measure
	metricstore.Summary
}

// Take returns what has been gathered since the last Take.
func (r *Registry) Take() []Point {
	for _, f := range r.minutely {
		f()
	}
	r.mu.RLock()
	all := make([]*Resource, 0, len(r.resources))
	for _, res := range r.resources {
		all = append(all, res)
	}
	r.mu.RUnlock()
	var out []Point
	var idle []*Resource
	for _, res := range all {
		res.mu.Lock()
		for i := range res.gauges {
			if g := &res.gauges[i]; g.minute.Count > 0 {
				out = append(out, Point{res, g.measure, g.minute})
				g.minute = metricstore.Summary{}
			}
		}
		if res.idle++; res.idle > idleAfter {
			idle = append(idle, res)
		}
		res.mu.Unlock()
	}
	r.mu.Lock()
	for _, res := range idle {
		res.mu.Lock()
		if res.idle > idleAfter {
			res.listed = false
			delete(r.resources, res.key)
		}
		res.mu.Unlock()
	}
	r.mu.Unlock()
	return out
}

// Dropped is how many resources were not listed because there are too many.
func (r *Registry) Dropped() uint64 { return r.dropped.Load() }

// UntilMinute is how long it is from a time to the next full minute.
func UntilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}
