// Package udf is the functions of Trino's that DuckDB has nothing for, in Go. They are
// registered before DuckDB is locked, under names that no statement can reach.
package udf

import (
	"context"
	gosql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/brookmere/brookmere/internal/engine/javatime"
	"github.com/brookmere/brookmere/internal/engine/lakesql/hivetext"
	"github.com/brookmere/brookmere/internal/engine/lakesql/jsonpath"
)

// Prefix begins the names of the functions of this package, which no statement can reach.
const Prefix = "trino_"

// scalar is a scalar function in Go: null for a null argument.
type scalar struct {
	in  []duckdb.Type
	out duckdb.Type
	f   func(args []driver.Value) (any, error)
	// rest: the last type of in may come any number of times, and nulls are handed in.
	rest bool
}

// Config implements duckdb.ScalarFunc.
func (u scalar) Config() duckdb.ScalarFuncConfig {
	var c duckdb.ScalarFuncConfig
	for _, t := range u.in {
		c.InputTypeInfos = append(c.InputTypeInfos, typeInfo(t))
	}
	if u.rest {
		c.VariadicTypeInfo = c.InputTypeInfos[len(c.InputTypeInfos)-1]
		c.SpecialNullHandling = true
	}
	c.ResultTypeInfo = typeInfo(u.out)
	return c
}

// Executor implements duckdb.ScalarFunc.
func (u scalar) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowExecutor: u.f}
}

func typeInfo(t duckdb.Type) duckdb.TypeInfo {
	info, err := duckdb.NewTypeInfo(t)
	if err != nil {
		panic(err)
	}
	return info
}

const (
	text    = duckdb.TYPE_VARCHAR
	whole   = duckdb.TYPE_BIGINT
	real8   = duckdb.TYPE_DOUBLE
	truth1  = duckdb.TYPE_BOOLEAN
	moment  = duckdb.TYPE_TIMESTAMP
	instant = duckdb.TYPE_TIMESTAMP_TZ
	bytesOf = duckdb.TYPE_BLOB
)

// borrowed hides a connector's Close from the handle that is opened on it.
type borrowed struct{ driver.Connector }

// Register makes the functions known to the database. One that makes more than limit bytes for the
// rows that DuckDB works on at once fails with EXCEEDED_LOCAL_MEMORY_LIMIT.
func Register(connector *duckdb.Connector, limit int64) error {
	functions := map[string]duckdb.ScalarFunc{
		"regex_groups": regexGroups, "regex_cut": regexCut,
		"weighted_rank": weightedRank, "numeric_histogram": numericHistogram, "hash_fold": hashFold, "hash_sum": hashSum,
		"tdigest_build": tdigestBuild, "qdigest_build": qdigestBuild, "skewness": skewness, "kurtosis": kurtosis,
		"hll_build": hllBuild, "hll_merge": hllMerge, "tdigest_merge": tdigestMerge, "qdigest_merge": qdigestMerge,
	}
	for name, u := range udfs {
		functions[name] = u
	}
	for name, u := range geometryLists {
		functions[name] = u
	}
	db := gosql.OpenDB(borrowed{connector})
	// A handle left open keeps a connection, and with it the whole database, in memory.
	defer db.Close()
	c, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	for name, f := range functions {
		if err := duckdb.RegisterScalarUDF(c, Prefix+name, bounded{f, limit}); err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}

// argumentError is worded INVALID_FUNCTION_ARGUMENT by queryError.
func argumentError(format string, args ...any) error {
	return fmt.Errorf("INVALID_FUNCTION_ARGUMENT: "+format, args...)
}

func string1(f func(s string) (any, error)) func([]driver.Value) (any, error) {
	return func(v []driver.Value) (any, error) { return f(v[0].(string)) }
}

func bytes1(f func(b []byte) any) func([]driver.Value) (any, error) {
	return func(v []driver.Value) (any, error) { return f(v[0].([]byte)), nil }
}

var udfs = map[string]scalar{
	"json_parse": {in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		out, err := canonicalJSON(s)
		if err != nil {
			return nil, argumentError("Cannot convert value to JSON: '%s'", s)
		}
		return out, nil
	})},
	"json_number":      {in: []duckdb.Type{text, text}, out: text, f: jsonNumber},
	"json_number_text": {in: []duckdb.Type{text, text}, out: text, f: jsonNumberText},
	// The clocks of a zone at an instant, and the instant of what clocks show.
	"local": {in: []duckdb.Type{instant, text}, out: moment, f: func(v []driver.Value) (any, error) {
		zone, err := Location(v[1].(string))
		if err != nil {
			return nil, argumentError("'%s' is not a valid time zone", v[1])
		}
		t := v[0].(time.Time).In(zone)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC), nil
	}},
	"instant": {in: []duckdb.Type{moment, text}, out: instant, f: func(v []driver.Value) (any, error) {
		zone, err := Location(v[1].(string))
		if err != nil {
			return nil, argumentError("'%s' is not a valid time zone", v[1])
		}
		return javatime.Instant(v[0].(time.Time), zone), nil
	}},
	"hive_timestamp": {in: []duckdb.Type{text, text}, out: moment, f: func(v []driver.Value) (any, error) { return hiveTimestamp(v[0].(string), v[1].(string)), nil }},
	"regex_found":    {in: []duckdb.Type{text, text}, out: truth1, f: regexFound},
	"regex_position": {in: []duckdb.Type{text, text, whole, whole}, out: whole, f: regexPosition},
	"hive_date":      {in: []duckdb.Type{text}, out: duckdb.TYPE_DATE, f: string1(hiveDate)},
	"hive_binary":    {in: []duckdb.Type{text}, out: bytesOf, f: string1(func(s string) (any, error) { return hivetext.Binary(s), nil })},
	"hive_bucket":    {in: []duckdb.Type{text, text}, out: whole, rest: true, f: hiveBucket},
	"pad_bytes": {in: []duckdb.Type{text, bytesOf, whole, bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) {
		return padBytes(v[0].(string), v[1].([]byte), int(v[2].(int64)), v[3].([]byte))
	}},
	"json_path":   {in: []duckdb.Type{text, text, text, text}, out: text, f: jsonPathUDF},
	"json_shape":  {in: []duckdb.Type{text, text}, out: text, f: jsonShapeUDF},
	"json_unique": {in: []duckdb.Type{text, truth1}, out: text, f: jsonUnique},
	"json_input": {in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		v, err := jsonpath.Decode(s)
		if err != nil {
			return nil, errors.New("JSON_INPUT_CONVERSION_ERROR: conversion to JSON failed: ")
		}
		return jsonpath.Encode(v), nil
	})},
	"format": {in: []duckdb.Type{text, text}, out: text, rest: true, f: func(v []driver.Value) (any, error) {
		if v[0] == nil {
			return nil, nil
		}
		return javaFormat(v[0].(string), v[1].(string), v[2:])
	}},
	"joda_format": {in: []duckdb.Type{moment, text, text}, out: text, f: func(v []driver.Value) (any, error) {
		p, err := Joda(v[1].(string))
		if err != nil {
			return nil, err
		}
		zone, err := Location(v[2].(string))
		if err != nil {
			return nil, err
		}
		t := v[0].(time.Time)
		return p.Format(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)), nil
	}},
	"joda_parse": {in: []duckdb.Type{text, text}, out: instant, f: func(v []driver.Value) (any, error) {
		p, err := Joda(v[1].(string))
		if err != nil {
			return nil, err
		}
		t, err := parseTime(p, v[0].(string))
		if err != nil {
			return nil, err
		}
		return t, nil
	}},
	"mysql_format": {in: []duckdb.Type{moment, text}, out: text, f: func(v []driver.Value) (any, error) {
		p, err := MySQL(v[1].(string))
		if err != nil {
			return nil, err
		}
		return p.Format(v[0].(time.Time)), nil
	}},
	"mysql_parse": {in: []duckdb.Type{text, text}, out: moment, f: func(v []driver.Value) (any, error) {
		p, err := MySQL(v[1].(string))
		if err != nil {
			return nil, err
		}
		t, err := parseTime(p, v[0].(string))
		if err != nil {
			return nil, err
		}
		return t.Truncate(time.Millisecond), nil
	}},
	"iso_timestamp": {in: []duckdb.Type{text}, out: instant, f: string1(func(s string) (any, error) {
		t, err := IsoTimestamp(s)
		if err != nil {
			return nil, err
		}
		return t, nil
	})},
	"iso_date": {in: []duckdb.Type{text}, out: duckdb.TYPE_DATE, f: string1(func(s string) (any, error) {
		t, err := isoDate(s)
		if err != nil {
			return nil, err
		}
		return t, nil
	})},
	"duration_ms": {in: []duckdb.Type{text}, out: whole, f: string1(func(s string) (any, error) { return durationMillis(s) })},
	"human_readable_seconds": {in: []duckdb.Type{real8}, out: text, f: func(v []driver.Value) (any, error) {
		return humanSeconds(v[0].(float64)), nil
	}},
	"format_number": {in: []duckdb.Type{real8}, out: text, f: func(v []driver.Value) (any, error) {
		return formatNumber(v[0].(float64)), nil
	}},
	"data_size": {in: []duckdb.Type{text}, out: text, f: string1(dataSize)},
	"luhn_check": {in: []duckdb.Type{text}, out: truth1, f: string1(func(s string) (any, error) {
		return luhn(s)
	})},
	"soundex": {in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) { return soundex(s), nil })},
	"translate": {in: []duckdb.Type{text, text, text}, out: text, f: func(v []driver.Value) (any, error) {
		return translateRunes(v[0].(string), v[1].(string), v[2].(string)), nil
	}},
	"normalize": {in: []duckdb.Type{text, text}, out: text, f: func(v []driver.Value) (any, error) { return normalForm(v[0].(string), v[1].(string)) }},
	"hash":      {in: []duckdb.Type{text, bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) { return digest(v[0].(string), v[1].([]byte)) }},
	"hmac":      {in: []duckdb.Type{text, bytesOf, bytesOf}, out: bytesOf, f: func(v []driver.Value) (any, error) { return mac(v[0].(string), v[1].([]byte), v[2].([]byte)) }},
	"crc32":     {in: []duckdb.Type{bytesOf}, out: whole, f: bytes1(crc)},
	"from_utf8": {in: []duckdb.Type{bytesOf, text}, out: text, f: func(v []driver.Value) (any, error) {
		return validText(v[0].([]byte), v[1].(string)), nil
	}},
	"reverse_bytes": {in: []duckdb.Type{bytesOf}, out: bytesOf, f: bytes1(func(b []byte) any {
		out := make([]byte, len(b))
		for i, c := range b {
			out[len(b)-1-i] = c
		}
		return out
	})},
	"substr_bytes": {in: []duckdb.Type{bytesOf, whole, whole}, out: bytesOf, f: func(v []driver.Value) (any, error) {
		return substrBytes(v[0].([]byte), v[1].(int64), v[2].(int64)), nil
	}},
	"decode":     {in: []duckdb.Type{text, text}, out: bytesOf, f: func(v []driver.Value) (any, error) { return decodeText(v[0].(string), v[1].(string)) }},
	"encode":     {in: []duckdb.Type{text, bytesOf}, out: text, f: func(v []driver.Value) (any, error) { return encodeBytes(v[0].(string), v[1].([]byte)) }},
	"pack":       {in: []duckdb.Type{text, whole}, out: bytesOf, f: func(v []driver.Value) (any, error) { return pack(v[0].(string), v[1].(int64)) }},
	"pack_float": {in: []duckdb.Type{text, real8}, out: bytesOf, f: func(v []driver.Value) (any, error) { return packFloat(v[0].(string), v[1].(float64)) }},
	"unpack":     {in: []duckdb.Type{text, bytesOf}, out: whole, f: func(v []driver.Value) (any, error) { return unpack(v[0].(string), v[1].([]byte)) }},
	"unpack_float": {in: []duckdb.Type{text, bytesOf}, out: real8, f: func(v []driver.Value) (any, error) {
		return unpackFloat(v[0].(string), v[1].([]byte))
	}},
	"normal_cdf": {in: []duckdb.Type{real8, real8, real8}, out: real8, f: func(v []driver.Value) (any, error) {
		mean, sd, x := v[0].(float64), v[1].(float64), v[2].(float64)
		if !(sd > 0) {
			return nil, argumentError("standardDeviation must be > 0")
		}
		return 0.5 * math.Erfc(-(x-mean)/(sd*math.Sqrt2)), nil
	}},
	"inverse_normal_cdf": {in: []duckdb.Type{real8, real8, real8}, out: real8, f: func(v []driver.Value) (any, error) {
		mean, sd, p := v[0].(float64), v[1].(float64), v[2].(float64)
		if !(p > 0 && p < 1) {
			return nil, argumentError("p must be 0 > p > 1")
		}
		if !(sd > 0) {
			return nil, argumentError("standardDeviation must be > 0")
		}
		return mean + sd*math.Sqrt2*math.Erfinv(2*p-1), nil
	}},
	"cbrt":        {in: []duckdb.Type{real8}, out: real8, f: func(v []driver.Value) (any, error) { return math.Cbrt(v[0].(float64)), nil }},
	"double_text": {in: []duckdb.Type{real8}, out: text, f: func(v []driver.Value) (any, error) { return scientific(v[0].(float64), 64), nil }},
	"real_text":   {in: []duckdb.Type{real8}, out: text, f: func(v []driver.Value) (any, error) { return scientific(v[0].(float64), 32), nil }},
	"shift": {in: []duckdb.Type{text, whole, whole, whole}, out: whole, f: func(v []driver.Value) (any, error) {
		return shift(v[0].(string), v[1].(int64), v[2].(int64), v[3].(int64))
	}},
	"bit_count": {in: []duckdb.Type{whole, whole}, out: whole, f: func(v []driver.Value) (any, error) { return bitCount(v[0].(int64), v[1].(int64)) }},
	"from_base": {in: []duckdb.Type{text, whole}, out: whole, f: func(v []driver.Value) (any, error) { return fromBase(v[0].(string), v[1].(int64)) }},
	"to_base":   {in: []duckdb.Type{whole, whole}, out: text, f: func(v []driver.Value) (any, error) { return toBase(v[0].(int64), v[1].(int64)) }},
	"url_decode": {in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) {
		return urlDecode(s)
	})},
	"url_encode": {in: []duckdb.Type{text}, out: text, f: string1(func(s string) (any, error) { return urlEncode(s), nil })},
	"codepoint": {in: []duckdb.Type{text}, out: whole, f: string1(func(s string) (any, error) {
		r := []rune(s)
		if len(r) != 1 {
			return nil, argumentError("Input string must be a single character string")
		}
		return int64(r[0]), nil
	})},
	"hamming": {in: []duckdb.Type{text, text}, out: whole, f: func(v []driver.Value) (any, error) {
		a, b := []rune(v[0].(string)), []rune(v[1].(string))
		if len(a) != len(b) {
			return nil, argumentError("The input strings to hamming_distance function must have the same length")
		}
		var n int64
		for i := range a {
			if a[i] != b[i] {
				n++
			}
		}
		return n, nil
	}},
	"levenshtein": {in: []duckdb.Type{text, text}, out: whole, f: func(v []driver.Value) (any, error) {
		return levenshtein([]rune(v[0].(string)), []rune(v[1].(string))), nil
	}},
	"strpos": {in: []duckdb.Type{text, text, whole}, out: whole, f: func(v []driver.Value) (any, error) {
		return nthPosition([]rune(v[0].(string)), []rune(v[1].(string)), v[2].(int64))
	}},
}
