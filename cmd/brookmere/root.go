package main

import (
	"github.com/spf13/cobra"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "brookmere",
		Short: "The AWS streaming-data stack as one program",
		Long: `Brookmere is the AWS streaming-data stack as one program on your machine: Kinesis, Firehose,
Lambda, DynamoDB, S3, Glue, Athena, Kinesis Data Analytics, API Gateway, SQS, SNS, EventBridge,
CloudWatch, IAM and KMS. What it acknowledges is on disk, what it delivers is Parquet that you can query, and
boto3, the AWS CLI, Terraform and every AWS SDK use it unchanged.

  brookmere up          starts a node on 127.0.0.1:4566, with a console at /console
  brookmere demo        starts a node and sends readings of devices through all of it

Point any AWS client at a node with

  export AWS_ENDPOINT_URL=http://127.0.0.1:4566
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1

or, also where a client knows AWS by its names alone, with

  brookmere run -- terraform apply`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newUpCommand(), newRunCommand(), newEnvCommand(), newCACommand(), newOperationsCommand(), newCheckCommand(), newDemoCommand(), newDeliveriesCommand(), newStreamsCommand(), newAnalyticsCommand(), newAlarmsCommand(), newDashboardsCommand(), newTablesCommand(), newAPIsCommand(), newFunctionsCommand(), newJobsCommand(), newGenerateCommand(),
		newBenchCommand(), newSQLCommand(), newConsoleCommand(), newIdentityCommand(), newVersionCommand())
	finishCommands(root)
	return root
}
