package node

import (
	"context"

	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/brookmere/brookmere/internal/service/glue"
)

// askedCatalog is the catalog for what a service does there with the rights of another: statements of Athena's with
// those of who sent them. It has what statements call, and nothing else goes through it.
type askedCatalog struct {
	glue  *glue.Service
	asked asked
	via   string
}

func (c askedCatalog) GetDatabase(ctx context.Context, in *awsglue.GetDatabaseInput, _ ...func(*awsglue.Options)) (*awsglue.GetDatabaseOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.GetDatabase)
}

func (c askedCatalog) GetDatabases(ctx context.Context, in *awsglue.GetDatabasesInput, _ ...func(*awsglue.Options)) (*awsglue.GetDatabasesOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.GetDatabases)
}

func (c askedCatalog) GetTable(ctx context.Context, in *awsglue.GetTableInput, _ ...func(*awsglue.Options)) (*awsglue.GetTableOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.GetTable)
}

func (c askedCatalog) GetTables(ctx context.Context, in *awsglue.GetTablesInput, _ ...func(*awsglue.Options)) (*awsglue.GetTablesOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.GetTables)
}

func (c askedCatalog) GetPartitions(ctx context.Context, in *awsglue.GetPartitionsInput, _ ...func(*awsglue.Options)) (*awsglue.GetPartitionsOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.GetPartitions)
}

func (c askedCatalog) CreateDatabase(ctx context.Context, in *awsglue.CreateDatabaseInput, _ ...func(*awsglue.Options)) (*awsglue.CreateDatabaseOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.CreateDatabase)
}

func (c askedCatalog) UpdateDatabase(ctx context.Context, in *awsglue.UpdateDatabaseInput, _ ...func(*awsglue.Options)) (*awsglue.UpdateDatabaseOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.UpdateDatabase)
}

func (c askedCatalog) DeleteDatabase(ctx context.Context, in *awsglue.DeleteDatabaseInput, _ ...func(*awsglue.Options)) (*awsglue.DeleteDatabaseOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.DeleteDatabase)
}

func (c askedCatalog) CreateTable(ctx context.Context, in *awsglue.CreateTableInput, _ ...func(*awsglue.Options)) (*awsglue.CreateTableOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.CreateTable)
}

func (c askedCatalog) UpdateTable(ctx context.Context, in *awsglue.UpdateTableInput, _ ...func(*awsglue.Options)) (*awsglue.UpdateTableOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.UpdateTable)
}

func (c askedCatalog) DeleteTable(ctx context.Context, in *awsglue.DeleteTableInput, _ ...func(*awsglue.Options)) (*awsglue.DeleteTableOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.DeleteTable)
}

func (c askedCatalog) BatchCreatePartition(ctx context.Context, in *awsglue.BatchCreatePartitionInput, _ ...func(*awsglue.Options)) (*awsglue.BatchCreatePartitionOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.BatchCreatePartition)
}

func (c askedCatalog) BatchDeletePartition(ctx context.Context, in *awsglue.BatchDeletePartitionInput, _ ...func(*awsglue.Options)) (*awsglue.BatchDeletePartitionOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.BatchDeletePartition)
}

func (c askedCatalog) UpdatePartition(ctx context.Context, in *awsglue.UpdatePartitionInput, _ ...func(*awsglue.Options)) (*awsglue.UpdatePartitionOutput, error) {
	return through(ctx, c.asked, c.via, in, c.glue.UpdatePartition)
}
