package kinesisanalytics

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"
)

// Between the documents and the shapes of the first version of the API. There each part has a role
// of its own.

func resource1(arn, role *string) *resourceDoc {
	return &resourceDoc{ARN: aws.ToString(arn), Role: aws.ToString(role)}
}

func processor1(p *types.InputProcessingConfiguration) *resourceDoc {
	if p == nil || p.InputLambdaProcessor == nil {
		return nil
	}
	return resource1(p.InputLambdaProcessor.ResourceARN, p.InputLambdaProcessor.RoleARN)
}

func schema1(in *types.SourceSchema) schemaDoc {
	if in == nil {
		return schemaDoc{}
	}
	s := schemaDoc{Encoding: in.RecordEncoding, Columns: columns1(in.RecordColumns)}
	s.format1(in.RecordFormat)
	return s
}

func (s *schemaDoc) format1(f *types.RecordFormat) {
	if f == nil {
		return
	}
	s.Format, s.RowPath, s.RowDelimiter, s.ColumnDelimiter = string(f.RecordFormatType), nil, nil, nil
	if m := f.MappingParameters; m != nil {
		if m.JSONMappingParameters != nil {
			s.RowPath = m.JSONMappingParameters.RecordRowPath
		}
		if c := m.CSVMappingParameters; c != nil {
			s.RowDelimiter, s.ColumnDelimiter = c.RecordRowDelimiter, c.RecordColumnDelimiter
		}
	}
}

func columns1(in []types.RecordColumn) []columnDoc {
	out := make([]columnDoc, len(in))
	for i, c := range in {
		out[i] = columnDoc{aws.ToString(c.Name), aws.ToString(c.SqlType), c.Mapping}
	}
	return out
}

func input1(in *types.Input) inputDoc {
	d := inputDoc{Prefix: aws.ToString(in.NamePrefix), Parallelism: 1, Processor: processor1(in.InputProcessingConfiguration), Schema: schema1(in.InputSchema)}
	if in.InputParallelism != nil && in.InputParallelism.Count != nil {
		d.Parallelism = *in.InputParallelism.Count
	}
	if k := in.KinesisStreamsInput; k != nil {
		d.Stream = resource1(k.ResourceARN, k.RoleARN)
	}
	if f := in.KinesisFirehoseInput; f != nil {
		d.Delivery = resource1(f.ResourceARN, f.RoleARN)
	}
	return d
}

func output1(o *types.Output) outputDoc {
	d := outputDoc{Name: aws.ToString(o.Name)}
	if o.DestinationSchema != nil {
		d.Format = string(o.DestinationSchema.RecordFormatType)
	}
	if k := o.KinesisStreamsOutput; k != nil {
		d.Stream = resource1(k.ResourceARN, k.RoleARN)
	}
	if f := o.KinesisFirehoseOutput; f != nil {
		d.Delivery = resource1(f.ResourceARN, f.RoleARN)
	}
	if l := o.LambdaOutput; l != nil {
		d.Function = resource1(l.ResourceARN, l.RoleARN)
	}
	return d
}

func reference1(r *types.ReferenceDataSource) referenceDoc {
	d := referenceDoc{Table: aws.ToString(r.TableName), Schema: schema1(r.ReferenceSchema)}
	if s := r.S3ReferenceDataSource; s != nil {
		d.Bucket, d.Key, d.Role = aws.ToString(s.BucketARN), aws.ToString(s.FileKey), aws.ToString(s.ReferenceRoleARN)
	}
	return d
}

func logging1(l *types.CloudWatchLoggingOption) loggingDoc {
	return loggingDoc{Stream: aws.ToString(l.LogStreamARN), Role: aws.ToString(l.RoleARN)}
}

// update1 applies an update to the parts that there are.
func update1(d *applicationDoc, u *types.ApplicationUpdate) error {
	*d = *d.clone()
	if u.ApplicationCodeUpdate != nil {
		d.Code = *u.ApplicationCodeUpdate
	}
	for i := range u.InputUpdates {
		if err := updateInput1(d, &u.InputUpdates[i]); err != nil {
			return err
		}
	}
	for i := range u.OutputUpdates {
		if err := updateOutput1(d, &u.OutputUpdates[i]); err != nil {
			return err
		}
	}
	for _, r := range u.ReferenceDataSourceUpdates {
		p := find(d.References, referenceID, aws.ToString(r.ReferenceId))
		if p == nil {
			return noPart("Reference data source", aws.ToString(r.ReferenceId))
		}
		set(&p.Table, r.TableNameUpdate)
		if s := r.S3ReferenceDataSourceUpdate; s != nil {
			set(&p.Bucket, s.BucketARNUpdate)
			set(&p.Key, s.FileKeyUpdate)
			set(&p.Role, s.ReferenceRoleARNUpdate)
		}
		if r.ReferenceSchemaUpdate != nil {
			p.Schema = schema1(r.ReferenceSchemaUpdate)
		}
	}
	for _, l := range u.CloudWatchLoggingOptionUpdates {
		p := find(d.Logging, loggingID, aws.ToString(l.CloudWatchLoggingOptionId))
		if p == nil {
			return noPart("CloudWatch logging option", aws.ToString(l.CloudWatchLoggingOptionId))
		}
		set(&p.Stream, l.LogStreamARNUpdate)
		set(&p.Role, l.RoleARNUpdate)
	}
	return nil
}

func updateInput1(d *applicationDoc, u *types.InputUpdate) error {
	p := find(d.Inputs, inputID, aws.ToString(u.InputId))
	if p == nil {
		return noPart("Input", aws.ToString(u.InputId))
	}
	set(&p.Prefix, u.NamePrefixUpdate)
	if k := u.KinesisStreamsInputUpdate; k != nil {
		p.Stream, p.Delivery = replaced(p.Stream, k.ResourceARNUpdate, k.RoleARNUpdate), nil
	}
	if f := u.KinesisFirehoseInputUpdate; f != nil {
		p.Delivery, p.Stream = replaced(p.Delivery, f.ResourceARNUpdate, f.RoleARNUpdate), nil
	}
	if c := u.InputProcessingConfigurationUpdate; c != nil && c.InputLambdaProcessorUpdate != nil {
		p.Processor = replaced(p.Processor, c.InputLambdaProcessorUpdate.ResourceARNUpdate, c.InputLambdaProcessorUpdate.RoleARNUpdate)
	}
	if s := u.InputSchemaUpdate; s != nil {
		p.Schema.format1(s.RecordFormatUpdate)
		if s.RecordEncodingUpdate != nil {
			p.Schema.Encoding = s.RecordEncodingUpdate
		}
		if s.RecordColumnUpdates != nil {
			p.Schema.Columns = columns1(s.RecordColumnUpdates)
		}
	}
	if u.InputParallelismUpdate != nil {
		set(&p.Parallelism, u.InputParallelismUpdate.CountUpdate)
	}
	return nil
}

func updateOutput1(d *applicationDoc, u *types.OutputUpdate) error {
	p := find(d.Outputs, outputID, aws.ToString(u.OutputId))
	if p == nil {
		return noPart("Output", aws.ToString(u.OutputId))
	}
	set(&p.Name, u.NameUpdate)
	if u.DestinationSchemaUpdate != nil {
		p.Format = string(u.DestinationSchemaUpdate.RecordFormatType)
	}
	was := *p
	n := 0
	if k := u.KinesisStreamsOutputUpdate; k != nil {
		p.Stream, p.Delivery, p.Function = replaced(was.Stream, k.ResourceARNUpdate, k.RoleARNUpdate), nil, nil
		n++
	}
	if f := u.KinesisFirehoseOutputUpdate; f != nil {
		p.Stream, p.Delivery, p.Function = nil, replaced(was.Delivery, f.ResourceARNUpdate, f.RoleARNUpdate), nil
		n++
	}
	if l := u.LambdaOutputUpdate; l != nil {
		p.Stream, p.Delivery, p.Function = nil, nil, replaced(was.Function, l.ResourceARNUpdate, l.RoleARNUpdate)
		n++
	}
	if n > 1 {
		return invalid("An output has one destination.")
	}
	return nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// replaced is a resource with what an update says of it; a new one where there was none.
func replaced(was *resourceDoc, arn, role *string) *resourceDoc {
	var r resourceDoc
	if was != nil {
		r = *was
	}
	set(&r.ARN, arn)
	set(&r.Role, role)
	return &r
}

func (d *applicationDoc) summary1() types.ApplicationSummary {
	return types.ApplicationSummary{
		ApplicationName: &d.Name, ApplicationARN: aws.String(d.arn()), ApplicationStatus: types.ApplicationStatus(d.Status),
	}
}

func (d *applicationDoc) detail1() *types.ApplicationDetail {
	out := &types.ApplicationDetail{
		ApplicationName: &d.Name, ApplicationARN: aws.String(d.arn()), ApplicationStatus: types.ApplicationStatus(d.Status),
		ApplicationVersionId: &d.Version, CreateTimestamp: &d.Created, LastUpdateTimestamp: &d.Updated,
	}
	if d.Description != "" {
		out.ApplicationDescription = &d.Description
	}
	if d.Code != "" {
		out.ApplicationCode = &d.Code
	}
	for i := range d.Inputs {
		out.InputDescriptions = append(out.InputDescriptions, d.inputDescription1(&d.Inputs[i]))
	}
	for i := range d.Outputs {
		o := &d.Outputs[i]
		p := types.OutputDescription{OutputId: &o.ID, Name: &o.Name, DestinationSchema: &types.DestinationSchema{RecordFormatType: types.RecordFormatType(o.Format)}}
		switch r := o.target(); {
		case o.Stream != nil:
			p.KinesisStreamsOutputDescription = &types.KinesisStreamsOutputDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)}
		case o.Delivery != nil:
			p.KinesisFirehoseOutputDescription = &types.KinesisFirehoseOutputDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)}
		default:
			p.LambdaOutputDescription = &types.LambdaOutputDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)}
		}
		out.OutputDescriptions = append(out.OutputDescriptions, p)
	}
	for i := range d.References {
		r := &d.References[i]
		out.ReferenceDataSourceDescriptions = append(out.ReferenceDataSourceDescriptions, types.ReferenceDataSourceDescription{
			ReferenceId: &r.ID, TableName: &r.Table, ReferenceSchema: r.Schema.output1(),
			S3ReferenceDataSourceDescription: &types.S3ReferenceDataSourceDescription{BucketARN: &r.Bucket, FileKey: &r.Key, ReferenceRoleARN: d.role(r.Role)},
		})
	}
	for i := range d.Logging {
		l := &d.Logging[i]
		out.CloudWatchLoggingOptionDescriptions = append(out.CloudWatchLoggingOptionDescriptions, types.CloudWatchLoggingOptionDescription{
			CloudWatchLoggingOptionId: &l.ID, LogStreamARN: &l.Stream, RoleARN: d.role(l.Role),
		})
	}
	return out
}

// role is the role of a part for an answer; nil where there is none.
func (d *applicationDoc) role(role string) *string {
	if role = d.roleOf(role); role == "" {
		return nil
	}
	return &role
}

func (d *applicationDoc) inputDescription1(in *inputDoc) types.InputDescription {
	p := types.InputDescription{
		InputId: &in.ID, NamePrefix: &in.Prefix, InAppStreamNames: in.streams(), InputSchema: in.Schema.output1(),
		InputParallelism:                   &types.InputParallelism{Count: &in.Parallelism},
		InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: types.InputStartingPosition(in.Start)},
	}
	if r := in.Processor; r != nil {
		p.InputProcessingConfigurationDescription = &types.InputProcessingConfigurationDescription{
			InputLambdaProcessorDescription: &types.InputLambdaProcessorDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)},
		}
	}
	if r := in.Stream; r != nil {
		p.KinesisStreamsInputDescription = &types.KinesisStreamsInputDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)}
	}
	if r := in.Delivery; r != nil {
		p.KinesisFirehoseInputDescription = &types.KinesisFirehoseInputDescription{ResourceARN: &r.ARN, RoleARN: d.role(r.Role)}
	}
	return p
}

func (s *schemaDoc) output1() *types.SourceSchema {
	f := &types.RecordFormat{RecordFormatType: types.RecordFormatType(s.Format)}
	switch {
	case s.RowPath != nil:
		f.MappingParameters = &types.MappingParameters{JSONMappingParameters: &types.JSONMappingParameters{RecordRowPath: s.RowPath}}
	case s.RowDelimiter != nil:
		f.MappingParameters = &types.MappingParameters{CSVMappingParameters: &types.CSVMappingParameters{RecordRowDelimiter: s.RowDelimiter, RecordColumnDelimiter: s.ColumnDelimiter}}
	}
	out := &types.SourceSchema{RecordFormat: f, RecordEncoding: s.Encoding, RecordColumns: make([]types.RecordColumn, len(s.Columns))}
	for i := range s.Columns {
		c := &s.Columns[i]
		out.RecordColumns[i] = types.RecordColumn{Name: &c.Name, SqlType: &c.Type, Mapping: c.Mapping}
	}
	return out
}
