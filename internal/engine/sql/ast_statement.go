package sql

// Statements of Trino.

type (
	// Insert is INSERT INTO table [(columns)] query.
	Insert struct {
		Position
		Table   QualifiedName
		Columns []Identifier
		Query   *Query
	}
	// Modify is a statement that changes rows in their place: DELETE FROM, UPDATE, MERGE
	// INTO, OPTIMIZE, VACUUM. What follows the table is kept as text.
	Modify struct {
		Position
		Verb  string // "DELETE FROM", "UPDATE", "MERGE INTO", "OPTIMIZE" or "VACUUM"
		Table QualifiedName
		Rest  string
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
func (*Modify) statement()              {}
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
