package trino

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/brookmere/brookmere/internal/engine/hivetype"
	"github.com/brookmere/brookmere/internal/engine/javatime"
	"github.com/brookmere/brookmere/internal/engine/lakesql/catalog"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
)

const (
	// maxProjected bounds the partitions that a query may project.
	maxProjected = 200_000
	// maxTried bounds the values of a column that the predicates are asked of.
	maxTried = 5_000_000
)

// project makes up the partitions of a table with partition projection: the combinations
// of its columns' values that the predicates let through. What counts against the limit is
// what they let through, not what the table's properties could give: a table of minutes has
// a million, and a query names a few.
func (t *translator) project(at sql.Position, table *catalog.Table, p *pruner, where []sql.Expr) [][]string {
	wholeTemplate(at, table)
	bounded := func(n int) {
		if n > maxProjected {
			fault.Fail(at, "GENERIC_USER_ERROR", "Partition projection of %s.%s gives more than %d partitions", table.Database, table.Name, maxProjected)
		}
	}
	partitions := [][]string{{}}
	for i, c := range p.columns {
		var candidates []string
		values := t.projected(at, table, c.Name, p, where)
		p.values, p.set = make([]string, len(p.columns)), make([]bool, len(p.columns))
		p.set[i] = true
		tried, seen := 0, map[string]bool{} // as one value may come of several steps
		for v := range values {
			if tried++; tried > maxTried {
				fault.Fail(at, "GENERIC_USER_ERROR", "Partition projection of %s.%s gives column %s more than %d values. Compare the column with constants, or give it a narrower range", table.Database, table.Name, c.Name, maxTried)
			}
			if p.values[i] = v; !seen[v] && p.holds(where) {
				seen[v] = true
				candidates = append(candidates, v)
				bounded(len(candidates))
			}
		}
		if i == 0 {
			partitions = partitions[:0]
			for _, v := range candidates {
				partitions = append(partitions, []string{v})
			}
			continue
		}
		var next [][]string
		for _, prefix := range partitions {
			for _, v := range candidates {
				values := append(prefix[:len(prefix):len(prefix)], v)
				p.values = append(append([]string{}, values...), make([]string, len(p.columns)-i-1)...)
				p.set = make([]bool, len(p.columns))
				for j := range values {
					p.set[j] = true
				}
				if !p.holds(where) {
					continue
				}
				next = append(next, values)
				bounded(len(next))
			}
		}
		partitions = next
	}
	return partitions
}

// projected is the values of one column, of which it may leave out some that no row can have
// by the predicates.
func (t *translator) projected(at sql.Position, table *catalog.Table, name string, p *pruner, where []sql.Expr) iter.Seq[string] {
	get := func(key string) string { return strings.TrimSpace(table.Parameters["projection."+name+"."+key]) }
	bad := func(key string) {
		fault.Fail(at, "INVALID_TABLE_PROPERTY", "Table %s.%s: invalid property projection.%s.%s '%s'", table.Database, table.Name, name, key, get(key))
	}
	switch strings.ToLower(get("type")) {
	case "enum":
		var values []string
		if get("values") == "" {
			bad("values")
		}
		for _, v := range strings.Split(get("values"), ",") {
			values = append(values, strings.TrimSpace(v))
		}
		return slices.Values(values)
	case "injected":
		values := injected(name, p, where)
		if values == nil {
			fault.Fail(at, "CONSTRAINT_VIOLATION", "For the injected projected partition column %s, the WHERE clause must contain only static equality conditions, and at least one such condition must be present.", name)
		}
		return slices.Values(values)
	case "integer":
		low, high, ok := strings.Cut(get("range"), ",")
		from, err1 := strconv.ParseInt(strings.TrimSpace(low), 10, 64)
		to, err2 := strconv.ParseInt(strings.TrimSpace(high), 10, 64)
		if !ok || err1 != nil || err2 != nil || from > to {
			bad("range")
		}
		step, width := int64(1), 0
		if s := get("interval"); s != "" {
			if step, err1 = strconv.ParseInt(s, 10, 64); err1 != nil || step < 1 {
				bad("interval")
			}
		}
		if s := get("digits"); s != "" {
			if width, err1 = strconv.Atoi(s); err1 != nil || width < 1 || width > 50 {
				bad("digits")
			}
		}
		// Constants that the column must equal spare going through a wide range.
		if values := chosen(name, p, where); values != nil {
			var in []string
			for _, v := range values {
				if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= from && n <= to && (n-from)%step == 0 {
					in = append(in, fmt.Sprintf("%0*d", width, n))
				}
			}
			return slices.Values(in)
		}
		least, most := p.wholes(name, where)
		from, to, ok = narrowedWholes(from, to, step, least, most)
		if !ok {
			return slices.Values([]string(nil))
		}
		return func(yield func(string) bool) {
			for n := from; yield(fmt.Sprintf("%0*d", width, n)) && uint64(to-n) >= uint64(step); n += step {
			}
		}
	case "date":
		return t.projectedDates(get, bad, name, p, where)
	}
	bad("type")
	return nil
}

// isColumn reports whether an expression is the column of the pruner's relation.
func (p *pruner) isColumn(x sql.Expr, name string) bool {
	parts, rest := flatten(x)
	return rest == nil && len(parts) > 0 && parts[len(parts)-1].Lower() == name && (len(parts) == 1 || parts[len(parts)-2].Lower() == p.relation)
}

// injected is the values that the predicates give a column by = or IN.
func injected(name string, p *pruner, where []sql.Expr) []string {
	isColumn := func(x sql.Expr) bool { return p.isColumn(x, name) }
	text := func(x sql.Expr) (string, bool) {
		p.set = make([]bool, len(p.columns))
		v, ok := p.value(x)
		if v.number != nil {
			return v.number.RatString(), ok
		}
		return v.text, ok
	}
	for _, x := range where {
		switch x := x.(type) {
		case *sql.Operation:
			if x.Op != "=" {
				continue
			}
			column, other := x.Left, x.Right
			if !isColumn(column) {
				column, other = other, column
			}
			if v, ok := text(other); ok && isColumn(column) {
				return []string{v}
			}
		case *sql.In:
			if x.Not || x.List == nil || !isColumn(x.X) {
				continue
			}
			var values []string
			for _, y := range x.List {
				v, ok := text(y)
				if !ok {
					return nil
				}
				values = append(values, v)
			}
			return values
		}
	}
	return nil
}

func (t *translator) projectedDates(get func(string) string, bad func(string), name string, p *pruner, where []sql.Expr) iter.Seq[string] {
	pattern, unit, ok := dateFormat(get("format"))
	if !ok {
		bad("format")
	}
	low, high, ok := strings.Cut(get("range"), ",")
	if !ok {
		bad("range")
	}
	now := t.host.Now
	bound := func(s string) time.Time {
		s = strings.TrimSpace(s)
		if strings.HasPrefix(strings.ToUpper(s), "NOW") {
			d, ok := relative(now, strings.ToUpper(s[3:]))
			if !ok {
				bad("range")
			}
			// Rounded to what the format can say.
			d, err := pattern.Parse(pattern.Format(d))
			if err != nil {
				bad("range")
			}
			return d
		}
		d, err := pattern.Parse(s)
		if err != nil {
			bad("range")
		}
		return d
	}
	from, to := bound(low), bound(high)
	step := 1
	if s := get("interval"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			bad("interval")
		}
		step = n
	}
	if u := strings.TrimSuffix(strings.ToUpper(get("interval.unit")), "S"); u != "" {
		unit = u
	}
	if _, ok := add(from, step, unit); !ok {
		bad("interval.unit")
	}
	return func(yield func(string) bool) {
		for _, r := range within(name, p, where) {
			first, last := narrowed(pattern, from, to, step, unit, r)
			for d := first; !d.After(last); d, _ = add(d, step, unit) {
				if !yield(pattern.Format(d)) {
					return
				}
			}
			if first == from && last == to { // of a pattern that no range narrows
				return
			}
		}
	}
}

// narrowed leaves out of a range of times what is before and behind a range of their texts, where
// the pattern has texts in the order of times and the steps are of one length.
func narrowed(pattern *javatime.Pattern, from, to time.Time, step int, unit string, r interval) (time.Time, time.Time) {
	length := map[string]time.Duration{"WEEK": 7 * 24 * time.Hour, "DAY": 24 * time.Hour, "HOUR": time.Hour, "MINUTE": time.Minute, "SECOND": time.Second}[unit]
	if length == 0 || step > 10_000 || from.Location() != time.UTC || from.Year() < 1000 || to.Year() > 9999 || to.Year()-from.Year() > 200 || to.Before(from) || !sortable(pattern) {
		return from, to
	}
	length *= time.Duration(step)
	at := func(n int) time.Time { return from.Add(time.Duration(n) * length) }
	count := int(to.Sub(from)/length) + 1
	first, end := 0, count
	if r.low != nil {
		first = sort.Search(count, func(n int) bool { return pattern.Format(at(n)) >= *r.low })
	}
	if r.high != nil {
		end = sort.Search(count, func(n int) bool { return pattern.Format(at(n)) > *r.high })
	}
	return at(first), at(end - 1)
}

// sortable reports whether a pattern is of numbers of one width each, from the year on to finer ones.
func sortable(pattern *javatime.Pattern) bool {
	const letters = "yMdHms"
	place := 0
	for _, f := range pattern.Fields() {
		if f.Letter == 0 {
			continue
		}
		width := 2
		if place == 0 {
			width = 4
		}
		if place == len(letters) || f.Letter != letters[place] || f.Count != width {
			return false
		}
		place++
	}
	return place > 0
}

func add(t time.Time, n int, unit string) (time.Time, bool) {
	switch unit {
	case "YEAR":
		return months(t, 12*n), true
	case "MONTH":
		return months(t, n), true
	case "WEEK":
		return t.AddDate(0, 0, 7*n), true
	case "DAY":
		return t.AddDate(0, 0, n), true
	case "HOUR":
		return t.Add(time.Duration(n) * time.Hour), true
	case "MINUTE":
		return t.Add(time.Duration(n) * time.Minute), true
	case "SECOND":
		return t.Add(time.Duration(n) * time.Second), true
	}
	return t, false
}

// months adds months as Java does: a day that the month does not have is its last.
func months(t time.Time, n int) time.Time {
	first := t.AddDate(0, 0, 1-t.Day()).AddDate(0, n, 0)
	return first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
}

// relative reads what follows NOW: nothing, or -3DAYS and the like.
func relative(now time.Time, s string) (time.Time, bool) {
	s = strings.ReplaceAll(s, " ", "")
	if s == "" {
		return now, true
	}
	i := 1
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.Atoi(s[:i])
	if err != nil {
		return now, false
	}
	return add(now, n, strings.TrimSuffix(s[i:], "S"))
}

// units are those of a date format's letters, from the coarsest to the finest.
var units = []struct{ letters, name string }{{"yu", "YEAR"}, {"ML", "MONTH"}, {"dD", "DAY"}, {"HkhK", "HOUR"}, {"m", "MINUTE"}, {"s", "SECOND"}}

// dateFormat compiles a pattern of Java's DateTimeFormatter, and names its finest unit.
func dateFormat(text string) (pattern *javatime.Pattern, unit string, ok bool) {
	p, err := javatime.Compile(javatime.Java, text)
	if err != nil || p.CanParse() != nil {
		return nil, "", false
	}
	for _, u := range units {
		for _, f := range p.Fields() {
			if f.Letter != 0 && strings.IndexByte(u.letters, f.Letter) >= 0 {
				unit = u.name
			}
		}
	}
	return p, unit, unit != ""
}

// wholeTemplate fails where the location of projected partitions leaves out one of the columns: all
// its values would have the same files.
func wholeTemplate(at sql.Position, table *catalog.Table) {
	template := table.Parameters["storage.location.template"]
	for _, c := range table.PartitionColumns {
		if template != "" && !strings.Contains(template, "${"+c.Name+"}") {
			fault.Fail(at, "INVALID_TABLE_PROPERTY", "Table %s.%s: storage.location.template %s is missing the placeholder ${%s} of a partition column", table.Database, table.Name, template, c.Name)
		}
	}
}

// projectedLocations is where a projected partition's files are: without a template in a folder that
// is named as Hive names it, and, for files that something else put there, in one of the value as it is.
func projectedLocations(table *catalog.Table, values []string) []string {
	if template := table.Parameters["storage.location.template"]; template != "" {
		var pairs []string
		for i, c := range table.PartitionColumns {
			pairs = append(pairs, "${"+c.Name+"}", values[i])
		}
		location := strings.NewReplacer(pairs...).Replace(template)
		if !strings.HasSuffix(location, "/") {
			location += "/"
		}
		return []string{location}
	}
	location := strings.TrimSuffix(table.Location, "/") + "/"
	plain := location
	for i, c := range table.PartitionColumns {
		name := strings.ToLower(c.Name) + "="
		location += name + hivetype.EscapePath(values[i]) + "/"
		plain += name + values[i] + "/"
	}
	if plain == location {
		return []string{location}
	}
	return []string{location, plain}
}
