package hive

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
)

// readRegex reads lines, whose columns are the groups of a pattern; those that do not
// match are null.
func (s *scan) readRegex(pieces []Piece) string {
	at, table := s.Position, s.Table
	params := pieces[0].Format.SerDeParams
	pattern, missing := duck.Pattern(params["input.regex"])
	if missing != "" {
		fault.Fail(at, "NOT_SUPPORTED", "input.regex of table %s.%s: %s is not supported", table.Database, table.Name, missing)
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || pattern == "" {
		fault.Fail(at, "HIVE_INVALID_METADATA", "input.regex of table %s.%s is not a regular expression", table.Database, table.Name)
	}
	if re.MaxCap() != len(table.Columns) {
		fault.Fail(at, "HIVE_CURSOR_ERROR", "Number of matching groups doesn't match the number of columns")
	}
	if strings.EqualFold(params["input.regex.case.insensitive"], "true") {
		pattern = "(?i)" + pattern
	}
	pattern = duck.Quote("^(?:" + pattern + ")$")
	items := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		items[i] = textValue(fmt.Sprintf("CASE WHEN matched THEN regexp_extract(line, %s, %d) END", pattern, i+1), TypeOf(c.Type), false, "", "") + " AS " + duck.Ident(strings.ToLower(c.Name))
	}
	added, per := s.added(pieces)
	items = append(items, added...)
	// A delimiter that no line has makes each a single field.
	return "SELECT " + strings.Join(items, ", ") + " FROM (SELECT *, regexp_matches(line, " + pattern + ") AS matched FROM " +
		per.source(fmt.Sprintf("read_csv(%s, columns={'line': 'VARCHAR'}, auto_detect=false, header=false, delim=%s, quote='', escape='', skip=%d, null_padding=true, strict_mode=false, ignore_errors=true, hive_partitioning=false)",
			fileList(pieces), duck.Quote("\x01\x02\x03\x04"), headerLines(table, params))) + ")"
}
