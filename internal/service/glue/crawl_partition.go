package glue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/brookmere/brookmere/internal/engine/crawl"
)

// The partitions of a table that was found, in the catalog.

func (w *catalogWriter) dropAll(ctx context.Context, database, table string) error {
	parts := w.s.partitionsOf(w.sc, database, table)
	var changes []partitionChange
	list, err := parts.list()
	if err != nil {
		return err
	}
	for _, p := range list {
		changes = append(changes, partitionChange{values: p.doc.Values})
	}
	if len(changes) > 0 {
		if err := w.s.mayOnTable(ctx, "BatchDeletePartition", database, table); err != nil {
			return err
		}
	}
	w.s.structure.RLock()
	defer w.s.structure.RUnlock()
	_, err = parts.change(ctx, changes)
	w.summary.PartitionsDeleted += len(changes)
	return err
}

// partitions adds and changes the partitions of a table, and deletes those that are no
// longer found if the policy says so.
func (w *catalogWriter) partitions(ctx context.Context, target crawlTarget, name string, in *types.TableInput, t *crawl.Table) error {
	if len(in.PartitionKeys) == 0 || len(t.PartitionKeys) != len(in.PartitionKeys) {
		return nil
	}
	inherit := w.conf.CrawlerOutput.Partitions.AddOrUpdateBehavior == "InheritFromTable"
	index := w.s.partitionsOf(w.sc, target.database, name)
	var create []types.PartitionInput
	var change []partitionChange
	seen := make(map[string]bool, len(t.Partitions))
	for i := range t.Partitions {
		p := &t.Partitions[i]
		columns, params := p.Columns, formatParameters(p.Format, p.Statistics)
		params["CrawlerSchemaSerializerVersion"] = "1.0"
		params["CrawlerSchemaDeserializerVersion"] = "1.0"
		sd := descriptor("s3://"+target.bucket+"/"+p.Path, p.Format, columns, maps.Clone(params))
		if inherit {
			loc, sp := sd.Location, sd.Parameters
			c := *in.StorageDescriptor
			sd = &c
			sd.Location, sd.Parameters = loc, sp
		}
		input := types.PartitionInput{Values: p.Values, Parameters: params, StorageDescriptor: sd}
		seen[partitionKey(p.Values)] = true
		old, err := index.get(p.Values)
		if err != nil {
			return err
		}
		switch {
		case old == nil:
			create = append(create, input)
		case w.d.Change.UpdateBehavior == types.UpdateBehaviorUpdateInDatabase &&
			(!sameLocation(aws.ToString(old.doc.Location), *sd.Location) || !maps.Equal(old.doc.Parameters, params)):
			change = append(change, partitionChange{p.Values, &input})
		}
	}
	if w.d.Change.DeleteBehavior == types.DeleteBehaviorDeleteFromDatabase {
		list, err := index.list()
		if err != nil {
			return err
		}
		for _, p := range list {
			if !seen[p.key] {
				change = append(change, partitionChange{values: p.doc.Values})
			}
		}
	}
	for action, needed := range map[string]bool{
		"BatchCreatePartition": len(create) > 0,
		"UpdatePartition":      slices.ContainsFunc(change, func(c partitionChange) bool { return c.input != nil }),
		"BatchDeletePartition": slices.ContainsFunc(change, func(c partitionChange) bool { return c.input == nil }),
	} {
		if !needed {
			continue
		}
		if err := w.s.mayOnTable(ctx, action, target.database, name); err != nil {
			return err
		}
	}
	w.s.structure.RLock()
	defer w.s.structure.RUnlock()
	if _, err := w.s.table(w.sc, target.database, name); err != nil {
		return err
	}
	for batch := range slices.Chunk(create, 100) {
		if err := ctx.Err(); err != nil {
			return err
		}
		failed, err := index.create(ctx, batch)
		if err != nil {
			return err
		}
		w.summary.PartitionsCreated += len(batch) - len(failed)
		values := make([]string, 0, min(len(batch), 20))
		for _, p := range batch[:min(len(batch), 20)] {
			values = append(values, "["+strings.Join(p.Values, ", ")+"]")
		}
		if n := len(batch) - len(values); n > 0 {
			values = append(values, fmt.Sprintf("and %d more", n))
		}
		w.log("Created partitions with values [%s] for table %s in database %s", strings.Join(values, ", "), name, target.database)
	}
	for batch := range slices.Chunk(change, 1000) {
		failed, err := index.change(ctx, batch)
		if err != nil {
			return err
		}
		for i, c := range batch {
			switch {
			case failed[i] != nil:
			case c.input == nil:
				w.summary.PartitionsDeleted++
			default:
				w.summary.PartitionsUpdated++
			}
		}
	}
	return nil
}
