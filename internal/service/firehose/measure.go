package firehose

import (
	"time"

	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of delivery streams.
var (
	incomingBytes   = &metering.Measure{Name: "IncomingBytes", Unit: "Bytes"}
	incomingRecords = &metering.Measure{Name: "IncomingRecords", Unit: "Count"}
	incomingPuts    = &metering.Measure{Name: "IncomingPutRequests", Unit: "Count"}
	putLatency      = &metering.Measure{Name: "PutRecord.Latency", Unit: "Milliseconds"}
	batchLatency    = &metering.Measure{Name: "PutRecordBatch.Latency", Unit: "Milliseconds"}
	putThrottled    = &metering.Measure{Name: "ThrottledRecords", Unit: "Count"}

	deliveredRecords = &metering.Measure{Name: "DeliveryToS3.Records", Unit: "Count"}
	deliveredSuccess = &metering.Measure{Name: "DeliveryToS3.Success", Unit: "Count"}
	deliveredObjects = &metering.Measure{Name: "DeliveryToS3.ObjectCount", Unit: "Count"}
	deliveredAge     = &metering.Measure{Name: "DeliveryToS3.DataFreshness", Unit: "Seconds"}
)

// measured is what the stream is measured by.
func (st *stream) measured() *metering.Resource {
	d := st.doc.Load()
	return st.s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/Firehose", "DeliveryStreamName", d.Name)
}

// measurePut tells of a put that was taken.
func (st *stream) measurePut(records, bytes int, began time.Time) {
	m := st.measured()
	latency := putLatency
	if records > 1 {
		latency = batchLatency
	}
	m.Add(incomingBytes.Of(float64(bytes)), incomingRecords.Of(float64(records)), incomingPuts.Of(1), putThrottled.Of(0), latency.Of(float64(time.Since(began).Microseconds())/1000))
}

// measureDelivered tells of objects that were delivered.
func (st *stream) measureDelivered(objs []delivery.Intent) {
	m := st.measured()
	for _, o := range objs {
		if !delivery.IsError(o.Partition) {
			m.Add(deliveredRecords.Of(float64(o.Rows)), deliveredSuccess.Of(1), deliveredObjects.Of(1))
		}
	}
}

// measureLags reports how old what waits is, of all streams.
func (s *Service) measureLags() {
	s.mu.RLock()
	streams := make([]*stream, 0, len(s.streams))
	for _, st := range s.streams {
		streams = append(streams, st)
	}
	s.mu.RUnlock()
	for _, st := range streams {
		if l, err := st.lag(s.ctx); err == nil {
			st.measured().Add(deliveredAge.Of(l.Age.Seconds()))
		}
	}
}
