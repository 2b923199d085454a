package athena

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// EXPLAIN and EXPLAIN ANALYZE.
//
// The plan is the logical one that the statement says, operator by operator; how the
// engine runs it is not Athena's business. TYPE VALIDATE and TYPE IO are answered too.
// EXPLAIN ANALYZE runs the query and adds what was read, what came out and how long it
// took. There are no fragments, so TYPE DISTRIBUTED shows the logical plan as well.

// planNode is an operator of a plan.
type planNode struct {
	Name    string      `json:"name"`
	Of      string      `json:"descriptor,omitempty"`
	Details []string    `json:"details,omitempty"`
	Inputs  []*planNode `json:"children,omitempty"`
}

func node(name, of string, inputs ...*planNode) *planNode {
	return &planNode{Name: name, Of: of, Inputs: inputs}
}

func list[T any](items []T, text func(T) string) string {
	parts := make([]string, len(items))
	for i, x := range items {
		parts[i] = text(x)
	}
	return strings.Join(parts, ", ")
}

func printed[T sql.Node](n T) string { return strings.Join(strings.Fields(sql.Print(n)), " ") }

// planner makes plans; tables are named in full.
type planner struct {
	database string
	tables   []ref
}

func (p *planner) query(q *sql.Query) *planNode {
	n := p.body(q.Body)
	order := func() string {
		return list(q.OrderBy, func(s sql.SortItem) string {
			direction := "ASC_NULLS_LAST"
			switch first := s.NullsFirst != nil && *s.NullsFirst; {
			case s.Descending && first:
				direction = "DESC_NULLS_FIRST"
			case s.Descending:
				direction = "DESC_NULLS_LAST"
			case first:
				direction = "ASC_NULLS_FIRST"
			}
			return printed(s.Expr) + " " + direction
		})
	}
	limit := ""
	if q.Limit != nil {
		limit = printed(q.Limit)
	}
	switch {
	case len(q.OrderBy) > 0 && limit != "" && q.Offset == nil:
		n = node("TopN", limit+" by ("+order()+")", n)
		limit = ""
	case len(q.OrderBy) > 0:
		n = node("Sort", order(), n)
	}
	if q.Offset != nil {
		n = node("Offset", printed(q.Offset), n)
	}
	if limit != "" {
		n = node("Limit", limit, n)
	}
	if q.With != nil {
		for _, c := range slices.Backward(q.With.Queries) {
			n.Inputs = append(n.Inputs, node("CommonTable", c.Name.Lower(), p.query(c.Query)))
		}
	}
	return n
}

func (p *planner) body(b sql.QueryBody) *planNode {
	switch b := b.(type) {
	case *sql.Query:
		return p.query(b)
	case *sql.Values:
		return node("Values", strconv.Itoa(len(b.Rows))+" rows")
	case *sql.TableQuery:
		return p.scan(b.Name)
	case *sql.SetOperation:
		name := map[string]string{"UNION": "Union", "INTERSECT": "Intersect", "EXCEPT": "Except"}[b.Op]
		n := node(name, "", p.body(b.Left), p.body(b.Right))
		if b.Op == "UNION" && !b.All {
			n = node("Aggregate", "distinct", n)
		}
		return n
	case *sql.Select:
		return p.selection(b)
	}
	return node("Query", "")
}

func (p *planner) selection(s *sql.Select) *planNode {
	var n *planNode
	for _, r := range s.From {
		if right := p.relation(r); n == nil {
			n = right
		} else {
			n = node("CrossJoin", "", n, right)
		}
	}
	if n == nil {
		n = node("Values", "1 rows")
	}
	if s.Where != nil {
		n = node("Filter", "filterPredicate = "+printed(s.Where), n)
	}
	aggregates := ""
	for _, item := range s.Items {
		if item.Expr != nil && isAggregate(item.Expr) {
			if aggregates != "" {
				aggregates += ", "
			}
			aggregates += printed(item.Expr)
		}
	}
	if s.GroupBy != nil || aggregates != "" {
		of := ""
		if s.GroupBy != nil {
			of = list(s.GroupBy.Elements, func(g sql.GroupingElement) string {
				return list(g.Sets, func(set []sql.Expr) string { return list(set, printed[sql.Expr]) })
			})
		}
		n = node("Aggregate", of, n)
		if aggregates != "" {
			n.Details = append(n.Details, aggregates)
		}
	}
	if s.Having != nil {
		n = node("Filter", "filterPredicate = "+printed(s.Having), n)
	}
	n = node("Project", list(s.Items, func(i sql.SelectItem) string {
		text := "*"
		if i.Expr != nil {
			if text = printed(i.Expr); i.Star {
				text += ".*"
			}
		}
		if i.Alias != nil {
			text = i.Alias.Lower() + " := " + text
		}
		return text
	}), n)
	if s.Distinct {
		n = node("Aggregate", "distinct", n)
	}
	return n
}

var aggregateNames = map[string]bool{
	"count": true, "sum": true, "avg": true, "min": true, "max": true, "array_agg": true, "approx_distinct": true,
	"approx_percentile": true, "count_if": true, "max_by": true, "min_by": true, "stddev": true, "variance": true,
	"bool_and": true, "bool_or": true, "arbitrary": true, "any_value": true, "listagg": true, "map_agg": true, "histogram": true,
}

func isAggregate(e sql.Expr) bool {
	switch e := e.(type) {
	case *sql.Call:
		return e.Over == nil && (aggregateNames[e.Name.Last()] || slices.ContainsFunc(e.Args, isAggregate))
	case *sql.Operation:
		return isAggregate(e.Left) || isAggregate(e.Right)
	case *sql.Cast:
		return isAggregate(e.X)
	}
	return false
}

func (p *planner) relation(r sql.Relation) *planNode {
	switch r := r.(type) {
	case *sql.Table:
		return p.scan(r.Name)
	case *sql.AliasedRelation:
		return p.relation(r.Relation)
	case *sql.SampledRelation:
		return node("Sample", r.Method+" "+printed(r.Percent), p.relation(r.Relation))
	case *sql.SubqueryRelation:
		return p.query(r.Query)
	case *sql.Unnest:
		return node("Unnest", list(r.Exprs, printed[sql.Expr]))
	case *sql.Join:
		name := strings.ToUpper(r.Kind[:1]) + strings.ToLower(r.Kind[1:]) + "Join"
		of := ""
		switch {
		case r.On != nil:
			of = printed(r.On)
		case len(r.Using) > 0:
			of = "using " + list(r.Using, func(i sql.Identifier) string { return i.Lower() })
		}
		return node(name, of, p.relation(r.Left), p.relation(r.Right))
	}
	return node("Relation", "")
}

func (p *planner) scan(n sql.QualifiedName) *planNode {
	r := ref{n.Qualifier(), n.Last()}
	if r.database == "" {
		r.database = p.database
	}
	if !slices.Contains(p.tables, r) {
		p.tables = append(p.tables, r)
	}
	scan := node("TableScan", "table = awsdatacatalog:"+r.database+":"+r.table)
	scan.Details = []string{"LAYOUT: " + r.database + "." + r.table}
	return scan
}

func (n *planNode) text(lines []string, indent string) []string {
	lines = append(lines, indent+"- "+n.Name+"["+n.Of+"]")
	for _, d := range n.Details {
		lines = append(lines, indent+"        "+d)
	}
	for _, c := range n.Inputs {
		lines = c.text(lines, indent+"    ")
	}
	return lines
}

func (n *planNode) graph(lines []string, id *int) []string {
	self := *id
	lines = append(lines, fmt.Sprintf("plannode_%d[label=%q, style=\"rounded, filled\", shape=record];", self, n.Name+"["+n.Of+"]"))
	for _, c := range n.Inputs {
		*id++
		lines = append(lines, fmt.Sprintf("plannode_%d -> plannode_%d;", self, *id))
		lines = c.graph(lines, id)
	}
	return lines
}

// explain answers EXPLAIN of a statement.
func (s *Service) explain(ctx context.Context, wg *workGroupDoc, request lakesql.Request, st *sql.Explain, of statement, x *execution) error {
	option := map[string]string{"TYPE": "LOGICAL", "FORMAT": "TEXT"}
	for _, o := range st.Options {
		option[o.Name] = o.Value
	}
	q, target := of.query, of.target
	if q == nil {
		return failf("NOT_SUPPORTED: EXPLAIN of this statement is not supported")
	}
	if st.Analyze && target != "" {
		return failf("NOT_SUPPORTED: EXPLAIN ANALYZE of a statement that writes is not supported")
	}
	request.Statement = q
	columns, err := s.engine.Schema(ctx, request)
	if err != nil {
		return err
	}
	p := &planner{database: request.Database}
	root := node("Output", list(columns, func(c lakesql.ResultColumn) string { return c.Name }), p.query(q))
	root.Details = []string{list(columns, func(c lakesql.ResultColumn) string { return c.Name + ":" + c.Type })}
	if target != "" {
		root = node("Output", "rows", node("TableWriter", target, root.Inputs...))
	}
	r := &report{}
	name, end := "Query Plan", 3 // empty lines that Athena's text of a plan ends with
	if st.Analyze {
		lines, err := s.analyze(ctx, wg, request, x)
		if err != nil {
			return err
		}
		r.lines = lines
	}
	x.planned()
	switch {
	case option["TYPE"] == "VALIDATE":
		name, end = "Valid", 1
		r.lines = []string{"true"}
	case option["TYPE"] == "IO":
		r.lines, end = append(r.lines, p.io()), 1
	case option["FORMAT"] == "JSON":
		b, err := json.MarshalIndent(root, "", "  ")
		if err != nil {
			return err
		}
		r.lines, end = append(r.lines, strings.Split(string(b), "\n")...), 1
	case option["FORMAT"] == "GRAPHVIZ":
		id := 0
		end = 2
		r.lines = append(r.lines, "digraph logical_plan {")
		r.lines = append(append(r.lines, root.graph(nil, &id)...), "}")
	default:
		r.lines = root.text(r.lines, "")
	}
	size := 0
	for _, l := range r.lines {
		size += utf8.RuneCountInString(l) + 1
	}
	r.columns = []types.ColumnInfo{columnInfo(name, "varchar", size, 0, true)}
	r.lines = append(append([]string{name}, r.lines...), make([]string, end)...)
	return s.writeReport(ctx, x, r)
}

// io lists the tables that are read.
func (p *planner) io() string {
	type table struct {
		Catalog     string            `json:"catalog"`
		SchemaTable map[string]string `json:"schemaTable"`
	}
	type input struct {
		Table       table `json:"table"`
		Constraints []any `json:"columnConstraints"`
	}
	inputs := []input{}
	for _, t := range p.tables {
		inputs = append(inputs, input{table{"awsdatacatalog", map[string]string{"schema": t.database, "table": t.table}}, []any{}})
	}
	b, err := json.Marshal(map[string]any{"inputTableColumnInfos": inputs})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// analyze runs a query for its figures.
func (s *Service) analyze(ctx context.Context, wg *workGroupDoc, request lakesql.Request, x *execution) ([]string, error) {
	start := s.clock.Now()
	result, err := s.engine.Query(ctx, request)
	x.planned()
	if err != nil {
		return nil, err
	}
	defer result.Close()
	planned := s.clock.Now()
	if limit := wg.Configuration.BytesScannedCutoffPerQuery; limit != nil && result.Stats.BytesScanned > *limit {
		return nil, errCutoff
	}
	for result.Next(ctx) {
		continue
	}
	if err := result.Err(); err != nil {
		return nil, err
	}
	took := s.clock.Now().Sub(start)
	x.change(func(d *executionDoc) {
		d.Planning, d.Engine, d.Scanned = planned.Sub(start), took, result.Stats.BytesScanned
	})
	return []string{
		fmt.Sprintf("Elapsed: %s, Planning: %s", took, planned.Sub(start)),
		fmt.Sprintf("Input: %d files (%dB), Output: %d rows", result.Stats.Files, result.Stats.BytesScanned, result.Stats.Rows),
	}, nil
}
