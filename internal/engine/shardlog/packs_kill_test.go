package shardlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

const packsWriters = 5

// packsUntilKilled does all that packs are concerned with, at once: small and large appends, trims, changes of the retention,
// shards that are deleted and made again, and compaction all the time. It prints what is acknowledged, and what it is
// about to remove.
func packsUntilKilled(dir string) error {
	ctx := context.Background()
	b, err := broker.Start(broker.Options{Dir: dir})
	if err != nil {
		return err
	}
	l, err := Open(ctx, b, Options{Journal: broker.AppendsDir(dir), SegmentBytes: 64 << 10, packBytes: 512 << 10})
	if err != nil {
		return err
	}
	var print sync.Mutex
	say := func(name, key string, first, next int, p Position) {
		print.Lock()
		defer print.Unlock()
		fmt.Printf("%s %s %d %d %d %d\n", name, key, first, next, p.Frame, p.Index)
	}
	fail := make(chan error)
	run := os.Getpid()
	work := func(do func() error) {
		go func() {
			for {
				if err := do(); err != nil {
					fail <- err
					return
				}
			}
		}()
	}
	for i := range packsWriters {
		name := fmt.Sprint("s/", i)
		s, err := l.Shard(ctx, name)
		if errors.Is(err, ErrNoShard) {
			s, err = l.CreateShard(ctx, name, ShardConfig{})
		}
		if err != nil {
			return err
		}
		n := 0
		work(func() error {
			var batch Batch
			first, size := n, rand.IntN(1<<10)
			if rand.IntN(10) == 0 {
				size = directBytes + rand.IntN(100<<10)
			}
			for range 1 + rand.IntN(3) {
				batch.Add(fmt.Appendf(nil, "%d.%d", run, i), fmt.Appendf(nil, "%d %0*d", n, size, 0))
				n++
			}
			p, _, err := s.Append(ctx, &batch)
			if err != nil {
				return err
			}
			say(name, fmt.Sprintf("%d.%d", run, i), first, n, p)
			switch {
			case i%2 == 0 && rand.IntN(20) == 0 && p.Frame > 4:
				p.Frame -= rand.Uint64N(4)
				say(name, "trim", 0, 0, p)
				if err := s.TrimBefore(ctx, p); err != nil {
					return err
				}
				say(name, "trimmed", 0, 0, p)
			case rand.IntN(30) == 0:
				return s.SetMaxAge(ctx, time.Duration(rand.IntN(3))*24*time.Hour)
			}
			return nil
		})
	}
	generation := 0
	if s, err := l.Shard(ctx, "again"); err == nil {
		recs, _, err := s.Read(ctx, Position{}, ReadOptions{MaxRecords: 1}, nil)
		if err != nil {
			return err
		}
		if len(recs) > 0 {
			generation, _ = strconv.Atoi(strings.Fields(string(recs[0].Data))[0])
		}
		if err := l.DeleteShard(ctx, "again"); err != nil {
			return err
		}
	}
	generation += run * 1000
	work(func() error {
		generation++
		s, err := l.CreateShard(ctx, "again", ShardConfig{})
		if err != nil {
			return err
		}
		for range 1 + rand.IntN(4) {
			var batch Batch
			batch.Add([]byte("again"), fmt.Appendf(nil, "%d %0*d", generation, rand.IntN(200<<10), 0))
			p, _, err := s.Append(ctx, &batch)
			if err != nil {
				return err
			}
			say("again", "again", generation, generation+1, p)
		}
		say("again", "delete", generation, 0, Position{})
		if err := l.DeleteShard(ctx, "again"); err != nil {
			return err
		}
		say("again", "deleted", generation, 0, Position{})
		return nil
	})
	work(func() error {
		time.Sleep(time.Millisecond)
		return l.packs.Collect()
	})
	return <-fail
}

// TestPacksKill kills a process that does that, again and again on the same files, also while it compacts: every record that
// was acknowledged is there once, nothing is back, and the check of the packs has nothing to tell of. SHARDLOG_KILLS is how often.
func TestPacksKill(t *testing.T) {
	kills := 8
	if v, err := strconv.Atoi(os.Getenv("SHARDLOG_KILLS")); err == nil {
		kills = v
	} else if testing.Short() {
		kills = 2
	}
	type place struct {
		shard string
		pos   Position
	}
	dir := t.TempDir()
	acked := map[place]string{}
	trim, trimmed := map[string]uint64{}, map[string]uint64{} // frames before which there may be, and must be, none
	var made, deleting, deleted int                           // generations of the shard that is made again
	var again map[Position]int                                // what it was acknowledged to have
	removed := 0
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+filepath.Join(dir, "nats"), crashDo+"=packs")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // should it come to nothing
		var timer *time.Timer
		made, deleting, deleted, again = 0, 0, 0, map[Position]int{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var name, key string
			var first, next int
			var p Position
			if n, _ := fmt.Sscan(lines.Text(), &name, &key, &first, &next, &p.Frame, &p.Index); n != 6 || strings.Count(lines.Text(), " ") != 5 {
				continue // cut off by the kill
			}
			if timer == nil {
				timer = time.AfterFunc(time.Duration(rand.IntN(500))*time.Millisecond, func() { cmd.Process.Kill() })
			}
			switch {
			case key == "trim":
				trim[name] = max(trim[name], p.Frame)
			case key == "trimmed":
				trimmed[name] = max(trimmed[name], p.Frame)
			case key == "delete":
				deleting = first
			case key == "deleted":
				deleted = first
			case name == "again":
				if first != made {
					made, again = first, map[Position]int{}
				}
				again[p] = first
			default:
				for i := range next - first {
					acked[place{name, Position{p.Frame, p.Index + uint32(i)}}] = fmt.Sprint(key, " ", first+i)
				}
			}
		}
		cmd.Wait()
		guard.Stop()
		if timer == nil {
			t.Fatal("nothing was acknowledged")
		}
		journal := broker.AppendsDir(filepath.Join(dir, "nats"))
		damage, warnings, err := CheckPacks(journal)
		if err != nil || len(damage)+len(warnings) > 0 {
			t.Fatalf("after a kill: %v, %v, %v", damage, warnings, err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "nats/packs/*.pack"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		newest := strings.TrimSuffix(filepath.Base(files[len(files)-1]), ".pack")
		if number, err := strconv.ParseInt(newest, 16, 64); err != nil {
			t.Fatal(err)
		} else if removed = int(number) - len(files); removed < 0 {
			t.Errorf("%d packs, the last is %d", len(files), number)
		}
	}
	l := start(t, dir, Options{Journal: broker.AppendsDir(filepath.Join(dir, "nats")), packBytes: 512 << 10})
	if told, err := l.LostFrames(t.Context(), nil); err != nil || len(told) > 0 {
		t.Errorf("lost: %v, %v", told, err)
	}
	at := map[place]string{}
	for i := range packsWriters {
		s := shardOf(t, l, fmt.Sprint("s/", i))
		last := map[string]int{}
		for from := (Position{}); ; {
			recs, next, err := s.Read(t.Context(), from, ReadOptions{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(recs) == 0 {
				break
			}
			for _, r := range recs {
				key, n := string(r.Key), 0
				if _, err := fmt.Sscan(string(r.Data[:min(20, len(r.Data))]), &n); err != nil {
					t.Fatal(err)
				}
				if r.Position.Frame < trimmed[s.name] {
					t.Fatalf("%s %v is back, %d was trimmed", s.name, r.Position, trimmed[s.name])
				}
				if was, ok := last[key]; ok && n != was+1 {
					t.Fatalf("%s %v: writer %s goes from %d to %d", s.name, r.Position, key, was, n)
				}
				last[key] = n
				at[place{s.name, r.Position}] = fmt.Sprint(key, " ", n)
			}
			from = next
		}
	}
	there := 0
	for p, want := range acked {
		if p.pos.Frame < trim[p.shard] {
			continue
		}
		if at[p] != want {
			t.Fatalf("%s %v holds %q, acknowledged was %q", p.shard, p.pos, at[p], want)
		}
		there++
	}
	s, err := l.Shard(t.Context(), "again")
	switch {
	case errors.Is(err, ErrNoShard):
		if made > 0 && deleting != made {
			t.Errorf("the shard of generation %d is not there", made)
		}
	case err != nil:
		t.Fatal(err)
	default:
		got := map[Position]int{}
		recs, _, err := s.Read(t.Context(), Position{}, ReadOptions{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			generation := 0
			if _, err := fmt.Sscan(string(r.Data[:min(20, len(r.Data))]), &generation); err != nil {
				t.Fatal(err)
			}
			if got[r.Position] = generation; generation <= deleted || generation < made {
				t.Errorf("generation %d is there, %d was deleted", generation, deleted)
			}
		}
		if deleting < made {
			for p, generation := range again {
				if got[p] != generation {
					t.Errorf("again %v is of generation %d, acknowledged was %d", p, got[p], generation)
				}
			}
		}
	}
	t.Logf("%d kills, %d packs removed: %d records acknowledged, %d there, of them acknowledged and not trimmed %d", kills, removed, len(acked), len(at), there)
}
