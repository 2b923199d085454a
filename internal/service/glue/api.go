package glue

import (
	"reflect"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// API returns the service as the wire layer serves it. What works on a table works on its
// database and on the catalog too, and so policies must allow all three.
func (s *Service) API() awswire.API {
	return awswire.API{Model: "glue", Owner: catalogOf, Operations: []awswire.Operation{
		awswire.Executes(s.CreateDatabase, func(c awswire.Caller, in *glue.CreateDatabaseInput) []string {
			return on(c, "catalog", "database/"+databaseName(in.DatabaseInput))
		}),
		awswire.Executes(s.GetDatabase, func(c awswire.Caller, in *glue.GetDatabaseInput) []string {
			return on(c, "catalog", "database/"+fold(in.Name))
		}),
		awswire.Executes(s.GetDatabases, func(c awswire.Caller, _ *glue.GetDatabasesInput) []string { return on(c, "catalog", "database/*") }),
		awswire.Executes(s.UpdateDatabase, func(c awswire.Caller, in *glue.UpdateDatabaseInput) []string {
			return on(c, "catalog", "database/"+fold(in.Name))
		}),
		awswire.Executes(s.DeleteDatabase, func(c awswire.Caller, in *glue.DeleteDatabaseInput) []string {
			return on(c, "catalog", "database/"+fold(in.Name))
		}),

		awswire.Executes(s.CreateTable, func(c awswire.Caller, in *glue.CreateTableInput) []string {
			return onTable(c, in.DatabaseName, tableName(in.TableInput))
		}),
		awswire.Executes(s.GetTable, func(c awswire.Caller, in *glue.GetTableInput) []string { return onTable(c, in.DatabaseName, in.Name) }),
		awswire.Executes(s.GetMapping, func(c awswire.Caller, in *glue.GetMappingInput) []string { return onEntry(c, in.Source) }),
		awswire.Executes(s.GetPlan, func(c awswire.Caller, in *glue.GetPlanInput) []string { return onEntry(c, in.Source) }),
		awswire.Executes(s.CreateScript),
		awswire.Executes(s.GetDataflowGraph),
		awswire.Executes(s.GetTables, func(c awswire.Caller, in *glue.GetTablesInput) []string {
			return onTables(c, in.DatabaseName, []string{"*"})
		}),
		awswire.Executes(s.UpdateTable, func(c awswire.Caller, in *glue.UpdateTableInput) []string {
			return onTable(c, in.DatabaseName, tableName(in.TableInput))
		}),
		awswire.Executes(s.DeleteTable, func(c awswire.Caller, in *glue.DeleteTableInput) []string {
			return onTable(c, in.DatabaseName, in.Name)
		}),
		awswire.Executes(s.BatchDeleteTable, func(c awswire.Caller, in *glue.BatchDeleteTableInput) []string {
			return onTables(c, in.DatabaseName, in.TablesToDelete)
		}),
		awswire.Executes(s.GetTableVersion, func(c awswire.Caller, in *glue.GetTableVersionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.GetTableVersions, func(c awswire.Caller, in *glue.GetTableVersionsInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.DeleteTableVersion, func(c awswire.Caller, in *glue.DeleteTableVersionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.BatchDeleteTableVersion, func(c awswire.Caller, in *glue.BatchDeleteTableVersionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),

		awswire.Executes(s.SearchTables, func(c awswire.Caller, _ *glue.SearchTablesInput) []string { return on(c, "catalog") }),

		awswire.Stores(s.CreateUserDefinedFunction, func(c awswire.Caller, in *glue.CreateUserDefinedFunctionInput) []string {
			return on(c, "catalog", "database/"+fold(in.DatabaseName), "userDefinedFunction/"+fold(in.DatabaseName)+"/"+functionName(in.FunctionInput))
		}),
		awswire.Stores(s.GetUserDefinedFunction, func(c awswire.Caller, in *glue.GetUserDefinedFunctionInput) []string {
			return on(c, "catalog", "database/"+fold(in.DatabaseName), "userDefinedFunction/"+fold(in.DatabaseName)+"/"+aws.ToString(in.FunctionName))
		}),
		awswire.Stores(s.GetUserDefinedFunctions, func(c awswire.Caller, in *glue.GetUserDefinedFunctionsInput) []string {
			return on(c, "catalog", "database/"+fold(in.DatabaseName), "userDefinedFunction/"+fold(in.DatabaseName)+"/"+"*")
		}),
		awswire.Stores(s.UpdateUserDefinedFunction, func(c awswire.Caller, in *glue.UpdateUserDefinedFunctionInput) []string {
			return on(c, "catalog", "database/"+fold(in.DatabaseName), "userDefinedFunction/"+fold(in.DatabaseName)+"/"+aws.ToString(in.FunctionName))
		}),
		awswire.Stores(s.DeleteUserDefinedFunction, func(c awswire.Caller, in *glue.DeleteUserDefinedFunctionInput) []string {
			return on(c, "catalog", "database/"+fold(in.DatabaseName), "userDefinedFunction/"+fold(in.DatabaseName)+"/"+aws.ToString(in.FunctionName))
		}),

		awswire.Stores(s.CreateConnection, func(c awswire.Caller, _ *glue.CreateConnectionInput) []string {
			return on(c, "catalog", "connection/*")
		}),
		awswire.Stores(s.GetConnection, func(c awswire.Caller, in *glue.GetConnectionInput) []string {
			return on(c, "catalog", "connection/"+aws.ToString(in.Name))
		}),
		awswire.Stores(s.GetConnections, func(c awswire.Caller, _ *glue.GetConnectionsInput) []string { return on(c, "catalog", "connection/*") }),
		awswire.Stores(s.UpdateConnection, func(c awswire.Caller, in *glue.UpdateConnectionInput) []string {
			return on(c, "catalog", "connection/"+aws.ToString(in.Name))
		}),
		awswire.Stores(s.DeleteConnection, func(c awswire.Caller, in *glue.DeleteConnectionInput) []string {
			return on(c, "catalog", "connection/"+aws.ToString(in.ConnectionName))
		}),
		awswire.Stores(s.BatchDeleteConnection, func(c awswire.Caller, _ *glue.BatchDeleteConnectionInput) []string {
			return on(c, "catalog", "connection/*")
		}),

		awswire.Stores(s.GetColumnStatisticsForTable, func(c awswire.Caller, in *glue.GetColumnStatisticsForTableInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.UpdateColumnStatisticsForTable, func(c awswire.Caller, in *glue.UpdateColumnStatisticsForTableInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.DeleteColumnStatisticsForTable, func(c awswire.Caller, in *glue.DeleteColumnStatisticsForTableInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.GetColumnStatisticsForPartition, func(c awswire.Caller, in *glue.GetColumnStatisticsForPartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.UpdateColumnStatisticsForPartition, func(c awswire.Caller, in *glue.UpdateColumnStatisticsForPartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.DeleteColumnStatisticsForPartition, func(c awswire.Caller, in *glue.DeleteColumnStatisticsForPartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),

		awswire.Executes(s.PutResourcePolicy, func(c awswire.Caller, _ *glue.PutResourcePolicyInput) []string { return on(c, "catalog") }),
		awswire.Executes(s.GetResourcePolicy, func(c awswire.Caller, _ *glue.GetResourcePolicyInput) []string { return on(c, "catalog") }),
		awswire.Executes(s.GetResourcePolicies, func(c awswire.Caller, _ *glue.GetResourcePoliciesInput) []string { return on(c, "catalog") }),
		awswire.Executes(s.DeleteResourcePolicy, func(c awswire.Caller, _ *glue.DeleteResourcePolicyInput) []string { return on(c, "catalog") }),
		awswire.Stores(s.PutDataCatalogEncryptionSettings, func(c awswire.Caller, _ *glue.PutDataCatalogEncryptionSettingsInput) []string {
			return on(c, "catalog")
		}),
		awswire.Stores(s.GetDataCatalogEncryptionSettings, func(c awswire.Caller, _ *glue.GetDataCatalogEncryptionSettingsInput) []string {
			return on(c, "catalog")
		}),
		awswire.Executes(s.GetCatalogImportStatus, func(c awswire.Caller, _ *glue.GetCatalogImportStatusInput) []string { return on(c, "catalog") }),
		awswire.Stores(s.CreateSecurityConfiguration),
		awswire.Stores(s.GetSecurityConfiguration),
		awswire.Stores(s.GetSecurityConfigurations),
		awswire.Stores(s.DeleteSecurityConfiguration),

		awswire.Stores(s.CreatePartitionIndex, func(c awswire.Caller, in *glue.CreatePartitionIndexInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.GetPartitionIndexes, func(c awswire.Caller, in *glue.GetPartitionIndexesInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Stores(s.DeletePartitionIndex, func(c awswire.Caller, in *glue.DeletePartitionIndexInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),

		awswire.Executes(s.CreatePartition, func(c awswire.Caller, in *glue.CreatePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.BatchCreatePartition, func(c awswire.Caller, in *glue.BatchCreatePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.GetPartition, func(c awswire.Caller, in *glue.GetPartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.GetPartitions, func(c awswire.Caller, in *glue.GetPartitionsInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.BatchGetPartition, func(c awswire.Caller, in *glue.BatchGetPartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.UpdatePartition, func(c awswire.Caller, in *glue.UpdatePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.BatchUpdatePartition, func(c awswire.Caller, in *glue.BatchUpdatePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.DeletePartition, func(c awswire.Caller, in *glue.DeletePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),
		awswire.Executes(s.BatchDeletePartition, func(c awswire.Caller, in *glue.BatchDeletePartitionInput) []string {
			return onTable(c, in.DatabaseName, in.TableName)
		}),

		awswire.Executes(s.CreateCrawler, func(c awswire.Caller, in *glue.CreateCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetCrawler, func(c awswire.Caller, in *glue.GetCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetCrawlers),
		awswire.Executes(s.BatchGetCrawlers, func(c awswire.Caller, in *glue.BatchGetCrawlersInput) []string {
			return onNamed(c, "crawler/", in.CrawlerNames)
		}),
		awswire.Executes(s.ListCrawlers),
		awswire.Executes(s.UpdateCrawler, func(c awswire.Caller, in *glue.UpdateCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.DeleteCrawler, func(c awswire.Caller, in *glue.DeleteCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StartCrawler, func(c awswire.Caller, in *glue.StartCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StopCrawler, func(c awswire.Caller, in *glue.StopCrawlerInput) []string {
			return on(c, "crawler/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetCrawlerMetrics),
		awswire.Executes(s.ListCrawls, func(c awswire.Caller, in *glue.ListCrawlsInput) []string {
			return on(c, "crawler/"+aws.ToString(in.CrawlerName))
		}),

		awswire.Executes(s.StartCrawlerSchedule, func(c awswire.Caller, in *glue.StartCrawlerScheduleInput) []string {
			return on(c, "crawler/"+aws.ToString(in.CrawlerName))
		}),
		awswire.Executes(s.StopCrawlerSchedule, func(c awswire.Caller, in *glue.StopCrawlerScheduleInput) []string {
			return on(c, "crawler/"+aws.ToString(in.CrawlerName))
		}),
		awswire.Executes(s.UpdateCrawlerSchedule, func(c awswire.Caller, in *glue.UpdateCrawlerScheduleInput) []string {
			return on(c, "crawler/"+aws.ToString(in.CrawlerName))
		}),

		awswire.Executes(s.CreateClassifier),
		awswire.Executes(s.GetClassifier),
		awswire.Executes(s.GetClassifiers),
		awswire.Executes(s.UpdateClassifier),
		awswire.Executes(s.DeleteClassifier),

		awswire.Executes(s.CreateJob, func(c awswire.Caller, in *glue.CreateJobInput) []string { return on(c, "job/"+aws.ToString(in.Name)) }),
		awswire.Executes(s.GetJob, func(c awswire.Caller, in *glue.GetJobInput) []string { return on(c, "job/"+aws.ToString(in.JobName)) }),
		awswire.Executes(s.GetJobs, func(c awswire.Caller, _ *glue.GetJobsInput) []string { return on(c, "job/*") }),
		awswire.Executes(s.BatchGetJobs, func(c awswire.Caller, in *glue.BatchGetJobsInput) []string { return onNamed(c, "job/", in.JobNames) }),
		awswire.Executes(s.ListJobs, func(c awswire.Caller, _ *glue.ListJobsInput) []string { return on(c, "job/*") }),
		awswire.Executes(s.UpdateJob, func(c awswire.Caller, in *glue.UpdateJobInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.DeleteJob, func(c awswire.Caller, in *glue.DeleteJobInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.StartJobRun, func(c awswire.Caller, in *glue.StartJobRunInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.GetJobRun, func(c awswire.Caller, in *glue.GetJobRunInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.GetJobRuns, func(c awswire.Caller, in *glue.GetJobRunsInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.BatchStopJobRun, func(c awswire.Caller, in *glue.BatchStopJobRunInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.GetJobBookmark, func(c awswire.Caller, in *glue.GetJobBookmarkInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),
		awswire.Executes(s.ResetJobBookmark, func(c awswire.Caller, in *glue.ResetJobBookmarkInput) []string {
			return on(c, "job/"+aws.ToString(in.JobName))
		}),

		awswire.Executes(s.CreateTrigger, func(c awswire.Caller, in *glue.CreateTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetTrigger, func(c awswire.Caller, in *glue.GetTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.UpdateTrigger, func(c awswire.Caller, in *glue.UpdateTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.DeleteTrigger, func(c awswire.Caller, in *glue.DeleteTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StartTrigger, func(c awswire.Caller, in *glue.StartTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StopTrigger, func(c awswire.Caller, in *glue.StopTriggerInput) []string {
			return on(c, "trigger/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetTriggers, func(c awswire.Caller, _ *glue.GetTriggersInput) []string { return on(c, "trigger/*") }),
		awswire.Executes(s.ListTriggers, func(c awswire.Caller, _ *glue.ListTriggersInput) []string { return on(c, "trigger/*") }),
		awswire.Executes(s.BatchGetTriggers, func(c awswire.Caller, in *glue.BatchGetTriggersInput) []string {
			return onNamed(c, "trigger/", in.TriggerNames)
		}),

		awswire.Executes(s.CreateWorkflow, func(c awswire.Caller, in *glue.CreateWorkflowInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetWorkflow, func(c awswire.Caller, in *glue.GetWorkflowInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.UpdateWorkflow, func(c awswire.Caller, in *glue.UpdateWorkflowInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.DeleteWorkflow, func(c awswire.Caller, in *glue.DeleteWorkflowInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StartWorkflowRun, func(c awswire.Caller, in *glue.StartWorkflowRunInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetWorkflowRun, func(c awswire.Caller, in *glue.GetWorkflowRunInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetWorkflowRuns, func(c awswire.Caller, in *glue.GetWorkflowRunsInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.StopWorkflowRun, func(c awswire.Caller, in *glue.StopWorkflowRunInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetWorkflowRunProperties, func(c awswire.Caller, in *glue.GetWorkflowRunPropertiesInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.PutWorkflowRunProperties, func(c awswire.Caller, in *glue.PutWorkflowRunPropertiesInput) []string {
			return on(c, "workflow/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.ListWorkflows, func(c awswire.Caller, _ *glue.ListWorkflowsInput) []string { return on(c, "workflow/*") }),
		awswire.Executes(s.BatchGetWorkflows, func(c awswire.Caller, in *glue.BatchGetWorkflowsInput) []string {
			return onNamed(c, "workflow/", in.Names)
		}),

		awswire.Executes(s.CreateRegistry, func(c awswire.Caller, in *glue.CreateRegistryInput) []string {
			return on(c, "registry/"+aws.ToString(in.RegistryName))
		}),
		awswire.Executes(s.GetRegistry, func(c awswire.Caller, in *glue.GetRegistryInput) []string { return onRegistry(c, in.RegistryId) }),
		awswire.Executes(s.UpdateRegistry, func(c awswire.Caller, in *glue.UpdateRegistryInput) []string { return onRegistry(c, in.RegistryId) }),
		awswire.Executes(s.DeleteRegistry, func(c awswire.Caller, in *glue.DeleteRegistryInput) []string { return onRegistry(c, in.RegistryId) }),
		awswire.Executes(s.ListRegistries, func(c awswire.Caller, _ *glue.ListRegistriesInput) []string { return on(c, "registry/*") }),
		awswire.Executes(s.CreateSchema, func(c awswire.Caller, in *glue.CreateSchemaInput) []string {
			return append(onRegistry(c, in.RegistryId), on(c, "schema/*")...)
		}),
		awswire.Executes(s.GetSchema, func(c awswire.Caller, in *glue.GetSchemaInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.UpdateSchema, func(c awswire.Caller, in *glue.UpdateSchemaInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.DeleteSchema, func(c awswire.Caller, in *glue.DeleteSchemaInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.RegisterSchemaVersion, func(c awswire.Caller, in *glue.RegisterSchemaVersionInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.GetSchemaByDefinition, func(c awswire.Caller, in *glue.GetSchemaByDefinitionInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.ListSchemaVersions, func(c awswire.Caller, in *glue.ListSchemaVersionsInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.DeleteSchemaVersions, func(c awswire.Caller, in *glue.DeleteSchemaVersionsInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.GetSchemaVersion, func(c awswire.Caller, in *glue.GetSchemaVersionInput) []string { return onSchema(c, in.SchemaId) }),
		awswire.Executes(s.PutSchemaVersionMetadata, func(c awswire.Caller, in *glue.PutSchemaVersionMetadataInput) []string {
			return onSchema(c, in.SchemaId)
		}),
		awswire.Executes(s.QuerySchemaVersionMetadata, func(c awswire.Caller, in *glue.QuerySchemaVersionMetadataInput) []string {
			return onSchema(c, in.SchemaId)
		}),
		awswire.Executes(s.RemoveSchemaVersionMetadata, func(c awswire.Caller, in *glue.RemoveSchemaVersionMetadataInput) []string {
			return onSchema(c, in.SchemaId)
		}),
		awswire.Executes(s.ListSchemas, func(c awswire.Caller, in *glue.ListSchemasInput) []string { return onRegistry(c, in.RegistryId) }),
		awswire.Executes(s.CheckSchemaVersionValidity),

		awswire.Executes(s.TagResource, func(c awswire.Caller, in *glue.TagResourceInput) []string {
			return []string{aws.ToString(in.ResourceArn)}
		}),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *glue.UntagResourceInput) []string {
			return []string{aws.ToString(in.ResourceArn)}
		}),
		awswire.Executes(s.GetTags, func(c awswire.Caller, in *glue.GetTagsInput) []string { return []string{aws.ToString(in.ResourceArn)} }),
	}}
}

// catalogOf is the account of the catalog that an input names by its id; empty for the caller's.
func catalogOf(input any) string {
	f := reflect.Indirect(reflect.ValueOf(input)).FieldByName("CatalogId")
	if !f.IsValid() {
		return ""
	}
	id, _ := f.Interface().(*string)
	if !catalogAccount.MatchString(aws.ToString(id)) {
		return ""
	}
	return *id
}

// catalogAccount is the id of a catalog that is an account's.
var catalogAccount = regexp.MustCompile(`^\d{12}$`)

// on names resources of the caller's catalog.
func on(c awswire.Caller, resources ...string) []string {
	arns := make([]string, len(resources))
	for i, r := range resources {
		arns[i] = arn.New("glue", c.Region, c.Account, r)
	}
	return arns
}

func onTable(c awswire.Caller, database, table *string) []string {
	return onTables(c, database, []string{fold(table)})
}

// onEntry names the table that a plan reads.
func onEntry(c awswire.Caller, e *types.CatalogEntry) []string {
	if e == nil {
		return on(c, "catalog")
	}
	return onTable(c, e.DatabaseName, e.TableName)
}

func onTables(c awswire.Caller, database *string, tables []string) []string {
	resources := []string{"catalog", "database/" + fold(database)}
	for _, t := range tables {
		resources = append(resources, "table/"+fold(database)+"/"+fold(&t))
	}
	return on(c, resources...)
}

// onRegistry names a registry, and onSchema a schema, as a call does; one that names none works on
// the default registry, or on a version by its id.
func onRegistry(c awswire.Caller, id *types.RegistryId) []string {
	if id == nil {
		return on(c, "registry/*")
	}
	if a := aws.ToString(id.RegistryArn); a != "" {
		return []string{a}
	}
	return on(c, "registry/"+aws.ToString(id.RegistryName))
}

func onSchema(c awswire.Caller, id *types.SchemaId) []string {
	if id == nil {
		return on(c, "schema/*")
	}
	if a := aws.ToString(id.SchemaArn); a != "" {
		return []string{a}
	}
	registry := aws.ToString(id.RegistryName)
	if registry == "" {
		registry = defaultRegistry
	}
	return on(c, "schema/"+registry+"/"+aws.ToString(id.SchemaName))
}

func onNamed(c awswire.Caller, kind string, names []string) []string {
	resources := make([]string, len(names))
	for i, name := range names {
		resources[i] = kind + name
	}
	return on(c, resources...)
}

func databaseName(in *types.DatabaseInput) string {
	if in == nil {
		return ""
	}
	return fold(in.Name)
}

func tableName(in *types.TableInput) *string {
	if in == nil {
		return nil
	}
	return in.Name
}

func functionName(in *types.UserDefinedFunctionInput) string {
	if in == nil {
		return ""
	}
	return aws.ToString(in.FunctionName)
}
