package loginsight

import (
	"regexp"
	"slices"
	"strings"
)

// MaxLimit is the most rows that a query may ask for, and DefaultLimit how many one returns that does not say.
const (
	MaxLimit     = 10_000
	DefaultLimit = 10_000
	maxCommands  = 50
)

// Query is a parsed query. It may be run many times at once.
type Query struct {
	source   *Source
	commands []command
	columns  []string
	hasPtr   bool // rows of the result are events

	contains  []string
	unordered bool
	limited   bool
}

// Contains are texts that the message of every event which counts has in it.
func (q *Query) Contains() []string { return q.contains }

// Unordered says that the result is the same in whatever order events are added; else they must be added from the
// latest on.
func (q *Query) Unordered() bool { return q.unordered }

// command makes the stage of a command, which passes rows on to next.
type command struct {
	verb  string
	stage func(c *run, next stage) stage
}

type parser struct {
	lex     lexer
	tok     token
	now     int64
	depth   int
	inStats bool
	inAgg   bool
	q       *Query
	ids     int
	refs    []string // fields that the expression under way has, outside of aggregates
}

// Parse reads a query; now, in milliseconds, is what now() means.
func Parse(s string, now int64) (*Query, error) {
	if len(s) > MaxLength {
		return nil, syntaxf(MaxLength, "the query is longer than %d bytes", MaxLength)
	}
	p := &parser{lex: lexer{s: s}, now: now, q: &Query{hasPtr: true}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.isKeyword("source") {
		if err := p.sourceCommand(); err != nil {
			return nil, err
		}
		if p.tok.kind != endToken {
			if err := p.symbol("|"); err != nil {
				return nil, err
			}
			if p.tok.kind == endToken {
				return nil, p.unexpected("a command")
			}
		}
	}
	for p.tok.kind != endToken {
		if len(p.q.commands) == maxCommands {
			return nil, syntaxf(p.tok.at, "there are more than %d commands", maxCommands)
		}
		if err := p.command(); err != nil {
			return nil, err
		}
		if p.tok.kind == endToken {
			break
		}
		if err := p.symbol("|"); err != nil {
			return nil, err
		}
		if p.tok.kind == endToken {
			return nil, p.unexpected("a command")
		}
	}
	q := p.q
	if len(q.columns) == 0 {
		q.columns = []string{"@timestamp", "@message"}
	}
	for _, c := range q.commands {
		if c.verb == "stats" || c.verb == "sort" {
			q.unordered = true
			break
		}
		if c.verb == "limit" || c.verb == "dedup" {
			break
		}
	}
	return q, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.lex.next(false)
	return err
}

// advancePattern is advance where a regular expression may follow.
func (p *parser) advancePattern() (err error) {
	p.tok, err = p.lex.next(true)
	return err
}

func (p *parser) unexpected(want string) error {
	found := p.tok.raw
	if p.tok.kind == endToken {
		found = "the end of the query"
	}
	return syntaxf(p.tok.at, "unexpected symbol found %s, %s is expected", found, want)
}

func (p *parser) isKeyword(k string) bool {
	return p.tok.kind == name && strings.EqualFold(p.tok.text, k)
}

// keyword takes a keyword that is there; errors come with the next token.
func (p *parser) keyword(k string) bool {
	if !p.isKeyword(k) {
		return false
	}
	if err := p.advance(); err != nil {
		p.tok = token{kind: symbol, text: "\x00", raw: err.Error(), at: p.tok.at}
	}
	return true
}

func (p *parser) isSymbol(s string) bool { return p.tok.kind == symbol && p.tok.text == s }

func (p *parser) symbol(s string) error {
	if !p.isSymbol(s) {
		return p.unexpected(s)
	}
	return p.advance()
}

// since is the text of the query from a position up to the present token.
func (p *parser) since(from int) string { return strings.TrimSpace(p.lex.s[from:p.tok.at]) }

func (p *parser) add(verb string, f func(c *run, next stage) stage) {
	p.q.commands = append(p.q.commands, command{verb, f})
}

func (p *parser) command() error {
	t := p.tok
	if t.kind != name {
		return p.unexpected("a command")
	}
	verb := strings.ToLower(t.text)
	if verb == "parse" {
		if err := p.advancePattern(); err != nil {
			return err
		}
		return p.parse()
	}
	if err := p.advance(); err != nil {
		return err
	}
	switch verb {
	case "fields", "display":
		return p.fields(verb)
	case "filter", "where":
		return p.filter()
	case "stats":
		return p.stats()
	case "sort", "order":
		return p.sort()
	case "limit", "head":
		if p.tok.kind != number || p.tok.num < 1 || p.tok.num > MaxLimit || p.tok.num != float64(int(p.tok.num)) {
			return p.unexpected("a number of rows from 1 to 10000")
		}
		n := int(p.tok.num)
		p.q.limited = true
		p.add("limit", func(_ *run, next stage) stage { return &limitStage{next: next, left: n} })
		return p.advance()
	case "dedup":
		return p.dedup()
	case "unnest":
		return p.unnest()
	}
	if why, is := refusedCommands[verb]; is {
		return syntaxf(t.at, "the command %s is not supported: %s", t.text, why)
	}
	return syntaxf(t.at, "the command %s is not known", t.text)
}

// refusedCommands are commands that others have, with what to use in their place.
var refusedCommands = map[string]string{
	"pattern":     "use parse to name the parts that vary, and stats count(*) by the others",
	"anomaly":     "use stats by bin(...), and an alarm with a band on a metric filter's metric",
	"diff":        "run the query once for each period",
	"filterindex": "use filter, which reads no more than it does here",
	"join":        "query both log groups, and use stats by the field that they share",
	"lookup":      "lookup tables are not supported, compare with in [...]",
	"addtotals":   "use a second query with stats",
	"source":      "it can be the first command alone",
}

// named is an expression with the name of its column.
type named struct {
	*expr
	as    string
	given bool
	refs  []string // fields that it has, outside of aggregates
}

// of reports whether all that an expression is made of are results of a list before it.
func (n named) of(before []named) bool {
	for _, ref := range n.refs {
		if !slices.ContainsFunc(before, func(b named) bool { return b.as == ref }) {
			return false
		}
	}
	return len(n.refs) > 0
}

// list reads expressions with names, up to what is not a comma.
func (p *parser) list() ([]named, error) {
	var out []named
	for {
		p.refs = nil
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		n := named{expr: e, as: e.name, refs: p.refs}
		if p.keyword("as") {
			if p.tok.kind != name && p.tok.kind != quotedName {
				return nil, p.unexpected("a name")
			}
			n.as, n.given = p.tok.text, true
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		out = append(out, n)
		if !p.isSymbol(",") {
			return out, nil
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) column(as string) {
	for _, c := range p.q.columns {
		if c == as {
			return
		}
	}
	p.q.columns = append(p.q.columns, as)
}

func (p *parser) fields(verb string) error {
	list, err := p.list()
	if err != nil {
		return err
	}
	if verb == "display" {
		p.q.columns = nil
	}
	for _, n := range list {
		p.column(n.as)
	}
	p.add(verb, func(_ *run, next stage) stage {
		return mapStage{next, func(r *row) {
			for _, n := range list {
				if n.given || n.field == "" { // what is a field of the event is there already
					r.set(n.as, n.eval(r))
				}
			}
		}}
	})
	return nil
}

func (p *parser) filter() error {
	e, err := p.expression()
	if err != nil {
		return err
	}
	plain := true // up to here, @message is that of the event
	for _, c := range p.q.commands {
		plain = plain && c.verb == "filter"
	}
	if plain {
		p.required(e)
	}
	p.add("filter", func(_ *run, next stage) stage { return filterStage{next, e} })
	return nil
}

// required notes the texts that messages must have for a condition to hold.
func (p *parser) required(e *expr) {
	switch {
	case e.op == "and":
		p.required(e.sub[0])
		p.required(e.sub[1])
	case e.op == "like" && e.field == "@message" && e.text != "":
		p.q.contains = append(p.q.contains, e.text)
	}
}

func (p *parser) stats() error {
	p.inStats = true
	list, err := p.list()
	p.inStats = false
	if err != nil {
		return err
	}
	var by []named
	if p.keyword("by") {
		if by, err = p.list(); err != nil {
			return err
		}
	}
	p.q.columns, p.q.hasPtr = nil, false
	var calls []*aggCall
	for _, n := range by {
		p.column(n.as)
	}
	for i, n := range list {
		found := n.aggs(nil)
		if len(found) == 0 && !n.of(list[:i]) {
			return syntaxf(p.tok.at, "%s in stats is not an aggregate", n.as)
		}
		for _, c := range found {
			c.id = p.ids
			p.ids++
		}
		calls = append(calls, found...)
		p.column(n.as)
	}
	p.add("stats", func(c *run, next stage) stage {
		return &statsStage{run: c, next: next, list: list, by: by, calls: calls, groups: map[string]*statsGroup{}}
	})
	return nil
}

func (p *parser) sort() error {
	p.keyword("by")
	var keys []sortKey
	for {
		e, err := p.expression()
		if err != nil {
			return err
		}
		// A column of stats is called by its text, as in "sort count(*) desc".
		k := sortKey{expr: e}
		switch {
		case p.keyword("desc"):
			k.desc = true
		case p.keyword("asc"):
		}
		keys = append(keys, k)
		if !p.isSymbol(",") {
			break
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	p.add("sort", func(c *run, next stage) stage { return &sortStage{run: c, next: next, keys: keys} })
	return nil
}

func (p *parser) dedup() error {
	list, err := p.list()
	if err != nil {
		return err
	}
	p.add("dedup", func(c *run, next stage) stage {
		return &dedupStage{run: c, next: next, list: list, seen: map[string]struct{}{}}
	})
	return nil
}

func (p *parser) unnest() error {
	e, err := p.expression()
	if err != nil {
		return err
	}
	if !p.keyword("into") && !p.keyword("as") {
		return p.unexpected("into")
	}
	if p.tok.kind != name && p.tok.kind != quotedName {
		return p.unexpected("a name")
	}
	as := p.tok.text
	p.column(as)
	p.add("unnest", func(c *run, next stage) stage { return unnestStage{c, next, e, as} })
	return p.advance()
}

var groupName = regexp.MustCompile(`\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>`)

// parse reads a parse command: of a field, or of the message, by a glob with names, or a regular expression whose
// groups have names.
func (p *parser) parse() error {
	field := fieldExpr("@message")
	if p.tok.kind == name || p.tok.kind == quotedName {
		field = fieldExpr(p.tok.text)
		if err := p.advancePattern(); err != nil {
			return err
		}
	}
	t := p.tok
	var re *regexp.Regexp
	var names []string
	var err error
	switch t.kind {
	case text:
		parts := strings.Split(t.text, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		source := strings.Join(parts, "(.*?)")
		if strings.HasSuffix(source, "(.*?)") {
			source = strings.TrimSuffix(source, "(.*?)") + "(.*)"
		}
		re, err = regexp.Compile("(?s)" + source)
	case pattern:
		re, err = regexp.Compile(t.text)
	default:
		return p.unexpected("a text or a regular expression")
	}
	if err != nil {
		return syntaxf(t.at, "the regular expression: %v", err)
	}
	if err := p.advance(); err != nil {
		return err
	}
	if p.keyword("as") {
		for {
			if p.tok.kind != name && p.tok.kind != quotedName {
				return p.unexpected("a name")
			}
			names = append(names, p.tok.text)
			if err := p.advance(); err != nil {
				return err
			}
			if !p.isSymbol(",") {
				break
			}
			if err := p.advance(); err != nil {
				return err
			}
		}
		if len(names) != re.NumSubexp() {
			return syntaxf(t.at, "there are %d names for %d parts of the pattern", len(names), re.NumSubexp())
		}
	} else if t.kind == text {
		return p.unexpected("as")
	} else {
		names = re.SubexpNames()[1:]
		if !groupName.MatchString(t.text) {
			return syntaxf(t.at, "the regular expression has no group with a name")
		}
	}
	for _, n := range names {
		if n != "" {
			p.column(n)
		}
	}
	p.add("parse", func(_ *run, next stage) stage {
		return mapStage{next, func(r *row) {
			v := field.eval(r)
			if v == nil {
				return
			}
			m := re.FindStringSubmatch(show(v))
			if m == nil {
				return
			}
			for i, n := range names {
				if n != "" {
					r.set(n, m[i+1])
				}
			}
		}}
	})
	return nil
}
