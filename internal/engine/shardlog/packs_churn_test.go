package shardlog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// churned is a shard as the one that works on it knows it.
type churned struct {
	name string
	made int // how often; 0: it is not there
	gone bool
	left []string // what was appended and not trimmed
	at   []Position
	end  Position // of the last append
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
				c.made, c.gone, c.left, c.at, c.end = c.made+1, false, nil, nil, Position{}
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
				c.at, c.left = c.at[1:], c.left[1:]
			}
		default:
			size := r.IntN(4 << 10)
			if k == 39 {
				size = directBytes
			}
			text := fmt.Sprint(c.name, " ", c.made, " ", n, " ", r.Uint32(), strings.Repeat("x", size))
			var b Batch
			b.Add(nil, []byte(text))
			p, _, err := s.Append(ctx, &b)
			if err != nil || p.Compare(c.end) <= 0 && c.end != (Position{}) {
				t.Errorf("%s: %v behind %v, %v", c.name, p, c.end, err)
				return
			}
			c.end, c.at, c.left = p, append(c.at, p), append(c.left, text)
		}
	}
}

// TestPacksChurnPowerLoss appends to shards that are trimmed, deleted and created again at the same time, through kills and losses of
// power: what was acknowledged is there, once, and nothing that was trimmed or is of a shard that was deleted.
func TestPacksChurnPowerLoss(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	shards := make([]*churned, 6)
	for i := range shards {
		shards[i] = &churned{name: fmt.Sprint("s/", i)}
	}
	for range 10 {
		o := packOptions(dir)
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
				equal(t, c.name, all(t, s, Position{}, ReadOptions{}), c.left)
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
		to := t.TempDir()
		copyLive(t, filepath.Join(to, "nats/appends"), filepath.Join(dir, "nats/appends"))
		durable := l.packs.Durable()
		copyLive(t, filepath.Join(to, "nats/packs"), filepath.Join(dir, "nats/packs"))
		copyLive(t, filepath.Join(to, "nats/jetstream"), filepath.Join(dir, "nats/jetstream"))
		l.Close()
		b.Close()
		if dir = to; r.IntN(3) > 0 {
			losePacks(t, filepath.Join(dir, "nats/packs"), r, durable)
		}
	}
}
