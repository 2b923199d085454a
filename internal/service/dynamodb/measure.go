package dynamodb

import "github.com/brookmere/brookmere/internal/engine/metering"

// What CloudWatch is told of tables and their indexes; of calls the node tells it.
var (
	consumedReads  = &metering.Measure{Name: "ConsumedReadCapacityUnits", Unit: "Count"}
	consumedWrites = &metering.Measure{Name: "ConsumedWriteCapacityUnits", Unit: "Count"}
)

// measure tells what a request took of a table.
func (s *Service) measure(d *table, u *usage) {
	if s.cfg.Meter == nil || u == nil {
		return
	}
	m := consumedReads
	if u.write {
		m = consumedWrites
	}
	scope := d.Account + "/" + d.Region
	if u.table > 0 {
		s.cfg.Meter.Resource(scope, "AWS/DynamoDB", "TableName", d.Name).Add(m.Of(u.table))
	}
	for name, units := range u.indexes {
		if x := d.index(name); x != nil && !x.Local {
			s.cfg.Meter.Resource(scope, "AWS/DynamoDB", "GlobalSecondaryIndexName", name, "TableName", d.Name).Add(m.Of(units))
		}
	}
}
