package hive

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/crawl"
	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/lakesql/javaregexp"
)

// readRegex reads lines, whose columns are the groups of a pattern; those that do not
// match are null.
func (s *scan) readRegex(pieces []Piece) []string {
	at, table := s.Position, s.Table
	params := pieces[0].Format.SerDeParams
	source := params["input.regex"]
	ignoreCase := strings.EqualFold(params["input.regex.case.insensitive"], "true")
	java, err := javaregexp.Compile(source, ignoreCase)
	if err != nil || source == "" {
		fault.Fail(at, "HIVE_INVALID_METADATA", "input.regex of table %s.%s: %v", table.Database, table.Name, err)
	}
	if java.Groups() < len(table.Columns) { // groups behind the last column are of no use, as in the statement of AWS for load balancers
		fault.Fail(at, "HIVE_CURSOR_ERROR", "Number of matching groups doesn't match the number of columns")
	}
	how := "c"
	if ignoreCase {
		how = "i"
	}
	places := make([][]int, len(table.Columns))
	for i := range places {
		places[i] = []int{i + 1}
	}
	return s.matched(pieces, how+source, places)
}

// readGrok reads lines, whose columns are the references of a pattern: those of the columns'
// names if each has one, and otherwise the named ones in their order.
func (s *scan) readGrok(pieces []Piece) []string {
	at, table := s.Position, s.Table
	params := pieces[0].Format.SerDeParams
	expr, groups, err := crawl.GrokExpression(params["input.format"], params["input.grokCustomPatterns"])
	if err == nil {
		expr = `(?s:.*?)(?:` + expr + `)(?s:.*)` // a part of the line may match
		_, err = javaregexp.Compile(expr, false)
	}
	if err != nil || params["input.format"] == "" {
		fault.Fail(at, "HIVE_INVALID_METADATA", "input.format of table %s.%s: %v", table.Database, table.Name, err)
	}
	var names []string
	of := map[string][]int{} // more than one of a name that several branches of the pattern have
	for _, g := range groups {
		if g.Named && !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
		of[g.Name] = append(of[g.Name], g.Place)
	}
	named := make([][]int, len(names))
	for i, name := range names {
		named[i] = of[name]
	}
	places := make([][]int, len(table.Columns))
	for i, c := range table.Columns {
		if places[i] = of[strings.ToLower(c.Name)]; places[i] == nil {
			if len(named) != len(table.Columns) {
				fault.Fail(at, "HIVE_INVALID_METADATA", "input.format of table %s.%s has nothing for column %s", table.Database, table.Name, c.Name)
			}
			places = named
			break
		}
	}
	return s.matched(pieces, "c"+expr, places)
}

// matched reads lines, whose columns are groups of an expression, by their places: of several,
// the first that matched.
func (s *scan) matched(pieces []Piece, expression string, places [][]int) []string {
	table, params := s.Table, pieces[0].Format.SerDeParams
	items := make([]string, len(table.Columns))
	for i, c := range table.Columns {
		raw, typ := fmt.Sprintf("__matched[%d]", places[i][0]), TypeOf(c.Type)
		for _, place := range places[i][1:] {
			raw = fmt.Sprintf("coalesce(%s, __matched[%d])", raw, place)
		}
		if !c.Type.Primitive() {
			if s.asks(strings.ToLower(c.Name)) {
				fault.Fail(s.Position, "NOT_SUPPORTED", "Column %s of table %s.%s is of type %s, which its SerDe does not read from a group of a pattern", strings.ToLower(c.Name), table.Database, table.Name, c.Type)
			}
			items[i] = "CAST(NULL AS " + duck.Type(typ) + ") AS " + duck.Ident(strings.ToLower(c.Name))
			continue
		}
		items[i] = groupValue(raw, typ) + " AS " + duck.Ident(strings.ToLower(c.Name))
	}
	rules := &textRules{whole: true, columns: 1}
	plain, exact := s.split(pieces, exactly{signature: "line", encoding: params["serialization.encoding"], charset: s.charsetOf(params), skip: headerLines(table, params), footer: footerLines(table, params),
		plain: func() func([]byte) bool { return rules.plain }, convert: rules.convert})
	pattern := duck.Quote(expression)
	var out []string
	from := func(pieces []Piece, line, reader string) {
		added, per := s.added(pieces) // what the reader alone has: which file a row is of
		outer := items
		if len(added) > 0 {
			outer = append(items[:len(items):len(items)], "* EXCLUDE (__matched)")
		}
		inner := append(added, "trino_regex_groups("+pattern+", "+line+") AS __matched")
		out = append(out, "SELECT "+strings.Join(outer, ", ")+" FROM (SELECT "+strings.Join(inner, ", ")+" FROM "+per.source(reader)+")")
	}
	if plain != nil { // a delimiter that no line has makes each a single field
		from(plain, "line", fmt.Sprintf("read_csv(%s, columns={'line': 'VARCHAR'}, auto_detect=false, header=false, delim=%s, quote='', escape='', nullstr='\x01null\x01', skip=%d, null_padding=true, strict_mode=false, hive_partitioning=false)",
			fileList(plain), duck.Quote(wholeLine), headerLines(table, params)))
	}
	if exact != nil {
		from(exact, "c0", "read_parquet("+fileList(exact)+", hive_partitioning=false)")
	}
	return out
}

// wholeLine is a delimiter that lines do not have.
const wholeLine = "\x01\x02\x03\x04"
