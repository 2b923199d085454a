package athena

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// DDL against the Glue API: databases and views. Errors are worded as Hive words them in
// Athena, where it is Hive that says them.

// ddl is one statement on its way.
type ddl struct {
	s        *Service
	database string // of names without one
	request  lakesql.Request
	out      *report
}

const ddlTask = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "

func noDatabase(name string) error {
	return failf("FAILED: SemanticException [Error 10072]: Database does not exist: %s", name)
}

func noTable(name string) error {
	return failf("FAILED: SemanticException [Error 10001]: Table not found %s", name)
}

// glueFailure words an error of the catalog that nothing more is known of.
func glueFailure(err error) error {
	if err == nil {
		return nil
	}
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &api) {
		if api.ErrorCode() == accessDenied {
			return &deniedInDDL{err}
		}
		return failf(ddlTask+"%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err
}

// modify refuses to change rows, which tables of files do not have; Iceberg's are not read.
func (d *ddl) modify(ctx context.Context, st *sql.Modify) error {
	database, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	at := st.Table
	switch {
	case iceberg(t.Parameters):
		return icebergRefused(fmt.Sprintf("line %d:%d: %s of %s.%s", at.Line, at.Column, st.Verb, database, at.Last()))
	case st.Verb == "OPTIMIZE", st.Verb == "VACUUM":
		return failf("NOT_SUPPORTED: line %d:%d: %s is only supported for Iceberg tables: %s.%s", at.Line, at.Column, st.Verb, database, at.Last())
	}
	return failf("NOT_SUPPORTED: Modifying Hive table rows is only supported for transactional tables")
}

// name splits a table's name into database and table.
func (d *ddl) name(n sql.QualifiedName) (database, table string, err error) {
	if c := n.Catalog(); c != "" && !strings.EqualFold(c, dataCatalog) {
		return "", "", failf("CATALOG_NOT_FOUND: line %d:%d: Catalog '%s' does not exist", n.Line, n.Column, c)
	}
	if database = n.Qualifier(); database == "" {
		database = d.database
	}
	return database, n.Last(), nil
}

// table looks up a table or view that a statement needs.
func (d *ddl) table(ctx context.Context, n sql.QualifiedName) (string, *gluetypes.Table, error) {
	database, name, err := d.name(n)
	if err != nil {
		return "", nil, err
	}
	out, err := d.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if missing(err) {
		if _, err := d.s.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String(database)}); missing(err) && database != defaultDatabase {
			return database, nil, noDatabase(database)
		}
		return database, nil, noTable(name)
	}
	if err != nil {
		return database, nil, glueFailure(err)
	}
	return database, out.Table, nil
}

func (d *ddl) needDatabase(ctx context.Context, name string) error {
	_, err := d.s.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String(name)})
	if !missing(err) {
		return glueFailure(err)
	}
	if name != defaultDatabase {
		return noDatabase(name)
	}
	return glueFailure(d.s.needDefault(ctx))
}

func exists(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == "AlreadyExistsException"
}

func pairs(in []sql.Pair) map[string]string {
	if len(in) == 0 {
		return nil
	}
	m := make(map[string]string, len(in))
	for _, p := range in {
		m[p.Key] = p.Value
	}
	return m
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}

func (d *ddl) createDatabase(ctx context.Context, st *sql.CreateDatabase) error {
	if st.Location != "" {
		if _, _, err := splitLocation(st.Location); err != nil {
			return failf(ddlTask+"MetaException(message:%s is not a valid S3 location)", st.Location)
		}
	}
	_, err := d.s.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{
		Name: aws.String(st.Name.Lower()), Description: optional(st.Comment),
		LocationUri: optional(st.Location), Parameters: pairs(st.Properties),
	}})
	if exists(err) {
		if st.IfNotExists {
			return nil
		}
		return failf(ddlTask+"Database %s already exists", st.Name.Lower())
	}
	return glueFailure(err)
}

func (d *ddl) dropDatabase(ctx context.Context, st *sql.DropDatabase) error {
	name := st.Name.Lower()
	page, err := d.s.glue.GetTables(ctx, &glue.GetTablesInput{DatabaseName: aws.String(name), MaxResults: aws.Int32(1)})
	if missing(err) {
		if st.IfExists {
			return nil
		}
		return noDatabase(name)
	}
	if err != nil {
		return glueFailure(err)
	}
	if len(page.TableList) > 0 && !st.Cascade {
		return failf(ddlTask+"InvalidOperationException(message:Database %s is not empty. One or more tables exist.)", name)
	}
	_, err = d.s.glue.DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String(name)})
	return glueFailure(err)
}

func (d *ddl) alterDatabase(ctx context.Context, st *sql.AlterDatabase) error {
	name := st.Name.Lower()
	out, err := d.s.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String(name)})
	if missing(err) {
		return noDatabase(name)
	}
	if err != nil {
		return glueFailure(err)
	}
	in := &gluetypes.DatabaseInput{
		Name: out.Database.Name, Description: out.Database.Description, LocationUri: out.Database.LocationUri,
		Parameters: maps.Clone(out.Database.Parameters), CreateTableDefaultPermissions: out.Database.CreateTableDefaultPermissions,
	}
	if st.Location != "" {
		in.LocationUri = aws.String(st.Location)
	}
	if in.Parameters == nil {
		in.Parameters = make(map[string]string)
	}
	maps.Copy(in.Parameters, pairs(st.Properties))
	_, err = d.s.glue.UpdateDatabase(ctx, &glue.UpdateDatabaseInput{Name: aws.String(name), DatabaseInput: in})
	return glueFailure(err)
}

func (d *ddl) createView(ctx context.Context, st *sql.CreateView) error {
	database, name, err := d.name(st.Name)
	if err != nil {
		return err
	}
	if err := d.needDatabase(ctx, database); err != nil {
		return err
	}
	if err := needNames(st.Query); err != nil {
		return err
	}
	request := d.request
	request.Statement = st.Query
	columns, err := d.s.engine.Schema(ctx, request)
	if err != nil {
		return err
	}
	view := &prestoView{OriginalSQL: sql.Print(st.Query), Catalog: "awsdatacatalog", Schema: d.database}
	in := &gluetypes.TableInput{
		Name: aws.String(name), Description: st.Comment, TableType: aws.String(virtualView), Owner: aws.String("hadoop"),
		Parameters:       map[string]string{"presto_view": "true", "comment": "Presto View"},
		PartitionKeys:    []gluetypes.Column{},
		ViewExpandedText: aws.String("/* Presto View */"),
		StorageDescriptor: &gluetypes.StorageDescriptor{
			Location: aws.String(""), SerdeInfo: &gluetypes.SerDeInfo{}, Columns: []gluetypes.Column{},
		},
	}
	seen := make(map[string]bool)
	for _, c := range columns {
		column := strings.ToLower(c.Name)
		if seen[column] {
			return failf("DUPLICATE_COLUMN_NAME: line %d:%d: Column name '%s' specified more than once", st.Line, st.Column, column)
		}
		seen[column] = true
		trino, hive := viewType(c)
		view.Columns = append(view.Columns, prestoViewColumn{column, trino})
		in.StorageDescriptor.Columns = append(in.StorageDescriptor.Columns, gluetypes.Column{Name: aws.String(column), Type: aws.String(hive)})
	}
	in.ViewOriginalText = aws.String(view.text())
	_, err = d.s.glue.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String(database), TableInput: in})
	if !exists(err) {
		return glueFailure(err)
	}
	old, err := d.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if err != nil {
		return glueFailure(err)
	}
	if aws.ToString(old.Table.TableType) != virtualView {
		return failf("TABLE_ALREADY_EXISTS: line %d:%d: Table already exists: 'awsdatacatalog.%s.%s'", st.Line, st.Column, database, name)
	}
	if !st.OrReplace {
		return failf("ALREADY_EXISTS: line %d:%d: View already exists: 'awsdatacatalog.%s.%s'", st.Line, st.Column, database, name)
	}
	_, err = d.s.glue.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: aws.String(database), TableInput: in})
	return glueFailure(err)
}

// viewType is a column's type in Trino's words, for the view, and in Hive's, for Glue.
func viewType(c lakesql.ResultColumn) (trino, hive string) {
	hive = "string"
	switch {
	case c.Hive != nil:
		hive = c.Hive.String()
	case c.Type == "timestamp with time zone":
		hive = "timestamp"
	}
	if trino = c.FullType; trino == "" {
		trino = c.Type
	}
	return trino, hive
}

// unix is the time that Hive keeps of a table's last change.
func (d *ddl) unix() string { return strconv.FormatInt(d.s.clock.Now().Unix(), 10) }
