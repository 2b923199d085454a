// Package signature describes the functions of a SQL dialect: names, what they take and give,
// and a sentence about each. Help, completion, reference pages and SHOW FUNCTIONS are written
// from such a table, and a translator checks calls by it, so that what is documented is what
// is accepted.
//
// The types of a form are texts in the dialect's own notation. A capital letter is a type
// variable: element_at(map(K,V), K) gives V. function(T,boolean) is a lambda that takes a T.
package signature

import (
	"slices"
	"strings"
)

// Kind says where a function may be called.
type Kind uint8

const (
	Scalar    Kind = iota // anywhere in an expression, for each row
	Aggregate             // over the rows of a group
	Window                // over the rows of a window, with OVER
	Table                 // in FROM: it gives rows
	// Expression is a form of the language that looks like a function, or has arguments that
	// are evaluated as it sees fit: SHOW FUNCTIONS leaves it out.
	Expression
)

// String is the kind in lower case.
func (k Kind) String() string {
	return [...]string{"scalar", "aggregate", "window", "table", "expression"}[k]
}

// Type is a type as the dialect writes it, with type variables.
type Type string

// Types are the types of a form's arguments, in order.
type Types []Type

// Form is one way of calling a function.
type Form struct {
	Args Types
	// Variadic: the last argument may be given any number of times, at least once.
	Variadic bool
	Returns  Type
}

// Function is one function. Its zero value has no forms, and so cannot be called.
type Function struct {
	Name string // in lower case
	Kind Kind
	// Topic groups functions in a reference: "text", "dates and times".
	Topic string
	// Description is one sentence for people, with its full stop.
	Description string
	// Syntax is how a call is written where that is not name(arguments): FLOOR(x TO unit).
	Syntax string
	// Nondeterministic: equal arguments may give other results.
	Nondeterministic bool
	Forms            []Form
}

// Signature is a form as it is called: lpad(varchar, bigint, varchar).
func (f Function) Signature(form Form) string {
	return f.Name + "(" + form.Arguments() + ")"
}

// Arguments is the list of a form's arguments, parted by commas.
func (f Form) Arguments() string {
	parts := make([]string, len(f.Args))
	for i, t := range f.Args {
		parts[i] = string(t)
	}
	if f.Variadic {
		parts = append(parts, "...")
	}
	return strings.Join(parts, ", ")
}

// Takes reports whether a form may have n arguments.
func (f Form) Takes(n int) bool {
	return n == len(f.Args) || f.Variadic && n > len(f.Args)
}

// Arg is the type of the i-th argument, from 0; false if the form has none.
func (f Form) Arg(i int) (Type, bool) {
	switch {
	case i < len(f.Args):
		return f.Args[i], true
	case f.Variadic && len(f.Args) > 0:
		return f.Args[len(f.Args)-1], true
	}
	return "", false
}

// Base is a type's name without what is in its parentheses: "array" of "array(T)".
func (t Type) Base() string {
	name, _, _ := strings.Cut(string(t), "(")
	return name
}

// Variable reports whether a type stands for any type.
func (t Type) Variable() bool {
	return len(t) == 1 && t[0] >= 'A' && t[0] <= 'Z'
}

// List is the functions of a dialect.
type List []Function

// Lookup finds a function by its name, in any letter case.
func (l List) Lookup(name string) (Function, bool) {
	name = strings.ToLower(name)
	i := slices.IndexFunc(l, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return l[i], true
}

// Sorted is the functions in the order of their names.
func (l List) Sorted() List {
	s := slices.Clone(l)
	slices.SortFunc(s, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// Problems says what is wrong with a list, for the test of whoever writes one: functions
// without a form, a topic or a description, functions given twice, types that are empty or
// whose parentheses do not match, results with a variable that no argument has.
func (l List) Problems() []string {
	var all []string
	seen := map[string]bool{}
	for _, f := range l {
		problem := func(s string) { all = append(all, f.Name+": "+s) }
		if f.Name == "" || f.Name != strings.ToLower(f.Name) {
			problem("the name is not in lower case")
		}
		if seen[f.Name] {
			problem("described twice")
		}
		seen[f.Name] = true
		if f.Topic == "" {
			problem("no topic")
		}
		if !strings.HasSuffix(f.Description, ".") || strings.ContainsAny(f.Description, "\n|") {
			problem("the description is not a sentence in one line")
		}
		if len(f.Forms) == 0 {
			problem("no form")
		}
		for _, form := range f.Forms {
			for _, t := range append(slices.Clone(form.Args), form.Returns) {
				if t == "" || strings.Count(string(t), "(") != strings.Count(string(t), ")") {
					problem("the type " + string(t) + " of " + f.Signature(form) + " is not well formed")
				}
			}
			if form.Variadic && len(form.Args) == 0 {
				problem("a variadic form without an argument")
			}
			taken := Variables(form.Args...)
			for v := range Variables(form.Returns) {
				if !taken[v] {
					problem("the result of " + f.Signature(form) + " has " + v + ", which no argument has")
				}
			}
		}
	}
	return all
}

// Variables are the type variables in types.
func Variables(types ...Type) map[string]bool {
	found := map[string]bool{}
	for _, t := range types {
		for _, word := range strings.FieldsFunc(string(t), func(r rune) bool { return strings.ContainsRune("(), ", r) }) {
			if Type(word).Variable() {
				found[word] = true
			}
		}
	}
	return found
}
