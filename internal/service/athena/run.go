package athena

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// How a statement runs: a query on the engine, its rows as CSV; anything else against
// the catalog, its answer as lines of text. Statements that write are in write.go.

func (s *Service) run(ctx context.Context, sc scope, wg *workGroupDoc, st statement, x *execution) {
	err := s.contain(x, func() error { return s.execute(ctx, sc, wg, st, x) })
	reason, category := "", int32(0)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errCutoff) {
		reason, category = s.reason(ctx, &x.doc, err)
		s.putFailure(ctx, &x.doc, reason)
	}
	x.change(func(d *executionDoc) {
		switch {
		case err == nil:
			d.State = types.QueryExecutionStateSucceeded
			return
		case reason == "" && ctx.Err() != nil:
			return // cancelled, or shut down: finish tells which
		case errors.Is(err, errCutoff):
			d.State, d.Reason = types.QueryExecutionStateCancelled, err.Error()
			return
		}
		d.State = types.QueryExecutionStateFailed
		d.Reason, d.Category = reason, category
	})
}

// contain turns a panic of f into an error: a statement that trips over a mistake of ours
// fails, and the node goes on.
func (s *Service) contain(x *execution, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("statement panicked", "id", x.doc.ID, "panic", p, "stack", string(debug.Stack()))
			err = failf("GENERIC_INTERNAL_ERROR: The statement could not be run.")
		}
	}()
	return f()
}

func (s *Service) execute(ctx context.Context, sc scope, wg *workGroupDoc, st statement, x *execution) error {
	params, err := parameters(x.doc.Parameters)
	if err != nil {
		return err
	}
	executed := false
	if e := st.prepared; e != nil {
		d, err := s.preparedStatement(sc, wg.Name, e.Name.Name)
		if err != nil {
			return notPrepared(e.Name.Name, wg)
		}
		tree, err := sql.Parse(d.Query)
		if err != nil {
			return failf("%s", err)
		}
		st = classify(tree)
		if len(e.Using) > 0 {
			params = e.Using
		}
		executed = true
	}
	if len(params) > 0 || executed {
		want := 0
		sql.Walk(st.tree, func(n sql.Node) bool {
			if _, ok := n.(*sql.Parameter); ok {
				want++
			}
			return true
		})
		if want != len(params) {
			return failf("INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected %d but found %d", want, len(params))
		}
	}
	if st.run == nil {
		return failf("NOT_SUPPORTED: Queries of this type are not supported")
	}
	database := x.doc.Database
	if database == "" {
		database = "default"
	}
	request := lakesql.Request{
		Statement: st.tree, Parameters: params, Database: database,
		Catalog: &tables{glue: s.glue}, Files: s.files,
	}
	d := &ddl{s: s, database: database, request: request, out: &report{}}
	return st.run(ctx, &call{
		ddl: d, writer: &writer{s: s, d: d, x: x, wg: wg, request: request},
		s: s, sc: sc, wg: wg, x: x, request: request,
	})
}

// parameters reads the values of ExecutionParameters, which are SQL literals.
func parameters(texts []string) ([]sql.Expr, error) {
	var exprs []sql.Expr
	for _, t := range texts {
		e, err := sql.ParseExpr(t)
		if err != nil {
			return nil, failf("INVALID_PARAMETER_USAGE: %s: %s", t, err)
		}
		exprs = append(exprs, e)
	}
	return exprs, nil
}

func (s *Service) prepare(ctx context.Context, sc scope, wg *workGroupDoc, st *sql.Prepare) error {
	d := &preparedDoc{Name: st.Name.Name, Query: sql.Print(st.Statement), Modified: s.clock.Now().UTC()}
	if err := s.prepared.Create(ctx, d, sc.account, sc.region, wg.Name, d.Name); err != nil {
		return failf("PreparedStatement %s already exists in workGroup %s", d.Name, wg.Name)
	}
	return nil
}

func (s *Service) deallocate(ctx context.Context, sc scope, wg *workGroupDoc, st *sql.Deallocate) error {
	if err := s.prepared.Delete(ctx, sc.account, sc.region, wg.Name, st.Name.Name); err != nil {
		return notPrepared(st.Name.Name, wg)
	}
	return nil
}

func notPrepared(name string, wg *workGroupDoc) error {
	return failf("PREPARED_STATEMENT_NOT_FOUND: PreparedStatement %s was not found in workGroup %s", name, wg.Name)
}

// query runs a SELECT and writes its rows. Where the engine was restarted for the sake of
// another query, it starts again.
func (s *Service) query(ctx context.Context, wg *workGroupDoc, request lakesql.Request, x *execution) error {
	for try := 0; ; try++ {
		err := s.queryOnce(ctx, wg, request, x)
		if try >= 3 || !errors.Is(err, lakesql.ErrRestarted) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Service) queryOnce(ctx context.Context, wg *workGroupDoc, request lakesql.Request, x *execution) error {
	start := s.clock.Now()
	result, err := s.engine.Query(ctx, request)
	x.planned()
	if err != nil {
		return err
	}
	defer result.Close()
	planned := s.clock.Now()
	x.change(func(d *executionDoc) {
		d.Planning = planned.Sub(start)
		d.Scanned = result.Stats.BytesScanned
	})
	if limit := wg.Configuration.BytesScannedCutoffPerQuery; limit != nil && result.Stats.BytesScanned > *limit {
		return errCutoff
	}
	w := newCSVWriter(s.tempDir)
	defer w.close()
	names := make([]lakesql.Value, len(result.Columns))
	for i, c := range result.Columns {
		names[i].Text = c.Name
	}
	if err := w.row(names); err != nil {
		return err
	}
	for result.Next(ctx) {
		if err := w.row(result.Row()); err != nil {
			return err
		}
	}
	if err := result.Err(); err != nil {
		return err
	}
	read := s.clock.Now()
	err = s.writeResult(ctx, x, w, resultColumns(result.Columns))
	x.change(func(d *executionDoc) {
		d.Engine = read.Sub(start)
		d.Service = s.clock.Now().Sub(read)
		d.Scanned, d.Rows = result.Stats.BytesScanned, result.Stats.Rows
	})
	return err
}

// report is the answer of a statement that is not a query.
type report struct {
	columns []types.ColumnInfo
	lines   []string
	view    bool // what is described is a view
}

func (r *report) line(parts ...string) { r.lines = append(r.lines, strings.Join(parts, "\t")) }

func columnInfo(name, typ string, precision, scale int, caseSensitive bool) types.ColumnInfo {
	return types.ColumnInfo{
		CatalogName: aws.String("hive"), SchemaName: aws.String(""), TableName: aws.String(""),
		Name: aws.String(name), Label: aws.String(name), Type: aws.String(typ),
		Precision: int32(precision), Scale: int32(scale),
		Nullable: types.ColumnNullableUnknown, CaseSensitive: caseSensitive,
	}
}

func resultColumns(in []lakesql.ResultColumn) []types.ColumnInfo {
	out := make([]types.ColumnInfo, len(in))
	for i, c := range in {
		out[i] = columnInfo(c.Name, c.Type, c.Precision, c.Scale, c.CaseSensitive)
	}
	return out
}

// varcharColumns are the columns of a report that is not Hive's.
func varcharColumns(names ...string) []types.ColumnInfo {
	out := textColumns(names...)
	for i := range out {
		out[i].Type = aws.String("varchar")
	}
	return out
}

// textColumns are the columns of a report, of Hive's type string.
func textColumns(names ...string) []types.ColumnInfo {
	out := make([]types.ColumnInfo, len(names))
	for i, n := range names {
		out[i] = columnInfo(n, "string", 0, 0, false)
	}
	return out
}
