package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/test/nodetest"
)

// What the Kinesis Client Library does, in small: workers, each a process, share the shards
// of a stream by leases, read them through enhanced fan-out, and write down how far they
// are. A child shard is read when its parents are at their end. The leases are files, as
// the library's tables are those of another service.

const (
	kclDir     = "BROOKMERE_KCL_DIR"    // of leases, checkpoints and what was read
	kclWorker  = "BROOKMERE_KCL_WORKER" // name of the worker
	kclARN     = "BROOKMERE_KCL_CONSUMER"
	leaseLife  = 2 * time.Second
	leaseEvery = 300 * time.Millisecond
	shardEnd   = "END"
)

// TestKCLWorker is no test: it is what a worker process runs.
func TestKCLWorker(t *testing.T) {
	if os.Getenv(kclWorker) == "" {
		t.Skip("only as a process of TestKCL")
	}
	w := &worker{node: &Node{&nodetest.Node{URL: os.Getenv("AWS_ENDPOINT_URL")}}, dir: os.Getenv(kclDir), name: os.Getenv(kclWorker), held: map[string]bool{}}
	var err error
	if w.out, err = os.Create(filepath.Join(w.dir, w.name+".out")); err != nil {
		t.Fatal(err)
	}
	for {
		if err := w.look(t.Context()); err != nil {
			t.Log(err)
		}
		time.Sleep(leaseEvery)
	}
}

type worker struct {
	node *Node
	dir  string
	name string
	out  *os.File

	mu   sync.Mutex
	held map[string]bool
}

func (w *worker) file(shard, kind string) string { return filepath.Join(w.dir, shard+"."+kind) }

func (w *worker) checkpoint(shard string) string {
	b, _ := os.ReadFile(w.file(shard, "checkpoint"))
	return string(b)
}

// look takes leases of shards that nobody reads, at most its part of them.
func (w *worker) look(ctx context.Context) error {
	arn, _, _ := strings.Cut(os.Getenv(kclARN), "/consumer/")
	list, err := kinesisClient(w.node).ListShards(ctx, &kinesis.ListShardsInput{StreamARN: &arn})
	if err != nil {
		return err
	}
	var ready []string
	for _, s := range list.Shards {
		ended := func(parent *string) bool { return parent == nil || w.checkpoint(*parent) == shardEnd }
		if w.checkpoint(*s.ShardId) != shardEnd && ended(s.ParentShardId) && ended(s.AdjacentParentShardId) {
			ready = append(ready, *s.ShardId)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, shard := range ready {
		if w.held[shard] || len(w.held) >= (len(ready)+1)/2 && w.fresh(shard) || !w.lease(shard) {
			continue
		}
		w.held[shard] = true
		go func() {
			renew := time.NewTicker(leaseEvery)
			done := make(chan struct{})
			go func() {
				for {
					select {
					case <-renew.C:
						os.Chtimes(w.file(shard, "lease"), time.Time{}, time.Now())
					case <-done:
						return
					}
				}
			}()
			if err := w.read(ctx, shard); err != nil {
				fmt.Fprintln(os.Stderr, w.name, shard, err)
			}
			close(done)
			os.Remove(w.file(shard, "lease"))
			w.mu.Lock()
			delete(w.held, shard)
			w.mu.Unlock()
		}()
	}
	return nil
}

// fresh says that another worker holds the shard, or that one may soon.
func (w *worker) fresh(shard string) bool {
	info, err := os.Stat(w.file(shard, "lease"))
	return err != nil || time.Since(info.ModTime()) < leaseLife
}

func (w *worker) lease(shard string) bool {
	name := w.file(shard, "lease")
	if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > leaseLife {
		os.Remove(name) // its worker is dead
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// read reads a shard from its checkpoint until the subscription ends.
func (w *worker) read(ctx context.Context, shard string) error {
	at := &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}
	if last := w.checkpoint(shard); last != "" {
		at = &types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &last}
	}
	out, err := kinesisClient(w.node).SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: aws.String(os.Getenv(kclARN)), ShardId: &shard, StartingPosition: at,
	})
	if err != nil {
		return err
	}
	defer out.GetStream().Close()
	for e := range out.GetStream().Events() {
		ev := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		var lines strings.Builder
		for _, r := range ev.Records {
			fmt.Fprintf(&lines, "%d %s %s %s\n", time.Now().UnixNano(), shard, *r.PartitionKey, r.Data)
		}
		if _, err := w.out.WriteString(lines.String()); err != nil {
			return err
		}
		next := aws.ToString(ev.ContinuationSequenceNumber)
		if len(ev.ChildShards) > 0 {
			next = shardEnd
		}
		part := w.file(shard, "checkpoint."+w.name)
		if err := errors.Join(os.WriteFile(part, []byte(next), 0o644), os.Rename(part, w.file(shard, "checkpoint"))); err != nil {
			return err
		}
	}
	return out.GetStream().Err()
}

// TestKCL reads a stream with two workers while it is resharded; one worker is killed in
// the middle and another takes its place. Every record is read, those of a key in their
// order.
func TestKCL(t *testing.T) {
	n := Start(t)
	ctx, c, stream := t.Context(), kinesisClient(n), aws.String("kcl")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)}))
	d, err := c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})
	must(d, err)
	consumer, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{StreamARN: d.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("app")})
	must(consumer, err)

	dir := t.TempDir()
	start := func(name string) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKCLWorker$")
		cmd.Env = n.Env(kclWorker+"="+name, kclDir+"="+dir, kclARN+"="+*consumer.Consumer.ConsumerARN)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	first := start("first")
	start("second")

	const keys, rounds = 20, 120
	for round := range rounds {
		var in kinesis.PutRecordsInput
		in.StreamName = stream
		for key := range keys {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String(fmt.Sprint("key-", key)), Data: []byte(strconv.Itoa(round))})
		}
		out, err := c.PutRecords(ctx, &in)
		must(out, err)
		if *out.FailedRecordCount > 0 {
			t.Fatalf("%d records failed", *out.FailedRecordCount)
		}
		switch round {
		case rounds / 4:
			must(c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: stream, TargetShardCount: aws.Int32(4), ScalingType: types.ScalingTypeUniformScaling}))
		case rounds / 2:
			for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) { // it has read
				if info, err := os.Stat(filepath.Join(dir, "first.out")); err == nil && info.Size() > 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the first worker reads nothing")
				}
			}
			first.Process.Kill()
			start("third")
		case 3 * rounds / 4:
			must(c.UpdateShardCount(ctx, &kinesis.UpdateShardCountInput{StreamName: stream, TargetShardCount: aws.Int32(2), ScalingType: types.ScalingTypeUniformScaling}))
		}
		time.Sleep(20 * time.Millisecond) // a producer's pace
	}

	deadline := time.Now().Add(3 * time.Minute)
	for {
		read, workers := readByWorkers(t, dir)
		total := 0
		for key, got := range read {
			for i, v := range got {
				if v != i {
					t.Fatalf("%s: record %d comes where %d is due", key, v, i)
				}
			}
			total += len(got)
		}
		if total == keys*rounds {
			if workers < 3 {
				t.Errorf("%d workers have read", workers)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d records were read", total, keys*rounds)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readByWorkers returns, by key, the numbers of the records in the order in which they were
// first read, and how many workers have read any.
func readByWorkers(t *testing.T, dir string) (map[string][]int, int) {
	t.Helper()
	type line struct {
		at     int64
		key    string
		number int
	}
	var lines []line
	workers := 0
	files, _ := filepath.Glob(filepath.Join(dir, "*.out"))
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		before := len(lines)
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			var shard string
			if n, _ := fmt.Sscan(s.Text(), &l.at, &shard, &l.key, &l.number); n == 4 {
				lines = append(lines, l)
			}
		}
		f.Close()
		if len(lines) > before {
			workers++
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	read, seen := map[string][]int{}, map[line]bool{}
	for _, l := range lines {
		id := line{key: l.key, number: l.number}
		if !seen[id] {
			seen[id] = true
			read[l.key] = append(read[l.key], l.number)
		}
	}
	return read, workers
}
