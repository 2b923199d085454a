package udf

import (
	"database/sql/driver"
	"fmt"
	"math"
	"strconv"
)

// hiveBucket takes the number of buckets, the kinds of the values, and the values as text.
func hiveBucket(v []driver.Value) (any, error) {
	n, err := strconv.Atoi(v[0].(string))
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%v buckets", v[0])
	}
	var hash int32
	for i, kind := range []byte(v[1].(string)) {
		var h int32
		if s, ok := v[2+i].(string); ok {
			h = HiveHash(kind, s)
		}
		hash = 31*hash + h
	}
	return int64(hash&math.MaxInt32) % int64(n), nil
}

// HiveHash is what Java's hashCode gives for the value.
func HiveHash(kind byte, s string) int32 {
	fold := func(x uint64) int32 { return int32(uint32(x ^ x>>32)) }
	switch kind {
	case 'o':
		if s == "true" {
			return 1
		}
	case 'i', 't':
		n, _ := strconv.ParseInt(s, 10, 32)
		return int32(n)
	case 'l':
		n, _ := strconv.ParseInt(s, 10, 64)
		return fold(uint64(n))
	case 'd':
		f, _ := strconv.ParseFloat(s, 64)
		if f == 0 {
			f = 0 // -0 is 0
		}
		return fold(math.Float64bits(f))
	case 'f':
		f, _ := strconv.ParseFloat(s, 32)
		if f == 0 {
			f = 0
		}
		return int32(math.Float32bits(float32(f)))
	case 's':
		var h int32
		for i := range len(s) {
			h = 31*h + int32(int8(s[i]))
		}
		return h
	}
	return 0
}
