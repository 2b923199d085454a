package sparksql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Calls of functions in Trino's terms.

// widened gives sums and means of columns of an input Spark's types: those of floats are doubles, a mean of decimals has four
// digits more.
func (t *translator) widened(c *sql.Call, name string) sql.Expr {
	if (name != "sum" && name != "avg") || len(c.Args) != 1 {
		return c
	}
	column := ""
	switch a := c.Args[0].(type) {
	case *sql.Name:
		column = a.Ident.Lower()
	case *sql.Dereference:
		if of, ok := a.Base.(*sql.Name); ok && t.names[of.Ident.Lower()] {
			column = a.Field.Lower()
		}
	}
	kind := t.columns[column]
	switch {
	case kind == nil || t.aliases[column]:
	case kind.Kind == hivetype.Float:
		c.Args[0] = template("CAST(__1 AS double)", c.Args[0])
	case kind.Kind == hivetype.Decimal && name == "avg":
		scale := min(kind.Scale+4, hivetype.MaxPrecision)
		c.Args[0] = template(fmt.Sprintf("CAST(__1 AS decimal(%d,%d))", min(kind.Precision+4, hivetype.MaxPrecision), scale), c.Args[0])
	}
	return c
}

func isRow(e sql.Expr) bool {
	_, ok := e.(*sql.Row)
	return ok
}

func (t *translator) call(c *sql.Call) sql.Expr {
	name := c.Name.Last()
	switch {
	case len(c.Name.Parts) != 1:
		refuse(c.Position, "the function %s is not supported", c.Name.String())
	case len(c.WithinGroup) > 0 || c.Overflow != "" || len(c.OrderBy) > 0:
		refuse(c.Position, "ORDER BY within the function %s is not supported", name)
	case (name == "max" || name == "min") && len(c.Args) == 1 && isRow(c.Args[0]): // a null in it would be the greatest
		refuse(c.Position, "%s of a struct is not supported: use %s_by", name, name)
	case whole[name]:
		return template("CAST(__1 AS integer)", c)
	case same[name] && templates[name+"/"+strconv.Itoa(len(c.Args))] == "":
		return t.widened(c, name)
	case name == explodeName && len(c.Args) == 1: // UNNEST leaves rows whole where one column is named
		return c.Args[0]
	case name == posexplodeName && len(c.Args) == 1:
		return template(posexploded, c.Args[0])
	}
	if e := t.listed(c, name); e != nil {
		return e
	}
	if to, ok := aggregates[name]; ok && len(c.Args) == 1 {
		c.Name.Parts = []sql.Identifier{{Position: c.Position, Name: to}}
		if to != "array_agg" {
			return c
		}
		there := template("__1 IS NOT NULL", c.Args[0])
		if c.Filter != nil {
			there = template("__1 AND __2", there, c.Filter)
		}
		c.Filter, c.Distinct = there, c.Distinct || name == "collect_set"
		return template("coalesce(__1, ARRAY[])", c)
	}
	if c.Distinct || c.Star || c.Filter != nil || c.Over != nil || c.Nulls != "" {
		refuse(c.Position, "the function %s is not supported as an aggregate", name)
	}
	if e := t.more(c, name); e != nil {
		return e
	}
	switch {
	case name == "concat" && len(c.Args) > 0:
		e := asText(c.Args[0])
		for _, a := range c.Args[1:] {
			e = template("__1 || __2", e, asText(a))
		}
		return e
	case (name == "greatest" || name == "least") && len(c.Args) > 1: // nulls are passed over
		best := map[string]string{"greatest": "array_max", "least": "array_min"}[name]
		return template(best+"(filter(__1, __e -> __e IS NOT NULL))", &sql.Array{Position: c.Position, Items: c.Args})
	case name == "array":
		return &sql.Array{Position: c.Position, Items: c.Args}
	case name == "concat_ws" && len(c.Args) > 1:
		return template("if(__1 IS NULL, NULL, coalesce(__2, ''))", c.Args[0], c)
	case name == "map" && len(c.Args) > 0 && len(c.Args)%2 == 0:
		keys, values := &sql.Array{Position: c.Position}, &sql.Array{Position: c.Position}
		for i := 0; i < len(c.Args); i += 2 {
			keys.Items, values.Items = append(keys.Items, c.Args[i]), append(values.Items, c.Args[i+1])
		}
		return template("map(__1, __2)", keys, values)
	case name == "decode" && len(c.Args) > 2:
		var rest sql.Expr = &sql.Null{}
		args := c.Args[1:]
		if len(args)%2 == 1 {
			rest, args = args[len(args)-1], args[:len(args)-1]
		}
		for i := len(args) - 2; i >= 0; i -= 2 {
			rest = template("if(__1 IS NOT DISTINCT FROM __2, __3, __4)", c.Args[0], args[i], args[i+1], rest)
		}
		return rest
	case name == "sort_array" && len(c.Args) == 2:
		up, ok := c.Args[1].(*sql.Boolean)
		if !ok {
			refuse(c.Position, "the order of sort_array must be true or false")
		}
		if up.Value {
			return template(sortedUp, c.Args[0])
		}
		return template(sortedDown, c.Args[0])
	case name == "sha2" && len(c.Args) == 2:
		bits, ok := c.Args[1].(*sql.Number)
		sha := map[string]string{"0": "sha256", "256": "sha256", "512": "sha512"}
		if !ok || sha[bits.Text] == "" {
			refuse(c.Position, "the bits of sha2 must be 256 or 512")
		}
		return template("lower(to_hex("+sha[bits.Text]+"(to_utf8(__1))))", c.Args[0])
	case name == "date_trunc" && len(c.Args) == 2, name == "trunc" && len(c.Args) == 2:
		unit, of, to := c.Args[0], c.Args[1], "timestamp"
		if name == "trunc" {
			unit, of, to = of, unit, "date"
		}
		u, ok := unit.(*sql.String)
		if !ok || units[strings.ToLower(u.Value)] == "" || name == "trunc" && !slices.Contains([]string{"year", "quarter", "month", "week"}, units[strings.ToLower(u.Value)]) {
			refuse(c.Position, "the unit of %s must be a string that is one of its units", name)
		}
		return template("date_trunc('"+units[strings.ToLower(u.Value)]+"', CAST(__1 AS "+to+"))", of)
	case casts[name] != "" && len(c.Args) == 1 && name != "varchar":
		return template(casts[name], c.Args[0])
	case patterns[name] && len(c.Args) == 2:
		p, ok := c.Args[1].(*sql.String)
		if !ok || strings.Trim(p.Value, "yMdHhmsSaE'T/-:., _Z") != "" || name != "date_format" && (strings.Contains(p.Value, "MMM") || strings.Contains(p.Value, "E")) || strings.Contains(p.Value, "Z") && !strings.Contains(p.Value, "'Z'") {
			refuse(c.Position, "the pattern of %s must be a string of y, M (at most MM but in date_format), d, H, h, m, s, S, a, in date_format E, and signs", name)
		}
	}
	text, ok := templates[name+"/"+strconv.Itoa(len(c.Args))]
	if !ok {
		if len(c.Args) > 0 {
			refuse(c.Position, "the function %s with %d arguments is not supported", name, len(c.Args))
		}
		refuse(c.Position, "the function %s is not supported", name)
	}
	return template(text, c.Args...)
}
