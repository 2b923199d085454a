package sql

import "strings"

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
	Name QualifiedName
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

// Expressions.

type (
	// Null is NULL.
	Null struct{ Position }
	// Boolean is TRUE or FALSE.
	Boolean struct {
		Position
		Value bool
	}
	// Number is a numeric literal; Kind says what type it has.
	Number struct {
		Position
		Text string
		Kind NumberKind
	}
	// String is a character literal, decoded.
	String struct {
		Position
		Value string
	}
	// Binary is X'..', decoded.
	Binary struct {
		Position
		Value []byte
	}
	// TypedLiteral is DATE '..', TIMESTAMP '..', DECIMAL '..' and any other TYPE '..'.
	TypedLiteral struct {
		Position
		Type  *Type
		Value string
	}
	// Interval is INTERVAL [+-]'value' from [TO to]; From and To are upper case, singular.
	Interval struct {
		Position
		Negative bool
		Value    string
		From, To string
	}
	// Parameter is a question mark, Index counting from 0.
	Parameter struct {
		Position
		Index int
	}
	// Name is a column, or the first part of a dotted name.
	Name struct {
		Position
		Ident Identifier
	}
	// Dereference is base.field.
	Dereference struct {
		Position
		Base  Expr
		Field Identifier
	}
	// Subscript is base[index].
	Subscript struct {
		Position
		Base, Index Expr
	}
	// Call is a function call, an aggregate or a window function.
	Call struct {
		Position
		Name        QualifiedName
		NoParens    bool // CURRENT_DATE and the like
		Distinct    bool
		Star        bool // count(*)
		Args        []Expr
		OrderBy     []SortItem // array_agg(x ORDER BY y)
		WithinGroup []SortItem // listagg(..) WITHIN GROUP (ORDER BY ..)
		Overflow    string     // listagg's ON OVERFLOW clause, as text
		Filter      Expr
		Nulls       string // "IGNORE", "RESPECT" or ""
		Over        *Window
	}
	// Unary is -x, +x or NOT x.
	Unary struct {
		Position
		Op string // "-", "+", "NOT"
		X  Expr
	}
	// Operation is a binary operator: + - * / % || = <> < <= > >= AND OR.
	Operation struct {
		Position
		Op          string
		Left, Right Expr
	}
	// Quantified is x op ANY|ALL (query).
	Quantified struct {
		Position
		Op         string
		Quantifier string // "ANY", "ALL"; SOME is ANY
		X          Expr
		Query      *Query
	}
	// Between is x [NOT] BETWEEN low AND high.
	Between struct {
		Position
		Not          bool
		X, Low, High Expr
	}
	// In is x [NOT] IN (list) or (query).
	In struct {
		Position
		Not   bool
		X     Expr
		List  []Expr
		Query *Query
	}
	// Like is x [NOT] LIKE pattern [ESCAPE e].
	Like struct {
		Position
		Not                bool
		X, Pattern, Escape Expr
	}
	// IsNull is x IS [NOT] NULL.
	IsNull struct {
		Position
		Not bool
		X   Expr
	}
	// IsDistinct is x IS [NOT] DISTINCT FROM y.
	IsDistinct struct {
		Position
		Not         bool
		Left, Right Expr
	}
	// Exists is EXISTS (query).
	Exists struct {
		Position
		Query *Query
	}
	// Subquery is a scalar query.
	Subquery struct {
		Position
		Query *Query
	}
	// Case is CASE [operand] WHEN .. THEN .. [ELSE ..] END.
	Case struct {
		Position
		Operand Expr
		Whens   []When
		Else    Expr
	}
	// Cast is CAST(x AS type), or TRY_CAST.
	Cast struct {
		Position
		X    Expr
		Type *Type
		Try  bool
	}
	// Extract is EXTRACT(field FROM x), Field in upper case.
	Extract struct {
		Position
		Field string
		X     Expr
	}
	// AtTimeZone is x AT TIME ZONE zone.
	AtTimeZone struct {
		Position
		X, Zone Expr
	}
	// Row is (a, b) or ROW(a, b).
	Row struct {
		Position
		Items []Expr
	}
	// Array is ARRAY[a, b].
	Array struct {
		Position
		Items []Expr
	}
	// Lambda is x -> body or (x, y) -> body.
	Lambda struct {
		Position
		Params []Identifier
		Body   Expr
	}
)

// NumberKind is the sort of a numeric literal.
type NumberKind uint8

// Kinds of Number.
const (
	Integer NumberKind = iota // 12
	Decimal                   // 1.5
	Double                    // 1e3
)

// When is one WHEN .. THEN .. of a CASE.
type When struct {
	Position
	Cond, Then Expr
}

// Window is what follows OVER: a name, or a specification that may build on a name.
type Window struct {
	Position
	Name        *Identifier // OVER w, or the first word of OVER (w ...)
	Bare        bool        // OVER w
	PartitionBy []Expr
	OrderBy     []SortItem
	Frame       *Frame
}

// Frame is the frame of a window.
type Frame struct {
	Position
	Unit       string // "ROWS", "RANGE", "GROUPS"
	Start, End FrameBound
}

// FrameBound is one end of a frame.
type FrameBound struct {
	Kind  string // "UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"; "" for an End not given
	Value Expr
}

// NamedWindow is name AS (specification) of the WINDOW clause.
type NamedWindow struct {
	Position
	Name   Identifier
	Window *Window
}

// Type is a type of Trino's: Name in lower case ("bigint", "decimal", "array", "row",
// "timestamp with time zone"); Params are the numbers, Args the type arguments of array
// and map, Fields those of row.
type Type struct {
	Position
	Name   string
	Params []int
	Args   []*Type
	Fields []RowField
	Zone   string // what a translator knows of the zone that values are shown in; no syntax
}

// RowField is a field of a row type; Name may be absent.
type RowField struct {
	Name *Identifier
	Type *Type
}

// Property is name = expression of a WITH (...) list.
type Property struct {
	Position
	Name  Identifier
	Value Expr
}

// Statements of Trino.

type (
	// Insert is INSERT INTO table [(columns)] query.
	Insert struct {
		Position
		Table   QualifiedName
		Columns []Identifier
		Query   *Query
	}
	// CreateTableAs is CREATE TABLE name [WITH (..)] AS query [WITH [NO] DATA].
	CreateTableAs struct {
		Position
		Name        QualifiedName
		IfNotExists bool
		Columns     []Identifier
		Comment     *string
		Properties  []Property
		Query       *Query
		NoData      bool
	}
	// Unload is UNLOAD (query) TO 'location' [WITH (..)].
	Unload struct {
		Position
		Query      *Query
		To         string
		Properties []Property
	}
	// CreateView is CREATE [OR REPLACE] VIEW name AS query.
	CreateView struct {
		Position
		Name      QualifiedName
		OrReplace bool
		Comment   *string
		Query     *Query
	}
	// DropView is DROP VIEW [IF EXISTS] name.
	DropView struct {
		Position
		Name     QualifiedName
		IfExists bool
	}
	// Prepare is PREPARE name FROM statement.
	Prepare struct {
		Position
		Name      Identifier
		Statement Statement
	}
	// Execute is EXECUTE name [USING expressions].
	Execute struct {
		Position
		Name  Identifier
		Using []Expr
	}
	// Deallocate is DEALLOCATE PREPARE name.
	Deallocate struct {
		Position
		Name Identifier
	}
	// Explain is EXPLAIN [ANALYZE [VERBOSE]] [(options)] statement.
	Explain struct {
		Position
		Analyze, Verbose bool
		Options          []ExplainOption
		Statement        Statement
	}
)

// ExplainOption is TYPE x or FORMAT x, both in upper case.
type ExplainOption struct{ Name, Value string }

// SHOW and DESCRIBE.

type (
	// ShowDatabases is SHOW DATABASES|SCHEMAS [IN catalog] [LIKE 'pattern'].
	ShowDatabases struct {
		Position
		Catalog *Identifier
		Like    *string
	}
	// ShowTables is SHOW TABLES [IN database] ['pattern'].
	ShowTables struct {
		Position
		Database *QualifiedName
		Like     *string
	}
	// ShowViews is SHOW VIEWS [IN database] [LIKE 'pattern'].
	ShowViews struct {
		Position
		Database *QualifiedName
		Like     *string
	}
	// ShowColumns is SHOW COLUMNS IN table [IN database].
	ShowColumns struct {
		Position
		Table QualifiedName
		Like  *string
	}
	// ShowPartitions is SHOW PARTITIONS table.
	ShowPartitions struct {
		Position
		Table QualifiedName
	}
	// ShowCreateTable is SHOW CREATE TABLE table.
	ShowCreateTable struct {
		Position
		Table QualifiedName
	}
	// ShowCreateView is SHOW CREATE VIEW view.
	ShowCreateView struct {
		Position
		View QualifiedName
	}
	// ShowTableProperties is SHOW TBLPROPERTIES table [('name')].
	ShowTableProperties struct {
		Position
		Table QualifiedName
		Key   *string
	}
	// ShowFunctions is SHOW FUNCTIONS [LIKE 'pattern'].
	ShowFunctions struct {
		Position
		Like *string
	}
	// Describe is DESCRIBE [EXTENDED|FORMATTED] table [PARTITION (..)] [column].
	Describe struct {
		Position
		Mode      string // "EXTENDED", "FORMATTED" or ""
		View      bool   // DESCRIBE VIEW name
		Table     QualifiedName
		Partition PartitionSpec
		Column    *Identifier
	}
	// DescribePrepared is DESCRIBE INPUT name, or OUTPUT.
	DescribePrepared struct {
		Position
		Name   Identifier
		Output bool
	}
)

// Hive DDL.

// Pair is 'key'='value' of SERDEPROPERTIES, TBLPROPERTIES and DBPROPERTIES.
type Pair struct{ Key, Value string }

// PartitionSpec is PARTITION (column = value, ...). Values are constants as text; Op is
// "=", in ALTER TABLE DROP PARTITION any comparison, and empty where no value was given.
type PartitionSpec []PartitionValue

// PartitionValue is one column of a PartitionSpec.
type PartitionValue struct {
	Column Identifier
	Op     string
	Value  string
}

// ColumnDef is a column of Hive DDL; Type is a Hive type in lower case.
type ColumnDef struct {
	Position
	Name    Identifier
	Type    string
	Comment string
}

type (
	// CreateDatabase is CREATE DATABASE|SCHEMA [IF NOT EXISTS] name ...
	CreateDatabase struct {
		Position
		Name        Identifier
		IfNotExists bool
		Comment     string
		Location    string
		Properties  []Pair
	}
	// DropDatabase is DROP DATABASE|SCHEMA [IF EXISTS] name [CASCADE|RESTRICT].
	DropDatabase struct {
		Position
		Name              Identifier
		IfExists, Cascade bool
	}
	// AlterDatabase is ALTER DATABASE name SET DBPROPERTIES (..) or SET LOCATION.
	AlterDatabase struct {
		Position
		Name       Identifier
		Properties []Pair
		Location   string
	}
	// CreateTable is CREATE [EXTERNAL] TABLE with columns.
	CreateTable struct {
		Position
		Name          QualifiedName
		External      bool
		IfNotExists   bool
		Columns       []ColumnDef
		Comment       string
		PartitionedBy []ColumnDef
		// PartitionTransforms are Iceberg's: PARTITIONED BY (day(ts), bucket(16, id)), and
		// plain column names without a type.
		PartitionTransforms []string
		ClusteredBy         []Identifier
		SortedBy            []SortColumn
		Buckets             int
		RowFormat           *RowFormat
		StoredAs            string // "PARQUET", ...; upper case; empty where formats are given
		InputFormat         string
		OutputFormat        string
		Location            string
		Properties          []Pair
		Like                *QualifiedName
	}
	// AlterTable is ALTER TABLE name action.
	AlterTable struct {
		Position
		Name      QualifiedName
		Partition PartitionSpec // ALTER TABLE t PARTITION (..) SET LOCATION
		Action    AlterAction
	}
	// DropTable is DROP TABLE [IF EXISTS] name [PURGE].
	DropTable struct {
		Position
		Name     QualifiedName
		IfExists bool
	}
	// RepairTable is MSCK REPAIR TABLE name.
	RepairTable struct {
		Position
		Name QualifiedName
	}
)

// SortColumn is a column of SORTED BY.
type SortColumn struct {
	Name       Identifier
	Descending bool
}

// RowFormat is ROW FORMAT DELIMITED ... or ROW FORMAT SERDE '...' [WITH SERDEPROPERTIES].
type RowFormat struct {
	Position
	SerDe      string
	Properties []Pair
	// Delimited: nil where not given.
	FieldsTerminated, Escaped, CollectionTerminated, MapKeysTerminated, LinesTerminated, NullDefined *string
}

// AlterAction is what ALTER TABLE does.
type AlterAction interface{ alterAction() }

type (
	// AddPartitions is ADD [IF NOT EXISTS] PARTITION (..) [LOCATION ''] ...
	AddPartitions struct {
		IfNotExists bool
		Partitions  []NewPartition
	}
	// DropPartitions is DROP [IF EXISTS] PARTITION (..), ...
	DropPartitions struct {
		IfExists   bool
		Partitions []PartitionSpec
	}
	// RenamePartition is PARTITION (..) RENAME TO PARTITION (..).
	RenamePartition struct{ To PartitionSpec }
	// AddColumns is ADD COLUMNS (..); Replace says REPLACE COLUMNS.
	AddColumns struct {
		Replace bool
		Columns []ColumnDef
	}
	// ChangeColumn is CHANGE [COLUMN] old new type [COMMENT ''] [FIRST|AFTER c].
	ChangeColumn struct {
		Old   Identifier
		New   ColumnDef
		First bool
		After *Identifier
	}
	// DropColumn is DROP COLUMN name.
	DropColumn struct{ Name Identifier }
	// RenameTable is RENAME TO name.
	RenameTable struct{ To QualifiedName }
	// SetLocation is SET LOCATION ''.
	SetLocation struct{ Location string }
	// SetTableProperties is SET TBLPROPERTIES (..).
	SetTableProperties struct{ Properties []Pair }
	// UnsetTableProperties is UNSET TBLPROPERTIES [IF EXISTS] ('a', ..).
	UnsetTableProperties struct {
		IfExists bool
		Keys     []string
	}
)

// NewPartition is one partition of ADD PARTITION.
type NewPartition struct {
	Spec     PartitionSpec
	Location string
}

func (*Query) statement()               {}
func (*Insert) statement()              {}
func (*CreateTableAs) statement()       {}
func (*Unload) statement()              {}
func (*CreateView) statement()          {}
func (*DropView) statement()            {}
func (*Prepare) statement()             {}
func (*Execute) statement()             {}
func (*Deallocate) statement()          {}
func (*Explain) statement()             {}
func (*ShowDatabases) statement()       {}
func (*ShowTables) statement()          {}
func (*ShowViews) statement()           {}
func (*ShowColumns) statement()         {}
func (*ShowPartitions) statement()      {}
func (*ShowCreateTable) statement()     {}
func (*ShowCreateView) statement()      {}
func (*ShowTableProperties) statement() {}
func (*ShowFunctions) statement()       {}
func (*Describe) statement()            {}
func (*DescribePrepared) statement()    {}
func (*CreateDatabase) statement()      {}
func (*DropDatabase) statement()        {}
func (*AlterDatabase) statement()       {}
func (*CreateTable) statement()         {}
func (*AlterTable) statement()          {}
func (*DropTable) statement()           {}
func (*RepairTable) statement()         {}

func (*Query) queryBody()        {}
func (*Select) queryBody()       {}
func (*SetOperation) queryBody() {}
func (*Values) queryBody()       {}
func (*TableQuery) queryBody()   {}

func (*Table) relation()            {}
func (*AliasedRelation) relation()  {}
func (*SampledRelation) relation()  {}
func (*SubqueryRelation) relation() {}
func (*Unnest) relation()           {}
func (*Join) relation()             {}

func (*Null) expr()         {}
func (*Boolean) expr()      {}
func (*Number) expr()       {}
func (*String) expr()       {}
func (*Binary) expr()       {}
func (*TypedLiteral) expr() {}
func (*Interval) expr()     {}
func (*Parameter) expr()    {}
func (*Name) expr()         {}
func (*Dereference) expr()  {}
func (*Subscript) expr()    {}
func (*Call) expr()         {}
func (*Unary) expr()        {}
func (*Operation) expr()    {}
func (*Quantified) expr()   {}
func (*Between) expr()      {}
func (*In) expr()           {}
func (*Like) expr()         {}
func (*IsNull) expr()       {}
func (*IsDistinct) expr()   {}
func (*Exists) expr()       {}
func (*Subquery) expr()     {}
func (*Case) expr()         {}
func (*Cast) expr()         {}
func (*Extract) expr()      {}
func (*AtTimeZone) expr()   {}
func (*Row) expr()          {}
func (*Array) expr()        {}
func (*Lambda) expr()       {}

func (*AddPartitions) alterAction()        {}
func (*DropPartitions) alterAction()       {}
func (*RenamePartition) alterAction()      {}
func (*AddColumns) alterAction()           {}
func (*ChangeColumn) alterAction()         {}
func (*DropColumn) alterAction()           {}
func (*RenameTable) alterAction()          {}
func (*SetLocation) alterAction()          {}
func (*SetTableProperties) alterAction()   {}
func (*UnsetTableProperties) alterAction() {}
