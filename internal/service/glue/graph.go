package glue

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/s3uri"
	"github.com/brookmere/brookmere/internal/awskit/shardreader"
	"github.com/brookmere/brookmere/internal/engine/etl"
	"github.com/brookmere/brookmere/internal/engine/hivetype"
)

// The graph of a visual job, from CodeGenConfigurationNodes to what package etl runs. Every kind
// of node that is not below is refused by its name.

// jobGraph is a graph that can be run.
type jobGraph struct {
	sql     etl.SQLEngine
	graph   *etl.Graph
	stream  *streamSource // of a streaming job
	files   []fileSource
	targets []jobTarget
}

type streamSource struct {
	id       string
	stream   string // name or ARN; "": the catalog's table says
	database string
	table    string
	detect   bool
	format   etl.RecordFormat
	window   time.Duration
	start    shardreader.Start
	consumer string // of enhanced fan-out
}

// key names what the source reads: a checkpoint is good for another graph with the same.
func (s *streamSource) key() string {
	if s.table != "" {
		return "catalog " + s.database + "." + s.table
	}
	return "stream " + s.stream
}

type fileSource struct {
	id, name        string
	boundedFiles    int64 // of a run with bookmarks; 0: all
	boundedBytes    int64
	paths           []s3uri.Location
	exclusions      []string
	recurse         bool
	read            etl.ReadOptions
	database, table string // of a catalog source
	predicate       string
}

type jobTarget struct {
	id, name        string
	bucket, prefix  string // prefix is empty or ends in a slash
	format          etl.Format
	keys            []string
	database, table string // "": the catalog is left alone
	update          types.UpdateCatalogBehavior
	catalog         bool // the table says where and how
	create          bool // the table, if it is not there
	parts           int  // objects of a run in a partition; 0: as many as their rows need
	quality         bool // Glue's default rules for the quality of data are evaluated
}

// windowBounds are those of Glue Studio, but for windows below a second.
const (
	defaultWindow = 100 * time.Second
	longestWindow = 24 * time.Hour
)

// compileGraph checks the graph of a job, whose SQL an engine runs.
func compileGraph(u *types.JobUpdate, sql etl.SQLEngine) (*jobGraph, error) {
	g := &jobGraph{sql: sql}
	var nodes []etl.Node
	ids := make([]string, 0, len(u.CodeGenConfigurationNodes))
	for id := range u.CodeGenConfigurationNodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		n, err := g.add(id, u.CodeGenConfigurationNodes[id])
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	streaming := aws.ToString(u.Command.Name) == commandStreaming
	switch {
	case streaming && g.stream == nil:
		return nil, invalidInput("A streaming job needs a Kinesis source.")
	case !streaming && g.stream != nil:
		return nil, invalidInput("A Kinesis source needs a job whose command is gluestreaming.")
	case g.stream == nil && len(g.files) == 0:
		return nil, invalidInput("The job has no source.")
	case len(g.targets) == 0:
		return nil, invalidInput("The job has no target.")
	}
	graph, err := etl.NewGraph(nodes)
	if err != nil {
		return nil, invalidInput("CodeGenConfigurationNodes: %v", err)
	}
	g.graph = graph
	return g, nil
}

// add takes one node.
func (g *jobGraph) add(id string, n types.CodeGenConfigurationNode) (etl.Node, error) {
	kind, v := nodeKind(n)
	if nodeKinds(n) > 1 {
		return etl.Node{}, invalidInput("The node %s is of several types: a node is of one.", id)
	}
	switch v := v.(type) {
	case *types.DirectKinesisSource:
		return g.addStream(id, v.Name, &streamSource{id: id, detect: v.DetectSchema == nil || *v.DetectSchema}, v.StreamingOptions, v.WindowSize)
	case *types.CatalogKinesisSource:
		return g.addStream(id, v.Name, &streamSource{
			id: id, detect: aws.ToBool(v.DetectSchema), database: fold(v.Database), table: fold(v.Table),
		}, v.StreamingOptions, v.WindowSize)
	case *types.S3CsvSource, *types.S3JsonSource, *types.S3ParquetSource, *types.S3CatalogSource, *types.CatalogSource:
		return g.addFiles(id, v)
	case *types.S3GlueParquetTarget, *types.S3DirectTarget, *types.S3CatalogTarget:
		return g.addTarget(id, v)
	case nil:
		return etl.Node{}, invalidInput("The node %s is empty.", id)
	}
	do, inputs, name, err := transformOf(v)
	if q, ok := v.(*types.SparkSQL); ok {
		do, inputs, name, err = g.sqlOf(q)
	}
	if err != nil {
		return etl.Node{}, invalidInput("The node %s (%s): %v", id, kind, err)
	}
	if do == nil {
		return etl.Node{}, invalidInput("Nodes of the type %s are not supported: use a script job for what they do. The node is %s.", kind, id)
	}
	return etl.Node{ID: id, Name: name, Inputs: inputs, Do: do}, nil
}

// nodeKinds counts the members of a node that are set.
func nodeKinds(n types.CodeGenConfigurationNode) (set int) {
	v := reflect.ValueOf(n)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			set++
		}
	}
	return set
}

// nodeKind is the one member of a node that is set.
func nodeKind(n types.CodeGenConfigurationNode) (string, any) {
	v := reflect.ValueOf(n)
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			return v.Type().Field(i).Name, f.Interface()
		}
	}
	return "", nil
}

func (g *jobGraph) addStream(id string, name *string, s *streamSource, o *types.KinesisStreamingSourceOptions, window *int32) (etl.Node, error) {
	if g.stream != nil {
		return etl.Node{}, invalidInput("A job has one streaming source, not several.")
	}
	if o == nil {
		o = &types.KinesisStreamingSourceOptions{}
	}
	s.stream = cmp.Or(aws.ToString(o.StreamArn), aws.ToString(o.StreamName))
	if s.table == "" && s.stream == "" {
		return etl.Node{}, invalidInput("The node %s names no stream: StreamArn or StreamName must be given.", id)
	}
	if aws.ToString(o.RoleArn) != "" {
		return etl.Node{}, invalidInput("The node %s: StreamingOptions.RoleArn is not supported.", id)
	}
	s.consumer = aws.ToString(o.FanoutConsumerARN)
	s.format = etl.RecordFormat{
		Classification: cmp.Or(strings.ToLower(aws.ToString(o.Classification)), "json"), Delimiter: aws.ToString(o.Delimiter),
		Timestamp: strings.EqualFold(aws.ToString(o.AddRecordTimestamp), "true"),
	}
	if s.format.Classification != "grok" || s.table == "" { // a table has its pattern
		if err := s.format.Check(); err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
	}
	s.window = defaultWindow
	if window != nil {
		s.window = time.Duration(*window) * time.Second
	}
	if s.window < time.Second || s.window > longestWindow {
		return etl.Node{}, invalidInput("The node %s: WindowSize must be between 1 and %d seconds.", id, int(longestWindow/time.Second))
	}
	switch strings.ToLower(string(o.StartingPosition)) {
	case "", "latest":
		s.start.Kind = shardreader.Latest
	case "earliest", "trim_horizon":
		s.start.Kind = shardreader.TrimHorizon
	case "timestamp":
		if o.StartingTimestamp == nil {
			return etl.Node{}, invalidInput("The node %s: StartingTimestamp must be given.", id)
		}
		s.start = shardreader.Start{Kind: shardreader.AtTime, Time: *o.StartingTimestamp}
	default:
		return etl.Node{}, invalidInput("The node %s: the starting position %q does not exist.", id, o.StartingPosition)
	}
	if o.StartingTimestamp != nil && o.StartingPosition == "" {
		s.start = shardreader.Start{Kind: shardreader.AtTime, Time: *o.StartingTimestamp}
	}
	g.stream = s
	return etl.Node{ID: id, Name: aws.ToString(name)}, nil
}

func (g *jobGraph) addFiles(id string, v any) (etl.Node, error) {
	f := fileSource{id: id, recurse: true}
	var paths []string
	recurse := func(r *bool) { f.recurse = r == nil || *r }
	switch v := v.(type) {
	case *types.S3CsvSource:
		f.name, paths, f.exclusions = aws.ToString(v.Name), v.Paths, v.Exclusions
		recurse(v.Recurse)
		read, err := csvOptions(v)
		if err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
		f.read = read
		if err := f.bound(v.AdditionalOptions); err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
	case *types.S3JsonSource:
		f.name, paths, f.exclusions = aws.ToString(v.Name), v.Paths, v.Exclusions
		recurse(v.Recurse)
		f.read.Format = "json"
		if err := errors.Join(f.jsonPath(aws.ToString(v.JsonPath)), f.bound(v.AdditionalOptions)); err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
	case *types.S3ParquetSource:
		f.name, paths, f.exclusions = aws.ToString(v.Name), v.Paths, v.Exclusions
		recurse(v.Recurse)
		f.read.Format = "parquet"
		if err := errors.Join(parquetSourceCodec(v.CompressionType), f.bound(v.AdditionalOptions)); err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
	case *types.S3CatalogSource:
		f.name, f.database, f.table, f.predicate = aws.ToString(v.Name), fold(v.Database), fold(v.Table), aws.ToString(v.PartitionPredicate)
		if o := v.AdditionalOptions; o != nil {
			if err := f.bounds(o.BoundedFiles, o.BoundedSize); err != nil {
				return etl.Node{}, invalidInput("The node %s: %v.", id, err)
			}
		}
	case *types.CatalogSource:
		f.name, f.database, f.table, f.predicate = aws.ToString(v.Name), fold(v.Database), fold(v.Table), aws.ToString(v.PartitionPredicate)
	}
	if f.table == "" && len(paths) == 0 {
		return etl.Node{}, invalidInput("The node %s has no path.", id)
	}
	for _, p := range paths {
		l, err := s3uri.Parse(p)
		if err != nil {
			return etl.Node{}, invalidInput("The node %s: S3 path is not valid: %s", id, p)
		}
		f.paths = append(f.paths, l)
	}
	g.files = append(g.files, f)
	return etl.Node{ID: id, Name: f.name}, nil
}

func (g *jobGraph) addTarget(id string, v any) (etl.Node, error) {
	t := jobTarget{id: id}
	var inputs []string
	var path string
	var keys [][]string
	var policy *types.DirectSchemaChangePolicy
	var quality *types.AutoDataQuality
	var parts *string
	switch v := v.(type) {
	case *types.S3GlueParquetTarget:
		quality, parts = v.AutoDataQuality, v.NumberTargetPartitions
		t.name, inputs, path, keys, policy = aws.ToString(v.Name), v.Inputs, aws.ToString(v.Path), v.PartitionKeys, v.SchemaChangePolicy
		t.format = etl.Format{Name: "parquet", Compression: string(v.Compression)}
	case *types.S3DirectTarget:
		quality, parts = v.AutoDataQuality, v.NumberTargetPartitions
		t.name, inputs, path, keys, policy = aws.ToString(v.Name), v.Inputs, aws.ToString(v.Path), v.PartitionKeys, v.SchemaChangePolicy
		t.format = etl.Format{Name: string(v.Format), Compression: strings.ToLower(aws.ToString(v.Compression))}
		if v.Format == "" {
			t.format.Name = "parquet"
		}
	case *types.S3CatalogTarget:
		quality = v.AutoDataQuality
		t.name, inputs, keys = aws.ToString(v.Name), v.Inputs, v.PartitionKeys
		t.database, t.table, t.catalog = fold(v.Database), fold(v.Table), true
		if p := v.SchemaChangePolicy; p != nil && aws.ToBool(p.EnableUpdateCatalog) {
			t.update = cmp.Or(p.UpdateBehavior, types.UpdateCatalogBehaviorUpdateInDatabase)
		}
	}
	t.quality = quality != nil && quality.IsEnabled
	var err error
	if t.parts, err = targetParts(aws.ToString(parts)); err != nil {
		return etl.Node{}, invalidInput("The node %s: %v.", id, err)
	}
	for _, k := range keys {
		t.keys = append(t.keys, strings.Join(k, "."))
	}
	if policy != nil && aws.ToBool(policy.EnableUpdateCatalog) {
		t.database, t.table, t.create = fold(policy.Database), fold(policy.Table), true
		t.update = cmp.Or(policy.UpdateBehavior, types.UpdateCatalogBehaviorUpdateInDatabase)
		if t.database == "" || t.table == "" {
			return etl.Node{}, invalidInput("The node %s: a SchemaChangePolicy that updates the catalog names a Database and a Table.", id)
		}
	}
	if !t.catalog {
		l, err := s3uri.Parse(path)
		if err != nil {
			return etl.Node{}, invalidInput("The node %s: S3 path is not valid: %s", id, path)
		}
		t.bucket, t.prefix = l.Bucket, folder(l.Key)
		if err := t.format.Check(); err != nil {
			return etl.Node{}, invalidInput("The node %s: %v.", id, err)
		}
	}
	if len(inputs) != 1 {
		return etl.Node{}, invalidInput("The node %s: a target has one input.", id)
	}
	g.targets = append(g.targets, t)
	return etl.Node{ID: id, Name: t.name, Inputs: inputs}, nil
}

// folder is a prefix that ends in a slash, unless it is empty.
func folder(prefix string) string {
	if prefix = strings.TrimRight(prefix, "/"); prefix == "" {
		return ""
	}
	return prefix + "/"
}

// transformOf makes the transform of a node; nil for one that is not supported.
func transformOf(v any) (do etl.Transform, inputs []string, name string, err error) {
	switch v := v.(type) {
	case *types.ApplyMapping:
		m, err := mappings(nil, nil, v.Mapping)
		return etl.ApplyMapping{Mappings: m}, v.Inputs, aws.ToString(v.Name), err
	case *types.SelectFields:
		return etl.SelectFields{Paths: v.Paths}, v.Inputs, aws.ToString(v.Name), nil
	case *types.DropFields:
		return etl.DropFields{Paths: v.Paths}, v.Inputs, aws.ToString(v.Name), nil
	case *types.RenameField:
		return etl.RenameField{From: v.SourcePath, To: v.TargetPath}, v.Inputs, aws.ToString(v.Name), nil
	case *types.SplitFields:
		return etl.SplitFields{Paths: v.Paths}, v.Inputs, aws.ToString(v.Name), nil
	case *types.SelectFromCollection:
		return etl.SelectFromCollection{Index: int(v.Index)}, v.Inputs, aws.ToString(v.Name), nil
	case *types.Filter:
		return etl.Filter{Filters: filters(v.LogicalOperator, v.Filters)}, v.Inputs, aws.ToString(v.Name), nil
	case *types.Route:
		var t etl.Route
		for _, g := range v.GroupFiltersList {
			t.Groups = append(t.Groups, filters(g.LogicalOperator, g.Filters))
		}
		return t, v.Inputs, aws.ToString(v.Name), nil
	case *types.DropDuplicates:
		return etl.DropDuplicates{Columns: v.Columns}, v.Inputs, aws.ToString(v.Name), nil
	case *types.DropNullFields:
		return dropNulls(v), v.Inputs, aws.ToString(v.Name), nil
	case *types.FillMissingValues:
		return etl.FillMissingValues{Column: jsonPathOf(v.ImputedPath), To: jsonPathOf(v.FilledPath)}, v.Inputs, aws.ToString(v.Name), nil
	case *types.Merge:
		i := slices.Index(v.Inputs, aws.ToString(v.Source))
		if i < 0 {
			return nil, nil, "", fmt.Errorf("the Source %q is not an input of the node", aws.ToString(v.Source))
		}
		return etl.Merge{Keys: v.PrimaryKeys, Staging: i}, v.Inputs, aws.ToString(v.Name), nil
	case *types.Union:
		return etl.Union{Distinct: v.UnionType == types.UnionTypeDistinct}, v.Inputs, aws.ToString(v.Name), nil
	case *types.Join:
		t, err := joinOf(v)
		return t, v.Inputs, aws.ToString(v.Name), err
	case *types.Aggregate:
		t := etl.Aggregate{Groups: v.Groups}
		for _, a := range v.Aggs {
			t.Aggs = append(t.Aggs, etl.Aggregation{Func: string(a.AggFunc), Column: a.Column})
		}
		return t, v.Inputs, aws.ToString(v.Name), nil
	}
	return nil, nil, "", nil
}

// sqlOf makes the transform of a query. What OutputSchemas says is kept, and nothing is done by it:
// columns have the types that the query gives them, as on AWS.
func (g *jobGraph) sqlOf(v *types.SparkSQL) (etl.Transform, []string, string, error) {
	t := etl.SQL{Query: aws.ToString(v.SqlQuery), Aliases: make([]string, len(v.Inputs)), Engine: g.sql}
	for _, a := range v.SqlAliases {
		i := slices.Index(v.Inputs, aws.ToString(a.From))
		if i < 0 {
			return nil, nil, "", fmt.Errorf("SqlAliases names %q, which is not an input of the node", aws.ToString(a.From))
		}
		if t.Aliases[i] != "" {
			return nil, nil, "", fmt.Errorf("SqlAliases names the input %q twice", aws.ToString(a.From))
		}
		t.Aliases[i] = aws.ToString(a.Alias)
	}
	return t, v.Inputs, aws.ToString(v.Name), nil
}

// mappings flattens the tree of an ApplyMapping.
func mappings(from, to []string, in []types.Mapping) ([]etl.Mapping, error) {
	var out []etl.Mapping
	for _, m := range in {
		if aws.ToBool(m.Dropped) {
			continue
		}
		source := append(slices.Clone(from), m.FromPath...)
		if len(from) > 0 && len(m.FromPath) > len(from) && slices.Equal(m.FromPath[:len(from)], from) {
			source = m.FromPath // it is said from the root
		}
		key := cmp.Or(aws.ToString(m.ToKey), strings.Join(m.FromPath, "."))
		target := append(slices.Clone(to), strings.Split(key, ".")...)
		if len(m.Children) > 0 {
			sub, err := mappings(source, target, m.Children)
			if err != nil {
				return nil, err
			}
			out = append(out, sub...)
			continue
		}
		name := cmp.Or(aws.ToString(m.ToType), aws.ToString(m.FromType), "string")
		t, err := hivetype.Parse(name)
		if err != nil {
			return nil, fmt.Errorf("the type %q of %s: %w", name, key, err)
		}
		out = append(out, etl.Mapping{From: source, To: target, ToType: t})
	}
	return out, nil
}

func filters(op types.FilterLogicalOperator, in []types.FilterExpression) etl.Filters {
	f := etl.Filters{Or: op == types.FilterLogicalOperatorOr}
	for _, e := range in {
		c := etl.Condition{Op: string(e.Operation), Negated: aws.ToBool(e.Negated)}
		for _, v := range e.Values {
			if v.Type == types.FilterValueTypeColumnextracted {
				c.Values = append(c.Values, etl.Operand{Path: v.Value})
			} else {
				c.Values = append(c.Values, etl.Operand{Constant: strings.Join(v.Value, ",")})
			}
		}
		f.Conditions = append(f.Conditions, c)
	}
	return f
}
