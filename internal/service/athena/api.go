package athena

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"

	"github.com/brookmere/brookmere/internal/awskit/arn"
	"github.com/brookmere/brookmere/internal/awswire"
)

// API returns the service as the wire layer serves it. Executions and named queries have no
// ARNs: what works on them works on their workgroup.
func (s *Service) API() awswire.API {
	return awswire.API{
		Model:      "athena",
		Operations: s.operations(),
		Invalid:    func(message string) error { return invalidRequest("", "%s", message) },
	}
}

func (s *Service) operations() []awswire.Operation {
	return []awswire.Operation{
		awswire.Executes(s.StartQueryExecution, func(c awswire.Caller, in *athena.StartQueryExecutionInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.GetQueryExecution, func(c awswire.Caller, in *athena.GetQueryExecutionInput) []string {
			return s.onExecutions(c, aws.ToString(in.QueryExecutionId))
		}),
		awswire.Executes(s.BatchGetQueryExecution, func(c awswire.Caller, in *athena.BatchGetQueryExecutionInput) []string {
			return s.onExecutions(c, in.QueryExecutionIds...)
		}),
		awswire.Executes(s.StopQueryExecution, func(c awswire.Caller, in *athena.StopQueryExecutionInput) []string {
			return s.onExecutions(c, aws.ToString(in.QueryExecutionId))
		}),
		awswire.Executes(s.ListQueryExecutions, func(c awswire.Caller, in *athena.ListQueryExecutionsInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.GetQueryResults, func(c awswire.Caller, in *athena.GetQueryResultsInput) []string {
			return s.onExecutions(c, aws.ToString(in.QueryExecutionId))
		}),
		awswire.Executes(s.GetQueryRuntimeStatistics, func(c awswire.Caller, in *athena.GetQueryRuntimeStatisticsInput) []string {
			return s.onExecutions(c, aws.ToString(in.QueryExecutionId))
		}),

		awswire.Executes(s.CreateWorkGroup, func(c awswire.Caller, in *athena.CreateWorkGroupInput) []string { return onWorkGroup(c, in.Name) }),
		awswire.Executes(s.GetWorkGroup, func(c awswire.Caller, in *athena.GetWorkGroupInput) []string { return onWorkGroup(c, in.WorkGroup) }),
		awswire.Executes(s.ListWorkGroups),
		awswire.Executes(s.UpdateWorkGroup, func(c awswire.Caller, in *athena.UpdateWorkGroupInput) []string { return onWorkGroup(c, in.WorkGroup) }),
		awswire.Executes(s.DeleteWorkGroup, func(c awswire.Caller, in *athena.DeleteWorkGroupInput) []string { return onWorkGroup(c, in.WorkGroup) }),
		awswire.Executes(s.ListEngineVersions),
		awswire.Executes(s.ListApplicationDPUSizes),

		awswire.Stores(s.CreateDataCatalog, func(c awswire.Caller, in *athena.CreateDataCatalogInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetDataCatalog, func(c awswire.Caller, in *athena.GetDataCatalogInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.ListDataCatalogs),
		awswire.Stores(s.UpdateDataCatalog, func(c awswire.Caller, in *athena.UpdateDataCatalogInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.DeleteDataCatalog, func(c awswire.Caller, in *athena.DeleteDataCatalogInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.ListDatabases, func(c awswire.Caller, in *athena.ListDatabasesInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.CatalogName))
		}),
		awswire.Executes(s.GetDatabase, func(c awswire.Caller, in *athena.GetDatabaseInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.CatalogName))
		}),
		awswire.Executes(s.ListTableMetadata, func(c awswire.Caller, in *athena.ListTableMetadataInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.CatalogName))
		}),
		awswire.Executes(s.GetTableMetadata, func(c awswire.Caller, in *athena.GetTableMetadataInput) []string {
			return on(c, "datacatalog/"+aws.ToString(in.CatalogName))
		}),

		awswire.Executes(s.CreateNamedQuery, func(c awswire.Caller, in *athena.CreateNamedQueryInput) []string { return onWorkGroup(c, in.WorkGroup) }),
		awswire.Executes(s.GetNamedQuery, func(c awswire.Caller, in *athena.GetNamedQueryInput) []string {
			return s.onNamedQueries(c, aws.ToString(in.NamedQueryId))
		}),
		awswire.Executes(s.BatchGetNamedQuery, func(c awswire.Caller, in *athena.BatchGetNamedQueryInput) []string {
			return s.onNamedQueries(c, in.NamedQueryIds...)
		}),
		awswire.Executes(s.ListNamedQueries, func(c awswire.Caller, in *athena.ListNamedQueriesInput) []string { return onWorkGroup(c, in.WorkGroup) }),
		awswire.Executes(s.UpdateNamedQuery, func(c awswire.Caller, in *athena.UpdateNamedQueryInput) []string {
			return s.onNamedQueries(c, aws.ToString(in.NamedQueryId))
		}),
		awswire.Executes(s.DeleteNamedQuery, func(c awswire.Caller, in *athena.DeleteNamedQueryInput) []string {
			return s.onNamedQueries(c, aws.ToString(in.NamedQueryId))
		}),

		awswire.Executes(s.CreatePreparedStatement, func(c awswire.Caller, in *athena.CreatePreparedStatementInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.GetPreparedStatement, func(c awswire.Caller, in *athena.GetPreparedStatementInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.BatchGetPreparedStatement, func(c awswire.Caller, in *athena.BatchGetPreparedStatementInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.ListPreparedStatements, func(c awswire.Caller, in *athena.ListPreparedStatementsInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.UpdatePreparedStatement, func(c awswire.Caller, in *athena.UpdatePreparedStatementInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),
		awswire.Executes(s.DeletePreparedStatement, func(c awswire.Caller, in *athena.DeletePreparedStatementInput) []string {
			return onWorkGroup(c, in.WorkGroup)
		}),

		awswire.Stores(s.CreateCapacityReservation, func(c awswire.Caller, in *athena.CreateCapacityReservationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.GetCapacityReservation, func(c awswire.Caller, in *athena.GetCapacityReservationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.ListCapacityReservations),
		awswire.Stores(s.UpdateCapacityReservation, func(c awswire.Caller, in *athena.UpdateCapacityReservationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.Name))
		}),
		awswire.Stores(s.CancelCapacityReservation, func(c awswire.Caller, in *athena.CancelCapacityReservationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.Name))
		}),
		awswire.Executes(s.DeleteCapacityReservation, func(c awswire.Caller, in *athena.DeleteCapacityReservationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.Name))
		}),
		awswire.Stores(s.PutCapacityAssignmentConfiguration, func(c awswire.Caller, in *athena.PutCapacityAssignmentConfigurationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.CapacityReservationName))
		}),
		awswire.Executes(s.GetCapacityAssignmentConfiguration, func(c awswire.Caller, in *athena.GetCapacityAssignmentConfigurationInput) []string {
			return on(c, "capacity-reservation/"+aws.ToString(in.CapacityReservationName))
		}),

		awswire.Executes(s.TagResource, func(c awswire.Caller, in *athena.TagResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
		awswire.Executes(s.UntagResource, func(c awswire.Caller, in *athena.UntagResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
		awswire.Executes(s.ListTagsForResource, func(c awswire.Caller, in *athena.ListTagsForResourceInput) []string {
			return []string{aws.ToString(in.ResourceARN)}
		}),
	}
}

func on(c awswire.Caller, resource string) []string {
	return []string{arn.New("athena", c.Region, c.Account, resource)}
}

func onWorkGroup(c awswire.Caller, name *string) []string {
	if aws.ToString(name) == "" {
		return on(c, "workgroup/"+primary)
	}
	return on(c, "workgroup/"+*name)
}

// onExecutions names the workgroups of executions; of those that there are none of, none.
func (s *Service) onExecutions(c awswire.Caller, ids ...string) []string {
	var arns []string
	for _, id := range ids {
		if d, err := s.executions.get(scope{c.Account, c.Region}, id); err == nil {
			arns = append(arns, onWorkGroup(c, &d.WorkGroup)...)
		}
	}
	slices.Sort(arns)
	return slices.Compact(arns)
}

func (s *Service) onNamedQueries(c awswire.Caller, ids ...string) []string {
	var arns []string
	for _, id := range ids {
		if d, err := s.namedQuery(scope{c.Account, c.Region}, id); err == nil {
			arns = append(arns, onWorkGroup(c, &d.WorkGroup)...)
		}
	}
	slices.Sort(arns)
	return slices.Compact(arns)
}
