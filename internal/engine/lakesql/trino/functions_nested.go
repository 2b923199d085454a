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

func isMap(c *invocation) bool { return types.Is(c.typ(0), "map") }

// distinct keeps the first of equal elements, in order, which list_distinct does not.
const distinct = "list_filter($1, lambda __e, __i: list_position($1, __e) = __i)"

// hasNull is whether a list has a null.
const hasNull = "(len($1) <> list_count($1))"

// maxRepeated bounds the bytes that repeat makes of one value.
const maxRepeated = 256 << 20

func arrayFunctions() map[string]function {
	// match folds the lambda's answers; missing is what unknown answers give, no what none give.
	match := func(sought, found, none string) function {
		return function{result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{p, types.Element(c.typ(0))})
			l := "list_transform(" + c.args[0] + ", lambda " + p + ": " + body + ")"
			return "CASE WHEN " + l + " IS NULL THEN NULL WHEN list_contains(" + l + ", " + sought + ") THEN " + found + " WHEN len(" + l + ") <> list_count(" + l + ") THEN NULL ELSE " + none + " END", nil
		}}
	}
	extreme := func(name string) function {
		return function{template: "CASE WHEN " + hasNull + " THEN NULL ELSE " + name + "($1) END", result: "e"}
	}
	return map[string]function{
		"cardinality": {result: "bigint", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(0), "hyperloglog") {
				return c.fill("trino_hll_cardinality($1)"), nil
			}
			if isMap(c) {
				return c.fill("CAST(cardinality($1) AS BIGINT)"), nil
			}
			return c.fill("len($1)"), nil
		}},
		"element_at": {result: "e", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(0), "array") {
				if n, ok := c.exprs[1].(*sql.Number); !ok || strings.Trim(n.Text, "0") == "" {
					return c.fill("($1)[CASE WHEN $2 = 0 THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'") + " ELSE $2 END]"), nil
				}
			}
			if typ := c.typ(0); types.Is(typ, "map") && len(typ.Args) == 2 {
				c.args[1] = asChar(c.args[1], c.typ(1), typ.Args[0])
			}
			return c.fill("($1)[$2]"), nil
		}},
		"contains": {result: "boolean", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(1), "ipaddress") && !types.Is(c.typ(0), "array") {
				return c.fill("trino_ip_contains($*)"), nil
			}
			c.alike()
			if own(types.Element(c.typ(0)), c.typ(1)) {
				return c.matching("list_contains(%s, true)", true), nil
			}
			return c.fill("CASE WHEN list_contains($1, $2) THEN true WHEN $1 IS NULL OR $2 IS NULL OR " + hasNull + " THEN NULL ELSE false END"), nil
		}},
		"contains_sequence": {alike: true, result: "boolean",
			template: "CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE len($2) = 0 OR coalesce(list_bool_or(list_transform(range(1, len($1) - len($2) + 2), lambda __i: $1[__i:__i + len($2) - 1] = $2)), false) END"},
		"array_position": {alike: true, write: func(c *invocation) (string, *sql.Type) {
			if own(types.Element(c.typ(0)), c.typ(1)) {
				return c.matching("CAST(coalesce(list_position(%s, true), 0) AS BIGINT)", false), nil
			}
			return c.fill("CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE CAST(coalesce(list_position($*), 0) AS BIGINT) END"), nil
		}, result: "bigint"},
		"array_distinct": {template: distinct, result: "1"},
		"array_sort": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 {
				return c.fill("list_sort($1, 'ASC', 'NULLS LAST')"), nil
			}
			// Each element's place is how many come before it; equal ones keep their order.
			x, y, i, j := c.fresh(), c.fresh(), c.fresh(), c.fresh()
			e := types.Element(c.typ(0))
			body, _ := c.lambda(1, param{y, e}, param{x, e})
			back, _ := c.lambda(1, param{x, e}, param{y, e}) // nulls may each claim to come first
			rank := fmt.Sprintf("list_sum(list_transform(%s, lambda %s, %s: CASE WHEN %s < 0 AND %s >= 0 THEN 1 ELSE 0 END))", c.args[0], y, j, body, back)
			return fmt.Sprintf("list_transform(list_sort(list_transform(%s, lambda %s, %s: struct_pack(r := %s, i := %s))), lambda %s: (%[1]s)[%[6]s.i])", c.args[0], x, i, rank, i, c.fresh()), nil
		}},
		"array_join": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			if e := types.Element(c.typ(0)); nested(e) {
				fault.Fail(c.at, "INVALID_FUNCTION_ARGUMENT", "Input type %s not supported", types.Text(e))
			}
			text := castText("CAST(", p, types.Element(c.typ(0)))
			if len(c.args) == 3 {
				return c.joined(c.fill("list_transform($1, lambda "+p+": coalesce("+text+", $3))"), 1), nil
			}
			return c.joined(c.fill("list_transform(list_filter($1, lambda "+p+": "+p+" IS NOT NULL), lambda "+p+": "+text+")"), 1), nil
		}},
		"array_max": extreme("list_max"), "array_min": extreme("list_min"),
		"array_first":     {template: "($1)[1]", result: "e"},
		"array_last":      {template: "($1)[-1]", result: "e"},
		"array_intersect": {alike: true, template: "CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda __e, __i: list_position($2, __e) IS NOT NULL AND list_position($1, __e) = __i) END", result: "1"},
		"array_except":    {alike: true, template: "CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda __e, __i: list_position($2, __e) IS NULL AND list_position($1, __e) = __i) END", result: "1"},
		"array_union": {alike: true, result: "1", write: func(c *invocation) (string, *sql.Type) {
			both := (&invocation{args: []string{c.fill("list_concat($1, $2)")}}).fill(distinct)
			return c.fill("CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN ") + both + " END", nil
		}},
		"arrays_overlap": {alike: true, template: "CASE WHEN list_bool_or(list_transform($1, lambda __e: __e IS NOT NULL AND list_contains($2, __e))) THEN true WHEN $1 IS NULL OR $2 IS NULL OR " + hasNull + " OR (len($2) <> list_count($2)) THEN NULL ELSE false END", result: "boolean"},
		"array_remove": {alike: true, result: "1", write: func(c *invocation) (string, *sql.Type) {
			if e := types.Element(c.typ(0)); own(e, c.typ(1)) {
				return c.named(func() string {
					p := c.fresh()
					return c.fill("CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda " + p + ": CASE WHEN " + p + " IS NULL THEN true ELSE NOT " + c.definite(equality(p, c.args[1], e, c.typ(1), 0)) + " END) END")
				}), nil
			}
			return c.fill("CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda __e: __e IS DISTINCT FROM $2) END"), nil
		}},
		"array_histogram": {write: func(c *invocation) (string, *sql.Type) {
			const some = "list_filter($1, lambda __e, __i: __e IS NOT NULL AND list_position($1, __e) = __i)"
			return c.fill("map_from_entries(list_transform(" + some + ", lambda __e: struct_pack(key := __e, value := len(list_filter($1, lambda __f: __f = __e)))))"), types.MapOf(types.Element(c.typ(0)), types.Bigint)
		}},
		"slice":      {template: "CASE WHEN $3 < 0 THEN " + duck.Raised("length must be greater than or equal to 0") + " WHEN $2 < -len($1) THEN [] ELSE list_slice($1, CASE WHEN $2 = 0 THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'SQL array indices start at 1'") + " ELSE $2 END, CASE WHEN $2 < 0 THEN len($1) + $2 + 1 ELSE $2 END + $3 - 1) END", result: "1"},
		"trim_array": {template: "list_slice($1, 1, len($1) - CASE WHEN $2 < 0 THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'size must not be negative: ' || $2") + " WHEN $2 > len($1) THEN " + duck.Raise("INVALID_FUNCTION_ARGUMENT", "'size must not exceed array cardinality ' || len($1) || ': ' || $2") + " ELSE $2 END)", result: "1"},
		"shuffle":    {template: "list_transform(list_sort(list_transform($1, lambda __e: struct_pack(r := random(), e := __e))), lambda __s: __s.e)", result: "1"},
		"flatten":    {template: "flatten($1)", result: "e"},
		"repeat": {result: "[1", write: func(c *invocation) (string, *sql.Type) {
			count := "CASE WHEN $2 > " + c.most(10_000) + " THEN " + duck.Raised("count argument of repeat function must be less than or equal to 10000")
			if size := c.bytes(0); size != "" {
				count += fmt.Sprintf(" WHEN CAST($2 AS DOUBLE) * %s > %d THEN %s", size, maxRepeated, memoryExceeded)
			}
			return c.fill("list_transform(range(" + count + " WHEN $2 IS NOT NULL THEN greatest($2, 0) END), lambda __e: $1)"), nil
		}},
		"ngrams": {write: func(c *invocation) (string, *sql.Type) {
			return c.fill("CASE WHEN $2 <= 0 THEN " + duck.Raised("N must be positive") + " WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN list_transform(range(1, greatest(len($1) - $2, 0) + 2), lambda __i: $1[__i:__i + $2 - 1]) END"), types.ArrayOf(c.typ(0))
		}},
		"combinations": {write: combinations},
		"sequence":     {result: "[1", write: sequence},
		"zip": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			fields, typs := make([]string, len(c.args)), make([]*sql.Type, len(c.args))
			for i := range c.args {
				fields[i] = fmt.Sprintf("field%d := %s[%d]", i, p, i+1)
				typs[i] = types.Element(c.typ(i))
			}
			return "CASE WHEN " + strings.Join(c.args, " IS NOT NULL AND ") + " IS NOT NULL THEN list_transform(list_zip(" + strings.Join(c.args, ", ") + "), lambda " + p + ": struct_pack(" + strings.Join(fields, ", ") + ")) END", types.ArrayOf(types.RowOf(typs...))
		}},
		"transform": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(1, param{p, types.Element(c.typ(0))})
			return "list_transform(" + c.args[0] + ", lambda " + p + ": " + body + ")", types.ArrayOf(typ)
		}},
		"filter": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{p, types.Element(c.typ(0))})
			return "list_filter(" + c.args[0] + ", lambda " + p + ": " + body + ")", nil
		}},
		"reduce": {write: func(c *invocation) (string, *sql.Type) {
			// The last lambda takes the folded state.
			return c.fold(func(state param) (string, *sql.Type) { return c.lambda(3, state) })
		}},
		"any_match": match("true", "true", "false"), "all_match": match("false", "false", "true"), "none_match": match("true", "false", "true"),
		"zip_with": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(2, param{p + "[1]", types.Element(c.typ(0))}, param{p + "[2]", types.Element(c.typ(1))})
			return c.fill("CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN list_transform(list_zip($1, $2), lambda ") + p + ": " + body + ") END", types.ArrayOf(typ)
		}},
	}
}

// matching writes what is asked (%s) of which elements of an array are equal to a value, by Trino's equality.
// unknown is whether null is the answer where none is and the array has nulls.
func (c *invocation) matching(asked string, unknown bool) string {
	return c.named(func() string { return c.whichMatch(asked, unknown) })
}

// named writes a function of two arguments whose second stands within a lambda, which may have neither a query
// in it nor the columns of one around it: those get names first.
func (c *invocation) named(write func() string) string {
	if isLiteral(c.exprs[1]) && !strings.Contains(c.args[0], "SELECT ") {
		return write()
	}
	p, args := c.fresh(), c.args
	c.args = []string{p + ".a", p + ".v"}
	defer func() { c.args = args }()
	return "list_transform([struct_pack(a := " + args[0] + ", v := " + args[1] + ")], lambda " + p + ": " + write() + ")[1]"
}

func (c *invocation) whichMatch(asked string, unknown bool) string {
	p := c.fresh()
	same := "CASE WHEN " + p + " IS NOT NULL THEN " + c.definite(equality(p, c.args[1], types.Element(c.typ(0)), c.typ(1), 0)) + " END"
	text := "CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL "
	list := "list_transform($1, lambda " + p + ": " + same + ")"
	if unknown {
		text += "WHEN " + hasNull + " AND NOT list_contains(" + list + ", true) THEN NULL "
	}
	return c.fill(text + "ELSE " + fmt.Sprintf(asked, list) + " END")
}

// definite fails where it is not known whether two values are equal.
func (c *invocation) definite(equal string) string {
	return "coalesce(" + equal + ", " + duck.Raise("NOT_SUPPORTED", duck.Quote(c.name+" does not support arrays with elements that are null or contain null")) + ")"
}

// fold folds the list of argument 0 by the lambda of argument 2, from the state of argument 1.
func (c *invocation) fold(finish func(state param) (string, *sql.Type)) (string, *sql.Type) {
	s, x := c.fresh(), c.fresh()
	state := c.typ(1)
	body, typ := c.lambda(2, param{s, state}, param{x, types.Element(c.typ(0))})
	initial := c.args[1]
	if state != nil && !types.Is(state, "unknown") {
		body, initial = duck.Convert("CAST(", body, typ, state, 0), "CAST("+initial+" AS "+duck.Type(state)+")"
	}
	if e := types.Element(c.typ(0)); e != nil && state != nil && !types.Is(state, "unknown") && (types.Is(e, "unknown") || e.String() != state.String()) {
		// DuckDB folds elements of the state's type only: each is made a pair of both.
		el := "NULL"
		if !types.Is(e, "unknown") {
			el = "CAST(NULL AS " + duck.Type(e) + ")"
		}
		step, from := c.lambda(2, param{s + ".s", state}, param{x + ".x", e})
		step = duck.Convert("CAST(", step, from, state, 0)
		return finish(param{"list_reduce(list_transform(" + c.args[0] + ", lambda __e: struct_pack(s := CAST(NULL AS " + duck.Type(state) + "), x := __e)), lambda " + s + ", " + x +
			": struct_pack(s := " + step + ", x := " + x + ".x), struct_pack(s := " + initial + ", x := " + el + ")).s", state})
	}
	return finish(param{"list_reduce(" + c.args[0] + ", lambda " + s + ", " + x + ": " + body + ", " + initial + ")", state})
}

// joined is the texts of a list with argument i between them.
func (c *invocation) joined(list string, i int) string {
	if _, ok := c.exprs[i].(*sql.String); ok {
		return "CASE WHEN " + list + " IS NOT NULL THEN coalesce(array_to_string(" + list + ", " + c.args[i] + "), '') END"
	}
	return "CASE WHEN " + c.args[i] + " IS NULL THEN NULL WHEN len(" + list + ") = 0 THEN '' ELSE list_reduce(" + list + ", lambda __a, __b: __a || " + c.args[i] + " || __b) END"
}

// maxCombinations bounds what combinations makes.
const maxCombinations = 100_000

// combinations nests a loop for each place of a group, the last place's outermost.
func combinations(c *invocation) (string, *sql.Type) {
	typ := types.ArrayOf(c.typ(0))
	if types.Is(c.typ(0), "unknown") {
		return "NULL", types.ArrayOf(c.typ(0))
	}
	n := 0
	if x, ok := c.exprs[1].(*sql.Number); ok {
		n, _ = strconv.Atoi(x.Text)
	} else if u, ok := c.exprs[1].(*sql.Unary); ok && u.Op == "-" {
		return duck.Raise("INVALID_FUNCTION_ARGUMENT", "'combination size must not be negative: ' || "+c.args[1]), typ
	} else {
		fault.Fail(c.exprs[1].Pos(), "NOT_SUPPORTED", "Argument 2 of function combinations must be a constant")
	}
	if n > 5 {
		return duck.Raise("INVALID_FUNCTION_ARGUMENT", fmt.Sprintf("'combination size must not exceed 5: %d'", n)), typ
	}
	if n == 0 {
		return c.fill("CASE WHEN $1 IS NOT NULL THEN [list_slice($1, 1, 0)] END"), typ
	}
	items, count, index := make([]string, n), "1.0", make([]string, n)
	for i := range items {
		index[i] = c.fresh()
		items[i] = fmt.Sprintf("(%s)[%s]", c.args[0], index[i])
		count += fmt.Sprintf(" * (len(%s) - %d) / %d", c.args[0], i, i+1)
	}
	text := "[" + strings.Join(items, ", ") + "]"
	for i := range n {
		to := "len(" + c.args[0] + ") + 1"
		if i < n-1 {
			to = index[i+1]
		}
		text = fmt.Sprintf("list_transform(range(1, %s), lambda %s: %s)", to, index[i], text)
		if i > 0 {
			text = "flatten(" + text + ")"
		}
	}
	return fmt.Sprintf("CASE WHEN len(%s) >= %d AND %s > %d THEN %s ELSE %s END", c.args[0], n, count, maxCombinations, duck.Raised("combinations exceed max size"), text), typ
}

// maxSequence bounds what sequence makes.
const maxSequence = 10_000

// sequence is of numbers, dates or timestamps.
func sequence(c *invocation) (string, *sql.Type) {
	typ, step := c.typ(0), "$3"
	unexpected := func() {
		fault.Fail(c.at, "FUNCTION_NOT_FOUND", "Unexpected parameters (%s) for function sequence", c.typeNames())
	}
	tooMany := duck.Raised(fmt.Sprintf("result of sequence function must not have more than %d entries", maxSequence))
	wrongWay := duck.Raised("sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start")
	switch {
	case types.Is(typ, "date", "timestamp"):
		length := "CAST(date_diff('millisecond', CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP)) AS DOUBLE) / epoch_ms(STEP)"
		switch {
		case len(c.args) == 2 && types.Is(typ, "date"):
			step = "(CASE WHEN $1 <= $2 THEN to_days(1) ELSE to_days(-1) END)"
		case len(c.args) == 2:
			unexpected()
		case types.Is(c.typ(2), "interval year to month"): // each so many months behind the first, whose day it has if there is one
			months := "(12 * year($3) + month($3))"
			length = "date_sub('month', CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP)) // " + months
			p := c.fresh()
			return c.fill("CASE WHEN " + months + " = 0 THEN " + duck.Raised("step must not be zero") + " WHEN $1 <> $2 AND ($1 < $2) <> (" + months + " > 0) THEN " + wrongWay + " WHEN " + length + " >= " + c.most(maxSequence) + " THEN " + tooMany +
				" ELSE list_transform(range(0, " + length + " + 1), lambda " + p + ": CAST($1 + to_months(CAST(" + p + " * " + months + " AS INTEGER)) AS " + duck.Type(typ) + ")) END"), types.ArrayOf(typ)
		case types.Is(typ, "date"):
			step = "(CASE WHEN epoch_ms($3) % 86400000 <> 0 THEN " + duck.Raised("sequence step must be a day interval if start and end values are dates") + " ELSE $3 END)"
		}
		length = strings.ReplaceAll(length, "STEP", step)
		return c.fill("CASE WHEN $1 <> $2 AND ($1 < $2) <> (" + step + " > to_days(0)) THEN " + wrongWay + " WHEN " + length + " >= " + c.most(maxSequence) + " THEN " + tooMany +
			" ELSE CAST(generate_series($1, $2, " + step + ") AS " + duck.Type(typ) + "[]) END"), types.ArrayOf(typ)
	case typ != nil && !types.IsInteger(typ) && !types.Is(typ, "unknown"):
		unexpected()
	}
	if len(c.args) == 2 {
		step = "(CASE WHEN $1 <= $2 THEN 1 ELSE -1 END)"
	} else {
		step = "(CASE WHEN $3 = 0 THEN " + duck.Raised("step must not be zero") + " ELSE CAST($3 AS BIGINT) END)"
	}
	return c.fill("CASE WHEN $1 <> $2 AND ($1 < $2) <> (" + step + " > 0) THEN " + wrongWay + " WHEN (CAST($2 AS HUGEINT) - $1) // " + step + " >= " + c.most(maxSequence) + " THEN " + tooMany +
		" ELSE generate_series(CAST($1 AS BIGINT), CAST($2 AS BIGINT), " + step + ") END"), types.ArrayOf(types.Bigint)
}

func mapFunctions() map[string]function {
	key := func(c *invocation) *sql.Type {
		if isMap(c) && len(c.typ(0).Args) == 2 {
			return c.typ(0).Args[0]
		}
		return nil
	}
	entry := func(c *invocation) (k, v *sql.Type) { // of an array of rows
		if e := types.Element(c.typ(0)); types.Is(e, "row") && len(e.Fields) == 2 {
			return e.Fields[0].Type, e.Fields[1].Type
		}
		return nil, nil
	}
	pairs := func(c *invocation) string { // an array of rows as entries, whatever its fields are called
		if e := types.Element(c.typ(0)); types.Is(e, "row") && len(e.Fields) == 2 {
			return "list_transform(" + c.args[0] + ", lambda __r: struct_pack(key := __r." + duck.Ident(types.FieldName(e, 0)) + ", value := __r." + duck.Ident(types.FieldName(e, 1)) + "))"
		}
		return c.args[0]
	}
	return map[string]function{
		"map": {write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 0 {
				return "MAP {}", types.MapOf(types.Unknown, types.Unknown)
			}
			return c.fill("MAP($1, $2)"), types.MapOf(types.Element(c.typ(0)), types.Element(c.typ(1)))
		}},
		"map_keys": {write: func(c *invocation) (string, *sql.Type) { return c.fill("map_keys($1)"), types.ArrayOf(key(c)) }},
		"map_values": {write: func(c *invocation) (string, *sql.Type) {
			return c.fill("map_values($1)"), types.ArrayOf(types.Element(c.typ(0)))
		}},
		"map_entries": {write: func(c *invocation) (string, *sql.Type) {
			return c.fill("list_transform(map_entries($1), lambda __e: struct_pack(field0 := __e.key, field1 := __e.value))"), types.ArrayOf(types.RowOf(key(c), types.Element(c.typ(0))))
		}},
		"map_from_entries": {write: func(c *invocation) (string, *sql.Type) {
			k, v := entry(c)
			return "map_from_entries(" + pairs(c) + ")", types.MapOf(k, v)
		}},
		"multimap_from_entries": {write: func(c *invocation) (string, *sql.Type) {
			k, v := entry(c)
			return multimap(pairs(c)), types.MapOf(k, types.ArrayOf(v))
		}},
		"map_concat": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			return "CASE WHEN " + strings.Join(c.args, " IS NOT NULL AND ") + " IS NOT NULL THEN " + c.fill("map_concat($*)") + " END", nil
		}},
		"map_filter": {result: "1", write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, _ := c.lambda(1, param{p + ".key", key(c)}, param{p + ".value", types.Element(c.typ(0))})
			return "map_from_entries(list_filter(map_entries(" + c.args[0] + "), lambda " + p + ": " + body + "))", nil
		}},
		"map_zip_with": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(2, param{p, key(c)}, param{"(" + c.args[0] + ")[" + p + "]", types.Element(c.typ(0))}, param{"(" + c.args[1] + ")[" + p + "]", types.Element(c.typ(1))})
			keys := c.fill("list_concat(map_keys($1), list_filter(map_keys($2), lambda __e: list_position(map_keys($1), __e) IS NULL))")
			return c.fill("CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN ") + "map_from_entries(list_transform(" + keys + ", lambda " + p + ": struct_pack(key := " + p + ", value := " + body + "))) END", types.MapOf(key(c), typ)
		}},
		"transform_values": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(1, param{p + ".key", key(c)}, param{p + ".value", types.Element(c.typ(0))})
			return "map_from_entries(list_transform(map_entries(" + c.args[0] + "), lambda " + p + ": struct_pack(key := " + p + ".key, value := " + body + ")))", types.MapOf(key(c), typ)
		}},
		"transform_keys": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			body, typ := c.lambda(1, param{p + ".key", key(c)}, param{p + ".value", types.Element(c.typ(0))})
			return "map_from_entries(list_transform(map_entries(" + c.args[0] + "), lambda " + p + ": struct_pack(key := " + body + ", value := " + p + ".value)))", types.MapOf(typ, types.Element(c.typ(0)))
		}},
	}
}
