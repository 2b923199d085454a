package sql

import (
	"strconv"
	"strings"
)

func (p *parser) createDatabase(at Position) Statement {
	s := &CreateDatabase{Position: at, IfNotExists: p.accept("IF", "NOT", "EXISTS"), Name: p.identifier()}
	for {
		switch {
		case p.accept("COMMENT"):
			s.Comment = p.hiveString()
		case p.accept("LOCATION"):
			s.Location = p.hiveString()
		case p.accept("WITH", "DBPROPERTIES"):
			s.Properties = p.pairs()
		default:
			return s
		}
	}
}

// pairs reads ('key'='value', ...); SERDEPROPERTIES, TBLPROPERTIES, DBPROPERTIES.
func (p *parser) pairs() []Pair {
	p.expectSymbol("(")
	var list []Pair
	for {
		k := p.hiveString()
		p.expectSymbol("=")
		v := ""
		switch t := p.tok(); {
		case t.kind == tokenInteger, t.kind == tokenDecimal, p.at("TRUE"), p.at("FALSE"):
			v = p.advance().text
		default:
			v = p.hiveString()
		}
		list = append(list, Pair{k, v})
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return list
}

// createTable reads what follows CREATE [EXTERNAL] TABLE; it turns into a CreateTableAs
// where a query follows.
func (p *parser) createTable(at Position, external bool) Statement {
	s := &CreateTable{Position: at, External: external}
	hive := p.hive
	p.hive = true // names may be back-quoted, and columns have any name
	defer func() { p.hive = hive }()
	s.IfNotExists = p.accept("IF", "NOT", "EXISTS")
	s.Name = p.qualifiedName()
	if !external && (p.at("AS") || p.at("WITH") || p.at("COMMENT") || p.atSymbol("(") && p.namesOnly()) {
		p.hive = hive
		return p.createTableAs(s)
	}
	if p.accept("LIKE") {
		n := p.qualifiedName()
		s.Like = &n
	}
	if p.symbol("(") {
		s.Columns = p.columnDefs()
	}
	for {
		switch {
		case p.accept("COMMENT"):
			s.Comment = p.hiveString()
		case p.accept("PARTITIONED", "BY"):
			p.partitionedBy(s)
		case p.accept("CLUSTERED", "BY"):
			s.ClusteredBy = p.identifiers()
			if p.accept("SORTED", "BY") {
				s.SortedBy = p.sortedBy()
			}
			p.expect("INTO")
			s.Buckets = p.integer()
			p.expect("BUCKETS")
		case p.at("ROW", "FORMAT"):
			s.RowFormat = p.rowFormat()
		case p.accept("STORED", "AS"), p.accept("STORED", "BY"):
			if p.accept("INPUTFORMAT") {
				s.InputFormat = p.hiveString()
				p.expect("OUTPUTFORMAT")
				s.OutputFormat = p.hiveString()
			} else if p.tok().kind == tokenString {
				s.StoredAs = p.hiveString()
			} else {
				s.StoredAs = strings.ToUpper(p.identifier().Name)
			}
		case p.accept("WITH", "SERDEPROPERTIES"):
			if s.RowFormat == nil {
				s.RowFormat = &RowFormat{Position: p.pos()}
			}
			s.RowFormat.Properties = p.pairs()
		case p.accept("LOCATION"):
			s.Location = p.hiveString()
		case p.accept("TBLPROPERTIES"):
			s.Properties = p.pairs()
		default:
			return s
		}
	}
}

// namesOnly reports whether the parentheses ahead hold names alone: CREATE TABLE t (a, b) AS.
func (p *parser) namesOnly() bool {
	return p.isName(1) && (p.aheadSymbol(2, ",") || p.aheadSymbol(2, ")"))
}

func (p *parser) createTableAs(c *CreateTable) Statement {
	s := &CreateTableAs{Position: c.Position, Name: c.Name, IfNotExists: c.IfNotExists}
	if p.atSymbol("(") {
		s.Columns = p.identifiers()
	}
	if p.accept("COMMENT") {
		t := p.stringLiteral()
		s.Comment = &t
	}
	if p.accept("WITH") {
		s.Properties = p.properties()
	}
	p.expect("AS")
	s.Query = p.query()
	if p.accept("WITH") {
		s.NoData = p.accept("NO")
		p.expect("DATA")
	}
	return s
}

func (p *parser) columnDefs() []ColumnDef {
	var list []ColumnDef
	for {
		list = append(list, p.columnDef())
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return list
}

func (p *parser) columnDef() ColumnDef {
	c := ColumnDef{Position: p.pos(), Name: p.identifier()}
	p.symbol(":") // legal in Hive's struct fields, and seen in the wild
	c.Type = p.hiveType()
	p.accept("NOT", "NULL")
	if p.accept("COMMENT") {
		c.Comment = p.hiveString()
	}
	return c
}

// hiveType reads a type of Hive's and writes it without spaces, in lower case.
func (p *parser) hiveType() string {
	defer p.enter()()
	if p.tok().kind != tokenWord {
		p.mismatched("<type>")
	}
	name := strings.ToLower(p.advance().text)
	switch {
	case name == "double" && p.accept("PRECISION"):
	case name == "struct", name == "row":
		p.expectSymbol("<")
		var b strings.Builder
		b.WriteString("struct<")
		for i := 0; ; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(p.identifier().Lower())
			p.expectSymbol(":")
			b.WriteByte(':')
			b.WriteString(p.hiveType())
			if p.accept("COMMENT") {
				p.hiveString()
			}
			if !p.symbol(",") {
				break
			}
		}
		p.expectSymbol(">")
		return b.String() + ">"
	case p.atSymbol("<"):
		p.expectSymbol("<")
		inner := p.hiveType()
		for p.symbol(",") {
			inner += "," + p.hiveType()
		}
		p.expectSymbol(">")
		return name + "<" + inner + ">"
	case p.symbol("("):
		inner := strconv.Itoa(p.integer())
		for p.symbol(",") {
			inner += "," + strconv.Itoa(p.integer())
		}
		p.expectSymbol(")")
		return name + "(" + inner + ")"
	}
	return name
}

func (p *parser) integer() int {
	t := p.tok()
	if t.kind != tokenInteger {
		p.mismatched("<integer>")
	}
	n, err := strconv.Atoi(t.text)
	if err != nil {
		p.fail(t.Position, "Invalid numeric literal: %s", t.text)
	}
	p.i++
	return n
}

func (p *parser) partitionedBy(s *CreateTable) {
	p.expectSymbol("(")
	for {
		switch {
		case p.isName(0) && p.aheadSymbol(1, "("):
			start := p.tok().Offset
			p.advance()
			p.expectSymbol("(")
			for !p.atSymbol(")") && !p.atEOF() {
				p.advance()
			}
			end := p.tok().end
			p.expectSymbol(")")
			s.PartitionTransforms = append(s.PartitionTransforms, p.src[start:end])
		case p.aheadSymbol(1, ",") || p.aheadSymbol(1, ")"):
			s.PartitionTransforms = append(s.PartitionTransforms, p.identifier().Lower())
		default:
			s.PartitionedBy = append(s.PartitionedBy, p.columnDef())
		}
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
}

func (p *parser) sortedBy() []SortColumn {
	p.expectSymbol("(")
	var list []SortColumn
	for {
		c := SortColumn{Name: p.identifier()}
		c.Descending = p.acceptAny("ASC", "DESC") == "DESC"
		list = append(list, c)
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return list
}

func (p *parser) rowFormat() *RowFormat {
	f := &RowFormat{Position: p.pos()}
	p.expect("ROW", "FORMAT")
	if p.accept("SERDE") {
		f.SerDe = p.hiveString()
		if p.accept("WITH", "SERDEPROPERTIES") {
			f.Properties = p.pairs()
		}
		return f
	}
	if !p.accept("DELIMITED") {
		p.mismatched("DELIMITED", "SERDE")
	}
	text := func() *string {
		s := p.hiveString()
		return &s
	}
	for {
		switch {
		case p.accept("FIELDS", "TERMINATED", "BY"):
			f.FieldsTerminated = text()
		case p.accept("ESCAPED", "BY"):
			f.Escaped = text()
		case p.accept("COLLECTION", "ITEMS", "TERMINATED", "BY"):
			f.CollectionTerminated = text()
		case p.accept("MAP", "KEYS", "TERMINATED", "BY"):
			f.MapKeysTerminated = text()
		case p.accept("LINES", "TERMINATED", "BY"):
			f.LinesTerminated = text()
		case p.accept("NULL", "DEFINED", "AS"):
			f.NullDefined = text()
		default:
			return f
		}
	}
}

// partition reads PARTITION (column op constant, ...).
func (p *parser) partition() PartitionSpec {
	p.expect("PARTITION")
	p.expectSymbol("(")
	spec := PartitionSpec{}
	for {
		v := PartitionValue{Column: p.identifier()}
		if t := p.tok(); t.kind == tokenSymbol {
			switch t.text {
			case "=", "<>", "<", "<=", ">", ">=":
				v.Op = p.advance().text
				v.Value = p.constant()
			}
		}
		spec = append(spec, v)
		if !p.symbol(",") {
			break
		}
	}
	p.expectSymbol(")")
	return spec
}

// constant reads a constant as text, DATE '..' included.
func (p *parser) constant() string {
	sign := ""
	if p.symbol("-") {
		sign = "-"
	}
	switch t := p.tok(); t.kind {
	case tokenInteger, tokenDecimal, tokenDouble:
		p.i++
		return sign + t.text
	case tokenString, tokenQuoted:
		return p.hiveString()
	case tokenWord:
		if n := p.ahead(1); n.kind == tokenString && (t.upper == "DATE" || t.upper == "TIMESTAMP") {
			p.i++
			return p.hiveString()
		}
		p.i++
		return strings.ToLower(t.text)
	}
	p.mismatched("<constant>")
	return ""
}

func (p *parser) alter(at Position) Statement {
	if p.accept("DATABASE") || p.accept("SCHEMA") {
		s := &AlterDatabase{Position: at, Name: p.identifier()}
		p.expect("SET")
		if p.accept("LOCATION") {
			s.Location = p.hiveString()
		} else {
			p.expect("DBPROPERTIES")
			s.Properties = p.pairs()
		}
		return s
	}
	p.expect("TABLE")
	s := &AlterTable{Position: at, Name: p.qualifiedName()}
	if p.at("PARTITION") {
		s.Partition = p.partition()
	}
	switch {
	case p.accept("ADD"):
		s.Action = p.alterAdd()
	case p.accept("REPLACE", "COLUMNS"):
		p.expectSymbol("(")
		s.Action = &AddColumns{Replace: true, Columns: p.columnDefs()}
	case p.accept("DROP", "COLUMN"):
		s.Action = &DropColumn{p.identifier()}
	case p.accept("DROP"):
		d := &DropPartitions{IfExists: p.accept("IF", "EXISTS")}
		d.Partitions = append(d.Partitions, p.partition())
		for p.symbol(",") {
			d.Partitions = append(d.Partitions, p.partition())
		}
		p.accept("PURGE")
		s.Action = d
	case p.accept("RENAME", "TO"):
		if s.Partition != nil {
			s.Action = &RenamePartition{p.partition()}
		} else {
			s.Action = &RenameTable{p.qualifiedName()}
		}
	case p.accept("CHANGE"):
		p.accept("COLUMN")
		c := &ChangeColumn{Old: p.identifier(), New: p.columnDef()}
		if p.accept("FIRST") {
			c.First = true
		} else if p.accept("AFTER") {
			c.After = p.identifierPointer()
		}
		s.Action = c
	case p.accept("SET", "LOCATION"):
		s.Action = &SetLocation{p.hiveString()}
	case p.accept("SET", "TBLPROPERTIES"):
		s.Action = &SetTableProperties{p.pairs()}
	case p.accept("UNSET", "TBLPROPERTIES"):
		u := &UnsetTableProperties{IfExists: p.accept("IF", "EXISTS")}
		p.expectSymbol("(")
		u.Keys = append(u.Keys, p.hiveString())
		for p.symbol(",") {
			u.Keys = append(u.Keys, p.hiveString())
		}
		p.expectSymbol(")")
		s.Action = u
	default:
		p.mismatched("ADD", "CHANGE", "DROP", "PARTITION", "RENAME", "REPLACE", "SET", "UNSET")
	}
	return s
}

func (p *parser) alterAdd() AlterAction {
	if p.accept("COLUMNS") {
		p.expectSymbol("(")
		return &AddColumns{Columns: p.columnDefs()}
	}
	a := &AddPartitions{IfNotExists: p.accept("IF", "NOT", "EXISTS")}
	for {
		n := NewPartition{Spec: p.partition()}
		if p.accept("LOCATION") {
			n.Location = p.hiveString()
		}
		a.Partitions = append(a.Partitions, n)
		p.symbol(",")
		if !p.at("PARTITION") {
			return a
		}
	}
}
