package events

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/eventpattern"
	"github.com/brookmere/brookmere/internal/engine/queue"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// An archive keeps the events of a bus that match its pattern, in a queue of the outbox store that nobody receives from, for
// its days or for ever. What was replayed is not kept again.

// archiveDoc is an archive.
type archiveDoc struct {
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Name        string    `json:"name"`
	Bus         string    `json:"bus"`
	Store       uint64    `json:"store,string"` // id of its queue
	Description string    `json:"description,omitempty"`
	Pattern     string    `json:"pattern,omitempty"`
	Key         string    `json:"kmsKeyIdentifier,omitempty"`
	Days        int32     `json:"days,omitempty"` // 0: for ever
	Created     time.Time `json:"created"`
}

func (d *archiveDoc) scope() scope.Scope { return scope.Scope{Account: d.Account, Region: d.Region} }
func (d *archiveDoc) key() []string      { return d.scope().Key(d.Name) }
func (d *archiveDoc) arn() string        { return d.scope().ARN("events", "archive/"+d.Name) }
func (d *archiveDoc) busARN() string     { return d.scope().ARN("events", "event-bus/"+d.Bus) }

func noArchive(name string) error {
	return &types.ResourceNotFoundException{Message: sprintf("Archive %s does not exist.", name)}
}

// store opens the events of an archive.
func (s *Service) store(d *archiveDoc) (*queue.Queue, error) {
	return s.cfg.Outbox.Queue(d.Store, queue.Settings{Retention: time.Duration(d.Days) * 24 * time.Hour})
}

// sampled is how many events of an archive are read to tell its size.
const sampled = 1000

// sizeOf tells how many events an archive has, and their bytes: of more than a thousand as if all were like those.
func (s *Service) sizeOf(d *archiveDoc) (events, bytes int64, err error) {
	q, err := s.store(d)
	if err != nil {
		return 0, 0, err
	}
	list, err := q.Read(0, sampled, maxBatch)
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	for i := range list {
		bytes += int64(len(list[i].Body))
	}
	events = max(q.Len(), int64(len(list)))
	return events, bytes / int64(len(list)) * events, nil
}

// CreateArchive makes an archive of a bus of the caller's.
func (s *Service) CreateArchive(ctx context.Context, in *eventbridge.CreateArchiveInput, _ ...func(*eventbridge.Options)) (*eventbridge.CreateArchiveOutput, error) {
	b, err := s.own(ctx, in.EventSourceArn)
	if err != nil {
		return nil, err
	}
	d := &archiveDoc{Account: b.Account, Region: b.Region, Name: aws.ToString(in.ArchiveName), Bus: b.Name, Store: newOutboxID(), Created: s.now()}
	if err := d.set(in.Description, in.EventPattern, in.KmsKeyIdentifier, in.RetentionDays); err != nil {
		return nil, err
	}
	err = s.archives.Create(ctx, d, d.key()...)
	if errors.Is(err, state.ErrExists) {
		return nil, &types.ResourceAlreadyExistsException{Message: sprintf("Archive %s already exists.", d.Name)}
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.CreateArchiveOutput{ArchiveArn: aws.String(d.arn()), CreationTime: &d.Created, State: types.ArchiveStateEnabled}, nil
}

func (d *archiveDoc) set(description, pattern, key *string, days *int32) error {
	d.Description, d.Pattern, d.Key, d.Days = aws.ToString(description), aws.ToString(pattern), aws.ToString(key), aws.ToInt32(days)
	if d.Pattern != "" {
		if _, err := eventpattern.CheckRule(d.Pattern); err != nil {
			return badPattern(d.Pattern, err)
		}
	}
	const most = 100 * 366
	if d.Days > most {
		return invalid("Parameter RetentionDays is not valid. Reason: it is at most %d.", most)
	}
	return nil
}

func (s *Service) archive(ctx context.Context, name *string) (*archiveDoc, error) {
	d, err := s.archives.Get(scope.Of(ctx).Key(aws.ToString(name))...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noArchive(aws.ToString(name))
	}
	return d, err
}

// UpdateArchive replaces the settings of an archive.
func (s *Service) UpdateArchive(ctx context.Context, in *eventbridge.UpdateArchiveInput, _ ...func(*eventbridge.Options)) (*eventbridge.UpdateArchiveOutput, error) {
	d, err := s.archive(ctx, in.ArchiveName)
	if err != nil {
		return nil, err
	}
	d, err = s.archives.Modify(ctx, func(d *archiveDoc) error {
		return d.set(in.Description, in.EventPattern, in.KmsKeyIdentifier, in.RetentionDays)
	}, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noArchive(*in.ArchiveName)
	}
	if err != nil {
		return nil, err
	}
	if _, err := s.store(d); err != nil { // its retention
		return nil, err
	}
	return &eventbridge.UpdateArchiveOutput{ArchiveArn: aws.String(d.arn()), CreationTime: &d.Created, State: types.ArchiveStateEnabled}, nil
}

// DescribeArchive tells an archive.
func (s *Service) DescribeArchive(ctx context.Context, in *eventbridge.DescribeArchiveInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeArchiveOutput, error) {
	d, err := s.archive(ctx, in.ArchiveName)
	if err != nil {
		return nil, err
	}
	events, bytes, err := s.sizeOf(d)
	if err != nil {
		return nil, err
	}
	return &eventbridge.DescribeArchiveOutput{
		ArchiveArn: aws.String(d.arn()), ArchiveName: &d.Name, EventSourceArn: aws.String(d.busARN()), Description: some(d.Description), EventPattern: some(d.Pattern),
		KmsKeyIdentifier: some(d.Key), State: types.ArchiveStateEnabled, RetentionDays: &d.Days, EventCount: events, SizeBytes: bytes, CreationTime: &d.Created,
	}, nil
}

// ListArchives lists archives of the caller by one filter.
func (s *Service) ListArchives(ctx context.Context, in *eventbridge.ListArchivesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListArchivesOutput, error) {
	if filters(in.NamePrefix != nil, in.EventSourceArn != nil, in.State != "") > 1 {
		return nil, invalid("At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.")
	}
	bus := ""
	if in.EventSourceArn != nil {
		b, err := s.own(ctx, in.EventSourceArn)
		if err != nil {
			return nil, err
		}
		bus = b.Name
	}
	sc := scope.Of(ctx)
	all, err := s.archives.All(sc.Account, sc.Region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *archiveDoc) bool {
		return !strings.HasPrefix(d.Name, aws.ToString(in.NamePrefix)) || bus != "" && d.Bus != bus || in.State != "" && in.State != types.ArchiveStateEnabled
	})
	slices.SortFunc(all, func(a, b *archiveDoc) int { return strings.Compare(a.Name, b.Name) })
	list, next, err := page.Of(all, func(d *archiveDoc) string { return d.Name }, page.Request{Token: in.NextToken, Max: in.Limit, Limit: pageSize})
	if err != nil {
		return nil, badToken()
	}
	out := &eventbridge.ListArchivesOutput{Archives: []types.Archive{}, NextToken: next}
	for _, d := range list {
		events, bytes, err := s.sizeOf(d)
		if err != nil {
			return nil, err
		}
		out.Archives = append(out.Archives, types.Archive{
			ArchiveName: &d.Name, EventSourceArn: aws.String(d.busARN()), State: types.ArchiveStateEnabled, RetentionDays: &d.Days, EventCount: events, SizeBytes: bytes, CreationTime: &d.Created,
		})
	}
	return out, nil
}

// filters counts those that are given.
func filters(given ...bool) (n int) {
	for _, is := range given {
		if is {
			n++
		}
	}
	return n
}

// DeleteArchive removes an archive and its events.
func (s *Service) DeleteArchive(ctx context.Context, in *eventbridge.DeleteArchiveInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteArchiveOutput, error) {
	d, err := s.archive(ctx, in.ArchiveName)
	if err != nil {
		return nil, err
	}
	err = s.archives.Delete(ctx, d.key()...)
	if errors.Is(err, state.ErrNotFound) {
		return nil, noArchive(d.Name)
	}
	if err != nil {
		return nil, err
	}
	return &eventbridge.DeleteArchiveOutput{}, s.cfg.Outbox.Drop(d.Store)
}

// archiveName is the name in the ARN of an archive of the caller's.
func archiveName(sc scope.Scope, text string) (string, error) {
	a, ok := arn.Parse(text)
	name, is := a.After("archive/")
	if !ok || !is || a.Service != "events" {
		return "", invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
	}
	if a.Account != sc.Account || a.Region != sc.Region {
		return "", invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
	}
	return name, nil
}
