package dynamodb

import "github.com/brookmere/brookmere/internal/engine/metering"

// What CloudWatch is told of tables and their indexes; of calls the node tells it.
var (
	consumedReads  = &metering.Measure{Name: "ConsumedReadCapacityUnits", Unit: "Count"}
	consumedWrites = &metering.Measure{Name: "ConsumedWriteCapacityUnits", Unit: "Count"}

	throttledReads  = &metering.Measure{Name: "ReadThrottleEvents", Unit: "Count"}
	throttledWrites = &metering.Measure{Name: "WriteThrottleEvents", Unit: "Count"}
)

// measure reports what a request took of a table.
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

// measureThrottled tells of a request that a table, or a global index of it, was refused.
func (s *Service) measureThrottled(d *table, index string, write bool) {
	if s.cfg.Meter == nil {
		return
	}
	m, dimensions := throttledReads, []string{"TableName", d.Name}
	if write {
		m = throttledWrites
	}
	if index != "" {
		dimensions = append([]string{"GlobalSecondaryIndexName", index}, dimensions...)
	}
	s.cfg.Meter.Resource(d.Account+"/"+d.Region, "AWS/DynamoDB", dimensions...).Add(m.Of(1))
}
