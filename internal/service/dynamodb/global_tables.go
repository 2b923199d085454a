package dynamodb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// This file: what there is to tell of global tables, of which there are none. Operations that make them
// are refused by name.

func globalTables() error {
	return unsupported("A global table is not supported by Brookmere: this node serves the items of one region.")
}

func noGlobalTable(name *string) error {
	return &types.GlobalTableNotFoundException{Message: aws.String("Global table not found: Global table with name: '" + aws.ToString(name) + "' does not exist.")}
}

// ListGlobalTables lists no global tables.
func (s *Service) ListGlobalTables(context.Context, *dynamodb.ListGlobalTablesInput, ...func(*dynamodb.Options)) (*dynamodb.ListGlobalTablesOutput, error) {
	return &dynamodb.ListGlobalTablesOutput{GlobalTables: []types.GlobalTable{}}, nil
}

// DescribeGlobalTable finds no global table.
func (s *Service) DescribeGlobalTable(_ context.Context, in *dynamodb.DescribeGlobalTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeGlobalTableOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}

// DescribeGlobalTableSettings finds no global table.
func (s *Service) DescribeGlobalTableSettings(_ context.Context, in *dynamodb.DescribeGlobalTableSettingsInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeGlobalTableSettingsOutput, error) {
	return nil, noGlobalTable(in.GlobalTableName)
}
