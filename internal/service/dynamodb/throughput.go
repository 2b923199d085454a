package dynamodb

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// This file: the units that a table and its indexes have: provisioned, the most on demand, and warm.

// checkThroughput checks the units of a table that is made or changed, or of an index of it.
func checkThroughput(p *types.ProvisionedThroughput, onDemand bool, index string) error {
	if index != "" && onDemand && p != nil {
		return invalidValue("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", index)
	}
	if index == "" && onDemand && p != nil {
		return invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	if onDemand {
		return nil
	}
	if p == nil || p.ReadCapacityUnits == nil || p.WriteCapacityUnits == nil {
		if index != "" {
			return invalidValue("ProvisionedThroughput must be specified for index: %s", index)
		}
		return invalidValue("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if *p.ReadCapacityUnits > maxUnit {
		return invalid("Given value %d for ReadCapacityUnits is out of bounds", *p.ReadCapacityUnits)
	}
	if *p.WriteCapacityUnits > maxUnit {
		return invalid("Given value %d for WriteCapacityUnits is out of bounds", *p.WriteCapacityUnits)
	}
	return nil
}

func throughputOf(p *types.ProvisionedThroughput) throughput {
	if p == nil {
		return throughput{}
	}
	return throughput{Read: aws.ToInt64(p.ReadCapacityUnits), Write: aws.ToInt64(p.WriteCapacityUnits)}
}

// checkMaxUnits checks limits of an on-demand table, or of an index of it; update says that -1
// lifts one.
func checkMaxUnits(o *types.OnDemandThroughput, onDemand, update bool, index string) error {
	if o == nil {
		return nil
	}
	of, where := "table", ""
	if index != "" {
		of, where = "index : "+index, " for index : "+index
	}
	members := []struct {
		name string
		n    *int64
	}{{"MaxReadRequestUnits", o.MaxReadRequestUnits}, {"MaxWriteRequestUnits", o.MaxWriteRequestUnits}}
	for _, m := range members {
		switch {
		case m.n != nil && !onDemand && (update || index != ""):
			return invalidValue("%s for OnDemandThroughput%s cannot be specified when the table BillingMode is PROVISIONED", m.name, where)
		case m.n != nil && !onDemand:
			return invalidValue("%s for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED.", m.name)
		}
	}
	for _, m := range members {
		if m.n != nil && *m.n < 1 && !(update && *m.n == -1) {
			return invalidValue("Requested %s for OnDemandThroughput for %s is outside of valid range", m.name, of)
		}
	}
	return nil
}

// maxUnitsOf is the limits that a request leaves of those that there were; nil for none.
func maxUnitsOf(o *types.OnDemandThroughput, had *maxUnits) *maxUnits {
	m := maxUnits{Read: -1, Write: -1}
	if had != nil {
		m = *had
	}
	if o != nil && o.MaxReadRequestUnits != nil {
		m.Read = *o.MaxReadRequestUnits
	}
	if o != nil && o.MaxWriteRequestUnits != nil {
		m.Write = *o.MaxWriteRequestUnits
	}
	if m.Read == -1 && m.Write == -1 {
		return nil
	}
	return &m
}

// warmOf is the warm throughput that a request leaves of what there was; nil for none.
func warmOf(w *types.WarmThroughput, had *warm) *warm {
	if w == nil {
		return had
	}
	var out warm
	if had != nil {
		out = *had
	}
	if w.ReadUnitsPerSecond != nil {
		out.Read = *w.ReadUnitsPerSecond
	}
	if w.WriteUnitsPerSecond != nil {
		out.Write = *w.WriteUnitsPerSecond
	}
	return &out
}

const initialUnits = "initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"

// checkWarm refuses a warm throughput below what a table or an index has without it. In an
// update that is the current one, which is not lowered.
func checkWarm(w *types.WarmThroughput, read, write int64, onDemand, update bool, index string) error {
	if w == nil {
		return nil
	}
	of := "table"
	if index != "" {
		of = "index " + index
	}
	for _, m := range []struct {
		name, unit string
		n          *int64
		least      int64
	}{{"ReadUnitsPerSecond", "ReadCapacityUnits", w.ReadUnitsPerSecond, read}, {"WriteUnitsPerSecond", "WriteCapacityUnits", w.WriteUnitsPerSecond, write}} {
		than := m.unit + " of ProvisionedThroughput"
		switch {
		case m.n == nil || *m.n >= m.least:
			continue
		case update:
			than = "current WarmThroughput, decreasing WarmThroughput is not supported"
		case onDemand:
			than = initialUnits
		}
		return invalidValue("Requested %s for WarmThroughput for %s is lower than %s", m.name, of, than)
	}
	return nil
}

// unchanged refuses units that are those that there are already.
func (t throughput) unchanged(p *types.ProvisionedThroughput, of, what string) error {
	read, write := *p.ReadCapacityUnits, *p.WriteCapacityUnits
	if read != t.Read || write != t.Write {
		return nil
	}
	return invalid("The provisioned throughput for the %s will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the %s: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the %s: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
		of, what, t.Read, read, what, t.Write, write)
}
