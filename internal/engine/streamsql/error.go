package streamsql

import (
	"errors"
	"fmt"

	"github.com/brookmere/brookmere/internal/engine/sql"
)

// Error is a mistake in an application's text or in what Compile was given.
type Error struct {
	sql.Position        // zero where the mistake is not in the text
	Message      string // what is wrong, as AWS words it where that is known
	Hint         string // what to do; may be empty
}

func (e *Error) Error() string {
	text := e.Message
	if e.Line > 0 {
		text = fmt.Sprintf("From line %d, column %d: %s", e.Line, e.Column, e.Message)
	}
	if e.Hint != "" {
		text += ". " + e.Hint
	}
	return text
}

// The errors that App's methods wrap.
var (
	// ErrStateLimit: the state would pass Options.StateLimit.
	ErrStateLimit = errors.New("streamsql: the state of the application is at its limit")
	// ErrInterrupted: Options.Interrupted said so while a step was under way.
	ErrInterrupted = errors.New("streamsql: the step was interrupted")
	// ErrSnapshot: what Restore read is not a whole snapshot.
	ErrSnapshot = errors.New("streamsql: the snapshot is damaged")
	// ErrOtherPlan: the snapshot was made by another plan. Its state means nothing to this one.
	ErrOtherPlan = errors.New("streamsql: the snapshot is one of another application code")
	// ErrNotFound: there is no stream or table of that name.
	ErrNotFound = errors.New("streamsql: not found")
)
