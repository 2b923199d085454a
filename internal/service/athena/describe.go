package athena

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// DESCRIBE, in the layout of Hive: of a table the columns with the partition keys once
// more, FORMATTED with everything else that the catalog knows, EXTENDED with the same as
// one line. A view is described by Trino's types.

func (d *ddl) describe(ctx context.Context, st *sql.Describe) error {
	d.out.columns = textColumns("col_name", "data_type", "comment")
	_, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	if st.Mode == "" && st.Column == nil && d.describeView(t, hivePattern(nil)) {
		return nil
	}
	if st.Column != nil {
		for _, c := range allColumns(t) {
			if strings.EqualFold(aws.ToString(c.Name), st.Column.Name) {
				comment := cmp.Or(aws.ToString(c.Comment), "from deserializer")
				d.out.line(pad(aws.ToString(c.Name)), pad(aws.ToString(c.Type)), pad(comment))
				return nil
			}
		}
		return failf("FAILED: SemanticException [Error 10004]: Invalid table alias or column reference %s", st.Column.Lower())
	}
	formatted := strings.EqualFold(st.Mode, "FORMATTED")
	columns := allColumns(t)
	if formatted {
		d.columnsHeader()
		if t.StorageDescriptor != nil {
			columns = t.StorageDescriptor.Columns
		}
	}
	d.describeColumns(columns)
	if len(t.PartitionKeys) > 0 {
		d.blank()
		d.heading("# Partition Information")
		d.columnsHeader()
		d.describeColumns(t.PartitionKeys)
	}
	switch {
	case formatted:
		d.describeFormatted(t)
	case strings.EqualFold(st.Mode, "EXTENDED"):
		d.blank()
		d.out.line("Detailed Table Information", tableText(t), "")
	}
	return nil
}

func (d *ddl) heading(text string) { d.out.line(text, " ", " ") }

func (d *ddl) blank() { d.heading("") }

func (d *ddl) columnsHeader() {
	d.out.line(pad("# col_name")+"  ", pad("data_type"), pad("comment"))
	d.blank()
}

func (d *ddl) describeColumns(columns []gluetypes.Column) {
	for _, c := range columns {
		d.out.line(pad(aws.ToString(c.Name)), pad(aws.ToString(c.Type)), pad(aws.ToString(c.Comment)))
	}
}

// describeFormatted is what FORMATTED adds.
func (d *ddl) describeFormatted(t *gluetypes.Table) {
	field := func(name, value string) { d.out.line(pad(name), pad(value), " ") }
	pairs := func(m map[string]string) {
		for _, k := range sortedKeys(m) {
			d.out.line("", pad(k), pad(m[k]))
		}
	}
	d.blank()
	d.heading("# Detailed Table Information")
	field("Database:", aws.ToString(t.DatabaseName))
	field("Owner:", aws.ToString(t.Owner))
	if t.CreateTime != nil {
		field("CreateTime:", t.CreateTime.UTC().Format("Mon Jan 02 15:04:05 UTC 2006"))
	}
	field("LastAccessTime:", "UNKNOWN")
	field("Protect Mode:", "None")
	field("Retention:", fmt.Sprint(t.Retention))
	if l := location(t); l != "" {
		field("Location:", l)
	}
	field("Table Type:", aws.ToString(t.TableType))
	if len(t.Parameters) > 0 {
		d.heading("Table Parameters:")
		pairs(t.Parameters)
	}
	d.blank()
	d.heading("# Storage Information")
	sd := t.StorageDescriptor
	if sd == nil {
		sd = &gluetypes.StorageDescriptor{}
	}
	serde := sd.SerdeInfo
	if serde != nil && aws.ToString(serde.SerializationLibrary) != "" {
		field("SerDe Library:", *serde.SerializationLibrary)
	}
	if in := aws.ToString(sd.InputFormat); in != "" {
		field("InputFormat:", in)
		field("OutputFormat:", aws.ToString(sd.OutputFormat))
	}
	compressed := "No"
	if sd.Compressed {
		compressed = "Yes"
	}
	field("Compressed:", compressed)
	if sd.NumberOfBuckets != 0 {
		field("Num Buckets:", fmt.Sprint(sd.NumberOfBuckets))
	}
	field("Bucket Columns:", "["+strings.Join(sd.BucketColumns, ", ")+"]")
	sorted := make([]string, len(sd.SortColumns))
	for i, o := range sd.SortColumns {
		sorted[i] = fmt.Sprintf("Order(col:%s, order:%d)", aws.ToString(o.Column), o.SortOrder)
	}
	field("Sort Columns:", "["+strings.Join(sorted, ", ")+"]")
	if serde != nil && len(serde.Parameters) > 0 {
		d.heading("Storage Desc Params:")
		pairs(serde.Parameters)
	}
}

// tableText is a table as Hive prints its object.
func tableText(t *gluetypes.Table) string {
	null := func(s *string) string {
		if s == nil {
			return "null"
		}
		return *s
	}
	columns := func(in []gluetypes.Column) string {
		parts := make([]string, len(in))
		for i, c := range in {
			parts[i] = fmt.Sprintf("FieldSchema(name:%s, type:%s, comment:%s)", aws.ToString(c.Name), aws.ToString(c.Type), null(c.Comment))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	pairs := func(m map[string]string) string {
		parts := make([]string, 0, len(m))
		for _, k := range sortedKeys(m) {
			parts = append(parts, k+"="+m[k])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Table(tableName:%s, dbName:%s, ", aws.ToString(t.Name), aws.ToString(t.DatabaseName))
	if t.Owner != nil {
		fmt.Fprintf(&b, "owner:%s, ", *t.Owner)
	}
	if t.CreateTime != nil {
		fmt.Fprintf(&b, "createTime:%d, ", t.CreateTime.Unix())
	}
	fmt.Fprintf(&b, "lastAccessTime:0, retention:%d, ", t.Retention)
	sd := t.StorageDescriptor
	if sd == nil {
		sd = &gluetypes.StorageDescriptor{}
	}
	fmt.Fprintf(&b, "sd:StorageDescriptor(cols:%s, ", columns(sd.Columns))
	for _, f := range []struct {
		name  string
		value *string
	}{{"location", sd.Location}, {"inputFormat", sd.InputFormat}, {"outputFormat", sd.OutputFormat}} {
		if aws.ToString(f.value) != "" {
			fmt.Fprintf(&b, "%s:%s, ", f.name, *f.value)
		}
	}
	fmt.Fprintf(&b, "compressed:%t, ", sd.Compressed)
	if sd.NumberOfBuckets != 0 {
		fmt.Fprintf(&b, "numBuckets:%d, ", sd.NumberOfBuckets)
	}
	if s := sd.SerdeInfo; s != nil && s.SerializationLibrary != nil {
		fmt.Fprintf(&b, "serdeInfo:SerDeInfo(name:%s, serializationLib:%s, parameters:%s), ", null(s.Name), *s.SerializationLibrary, pairs(s.Parameters))
	}
	fmt.Fprintf(&b, "bucketCols:[%s], sortCols:[], parameters:%s, storedAsSubDirectories:%t), ",
		strings.Join(sd.BucketColumns, ", "), pairs(sd.Parameters), sd.StoredAsSubDirectories)
	fmt.Fprintf(&b, "partitionKeys:%s, ", columns(t.PartitionKeys))
	if len(t.Parameters) > 0 {
		fmt.Fprintf(&b, "parameters:%s, ", pairs(t.Parameters))
	}
	fmt.Fprintf(&b, "tableType:%s)", aws.ToString(t.TableType))
	return b.String()
}

// describeView lists the columns of a view by Trino's types; false where it is a table.
func (d *ddl) describeView(t *gluetypes.Table, match func(string) bool) bool {
	v, ok, err := viewOf(t)
	if !ok || err != nil {
		return false
	}
	d.out.columns, d.out.view = varcharColumns("column", "type"), true
	for _, c := range v.Columns {
		if match(c.Name) {
			d.out.line(c.Name, c.Type)
		}
	}
	return true
}
