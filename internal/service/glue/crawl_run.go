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
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/state"
)

// StartCrawler, StopCrawler, GetCrawlerMetrics, ListCrawls, and the runs themselves.
//
// A run goes RUNNING (it reads objects), STOPPING (it writes the catalog, or was told to
// stop), READY. One that a crash ended is FAILED when the service starts again. The last
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

// crawlRuns are the runs of this process.
type crawlRuns struct {
	objects Objects
	slots   chan struct{}
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup

	changed chan struct{} // schedules may have
	// starting is held while a crawler is started or deleted, so that none is both.
	starting sync.Mutex

	mu     sync.Mutex
	cancel map[string]context.CancelFunc // by crawl id
	closed bool

	finished *prometheus.CounterVec
}

func newCrawlRuns(objects Objects, concurrent int, reg prometheus.Registerer) *crawlRuns {
	r := &crawlRuns{
		objects: objects,
		slots:   make(chan struct{}, concurrent),
		cancel:  make(map[string]context.CancelFunc),
		changed: make(chan struct{}, 1),
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "brookmere_glue_crawls_total", Help: "Crawls that ended, by state.",
		}, []string{"state"}),
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	if reg != nil {
		reg.MustRegister(r.finished)
	}
	return r
}

// Start settles the runs that a crash ended, and begins to run crawlers by their schedules.
func (s *Service) Start(ctx context.Context) error {
	type interrupted struct {
		sc scope
		d  *crawlerDoc
	}
	var found []interrupted
	for it, err := range s.crawlers.List() {
		if err != nil {
			return fmt.Errorf("glue: read the crawlers: %w", err)
		}
		key, d := it.Key, it.Value
		if d.State != types.CrawlerStateReady {
			found = append(found, interrupted{scope{key[0], key[1]}, d})
		}
	}
	for _, f := range found {
		err := s.settle(ctx, f.sc, f.d.Name, f.d.CrawlID, f.d.Started, crawlSummary{}, errors.New("the crawl was interrupted by a restart of the service"), false)
		if err != nil {
			return err
		}
	}
	if err := s.resumeFlows(ctx); err != nil {
		return err
	}
	s.runs.wg.Go(func() { s.schedule(s.runs.ctx) })
	return s.jobRunner.Start(ctx)
}

// Close ends the runs under way; they are shown as cancelled.
func (s *Service) Close(ctx context.Context) error {
	s.runs.mu.Lock()
	s.runs.closed = true
	s.runs.mu.Unlock()
	s.runs.stop()
	if err := s.jobRunner.Close(ctx); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { s.runs.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StartCrawler starts a run in the background.
func (s *Service) StartCrawler(ctx context.Context, in *glue.StartCrawlerInput, _ ...func(*glue.Options)) (*glue.StartCrawlerOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	id := uuid.NewString()
	started := s.clock.Now().UTC()

	s.runs.mu.Lock()
	if s.runs.closed {
		s.runs.mu.Unlock()
		return nil, &types.OperationTimeoutException{Message: aws.String("The service is shutting down.")}
	}
	runCtx, cancel := context.WithCancel(s.runs.ctx)
	s.runs.cancel[id] = cancel
	s.runs.wg.Add(1)
	s.runs.mu.Unlock()
	forget := func() {
		cancel()
		s.runs.mu.Lock()
		delete(s.runs.cancel, id)
		s.runs.mu.Unlock()
		s.runs.wg.Done()
	}

	s.runs.starting.Lock()
	d, err := s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		if d.State != types.CrawlerStateReady {
			return &types.CrawlerRunningException{Message: aws.String("Crawler with name " + name + " has already started")}
		}
		d.State, d.CrawlID, d.Started = types.CrawlerStateRunning, id, started
		return nil
	}, sc.account, sc.region, name)
	s.runs.starting.Unlock()
	if err != nil {
		forget()
		if errors.Is(err, state.ErrNotFound) {
			return nil, crawlerNotFound(name)
		}
		return nil, err
	}
	go func() {
		defer forget()
		s.run(awswire.WithCaller(runCtx, awswire.Caller{Account: sc.account, Region: sc.region}), sc, d)
	}()
	return &glue.StartCrawlerOutput{}, nil
}

// run does one crawl and settles its outcome.
func (s *Service) run(ctx context.Context, sc scope, d *crawlerDoc) {
	background := awswire.WithCaller(context.Background(), awswire.CallerFrom(ctx))
	c := &crawlDoc{ID: d.CrawlID, State: types.CrawlerHistoryStateRunning, Started: d.Started}
	err := s.crawls.Put(background, c, sc.account, sc.region, d.Name, crawlKey(d.Started, d.CrawlID))
	var summary crawlSummary
	s.logCrawl(sc, d, "BENCHMARK : Running Start Crawl for Crawler %s", d.Name)
	if err == nil {
		select {
		case s.runs.slots <- struct{}{}:
			summary, err = s.contain(d, func() (crawlSummary, error) { return s.crawl(ctx, sc, d) })
			<-s.runs.slots
		case <-ctx.Done():
			err = ctx.Err()
		}
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
	if err := s.settle(background, sc, d.Name, d.CrawlID, d.Started, summary, err, cancelled); err != nil {
		s.logger.Error("crawl could not be settled", "crawler", d.Name, "account", sc.account, "region", sc.region, "error", err)
		return
	}
	s.logCrawl(sc, d, "BENCHMARK : Crawler has finished running and is in state READY")
}

// logCrawl writes a line about a run, in AWS's form.
func (s *Service) logCrawl(sc scope, d *crawlerDoc, format string, args ...any) {
	if s.crawlLog != nil {
		s.crawlLog.Log(sc.account, sc.region, d.Name, s.clock.Now(), "["+d.CrawlID+"] "+fmt.Sprintf(format, args...))
	}
}

// line tells what a run did, for its log.
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

// settle records the end of a run: first its history, then the crawler is READY.
func (s *Service) settle(ctx context.Context, sc scope, name, id string, started time.Time, summary crawlSummary, failure error, cancelled bool) error {
	c := &crawlDoc{ID: id, State: types.CrawlerHistoryStateCompleted, Started: started, Ended: s.clock.Now().UTC(), Summary: summary}
	status := types.LastCrawlStatusSucceeded
	switch {
	case cancelled:
		c.State, status = types.CrawlerHistoryStateStopped, types.LastCrawlStatusCancelled
	case failure != nil:
		c.State, status = types.CrawlerHistoryStateFailed, types.LastCrawlStatusFailed
		c.Error = failure.Error()
	}
	if err := s.crawls.Put(ctx, c, sc.account, sc.region, name, crawlKey(started, id)); err != nil {
		return err
	}
	s.pruneCrawls(ctx, sc, name)
	_, err := s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		d.State = types.CrawlerStateReady
		d.Last = &lastCrawlDoc{Status: status, Error: c.Error, CrawlID: id, Started: started}
		return nil
	}, sc.account, sc.region, name)
	s.runs.finished.WithLabelValues(string(c.State)).Inc()
	if err == nil {
		s.crawlEnded(awswire.WithCaller(ctx, awswire.Caller{Account: sc.account, Region: sc.region}), sc, name, status)
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
	d, err := s.crawlers.Modify(ctx, func(d *crawlerDoc) error {
		switch d.State {
		case types.CrawlerStateReady:
			return &types.CrawlerNotRunningException{Message: aws.String("Crawler with name " + name + " isn't running")}
		case types.CrawlerStateStopping:
			return &types.CrawlerStoppingException{Message: aws.String("Crawler with name " + name + " is already stopping")}
		}
		d.State = types.CrawlerStateStopping
		return nil
	}, sc.account, sc.region, name)
	if errors.Is(err, state.ErrNotFound) {
		return nil, crawlerNotFound(name)
	}
	if err != nil {
		return nil, err
	}
	s.runs.mu.Lock()
	if cancel := s.runs.cancel[d.CrawlID]; cancel != nil {
		cancel()
	}
	s.runs.mu.Unlock()
	return &glue.StopCrawlerOutput{}, nil
}

// history lists a crawler's runs, the newest first.
func (s *Service) history(sc scope, name string) ([]*crawlDoc, error) {
	all, err := s.crawls.All(sc.account, sc.region, name)
	slices.SortFunc(all, func(a, b *crawlDoc) int { return strings.Compare(crawlKey(b.Started, b.ID), crawlKey(a.Started, a.ID)) })
	return all, err
}

// GetCrawlerMetrics tells how long runs took and what the last one did.
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
