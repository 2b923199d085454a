// Package fault is how work on a statement ends early: Fail and Stop panic, and Catch, deferred
// where the work began, makes errors of the panics. Other panics pass.
package fault

import (
	"fmt"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Error is a query that cannot run: a mistake in it, or something that is not supported.
// Its text is worded as Athena words it, with the position where one is known.
type Error struct {
	Name string // SYNTAX_ERROR, TABLE_NOT_FOUND, FUNCTION_NOT_FOUND, NOT_SUPPORTED, ...
	sql.Position
	Message string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Name + ": " + e.Message
	}
	return fmt.Sprintf("%s: line %d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}

// stop carries an error that is not the statement's mistake.
type stop struct{ error }

// Stop is what to panic with for an error that is not the statement's mistake: of the catalog,
// of the files, of the context.
func Stop(err error) any { return stop{err} }

// Fail ends the work on a statement for a mistake in it.
func Fail(at sql.Position, name, format string, args ...any) {
	panic(&Error{name, at, fmt.Sprintf(format, args...)})
}

// Catch is deferred around what fails by Fail and Stop, and makes errors of those.
func Catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	case stop:
		*err = p.error
	default:
		panic(p)
	}
}
