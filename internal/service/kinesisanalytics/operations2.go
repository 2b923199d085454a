package kinesisanalytics

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalyticsv2/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// The operations of the second version of the API.

// Second is the service by the second version of its API, as far as SQL applications go.
type Second struct{ service *Service }

// Second returns the second version of the API, over the same applications.
func (s *Service) Second() *Second { return &Second{s} }

// API is how the wire layer serves the second version.
func (s *Second) API() awswire.API {
	return awswire.API{Model: "kinesisanalyticsv2", Operations: []awswire.Operation{
		awswire.Executes(s.AddApplicationCloudWatchLoggingOption, func(c awswire.Caller, in *api.AddApplicationCloudWatchLoggingOptionInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.AddApplicationInput, func(c awswire.Caller, in *api.AddApplicationInputInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.AddApplicationInputProcessingConfiguration, func(c awswire.Caller, in *api.AddApplicationInputProcessingConfigurationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.AddApplicationOutput, func(c awswire.Caller, in *api.AddApplicationOutputInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.AddApplicationReferenceDataSource, func(c awswire.Caller, in *api.AddApplicationReferenceDataSourceInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.CreateApplication, func(c awswire.Caller, in *api.CreateApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DeleteApplication, func(c awswire.Caller, in *api.DeleteApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DeleteApplicationCloudWatchLoggingOption, func(c awswire.Caller, in *api.DeleteApplicationCloudWatchLoggingOptionInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DeleteApplicationInputProcessingConfiguration, func(c awswire.Caller, in *api.DeleteApplicationInputProcessingConfigurationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DeleteApplicationOutput, func(c awswire.Caller, in *api.DeleteApplicationOutputInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DeleteApplicationReferenceDataSource, func(c awswire.Caller, in *api.DeleteApplicationReferenceDataSourceInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DescribeApplication, func(c awswire.Caller, in *api.DescribeApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.DiscoverInputSchema),
		awswire.Executes(s.ListApplications),
		awswire.Executes(s.ListTagsForResource, func(_ awswire.Caller, in *api.ListTagsForResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
		awswire.Executes(s.StartApplication, func(c awswire.Caller, in *api.StartApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.StopApplication, func(c awswire.Caller, in *api.StopApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
		awswire.Executes(s.TagResource, func(_ awswire.Caller, in *api.TagResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
		awswire.Executes(s.UntagResource, func(_ awswire.Caller, in *api.UntagResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
		awswire.Executes(s.UpdateApplication, func(c awswire.Caller, in *api.UpdateApplicationInput) []string {
			return onApplication(c, in.ApplicationName)
		}),
	}}
}

// CreateApplication creates an application. Reference data is added to it afterwards.
func (s *Second) CreateApplication(ctx context.Context, in *api.CreateApplicationInput, _ ...func(*api.Options)) (*api.CreateApplicationOutput, error) {
	if in.RuntimeEnvironment != types.RuntimeEnvironmentSql10 {
		return nil, unsupported("Applications of the runtime environment %s are", in.RuntimeEnvironment)
	}
	if in.ApplicationMode == types.ApplicationModeInteractive {
		return nil, unsupported("Applications of the mode INTERACTIVE are")
	}
	d := &applicationDoc{
		Name: aws.ToString(in.ApplicationName), Description: aws.ToString(in.ApplicationDescription), Role: aws.ToString(in.ServiceExecutionRole),
		Second: true, Tags: tags2(in.Tags),
	}
	for i := range in.CloudWatchLoggingOptions {
		d.Logging = append(d.Logging, logging2(&in.CloudWatchLoggingOptions[i]))
	}
	if c := in.ApplicationConfiguration; c != nil {
		if err := configure2(d, c); err != nil {
			return nil, err
		}
	}
	d, err := s.service.create(ctx, d)
	if err != nil {
		return nil, err
	}
	return &api.CreateApplicationOutput{ApplicationDetail: d.detail2()}, nil
}

func tags2(in []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range in {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// DescribeApplication tells an application.
func (s *Second) DescribeApplication(ctx context.Context, in *api.DescribeApplicationInput, _ ...func(*api.Options)) (*api.DescribeApplicationOutput, error) {
	d, err := s.service.application(ctx, aws.ToString(in.ApplicationName))
	if err != nil {
		return nil, err
	}
	return &api.DescribeApplicationOutput{ApplicationDetail: d.detail2()}, nil
}

// ListApplications lists the caller's applications by name, fifty at a time unless told otherwise.
func (s *Second) ListApplications(ctx context.Context, in *api.ListApplicationsInput, _ ...func(*api.Options)) (*api.ListApplicationsOutput, error) {
	page, more, err := s.service.list(ctx, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &api.ListApplicationsOutput{ApplicationSummaries: []types.ApplicationSummary{}}
	for _, d := range page {
		out.ApplicationSummaries = append(out.ApplicationSummaries, d.summary2())
	}
	if more {
		out.NextToken = &page[len(page)-1].Name
	}
	return out, nil
}

// UpdateApplication changes what it names of an application.
func (s *Second) UpdateApplication(ctx context.Context, in *api.UpdateApplicationInput, _ ...func(*api.Options)) (*api.UpdateApplicationOutput, error) {
	if err := s.checkUpdate(in); err != nil {
		return nil, err
	}
	d, err := s.service.change(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, func(d *applicationDoc) error { return update2(d, in) })
	if err != nil {
		return nil, err
	}
	return &api.UpdateApplicationOutput{ApplicationDetail: d.detail2()}, nil
}

// DeleteApplication deletes an application, whether it runs or not.
func (s *Second) DeleteApplication(ctx context.Context, in *api.DeleteApplicationInput, _ ...func(*api.Options)) (*api.DeleteApplicationOutput, error) {
	if err := s.service.remove(ctx, aws.ToString(in.ApplicationName), in.CreateTimestamp); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationOutput{}, nil
}

// StartApplication starts an application, at NOW where nothing else is said.
func (s *Second) StartApplication(ctx context.Context, in *api.StartApplicationInput, _ ...func(*api.Options)) (*api.StartApplicationOutput, error) {
	starts := map[string]string{}
	if in.RunConfiguration != nil {
		if in.RunConfiguration.FlinkRunConfiguration != nil || in.RunConfiguration.ApplicationRestoreConfiguration != nil {
			return nil, invalid("An SQL application has no FlinkRunConfiguration and no ApplicationRestoreConfiguration.")
		}
		for _, c := range in.RunConfiguration.SqlRunConfigurations {
			position := ""
			if c.InputStartingPositionConfiguration != nil {
				position = string(c.InputStartingPositionConfiguration.InputStartingPosition)
			}
			starts[aws.ToString(c.InputId)] = position
		}
	}
	if err := s.service.start(ctx, aws.ToString(in.ApplicationName), starts); err != nil {
		return nil, err
	}
	return &api.StartApplicationOutput{}, nil
}

// StopApplication stops an application: rows that it has made are delivered, open windows are kept.
func (s *Second) StopApplication(ctx context.Context, in *api.StopApplicationInput, _ ...func(*api.Options)) (*api.StopApplicationOutput, error) {
	if err := s.service.stop(ctx, aws.ToString(in.ApplicationName)); err != nil {
		return nil, err
	}
	return &api.StopApplicationOutput{}, nil
}

// AddApplicationInput adds a streaming source.
func (s *Second) AddApplicationInput(ctx context.Context, in *api.AddApplicationInputInput, _ ...func(*api.Options)) (*api.AddApplicationInputOutput, error) {
	d, err := s.service.addInput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, input2(in.Input))
	if err != nil {
		return nil, err
	}
	return &api.AddApplicationInputOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, InputDescriptions: d.inputDescriptions2()}, nil
}

// AddApplicationOutput adds a destination.
func (s *Second) AddApplicationOutput(ctx context.Context, in *api.AddApplicationOutputInput, _ ...func(*api.Options)) (*api.AddApplicationOutputOutput, error) {
	d, err := s.service.addOutput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, output2(in.Output))
	if err != nil {
		return nil, err
	}
	return &api.AddApplicationOutputOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, OutputDescriptions: d.outputDescriptions2()}, nil
}

// AddApplicationReferenceDataSource adds a table of reference data.
func (s *Second) AddApplicationReferenceDataSource(ctx context.Context, in *api.AddApplicationReferenceDataSourceInput, _ ...func(*api.Options)) (*api.AddApplicationReferenceDataSourceOutput, error) {
	d, err := s.service.addReference(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, reference2(in.ReferenceDataSource))
	if err != nil {
		return nil, err
	}
	return &api.AddApplicationReferenceDataSourceOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, ReferenceDataSourceDescriptions: d.referenceDescriptions2()}, nil
}

// AddApplicationCloudWatchLoggingOption adds a log stream for what goes wrong.
func (s *Second) AddApplicationCloudWatchLoggingOption(ctx context.Context, in *api.AddApplicationCloudWatchLoggingOptionInput, _ ...func(*api.Options)) (*api.AddApplicationCloudWatchLoggingOptionOutput, error) {
	if err := checkVersion(in.CurrentApplicationVersionId, in.ConditionalToken); err != nil {
		return nil, err
	}
	d, err := s.service.addLogging(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, logging2(in.CloudWatchLoggingOption))
	if err != nil {
		return nil, err
	}
	return &api.AddApplicationCloudWatchLoggingOptionOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, CloudWatchLoggingOptionDescriptions: d.loggingDescriptions2()}, nil
}

// AddApplicationInputProcessingConfiguration gives an input a function that its records go through.
func (s *Second) AddApplicationInputProcessingConfiguration(ctx context.Context, in *api.AddApplicationInputProcessingConfigurationInput, _ ...func(*api.Options)) (*api.AddApplicationInputProcessingConfigurationOutput, error) {
	d, err := s.service.setProcessor(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.InputId), processor2(in.InputProcessingConfiguration))
	if err != nil {
		return nil, err
	}
	p := d.inputDescription2(find(d.Inputs, inputID, *in.InputId))
	return &api.AddApplicationInputProcessingConfigurationOutput{
		ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, InputId: in.InputId,
		InputProcessingConfigurationDescription: p.InputProcessingConfigurationDescription,
	}, nil
}

// DeleteApplicationOutput removes a destination.
func (s *Second) DeleteApplicationOutput(ctx context.Context, in *api.DeleteApplicationOutputInput, _ ...func(*api.Options)) (*api.DeleteApplicationOutputOutput, error) {
	d, err := s.service.deleteOutput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.OutputId))
	if err != nil {
		return nil, err
	}
	return &api.DeleteApplicationOutputOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version}, nil
}

// DeleteApplicationReferenceDataSource removes a table of reference data.
func (s *Second) DeleteApplicationReferenceDataSource(ctx context.Context, in *api.DeleteApplicationReferenceDataSourceInput, _ ...func(*api.Options)) (*api.DeleteApplicationReferenceDataSourceOutput, error) {
	d, err := s.service.deleteReference(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.ReferenceId))
	if err != nil {
		return nil, err
	}
	return &api.DeleteApplicationReferenceDataSourceOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version}, nil
}

// DeleteApplicationCloudWatchLoggingOption removes a log stream.
func (s *Second) DeleteApplicationCloudWatchLoggingOption(ctx context.Context, in *api.DeleteApplicationCloudWatchLoggingOptionInput, _ ...func(*api.Options)) (*api.DeleteApplicationCloudWatchLoggingOptionOutput, error) {
	if err := checkVersion(in.CurrentApplicationVersionId, in.ConditionalToken); err != nil {
		return nil, err
	}
	d, err := s.service.deleteLogging(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.CloudWatchLoggingOptionId))
	if err != nil {
		return nil, err
	}
	return &api.DeleteApplicationCloudWatchLoggingOptionOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version, CloudWatchLoggingOptionDescriptions: d.loggingDescriptions2()}, nil
}

// DeleteApplicationInputProcessingConfiguration takes the function of an input away.
func (s *Second) DeleteApplicationInputProcessingConfiguration(ctx context.Context, in *api.DeleteApplicationInputProcessingConfigurationInput, _ ...func(*api.Options)) (*api.DeleteApplicationInputProcessingConfigurationOutput, error) {
	d, err := s.service.setProcessor(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.InputId), nil)
	if err != nil {
		return nil, err
	}
	return &api.DeleteApplicationInputProcessingConfigurationOutput{ApplicationARN: aws.String(d.arn()), ApplicationVersionId: &d.Version}, nil
}

// ListTagsForResource lists the tags of an application, by key.
func (s *Second) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput, _ ...func(*api.Options)) (*api.ListTagsForResourceOutput, error) {
	pairs, err := s.service.tagsOf(ctx, aws.ToString(in.ResourceARN))
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, t := range pairs {
		out.Tags = append(out.Tags, types.Tag{Key: &t.key, Value: &t.value})
	}
	return out, nil
}

// TagResource adds tags, or changes those of the same key.
func (s *Second) TagResource(ctx context.Context, in *api.TagResourceInput, _ ...func(*api.Options)) (*api.TagResourceOutput, error) {
	if err := s.service.tag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) { maps.Copy(tags, tags2(in.Tags)) }); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags; keys that are not there are no error.
func (s *Second) UntagResource(ctx context.Context, in *api.UntagResourceInput, _ ...func(*api.Options)) (*api.UntagResourceOutput, error) {
	err := s.service.tag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// configure2 takes the configuration of a new application.
func configure2(d *applicationDoc, c *types.ApplicationConfiguration) error {
	if c.FlinkApplicationConfiguration != nil || c.ApplicationSnapshotConfiguration != nil || c.EnvironmentProperties != nil || len(c.VpcConfigurations) > 0 ||
		c.ZeppelinApplicationConfiguration != nil || c.ApplicationSystemRollbackConfiguration != nil || c.ApplicationEncryptionConfiguration != nil {
		return invalid("An SQL application has an ApplicationCodeConfiguration and an SqlApplicationConfiguration alone.")
	}
	if code := c.ApplicationCodeConfiguration; code != nil {
		if code.CodeContentType != types.CodeContentTypePlaintext {
			return invalid("The code of an SQL application is PLAINTEXT.")
		}
		if code.CodeContent != nil {
			d.Code = aws.ToString(code.CodeContent.TextContent)
		}
	}
	if q := c.SqlApplicationConfiguration; q != nil {
		for i := range q.Inputs {
			d.Inputs = append(d.Inputs, input2(&q.Inputs[i]))
		}
		for i := range q.Outputs {
			d.Outputs = append(d.Outputs, output2(&q.Outputs[i]))
		}
		for i := range q.ReferenceDataSources {
			d.References = append(d.References, reference2(&q.ReferenceDataSources[i]))
		}
	}
	return nil
}

// checkVersion: what changes an application names the version that it has seen. Tokens are those of other applications.
func checkVersion(version *int64, token *string) error {
	if token != nil {
		return awswire.Errorf("InvalidRequestException", "An SQL application is updated by its CurrentApplicationVersionId.")
	}
	if version == nil {
		return awswire.Errorf("InvalidRequestException", "CurrentApplicationVersionId is required.")
	}
	return nil
}

// checkUpdate refuses what an SQL application does not have.
func (s *Second) checkUpdate(in *api.UpdateApplicationInput) error {
	if err := checkVersion(in.CurrentApplicationVersionId, in.ConditionalToken); err != nil {
		return err
	}
	c := in.ApplicationConfigurationUpdate
	if in.RuntimeEnvironmentUpdate != "" && in.RuntimeEnvironmentUpdate != types.RuntimeEnvironmentSql10 ||
		in.RunConfigurationUpdate != nil || c != nil && (c.FlinkApplicationConfigurationUpdate != nil || c.ApplicationSnapshotConfigurationUpdate != nil ||
		c.EnvironmentPropertyUpdates != nil || len(c.VpcConfigurationUpdates) > 0 || c.ZeppelinApplicationConfigurationUpdate != nil ||
		c.ApplicationSystemRollbackConfigurationUpdate != nil || c.ApplicationEncryptionConfigurationUpdate != nil) {
		return invalid("An SQL application has an ApplicationCodeConfiguration and an SqlApplicationConfiguration alone.")
	}
	return nil
}

// DiscoverInputSchema infers the schema of a stream, a delivery stream or an object from a sample.
func (s *Second) DiscoverInputSchema(ctx context.Context, in *api.DiscoverInputSchemaInput, _ ...func(*api.Options)) (*api.DiscoverInputSchemaOutput, error) {
	role := aws.ToString(in.ServiceExecutionRole)
	q := question{processor: processor2(in.InputProcessingConfiguration)}
	if q.processor != nil {
		q.processor.Role = role
	}
	if in.ResourceARN != nil {
		q.resource = &resourceDoc{*in.ResourceARN, role}
	}
	if in.InputStartingPositionConfiguration != nil {
		q.position = string(in.InputStartingPositionConfiguration.InputStartingPosition)
	}
	if c := in.S3Configuration; c != nil {
		q.bucket, q.key, q.role = aws.ToString(c.BucketARN), aws.ToString(c.FileKey), role
	}
	found, err := s.service.discover(ctx, q)
	if errors.Is(err, errUndetected) {
		return nil, &types.UnableToDetectSchemaException{Message: aws.String(undetected(found)), RawInputRecords: found.raw, ProcessedInputRecords: found.processed}
	}
	if err != nil {
		return nil, err
	}
	return &api.DiscoverInputSchemaOutput{InputSchema: found.schema.output2(), RawInputRecords: found.raw, ProcessedInputRecords: found.processed, ParsedInputRecords: found.parsed}, nil
}
