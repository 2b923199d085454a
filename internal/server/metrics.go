package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire/readmostly"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec

	known readmostly.Map[answer, series] // of the vectors: to find one by its labels costs more than to count
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
		known: readmostly.Map[answer, series]{Limit: 4096},
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
	found, ok := m.known.Get(a)
	if !ok {
		found = series{m.requests.WithLabelValues(a.service, strconv.Itoa(a.status)), m.seconds.WithLabelValues(a.service)}
		m.known.Put(a, found)
	}
	return found
}
