// Package expr is DynamoDB's expressions: conditions (which filters and key conditions are
// too), updates and projections. An expression is parsed once, with the names and values
// that a request gives it, and then evaluated on items.
//
// What is wrong with an expression is told in DynamoDB's words, as an *Error, without the
// name of the parameter that the caller puts before it. What an item does to an update is
// told by ErrMissing, ErrOperandType and ErrPath.
//
// Every text is bounded (MaxSize), and by it the depth of what it holds.
package expr
