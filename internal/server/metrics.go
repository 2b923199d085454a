package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire/eventstream"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
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
	m.requests.WithLabelValues(service, strconv.Itoa(rec.status)).Inc()
	if rec.Header().Get("Content-Type") == eventstream.ContentType {
		return // it lasts as long as the client likes, which says nothing of the node
	}
	m.seconds.WithLabelValues(service).Observe(took.Seconds())
}
