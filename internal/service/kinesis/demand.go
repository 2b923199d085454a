package kinesis

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// An on-demand stream with limits has shards for twice the most that it took in a minute of
// the last 30 days. Kinesis gets there within 15 minutes, this within one.

const (
	// demandEvery is how long an on-demand stream is watched before it is scaled.
	demandEvery = time.Minute
	// demandWindow is how long a peak counts.
	demandWindow = 30 * 24 * time.Hour
)

// dayPeak is the most that an on-demand stream took in a minute of a day.
type dayPeak struct {
	Day    time.Time `json:"day"`
	Shards float64   `json:"shards"` // that what it took fills
}

// errUnchanged ends a change of a document that has nothing to change.
var errUnchanged = errors.New("kinesis: there is nothing to change")

// watchDemand looks, once in demandEvery, at what the stream took since it last did. The
// caller holds l.mu.
func (s *Service) watchDemand(l *limiter, d *stream, now time.Time) {
	elapsed := now.Sub(l.since)
	if elapsed >= 0 && elapsed < demandEvery {
		return
	}
	took := max(float64(l.bytes)/shardInBytes, float64(l.records)/shardInRecords) / elapsed.Seconds()
	first := l.since.IsZero() || elapsed < 0
	l.since, l.records, l.bytes = now, 0, 0
	if first {
		return
	}
	after := *d
	if !after.demand(took, now) && after.demanded(took, now) == d.openShards() || d.Status != types.StreamStatusActive {
		return
	}
	s.group.Go("look at demand", func(ctx context.Context) error {
		err := s.scaleToDemand(ctx, d, took, now)
		var changing *types.ResourceInUseException
		if err != nil && ctx.Err() == nil && !errors.As(err, &changing) && !isNotFound(err) {
			s.log.Warn("kinesis: an on-demand stream was not scaled", "stream", d.arn(), "error", err)
		}
		return nil
	})
}

// watchIdle is watchDemand for a stream that may take nothing at all.
func (s *Service) watchIdle(d *stream) {
	if d.Mode != types.StreamModeOnDemand || !s.enforces(d) {
		return
	}
	l := &s.runtime(d).limits
	l.mu.Lock()
	defer l.mu.Unlock()
	s.watchDemand(l, d, s.clock.Now())
}

// scaleToDemand writes down what the stream took, and changes its shards if they are too few
// or too many for it.
func (s *Service) scaleToDemand(ctx context.Context, d *stream, took float64, now time.Time) error {
	d, err := s.modify(ctx, d, func(d *stream) error {
		if !d.demand(took, now) {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		d, err = s.current(d)
	}
	if err != nil {
		return err
	}
	target := d.demanded(took, now)
	if target == d.openShards() {
		return nil
	}
	_, err = s.begin(ctx, d, types.StreamStatusUpdating, change{Kind: changeScale, Target: target}, func(d *stream) error {
		if d.demanded(took, now) != target {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// demand adds to the stream's peaks what it took and says whether that is worth writing
// down.
func (d *stream) demand(took float64, now time.Time) bool {
	if d.Mode != types.StreamModeOnDemand {
		return false
	}
	day := now.UTC().Truncate(24 * time.Hour)
	peaks := slices.DeleteFunc(slices.Clone(d.Peaks), func(p dayPeak) bool { return now.Sub(p.Day) > demandWindow })
	changed := len(peaks) < len(d.Peaks)
	if d.WatchedFrom.IsZero() {
		d.WatchedFrom, changed = day, true
	}
	switch i := slices.IndexFunc(peaks, func(p dayPeak) bool { return p.Day.Equal(day) }); {
	case i < 0:
		peaks, changed = append(peaks, dayPeak{day, took}), true
	case took > 1.05*peaks[i].Shards:
		peaks[i].Shards, changed = took, true
	}
	d.Peaks = peaks
	return changed
}

// demanded is how many shards the stream should have: twice of what it takes now, or, once
// it has been watched for the whole window, twice of its peak in there. It at most doubles
// and at most halves.
func (d *stream) demanded(took float64, now time.Time) int {
	open := d.openShards()
	if d.Mode != types.StreamModeOnDemand {
		return open
	}
	if up := min(shardsFor(took), 2*open, maxShardCount); up > open {
		return up
	}
	if now.Sub(d.WatchedFrom) <= demandWindow {
		return open
	}
	peak := took
	for _, p := range d.Peaks {
		peak = max(peak, p.Shards)
	}
	if half := (open + 1) / 2; shardsFor(peak) <= half && half >= onDemandShards {
		return half
	}
	return open
}

// shardsFor is how many shards take twice of what fills so many.
func shardsFor(full float64) int { return int(2*full + 0.999) }
