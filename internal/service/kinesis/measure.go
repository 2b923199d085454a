package kinesis

import (
	"slices"
	"time"

	"github.com/brookmere/brookmere/internal/engine/metering"
)

// What CloudWatch is told of streams, and of the shards of those that have metrics of shards enabled.
var (
	incomingBytes   = &metering.Measure{Name: "IncomingBytes", Unit: "Bytes"}
	incomingRecords = &metering.Measure{Name: "IncomingRecords", Unit: "Count"}
	outgoingBytes   = &metering.Measure{Name: "OutgoingBytes", Unit: "Bytes"}
	outgoingRecords = &metering.Measure{Name: "OutgoingRecords", Unit: "Count"}
	writeExceeded   = &metering.Measure{Name: "WriteProvisionedThroughputExceeded", Unit: "Count"}
	readExceeded    = &metering.Measure{Name: "ReadProvisionedThroughputExceeded", Unit: "Count"}
	iteratorAge     = &metering.Measure{Name: "IteratorAgeMilliseconds", Unit: "Milliseconds"}

	putRecordBytes   = &metering.Measure{Name: "PutRecord.Bytes", Unit: "Bytes"}
	putRecordLatency = &metering.Measure{Name: "PutRecord.Latency", Unit: "Milliseconds"}
	putRecordSuccess = &metering.Measure{Name: "PutRecord.Success", Unit: "Count"}

	putRecordsBytes      = &metering.Measure{Name: "PutRecords.Bytes", Unit: "Bytes"}
	putRecordsLatency    = &metering.Measure{Name: "PutRecords.Latency", Unit: "Milliseconds"}
	putRecordsSuccess    = &metering.Measure{Name: "PutRecords.Success", Unit: "Count"}
	putRecordsTotal      = &metering.Measure{Name: "PutRecords.TotalRecords", Unit: "Count"}
	putRecordsSuccessful = &metering.Measure{Name: "PutRecords.SuccessfulRecords", Unit: "Count"}
	putRecordsFailed     = &metering.Measure{Name: "PutRecords.FailedRecords", Unit: "Count"}
	putRecordsThrottled  = &metering.Measure{Name: "PutRecords.ThrottledRecords", Unit: "Count"}

	getBytes   = &metering.Measure{Name: "GetRecords.Bytes", Unit: "Bytes"}
	getAge     = &metering.Measure{Name: "GetRecords.IteratorAgeMilliseconds", Unit: "Milliseconds"}
	getLatency = &metering.Measure{Name: "GetRecords.Latency", Unit: "Milliseconds"}
	getRecords = &metering.Measure{Name: "GetRecords.Records", Unit: "Count"}
	getSuccess = &metering.Measure{Name: "GetRecords.Success", Unit: "Count"}

	// of a consumer of a stream
	subscribeExceeded = &metering.Measure{Name: "SubscribeToShard.RateExceeded", Unit: "Count"}
	subscribeSuccess  = &metering.Measure{Name: "SubscribeToShard.Success", Unit: "Count"}
	eventBytes        = &metering.Measure{Name: "SubscribeToShardEvent.Bytes", Unit: "Bytes"}
	eventBehind       = &metering.Measure{Name: "SubscribeToShardEvent.MillisBehindLatest", Unit: "Milliseconds"}
	eventRecords      = &metering.Measure{Name: "SubscribeToShardEvent.Records", Unit: "Count"}
	eventSuccess      = &metering.Measure{Name: "SubscribeToShardEvent.Success", Unit: "Count"}
)

// consumerMeter is what a consumer of a stream is measured by.
func (s *Service) consumerMeter(d *stream, consumer string) *metering.Resource {
	return s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/Kinesis", "StreamName", d.Name, "ConsumerName", consumer)
}

// measureEvent tells of an event that a subscription is sent.
func (p *pusher) measureEvent(d *stream, sh *shard, r *batchRead) {
	if p.s.cfg.Meter == nil {
		return
	}
	behind := float64(r.behind.Milliseconds())
	p.s.consumerMeter(d, p.consumer.Name).Add(eventBytes.Of(float64(r.bytes)), eventBehind.Of(behind), eventRecords.Of(float64(len(r.records))), eventSuccess.Of(1))
	addShard(p.s.shardMeter(d, sh.id()), d, outgoingBytes.Of(float64(r.bytes)), outgoingRecords.Of(float64(len(r.records))))
}

// measured is what a stream is measured by.
func (s *Service) measured(d *stream) *metering.Resource {
	return s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/Kinesis", "StreamName", d.Name)
}

// shardMeter is what a shard is measured by; nil unless a metric of shards is enabled.
func (s *Service) shardMeter(d *stream, shard string) *metering.Resource {
	if len(d.Metrics) == 0 {
		return nil
	}
	return s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/Kinesis", "StreamName", d.Name, "ShardId", shard)
}

// addShard adds what is enabled of a shard's samples.
func addShard(m *metering.Resource, d *stream, samples ...metering.Sample) {
	for _, x := range samples {
		if slices.Contains(d.Metrics, x.Measure.Name) {
			m.Add(x)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// measurePut tells of a put, of which so many records with so many bytes were stored.
func (s *Service) measurePut(r *streamRuntime, p *put, records, bytes int, began time.Time) {
	if r.meter == nil {
		return
	}
	took := milliseconds(time.Since(began))
	throttled := 0
	for i := range p.entries {
		if p.entries[i].throttled {
			throttled++
		}
	}
	success := 0.0
	var room [12]metering.Sample
	samples := append(room[:0], writeExceeded.Of(float64(throttled)))
	if records > 0 {
		success = 1
		samples = append(samples, incomingBytes.Of(float64(bytes)), incomingRecords.Of(float64(records)))
	}
	if p.single {
		samples = append(samples, putRecordBytes.Of(float64(bytes)), putRecordLatency.Of(took), putRecordSuccess.Of(success))
	} else {
		samples = append(samples, putRecordsBytes.Of(float64(bytes)), putRecordsLatency.Of(took), putRecordsSuccess.Of(success), putRecordsTotal.Of(float64(len(p.entries))),
			putRecordsSuccessful.Of(float64(records)), putRecordsFailed.Of(float64(max(p.failed-throttled, 0))), putRecordsThrottled.Of(float64(throttled)))
	}
	r.meter.Add(samples...)
	if d := p.view.doc; len(d.Metrics) > 0 {
		for i := range p.slots {
			if sl := &p.slots[i]; sl.err == nil {
				addShard(s.shardMeter(d, sl.shard.id), d, incomingBytes.Of(float64(sl.batch.Size())), incomingRecords.Of(float64(sl.batch.Len())))
			}
		}
		for i := range p.entries {
			if e := &p.entries[i]; e.throttled {
				addShard(s.shardMeter(d, p.view.open[e.slot].id), d, writeExceeded.Of(1))
			}
		}
	}
}

// measureGet tells of a read of GetRecords.
func (s *Service) measureGet(d *stream, sh *shard, r *batchRead, began time.Time) {
	m := s.runtime(d).meter
	if m == nil {
		return
	}
	behind := float64(r.behind.Milliseconds())
	m.Add(getBytes.Of(float64(r.bytes)), getAge.Of(behind), getLatency.Of(milliseconds(time.Since(began))), getRecords.Of(float64(len(r.records))), getSuccess.Of(1), readExceeded.Of(0))
	addShard(s.shardMeter(d, sh.id()), d, outgoingBytes.Of(float64(r.bytes)), outgoingRecords.Of(float64(len(r.records))), iteratorAge.Of(behind))
}

// measureRefused tells of a read that was refused for the limits of its shard.
func (s *Service) measureRefused(d *stream, sh *shard) {
	s.runtime(d).meter.Add(readExceeded.Of(1), getSuccess.Of(0))
	addShard(s.shardMeter(d, sh.id()), d, readExceeded.Of(1))
}
