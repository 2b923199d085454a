package lakesql

import (
	"context"
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/hive"
	"github.com/brookmere/brookmere/internal/engine/lakesql/trino"
	"github.com/brookmere/brookmere/internal/engine/lakesql/worker"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Stats are counted as the query is planned and read.
type Stats struct {
	Files        int
	BytesScanned int64 // sizes of the files that were not pruned
	Rows         int64 // given out by Next
}

// Value is a value as Athena shows it.
type Value = worker.Value

// Result gives the rows of a query one by one:
//
//	for r.Next(ctx) { use(r.Row()) }
//	err := r.Err()
//	r.Close()
type Result struct {
	Columns []ResultColumn
	Stats   Stats

	ctx   context.Context // of the query
	rows  *worker.Rows
	err   error
	close func()

	outward func(error) error // words errors for who asked
}

// Next moves to the next row; false at the end or on an error.
func (r *Result) Next(ctx context.Context) bool {
	if r.err != nil || r.rows == nil {
		return false
	}
	if r.err = ctx.Err(); r.err != nil {
		return false
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			if r.err = queryError(r.ctx, err); r.outward != nil {
				r.err = r.outward(r.err)
			}
		}
		return false
	}
	r.Stats.Rows++
	return true
}

// Row is the current row, good until the next call of Next.
func (r *Result) Row() []Value { return r.rows.Row() }

// Err is what ended the rows early, nil if nothing did.
func (r *Result) Err() error { return r.err }

// Close gives the engine back what the query holds. It may be called twice.
func (r *Result) Close() {
	if r.close != nil {
		r.close()
		r.close, r.rows = nil, nil
	}
}

// resultColumns are a worker's columns, before finish.
func resultColumns(in []worker.Column) []ResultColumn {
	out := make([]ResultColumn, len(in))
	for i, c := range in {
		out[i] = ResultColumn{Name: c.Name, Type: c.Type, Precision: c.Precision, Scale: c.Scale, CaseSensitive: c.CaseSensitive, typ: c.Trino}
	}
	return out
}

// finish names the columns without a name and gives all of them their types: the
// translation's where it knows, DuckDB's otherwise.
func finish(columns []ResultColumn, known []trino.Output) {
	for i := range columns {
		c := &columns[i]
		if len(known) == len(columns) {
			c.Name = known[i].Name
			c.typ = refine(known[i].Type, c.typ)
		}
		if strings.HasPrefix(c.Name, trino.Unnamed) {
			c.Name = fmt.Sprintf("_col%d", i)
		}
		c.FullType, c.Hive = strings.ReplaceAll(c.typ.String(), ", ", ","), hive.ColumnType(c.typ)
		if types.Is(c.typ, "varchar", "char") && len(c.typ.Params) == 1 {
			c.Precision = c.typ.Params[0]
		}
		if c.Type == "interval day to second" || c.Type == "varchar" && types.Is(c.typ, "json", "char", "uuid") || trino.Packed(c.typ) || types.Is(c.typ, "unknown") {
			c.Type = c.typ.Name
		}
		if trino.Packed(c.typ) {
			c.Precision = 3
		}
		if types.Is(c.typ, "json", "uuid", "geometry", "sphericalgeography", "bingtile", "ipaddress", "color") {
			c.Type, c.Precision = c.typ.Name, 0
		}
	}
}

// refine prefers a type that is known to what DuckDB makes of it, where the two agree.
func refine(known, actual *sql.Type) *sql.Type {
	if known == nil {
		return actual
	}
	switch {
	case types.Is(known, "varchar", "char", "json", "uuid", "geometry", "sphericalgeography", "bingtile", "ipaddress", "color") && types.Is(actual, "varchar"), trino.Packed(known), types.Is(known, "unknown"), types.Is(known, "timestamp with time zone") && types.Is(actual, "timestamp with time zone"), types.IsInterval(known) && types.IsInterval(actual):
		return known
	case known.Name == actual.Name && len(known.Args) == len(actual.Args) && len(known.Fields) == len(actual.Fields) && len(known.Args)+len(known.Fields) > 0:
		t := &sql.Type{Name: known.Name}
		for i := range known.Args {
			t.Args = append(t.Args, refine(known.Args[i], actual.Args[i]))
		}
		for i := range known.Fields {
			t.Fields = append(t.Fields, sql.RowField{Name: known.Fields[i].Name, Type: refine(known.Fields[i].Type, actual.Fields[i].Type)})
		}
		return t
	}
	return actual
}
