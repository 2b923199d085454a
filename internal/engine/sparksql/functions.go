package sparksql

import "strings"

// Functions of Spark's that Trino has by the same name with the same meaning.
var same = words(`
	abs acos asin atan atan2 avg cbrt coalesce corr cos cosh count count_if covar_pop covar_samp cume_dist degrees dense_rank
	exp first_value flatten lag last_value lead lower lpad ltrim max max_by min min_by
	nth_value ntile nullif percent_rank pi power radians rank regexp_replace replace reverse round
	row_number rpad rtrim sin sinh sign sqrt stddev stddev_pop stddev_samp sum tan tanh translate trim
	upper var_pop var_samp variance
	concat_ws date_trunc if
	array_distinct array_except array_intersect array_max array_min array_remove array_union arrays_overlap
	filter transform map_keys map_values`)

func words(s string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const (
	asTimestamp = `try(CAST(at_timezone(from_iso8601_timestamp(replace(trim(__1), ' ', 'T')), 'UTC') AS timestamp))`
	asDate      = `try_cast(substr(trim(CAST(__1 AS varchar)), 1, 10) AS date)`
	asWhole     = `try_cast(truncate(try_cast(__1 AS decimal(38,9))) AS `
	nowUTC      = `CAST(at_timezone(current_timestamp, 'UTC') AS timestamp)`
)

// casts are the types of Spark's that a value can be cast to: what that is in Trino.
var casts = map[string]string{
	"string": "CAST(__1 AS varchar)", "varchar": "CAST(__1 AS varchar)",
	"int": asWhole + "integer)", "integer": asWhole + "integer)", "bigint": asWhole + "bigint)", "long": asWhole + "bigint)",
	"smallint": asWhole + "smallint)", "short": asWhole + "smallint)", "tinyint": asWhole + "tinyint)", "byte": asWhole + "tinyint)",
	"double": "try_cast(__1 AS double)", "float": "try_cast(__1 AS real)", "real": "try_cast(__1 AS real)",
	"date": asDate, "timestamp": asTimestamp,
}

// templates are functions of Spark's in Trino's terms, by name and number of arguments. __1 is the
// first argument.
var templates = map[string]string{
	"nvl/2": "coalesce(__1, __2)", "ifnull/2": "coalesce(__1, __2)", "nvl2/3": "if(__1 IS NOT NULL, __2, __3)",
	"isnull/1": "__1 IS NULL", "isnotnull/1": "__1 IS NOT NULL", "isnan/1": "coalesce(is_nan(__1), false)",
	"ucase/1": "upper(__1)", "lcase/1": "lower(__1)", "length/1": "CAST(length(__1) AS integer)", "char_length/1": "CAST(length(__1) AS integer)", "len/1": "CAST(length(__1) AS integer)",
	"pow/2": "power(__1, __2)", "signum/1": "sign(CAST(__1 AS double))", "negative/1": "-(__1)",
	"ln/1": "if(__1 > 0, ln(__1))", "log/1": "if(__1 > 0, ln(__1))", "log10/1": "if(__1 > 0, log10(__1))", "log2/1": "if(__1 > 0, log2(__1))",
	"mod/2":  "__1 % nullif(__2, 0)",
	"ceil/1": "CAST(ceil(__1) AS bigint)", "ceiling/1": "CAST(ceil(__1) AS bigint)", "floor/1": "CAST(floor(__1) AS bigint)",
	"substring/2":       "substr(__1, if(__2 = 0, 1, __2))",
	"substring/3":       "substr(__1, if(__2 = 0, 1, __2), __3)",
	"substr/2":          "substr(__1, if(__2 = 0, 1, __2))",
	"substr/3":          "substr(__1, if(__2 = 0, 1, __2), __3)",
	"left/2":            "substr(__1, 1, __2)",
	"instr/2":           "CAST(strpos(__1, __2) AS integer)",
	"locate/2":          "CAST(strpos(__2, __1) AS integer)",
	"startswith/2":      "starts_with(__1, __2)",
	"endswith/2":        "ends_with(__1, __2)",
	"contains/2":        "strpos(__1, __2) > 0",
	"split/2":           "regexp_split(__1, __2)",
	"regexp_like/2":     "regexp_like(__1, __2)",
	"regexp_extract/2":  "if(__1 IS NULL, NULL, coalesce(regexp_extract(__1, __2, 1), ''))",
	"regexp_extract/3":  "if(__1 IS NULL, NULL, coalesce(regexp_extract(__1, __2, __3), ''))",
	"md5/1":             "lower(to_hex(md5(to_utf8(__1))))",
	"sha1/1":            "lower(to_hex(sha1(to_utf8(__1))))",
	"sha/1":             "lower(to_hex(sha1(to_utf8(__1))))",
	"base64/1":          "to_base64(to_utf8(__1))",
	"get_json_object/2": "coalesce(json_extract_scalar(__1, __2), nullif(json_format(json_extract(__1, __2)), 'null'))",

	"now/0":               nowUTC,
	"current_timestamp/0": nowUTC,
	"current_date/0":      "CAST(" + nowUTC + " AS date)",
	"unix_timestamp/0":    "CAST(floor(to_unixtime(current_timestamp)) AS bigint)",
	"unix_timestamp/1":    "CAST(floor(to_unixtime(__1)) AS bigint)",
	"to_unix_timestamp/1": "CAST(floor(to_unixtime(__1)) AS bigint)",
	"from_unixtime/1":     "format_datetime(at_timezone(from_unixtime(__1), 'UTC'), 'yyyy-MM-dd HH:mm:ss')",
	"from_unixtime/2":     "format_datetime(at_timezone(from_unixtime(__1), 'UTC'), __2)",
	"timestamp_seconds/1": "CAST(at_timezone(from_unixtime(__1), 'UTC') AS timestamp)",
	"timestamp_millis/1":  "CAST(at_timezone(from_unixtime(CAST(__1 AS double) / 1e3), 'UTC') AS timestamp)",
	"to_timestamp/1":      asTimestamp,
	"to_timestamp/2":      "try(CAST(at_timezone(parse_datetime(__1, __2), 'UTC') AS timestamp))",
	"to_date/1":           asDate,
	"to_date/2":           "CAST(try(CAST(at_timezone(parse_datetime(__1, __2), 'UTC') AS timestamp)) AS date)",
	"date_format/2":       "format_datetime(__1, __2)",
	"day/1":               "CAST(day(__1) AS integer)", "dayofmonth/1": "CAST(day(__1) AS integer)", "dayofyear/1": "CAST(day_of_year(__1) AS integer)", "weekofyear/1": "CAST(week(__1) AS integer)",
	"dayofweek/1":  "CAST((day_of_week(__1) % 7) + 1 AS integer)",
	"weekday/1":    "CAST(day_of_week(__1) - 1 AS integer)",
	"datediff/2":   "CAST(date_diff('day', CAST(__2 AS date), CAST(__1 AS date)) AS integer)",
	"date_add/2":   "date_add('day', __2, CAST(__1 AS date))",
	"date_sub/2":   "date_add('day', -(__2), CAST(__1 AS date))",
	"add_months/2": "date_add('month', __2, CAST(__1 AS date))",
	"hour/1":       "CAST(hour(__1) AS integer)",
	"minute/1":     "CAST(minute(__1) AS integer)",
	"month/1":      "CAST(month(__1) AS integer)",
	"quarter/1":    "CAST(quarter(__1) AS integer)",
	"year/1":       "CAST(year(__1) AS integer)",
	"last_day/1":   "last_day_of_month(CAST(__1 AS date))",
	"second/1":     "CAST(second(__1) AS integer)",

	"size/1":           "CAST(coalesce(cardinality(__1), -1) AS integer)",
	"cardinality/1":    "CAST(coalesce(cardinality(__1), -1) AS integer)",
	"array_size/1":     "CAST(cardinality(__1) AS integer)",
	"array_contains/2": "contains(__1, __2)",
	"element_at/2":     "element_at(__1, __2)",
}

// patterns are the functions whose second argument is a pattern of a time.
var patterns = words("date_format to_timestamp to_date from_unixtime")

// aggregates are aggregate functions by their names in Trino.
var aggregates = map[string]string{
	"collect_list": "array_agg", "collect_set": "array_agg", "array_agg": "array_agg", "every": "bool_and", "bool_and": "bool_and",
	"some": "bool_or", "any": "bool_or", "bool_or": "bool_or", "approx_count_distinct": "approx_distinct", "mean": "avg", "std": "stddev",
}
