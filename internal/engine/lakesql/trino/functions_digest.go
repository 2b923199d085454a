package trino

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Digests of values, and their hashes.

// digestLists are the values and the weights of what weighted makes, as two lists.
const digestLists = "list_transform($1, lambda __e: __e.v), list_transform($1, lambda __e: __e.w)"

// weighted is a value with its weight, which is the second argument.
func weighted(c *invocation, value string) string {
	weight := "1.0::DOUBLE"
	if len(c.args) > 1 {
		weight = "CAST($2 AS DOUBLE)"
	}
	return c.fill("struct_pack(v := " + value + ", w := " + weight + ")")
}

// digested is the type of the values of a quantile digest, and how one is a whole number of the same order.
func digested(t *sql.Type) (of *sql.Type, value string) {
	switch {
	case types.Is(t, "real"):
		return t, "trino_sortable_real(CAST($1 AS DOUBLE))"
	case types.Is(t, "double", "decimal"):
		return types.Double, "trino_sortable(CAST($1 AS DOUBLE))"
	}
	return types.Bigint, "CAST($1 AS BIGINT)"
}

// undigested is a value of a digest as one of its type.
func undigested(text string, of *sql.Type) string {
	switch {
	case types.Is(of, "real"):
		return "CAST(trino_unsortable_real(" + text + ") AS FLOAT)"
	case types.Is(of, "double"):
		return "trino_unsortable(" + text + ")"
	}
	return text
}

func digestFunctions() map[string]function {
	of := func(c *invocation) *sql.Type { // of a digest's values
		switch t := c.typ(0); {
		case types.Is(t, "tdigest"):
			return types.Double
		case types.Is(t, "qdigest") && len(t.Args) == 1:
			return t.Args[0]
		}
		return types.Bigint
	}
	at := func(c *invocation, share string) string {
		if types.Is(c.typ(0), "tdigest") {
			return "trino_tdigest_value(" + c.args[0] + ", CAST(" + share + " AS DOUBLE))"
		}
		return undigested("trino_qdigest_value("+c.args[0]+", CAST("+share+" AS DOUBLE))", of(c))
	}
	return map[string]function{
		"value_at_quantile": {write: func(c *invocation) (string, *sql.Type) { return at(c, c.args[1]), of(c) }},
		"values_at_quantiles": {write: func(c *invocation) (string, *sql.Type) {
			p := c.fresh()
			return "list_transform(" + c.args[1] + ", lambda " + p + ": " + at(c, p) + ")", types.ArrayOf(of(c))
		}},
		"quantile_at_value": {result: "double", write: func(c *invocation) (string, *sql.Type) {
			_, value := digested(of(c))
			return "trino_qdigest_quantile(" + c.args[0] + ", " + strings.ReplaceAll(value, "$1", c.args[1]) + ")", nil
		}},
		"murmur3":     {template: "trino_murmur3($1)", result: "varbinary"},
		"char2hexint": {template: "trino_char2hexint($1)", result: "varchar"},
		"word_stem": {result: "varchar1", write: func(c *invocation) (string, *sql.Type) {
			if len(c.args) == 1 {
				return c.fill("trino_word_stem($1, 'en')"), nil
			}
			return c.fill("trino_word_stem($1, $2)"), nil
		}},
	}
}

// hash is the 64 bits by which checksum goes of a value; null of null.
func (c *invocation) hash(text string, t *sql.Type, depth int) string {
	long := func(text string) string { return "trino_xxh_long(" + text + ")" }
	p := fmt.Sprintf("__h%d", depth)
	inner := func(text string, t *sql.Type) string { return "coalesce(" + c.hash(text, t, depth+1) + ", 0)" }
	switch {
	case t == nil || types.Is(t, "unknown"):
		return "CAST(NULL AS BIGINT)"
	case types.IsInteger(t):
		return long("CAST(" + text + " AS BIGINT)")
	case types.Is(t, "boolean"):
		return long("CAST(CAST(" + text + " AS INTEGER) AS BIGINT)")
	case types.Is(t, "date"):
		return long("CAST(" + text + " - DATE '1970-01-01' AS BIGINT)")
	case types.Is(t, "timestamp"):
		return long("epoch_us(" + text + ")")
	case types.Is(t, "timestamp with time zone"):
		return long("epoch_ms(" + text + ")")
	case types.Is(t, "time"): // in picoseconds
		return long("1000000 * epoch_us(DATE '1970-01-01' + " + text + ")")
	case t.Name == types.DayToSecond.Name:
		return long("CAST(epoch_ms(" + text + ") AS BIGINT)")
	case types.IsInterval(t):
		return long("CAST(12 * year(" + text + ") + month(" + text + ") AS BIGINT)")
	case types.Is(t, "double"):
		return "trino_xxh_double(" + text + ")"
	case types.Is(t, "real"):
		return "trino_xxh_real(CAST(" + text + " AS DOUBLE))"
	case types.Is(t, "decimal"):
		digits := "replace(CAST(" + text + " AS VARCHAR), '.', '')"
		if len(t.Params) > 0 && t.Params[0] <= 18 {
			return long("CAST(" + digits + " AS BIGINT)")
		}
		return "trino_xxh_decimal(" + digits + ")"
	case types.Is(t, "char"):
		return "trino_xxh_text(" + unpadded(text) + ")"
	case types.IsText(t):
		return "trino_xxh_text(" + text + ")"
	case types.Is(t, "varbinary"):
		return "trino_xxh_bytes(" + text + ")"
	case types.Is(t, "json"):
		return "trino_xxh_text(CAST(" + text + " AS VARCHAR))"
	case types.Is(t, "ipaddress"):
		return "trino_xxh_bytes(" + addressBytes(text) + ")"
	case types.Is(t, "uuid"):
		bytes := "unhex(replace(CAST(" + text + " AS VARCHAR), '-', ''))"
		return "xor(trino_xxh_bytes(trino_substr_bytes(" + bytes + ", 1, 8)), trino_xxh_bytes(trino_substr_bytes(" + bytes + ", 9, 8)))"
	case types.Is(t, "array") && len(t.Args) == 1:
		return "trino_hash_fold(0, list_transform(" + text + ", lambda " + p + ": " + inner(p, t.Args[0]) + "))"
	case types.Is(t, "map") && len(t.Args) == 2:
		return "trino_hash_sum(list_transform(map_entries(" + text + "), lambda " + p + ": xor(" + inner(p+".key", t.Args[0]) + ", " + inner(p+".value", t.Args[1]) + ")))"
	case types.Is(t, "row") && len(t.Fields) > 0:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = inner(p+"."+duck.Ident(types.FieldName(t, i)), f.Type)
		}
		return "list_transform([" + text + "], lambda " + p + ": CASE WHEN " + p + " IS NOT NULL THEN trino_hash_fold(1, [" + strings.Join(fields, ", ") + "]) END)[1]"
	}
	fault.Fail(c.at, "NOT_SUPPORTED", "checksum of %s is not supported", types.Text(t))
	return ""
}
