package lakesql

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

// stop carries an error that is not the statement's fault through the translator.
type stop struct{ error }

func fail(at sql.Position, name, format string, args ...any) {
	panic(&Error{name, at, fmt.Sprintf(format, args...)})
}

// catch is deferred around what fails by fail and stop, and makes errors of those.
func catch(err *error) {
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
