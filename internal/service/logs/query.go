package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/uuid"

	"github.com/brookmere/brookmere/internal/awskit/page"
	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/loginsight"
	"github.com/brookmere/brookmere/internal/engine/work"
)

const (
	maxQueryGroups  = 50
	maxSourceGroups = 10_000           // of a SOURCE command
	maxRunning      = 8                // of the node
	maxQueries      = 200              // that are remembered
	maxQueryResults = 64 << 20         // bytes of results that are remembered
	queryTime       = 15 * time.Minute // AWS stops queries after an hour
)

// query is a query of Logs Insights. Its fields after mu are guarded by the one of queries.
type query struct {
	id, text string
	owner    scope.Scope
	groups   []*groupDoc
	from, to int64 // milliseconds, both inclusive
	limit    int
	parsed   *loginsight.Query
	created  int64
	cancel   context.CancelFunc

	status   types.QueryStatus
	rows     [][]loginsight.Field
	size     int
	stats    types.QueryStatistics
	duration time.Duration
}

// queries remembers queries and their results, bounded in number and bytes: the oldest that have ended go.
type queries struct {
	mu      sync.Mutex
	list    []*query // by age
	running int
	size    int
}

func (q *queries) find(ctx context.Context, id string) *query {
	sc := scope.Of(ctx)
	for _, x := range q.list {
		if x.id == id && x.owner == sc {
			return x
		}
	}
	return nil
}

// trim forgets the oldest; q.mu is held.
func (q *queries) trim() {
	for i := 0; i < len(q.list) && (len(q.list) > maxQueries || q.size > maxQueryResults); {
		if x := q.list[i]; x.status != types.QueryStatusRunning {
			q.size -= x.size
			q.list = slices.Delete(q.list, i, i+1)
			continue
		}
		i++
	}
}

func (q *queries) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, x := range q.list {
		x.cancel()
	}
}

// StartQuery begins a query over up to 50 groups, or those of its SOURCE command. Results are kept in memory, until the node ends or newer ones need
// the room.
func (s *Service) StartQuery(ctx context.Context, in *logs.StartQueryInput, _ ...func(*logs.Options)) (*logs.StartQueryOutput, error) {
	if in.QueryLanguage != "" && in.QueryLanguage != types.QueryLanguageCwli {
		return nil, invalid("Queries in the language %s are not supported.", in.QueryLanguage)
	}
	names, ways := in.LogGroupNames, 0
	for _, given := range []bool{in.LogGroupName != nil, len(in.LogGroupNames) > 0, len(in.LogGroupIdentifiers) > 0} {
		if given {
			ways++
		}
	}
	parsed, err := loginsight.Parse(aws.ToString(in.QueryString), s.nowMillis())
	src := parsed.Source()
	switch {
	case src != nil && ways > 0:
		return nil, invalid("LogGroupName, LogGroupNames and LogGroupIdentifiers cannot be specified with the SOURCE command.")
	case src == nil && ways != 1:
		return nil, invalid("Exactly one of LogGroupName, LogGroupNames and LogGroupIdentifiers must be specified.")
	case err != nil:
		return nil, malformed(strings.TrimPrefix(err.Error(), loginsight.ErrSyntax.Error()+": "))
	}
	if in.LogGroupName != nil {
		names = []string{*in.LogGroupName}
	}
	names = append(slices.Clone(names), in.LogGroupIdentifiers...)
	if len(names) > maxQueryGroups {
		return nil, invalid("At most %d log groups can be queried.", maxQueryGroups)
	}
	var groups []*groupDoc
	if src != nil {
		if groups, err = s.sourced(scope.Of(ctx), src); err != nil {
			return nil, err
		}
	}
	for _, n := range names {
		d, err := s.byIdentifier(ctx, n)
		var gone *types.ResourceNotFoundException
		if errors.As(err, &gone) {
			return nil, notFound("Log group '%s' does not exist for account ID '%s'", n, scope.Of(ctx).Account)
		}
		if err != nil {
			return nil, err
		}
		groups = append(groups, d)
	}
	from, to := millis(aws.ToInt64(in.StartTime), false), millis(aws.ToInt64(in.EndTime), true)
	if from > to {
		return nil, malformed("end date and time is either before the log groups creation time or exceeds the log groups log retention settings")
	}
	sc := scope.Of(ctx)
	run, cancel := context.WithTimeout(sc.Context(context.Background()), queryTime)
	x := &query{
		id: uuid.NewString(), text: *in.QueryString, owner: sc, groups: groups, from: from, to: to, limit: int(aws.ToInt32(in.Limit)), parsed: parsed,
		created: s.nowMillis(), cancel: cancel, status: types.QueryStatusRunning,
	}
	s.queries.mu.Lock()
	if s.queries.running == maxRunning {
		s.queries.mu.Unlock()
		cancel()
		return nil, limitExceeded("There are %d queries running already.", maxRunning)
	}
	s.queries.running++
	s.queries.list = append(s.queries.list, x)
	s.queries.trim()
	s.queries.mu.Unlock()
	if !s.work.Go("query "+x.id, func(context.Context) error { s.runQuery(run, x); return nil }) {
		cancel()
		s.endQuery(x, types.QueryStatusFailed, nil)
	}
	return &logs.StartQueryOutput{QueryId: &x.id}, nil
}

// sourced are the groups of a SOURCE command.
func (s *Service) sourced(sc scope.Scope, src *loginsight.Source) ([]*groupDoc, error) {
	for _, a := range src.Accounts {
		if a != sc.Account {
			return nil, invalid("SOURCE: log groups of the account %s cannot be queried, only those of the caller's.", a)
		}
	}
	classes := src.Classes
	if len(classes) == 0 {
		classes = []string{string(types.LogGroupClassStandard)}
	}
	groups, err := s.groupsIn(sc, func(d *groupDoc) bool {
		return slices.Contains(classes, d.Class) && (len(src.Prefixes) == 0 || slices.ContainsFunc(src.Prefixes, func(p string) bool { return strings.HasPrefix(d.Name, p) }))
	})
	switch {
	case err != nil:
		return nil, err
	case len(groups) == 0:
		return nil, invalid("SOURCE: there are no such log groups.")
	case len(groups) > maxSourceGroups:
		return nil, invalid("SOURCE: there are %d such log groups, and %d can be queried: name fewer by namePrefix.", len(groups), maxSourceGroups)
	}
	return groups, nil
}

// sourceARNs are the ARNs of the groups of a query's SOURCE command, for policies to decide about.
func (s *Service) sourceARNs(c awswire.Caller, in *logs.StartQueryInput) []string {
	parsed, err := loginsight.Parse(aws.ToString(in.QueryString), 0)
	if err != nil || parsed.Source() == nil {
		return nil // it is refused, or names its groups elsewhere
	}
	groups, err := s.sourced(scope.Scope{Account: c.Account, Region: c.Region}, parsed.Source())
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range groups {
		out = append(out, groupARN(c, &d.Name)...)
	}
	return out
}

// millis takes a time in seconds, or, as clients also send, in milliseconds; end: its last moment.
func millis(t int64, end bool) int64 {
	if t >= 1e11 {
		return min(t, math.MaxInt64-1)
	}
	if end {
		return t*1000 + 999
	}
	return t * 1000
}

func (s *Service) runQuery(ctx context.Context, x *query) {
	defer x.cancel()
	began := time.Now()
	var rows [][]loginsight.Field
	err := work.Contain(func() (err error) {
		rows, err = s.evaluate(ctx, x)
		return err
	})
	s.queries.mu.Lock()
	x.duration = time.Since(began)
	s.queries.mu.Unlock()
	status := types.QueryStatusComplete
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		status = types.QueryStatusTimeout
	case errors.Is(err, context.Canceled):
		status = types.QueryStatusCancelled
	case err != nil:
		status = types.QueryStatusFailed
		s.log.Warn("a query of log groups failed", "query", x.id, "error", err)
	}
	s.endQuery(x, status, rows)
}

func (s *Service) endQuery(x *query, status types.QueryStatus, rows [][]loginsight.Field) {
	q := &s.queries
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if x.status == types.QueryStatusRunning {
		x.status = status
	}
	x.rows = rows
	for _, r := range rows {
		for _, f := range r {
			x.size += len(f.Name) + len(f.Value) + 40
		}
	}
	q.size += x.size
	q.trim()
}

// StopQuery ends a query that is running.
func (s *Service) StopQuery(ctx context.Context, in *logs.StopQueryInput, _ ...func(*logs.Options)) (*logs.StopQueryOutput, error) {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	x := s.queries.find(ctx, aws.ToString(in.QueryId))
	if x == nil {
		return nil, noQuery()
	}
	if x.status != types.QueryStatusRunning {
		return nil, invalid("Query %s is not running.", x.id)
	}
	x.status = types.QueryStatusCancelled
	x.cancel()
	return &logs.StopQueryOutput{Success: true}, nil
}

// GetQueryResults reports how a query stands, and its rows when it has ended.
func (s *Service) GetQueryResults(ctx context.Context, in *logs.GetQueryResultsInput, _ ...func(*logs.Options)) (*logs.GetQueryResultsOutput, error) {
	s.queries.mu.Lock()
	defer s.queries.mu.Unlock()
	x := s.queries.find(ctx, aws.ToString(in.QueryId))
	if x == nil {
		return nil, noQuery()
	}
	stats := x.stats
	stats.ResultCount = float64(len(x.rows))
	out := &logs.GetQueryResultsOutput{Status: x.status, Statistics: &stats, QueryLanguage: types.QueryLanguageCwli, Results: [][]types.ResultField{}}
	rows, from := x.rows, 0
	if token := aws.ToString(in.NextToken); token != "" {
		text, err := page.Open(token)
		n, bad := strconv.Atoi(text)
		if err != nil || bad != nil || n < 0 || n > len(rows) {
			return nil, badToken()
		}
		from = n
	}
	rows = rows[from:]
	if n := int(aws.ToInt32(in.MaxItems)); n > 0 && n < len(rows) {
		rows = rows[:n]
		out.NextToken = aws.String(page.Seal(strconv.Itoa(from + n)))
	}
	for _, r := range rows {
		fields := make([]types.ResultField, len(r))
		for i, f := range r {
			fields[i] = types.ResultField{Field: aws.String(f.Name), Value: aws.String(f.Value)}
		}
		out.Results = append(out.Results, fields)
	}
	return out, nil
}

// told is a query as lists tell it: that of one group with the group and the time before it.
func (x *query) told() string {
	if len(x.groups) != 1 {
		return x.text
	}
	return fmt.Sprintf("SOURCE %q START=%d END=%d | %s", x.groups[0].Name, x.from, x.to, x.text)
}

// DescribeQueries lists the queries that are remembered, the newest first.
func (s *Service) DescribeQueries(ctx context.Context, in *logs.DescribeQueriesInput, _ ...func(*logs.Options)) (*logs.DescribeQueriesOutput, error) {
	sc := scope.Of(ctx)
	type entry struct {
		key  string
		info types.QueryInfo
	}
	var all []entry
	s.queries.mu.Lock()
	for i, x := range s.queries.list {
		name := ""
		for _, g := range x.groups {
			if in.LogGroupName == nil || g.Name == *in.LogGroupName {
				name = g.Name
				break
			}
		}
		if x.owner != sc || name == "" || in.Status != "" && in.Status != x.status || in.QueryLanguage != "" && in.QueryLanguage != types.QueryLanguageCwli {
			continue
		}
		text := x.told()
		all = append(all, entry{sprintf("%020d%08d", 1<<62-x.created, len(s.queries.list)-i), types.QueryInfo{
			QueryId: &x.id, QueryString: &text, Status: x.status, CreateTime: &x.created, LogGroupName: &name, QueryLanguage: types.QueryLanguageCwli,
			QueryDuration: aws.Int64(x.duration.Milliseconds()), BytesScanned: aws.Float64(x.stats.BytesScanned),
		}})
	}
	s.queries.mu.Unlock()
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	all, next, err := page.Of(all, func(e entry) string { return e.key }, page.Request{Token: in.NextToken, Max: aws.Int32(cmp.Or(aws.ToInt32(in.MaxResults), 1000)), Limit: 1000})
	if err != nil {
		return nil, badToken()
	}
	out := &logs.DescribeQueriesOutput{Queries: []types.QueryInfo{}, NextToken: next}
	for _, e := range all {
		out.Queries = append(out.Queries, e.info)
	}
	return out, nil
}
