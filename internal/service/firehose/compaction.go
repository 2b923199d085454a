package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/brookmere/brookmere/internal/engine/compact"
	"github.com/brookmere/brookmere/internal/engine/delivery"
	"github.com/brookmere/brookmere/internal/engine/recordplan"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CompactionTag is the key of a delivery stream's tag that says whether and how its objects
// are compacted, whatever the configuration says. compact.ParseSettings reads the value.
const CompactionTag = "brookmere:compaction"

// compacting is the compactor of a delivery at work.
type compacting struct {
	set    compact.Settings // that it works by; the zero value: it does not
	cancel context.CancelFunc
	done   chan struct{}
}

// checkCompaction refuses a value of CompactionTag that means nothing.
func (s *Service) checkCompaction(tags []types.Tag) error {
	for _, t := range tags {
		if aws.ToString(t.Key) != CompactionTag {
			continue
		}
		set, err := compact.ParseSettings(aws.ToString(t.Value))
		if err != nil {
			return invalid("The tag %s says how the objects of a delivery stream are compacted: %v.", CompactionTag, err)
		}
		if set.On() && s.cfg.Lake == nil {
			return invalid("The tag %s asks for what cannot be done here: only objects of the node's own S3 can be compacted.", CompactionTag)
		}
	}
	return nil
}

// compactionSettings are those of the tag, or else the configuration.
func (s *Service) compactionSettings(d *streamDoc) compact.Settings {
	for _, t := range d.Tags {
		if t.Key == CompactionTag {
			set, _ := compact.ParseSettings(aws.ToString(t.Value)) // it was checked
			return set
		}
	}
	return s.cfg.Compaction
}

// newCompactor makes the stream's compactor; nil where objects cannot be compacted.
func (st *stream) newCompactor() *compact.Compactor {
	s, d := st.s, st.doc.Load()
	if s.cfg.Lake == nil {
		return nil
	}
	return compact.New(compact.Options{
		Lake: s.cfg.Lake, Gate: s.gate, Clock: s.clock, TempDir: s.cfg.TempDir,
		Owner: recordplan.NewOwner(d.base(), d.Name), Stream: d.Name,
		Root: func() (bucket, prefix string) {
			d := st.doc.Load()
			prefix, _, _ = strings.Cut(aws.ToString(d.S3.Prefix), "!{")
			return bucketOf(d.S3.BucketARN), prefix
		},
		Open: st.openIntents,
		Events: compact.Events{
			Compacted: func(bucket, key string, objects int, bytes int64, took time.Duration) {
				s.metrics.compacted.Add(float64(objects))
				s.metrics.compactedBytes.Add(float64(bytes))
				s.metrics.compactedInto.Inc()
				s.log.Info("compacted", "stream", d.Name, "objects", objects, "bytes", bytes, "into", "s3://"+bucket+"/"+key, "took", took.Round(time.Millisecond))
			},
			Left: func(bucket, prefix string, reason error) {
				s.log.Warn("objects are not compacted", "stream", d.Name, "prefix", "s3://"+bucket+"/"+prefix, "reason", reason)
			},
			Failed: func(bucket, prefix string, err error) {
				s.metrics.compactionFailures.Inc()
				s.log.Error("compaction failed and will be tried again", "stream", d.Name, "prefix", "s3://"+bucket+"/"+prefix, "err", err)
			},
		},
	})
}

// openIntents are the keys of the objects that a delivery may write again after a crash.
func (st *stream) openIntents() (map[string]bool, error) {
	d := st.doc.Load()
	open := make(map[string]bool)
	for doc := range st.s.cfg.State.List(state.Key{progressKind, d.Account, d.Region, d.ID}) {
		var p struct{ Intents []struct{ Key string } }
		if err := json.Unmarshal(doc.Value, &p); err != nil {
			return nil, fmt.Errorf("firehose: read %s: %w", doc.Key, err)
		}
		for _, in := range p.Intents {
			open[in.Key] = true
		}
	}
	return open, nil
}

// compact starts, stops or changes the compactor, if it is to work by other settings.
func (r *delivering) compact() {
	c, compactor := &r.compacting, r.st.compactor
	set := r.st.s.compactionSettings(r.job.Document())
	if !set.On() {
		set = compact.Settings{}
	}
	if compactor == nil || c.set == set {
		return
	}
	if c.cancel != nil {
		c.cancel()
		select {
		case <-c.done:
		case <-r.ctx.Done():
			return
		}
	}
	c.set, c.cancel = set, nil
	if !set.On() {
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	c.cancel, c.done = cancel, done
	r.work("compaction", func(context.Context) error {
		compactor.Run(ctx, set)
		close(done) // after a panic it runs again
		return nil
	}, nil)
}

// wrote tells the compactor of objects that were delivered.
func (st *stream) wrote(objs []delivery.Intent) {
	c := st.compactor
	if c == nil {
		return
	}
	for _, o := range objs {
		if !delivery.IsError(o.Partition) && o.Bucket != recordplan.EndpointBucket {
			c.Wrote(o.Bucket, o.Key)
		}
	}
}

// Compact merges the small objects of the caller's delivery stream that are there now,
// whether it is set to compact or not, and returns when that is done.
func (s *Service) Compact(ctx context.Context, name string) error {
	st, err := s.lookup(ctx, name)
	if err != nil {
		return err
	}
	if st.compactor == nil {
		return errors.New("only objects of the node's own S3 can be compacted")
	}
	set := s.compactionSettings(st.doc.Load())
	if !set.On() {
		set = compact.DefaultSettings
	}
	return st.compactor.Compact(ctx, set)
}

// Compaction says what was done to the objects of a delivery stream since the node began.
type Compaction struct {
	Setting string // as ParseSettings reads it
	compact.Status
}

func (st *stream) compactionStatus() Compaction {
	c := Compaction{Setting: st.s.compactionSettings(st.doc.Load()).String()}
	if st.compactor != nil {
		c.Status = st.compactor.Status()
	}
	return c
}
