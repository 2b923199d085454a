package glue

import (
	"context"
	"hash/fnv"
	"sort"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/awskit/page"
)

// CreatePartition, BatchCreatePartition, GetPartition, GetPartitions, BatchGetPartition,
// UpdatePartition, BatchUpdatePartition, DeletePartition, BatchDeletePartition.
//
// A partition has as many values as its table has partition keys; the values are text
// whatever the keys' types. Pages of GetPartitions have up to 1,000 partitions in the
// order of their values.

// partitionTable returns the table of a partition call with the index of its partitions.
func (s *Service) partitionTable(ctx context.Context, catalogID, database, table *string) (scope, *tableDoc, *tablePartitions, error) {
	sc, err := scopeOf(ctx, catalogID)
	if err != nil {
		return sc, nil, nil, err
	}
	t, err := s.table(sc, fold(database), fold(table))
	if err != nil {
		return sc, nil, nil, err
	}
	return sc, t, s.partitionsOf(sc, fold(database), t.Name), nil
}

func checkValues(t *tableDoc, values []string) error {
	if len(values) != len(t.PartitionKeys) {
		return invalidInput("The number of partition keys do not match the number of partition values")
	}
	for _, v := range values {
		if v == "" {
			return invalidInput("Partition values must not be empty.")
		}
	}
	return nil
}

// CreatePartition makes one partition.
func (s *Service) CreatePartition(ctx context.Context, in *glue.CreatePartitionInput, _ ...func(*glue.Options)) (*glue.CreatePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkValues(t, in.PartitionInput.Values); err != nil {
		return nil, err
	}
	failed, err := parts.create(ctx, []types.PartitionInput{*in.PartitionInput})
	if err != nil {
		return nil, err
	}
	if err := failed[0]; err != nil {
		return nil, err
	}
	return &glue.CreatePartitionOutput{}, nil
}

// BatchCreatePartition makes up to 100 partitions and says of each that failed why.
func (s *Service) BatchCreatePartition(ctx context.Context, in *glue.BatchCreatePartitionInput, _ ...func(*glue.Options)) (*glue.BatchCreatePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	for i := range in.PartitionInputList {
		if err := checkValues(t, in.PartitionInputList[i].Values); err != nil {
			return nil, err
		}
	}
	failed, err := parts.create(ctx, in.PartitionInputList)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchCreatePartitionOutput{}
	for i, p := range in.PartitionInputList {
		if err := failed[i]; err != nil {
			out.Errors = append(out.Errors, types.PartitionError{PartitionValues: p.Values, ErrorDetail: errorDetail(err)})
		}
	}
	return out, nil
}

// GetPartition describes one partition.
func (s *Service) GetPartition(ctx context.Context, in *glue.GetPartitionInput, _ ...func(*glue.Options)) (*glue.GetPartitionOutput, error) {
	sc, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	if len(in.PartitionValues) != len(t.PartitionKeys) {
		return nil, checkValues(t, in.PartitionValues)
	}
	p, err := parts.get(in.PartitionValues)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, partitionNotFound()
	}
	out := p.output(sc, fold(in.DatabaseName), t.Name, true)
	return &glue.GetPartitionOutput{Partition: &out}, nil
}

// GetPartitions lists the partitions for which Expression holds (see expression.go), of
// one segment where Segment is given.
func (s *Service) GetPartitions(ctx context.Context, in *glue.GetPartitionsInput, _ ...func(*glue.Options)) (*glue.GetPartitionsOutput, error) {
	sc, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	match, err := compileExpression(aws.ToString(in.Expression), t.PartitionKeys)
	if err != nil {
		return nil, err
	}
	if seg := in.Segment; seg != nil {
		total := uint32(max(aws.ToInt32(seg.TotalSegments), 1))
		if seg.SegmentNumber < 0 || uint32(seg.SegmentNumber) >= total {
			return nil, invalidInput("SegmentNumber must be less than TotalSegments.")
		}
		inner := match
		match = func(values []string) (bool, error) {
			h := fnv.New32a()
			h.Write([]byte(partitionKey(values)))
			if h.Sum32()%total != uint32(seg.SegmentNumber) {
				return false, nil
			}
			return inner(values)
		}
	}
	after, err := decodeToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := 1000
	if n := int(aws.ToInt32(in.MaxResults)); n > 0 && n < limit {
		limit = n
	}
	list, err := parts.list()
	if err != nil {
		return nil, err
	}
	if after != "" {
		list = list[sort.Search(len(list), func(i int) bool { return list[i].key > after }):]
	}
	columns := !aws.ToBool(in.ExcludeColumnSchema)
	database := fold(in.DatabaseName)
	out := &glue.GetPartitionsOutput{Partitions: []types.Partition{}}
	last := ""
	for _, p := range list {
		switch ok, err := match(p.doc.Values); {
		case err != nil:
			return nil, err
		case !ok:
			continue
		}
		if len(out.Partitions) == limit {
			out.NextToken = aws.String(page.Seal(last))
			break
		}
		out.Partitions = append(out.Partitions, p.output(sc, database, t.Name, columns))
		last = p.key
	}
	return out, nil
}

// BatchGetPartition describes those of up to 1,000 partitions that exist.
func (s *Service) BatchGetPartition(ctx context.Context, in *glue.BatchGetPartitionInput, _ ...func(*glue.Options)) (*glue.BatchGetPartitionOutput, error) {
	sc, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetPartitionOutput{Partitions: []types.Partition{}, UnprocessedKeys: []types.PartitionValueList{}}
	for _, v := range in.PartitionsToGet {
		p, err := parts.get(v.Values)
		if err != nil {
			return nil, err
		}
		if p != nil {
			out.Partitions = append(out.Partitions, p.output(sc, fold(in.DatabaseName), t.Name, true))
		}
	}
	return out, nil
}

// UpdatePartition replaces a partition; its values may change too.
func (s *Service) UpdatePartition(ctx context.Context, in *glue.UpdatePartitionInput, _ ...func(*glue.Options)) (*glue.UpdatePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	input := withValues(in.PartitionInput, in.PartitionValueList)
	if err := checkValues(t, input.Values); err != nil {
		return nil, err
	}
	failed, err := parts.change(ctx, []partitionChange{{in.PartitionValueList, input}})
	if err != nil {
		return nil, err
	}
	if err := failed[0]; err != nil {
		return nil, err
	}
	return &glue.UpdatePartitionOutput{}, nil
}

// withValues fills in the values of an update that leaves them as they are.
func withValues(in *types.PartitionInput, values []string) *types.PartitionInput {
	if len(in.Values) > 0 {
		return in
	}
	c := *in
	c.Values = values
	return &c
}

// BatchUpdatePartition replaces up to 100 partitions and says of each that failed why.
func (s *Service) BatchUpdatePartition(ctx context.Context, in *glue.BatchUpdatePartitionInput, _ ...func(*glue.Options)) (*glue.BatchUpdatePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, t, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	changes := make([]partitionChange, len(in.Entries))
	for i, e := range in.Entries {
		changes[i] = partitionChange{e.PartitionValueList, withValues(e.PartitionInput, e.PartitionValueList)}
		if err := checkValues(t, changes[i].input.Values); err != nil {
			return nil, err
		}
	}
	failed, err := parts.change(ctx, changes)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchUpdatePartitionOutput{}
	for i, e := range in.Entries {
		if err := failed[i]; err != nil {
			out.Errors = append(out.Errors, types.BatchUpdatePartitionFailureEntry{
				PartitionValueList: e.PartitionValueList, ErrorDetail: errorDetail(err),
			})
		}
	}
	return out, nil
}

// DeletePartition deletes one partition; its objects stay.
func (s *Service) DeletePartition(ctx context.Context, in *glue.DeletePartitionInput, _ ...func(*glue.Options)) (*glue.DeletePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, _, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	failed, err := parts.change(ctx, []partitionChange{{values: in.PartitionValues}})
	if err != nil {
		return nil, err
	}
	if err := failed[0]; err != nil {
		return nil, err
	}
	return &glue.DeletePartitionOutput{}, nil
}

// BatchDeletePartition deletes up to 25 partitions and says of each that failed why.
func (s *Service) BatchDeletePartition(ctx context.Context, in *glue.BatchDeletePartitionInput, _ ...func(*glue.Options)) (*glue.BatchDeletePartitionOutput, error) {
	s.structure.RLock()
	defer s.structure.RUnlock()
	_, _, parts, err := s.partitionTable(ctx, in.CatalogId, in.DatabaseName, in.TableName)
	if err != nil {
		return nil, err
	}
	changes := make([]partitionChange, len(in.PartitionsToDelete))
	for i, v := range in.PartitionsToDelete {
		changes[i] = partitionChange{values: v.Values}
	}
	failed, err := parts.change(ctx, changes)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchDeletePartitionOutput{}
	for i, v := range in.PartitionsToDelete {
		if err := failed[i]; err != nil {
			out.Errors = append(out.Errors, types.PartitionError{PartitionValues: v.Values, ErrorDetail: errorDetail(err)})
		}
	}
	return out, nil
}
