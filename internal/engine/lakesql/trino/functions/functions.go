// Package functions describes the functions of Trino that this engine has. Calls are checked
// by it, and SHOW FUNCTIONS, help and docs/sql-functions.md are written from it.
package functions

import (
	"slices"

	"github.com/brookmere/brookmere/internal/engine/sql/signature"
)

type (
	// Types and Form save the tables their package's name.
	Types = signature.Types
	Form  = signature.Form
)

// All is every function, by topics.
var All = slices.Concat(conditions, aggregates, windows, numbers, text, patterns, binary, times, arrays, maps, documents, Geometries, colors, session)

func topic(name string, list signature.List) signature.List {
	for i := range list {
		list[i].Topic = name
	}
	return list
}
