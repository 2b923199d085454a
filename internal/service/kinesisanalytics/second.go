package kinesisanalytics

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2/types"
)

// Between the documents and the shapes of the second version of the API, where an application has one role for
// all parts.

func resource2(arn *string) *resourceDoc { return &resourceDoc{ARN: aws.ToString(arn)} }

func processor2(p *types.InputProcessingConfiguration) *resourceDoc {
	if p == nil || p.InputLambdaProcessor == nil {
		return nil
	}
	return resource2(p.InputLambdaProcessor.ResourceARN)
}

func schema2(in *types.SourceSchema) schemaDoc {
	if in == nil {
		return schemaDoc{}
	}
	s := schemaDoc{Encoding: in.RecordEncoding, Columns: columns2(in.RecordColumns)}
	s.format2(in.RecordFormat)
	return s
}

func (s *schemaDoc) format2(f *types.RecordFormat) {
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

func columns2(in []types.RecordColumn) []columnDoc {
	out := make([]columnDoc, len(in))
	for i, c := range in {
		out[i] = columnDoc{aws.ToString(c.Name), aws.ToString(c.SqlType), c.Mapping}
	}
	return out
}

func input2(in *types.Input) inputDoc {
	d := inputDoc{Prefix: aws.ToString(in.NamePrefix), Parallelism: 1, Processor: processor2(in.InputProcessingConfiguration), Schema: schema2(in.InputSchema)}
	if in.InputParallelism != nil && in.InputParallelism.Count != nil {
		d.Parallelism = *in.InputParallelism.Count
	}
	if k := in.KinesisStreamsInput; k != nil {
		d.Stream = resource2(k.ResourceARN)
	}
	if f := in.KinesisFirehoseInput; f != nil {
		d.Delivery = resource2(f.ResourceARN)
	}
	return d
}

func output2(o *types.Output) outputDoc {
	d := outputDoc{Name: aws.ToString(o.Name)}
	if o.DestinationSchema != nil {
		d.Format = string(o.DestinationSchema.RecordFormatType)
	}
	if k := o.KinesisStreamsOutput; k != nil {
		d.Stream = resource2(k.ResourceARN)
	}
	if f := o.KinesisFirehoseOutput; f != nil {
		d.Delivery = resource2(f.ResourceARN)
	}
	if l := o.LambdaOutput; l != nil {
		d.Function = resource2(l.ResourceARN)
	}
	return d
}

func reference2(r *types.ReferenceDataSource) referenceDoc {
	d := referenceDoc{Table: aws.ToString(r.TableName), Schema: schema2(r.ReferenceSchema)}
	if s := r.S3ReferenceDataSource; s != nil {
		d.Bucket, d.Key = aws.ToString(s.BucketARN), aws.ToString(s.FileKey)
	}
	return d
}

func logging2(l *types.CloudWatchLoggingOption) loggingDoc {
	return loggingDoc{Stream: aws.ToString(l.LogStreamARN)}
}

// update1 applies an update to the parts that there are.
func update2(d *applicationDoc, in *kinesisanalyticsv2.UpdateApplicationInput) error {
	*d = *d.clone()
	set(&d.Role, in.ServiceExecutionRoleUpdate)
	u := in.ApplicationConfigurationUpdate
	if u == nil {
		u = &types.ApplicationConfigurationUpdate{}
	}
	if c := u.ApplicationCodeConfigurationUpdate; c != nil && c.CodeContentUpdate != nil {
		set(&d.Code, c.CodeContentUpdate.TextContentUpdate)
	}
	q := u.SqlApplicationConfigurationUpdate
	if q == nil {
		q = &types.SqlApplicationConfigurationUpdate{}
	}
	for i := range q.InputUpdates {
		if err := updateInput2(d, &q.InputUpdates[i]); err != nil {
			return err
		}
	}
	for i := range q.OutputUpdates {
		if err := updateOutput2(d, &q.OutputUpdates[i]); err != nil {
			return err
		}
	}
	for _, r := range q.ReferenceDataSourceUpdates {
		p := find(d.References, referenceID, aws.ToString(r.ReferenceId))
		if p == nil {
			return noPart("Reference data source", aws.ToString(r.ReferenceId))
		}
		set(&p.Table, r.TableNameUpdate)
		if s := r.S3ReferenceDataSourceUpdate; s != nil {
			set(&p.Bucket, s.BucketARNUpdate)
			set(&p.Key, s.FileKeyUpdate)
		}
		if r.ReferenceSchemaUpdate != nil {
			p.Schema = schema2(r.ReferenceSchemaUpdate)
		}
	}
	for _, l := range in.CloudWatchLoggingOptionUpdates {
		p := find(d.Logging, loggingID, aws.ToString(l.CloudWatchLoggingOptionId))
		if p == nil {
			return noPart("CloudWatch logging option", aws.ToString(l.CloudWatchLoggingOptionId))
		}
		set(&p.Stream, l.LogStreamARNUpdate)
	}
	return nil
}

func updateInput2(d *applicationDoc, u *types.InputUpdate) error {
	p := find(d.Inputs, inputID, aws.ToString(u.InputId))
	if p == nil {
		return noPart("Input", aws.ToString(u.InputId))
	}
	set(&p.Prefix, u.NamePrefixUpdate)
	if k := u.KinesisStreamsInputUpdate; k != nil {
		p.Stream, p.Delivery = replaced(p.Stream, k.ResourceARNUpdate, nil), nil
	}
	if f := u.KinesisFirehoseInputUpdate; f != nil {
		p.Delivery, p.Stream = replaced(p.Delivery, f.ResourceARNUpdate, nil), nil
	}
	if c := u.InputProcessingConfigurationUpdate; c != nil && c.InputLambdaProcessorUpdate != nil {
		p.Processor = replaced(p.Processor, c.InputLambdaProcessorUpdate.ResourceARNUpdate, nil)
	}
	if s := u.InputSchemaUpdate; s != nil {
		p.Schema.format2(s.RecordFormatUpdate)
		if s.RecordEncodingUpdate != nil {
			p.Schema.Encoding = s.RecordEncodingUpdate
		}
		if s.RecordColumnUpdates != nil {
			p.Schema.Columns = columns2(s.RecordColumnUpdates)
		}
	}
	if u.InputParallelismUpdate != nil {
		set(&p.Parallelism, u.InputParallelismUpdate.CountUpdate)
	}
	return nil
}

func updateOutput2(d *applicationDoc, u *types.OutputUpdate) error {
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
		p.Stream, p.Delivery, p.Function = replaced(was.Stream, k.ResourceARNUpdate, nil), nil, nil
		n++
	}
	if f := u.KinesisFirehoseOutputUpdate; f != nil {
		p.Stream, p.Delivery, p.Function = nil, replaced(was.Delivery, f.ResourceARNUpdate, nil), nil
		n++
	}
	if l := u.LambdaOutputUpdate; l != nil {
		p.Stream, p.Delivery, p.Function = nil, nil, replaced(was.Function, l.ResourceARNUpdate, nil)
		n++
	}
	if n > 1 {
		return invalid("An output has one destination.")
	}
	return nil
}

func (d *applicationDoc) summary2() types.ApplicationSummary {
	return types.ApplicationSummary{
		ApplicationName: &d.Name, ApplicationARN: aws.String(d.arn()), ApplicationStatus: types.ApplicationStatus(d.Status),
		ApplicationVersionId: &d.Version, RuntimeEnvironment: types.RuntimeEnvironmentSql10,
	}
}

func (d *applicationDoc) detail2() *types.ApplicationDetail {
	out := &types.ApplicationDetail{
		ApplicationName: &d.Name, ApplicationARN: aws.String(d.arn()), ApplicationStatus: types.ApplicationStatus(d.Status), ApplicationVersionId: &d.Version,
		ApplicationDescription: optional(d.Description), CreateTimestamp: &d.Created, LastUpdateTimestamp: &d.Updated,
		RuntimeEnvironment: types.RuntimeEnvironmentSql10, ServiceExecutionRole: optional(d.Role), CloudWatchLoggingOptionDescriptions: d.loggingDescriptions2(),
		ApplicationConfigurationDescription: &types.ApplicationConfigurationDescription{
			SqlApplicationConfigurationDescription: &types.SqlApplicationConfigurationDescription{
				InputDescriptions: d.inputDescriptions2(), OutputDescriptions: d.outputDescriptions2(), ReferenceDataSourceDescriptions: d.referenceDescriptions2(),
			},
		},
	}
	if d.Code != "" {
		out.ApplicationConfigurationDescription.ApplicationCodeConfigurationDescription = &types.ApplicationCodeConfigurationDescription{
			CodeContentType: types.CodeContentTypePlaintext, CodeContentDescription: &types.CodeContentDescription{TextContent: &d.Code},
		}
	}
	return out
}

func (d *applicationDoc) inputDescriptions2() (out []types.InputDescription) {
	for i := range d.Inputs {
		out = append(out, d.inputDescription2(&d.Inputs[i]))
	}
	return out
}

func (d *applicationDoc) outputDescriptions2() (out []types.OutputDescription) {
	for i := range d.Outputs {
		o := &d.Outputs[i]
		p := types.OutputDescription{OutputId: &o.ID, Name: &o.Name, DestinationSchema: &types.DestinationSchema{RecordFormatType: types.RecordFormatType(o.Format)}}
		switch r := o.target(); {
		case o.Stream != nil:
			p.KinesisStreamsOutputDescription = &types.KinesisStreamsOutputDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)}
		case o.Delivery != nil:
			p.KinesisFirehoseOutputDescription = &types.KinesisFirehoseOutputDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)}
		default:
			p.LambdaOutputDescription = &types.LambdaOutputDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)}
		}
		out = append(out, p)
	}
	return out
}

func (d *applicationDoc) referenceDescriptions2() (out []types.ReferenceDataSourceDescription) {
	for i := range d.References {
		r := &d.References[i]
		out = append(out, types.ReferenceDataSourceDescription{
			ReferenceId: &r.ID, TableName: &r.Table, ReferenceSchema: r.Schema.output2(),
			S3ReferenceDataSourceDescription: &types.S3ReferenceDataSourceDescription{BucketARN: &r.Bucket, FileKey: &r.Key, ReferenceRoleARN: optional(r.Role)},
		})
	}
	return out
}

func (d *applicationDoc) loggingDescriptions2() (out []types.CloudWatchLoggingOptionDescription) {
	for i := range d.Logging {
		l := &d.Logging[i]
		out = append(out, types.CloudWatchLoggingOptionDescription{
			CloudWatchLoggingOptionId: &l.ID, LogStreamARN: &l.Stream, RoleARN: optional(l.Role),
		})
	}
	return out
}

// optional is a text of an answer that is left out when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (d *applicationDoc) inputDescription2(in *inputDoc) types.InputDescription {
	p := types.InputDescription{
		InputId: &in.ID, NamePrefix: &in.Prefix, InAppStreamNames: in.streams(), InputSchema: in.Schema.output2(),
		InputParallelism:                   &types.InputParallelism{Count: &in.Parallelism},
		InputStartingPositionConfiguration: &types.InputStartingPositionConfiguration{InputStartingPosition: types.InputStartingPosition(in.Start)},
	}
	if r := in.Processor; r != nil {
		p.InputProcessingConfigurationDescription = &types.InputProcessingConfigurationDescription{
			InputLambdaProcessorDescription: &types.InputLambdaProcessorDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)},
		}
	}
	if r := in.Stream; r != nil {
		p.KinesisStreamsInputDescription = &types.KinesisStreamsInputDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)}
	}
	if r := in.Delivery; r != nil {
		p.KinesisFirehoseInputDescription = &types.KinesisFirehoseInputDescription{ResourceARN: &r.ARN, RoleARN: optional(r.Role)}
	}
	return p
}

func (s *schemaDoc) output2() *types.SourceSchema {
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
