package awswire

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Meter returns the interceptor that counts calls, their errors by code, and how long they
// took: of an operation that answers with events, to the first of them. It must be the
// first of a chain, so that it sees what the others refuse.
func Meter(reg prometheus.Registerer) (Interceptor, error) {
	labels := []string{"service", "operation"}
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "brookmere_api_calls_total",
		Help: "Calls of operations, those that failed included.",
	}, labels)
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "brookmere_api_errors_total",
		Help: "Calls of operations that failed, by error code.",
	}, append(labels[:2:2], "code"))
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "brookmere_api_call_seconds",
		Help:    "Time that calls of operations took, from the request in memory to the answer in memory.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 4, 8),
	}, labels)
	for _, c := range []prometheus.Collector{calls, failures, seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of calls: %w", err)
		}
	}
	// To find a counter by its labels costs more than to count.
	type operation struct{ service, name string }
	type series struct {
		calls   prometheus.Counter
		seconds prometheus.Observer
	}
	var mu sync.RWMutex
	known := make(map[operation]series)
	of := func(o operation) series {
		mu.RLock()
		found, ok := known[o]
		mu.RUnlock()
		if ok {
			return found
		}
		found = series{calls.WithLabelValues(o.service, o.name), seconds.WithLabelValues(o.service, o.name)}
		mu.Lock()
		known[o] = found
		mu.Unlock()
		return found
	}
	return func(ctx context.Context, c *Call) error {
		begin := time.Now()
		err := c.Next(ctx)
		s := of(operation{c.Service, c.Operation})
		s.seconds.Observe(time.Since(begin).Seconds())
		s.calls.Inc()
		if err != nil {
			failures.WithLabelValues(c.Service, c.Operation, c.Code(ctx, err)).Inc()
		}
		return err
	}, nil
}
