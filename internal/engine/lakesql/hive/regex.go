package hive

import (
	"fmt"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// readRegex reads lines, whose columns are the groups of a pattern; those that do not
// match are null.
func (s *scan) readRegex(pieces []Piece) string {
	at, table := s.Position, s.Table
	params := pieces[0].Format.SerDeParams
	source := params["input.regex"]
	ignoreCase := strings.EqualFold(params["input.regex.case.insensitive"], "true")
	java, err := javaregexp.Compile(source, ignoreCase)
	if err != nil || source == "" {
		fault.Fail(at, "HIVE_INVALID_METADATA", "input.regex of table %s.%s: %v", table.Database, table.Name, err)
	}
	if java.Groups() != len(table.Columns) {
		fault.Fail(at, "HIVE_CURSOR_ERROR", "Number of matching groups doesn't match the number of columns")
	}
	how := "c"
	if ignoreCase {
		how = "i"
	}
	items := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		items[i] = textValue(fmt.Sprintf("matched[%d]", i+1), TypeOf(c.Type), false, "", "") + " AS " + duck.Ident(strings.ToLower(c.Name))
	}
	added, per := s.added(pieces)
	items = append(items, added...)
	// A delimiter that no line has makes each a single field.
	return "SELECT " + strings.Join(items, ", ") + " FROM (SELECT *, trino_regex_groups(" + duck.Quote(how+source) + ", line) AS matched FROM " +
		per.source(fmt.Sprintf("read_csv(%s, columns={'line': 'VARCHAR'}, auto_detect=false, header=false, delim=%s, quote='', escape='', skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false)",
			fileList(pieces), duck.Quote("\x01\x02\x03\x04"), headerLines(table, params))) + ")"
}
