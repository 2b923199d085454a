package glue

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/state"
)

// CreatePartitionIndex, GetPartitionIndexes, DeletePartitionIndex.
//
// Indexes are kept and read back as ACTIVE; all partitions of a table are in memory and
// sorted, so that nothing would be faster for them. At most 3 a table, as in Glue.

func (t *tableDoc) addIndex(in *types.PartitionIndex) error {
	name := aws.ToString(in.IndexName)
	if slices.ContainsFunc(t.Indexes, func(ix partitionIndexDoc) bool { return ix.Name == name }) {
		return alreadyExists("Index with the given indexName : %s already exists", name)
	}
	if len(t.Indexes) >= 3 {
		return &types.ResourceNumberLimitExceededException{Message: aws.String("The number of partition indexes exceeds the limit of 3 per table.")}
	}
	for _, k := range in.Keys {
		if !slices.ContainsFunc(t.PartitionKeys, func(c columnDoc) bool { return strings.EqualFold(c.Name, k) }) {
			return invalidInput("Key %s is not a partition key of the table.", k)
		}
	}
	t.Indexes = append(t.Indexes, partitionIndexDoc{name, in.Keys})
	return nil
}

// CreatePartitionIndex keeps an index with the table.
func (s *Service) CreatePartitionIndex(ctx context.Context, in *glue.CreatePartitionIndexInput, _ ...func(*glue.Options)) (*glue.CreatePartitionIndexOutput, error) {
	if err := s.modifyIndexes(ctx, in.CatalogId, in.DatabaseName, in.TableName, func(t *tableDoc) error {
		return t.addIndex(in.PartitionIndex)
	}); err != nil {
		return nil, err
	}
	return &glue.CreatePartitionIndexOutput{}, nil
}

// DeletePartitionIndex removes it.
func (s *Service) DeletePartitionIndex(ctx context.Context, in *glue.DeletePartitionIndexInput, _ ...func(*glue.Options)) (*glue.DeletePartitionIndexOutput, error) {
	if err := s.modifyIndexes(ctx, in.CatalogId, in.DatabaseName, in.TableName, func(t *tableDoc) error {
		n := len(t.Indexes)
		t.Indexes = slices.DeleteFunc(t.Indexes, func(ix partitionIndexDoc) bool { return ix.Name == aws.ToString(in.IndexName) })
		if len(t.Indexes) == n {
			return notFound("Index with the given indexName : %s does not exist", aws.ToString(in.IndexName))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return &glue.DeletePartitionIndexOutput{}, nil
}

func (s *Service) modifyIndexes(ctx context.Context, catalogID, databaseName, tableName *string, f func(*tableDoc) error) error {
	sc, err := scopeOf(ctx, catalogID)
	if err != nil {
		return err
	}
	database, name := fold(databaseName), fold(tableName)
	s.structure.RLock()
	defer s.structure.RUnlock()
	if _, err := s.table(sc, database, name); err != nil {
		return err
	}
	_, err = s.tables.Modify(ctx, f, sc.account, sc.region, database, name)
	if errors.Is(err, state.ErrNotFound) {
		return tableNotFound()
	}
	return err
}

// GetPartitionIndexes lists a table's indexes.
func (s *Service) GetPartitionIndexes(ctx context.Context, in *glue.GetPartitionIndexesInput, _ ...func(*glue.Options)) (*glue.GetPartitionIndexesOutput, error) {
	sc, err := scopeOf(ctx, in.CatalogId)
	if err != nil {
		return nil, err
	}
	t, err := s.table(sc, fold(in.DatabaseName), fold(in.TableName))
	if err != nil {
		return nil, err
	}
	out := &glue.GetPartitionIndexesOutput{PartitionIndexDescriptorList: []types.PartitionIndexDescriptor{}}
	for _, ix := range t.Indexes {
		d := types.PartitionIndexDescriptor{IndexName: aws.String(ix.Name), IndexStatus: types.PartitionIndexStatusActive}
		for _, k := range ix.Keys {
			e := types.KeySchemaElement{Name: aws.String(k), Type: aws.String("string")}
			for _, c := range t.PartitionKeys {
				if strings.EqualFold(c.Name, k) && c.Type != nil {
					e.Type = c.Type
				}
			}
			d.Keys = append(d.Keys, e)
		}
		out.PartitionIndexDescriptorList = append(out.PartitionIndexDescriptorList, d)
	}
	return out, nil
}
