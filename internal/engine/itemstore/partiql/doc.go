// Package partiql reads statements of DynamoDB's PartiQL: SELECT, INSERT, UPDATE, DELETE and
// EXISTS. A statement becomes what the other calls have: its WHERE a condition expression,
// its SET and REMOVE an update expression, its columns paths, all with placeholders for names
// and values (package expr), so that both mean the same.
package partiql
