package firehose

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

// fakeKinesis is a stream of shards in memory.
type fakeKinesis struct {
	mu      sync.Mutex
	shards  []*fakeShard
	batch   int // records of a reply
	created time.Time
}

type fakeShard struct {
	id, parent string
	closed     bool
	first      int // records before it are gone
	records    []kinesistypes.Record
}

func (k *fakeKinesis) shard(id string) *fakeShard {
	for _, s := range k.shards {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (k *fakeKinesis) put(shard string, data ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.shard(shard)
	for _, d := range data {
		now := time.Now()
		s.records = append(s.records, kinesistypes.Record{
			Data: []byte(d), PartitionKey: aws.String("k"), SequenceNumber: aws.String(fmt.Sprintf("%s%09d", shard[len("shardId-"):], len(s.records))), ApproximateArrivalTimestamp: &now,
		})
	}
}

func (k *fakeKinesis) DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &kinesistypes.StreamDescriptionSummary{
		StreamStatus: kinesistypes.StreamStatusActive, StreamCreationTimestamp: &k.created,
	}}, nil
}

func (k *fakeKinesis) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := new(kinesis.ListShardsOutput)
	for _, s := range k.shards {
		sh := kinesistypes.Shard{ShardId: aws.String(s.id), SequenceNumberRange: &kinesistypes.SequenceNumberRange{StartingSequenceNumber: aws.String("0")}}
		if s.parent != "" {
			sh.ParentShardId = aws.String(s.parent)
		}
		if s.closed {
			sh.SequenceNumberRange.EndingSequenceNumber = aws.String("9")
		}
		out.Shards = append(out.Shards, sh)
	}
	return out, nil
}

func (k *fakeKinesis) GetShardIterator(_ context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.shard(*in.ShardId)
	at := s.first
	for at < len(s.records) {
		r := &s.records[at]
		if in.ShardIteratorType == kinesistypes.ShardIteratorTypeAtSequenceNumber && *r.SequenceNumber < *in.StartingSequenceNumber ||
			in.ShardIteratorType == kinesistypes.ShardIteratorTypeAtTimestamp && r.ApproximateArrivalTimestamp.Before(*in.Timestamp) {
			at++
			continue
		}
		break
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: k.iterator(s.id, at)}, nil
}

func (k *fakeKinesis) iterator(shard string, at int) *string {
	return aws.String(shard + "/" + strconv.Itoa(at) + "/" + k.created.String())
}

func (k *fakeKinesis) GetRecords(_ context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	part := strings.Split(*in.ShardIterator, "/")
	id, n := part[0], part[1]
	if part[2] != k.created.String() {
		return nil, &kinesistypes.ResourceNotFoundException{Message: aws.String("gone")}
	}
	s := k.shard(id)
	at, _ := strconv.Atoi(n)
	at = max(at, s.first)
	end := min(len(s.records), at+min(k.batch, int(*in.Limit)))
	out := &kinesis.GetRecordsOutput{Records: s.records[at:end], MillisBehindLatest: aws.Int64(0)}
	if end < len(s.records) {
		out.MillisBehindLatest = aws.Int64(1000)
	}
	if end < len(s.records) || !s.closed {
		out.NextShardIterator = k.iterator(id, end)
	}
	return out, nil
}

// newTestSource is a source of what k has, from the shards that it has now on.
func newTestSource(t *testing.T, k *fakeKinesis) *kinesisSource {
	st := &stream{s: &Service{clock: clockwork.NewRealClock(), log: slog.New(slog.DiscardHandler), cfg: Config{Kinesis: k}}}
	c := &sourceConfig{StreamARN: "arn"}
	for _, s := range k.shards {
		c.Shards = append(c.Shards, s.id)
	}
	st.doc.Store(&streamDoc{Source: c})
	return st.newKinesisSource()
}

func readFrom(t *testing.T, src *kinesisSource, from uint64, n int) (got []string, next shardlog.Position) {
	t.Helper()
	src.PollNow()
	recs, next, err := src.Read(t.Context(), shardlog.Position{Frame: from}, shardlog.ReadOptions{MaxRecords: n}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recs {
		got = append(got, string(r.Data))
	}
	return got, next
}

// TestSourcePositions reads a shard in pieces, from the start and from marks.
func TestSourcePositions(t *testing.T) {
	k := &fakeKinesis{shards: []*fakeShard{{id: "shardId-0"}}, batch: 7}
	var data []string
	for i := range 100 {
		data = append(data, strconv.Itoa(i))
	}
	k.put("shardId-0", data...)
	src := newTestSource(t, k)
	var all []string
	next := shardlog.Position{}
	for {
		var got []string
		if got, next = readFrom(t, src, next.Frame, 5); len(got) == 0 {
			break
		}
		all = append(all, got...)
	}
	if !slices.Equal(all, data) || next.Frame != 101 {
		t.Fatalf("read %v to %v", all, next)
	}
	for _, at := range []uint64{1, 7, 8, 50, 100, 30} { // again from anywhere
		if got, _ := readFrom(t, src, at, 1); len(got) != 1 || got[0] != strconv.Itoa(int(at)-1) {
			t.Errorf("at %d: %v", at, got)
		}
	}
	m := src.mark(shardlog.Position{Frame: 52})
	src.restart(m, shardlog.Position{Frame: 60})
	if got, _ := readFrom(t, src, 52, 1); len(got) != 1 || got[0] != "51" {
		t.Errorf("restarted at %+v: %v", m, got)
	}
	// What was lost meanwhile is not taken for delivered.
	k.shards[0].first = 90
	src.restart(m, shardlog.Position{Frame: 260})
	if got, next := readFrom(t, src, 52, 1); len(got) != 1 || got[0] != "90" || next.Frame != 262 {
		t.Errorf("after a loss: %v, next %v", got, next)
	}
}

// TestSourceRandom reads shards that grow and end at random, over restarts: a number stays
// with its record, each record gets one, and a shard's records, and a parent's and a
// child's, keep their order.
func TestSourceRandom(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		k := &fakeKinesis{batch: 1 + rnd.IntN(5), shards: []*fakeShard{{id: "shardId-00"}, {id: "shardId-01"}, {id: "shardId-02"}}}
		src := newTestSource(t, k)
		numbers := make(map[uint64]string)
		put, next := 0, uint64(1)
		var saved *sourceMark
		savedTo := uint64(1)
		for range 150 {
			switch n := rnd.IntN(12); {
			case n < 4: // put
				s := k.shards[rnd.IntN(len(k.shards))]
				if !s.closed {
					for range 1 + rnd.IntN(4) {
						k.put(s.id, fmt.Sprintf("%s/%d", s.id, len(s.records)))
						put++
					}
				}
			case n < 9: // read
				got, after := readFrom(t, src, next, 1+rnd.IntN(6))
				for i, r := range got {
					numbers[after.Frame-uint64(len(got)-i)] = r
				}
				next = after.Frame
			case n < 10: // deliver
				to := 1 + rnd.Uint64N(next)
				if m := src.mark(shardlog.Position{Frame: max(savedTo, to)}); m != nil {
					saved, savedTo = m, max(savedTo, to)
				}
				b, err := json.Marshal(saved)
				if err != nil {
					t.Fatal(err)
				}
				saved = new(sourceMark)
				if err := json.Unmarshal(b, saved); err != nil {
					t.Fatal(err)
				}
			case n < 11: // crash: what was read after the last save may come in another order
				src = newTestSource(t, k)
				src.config.Shards = []string{"shardId-00", "shardId-01", "shardId-02"}
				src.restart(saved, shardlog.Position{Frame: next})
				covered := src.marks.next()
				for at := range numbers {
					if at >= covered {
						delete(numbers, at)
					}
				}
				for at := savedTo; at < covered; {
					got, after := readFrom(t, src, at, 3)
					for i, r := range got {
						n := after.Frame - uint64(len(got)-i)
						if was, ok := numbers[n]; ok && was != r {
							t.Fatalf("seed %d: number %d is %q, was %q", seed, n, r, was)
						}
						if n < covered { // it was fetched perhaps and not read
							numbers[n] = r
						}
					}
					at = after.Frame
				}
				next = max(savedTo, covered)
			default: // split
				if s := k.shards[rnd.IntN(len(k.shards))]; !s.closed && len(k.shards) < 12 {
					s.closed = true
					for range 2 {
						k.shards = append(k.shards, &fakeShard{id: fmt.Sprintf("shardId-%02d", len(k.shards)), parent: s.id})
					}
				}
			}
		}
		for {
			got, after := readFrom(t, src, next, 10)
			for i, r := range got {
				numbers[after.Frame-uint64(len(got)-i)] = r
			}
			if next = after.Frame; len(got) == 0 {
				break
			}
		}
		seen := make(map[string]int)
		for n := range uint64(len(numbers)) {
			shard, at, _ := strings.Cut(numbers[n+1], "/")
			if i, _ := strconv.Atoi(at); i != seen[shard] {
				t.Fatalf("seed %d: %d is %s, want record %d", seed, n+1, numbers[n+1], seen[shard])
			}
			seen[shard]++
			if p := k.shard(shard).parent; p != "" && seen[p] != len(k.shard(p).records) {
				t.Fatalf("seed %d: %s before the end of its parent %s", seed, numbers[n+1], p)
			}
		}
		if len(numbers) != put {
			t.Fatalf("seed %d: %d records, %d were put", seed, len(numbers), put)
		}
	}
}

// TestSourceAnother goes on with a stream that was deleted and recreated.
func TestSourceAnother(t *testing.T) {
	k := &fakeKinesis{shards: []*fakeShard{{id: "shardId-0"}}, batch: 2, created: time.Unix(1, 0)}
	k.put("shardId-0", "a", "b", "c")
	src := newTestSource(t, k)
	next := uint64(1)
	read := func(want string) {
		t.Helper()
		var all []string
		for {
			got, after := readFrom(t, src, next, 10)
			if next = after.Frame; len(got) == 0 {
				break
			}
			all = append(all, got...)
		}
		if got := strings.Join(all, ""); got != want {
			t.Errorf("read %s, want %s", got, want)
		}
	}
	read("abc")
	old := src.mark(shardlog.Position{Frame: 2})
	k.shards, k.created = []*fakeShard{{id: "shardId-0"}}, time.Unix(2, 0)
	k.put("shardId-0", "x", "y")
	read("xy")
	if next != 6 {
		t.Errorf("at %d, want 6", next)
	}
	// It is noticed without a polling, and before anything of it is read as if it were the old.
	k.shards, k.created = []*fakeShard{{id: "shardId-0"}}, time.Unix(3, 0)
	k.put("shardId-0", "p", "q")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for want := range strings.SplitSeq("pq", "") {
		if err := src.Wait(ctx, shardlog.Position{Frame: next}); err != nil {
			t.Fatal(err)
		}
		recs, after, err := src.Read(ctx, shardlog.Position{Frame: next}, shardlog.ReadOptions{MaxRecords: 1}, nil)
		if err != nil || len(recs) != 1 || string(recs[0].Data) != want {
			t.Fatalf("read %v, %v, want %s", recs, err, want)
		}
		next = after.Frame
	}
	k.shards, k.created = []*fakeShard{{id: "shardId-0"}}, time.Unix(2, 0)
	k.put("shardId-0", "x", "y")
	// And so does a source that was not running meanwhile.
	src = newTestSource(t, k)
	src.restart(old, shardlog.Position{Frame: 3})
	next = 2
	read("xy")
	if next != 6 {
		t.Errorf("at %d, want 6", next)
	}
}

// TestReshard reads children after parents, over restarts.
func TestReshard(t *testing.T) {
	n := newNode(t)
	k := &fakeKinesis{batch: 3, shards: []*fakeShard{{id: "shardId-0", closed: true}, {id: "shardId-1"}}}
	k.put("shardId-0", "old ")
	k.put("shardId-1", "before ")
	n.svc.cfg.Kinesis, n.k = k, k
	time.Sleep(2 * time.Millisecond) // times of records have whole milliseconds
	c := raw("b")
	c.BufferingHints = &types.BufferingHints{SizeInMBs: aws.Int32(1), IntervalInSeconds: aws.Int32(900)}
	_, err := n.CreateDeliveryStream(t.Context(), &firehose.CreateDeliveryStreamInput{
		DeliveryStreamName: aws.String("s"), DeliveryStreamType: types.DeliveryStreamTypeKinesisStreamAsSource, ExtendedS3DestinationConfiguration: c,
		KinesisStreamSourceConfiguration: &types.KinesisStreamSourceConfiguration{
			KinesisStreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/k"), RoleARN: aws.String("arn:aws:iam::000000000000:role/r"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	k.put("shardId-1", "a ", "b ", "c ", "d ")
	k.mu.Lock()
	k.shards[1].closed = true
	k.shards = append(k.shards, &fakeShard{id: "shardId-2", parent: "shardId-1"})
	k.mu.Unlock()
	k.put("shardId-2", "e ", "f ")
	delivered := func(want int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			n.flush(t, "s")
			var sum int
			for _, v := range n.s3.all() {
				sum += len(strings.Fields(string(v)))
			}
			if sum == want {
				return
			}
			if sum > want || time.Now().After(deadline) {
				t.Fatalf("%d records, want %d: %q", sum, want, n.s3.all())
			}
		}
	}
	delivered(6)
	n.stop(t)
	n.start(t)
	k.put("shardId-2", "g ")
	delivered(7)
	var all []string
	for _, v := range n.s3.all() {
		all = append(all, strings.Fields(string(v))...)
	}
	slices.Sort(all)
	if got := strings.Join(all, ""); got != "abcdefg" {
		t.Errorf("delivered %s", got)
	}
}

// TestMarksBytes reports how much of what was read is not delivered.
func TestMarksBytes(t *testing.T) {
	m := newMarks(&sourceConfig{})
	record := func(n int) kinesistypes.Record {
		return kinesistypes.Record{Data: make([]byte, n), SequenceNumber: aws.String("1"), ApproximateArrivalTimestamp: aws.Time(time.Unix(1, 0))}
	}
	m.add("a", []kinesistypes.Record{record(10), record(30)})
	m.add("b", []kinesistypes.Record{record(5)})
	m.add("b", []kinesistypes.Record{record(7)})
	for at, want := range map[uint64]uint64{1: 52, 2: 32, 3: 12, 4: 6, 5: 0, 9: 0} {
		if got := m.bytesFrom(at); got != want {
			t.Errorf("from %d: %d bytes, want %d", at, got, want)
		}
	}
}

// TestMarksOldest tells when the first record arrived that is not delivered, within a run too: a source to which
// records trickle has them all in one.
func TestMarksOldest(t *testing.T) {
	m := newMarks(&sourceConfig{})
	record := func(ms int64) kinesistypes.Record {
		return kinesistypes.Record{SequenceNumber: aws.String("1"), ApproximateArrivalTimestamp: aws.Time(time.UnixMilli(ms))}
	}
	m.add("a", []kinesistypes.Record{record(1000), record(1010)})
	m.add("a", []kinesistypes.Record{record(2000)})
	m.add("a", []kinesistypes.Record{record(3000)})
	m.add("b", []kinesistypes.Record{record(2500)})
	for at, want := range map[uint64]int64{1: 1000, 2: 1000, 3: 2000, 4: 3000, 5: 2500} {
		if got := m.oldest(at).UnixMilli(); got != want {
			t.Errorf("from %d: %d, want %d", at, got, want)
		}
	}
	if got := m.oldest(6); !got.IsZero() {
		t.Errorf("all is delivered, and the oldest record is of %v", got)
	}
	read := m.save().open(&sourceConfig{}) // what is read again tells its times again
	if got := read.oldest(1); !got.IsZero() {
		t.Errorf("before a record is read, the oldest is of %v", got)
	}
	read.runs[0].saw(0, []kinesistypes.Record{record(1000), record(1010), record(2000)})
	if got := read.oldest(3).UnixMilli(); got != 2000 {
		t.Errorf("read again, from 3: %d, want 2000", got)
	}
}
