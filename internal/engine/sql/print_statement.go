package sql

import (
	"strconv"
	"strings"
)

// hiveQuote writes a string of Hive's DDL.
func hiveQuote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'':
			b.WriteString(`\'`)
		case r == '\\':
			b.WriteString(`\\`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ':
			const hexDigits = "0123456789abcdef"
			b.WriteString(`\u00` + string(hexDigits[r>>4]) + string(hexDigits[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func backQuote(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

func (w *printer) hiveName(n QualifiedName) {
	for i, id := range n.Parts {
		if i > 0 {
			w.text(".")
		}
		w.text(backQuote(id.Name))
	}
}

func (w *printer) clause(head, s string) {
	if s != "" {
		w.text(head, hiveQuote(s))
	}
}

func (w *printer) pairs(head string, pairs []Pair) {
	for i, p := range pairs {
		if i == 0 {
			w.text(head, " (")
		} else {
			w.text(", ")
		}
		w.text(hiveQuote(p.Key), "=", hiveQuote(p.Value))
	}
	if pairs != nil {
		w.text(")")
	}
}

func (w *printer) properties(list []Property) {
	for i, p := range list {
		w.text([]string{" WITH (", ", "}[min(i, 1)])
		w.ident(p.Name)
		w.text(" = ")
		w.expr(p.Value, 0)
	}
	if list != nil {
		w.text(")")
	}
}

func (w *printer) optional(on bool, text string) {
	if on {
		w.text(text)
	}
}

func (w *printer) like(like *string) {
	if like != nil {
		w.text(" LIKE ", hiveQuote(*like))
	}
}

func (w *printer) statement(s Statement) {
	switch s := s.(type) {
	case Extended:
		w.text(s.SQL(Print))
	case *Query:
		w.query(s)
	case *Modify:
		w.text(s.Verb, " ")
		w.name(s.Table)
		if s.Rest != "" {
			w.text(" ", s.Rest)
		}
	case *Insert:
		w.text("INSERT INTO ")
		w.name(s.Table)
		w.text(" ")
		if s.Columns != nil {
			w.idents(s.Columns)
			w.text(" ")
		}
		w.query(s.Query)
	case *CreateTableAs:
		w.text("CREATE TABLE ")
		w.optional(s.IfNotExists, "IF NOT EXISTS ")
		w.name(s.Name)
		if s.Columns != nil {
			w.text(" ")
			w.idents(s.Columns)
		}
		if s.Comment != nil {
			w.text(" COMMENT ", quoteString(*s.Comment))
		}
		w.properties(s.Properties)
		w.text(" AS ")
		w.query(s.Query)
		w.optional(s.NoData, " WITH NO DATA")
	case *Unload:
		w.text("UNLOAD (")
		w.query(s.Query)
		w.text(") TO ", quoteString(s.To))
		w.properties(s.Properties)
	case *CreateView:
		w.text("CREATE ")
		w.optional(s.OrReplace, "OR REPLACE ")
		w.text("VIEW ")
		w.name(s.Name)
		if s.Comment != nil {
			w.text(" COMMENT ", quoteString(*s.Comment))
		}
		w.text(" AS ")
		w.query(s.Query)
	case *Prepare:
		w.text("PREPARE ")
		w.ident(s.Name)
		w.text(" FROM ")
		w.statement(s.Statement)
	case *Execute:
		w.text("EXECUTE ")
		w.ident(s.Name)
		if s.Using != nil {
			w.text(" USING ")
			w.list(s.Using)
		}
	case *Deallocate:
		w.text("DEALLOCATE PREPARE ")
		w.ident(s.Name)
	case *Explain:
		w.text("EXPLAIN ")
		w.optional(s.Analyze, "ANALYZE ")
		w.optional(s.Verbose, "VERBOSE ")
		for i, o := range s.Options {
			w.text([]string{"(", ", "}[min(i, 1)], o.Name, " ", o.Value)
		}
		w.optional(s.Options != nil, ") ")
		w.statement(s.Statement)
	case *DescribePrepared:
		w.text("DESCRIBE ", []string{"INPUT ", "OUTPUT "}[boolInt(s.Output)])
		w.ident(s.Name)
	case *CreateTable:
		w.createTable(s)
	case *AlterTable:
		w.alterTable(s)
	default:
		w.showOrDrop(s)
	}
}

func (w *printer) in(db *QualifiedName) {
	if db != nil {
		w.text(" IN ")
		w.hiveName(*db)
	}
}

func (w *printer) showOrDrop(s Statement) {
	switch s := s.(type) {
	case *DropView:
		w.text("DROP VIEW ")
		w.optional(s.IfExists, "IF EXISTS ")
		w.hiveName(s.Name)
	case *DropTable:
		w.text("DROP TABLE ")
		w.optional(s.IfExists, "IF EXISTS ")
		w.hiveName(s.Name)
	case *DropDatabase:
		w.text("DROP DATABASE ")
		w.optional(s.IfExists, "IF EXISTS ")
		w.text(backQuote(s.Name.Name))
		w.optional(s.Cascade, " CASCADE")
	case *CreateDatabase:
		w.text("CREATE DATABASE ")
		w.optional(s.IfNotExists, "IF NOT EXISTS ")
		w.text(backQuote(s.Name.Name))
		w.clause(" COMMENT ", s.Comment)
		w.clause(" LOCATION ", s.Location)
		w.pairs(" WITH DBPROPERTIES", s.Properties)
	case *AlterDatabase:
		w.text("ALTER DATABASE ", backQuote(s.Name.Name), " SET")
		w.clause(" LOCATION ", s.Location)
		w.pairs(" DBPROPERTIES", s.Properties)
	case *RepairTable:
		w.text("MSCK REPAIR TABLE ")
		w.hiveName(s.Name)
	case *ShowDatabases:
		w.text("SHOW DATABASES")
		if s.Catalog != nil {
			w.text(" IN ", backQuote(s.Catalog.Name))
		}
		w.like(s.Like)
	case *ShowTables:
		w.text("SHOW TABLES")
		w.in(s.Database)
		w.like(s.Like)
	case *ShowViews:
		w.text("SHOW VIEWS")
		w.in(s.Database)
		w.like(s.Like)
	case *ShowColumns:
		w.text("SHOW COLUMNS IN ")
		w.hiveName(s.Table)
		w.like(s.Like)
	case *ShowPartitions:
		w.text("SHOW PARTITIONS ")
		w.hiveName(s.Table)
	case *ShowCreateTable:
		w.text("SHOW CREATE TABLE ")
		w.hiveName(s.Table)
	case *ShowCreateView:
		w.text("SHOW CREATE VIEW ")
		w.hiveName(s.View)
	case *ShowTableProperties:
		w.text("SHOW TBLPROPERTIES ")
		w.hiveName(s.Table)
		if s.Key != nil {
			w.text(" (", hiveQuote(*s.Key), ")")
		}
	case *ShowFunctions:
		w.text("SHOW FUNCTIONS")
		w.like(s.Like)
	case *Describe:
		w.text("DESCRIBE ")
		if s.Mode != "" {
			w.text(s.Mode, " ")
		}
		w.optional(s.View, "VIEW ")
		w.hiveName(s.Table)
		if s.Partition != nil {
			w.text(" ")
			w.partition(s.Partition)
		}
		if s.Column != nil {
			w.text(" ", backQuote(s.Column.Name))
		}
	}
}

func (w *printer) columns(defs []ColumnDef) {
	w.text("(")
	for i, c := range defs {
		if i > 0 {
			w.text(", ")
		}
		w.column(c)
	}
	w.text(")")
}

func (w *printer) column(c ColumnDef) {
	w.text(backQuote(c.Name.Name), " ", c.Type)
	w.clause(" COMMENT ", c.Comment)
}

func (w *printer) createTable(s *CreateTable) {
	w.text("CREATE ")
	w.optional(s.External, "EXTERNAL ")
	w.text("TABLE ")
	w.optional(s.IfNotExists, "IF NOT EXISTS ")
	w.hiveName(s.Name)
	if s.Like != nil {
		w.text(" LIKE ")
		w.hiveName(*s.Like)
	}
	if s.Columns != nil {
		w.text(" ")
		w.columns(s.Columns)
	}
	w.clause(" COMMENT ", s.Comment)
	if s.PartitionTransforms != nil {
		parts := s.PartitionTransforms
		for _, c := range s.PartitionedBy {
			var one printer
			one.column(c)
			parts = append(parts[:len(parts):len(parts)], one.String())
		}
		w.text(" PARTITIONED BY (", strings.Join(parts, ", "), ")")
	} else if s.PartitionedBy != nil {
		w.text(" PARTITIONED BY ")
		w.columns(s.PartitionedBy)
	}
	if s.ClusteredBy != nil {
		for i, c := range s.ClusteredBy {
			w.text([]string{" CLUSTERED BY (", ", "}[min(i, 1)], backQuote(c.Name))
		}
		w.text(")")
		for i, c := range s.SortedBy {
			w.text([]string{" SORTED BY (", ", "}[min(i, 1)], backQuote(c.Name.Name))
			w.optional(c.Descending, " DESC")
		}
		w.optional(s.SortedBy != nil, ")")
		w.text(" INTO ", strconv.Itoa(s.Buckets), " BUCKETS")
	}
	if s.RowFormat != nil {
		w.rowFormat(s.RowFormat)
	}
	if s.InputFormat != "" || s.OutputFormat != "" {
		w.text(" STORED AS INPUTFORMAT ", hiveQuote(s.InputFormat), " OUTPUTFORMAT ", hiveQuote(s.OutputFormat))
	} else if plainWord(s.StoredAs) {
		w.text(" STORED AS ", s.StoredAs)
	} else {
		w.clause(" STORED BY ", s.StoredAs)
	}
	w.clause(" LOCATION ", s.Location)
	w.pairs(" TBLPROPERTIES", s.Properties)
}

func (w *printer) rowFormat(f *RowFormat) {
	switch {
	case f.SerDe != "":
		w.text(" ROW FORMAT SERDE ", hiveQuote(f.SerDe))
	default:
		delimiters := []struct {
			head string
			text *string
		}{
			{" FIELDS TERMINATED BY ", f.FieldsTerminated}, {" ESCAPED BY ", f.Escaped},
			{" COLLECTION ITEMS TERMINATED BY ", f.CollectionTerminated}, {" MAP KEYS TERMINATED BY ", f.MapKeysTerminated},
			{" LINES TERMINATED BY ", f.LinesTerminated}, {" NULL DEFINED AS ", f.NullDefined},
		}
		if f.Properties == nil {
			w.text(" ROW FORMAT DELIMITED")
		}
		for _, d := range delimiters {
			if d.text != nil {
				w.text(d.head, hiveQuote(*d.text))
			}
		}
	}
	w.pairs(" WITH SERDEPROPERTIES", f.Properties)
}

func (w *printer) partition(s PartitionSpec) {
	w.text("PARTITION (")
	for i, v := range s {
		if i > 0 {
			w.text(", ")
		}
		w.text(backQuote(v.Column.Name))
		if v.Op != "" {
			w.text(" ", v.Op, " ", hiveQuote(v.Value))
		}
	}
	w.text(")")
}

func (w *printer) alterTable(s *AlterTable) {
	w.text("ALTER TABLE ")
	w.hiveName(s.Name)
	w.text(" ")
	if s.Partition != nil {
		w.partition(s.Partition)
		w.text(" ")
	}
	switch a := s.Action.(type) {
	case *AddPartitions:
		w.text("ADD")
		w.optional(a.IfNotExists, " IF NOT EXISTS")
		for _, n := range a.Partitions {
			w.text(" ")
			w.partition(n.Spec)
			w.clause(" LOCATION ", n.Location)
		}
	case *DropPartitions:
		w.text("DROP ")
		w.optional(a.IfExists, "IF EXISTS ")
		for i, spec := range a.Partitions {
			w.optional(i > 0, ", ")
			w.partition(spec)
		}
	case *RenamePartition:
		w.text("RENAME TO ")
		w.partition(a.To)
	case *AddColumns:
		w.text([]string{"ADD", "REPLACE"}[boolInt(a.Replace)], " COLUMNS ")
		w.columns(a.Columns)
	case *ChangeColumn:
		w.text("CHANGE COLUMN ", backQuote(a.Old.Name), " ")
		w.column(a.New)
		w.optional(a.First, " FIRST")
		if a.After != nil {
			w.text(" AFTER ", backQuote(a.After.Name))
		}
	case *DropColumn:
		w.text("DROP COLUMN ", backQuote(a.Name.Name))
	case *RenameTable:
		w.text("RENAME TO ")
		w.hiveName(a.To)
	case *SetLocation:
		w.text("SET LOCATION ", hiveQuote(a.Location))
	case *SetTableProperties:
		w.pairs("SET TBLPROPERTIES", a.Properties)
	case *UnsetTableProperties:
		w.text("UNSET TBLPROPERTIES ")
		w.optional(a.IfExists, "IF EXISTS ")
		for i, k := range a.Keys {
			w.text([]string{"(", ", "}[min(i, 1)], hiveQuote(k))
		}
		w.text(")")
	}
}
