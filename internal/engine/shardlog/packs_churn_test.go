package shardlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// churned is a shard as the one that works on it knows it.
type churned struct {
	name string
	made int // how often; 0: it is not there
	gone bool
	left []string // what was appended and not trimmed
	at   []Position
	end  Position // of the last append
	time []int64  // of what is left
	age  time.Duration
}

// expire forgets what has passed an age.
func (c *churned) expire(now time.Time, age time.Duration) {
	for age > 0 && len(c.at) > 0 && c.time[0] < now.Add(-age).UnixMilli() {
		c.at, c.left, c.time = c.at[1:], c.left[1:], c.time[1:]
	}
}

// work appends, trims, deletes and creates at random.
func (c *churned) work(t *testing.T, l *Log, r *rand.Rand) {
	ctx := t.Context()
	for n := range r.IntN(60) {
		s, err := l.Shard(ctx, c.name)
		if c.gone || c.made == 0 {
			if !errors.Is(err, ErrNoShard) {
				t.Errorf("%s is there, and was deleted: %v", c.name, err)
				return
			}
			if s, err = l.CreateShard(ctx, c.name, ShardConfig{}); err == nil {
				c.made, c.gone, c.left, c.at, c.end, c.time, c.age = c.made+1, false, nil, nil, Position{}, nil, 0
			}
		}
		if err != nil {
			t.Error(c.name, err)
			return
		}
		switch k := r.IntN(40); {
		case k == 0:
			if err := l.DeleteShard(ctx, c.name); err != nil {
				t.Error(err)
				return
			}
			c.gone = true
			if err := s.TrimBefore(ctx, Position{c.end.Frame + 1, 0}); err != nil && !errors.Is(err, ErrNoShard) {
				t.Errorf("trim of what was deleted: %v", err)
			}
		case k < 4 && len(c.at) > 0:
			to := Position{c.end.Frame + 1, 0}
			if r.IntN(2) == 0 {
				to = c.at[r.IntN(len(c.at))]
			}
			if err := s.TrimBefore(ctx, to); err != nil {
				t.Error(err)
				return
			}
			for len(c.at) > 0 && c.at[0].Frame < to.Frame {
				c.at, c.left, c.time = c.at[1:], c.left[1:], c.time[1:]
			}
		case k < 7:
			age := time.Duration(r.IntN(6)) * time.Minute
			if err := s.SetMaxAge(ctx, age); err != nil {
				t.Error(err)
				return
			}
			c.expire(l.clock.Now(), c.age)
			c.expire(l.clock.Now(), age)
			c.age = age
		default:
			size := r.IntN(4 << 10)
			if k == 39 {
				size = directBytes
			}
			text := fmt.Sprint(c.name, " ", c.made, " ", n, " ", r.Uint32(), strings.Repeat("x", size))
			var b Batch
			b.Add(nil, []byte(text))
			p, at, err := s.Append(ctx, &b)
			if err != nil || p.Compare(c.end) <= 0 && c.end != (Position{}) {
				t.Errorf("%s: %v behind %v, %v", c.name, p, c.end, err)
				return
			}
			c.end, c.at, c.left, c.time = p, append(c.at, p), append(c.left, text), append(c.time, at.UnixMilli())
		}
	}
}

// TestPacksChurnPowerLoss appends to shards that are trimmed, get another retention, and are deleted and created again at the same time, through kills and losses of
// power: what was acknowledged is there, once, and nothing that was trimmed, has expired at any time, or is of a shard that was deleted.
func TestPacksChurnPowerLoss(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir, clock := t.TempDir(), clockwork.NewFakeClockAt(time.Now())
	shards := make([]*churned, 6)
	for i := range shards {
		shards[i] = &churned{name: fmt.Sprint("s/", i)}
	}
	for range 10 {
		clock.Advance(time.Duration(r.IntN(3)) * time.Minute)
		o := packOptions(dir)
		o.Clock = clock
		o.SegmentBytes = 16 << 10 << r.IntN(5)
		o.packBytes = 64 << 10 << r.IntN(4)
		b := startBroker(t, dir)
		l, err := Open(t.Context(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		var working sync.WaitGroup
		for _, c := range shards {
			s, err := l.Shard(t.Context(), c.name)
			switch {
			case c.gone || c.made == 0:
				if !errors.Is(err, ErrNoShard) {
					t.Fatalf("%s is there: %v", c.name, err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				c.expire(clock.Now(), c.age)
				if got := all(t, s, Position{}, ReadOptions{}); !slices.Equal(got, c.left) {
					t.Fatalf("%s: %d records, want %d, up to %v", c.name, len(got), len(c.left), c.end)
				}
			}
			own := rand.New(rand.NewPCG(r.Uint64(), 1))
			working.Go(func() { c.work(t, l, own) })
		}
		working.Go(func() {
			for range 3 {
				if err := l.packs.Collect(); err != nil {
					t.Error(err)
				}
			}
		})
		working.Wait()
		if t.Failed() {
			return
		}
		if r.IntN(6) == 0 {
			l.Close()
			b.Close()
			continue
		}
		to, durable := killPacks(t, l, dir)
		l.Close()
		b.Close()
		if dir = to; r.IntN(3) > 0 {
			losePacks(t, filepath.Join(dir, "nats/packs"), r, durable)
		}
	}
}

// TestFirstFrameLost loses the first frame of a shard in packs, and not the next one: it is made again from the journal.
func TestFirstFrameLost(t *testing.T) {
	dir := t.TempDir()
	l := start(t, dir, packOptions(dir))
	s := create(t, l, "s", ShardConfig{})
	for _, text := range []string{"one", "two"} {
		put(t, s, text)
		if err := s.flushAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	to := t.TempDir()
	copyLive(t, filepath.Join(to, "nats"), filepath.Join(dir, "nats"))
	for name := range l.packs.Durable() {
		f, err := os.OpenFile(filepath.Join(to, "nats/packs", name), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 64), 32); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	l = start(t, to, packOptions(to))
	equal(t, "s", all(t, shardOf(t, l, "s"), Position{}, ReadOptions{}), []string{"one", "two"})
}
