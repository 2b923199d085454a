// Package schemaguess infers the columns of records from samples, in the way of Kinesis Data
// Analytics' schema discovery: JSON and CSV, with SQL types of that service.
//
// # JSON
//
// A record is one or more objects, one behind the other or in an array. Members of nested objects are
// columns of their own, named after the innermost member, and after its path where that name is
// taken. A record that holds nothing but an array of objects has the array's elements as rows (row path
// "$.x[0:]"); beside other members, an array gives the columns of its first element.
//
// # CSV
//
// Lines with the same number of fields, two at least, between one of comma, tab, bar and semicolon.
// A first line of names, where other lines have values of other types, names the columns.
//
// # Types
//
// BOOLEAN, INTEGER, BIGINT where a number needs it, DOUBLE, TIMESTAMP for texts such as
// "2018-03-18 03:20:00.000", DATE, and VARCHAR for all others: of the power of two that the
// longest value fits into, 4 at least. A column whose values are of several types is of the one that
// takes them all.
//
// # Names
//
// Names have letters, digits and underscores, and at most 100 of them; they do not begin with a digit
// and are not reserved words of the service's SQL. What is changed for that begins with "COL_"; of a
// name of which nothing is left, the place of the column follows.
//
// # Bounds
//
// Guess looks at up to 1,000 rows and takes up to 1,000 columns, 64 objects deep.
package schemaguess
