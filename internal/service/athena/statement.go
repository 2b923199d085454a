package athena

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// statement is a statement, classified once: what Athena calls it, what it touches, how it
// runs. All that depends on what kind of statement one is stands in classify.
type statement struct {
	tree sql.Statement

	Type      types.StatementType // DDL, DML or UTILITY
	Subtype   string              // as Athena names it; empty where it has no name
	Extension string              // of the result object

	query    *sql.Query   // whose rows it gives or writes, what EXPLAIN shows; nil if there is none
	target   string       // where the rows are written
	external string       // the location that CREATE TABLE AS names
	prepared *sql.Execute // EXECUTE: another statement runs in its place

	touches func(*tracer)                      // notes what it reads and changes; nil for nothing
	run     func(context.Context, *call) error // nil for what is not supported
}

// call is one statement on its way: what it may use while it runs.
type call struct {
	*ddl
	*writer
	s       *Service
	sc      scope
	wg      *workGroupDoc
	x       *execution
	request lakesql.Request
}

// classify says what there is to know of a statement before it runs.
func classify(tree sql.Statement) statement {
	const dml, utility, ddl = types.StatementTypeDml, types.StatementTypeUtility, types.StatementTypeDdl
	switch st := tree.(type) {
	// Queries, and what writes their rows.
	case *sql.Query:
		return statement{tree: st, Type: dml, Subtype: "SELECT", Extension: ".csv", query: st,
			touches: func(t *tracer) { t.queries(st) },
			run: func(ctx context.Context, c *call) error {
				if done, err := c.s.reuse(ctx, c.sc, c.x); done || err != nil {
					return err
				}
				return c.s.query(ctx, c.wg, c.request, c.x)
			}}
	case *sql.Explain:
		inner := classify(st.Statement)
		return statement{tree: st, Type: dml, Subtype: "EXPLAIN", Extension: ".txt",
			touches: func(t *tracer) { t.queries(st.Statement) },
			run: func(ctx context.Context, c *call) error {
				return c.s.explain(ctx, c.wg, c.request, st, inner, c.x)
			}}
	case *sql.Insert:
		return statement{tree: st, Type: dml, Subtype: "INSERT", query: st.Query, target: st.Table.String(),
			touches: func(t *tracer) {
				t.read(t.name(st.Table))
				t.f.writesAt = append(t.f.writesAt, t.f.readsAt...)
				t.write(t.name(st.Table))
				t.queries(st.Query)
			},
			run: timed(func(ctx context.Context, c *call) error { return c.insert(ctx, st) })}
	case *sql.CreateTableAs:
		external := propertyText(st.Properties, "external_location")
		return statement{tree: st, Type: ddl, Subtype: "CREATE_TABLE_AS_SELECT", Extension: ".txt", query: st.Query, target: st.Name.String(), external: external,
			touches: func(t *tracer) {
				t.write(t.name(st.Name))
				t.writeAt(external)
				t.queries(st.Query)
			},
			run: timed(func(ctx context.Context, c *call) error { return c.createTableAs(ctx, st) })}
	case *sql.Unload:
		return statement{tree: st, Type: dml, Subtype: "UNLOAD", Extension: ".csv", query: st.Query, target: st.To,
			touches: func(t *tracer) {
				t.writeAt(st.To)
				t.queries(st.Query)
			},
			run: timed(func(ctx context.Context, c *call) error { return c.unload(ctx, st) })}
	case *sql.Modify:
		verb, _, _ := strings.Cut(st.Verb, " ")
		return statement{tree: st, Type: dml, Subtype: verb, touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.modify(ctx, st) })}

	// Prepared statements.
	case *sql.Prepare:
		return statement{tree: st, Type: ddl, Subtype: "PREPARE", Extension: ".txt",
			touches: func(t *tracer) { t.write(preparedRef(t.workgroup, st.Name.Name)) },
			run:     reports(func(ctx context.Context, c *call) error { return c.s.prepare(ctx, c.sc, c.wg, st) })}
	case *sql.Deallocate:
		return statement{tree: st, Type: ddl, Subtype: "DEALLOCATE_PREPARE", Extension: ".txt",
			touches: func(t *tracer) { t.write(preparedRef(t.workgroup, st.Name.Name)) },
			run:     reports(func(ctx context.Context, c *call) error { return c.s.deallocate(ctx, c.sc, c.wg, st) })}
	case *sql.DescribePrepared:
		return statement{tree: st, Type: utility, Subtype: "DESCRIBE_PREPARED", Extension: ".txt",
			touches: func(t *tracer) { t.f.reads = append(t.f.reads, preparedRef(t.workgroup, st.Name.Name)) }}
	case *sql.Execute:
		return statement{tree: st, Type: dml, Subtype: "EXECUTE", Extension: ".csv", prepared: st,
			touches: func(t *tracer) { t.prepared(st) }}

	// Databases, tables, views.
	case *sql.CreateDatabase:
		return statement{tree: st, Type: ddl, Subtype: "CREATE_DATABASE", Extension: ".txt", touches: changesDatabase(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.createDatabase(ctx, st) })}
	case *sql.DropDatabase:
		return statement{tree: st, Type: ddl, Subtype: "DROP_DATABASE", Extension: ".txt", touches: changesDatabase(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.dropDatabase(ctx, st) })}
	case *sql.AlterDatabase:
		return statement{tree: st, Type: ddl, Subtype: "ALTER_DATABASE", Extension: ".txt", touches: changesDatabase(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.alterDatabase(ctx, st) })}
	case *sql.CreateTable:
		return statement{tree: st, Type: ddl, Subtype: "CREATE_TABLE", Extension: ".txt",
			touches: func(t *tracer) {
				t.write(t.name(st.Name))
				t.readAt(st.Location)
				if st.Like != nil {
					t.read(t.name(*st.Like))
				}
			},
			run: reports(func(ctx context.Context, c *call) error { return c.createTable(ctx, st) })}
	case *sql.DropTable:
		return statement{tree: st, Type: ddl, Subtype: "DROP_TABLE", Extension: ".txt", touches: changes(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.dropTable(ctx, st.Name, st.IfExists, false) })}
	case *sql.AlterTable:
		return statement{tree: st, Type: ddl, Subtype: alteration(st), Extension: ".txt", touches: changes(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.alterTable(ctx, st) })}
	case *sql.RepairTable:
		return statement{tree: st, Type: ddl, Subtype: "MSCK_REPAIR", Extension: ".txt",
			touches: func(t *tracer) {
				t.read(t.name(st.Name))
				t.write(t.name(st.Name))
			},
			run: reports(func(ctx context.Context, c *call) error { return c.repairTable(ctx, st) })}
	case *sql.CreateView:
		return statement{tree: st, Type: ddl, Subtype: "CREATE_VIEW", Extension: ".txt",
			touches: func(t *tracer) {
				t.write(t.name(st.Name))
				t.queries(st.Query)
			},
			run: reports(func(ctx context.Context, c *call) error { return c.createView(ctx, st) })}
	case *sql.DropView:
		return statement{tree: st, Type: ddl, Subtype: "DROP_VIEW", Extension: ".txt", touches: changes(st.Name),
			run: reports(func(ctx context.Context, c *call) error { return c.dropTable(ctx, st.Name, st.IfExists, true) })}

	// What describes.
	case *sql.ShowDatabases:
		return statement{tree: st, Type: utility, Subtype: "SHOW_DATABASES", Extension: ".txt",
			touches: func(t *tracer) { t.f.reads = append(t.f.reads, databases) },
			run:     reports(func(ctx context.Context, c *call) error { return c.showDatabases(ctx, st) })}
	case *sql.ShowTables:
		return statement{tree: st, Type: utility, Subtype: "SHOW_TABLES", Extension: ".txt", touches: readsDatabase(st.Database),
			run: reports(func(ctx context.Context, c *call) error { return c.showTables(ctx, st) })}
	case *sql.ShowViews:
		return statement{tree: st, Type: utility, Subtype: "SHOW_VIEWS", Extension: ".txt", touches: readsDatabase(st.Database),
			run: reports(func(ctx context.Context, c *call) error { return c.showViews(ctx, st) })}
	case *sql.ShowColumns:
		return statement{tree: st, Type: utility, Subtype: "SHOW_COLUMNS", Extension: ".txt", touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.showColumns(ctx, st) })}
	case *sql.ShowPartitions:
		return statement{tree: st, Type: utility, Subtype: "SHOW_PARTITIONS", Extension: ".txt", touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.showPartitions(ctx, st) })}
	case *sql.ShowCreateTable:
		return statement{tree: st, Type: utility, Subtype: "SHOW_CREATE_TABLE", Extension: ".txt", touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.showCreateTable(ctx, st) })}
	case *sql.ShowCreateView:
		return statement{tree: st, Type: utility, Subtype: "SHOW_CREATE_VIEW", Extension: ".txt", touches: reads(st.View),
			run: reports(func(ctx context.Context, c *call) error { return c.showCreateView(ctx, st) })}
	case *sql.ShowTableProperties:
		return statement{tree: st, Type: utility, Subtype: "SHOW_TABLE_PROPERTIES", Extension: ".txt", touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.showTableProperties(ctx, st) })}
	case *sql.ShowFunctions:
		return statement{tree: st, Type: utility, Subtype: "SHOW_FUNCTIONS", Extension: ".txt",
			run: reports(func(_ context.Context, c *call) error { return c.showFunctions(st) })}
	case *sql.Describe:
		return statement{tree: st, Type: utility, Subtype: "DESCRIBE_TABLE", Extension: ".txt", touches: reads(st.Table),
			run: reports(func(ctx context.Context, c *call) error { return c.describe(ctx, st) })}
	}
	return statement{tree: tree, Type: ddl, Extension: ".txt", touches: func(t *tracer) { t.write(everything) }}
}

// alteration names what ALTER TABLE does, where it has a name of its own.
func alteration(st *sql.AlterTable) string {
	switch a := st.Action.(type) {
	case *sql.AddColumns:
		if a.Replace {
			return "ALTER_TABLE_REPLACE_COLUMN"
		}
		return "ALTER_TABLE_ADD_COLUMN"
	case *sql.ChangeColumn:
		return "ALTER_TABLE_CHANGE_COLUMN"
	}
	return "ALTER_TABLE"
}

// reads, changes, readsDatabase and changesDatabase are what statements of one name touch.
func reads(n sql.QualifiedName) func(*tracer) {
	return func(t *tracer) { t.read(t.name(n)) }
}

func changes(n sql.QualifiedName) func(*tracer) {
	return func(t *tracer) { t.write(t.name(n)) }
}

func readsDatabase(n *sql.QualifiedName) func(*tracer) {
	return func(t *tracer) { t.wholeDatabase(n) }
}

func changesDatabase(n sql.Identifier) func(*tracer) {
	return func(t *tracer) { t.write(ref{database: n.Lower()}) }
}

// timed runs a statement that writes, and notes how long it took.
func timed(f func(context.Context, *call) error) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		start := c.s.clock.Now()
		err := f(ctx, c)
		c.x.change(func(d *executionDoc) { d.Engine = c.s.clock.Now().Sub(start) })
		return err
	}
}

// reports runs a statement that the catalog alone answers, and writes its lines.
func reports(f func(context.Context, *call) error) func(context.Context, *call) error {
	return func(ctx context.Context, c *call) error {
		start := c.s.clock.Now()
		if err := f(ctx, c); err != nil {
			return err
		}
		c.x.change(func(d *executionDoc) {
			d.Engine = c.s.clock.Now().Sub(start)
			d.Rows = int64(len(c.out.lines))
			if c.out.view {
				d.Subtype = "DESC_VIEW"
			}
		})
		return c.s.writeReport(ctx, c.x, c.out)
	}
}
