package athena

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// CREATE EXTERNAL TABLE, DROP TABLE, ALTER TABLE. Tables are
// external; Iceberg tables are refused, and so is what Athena has no form of: renaming a
// table, dropping a column.

// storage is what STORED AS stands for.
type storage struct{ input, output, serde string }

const (
	lazySimple = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
	textInput  = "org.apache.hadoop.mapred.TextInputFormat"
	textOutput = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
)

var storages = map[string]storage{
	"TEXTFILE": {textInput, textOutput, lazySimple},
	"JSONFILE": {textInput, textOutput, "org.apache.hive.hcatalog.data.JsonSerDe"},
	"PARQUET": {
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
	},
	"ORC": {
		"org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
		"org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
		"org.apache.hadoop.hive.ql.io.orc.OrcSerde",
	},
	"AVRO": {
		"org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
		"org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat",
		"org.apache.hadoop.hive.serde2.avro.AvroSerDe",
	},
	"SEQUENCEFILE": {
		"org.apache.hadoop.mapred.SequenceFileInputFormat",
		"org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
		lazySimple,
	},
	"RCFILE": {
		"org.apache.hadoop.hive.ql.io.RCFileInputFormat",
		"org.apache.hadoop.hive.ql.io.RCFileOutputFormat",
		"org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
	},
}

func init() { // what Hive calls them too
	for name, of := range map[string]string{"PARQUETFILE": "PARQUET", "ORCFILE": "ORC", "AVROFILE": "AVRO"} {
		storages[name] = storages[of]
	}
}

func glueColumns(in []sql.ColumnDef) ([]gluetypes.Column, error) {
	out := make([]gluetypes.Column, len(in))
	seen := make(map[string]bool)
	for i, c := range in {
		t, err := hivetype.Parse(c.Type)
		if err != nil {
			return nil, failf("FAILED: ParseException line %d:%d %s", c.Line, c.Column, err)
		}
		name := c.Name.Lower()
		if seen[name] {
			return nil, failf("FAILED: SemanticException [Error 10036]: Duplicate column name: %s", name)
		}
		seen[name] = true
		out[i] = gluetypes.Column{Name: aws.String(name), Type: aws.String(t.String()), Comment: optional(c.Comment)}
	}
	return out, nil
}

// tableInput is the Glue table of a CREATE EXTERNAL TABLE statement.
func tableInput(st *sql.CreateTable, now string) (*gluetypes.TableInput, error) {
	columns, err := glueColumns(st.Columns)
	if err != nil {
		return nil, err
	}
	keys, err := glueColumns(st.PartitionedBy)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if slices.ContainsFunc(columns, func(c gluetypes.Column) bool { return *c.Name == *k.Name }) {
			return nil, failf("FAILED: SemanticException [Error 10035]: Column repeated in partitioning columns")
		}
	}
	stored := st.StoredAs
	if stored == "" {
		stored = "TEXTFILE"
	}
	if stored == "ION" || st.RowFormat != nil && strings.HasSuffix(st.RowFormat.SerDe, ".IonHiveSerDe") || strings.HasPrefix(st.InputFormat, "com.amazon.ion.") {
		return nil, failf("NOT_SUPPORTED: Tables in the Amazon Ion format are not supported")
	}
	f, ok := storages[stored]
	if !ok {
		return nil, failf("FAILED: SemanticException Unrecognized file format in STORED AS clause: '%s'", stored)
	}
	if st.InputFormat != "" {
		f.input, f.output = st.InputFormat, st.OutputFormat
	}
	serde := map[string]string{"serialization.format": "1"}
	if r := st.RowFormat; r != nil && r.SerDe != "" {
		f.serde = r.SerDe
		maps.Copy(serde, pairs(r.Properties))
	} else if r != nil {
		if end := r.LinesTerminated; end != nil && *end != "\n" && *end != `\n` && *end != "10" {
			return nil, failf("FAILED: SemanticException [Error 10064]: LINES TERMINATED BY only supports newline '\\n' right now")
		}
		for key, v := range map[string]*string{
			"field.delim": r.FieldsTerminated, "escape.delim": r.Escaped, "colelction.delim": r.CollectionTerminated,
			"mapkey.delim": r.MapKeysTerminated, "line.delim": r.LinesTerminated, "serialization.null.format": r.NullDefined,
		} {
			if v != nil {
				serde[key] = *v
			}
		}
		if r.FieldsTerminated != nil {
			serde["serialization.format"] = *r.FieldsTerminated
		}
	}
	params := map[string]string{"EXTERNAL": "TRUE", "transient_lastDdlTime": now}
	maps.Copy(params, pairs(st.Properties))
	if st.Comment != "" {
		params["comment"] = st.Comment
	}
	buckets := int32(-1)
	if st.Buckets > 0 {
		buckets = int32(st.Buckets)
	}
	sd := &gluetypes.StorageDescriptor{
		Columns: columns, Location: aws.String(st.Location),
		InputFormat: aws.String(f.input), OutputFormat: aws.String(f.output),
		NumberOfBuckets: buckets, BucketColumns: []string{}, SortColumns: []gluetypes.Order{},
		SerdeInfo: &gluetypes.SerDeInfo{SerializationLibrary: aws.String(f.serde), Parameters: serde},
		SkewedInfo: &gluetypes.SkewedInfo{
			SkewedColumnNames: []string{}, SkewedColumnValues: []string{}, SkewedColumnValueLocationMaps: map[string]string{},
		},
		Parameters: map[string]string{},
	}
	for _, c := range st.ClusteredBy {
		sd.BucketColumns = append(sd.BucketColumns, c.Lower())
	}
	for _, c := range st.SortedBy {
		o := gluetypes.Order{Column: aws.String(c.Name.Lower()), SortOrder: 1}
		if c.Descending {
			o.SortOrder = 0
		}
		sd.SortColumns = append(sd.SortColumns, o)
	}
	return &gluetypes.TableInput{
		Name: aws.String(st.Name.Last()), Owner: aws.String("hadoop"), TableType: aws.String("EXTERNAL_TABLE"),
		Parameters: params, PartitionKeys: keys, StorageDescriptor: sd,
	}, nil
}

func (d *ddl) createTable(ctx context.Context, st *sql.CreateTable) error {
	database, name, err := d.name(st.Name)
	if err != nil {
		return err
	}
	if iceberg(pairs(st.Properties)) || len(st.PartitionTransforms) > 0 {
		return icebergRefused("CREATE TABLE " + database + "." + name)
	}
	if deltaLake(pairs(st.Properties)) {
		return deltaLakeRefused("CREATE TABLE " + database + "." + name)
	}
	if st.Like != nil {
		return failf("NOT_SUPPORTED: CREATE TABLE LIKE is not supported")
	}
	if !st.External {
		return failf("FAILED: SemanticException Only external tables are supported: use CREATE EXTERNAL TABLE")
	}
	if _, _, err := splitLocation(st.Location); err != nil {
		if st.Location == "" {
			return failf(ddlTask + "MetaException(message:The LOCATION of an external table must be given)")
		}
		return failf(ddlTask+"MetaException(message:%s is not a valid S3 location)", st.Location)
	}
	in, err := tableInput(st, d.unix())
	if err != nil {
		return err
	}
	if err := d.needDatabase(ctx, database); err != nil {
		return err
	}
	_, err = d.s.glue.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: aws.String(database), TableInput: in})
	if exists(err) {
		if st.IfNotExists {
			return nil
		}
		return failf(ddlTask+"AlreadyExistsException(message:Table %s already exists)", name)
	}
	return glueFailure(err)
}

// dropTable drops a table, or a view; the objects stay.
func (d *ddl) dropTable(ctx context.Context, n sql.QualifiedName, ifExists, view bool) error {
	database, name, err := d.name(n)
	if err != nil {
		return err
	}
	if view {
		t, err := d.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
		switch {
		case missing(err) && ifExists:
			return nil
		case missing(err):
			return failf("VIEW_NOT_FOUND: line %d:%d: View 'awsdatacatalog.%s.%s' does not exist", n.Line, n.Column, database, name)
		case err != nil:
			return glueFailure(err)
		case aws.ToString(t.Table.TableType) != virtualView:
			return failf("NOT_SUPPORTED: line %d:%d: '%s.%s' is a table, not a view: use DROP TABLE", n.Line, n.Column, database, name)
		}
	}
	_, err = d.s.glue.DeleteTable(ctx, &glue.DeleteTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if missing(err) {
		if ifExists {
			return nil
		}
		return noTable(name)
	}
	return glueFailure(err)
}

// updateOf is the input that would make the table as it is.
func updateOf(t *gluetypes.Table) *gluetypes.TableInput {
	return &gluetypes.TableInput{
		Name: t.Name, Description: t.Description, Owner: t.Owner, TableType: t.TableType, Retention: t.Retention,
		Parameters: maps.Clone(t.Parameters), PartitionKeys: t.PartitionKeys, StorageDescriptor: t.StorageDescriptor,
		ViewOriginalText: t.ViewOriginalText, ViewExpandedText: t.ViewExpandedText,
		LastAccessTime: t.LastAccessTime, LastAnalyzedTime: t.LastAnalyzedTime, TargetTable: t.TargetTable,
	}
}

func (d *ddl) alterTable(ctx context.Context, st *sql.AlterTable) error {
	database, t, err := d.table(ctx, st.Name)
	if err != nil {
		return err
	}
	if aws.ToString(t.TableType) == virtualView {
		return failf(ddlTask+"Cannot alter a view with ALTER TABLE: %s", aws.ToString(t.Name))
	}
	in := updateOf(t)
	if in.Parameters == nil {
		in.Parameters = make(map[string]string)
	}
	sd := gluetypes.StorageDescriptor{}
	if in.StorageDescriptor != nil {
		sd = *in.StorageDescriptor // the table keeps its own until the change is whole
	}
	in.StorageDescriptor = &sd
	switch a := st.Action.(type) {
	case *sql.AddPartitions:
		return d.addPartitions(ctx, database, t, a)
	case *sql.DropPartitions:
		return d.dropPartitions(ctx, database, t, a)
	case *sql.RenamePartition:
		return d.changePartition(ctx, database, t, st.Partition, func(p *gluetypes.PartitionInput) error {
			values, err := partitionValues(t, a.To)
			p.Values = values
			return err
		})
	case *sql.SetLocation:
		if _, _, err := splitLocation(a.Location); err != nil {
			return failf(ddlTask+"%s is not a valid S3 location", a.Location)
		}
		if st.Partition != nil {
			return d.changePartition(ctx, database, t, st.Partition, func(p *gluetypes.PartitionInput) error {
				p.StorageDescriptor.Location = aws.String(a.Location)
				return nil
			})
		}
		in.StorageDescriptor.Location = aws.String(a.Location)
	case *sql.SetTableProperties:
		if iceberg(pairs(a.Properties)) {
			return icebergRefused("ALTER TABLE " + database + "." + aws.ToString(t.Name))
		}
		maps.Copy(in.Parameters, pairs(a.Properties))
	case *sql.UnsetTableProperties:
		for _, k := range a.Keys {
			if _, ok := in.Parameters[k]; !ok && !a.IfExists {
				return failf(ddlTask + "Please use the following syntax if not sure whether the property existed or not: ALTER TABLE tableName UNSET TBLPROPERTIES IF EXISTS (key1, key2, ...)")
			}
			delete(in.Parameters, k)
		}
	case *sql.AddColumns:
		columns, err := glueColumns(a.Columns)
		if err != nil {
			return err
		}
		if !a.Replace {
			columns = append(slices.Clone(in.StorageDescriptor.Columns), columns...)
		}
		in.StorageDescriptor.Columns = columns
	case *sql.ChangeColumn:
		columns, err := changeColumn(in.StorageDescriptor.Columns, a)
		if err != nil {
			return err
		}
		in.StorageDescriptor.Columns = columns
	default:
		return failf("NOT_SUPPORTED: this form of ALTER TABLE is not supported")
	}
	seen := make(map[string]bool)
	for _, c := range slices.Concat(in.StorageDescriptor.Columns, in.PartitionKeys) {
		name := strings.ToLower(aws.ToString(c.Name))
		if seen[name] {
			return failf(ddlTask+"Duplicate column name: %s", name)
		}
		seen[name] = true
	}
	in.Parameters["transient_lastDdlTime"] = d.unix()
	_, err = d.s.glue.UpdateTable(ctx, &glue.UpdateTableInput{DatabaseName: aws.String(database), TableInput: in})
	return glueFailure(err)
}

func changeColumn(columns []gluetypes.Column, a *sql.ChangeColumn) ([]gluetypes.Column, error) {
	find := func(name string) int {
		return slices.IndexFunc(columns, func(c gluetypes.Column) bool { return strings.EqualFold(aws.ToString(c.Name), name) })
	}
	i := find(a.Old.Name)
	if i < 0 {
		return nil, failf(ddlTask+"Invalid column reference %s", a.Old.Lower())
	}
	changed, err := glueColumns([]sql.ColumnDef{a.New})
	if err != nil {
		return nil, err
	}
	if changed[0].Comment == nil {
		changed[0].Comment = columns[i].Comment
	}
	columns = slices.Delete(slices.Clone(columns), i, i+1)
	switch {
	case a.First:
		i = 0
	case a.After != nil:
		if i = find(a.After.Name); i < 0 {
			return nil, failf(ddlTask+"Invalid column reference %s", a.After.Lower())
		}
		i++
	}
	return slices.Insert(columns, i, changed[0]), nil
}
