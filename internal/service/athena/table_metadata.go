package athena

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/uuid"
)

// ListDatabases, GetDatabase, ListTableMetadata, GetTableMetadata: the Glue catalog as
// Athena shows it.

func checkCatalog(name *string) error {
	if strings.EqualFold(aws.ToString(name), dataCatalog) {
		return nil
	}
	return invalidRequest("", "Data catalog %s was not found", aws.ToString(name))
}

// metadataFailure is an error of the catalog in the form that these calls give it:
// clients take the code out of the text.
func metadataFailure(err error) error {
	code := ""
	var api interface{ ErrorCode() string }
	switch {
	case missing(err):
		code = "EntityNotFoundException"
	case errors.As(err, &api):
		code = api.ErrorCode()
	default:
		return err
	}
	return &types.MetadataException{Message: aws.String(catalogError(message(err), code, uuid.NewString()))}
}

func databaseOf(d *gluetypes.Database) types.Database {
	out := types.Database{Name: d.Name, Description: d.Description, Parameters: d.Parameters}
	if out.Parameters == nil {
		out.Parameters = map[string]string{}
	}
	return out
}

// defaultDatabase is one that every account has once it uses Athena.
const defaultDatabase = "default"

// needDefault makes the database "default" where it is not there.
func (s *Service) needDefault(ctx context.Context) error {
	ctx = scopeOf(ctx).lookup(ctx) // whoever comes first
	_, err := s.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: aws.String(defaultDatabase)})
	if !missing(err) {
		return err
	}
	_, err = s.glue.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{
		Name: aws.String(defaultDatabase), Description: aws.String("Default Hive database"),
	}})
	if exists(err) {
		return nil
	}
	return err
}

// ListDatabases lists databases, up to 50 a page; the token is Glue's.
func (s *Service) ListDatabases(ctx context.Context, in *athena.ListDatabasesInput, _ ...func(*athena.Options)) (*athena.ListDatabasesOutput, error) {
	if err := checkCatalog(in.CatalogName); err != nil {
		return nil, err
	}
	if aws.ToString(in.NextToken) == "" {
		if err := s.needDefault(ctx); err != nil {
			return nil, metadataFailure(err)
		}
	}
	page, err := s.glue.GetDatabases(ctx, &glue.GetDatabasesInput{NextToken: in.NextToken, MaxResults: atMost(in.MaxResults, 50)})
	if err != nil {
		return nil, metadataFailure(err)
	}
	out := &athena.ListDatabasesOutput{NextToken: page.NextToken, DatabaseList: []types.Database{}}
	for i := range page.DatabaseList {
		out.DatabaseList = append(out.DatabaseList, databaseOf(&page.DatabaseList[i]))
	}
	return out, nil
}

func atMost(n *int32, limit int32) *int32 {
	if n == nil || *n <= 0 || *n > limit {
		return aws.Int32(limit)
	}
	return n
}

// GetDatabase describes one database.
func (s *Service) GetDatabase(ctx context.Context, in *athena.GetDatabaseInput, _ ...func(*athena.Options)) (*athena.GetDatabaseOutput, error) {
	if err := checkCatalog(in.CatalogName); err != nil {
		return nil, err
	}
	if strings.EqualFold(aws.ToString(in.DatabaseName), defaultDatabase) {
		if err := s.needDefault(ctx); err != nil {
			return nil, metadataFailure(err)
		}
	}
	out, err := s.glue.GetDatabase(ctx, &glue.GetDatabaseInput{Name: in.DatabaseName})
	if err != nil {
		return nil, metadataFailure(err)
	}
	d := databaseOf(out.Database)
	return &athena.GetDatabaseOutput{Database: &d}, nil
}

func columnsOf(in []gluetypes.Column) []types.Column {
	out := make([]types.Column, len(in))
	for i, c := range in {
		out[i] = types.Column{Name: c.Name, Type: c.Type, Comment: c.Comment}
	}
	return out
}

func tableMetadata(t *gluetypes.Table) types.TableMetadata {
	out := types.TableMetadata{
		Name: t.Name, CreateTime: t.CreateTime, LastAccessTime: t.LastAccessTime, TableType: t.TableType,
		PartitionKeys: columnsOf(t.PartitionKeys), Columns: []types.Column{}, Parameters: map[string]string{},
	}
	for k, v := range t.Parameters {
		out.Parameters[k] = v
	}
	if sd := t.StorageDescriptor; sd != nil {
		out.Columns = columnsOf(sd.Columns)
		for k, v := range map[string]*string{"location": sd.Location, "inputformat": sd.InputFormat, "outputformat": sd.OutputFormat} {
			if v != nil {
				out.Parameters[k] = *v
			}
		}
		if s := sd.SerdeInfo; s != nil {
			if s.SerializationLibrary != nil {
				out.Parameters["serde.serialization.lib"] = *s.SerializationLibrary
			}
			for k, v := range s.Parameters {
				out.Parameters["serde.param."+k] = v
			}
		}
	}
	return out
}

// ListTableMetadata lists tables, up to 50 a page, those that Expression matches.
func (s *Service) ListTableMetadata(ctx context.Context, in *athena.ListTableMetadataInput, _ ...func(*athena.Options)) (*athena.ListTableMetadataOutput, error) {
	if err := checkCatalog(in.CatalogName); err != nil {
		return nil, err
	}
	page, err := s.glue.GetTables(ctx, &glue.GetTablesInput{
		DatabaseName: in.DatabaseName, Expression: in.Expression, NextToken: in.NextToken, MaxResults: atMost(in.MaxResults, 50),
	})
	if err != nil {
		return nil, metadataFailure(err)
	}
	out := &athena.ListTableMetadataOutput{NextToken: page.NextToken, TableMetadataList: []types.TableMetadata{}}
	for i := range page.TableList {
		out.TableMetadataList = append(out.TableMetadataList, tableMetadata(&page.TableList[i]))
	}
	return out, nil
}

// GetTableMetadata describes one table.
func (s *Service) GetTableMetadata(ctx context.Context, in *athena.GetTableMetadataInput, _ ...func(*athena.Options)) (*athena.GetTableMetadataOutput, error) {
	if err := checkCatalog(in.CatalogName); err != nil {
		return nil, err
	}
	out, err := s.glue.GetTable(ctx, &glue.GetTableInput{DatabaseName: in.DatabaseName, Name: in.TableName})
	if err != nil {
		return nil, metadataFailure(err)
	}
	t := tableMetadata(out.Table)
	return &athena.GetTableMetadataOutput{TableMetadata: &t}, nil
}
