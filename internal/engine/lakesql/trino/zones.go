package trino

import (
	"fmt"
	"slices"
	"strings"

	"github.com/brookmere/brookmere/internal/engine/lakesql/duck"
	"github.com/brookmere/brookmere/internal/engine/lakesql/fault"
	"github.com/brookmere/brookmere/internal/engine/sql"
	"github.com/brookmere/brookmere/internal/engine/sql/types"
)

// Values of different zones that come together. A value keeps its zone where the zone can go with it: in
// conditionals, in the columns of queries (packed), in aggregates that give one of their values. Elsewhere a
// value of another zone than UTC fails: none is shown in a zone that is not its own.

// dynamic reports whether values have a zone each.
func dynamic(t *sql.Type) bool { return t != nil && strings.HasPrefix(t.Zone, DynamicZone) }

// shortMoment is up to how many bytes a moment with a zone of its own is written twice, once for UTC, of which
// most are and which DuckDB knows how to show: calls within calls would double the text each time.
const shortMoment = 400

func zoned(t *sql.Type) bool { return types.Is(t, "timestamp with time zone") }

// zonesDiffer reports whether values of some types, where they come together, may have different zones.
func zonesDiffer(typs ...*sql.Type) bool {
	first := ""
	for _, t := range typs {
		if t == nil || types.Is(t, "unknown") {
			continue
		}
		name := zoneName(t) // what has none is taken as of UTC
		if !zoned(t) {
			name = "'UTC'"
		}
		if dynamic(t) || Packed(t) || first != "" && name != first {
			return slices.ContainsFunc(typs, zoned)
		}
		first = name
	}
	return false
}

// withZone is a moment that is null where its zone is.
func withZone(text string, t *sql.Type) string {
	if !dynamic(t) {
		return text
	}
	return "CASE WHEN " + zoneName(t) + " IS NOT NULL THEN " + text + " END"
}

// inUTC is a value where its zone cannot go with it, which fails for one of another zone.
func inUTC(text string, t *sql.Type) (string, *sql.Type) {
	if !zoned(t) || t.Zone == "" || t.Zone == "UTC" {
		return text, t
	}
	return "CASE WHEN " + text + " IS NULL OR " + zoneName(t) + " = 'UTC' THEN " + text + " ELSE " +
		duck.Raise("NOT_SUPPORTED", "'A timestamp in time zone ' || "+zoneName(t)+" || ' is not supported here, beside others: convert it by AT TIME ZONE ''UTC'''") + " END", types.Instant
}

// allInUTC is inUTC of values that come together in an array, unless all are of one zone.
func allInUTC(texts []string, typs []*sql.Type) {
	if !zonesDiffer(typs...) {
		return
	}
	for i := range texts {
		texts[i], typs[i] = inUTC(texts[i], typs[i])
	}
}

// zoneKey is the zone of a key of the block: any of those that its values have.
func (s *scope) zoneKey(x sql.Expr) bool {
	for ; s != nil; s = s.parent {
		if s.raw > 0 {
			return false
		}
		if s.grouped[keyName(x, s)] {
			return true
		}
		if s.block {
			break
		}
	}
	return false
}

// rowwise translates what is of the rows of a block, not of its groups.
func (s *scope) rowwise(do func()) {
	if s == nil {
		do()
		return
	}
	s.raw++
	do()
	s.raw--
}

// zonedQuery is a query some of whose columns, which have one zone, are packed.
func zonedQuery(text string, columns []column, pack []bool) string {
	if !slices.Contains(pack, true) {
		return text
	}
	names, items := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i] = fmt.Sprintf("__z%d", i)
		items[i] = names[i]
		if pack[i] && !Packed(c.typ) {
			zone := "'UTC'"
			if zoned(c.typ) {
				zone = zoneName(c.typ)
			}
			items[i] = "struct_pack(at := CAST(" + names[i] + " AS TIMESTAMPTZ), zone := " + zone + ")"
		}
		items[i] += " AS " + duck.Ident(c.name)
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS __zoned(" + strings.Join(names, ", ") + ")"
}

// distinctZoned is the different rows of a query with packed columns: equal moments are one, of whatever zones.
func distinctZoned(text string, columns []column) string {
	names, items, keys := make([]string, len(columns)), make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		n := fmt.Sprintf("__z%d", i)
		names[i], items[i], keys[i] = n, n, n
		if Packed(c.typ) {
			keys[i] = "(" + n + ").at"
			items[i] = "struct_pack(at := " + keys[i] + ", zone := any_value((" + n + ").zone))"
		}
		items[i] += " AS " + duck.Ident(c.name)
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") AS __zoned(" + strings.Join(names, ", ") + ") GROUP BY " + strings.Join(keys, ", ")
}

func anyPacked(columns []column) bool {
	return slices.ContainsFunc(columns, func(c column) bool { return Packed(c.typ) })
}

// keepsZone are the aggregates and window functions that give one of the values of their first argument.
var keepsZone = map[string]int{ // with how many arguments
	"min": 1, "max": 1, "min_by": 2, "max_by": 2, "arbitrary": 1, "any_value": 1, "lag": 2, "lead": 2, "first_value": 1, "last_value": 1, "nth_value": 2,
}

// withoutZones are those whose result has nothing of the zones of what they take.
var withoutZones = map[string]bool{"count": true, "count_if": true, "approx_distinct": true, "checksum": true, "grouping": true}

// zonedArguments makes the arguments of an aggregate such that its result has their zones, or such that there
// is none but UTC. packed: the result is of values with a zone each.
func (c *invocation) zonedArguments() (packed bool) {
	if withoutZones[c.name] {
		return false
	}
	for i, t := range c.typs {
		if !dynamic(t) {
			continue
		}
		if n := keepsZone[c.name]; n > 0 && len(c.args) <= n {
			if i == 0 {
				c.args[0] = "CASE WHEN " + c.args[0] + " IS NOT NULL THEN struct_pack(at := " + c.args[0] + ", zone := " + zoneName(t) + ") END"
				packed = true
			}
			continue
		}
		c.args[i], c.typs[i] = inUTC(c.args[i], t)
	}
	return packed
}

// zonedRow is inUTC of the columns of a query that become fields of a row.
func zonedRow(names []string, columns []column) {
	for i := range columns {
		if Packed(columns[i].typ) {
			text, typ := unpackZone(names[i], columns[i].typ)
			names[i], columns[i].typ = inUTC(text, typ)
		}
	}
}

// instants is a query of one packed column as one of moments, for what compares them.
func instants(text string, t *sql.Type) (string, *sql.Type) {
	if !Packed(t) {
		return text, t
	}
	return "SELECT (c0).at FROM (" + text + ") AS q(c0)", types.Instant
}

// zonesWithin reports whether there are moments of another zone than UTC in a type that holds others.
func zonesWithin(t *sql.Type) bool {
	if t == nil {
		return false
	}
	other := func(t *sql.Type) bool { return zoned(t) && t.Zone != "" && t.Zone != "UTC" || zonesWithin(t) }
	return slices.ContainsFunc(t.Args, other) || slices.ContainsFunc(t.Fields, func(f sql.RowField) bool { return other(f.Type) })
}

// joinedInUTC makes moments of UTC of the columns of several zones that relations are joined by the names of.
func joinedInUTC(r *sql.Join, left, right string, ours, theirs []column) (string, string) {
	replace := func(rel sql.Relation, text string, c *column) string {
		if !zoned(c.typ) || c.typ.Zone == "" || c.typ.Zone == "UTC" {
			return text
		}
		name := relationName(rel)
		if name == "" {
			fault.Fail(r.Position, "NOT_SUPPORTED", "Column %s has time zones of its own, by the name of which such relations cannot be joined: join them ON a.%[1]s = b.%[1]s", c.name)
		}
		value, typ := unpackZone(duck.Ident(c.name), c.typ)
		if value, c.typ = inUTC(value, typ); typ == c.typ {
			return text
		}
		return "(SELECT * REPLACE (" + value + " AS " + duck.Ident(c.name) + ") FROM " + text + ") AS " + duck.Ident(name)
	}
	for i := range ours {
		for j := range theirs {
			a, b := &ours[i], &theirs[j]
			if a.name == b.name && zonesDiffer(a.typ, b.typ) && (r.Natural || slices.ContainsFunc(r.Using, func(id sql.Identifier) bool { return id.Lower() == a.name })) {
				left, right = replace(r.Left, left, a), replace(r.Right, right, b)
			}
		}
	}
	return left, right
}
