package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// A replay matches events of an archive, those of a range of times, against the rules of its bus again, or against some of
// them. How far it has come is in its document, written after the outboxes: a crash puts some events twice.

// replayDoc is a replay.
type replayDoc struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	ID          string    `json:"id"`
	Archive     string    `json:"archive"`
	Store       uint64    `json:"store,string"` // of the archive
	Bus         string    `json:"bus"`
	Rules       []string  `json:"rules,omitempty"` // ARNs; empty: all
	Description string    `json:"description,omitempty"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	State       string    `json:"state"`
	Reason      string    `json:"reason,omitempty"`
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended,omitzero"`
	Last        time.Time `json:"last,omitzero"` // of the events that were put
	Position    uint64    `json:"position,string,omitempty"`
}

func (d *replayDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *replayDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *replayDoc) arn() string        { return d.scope().ARN("events", "replay/"+d.Name) }
func (d *replayDoc) archiveARN() string { return d.scope().ARN("events", "archive/"+d.Archive) }

// runs reports whether there is something left to do.
func (d *replayDoc) runs() bool {
	switch types.ReplayState(d.State) {
	case types.ReplayStateStarting, types.ReplayStateRunning, types.ReplayStateCancelling:
		return true
	}
	return false
}

// maxReplays is how many replays of an account and region may be under way.
const maxReplays = 10

// StartReplay begins a replay.
func (s *Service) StartReplay(ctx context.Context, in *eventbridge.StartReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.StartReplayOutput, error) {
	sc, name := scope.Of(ctx), aws.ToString(in.ReplayName)
	if !in.EventStartTime.Before(*in.EventEndTime) {
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	b, err := s.own(ctx, in.Destination.Arn)
	if err != nil {
		return nil, err
	}
	of, err := archiveName(sc, aws.ToString(in.EventSourceArn))
	if err != nil {
		return nil, err
	}
	a, err := s.archives.Get(sc.Key(of)...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", of)
	}
	if err != nil {
		return nil, err
	}
	if a.Bus != b.Name {
		return nil, invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
	}
	for _, r := range in.Destination.FilterArns {
		if x, ok := arn.Parse(r); !ok || x.Service != "events" || !strings.HasPrefix(x.Resource, "rule/") {
			return nil, badARN(r)
		}
	}
	all, err := s.replays.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	running := 0
	for _, d := range all {
		if d.runs() {
			running++
		}
	}
	if running >= maxReplays {
		return nil, tooMany()
	}
	d := &replayDoc{
		Account: sc.Account, Region: sc.Region, Name: name, ID: awswire.NewRequestID(), Archive: a.Name, Store: a.Store, Bus: b.Name, Rules: in.Destination.FilterArns,
		Description: aws.ToString(in.Description), From: in.EventStartTime.UTC(), To: in.EventEndTime.UTC(), State: string(types.ReplayStateStarting), Began: s.now(),
	}
	err = s.replays.Create(ctx, d, d.key()...)
	if errors.Is(err, state.ErrExists) {
		return nil, &types.ResourceAlreadyExistsException{Message: sprintf("Replay %s already exists.", name)}
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.StartReplayOutput{ReplayArn: aws.String(d.arn()), ReplayStartTime: &d.Began, State: types.ReplayStateStarting}, nil
}

func noReplay(name string) error {
	return &types.ResourceNotFoundException{Message: sprintf("Replay %s does not exist.", name)}
}

// DescribeReplay tells a replay.
func (s *Service) DescribeReplay(ctx context.Context, in *eventbridge.DescribeReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeReplayOutput, error) {
	d, err := s.replays.Get(scope.Of(ctx).Key(aws.ToString(in.ReplayName))...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noReplay(aws.ToString(in.ReplayName))
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeReplayOutput{
		ReplayArn: aws.String(d.arn()), ReplayName: &d.Name, Description: some(d.Description), State: types.ReplayState(d.State), StateReason: some(d.Reason),
		EventSourceArn: aws.String(d.archiveARN()), Destination: &types.ReplayDestination{Arn: aws.String(d.scope().ARN("events", "event-bus/"+d.Bus)), FilterArns: d.Rules},
		EventStartTime: &d.From, EventEndTime: &d.To, EventLastReplayedTime: someTime(d.Last), ReplayStartTime: &d.Began, ReplayEndTime: someTime(d.Ended),
	}, nil
}

// ListReplays lists replays of the caller by one filter.
func (s *Service) ListReplays(ctx context.Context, in *eventbridge.ListReplaysInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListReplaysOutput, error) {
	if filters(in.NamePrefix != nil, in.EventSourceArn != nil, in.State != "") > 1 {
		return nil, invalid("At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.")
	}
	sc := scope.Of(ctx)
	all, err := s.replays.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *replayDoc) bool {
		return !strings.HasPrefix(d.Name, aws.ToString(in.NamePrefix)) || in.EventSourceArn != nil && d.archiveARN() != *in.EventSourceArn || in.State != "" && d.State != string(in.State)
	})
	slices.SortFunc(all, func(a, b *replayDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *replayDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	out := &eventbridge.ListReplaysOutput{Replays: []types.Replay{}, NextToken: next}
	for _, d := range list {
		out.Replays = append(out.Replays, types.Replay{
			ReplayName: &d.Name, EventSourceArn: aws.String(d.archiveARN()), State: types.ReplayState(d.State), StateReason: some(d.Reason), EventStartTime: &d.From,
			EventEndTime: &d.To, EventLastReplayedTime: someTime(d.Last), ReplayStartTime: &d.Began, ReplayEndTime: someTime(d.Ended),
		})
	}
	return out, nil
}

// CancelReplay ends a replay that is under way. What it has put is delivered.
func (s *Service) CancelReplay(ctx context.Context, in *eventbridge.CancelReplayInput, _ ...func(*eventbridge.Options)) (*eventbridge.CancelReplayOutput, error) {
	name := aws.ToString(in.ReplayName)
	d, err := s.replays.Modify(ctx, func(d *replayDoc) error {
		if !d.runs() || d.State == string(types.ReplayStateCancelling) {
			return &types.IllegalStatusException{Message: sprintf("Replay %s is not in a valid state for this operation.", name)}
		}
		d.State = string(types.ReplayStateCancelling)
		return nil
	}, scope.Of(ctx).Key(name)...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noReplay(name)
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.CancelReplayOutput{ReplayArn: aws.String(d.arn()), State: types.ReplayStateCancelling}, nil
}

// errReplay ends a change of a replay that is another, or over.
var errReplay = errors.New("events: the replay is another")

// runReplay puts the events of a replay, some at a time.
func (s *Service) runReplay(ctx context.Context, j *work.Job[replayDoc]) error {
	id := j.Document().ID
	for ctx.Err() == nil {
		d, err := s.replays.Get(j.Document().key()...)
		if errors.Is(err, state.ErrNotFound) || err == nil && (d.ID != id || !d.runs()) {
			return nil
		}
		if err != nil {
			return err
		}
		next := *d
		if err := s.replaySome(d, &next); err != nil {
			return err
		}
		_, err = s.replays.Modify(context.WithoutCancel(ctx), func(now *replayDoc) error {
			if now.ID != id || !now.runs() {
				return errReplay
			}
			if now.State == string(types.ReplayStateCancelling) && next.runs() {
				next.State = now.State // it was cancelled meanwhile
			}
			now.State, now.Reason, now.Position, now.Last, now.Ended = next.State, next.Reason, next.Position, next.Last, next.Ended
			return nil
		}, d.key()...)
		if errors.Is(err, errReplay) || errors.Is(err, state.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// replaySome puts the next events of a replay, or ends it: next is what the document says then.
func (s *Service) replaySome(d, next *replayDoc) error {
	end := func(st types.ReplayState, reason string) error {
		next.State, next.Reason, next.Ended = string(st), reason, s.now()
		return nil
	}
	if d.State == string(types.ReplayStateCancelling) {
		return end(types.ReplayStateCancelled, "")
	}
	a, err := s.archives.Get(d.scope().Key(d.Archive)...)
	if errors.Is(err, state.ErrNotFound) || err == nil && a.Store != d.Store {
		return end(types.ReplayStateFailed, "The archive has been deleted.")
	}
	if err != nil {
		return err
	}
	q, err := s.store(a)
	if err != nil {
		return err
	}
	list, err := q.Read(d.Position, 500, maxBatch)
	if err != nil {
		return fmt.Errorf("read the archive %s: %w", a.arn(), err)
	}
	next.State = string(types.ReplayStateRunning)
	p := &posting{s: s}
	for i := range list {
		m := &list[i]
		if int64(m.Sequence>>20) > d.Began.UnixMilli() { // it came later
			list = list[:i]
			break
		}
		next.Position = m.Sequence + 1
		e, err := decodeEvent(m.Body)
		if err != nil {
			s.log.Error("an event of an archive cannot be read and is left out", "archive", a.arn(), "event", m.ID, "error", err)
			continue
		}
		if e.Time.Before(d.From) || e.Time.After(d.To) {
			continue
		}
		e.replay, e.ingested = d.Name, s.now()
		if err := s.routeTo(p, d.scope(), d.Bus, e, d.Rules); err != nil {
			return err
		}
		if e.Time.After(next.Last) {
			next.Last = e.Time
		}
	}
	if len(list) == 0 {
		return end(types.ReplayStateCompleted, "")
	}
	return p.flush()
}

// decodeEvent reads an event as targets get it.
func decodeEvent(body []byte) (*event, error) {
	var e struct {
		ID         string          `json:"id"`
		DetailType string          `json:"detail-type"`
		Source     string          `json:"source"`
		Account    string          `json:"account"`
		Time       time.Time       `json:"time"`
		Region     string          `json:"region"`
		Replay     string          `json:"replay-name"`
		Resources  []string        `json:"resources"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	return &event{ID: e.ID, Account: e.Account, Region: e.Region, Source: e.Source, DetailType: e.DetailType, Time: e.Time, Resources: e.Resources, Detail: e.Detail, replay: e.Replay}, nil
}
