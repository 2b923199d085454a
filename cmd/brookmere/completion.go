package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesisanalytics"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"github.com/brookmere/brookmere/internal/generate"
)

// completionTime bounds what a user waits for after Tab.
const completionTime = 2 * time.Second

// completions is how cobra asks for what an argument or a flag may be.
type completions = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective)

// lister lists names of resources, all or as many as it could get.
type lister func(ctx context.Context, cfg aws.Config) []string

// complete completes the first argument of a command with names that are at the node. Whatever fails completes nothing.
func (c *awsClient) complete(list lister) completions {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			if cmd.ValidateArgs(append(args, typed)) != nil { // it takes no more
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveDefault
		}
		return c.names(cmd, list, "", typed), cobra.ShellCompDirectiveNoFileComp
	}
}

// names lists the names that begin with what was typed after the prefix.
func (c *awsClient) names(cmd *cobra.Command, list lister, prefix, typed string) []string {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	if c.resolve(ctx) != nil { // a completion runs without the command's own preparation
		return nil
	}
	var found []string
	for _, name := range list(ctx, c.config()) {
		if name = prefix + name; strings.HasPrefix(name, typed) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// pager has pages, as the SDK's paginators do.
type pager[Out, Options any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*Options)) (Out, error)
}

// allPages gathers the names of all pages, of those before an error where there is one.
func allPages[Out, Options any](ctx context.Context, pages pager[Out, Options], names func(Out) []string) []string {
	var all []string
	for pages.HasMorePages() && len(all) < maxNames {
		page, err := pages.NextPage(ctx)
		if err != nil {
			break
		}
		all = append(all, names(page)...)
	}
	return all
}

func streamNames(ctx context.Context, cfg aws.Config) []string {
	return allPages(ctx, kinesis.NewListStreamsPaginator(kinesis.NewFromConfig(cfg), nil), func(p *kinesis.ListStreamsOutput) []string { return p.StreamNames })
}

func tableNames(ctx context.Context, cfg aws.Config) []string {
	return allPages(ctx, dynamodb.NewListTablesPaginator(dynamodb.NewFromConfig(cfg), nil), func(p *dynamodb.ListTablesOutput) []string { return p.TableNames })
}

func functionNames(ctx context.Context, cfg aws.Config) []string {
	return allPages(ctx, lambda.NewListFunctionsPaginator(lambda.NewFromConfig(cfg), nil), func(p *lambda.ListFunctionsOutput) (names []string) {
		for _, f := range p.Functions {
			names = append(names, aws.ToString(f.FunctionName))
		}
		return names
	})
}

func databaseNames(ctx context.Context, cfg aws.Config) []string {
	pages := athena.NewListDatabasesPaginator(athena.NewFromConfig(cfg), &athena.ListDatabasesInput{CatalogName: aws.String("AwsDataCatalog")})
	return allPages(ctx, pages, func(p *athena.ListDatabasesOutput) (names []string) {
		for _, d := range p.DatabaseList {
			names = append(names, aws.ToString(d.Name))
		}
		return names
	})
}

// deliveryNames has no paginator in the SDK.
func deliveryNames(ctx context.Context, cfg aws.Config) []string {
	client := firehose.NewFromConfig(cfg)
	in := &firehose.ListDeliveryStreamsInput{Limit: aws.Int32(1000)}
	var all []string
	for len(all) < maxNames {
		page, err := client.ListDeliveryStreams(ctx, in)
		if err != nil || len(page.DeliveryStreamNames) == 0 {
			break
		}
		all = append(all, page.DeliveryStreamNames...)
		if !aws.ToBool(page.HasMoreDeliveryStreams) {
			break
		}
		in.ExclusiveStartDeliveryStreamName = &all[len(all)-1]
	}
	return all
}

// applicationNames has no paginator in the SDK.
func applicationNames(ctx context.Context, cfg aws.Config) []string {
	client := kinesisanalytics.NewFromConfig(cfg)
	in := &kinesisanalytics.ListApplicationsInput{Limit: aws.Int32(50)}
	var all []string
	for len(all) < maxNames {
		page, err := client.ListApplications(ctx, in)
		if err != nil || len(page.ApplicationSummaries) == 0 {
			break
		}
		for _, a := range page.ApplicationSummaries {
			all = append(all, aws.ToString(a.ApplicationName))
		}
		if !aws.ToBool(page.HasMoreApplications) {
			break
		}
		in.ExclusiveStartApplicationName = &all[len(all)-1]
	}
	return all
}

// completeArguments sets what completes the first argument of the commands below cmd, by their names.
func completeArguments(cmd *cobra.Command, complete completions, names ...string) {
	for _, sub := range cmd.Commands() {
		if slices.Contains(names, sub.Name()) {
			sub.ValidArgsFunction = complete
		}
	}
}

// completeTarget completes a target of generate.
func (c *awsClient) completeTarget(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	found := append(c.names(cmd, streamNames, "kinesis:", typed), c.names(cmd, deliveryNames, "firehose:", typed)...)
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeBuiltin completes a source of generate, with what it is.
func completeBuiltin(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var found []string
	for _, name := range generate.Builtins() {
		if len(args) == 0 && strings.HasPrefix(name, typed) {
			found = append(found, cobra.CompletionWithDesc(name, generate.About(name)))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
