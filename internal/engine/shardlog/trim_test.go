package shardlog

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/broker"
)

// TestExpiredStayAway raises and lowers the retention, with and without a restart, on a
// clock that the store does not know: what has expired is gone for good.
func TestExpiredStayAway(t *testing.T) {
	ctx := t.Context()
	clock := clockwork.NewFakeClock()
	dir := t.TempDir()
	l := start(t, dir, Options{Clock: clock})
	s := create(t, l, "s", ShardConfig{MaxAge: time.Hour})
	reopen := func() {
		t.Helper()
		stop(t, l)
		l = start(t, dir, Options{Clock: clock})
		var err error
		if s, err = l.Shard(ctx, "s"); err != nil {
			t.Fatal(err)
		}
	}
	age := func(d time.Duration) {
		t.Helper()
		if err := s.SetMaxAge(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "0h")
	clock.Advance(45 * time.Minute)
	put(t, s, "45m")
	clock.Advance(30 * time.Minute)
	equal(t, "one has expired", all(t, s, Position{}, ReadOptions{}), []string{"45m"})
	age(3 * time.Hour)
	equal(t, "longer retention", all(t, s, Position{}, ReadOptions{}), []string{"45m"})
	reopen()
	equal(t, "longer retention, restarted", all(t, s, Position{}, ReadOptions{}), []string{"45m"})
	put(t, s, "1h15m")
	age(20 * time.Minute)
	equal(t, "shorter retention", all(t, s, Position{}, ReadOptions{}), []string{"1h15m"})
	reopen()
	age(24 * time.Hour)
	equal(t, "shorter, restarted, longer", all(t, s, Position{}, ReadOptions{}), []string{"1h15m"})
	clock.Advance(time.Hour)
	age(time.Minute)
	age(24 * time.Hour)
	equal(t, "all expired", all(t, s, Position{}, ReadOptions{}), nil)
	reopen()
	equal(t, "all expired, restarted", all(t, s, Position{}, ReadOptions{}), nil)
	if p, _ := put(t, s, "2h15m"); p.Frame != 4 {
		t.Errorf("position %v", p)
	}
	age(0)
	reopen()
	equal(t, "kept for ever", all(t, s, Position{}, ReadOptions{}), []string{"2h15m"})
	if in, err := s.Info(ctx); err != nil || in.Records != 1 || in.Oldest.Frame != 4 {
		t.Errorf("info %+v, %v", in, err)
	}
}

// trimUntilKilled lets some records expire, of others it trims some, and says where each shard begins then.
func trimUntilKilled(dir string) error {
	ctx := context.Background()
	b, err := broker.Start(broker.Options{Dir: dir})
	if err != nil {
		return err
	}
	l, err := Open(ctx, b, Options{})
	if err != nil {
		return err
	}
	for _, name := range []string{"aged", "trimmed", "aged and trimmed"} {
		s, err := l.CreateShard(ctx, name, ShardConfig{MaxAge: time.Second})
		if err != nil {
			return err
		}
		if name == "trimmed" {
			if err := s.SetMaxAge(ctx, 0); err != nil {
				return err
			}
		}
		for i := range 10 {
			var batch Batch
			batch.Add(nil, fmt.Append(nil, i))
			if _, _, err := s.Append(ctx, &batch); err != nil {
				return err
			}
			switch {
			case name == "trimmed":
			case i == 4:
				time.Sleep(700 * time.Millisecond) // the store's clock is the real one
			case i == 5:
				// Until the store has aged the first five too, but on a machine with time for it not
				// this one: then it forgets them without a note of it.
				for first := uint64(0); first < 6; {
					if first, _, err = s.bounds(ctx); err != nil {
						return err
					}
				}
			}
		}
		if name != "aged" {
			if err := s.TrimBefore(ctx, Position{9, 0}); err != nil {
				return err
			}
		}
		if err := s.SetMaxAge(ctx, time.Hour); err != nil {
			return err
		}
		first, _, err := s.bounds(ctx)
		if err != nil {
			return err
		}
		fmt.Println(first, name)
	}
	fmt.Println("done")
	select {}
}

// TestKillAfterTrim kills a process that has let records expire and trimmed others: they
// do not come back.
func TestKillAfterTrim(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+filepath.Join(dir, "nats"), crashDo+"=trim")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // should it come to nothing
	defer guard.Stop()
	lines := bufio.NewScanner(out)
	done := ""
	begins := map[string]uint64{} // the first frame of each shard that had not expired
	for done != "done" && lines.Scan() {
		done = lines.Text()
		if first, name, ok := strings.Cut(done, " "); ok {
			begins[name], _ = strconv.ParseUint(first, 10, 64)
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if done != "done" {
		t.Fatalf("process said %q", done)
	}
	l := start(t, dir, Options{})
	for name, least := range map[string]uint64{"aged": 6, "trimmed": 9, "aged and trimmed": 9} {
		begin := begins[name]
		if begin < least || name == "trimmed" && begin > least {
			t.Errorf("%s began at %d before the kill, want %d", name, begin, least)
		}
		var want []string
		for seq := begin; seq <= 10; seq++ {
			want = append(want, fmt.Sprint(seq-1))
		}
		s, err := l.Shard(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, name, all(t, s, Position{}, ReadOptions{}), want)
		if p, _ := put(t, s, "new"); p.Frame != 11 {
			t.Errorf("%s: position %v", name, p)
		}
	}
}
