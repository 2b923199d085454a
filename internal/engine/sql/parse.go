package sql

import "fmt"

// Error is a text that is not a statement of the language. Its text is worded as Athena
// words it: "line 1:8: mismatched input ...".
type Error struct {
	Position
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d:%d: %s", e.Line, e.Column, e.Message)
}
