package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/function"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const (
	maxEvent     = 6 << 20 // of a batch's JSON
	maxBatchData = 4 << 20 // of its records' data and keys
	maxState     = 1 << 20 // of a tumbling window
	maxPause     = 10 * time.Second
)

// lane takes the records of one shard to the function.
type lane[R any] struct {
	s       *Service
	j       *work.Job[mappingDoc]
	sh      *shardreader.Shard[R]
	c       codec[R]
	store   *positions
	filters filters
}

// batch is some records of a shard on their way, with the window that they fall into.
type batch[R any] struct {
	records []R
	window  *windowDoc // nil: none
	final   bool       // the window's last invocation
	early   bool       // which comes before its end
	alone   bool       // no other batch of the shard is under way
}

// run calls the function with batches until the shard ends.
func (l *lane[R]) run(ctx context.Context) error {
	for {
		d := l.j.Document()
		parallel := int(max(d.Parallel, 1))
		records, err := l.sh.Next(ctx, shardreader.Limits{
			Records: int(d.Batch) * parallel, Bytes: maxBatchData * parallel, Window: time.Duration(d.Window) * time.Second,
		})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		place := l.sh.Place()
		records = l.filtered(l.j.Document(), records)
		if parallel == 1 {
			err = l.batches(ctx, records, int(d.Batch), true)
		} else {
			err = l.parallel(ctx, records, int(d.Batch), parallel)
		}
		if err != nil {
			return err
		}
		if err := l.sh.CommitTo(ctx, place); err != nil {
			return err
		}
	}
}

// filtered drops the records that no filter of the mapping wants.
func (l *lane[R]) filtered(d *mappingDoc, records []R) []R {
	l.s.measureEvents(d, polledEvents, len(records))
	patterns := l.filters.of(d)
	if patterns == nil {
		return records
	}
	var kept []R
	for i := range records {
		if matches(patterns, l.c.filter(&records[i])) {
			kept = append(kept, records[i])
		}
	}
	l.s.measureEvents(d, filteredOut, len(records)-len(kept))
	return kept
}

// parallel calls the function with several batches at once; records of one key are in one
// of them, or in one after another.
func (l *lane[R]) parallel(ctx context.Context, records []R, size, n int) error {
	lanes := make([][]R, n)
	for i := range records {
		h := fnv.New32a()
		io.WriteString(h, l.c.key(&records[i]))
		at := h.Sum32() % uint32(n)
		lanes[at] = append(lanes[at], records[i])
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, records := range lanes {
		if len(records) > 0 {
			g.Go(func() error { return l.batches(ctx, records, size, false) })
		}
	}
	return g.Wait()
}

// batches calls the function with records, so many at once.
func (l *lane[R]) batches(ctx context.Context, records []R, size int, alone bool) error {
	for len(records) > 0 {
		n := min(size, len(records))
		if err := l.deliver(ctx, batch[R]{records: records[:n], alone: alone}); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// deliver calls the function with a batch until it has succeeded, or what has failed is at
// its destination. An error is that of ctx, or of the store of positions.
func (l *lane[R]) deliver(ctx context.Context, b batch[R]) error {
	payload, n := l.encode(b)
	if n < len(b.records) { // more than an event holds
		rest := b
		rest.records = b.records[n:]
		b.records, b.final = b.records[:n], false
		if err := l.deliver(ctx, b); err != nil {
			return err
		}
		return l.deliver(ctx, rest)
	}
	failures, tries := 0, 0 // attempts that failed by the function's fault; all attempts
	for {
		d := l.j.Document()
		if old := l.expired(d, b.records); old > 0 {
			if err := l.giveUp(ctx, d, b.records[:old], "RecordAgeExceeded", tries, nil); err != nil {
				return err
			}
			if b.records = b.records[old:]; len(b.records) == 0 && !b.final {
				return nil
			}
			payload, _ = l.encode(b)
		}
		l.measureAge(d, b.records)
		out, err := l.invoke(ctx, d, payload)
		tries++
		if ctx.Err() != nil && errors.Is(context.Cause(ctx), work.ErrClosed) {
			return context.Cause(ctx) // the node stops: it was not the function
		}
		if err == nil {
			l.s.measureEvents(d, invokedEvents, len(b.records))
		}
		done := 0 // records that the function is done with
		switch {
		case err != nil:
			l.s.results.Store(d.ID, "PROBLEM: "+err.Error())
		case out.Failed:
			failures++
			l.s.results.Store(d.ID, "PROBLEM: Function call failed")
		default:
			l.s.results.Store(d.ID, "OK")
			done = len(b.records)
			if d.Partial {
				done = l.reported(out.Payload, b.records)
			}
			if b.window != nil {
				b.window.State = stateOf(out.Payload)
			}
			if done == len(b.records) {
				return nil
			}
			if done > 0 {
				failures = 1
			} else {
				failures++
			}
		}
		l.s.measureEvents(d, failedInvoke, len(b.records)-done)
		if done > 0 {
			if err := l.commit(ctx, b, done); err != nil {
				return err
			}
			b.records = b.records[done:]
			payload, _ = l.encode(b)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil: // throttled, or the node's own fault: it counts as no attempt
		case d.Bisect && len(b.records) > 1:
			return l.bisect(ctx, b)
		case d.Retries >= 0 && failures > int(d.Retries):
			return l.giveUp(ctx, d, b.records, "RetryAttemptsExhausted", tries, &out)
		}
		if err := l.pause(ctx, max(failures, min(tries, 7))); err != nil {
			return err
		}
	}
}

// bisect delivers the halves of a batch, one after the other.
func (l *lane[R]) bisect(ctx context.Context, b batch[R]) error {
	half := len(b.records) / 2
	first, second := b, b
	first.records, first.final = b.records[:half], false
	second.records = b.records[half:]
	if err := l.deliver(ctx, first); err != nil {
		return err
	}
	if err := l.commit(ctx, b, half); err != nil {
		return err
	}
	return l.deliver(ctx, second)
}

// commit notes that the first n records of a batch are done with, where nothing before them
// is under way.
func (l *lane[R]) commit(ctx context.Context, b batch[R], n int) error {
	if !b.alone {
		return nil
	}
	return l.sh.CommitTo(ctx, shardreader.Place{After: l.c.info(&b.records[n-1]).Sequence, Begun: true})
}

// pause waits before another attempt.
func (l *lane[R]) pause(ctx context.Context, n int) error {
	t := l.s.clock.NewTimer(min(100*time.Millisecond<<min(max(n-1, 0), 10), maxPause))
	defer t.Stop()
	select {
	case <-t.Chan():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// invoke calls the function once. What has begun is waited for, also when the mapping is
// stopped: its result counts.
func (l *lane[R]) invoke(ctx context.Context, d *mappingDoc, payload []byte) (result, error) {
	t := target{Scope: d.scope(), name: d.Name, qualifier: d.Qualifier}
	f, err := l.s.functions.Get(t.Key(t.name)...)
	if err != nil {
		return result{}, err
	}
	if err := l.s.checkQualifier(f, t); err != nil {
		return result{}, err
	}
	return l.s.call(ctx, f, t, &function.Request{ID: newID(), Payload: payload})
}

// expired counts the records at the beginning that are older than the mapping takes.
func (l *lane[R]) expired(d *mappingDoc, records []R) int {
	if d.MaxAge <= 0 {
		return 0
	}
	limit := l.s.clock.Now().Add(-time.Duration(d.MaxAge) * time.Second)
	n := 0
	for n < len(records) && l.c.info(&records[n]).Arrived.Before(limit) {
		n++
	}
	return n
}

// itemFailures is what a function answers that reports the items which failed: their identifiers. An item
// without one, or with a member of another name, has the identifier "", which is of no record.
type itemFailures []string

// UnmarshalJSON reads names exactly: what AWS does not know is no report of an item.
func (f *itemFailures) UnmarshalJSON(text []byte) error {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(text, &answer); err != nil {
		return err
	}
	var items []map[string]json.RawMessage
	if list, ok := answer["batchItemFailures"]; ok {
		if err := json.Unmarshal(list, &items); err != nil {
			return err
		}
	}
	*f = make(itemFailures, len(items))
	for i, item := range items {
		if id, ok := item["itemIdentifier"]; ok {
			if err := json.Unmarshal(id, &(*f)[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reported returns how many records come before the first that the function says has failed.
// An answer that names what was not in the batch fails all of it.
func (l *lane[R]) reported(answer []byte, records []R) int {
	var f itemFailures
	if err := json.Unmarshal(answer, &f); err != nil {
		if string(answer) == "null" {
			return len(records)
		}
		return 0
	}
	first := len(records)
	for _, id := range f {
		at := -1
		for i := range records {
			if l.c.info(&records[i]).Sequence == id {
				at = i
				break
			}
		}
		if at < 0 {
			return 0
		}
		first = min(first, at)
	}
	return first
}

func stateOf(answer []byte) json.RawMessage {
	var r struct {
		State json.RawMessage `json:"state"`
	}
	if json.Unmarshal(answer, &r) != nil || len(r.State) == 0 {
		return json.RawMessage("{}")
	}
	return r.State
}

// encode makes the event of a batch, of its first n records if not all fit.
func (l *lane[R]) encode(b batch[R]) (event []byte, n int) {
	event = append(make([]byte, 0, 64<<10), `{"Records":[`...)
	for i := range b.records {
		before := len(event)
		if i > 0 {
			event = append(event, ',')
		}
		event = l.c.append(event, l.sh.ID, &b.records[i])
		if len(event) > maxEvent-maxState*2 && i > 0 && (b.window != nil || len(event) > maxEvent-100) {
			event = event[:before]
			break
		}
		n++
	}
	event = append(event, ']')
	if w := b.window; w != nil {
		const form = "2006-01-02T15:04:05Z"
		event = fmt.Appendf(event, `,"window":{"start":%q,"end":%q},"state":`, w.Start.UTC().Format(form), w.End.UTC().Format(form))
		event = append(event, w.State...)
		event = append(append(event, `,"shardId":`...), jsonText(l.sh.ID)...)
		event = append(append(event, `,"eventSourceARN":`...), jsonText(l.j.Document().Source)...)
		event = fmt.Appendf(event, `,"isFinalInvokeForWindow":%v,"isWindowTerminatedEarly":%v`, b.final, b.early)
	}
	return append(event, '}'), n
}

// batchInfo describes records that a function has failed with.
type batchInfo struct {
	Shard  string `json:"shardId"`
	First  string `json:"startSequenceNumber"`
	Last   string `json:"endSequenceNumber"`
	From   string `json:"approximateArrivalOfFirstRecord"`
	To     string `json:"approximateArrivalOfLastRecord"`
	Size   int    `json:"batchSize"`
	Stream string `json:"streamArn"`
}

// giveUp sends records to the failure destination, until it has them; without one they are
// dropped.
func (l *lane[R]) giveUp(ctx context.Context, d *mappingDoc, records []R, condition string, tries int, out *result) error {
	s := l.s
	s.log.Warn("an event source mapping gives records up", "mapping", d.ID, "function", d.Name, "shard", l.sh.ID, "records", len(records), "condition", condition, "destination", d.OnFailure)
	if d.OnFailure == "" || len(records) == 0 {
		s.measureEvents(d, droppedEvents, len(records))
		return nil
	}
	first, last := l.c.info(&records[0]), l.c.info(&records[len(records)-1])
	const form = "2006-01-02T15:04:05.000Z"
	now := s.clock.Now().UTC()
	id := newID()
	r := map[string]any{
		"version": "1.0", "timestamp": now.Format(recordTime),
		"requestContext": destinationContext{id, functionARN(d.scope(), d.Name, d.Qualifier), condition, tries},
		l.c.batch: batchInfo{
			Shard: l.sh.ID, First: first.Sequence, Last: last.Sequence, From: first.Arrived.UTC().Format(form), To: last.Arrived.UTC().Format(form),
			Size: len(records), Stream: d.stream(),
		},
	}
	if out != nil {
		rc := streamResponseContext{Status: 200, Version: out.version}
		if out.Failed {
			rc.Error = aws.String("Unhandled")
		}
		r["responseContext"] = rc
	}
	if strings.Contains(d.OnFailure, ":s3:") {
		event, _ := l.encode(batch[R]{records: records})
		r["payload"] = string(event)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	key := "aws/lambda/" + d.ID + "/" + l.sh.ID + "/" + now.Format("2006/01/02") + "/" + now.Format("2006-01-02T15.04.05") + "-" + id
	for n := 1; ; n++ {
		err := s.send(ctx, d.OnFailure, key, body, nil)
		if err == nil {
			s.measureEvents(d, handedOn, len(records))
			return nil
		}
		if n == 1 || n%20 == 0 {
			s.log.Warn("records cannot be given to the failure destination and wait", "mapping", d.ID, "destination", d.OnFailure, "error", err)
		}
		if err := l.pause(ctx, n); err != nil {
			return err
		}
		if now := l.j.Document().OnFailure; now != d.OnFailure { // it was changed, perhaps to one that works
			return l.giveUp(ctx, l.j.Document(), records, condition, tries, out)
		}
	}
}
