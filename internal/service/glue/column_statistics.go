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

// GetColumnStatisticsForTable, UpdateColumnStatisticsForTable,
// DeleteColumnStatisticsForTable, and the same for a partition.
//
// Statistics are kept and read back, a document a table or partition; queries have those
// of the objects themselves. They go with the table, or its partition.

type statisticsDoc struct {
	Columns map[string]types.ColumnStatistics `json:"columns"` // by name in lower case
}

// statisticsOf is where the statistics of a table, or of a partition of it, are kept.
type statisticsOf struct {
	key     []string
	columns []columnDoc
}

func (s *Service) tableStatistics(ctx context.Context, catalogID, database, table *string) (statisticsOf, error) {
	sc, err := scopeOf(ctx, catalogID)
	if err != nil {
		return statisticsOf{}, err
	}
	t, err := s.table(sc, fold(database), fold(table))
	if err != nil {
		return statisticsOf{}, err
	}
	of := statisticsOf{key: []string{sc.account, sc.region, fold(database), t.Name, ""}, columns: t.PartitionKeys}
	if t.Descriptor != nil {
		of.columns = slices.Concat(t.Descriptor.Columns, t.PartitionKeys)
	}
	return of, nil
}

func (s *Service) partitionStatistics(ctx context.Context, catalogID, database, table *string, values []string) (statisticsOf, error) {
	_, t, parts, err := s.partitionTable(ctx, catalogID, database, table)
	if err != nil {
		return statisticsOf{}, err
	}
	if err := checkValues(t, values); err != nil {
		return statisticsOf{}, err
	}
	p, err := parts.get(values)
	if err != nil {
		return statisticsOf{}, err
	}
	if p == nil {
		return statisticsOf{}, partitionNotFound()
	}
	of, err := s.tableStatistics(ctx, catalogID, database, table)
	of.key[len(of.key)-1] = hash(partitionKey(values))
	if p.descriptor != nil {
		of.columns = slices.Concat(p.descriptor.Columns, of.columns)
	}
	return of, err
}

func (of statisticsOf) has(column string) bool {
	return slices.ContainsFunc(of.columns, func(c columnDoc) bool { return strings.EqualFold(c.Name, column) })
}

func (s *Service) getStatistics(of statisticsOf, names []string) ([]types.ColumnStatistics, []types.ColumnError, error) {
	list, failed := []types.ColumnStatistics{}, []types.ColumnError{}
	d, err := s.statistics.Get(of.key...)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return nil, nil, err
	}
	for _, name := range names {
		if d != nil {
			if c, ok := d.Columns[strings.ToLower(name)]; ok {
				list = append(list, c)
				continue
			}
		}
		failed = append(failed, types.ColumnError{ColumnName: aws.String(name), Error: errorDetail(statisticsNotFound(name))})
	}
	return list, failed, nil
}

func statisticsNotFound(column string) error {
	return notFound("Column statistics for column %s not found.", column)
}

func (s *Service) updateStatistics(ctx context.Context, of statisticsOf, in []types.ColumnStatistics) ([]types.ColumnStatisticsError, error) {
	failed := []types.ColumnStatisticsError{}
	update := make(map[string]types.ColumnStatistics)
	for _, c := range in {
		err := checkStatistics(of, &c)
		if err != nil {
			failed = append(failed, types.ColumnStatisticsError{ColumnStatistics: &c, Error: errorDetail(err)})
			continue
		}
		update[fold(c.ColumnName)] = c
	}
	if len(update) == 0 {
		return failed, nil
	}
	set := func(d *statisticsDoc) error {
		if d.Columns == nil {
			d.Columns = make(map[string]types.ColumnStatistics)
		}
		for name, c := range update {
			d.Columns[name] = c
		}
		return nil
	}
	for {
		_, err := s.statistics.Modify(ctx, set, of.key...)
		if !errors.Is(err, state.ErrNotFound) {
			return failed, err
		}
		d := new(statisticsDoc)
		_ = set(d) // it has no error
		if err := s.statistics.Create(ctx, d, of.key...); !errors.Is(err, state.ErrExists) {
			return failed, err
		}
	}
}

// checkStatistics refuses statistics of a column that is not there, and data that is not
// of the type that it says.
func checkStatistics(of statisticsOf, c *types.ColumnStatistics) error {
	if !of.has(aws.ToString(c.ColumnName)) {
		return notFound("Column %s not found.", aws.ToString(c.ColumnName))
	}
	d := c.StatisticsData
	given := map[types.ColumnStatisticsType]bool{
		types.ColumnStatisticsTypeBinary:  d.BinaryColumnStatisticsData != nil,
		types.ColumnStatisticsTypeBoolean: d.BooleanColumnStatisticsData != nil,
		types.ColumnStatisticsTypeDate:    d.DateColumnStatisticsData != nil,
		types.ColumnStatisticsTypeDecimal: d.DecimalColumnStatisticsData != nil,
		types.ColumnStatisticsTypeDouble:  d.DoubleColumnStatisticsData != nil,
		types.ColumnStatisticsTypeLong:    d.LongColumnStatisticsData != nil,
		types.ColumnStatisticsTypeString:  d.StringColumnStatisticsData != nil,
	}
	if !given[d.Type] {
		return invalidInput("The statistics data of column %s is not of type %s.", aws.ToString(c.ColumnName), d.Type)
	}
	return nil
}

func (s *Service) deleteStatistics(ctx context.Context, of statisticsOf, column string) error {
	_, err := s.statistics.Modify(ctx, func(d *statisticsDoc) error {
		if _, ok := d.Columns[strings.ToLower(column)]; !ok {
			return statisticsNotFound(column)
		}
		delete(d.Columns, strings.ToLower(column))
		return nil
	}, of.key...)
	if errors.Is(err, state.ErrNotFound) {
		return statisticsNotFound(column)
	}
	return err
}

// GetColumnStatisticsForTable returns those of the named columns that there are.
func (s *Service) GetColumnStatisticsForTable(ctx context.Context, in *glue.GetColumnStatisticsForTableInput, _ ...func(*glue.Options)) (*glue.GetColumnStatisticsForTableOutput, error) {
	of, err := s.tableStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	list, failed, err := s.getStatistics(of, in.ColumnNames)
	if err != nil {
		return nil, err
	}
	return &glue.GetColumnStatisticsForTableOutput{ColumnStatisticsList: list, Errors: failed}, nil
}

// GetColumnStatisticsForPartition returns those of the named columns that there are.
func (s *Service) GetColumnStatisticsForPartition(ctx context.Context, in *glue.GetColumnStatisticsForPartitionInput, _ ...func(*glue.Options)) (*glue.GetColumnStatisticsForPartitionOutput, error) {
	of, err := s.partitionStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName, in.PartitionValues)
	if err != nil {
		return nil, err
	}
	list, failed, err := s.getStatistics(of, in.ColumnNames)
	if err != nil {
		return nil, err
	}
	return &glue.GetColumnStatisticsForPartitionOutput{ColumnStatisticsList: list, Errors: failed}, nil
}

// UpdateColumnStatisticsForTable keeps statistics and says of each column that failed why.
func (s *Service) UpdateColumnStatisticsForTable(ctx context.Context, in *glue.UpdateColumnStatisticsForTableInput, _ ...func(*glue.Options)) (*glue.UpdateColumnStatisticsForTableOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	of, err := s.tableStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	failed, err := s.updateStatistics(ctx, of, in.ColumnStatisticsList)
	if err != nil {
		return nil, err
	}
	return &glue.UpdateColumnStatisticsForTableOutput{Errors: failed}, nil
}

// UpdateColumnStatisticsForPartition keeps statistics and says of each column that failed why.
func (s *Service) UpdateColumnStatisticsForPartition(ctx context.Context, in *glue.UpdateColumnStatisticsForPartitionInput, _ ...func(*glue.Options)) (*glue.UpdateColumnStatisticsForPartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	of, err := s.partitionStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName, in.PartitionValues)
	if err != nil {
		return nil, err
	}
	failed, err := s.updateStatistics(ctx, of, in.ColumnStatisticsList)
	if err != nil {
		return nil, err
	}
	return &glue.UpdateColumnStatisticsForPartitionOutput{Errors: failed}, nil
}

// DeleteColumnStatisticsForTable forgets those of one column.
func (s *Service) DeleteColumnStatisticsForTable(ctx context.Context, in *glue.DeleteColumnStatisticsForTableInput, _ ...func(*glue.Options)) (*glue.DeleteColumnStatisticsForTableOutput, error) {
	of, err := s.tableStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := s.deleteStatistics(ctx, of, aws.ToString(in.ColumnName)); err != nil {
		return nil, err
	}
	return &glue.DeleteColumnStatisticsForTableOutput{}, nil
}

// DeleteColumnStatisticsForPartition forgets those of one column.
func (s *Service) DeleteColumnStatisticsForPartition(ctx context.Context, in *glue.DeleteColumnStatisticsForPartitionInput, _ ...func(*glue.Options)) (*glue.DeleteColumnStatisticsForPartitionOutput, error) {
	of, err := s.partitionStatistics(ctx, in.CatalogId, in.DatabaseName, in.TableName, in.PartitionValues)
	if err != nil {
		return nil, err
	}
	if err := s.deleteStatistics(ctx, of, aws.ToString(in.ColumnName)); err != nil {
		return nil, err
	}
	return &glue.DeleteColumnStatisticsForPartitionOutput{}, nil
}

// forgetPartitionStatistics forgets what was kept of partitions that are deleted; what
// was not kept is not an error, and what cannot be deleted now goes with the table.
func (s *Service) forgetPartitionStatistics(ctx context.Context, id tableID, values []string) {
	key := []string{id.account, id.region, id.database, id.table, hash(partitionKey(values))}
	if _, err := s.statistics.Get(key...); err == nil {
		_ = s.statistics.Delete(ctx, key...)
	}
}
