package lakesql

import (
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

// trinoType is the type that a Hive column has in queries.
func trinoType(h *hivetype.Type) *sql.Type {
	switch h.Kind {
	case hivetype.Boolean:
		return booleanType
	case hivetype.TinyInt:
		return named("tinyint")
	case hivetype.SmallInt:
		return named("smallint")
	case hivetype.Int:
		return integerType
	case hivetype.BigInt:
		return bigintType
	case hivetype.Float:
		return named("real")
	case hivetype.Double:
		return doubleType
	case hivetype.Decimal:
		return &sql.Type{Name: "decimal", Params: []int{h.Precision, h.Scale}}
	case hivetype.Binary:
		return binaryType
	case hivetype.Date:
		return dateType
	case hivetype.Timestamp:
		return timestampType
	case hivetype.Varchar:
		return varcharOf(h.Length)
	case hivetype.Array:
		return arrayOf(trinoType(h.Elem))
	case hivetype.Map:
		return &sql.Type{Name: "map", Args: []*sql.Type{trinoType(h.Key), trinoType(h.Elem)}}
	case hivetype.Struct:
		t := &sql.Type{Name: "row"}
		for _, f := range h.Fields {
			t.Fields = append(t.Fields, sql.RowField{Name: &sql.Identifier{Name: f.Name}, Type: trinoType(f.Type)})
		}
		return t
	}
	return varcharType
}

// hiveOf is the type of Hive's that a column of a query has in a table; nil if none.
func hiveOf(t *sql.Type) *hivetype.Type {
	if t == nil {
		return nil
	}
	simple := map[string]hivetype.Kind{"boolean": hivetype.Boolean, "tinyint": hivetype.TinyInt, "smallint": hivetype.SmallInt, "integer": hivetype.Int,
		"bigint": hivetype.BigInt, "real": hivetype.Float, "double": hivetype.Double, "varbinary": hivetype.Binary, "date": hivetype.Date, "timestamp": hivetype.Timestamp}
	if k := simple[t.Name]; k != 0 {
		return &hivetype.Type{Kind: k}
	}
	switch {
	case is(t, "varchar", "char"):
		kind := map[string]hivetype.Kind{"varchar": hivetype.Varchar, "char": hivetype.Char}[t.Name]
		if len(t.Params) == 1 && t.Params[0] > 0 && t.Params[0] <= map[string]int{"varchar": hivetype.MaxVarchar, "char": hivetype.MaxChar}[t.Name] {
			return &hivetype.Type{Kind: kind, Length: t.Params[0]}
		}
		return &hivetype.Type{Kind: hivetype.String}
	case is(t, "decimal") && len(t.Params) == 2:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: t.Params[0], Scale: t.Params[1]}
	case is(t, "array") && len(t.Args) == 1:
		if e := hiveOf(t.Args[0]); e != nil {
			return &hivetype.Type{Kind: hivetype.Array, Elem: e}
		}
	case is(t, "map") && len(t.Args) == 2:
		if k, v := hiveOf(t.Args[0]), hiveOf(t.Args[1]); k != nil && v != nil && k.Primitive() {
			return &hivetype.Type{Kind: hivetype.Map, Key: k, Elem: v}
		}
	case is(t, "row"):
		out := &hivetype.Type{Kind: hivetype.Struct}
		for i := range t.Fields {
			f := hiveOf(t.Fields[i].Type)
			if f == nil {
				return nil
			}
			out.Fields = append(out.Fields, hivetype.Field{Name: fieldName(t, i), Type: f})
		}
		return out
	}
	return nil
}
