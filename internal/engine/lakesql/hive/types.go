package hive

import (
	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// TypeOf is the type that a Hive column has in queries.
func TypeOf(h *hivetype.Type) *sql.Type {
	switch h.Kind {
	case hivetype.Boolean:
		return types.Boolean
	case hivetype.TinyInt:
		return types.Named("tinyint")
	case hivetype.SmallInt:
		return types.Named("smallint")
	case hivetype.Int:
		return types.Integer
	case hivetype.BigInt:
		return types.Bigint
	case hivetype.Float:
		return types.Named("real")
	case hivetype.Double:
		return types.Double
	case hivetype.Decimal:
		return &sql.Type{Name: "decimal", Params: []int{h.Precision, h.Scale}}
	case hivetype.Binary:
		return types.Varbinary
	case hivetype.Date:
		return types.Date
	case hivetype.Timestamp:
		return types.Timestamp
	case hivetype.Varchar:
		return types.VarcharOf(h.Length)
	case hivetype.Char:
		return types.CharOf(h.Length)
	case hivetype.Array:
		return types.ArrayOf(TypeOf(h.Elem))
	case hivetype.Map:
		return &sql.Type{Name: "map", Args: []*sql.Type{TypeOf(h.Key), TypeOf(h.Elem)}}
	case hivetype.Struct:
		t := &sql.Type{Name: "row"}
		for _, f := range h.Fields {
			t.Fields = append(t.Fields, sql.RowField{Name: &sql.Identifier{Name: f.Name}, Type: TypeOf(f.Type)})
		}
		return t
	}
	return types.Varchar
}

// ColumnType is the type of Hive's that a column of a query has in a table; nil if none.
func ColumnType(t *sql.Type) *hivetype.Type {
	if t == nil {
		return nil
	}
	simple := map[string]hivetype.Kind{"boolean": hivetype.Boolean, "tinyint": hivetype.TinyInt, "smallint": hivetype.SmallInt, "integer": hivetype.Int,
		"bigint": hivetype.BigInt, "real": hivetype.Float, "double": hivetype.Double, "varbinary": hivetype.Binary, "date": hivetype.Date, "timestamp": hivetype.Timestamp}
	if k := simple[t.Name]; k != 0 {
		return &hivetype.Type{Kind: k}
	}
	switch {
	case types.Is(t, "varchar", "char"):
		kind := map[string]hivetype.Kind{"varchar": hivetype.Varchar, "char": hivetype.Char}[t.Name]
		if len(t.Params) == 1 && t.Params[0] > 0 && t.Params[0] <= map[string]int{"varchar": hivetype.MaxVarchar, "char": hivetype.MaxChar}[t.Name] {
			return &hivetype.Type{Kind: kind, Length: t.Params[0]}
		}
		return &hivetype.Type{Kind: hivetype.String}
	case types.Is(t, "decimal") && len(t.Params) == 2:
		return &hivetype.Type{Kind: hivetype.Decimal, Precision: t.Params[0], Scale: t.Params[1]}
	case types.Is(t, "array") && len(t.Args) == 1:
		if e := ColumnType(t.Args[0]); e != nil {
			return &hivetype.Type{Kind: hivetype.Array, Elem: e}
		}
	case types.Is(t, "map") && len(t.Args) == 2:
		if k, v := ColumnType(t.Args[0]), ColumnType(t.Args[1]); k != nil && v != nil && k.Primitive() {
			return &hivetype.Type{Kind: hivetype.Map, Key: k, Elem: v}
		}
	case types.Is(t, "row"):
		out := &hivetype.Type{Kind: hivetype.Struct}
		for i := range t.Fields {
			f := ColumnType(t.Fields[i].Type)
			if f == nil {
				return nil
			}
			out.Fields = append(out.Fields, hivetype.Field{Name: types.FieldName(t, i), Type: f})
		}
		return out
	}
	return nil
}
