package athena

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/lakesql"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/signature"
)

// SHOW and DESCRIBE. Answers have Hive's form: names and types of columns are padded
// with spaces to 20 characters, the fields of a line are parted by tabs and reach the
// client as one value.

// hivePattern compiles the pattern of SHOW: a star stands for any text, a bar parts
// alternatives, everything else for itself.
func hivePattern(p *string) func(string) bool {
	if p == nil {
		return func(string) bool { return true }
	}
	var b strings.Builder
	b.WriteString("(?i)^(?:")
	for _, r := range *p {
		switch r {
		case '*', '%':
			b.WriteString(".*")
		case '|':
			b.WriteByte('|')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(")$")
	return regexp.MustCompile(b.String()).MatchString
}

func pad(s string) string { return fmt.Sprintf("%-20s", s) }

func (d *ddl) showDatabases(ctx context.Context, st *sql.ShowDatabases) error {
	d.out.columns = textColumns("database_name")
	names, err := (&tables{glue: d.s.glue}).Databases(ctx)
	if err != nil {
		return glueFailure(err)
	}
	if !slices.Contains(names, "default") {
		names = append(names, "default")
		slices.Sort(names)
	}
	match := hivePattern(st.Like)
	for _, n := range names {
		if match(n) {
			d.out.line(n)
		}
	}
	return nil
}

// listTables calls f for the tables of a database that match.
func (d *ddl) listTables(ctx context.Context, name *sql.QualifiedName, like *string, f func(gluetypes.Table)) error {
	database := d.database
	if name != nil {
		database = name.Last()
	}
	all, err := allTables(ctx, d.s.glue, database)
	if missing(err) {
		if database == "default" {
			return nil
		}
		return noDatabase(database)
	}
	if err != nil {
		return glueFailure(err)
	}
	match := hivePattern(like)
	slices.SortFunc(all, func(a, b gluetypes.Table) int { return strings.Compare(aws.ToString(a.Name), aws.ToString(b.Name)) })
	for _, t := range all {
		if match(aws.ToString(t.Name)) {
			f(t)
		}
	}
	return nil
}

func (d *ddl) showTables(ctx context.Context, st *sql.ShowTables) error {
	d.out.columns = textColumns("tab_name")
	return d.listTables(ctx, st.Database, st.Like, func(t gluetypes.Table) { d.out.line(aws.ToString(t.Name)) })
}

func (d *ddl) showViews(ctx context.Context, st *sql.ShowViews) error {
	d.out.columns = varcharColumns("views")
	return d.listTables(ctx, st.Database, st.Like, func(t gluetypes.Table) {
		if aws.ToString(t.TableType) == virtualView {
			d.out.line(aws.ToString(t.Name))
		}
	})
}

// allColumns are the columns of a table with its partition keys.
func allColumns(t *gluetypes.Table) []gluetypes.Column {
	if t.StorageDescriptor == nil {
		return t.PartitionKeys
	}
	return slices.Concat(t.StorageDescriptor.Columns, t.PartitionKeys)
}

func (d *ddl) showColumns(ctx context.Context, st *sql.ShowColumns) error {
	d.out.columns = textColumns("field")
	_, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	match := hivePattern(st.Like)
	if d.describeView(t, match) {
		return nil
	}
	for _, c := range allColumns(t) {
		if name := aws.ToString(c.Name); match(name) {
			d.out.line(pad(name))
		}
	}
	return nil
}

func (d *ddl) showPartitions(ctx context.Context, st *sql.ShowPartitions) error {
	d.out.columns = textColumns("partition")
	database, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	if len(t.PartitionKeys) == 0 {
		return failf("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. Table %s is not a partitioned table", aws.ToString(t.Name))
	}
	return glueFailure(eachPartition(ctx, d.s.glue, database, aws.ToString(t.Name), "", false, func(p gluetypes.Partition) {
		if len(p.Values) == len(t.PartitionKeys) {
			d.out.line(partitionFolder(t, p.Values)) // escaped, as Hive shows names
		}
	}))
}

func (d *ddl) showTableProperties(ctx context.Context, st *sql.ShowTableProperties) error {
	d.out.columns = textColumns("prpt_name", "prpt_value")
	_, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	if st.Key != nil {
		if v, ok := t.Parameters[*st.Key]; ok {
			d.out.line(v)
		} else {
			d.out.line(fmt.Sprintf("Table %s does not have property: %s", aws.ToString(t.Name), *st.Key))
		}
		return nil
	}
	for _, k := range sortedKeys(t.Parameters) {
		d.out.line(k, t.Parameters[k])
	}
	return nil
}

func location(t *gluetypes.Table) string {
	if t.StorageDescriptor == nil {
		return ""
	}
	return aws.ToString(t.StorageDescriptor.Location)
}

func (d *ddl) showCreateView(ctx context.Context, st *sql.ShowCreateView) error {
	d.out.columns = varcharColumns("create view")
	database, name, err := d.name(st.View)
	if err != nil {
		return err
	}
	out, err := d.s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: aws.String(database), Name: aws.String(name)})
	if missing(err) {
		return failf("TABLE_NOT_FOUND: line %d:%d: View 'awsdatacatalog.%s.%s' does not exist", st.View.Line, st.View.Column, database, name)
	}
	if err != nil {
		return glueFailure(err)
	}
	v, ok, err := viewOf(out.Table)
	if err != nil {
		return badTable(database, name, "%v", err)
	}
	if !ok {
		return failf("NOT_SUPPORTED: line %d:%d: '%s.%s' is a table, not a view", st.View.Line, st.View.Column, database, name)
	}
	d.out.lines = append(d.out.lines, "CREATE VIEW "+database+"."+name+" AS")
	d.out.lines = append(d.out.lines, strings.Split(v.OriginalSQL, "\n")...)
	return nil
}

// showFunctions lists the functions that a query may call, a line a form. Its pattern is that
// of LIKE.
func (d *ddl) showFunctions(st *sql.ShowFunctions) error {
	d.out.columns = varcharColumns("Function", "Return Type", "Argument Types", "Function Type", "Deterministic", "Description")
	d.out.columns[4].Type = aws.String("boolean")
	match := likePattern(st.Like)
	for _, f := range lakesql.Functions().Sorted() {
		if f.Kind == signature.Expression || !match(f.Name) {
			continue
		}
		for _, form := range f.Forms {
			d.out.line(f.Name, string(form.Returns), form.Arguments(), f.Kind.String(), strconv.FormatBool(!f.Nondeterministic), f.Description)
		}
	}
	return nil
}

// likePattern compiles a pattern of LIKE, of which there may be none.
func likePattern(p *string) func(string) bool {
	if p == nil {
		return func(string) bool { return true }
	}
	expr := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(*p))
	return regexp.MustCompile("(?s)^" + expr + "$").MatchString
}

func quoteHive(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x01", `\u0001`).Replace(s) + "'"
}

func (d *ddl) showCreateTable(ctx context.Context, st *sql.ShowCreateTable) error {
	d.out.columns = textColumns("createtab_stmt")
	_, t, err := d.table(ctx, st.Table)
	if err != nil {
		return err
	}
	if aws.ToString(t.TableType) == virtualView {
		return failf("FAILED: SemanticException %s is a view: use SHOW CREATE VIEW", aws.ToString(t.Name))
	}
	d.out.lines = createStatement(t)
	return nil
}

// createStatement is the statement that makes the table, a line an element, in the
// layout that Hive prints.
func createStatement(t *gluetypes.Table) []string {
	var lines []string
	columns := func(list []gluetypes.Column, after string) {
		for i, c := range list {
			l := "  `" + strings.ToLower(aws.ToString(c.Name)) + "` " + aws.ToString(c.Type)
			if comment := aws.ToString(c.Comment); comment != "" {
				l += " COMMENT " + quoteHive(comment)
			}
			if i < len(list)-1 {
				l += ", "
			} else {
				l += after
			}
			lines = append(lines, l)
		}
	}
	sd := t.StorageDescriptor
	if sd == nil {
		sd = &gluetypes.StorageDescriptor{}
	}
	lines = append(lines, "CREATE EXTERNAL TABLE `"+aws.ToString(t.DatabaseName)+"."+aws.ToString(t.Name)+"`(")
	columns(sd.Columns, ")")
	if c := t.Parameters["comment"]; c != "" {
		lines = append(lines, "COMMENT "+quoteHive(c))
	}
	if len(t.PartitionKeys) > 0 {
		lines = append(lines, "PARTITIONED BY ( ")
		columns(t.PartitionKeys, ")")
	}
	if len(sd.BucketColumns) > 0 {
		lines = append(lines, "CLUSTERED BY ( ")
		for i, c := range sd.BucketColumns {
			l := "  `" + c + "`"
			if i < len(sd.BucketColumns)-1 {
				l += ", "
			} else {
				l += ") "
			}
			lines = append(lines, l)
		}
		lines = append(lines, fmt.Sprintf("INTO %d BUCKETS", sd.NumberOfBuckets))
	}
	properties := func(m map[string]string, skip ...string) {
		var keys []string
		for _, k := range sortedKeys(m) {
			if !slices.Contains(skip, k) {
				keys = append(keys, k)
			}
		}
		for i, k := range keys {
			l := "  " + quoteHive(k) + "=" + quoteHive(m[k])
			if i < len(keys)-1 {
				l += ", "
			} else {
				l += ")"
			}
			lines = append(lines, l)
		}
	}
	if s := sd.SerdeInfo; s != nil && aws.ToString(s.SerializationLibrary) != "" {
		lines = append(lines, "ROW FORMAT SERDE ", "  "+quoteHive(*s.SerializationLibrary)+" ")
		if n := len(s.Parameters); n > 1 || n == 1 && s.Parameters["serialization.format"] != "1" {
			lines = append(lines, "WITH SERDEPROPERTIES ( ")
			skip := ""
			if s.Parameters["serialization.format"] == "1" {
				skip = "serialization.format"
			}
			properties(s.Parameters, skip)
		}
	}
	if in := aws.ToString(sd.InputFormat); in != "" {
		lines = append(lines, "STORED AS INPUTFORMAT ", "  "+quoteHive(in)+" ", "OUTPUTFORMAT ", "  "+quoteHive(aws.ToString(sd.OutputFormat)))
	}
	if l := aws.ToString(sd.Location); l != "" {
		lines = append(lines, "LOCATION", "  "+quoteHive(l))
	}
	shown := 0
	for k := range t.Parameters {
		if k != "EXTERNAL" && k != "comment" {
			shown++
		}
	}
	if shown > 0 {
		lines = append(lines, "TBLPROPERTIES (")
		properties(t.Parameters, "EXTERNAL", "comment")
	}
	return lines
}
