package kinesis

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/jonboulle/clockwork"

	"github.com/brookmere/brookmere/internal/testdir"
)

var (
	modelSeed = flag.Uint64("model.seed", 0, "seed of TestModel; 0 takes one from the clock")
	modelTime = flag.Duration("model.time", 3*time.Second, "how long TestModel runs")
)

// The model is what a stream is in the simplest terms: shards that are ranges and lists of
// records. TestModel does the same random things to it and to the service and compares.
type modelStream struct {
	name      string
	retention time.Duration
	shards    []*modelShard // by index; nil once expired
}

type modelShard struct {
	hashRange
	parents []string
	closed  time.Time // zero: open
	records []modelRecord
}

type modelRecord struct {
	key, data, number string
	time              time.Time
}

// modelRun is one run over one node.
type modelRun struct {
	t       *testing.T
	rand    *rand.Rand
	clock   *clockwork.FakeClock
	node    *node
	streams map[string]*modelStream
	made    int // records
	counts  map[string]int
	trace   []string
}

func TestModel(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	clock := clockwork.NewFakeClockAt(time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC))
	m := &modelRun{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), clock: clock, node: newNode(t, Config{Clock: clock}),
		streams: map[string]*modelStream{}, counts: map[string]int{},
	}
	steps := []struct {
		name   string
		weight int
		do     func(*modelStream)
	}{
		{"put", 40, m.put}, {"read", 40, m.read}, {"split", 6, m.split}, {"merge", 6, m.merge}, {"scale", 3, m.scale},
		{"retention", 6, m.retention}, {"advance", 10, m.advance}, {"restart", 1, m.restart}, {"kill", 1, m.kill}, {"create", 3, m.create}, {"delete", 1, m.delete},
		{"list", 5, m.list},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	for start := time.Now(); time.Since(start) < *modelTime && !t.Failed(); {
		n := m.rand.IntN(total)
		i := 0
		for ; n >= steps[i].weight; i++ {
			n -= steps[i].weight
		}
		s := m.pick()
		if s == nil {
			m.create(nil)
			continue
		}
		m.counts[steps[i].name]++
		m.trace = append(m.trace, steps[i].name+" "+s.name)
		steps[i].do(s)
	}
	for _, s := range m.streams {
		m.list(s)
		for i, sh := range s.shards {
			if sh != nil {
				m.readFrom(s, i, types.ShardIteratorTypeTrimHorizon, nil, nil, sh.records)
			}
		}
	}
	t.Logf("%d records, %v", m.made, m.counts)
	if t.Failed() {
		t.Logf("again with -model.seed %d; the last steps: %v", seed, m.trace[max(0, len(m.trace)-30):])
	}
}

func (m *modelRun) pick() *modelStream {
	names := make([]string, 0, len(m.streams))
	for name := range m.streams {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return m.streams[names[m.rand.IntN(len(names))]]
}

func (m *modelRun) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Error(err)
	}
}

func (m *modelRun) now() time.Time { return m.clock.Now().UTC().Truncate(time.Millisecond) }

func (m *modelRun) create(*modelStream) {
	name := fmt.Sprint("s", m.rand.IntN(3))
	shards := 1 + m.rand.IntN(4)
	_, err := m.node.client.CreateStream(m.t.Context(), &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(int32(shards))})
	if m.streams[name] != nil {
		want(m.t, err, "ResourceInUseException", "already exists")
		return
	}
	m.must(err)
	s := &modelStream{name: name, retention: 24 * time.Hour}
	for _, r := range evenRanges(shards) {
		s.shards = append(s.shards, &modelShard{hashRange: r})
	}
	m.streams[name] = s
}

func (m *modelRun) delete(s *modelStream) {
	_, err := m.node.client.DeleteStream(m.t.Context(), &kinesis.DeleteStreamInput{StreamName: &s.name})
	m.must(err)
	delete(m.streams, s.name)
}

func (m *modelRun) restart(*modelStream) { m.node.restart() }

// kill goes on with a copy of the data that was taken while the node ran.
func (m *modelRun) kill(*modelStream) {
	was := m.node.dir
	m.node.dir = m.t.TempDir()
	testdir.CopyAtOnce(m.t, m.node.dir, was)
	m.node.restart()
	m.must(os.RemoveAll(was))
}

func (m *modelRun) advance(*modelStream) {
	d := time.Duration(m.rand.Int64N(int64(50 * time.Millisecond)))
	if m.rand.IntN(3) == 0 {
		d = time.Duration(m.rand.Int64N(int64(10 * time.Hour)))
	}
	m.clock.Advance(d)
	now := m.now()
	for _, s := range m.streams {
		s.expire(now)
	}
}

// expire drops what is older than the retention.
func (s *modelStream) expire(now time.Time) {
	for i, sh := range s.shards {
		if sh == nil {
			continue
		}
		sh.records = slices.DeleteFunc(sh.records, func(r modelRecord) bool {
			return now.Sub(r.time) > s.retention
		})
		if !sh.closed.IsZero() && now.Sub(sh.closed) > s.retention {
			s.shards[i] = nil
		}
	}
}

func (m *modelRun) put(s *modelStream) {
	in := &kinesis.PutRecordsInput{StreamName: &s.name}
	hashes := []hashKey{}
	for range 1 + m.rand.IntN(20) {
		m.made++
		key := fmt.Sprint("k", m.rand.IntN(50))
		e := types.PutRecordsRequestEntry{Data: fmt.Appendf(nil, "%d", m.made), PartitionKey: &key}
		h := hashOf([]byte(key))
		if m.rand.IntN(4) == 0 {
			h = hashKey{m.rand.Uint64(), m.rand.Uint64()}
			e.ExplicitHashKey = aws.String(h.String())
		}
		hashes = append(hashes, h)
		in.Records = append(in.Records, e)
	}
	out, err := m.node.PutRecords(m.t.Context(), in)
	if err != nil {
		m.must(err)
		return
	}
	for i, r := range out.Records {
		at := slices.IndexFunc(s.shards, func(sh *modelShard) bool {
			return sh != nil && sh.closed.IsZero() && sh.Start.compare(hashes[i]) <= 0 && hashes[i].compare(sh.End) <= 0
		})
		if r.ErrorCode != nil || *r.ShardId != shardID(at) {
			m.t.Errorf("record of hash key %s went to %s (%s), not shard %d", hashes[i], aws.ToString(r.ShardId), aws.ToString(r.ErrorMessage), at)
			return
		}
		sh := s.shards[at]
		if n := len(sh.records); n > 0 && sh.records[n-1].number >= *r.SequenceNumber {
			m.t.Errorf("sequence number %s after %s", *r.SequenceNumber, sh.records[n-1].number)
		}
		sh.records = append(sh.records, modelRecord{*in.Records[i].PartitionKey, string(in.Records[i].Data), *r.SequenceNumber, m.now()})
	}
}

func (m *modelRun) read(s *modelStream) {
	i := m.rand.IntN(len(s.shards))
	sh := s.shards[i]
	if sh == nil {
		_, err := m.node.client.GetShardIterator(m.t.Context(), &kinesis.GetShardIteratorInput{StreamName: &s.name, ShardId: aws.String(shardID(i)), ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		want(m.t, err, "ResourceNotFoundException", "does not exist")
		return
	}
	all := sh.records
	kind := m.rand.IntN(5)
	switch {
	case kind == 0 || len(all) == 0:
		m.readFrom(s, i, types.ShardIteratorTypeTrimHorizon, nil, nil, all)
	case kind == 1:
		at := m.rand.IntN(len(all))
		m.readFrom(s, i, types.ShardIteratorTypeAtSequenceNumber, &all[at].number, nil, all[at:])
	case kind == 2:
		at := m.rand.IntN(len(all))
		m.readFrom(s, i, types.ShardIteratorTypeAfterSequenceNumber, &all[at].number, nil, all[at+1:])
	case kind == 3:
		t := all[m.rand.IntN(len(all))].time.Add(time.Duration(m.rand.IntN(3)-1) * time.Millisecond)
		if t.After(m.now()) {
			t = m.now()
		}
		first := slices.IndexFunc(all, func(r modelRecord) bool { return !r.time.Before(t) })
		if first < 0 {
			first = len(all)
		}
		m.readFrom(s, i, types.ShardIteratorTypeAtTimestamp, nil, &t, all[first:])
	default:
		m.readFrom(s, i, types.ShardIteratorTypeLatest, nil, nil, nil)
	}
}

func (m *modelRun) readFrom(s *modelStream, i int, kind types.ShardIteratorType, number *string, at *time.Time, expected []modelRecord) {
	m.t.Helper()
	it := m.node.iterator(s.name, shardID(i), kind, func(in *kinesis.GetShardIteratorInput) { in.StartingSequenceNumber, in.Timestamp = number, at })
	var got []string
	limit := int32(1 + m.rand.IntN(100))
	for {
		out, err := m.node.client.GetRecords(m.t.Context(), &kinesis.GetRecordsInput{ShardIterator: &it, Limit: &limit}, again)
		if err != nil {
			m.must(err)
			return
		}
		for _, r := range out.Records {
			got = append(got, fmt.Sprintf("%s=%s@%s %d", *r.PartitionKey, r.Data, *r.SequenceNumber, r.ApproximateArrivalTimestamp.UnixMilli()))
		}
		open := s.shards[i].closed.IsZero()
		if out.NextShardIterator == nil {
			if open {
				m.t.Errorf("open shard %d of %s ended", i, s.name)
			}
			m.checkChildren(s, i, out.ChildShards)
			break
		}
		if open && *out.MillisBehindLatest == 0 {
			break
		}
		it = *out.NextShardIterator
	}
	var exp []string
	for _, r := range expected {
		exp = append(exp, fmt.Sprintf("%s=%s@%s %d", r.key, r.data, r.number, r.time.UnixMilli()))
	}
	if !slices.Equal(got, exp) {
		m.t.Errorf("%s of shard %d of %s at %v: got %d records, want %d\n got %s\nwant %s", kind, i, s.name, m.now(), len(got), len(exp),
			strings.Join(got, "\n     "), strings.Join(exp, "\n     "))
	}
}

func (m *modelRun) checkChildren(s *modelStream, parent int, got []types.ChildShard) {
	m.t.Helper()
	var ids, exp []string
	for _, c := range got {
		ids = append(ids, *c.ShardId)
	}
	for i, sh := range s.shards {
		if sh != nil && slices.Contains(sh.parents, shardID(parent)) {
			exp = append(exp, shardID(i))
		}
	}
	if !slices.Equal(ids, exp) {
		m.t.Errorf("children of shard %d: got %v, want %v", parent, ids, exp)
	}
}

// open returns the open shards' indexes in the order of their ranges.
func (s *modelStream) open() []int {
	var open []int
	for i, sh := range s.shards {
		if sh != nil && sh.closed.IsZero() {
			open = append(open, i)
		}
	}
	slices.SortFunc(open, func(a, b int) int { return s.shards[a].Start.compare(s.shards[b].Start) })
	return open
}

func (m *modelRun) split(s *modelStream) {
	open := s.open()
	i := open[m.rand.IntN(len(open))]
	sh := s.shards[i]
	at := hashKey{m.rand.Uint64(), m.rand.Uint64()}
	if m.rand.IntN(3) > 0 { // inside, most of the time
		at = hashKey{sh.Start.hi + (sh.End.hi-sh.Start.hi)/2, m.rand.Uint64()}
	}
	_, err := m.node.client.SplitShard(m.t.Context(), &kinesis.SplitShardInput{StreamName: &s.name, ShardToSplit: aws.String(shardID(i)), NewStartingHashKey: aws.String(at.String())})
	if at.compare(sh.Start.next()) <= 0 || at.compare(sh.End) >= 0 {
		want(m.t, err, "InvalidArgumentException", "NewStartingHashKey")
		return
	}
	m.must(err)
	sh.closed = m.now()
	parents := []string{shardID(i)}
	s.shards = append(s.shards, &modelShard{hashRange: hashRange{sh.Start, at.prev()}, parents: parents}, &modelShard{hashRange: hashRange{at, sh.End}, parents: parents})
	m.list(s)
}

func (m *modelRun) merge(s *modelStream) {
	open := s.open()
	x, y := m.rand.IntN(len(open)), m.rand.IntN(len(open))
	a, b := open[x], open[y]
	_, err := m.node.client.MergeShards(m.t.Context(), &kinesis.MergeShardsInput{StreamName: &s.name, ShardToMerge: aws.String(shardID(a)), AdjacentShardToMerge: aws.String(shardID(b))})
	if y-x != 1 {
		want(m.t, err, "InvalidArgumentException", "not an adjacent pair")
		return
	}
	m.must(err)
	lower, upper := s.shards[a], s.shards[b]
	lower.closed, upper.closed = m.now(), m.now()
	s.shards = append(s.shards, &modelShard{hashRange: hashRange{lower.Start, upper.End}, parents: []string{shardID(a), shardID(b)}})
	m.list(s)
}

// scale takes the lineage of the new shards from the service: the model only knows what
// the open shards must be.
func (m *modelRun) scale(s *modelStream) {
	open := len(s.open())
	target := 1 + m.rand.IntN(6)
	_, err := m.node.client.UpdateShardCount(m.t.Context(), &kinesis.UpdateShardCountInput{StreamName: &s.name, TargetShardCount: aws.Int32(int32(target)), ScalingType: types.ScalingTypeUniformScaling})
	now := m.now()
	var api smithy.APIError
	switch {
	case target > 2*open, 2*target < open:
		if !errors.As(err, &api) || api.ErrorCode() != "LimitExceededException" {
			m.t.Errorf("scaling from %d to %d: %v", open, target, err)
		}
		return
	}
	m.must(err)
	for _, sh := range m.node.shards(s.name) {
		i, _ := parseShardID(*sh.ShardId)
		closed := sh.SequenceNumberRange.EndingSequenceNumber != nil
		if i < len(s.shards) {
			if s.shards[i] == nil {
				m.t.Errorf("shard %d is back", i)
			} else if closed && s.shards[i].closed.IsZero() {
				s.shards[i].closed = now
			}
			continue
		}
		for len(s.shards) <= i {
			s.shards = append(s.shards, nil)
		}
		made := &modelShard{}
		made.Start, _ = parseHashKey(*sh.HashKeyRange.StartingHashKey)
		made.End, _ = parseHashKey(*sh.HashKeyRange.EndingHashKey)
		for _, p := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if p != nil {
				made.parents = append(made.parents, *p)
			}
		}
		if closed {
			made.closed = now
		}
		s.shards[i] = made
	}
	at := hashKey{}
	for _, i := range s.open() {
		if s.shards[i].Start != at {
			m.t.Errorf("scaled to %d, shard %d begins at %s, not at %s", target, i, s.shards[i].Start, at)
		}
		at = s.shards[i].End.next()
	}
	if n := len(s.open()); n != target || at != (hashKey{}) {
		m.t.Errorf("scaled to %d, there are %d shards, the last up to %s", target, n, at)
	}
}

func (m *modelRun) retention(s *modelStream) {
	hours := int32(24 + m.rand.IntN(48))
	var err error
	if was := int32(s.retention / time.Hour); hours >= was {
		_, err = m.node.client.IncreaseStreamRetentionPeriod(m.t.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &s.name, RetentionPeriodHours: &hours})
	} else {
		_, err = m.node.client.DecreaseStreamRetentionPeriod(m.t.Context(), &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: &s.name, RetentionPeriodHours: &hours})
	}
	m.must(err)
	s.retention = time.Duration(hours) * time.Hour
	s.expire(m.now())
}

// list compares the shards.
func (m *modelRun) list(s *modelStream) {
	m.t.Helper()
	var got, exp []string
	for _, sh := range m.node.shards(s.name) {
		l := fmt.Sprintf("%s %s-%s open=%v", *sh.ShardId, *sh.HashKeyRange.StartingHashKey, *sh.HashKeyRange.EndingHashKey, sh.SequenceNumberRange.EndingSequenceNumber == nil)
		for _, p := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if p != nil {
				l += " " + *p
			}
		}
		got = append(got, l)
	}
	for i, sh := range s.shards {
		if sh != nil {
			exp = append(exp, strings.TrimSpace(fmt.Sprintf("%s %s-%s open=%v %s", shardID(i), sh.Start, sh.End, sh.closed.IsZero(), strings.Join(sh.parents, " "))))
		}
	}
	if !slices.Equal(got, exp) {
		m.t.Errorf("shards of %s:\n got %s\nwant %s", s.name, strings.Join(got, "\n     "), strings.Join(exp, "\n     "))
	}
}
