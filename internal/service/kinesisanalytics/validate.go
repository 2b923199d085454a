package kinesisanalytics

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/engine/streamsql"
)

// check checks an application as a whole, before it is stored.
func (s *Service) check(d *applicationDoc) error {
	switch {
	case len(d.Inputs) > maxInputs:
		return invalid("An application can have at most %d input.", maxInputs)
	case len(d.Outputs) > maxOutputs:
		return invalid("An application can have at most %d outputs.", maxOutputs)
	case len(d.References) > maxReferences:
		return invalid("An application can have at most %d reference data source.", maxReferences)
	case len(d.Logging) > maxLogging:
		return invalid("An application can have at most %d CloudWatch logging option.", maxLogging)
	}
	for i := range d.Inputs {
		if err := checkInput(&d.Inputs[i]); err != nil {
			return err
		}
	}
	for i := range d.Outputs {
		if err := checkOutput(&d.Outputs[i]); err != nil {
			return err
		}
	}
	for i := range d.References {
		r := &d.References[i]
		if a, ok := arn.Parse(r.Bucket); !ok || a.Service != "s3" || strings.Contains(a.Resource, "/") {
			return invalid("%s is not the ARN of a bucket.", r.Bucket)
		}
		if r.Key == "" {
			return invalid("A reference data source needs a FileKey.")
		}
		if err := checkSchema(&r.Schema); err != nil {
			return err
		}
	}
	for i := range d.Logging {
		if _, _, ok := logStream(d.Logging[i].Stream); !ok {
			return invalid("%s is not the ARN of a log stream.", d.Logging[i].Stream)
		}
		if a, _ := arn.Parse(d.Logging[i].Stream); a.Account != d.Account {
			return invalid("%s is the log stream of another account.", d.Logging[i].Stream)
		}
	}
	return checkCode(d)
}

func checkInput(in *inputDoc) error {
	if (in.Stream == nil) == (in.Delivery == nil) {
		return invalid("An input has either a KinesisStreamsInput or a KinesisFirehoseInput.")
	}
	if in.Parallelism < 1 || in.Parallelism > 64 {
		return invalid("InputParallelism is 1 to 64.")
	}
	if err := checkARN(in.Stream, "kinesis", "stream/"); err != nil {
		return err
	}
	if err := checkARN(in.Delivery, "firehose", "deliverystream/"); err != nil {
		return err
	}
	if err := checkARN(in.Processor, "lambda", "function:"); err != nil {
		return err
	}
	return checkSchema(&in.Schema)
}

func checkOutput(o *outputDoc) error {
	n := 0
	for _, r := range []*resourceDoc{o.Stream, o.Delivery, o.Function} {
		if r != nil {
			n++
		}
	}
	if n != 1 {
		return invalid("An output has one destination: a KinesisStreamsOutput, a KinesisFirehoseOutput or a LambdaOutput.")
	}
	if o.Format != "JSON" && o.Format != "CSV" {
		return invalid("The DestinationSchema of an output has the RecordFormatType JSON or CSV.")
	}
	if err := checkARN(o.Stream, "kinesis", "stream/"); err != nil {
		return err
	}
	if err := checkARN(o.Delivery, "firehose", "deliverystream/"); err != nil {
		return err
	}
	return checkARN(o.Function, "lambda", "function:")
}

// checkARN checks that a resource, if there is one, is of a service and a kind.
func checkARN(r *resourceDoc, service, kind string) error {
	if r == nil {
		return nil
	}
	a, ok := arn.Parse(r.ARN)
	if ok {
		_, ok = a.After(kind)
	}
	if !ok || a.Service != service {
		return invalid("%s is not the ARN of a resource %s%s.", r.ARN, service+":", kind)
	}
	return nil
}

func checkSchema(s *schemaDoc) error {
	switch s.Format {
	case "JSON":
		if s.RowDelimiter != nil {
			return invalid("The RecordFormatType JSON goes with JSONMappingParameters.")
		}
	case "CSV":
		if s.RowPath != nil {
			return invalid("The RecordFormatType CSV goes with CSVMappingParameters.")
		}
	default:
		return invalid("The RecordFormatType of a schema is JSON or CSV.")
	}
	if len(s.Columns) == 0 {
		return invalid("A schema has at least one column.")
	}
	seen := map[string]bool{}
	for _, c := range s.Columns {
		if c.Name == "" {
			return invalid("A column needs a name.")
		}
		if seen[c.Name] {
			return invalid("The column %s is there twice.", c.Name)
		}
		seen[c.Name] = true
		if _, err := streamsql.ParseType(c.Type); err != nil {
			return invalid("The SqlType %s of the column %s is not valid: %s", c.Type, c.Name, err)
		}
	}
	return nil
}

// checkCode checks an application's code as far as it can be: names that it does not know may be of
// parts that come later.
func checkCode(d *applicationDoc) error {
	if d.Code == "" {
		return nil
	}
	_, err := compile(d)
	var e *streamsql.Error
	if errors.As(err, &e) && isUnknownName(e) && (len(d.Inputs) == 0 || len(d.References) == 0) {
		return nil
	}
	if err != nil {
		return badCode(err)
	}
	return nil
}

// isUnknownName says whether a mistake is a name of a stream or table that is not there.
func isUnknownName(e *streamsql.Error) bool {
	return strings.HasPrefix(e.Message, "Object '") && strings.HasSuffix(e.Message, "not found")
}

// compile makes the plan of an application.
func compile(d *applicationDoc) (*streamsql.Plan, error) {
	var sources []streamsql.Source
	for i := range d.Inputs {
		in := &d.Inputs[i]
		schema, err := in.Schema.engine()
		if err != nil {
			return nil, err
		}
		for _, name := range in.streams() {
			sources = append(sources, streamsql.Source{Name: name, Schema: schema, Arrival: true})
		}
	}
	var references []streamsql.Reference
	for i := range d.References {
		schema, err := d.References[i].Schema.engine()
		if err != nil {
			return nil, err
		}
		references = append(references, streamsql.Reference{Name: d.References[i].Table, Schema: schema})
	}
	return streamsql.Compile(d.Code, sources, references)
}

// engine is the schema as the engine takes it.
func (s *schemaDoc) engine() (streamsql.Schema, error) {
	out := streamsql.Schema{RowPath: aws.ToString(s.RowPath), RowDelimiter: aws.ToString(s.RowDelimiter), ColumnDelimiter: aws.ToString(s.ColumnDelimiter)}
	if s.Format == "CSV" {
		out.Format = streamsql.CSV
	}
	for _, c := range s.Columns {
		t, err := streamsql.ParseType(c.Type)
		if err != nil {
			return out, err
		}
		out.Columns = append(out.Columns, streamsql.SourceColumn{Name: c.Name, Type: t, Mapping: aws.ToString(c.Mapping)})
	}
	return out, nil
}

// logStream is the group and the stream of the ARN of a log stream.
func logStream(s string) (group, stream string, ok bool) {
	a, ok := arn.Parse(s)
	if !ok || a.Service != "logs" {
		return "", "", false
	}
	rest, ok := a.After("log-group:")
	if !ok {
		return "", "", false
	}
	group, stream, ok = strings.Cut(rest, ":log-stream:")
	return group, stream, ok && group != "" && stream != ""
}
