package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/brookmere/brookmere/internal/awskit/scope"
	"github.com/brookmere/brookmere/internal/engine/metricmath"
	"github.com/brookmere/brookmere/internal/engine/metricstore"
)

// query is one MetricDataQuery, checked.
type query struct {
	id      string
	label   string // empty: one is made
	returns bool
	period  int64 // zero: that of the others

	metric    *metricstore.Metric // nil: an expression
	statistic metricstore.Statistic
	unit      int

	text string
	expr *metricmath.Expr
}

// querySet is queries that name each other.
type querySet struct {
	scope   scope.Scope
	queries []*query
	byID    map[string]*query
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// parseQueries checks queries, which are called at in errors.
func parseQueries(sc scope.Scope, in []types.MetricDataQuery, at string) (*querySet, error) {
	qs := &querySet{scope: sc, byID: map[string]*query{}}
	for i := range in {
		q, err := parseQuery(sc, &in[i], fmt.Sprintf("%s.member.%d", at, i+1))
		if err != nil {
			return nil, err
		}
		if qs.byID[q.id] != nil {
			return nil, invalid("The values for parameter id in %s are not unique: %s.", at, q.id)
		}
		qs.byID[q.id] = q
		qs.queries = append(qs.queries, q)
	}
	levels := map[string]int{}
	for _, q := range qs.queries {
		if err := qs.closed(q, nil, levels); err != nil {
			return nil, err
		}
	}
	return qs, nil
}

func parseQuery(sc scope.Scope, in *types.MetricDataQuery, at string) (*query, error) {
	q := &query{id: aws.ToString(in.Id), label: aws.ToString(in.Label), returns: in.ReturnData == nil || *in.ReturnData, period: int64(aws.ToInt32(in.Period)), unit: metricstore.AnyUnit}
	if !queryID.MatchString(q.id) {
		return nil, invalid("The value %s for parameter %s.Id is invalid: it must begin with a lowercase letter and have letters, digits and underscores alone.", q.id, at)
	}
	if a := aws.ToString(in.AccountId); a != "" && a != sc.Account {
		return nil, invalid("The account %s of %s is not linked to this one.", a, at)
	}
	if in.Period != nil && !validPeriod(q.period) {
		return nil, invalid("The parameter %s.Period must be 1, 5, 10, 20, 30, or a multiple of 60.", at)
	}
	q.text = aws.ToString(in.Expression)
	switch {
	case (in.MetricStat == nil) == (q.text == ""):
		return nil, invalid("Exactly one of the parameters MetricStat and Expression must be given for %s.", at)
	case in.MetricStat == nil:
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(q.text)), "SELECT ") {
			return nil, unsupported("Metrics Insights queries (SELECT)")
		}
		var err error
		if q.expr, err = metricmath.Parse(q.text); err != nil {
			return nil, invalid("Error in expression '%s': %v", q.id, err)
		}
		return q, nil
	}
	ms := in.MetricStat
	if ms.Metric == nil {
		return nil, missing("The parameter %s.MetricStat.Metric is required.", at)
	}
	q.period = int64(aws.ToInt32(ms.Period))
	if !validPeriod(q.period) {
		return nil, invalid("The parameter %s.MetricStat.Period must be 1, 5, 10, 20, 30, or a multiple of 60.", at)
	}
	var err error
	if q.statistic, err = metricstore.ParseStatistic(aws.ToString(ms.Stat)); err != nil {
		return nil, invalid("The value %s for parameter %s.MetricStat.Stat is not a valid statistic.", aws.ToString(ms.Stat), at)
	}
	q.metric = &metricstore.Metric{Scope: scopeOf(sc), Namespace: aws.ToString(ms.Metric.Namespace), Name: aws.ToString(ms.Metric.MetricName)}
	if q.metric.Namespace == "" || q.metric.Name == "" {
		return nil, invalid("The parameters Namespace and MetricName of %s.MetricStat.Metric are required.", at)
	}
	if q.metric.Dimensions, err = dimensions(ms.Metric.Dimensions, at+".MetricStat.Metric.Dimensions"); err != nil {
		return nil, err
	}
	if ms.Unit != "" {
		q.unit = int(unitCodes[ms.Unit])
	}
	return q, nil
}

// closed reports whether all that a query names is there, and not the query itself. levels has how deep the
// queries are that are found to be.
func (qs *querySet) closed(q *query, path []string, levels map[string]int) error {
	if q.expr == nil || levels[q.id] > 0 {
		return nil
	}
	if slices.Contains(path, q.id) {
		return invalid("Error in expression '%s': it refers to itself by way of %s.", q.id, strings.Join(path, ", "))
	}
	deep := 0
	for _, id := range q.expr.Refs() {
		of := qs.byID[id]
		if of == nil {
			return invalid("Error in expression '%s': the id %s is not that of a query.", q.id, id)
		}
		if err := qs.closed(of, append(path, q.id), levels); err != nil {
			return err
		}
		deep = max(deep, levels[of.id])
		if len(path) >= 20 || deep >= 20 {
			return invalid("Error in expression '%s': expressions name each other more than 20 levels deep.", q.id)
		}
	}
	levels[q.id] = deep + 1
	return nil
}

// kind is what a query gives, as far as that is known without data.
func (qs *querySet) kind(q *query) metricmath.Kind {
	known := map[string]metricmath.Kind{}
	var of func(id string) metricmath.Kind
	of = func(id string) metricmath.Kind {
		k, ok := known[id]
		if !ok {
			if k = metricmath.OneSeries; qs.byID[id].expr != nil {
				k = qs.byID[id].expr.Kind(of)
			}
			known[id] = k
		}
		return k
	}
	return of(q.id)
}

// step is the period of expressions that have none: the longest of metrics, or a minute.
func (qs *querySet) step() int64 {
	p := int64(0)
	for _, q := range qs.queries {
		p = max(p, q.period)
	}
	if p == 0 {
		return 60
	}
	return p
}

const (
	maxRead   = 2_000_000 // points that an evaluation may read
	maxWorked = 8_000_000 // points that its expressions may work on (metricmath.Budget)
)

var errTooMuch = errors.New("the request reads more than 2,000,000 data points: ask for a shorter time, longer periods or fewer metrics")

// evaluation is a query set that is evaluated for a time.
type evaluation struct {
	s       *Service
	qs      *querySet
	rangeOf func(period int64) metricstore.Range
	known   map[string]metricmath.Value
	read    int
	budget  metricmath.Budget // of all expressions together
	cut     bool              // a search found more metrics than it returns
	mixed   map[string][]byte // units by the ids of queries that ask for none and whose metrics have several, in the order of preferred
}

func (s *Service) evaluation(qs *querySet, rangeOf func(period int64) metricstore.Range) *evaluation {
	return &evaluation{s: s, qs: qs, rangeOf: rangeOf, known: map[string]metricmath.Value{}, mixed: map[string][]byte{}, budget: metricmath.Budget{Points: maxWorked}}
}

// value is that of a query.
func (e *evaluation) value(ctx context.Context, q *query) (metricmath.Value, error) {
	if v, ok := e.known[q.id]; ok {
		return v, nil
	}
	var v metricmath.Value
	if q.metric != nil {
		s, several, err := e.unitSeries(ctx, q.metric, q.statistic, e.rangeOf(q.period), q.unit)
		if err != nil {
			return v, err
		}
		if len(several) > 1 {
			e.mixed[q.id] = several
		}
		v = metricmath.One(s)
	} else {
		var err error
		if v, err = e.express(ctx, q); err != nil {
			return v, err
		}
	}
	e.known[q.id] = v
	return v, nil
}

// series reads a metric.
func (e *evaluation) series(ctx context.Context, m *metricstore.Metric, st metricstore.Statistic, r metricstore.Range, unit int) (metricmath.Series, error) {
	out, _, err := e.unitSeries(ctx, m, st, r, unit)
	return out, err
}

// unitSeries reads a metric: where no unit is asked for, its samples of one, of those that it has by the order of
// preferred. It returns these too.
func (e *evaluation) unitSeries(ctx context.Context, m *metricstore.Metric, st metricstore.Statistic, r metricstore.Range, unit int) (metricmath.Series, []byte, error) {
	none := metricmath.Series{Label: m.Name, Period: r.Period}
	if err := ctx.Err(); err != nil {
		return none, nil, err
	}
	of := map[byte]*metricmath.Series{}
	err := e.s.metrics.Read(m, r, unit, false, st.Distributed(), func(p *metricstore.Point) bool {
		out := of[p.Unit]
		if out == nil {
			out = &metricmath.Series{Label: m.Name, Period: r.Period}
			of[p.Unit] = out
		}
		if v, ok := st.Of(&p.Summary); ok {
			out.Times, out.Values = append(out.Times, p.Start), append(out.Values, v)
		}
		e.read++
		return e.read <= maxRead && (e.read%1024 != 0 || ctx.Err() == nil)
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil && e.read > maxRead {
		err = invalid("%v", errTooMuch)
	}
	if err != nil || len(of) == 0 {
		return none, nil, told(err)
	}
	var has []byte
	for _, u := range preferred {
		if code := unitCodes[u]; of[code] != nil {
			has = append(has, code)
		}
	}
	if len(has) == 0 { // of units that this version does not know
		for code := range of {
			has = append(has, code)
		}
		slices.Sort(has)
	}
	return *of[has[0]], has, nil
}

// express evaluates an expression.
func (e *evaluation) express(ctx context.Context, q *query) (metricmath.Value, error) {
	period := q.period
	if period == 0 {
		period = e.qs.step()
	}
	r := e.rangeOf(period)
	var failed error // of the store, which is not the client's fault
	note := func(err error) error {
		if err != nil && failed == nil {
			failed = err
		}
		return err
	}
	env := &metricmath.Env{
		Start: r.Start, End: r.End, Period: period, Budget: &e.budget,
		Lookup: func(id string) (metricmath.Value, error) {
			v, err := e.value(ctx, e.qs.byID[id])
			return v, note(err)
		},
		Metrics: func(part string) (out []metricmath.Series, err error) {
			for _, of := range e.qs.queries {
				if of.metric == nil || !strings.Contains(of.id, part) {
					continue
				}
				v, err := e.value(ctx, of)
				if err != nil {
					return nil, note(err)
				}
				s := v.Series[0]
				if of.label != "" {
					s.Label = of.label
				}
				out = append(out, s)
			}
			return out, nil
		},
		Search: func(text, statistic string, p int64) ([]metricmath.Series, error) {
			if p == 0 {
				p = period
			}
			if !validPeriod(p) {
				return nil, fmt.Errorf("the period of SEARCH must be 1, 5, 10, 20, 30, or a multiple of 60")
			}
			st, err := metricstore.ParseStatistic(statistic)
			if err != nil {
				return nil, fmt.Errorf("%q is not a statistic", statistic)
			}
			out, bad, err := e.search(ctx, text, st, p)
			if note(err) != nil {
				return nil, err
			}
			return out, bad
		},
		Band: func(id string, width float64) (lower, upper metricmath.Series, err error) {
			lower, upper, bad, err := e.band(ctx, e.qs.byID[id], width)
			if note(err) != nil {
				return lower, upper, err
			}
			return lower, upper, bad
		},
	}
	v, err := q.expr.Eval(env)
	if failed != nil {
		return v, failed
	}
	if err != nil {
		return v, invalid("Error in expression '%s': %v", q.id, err)
	}
	return v, nil
}

// maxFound is how many metrics a search returns. If there are more, the first of them are returned, and the answer has a message.
const maxFound = 500

// search reads the metrics of a SEARCH. bad is an error of the client's.
func (e *evaluation) search(ctx context.Context, text string, st metricstore.Statistic, period int64) (out []metricmath.Series, bad, err error) {
	terms, bad := metricmath.ParseSearch(text)
	if bad != nil {
		return nil, bad, nil
	}
	var found []metricstore.Metric
	err = e.s.metrics.List(scopeOf(e.qs.scope), metricstore.Filter{Namespace: terms.Namespace, Since: e.s.now().Add(-listed).Unix()}, "", func(m metricstore.Metric) bool {
		dims := make([]string, 0, 2*len(m.Dimensions))
		for _, d := range m.Dimensions {
			dims = append(dims, d.Name, d.Value)
		}
		if terms.Takes(m.Namespace, m.Name, dims) {
			if len(found) == maxFound {
				e.cut = true
				return false
			}
			found = append(found, m)
		}
		return ctx.Err() == nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, nil, told(err)
	}
	names := map[string]bool{}
	for i := range found {
		names[found[i].Name] = true
	}
	for i := range found {
		m := &found[i]
		s, err := e.series(ctx, m, st, e.rangeOf(period), metricstore.AnyUnit)
		if err != nil {
			return nil, nil, err
		}
		s.Label = searchLabel(m, len(names) > 1)
		out = append(out, s)
	}
	return out, nil, nil
}

// searchLabel is how a metric is told from others that a search finds: by what its dimensions are, and its name if those differ.
func searchLabel(m *metricstore.Metric, named bool) string {
	var parts []string
	for _, d := range m.Dimensions {
		parts = append(parts, d.Value)
	}
	if named || len(parts) == 0 {
		parts = append(parts, m.Name)
	}
	return strings.Join(parts, " ")
}
