package athena

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql"
)

// tables is the engine's catalog over the Glue API. One is made for each query, so that
// a table named twice is looked up once and is the same both times.
type tables struct {
	glue Catalog
	seen map[string]*lakesql.Table
}

func missing(err error) bool {
	var nf *gluetypes.EntityNotFoundException
	var api interface{ ErrorCode() string }
	return errors.As(err, &nf) || errors.As(err, &api) && api.ErrorCode() == "EntityNotFoundException"
}

// Table looks up a table or view.
func (c *tables) Table(ctx context.Context, database, name string) (*lakesql.Table, error) {
	key := database + "\x00" + name
	if t, ok := c.seen[key]; ok {
		return t, nil
	}
	out, err := c.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if missing(err) {
		if _, err := c.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String(database)}); missing(err) {
			return nil, lakesql.ErrNoDatabase
		}
		return nil, lakesql.ErrNoTable
	}
	if err != nil {
		return nil, err
	}
	t, err := engineTable(database, out.Table)
	if err != nil {
		return nil, err
	}
	if c.seen == nil {
		c.seen = make(map[string]*lakesql.Table)
	}
	c.seen[key] = t
	return t, nil
}

// partitionsSuffix is what the name of a table is followed by in that of the table of its
// partitions: "orders$partitions".
const partitionsSuffix = "$partitions"

// badTable is a table whose definition cannot be read.
func badTable(database, name, format string, args ...any) error {
	return failf("HIVE_INVALID_METADATA: table %s.%s: %s", database, name, fmt.Sprintf(format, args...))
}

func engineTable(database string, t *gluetypes.Table) (*lakesql.Table, error) {
	name := aws.ToString(t.Name)
	out := &lakesql.Table{Database: database, Name: name, Parameters: t.Parameters}
	if view, ok, err := viewOf(t); err != nil {
		return nil, badTable(database, name, "%v", err)
	} else if ok {
		out.ViewSQL = view.OriginalSQL
		for _, c := range view.Columns {
			out.ViewColumns = append(out.ViewColumns, lakesql.ViewColumn(c))
		}
		if view.Schema != "" {
			out.Database = view.Schema
		}
		return out, nil
	}
	if iceberg(t.Parameters) {
		return nil, icebergRefused(database + "." + name + " is an Iceberg table")
	}
	if deltaLake(t.Parameters) {
		return nil, deltaLakeRefused(database + "." + name + " is a Delta Lake table")
	}
	var err error
	if out.PartitionColumns, err = engineColumns(t.PartitionKeys); err != nil {
		return nil, badTable(database, name, "%v", err)
	}
	if sd := t.StorageDescriptor; sd != nil {
		if out.Columns, err = engineColumns(sd.Columns); err != nil {
			return nil, badTable(database, name, "%v", err)
		}
		out.Location, out.Format = aws.ToString(sd.Location), engineFormat(sd)
		if len(sd.BucketColumns) > 0 {
			out.Buckets = max(int(sd.NumberOfBuckets), 0)
		}
		if overStream(t) {
			// What Athena says where a location is the name of a stream.
			return nil, failf("HIVE_UNKNOWN_ERROR: Path is not absolute: %s", out.Location)
		}
	}
	return out, nil
}

// iceberg reports whether the properties of a table say that it is one of Iceberg's.
func iceberg(properties map[string]string) bool {
	for k, v := range properties {
		if strings.EqualFold(k, "table_type") && strings.EqualFold(v, "ICEBERG") {
			return true
		}
	}
	return false
}

// deltaLake reports whether the properties of a table say that it is one of Delta Lake's: its log says which of the files
// below its location are rows.
func deltaLake(properties map[string]string) bool {
	for k, v := range properties {
		if strings.EqualFold(v, "DELTA") && (strings.EqualFold(k, "table_type") || strings.EqualFold(k, "spark.sql.sources.provider")) {
			return true
		}
	}
	return false
}

// deltaLakeRefused is the error of what would need such tables, and what to do instead.
func deltaLakeRefused(what string) error {
	return failf("NOT_SUPPORTED: %s: Delta Lake tables are not supported. Create a Hive table over its manifest, with the input format org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat", what)
}

// icebergRefused is the error of what would need tables of Iceberg's, and what to do instead.
func icebergRefused(what string) error {
	return failf("NOT_SUPPORTED: %s: Iceberg tables are not supported. Leave out 'table_type' and create a Hive table, CREATE EXTERNAL TABLE ... STORED AS PARQUET, or CREATE TABLE ... WITH (format = 'PARQUET') AS SELECT", what)
}

// overStream reports whether a table is over a Kinesis stream, which Glue's jobs read and SQL does
// not.
func overStream(t *gluetypes.Table) bool {
	of := t.Parameters["typeOfData"]
	if sd := t.StorageDescriptor; sd != nil && of == "" {
		of = sd.Parameters["typeOfData"]
	}
	return strings.EqualFold(of, "kinesis")
}

func engineColumns(in []gluetypes.Column) ([]lakesql.Column, error) {
	out := make([]lakesql.Column, len(in))
	for i, c := range in {
		typ := aws.ToString(c.Type)
		if typ == "" {
			typ = "string"
		}
		t, err := hivetype.Parse(typ)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", aws.ToString(c.Name), err)
		}
		out[i] = lakesql.Column{Name: strings.ToLower(aws.ToString(c.Name)), Type: t, Comment: aws.ToString(c.Comment)}
	}
	return out, nil
}

func engineFormat(sd *gluetypes.StorageDescriptor) lakesql.Format {
	f := lakesql.Format{InputFormat: aws.ToString(sd.InputFormat)}
	if sd.SerdeInfo != nil {
		f.SerDe, f.SerDeParams = aws.ToString(sd.SerdeInfo.SerializationLibrary), sd.SerdeInfo.Parameters
	}
	return f
}

// Partitions lists all partitions of a table.
func (c *tables) Partitions(ctx context.Context, t *lakesql.Table) ([]lakesql.Partition, error) {
	type columns struct {
		list []lakesql.Column
		err  error
	}
	var out []lakesql.Partition
	parsed := map[string]columns{} // partitions mostly have the same columns
	err := eachPartition(ctx, c.glue, t.Database, t.Name, "", true, func(p gluetypes.Partition) {
		e := lakesql.Partition{Values: p.Values}
		if sd := p.StorageDescriptor; sd != nil {
			e.Location, e.Format = aws.ToString(sd.Location), engineFormat(sd)
			var key strings.Builder
			for _, c := range sd.Columns {
				fmt.Fprintf(&key, "%q %q ", aws.ToString(c.Name), aws.ToString(c.Type))
			}
			own, known := parsed[key.String()]
			if !known {
				own.list, own.err = engineColumns(sd.Columns)
				parsed[key.String()] = own
			}
			e.Columns, e.Unreadable = own.list, own.err
		}
		out = append(out, e)
	})
	return out, err
}

// eachPartition calls f with the partitions that an expression lets through (all if it is empty), with
// their columns where those are asked for.
func eachPartition(ctx context.Context, g Catalog, database, table, expression string, columns bool, f func(gluetypes.Partition)) error {
	in := &glue.GetPartitionsInput{DatabaseName: aws.String(database), TableName: aws.String(table), ExcludeColumnSchema: aws.Bool(!columns)}
	if expression != "" {
		in.Expression = aws.String(expression)
	}
	for {
		page, err := g.GetPartitions(ctx, in)
		if err != nil {
			return err
		}
		for _, p := range page.Partitions {
			f(p)
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return nil
		}
	}
}

// Databases lists the names of all databases, sorted.
func (c *tables) Databases(ctx context.Context) ([]string, error) {
	var names []string
	in := &glue.GetDatabasesInput{}
	for {
		page, err := c.glue.GetDatabases(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, d := range page.DatabaseList {
			names = append(names, aws.ToString(d.Name))
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			slices.Sort(names)
			return names, nil
		}
	}
}

// Tables lists the names of all tables and views of a database, sorted.
func (c *tables) Tables(ctx context.Context, database string) ([]string, error) {
	all, err := allTables(ctx, c.glue, database)
	if missing(err) {
		return nil, lakesql.ErrNoDatabase
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = aws.ToString(t.Name)
	}
	slices.Sort(names)
	return names, nil
}

func allTables(ctx context.Context, g Catalog, database string) ([]gluetypes.Table, error) {
	var all []gluetypes.Table
	in := &glue.GetTablesInput{DatabaseName: aws.String(database)}
	for {
		page, err := g.GetTables(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, page.TableList...)
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return all, nil
		}
	}
}

// prestoView is what ViewOriginalText of a view holds, in base64 within a comment.
type prestoView struct {
	OriginalSQL string             `json:"originalSql"`
	Catalog     string             `json:"catalog"`
	Schema      string             `json:"schema"`
	Columns     []prestoViewColumn `json:"columns"`
}

type prestoViewColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

const (
	viewBefore = "/* Presto View: "
	viewAfter  = " */"
)

func (v *prestoView) text() string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings always marshal
	}
	return viewBefore + base64.StdEncoding.EncodeToString(b) + viewAfter
}

const virtualView = "VIRTUAL_VIEW"

// viewOf decodes a view; false for a table.
func viewOf(t *gluetypes.Table) (*prestoView, bool, error) {
	if aws.ToString(t.TableType) != virtualView {
		return nil, false, nil
	}
	text := strings.TrimSpace(aws.ToString(t.ViewOriginalText))
	encoded, ok := strings.CutPrefix(text, strings.TrimSpace(viewBefore))
	if !ok {
		return nil, true, errors.New("only views made by Athena or Trino can be read")
	}
	encoded = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(encoded), "*/"))
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, true, fmt.Errorf("view text: %w", err)
	}
	v := new(prestoView)
	if err := json.Unmarshal(b, v); err != nil {
		return nil, true, fmt.Errorf("view text: %w", err)
	}
	return v, true, nil
}
