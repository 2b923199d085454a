package dynamodb

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// This file: the indexes of a restored table, which are of its source: all of them, or those that a
// restore names, as they are there but for their capacity.

func noSuchSource(index *string) error {
	return invalid("Invalid Request: Index %s does not match a secondary index that existed in the source table and cannot be created during the restore operation", aws.ToString(index))
}

// is reports whether a definition is that of the index.
func (x *index) is(local bool, name *string, schema []types.KeySchemaElement, p *types.Projection) bool {
	if x.Local != local || x.Name != aws.ToString(name) {
		return false
	}
	keys, err := indexSchema(schema)
	if err != nil || !slices.Equal(keys.hashes(), x.hashes()) || !slices.Equal(keys.ranges(), x.ranges()) {
		return false
	}
	projection, include, err := projectionOf(p)
	return err == nil && projection == x.Projection && slices.Equal(slices.Sorted(slices.Values(include)), slices.Sorted(slices.Values(x.Include)))
}

// indexes are those of the source that d, which is restored from it, gets, with the capacity that the
// restore or else the source gives them. One of an on-demand source has none: it gets the table's.
func (o *overrides) indexes(from, d *table) (out []index, err error) {
	keep := map[string]*types.GlobalSecondaryIndex{}
	for i, g := range o.globals {
		if !slices.ContainsFunc(from.Indexes, func(x index) bool { return x.is(false, g.IndexName, g.KeySchema, g.Projection) }) {
			return nil, noSuchSource(g.IndexName)
		}
		if err := checkMaxUnits(g.OnDemandThroughput, d.OnDemand, true, *g.IndexName); err != nil {
			return nil, err
		}
		keep[*g.IndexName] = &o.globals[i]
	}
	for _, l := range o.locals {
		if !slices.ContainsFunc(from.Indexes, func(x index) bool { return x.is(true, l.IndexName, l.KeySchema, l.Projection) }) {
			return nil, noSuchSource(l.IndexName)
		}
		keep[*l.IndexName] = nil
	}
	for _, x := range from.Indexes {
		g, named := keep[x.Name]
		all := x.Local && o.locals == nil || !x.Local && o.globals == nil
		if x.Status != string(types.IndexStatusActive) || !all && !named {
			continue
		}
		x.Throughput = throughput{Read: x.Throughput.Read, Write: x.Throughput.Write}
		switch {
		case x.Local:
		case d.OnDemand:
			x.Throughput = throughput{}
			if g != nil {
				x.MaxUnits = maxUnitsOf(g.OnDemandThroughput, x.MaxUnits)
			}
		default:
			x.MaxUnits = nil
			if g != nil && g.ProvisionedThroughput != nil {
				x.Throughput = throughputOf(g.ProvisionedThroughput)
			} else if x.Throughput == (throughput{}) {
				x.Throughput = throughput{Read: d.Throughput.Read, Write: d.Throughput.Write}
			}
		}
		out = append(out, x)
	}
	return out, nil
}
