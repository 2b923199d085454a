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
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

const (
	crashDir    = "SHARDLOG_CRASH_DIR" // set for the process that is to be killed
	crashDo     = "SHARDLOG_CRASH_DO"  // what it does until then
	crashFront  = "SHARDLOG_CRASH_FRONT"
	crashSeldom = "SHARDLOG_CRASH_SELDOM" // with shards that seldom get anything
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		do := appendUntilKilled
		switch os.Getenv(crashDo) {
		case "trim":
			do = trimUntilKilled
		case "packs":
			do = packsUntilKilled
		}
		if err := do(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const (
	crashShards  = 2
	crashWriters = 6
	crashQuiet   = 24 // shards besides that seldom get anything, if there are to be some
)

// appendUntilKilled appends records that say who wrote them and how many came before,
// and prints each once it is acknowledged. The last shard it trims now and then, and prints
// where, before and after.
func appendUntilKilled(dir string) error {
	ctx := context.Background()
	b, err := broker.Start(broker.Options{Dir: dir})
	if err != nil {
		return err
	}
	o := Options{}
	if os.Getenv(crashFront) != "" {
		o.Journal = broker.AppendsDir(dir)
	}
	quiet := 0
	if os.Getenv(crashSeldom) != "" {
		quiet = crashQuiet
		o.SegmentBytes = 64 << 10
	}
	l, err := Open(ctx, b, o)
	if err != nil {
		return err
	}
	var print sync.Mutex
	say := func(format string, v ...any) {
		print.Lock()
		defer print.Unlock()
		fmt.Printf(format, v...)
	}
	fail := make(chan error)
	for i := range crashWriters + quiet {
		name := fmt.Sprint("s/", i%crashShards)
		if i >= crashWriters {
			name = fmt.Sprint("s/", i-crashWriters+crashShards)
		}
		s, err := l.Shard(ctx, name)
		if err != nil {
			if s, err = l.CreateShard(ctx, name, ShardConfig{}); err != nil {
				return err
			}
		}
		go func() {
			run := os.Getpid()
			var batch Batch
			for n := 0; ; {
				batch.Reset()
				first := n
				most := 400
				if i >= crashWriters {
					most = 2
					time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
				} else if rand.IntN(2) == 0 {
					most = 10
				}
				for range 1 + rand.IntN(most) {
					batch.Add(fmt.Appendf(nil, "%d.%d", run, i), fmt.Appendf(nil, "%d %0*d", n, rand.IntN(300), 0))
					n++
				}
				p, _, err := s.Append(ctx, &batch)
				if err != nil {
					fail <- err
					return
				}
				say("%s %d.%d %d %d %d %d\n", name, run, i, first, n, p.Frame, p.Index)
				if i == crashWriters-1 && rand.IntN(4) == 0 && p.Frame > 5 {
					p.Frame -= rand.Uint64N(5)
					say("%s trim 0 0 %d 0\n", name, p.Frame)
					if err := s.TrimBefore(ctx, p); err != nil {
						fail <- err
						return
					}
					say("%s trimmed 0 0 %d 0\n", name, p.Frame)
				}
			}
		}()
	}
	return <-fail
}

// TestKill kills a process that appends, again and again on the same files: every record
// that was acknowledged is there once, at its position, in order. SHARDLOG_KILLS is how
// often.
func TestKill(t *testing.T) { testKill(t, false) }

// testKill has, if it is to, shards besides that seldom get anything.
func testKill(t *testing.T, quiet bool) {
	kills := 20
	if v, err := strconv.Atoi(os.Getenv("SHARDLOG_KILLS")); err == nil {
		kills = v
	} else if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	type ack struct {
		shard, key  string
		first, next int
		pos         Position
	}
	var acks []ack
	trim, trimmed := map[string]uint64{}, map[string]uint64{} // frames before which there may be, and must be, none
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+filepath.Join(dir, "nats"))
		if fronted {
			cmd.Env = append(cmd.Env, crashFront+"=1")
		}
		if quiet {
			cmd.Env = append(cmd.Env, crashSeldom+"=1")
		}
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // should it come to nothing
		lines := bufio.NewScanner(out)
		var timer *time.Timer
		for lines.Scan() {
			var a ack
			if n, _ := fmt.Sscan(lines.Text(), &a.shard, &a.key, &a.first, &a.next, &a.pos.Frame, &a.pos.Index); n != 6 || strings.Count(lines.Text(), " ") != 5 {
				continue // cut off by the kill
			}
			if timer == nil {
				timer = time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
			}
			switch a.key {
			case "trim":
				trim[a.shard] = max(trim[a.shard], a.pos.Frame)
			case "trimmed":
				trimmed[a.shard] = max(trimmed[a.shard], a.pos.Frame)
			default:
				acks = append(acks, a)
			}
		}
		cmd.Wait()
		guard.Stop()
		if timer == nil {
			t.Fatal("nothing was acknowledged")
		}
	}
	shards := crashShards
	var o Options
	if quiet {
		shards += crashQuiet
	}
	l := start(t, dir, o)
	type place struct {
		shard string
		pos   Position
	}
	at := map[place]string{}
	records := 0
	for i := range shards {
		name := fmt.Sprint("s/", i)
		s, err := l.Shard(t.Context(), name)
		if errors.Is(err, ErrNoShard) {
			if !slices.ContainsFunc(acks, func(a ack) bool { return a.shard == name }) {
				continue // never came to it
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		last := map[string]int{}
		var before time.Time
		var recs []Record
		for from := (Position{}); ; {
			recs, from, err = s.Read(t.Context(), from, ReadOptions{}, recs[:0])
			if err != nil {
				t.Fatal(err)
			}
			if len(recs) == 0 {
				break
			}
			for _, r := range recs {
				n, err := strconv.Atoi(strings.Fields(string(r.Data))[0])
				if err != nil {
					t.Fatal(err)
				}
				key := string(r.Key)
				if r.Position.Frame < trimmed[name] {
					t.Fatalf("%s %v is back, %d was trimmed", name, r.Position, trimmed[name])
				}
				if was, ok := last[key]; ok && n != was+1 || !ok && n != 0 && trim[name] == 0 {
					t.Fatalf("%s %v: writer %s goes from %d to %d", name, r.Position, key, was, n)
				}
				last[key] = n
				if r.Time.Before(before) {
					t.Fatalf("%s %v: time goes back", name, r.Position)
				}
				before = r.Time
				at[place{name, r.Position}] = fmt.Sprint(key, " ", n)
				records++
			}
		}
	}
	acked := 0
	for _, a := range acks {
		if a.pos.Frame < trim[a.shard] {
			continue
		}
		for i := range a.next - a.first {
			p := Position{a.pos.Frame, a.pos.Index + uint32(i)}
			if got, want := at[place{a.shard, p}], fmt.Sprint(a.key, " ", a.first+i); got != want {
				t.Fatalf("%s %v holds %q, acknowledged was %q", a.shard, p, got, want)
			}
			acked++
		}
	}
	if acked > records {
		t.Fatalf("%d records, %d acknowledged", records, acked)
	}
	t.Logf("%d kills, %d acknowledged appends, trimmed up to %v; %d records, of them acknowledged %d", kills, len(acks), trimmed, records, acked)
}
