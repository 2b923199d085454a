package vtl

// node is a piece of a template.
type node interface{ render(*run) error }

type (
	textNode string
	// refNode prints a reference.
	refNode struct {
		*reference
		backslashes int // before the dollar
	}
	setNode struct {
		target *reference
		value  expr
	}
	ifNode struct {
		conditions []expr
		blocks     []block
		otherwise  block
	}
	foreachNode struct {
		name string
		in   expr
		body block
	}
	breakNode struct{}
	stopNode  struct{}
	macroCall struct {
		name   string
		args   []expr
		body   block  // of #@name(...) ... #end
		source string // what is printed when there is no such macro
	}
	defineNode struct {
		name string
		body block
	}
	block []node
)

// expr is an expression. A nil value is null.
type expr interface{ eval(*run) (any, error) }

type (
	literal struct{ v any }
	// interpolated is a text in double quotes with references or directives in it.
	interpolated struct{ body block }
	listExpr     struct{ items []expr }
	rangeExpr    struct{ from, to expr }
	mapExpr      struct{ keys, values []expr }
	not          struct{ x expr }
	binary       struct {
		op   operator
		l, r expr
	}
	reference struct {
		source string // as written, "$!{x.y}"
		quiet  bool
		name   string
		path   []accessor
	}
)

// accessor is a step of a reference: a property, a method or an index.
type accessor struct {
	name  string
	call  bool
	index expr // [x]; nil for .name
	args  []expr
}

type operator int

const (
	opOr operator = iota
	opAnd
	opEQ
	opNE
	opLT
	opLE
	opGT
	opGE
	opAdd
	opSub
	opMul
	opDiv
	opMod
)

// macro is a macro that a template defines.
type macro struct {
	params []string
	body   block
}
