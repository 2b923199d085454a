package shardreader

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// fake is a stream of shards in memory. Its records are "shard/number".
type fake struct {
	mu      sync.Mutex
	id      string
	shards  []*fakeShard
	batch   int
	expires time.Duration // of iterators; 0: never
	broken  error         // of every call
	reads   int
	changed chan struct{}
}

type fakeShard struct {
	ShardInfo
	first   int // records before it are gone
	records []record
}

type record struct {
	text, seq string
	at        time.Time
}

func newFake(shards ...string) *fake {
	f := &fake{id: "1", batch: 5, changed: make(chan struct{})}
	for _, s := range shards {
		f.shards = append(f.shards, &fakeShard{ShardInfo: ShardInfo{ID: s}})
	}
	return f
}

func (f *fake) shard(id string) *fakeShard {
	for _, s := range f.shards {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (f *fake) tell() { close(f.changed); f.changed = make(chan struct{}) }

func (f *fake) put(shard string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.shard(shard)
	for range n {
		at := len(s.records)
		s.records = append(s.records, record{fmt.Sprintf("%s/%d", shard, at), fmt.Sprintf("%s%06d", shard, at), time.Now()})
	}
	f.tell()
}

// split closes shards and opens others that come of them.
func (f *fake) split(children []string, parents ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range parents {
		f.shard(p).Closed = true
	}
	for _, c := range children {
		f.shards = append(f.shards, &fakeShard{ShardInfo: ShardInfo{ID: c, Parents: parents}})
	}
	f.tell()
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "of the test"} }

func (f *fake) Describe(context.Context) (Description, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := Description{Identity: f.id}
	for _, s := range f.shards {
		d.Shards = append(d.Shards, s.ShardInfo)
	}
	return d, f.broken
}

func (f *fake) Iterator(_ context.Context, shard string, at Start) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return "", f.broken
	}
	s := f.shard(shard)
	if s == nil {
		return "", apiError("ResourceNotFoundException")
	}
	i := s.first
	for ; i < len(s.records); i++ {
		r := &s.records[i]
		if at.Kind == TrimHorizon || at.Kind == AtTime && !r.at.Before(at.Time) || at.Kind == AtSequence && r.seq >= at.Sequence || at.Kind == AfterSequence && r.seq > at.Sequence {
			break
		}
	}
	return f.iterator(shard, i), nil
}

func (f *fake) iterator(shard string, i int) string {
	return fmt.Sprintf("%s %s %d %d", f.id, shard, i, time.Now().UnixNano())
}

func (f *fake) Read(_ context.Context, iterator string, limit int32) (Page[record], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.broken != nil {
		return Page[record]{}, f.broken
	}
	part := strings.Split(iterator, " ")
	born, _ := strconv.ParseInt(part[3], 10, 64)
	s := f.shard(part[1])
	switch {
	case part[0] != f.id || s == nil:
		return Page[record]{}, apiError("ResourceNotFoundException")
	case f.expires > 0 && time.Since(time.Unix(0, born)) > f.expires:
		return Page[record]{}, apiError("ExpiredIteratorException")
	}
	i, _ := strconv.Atoi(part[2])
	i = max(i, s.first)
	return f.page(s, i, min(f.batch, int(limit))), nil
}

func (f *fake) page(s *fakeShard, i, n int) Page[record] {
	end := min(len(s.records), i+n)
	p := Page[record]{Records: slices.Clone(s.records[i:end])}
	if end < len(s.records) {
		p.Behind = time.Second
	}
	if end < len(s.records) || !s.Closed {
		p.Next = f.iterator(s.ID, end)
	}
	return p
}

func (f *fake) About(r *record) Info {
	return Info{Sequence: r.seq, Arrived: r.at, Size: len(r.text)}
}

// telling is a fake that tells of arrivals.
type telling struct{ *fake }

func (f telling) WaitForRecords(ctx context.Context, iterator string) error {
	part := strings.Split(iterator, " ")
	i, _ := strconv.Atoi(part[2])
	for {
		f.mu.Lock()
		s, changed := f.shard(part[1]), f.changed
		more := s == nil || len(s.records) > i
		f.mu.Unlock()
		if more {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pushing is a fake whose subscriptions last for five minutes.
type pushing struct{ *fake }

func (f pushing) Subscribe(ctx context.Context, shard string, at Start) iter.Seq2[Page[record], error] {
	return func(yield func(Page[record], error) bool) {
		it, err := f.Iterator(ctx, shard, at)
		if err != nil {
			yield(Page[record]{}, err)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		for {
			f.mu.Lock()
			changed := f.changed
			f.mu.Unlock()
			p, err := f.Read(ctx, it, 1000)
			if (len(p.Records) > 0 || p.Next == "" || err != nil) && !yield(p, err) || p.Next == "" {
				return
			}
			it = p.Next
			if len(p.Records) == 0 {
				select {
				case <-changed:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}
