package sql

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
	// Between is x [NOT] BETWEEN low AND high. Symmetric, which streaming languages have, lets the
	// bounds come in either order.
	Between struct {
		Position
		Not          bool
		Symmetric    bool
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
		Names []Identifier // of its fields; nil: they have none, as in all that is parsed
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

	Extension Extended // of a Grammar; nil in Athena's language
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
	Units  [2]string // the first and the last unit of a streaming language's interval
	Zone   string    // what a translator knows of the zone that values are shown in; no syntax
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
