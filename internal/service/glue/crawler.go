package glue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/s3uri"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreateCrawler, GetCrawler, GetCrawlers, BatchGetCrawlers, ListCrawlers, UpdateCrawler,
// DeleteCrawler.
//
// A crawler reads S3 and catalog targets; other targets and event mode are refused. The
// role is kept but nothing assumes it.

type crawlerDoc struct {
	Name          string                            `json:"name"`
	Role          string                            `json:"role"`
	Database      string                            `json:"database"`
	Description   *string                           `json:"description,omitempty"`
	Targets       *types.CrawlerTargets             `json:"targets"`
	TablePrefix   *string                           `json:"tablePrefix,omitempty"`
	Configuration *string                           `json:"configuration,omitempty"`
	Security      *string                           `json:"security,omitempty"`
	Change        *types.SchemaChangePolicy         `json:"change"`
	Recrawl       *types.RecrawlPolicy              `json:"recrawl"`
	Lineage       *types.LineageConfiguration       `json:"lineage"`
	LakeFormation *types.LakeFormationConfiguration `json:"lakeFormation"`
	Created       time.Time                         `json:"created"`
	Updated       time.Time                         `json:"updated"`
	Version       int64                             `json:"version"`

	Schedule    *scheduleDoc `json:"schedule,omitempty"`
	Classifiers []string     `json:"classifiers,omitempty"`

	State   types.CrawlerState `json:"state"`
	CrawlID string             `json:"crawlId,omitempty"` // of the run under way or the last
	Started time.Time          `json:"started,omitzero"`
	Node    string             `json:"node,omitempty"`  // the process that runs it
	Epoch   uint64             `json:"epoch,omitempty"` // of that one's lease
	Stop    bool               `json:"stop,omitempty"`  // it is to be cancelled
	Last    *lastCrawlDoc      `json:"last,omitempty"`
}

type lastCrawlDoc struct {
	Status  types.LastCrawlStatus `json:"status"`
	Error   string                `json:"error,omitempty"`
	CrawlID string                `json:"crawlId"`
	Started time.Time             `json:"started"`
}

func (d *crawlerDoc) output(now time.Time) types.Crawler {
	out := types.Crawler{
		Name:                         aws.String(d.Name),
		Role:                         aws.String(d.Role),
		DatabaseName:                 aws.String(d.Database),
		Description:                  d.Description,
		Targets:                      outputTargets(d.Targets),
		TablePrefix:                  d.TablePrefix,
		Configuration:                d.Configuration,
		CrawlerSecurityConfiguration: d.Security,
		Classifiers:                  append([]string{}, d.Classifiers...),
		Schedule:                     d.Schedule.output(),
		SchemaChangePolicy:           d.Change,
		RecrawlPolicy:                d.Recrawl,
		LineageConfiguration:         d.Lineage,
		LakeFormationConfiguration:   d.LakeFormation,
		State:                        d.State,
		CreationTime:                 aws.Time(d.Created),
		LastUpdated:                  aws.Time(d.Updated),
		Version:                      d.Version,
	}
	if d.State != types.CrawlerStateReady {
		out.CrawlElapsedTime = now.Sub(d.Started).Milliseconds()
	}
	if l := d.Last; l != nil {
		out.LastCrawl = &types.LastCrawlInfo{
			Status: l.Status, StartTime: aws.Time(l.Started),
			LogGroup: aws.String(crawlLogGroup), LogStream: aws.String(d.Name), MessagePrefix: aws.String(l.CrawlID),
		}
		if l.Error != "" {
			out.LastCrawl.ErrorMessage = aws.String(l.Error)
		}
	}
	return out
}

const crawlLogGroup = "/aws-glue/crawlers"

// outputTargets has an empty list for each kind of target that there is none of.
func outputTargets(t *types.CrawlerTargets) *types.CrawlerTargets {
	out := &types.CrawlerTargets{
		S3Targets:       []types.S3Target{},
		CatalogTargets:  t.CatalogTargets,
		JdbcTargets:     []types.JdbcTarget{},
		MongoDBTargets:  []types.MongoDBTarget{},
		DynamoDBTargets: []types.DynamoDBTarget{},
		DeltaTargets:    []types.DeltaTarget{},
		IcebergTargets:  []types.IcebergTarget{},
		HudiTargets:     []types.HudiTarget{},
	}
	if out.CatalogTargets == nil {
		out.CatalogTargets = []types.CatalogTarget{}
	}
	for _, s := range t.S3Targets {
		if s.Exclusions == nil {
			s.Exclusions = []string{}
		}
		out.S3Targets = append(out.S3Targets, s)
	}
	return out
}

// roleName is the form in which Glue shows a role: name and path without the ARN.
func roleName(role string) string {
	if a, err := arn.Parse(role); err == nil {
		return strings.TrimPrefix(a.Resource, "role/")
	}
	return role
}

func crawlerNotFound(name string) error {
	return notFound("Crawler entry with name %s does not exist", name)
}

func (s *Service) crawler(sc scope, name string) (*crawlerDoc, error) {
	d, err := s.crawlers.Get(sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, crawlerNotFound(name)
	}
	return d, err
}

func checkTargets(t *types.CrawlerTargets) error {
	if n := len(t.JdbcTargets) + len(t.MongoDBTargets) + len(t.DynamoDBTargets) + len(t.DeltaTargets) + len(t.IcebergTargets) + len(t.HudiTargets); n > 0 {
		return invalidInput("Only S3 and catalog targets are supported.")
	}
	if len(t.S3Targets)+len(t.CatalogTargets) == 0 {
		return invalidInput("At least one target must be specified.")
	}
	if len(t.S3Targets) > 0 && len(t.CatalogTargets) > 0 {
		return invalidInput("Catalog targets cannot be combined with other targets.")
	}
	for _, target := range t.S3Targets {
		if _, _, err := splitLocation(aws.ToString(target.Path)); err != nil {
			return err
		}
		if aws.ToString(target.EventQueueArn) != "" || aws.ToString(target.DlqEventQueueArn) != "" {
			return invalidInput("Event mode is not supported.")
		}
	}
	return nil
}

// splitLocation takes "s3://bucket/prefix" apart; Glue takes "bucket/prefix" too.
func splitLocation(location string) (bucket, prefix string, err error) {
	l, err := s3uri.Parse(location)
	if errors.Is(err, s3uri.ErrScheme) && !strings.Contains(location, "://") {
		l, err = s3uri.Parse("s3://" + location)
	}
	if err != nil {
		return "", "", invalidInput("S3 path is not valid: %s", location)
	}
	return l.Bucket, l.Key, nil
}

// check completes a crawler with Glue's defaults and refuses what it could not run.
func (d *crawlerDoc) check() error {
	if err := checkTargets(d.Targets); err != nil {
		return err
	}
	if _, err := parseConfiguration(aws.ToString(d.Configuration)); err != nil {
		return err
	}
	change := types.SchemaChangePolicy{}
	if d.Change != nil {
		change = *d.Change
	}
	if change.UpdateBehavior == "" {
		change.UpdateBehavior = types.UpdateBehaviorUpdateInDatabase
	}
	if change.DeleteBehavior == "" {
		change.DeleteBehavior = types.DeleteBehaviorDeprecateInDatabase
	}
	d.Change = &change
	if d.Recrawl == nil || d.Recrawl.RecrawlBehavior == "" {
		d.Recrawl = &types.RecrawlPolicy{RecrawlBehavior: types.RecrawlBehaviorCrawlEverything}
	}
	if d.Recrawl.RecrawlBehavior == types.RecrawlBehaviorCrawlEventMode {
		return invalidInput("Event mode is not supported.")
	}
	if d.Recrawl.RecrawlBehavior == types.RecrawlBehaviorCrawlNewFoldersOnly &&
		(change.UpdateBehavior != types.UpdateBehaviorLog || change.DeleteBehavior != types.DeleteBehaviorLog) {
		return invalidInput("The SchemaChangePolicy for \"Crawl new folders only\" Amazon S3 target can have only LOG DeleteBehavior value and LOG UpdateBehavior value.")
	}
	if d.Lineage == nil || d.Lineage.CrawlerLineageSettings == "" {
		d.Lineage = &types.LineageConfiguration{CrawlerLineageSettings: types.CrawlerLineageSettingsDisable}
	}
	if d.LakeFormation == nil {
		d.LakeFormation = &types.LakeFormationConfiguration{UseLakeFormationCredentials: aws.Bool(false), AccountId: aws.String("")}
	}
	return nil
}

// CreateCrawler makes a crawler; it does not run it.
func (s *Service) CreateCrawler(ctx context.Context, in *glue.CreateCrawlerInput, _ ...func(*glue.Options)) (*glue.CreateCrawlerOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now().UTC()
	d := &crawlerDoc{
		Name: aws.ToString(in.Name), Role: roleName(aws.ToString(in.Role)), Database: aws.ToString(in.DatabaseName),
		Description: in.Description, Targets: in.Targets, TablePrefix: in.TablePrefix,
		Configuration: in.Configuration, Security: in.CrawlerSecurityConfiguration,
		Change: in.SchemaChangePolicy, Recrawl: in.RecrawlPolicy, Lineage: in.LineageConfiguration,
		LakeFormation: in.LakeFormationConfiguration,
		Created:       now, Updated: now, Version: 1, State: types.CrawlerStateReady,
	}
	d.Classifiers = in.Classifiers
	if err := d.setSchedule(aws.ToString(in.Schedule), now); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	if _, err := s.classifiersOf(sc, d.Classifiers); err != nil {
		return nil, err
	}
	err = s.crawlers.Create(ctx, d, sc.account, sc.region, d.Name)
	if errors.Is(err, state.ErrExists) {
		return nil, alreadyExists("Crawler with name %s already exists", d.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := s.forgetCrawler(ctx, sc, d.Name); err != nil { // of one whose removal was cut short
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.addTags(ctx, sc, sc.arn("crawler/"+d.Name), in.Tags); err != nil {
			return nil, err
		}
	}
	s.runs.schedules.Refresh(sc.account, sc.region, d.Name)
	return &glue.CreateCrawlerOutput{}, nil
}

// UpdateCrawler changes the settings that are given. A running crawler is refused.
func (s *Service) UpdateCrawler(ctx context.Context, in *glue.UpdateCrawlerInput, _ ...func(*glue.Options)) (*glue.UpdateCrawlerOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	if _, err := s.classifiersOf(sc, in.Classifiers); err != nil {
		return nil, err
	}
	_, err = s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		if d.State != types.CrawlerStateReady {
			return &types.CrawlerRunningException{Message: aws.String("Crawler with name " + name + " is running")}
		}
		if in.Role != nil {
			d.Role = roleName(*in.Role)
		}
		if in.DatabaseName != nil {
			d.Database = *in.DatabaseName
		}
		if in.Targets != nil {
			d.Targets = in.Targets
		}
		set(&d.Description, in.Description)
		set(&d.TablePrefix, in.TablePrefix)
		set(&d.Configuration, in.Configuration)
		set(&d.Security, in.CrawlerSecurityConfiguration)
		set(&d.Change, in.SchemaChangePolicy)
		set(&d.Recrawl, in.RecrawlPolicy)
		set(&d.Lineage, in.LineageConfiguration)
		set(&d.LakeFormation, in.LakeFormationConfiguration)
		if in.Classifiers != nil {
			d.Classifiers = in.Classifiers
		}
		d.Version++
		d.Updated = s.clock.Now().UTC()
		if in.Schedule != nil {
			if err := d.setSchedule(*in.Schedule, d.Updated); err != nil {
				return err
			}
		}
		return d.check()
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, crawlerNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	s.runs.schedules.Refresh(sc.account, sc.region, name)
	return &glue.UpdateCrawlerOutput{}, nil
}

func set[T any](to **T, v *T) {
	if v != nil {
		*to = v
	}
}

// DeleteCrawler deletes a crawler that does not run, with its history.
func (s *Service) DeleteCrawler(ctx context.Context, in *glue.DeleteCrawlerInput, _ ...func(*glue.Options)) (*glue.DeleteCrawlerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	key := state.Key{crawlerKind, sc.account, sc.region, name}
	for {
		doc, err := s.state.Get(key)
		if errors.Is(err, state.ErrNotFound) {
			return nil, crawlerNotFound(name)
		}
		if err != nil {
			return nil, err
		}
		d, err := s.crawler(sc, name)
		if err != nil {
			return nil, err
		}
		if d.State != types.CrawlerStateReady {
			return nil, &types.CrawlerRunningException{Message: aws.String("Crawler with name " + name + " is running")}
		}
		// At this revision: it is not started meanwhile.
		err = s.state.Delete(ctx, key, doc.Revision)
		if errors.Is(err, state.ErrConflict) {
			continue
		}
		if errors.Is(err, state.ErrNotFound) {
			return nil, crawlerNotFound(name)
		}
		if err != nil {
			return nil, err
		}
		break
	}
	if err := s.forgetCrawler(ctx, sc, name); err != nil {
		return nil, err
	}
	return &glue.DeleteCrawlerOutput{}, nil
}

// forgetCrawler removes what there is of a crawler beside its document.
func (s *Service) forgetCrawler(ctx context.Context, sc scope, name string) error {
	if err := s.crawls.DeleteAll(ctx, sc.account, sc.region, name); err != nil {
		return err
	}
	return s.deleteTags(ctx, sc, sc.arn("crawler/"+name))
}

// GetCrawler describes one crawler with its state and last run.
func (s *Service) GetCrawler(ctx context.Context, in *glue.GetCrawlerInput, _ ...func(*glue.Options)) (*glue.GetCrawlerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.crawler(sc, aws.ToString(in.Name))
	if err != nil {
		return nil, err
	}
	out := d.output(s.clock.Now())
	return &glue.GetCrawlerOutput{Crawler: &out}, nil
}

// allCrawlers are the catalog's crawlers by name.
func (s *Service) allCrawlers(sc scope) ([]*crawlerDoc, error) {
	all, err := s.crawlers.All(sc.account, sc.region)
	sortBy(all, func(d *crawlerDoc) string { return d.Name })
	return all, err
}

// GetCrawlers describes all crawlers, 100 a page.
func (s *Service) GetCrawlers(ctx context.Context, in *glue.GetCrawlersInput, _ ...func(*glue.Options)) (*glue.GetCrawlersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.allCrawlers(sc)
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, func(d *crawlerDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.GetCrawlersOutput{NextToken: next, Crawlers: []types.Crawler{}}
	for _, d := range page {
		out.Crawlers = append(out.Crawlers, d.output(s.clock.Now()))
	}
	return out, nil
}

// BatchGetCrawlers describes the named crawlers and lists those that do not exist.
func (s *Service) BatchGetCrawlers(ctx context.Context, in *glue.BatchGetCrawlersInput, _ ...func(*glue.Options)) (*glue.BatchGetCrawlersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetCrawlersOutput{Crawlers: []types.Crawler{}, CrawlersNotFound: []string{}}
	for _, name := range in.CrawlerNames {
		d, err := s.crawler(sc, name)
		if err != nil {
			out.CrawlersNotFound = append(out.CrawlersNotFound, name)
			continue
		}
		out.Crawlers = append(out.Crawlers, d.output(s.clock.Now()))
	}
	return out, nil
}

// ListCrawlers lists names, of the crawlers that have all of Tags where given.
func (s *Service) ListCrawlers(ctx context.Context, in *glue.ListCrawlersInput, _ ...func(*glue.Options)) (*glue.ListCrawlersOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.allCrawlers(sc)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d *crawlerDoc) bool {
		if len(in.Tags) == 0 {
			return false
		}
		tags := s.tagsOf(sc, sc.arn("crawler/"+d.Name))
		for k, v := range in.Tags {
			if have, ok := tags[k]; !ok || have != v {
				return true
			}
		}
		return false
	})
	page, next, err := pageOf(all, func(d *crawlerDoc) string { return d.Name }, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &glue.ListCrawlersOutput{NextToken: next, CrawlerNames: []string{}}
	for _, d := range page {
		out.CrawlerNames = append(out.CrawlerNames, d.Name)
	}
	return out, nil
}
