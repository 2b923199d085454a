package sparksql

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Functions that a text with places for arguments does not tell: those that make structs, take several arguments, or whose
// arguments decide what they are.

// fieldMark begins the string that names the argument of struct before it: struct(x AS a).
const fieldMark = "\ue002"

// leftTrim and rightTrim are ltrim and rtrim as they are written: the parser makes the same of trim(LEADING ...), with the
// arguments in the other order.
const (
	leftTrim  = "__ltrim"
	rightTrim = "__rtrim"
)

// divName stands between the two sides of DIV, which the parser takes for quotients.
const divName = "\ue003div"

// named is a struct.
func (t *translator) named(at sql.Position, names []string, items []sql.Expr) sql.Expr {
	row := &sql.Row{Position: at, Items: items}
	seen := make(map[string]bool)
	for _, n := range names {
		if n == "" || seen[strings.ToLower(n)] {
			refuse(at, "the field %q of a struct is there twice, or has no name", n)
		}
		seen[strings.ToLower(n)] = true
		t.fields = append(t.fields, n)
		row.Names = append(row.Names, sql.Identifier{Position: at, Name: strings.ToLower(n), Quoted: true})
	}
	return row
}

// structOf is struct(a, b AS c): fields have the names of columns, or those given, or col1, col2.
func (t *translator) structOf(c *sql.Call) sql.Expr {
	var names []string
	var items []sql.Expr
	for _, a := range c.Args {
		if s, ok := a.(*sql.String); ok && strings.HasPrefix(s.Value, fieldMark) && len(items) > 0 {
			names[len(names)-1] = strings.TrimPrefix(s.Value, fieldMark)
			continue
		}
		name := "col" + strconv.Itoa(len(items)+1)
		switch e := a.(type) {
		case *sql.Name:
			name = e.Ident.Name
		case *sql.Dereference:
			name = e.Field.Name
		}
		names, items = append(names, name), append(items, a)
	}
	return t.named(c.Position, names, items)
}

// namedStruct is named_struct('a', x, 'b', y).
func (t *translator) namedStruct(c *sql.Call) sql.Expr {
	var names []string
	var items []sql.Expr
	for i := 0; i < len(c.Args); i += 2 {
		s, ok := c.Args[i].(*sql.String)
		if !ok {
			refuse(c.Position, "the names of named_struct must be strings")
		}
		names, items = append(names, s.Value), append(items, c.Args[i+1])
	}
	return t.named(c.Position, names, items)
}

// kindOf is the type of a column of an input, and that of a literal; nil where it is not known.
func (t *translator) kindOf(e sql.Expr) *hivetype.Type {
	column := ""
	switch e := e.(type) {
	case *sql.Name:
		column = e.Ident.Lower()
	case *sql.Dereference:
		if of, ok := e.Base.(*sql.Name); ok && t.names[of.Ident.Lower()] {
			column = e.Field.Lower()
		}
	case *sql.Array:
		return &hivetype.Type{Kind: hivetype.Array}
	case *sql.Number:
		if _, err := strconv.ParseInt(e.Text, 10, 32); err == nil {
			return &hivetype.Type{Kind: hivetype.Int}
		}
	}
	if t.aliases[column] {
		return nil
	}
	return t.columns[column]
}

// split is split(text, pattern): where the first match is empty and at the beginning, nothing is before it. An empty pattern
// is between all characters.
func split(text, by sql.Expr) sql.Expr {
	if p, ok := by.(*sql.String); ok {
		if p.Value == "" {
			return template("if(__1 = '', ARRAY[''], regexp_extract_all(__1, '(?s).'))", text)
		}
		if re, err := syntax.Parse(p.Value, syntax.Perl); err == nil && !javaregexp.MayBeEmpty(re) {
			return template("regexp_split(__1, __2)", text, by)
		}
	}
	return template("if(regexp_split(__1, __2)[1] = '' AND regexp_extract(__1, __2) = '', slice(regexp_split(__1, __2), 2, length(__1) + 2), regexp_split(__1, __2))", text, by)
}

// div is DIV: of whole numbers, or of decimals, whose quotient is cut off. Spark takes no others.
func (t *translator) div(at sql.Position, a, b sql.Expr) sql.Expr {
	decimals := false
	for _, e := range []sql.Expr{a, b} {
		if u, ok := e.(*sql.Unary); ok {
			e = u.X
		}
		kind := t.kindOf(e)
		n, ok := e.(*sql.Number)
		switch {
		case ok && n.Kind == sql.Double, kind != nil && (kind.Kind == hivetype.Double || kind.Kind == hivetype.Float):
			refuse(at, "DIV takes whole numbers and decimals: use CAST")
		case ok && n.Kind == sql.Decimal, kind != nil && kind.Kind == hivetype.Decimal:
			decimals = true
		}
	}
	if decimals {
		return template("CAST((__1 - __1 % nullif(__2, 0)) / nullif(__2, 0) AS bigint)", a, b)
	}
	return template("__1 / nullif(__2, 0)", template(casts["bigint"], a), template(casts["bigint"], b))
}

// entry are the names of the fields of a map's entries.
var entry = []string{"key", "value"}

// calendar are the parts of dates that date_part and extract take, by all their names: the function of each.
var calendar = map[string]string{
	"year": "year", "years": "year", "y": "year", "yr": "year", "yrs": "year", "quarter": "quarter", "qtr": "quarter", "month": "month", "months": "month", "mon": "month", "mons": "month",
	"week": "weekofyear", "weeks": "weekofyear", "w": "weekofyear", "day": "day", "days": "day", "d": "day", "doy": "dayofyear",
	"dayofweek": "dayofweek", "dow": "dayofweek", "hour": "hour", "hours": "hour", "h": "hour", "hr": "hour", "hrs": "hour", "minute": "minute", "minutes": "minute", "m": "minute", "min": "minute", "mins": "minute",
}

// weekdays are days by their names in Spark: numbers of ISO 8601.
var weekdays = func() map[string]int {
	m := make(map[string]int)
	for i, d := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		m[d], m[d[:3]], m[d[:2]] = i+1, i+1, i+1
	}
	return m
}()

// urlParts are those of parse_url.
var urlParts = map[string]string{
	"HOST": "nullif(url_extract_host(__1), '')", "PATH": "url_extract_path(__1)", "QUERY": "nullif(url_extract_query(__1), '')",
	"PROTOCOL": "nullif(url_extract_protocol(__1), '')", "REF": "nullif(url_extract_fragment(__1), '')",
}

// percentiles between the values of a list in order, and by its values alone.
const (
	sortedValues = "array_sort(array_agg(__1) FILTER (WHERE __1 IS NOT NULL))"
	percentileAt = "if(cardinality(__1) > 0, element_at(__1, CAST(floor(__2 * (cardinality(__1) - 1)) AS integer) + 1) + (__2 * (cardinality(__1) - 1) - floor(__2 * (cardinality(__1) - 1)))" +
		" * (element_at(__1, CAST(ceil(__2 * (cardinality(__1) - 1)) AS integer) + 1) - element_at(__1, CAST(floor(__2 * (cardinality(__1) - 1)) AS integer) + 1)))"
	percentileOf = "if(cardinality(__1) > 0, element_at(__1, greatest(CAST(ceil(__2 * cardinality(__1)) AS integer), 1)))"
)

// fraction refuses what is not a number from 0 to 1.
func fraction(c *sql.Call, e sql.Expr) sql.Expr {
	n, ok := e.(*sql.Number)
	if ok {
		if f, err := strconv.ParseFloat(n.Text, 64); err != nil || f > 1 {
			ok = false
		}
	}
	if !ok {
		refuse(c.Position, "the percentage of %s must be a number from 0 to 1", c.Name.Last())
	}
	return template("CAST(__1 AS double)", e)
}

// gathered is an aggregate of the list of the values that it has.
func gathered(c *sql.Call, text string, args ...sql.Expr) sql.Expr {
	if c.Distinct || c.Star || c.Over != nil || c.Nulls != "" {
		refuse(c.Position, "the function %s is supported as a plain aggregate alone", c.Name.Last())
	}
	return template(text, args...)
}

// ordered are the aggregates that are made of the list of all values; nil where the call is none.
func (t *translator) listed(c *sql.Call, name string) sql.Expr {
	list := func(x sql.Expr, there string) sql.Expr {
		if c.Filter != nil {
			there = strings.TrimSuffix("__2 AND "+there, " AND ")
		}
		if there == "" {
			return gathered(c, "array_agg(__1)", x)
		}
		return gathered(c, "array_agg(__1) FILTER (WHERE "+there+")", x, c.Filter)
	}
	n := len(c.Args)
	switch {
	case name == "first" && n == 1, name == "any_value" && n == 1:
		return template("element_at(__1, 1)", list(c.Args[0], ""))
	case name == "last" && n == 1:
		return template("element_at(__1, -1)", list(c.Args[0], ""))
	case (name == "listagg" || name == "string_agg") && (n == 1 || n == 2):
		var by sql.Expr = &sql.String{}
		if n == 2 {
			by = c.Args[1]
		}
		return template("array_join(__1, __2)", list(asText(c.Args[0]), "__1 IS NOT NULL"), by)
	case name == "percentile" && n == 2:
		return template(percentileAt, template("array_sort(__1)", list(template("CAST(__1 AS double)", c.Args[0]), "__1 IS NOT NULL")), fraction(c, c.Args[1]))
	case name == "median" && n == 1:
		return template(percentileAt, template("array_sort(__1)", list(template("CAST(__1 AS double)", c.Args[0]), "__1 IS NOT NULL")), template("CAST(0.5 AS double)"))
	case (name == "percentile_approx" || name == "approx_percentile") && (n == 2 || n == 3): // exact is near enough
		return template(percentileOf, template("array_sort(__1)", list(c.Args[0], "__1 IS NOT NULL")), fraction(c, c.Args[1]))
	case (name == "bit_and" || name == "bit_or" || name == "bit_xor") && n == 1:
		kind := t.kindOf(c.Args[0])
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: map[string]string{"bit_and": "bitwise_and_agg", "bit_or": "bitwise_or_agg", "bit_xor": "bitwise_xor_agg"}[name]}}
		if kind == nil || kind.Kind == hivetype.BigInt {
			return c
		}
		return template("CAST(__1 AS "+trinoWhole(kind)+")", c)
	case name == "try_sum" && n == 1:
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: "sum"}}
		return t.widened(c, "sum")
	case name == "try_avg" && n == 1:
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: "avg"}}
		return t.widened(c, "avg")
	case name == "regr_count" && n == 2:
		c.Args = []sql.Expr{template("__1 IS NOT NULL AND __2 IS NOT NULL", c.Args...)}
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: "count_if"}}
		return c
	}
	return nil
}

// trinoWhole is the type of whole numbers that a column has.
func trinoWhole(t *hivetype.Type) string {
	switch t.Kind {
	case hivetype.TinyInt:
		return "tinyint"
	case hivetype.SmallInt:
		return "smallint"
	case hivetype.Int:
		return "integer"
	}
	return "bigint"
}

// more is a call of a function that needs a look at its arguments; nil where it is none.
func (t *translator) more(c *sql.Call, name string) sql.Expr {
	n := len(c.Args)
	text := func(i int) string {
		s, ok := c.Args[i].(*sql.String)
		if !ok {
			refuse(c.Position, "the argument %d of %s must be a string", i+1, name)
		}
		return s.Value
	}
	switch {
	case (name == leftTrim || name == rightTrim) && (n == 1 || n == 2): // with what to trim, that comes first
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: strings.TrimPrefix(name, "__")}}
		slices.Reverse(c.Args)
		return c
	case name == "split" && n == 2:
		return split(c.Args[0], c.Args[1])
	case name == "struct" && n > 0:
		return t.structOf(c)
	case name == "named_struct" && n > 0 && n%2 == 0:
		return t.namedStruct(c)
	case name == "map_entries" && n == 1:
		return template("transform(map_entries(__1), __e -> __2)", c.Args[0], t.named(c.Position, entry, []sql.Expr{template("__e[1]"), template("__e[2]")}))
	case name == "arrays_zip" && n > 1 && n <= 5:
		var names []string
		var items []sql.Expr
		for i, a := range c.Args {
			called := strconv.Itoa(i)
			if x, ok := a.(*sql.Name); ok {
				called = x.Ident.Name
			}
			names, items = append(names, called), append(items, template(fmt.Sprintf("__e[%d]", i+1)))
		}
		zip := &sql.Call{Position: c.Position, Name: sql.QualifiedName{Position: c.Position, Parts: []sql.Identifier{{Position: c.Position, Name: "zip"}}}, Args: c.Args}
		there := c.Args[0]
		for i, a := range c.Args {
			if is := template("__1 IS NOT NULL", a); i == 0 {
				there = is
			} else {
				there = template("__1 AND __2", there, is)
			}
		}
		return template("if(__3, transform(__1, __e -> __2))", zip, t.named(c.Position, names, items), there)
	case name == "concat" && n > 0 && t.kindOf(c.Args[0]) != nil && t.kindOf(c.Args[0]).Kind == hivetype.Array:
		e := c.Args[0]
		for _, a := range c.Args[1:] {
			e = template("__1 || __2", e, a)
		}
		return e
	case (name == "format_string" || name == "printf") && n > 0:
		text(0)
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: "format"}}
		return c
	case name == "format_number" && n == 2:
		d, ok := c.Args[1].(*sql.Number)
		if !ok || len(d.Text) != 1 {
			refuse(c.Position, "the digits of format_number must be a number from 0 to 9")
		}
		return template(strings.ReplaceAll(formatNumber, "{D}", d.Text), c.Args[0])
	case name == "sequence" && n >= 2 && n <= 3:
		for _, a := range c.Args {
			k := t.kindOf(a)
			if u, ok := a.(*sql.Unary); ok {
				k = t.kindOf(u.X)
			}
			if k == nil || k.Kind != hivetype.Int {
				return c
			}
		}
		return template("CAST(__1 AS array(integer))", c)
	case name == "elt" && n > 1:
		return template("element_at(__1, if(__2 > 0, __2))", &sql.Array{Position: c.Position, Items: c.Args[1:]}, c.Args[0])
	case name == "parse_url" && (n == 2 || n == 3):
		part := urlParts[text(1)]
		if part == "" || n == 3 && text(1) != "QUERY" {
			refuse(c.Position, "the part %s of parse_url is not supported", text(1))
		}
		if n == 3 {
			key := text(2)
			if strings.ContainsAny(key, `\^$.|?*+()[]{}`) {
				refuse(c.Position, "the key of parse_url must be plain text")
			}
			return template("regexp_extract(url_extract_query(__1), '(?:^|&)"+strings.ReplaceAll(key, "'", "''")+"=([^&]*)', 1)", c.Args[0])
		}
		return template(part, c.Args[0])
	case name == "next_day" && n == 2:
		day := weekdays[strings.ToLower(text(1))]
		if day == 0 {
			refuse(c.Position, "the day of next_day must be a day of the week")
		}
		return template(fmt.Sprintf("date_add('day', (%d - day_of_week(CAST(__1 AS date))) %% 7 + 1, CAST(__1 AS date))", day+6), c.Args[0])
	case (name == "date_part" || name == "datepart") && n == 2:
		part := calendar[strings.ToLower(text(0))]
		if part == "" {
			refuse(c.Position, "the part %s of %s is not supported", text(0), name)
		}
		return template(templates[part+"/1"], c.Args[1])
	case (name == "timestampdiff" || name == "datediff" || name == "date_diff") && n == 3:
		return template("date_diff('"+t.unit(c)+"', CAST(__1 AS timestamp), CAST(__2 AS timestamp))", c.Args[1], c.Args[2])
	case (name == "timestampadd" || name == "dateadd" || name == "date_add") && n == 3:
		return template("date_add('"+t.unit(c)+"', __1, CAST(__2 AS timestamp))", c.Args[1], c.Args[2])
	case (name == "encode" || name == "decode") && n == 2:
		if set := strings.ToUpper(text(1)); set != "UTF-8" && set != "US-ASCII" && set != "UTF8" {
			refuse(c.Position, "the character set %s of %s is not supported", text(1), name)
		}
		return template(map[string]string{"encode": "to_utf8(__1)", "decode": "from_utf8(__1)"}[name], c.Args[0])
	case name == "str_to_map" && n <= 3 && n > 0:
		by := []string{",", ":"}
		for i := 1; i < n; i++ {
			if by[i-1] = text(i); len(by[i-1]) != 1 || strings.ContainsAny(by[i-1], `\^$.|?*+()[]{}`) {
				refuse(c.Position, "the delimiters of str_to_map must be single characters without a meaning in patterns")
			}
		}
		at := func(s string) sql.Expr { return &sql.String{Position: c.Position, Value: s} }
		return template("map_from_entries(transform(split(__1, __2), __e -> ROW(split_part(__e, __3, 1), if(strpos(__e, __3) > 0, substr(__e, strpos(__e, __3) + 1)))))", c.Args[0], at(by[0]), at(by[1]))
	case name == "array_insert" && n == 3:
		at, ok := c.Args[1].(*sql.Number)
		place, err := strconv.Atoi("0")
		if ok {
			place, err = strconv.Atoi(at.Text)
		}
		if err != nil || place < 1 || place > 1000 {
			refuse(c.Position, "the place of array_insert must be a number from 1")
		}
		return template(fmt.Sprintf("slice(__1, 1, %d) || repeat(NULL, if(cardinality(__1) < %d, %d - cardinality(__1), 0)) || ARRAY[__2] || if(cardinality(__1) >= %d, slice(__1, %d, cardinality(__1)), slice(__1, 1, 0))", place-1, place-1, place-1, place, place), c.Args[0], c.Args[2])
	}
	return nil
}

// unit is the first argument of a call: a unit of time, as a word.
func (t *translator) unit(c *sql.Call) string {
	name, ok := c.Args[0].(*sql.Name)
	unit := ""
	if ok {
		unit = name.Ident.Lower()
	}
	if !slices.Contains([]string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"}, unit) {
		refuse(c.Position, "the unit of %s must be a word such as DAY or HOUR", c.Name.Last())
	}
	return unit
}

// substringIndex is what is before the count-th delimiter, counted from the end where that is negative.
const substringIndex = `CASE WHEN __1 IS NULL OR __2 IS NULL OR __3 IS NULL THEN NULL WHEN __3 = 0 OR __2 = '' THEN ''
	WHEN __3 > 0 THEN array_join(slice(split(__1, __2), 1, __3), __2)
	WHEN cardinality(split(__1, __2)) + __3 <= 0 THEN __1
	ELSE array_join(slice(split(__1, __2), cardinality(split(__1, __2)) + __3 + 1, -(__3)), __2) END`

// formatNumber rounds what is in the middle of two numbers of {D} digits to the even one.
const formatNumber = `if(__1 IS NOT NULL, format('%,.{D}f', if(abs(CAST(__1 AS double)) * 1e{D} - floor(abs(CAST(__1 AS double)) * 1e{D}) = 5e-1 AND floor(abs(CAST(__1 AS double)) * 1e{D}) % 2e0 = 0e0,
	sign(CAST(__1 AS double)) * floor(abs(CAST(__1 AS double)) * 1e{D}) / 1e{D}, CAST(__1 AS double))))`

// monthsBetween is whole where both days are the same of their months or both the last, else with parts of 31 days.
const monthsBetween = `CASE WHEN day(__1) = day(__2) OR (CAST(__1 AS date) = last_day_of_month(CAST(__1 AS date)) AND CAST(__2 AS date) = last_day_of_month(CAST(__2 AS date)))
	THEN CAST((year(__1) - year(__2)) * 12 + month(__1) - month(__2) AS double)
	ELSE round((year(__1) - year(__2)) * 12 + month(__1) - month(__2) + (floor(to_unixtime(CAST(__1 AS timestamp))) - to_unixtime(CAST(date_trunc('month', CAST(__1 AS date)) AS timestamp))
	- floor(to_unixtime(CAST(__2 AS timestamp))) + to_unixtime(CAST(date_trunc('month', CAST(__2 AS date)) AS timestamp))) / 2678400e0, 8) END`

func init() {
	for name, text := range map[string]string{
		"initcap/1":         "array_join(transform(split(lower(__1), ' '), __e -> upper(substr(__e, 1, 1)) || substr(__e, 2)), ' ')",
		"substring_index/3": substringIndex,
		"hex/1":             `if(typeof(__1) LIKE 'varchar%', to_hex(to_utf8(CAST(__1 AS varchar))), regexp_replace(to_hex(to_big_endian_64(` + asWhole + `bigint))), '^0*(.)', '$1'))`,
		"bin/1":             strings.ReplaceAll(`if(W >= 0, to_base(W, 2), '1' || lpad(to_base(bitwise_and(W, 9223372036854775807), 2), 63, '0'))`, "W", asWhole+"bigint)"),
		"chr/1":             `if(__1 < 0, '', chr(__1 % 256))`, "char/1": `if(__1 < 0, '', chr(__1 % 256))`,
		"overlay/3": "substr(__1, 1, __3 - 1) || __2 || substr(__1, __3 + length(__2))", "overlay/4": "substr(__1, 1, __3 - 1) || __2 || substr(__1, __3 + __4)",
		"find_in_set/2": "CAST(if(strpos(__1, ',') > 0, 0, array_position(split(__2, ','), __1)) AS integer)",
		"url_encode/1":  "url_encode(__1)", "url_decode/1": "url_decode(__1)",
		"soundex/1":   "if(regexp_like(__1, '^[A-Za-z]'), soundex(__1), __1)",
		"hypot/2":     "sqrt(power(CAST(__1 AS double), 2) + power(CAST(__2 AS double), 2))",
		"factorial/1": "if(__1 BETWEEN 0 AND 20, reduce(sequence(1, if(__1 > 1, __1, 1)), CAST(1 AS bigint), (__s, __e) -> __s * __e, __s -> __s))",
		"cot/1":       "1e0 / tan(CAST(__1 AS double))", "sec/1": "1e0 / cos(CAST(__1 AS double))", "csc/1": "1e0 / sin(CAST(__1 AS double))",
		"asinh/1":      "sign(CAST(__1 AS double)) * ln(abs(CAST(__1 AS double)) + sqrt(power(CAST(__1 AS double), 2) + 1e0))",
		"acosh/1":      "ln(CAST(__1 AS double) + sqrt(power(CAST(__1 AS double), 2) - 1e0))",
		"atanh/1":      "ln((1e0 + CAST(__1 AS double)) / (1e0 - CAST(__1 AS double))) / 2e0",
		"shiftright/2": "bitwise_right_shift_arithmetic(__1, __2)", "shiftrightunsigned/2": "bitwise_right_shift(__1, __2)",
		"bit_count/1": "CAST(bit_count(CAST(__1 AS bigint), 64) AS integer)",
		"bit_get/2":   "CAST(bitwise_and(bitwise_right_shift_arithmetic(CAST(__1 AS bigint), __2), 1) AS tinyint)",
		"getbit/2":    "CAST(bitwise_and(bitwise_right_shift_arithmetic(CAST(__1 AS bigint), __2), 1) AS tinyint)",

		"months_between/2": monthsBetween,
		"make_date/3":      "if(__1 BETWEEN 1 AND 9999, try_cast(lpad(CAST(__1 AS varchar), 4, '0') || '-' || CAST(__2 AS varchar) || '-' || CAST(__3 AS varchar) AS date))",
		"dayname/1":        "format_datetime(CAST(__1 AS timestamp), 'EEE')", "monthname/1": "format_datetime(CAST(__1 AS timestamp), 'MMM')",
		"timestamp_micros/1": "CAST(at_timezone(from_unixtime(CAST(__1 AS double) / 1e6), 'UTC') AS timestamp)",
		"unix_micros/1":      "CAST(round(to_unixtime(__1) * 1e3) AS bigint) * 1000",
		"current_timezone/0": "'UTC'",

		"try_add/2": "try(__1 + __2)", "try_subtract/2": "try(__1 - __2)", "try_multiply/2": "try(__1 * __2)", "positive/1": "__1",
		"regexp_extract_all/2": "regexp_extract_all(__1, __2, 1)", "rlike/2": "regexp_like(__1, __2)", "regexp/2": "regexp_like(__1, __2)",
		"unhex/1":      "try(from_hex(__1))",
		"zip_with/3":   "if(__1 IS NOT NULL AND __2 IS NOT NULL, zip_with(__1, __2, __3))",
		"map_concat/2": "if(__1 IS NOT NULL AND __2 IS NOT NULL, map_concat(__1, __2))", "map_concat/1": "__1",
		"get/2": "if(__2 >= 0, element_at(__1, __2 + 1))", "try_element_at/2": "element_at(__1, __2)",
	} {
		templates[name] = text
	}
	for name := range words("map_from_entries map_zip_with transform_keys skewness regr_slope regr_intercept luhn_check") {
		same[name] = true
	}
}
