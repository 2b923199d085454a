package sparksql

import "strings"

// Functions of Spark's that Trino has by the same name with the same meaning.
var same = words(`
	abs acos asin atan atan2 avg cbrt coalesce corr cos cosh count count_if covar_pop covar_samp cume_dist degrees dense_rank
	exp first_value flatten lag last_value lead lower lpad ltrim max max_by min min_by
	nth_value ntile nullif percent_rank pi power radians rank regexp_replace replace reverse round
	row_number rpad rtrim sin sinh sqrt stddev stddev_pop stddev_samp sum tan tanh translate trim
	upper var_pop var_samp variance
	if
	array_distinct array_join array_sort arrays_overlap any_match
	filter transform map_keys map_values map_filter transform_values width_bucket`)

func words(s string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const (
	// asTextOf is a value as Spark writes it: a double as Java does, a time without the zeros at its end.
	asTextOf = `CASE WHEN __1 IS NULL THEN NULL WHEN typeof(__1) IN ('double', 'real')
		AND abs(try_cast(CAST(__1 AS varchar) AS double)) < 1e7 AND (abs(try_cast(CAST(__1 AS varchar) AS double)) >= 1e-3 OR try_cast(CAST(__1 AS varchar) AS double) = 0e0) THEN format('%s', __1)
		WHEN typeof(__1) LIKE 'timestamp%' THEN regexp_replace(CAST(__1 AS varchar), '\.?0+$', '') ELSE CAST(__1 AS varchar) END`
	isoTimestamp = `try(CAST(at_timezone(from_iso8601_timestamp(replace(trim(CAST(__1 AS varchar)), ' ', 'T')), 'UTC') AS timestamp))`
	asTimestamp  = `CASE WHEN typeof(__1) IN ('tinyint', 'smallint', 'integer', 'bigint', 'double', 'real') OR typeof(__1) LIKE 'decimal%'
		THEN CAST(at_timezone(from_unixtime(try_cast(CAST(__1 AS varchar) AS double)), 'UTC') AS timestamp) ELSE ` + isoTimestamp + ` END`
	asDate = `coalesce(try_cast(regexp_extract(trim(CAST(__1 AS varchar)), '^(\d{4}-\d{1,2}-\d{1,2})([ T].*)?$', 1) AS date),
		try_cast(regexp_extract(trim(CAST(__1 AS varchar)), '^\d{4}-\d{1,2}$') || '-01' AS date), try_cast(regexp_extract(trim(CAST(__1 AS varchar)), '^\d{4}$') || '-01-01' AS date))`
	// A text counts without the spaces around it.
	asDecimal = `if(typeof(__1) LIKE 'varchar%', try_cast(trim(CAST(__1 AS varchar)) AS decimal(P)), try_cast(__1 AS decimal(P)))`
	asDouble  = `if(typeof(__1) LIKE 'varchar%', try_cast(trim(CAST(__1 AS varchar)) AS double), try_cast(__1 AS double))`
	// Of a text, digits alone are a whole number, and what is behind a point is cut off.
	asWhole = `try_cast(truncate(if(typeof(__1) LIKE 'varchar%' AND regexp_like(CAST(__1 AS varchar), '[eE]'), NULL,
		if(typeof(__1) LIKE 'varchar%', try_cast(trim(CAST(__1 AS varchar)) AS decimal(38,9)), try_cast(__1 AS decimal(38,9))))) AS `
	asBool = `CASE WHEN typeof(__1) LIKE 'varchar%' THEN CASE WHEN lower(trim(CAST(__1 AS varchar))) IN ('t', 'true', 'y', 'yes', '1') THEN true
		WHEN lower(trim(CAST(__1 AS varchar))) IN ('f', 'false', 'n', 'no', '0') THEN false END
		WHEN typeof(__1) = 'boolean' THEN CAST(__1 AS varchar) = 'true' ELSE try_cast(CAST(__1 AS varchar) AS double) <> 0e0 END`
	posexploded = `if(cardinality(__1) > 0, zip(transform(sequence(0, cardinality(__1) - 1), __i -> CAST(__i AS integer)), __1))`
	nowUTC      = `CAST(at_timezone(current_timestamp, 'UTC') AS timestamp)`
)

// An index before the beginning counts, though there is no character.
const (
	substring2 = "if(__2 < 0 AND length(__1) + __2 < 0, __1, substr(__1, if(__2 = 0, 1, __2)))"
	substring3 = "if(__2 < 0 AND length(__1) + __2 < 0, substr(__1, 1, if(__3 + length(__1) + __2 > 0, __3 + length(__1) + __2, 0)), substr(__1, if(__2 = 0, 1, __2), __3))"
)

// casts are the types of Spark's that a value can be cast to: what that is in Trino.
var casts = map[string]string{
	"string": asTextOf, "varchar": asTextOf, "boolean": asBool,
	"int": asWhole + "integer)", "integer": asWhole + "integer)", "bigint": asWhole + "bigint)", "long": asWhole + "bigint)",
	"smallint": asWhole + "smallint)", "short": asWhole + "smallint)", "tinyint": asWhole + "tinyint)", "byte": asWhole + "tinyint)",
	"double": asDouble, "float": "try_cast(" + asDouble + " AS real)", "real": "try_cast(" + asDouble + " AS real)",
	"date": asDate, "timestamp": asTimestamp,
}

// templates are functions of Spark's in Trino's terms, by name and number of arguments. __1 is the
// first argument.
var templates = map[string]string{
	"nvl/2": "coalesce(__1, __2)", "ifnull/2": "coalesce(__1, __2)", "nvl2/3": "if(__1 IS NOT NULL, __2, __3)",
	"isnull/1": "__1 IS NULL", "isnotnull/1": "__1 IS NOT NULL", "isnan/1": "coalesce(is_nan(__1), false)",
	"ucase/1": "upper(__1)", "lcase/1": "lower(__1)", "length/1": "CAST(length(__1) AS integer)", "char_length/1": "CAST(length(__1) AS integer)", "len/1": "CAST(length(__1) AS integer)",
	"pow/2": "power(__1, __2)", "signum/1": "sign(CAST(__1 AS double))", "sign/1": "sign(CAST(__1 AS double))", "negative/1": "-(__1)",
	"ln/1": "if(__1 > 0, ln(__1))", "log/1": "if(__1 > 0, ln(__1))", "log10/1": "if(__1 > 0, log10(__1))", "log2/1": "if(__1 > 0, log2(__1))",
	"mod/2":  "__1 % nullif(__2, 0)",
	"ceil/1": "CAST(ceil(__1) AS bigint)", "ceiling/1": "CAST(ceil(__1) AS bigint)", "floor/1": "CAST(floor(__1) AS bigint)",
	"substring/2": substring2, "substr/2": substring2,
	"substring/3": substring3, "substr/3": substring3,
	"left/2":            "substr(__1, 1, __2)",
	"instr/2":           "CAST(strpos(__1, __2) AS integer)",
	"locate/2":          "CAST(strpos(__2, __1) AS integer)",
	"startswith/2":      "starts_with(__1, __2)",
	"endswith/2":        "ends_with(__1, __2)",
	"contains/2":        "strpos(__1, __2) > 0",
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

	"pmod/2": "if(__1 % nullif(__2, 0) < 0, (__1 % nullif(__2, 0) + __2) % nullif(__2, 0), __1 % nullif(__2, 0))", "log/2": "if(__1 > 0 AND __2 > 0, ln(__2) / ln(__1))", "e/0": "e()",
	"try_divide/2": "CAST(__1 AS double) / nullif(CAST(__2 AS double), 0e0)", "nanvl/2": "if(is_nan(CAST(__1 AS double)), CAST(__2 AS double), CAST(__1 AS double))",
	"zeroifnull/1": "coalesce(__1, 0)", "nullifzero/1": "nullif(__1, 0)", "equal_null/2": "__1 IS NOT DISTINCT FROM __2", "shiftleft/2": "bitwise_left_shift(__1, __2)",

	"right/2":  "if(__1 IS NULL, NULL, if(__2 <= 0, '', if(__2 >= length(__1), __1, substr(__1, -(__2)))))",
	"repeat/2": "if(__1 = '', '', rpad('', if(__2 > 0, __2, 0) * length(__1), __1))", "space/1": "rpad('', if(__1 > 0, __1, 0), ' ')",
	"lpad/2": "lpad(__1, __2, ' ')", "rpad/2": "rpad(__1, __2, ' ')", "btrim/1": "trim(__1)",
	"strpos/2":      "CAST(strpos(__1, __2) AS integer)",
	"locate/3":      "CAST(if(__1 IS NULL OR __2 IS NULL, NULL, if(__3 < 1, 0, if(strpos(substr(__2, __3), __1) = 0, 0, strpos(substr(__2, __3), __1) + __3 - 1))) AS integer)",
	"split_part/3":  "if(__1 IS NULL, NULL, coalesce(split_part(__1, __2, __3), ''))",
	"ascii/1":       "if(__1 = '', 0, codepoint(CAST(substr(__1, 1, 1) AS varchar(1))))",
	"levenshtein/2": "CAST(levenshtein_distance(__1, __2) AS integer)", "octet_length/1": "CAST(length(to_utf8(__1)) AS integer)", "bit_length/1": "CAST(8 * length(to_utf8(__1)) AS integer)",
	"crc32/1": "crc32(to_utf8(__1))", "unbase64/1": "from_base64(__1)",
	"regexp_count/2": "CAST(regexp_count(__1, __2) AS integer)", "regexp_substr/2": "regexp_extract(__1, __2)", "regexp_extract_all/3": "regexp_extract_all(__1, __2, __3)",
	"regexp_instr/2": "CAST(if(regexp_position(__1, __2) < 1, 0, regexp_position(__1, __2)) AS integer)",

	"date_diff/2": "CAST(date_diff('day', CAST(__2 AS date), CAST(__1 AS date)) AS integer)", "dateadd/2": "date_add('day', __2, CAST(__1 AS date))",
	"curdate/0": "CAST(" + nowUTC + " AS date)", "date_from_unix_date/1": "date_add('day', __1, DATE '1970-01-01')",
	"unix_date/1": "CAST(date_diff('day', DATE '1970-01-01', __1) AS integer)", "unix_seconds/1": "CAST(floor(to_unixtime(__1)) AS bigint)",
	"unix_millis/1":        "CAST(round(to_unixtime(__1) * 1e3) AS bigint)",
	"unix_timestamp/2":     "CAST(floor(to_unixtime(try(parse_datetime(__1, __2)))) AS bigint)",
	"from_utc_timestamp/2": "CAST(at_timezone(with_timezone(__1, 'UTC'), __2) AS timestamp)",
	"to_utc_timestamp/2":   "CAST(at_timezone(with_timezone(__1, __2), 'UTC') AS timestamp)",

	"flatten/1":     "if(any_match(__1, __e -> __e IS NULL), NULL, flatten(__1))",
	"array_max/1":   "array_max(filter(__1, __e -> __e IS NOT NULL))",
	"array_min/1":   "array_min(filter(__1, __e -> __e IS NOT NULL))",
	"array_union/2": "if(__1 IS NULL OR __2 IS NULL, NULL, array_union(__1, __2))", "array_intersect/2": "if(__1 IS NULL OR __2 IS NULL, NULL, array_intersect(__1, __2))",
	"array_except/2": "if(__1 IS NULL OR __2 IS NULL, NULL, array_except(__1, __2))", "array_remove/2": "if(__1 IS NULL OR __2 IS NULL, NULL, array_remove(__1, __2))",
	"array_position/2": "array_position(__1, __2)", "slice/3": "slice(__1, __2, __3)", "array_repeat/2": "repeat(__1, if(__2 > 0, __2, 0))",
	"array_compact/1": "filter(__1, __e -> __e IS NOT NULL)", "array_append/2": "__1 || ARRAY[__2]", "array_prepend/2": "ARRAY[__2] || __1",
	"forall/2": "all_match(__1, __2)", "aggregate/3": "reduce(__1, __2, __3, __s -> __s)", "aggregate/4": "reduce(__1, __2, __3, __4)", "reduce/3": "reduce(__1, __2, __3, __s -> __s)",
	"map_contains_key/2": "contains(map_keys(__1), __2)", "map_from_arrays/2": "map(__1, __2)",
	"sort_array/1": sortedUp,
}

// sort_array has nulls first, or last of those that go down.
const (
	sortedUp   = "filter(__1, __e -> __e IS NULL) || array_sort(filter(__1, __e -> __e IS NOT NULL))"
	sortedDown = "reverse(array_sort(filter(__1, __e -> __e IS NOT NULL))) || filter(__1, __e -> __e IS NULL)"
)

// whole are the window functions that give an integer.
var whole = words("row_number rank dense_rank ntile")

// units are those of trunc and date_trunc, by all their names.
var units = map[string]string{
	"year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month", "mon": "month", "mm": "month", "week": "week",
	"day": "day", "dd": "day", "hour": "hour", "minute": "minute", "second": "second",
}

// patterns are the functions whose second argument is a pattern of a time.
var patterns = words("date_format to_timestamp to_date from_unixtime unix_timestamp")

// aggregates are aggregate functions by their names in Trino.
var aggregates = map[string]string{
	"collect_list": "array_agg", "collect_set": "array_agg", "array_agg": "array_agg", "every": "bool_and", "bool_and": "bool_and",
	"some": "bool_or", "any": "bool_or", "bool_or": "bool_or", "approx_count_distinct": "approx_distinct", "mean": "avg", "std": "stddev",
}
