package glue

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/s3uri"
)

// GetMapping, GetPlan: a script that copies a table into another, or to a location, column by column.
//
// Plans are in Python, and runs of script jobs take them as they are. Locations of JDBC and DynamoDB, and plans in Scala,
// are refused.

// planTable is a table that a plan names.
func (s *Service) planTable(sc scope, e *types.CatalogEntry) (*tableDoc, error) {
	if e == nil || aws.ToString(e.DatabaseName) == "" || aws.ToString(e.TableName) == "" {
		return nil, invalidInput("A catalog entry names a DatabaseName and a TableName.")
	}
	t, err := s.table(sc, fold(e.DatabaseName), fold(e.TableName))
	if err != nil {
		return nil, err
	}
	if t.Descriptor == nil {
		return nil, invalidInput("The table %s has no columns.", t.Name)
	}
	return t, nil
}

func planLocation(l *types.Location) (path string, err error) {
	if l == nil {
		return "", nil
	}
	if len(l.Jdbc) > 0 || len(l.DynamoDB) > 0 {
		return "", invalidInput("Locations of JDBC and DynamoDB are not supported: S3 is.")
	}
	for _, a := range l.S3 {
		if strings.EqualFold(aws.ToString(a.Name), "path") {
			path = strings.Trim(aws.ToString(a.Value), `"'`)
		}
	}
	if _, err := s3uri.Parse(path); err != nil {
		return "", invalidInput("Location.S3 has no argument path that is an s3:// location.")
	}
	return path, nil
}

// GetMapping proposes what becomes of each column of a table: the column of the sink that is called so, or the same.
func (s *Service) GetMapping(ctx context.Context, in *glue.GetMappingInput, _ ...func(*glue.Options)) (*glue.GetMappingOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	source, err := s.planTable(sc, in.Source)
	if err != nil {
		return nil, err
	}
	if _, err := planLocation(in.Location); err != nil {
		return nil, err
	}
	target := source
	if len(in.Sinks) > 0 {
		if target, err = s.planTable(sc, &in.Sinks[0]); err != nil {
			return nil, err
		}
	}
	columns := func(t *tableDoc) []columnDoc {
		return append(append([]columnDoc{}, t.Descriptor.Columns...), t.PartitionKeys...)
	}
	have := make(map[string]*string)
	for _, c := range columns(target) {
		have[strings.ToLower(c.Name)] = c.Type
	}
	out := &glue.GetMappingOutput{Mapping: []types.MappingEntry{}}
	for _, c := range columns(source) {
		kind, ok := have[strings.ToLower(c.Name)]
		if !ok {
			continue // the sink has nothing for it
		}
		out.Mapping = append(out.Mapping, types.MappingEntry{
			SourceTable: aws.String(source.Name), SourcePath: aws.String(c.Name), SourceType: c.Type,
			TargetTable: aws.String(target.Name), TargetPath: aws.String(c.Name), TargetType: kind,
		})
	}
	return out, nil
}

// GetPlan writes the script of a mapping.
func (s *Service) GetPlan(ctx context.Context, in *glue.GetPlanInput, _ ...func(*glue.Options)) (*glue.GetPlanOutput, error) {
	sc, err := scopeOf(ctx, nil)
	if err != nil {
		return nil, err
	}
	if in.Language == types.LanguageScala {
		return nil, invalidInput("Plans in Scala are not supported: those in Python are.")
	}
	source, err := s.planTable(sc, in.Source)
	if err != nil {
		return nil, err
	}
	path, err := planLocation(in.Location)
	if err != nil {
		return nil, err
	}
	if len(in.Sinks) > 1 {
		return nil, invalidInput("A plan has one sink, not %d.", len(in.Sinks))
	}
	for i := range in.Sinks {
		if _, err := s.planTable(sc, &in.Sinks[i]); err != nil {
			return nil, err
		}
	}
	nodes := []*flowNode{flow("datasource0", "DataSource", "", "database", py(fold(in.Source.DatabaseName)), "table_name", py(source.Name))}
	frame := "datasource0"
	if len(in.Mapping) > 0 {
		var parts []string
		for _, m := range in.Mapping {
			if aws.ToString(m.SourcePath) == "" {
				return nil, invalidInput("A mapping has no SourcePath.")
			}
			target := m.TargetPath
			if target == nil {
				target = m.SourcePath
			}
			parts = append(parts, fmt.Sprintf("(%s, %s, %s, %s)", py(*m.SourcePath), py(aws.ToString(m.SourceType)), py(*target), py(aws.ToString(m.TargetType))))
		}
		nodes = append(nodes, flow("applymapping1", "ApplyMapping", frame, "mapping", "["+strings.Join(parts, ", ")+"]"))
		frame = "applymapping1"
	}
	switch {
	case len(in.Sinks) == 1:
		nodes = append(nodes, flow("datasink2", "DataSink", frame, "database", py(fold(in.Sinks[0].DatabaseName)), "table_name", py(fold(in.Sinks[0].TableName))))
	case path != "":
		nodes = append(nodes, flow("datasink2", "DataSink", frame, "connection_type", py("s3"), "connection_options", `{"path": `+py(path)+"}", "format", py("glueparquet")))
	}
	return &glue.GetPlanOutput{PythonScript: aws.String(flowScript(nodes))}, nil
}

// flow is a node of a plan: names of arguments, each with its value; from is its input, if it has one.
func flow(id, kind, from string, args ...string) *flowNode {
	n := &flowNode{id: id, kind: kind}
	if from != "" {
		n.inputs = []flowInput{{"frame", from}}
	}
	for i := 0; i < len(args); i += 2 {
		n.args = append(n.args, types.CodeGenNodeArg{Name: &args[i], Value: &args[i+1]})
	}
	n.args = append(n.args, types.CodeGenNodeArg{Name: aws.String("transformation_ctx"), Value: aws.String(py(id))})
	return n
}
