package sql

import (
	"strings"
)

// Position is where a node begins in the text: line and column count from 1, Column in
// characters; Offset in bytes from 0.
type Position struct {
	Line, Column, Offset int
}

// Pos makes every node that embeds a Position a Node.
func (p Position) Pos() Position { return p }

// Node is any part of the tree.
type Node interface{ Pos() Position }

// Statement is a whole statement: *Query, *Insert, *CreateTable, ...
type Statement interface {
	Node
	statement()
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Relation is what FROM takes: *Table, *AliasedRelation, *Join, *SubqueryRelation, ...
type Relation interface {
	Node
	relation()
}

// QueryBody is *Select, *SetOperation, *Values, *TableQuery or, in parentheses, *Query.
type QueryBody interface {
	Node
	queryBody()
}

// Identifier is a name as written, without its quotes.
type Identifier struct {
	Position
	Name   string
	Quoted bool
}

// Lower is the name as it is looked up.
func (i Identifier) Lower() string { return strings.ToLower(i.Name) }

// QualifiedName is one to three names: catalog, database, table.
type QualifiedName struct {
	Position
	Parts []Identifier
}

// Last is the lower-case last part, Qualifier the lower-case part before it ("" if none).
func (n QualifiedName) Last() string { return n.at(0) }

// Qualifier is the lower-case part before the last: the database of a table.
func (n QualifiedName) Qualifier() string { return n.at(1) }

// Catalog is the lower-case part before the qualifier.
func (n QualifiedName) Catalog() string { return n.at(2) }

func (n QualifiedName) at(back int) string {
	if i := len(n.Parts) - 1 - back; i >= 0 {
		return n.Parts[i].Lower()
	}
	return ""
}

func (n QualifiedName) String() string {
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = p.Lower()
	}
	return strings.Join(parts, ".")
}

// Queries.

// Query is [WITH ...] body [ORDER BY] [OFFSET] [LIMIT | FETCH FIRST].
type Query struct {
	Position
	With     *With
	Body     QueryBody
	OrderBy  []SortItem
	Offset   Expr
	Limit    Expr // nil: all
	WithTies bool // FETCH FIRST n ROWS WITH TIES
}

// With is the list of common table expressions of a query.
type With struct {
	Position
	Recursive bool
	Queries   []CommonTable
}

// CommonTable is name [(columns)] AS (query).
type CommonTable struct {
	Position
	Name    Identifier
	Columns []Identifier
	Query   *Query
}

// Select is one SELECT block.
type Select struct {
	Position
	Distinct bool
	Items    []SelectItem
	From     []Relation // comma-separated; empty: one row
	Where    Expr
	GroupBy  *GroupBy
	Having   Expr
	Windows  []NamedWindow

	// Of a Grammar, nil in Athena's language: behind SELECT, and behind HAVING.
	Modifier, Extension Extended
}

// SelectItem is an expression with an alias, or a star.
type SelectItem struct {
	Position
	Expr    Expr // nil for a star without qualifier
	Star    bool // Expr.* or *
	Alias   *Identifier
	Columns []Identifier // row.* AS (a, b)
}

// GroupBy is the GROUP BY clause.
type GroupBy struct {
	Position
	Distinct bool
	Elements []GroupingElement
}

// GroupingKind tells the sorts of grouping elements apart.
type GroupingKind uint8

// Kinds of GroupingElement.
const (
	GroupSimple GroupingKind = iota // one set of expressions
	GroupSets
	GroupCube
	GroupRollup
)

// GroupingElement is an expression, GROUPING SETS, CUBE or ROLLUP.
type GroupingElement struct {
	Position
	Kind GroupingKind
	Sets [][]Expr // GroupSimple has one set, of one expression unless in parentheses
}

// SetOperation is left UNION|INTERSECT|EXCEPT [ALL] right.
type SetOperation struct {
	Position
	Op          string // "UNION", "INTERSECT", "EXCEPT"
	All         bool
	Left, Right QueryBody
}

// Values is VALUES row, row, ...
type Values struct {
	Position
	Rows []Expr // a *Row, or the only column of a row
}

// TableQuery is TABLE name.
type TableQuery struct {
	Position
	Name QualifiedName
}

// SortItem is an element of ORDER BY.
type SortItem struct {
	Position
	Expr       Expr
	Descending bool
	NullsFirst *bool // nil: not said
}

// Relations.

// Table is a table or view by name.
type Table struct {
	Position
	Name    QualifiedName
	Version *TableVersion // nil: the table as it is
}

// TableVersion is FOR TIMESTAMP|VERSION AS OF point, or with SYSTEM_TIME or SYSTEM_VERSION.
type TableVersion struct {
	Position
	Kind  string // TIMESTAMP or VERSION
	Point Expr
}

// AliasedRelation is relation [AS] alias [(columns)].
type AliasedRelation struct {
	Position
	Relation Relation
	Alias    Identifier
	Columns  []Identifier
}

// SampledRelation is relation TABLESAMPLE BERNOULLI|SYSTEM (percent).
type SampledRelation struct {
	Position
	Relation Relation
	Method   string
	Percent  Expr
}

// SubqueryRelation is a query in parentheses, LATERAL or not.
type SubqueryRelation struct {
	Position
	Query   *Query
	Lateral bool
}

// Unnest is UNNEST(exprs) [WITH ORDINALITY].
type Unnest struct {
	Position
	Exprs      []Expr
	Ordinality bool
}

// Join is a join of two relations.
type Join struct {
	Position
	Kind        string // "INNER", "LEFT", "RIGHT", "FULL", "CROSS"
	Natural     bool
	Left, Right Relation
	On          Expr
	Using       []Identifier
}
