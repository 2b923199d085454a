package cloudwatch

import "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

// units are the units of samples, by the byte that the metric store has for them: the order is that of stored data.
var units = [...]types.StandardUnit{
	types.StandardUnitNone, types.StandardUnitSeconds, types.StandardUnitMicroseconds, types.StandardUnitMilliseconds,
	types.StandardUnitBytes, types.StandardUnitKilobytes, types.StandardUnitMegabytes, types.StandardUnitGigabytes, types.StandardUnitTerabytes,
	types.StandardUnitBits, types.StandardUnitKilobits, types.StandardUnitMegabits, types.StandardUnitGigabits, types.StandardUnitTerabits,
	types.StandardUnitPercent, types.StandardUnitCount,
	types.StandardUnitBytesSecond, types.StandardUnitKilobytesSecond, types.StandardUnitMegabytesSecond, types.StandardUnitGigabytesSecond, types.StandardUnitTerabytesSecond,
	types.StandardUnitBitsSecond, types.StandardUnitKilobitsSecond, types.StandardUnitMegabitsSecond, types.StandardUnitGigabitsSecond, types.StandardUnitTerabitsSecond,
	types.StandardUnitCountSecond,
}

var unitCodes = func() map[types.StandardUnit]byte {
	m := map[types.StandardUnit]byte{}
	for i, u := range units {
		m[u] = byte(i)
	}
	return m
}()

// preferred are the units in the order in which one is picked of a metric that has several, where none is asked for.
// AWS was found to pick by this order.
var preferred = [...]types.StandardUnit{
	types.StandardUnitMegabits, types.StandardUnitTerabits, types.StandardUnitGigabits, types.StandardUnitCount, types.StandardUnitBytes,
	types.StandardUnitGigabytes, types.StandardUnitGigabytesSecond, types.StandardUnitKilobytes, types.StandardUnitKilobitsSecond,
	types.StandardUnitTerabytes, types.StandardUnitTerabitsSecond, types.StandardUnitBytesSecond, types.StandardUnitPercent,
	types.StandardUnitMegabytes, types.StandardUnitMegabitsSecond, types.StandardUnitMilliseconds, types.StandardUnitMicroseconds,
	types.StandardUnitKilobytesSecond, types.StandardUnitGigabitsSecond, types.StandardUnitMegabytesSecond, types.StandardUnitBits,
	types.StandardUnitBitsSecond, types.StandardUnitCountSecond, types.StandardUnitSeconds, types.StandardUnitKilobits,
	types.StandardUnitTerabytesSecond, types.StandardUnitNone,
}

// unitOf is the unit of a byte.
func unitOf(code byte) types.StandardUnit {
	if int(code) < len(units) {
		return units[code]
	}
	return types.StandardUnitNone
}
