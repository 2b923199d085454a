package glue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/awswire"
	"github.com/brookmere/brookmere/internal/engine/etl"
)

// The script of a visual job, in the form in which Glue Studio writes it: it is put at the job's
// ScriptLocation when the job is made or changed. The job itself runs by its graph, not by it.

// writeScript puts the script of a visual job where the job says. A script that cannot be put
// does not keep the job from being made, as nothing runs by it.
func (s *Service) writeScript(ctx context.Context, sc scope, d *jobDoc) {
	location := aws.ToString(d.Settings.Command.ScriptLocation)
	if !visual(&d.Settings) || location == "" || s.runs.objects == nil {
		return
	}
	bucket, key, err := splitLocation(location)
	if err != nil || key == "" {
		return
	}
	g, err := compileGraph(&d.Settings, s.cfg.SQL)
	if err == nil {
		ctx = awswire.Acting(ctx, sc.account, sc.region, "glue.amazonaws.com", roleARN(sc, aws.ToString(d.Settings.Role)), sc.arn("job/"+d.Name))
		_, err = s.runs.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader([]byte(jobScript(&d.Settings, g))), ContentType: aws.String("text/x-python"),
		})
	}
	if err != nil {
		s.logger.Warn("the script of a visual job could not be written", "job", d.Name, "location", location, "error", err)
	}
}

// scriptWriter writes Python.
type scriptWriter struct {
	b      strings.Builder
	indent string
	names  map[string]string // node id -> variable
}

func (w *scriptWriter) line(format string, args ...any) {
	if format == "" {
		w.b.WriteByte('\n')
		return
	}
	w.b.WriteString(w.indent)
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

// variable is the name of a node in Python.
func variable(id, name string) string {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
				return r
			}
			return -1
		}, s)
	}
	v := clean(name) + "_" + clean(strings.ReplaceAll(id, "-", ""))
	if v[0] >= '0' && v[0] <= '9' {
		v = "_" + v
	}
	return v
}

// py is a value as a Python literal.
func py(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case [][]string:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = py(strings.Join(p, "."))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []string:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = py(p)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // text and numbers
	return strings.TrimSuffix(b.String(), "\n")
}

// jobScript is the script of a graph.
func jobScript(u *types.JobUpdate, g *jobGraph) string {
	w := &scriptWriter{names: map[string]string{}}
	w.line("import sys")
	w.line("from awsglue.transforms import *")
	w.line("from awsglue.utils import getResolvedOptions")
	w.line("from pyspark.context import SparkContext")
	w.line("from awsglue.context import GlueContext")
	w.line("from awsglue.job import Job")
	if g.stream != nil {
		w.line("from pyspark.sql import DataFrame, Row")
		w.line("import datetime")
	}
	w.line("from awsglue import DynamicFrame")
	w.helpers(u)
	w.line("")
	if g.stream != nil {
		w.line(`args = getResolvedOptions(sys.argv, ["JOB_NAME", "TempDir"])`)
	} else {
		w.line(`args = getResolvedOptions(sys.argv, ["JOB_NAME"])`)
	}
	w.line("sc = SparkContext()")
	w.line("glueContext = GlueContext(sc)")
	w.line("spark = glueContext.spark_session")
	w.line("job = Job(glueContext)")
	w.line(`job.init(args["JOB_NAME"], args)`)
	w.line("")
	nodes := u.CodeGenConfigurationNodes
	for _, id := range g.graph.Order() {
		_, v := nodeKind(nodes[id])
		w.names[id] = variable(id, g.graph.Name(id))
		if w.source(g, id) {
			continue
		}
		if w.indent == "" && g.stream != nil {
			w.openBatch(g)
		}
		w.node(g, id, v)
	}
	if s := g.stream; s != nil {
		w.indent = ""
		w.line(`glueContext.forEachBatch(frame=dataframe_%s, batch_function=processBatch, options={"windowSize": "%d seconds", "checkpointLocation": args["TempDir"] + "/" + args["JOB_NAME"] + "/checkpoint/"})`,
			w.names[s.id], int(s.window/time.Second))
	}
	w.line("job.commit()")
	return w.b.String()
}

// helpers writes the imports and functions that nodes of some kinds need.
func (w *scriptWriter) helpers(u *types.JobUpdate) {
	var filter, route, aggregate, query, join, nulls, fill bool
	for _, n := range u.CodeGenConfigurationNodes {
		filter = filter || n.Filter != nil || n.Route != nil
		route, aggregate = route || n.Route != nil, aggregate || n.Aggregate != nil
		query, nulls = query || n.SparkSQL != nil, nulls || n.DropNullFields != nil
		join = join || n.Join != nil && n.Join.JoinType != types.JoinTypeEquijoin
		fill = fill || n.FillMissingValues != nil
	}
	if fill {
		w.line("from awsglueml.transforms import FillMissingValues")
	}
	if filter {
		w.line("import re")
	}
	if route {
		w.line("from awsglue.dynamicframe import DynamicFrameCollection")
	}
	if aggregate || nulls {
		w.line("from pyspark.sql import functions as SqlFuncs")
	}
	if nulls {
		w.line("from pyspark.sql.types import StructType, StringType, NumericType")
	}
	if route {
		w.b.WriteString(`

def threadedRoute(glueContext, source_DyF, group_filters):
    frames = {name: Filter.apply(frame=source_DyF, f=keep, transformation_ctx=name) for name, keep in group_filters.items()}
    return DynamicFrameCollection(frames, glueContext)
`)
	}
	if query {
		w.b.WriteString(`

def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    return DynamicFrame.fromDF(spark.sql(query), glueContext, transformation_ctx)
`)
	}
	if join {
		w.b.WriteString(`

def joined(glueContext, left, right, keys1, keys2, how, transformation_ctx):
    one, other = left.toDF(), right.toDF()
    renamed = {c: "." + c for c in other.columns if c in one.columns}
    for c, to in renamed.items():
        other = other.withColumnRenamed(c, to)
    on = [one[a] == other["` + "`" + `" + renamed[b] + "` + "`" + `" if b in renamed else b] for a, b in zip(keys1, keys2)]
    return DynamicFrame.fromDF(one.join(other, on, how), glueContext, transformation_ctx)
`)
	}
	if nulls {
		w.b.WriteString(`

def null_fields(df, schema, path, nullStringSet, nullIntegerSet):
    fields = []
    for field in schema:
        column = SqlFuncs.col(path + field.name)
        there = column.isNotNull()
        if isinstance(field.dataType, StringType) and nullStringSet:
            there = there & ~SqlFuncs.trim(column).isin(list(nullStringSet))
        if isinstance(field.dataType, NumericType) and nullIntegerSet:
            there = there & ~column.isin(list(nullIntegerSet))
        if df.filter(there).isEmpty():
            fields.append(path + field.name)
        elif isinstance(field.dataType, StructType):
            fields += null_fields(df, field.dataType, path + field.name + ".", nullStringSet, nullIntegerSet)
    return fields


def drop_nulls(glueContext, frame, nullStringSet, nullIntegerSet, transformation_ctx) -> DynamicFrame:
    df = frame.toDF()
    return DropFields.apply(frame=frame, paths=null_fields(df, df.schema, "", nullStringSet, nullIntegerSet), transformation_ctx=transformation_ctx)
`)
	}
	if aggregate {
		w.b.WriteString(`

def sparkAggregate(glueContext, parentFrame, groups, aggs, transformation_ctx):
    columns = [getattr(SqlFuncs, function)(column) for column, function in aggs]
    return DynamicFrame.fromDF(parentFrame.toDF().groupBy(*groups).agg(*columns), glueContext, transformation_ctx)
`)
	}
}

// openBatch begins the function that is called for each window.
func (w *scriptWriter) openBatch(g *jobGraph) {
	w.line("def processBatch(data_frame, batchId):")
	w.indent = "    "
	w.line("if data_frame.count() > 0:")
	w.indent = "        "
	w.line(`%s = DynamicFrame.fromDF(data_frame, glueContext, "from_data_frame")`, w.names[g.stream.id])
	w.line("now = datetime.datetime.now()")
	for _, part := range []string{"year", "month", "day", "hour"} {
		w.line("%s = now.%s", part, part)
	}
	w.line("")
}

// source writes a source; false where the node is none.
func (w *scriptWriter) source(g *jobGraph, id string) bool {
	name := w.names[id]
	if s := g.stream; s != nil && s.id == id {
		w.line("# Script generated for node %s", g.graph.Name(id))
		position := map[shardreader.StartKind]string{shardreader.Latest: "latest", shardreader.TrimHorizon: "earliest"}[s.start.Kind]
		if s.start.Kind == shardreader.AtTime {
			position = s.start.Time.UTC().Format("2006-01-02T15:04:05Z")
		}
		if s.table != "" {
			w.line(`dataframe_%s = glueContext.create_data_frame.from_catalog(database=%s, table_name=%s, additional_options={"startingPosition": %s, "inferSchema": %s}, transformation_ctx=%s)`,
				name, py(s.database), py(s.table), py(position), py(fmt.Sprint(s.detect)), py("dataframe_"+name))
		} else {
			key := "streamName"
			if strings.HasPrefix(s.stream, "arn:") {
				key = "streamARN"
			}
			w.line(`dataframe_%s = glueContext.create_data_frame.from_options(connection_type="kinesis", connection_options={"typeOfData": "kinesis", %s: %s, "classification": %s, "startingPosition": %s, "inferSchema": %s}, transformation_ctx=%s)`,
				name, py(key), py(s.stream), py(s.format.Classification), py(position), py(fmt.Sprint(s.detect)), py("dataframe_"+name))
		}
		w.line("")
		return true
	}
	i := slices.IndexFunc(g.files, func(f fileSource) bool { return f.id == id })
	if i < 0 {
		return false
	}
	f := &g.files[i]
	w.line("# Script generated for node %s", f.name)
	if f.table != "" {
		w.line(`%s = glueContext.create_dynamic_frame.from_catalog(database=%s, table_name=%s, push_down_predicate=%s, transformation_ctx=%s)`, name, py(f.database), py(f.table), py(f.predicate), py(name))
	} else {
		var paths []string
		for _, p := range f.paths {
			paths = append(paths, "s3://"+p.Bucket+"/"+p.Key)
		}
		options := `{"multiLine": "false"}`
		if f.read.Format == "csv" {
			options = csvScriptOptions(f.read)
		}
		if path := f.read.Path; len(path) > 0 {
			options = fmt.Sprintf(`{"jsonPath": %s, "multiLine": "true"}`, py("$"+strings.ReplaceAll("."+strings.Join(path, "."), ".[*]", "[*]")))
		}
		more := ""
		if len(f.exclusions) > 0 {
			more += `, "exclusions": ` + py(py(f.exclusions))
		}
		if f.boundedFiles > 0 {
			more += `, "boundedFiles": ` + py(strconv.FormatInt(f.boundedFiles, 10))
		}
		if f.boundedBytes > 0 {
			more += `, "boundedSize": ` + py(strconv.FormatInt(f.boundedBytes, 10))
		}
		w.line(`%s = glueContext.create_dynamic_frame.from_options(format_options=%s, connection_type="s3", format=%s, connection_options={"paths": %s, "recurse": %s%s}, transformation_ctx=%s)`,
			name, options, py(f.read.Format), py(paths), py(f.recurse), more, py(name))
	}
	w.line("")
	return true
}

// node writes a transform or a target.
func (w *scriptWriter) node(g *jobGraph, id string, v any) {
	name := w.names[id]
	w.line("# Script generated for node %s", g.graph.Name(id))
	input := func(inputs []string, i int) string {
		if i < len(inputs) {
			return w.names[inputs[i]]
		}
		return "None"
	}
	one := func(class string, inputs []string, arguments string) {
		w.line("%s = %s.apply(frame=%s, %s, transformation_ctx=%s)", name, class, input(inputs, 0), arguments, py(name))
	}
	switch v := v.(type) {
	case *types.ApplyMapping:
		m, _ := mappings(nil, nil, v.Mapping) // the graph was checked
		var parts []string
		for _, x := range m {
			parts = append(parts, fmt.Sprintf("(%s, \"string\", %s, %s)", py(strings.Join(x.From, ".")), py(strings.Join(x.To, ".")), py(x.ToType.String())))
		}
		one("ApplyMapping", v.Inputs, "mappings=["+strings.Join(parts, ", ")+"]")
	case *types.SelectFields:
		one("SelectFields", v.Inputs, "paths="+py(v.Paths))
	case *types.DropFields:
		one("DropFields", v.Inputs, "paths="+py(v.Paths))
	case *types.SplitFields:
		one("SplitFields", v.Inputs, "paths="+py(v.Paths))
	case *types.RenameField:
		one("RenameField", v.Inputs, fmt.Sprintf("old_name=%s, new_name=%s", py(strings.Join(v.SourcePath, ".")), py(strings.Join(v.TargetPath, "."))))
	case *types.Filter:
		one("Filter", v.Inputs, "f=lambda row: "+pythonFilter(filters(v.LogicalOperator, v.Filters)))
	case *types.SelectFromCollection:
		w.line("%s = SelectFromCollection.apply(dfc=%s, key=list(%s.keys())[%d], transformation_ctx=%s)", name, input(v.Inputs, 0), input(v.Inputs, 0), v.Index, py(name))
	case *types.DropDuplicates:
		w.line(`%s = DynamicFrame.fromDF(%s.toDF().dropDuplicates(%s), glueContext, %s)`, name, input(v.Inputs, 0), pyOptional(v.Columns), py(name))
	case *types.DropNullFields:
		texts, numbers := nullSets(dropNulls(v))
		w.line("%s = drop_nulls(glueContext, frame=%s, nullStringSet=%s, nullIntegerSet=%s, transformation_ctx=%s)", name, input(v.Inputs, 0), texts, numbers, py(name))
	case *types.FillMissingValues:
		output := ""
		if v.FilledPath != nil {
			output = ", output_column=" + py(strings.Join(jsonPathOf(v.FilledPath), "."))
		}
		one("FillMissingValues", v.Inputs, "missing_values_column="+py(strings.Join(jsonPathOf(v.ImputedPath), "."))+output)
	case *types.Merge:
		i := slices.Index(v.Inputs, aws.ToString(v.Source))
		w.line("%s = %s.mergeDynamicFrame(stage_dynamic_frame=%s, primary_keys=%s, transformation_ctx=%s)", name, input(v.Inputs, 1-i), input(v.Inputs, i), py(v.PrimaryKeys), py(name))
	case *types.Union:
		distinct := ""
		if v.UnionType == types.UnionTypeDistinct {
			distinct = ".distinct()"
		}
		w.line(`%s = DynamicFrame.fromDF(%s.toDF().unionByName(%s.toDF(), allowMissingColumns=True)%s, glueContext, %s)`, name, input(v.Inputs, 0), input(v.Inputs, 1), distinct, py(name))
	case *types.Join:
		j, _ := joinOf(v) // the graph was checked
		if j.Type != "equijoin" {
			w.line("%s = joined(glueContext, %s, %s, %s, %s, %s, %s)", name, input(v.Inputs, 0), input(v.Inputs, 1), py(j.Left), py(j.Right), py(j.Type), py(name))
			break
		}
		w.line("%s = Join.apply(frame1=%s, frame2=%s, keys1=%s, keys2=%s, transformation_ctx=%s)", name, input(v.Inputs, 0), input(v.Inputs, 1), py(j.Left), py(j.Right), py(name))
	case *types.Route:
		var parts []string
		for _, x := range v.GroupFiltersList {
			parts = append(parts, fmt.Sprintf("%s: lambda row: %s", py(aws.ToString(x.GroupName)), pythonFilter(filters(x.LogicalOperator, x.Filters))))
		}
		w.line("%s = threadedRoute(glueContext, source_DyF=%s, group_filters={%s})", name, input(v.Inputs, 0), strings.Join(parts, ", "))
	case *types.Aggregate:
		var parts []string
		for _, a := range v.Aggs {
			parts = append(parts, "["+py(strings.Join(a.Column, "."))+", "+py(string(a.AggFunc))+"]")
		}
		w.line("%s = sparkAggregate(glueContext, parentFrame=%s, groups=%s, aggs=[%s], transformation_ctx=%s)", name, input(v.Inputs, 0), py(v.Groups), strings.Join(parts, ", "), py(name))
	case *types.SparkSQL:
		var parts []string
		for _, a := range v.SqlAliases {
			parts = append(parts, py(aws.ToString(a.Alias))+": "+w.names[aws.ToString(a.From)])
		}
		w.line("%s = sparkSqlQuery(glueContext, query=%s, mapping={%s}, transformation_ctx=%s)", name, py(aws.ToString(v.SqlQuery)), strings.Join(parts, ", "), py(name))
	default:
		w.target(g, id)
	}
	w.line("")
}

// csvScriptOptions are the format_options of a CSV source.
func csvScriptOptions(o etl.ReadOptions) string {
	d, q, more := ",", py("\""), ""
	if o.Delimiter != 0 {
		d = string(o.Delimiter)
	}
	if o.Quote > 0 {
		q = py(string(o.Quote))
	} else if o.Quote < 0 {
		q = "-1"
	}
	if o.Escape != 0 {
		more += `, "escaper": ` + py(string(o.Escape))
	}
	if o.SkipFirst {
		more += `, "skipFirst": True`
	}
	return fmt.Sprintf(`{"quoteChar": %s, "withHeader": %s, "separator": %s%s}`, q, py(o.Header), py(d), more)
}

// nullSets are the texts and the numbers that count as null, as Python has sets.
func nullSets(t etl.DropNullFields) (texts, numbers string) {
	var s, n []string
	if t.Empty {
		s = append(s, py(""))
	}
	if t.NullText {
		s = append(s, py("null"))
	}
	if t.MinusOne {
		n = append(n, "-1")
	}
	for _, v := range t.Values {
		if strings.EqualFold(v.Type, "string") {
			s = append(s, py(strings.TrimSpace(v.Text)))
		} else if x, err := strconv.ParseFloat(strings.TrimSpace(v.Text), 64); err == nil && !math.IsInf(x, 0) && !math.IsNaN(x) {
			n = append(n, strconv.FormatFloat(x, 'g', -1, 64)) // as Python writes numbers: 007 is none to it
		}
	}
	set := func(all []string) string {
		if len(all) == 0 {
			return "set()"
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return set(s), set(n)
}

func pyOptional(paths [][]string) string {
	if len(paths) == 0 {
		return ""
	}
	return py(paths)
}

func pythonFilter(f etl.Filters) string {
	operand := func(o etl.Operand) string {
		if o.Path == nil {
			if json.Valid([]byte(o.Constant)) && strings.Trim(o.Constant, "0123456789.-") == "" && o.Constant != "" {
				return o.Constant
			}
			return py(o.Constant)
		}
		s := "row"
		for _, p := range o.Path {
			s += "[" + py(p) + "]"
		}
		return s
	}
	var parts []string
	for _, c := range f.Conditions {
		a := operand(c.Values[0])
		var p string
		switch c.Op {
		case "ISNULL":
			p = a + " is None"
		case "REGEX":
			p = fmt.Sprintf("bool(re.match(%s, %s))", operand(c.Values[1]), a)
		default:
			p = a + " " + map[string]string{"EQ": "==", "LT": "<", "GT": ">", "LTE": "<=", "GTE": ">="}[c.Op] + " " + operand(c.Values[1])
		}
		if c.Negated {
			p = "not (" + p + ")"
		}
		parts = append(parts, "("+p+")")
	}
	if f.Or {
		return strings.Join(parts, " or ")
	}
	return strings.Join(parts, " and ")
}

// target writes a target.
func (w *scriptWriter) target(g *jobGraph, id string) {
	t := &g.targets[slices.IndexFunc(g.targets, func(t jobTarget) bool { return t.id == id })]
	name, frame := w.names[id], w.names[g.graph.Input(id)]
	if t.catalog {
		w.line(`%s = glueContext.write_dynamic_frame.from_catalog(frame=%s, database=%s, table_name=%s, additional_options={"enableUpdateCatalog": %s, "partitionKeys": %s}, transformation_ctx=%s)`,
			name, frame, py(t.database), py(t.table), py(t.update != ""), pyList(t.keys), py(name))
		return
	}
	path := py("s3://" + t.bucket + "/" + strings.TrimSuffix(t.prefix, "/"))
	if g.stream != nil {
		w.line(`%s_path = %s + "/ingest_year=" + "{:0>4}".format(str(year)) + "/ingest_month=" + "{:0>2}".format(str(month)) + "/ingest_day=" + "{:0>2}".format(str(day)) + "/ingest_hour=" + "{:0>2}".format(str(hour)) + "/"`, name, path)
		path = name + "_path"
	}
	format := t.format.Name
	if format == "parquet" {
		format = "glueparquet"
	}
	if t.table == "" {
		w.line(`%s = glueContext.write_dynamic_frame.from_options(frame=%s, connection_type="s3", format=%s, connection_options={"path": %s, "partitionKeys": %s}, transformation_ctx=%s)`,
			name, frame, py(format), path, pyList(t.keys), py(name))
		return
	}
	w.line(`%s = glueContext.getSink(path=%s, connection_type="s3", updateBehavior=%s, partitionKeys=%s, enableUpdateCatalog=True, transformation_ctx=%s)`,
		name, path, py(string(t.update)), pyList(t.keys), py(name))
	w.line(`%s.setCatalogInfo(catalogDatabase=%s, catalogTableName=%s)`, name, py(t.database), py(t.table))
	compression := ""
	if t.format.Compression != "" {
		compression = ", compression=" + py(t.format.Compression)
	}
	w.line(`%s.setFormat(%s%s)`, name, py(format), compression)
	w.line(`%s.writeFrame(%s)`, name, frame)
}

func pyList(keys []string) string {
	if keys == nil {
		keys = []string{}
	}
	return py(keys)
}
