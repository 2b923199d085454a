package lakesql

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// jsonValue is a value in the form that it has in JSON lines.
func jsonValue(text string, t *sql.Type, depth int) string {
	switch {
	case is(t, "timestamp"):
		return hiveText(text, t, 2)
	case is(t, "varbinary"):
		return "base64(" + text + ")"
	case is(t, "array") && len(t.Args) == 1:
		p := fmt.Sprintf("json%d", depth)
		return "list_transform(" + text + ", lambda " + p + ": " + jsonValue(p, t.Args[0], depth+1) + ")"
	case is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			name := ident(fieldName(t, i))
			parts[i] = name + " := " + jsonValue("("+text+")."+name, t.Fields[i].Type, depth)
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN struct_pack(" + strings.Join(parts, ", ") + ") END"
	}
	return text
}

// hiveText is a value as LazySimpleSerDe writes it, with the separators of its depth.
func hiveText(text string, t *sql.Type, level int) string {
	separator := quote(string(rune(level)))
	switch {
	case is(t, "timestamp"):
		return "strftime(" + text + ", '%Y-%m-%d %H:%M:%S.%g')"
	case is(t, "varbinary"):
		return "base64(" + text + ")"
	case is(t, "array") && len(t.Args) == 1:
		p := fmt.Sprintf("text%d", level)
		return "array_to_string(list_transform(" + text + ", lambda " + p + ": coalesce(" + hiveText(p, t.Args[0], level+1) + `, '\N')), ` + separator + ")"
	case is(t, "map") && len(t.Args) == 2:
		p := fmt.Sprintf("text%d", level)
		return "array_to_string(list_transform(map_entries(" + text + "), lambda " + p + ": " + hiveText(p+".key", t.Args[0], level+2) + " || " + quote(string(rune(level+1))) + " || coalesce(" + hiveText(p+".value", t.Args[1], level+2) + `, '\N')), ` + separator + ")"
	case is(t, "row"):
		parts := make([]string, len(t.Fields))
		for i := range t.Fields {
			parts[i] = "coalesce(" + hiveText("("+text+")."+ident(fieldName(t, i)), t.Fields[i].Type, level+1) + `, '\N')`
		}
		return "CASE WHEN (" + text + ") IS NOT NULL THEN " + strings.Join(parts, " || "+separator+" || ") + " END"
	}
	return "CAST(" + text + " AS VARCHAR)"
}
