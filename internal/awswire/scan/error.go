package scan

import "strconv"

// Reason says why a text cannot be read.
type Reason string

// Reasons.
const (
	Malformed Reason = "malformed"    // a byte does not belong where it is
	Truncated Reason = "ends early"   // the text ends in an item
	BadText   Reason = "not UTF-8"    // a string is not
	TooDeep   Reason = "nests deeply" // MaxDepth is passed
)

// Error says where and why a text stops being what it should be.
type Error struct {
	Pos    int // of the byte, from 0; a string that is not UTF-8 is at its first byte
	Reason Reason
}

func (e *Error) Error() string { return string(e.Reason) + " at byte " + strconv.Itoa(e.Pos) }

func fail(pos int, r Reason) error { return &Error{pos, r} }
