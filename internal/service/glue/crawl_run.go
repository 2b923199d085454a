package glue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
	"github.com/brookmere/brookmere/internal/engine/work"
)

// StartCrawler, StopCrawler, GetCrawlerMetrics, ListCrawls, and the runs themselves.
//
// A run goes RUNNING (it reads objects), STOPPING (it writes the catalog, or was told to
// stop), READY. One that a crash ended is FAILED when another process has the lease. The last
// 200 runs of a crawler are kept.

const crawlHistory = 200

type crawlDoc struct {
	ID      string                    `json:"id"`
	State   types.CrawlerHistoryState `json:"state"`
	Started time.Time                 `json:"started"`
	Ended   time.Time                 `json:"ended,omitzero"`
	Error   string                    `json:"error,omitempty"`
	Summary crawlSummary              `json:"summary"`
}

// crawlSummary counts what a run did to the catalog.
type crawlSummary struct {
	TablesCreated     int `json:"tablesCreated,omitempty"`
	TablesUpdated     int `json:"tablesUpdated,omitempty"`
	TablesDeleted     int `json:"tablesDeleted,omitempty"`
	PartitionsCreated int `json:"partitionsCreated,omitempty"`
	PartitionsUpdated int `json:"partitionsUpdated,omitempty"`
	PartitionsDeleted int `json:"partitionsDeleted,omitempty"`
}

// text is the summary in the form of ListCrawls: JSON of JSON.
func (c crawlSummary) text() string {
	summary := map[string]string{}
	for kind, n := range map[string][3]int{
		"TABLE":     {c.TablesCreated, c.TablesUpdated, c.TablesDeleted},
		"PARTITION": {c.PartitionsCreated, c.PartitionsUpdated, c.PartitionsDeleted},
	} {
		changes := map[string]any{}
		for i, action := range []string{"ADD", "UPDATE", "DELETE"} {
			if n[i] > 0 {
				changes[action] = map[string]int{"Count": n[i]}
			}
		}
		if len(changes) > 0 {
			b, _ := json.Marshal(changes)
			summary[kind] = string(b)
		}
	}
	b, _ := json.Marshal(summary)
	return string(b)
}

// crawlRuns are what makes crawlers run.
type crawlRuns struct {
	objects   Objects
	slots     chan struct{}
	owner     work.Owner
	node      string    // names this process in documents
	began     time.Time // what was due before is left out
	crawls    *work.Runner[crawlerDoc]
	schedules *work.Runner[crawlerDoc]
	triggers  *work.Group     // fires those that are due
	changed   chan struct{}   // schedules of triggers may have
	watching  context.Context // of triggers
	unwatch   context.CancelFunc
	finished  *prometheus.CounterVec
}

const crawlerKind = "glue.crawler"

func (s *Service) newCrawlRuns(cfg Config) *crawlRuns {
	r := &crawlRuns{
		objects: cfg.Objects,
		owner:   cfg.Owner,
		slots:   make(chan struct{}, cfg.MaxConcurrentCrawls),
		node:    uuid.NewString(),
		changed: make(chan struct{}, 1),
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_glue_crawls_total", Help: "Crawls that ended, by state.",
		}, []string{"state"}),
	}
	r.watching, r.unwatch = context.WithCancel(context.Background())
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(r.finished)
	}
	events := work.Events{
		Failed: func(key work.Key, _ string, err error, _ int, wait time.Duration) {
			s.logger.Error("the work of a crawler failed and is tried again", "crawler", key, "error", err, "wait", wait)
		},
		Undecodable: func(key work.Key, err error) {
			s.logger.Error("the document of a crawler cannot be read", "crawler", key, "error", err)
		},
	}
	r.triggers = &work.Group{Clock: cfg.Clock, Events: events}
	src := work.Documents[crawlerDoc](cfg.State, crawlerKind)
	r.crawls = work.New(src, work.Hooks[crawlerDoc]{
		Runs: func(d *crawlerDoc) bool { return d.State != types.CrawlerStateReady },
		Same: func(was, is *crawlerDoc) bool { return was.CrawlID == is.CrawlID && was.Stop == is.Stop },
		Run:  s.runCrawl,
	}, work.Options{Name: crawlerKind, Clock: cfg.Clock, Owner: cfg.Owner, Events: events})
	r.schedules = work.New(src, work.Hooks[crawlerDoc]{
		Runs: func(d *crawlerDoc) bool {
			return d.Schedule != nil && d.Schedule.State == types.ScheduleStateScheduled
		},
		Same: func(was, is *crawlerDoc) bool {
			return was.Schedule.Expression == is.Schedule.Expression && was.Schedule.Since.Equal(is.Schedule.Since)
		},
		Run: s.runSchedule,
	}, work.Options{Name: "glue.schedule", Clock: cfg.Clock, Owner: cfg.Owner, Events: events})
	return r
}

// Start begins to run crawlers that have been started, and those that are due.
func (s *Service) Start(ctx context.Context) error {
	s.runs.began = s.clock.Now()
	if err := s.resumeFlows(ctx); err != nil {
		return err
	}
	if err := s.runs.crawls.Start(ctx); err != nil {
		return fmt.Errorf("glue: %w", err)
	}
	if err := s.runs.schedules.Start(ctx); err != nil {
		return fmt.Errorf("glue: %w", err)
	}
	// Another process may change them.
	err := s.cfg.State.Watch(s.runs.watching, state.Key{triggerKind}, func(state.Event) { s.reschedule() })
	if err != nil {
		return fmt.Errorf("glue: watch triggers: %w", err)
	}
	s.runs.triggers.Go("schedules of triggers", s.scheduleTriggers)
	return s.jobRunner.Start(ctx)
}

// Close ends the runs under way; they are shown as cancelled.
func (s *Service) Close(ctx context.Context) error {
	s.runs.unwatch()
	return errors.Join(s.runs.triggers.Close(ctx), s.runs.schedules.Close(ctx), s.jobRunner.Close(ctx), s.runs.crawls.Close(ctx))
}

// StartCrawler starts a run in the background.
func (s *Service) StartCrawler(ctx context.Context, in *glue.StartCrawlerInput, _ ...func(*glue.Options)) (*glue.StartCrawlerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	_, err = s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		if d.State != types.CrawlerStateReady {
			return &types.CrawlerRunningException{Message: aws.String("Crawler with name " + name + " has already started")}
		}
		d.begin(s.clock.Now())
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, crawlerNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	s.runs.crawls.Refresh(sc.account, sc.region, name)
	return &glue.StartCrawlerOutput{}, nil
}

// begin asks for a run.
func (d *crawlerDoc) begin(now time.Time) {
	d.State, d.CrawlID, d.Started, d.Node, d.Epoch = types.CrawlerStateRunning, uuid.NewString(), now.UTC(), "", 0
	d.Stop = false
}

var errNotOurs = errors.New("glue: another process has the crawl, or it has ended")

// runCrawl is the work of a crawler that is not READY. Who runs it writes its name into the
// document first. One that another process has left, which the epoch of the lease tells, is
// FAILED; one that this process could not end is done again.
func (s *Service) runCrawl(ctx context.Context, j *work.Job[crawlerDoc]) error {
	sc, d := scope{j.Key[0], j.Key[1]}, j.Document()
	background := awswire.WithCaller(context.WithoutCancel(ctx), awswire.Caller{Account: sc.account, Region: sc.region})
	switch d.Node {
	case s.runs.node:
	case "":
		var err error
		d, err = s.crawlers.Modify(ctx, func(n *crawlerDoc) error {
			if n.CrawlID != d.CrawlID || n.Node != "" || n.State == types.CrawlerStateReady {
				return errNotOurs
			}
			n.Node, n.Epoch = s.runs.node, j.Epoch
			return nil
		}, j.Key...)
		if errors.Is(err, errNotOurs) {
			return nil
		}
		if err != nil {
			return err
		}
	default:
		if d.Epoch >= j.Epoch {
			return nil // a process that shares this owner's leases runs it
		}
		return s.endCrawl(background, sc, d, crawlSummary{}, errors.New("the crawl was interrupted by a restart of the service"), false)
	}
	if d.Stop {
		return s.endCrawl(background, sc, d, crawlSummary{}, context.Canceled, true)
	}
	c := &crawlDoc{ID: d.CrawlID, State: types.CrawlerHistoryStateRunning, Started: d.Started}
	if err := s.crawls.Put(background, c, sc.account, sc.region, d.Name, crawlKey(d.Started, d.CrawlID)); err != nil {
		return err
	}
	s.tellCrawl(sc, d)
	s.logCrawl(sc, d, "BENCHMARK : Running Start Crawl for Crawler %s", d.Name)
	var summary crawlSummary
	var err error
	select {
	case s.runs.slots <- struct{}{}:
		ctx := awswire.Acting(ctx, sc.account, sc.region, "glue.amazonaws.com", roleARN(sc, d.Role), sc.arn("crawler/"+d.Name))
		summary, err = s.contain(d, func() (crawlSummary, error) { return s.crawl(ctx, sc, d) })
		<-s.runs.slots
	case <-ctx.Done():
		err = ctx.Err()
	}
	cancelled := err != nil && ctx.Err() != nil
	switch {
	case cancelled:
		s.logCrawl(sc, d, "INFO : The crawl was stopped")
	case err != nil:
		s.logCrawl(sc, d, "ERROR : %v", err)
	default:
		s.logCrawl(sc, d, "BENCHMARK : Classification complete, writing results to database %s", d.Database)
		s.logCrawl(sc, d, "INFO : %s", summary.line())
		s.logCrawl(sc, d, "BENCHMARK : Finished writing to Catalog")
	}
	if err != nil && !cancelled {
		s.logger.Warn("crawl failed", "crawler", d.Name, "account", sc.account, "region", sc.region, "error", err)
	}
	if err := s.endCrawl(background, sc, d, summary, err, cancelled); err != nil {
		return err
	}
	s.logCrawl(sc, d, "BENCHMARK : Crawler has finished running and is in state READY")
	return nil
}

// logCrawl writes a line about a run, in AWS's form.
func (s *Service) logCrawl(sc scope, d *crawlerDoc, format string, args ...any) {
	if s.crawlLog != nil {
		s.crawlLog.Log(sc.account, sc.region, d.Name, roleARN(sc, d.Role), s.clock.Now(), "["+d.CrawlID+"] "+fmt.Sprintf(format, args...))
	}
}

// line reports what a run did, for its log.
func (c crawlSummary) line() string {
	return fmt.Sprintf("Tables created: %d, updated: %d, deleted: %d; partitions created: %d, updated: %d, deleted: %d",
		c.TablesCreated, c.TablesUpdated, c.TablesDeleted, c.PartitionsCreated, c.PartitionsUpdated, c.PartitionsDeleted)
}

// contain turns a panic of a crawl into its failure: no object may stop the node.
func (s *Service) contain(d *crawlerDoc, crawl func() (crawlSummary, error)) (summary crawlSummary, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("crawl panicked", "crawler", d.Name, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("internal service exception")
		}
	}()
	return crawl()
}

// endCrawl records the end of a run: first its history, then the crawler is READY.
func (s *Service) endCrawl(ctx context.Context, sc scope, run *crawlerDoc, summary crawlSummary, failure error, cancelled bool) error {
	c := &crawlDoc{ID: run.CrawlID, State: types.CrawlerHistoryStateCompleted, Started: run.Started, Ended: s.clock.Now().UTC(), Summary: summary}
	status := types.LastCrawlStatusSucceeded
	switch {
	case cancelled:
		c.State, status = types.CrawlerHistoryStateStopped, types.LastCrawlStatusCancelled
	case failure != nil:
		c.State, status = types.CrawlerHistoryStateFailed, types.LastCrawlStatusFailed
		c.Error = failure.Error()
	}
	if now, err := s.crawlers.Get(sc.account, sc.region, run.Name); errors.Is(err, state.ErrNotFound) || err == nil && now.CrawlID != run.CrawlID {
		return nil // it was deleted: nobody asks
	}
	if err := s.crawls.Put(ctx, c, sc.account, sc.region, run.Name, crawlKey(run.Started, run.CrawlID)); err != nil {
		return err
	}
	s.pruneCrawls(ctx, sc, run.Name)
	_, err := s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		if d.CrawlID != run.CrawlID || d.State == types.CrawlerStateReady {
			return errNotOurs
		}
		d.State = types.CrawlerStateReady
		d.Last = &lastCrawlDoc{Status: status, Error: c.Error, CrawlID: run.CrawlID, Started: run.Started}
		return nil
	}, sc.account, sc.region, run.Name)
	if errors.Is(err, errNotOurs) || errors.Is(err, state.ErrNotFound) {
		return nil
	}
	s.runs.finished.WithLabelValues(string(c.State)).Inc()
	if err == nil {
		s.tellCrawlEnded(sc, run.Name, c)
		s.crawlEnded(awswire.WithCaller(ctx, awswire.Caller{Account: sc.account, Region: sc.region}), sc, run.Name, status)
	}
	return err
}

// crawlKey sorts as the start times do.
func crawlKey(started time.Time, id string) string {
	return started.UTC().Format("20060102T150405.000000000") + "-" + id
}

func (s *Service) pruneCrawls(ctx context.Context, sc scope, name string) {
	var keys []string
	for key := range s.crawls.Keys(sc.account, sc.region, name) {
		keys = append(keys, key[len(key)-1])
	}
	slices.Sort(keys)
	for len(keys) > crawlHistory {
		if err := s.crawls.Delete(ctx, sc.account, sc.region, name, keys[0]); err != nil {
			return // the next run tries again
		}
		keys = keys[1:]
	}
}

// StopCrawler ends a run; what it wrote to the catalog so far stays.
func (s *Service) StopCrawler(ctx context.Context, in *glue.StopCrawlerInput, _ ...func(*glue.Options)) (*glue.StopCrawlerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	_, err = s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		switch d.State {
		case types.CrawlerStateReady:
			return &types.CrawlerNotRunningException{Message: aws.String("Crawler with name " + name + " isn't running")}
		case types.CrawlerStateStopping:
			return &types.CrawlerStoppingException{Message: aws.String("Crawler with name " + name + " is already stopping")}
		}
		d.State, d.Stop = types.CrawlerStateStopping, true
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, crawlerNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	s.runs.crawls.Refresh(sc.account, sc.region, name)
	return &glue.StopCrawlerOutput{}, nil
}

// history lists a crawler's runs, the newest first.
func (s *Service) history(sc scope, name string) ([]*crawlDoc, error) {
	all, err := s.crawls.All(sc.account, sc.region, name)
	slices.SortFunc(all, func(a, b *crawlDoc) int { return strings.Compare(crawlKey(b.Started, b.ID), crawlKey(a.Started, a.ID)) })
	return all, err
}

// GetCrawlerMetrics reports how long runs took and what the last one did.
func (s *Service) GetCrawlerMetrics(ctx context.Context, in *glue.GetCrawlerMetricsInput, _ ...func(*glue.Options)) (*glue.GetCrawlerMetricsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	all, err := s.allCrawlers(sc)
	if err != nil {
		return nil, err
	}
	if len(in.CrawlerNameList) > 0 {
		all = slices.DeleteFunc(all, func(d *crawlerDoc) bool { return !slices.Contains(in.CrawlerNameList, d.Name) })
	}
	page, next, err := pageOf(all, func(d *crawlerDoc) string { return d.Name }, in.NextToken, in.MaxResults, 1000)
	if err != nil {
		return nil, err
	}
	out := &glue.GetCrawlerMetricsOutput{NextToken: next, CrawlerMetricsList: []types.CrawlerMetrics{}}
	for _, d := range page {
		m := types.CrawlerMetrics{CrawlerName: aws.String(d.Name), StillEstimating: d.State == types.CrawlerStateRunning}
		var seconds []float64
		history, err := s.history(sc, d.Name)
		if err != nil {
			return nil, err
		}
		for _, c := range history {
			if c.Ended.IsZero() {
				continue
			}
			if len(seconds) == 0 {
				m.TablesCreated = int32(c.Summary.TablesCreated)
				m.TablesUpdated = int32(c.Summary.TablesUpdated)
				m.TablesDeleted = int32(c.Summary.TablesDeleted)
			}
			seconds = append(seconds, c.Ended.Sub(c.Started).Seconds())
		}
		if len(seconds) > 0 {
			m.LastRuntimeSeconds = seconds[0]
			slices.Sort(seconds)
			m.MedianRuntimeSeconds = seconds[len(seconds)/2]
		}
		out.CrawlerMetricsList = append(out.CrawlerMetricsList, m)
	}
	return out, nil
}

// ListCrawls lists the runs of a crawler, the newest first, 20 a page unless MaxResults
// says more. Filters by state, crawl id and times are applied.
func (s *Service) ListCrawls(ctx context.Context, in *glue.ListCrawlsInput, _ ...func(*glue.Options)) (*glue.ListCrawlsOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.CrawlerName)
	if _, err := s.crawler(sc, name); err != nil {
		return nil, err
	}
	all, err := s.history(sc, name)
	if err != nil {
		return nil, err
	}
	for _, f := range in.Filters {
		keep, err := crawlFilter(f)
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(c *crawlDoc) bool { return !keep(c) })
	}
	// Pages go by a key that grows as the times go back.
	key := func(c *crawlDoc) string { return versionKey(1<<62-c.Started.UnixNano()) + c.ID }
	limit := 20
	if n := int(aws.ToInt32(in.MaxResults)); n > limit {
		limit = n
	}
	page, next, err := pageOf(all, key, in.NextToken, in.MaxResults, limit)
	if err != nil {
		return nil, err
	}
	out := &glue.ListCrawlsOutput{NextToken: next, Crawls: []types.CrawlerHistory{}}
	for _, c := range page {
		h := types.CrawlerHistory{
			CrawlId: aws.String(c.ID), State: c.State, StartTime: aws.Time(c.Started),
			LogGroup: aws.String(crawlLogGroup), LogStream: aws.String(name), MessagePrefix: aws.String(c.ID),
		}
		if !c.Ended.IsZero() {
			h.EndTime = aws.Time(c.Ended)
			h.Summary = aws.String(c.Summary.text())
		}
		if c.Error != "" {
			h.ErrorMessage = aws.String(c.Error)
		}
		out.Crawls = append(out.Crawls, h)
	}
	return out, nil
}

func crawlFilter(f types.CrawlsFilter) (func(*crawlDoc) bool, error) {
	value := aws.ToString(f.FieldValue)
	if f.FieldName == "" || f.FilterOperator == "" || value == "" {
		null := func(s string) string { return cmp.Or(s, "null") }
		return nil, invalidInput("Invalid Filter Provided: FieldName: %s, FilterOperator: %s, FieldValue: %s",
			null(string(f.FieldName)), null(string(f.FilterOperator)), null(value))
	}
	equality := f.FilterOperator == types.FilterOperatorEq || f.FilterOperator == types.FilterOperatorNe
	if !equality && (f.FieldName == types.FieldNameState || f.FieldName == types.FieldNameCrawlId) {
		return nil, invalidInput("Only EQ or NE operator is allowed for field : %s", f.FieldName)
	}
	var order func(*crawlDoc) int
	switch f.FieldName {
	case types.FieldNameCrawlId:
		order = func(c *crawlDoc) int { return strings.Compare(c.ID, value) }
	case types.FieldNameState:
		order = func(c *crawlDoc) int { return strings.Compare(string(c.State), value) }
	case types.FieldNameStartTime, types.FieldNameEndTime:
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			t, err = time.Parse("2006-01-02T15:04:05", value)
		}
		if err != nil {
			return nil, invalidInput("Filter value %s is not a time.", value)
		}
		order = func(c *crawlDoc) int {
			if f.FieldName == types.FieldNameStartTime {
				return c.Started.Compare(t)
			}
			return c.Ended.Compare(t)
		}
	default:
		return nil, invalidInput("Filtering by %s is not supported.", f.FieldName)
	}
	return func(c *crawlDoc) bool {
		n := order(c)
		switch f.FilterOperator {
		case types.FilterOperatorGt:
			return n > 0
		case types.FilterOperatorGe:
			return n >= 0
		case types.FilterOperatorLt:
			return n < 0
		case types.FilterOperatorLe:
			return n <= 0
		case types.FilterOperatorNe:
			return n != 0
		}
		return n == 0
	}, nil
}

// configuration is what the crawler's Configuration document may say.
type configuration struct {
	Version       float64 `json:"Version"`
	CrawlerOutput struct {
		Partitions struct {
			AddOrUpdateBehavior string `json:"AddOrUpdateBehavior"`
		} `json:"Partitions"`
		Tables struct {
			AddOrUpdateBehavior string `json:"AddOrUpdateBehavior"`
			TableThreshold      int    `json:"TableThreshold"`
		} `json:"Tables"`
	} `json:"CrawlerOutput"`
	Grouping struct {
		TableGroupingPolicy     string `json:"TableGroupingPolicy"`
		TableLevelConfiguration int    `json:"TableLevelConfiguration"`
	} `json:"Grouping"`
	CreatePartitionIndex bool `json:"CreatePartitionIndex"`
}

func parseConfiguration(text string) (configuration, error) {
	var c configuration
	if strings.TrimSpace(text) == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, invalidInput("Configuration is not valid JSON: %v", err)
	}
	if c.Grouping.TableLevelConfiguration < 0 || c.CrawlerOutput.Tables.TableThreshold < 0 {
		return c, invalidInput("Configuration has a negative number.")
	}
	return c, nil
}
