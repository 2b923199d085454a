package trino

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/signature"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// uniqueEntries makes a map of entries, the first of those with one key.
const uniqueEntries = "CASE WHEN len($1) = list_unique(list_transform($1, lambda __e: __e.key)) THEN map_from_entries($1) ELSE map_from_entries(list_filter($1, lambda __e, __i: list_position(list_transform($1, lambda __k: __k.key), __e.key) = __i)) END"

// multimap makes a map of lists of entries.
func multimap(entries string) string {
	keys := "list_transform(" + entries + ", lambda __e: __e.key)"
	return "map_from_entries(list_transform(list_filter(" + keys + ", lambda __e, __i: list_position(" + keys + ", __e) = __i), lambda __k: struct_pack(key := __k, value := list_transform(list_filter(" + entries + ", lambda __e: __e.key = __k), lambda __v: __v.value))))"
}

// hyperLogLog is the type of sketches of different values.
var hyperLogLog = types.Named("hyperloglog")

// aggregates and window functions.
func aggregateFunctions() map[string]function {
	entry := func(c *invocation) (string, *sql.Type) {
		return c.fill("struct_pack(key := $1, value := $2)"), nil
	}
	real1 := func(name string) function {
		return function{aggregate: name, result: "double"}
	}
	real2 := func(name string) function {
		return function{aggregate: name, result: "double"}
	}
	finite := func(name string) function { // null where it is no number, as of one pair of values
		return function{aggregate: name, template: "CASE WHEN isfinite($1) THEN $1 END", result: "double"}
	}
	moment := func(name string) function { // about the mean: DuckDB goes by sums of powers, of which little is left where values are large
		return function{aggregate: "array_agg", skipNull: true, template: "trino_" + name + "($1)", result: "double", write: func(c *invocation) (string, *sql.Type) {
			return c.fill("CAST($1 AS DOUBLE)"), nil
		}}
	}
	bits := func(name string) function {
		return function{aggregate: name, template: "CAST($1 AS BIGINT)", result: "bigint"}
	}
	return map[string]function{
		"count":    {aggregate: "count", result: "bigint"},
		"count_if": {aggregate: "count_if", template: "coalesce(CAST($1 AS BIGINT), 0)", result: "bigint"},
		"sum":      {aggregate: "sum", write: ofInterval, finish: intervalOfNumber}, "avg": {aggregate: "avg", write: ofInterval, finish: intervalOfNumber},
		"min": {aggregate: "min", result: "1"}, "max": {aggregate: "max", result: "1"},
		"min_by": {aggregate: "arg_min_null", result: "1"}, "max_by": {aggregate: "arg_max_null", result: "1"},
		"arbitrary": {aggregate: "any_value", result: "1"}, "any_value": {aggregate: "any_value", result: "1"},
		"array_agg": {aggregate: "array_agg", result: "[1"},
		"set_agg":   {aggregate: "array_agg", template: distinct, result: "[1"},
		"set_union": {aggregate: "array_agg", template: "list_filter(flatten($1), lambda __e, __i: list_position(flatten($1), __e) = __i)", result: "1"},
		"approx_distinct": {aggregate: "approx_count_distinct", result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			return c.args[0], nil
		}},
		"approx_percentile": {aggregate: "approx_quantile", write: func(c *invocation) (string, *sql.Type) {
			t := c.typ(0)
			if len(c.args) > 2 { // with a weight, told apart below; accuracy is always met
				if c.resultType = t; types.Is(c.typ(2), "array") {
					c.resultType = types.ArrayOf(t)
				}
				return c.fill("struct_pack(v := $1, w := CAST($2 AS DOUBLE))"), nil
			}
			if types.Is(c.typ(1), "array") {
				c.resultType = types.ArrayOf(t)
				return c.args[0] + ", CAST(" + c.args[1] + " AS FLOAT[])", nil
			}
			c.resultType = t
			return c.args[0] + ", CAST(least(greatest(" + c.args[1] + ", 0), 1) AS FLOAT)", nil // what is beyond is told below
		}},
		"numeric_histogram": {aggregate: "array_agg", write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.MapOf(types.Double, types.Double)
			if len(c.args) == 2 {
				return c.fill("struct_pack(v := CAST($2 AS DOUBLE), w := 1.0::DOUBLE)"), nil
			}
			return c.fill("struct_pack(v := CAST($2 AS DOUBLE), w := CAST($3 AS DOUBLE))"), nil
		}, template: "list_transform([trino_numeric_histogram(CAST($2 AS BIGINT), list_transform($1, lambda __e: __e.v), list_transform($1, lambda __e: __e.w))], lambda __h: CASE WHEN __h IS NOT NULL THEN map_from_entries(list_transform(range(1, len(__h), 2), lambda __i: struct_pack(key := __h[__i], value := __h[__i + 1]))) END)[1]"},
		"approx_set": {aggregate: "array_agg", skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = hyperLogLog
			switch t := c.typ(0); {
			case types.IsText(t):
				return c.fill("DISTINCT trino_hll_text($1)"), nil
			case types.Is(t, "varbinary"):
				return c.fill("DISTINCT trino_hll_bytes($1)"), nil
			case types.IsInteger(t):
				return c.fill("DISTINCT trino_hll_long(CAST($1 AS BIGINT))"), nil
			}
			return c.fill("DISTINCT trino_hll_double(CAST($1 AS DOUBLE))"), nil
		}, template: "trino_hll_build($1)"},
		"merge": {aggregate: "array_agg", skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			if c.resultType = hyperLogLog; types.Is(c.typ(0), "tdigest", "qdigest") {
				c.resultType = c.typ(0)
			}
			return c.args[0], nil
		}, finish: func(c *invocation) string {
			return map[string]string{"tdigest": "trino_tdigest_merge($1)", "qdigest": "trino_qdigest_merge($1)"}[c.resultType.Name]
		}, template: "trino_hll_merge($1)"},
		"tdigest_agg": {aggregate: "array_agg", skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.Named("tdigest")
			return weighted(c, "CAST($1 AS DOUBLE)"), nil
		}, template: "trino_tdigest_build(" + digestLists + ")"},
		"qdigest_agg": {aggregate: "array_agg", skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			of, value := digested(c.typ(0))
			c.resultType = &sql.Type{Name: "qdigest", Args: []*sql.Type{of}}
			return weighted(c, value), nil
		}, finish: func(c *invocation) string {
			if len(c.args) > 2 {
				return "trino_qdigest_build(" + digestLists + ", CAST($4 AS DOUBLE))"
			}
			return ""
		}, template: "trino_qdigest_build(" + digestLists + ", 0.01::DOUBLE)"},
		"checksum": {aggregate: "sum", template: "trino_checksum(CAST($1 AS VARCHAR))", write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.Varbinary
			return "CAST(coalesce(" + c.hash(c.args[0], c.typ(0), 0) + ", 1) AS HUGEINT)", nil
		}},
		"bool_and": {aggregate: "bool_and", result: "boolean"}, "every": {aggregate: "bool_and", result: "boolean"},
		"bool_or": {aggregate: "bool_or", result: "boolean"},
		"geometric_mean": {aggregate: "avg", result: "double", template: "exp($1)", write: func(c *invocation) (string, *sql.Type) {
			return c.fill("CASE WHEN $1 > 0 THEN ln($1) WHEN $1 = 0 THEN -" + infText + " WHEN $1 IS NOT NULL THEN " + nanText + " END"), nil
		}},
		"skewness": moment("skewness"), "kurtosis": moment("kurtosis"), "stddev": real1("stddev_samp"), "stddev_samp": real1("stddev_samp"), "stddev_pop": real1("stddev_pop"),
		"variance": real1("var_samp"), "var_samp": real1("var_samp"), "var_pop": real1("var_pop"),
		"corr": finite("corr"), "covar_pop": real2("covar_pop"), "covar_samp": real2("covar_samp"), "regr_slope": finite("regr_slope"), "regr_intercept": finite("regr_intercept"),
		"bitwise_and_agg": bits("bit_and"), "bitwise_or_agg": bits("bit_or"), "bitwise_xor_agg": bits("bit_xor"),
		"histogram": {aggregate: "histogram", template: "map_from_entries(list_transform(map_entries($1), lambda __e: struct_pack(key := __e.key, value := CAST(__e.value AS BIGINT))))", write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.MapOf(c.typ(0), types.Bigint)
			return c.args[0], nil
		}},
		"map_agg": {aggregate: "array_agg", template: uniqueEntries, skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.MapOf(c.typ(0), c.typ(1))
			return entry(c)
		}},
		"multimap_agg": {aggregate: "array_agg", template: multimap("$1"), skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.MapOf(c.typ(0), types.ArrayOf(c.typ(1)))
			return entry(c)
		}},
		"map_union": {aggregate: "array_agg", template: strings.ReplaceAll(uniqueEntries, "$1", "flatten($1)"), skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = c.typ(0)
			return c.fill("map_entries($1)"), nil
		}},
		"listagg": {aggregate: "string_agg", result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 {
				return c.args[0] + ", ''", nil
			}
			return strings.Join(c.args, ", "), nil
		}},
		"approx_most_frequent": {aggregate: "histogram", write: func(c *invocation) (string, *sql.Type) {
			c.resultType = types.MapOf(c.typ(1), types.Bigint)
			return c.args[1], nil
		}, template: "map_from_entries(list_transform(list_slice(list_reverse_sort(list_transform(map_entries($1), lambda __e: struct_pack(n := __e.value, k := __e.key))), 1, CAST($2 AS BIGINT)), lambda __e: struct_pack(key := __e.k, value := CAST(__e.n AS BIGINT))))"},
		"reduce_agg": {aggregate: "array_agg", skipNull: true, write: func(c *invocation) (string, *sql.Type) {
			c.resultType = c.typ(1)
			return c.args[0], nil
		}},
		"grouping":   {aggregate: "grouping", result: "bigint"},
		"row_number": {aggregate: "row_number", result: "bigint"}, "rank": {aggregate: "rank", result: "bigint"}, "dense_rank": {aggregate: "dense_rank", result: "bigint"},
		"percent_rank": {aggregate: "percent_rank", result: "double"}, "cume_dist": {aggregate: "cume_dist", result: "double"},
		"ntile": {aggregate: "ntile", result: "bigint"},
		"lag":   {aggregate: "lag", result: "1", write: offsetFrom(0)}, "lead": {aggregate: "lead", result: "1", write: offsetFrom(0)},
		"first_value": {aggregate: "first_value", result: "1"}, "last_value": {aggregate: "last_value", result: "1"},
		"nth_value": {aggregate: "nth_value", result: "1", write: offsetFrom(1)},
	}
}

// ofInterval writes an interval as its milliseconds or its months, which DuckDB can add up, and leaves other values.
func ofInterval(c *invocation) (string, *sql.Type) {
	switch t := c.typ(0); {
	case !types.IsInterval(t):
		return c.args[0], nil
	case t.Name == types.DayToSecond.Name:
		return c.fill("epoch_ms($1)"), nil
	}
	return c.fill("(12 * year($1) + month($1))"), nil
}

// intervalOfNumber is the template that makes an interval of that again.
func intervalOfNumber(c *invocation) string {
	switch t := c.typ(0); {
	case !types.IsInterval(t):
		return ""
	case t.Name == types.DayToSecond.Name:
		return "to_milliseconds(CAST(floor($1 + 0.5) AS BIGINT))"
	}
	return "to_months(CAST(floor($1 + 0.5) AS INTEGER))"
}

// offsetFrom writes the arguments of a window function whose second one is an offset of at least so much.
func offsetFrom(least int) func(c *invocation) (string, *sql.Type) {
	return func(c *invocation) (string, *sql.Type) {
		if len(c.args) > 1 {
			n, ok := c.exprs[1].(*sql.Number)
			if v, err := strconv.Atoi(numberText(n)); !ok || err != nil || v < least {
				c.args[1] = c.fill(fmt.Sprintf("(CASE WHEN $2 IS NULL THEN "+duck.Raised("Offset must not be null")+" WHEN $2 < %d THEN %s ELSE $2 END)", least, duck.Raised(fmt.Sprintf("Offset must be at least %d", least))))
			}
		}
		return strings.Join(c.args, ", "), nil
	}
}

func numberText(n *sql.Number) string {
	if n == nil {
		return ""
	}
	return n.Text
}

// approx_distinct spreads values over cells, and tells their number by how many are taken (linear counting):
// within Trino's error of 2.3 percent up to so many values a cell as load says. Of all rows the cells are the
// bits of a string; for groups, of which there may be many, they are kept only as far as they are taken.
//
// That costs more than DuckDB's estimate, which is one or two off from a dozen values on: by half as much again for all
// rows, and nine times as much for groups of ten million rows. So it is for statements that read up to cellsUpTo bytes.
const (
	cellsUpTo = 32 << 20

	allCells, allLoad     = 1 << 20, 11.0
	groupCells, groupLoad = 1 << 16, 7.0
)

// distinctByCells is that number, or another estimate, whose error is larger, beyond what the cells tell.
func distinctByCells(value, many, clauses string, each bool) string {
	cells, load := allCells, allLoad
	if each {
		cells, load = groupCells, groupLoad
	}
	cell := fmt.Sprintf("CASE WHEN %[1]s IS NOT NULL THEN CAST(hash(%[1]s) %% %[2]d AS INTEGER) END", value, cells)
	taken := fmt.Sprintf("coalesce(bit_count(bitstring_agg(%s, 0, %d)%s), 0)", cell, cells-1, clauses)
	if each {
		taken = "count(DISTINCT " + cell + ")" + clauses
	}
	return fmt.Sprintf("list_transform([struct_pack(taken := %s, many := %s)], lambda __d: CASE WHEN __d.taken <= %d THEN CAST(round(-%[4]d * ln(1 - __d.taken / %[4]d.0)) AS BIGINT) ELSE greatest(__d.many, %d) END)[1]",
		taken, many, int(float64(cells)*(1-math.Exp(-load))), cells, int(float64(cells)*load))
}

// scanned is how many bytes the files have that the statement reads, as far as it was translated: in a query, what its FROM
// reads.
func (t *translator) scanned() (n int64) {
	for _, size := range t.sizes {
		n += size
	}
	return n
}

// few is up to how many values there are that approx_percentile takes all of: Trino's digest keeps
// each of so many values by itself, and gives one of them.
const few = 64

// percentileOfFew is approx_percentile of a few values, which are ordered, and of more of them.
func percentileOfFew(value, share, filter, over, many string, shares bool) string {
	values := fmt.Sprintf("min(%s, %d)%s%s", value, few+1, filter, over)
	at := "CASE WHEN %[1]s BETWEEN 0 AND 1 THEN __v[least(len(__v), 1 + CAST(floor(%[1]s * len(__v)) AS BIGINT))] ELSE " + duck.Raised("Percentile must be between 0 and 1") + " END"
	if shares {
		at = "list_transform(" + share + ", lambda __p: " + fmt.Sprintf(at, "CAST(__p AS DOUBLE)") + ")"
	} else {
		at = fmt.Sprintf(at, "CAST("+share+" AS DOUBLE)")
	}
	return fmt.Sprintf("CASE WHEN count(%s)%s%s > %d THEN %s ELSE list_transform([%s], lambda __v: CASE WHEN __v IS NOT NULL THEN %s END)[1] END", value, filter, over, few, many, values, at)
}

func (t *translator) aggregate(x *sql.Call, f function, in *scope) (string, *sql.Type) {
	name := x.Name.Last()
	args := x.Args
	if x.Star && name != "count" {
		fault.Fail(x.Position, "FUNCTION_NOT_FOUND", "Unexpected parameters (*) for function %s", name)
	}
	var c *invocation
	arguments := func() { c = t.invoke(x.Position, name, f, args, in) }
	if x.Over != nil {
		arguments()
	} else {
		in.rowwise(arguments)
	}
	if x.Distinct || merging[name] {
		c.inOrder()
	}
	packed := c.zonedArguments()
	inner := strings.Join(c.args, ", ")
	if x.Star {
		inner = "*"
	}
	if f.write != nil { // the arguments are rewritten
		inner, _ = f.write(c)
	}
	aggregate := f.aggregate
	if strings.HasSuffix(name, "_by") && len(args) == 3 {
		aggregate = strings.TrimSuffix(aggregate, "_null")
	}
	order := x.OrderBy
	if x.WithinGroup != nil {
		order = x.WithinGroup
	}
	if order != nil {
		in.rowwise(func() { inner += " ORDER BY " + t.orderBy(order, "", in) })
	}
	if x.Nulls == "IGNORE" {
		inner += " IGNORE NULLS"
	}
	if x.Distinct {
		for _, typ := range c.typs {
			if !types.Comparable(typ) {
				fault.Fail(x.Position, "TYPE_MISMATCH", "DISTINCT can only be applied to comparable types (actual: %s)", types.Text(typ))
			}
		}
		inner = "DISTINCT " + inner
	}
	filter := ""
	if x.Filter != nil {
		var typ *sql.Type
		in.rowwise(func() { filter, typ = t.expr(x.Filter, in) })
		t.logical(x.Filter, typ, "Filter expression")
	}
	weighted := name == "approx_percentile" && len(args) > 2
	present := ""
	switch {
	case weighted:
		aggregate, present = "array_agg", c.args[0]+" IS NOT NULL AND "+c.args[1]+" IS NOT NULL"
	case name == "numeric_histogram":
		present = strings.Join(c.args[1:], " IS NOT NULL AND ") + " IS NOT NULL"
	case f.skipNull:
		present = c.args[0] + " IS NOT NULL"
	}
	if present != "" {
		if filter != "" {
			filter += " AND "
		}
		filter += present
	}
	if filter != "" {
		filter = " FILTER (WHERE " + filter + ")"
	}
	over := ""
	if x.Over != nil {
		over = " OVER " + t.window(x.Over, in)
	} else if f.Kind == signature.Window {
		fault.Fail(x.Position, "MISSING_OVER", "Window function %s must have an OVER clause", name)
	}
	text := aggregate + "(" + inner + ")" + filter + over
	typ := c.result(f.result)
	if c.resultType != nil {
		typ = c.resultType
	}
	arg := c.typ(0)
	switch name {
	case "approx_percentile":
		if weighted {
			at := "__s[trino_weighted_rank(list_transform(__s, lambda __e: __e.w), CAST(%s AS DOUBLE))].v"
			if types.Is(c.typ(2), "array") {
				at = "list_transform(" + c.args[2] + ", lambda __p: " + fmt.Sprintf(at, "__p") + ")"
			} else {
				at = fmt.Sprintf(at, c.args[2])
			}
			text = "list_transform([list_sort(" + text + ")], lambda __s: CASE WHEN __s IS NOT NULL THEN " + at + " END)[1]"
		} else if order == nil && !x.Distinct {
			text = percentileOfFew(c.args[0], c.args[1], filter, over, text, types.Is(c.typ(1), "array"))
		}
	case "reduce_agg":
		folded := &invocation{translator: t, at: c.at, name: "reduce", exprs: []sql.Expr{c.exprs[0], c.exprs[1], c.exprs[2], nil}, args: []string{text, c.args[1], "", ""}, typs: []*sql.Type{types.ArrayOf(arg), c.typ(1), nil, nil}, in: in}
		text, typ = folded.fold(func(state param) (string, *sql.Type) { return state.text, state.typ })
		text = "CASE WHEN " + c.fill("$2") + " IS NOT NULL THEN " + text + " END"
	case "sum":
		switch {
		case types.IsInteger(arg):
			text, typ = "CAST("+text+" AS BIGINT)", types.Bigint
		case types.Is(arg, "decimal") && len(arg.Params) == 2:
			typ = types.Decimal(38, arg.Params[1])
			if arg.Params[0] > 26 { // with fewer digits it takes a trillion rows to have more than 38
				text = "CASE WHEN abs(" + text + ") > CAST('" + strings.Repeat("9", 38-typ.Params[1]) + "." + strings.Repeat("9", typ.Params[1]) + "' AS " + duck.Type(typ) + ") THEN " + duck.Raise("NUMERIC_VALUE_OUT_OF_RANGE", "'Decimal overflow'") + " ELSE " + text + " END"
			}
		case types.Is(arg, "real"):
			text, typ = "CAST("+text+" AS FLOAT)", arg
		case types.Is(arg, "double") || types.IsInterval(arg):
			typ = arg
		}
	case "avg":
		switch {
		case types.Is(arg, "decimal") && len(arg.Params) == 2:
			typ = arg                                              // DuckDB's average is of floating point
			if arg.Params[0] > 26 && !x.Distinct && order == nil { // whose sum may have more than 38 digits
				digits := "CAST(replace(CAST(" + inner + " AS VARCHAR), '.', '') AS HUGEINT)"
				const half = "CAST(10000000000000000000 AS HUGEINT)"
				text = fmt.Sprintf("CAST(trino_decimal_average(CAST(sum((%[1]s - %[1]s %% %[2]s) // %[2]s)%[3]s AS VARCHAR), CAST(sum(%[1]s %% %[2]s)%[3]s AS VARCHAR), count(%[4]s)%[3]s, %[5]d) AS %[6]s)",
					digits, half, filter+over, inner, typ.Params[1], duck.Type(typ))
				break
			}
			text = exactQuotient("sum("+inner+")"+filter+over, "count("+inner+")"+filter+over, typ.Params[1], typ)
		case types.Is(arg, "real"):
			text, typ = "CAST("+text+" AS FLOAT)", arg
		case types.IsInteger(arg), types.Is(arg, "double"):
			typ = types.Double
		case types.IsInterval(arg):
			typ = arg
		}
	case "min", "max", "min_by", "max_by":
		if types.Is(arg, "ipaddress") && name == aggregate {
			if len(args) > 1 {
				fault.Fail(c.at, "NOT_SUPPORTED", "%s of several addresses is not supported", name)
			}
			text = "arg_" + name + "(" + inner + ", " + addressBytes(strings.TrimPrefix(inner, "DISTINCT ")) + ")" + filter + over
		}
		if len(args) == map[bool]int{true: 3, false: 2}[strings.HasSuffix(name, "_by")] {
			typ = types.ArrayOf(arg)
		}
	case "approx_distinct":
		if t.scanned() <= cellsUpTo {
			text = distinctByCells(strings.TrimPrefix(inner, "DISTINCT "), text, filter+over, over != "" || in.isGrouped())
		}
	}
	template := f.template
	if f.finish != nil {
		if text := f.finish(c); text != "" {
			template = text
		}
	}
	if template != "" {
		outer := &invocation{translator: t, args: append([]string{text}, c.args...)}
		text = outer.fill(template)
	}
	if packed {
		return unpackZone(text, types.Zoned(packedZone))
	}
	return text, typ
}

func (t *translator) window(w *sql.Window, in *scope) string {
	if w.Bare {
		return duck.Ident(w.Name.Lower())
	}
	var parts []string
	if w.Name != nil {
		parts = append(parts, duck.Ident(w.Name.Lower()))
	}
	if w.PartitionBy != nil {
		keys := make([]string, len(w.PartitionBy))
		for i, x := range w.PartitionBy {
			text, typ := t.expr(x, in)
			if !types.Comparable(typ) {
				fault.Fail(x.Pos(), "TYPE_MISMATCH", "%s is not comparable, and therefore cannot be used in window function PARTITION BY", types.Text(typ))
			}
			keys[i] = inOrder(text, typ, 0)
		}
		parts = append(parts, "PARTITION BY "+strings.Join(keys, ", "))
	}
	if w.OrderBy != nil {
		parts = append(parts, "ORDER BY "+t.orderBy(w.OrderBy, "window function ORDER BY", in))
	}
	if f := w.Frame; f != nil {
		bound := func(b sql.FrameBound) string {
			if b.Value != nil {
				text, typ := t.expr(b.Value, in)
				if _, ok := b.Value.(*sql.Number); !ok && !types.IsInterval(typ) {
					text = "(CASE WHEN " + text + " >= 0 THEN " + text + " ELSE " + duck.Raised("Window frame offset value must not be negative or null") + " END)"
				}
				return text + " " + b.Kind
			}
			return b.Kind
		}
		if f.End.Kind != "" {
			parts = append(parts, f.Unit+" BETWEEN "+bound(f.Start)+" AND "+bound(f.End))
		} else {
			parts = append(parts, f.Unit+" "+bound(f.Start))
		}
	}
	return "(" + strings.Join(parts, " ") + ")"
}
