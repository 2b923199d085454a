package hive

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// JSONValue is a value in the form that it has in JSON lines.
func JSONValue(text string, t *sql.Type, depth int) string {
	switch {
	case types.Is(t, "timestamp"):
		return Text(text, t, 2)
	case types.Is(t, "varbinary"):
		return "base64(" + text + ")"
	case types.Is(t, "array") && len(t.Args) == 1:
		p := fmt.Sprintf("json%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + JSONValue(p, t.Args[0], depth+1) + ")"
	case types.Is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			name := duck.Ident(types.FieldName(t, i))
			parts[i] = name + " := " + JSONValue("("+text+")."+name, t.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return text
}

// Text is a value as LazySimpleSerDe writes it, with the separators of its depth.
func Text(text string, t *sql.Type, level int) string {
	separator := duck.Quote(string(rune(level)))
	switch {
	case types.Is(t, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case types.Is(t, "varbinary"):
		return "base64(" + text + ")"
	case types.Is(t, "array") && len(t.Args) == 1:
		p := fmt.Sprintf("text%d", level)
		return "array_to_string(list_transform(" + text + ", lambda " + p + ": coalesce(" + Text(p, t.Args[0], level+1) + `, '\N')), ` + separator + ")"
	case types.Is(t, "map") && len(t.Args) == 2:
		p := fmt.Sprintf("text%d", level)
		return "array_to_string(list_transform(map_entries(" + text + "), lambda " + p + ": " + Text(p+".key", t.Args[0], level+2) + " || " + duck.Quote(string(rune(level+1))) + " || coalesce(" + Text(p+".value", t.Args[1], level+2) + `, '\N')), ` + separator + ")"
	case types.Is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			parts[i] = "coalesce(" + Text("("+text+")."+duck.Ident(types.FieldName(t, i)), t.Fields[i].Type, level+1) + `, '\N')`
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN " + strings.Join(parts, " || "+separator+" || ") + " END"
	}
	return "CAST(" + text + " AS VARCHAR)"
}
