package lakesql

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

var functions map[string]function

func init() { // not a literal: the functions refer to the table through the translator
	functions = map[string]function{}
	for _, table := range []map[string]function{aggregates, scalars, stringFunctions, timeFunctions(), arrayFunctions(), jsonFunctions()} {
		for name, f := range table {
			functions[name] = f
		}
	}
}

// aggregates and window functions.
var aggregates = map[string]function{
	"count":             {min: 0, max: 1, aggregate: "count", result: "bigint"},
	"count_if":          {min: 1, max: 1, aggregate: "count_if", template: "CAST($1 AS BIGINT)", result: "bigint"},
	"sum":               {min: 1, max: 1, aggregate: "sum"},
	"avg":               {min: 1, max: 1, aggregate: "avg"},
	"min":               {min: 1, max: 2, aggregate: "min", result: "1"},
	"max":               {min: 1, max: 2, aggregate: "max", result: "1"},
	"min_by":            {min: 2, max: 3, aggregate: "arg_min_null", result: "1"},
	"max_by":            {min: 2, max: 3, aggregate: "arg_max_null", result: "1"},
	"arbitrary":         {min: 1, max: 1, aggregate: "any_value", result: "1"},
	"any_value":         {min: 1, max: 1, aggregate: "any_value", result: "1"},
	"array_agg":         {min: 1, max: 1, aggregate: "array_agg", result: "[1"},
	"set_agg":           {min: 1, max: 1, aggregate: "array_agg", template: "list_distinct($1)", result: "[1"},
	"approx_distinct":   {min: 1, max: 2, aggregate: "approx_count_distinct", write: func(c *invocation) (string, *sql.Type) { return c.args[0], nil }, result: "bigint"},
	"approx_percentile": {min: 2, max: 2, aggregate: "approx_quantile", result: "1"},
	"bool_and":          {min: 1, max: 1, aggregate: "bool_and", result: "boolean"},
	"every":             {min: 1, max: 1, aggregate: "bool_and", result: "boolean"},
	"bool_or":           {min: 1, max: 1, aggregate: "bool_or", result: "boolean"},
	"geometric_mean":    {min: 1, max: 1, aggregate: "geomean", result: "double"},
	"stddev":            {min: 1, max: 1, aggregate: "stddev_samp", result: "double"},
	"stddev_samp":       {min: 1, max: 1, aggregate: "stddev_samp", result: "double"},
	"stddev_pop":        {min: 1, max: 1, aggregate: "stddev_pop", result: "double"},
	"variance":          {min: 1, max: 1, aggregate: "var_samp", result: "double"},
	"var_samp":          {min: 1, max: 1, aggregate: "var_samp", result: "double"},
	"var_pop":           {min: 1, max: 1, aggregate: "var_pop", result: "double"},
	"skewness":          {min: 1, max: 1, aggregate: "skewness", result: "double"},
	"kurtosis":          {min: 1, max: 1, aggregate: "kurtosis", result: "double"},
	"corr":              {min: 2, max: 2, aggregate: "corr", result: "double"},
	"covar_pop":         {min: 2, max: 2, aggregate: "covar_pop", result: "double"},
	"covar_samp":        {min: 2, max: 2, aggregate: "covar_samp", result: "double"},
	"regr_slope":        {min: 2, max: 2, aggregate: "regr_slope", result: "double"},
	"regr_intercept":    {min: 2, max: 2, aggregate: "regr_intercept", result: "double"},
	"bitwise_and_agg":   {min: 1, max: 1, aggregate: "bit_and", result: "1"},
	"bitwise_or_agg":    {min: 1, max: 1, aggregate: "bit_or", result: "1"},
	"bitwise_xor_agg":   {min: 1, max: 1, aggregate: "bit_xor", result: "1"},
	"histogram":         {min: 1, max: 1, aggregate: "histogram"},
	"map_agg": {min: 2, max: 2, aggregate: "array_agg", template: "map_from_entries($1)", write: func(c *invocation) (string, *sql.Type) {
		return c.fill("DISTINCT {'key': $1, 'value': $2}"), nil
	}},
	"listagg": {min: 1, max: 2, aggregate: "string_agg", result: "varchar", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 1 {
			return c.args[0] + ", ''", nil
		}
		return strings.Join(c.args, ", "), nil
	}},
	"grouping":     {min: 1, max: -1, aggregate: "grouping", result: "bigint"},
	"row_number":   {min: 0, max: 0, aggregate: "row_number", result: "bigint"},
	"rank":         {min: 0, max: 0, aggregate: "rank", result: "bigint"},
	"dense_rank":   {min: 0, max: 0, aggregate: "dense_rank", result: "bigint"},
	"percent_rank": {min: 0, max: 0, aggregate: "percent_rank", result: "double"},
	"cume_dist":    {min: 0, max: 0, aggregate: "cume_dist", result: "double"},
	"ntile":        {min: 1, max: 1, aggregate: "ntile", result: "bigint"},
	"lag":          {min: 1, max: 3, aggregate: "lag", result: "1"},
	"lead":         {min: 1, max: 3, aggregate: "lead", result: "1"},
	"first_value":  {min: 1, max: 1, aggregate: "first_value", result: "1"},
	"last_value":   {min: 1, max: 1, aggregate: "last_value", result: "1"},
	"nth_value":    {min: 2, max: 2, aggregate: "nth_value", result: "1"},
}

// nullIfAny is for functions of DuckDB's that pass over nulls where Trino's give null.
func nullIfAny(name string) func(c *invocation) (string, *sql.Type) {
	return func(c *invocation) (string, *sql.Type) {
		checks := make([]string, len(c.args))
		for i, a := range c.args {
			checks[i] = a + " IS NULL"
		}
		return "CASE WHEN " + strings.Join(checks, " OR ") + " THEN NULL ELSE " + name + "(" + strings.Join(c.args, ", ") + ") END", nil
	}
}

// scalars: conditions, numbers, bits, bytes.
var scalars = map[string]function{
	"if": {min: 2, max: 3, write: func(c *invocation) (string, *sql.Type) {
		return c.fill("CASE WHEN $1 THEN $2 ELSE $3 END"), c.typ(1)
	}},
	"coalesce": {min: 2, max: -1, template: "coalesce($*)", result: "1"},
	"nullif":   {min: 2, max: 2, template: "nullif($1, $2)", result: "1"},
	"try":      {min: 1, max: 1, template: "TRY($1)", result: "1"},
	"greatest": {min: 1, max: -1, write: nullIfAny("greatest"), result: "1"},
	"least":    {min: 1, max: -1, write: nullIfAny("least"), result: "1"},
	"typeof": {min: 1, max: 1, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
		if t := c.typ(0); t != nil {
			return quote(t.String()), nil
		}
		return c.fill("lower(typeof($1))"), nil
	}},
	"abs": {min: 1, max: 1, template: "abs($1)", result: "1"}, "sign": {min: 1, max: 1, template: "sign($1)"},
	"ceil": {min: 1, max: 1, template: "ceil($1)", result: "1"}, "ceiling": {min: 1, max: 1, template: "ceil($1)", result: "1"},
	"floor": {min: 1, max: 1, template: "floor($1)", result: "1"},
	"round": {min: 1, max: 2, template: "round($*)", result: "1"},
	"truncate": {min: 1, max: 2, write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 1 {
			return c.fill("trunc($1)"), c.typ(0)
		}
		return c.fill("(trunc($1 * power(10, $2)) / power(10, $2))"), nil
	}},
	"mod": {min: 2, max: 2, template: "($1 % $2)", result: "1"}, "power": {min: 2, max: 2, template: "power($*)", result: "double"},
	"pow": {min: 2, max: 2, template: "power($*)", result: "double"}, "sqrt": {min: 1, max: 1, template: "sqrt($1)", result: "double"},
	"cbrt": {min: 1, max: 1, template: "cbrt($1)", result: "double"}, "exp": {min: 1, max: 1, template: "exp($1)", result: "double"},
	"ln": {min: 1, max: 1, template: "ln($1)", result: "double"}, "log2": {min: 1, max: 1, template: "log2($1)", result: "double"},
	"log10": {min: 1, max: 1, template: "log10($1)", result: "double"}, "log": {min: 2, max: 2, template: "(ln($2) / ln($1))", result: "double"},
	"sin": {min: 1, max: 1, template: "sin($1)", result: "double"}, "cos": {min: 1, max: 1, template: "cos($1)", result: "double"},
	"tan": {min: 1, max: 1, template: "tan($1)", result: "double"}, "asin": {min: 1, max: 1, template: "asin($1)", result: "double"},
	"acos": {min: 1, max: 1, template: "acos($1)", result: "double"}, "atan": {min: 1, max: 1, template: "atan($1)", result: "double"},
	"atan2": {min: 2, max: 2, template: "atan2($*)", result: "double"}, "sinh": {min: 1, max: 1, template: "sinh($1)", result: "double"},
	"cosh": {min: 1, max: 1, template: "cosh($1)", result: "double"}, "tanh": {min: 1, max: 1, template: "tanh($1)", result: "double"},
	"degrees": {min: 1, max: 1, template: "degrees($1)", result: "double"}, "radians": {min: 1, max: 1, template: "radians($1)", result: "double"},
	"pi": {template: "pi()", result: "double"}, "e": {template: "exp(1)", result: "double"},
	"nan": {template: "CAST('NaN' AS DOUBLE)", result: "double"}, "infinity": {template: "CAST('Infinity' AS DOUBLE)", result: "double"},
	"is_nan": {min: 1, max: 1, template: "isnan($1)", result: "boolean"}, "is_finite": {min: 1, max: 1, template: "isfinite($1)", result: "boolean"},
	"is_infinite": {min: 1, max: 1, template: "isinf($1)", result: "boolean"},
	"random":      {max: 2, write: random}, "rand": {max: 2, write: random},
	"width_bucket": {min: 4, max: 4, template: "CAST(CASE WHEN $1 < $2 THEN 0 WHEN $1 >= $3 THEN $4 + 1 ELSE floor(($1 - $2) * $4 / CAST($3 - $2 AS DOUBLE)) + 1 END AS BIGINT)", result: "bigint"},
	"to_base":      {min: 2, max: 2, template: "lower(to_base($1, $2))", result: "varchar"},
	"from_base": {min: 2, max: 2, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
		return c.fill("CAST(list_reduce(list_transform(string_split(lower($1), ''), lambda d: CAST(strpos('0123456789abcdefghijklmnopqrstuvwxyz', d) - 1 AS BIGINT)), lambda a, d: a * $2 + d) AS BIGINT)"), nil
	}},
	"bitwise_and": {min: 2, max: 2, template: "($1 & $2)", result: "bigint"}, "bitwise_or": {min: 2, max: 2, template: "($1 | $2)", result: "bigint"},
	"bitwise_xor": {min: 2, max: 2, template: "xor($1, $2)", result: "bigint"}, "bitwise_not": {min: 1, max: 1, template: "(~ CAST($1 AS BIGINT))", result: "bigint"},
	"bitwise_left_shift":             {min: 2, max: 2, template: "CAST($1 << $2 AS BIGINT)", result: "bigint"},
	"bitwise_right_shift":            {min: 2, max: 2, template: "CAST($1 >> $2 AS BIGINT)", result: "bigint"},
	"bitwise_right_shift_arithmetic": {min: 2, max: 2, template: "CAST($1 >> $2 AS BIGINT)", result: "bigint"},
	"bit_count":                      {min: 2, max: 2, template: "CAST(bit_count($1) AS BIGINT)", result: "bigint"},
	"uuid":                           {template: "uuid()", result: "uuid"},
	"md5":                            {min: 1, max: 1, template: "unhex(md5($1))", result: "varbinary"},
	"sha1":                           {min: 1, max: 1, template: "unhex(sha1($1))", result: "varbinary"},
	"sha256":                         {min: 1, max: 1, template: "unhex(sha256($1))", result: "varbinary"},
	"to_hex":                         {min: 1, max: 1, template: "hex($1)", result: "varchar"},
	"from_hex":                       {min: 1, max: 1, template: "unhex($1)", result: "varbinary"},
	"to_base64":                      {min: 1, max: 1, template: "base64($1)", result: "varchar"},
	"from_base64":                    {min: 1, max: 1, template: "from_base64($1)", result: "varbinary"},
	"to_utf8":                        {min: 1, max: 1, template: "encode($1)", result: "varbinary"},
	"from_utf8":                      {min: 1, max: 2, template: "decode($1)", result: "varchar"},
}

func random(c *invocation) (string, *sql.Type) {
	switch len(c.args) {
	case 0:
		return "random()", doubleType
	case 1:
		return c.fill("CAST(floor(random() * $1) AS BIGINT)"), bigintType
	}
	return c.fill("CAST($1 + floor(random() * ($2 - $1)) AS BIGINT)"), bigintType
}

// replacement turns Java's $1 into RE2's \1.
const replacement = `regexp_replace(replace(%s, '\', '\\'), '\$(\d)', '\\\1', 'g')`

var stringFunctions = map[string]function{
	"length": {min: 1, max: 1, result: "bigint", write: func(c *invocation) (string, *sql.Type) {
		if is(c.typ(0), "varbinary") {
			return c.fill("octet_length($1)"), nil
		}
		return c.fill("length($1)"), nil
	}},
	"lower": {min: 1, max: 1, template: "lower($1)", result: "varchar"}, "upper": {min: 1, max: 1, template: "upper($1)", result: "varchar"},
	"trim": {min: 1, max: 2, template: "trim($*)", result: "varchar"}, "ltrim": {min: 1, max: 2, template: "ltrim($*)", result: "varchar"},
	"rtrim":  {min: 1, max: 2, template: "rtrim($*)", result: "varchar"},
	"substr": {min: 2, max: 3, template: "substr($*)", result: "varchar"}, "substring": {min: 2, max: 3, template: "substr($*)", result: "varchar"},
	"concat": {min: 1, max: -1, write: func(c *invocation) (string, *sql.Type) {
		return "(" + strings.Join(c.args, " || ") + ")", c.typ(0)
	}},
	"concat_ws": {min: 2, max: -1, template: "concat_ws($*)", result: "varchar"},
	"split": {min: 2, max: 3, result: "[varchar", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 2 {
			return c.fill("string_split($1, $2)"), nil
		}
		return c.fill("CASE WHEN len(string_split($1, $2)) <= $3 THEN string_split($1, $2) ELSE list_append(string_split($1, $2)[1:$3 - 1], array_to_string(string_split($1, $2)[$3:], $2)) END"), nil
	}},
	"split_part": {min: 3, max: 3, template: "string_split($1, $2)[$3]", result: "varchar"},
	"split_to_map": {min: 3, max: 3, result: "", write: func(c *invocation) (string, *sql.Type) {
		return c.fill("map_from_entries(list_transform(string_split($1, $2), lambda e: {'key': string_split(e, $3)[1], 'value': string_split(e, $3)[2]}))"),
			&sql.Type{Name: "map", Args: []*sql.Type{varcharType, varcharType}}
	}},
	"strpos": {min: 2, max: 2, template: "strpos($1, $2)", result: "bigint"},
	"replace": {min: 2, max: 3, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 2 {
			return c.fill("replace($1, $2, '')"), nil
		}
		return c.fill("replace($*)"), nil
	}},
	"lpad": {min: 3, max: 3, template: "lpad($1, CAST($2 AS INTEGER), $3)", result: "varchar"}, "rpad": {min: 3, max: 3, template: "rpad($1, CAST($2 AS INTEGER), $3)", result: "varchar"},
	"starts_with": {min: 2, max: 2, template: "starts_with($*)", result: "boolean"}, "ends_with": {min: 2, max: 2, template: "ends_with($*)", result: "boolean"},
	"chr": {min: 1, max: 1, template: "chr(CAST($1 AS INTEGER))", result: "varchar"}, "codepoint": {min: 1, max: 1, template: "unicode($1)", result: "integer"},
	"levenshtein_distance": {min: 2, max: 2, template: "levenshtein($*)", result: "bigint"},
	"hamming_distance":     {min: 2, max: 2, template: "hamming($*)", result: "bigint"},
	"translate":            {min: 3, max: 3, template: "translate($*)", result: "varchar"},
	"normalize":            {min: 1, max: 2, template: "nfc_normalize($1)", result: "varchar"},
	"format":               {min: 1, max: -1, template: "printf($*)", result: "varchar"},
	"regexp_like":          {min: 2, max: 2, template: "regexp_matches($*)", result: "boolean"},
	"regexp_extract": {min: 2, max: 3, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 2 {
			return c.fill("CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2) END"), nil
		}
		return c.fill("CASE WHEN regexp_matches($1, $2) THEN regexp_extract($1, $2, $3) END"), nil
	}},
	"regexp_extract_all": {min: 2, max: 3, template: "regexp_extract_all($*)", result: "[varchar"},
	"regexp_count":       {min: 2, max: 2, template: "len(regexp_extract_all($*))", result: "bigint"},
	"regexp_split":       {min: 2, max: 2, template: "string_split_regex($*)", result: "[varchar"},
	"regexp_replace": {min: 2, max: 3, result: "varchar", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 2 {
			return c.fill("regexp_replace($1, $2, '', 'g')"), nil
		}
		to := strings.ReplaceAll(replacement, "%s", c.args[2])
		return "regexp_replace(" + c.args[0] + ", " + c.args[1] + ", " + to + ", 'g')", nil
	}},
	"url_encode":            {min: 1, max: 1, template: "url_encode($1)", result: "varchar"},
	"url_decode":            {min: 1, max: 1, template: "url_decode($1)", result: "varchar"},
	"url_extract_protocol":  {min: 1, max: 1, template: `nullif(regexp_extract($1, '^([a-zA-Z][a-zA-Z0-9+.-]*):', 1), '')`, result: "varchar"},
	"url_extract_host":      {min: 1, max: 1, template: `nullif(regexp_extract($1, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1), '')`, result: "varchar"},
	"url_extract_port":      {min: 1, max: 1, template: `TRY_CAST(regexp_extract($1, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*:([0-9]+)', 1) AS BIGINT)`, result: "bigint"},
	"url_extract_path":      {min: 1, max: 1, template: `regexp_extract($1, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1)`, result: "varchar"},
	"url_extract_query":     {min: 1, max: 1, template: `nullif(regexp_extract($1, '^[^?#]*\?([^#]*)', 1), '')`, result: "varchar"},
	"url_extract_fragment":  {min: 1, max: 1, template: `nullif(regexp_extract($1, '#(.*)$', 1), '')`, result: "varchar"},
	"url_extract_parameter": {min: 2, max: 2, template: `CASE WHEN regexp_matches($1, '[?&]' || regexp_escape($2) || '=') THEN url_decode(regexp_extract($1, '[?&]' || regexp_escape($2) || '=([^&#]*)', 1)) END`, result: "varchar"},
	"reverse": {min: 1, max: 1, result: "1", write: func(c *invocation) (string, *sql.Type) {
		if is(c.typ(0), "array") {
			return c.fill("list_reverse($1)"), nil
		}
		return c.fill("reverse($1)"), nil
	}},
	"current_user":    {template: "'brookmere'", result: "varchar"},
	"current_catalog": {result: "varchar", write: func(c *invocation) (string, *sql.Type) { return quote(c.catalogName()), nil }},
	"current_schema":  {result: "varchar", write: func(c *invocation) (string, *sql.Type) { return quote(c.database), nil }},
	"version":         {template: "'brookmere'", result: "varchar"},
}
