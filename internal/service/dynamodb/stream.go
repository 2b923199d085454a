package dynamodb

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// stream is a change stream of a table: a window on the table's feed, divided into shards.
// One shard is open while the stream is enabled; it is closed, and one follows it, every
// shardLife, so that a consumer sees the lineage that it has to follow on AWS too.
type stream struct {
	Label     string    `json:"label"` // its creation time, as in its ARN
	View      string    `json:"view"`
	Created   time.Time `json:"created"`
	Closed    time.Time `json:"closed,omitzero"` // when it was disabled
	Shards    []shard   `json:"shards"`
	Policy    string    `json:"policy,omitempty"`
	PolicyRev string    `json:"policyRev,omitempty"`
}

// shard holds the changes whose sequence numbers are from Start to before End.
type shard struct {
	ID      string    `json:"id"`
	Parent  string    `json:"parent,omitempty"`
	Start   uint64    `json:"start"`
	End     uint64    `json:"end,omitempty"` // 0 while the shard is open
	Created time.Time `json:"created"`
	Closed  time.Time `json:"closed,omitzero"`
}

const (
	// shardLife is how long a shard is open.
	shardLife = 4 * time.Hour
	// streamLife is how long a change can be read.
	streamLife = 24 * time.Hour
)

func shardName(at time.Time, seq uint64) string {
	return fmt.Sprintf("shardId-%020d-%08x", at.UnixMilli(), uint32(seq*2654435761))
}

// newest returns the stream that was enabled last, nil for none.
func (d *table) newest() *stream {
	if len(d.Streams) == 0 {
		return nil
	}
	return &d.Streams[len(d.Streams)-1]
}

// streaming reports whether the table has an enabled stream.
func (d *table) streaming() bool {
	st := d.newest()
	return st != nil && st.Closed.IsZero()
}

func (d *table) streamARN(st *stream) string { return d.arn() + "/stream/" + st.Label }

// stream returns the stream of the label, nil for none.
func (d *table) stream(label string) *stream {
	for i := range d.Streams {
		if d.Streams[i].Label == label {
			return &d.Streams[i]
		}
	}
	return nil
}

// setStream enables or disables the stream as a request says. next is the number that the
// next change has at the least.
func (d *table) setStream(in *types.StreamSpecification, now time.Time, next uint64, create bool) error {
	if in == nil {
		return nil
	}
	if in.StreamEnabled == nil {
		return constraint("null ", "streamSpecification.streamEnabled", "Member must not be null")
	}
	if !*in.StreamEnabled {
		if in.StreamViewType != "" && create {
			return invalidValue("Table is being created with a stream disabled, UpdateViewType should not be specified")
		}
		if in.StreamViewType != "" {
			return invalidValue("If stream is being disabled, then UpdateViewType must not be specified")
		}
		if create {
			return nil
		}
		if !d.streaming() {
			return invalid("Table has no stream to disable: TableName: %s", d.Name)
		}
		d.newest().close(now, next)
		return nil
	}
	if in.StreamViewType == "" {
		if create {
			return invalidValue("Table is being created with a stream enabled, UpdateViewType is required")
		}
		return invalidValue("If stream is being enabled then UpdateViewType is required")
	}
	if d.streaming() {
		return invalid("Table already has an enabled stream: TableName: %s", d.Name)
	}
	label := now.Format("2006-01-02T15:04:05.000")
	for d.stream(label) != nil {
		now = now.Add(time.Millisecond)
		label = now.Format("2006-01-02T15:04:05.000")
	}
	d.Streams = append(d.Streams, stream{
		Label: label, View: string(in.StreamViewType), Created: now,
		Shards: []shard{{ID: shardName(now, next), Start: next, Created: now}},
	})
	return nil
}

func (st *stream) close(now time.Time, next uint64) {
	st.Closed = now
	last := &st.Shards[len(st.Shards)-1]
	last.End, last.Closed = next, now
}

// roll closes the open shard when it is old enough, and forgets shards and streams whose
// changes are all gone. It reports whether anything changed.
func (d *table) roll(now time.Time, next uint64) (changed bool) {
	for i := range d.Streams {
		st := &d.Streams[i]
		if last := &st.Shards[len(st.Shards)-1]; st.Closed.IsZero() && now.Sub(last.Created) >= shardLife {
			last.End, last.Closed = next, now
			st.Shards = append(st.Shards, shard{ID: shardName(now, next), Parent: last.ID, Start: next, Created: now})
			changed = true
		}
		for len(st.Shards) > 1 && now.Sub(st.Shards[0].Closed) > streamLife {
			st.Shards = st.Shards[1:]
			changed = true
		}
	}
	for len(d.Streams) > 0 && !d.Streams[0].Closed.IsZero() && now.Sub(d.Streams[0].Closed) > streamLife && (len(d.Streams) > 1 || !d.streaming()) {
		d.Streams = d.Streams[1:]
		changed = true
	}
	return changed
}

// sequenceText is a sequence number as the API shows it: 21 digits, as AWS's have.
func sequenceText(n uint64) string { return fmt.Sprintf("1%020d", n) }

func parseSequence(s string) (uint64, bool) {
	if len(s) != 21 || s[0] != '1' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 64)
	return n, err == nil && n < math.MaxUint64 // another follows each
}
