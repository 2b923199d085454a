package cloudwatch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/engine/metering"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// What the node's own services measure comes from the meter, a minute after the other: what was gathered in a minute is
// written when it is over, with its time. A stop writes what there is; a kill loses what has not been written.

// maxEmitted is how many samples one batch of the store has.
const maxEmitted = 2000

// emit writes what was gathered, at each full minute.
func (s *Service) emit(ctx context.Context) error {
	for {
		now := s.clock.Now()
		t := s.clock.NewTimer(metering.UntilMinute(now))
		select {
		case <-t.Chan():
			s.write(now)
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// write writes what has been gathered since the last time, as of a time.
func (s *Service) write(at time.Time) {
	points := s.cfg.Meter.Take()
	for len(points) > 0 {
		n := min(len(points), maxEmitted)
		samples := make([]metricstore.Sample, n)
		for i := range samples {
			p := &points[i]
			samples[i] = metricstore.Sample{
				Metric: metricstore.Metric{Scope: p.Resource.Scope, Namespace: p.Resource.Namespace, Name: p.Measure.Name, Dimensions: p.Resource.Dimensions},
				Time:   at.Unix(), Unit: unitCodes[types.StandardUnit(p.Measure.Unit)], Summary: p.Summary,
			}
		}
		if err := s.metrics.Write(samples); err != nil {
			s.log.Error("metrics of the node's services were not written", "points", len(points), "error", err)
			return
		}
		points = points[n:]
	}
}
