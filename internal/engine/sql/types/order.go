package types

import "github.com/brookmere/brookmere/internal/engine/sql"

// Which values Trino compares. A type that is not known is taken for one that can be.

// Comparable reports whether two values of a type can be equal: those of geometries and sketches
// cannot, nor those of what has them inside.
func Comparable(t *sql.Type) bool {
	return !Is(t, "geometry", "sphericalgeography", "hyperloglog", "tdigest", "qdigest") && parts(t, Comparable)
}

// Orderable reports whether values of a type have an order: those of maps and JSON have none, nor
// those of what has them inside. Addresses have one by themselves, not within another value.
func Orderable(t *sql.Type) bool {
	within := func(t *sql.Type) bool { return !Is(t, "ipaddress") && Orderable(t) }
	return !Is(t, "geometry", "sphericalgeography", "hyperloglog", "tdigest", "qdigest", "map", "json", "color") && parts(t, within)
}

// parts reports whether all types in a type are as is asked.
func parts(t *sql.Type, is func(*sql.Type) bool) bool {
	if t == nil {
		return true
	}
	for _, a := range t.Args {
		if !is(a) {
			return false
		}
	}
	for _, f := range t.Fields {
		if !is(f.Type) {
			return false
		}
	}
	return true
}
