package logs

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/logpattern"
	"github.com/brookmere/brookmere/internal/engine/shardlog"
)

const (
	tailEvery   = time.Second
	tailEvents  = 500 // an update; of more, some are left out, and the update says so
	tailLife    = 3 * time.Hour
	tailGroups  = 10
	maxSessions = 15 // of the whole node
)

// sessions counts live tails.
type sessions struct {
	mu sync.Mutex
	n  int
}

// tailed is a group that is followed.
type tailed struct {
	doc *groupDoc
	arn string
	at  shardlog.Position
}

// StartLiveTail pushes the events that come into some groups, each second up to 500, for three hours.
func (s *Service) StartLiveTail(ctx context.Context, in *logs.StartLiveTailInput) (*logs.StartLiveTailOutput, iter.Seq2[types.StartLiveTailResponseStream, error], error) {
	if len(in.LogGroupIdentifiers) > tailGroups {
		return nil, nil, invalid("At most %d log groups can be specified.", tailGroups)
	}
	if len(in.LogStreamNames) > 0 && len(in.LogStreamNamePrefixes) > 0 {
		return nil, nil, invalid("LogStreamNames and LogStreamNamePrefixes are mutually exclusive parameters.")
	}
	if len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) > 0 && len(in.LogGroupIdentifiers) != 1 {
		return nil, nil, invalid("Log streams can be specified for one log group only.")
	}
	p, err := logpattern.Parse(aws.ToString(in.LogEventFilterPattern))
	if err != nil {
		return nil, nil, badPattern(err)
	}
	var groups []*tailed
	for _, id := range in.LogGroupIdentifiers {
		if _, ok := arn.Parse(id); !ok {
			return nil, nil, invalid("The log group identifier %s is not an ARN.", id)
		}
		d, err := s.byIdentifier(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		at, err := s.store.Make(ctx, d.in(), d.retention())
		if err != nil {
			return nil, nil, stored(err)
		}
		groups = append(groups, &tailed{d, d.arn(), at})
	}
	if !s.tails.enter() {
		return nil, nil, limitExceeded("There are %d live tail sessions already.", maxSessions)
	}
	wanted := func(name string) bool {
		return len(in.LogStreamNames)+len(in.LogStreamNamePrefixes) == 0 || slices.Contains(in.LogStreamNames, name) ||
			slices.ContainsFunc(in.LogStreamNamePrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	return &logs.StartLiveTailOutput{}, func(yield func(types.StartLiveTailResponseStream, error) bool) {
		defer s.tails.leave()
		start := types.LiveTailSessionStart{
			RequestId: aws.String(newID()), SessionId: aws.String(newID()), LogGroupIdentifiers: in.LogGroupIdentifiers,
			LogStreamNames: in.LogStreamNames, LogStreamNamePrefixes: in.LogStreamNamePrefixes, LogEventFilterPattern: aws.String(aws.ToString(in.LogEventFilterPattern)),
		}
		if !yield(&types.StartLiveTailResponseStreamMemberSessionStart{Value: start}, nil) {
			return
		}
		ticker := s.clock.NewTicker(tailEvery)
		defer ticker.Stop()
		end := s.clock.Now().Add(tailLife)
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.Chan():
			}
			if !s.clock.Now().Before(end) {
				yield(nil, &types.SessionTimeoutException{Message: aws.String("The session has been open for three hours.")})
				return
			}
			u := types.LiveTailSessionUpdate{SessionMetadata: &types.LiveTailSessionMetadata{}, SessionResults: []types.LiveTailSessionLogEvent{}}
			for _, g := range groups {
				if err := s.tail(ctx, g, p, wanted, &u); err != nil {
					yield(nil, &types.SessionStreamingException{Message: aws.String("The log group cannot be read.")})
					return
				}
			}
			slices.SortStableFunc(u.SessionResults, func(a, b types.LiveTailSessionLogEvent) int { return int(*a.Timestamp - *b.Timestamp) })
			if !yield(&types.StartLiveTailResponseStreamMemberSessionUpdate{Value: u}, nil) {
				return
			}
		}
	}, nil
}

// tail adds what has come into a group to an update.
func (s *Service) tail(ctx context.Context, g *tailed, p *logpattern.Pattern, wanted func(string) bool, u *types.LiveTailSessionUpdate) error {
	_, names, err := s.numbers(g.doc, wanted)
	if err != nil {
		return err
	}
	for {
		blocks, next, err := s.store.Read(ctx, g.doc.in(), g.at, followBytes)
		if err != nil {
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		}
		if len(blocks) == 0 {
			return nil
		}
		g.at = next
		for i := range blocks {
			b := &blocks[i]
			name, ok := names[b.Stream]
			if !ok {
				continue
			}
			for _, l := range b.Lines {
				if !p.Match([]byte(l.Text)) {
					continue
				}
				if len(u.SessionResults) >= tailEvents {
					u.SessionMetadata.Sampled = true
					break
				}
				u.SessionResults = append(u.SessionResults, types.LiveTailSessionLogEvent{
					LogGroupIdentifier: aws.String(g.doc.Account + ":" + g.doc.Name), LogStreamName: aws.String(name), Message: aws.String(l.Text),
					Timestamp: aws.Int64(l.Time), IngestionTime: aws.Int64(b.Arrived),
				})
			}
		}
	}
}

func (t *sessions) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == maxSessions {
		return false
	}
	t.n++
	return true
}

func (t *sessions) leave() {
	t.mu.Lock()
	t.n--
	t.mu.Unlock()
}
