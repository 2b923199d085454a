package firehose

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// Lag says how far a delivery stream's delivery is.
type Lag struct {
	Account, Region, Name string

	// What was put after the oldest record that is not in an object yet, that one
	// included. With partitions some of them may be in objects already.
	Records uint64
	Bytes   uint64
	Age     time.Duration // of the oldest such record

	// What was delivered since the stream was made.
	Delivered  int64 // rows
	Rejected   int64 // rows in error objects
	Objects    int64
	LastObject string // bucket/key
	LastTime   time.Time

	Held bool // by Hold

	// Places are, of a Kinesis source by its shards, the sequence numbers of records up to which all
	// is in objects; more may be. A delivery whose records go through a function has none.
	Places map[string]string

	Compaction Compaction

	Error     string // of the last failed attempt; empty when the last one succeeded
	ErrorTime time.Time
}

// Lag tells of the caller's delivery stream.
func (s *Service) Lag(ctx context.Context, name string) (Lag, error) {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return Lag{}, err
	}
	return st.lag(ctx)
}

// Lags tells of all delivery streams, of every account and region, in the order of
// account, region and name.
func (s *Service) Lags(ctx context.Context) ([]Lag, error) {
	var out []Lag
	for it, err := range s.docs.List() {
		if err != nil {
			return nil, err
		}
		d := it.Value
		st, err := s.stream(ctx, d)
		if errors.Is(err, shardlog.ErrNoShard) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		l, err := st.lag(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// Flush delivers what was put to the caller's delivery stream before the call, without
// waiting for its buffers to be full or old enough.
func (s *Service) Flush(ctx context.Context, name string) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	return st.flush(ctx)
}

func (st *stream) lag(ctx context.Context) (Lag, error) {
	d := st.doc.Load()
	st.mu.Lock()
	lanes := append([]*lane(nil), st.lanes...)
	l := Lag{Account: d.Account, Region: d.Region, Name: d.Name, Held: st.held, Compaction: st.compactionStatus()}
	st.mu.Unlock()
	for _, ln := range lanes {
		p := ln.pipeline.Progress()
		left, err := ln.backlog(ctx, p)
		if errors.Is(err, shardlog.ErrNoShard) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return l, err
		}
		if left.Records > 0 {
			l.Age = max(l.Age, st.s.clock.Since(left.Oldest))
		}
		l.Records, l.Bytes = max(l.Records, left.Records), max(l.Bytes, left.Bytes) // lanes have the same records
		l.Objects += p.Objects
		if !ln.backup {
			if ln.kinesis != nil {
				l.Places = ln.kinesis.delivered()
			}
			l.Delivered, l.Rejected, l.LastObject, l.LastTime = p.Rows, p.Rejected, p.LastObject, p.LastTime
		}
	}
	if at, err := st.failure(); err != nil {
		l.Error, l.ErrorTime = err.Error(), at
	}
	return l, nil
}

type metrics struct {
	records, bytes, delivered, rejected, objects, retries, corrupt prometheus.Counter

	compacted, compactedInto, compactedBytes, compactionFailures prometheus.Counter
}

func newMetrics(s *Service, r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "brookmere_firehose_" + name, Help: help})
	}
	m := &metrics{
		records:   counter("put_records_total", "Records taken by PutRecord and PutRecordBatch."),
		bytes:     counter("put_bytes_total", "Bytes of records taken by PutRecord and PutRecordBatch."),
		delivered: counter("delivered_rows_total", "Rows delivered to S3, error objects left out."),
		rejected:  counter("rejected_rows_total", "Rows delivered to error prefixes."),
		objects:   counter("delivered_objects_total", "Objects put to S3."),
		retries:   counter("delivery_retries_total", "Attempts to deliver that failed and were tried again."),
		corrupt:   counter("corrupt_reads_total", "Parts of the log that could not be read and were skipped."),

		compacted:          counter("compacted_objects_total", "Objects that were merged into larger ones."),
		compactedInto:      counter("compacted_into_objects_total", "Objects that others were merged into."),
		compactedBytes:     counter("compacted_bytes_total", "Bytes of objects that were merged into larger ones."),
		compactionFailures: counter("compaction_failures_total", "Attempts to compact objects that failed and were tried again."),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{
		m.records, m.bytes, m.delivered, m.rejected, m.objects, m.retries, m.corrupt, lagCollector{s},
		m.compacted, m.compactedInto, m.compactedBytes, m.compactionFailures,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "brookmere_firehose_buffer_bytes", Help: "Memory held by buffers of all deliveries."},
			func() float64 { return float64(s.cfg.Budget.Used()) }),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

var (
	lagRecords = prometheus.NewDesc("brookmere_firehose_lag_records", "Records put and not in objects yet.", []string{"account", "region", "stream"}, nil)
	lagSeconds = prometheus.NewDesc("brookmere_firehose_lag_seconds", "Age of the oldest record that is not in an object yet.", []string{"account", "region", "stream"}, nil)
)

// lagCollector tells the lag of each delivery stream when it is asked.
type lagCollector struct{ s *Service }

func (lagCollector) Describe(ch chan<- *prometheus.Desc) { ch <- lagRecords; ch <- lagSeconds }

func (c lagCollector) Collect(ch chan<- prometheus.Metric) {
	c.s.mu.RLock()
	streams := make([]*stream, 0, len(c.s.streams))
	for _, st := range c.s.streams {
		streams = append(streams, st)
	}
	c.s.mu.RUnlock()
	for _, st := range streams {
		l, err := st.lag(c.s.ctx)
		if err != nil {
			continue
		}
		d := st.doc.Load()
		ch <- prometheus.MustNewConstMetric(lagRecords, prometheus.GaugeValue, float64(l.Records), d.Account, d.Region, d.Name)
		ch <- prometheus.MustNewConstMetric(lagSeconds, prometheus.GaugeValue, l.Age.Seconds(), d.Account, d.Region, d.Name)
	}
}

var _ delivery.Source = (*shardlog.Shard)(nil)
