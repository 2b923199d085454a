package kinesis

import "github.com/prometheus/client_golang/prometheus"

// metrics counts over all streams: a series a stream would grow without bound.
type metrics struct {
	inRecords, inBytes, outRecords, outBytes, putFailures, corrupt prometheus.Counter
}

func (m *metrics) register(r prometheus.Registerer, ss *subscriptions) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "brookmere", Subsystem: "kinesis", Name: name, Help: help})
	}
	m.inRecords = counter("incoming_records_total", "Records stored by PutRecord and PutRecords.")
	m.inBytes = counter("incoming_bytes_total", "Bytes of data and partition keys stored by PutRecord and PutRecords.")
	m.outRecords = counter("outgoing_records_total", "Records returned by GetRecords and SubscribeToShard.")
	m.outBytes = counter("outgoing_bytes_total", "Bytes of data and partition keys returned by GetRecords and SubscribeToShard.")
	m.putFailures = counter("failed_put_records_total", "Records that PutRecord and PutRecords refused or failed to store.")
	m.corrupt = counter("skipped_corrupt_reads_total", "Reads that skipped a frame whose checksum was wrong.")
	if r == nil {
		return nil
	}
	subscriptions := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "brookmere", Subsystem: "kinesis", Name: "subscriptions", Help: "Subscriptions of consumers to shards that run.",
	}, func() float64 { return float64(ss.count()) })
	if err := r.Register(subscriptions); err != nil {
		return err
	}
	for _, c := range []prometheus.Collector{m.inRecords, m.inBytes, m.outRecords, m.outBytes, m.putFailures, m.corrupt} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}
