package kinesis

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// stream is the document of a stream, under the key (account, region, name).
type stream struct {
	Name    string `json:"name"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// ID is another for every creation of a stream of one name. Shards of the log carry it.
	ID      string    `json:"id"`
	Created time.Time `json:"created"`

	Status  types.StreamStatus `json:"status"`
	Pending *change            `json:"pending,omitempty"` // what ends a status that is not ACTIVE

	Mode           types.StreamMode  `json:"mode"`
	RetentionHours int               `json:"retentionHours"`
	MaxRecordKiB   int               `json:"maxRecordKiB"`
	WarmMiBps      int               `json:"warmMiBps,omitempty"`
	Distribution   string            `json:"distribution,omitempty"`
	KeyID          string            `json:"keyId,omitempty"` // of KMS; empty: no encryption
	Metrics        []string          `json:"metrics,omitempty"`
	Policy         string            `json:"policy,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`

	// Shards holds open shards, and closed ones until their last record has expired, by index.
	Shards    []shard `json:"shards"`
	NextShard int     `json:"nextShard"` // index that the next new shard takes

	Consumers []consumer `json:"consumers,omitempty"` // by name

	// Rescaled are the times of the last UpdateShardCount calls.
	Rescaled []time.Time `json:"rescaled,omitempty"`
	// Peaks are what an on-demand stream with limits took, by day, since WatchedFrom at the most.
	Peaks       []dayPeak `json:"peaks,omitempty"`
	WatchedFrom time.Time `json:"watchedFrom,omitzero"`
	// Encrypted and Decrypted are the last times that encryption was started and stopped.
	Encrypted []time.Time `json:"encrypted,omitempty"`
	Decrypted []time.Time `json:"decrypted,omitempty"`
	// Switched are the last times of a change of mode.
	Switched []time.Time `json:"switched,omitempty"`
}

// shard is a shard in its stream's document.
type shard struct {
	Index int `json:"index"`
	hashRange
	Parents []int     `json:"parents,omitempty"` // one after a split, two after a merge
	Created time.Time `json:"created"`
	Closed  time.Time `json:"closed,omitzero"` // zero while the shard is open
	// Epoch is the second in sequence numbers, where it is not that of Created.
	Epoch uint64 `json:"epoch,omitempty"`
}

func (s *shard) id() string { return shardID(s.Index) }

func (s *shard) open() bool { return s.Closed.IsZero() }

// A change is under way while a stream's status is other than ACTIVE. It is kept in the
// document, so that a node that stops in between goes on with it.
type change struct {
	ID   string    `json:"id,omitempty"` // tells it from the one before
	Kind string    `json:"kind"`         // of the change* constants
	Due  time.Time `json:"due"`

	Split  *splitChange `json:"split,omitempty"`
	Merge  *mergeChange `json:"merge,omitempty"`
	Target int          `json:"target,omitempty"` // of changeScale
}

type splitChange struct {
	Shard int     `json:"shard"`
	At    hashKey `json:"at"` // first hash key of the upper child
}

type mergeChange struct {
	Shards [2]int `json:"shards"` // lower range first
}

const (
	changeCreate    = "create"
	changeDelete    = "delete"
	changeSplit     = "split"
	changeMerge     = "merge"
	changeScale     = "scale"
	changeRetention = "retention"
	changeNone      = "settings" // the settings hold already, only the status waits
)

func (d *stream) key() []string { return []string{d.Account, d.Region, d.Name} }

func (d *stream) arn() string {
	return arn.New("kinesis", d.Region, d.Account, "stream/"+d.Name)
}

func (d *stream) retention() time.Duration { return time.Duration(d.RetentionHours) * time.Hour }

// maxRecord is the most bytes of data and partition key of a record.
func (d *stream) maxRecord() int { return d.MaxRecordKiB << 10 }

// logName is the name of the shard in the log.
func (d *stream) logName(index int) string {
	return d.Account + "/" + d.Region + "/" + d.ID + "/" + shardID(index)
}

// shard returns the shard of the index unless there is none or its records have expired.
func (d *stream) shard(index int, now time.Time) *shard {
	sh := d.shardAt(index)
	if sh == nil || d.expired(sh, now) {
		return nil
	}
	return sh
}

// shardAt returns the shard of the index, nil for none.
func (d *stream) shardAt(index int) *shard {
	i := sort.Search(len(d.Shards), func(i int) bool { return d.Shards[i].Index >= index })
	if i == len(d.Shards) || d.Shards[i].Index != index {
		return nil
	}
	return &d.Shards[i]
}

// expired says that a closed shard holds nothing any more: it was closed longer ago than
// the stream keeps records.
func (d *stream) expired(sh *shard, now time.Time) bool {
	return !sh.open() && now.Sub(sh.Closed) > d.retention()
}

func (d *stream) openShards() int {
	n := 0
	for i := range d.Shards {
		if d.Shards[i].open() {
			n++
		}
	}
	return n
}

// sequence is the sequence number of the shard's record at no position: the caller fills
// in where it is.
func (sh *shard) sequence() sequence {
	q := sequence{created: seconds(sh.Created), shard: uint32(sh.Index)}
	if sh.Epoch != 0 {
		q.created = sh.Epoch
	}
	return q
}

// startingSequence is the sequence number below those of all records of the shard.
func (sh *shard) startingSequence() sequence {
	q := sh.sequence()
	q.time = q.created
	return q
}

// endingSequence is the sequence number above those of all records of a closed shard.
func (sh *shard) endingSequence() sequence {
	q := sh.sequence()
	q.frame, q.index, q.time = lastFrame, lastIndex, seconds(sh.Closed)
	return q
}

// describe is the shard as DescribeStream and ListShards return it.
func (sh *shard) describe() types.Shard {
	out := types.Shard{
		ShardId: aws.String(sh.id()),
		HashKeyRange: &types.HashKeyRange{
			StartingHashKey: aws.String(sh.Start.String()),
			EndingHashKey:   aws.String(sh.End.String()),
		},
		SequenceNumberRange: &types.SequenceNumberRange{
			StartingSequenceNumber: aws.String(sh.startingSequence().String()),
		},
	}
	if len(sh.Parents) > 0 {
		out.ParentShardId = aws.String(shardID(sh.Parents[0]))
	}
	if len(sh.Parents) > 1 {
		out.AdjacentParentShardId = aws.String(shardID(sh.Parents[1]))
	}
	if !sh.open() {
		out.SequenceNumberRange.EndingSequenceNumber = aws.String(sh.endingSequence().String())
	}
	return out
}

// parseShardID returns the index in a shard's name; Kinesis takes "shardId-000000000001",
// "shardId-1" and "1" for the same.
func parseShardID(id string) (int, bool) {
	if _, after, ok := strings.Cut(id, "-"); ok {
		id = after
	}
	if id == "" || len(id) > 12 {
		return 0, false
	}
	n := 0
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return 0, false
		}
		n = n*10 + int(id[i]-'0')
	}
	return n, n <= 1<<31-1
}

// find returns the stream that a request addresses, by its name, its ARN, its ID or more
// than one of them that agree.
func (s *Service) find(ctx context.Context, name, arn, id *string) (*stream, error) {
	caller := awswire.CallerFrom(ctx)
	account, region := caller.Account, caller.Region
	n := aws.ToString(name)
	if arn != nil {
		a, err := parseStreamARN(*arn)
		if err != nil {
			return nil, err
		}
		if n != "" && n != a.name {
			return nil, invalid("StreamARN %s and StreamName %s do not name the same stream.", *arn, n)
		}
		n = a.name
		if a.account != account || a.region != region {
			return nil, notFound(a.account, n)
		}
	}
	if n == "" && id != nil {
		for it, err := range s.streams.List(account, region) {
			if err != nil {
				return nil, err
			}
			d := it.Value
			if d.ID == *id {
				return d, nil
			}
		}
		return nil, &types.ResourceNotFoundException{
			Message: aws.String(fmt.Sprintf("Stream with id %s under account %s not found.", *id, account)),
		}
	}
	if n == "" {
		return nil, invalid("Either StreamName or StreamARN must be specified.")
	}
	d, err := s.streams.Get(account, region, n)
	if err != nil {
		if errors.Is(err, state.ErrNotFound) {
			return nil, notFound(account, n)
		}
		return nil, fmt.Errorf("kinesis: reading stream %s: %w", n, err)
	}
	if id != nil && *id != d.ID {
		return nil, invalid("StreamId %s is not that of stream %s.", *id, n)
	}
	return d, nil
}

// findUsable is find for operations on records: they know no stream that is being made or
// removed.
func (s *Service) findUsable(ctx context.Context, name, arn, id *string) (*stream, error) {
	d, err := s.find(ctx, name, arn, id)
	if err == nil && !d.usable() {
		return nil, notFound(d.Account, d.Name)
	}
	return d, err
}

func (d *stream) usable() bool {
	return d.Status == types.StreamStatusActive || d.Status == types.StreamStatusUpdating
}

// active refuses to change a stream that is not ACTIVE.
func (d *stream) active() error {
	if d.Status == types.StreamStatusActive {
		return nil
	}
	return &types.ResourceInUseException{Message: aws.String(fmt.Sprintf(
		"Stream %s under account %s not ACTIVE, instead in state %s", d.Name, d.Account, d.Status))}
}

// modify changes an ACTIVE stream's document; f sees a copy of it.
func (s *Service) modify(ctx context.Context, d *stream, f func(*stream) error) (*stream, error) {
	return s.modifyAny(ctx, d, func(d *stream) error {
		if err := d.active(); err != nil {
			return err
		}
		return f(d)
	})
}

// modifyAny is modify in any status; a stream that was removed meanwhile, or removed and
// made again, is not found.
func (s *Service) modifyAny(ctx context.Context, d *stream, f func(*stream) error) (*stream, error) {
	id := d.ID
	out, err := s.streams.Modify(ctx, func(d *stream) error {
		if d.ID != id {
			return state.ErrNotFound
		}
		return f(d)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, notFound(d.Account, d.Name)
	}
	return out, err
}

// streamARN is an ARN of a stream, taken apart.
type streamARN struct{ region, account, name string }

// parseStreamARN reads the ARN of a stream. One of a consumer is refused.
func parseStreamARN(text string) (streamARN, error) {
	if a, ok := arn.Parse(text); ok && a.Service == "kinesis" {
		if name, ok := strings.CutPrefix(a.Resource, "stream/"); ok && name != "" && !strings.ContainsAny(name, "/:") {
			return streamARN{a.Region, a.Account, name}, nil
		}
	}
	return streamARN{}, invalid("%s is not the ARN of a stream.", text)
}

// streamNamed is the name of the stream that a request gives by one of the two, if it does.
func streamNamed(name, arn *string) string {
	if name != nil {
		return *name
	}
	if a, err := parseStreamARN(aws.ToString(arn)); err == nil {
		return a.name
	}
	return aws.ToString(arn)
}
