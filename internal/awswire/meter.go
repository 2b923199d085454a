package awswire

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire/readmostly"
)

// maxOperations is of how many operations the counters are kept at hand: more than all services have that are called.
const maxOperations = 4096

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
	known := readmostly.Map[operation, series]{Limit: maxOperations}
	of := func(o operation) series {
		found, ok := known.Get(o)
		if !ok {
			found = series{calls.WithLabelValues(o.service, o.name), seconds.WithLabelValues(o.service, o.name)}
			known.Put(o, found)
		}
		return found
	}
	return func(ctx context.Context, c *Call) error {
		err := c.Next(ctx)
		s := of(operation{c.Service, c.Operation})
		s.seconds.Observe(c.Took().Seconds())
		s.calls.Inc()
		if err != nil {
			failures.WithLabelValues(c.Service, c.Operation, c.Code(ctx, err)).Inc()
		}
		return err
	}, nil
}
