package trino

import (
	"fmt"
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
	onEarth := func(name string) function {
		plain := out[name].template
		return function{result: "double", write: func(c *invocation) (string, *sql.Type) {
			if types.Is(c.typ(0), "sphericalgeography") {
				return c.fill("trino_" + name + "_sphere($*)"), nil
			}
			return c.fill(plain), nil
		}}
	}
	for _, name := range []string{"st_distance", "st_length", "st_area"} {
		out[name] = onEarth(name)
	}
	out["geometry_nearest_points"] = function{write: func(c *invocation) (string, *sql.Type) {
		p := c.fresh()
		return "list_transform([" + c.fill("trino_geometry_nearest_points($1, $2)") + "], lambda " + p + ": CASE WHEN " + p + " IS NOT NULL THEN struct_pack(field0 := split_part(" + p + ", ';', 1), field1 := split_part(" + p + ", ';', 2)) END)[1]",
			types.RowOf(types.Named("geometry"), types.Named("geometry"))
	}}
	const tiles = "list_filter(string_split(%s, ';'), lambda __e: __e <> '')"
	tileArray := types.ArrayOf(types.Named("bingtile"))
	out["bing_tiles_around"] = function{write: func(c *invocation) (string, *sql.Type) {
		if len(c.args) == 3 {
			return fmt.Sprintf(tiles, c.fill("trino_bing_tiles_around(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE), CAST($3 AS BIGINT))")), tileArray
		}
		return fmt.Sprintf(tiles, c.fill("trino_bing_tiles_within(CAST($1 AS DOUBLE), CAST($2 AS DOUBLE), CAST($3 AS BIGINT), CAST($4 AS DOUBLE))")), tileArray
	}}
	out["geometry_to_bing_tiles"] = function{write: func(c *invocation) (string, *sql.Type) {
		return fmt.Sprintf(tiles, c.fill("trino_geometry_to_bing_tiles($1, CAST($2 AS BIGINT))")), tileArray
	}}
	for _, name := range []string{"st_points", "st_geometries", "st_interiorrings", "st_envelopeaspts", "line_interpolate_points"} {
		call := out[name].template
		out[name] = function{write: func(c *invocation) (string, *sql.Type) {
			return fmt.Sprintf(tiles, c.fill(call)), types.ArrayOf(types.Named("geometry"))
		}}
	}
	out["convex_hull_agg"] = function{aggregate: "array_agg", skipNull: true, template: "trino_geometry_convex_hull($1)", write: func(c *invocation) (string, *sql.Type) {
		c.resultType = types.Named("geometry")
		return c.args[0], nil
	}}
	out["geometry_union"] = function{template: "trino_geometry_union_all($1)", result: "geometry"}
	out["geometry_union_agg"] = function{aggregate: "array_agg", skipNull: true, template: "trino_geometry_union_all($1)", write: func(c *invocation) (string, *sql.Type) {
		c.resultType = types.Named("geometry")
		return c.args[0], nil
	}}
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
