package kinesisanalytics

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics/types"

	"github.com/brookmere/brookmere/internal/awswire"
)

// The operations of the first version of the API.

// API is how the wire layer serves the first version.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "kinesisanalytics", Operations: []awswire.Operation{
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

// onApplication is the ARN of the caller's application of a name.
func onApplication(c awswire.Caller, name *string) []string {
	d := &applicationDoc{Account: c.Account, Region: c.Region, Name: aws.ToString(name)}
	return []string{d.arn()}
}

// CreateApplication creates an application. Reference data is added to it afterwards.
func (s *Service) CreateApplication(ctx context.Context, in *api.CreateApplicationInput, _ ...func(*api.Options)) (*api.CreateApplicationOutput, error) {
	d := &applicationDoc{Name: aws.ToString(in.ApplicationName), Description: aws.ToString(in.ApplicationDescription), Code: aws.ToString(in.ApplicationCode)}
	for i := range in.Inputs {
		d.Inputs = append(d.Inputs, input1(&in.Inputs[i]))
	}
	for i := range in.Outputs {
		d.Outputs = append(d.Outputs, output1(&in.Outputs[i]))
	}
	for i := range in.CloudWatchLoggingOptions {
		d.Logging = append(d.Logging, logging1(&in.CloudWatchLoggingOptions[i]))
	}
	d.Tags = tags1(in.Tags)
	d, err := s.create(ctx, d)
	if err != nil {
		return nil, err
	}
	summary := d.summary1()
	return &api.CreateApplicationOutput{ApplicationSummary: &summary}, nil
}

func tags1(in []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range in {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// DescribeApplication tells an application.
func (s *Service) DescribeApplication(ctx context.Context, in *api.DescribeApplicationInput, _ ...func(*api.Options)) (*api.DescribeApplicationOutput, error) {
	d, err := s.application(ctx, aws.ToString(in.ApplicationName))
	if err != nil {
		return nil, err
	}
	return &api.DescribeApplicationOutput{ApplicationDetail: d.detail1()}, nil
}

// ListApplications lists the caller's applications by name, fifty at a time unless told otherwise.
func (s *Service) ListApplications(ctx context.Context, in *api.ListApplicationsInput, _ ...func(*api.Options)) (*api.ListApplicationsOutput, error) {
	page, more, err := s.list(ctx, in.ExclusiveStartApplicationName, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &api.ListApplicationsOutput{ApplicationSummaries: []types.ApplicationSummary{}, HasMoreApplications: &more}
	for _, d := range page {
		out.ApplicationSummaries = append(out.ApplicationSummaries, d.summary1())
	}
	return out, nil
}

// UpdateApplication changes what it names of an application.
func (s *Service) UpdateApplication(ctx context.Context, in *api.UpdateApplicationInput, _ ...func(*api.Options)) (*api.UpdateApplicationOutput, error) {
	if _, err := s.change(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, func(d *applicationDoc) error { return update1(d, in.ApplicationUpdate) }); err != nil {
		return nil, err
	}
	return &api.UpdateApplicationOutput{}, nil
}

// DeleteApplication deletes an application, whether it runs or not.
func (s *Service) DeleteApplication(ctx context.Context, in *api.DeleteApplicationInput, _ ...func(*api.Options)) (*api.DeleteApplicationOutput, error) {
	if err := s.remove(ctx, aws.ToString(in.ApplicationName), in.CreateTimestamp); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationOutput{}, nil
}

// StartApplication starts an application. Each of its inputs needs a configuration, which may leave the position
// out: NOW then.
func (s *Service) StartApplication(ctx context.Context, in *api.StartApplicationInput, _ ...func(*api.Options)) (*api.StartApplicationOutput, error) {
	starts := map[string]string{}
	for _, c := range in.InputConfigurations {
		position := ""
		if c.InputStartingPositionConfiguration != nil {
			position = string(c.InputStartingPositionConfiguration.InputStartingPosition)
		}
		starts[aws.ToString(c.Id)] = position
	}
	if err := s.start(ctx, aws.ToString(in.ApplicationName), starts); err != nil {
		return nil, err
	}
	return &api.StartApplicationOutput{}, nil
}

// StopApplication stops an application: rows that it has made are delivered, open windows are kept.
func (s *Service) StopApplication(ctx context.Context, in *api.StopApplicationInput, _ ...func(*api.Options)) (*api.StopApplicationOutput, error) {
	if err := s.stop(ctx, aws.ToString(in.ApplicationName)); err != nil {
		return nil, err
	}
	return &api.StopApplicationOutput{}, nil
}

// AddApplicationInput adds a streaming source.
func (s *Service) AddApplicationInput(ctx context.Context, in *api.AddApplicationInputInput, _ ...func(*api.Options)) (*api.AddApplicationInputOutput, error) {
	if _, err := s.addInput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, input1(in.Input)); err != nil {
		return nil, err
	}
	return &api.AddApplicationInputOutput{}, nil
}

// AddApplicationOutput adds a destination.
func (s *Service) AddApplicationOutput(ctx context.Context, in *api.AddApplicationOutputInput, _ ...func(*api.Options)) (*api.AddApplicationOutputOutput, error) {
	if _, err := s.addOutput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, output1(in.Output)); err != nil {
		return nil, err
	}
	return &api.AddApplicationOutputOutput{}, nil
}

// AddApplicationReferenceDataSource adds a table of reference data.
func (s *Service) AddApplicationReferenceDataSource(ctx context.Context, in *api.AddApplicationReferenceDataSourceInput, _ ...func(*api.Options)) (*api.AddApplicationReferenceDataSourceOutput, error) {
	if _, err := s.addReference(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, reference1(in.ReferenceDataSource)); err != nil {
		return nil, err
	}
	return &api.AddApplicationReferenceDataSourceOutput{}, nil
}

// AddApplicationCloudWatchLoggingOption adds a log stream for what goes wrong.
func (s *Service) AddApplicationCloudWatchLoggingOption(ctx context.Context, in *api.AddApplicationCloudWatchLoggingOptionInput, _ ...func(*api.Options)) (*api.AddApplicationCloudWatchLoggingOptionOutput, error) {
	if _, err := s.addLogging(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, logging1(in.CloudWatchLoggingOption)); err != nil {
		return nil, err
	}
	return &api.AddApplicationCloudWatchLoggingOptionOutput{}, nil
}

// AddApplicationInputProcessingConfiguration gives an input a function that its records go through.
func (s *Service) AddApplicationInputProcessingConfiguration(ctx context.Context, in *api.AddApplicationInputProcessingConfigurationInput, _ ...func(*api.Options)) (*api.AddApplicationInputProcessingConfigurationOutput, error) {
	if _, err := s.setProcessor(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.InputId), processor1(in.InputProcessingConfiguration)); err != nil {
		return nil, err
	}
	return &api.AddApplicationInputProcessingConfigurationOutput{}, nil
}

// DeleteApplicationOutput removes a destination.
func (s *Service) DeleteApplicationOutput(ctx context.Context, in *api.DeleteApplicationOutputInput, _ ...func(*api.Options)) (*api.DeleteApplicationOutputOutput, error) {
	if _, err := s.deleteOutput(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.OutputId)); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationOutputOutput{}, nil
}

// DeleteApplicationReferenceDataSource removes a table of reference data.
func (s *Service) DeleteApplicationReferenceDataSource(ctx context.Context, in *api.DeleteApplicationReferenceDataSourceInput, _ ...func(*api.Options)) (*api.DeleteApplicationReferenceDataSourceOutput, error) {
	if _, err := s.deleteReference(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.ReferenceId)); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationReferenceDataSourceOutput{}, nil
}

// DeleteApplicationCloudWatchLoggingOption removes a log stream.
func (s *Service) DeleteApplicationCloudWatchLoggingOption(ctx context.Context, in *api.DeleteApplicationCloudWatchLoggingOptionInput, _ ...func(*api.Options)) (*api.DeleteApplicationCloudWatchLoggingOptionOutput, error) {
	if _, err := s.deleteLogging(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.CloudWatchLoggingOptionId)); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationCloudWatchLoggingOptionOutput{}, nil
}

// DeleteApplicationInputProcessingConfiguration takes the function of an input away.
func (s *Service) DeleteApplicationInputProcessingConfiguration(ctx context.Context, in *api.DeleteApplicationInputProcessingConfigurationInput, _ ...func(*api.Options)) (*api.DeleteApplicationInputProcessingConfigurationOutput, error) {
	if _, err := s.setProcessor(ctx, aws.ToString(in.ApplicationName), in.CurrentApplicationVersionId, aws.ToString(in.InputId), nil); err != nil {
		return nil, err
	}
	return &api.DeleteApplicationInputProcessingConfigurationOutput{}, nil
}

// ListTagsForResource lists the tags of an application, by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput, _ ...func(*api.Options)) (*api.ListTagsForResourceOutput, error) {
	pairs, err := s.tagsOf(ctx, aws.ToString(in.ResourceARN))
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
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput, _ ...func(*api.Options)) (*api.TagResourceOutput, error) {
	if err := s.tag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) { maps.Copy(tags, tags1(in.Tags)) }); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags; keys that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput, _ ...func(*api.Options)) (*api.UntagResourceOutput, error) {
	err := s.tag(ctx, aws.ToString(in.ResourceARN), func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// DiscoverInputSchema infers the schema of a stream, a delivery stream or an object from a sample.
func (s *Service) DiscoverInputSchema(ctx context.Context, in *api.DiscoverInputSchemaInput, _ ...func(*api.Options)) (*api.DiscoverInputSchemaOutput, error) {
	q := question{processor: processor1(in.InputProcessingConfiguration)}
	if in.ResourceARN != nil {
		if in.RoleARN == nil {
			return nil, invalid("A RoleARN is required with a ResourceARN.")
		}
		q.resource = resource1(in.ResourceARN, in.RoleARN)
	}
	if in.InputStartingPositionConfiguration != nil {
		q.position = string(in.InputStartingPositionConfiguration.InputStartingPosition)
	}
	if c := in.S3Configuration; c != nil {
		q.bucket, q.key, q.role = aws.ToString(c.BucketARN), aws.ToString(c.FileKey), aws.ToString(c.RoleARN)
	}
	found, err := s.discover(ctx, q)
	if errors.Is(err, errUndetected) {
		return nil, &types.UnableToDetectSchemaException{Message: aws.String(undetected(found)), RawInputRecords: found.raw, ProcessedInputRecords: found.processed}
	}
	if err != nil {
		return nil, err
	}
	return &api.DiscoverInputSchemaOutput{InputSchema: found.schema.output1(), RawInputRecords: found.raw, ProcessedInputRecords: found.processed, ParsedInputRecords: found.parsed}, nil
}
