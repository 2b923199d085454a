package firehose

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/shardlog"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// discardedDoc marks what belongs to the delivery stream of an id as garbage, as long as
// the stream has no document. It is written before anything of the stream is made, and
// before its document is deleted. What has neither a document nor a mark is not garbage:
// the document was lost, and the records may be all that is left of somebody's data.
type discardedDoc struct {
	Name     string    `json:"name,omitempty"`     // of the stream
	Until    time.Time `json:"until,omitzero"`     // when whoever makes the stream has given up
	Removing bool      `json:"removing,omitempty"` // it is too late to make it
}

// makeFor is how long a delivery stream may be made before what there is of it is removed.
const makeFor = 10 * time.Minute

func (s *Service) discard(ctx context.Context, d *streamDoc, until time.Time) error {
	return s.discarded.Put(ctx, &discardedDoc{Name: d.Name, Until: until}, d.Account, d.Region, d.ID)
}

// errSwept is a stream of which something was removed while it was made.
var errSwept = errors.New("firehose: making the delivery stream took too long, and what there was of it has been removed")

// keep takes the mark away; errSwept when it is too late.
func (s *Service) keep(ctx context.Context, d *streamDoc) error {
	key := state.Key{discardedKind, d.Account, d.Region, d.ID}
	doc, err := s.cfg.State.Get(key)
	if errors.Is(err, state.ErrNotFound) {
		return errSwept
	}
	if err != nil {
		return err
	}
	if mark, err := s.discarded.Get(key[1:]...); err == nil && mark.Removing {
		return errSwept
	}
	if err = s.cfg.State.Delete(ctx, key, doc.Revision); errors.Is(err, state.ErrConflict) || errors.Is(err, state.ErrNotFound) {
		return errSwept
	}
	return err
}

// runDiscarded removes what is left of a delivery stream that was deleted, or whose making
// was not ended. Who makes one has until then; and what is marked as being removed cannot
// become a stream any more.
func (s *Service) runDiscarded(ctx context.Context, j *work.Job[discardedDoc]) error {
	account, region, id := j.Key[0], j.Key[1], j.Key[2]
	if wait := j.Document().Until.Sub(s.clock.Now()); wait > 0 {
		return work.RunAfter(wait)
	}
	for it, err := range s.docs.List(account, region) {
		switch {
		case err != nil:
			return err // it may be this one
		case it.Value.ID != id:
		case it.Value.Deleting:
			return work.RunAfter(time.Second)
		default:
			return s.unmark(ctx, account, region, id)
		}
	}
	_, err := s.discarded.Modify(ctx, func(d *discardedDoc) error { d.Removing = true; return nil }, account, region, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.remove(ctx, account, region, id)
}

func (s *Service) unmark(ctx context.Context, account, region, id string) error {
	if err := s.discarded.Delete(ctx, account, region, id); err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	return nil
}

// tellLeftovers logs what belongs to no delivery stream and is not garbage either.
func (s *Service) tellLeftovers(ctx context.Context) error {
	docs, err := s.docs.All()
	if err != nil {
		return fmt.Errorf("firehose: read the delivery streams: %w", err)
	}
	known := make(map[[3]string]bool)
	for _, d := range docs {
		known[[3]string{d.Account, d.Region, d.ID}] = true
	}
	for k := range s.discarded.Keys() {
		known[[3]string(k)] = true
	}
	left, err := s.leftovers(ctx, known)
	if err != nil {
		return err
	}
	for _, l := range left {
		s.log.Error("records of a delivery stream that has no document are kept", "account", l[0], "region", l[1], "id", l[2])
	}
	return nil
}

// remove deletes all that a delivery stream leaves beside its document: progress, plans,
// and last the shards.
func (s *Service) remove(ctx context.Context, account, region, id string) error {
	for _, kind := range []string{progressKind, markKind, "firehose.plan"} {
		for doc := range s.cfg.State.List(state.Key{kind, account, region, id}) {
			if err := s.cfg.State.Delete(ctx, doc.Key, 0); err != nil && !errors.Is(err, state.ErrNotFound) {
				return err
			}
		}
	}
	names, err := s.cfg.Log.Shards(ctx, "firehose/"+account+"/"+region+"/"+id+"/")
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := s.cfg.Log.DeleteShard(ctx, n); err != nil && !errors.Is(err, shardlog.ErrNoShard) {
			return err
		}
	}
	return s.unmark(ctx, account, region, id)
}

// leftovers are the streams, as account, region and id, of which there is something but
// no document.
func (s *Service) leftovers(ctx context.Context, known map[[3]string]bool) ([][3]string, error) {
	found := make(map[[3]string]bool)
	names, err := s.cfg.Log.Shards(ctx, "firehose/")
	if err != nil {
		return nil, fmt.Errorf("firehose: list shards: %w", err)
	}
	for _, n := range names {
		if part := strings.Split(n, "/"); len(part) == 5 {
			found[[3]string(part[1:4])] = true
		}
	}
	for doc := range s.cfg.State.List(state.Key{progressKind}) {
		if len(doc.Key) >= 4 {
			found[[3]string(doc.Key[1:4])] = true
		}
	}
	var out [][3]string
	for id := range found {
		if !known[id] {
			out = append(out, id)
		}
	}
	return out, nil
}

// ErrMissingLog is a delivery stream whose records the log does not have.
var ErrMissingLog = errors.New("firehose: the logs of delivery streams are missing")

// Check holds delivery streams and shards against each other: whether each stream has its
// shard, and which shards belong to none. The first is an error, the second are returned:
// they are kept.
func (s *Service) Check(ctx context.Context) (strays []string, err error) {
	docs, err := s.docs.All()
	if err != nil {
		return nil, fmt.Errorf("firehose: read the delivery streams: %w", err)
	}
	names, err := s.cfg.Log.Shards(ctx, "firehose/")
	if err != nil {
		return nil, fmt.Errorf("firehose: list shards: %w", err)
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	known := make(map[[3]string]bool, len(docs))
	var missing []string
	for _, d := range docs {
		known[[3]string{d.Account, d.Region, d.ID}] = true
		if d.Source == nil && !d.Deleting && !there[d.shardName()] {
			missing = append(missing, d.arn())
		}
	}
	for k := range s.discarded.Keys() {
		known[[3]string(k)] = true
	}
	for _, n := range names {
		if part := strings.Split(n, "/"); len(part) == 5 && !known[[3]string(part[1:4])] {
			strays = append(strays, n)
		}
	}
	if len(missing) > 0 {
		return strays, fmt.Errorf("%w: %s", ErrMissingLog, strings.Join(missing, ", "))
	}
	return strays, nil
}
