package server

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	mu    sync.RWMutex
	known map[answer]series // of the vectors: to find one by its labels costs more than to count
}

// answer is what requests are counted by.
type answer struct {
	service string
	status  int
}

type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		known: make(map[answer]series),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_http_requests_total",
			Help: "Requests answered, by service and HTTP status.",
		}, []string{"service", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "brookmere_http_request_seconds",
			Help:    "Time to answer a request, by service.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
		}, []string{"service"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds)
	}
	return m
}

func (m *metrics) observe(service string, rec *recorder, took time.Duration) {
	series := m.of(answer{service, rec.status})
	series.requests.Inc()
	if rec.pushes() {
		return // how long it lasted says nothing of the node
	}
	series.seconds.Observe(took.Seconds())
}

func (m *metrics) of(a answer) series {
	m.mu.RLock()
	found, ok := m.known[a]
	m.mu.RUnlock()
	if ok {
		return found
	}
	found = series{m.requests.WithLabelValues(a.service, strconv.Itoa(a.status)), m.seconds.WithLabelValues(a.service)}
	m.mu.Lock()
	m.known[a] = found
	m.mu.Unlock()
	return found
}
