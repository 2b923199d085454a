package hive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// A partition keeps the columns that it was made with. Its files are read by the types of those,
// and what they give becomes of the table's type where Athena converts between the two; other types
// fail the query. The partition's columns are found as those of its files are: by their names in JSON,
// Avro, Parquet (unless that is told to go by place) and ORC where it is told to, by their places else.

// PartitionColumns gives the columns of a table with the types that a partition's files are
// read by; nil if those are the table's. It fails with HIVE_PARTITION_SCHEMA_MISMATCH.
func PartitionColumns(table *catalog.Table, values []string, format catalog.Format, own []catalog.Column) []catalog.Column {
	if len(own) == 0 {
		return nil
	}
	named := byName(format)
	var out []catalog.Column
	for i, c := range table.Columns {
		at := i
		if named && (i >= len(own) || !strings.EqualFold(own[i].Name, c.Name)) {
			at = slices.IndexFunc(own, func(o catalog.Column) bool { return strings.EqualFold(o.Name, c.Name) })
		}
		if at < 0 || at >= len(own) || own[at].Type.Equal(c.Type) {
			continue
		}
		from := own[at]
		if !coercible(from.Type, c.Type) {
			panic(fault.Stop(&fault.Error{Name: "HIVE_PARTITION_SCHEMA_MISMATCH", Message: fmt.Sprintf("There is a mismatch between the table and partition schemas. The types are incompatible and cannot be coerced. "+
				"The column '%s' in table '%s.%s' is declared as type '%s', but partition '%s' declared column '%s' as type '%s'.",
				strings.ToLower(c.Name), table.Database, table.Name, c.Type, partitionName(table, values), strings.ToLower(from.Name), from.Type)}))
		}
		if out == nil {
			out = slices.Clone(table.Columns)
		}
		out[i].Type = from.Type
	}
	return out
}

// byName reports whether the columns of files are found by their names, and so those of partitions.
func byName(format catalog.Format) bool {
	is := func(name string) bool {
		return strings.Contains(format.SerDe, name) || format.SerDe == "" && strings.Contains(format.InputFormat, name)
	}
	switch {
	case is("Parquet"):
		return !strings.EqualFold(format.SerDeParams["parquet.column.index.access"], "true")
	case is("Orc"):
		return strings.EqualFold(format.SerDeParams["orc.column.index.access"], "false")
	}
	return strings.Contains(strings.ToLower(format.SerDe), "jsonserde") || is("Avro") || is("CloudTrail")
}

func partitionName(table *catalog.Table, values []string) string {
	parts := make([]string, 0, len(values))
	for i, v := range values {
		if i < len(table.PartitionColumns) {
			v = strings.ToLower(table.PartitionColumns[i].Name) + "=" + hivetype.EscapePath(v)
		}
		parts = append(parts, v)
	}
	return strings.Join(parts, "/")
}

func textual(t *hivetype.Type) bool {
	return t.Kind == hivetype.String || t.Kind == hivetype.Varchar || t.Kind == hivetype.Char
}

func integral(t *hivetype.Type) bool { return t.Kind >= hivetype.TinyInt && t.Kind <= hivetype.BigInt }

// coercible reports whether Athena makes values of one type those of another.
func coercible(from, to *hivetype.Type) bool {
	switch {
	case from.Equal(to):
		return true
	case textual(from):
		return textual(to) || integral(to)
	case integral(from):
		return textual(to) && to.Kind != hivetype.Char || integral(to) && to.Kind > from.Kind
	case from.Kind == hivetype.Float:
		return to.Kind == hivetype.Double
	case from.Kind == hivetype.Double:
		return to.Kind == hivetype.Float
	case from.Kind == hivetype.Decimal:
		return to.Kind == hivetype.Decimal || to.Kind == hivetype.Float || to.Kind == hivetype.Double
	case from.Kind == hivetype.Array && to.Kind == hivetype.Array:
		return coercible(from.Elem, to.Elem)
	case from.Kind == hivetype.Map && to.Kind == hivetype.Map:
		return coercible(from.Key, to.Key) && coercible(from.Elem, to.Elem)
	case from.Kind == hivetype.Struct && to.Kind == hivetype.Struct:
		for i := range min(len(from.Fields), len(to.Fields)) {
			f, t := from.Fields[i], to.Fields[i]
			if !strings.EqualFold(f.Name, t.Name) || !coercible(f.Type, t.Type) {
				return false
			}
		}
		return true
	}
	return false
}

// charless is a type with texts in place of chars, which are not filled up with spaces.
func charless(t *hivetype.Type) *hivetype.Type {
	if t == nil {
		return nil
	}
	out := *t
	if t.Kind == hivetype.Char {
		return &hivetype.Type{Kind: hivetype.String}
	}
	out.Key, out.Elem, out.Fields = charless(t.Key), charless(t.Elem), nil
	for _, f := range t.Fields {
		out.Fields = append(out.Fields, hivetype.Field{Name: f.Name, Type: charless(f.Type)})
	}
	return &out
}

// coerced writes the SELECTs over the pieces of one format and of the same columns.
func (s *scan) coerced(pieces []Piece) []string {
	own := pieces[0].Columns
	if own == nil {
		return s.read(pieces)
	}
	declared := s.Table
	inner := *declared
	inner.Columns = own
	s.Table = &inner
	var items []string
	for i, c := range declared.Columns {
		name := duck.Ident(strings.ToLower(c.Name))
		items = append(items, coerce(name, own[i].Type, c.Type, 0)+" AS "+name)
	}
	for _, c := range declared.PartitionColumns {
		items = append(items, duck.Ident(strings.ToLower(c.Name)))
	}
	for _, name := range s.hidden() {
		items = append(items, duck.Ident(name))
	}
	selects := s.read(pieces)
	for i, from := range selects {
		selects[i] = "SELECT " + strings.Join(items, ", ") + " FROM (" + from + ")"
	}
	return selects
}

// coerce writes a value of a coercible type as one of another.
func coerce(x string, from, to *hivetype.Type, depth int) string {
	if from.Equal(to) {
		return x
	}
	as := duck.Type(TypeOf(to))
	element := fmt.Sprintf("__c%d", depth)
	switch from.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		if integral(to) { // what is not a number of the type is null
			return "CASE WHEN regexp_full_match(" + x + ", '[+-]?[0-9]+') THEN TRY_CAST(" + x + " AS " + as + ") END"
		}
		return cut("CAST("+x+" AS VARCHAR)", TypeOf(to))
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		if textual(to) {
			return cut("CAST("+x+" AS VARCHAR)", TypeOf(to))
		}
	case hivetype.Double: // as Java does, what is beyond the type is infinite
		return "CAST(CASE WHEN abs(" + x + ") > 3.4028235677973362e38 AND NOT isnan(" + x + ") THEN sign(" + x + ") * 'Infinity'::DOUBLE ELSE " + x + " END AS " + as + ")"
	case hivetype.Array:
		return "list_transform(" + x + ", lambda " + element + ": " + coerce(element, from.Elem, to.Elem, depth+1) + ")"
	case hivetype.Map:
		return "map_from_entries(list_transform(map_entries(" + x + "), lambda " + element + ": struct_pack(key := " + coerce(element+".key", from.Key, to.Key, depth+1) +
			", value := " + coerce(element+".value", from.Elem, to.Elem, depth+1) + ")))"
	case hivetype.Struct:
		fields := make([]string, len(to.Fields))
		for i, f := range to.Fields {
			value := "CAST(NULL AS " + duck.Type(TypeOf(f.Type)) + ")"
			if i < len(from.Fields) {
				value = coerce("struct_extract("+x+", "+duck.Quote(from.Fields[i].Name)+")", from.Fields[i].Type, f.Type, depth+1)
			}
			fields[i] = duck.Ident(f.Name) + " := " + value
		}
		return "CAST(CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END AS " + as + ")"
	}
	return "CAST(" + x + " AS " + as + ")"
}
