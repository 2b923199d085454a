package logs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/logstore"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// groupDoc is a log group. Times are in milliseconds since 1970.
type groupDoc struct {
	Account   string `json:"account"`
	Region    string `json:"region"`
	Name      string `json:"name"`
	ID        string `json:"id"`
	Created   int64  `json:"created"`
	Retention int32  `json:"retention,omitempty"` // days; 0: for ever
	KMSKey    string `json:"kms_key,omitempty"`
	Class     string `json:"class"`
	Protected bool   `json:"protected,omitempty"`
}

func (d *groupDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }

func (d *groupDoc) arn() string { return d.scope().ARN("logs", "log-group:"+d.Name) }

// in is the name of the group in the store.
func (d *groupDoc) in() string { return d.Account + "/" + d.Region + "/" + d.ID }

func (d *groupDoc) key(rest ...string) []string {
	return append([]string{d.Account, d.Region, d.ID}, rest...)
}

const day = 24 * time.Hour

func (d *groupDoc) retention() time.Duration { return time.Duration(d.Retention) * day }

// oldest is the time before which events of the group are gone, at now.
func (d *groupDoc) oldest(now time.Time) int64 {
	if d.Retention == 0 {
		return 0
	}
	return now.Add(-d.retention()).UnixMilli()
}

// streamDoc is a log stream.
type streamDoc struct {
	Name    string `json:"name"`
	Number  uint64 `json:"number"` // in the store
	Created int64  `json:"created"`
}

// deadDoc is a group that is being removed.
type deadDoc struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
	ID      string `json:"id"`
}

// positionDoc is how far a filter has read.
type positionDoc struct {
	Frame uint64 `json:"frame"`
	Index uint32 `json:"index"`
}

func (p positionDoc) position() shardlog.Position {
	return shardlog.Position{Frame: p.Frame, Index: p.Index}
}

func positionOf(p shardlog.Position) positionDoc { return positionDoc{p.Frame, p.Index} }

// group is a group of the caller's.
func (s *Service) group(ctx context.Context, name string) (*groupDoc, error) {
	return s.groups.Get(scope.Of(ctx).Key(name)...)
}

// identified is the group that a call names by its name or by a name or ARN, of which it must have one.
func (s *Service) identified(ctx context.Context, name, identifier *string) (*groupDoc, error) {
	switch {
	case name != nil && identifier != nil:
		return nil, &types.ValidationException{Message: aws.String("LogGroup name and LogGroup ARN are mutually exclusive parameters.")}
	case name != nil:
		return s.group(ctx, *name)
	case identifier == nil:
		return nil, invalid("At least one of LogGroupName or LogGroupIdentifier must be provided.")
	}
	return s.byIdentifier(ctx, *identifier)
}

// byIdentifier is the group of a name or ARN.
func (s *Service) byIdentifier(ctx context.Context, id string) (*groupDoc, error) {
	name, err := groupName(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.group(ctx, name)
}

// groupName is the name in a name or ARN of the caller's.
func groupName(ctx context.Context, id string) (string, error) {
	a, ok := arn.Parse(id)
	if !ok {
		return id, nil
	}
	name, is := a.After("log-group:")
	if !is || !scope.Of(ctx).Owns("logs", a) {
		return "", invalid("Invalid log group identifier: %s", id)
	}
	if n := len(name); n > 2 && name[n-2:] == ":*" {
		name = name[:n-2]
	}
	return name, nil
}

// numbers are the numbers of streams of a group, and their names by number.
func (s *Service) numbers(d *groupDoc, wanted func(name string) bool) (map[uint64]bool, map[uint64]string, error) {
	streams, names := map[uint64]bool{}, map[uint64]string{}
	for it, err := range s.streams.List(d.key()...) {
		if err != nil {
			return nil, nil, err
		}
		if wanted == nil || wanted(it.Value.Name) {
			streams[it.Value.Number] = true
			names[it.Value.Number] = it.Value.Name
		}
	}
	return streams, names, nil
}

// removePosition forgets how far a filter has read.
func (s *Service) removePosition(ctx context.Context, id string) error {
	if err := s.positions.Delete(ctx, id); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// eventID is an id of an event, 56 digits that grow with time.
func eventID(k logstore.Key) string {
	b := make([]byte, 56)
	put := func(from, to int, v uint64) {
		for i := to - 1; i >= from; i-- {
			b[i] = byte('0' + v%10)
			v /= 10
		}
	}
	b[0] = '3'
	put(1, 15, uint64(k.Time))
	put(15, 38, k.Block.Frame)
	put(38, 49, uint64(k.Block.Index))
	put(49, 56, uint64(k.Line))
	return string(b)
}

// keyOf is the key in an event's id.
func keyOf(id string) (k logstore.Key, ok bool) {
	if len(id) != 56 || id[0] != '3' {
		return k, false
	}
	take := func(from, to int) (v uint64) {
		for _, c := range []byte(id[from:to]) {
			if c < '0' || c > '9' || v > 1<<60 {
				ok = false
				return 0
			}
			v = v*10 + uint64(c-'0')
		}
		return v
	}
	ok = true
	k.Time = int64(take(1, 15))
	k.Block.Frame = take(15, 38)
	index, line := take(38, 49), take(49, 56)
	k.Block.Index, k.Line = uint32(index), uint32(line)
	return k, ok && index <= 1<<32-1
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}
