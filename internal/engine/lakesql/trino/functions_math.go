package trino

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

const (
	nanText = "CAST('NaN' AS DOUBLE)"
	infText = "CAST('Infinity' AS DOUBLE)"
)

// nullIfAny is for functions of DuckDB's that pass over nulls where Trino's give null.
func nullIfAny(name string) func(c *invocation) (string, *sql.Type) {
	return func(c *invocation) (string, *sql.Type) {
		allInUTC(c.args, c.typs)
		typ := together(c.at, "All "+strings.ToUpper(c.name)+" operands", c.typs)
		checks := make([]string, len(c.args))
		for i, a := range c.args {
			checks[i] = a + " IS NULL"
		}
		return "CASE WHEN " + strings.Join(checks, " OR ") + " THEN NULL ELSE " + name + "(" + strings.Join(c.args, ", ") + ") END", typ
	}
}

// conditionals: functions that are forms of CASE.
func conditionals() map[string]function {
	return map[string]function{
		"if": {write: func(c *invocation) (string, *sql.Type) {
			c.wants(0, "IF condition", types.Boolean)
			typ := together(c.at, "Result types for IF", c.typs[1:])
			if zonesDiffer(c.typs[1:]...) {
				typ = types.Zoned(DynamicZone + "CASE WHEN " + c.args[0] + " THEN " + zoneName(c.typ(1)) + " ELSE " + zoneName(c.typ(2)) + " END")
			}
			return c.fill("CASE WHEN $1 THEN $2 ELSE $3 END"), typ
		}},
		"coalesce": {write: func(c *invocation) (string, *sql.Type) {
			typ := together(c.at, "All COALESCE operands", c.typs)
			if zonesDiffer(c.typs...) {
				zone := "CASE"
				for i, t := range c.typs {
					zone += " WHEN " + c.args[i] + " IS NOT NULL THEN " + zoneName(t)
				}
				typ = types.Zoned(DynamicZone + zone + " END")
			}
			return c.fill("coalesce($*)"), typ
		}},
		"nullif": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			if types.Padded(c.typ(0), c.typ(1)) {
				return c.fill("CASE WHEN " + unpadded("$1") + " = " + unpadded("$2") + " THEN NULL ELSE $1 END"), nil
			}
			if own(c.typ(0), c.typ(1)) {
				return "CASE WHEN " + equal(c.exprs[0], c.exprs[1], c.args[0], c.args[1], c.typ(0), c.typ(1)) + " THEN NULL ELSE " + c.args[0] + " END", nil
			}
			return c.fill("nullif($1, $2)"), nil
		}},
		"try": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			return "TRY(" + strings.ReplaceAll(c.args[0], "__raise(", "__missing(") + ")", nil
		}},
		"greatest": {write: nullIfAny("greatest")},
		"least":    {write: nullIfAny("least")},
		"typeof": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if t := c.typ(0); t != nil {
				return duck.Quote(types.Text(t)), nil
			}
			return c.fill("lower(typeof($1))"), nil
		}},
	}
}

// wants fails unless an argument has the type, where its type is known.
func (c *invocation) wants(i int, what string, typ *sql.Type) {
	if t := c.typ(i); t != nil && !types.Is(t, typ.Name, "unknown") {
		fault.Fail(c.exprs[i].Pos(), "TYPE_MISMATCH", "%s must evaluate to a %s: actual type %s", what, typ, types.Text(t))
	}
}

// rounding is for functions whose result has fewer digits, of decimals; of other numbers
// it is of the argument's type.
func rounding(name string) func(c *invocation) (string, *sql.Type) {
	return func(c *invocation) (string, *sql.Type) {
		t := c.typ(0)
		switch {
		case types.IsInteger(t) && len(c.args) == 1:
			return c.args[0], t
		case types.Is(t, "decimal") && len(t.Params) == 2 && len(c.args) == 1:
			p, s := t.Params[0], t.Params[1]
			typ := types.Decimal(min(38, max(p-s+min(s, 1), 1)), 0)
			if name == "trunc" { // which never carries
				typ = types.Decimal(max(p-s, 1), 0)
			}
			return fmt.Sprintf("CAST(%s(%s) AS %s)", name, c.args[0], duck.Type(typ)), typ
		case types.Is(t, "decimal") && len(t.Params) == 2:
			typ := types.Decimal(min(38, t.Params[0]+1), t.Params[1])
			if name == "trunc" {
				typ = t
			}
			if text, ok := c.roundedDecimal(name, t, typ); ok {
				return text, typ
			}
			if n, ok := c.exprs[1].(*sql.Number); ok && name == "round" {
				return fmt.Sprintf("CAST(round(%s, %s) AS %s)", c.args[0], n.Text, duck.Type(typ)), typ
			}
			scale := fmt.Sprintf("CAST(power(10, %s) AS DOUBLE)", c.args[1])
			return fmt.Sprintf("CAST(%s(CAST(%s AS DOUBLE) * %s) / %[3]s AS %[4]s)", name, c.args[0], scale, duck.Type(typ)), typ
		case types.IsInteger(t) && len(c.args) == 2 && name == "round":
			return fmt.Sprintf("CAST(CASE WHEN %[2]s >= 0 THEN CAST(%[1]s AS HUGEINT) WHEN %[2]s < -18 THEN 0 ELSE trino_quotient(CAST(%[1]s AS HUGEINT), CAST(power(10, -(%[2]s)) AS HUGEINT)) * CAST(power(10, -(%[2]s)) AS HUGEINT) END AS %[3]s)", c.args[0], c.args[1], duck.Type(t)), t
		case name == "trunc" && len(c.args) == 2:
			return c.fill("(trunc($1 * power(10, $2)) / power(10, $2))"), t
		}
		return name + "(" + strings.Join(c.args, ", ") + ")", t
	}
}

// roundedDecimal rounds or cuts at a place before the point, in whole numbers.
func (c *invocation) roundedDecimal(name string, t, typ *sql.Type) (string, bool) {
	digits := 0
	switch x := c.exprs[1].(type) {
	case *sql.Number:
		digits, _ = strconv.Atoi(x.Text)
		if name == "trunc" && digits >= t.Params[1] {
			return c.args[0], true
		}
		return "", false
	case *sql.Unary:
		if n, ok := x.X.(*sql.Number); ok && x.Op == "-" {
			digits, _ = strconv.Atoi(n.Text)
		}
	}
	if digits <= 0 || digits > 37 || t.Params[0]-t.Params[1] > 37 {
		return "", false
	}
	unit := "CAST(1" + strings.Repeat("0", digits) + " AS HUGEINT)"
	number := fmt.Sprintf("CAST(trunc(%s) AS HUGEINT)", c.args[0])
	if name == "round" {
		return fmt.Sprintf("CAST(trino_quotient(%s, %s) * %[2]s AS %s)", number, unit, duck.Type(typ)), true
	}
	return fmt.Sprintf("CAST((%s // %s) * %[2]s AS %s)", number, unit, duck.Type(typ)), true
}

func mathFunctions() map[string]function {
	real1 := func(name string) function {
		return function{template: name + "($1)", result: "double"}
	}
	guarded := func(condition, name string) function { // where DuckDB fails and Java says NaN
		return function{template: "CASE WHEN " + condition + " THEN " + nanText + " ELSE " + name + "($1) END", result: "double"}
	}
	logarithm := func(name string) function {
		return function{template: "CASE WHEN $1 < 0 THEN " + nanText + " WHEN $1 = 0 THEN -" + infText + " ELSE " + name + "($1) END", result: "double"}
	}
	bits := func(c *invocation) (int, *sql.Type) {
		t := c.typ(0)
		if !types.IsInteger(t) {
			t = types.Bigint
		}
		return map[string]int{"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}[t.Name], t
	}
	shift := func(kind string) function {
		return function{write: func(c *invocation) (string, *sql.Type) {
			n, t := bits(c)
			return fmt.Sprintf("CAST(trino_shift('%s', %s, %s, %d) AS %s)", kind, c.args[0], c.args[1], n, duck.Type(t)), t
		}}
	}
	wilson := func(sign string) function {
		const p, n, z = "(CAST($1 AS DOUBLE) / $2)", "CAST($2 AS DOUBLE)", "CAST($3 AS DOUBLE)"
		return function{result: "double",
			template: "CASE WHEN $1 < 0 THEN " + duck.Raised("number of successes must not be negative") + " WHEN $2 <= 0 THEN " + duck.Raised("number of trials must be positive") + " WHEN $1 > $2 THEN " + duck.Raised("number of successes must not be larger than number of trials") + " WHEN $3 < 0 THEN " + duck.Raised("z-score must not be negative") + " ELSE ((" + p + " + " + z + " * " + z + " / (2 * " + n + ") " + sign + " " + z + " * sqrt((" + p + " * (1 - " + p + ") + " + z + " * " + z + " / (4 * " + n + ")) / " + n + ")) / (1 + " + z + " * " + z + " / " + n + ")) END"}
	}
	const doubles = "CAST($1 AS DOUBLE[]), CAST($2 AS DOUBLE[])"
	return map[string]function{
		"abs": {template: "abs($1)", result: "1"},
		"sign": {write: func(c *invocation) (string, *sql.Type) {
			t := c.typ(0)
			if types.Is(t, "decimal") {
				t = types.Decimal(1, 0)
			}
			if t == nil {
				return c.fill("sign($1)"), nil
			}
			if floating(t) { // NaN and both zeros are their own signs
				return c.fill("CASE WHEN $1 > 0 AND NOT isnan($1) THEN CAST(1 AS " + duck.Type(t) + ") WHEN $1 < 0 THEN CAST(-1 AS " + duck.Type(t) + ") ELSE $1 END"), t
			}
			return c.fill("CAST(sign($1) AS " + duck.Type(t) + ")"), t
		}},
		"ceil": {write: rounding("ceil")}, "ceiling": {write: rounding("ceil")},
		"floor": {write: rounding("floor")}, "round": {write: rounding("round")},
		"truncate": {write: rounding("trunc")},
		"mod": {write: func(c *invocation) (string, *sql.Type) {
			return c.arithmetic(&sql.Operation{Position: c.at, Op: "%", Left: c.exprs[0], Right: c.exprs[1]}, c.args[0], c.args[1], c.typ(0), c.typ(1))
		}},
		"power": {template: "power($*)", result: "double"}, "pow": {template: "power($*)", result: "double"},
		"sqrt": guarded("$1 < 0", "sqrt"), "cbrt": {template: "trino_cbrt(CAST($1 AS DOUBLE))", result: "double"}, "exp": real1("exp"),
		"ln": logarithm("ln"), "log2": logarithm("log2"), "log10": logarithm("log10"),
		"log": {template: "CASE WHEN $1 <= 0 OR $2 < 0 THEN " + nanText + " WHEN $2 = 0 THEN -" + infText + " ELSE ln($2) / ln($1) END", result: "double"},
		"sin": real1("sin"), "cos": real1("cos"), "tan": real1("tan"), "atan": real1("atan"), "sinh": real1("sinh"), "cosh": real1("cosh"), "tanh": real1("tanh"),
		"asin": guarded("abs($1) > 1", "asin"), "acos": guarded("abs($1) > 1", "acos"), "atan2": {template: "atan2($*)", result: "double"},
		"degrees": real1("degrees"), "radians": real1("radians"),
		"empty_approx_set": {write: func(c *invocation) (string, *sql.Type) {
			return `'\x02\x0C\x00\x00'::BLOB`, hyperLogLog
		}},
		"pi": {template: "pi()", result: "double"}, "e": {template: "exp(1)", result: "double"},
		"nan": {template: nanText, result: "double"}, "infinity": {template: infText, result: "double"},
		"is_nan": {template: "isnan(CAST($1 AS DOUBLE))", result: "boolean"}, "is_finite": {template: "isfinite(CAST($1 AS DOUBLE))", result: "boolean"},
		"is_infinite": {template: "isinf(CAST($1 AS DOUBLE))", result: "boolean"},
		"random":      {write: random}, "rand": {write: random},
		"width_bucket": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 2 {
				return c.fill("CASE WHEN list_bool_or(list_transform($2, lambda __e, __i: __i > 1 AND __e <= $2[__i - 1])) THEN " + duck.Raised("Bin values are not sorted in ascending order") + " ELSE CAST(list_sum(list_transform($2, lambda __e: CASE WHEN $1 >= __e THEN 1 ELSE 0 END)) AS BIGINT) END"), nil
			}
			return c.fill("CAST(CASE WHEN $4 <= 0 THEN " + duck.Raised("bucketCount must be greater than 0") + " WHEN isnan(CAST($1 AS DOUBLE)) THEN " + duck.Raised("operand must not be NaN") + " WHEN NOT isfinite(CAST($2 AS DOUBLE)) THEN " + duck.Raised("first bound must be finite") + " WHEN NOT isfinite(CAST($3 AS DOUBLE)) THEN " + duck.Raised("second bound must be finite") + " WHEN $2 = $3 THEN " + duck.Raised("bounds cannot equal each other") + " WHEN $2 < $3 AND $1 < $2 OR $2 > $3 AND $1 > $2 THEN 0 WHEN $2 < $3 AND $1 >= $3 OR $2 > $3 AND $1 <= $3 THEN $4 + 1 ELSE floor(CAST($1 - $2 AS DOUBLE) * $4 / CAST($3 - $2 AS DOUBLE)) + 1 END AS BIGINT)"), nil
		}},
		"to_base": {template: "trino_to_base($*)", result: "varchar"}, "from_base": {template: "trino_from_base($*)", result: "bigint"},
		"bitwise_and": {template: "(CAST($1 AS BIGINT) & CAST($2 AS BIGINT))", result: "bigint"}, "bitwise_or": {template: "(CAST($1 AS BIGINT) | CAST($2 AS BIGINT))", result: "bigint"},
		"bitwise_xor": {template: "xor(CAST($1 AS BIGINT), CAST($2 AS BIGINT))", result: "bigint"}, "bitwise_not": {template: "(~ CAST($1 AS BIGINT))", result: "bigint"},
		"bitwise_left_shift": shift("<<"), "bitwise_right_shift": shift(">>>"), "bitwise_right_shift_arithmetic": shift(">>"),
		"bit_count": {template: "trino_bit_count($1, $2)", result: "bigint"},
		"cosine_similarity": {result: "double", write: func(c *invocation) (string, *sql.Type) {
			if !isMap(c) {
				return c.fill("list_cosine_similarity(" + doubles + ")"), nil
			}
			if !types.Is(c.typ(1), "map") {
				fault.Fail(c.at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s) for function %s. Expected: %s", c.typeNames(), c.name, expected(translations[c.name].Function))
			}
			norm := func(arg string) string {
				return "sqrt(coalesce(list_sum(list_transform(map_values(" + arg + "), lambda __e: CAST(__e AS DOUBLE) * CAST(__e AS DOUBLE))), 0))"
			}
			return c.fill("(coalesce(list_sum(list_transform(map_entries($1), lambda __e: CAST(__e.value AS DOUBLE) * CAST(map_extract_value($2, __e.key) AS DOUBLE))), 0) / nullif(" + norm("$1") + " * " + norm("$2") + ", 0))"), nil
		}},
		"cosine_distance":    {template: "(1 - list_cosine_similarity(" + doubles + "))", result: "double"},
		"dot_product":        {template: "list_inner_product(" + doubles + ")", result: "double"},
		"euclidean_distance": {template: "list_distance(" + doubles + ")", result: "double"},
		"normal_cdf":         {template: "trino_normal_cdf($*)", result: "double"}, "inverse_normal_cdf": {template: "trino_inverse_normal_cdf($*)", result: "double"},
		"beta_cdf": {template: "trino_beta_cdf(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE), CAST($3 AS DOUBLE))", result: "double"}, "inverse_beta_cdf": {template: "trino_inverse_beta_cdf(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE), CAST($3 AS DOUBLE))", result: "double"},
		"t_cdf": {template: "trino_t_cdf(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE))", result: "double"}, "t_pdf": {template: "trino_t_pdf(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE))", result: "double"},
		"wilson_interval_lower": wilson("-"), "wilson_interval_upper": wilson("+"),
		"uuid": {template: "uuid()", result: "uuid"},
	}
}

func random(c *invocation) (string, *sql.Type) {
	t := c.typ(0)
	if !types.IsInteger(t) {
		t = types.Bigint
	}
	switch len(c.args) {
	case 0:
		return "random()", types.Double
	case 1:
		return c.fill("CAST(floor(random() * CASE WHEN $1 <= 0 THEN " + duck.Raised("bound must be positive") + " ELSE $1 END) AS " + duck.Type(t) + ")"), t
	}
	return c.fill("CAST($1 + floor(random() * CASE WHEN $1 >= $2 THEN " + duck.Raised("start value must be less than stop value") + " ELSE $2 - $1 END) AS " + duck.Type(t) + ")"), t
}
