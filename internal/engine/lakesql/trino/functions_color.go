package trino

import (
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// colorFunctions are for results that a terminal shows. A color is its text.
func colorFunctions() map[string]function {
	return map[string]function{
		"color": {result: "color", write: func(c *invocation) (string, *sql.Type) {
			switch len(c.args) {
			case 1:
				return c.fill("trino_color($1)"), nil
			case 3:
				return c.fill("trino_color_between(CAST($1 AS DOUBLE), $2, $3)"), nil
			}
			return c.fill("trino_color_between((CAST($1 AS DOUBLE) - CAST($2 AS DOUBLE)) / (CAST($3 AS DOUBLE) - CAST($2 AS DOUBLE)), $4, $5)"), nil
		}},
		"rgb": {template: "trino_rgb(CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT))", result: "color"},
		"render": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			switch t := c.typ(0); {
			case len(c.args) == 1:
				return c.fill("CASE WHEN $1 THEN trino_render('\u2713', 'green') WHEN NOT $1 THEN trino_render('\u2717', 'red') END"), nil
			case types.IsNumeric(t) && !types.IsInteger(t):
				// As Java writes it: with an exponent where it is large or small.
				return c.fill("trino_render(CASE WHEN $1 = 0 OR abs(CAST($1 AS DOUBLE)) >= 0.001 AND abs(CAST($1 AS DOUBLE)) < 10000000 THEN CAST(CAST($1 AS DOUBLE) AS VARCHAR) ELSE trino_double_text(CAST($1 AS DOUBLE)) END, $2)"), nil
			}
			return c.fill("trino_render(CAST($1 AS VARCHAR), $2)"), nil
		}},
		"bar": {result: "varchar", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 2 {
				return c.fill("trino_bar(CAST($1 AS DOUBLE), CAST($2 AS BIGINT), '#ff0000', '#00ff00')"), nil
			}
			return c.fill("trino_bar(CAST($1 AS DOUBLE), CAST($2 AS BIGINT), $3, $4)"), nil
		}},
	}
}
