package trino

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/trino/functions"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// geometryFunctions are functions of package udf by the same names, with the types that they
// are described with.
func geometryFunctions() map[string]function {
	out := map[string]function{}
	for _, f := range functions.Geometries {
		form := f.Forms[0]
		args := make([]string, len(form.Args))
		for i, arg := range form.Args {
			args[i] = "$" + string(rune('1'+i))
			switch arg.Base() {
			case "double":
				args[i] = "CAST(" + args[i] + " AS DOUBLE)"
			case "integer":
				args[i] = "CAST(" + args[i] + " AS BIGINT)"
			}
		}
		call := "trino_" + f.Name + "(" + strings.Join(args, ", ") + ")"
		result := form.Returns.Base()
		if result == "tinyint" {
			call = "CAST(" + call + " AS TINYINT)"
		}
		out[f.Name] = function{template: call, result: result}
	}
	out["bing_tile"] = function{result: "bingtile", write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 1 {
			return c.fill("trino_bing_tile_of($1)"), nil
		}
		return c.fill("trino_bing_tile(CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT))"), nil
	}}
	out["bing_tile_coordinates"] = function{write: func(c *invocation) (string, *sql.Type) {
		typ := types.RowOf(types.Integer, types.Integer)
		for i, name := range []string{"x", "y"} {
			typ.Fields[i].Name = &sql.Identifier{Name: name}
		}
		return c.fill("CASE WHEN $1 IS NULL THEN NULL ELSE struct_pack(x := CAST(trino_bing_tile_x($1) AS INTEGER), y := CAST(trino_bing_tile_y($1) AS INTEGER)) END"), typ
	}}
	return out
}
