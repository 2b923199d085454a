package dynamodb

import (
	"cmp"
	"math"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/brookmere/brookmere/internal/awswire/scan"
	"github.com/brookmere/brookmere/internal/engine/itemstore"
	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

// usage is the capacity units that a request took of one table.
type usage struct {
	table   float64
	indexes map[string]float64
	write   bool
	hash    attr.Value // the partition key, where it is one
	as      string     // what the request calls the table, an ARN or its name; empty: its name
}

func (u *usage) add(index string, units float64) {
	if index == "" {
		u.table += units
		return
	}
	if u.indexes == nil {
		u.indexes = map[string]float64{}
	}
	u.indexes[index] += units
}

func (u *usage) total() float64 {
	n := u.table
	for _, v := range u.indexes {
		n += v
	}
	return n
}

func writeUnits(size int) float64 { return math.Max(1, math.Ceil(float64(size)/1024)) }

func readUnits(size int, consistent bool) float64 {
	n := math.Max(1, math.Ceil(float64(size)/4096))
	if !consistent {
		n /= 2
	}
	return n
}

// wrote adds what the result of a write took. factor is 2 in transactions, and of the
// table alone: indexes take in them what they take elsewhere.
func (u *usage) wrote(d *table, r *itemstore.Result, factor float64) {
	u.write = true
	u.add("", factor*writeUnits(max(r.OldSize, r.NewSize)))
	for _, c := range r.Indexes {
		x := d.indexByID(c.ID)
		if x == nil {
			continue
		}
		units := writeUnits(max(c.OldSize, c.NewSize))
		if c.Moved {
			units = writeUnits(c.OldSize) + writeUnits(c.NewSize)
		}
		u.add(x.Name, units)
	}
}

// appendConsumed appends the member of an answer that tells c, nil for none. What is before it is the beginning of the
// answer's object.
func appendConsumed(dst []byte, c *types.ConsumedCapacity) []byte {
	if c == nil {
		return dst
	}
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	units := func(n *float64) { dst = strconv.AppendFloat(append(dst, `"CapacityUnits":`...), *n, 'f', -1, 64) }
	dst = append(dst, `"ConsumedCapacity":{`...)
	units(c.CapacityUnits)
	dst = scan.AppendQuoted(append(dst, `,"TableName":`...), []byte(*c.TableName))
	if c.Table != nil {
		dst = append(dst, `,"Table":{`...)
		units(c.Table.CapacityUnits)
		dst = append(dst, '}')
	}
	indexes := func(member string, of map[string]types.Capacity) {
		if of == nil {
			return
		}
		dst = append(append(append(dst, `,"`...), member...), `":{`...)
		for i, name := range sortedKeys(of) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(scan.AppendQuoted(dst, []byte(name)), ":{"...)
			units(of[name].CapacityUnits)
			dst = append(dst, '}')
		}
		dst = append(dst, '}')
	}
	indexes("GlobalSecondaryIndexes", c.GlobalSecondaryIndexes)
	indexes("LocalSecondaryIndexes", c.LocalSecondaryIndexes)
	return append(dst, '}')
}

// consumed is the usage as a request asked for it; nil if it did not.
func (u *usage) consumed(d *table, how types.ReturnConsumedCapacity, transaction bool) *types.ConsumedCapacity {
	if how != types.ReturnConsumedCapacityTotal && how != types.ReturnConsumedCapacityIndexes {
		return nil
	}
	capacity := func(n float64) *types.Capacity {
		c := &types.Capacity{CapacityUnits: aws.Float64(n)}
		if transaction && u.write {
			c.WriteCapacityUnits = aws.Float64(n)
		} else if transaction {
			c.ReadCapacityUnits = aws.Float64(n)
		}
		return c
	}
	out := &types.ConsumedCapacity{TableName: aws.String(cmp.Or(u.as, d.Name)), CapacityUnits: aws.Float64(u.total())}
	if transaction && u.write {
		out.WriteCapacityUnits = aws.Float64(u.total())
	} else if transaction {
		out.ReadCapacityUnits = aws.Float64(u.total())
	}
	if how == types.ReturnConsumedCapacityTotal {
		return out
	}
	out.Table = capacity(u.table)
	for name, n := range u.indexes {
		x := d.index(name)
		if x == nil {
			continue
		}
		to := &out.GlobalSecondaryIndexes
		if x.Local {
			to = &out.LocalSecondaryIndexes
		}
		if *to == nil {
			*to = map[string]types.Capacity{}
		}
		(*to)[name] = *capacity(n)
	}
	return out
}
