package kinesis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// Limits of a put.
const (
	maxPutRecords   = 500
	maxPutBytes     = 10 << 20 // data and partition keys of a PutRecords call
	maxPartitionKey = 256      // characters
	maxKeptMemory   = 1 << 20  // bytes
)

// errGiveUp ends a fast path that meets what only the generic codec handles; nothing has
// been done yet.
var errGiveUp = errors.New("kinesis: not a case for the fast path")

// gaveUp says that an error of a fast path is not the answer: the rest of the request is not
// decoded yet where the stream is not found, and may be wrong in a way that comes first.
func (p *put) gaveUp(err error) bool { return err == errGiveUp || err != nil && p.view == nil }

// put is one PutRecord or PutRecords call on its way: the records as decoding found them,
// then a batch for every shard that takes some. Its memory is used again.
type put struct {
	s     *Service         // of a fast path, like proto
	proto awswire.Protocol // of the answer

	name, arn, id []byte // of the stream; nil: not given
	ordering      []byte // SequenceNumberForOrdering; nil: not given
	entries       []entry
	single        bool // of PutRecord
	dry           bool // store nothing
	keyless       bool // some record has no partition key
	base64        bool // entries hold data in base64

	view   *view
	slots  []slot
	slotOf []int32 // by number in view.open: the index in slots, or -1
	memory []byte  // of all batches: those of a put to many shards are small, and lie together

	appends shardlog.Group // of all slots
	failed  int
}

// entry is a record to put. Its slices alias the request.
type entry struct {
	key, data   []byte
	explicit    hashKey
	hasExplicit bool
	throttled   bool // slot is then the number of the shard in the view
	slot        int32
}

// slot gathers what one shard takes.
type slot struct {
	shard   *openShard
	records int // that the batch will have, of so many bytes at most
	bytes   int
	batch   shardlog.Batch
	outcome shardlog.Outcome
	at      shardlog.Position // of its first record
	time    time.Time
	// number is that of the record that was answered for last; zero: none was.
	number decimal
	err    error
}

var puts = sync.Pool{New: func() any { return new(put) }}

func newPut() *put { return puts.Get().(*put) }

// free gives the memory back, but for much of it.
func (p *put) free() {
	if cap(p.memory) > maxKeptMemory {
		p.memory = nil
	}
	clear(p.slots)
	clear(p.entries)
	*p = put{entries: p.entries[:0], slots: p.slots[:0], slotOf: p.slotOf, memory: p.memory}
	puts.Put(p)
}

// optional is nil for a member that the request did not have.
func optional(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// store appends the records to their shards. It returns an error when nothing was stored;
// otherwise every slot says how it went.
func (s *Service) store(ctx context.Context, p *put) error {
	d, err := s.findUsable(ctx, optional(p.name), optional(p.arn), optional(p.id))
	if err != nil {
		return err
	}
	if err := s.checkOrdering(d, p.ordering); err != nil {
		return err
	}
	began := time.Now()
	r := s.runtime(d)
	r.mu.RLock()
	defer r.mu.RUnlock()
	// Again, now that the shards stay as they are.
	if d, err = s.current(d); err != nil {
		return err
	}
	if p.view, err = s.viewOf(ctx, r, d); err != nil {
		return logError(err)
	}
	if err := p.distribute(); err != nil {
		return err
	}
	if s.enforces(d) && !p.dry {
		s.throttle(&r.limits, p)
	}
	if err := p.fill(); err != nil {
		return err
	}
	if p.dry {
		return errDryRun
	}
	if len(p.slots) == 0 {
		s.metrics.putFailures.Add(float64(p.failed))
		s.measurePut(r, p, 0, 0, began)
		return nil // all throttled
	}
	ctx = context.WithoutCancel(ctx) // a client that hangs up does not leave half of it done
	for i := range p.slots {
		sl := &p.slots[i]
		p.appends.Begin(ctx, sl.shard.log, &sl.batch, &sl.outcome)
	}
	p.appends.Wait()

	records, bytes := 0, 0
	for i := range p.slots {
		sl := &p.slots[i]
		sl.at, sl.time, sl.err = sl.outcome.Result()
		if sl.err != nil {
			s.log.Error("kinesis: append failed", "stream", d.arn(), "shard", sl.shard.id, "error", sl.err)
			p.failed += sl.batch.Len()
			continue
		}
		records += sl.batch.Len()
		bytes += sl.batch.Size()
	}
	s.metrics.inRecords.Add(float64(records))
	s.metrics.inBytes.Add(float64(bytes))
	if p.failed > 0 {
		s.metrics.putFailures.Add(float64(p.failed))
	}
	s.measurePut(r, p, records, bytes, began)
	return nil
}

// current is the stream's document as it is now, if it is the same stream and usable.
func (s *Service) current(d *stream) (*stream, error) {
	now, err := s.streams.Get(d.Account, d.Region, d.Name)
	switch {
	case errors.Is(err, state.ErrNotFound) || err == nil && now.ID != d.ID:
		return nil, notFound(d.Account, d.Name)
	case err == nil && !now.usable():
		return nil, notFound(d.Account, d.Name)
	}
	return now, err
}

// fill puts every record into the batch of its shard.
func (p *put) fill() error {
	if cap(p.slotOf) < len(p.view.open) {
		p.slotOf = make([]int32, len(p.view.open))
	}
	p.slotOf = p.slotOf[:len(p.view.open)]
	for i := range p.slotOf {
		p.slotOf[i] = -1
	}
	for i := range p.entries {
		e := &p.entries[i]
		if e.throttled {
			continue
		}
		e.slot = p.slot(p.place(e))
		sl := &p.slots[e.slot]
		sl.records++
		sl.bytes += len(e.key) + p.most(e)
	}
	p.share()
	maxRecord, total, large := p.view.doc.maxRecord(), 0, -1
	for i := range p.entries {
		e := &p.entries[i]
		if e.throttled {
			continue
		}
		batch := &p.slots[e.slot].batch
		n := len(e.data)
		if p.base64 {
			room := batch.Reserve(e.key, p.most(e))
			var ok bool
			if n, ok = decodeData(room, e.data); !ok {
				batch.Commit(0)
				return errGiveUp
			}
			batch.Commit(n)
		} else {
			batch.Add(e.key, e.data)
		}
		if n+len(e.key) > maxRecord && large < 0 {
			large = i
		}
		total += n + len(e.key)
	}
	switch {
	case total > maxPutBytes && !p.single:
		return invalid("Records size exceeds %d MB limit", maxPutBytes>>20)
	case large >= 0:
		return p.tooLarge(large, maxRecord)
	}
	return nil
}

// most is how many bytes the data of an entry comes to at most.
func (p *put) most(e *entry) int {
	if p.base64 {
		return scan.DecodedLen(len(e.data))
	}
	return len(e.data)
}

// share gives each batch its share of the memory.
func (p *put) share() {
	n := 0
	for i := range p.slots {
		n += shardlog.BatchBytes(p.slots[i].records, p.slots[i].bytes)
	}
	if cap(p.memory) < n {
		p.memory = make([]byte, n, max(n, 32<<10))
	}
	memory := p.memory[:cap(p.memory)]
	for i := range p.slots {
		sl := &p.slots[i]
		n := shardlog.BatchBytes(sl.records, sl.bytes)
		sl.batch.Use(memory[:n:n])
		memory = memory[n:]
	}
}

// place is the number, in the view, of the shard that takes the record.
func (p *put) place(e *entry) int {
	switch {
	case len(p.view.open) == 1:
		return 0
	case e.hasExplicit:
		return p.view.locate(e.explicit)
	}
	return p.view.locate(hashOf(e.key))
}

// throttledMessage is the error message of an entry that is throttled.
func (p *put) throttledMessage(e *entry) string {
	return throttledMessage(p.view.open[e.slot].id, p.view.doc)
}

// slot returns the index of the slot of the shard with the number.
func (p *put) slot(number int) int32 {
	if i := p.slotOf[number]; i >= 0 {
		return i
	}
	i := len(p.slots)
	p.slots = append(p.slots, slot{shard: &p.view.open[number]})
	p.slotOf[number] = int32(i)
	return int32(i)
}

// appendNext appends the sequence number of the slot's next record.
func (sl *slot) appendNext(dst []byte) []byte {
	if sl.number == (decimal{}) {
		q := sl.shard.seq
		q.frame, q.index, q.time = sl.at.Frame, sl.at.Index, seconds(sl.time)
		sl.number = q.decimal()
	} else {
		sl.number.next()
	}
	return sl.number.append(dst)
}

// tooLarge words the error as Kinesis did when the limit was that of the API's model.
func (p *put) tooLarge(i, limit int) error {
	member := "data"
	if !p.single {
		member = fmt.Sprintf("records.%d.member.data", i+1)
	}
	return awswire.Validationf("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", member, limit)
}

// checkOrdering refuses a SequenceNumberForOrdering that is not a sequence number, or one of
// the future, further off than a clock that was put back explains. It orders nothing: every
// record of a shard comes after those acknowledged before.
func (s *Service) checkOrdering(d *stream, number []byte) error {
	if number == nil || firstLayout(string(number)) {
		return nil
	}
	q, err := parseSequence(string(number))
	if err != nil || q.frame == lastFrame || q.shard > math.MaxInt32 || q.time > seconds(s.clock.Now().Add(24*time.Hour)) {
		return invalid("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.", number, d.Name, d.Account)
	}
	return nil
}

// explicitHashKey reads an ExplicitHashKey that is of the model's pattern.
func explicitHashKey(number string) (hashKey, error) {
	k, err := parseHashKey(number)
	if err != nil {
		return k, invalid("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", number)
	}
	return k, nil
}

const failedRecordCode = "InternalFailure"

const failedRecordMessage = "Internal service failure."

// answeredEncryption is what answers say of a stream's encryption: nothing where there is none.
func (d *stream) answeredEncryption() types.EncryptionType {
	if d.KeyID == "" {
		return ""
	}
	return types.EncryptionTypeKms
}
