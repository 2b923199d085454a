package streamsql

import (
	"strings"

	"github.com/brookmere/brookmere/internal/engine/sql/signature"
)

// Functions are the functions of the language, for help, completion and the reference page.
func Functions() signature.List {
	var all signature.List
	add := func(names, topic, syntax, doc string, f signature.Function) {
		for _, name := range strings.Split(names, "|") {
			f.Name, f.Topic, f.Description = strings.ToLower(name), topic, doc
			if name == "STRPOS" {
				f.Name = "position"
			}
			if f.Syntax = syntax; name != strings.Split(names, "|")[0] {
				f.Syntax = strings.Replace(syntax, strings.Split(names, "|")[0], name, 1)
			}
			all = append(all, f)
		}
	}
	for _, t := range []struct {
		topic string
		list  []scalarFunction
	}{{"text", textFunctions}, {"numbers", numberFunctions}, {"dates and times", timeFunctions}, {"nulls and order", nullFunctions}} {
		for _, f := range t.list {
			add(f.Name, t.topic, f.Syntax, f.Doc, signature.Function{Nondeterministic: f.volatile, Forms: f.forms()})
		}
	}
	for _, a := range aggregateTable {
		takes := a.takes.example()
		form := signature.Form{Args: signature.Types{a.takes.name()}, Returns: typeName(a.result(takes), a.takes)}
		add(a.Name, "aggregates", a.Syntax, a.Doc, signature.Function{Kind: signature.Aggregate, Forms: []signature.Form{form}})
	}
	for _, w := range []struct{ name, syntax, doc, returns string }{
		{"LAG", "LAG(value [, rows [, otherwise]]) OVER window", "The value of an earlier row of the window.", "T"},
		{"NTH_VALUE", "NTH_VALUE(value, n) OVER window", "The value of the window's n-th row.", "T"},
		{"EXP_AVG", "EXP_AVG(number, INTERVAL ...) OVER window", "The average in which the weight of a row is halved with every interval of its age.", "double"},
		{"ROW_NUMBER", "ROW_NUMBER() OVER window", "The number of the row in its partition.", "bigint"},
	} {
		form := signature.Form{Args: signature.Types{"T"}, Returns: signature.Type(w.returns)}
		add(w.name, "windows", w.syntax, w.doc, signature.Function{Kind: signature.Window, Forms: []signature.Form{form}})
	}
	for _, f := range tableFunctionTable {
		add(f.Name, "rows in FROM TABLE(...)", f.Syntax, f.Doc, signature.Function{Kind: signature.Table, Forms: []signature.Form{{Args: signature.Types{"cursor"}, Returns: "rows"}}})
	}
	for _, p := range logParserTable {
		add(p.Name, "logs", p.Syntax, p.Doc, signature.Function{Kind: signature.Expression, Forms: []signature.Form{{Args: signature.Types{"varchar"}, Returns: "columns"}}})
	}
	for _, f := range []struct{ name, syntax, doc, returns string }{
		{"CAST", "CAST(value AS type)", "The value as another type; numbers are rounded to whole ones, text is cut to its length.", "T"},
		{"EXTRACT", "EXTRACT(unit FROM time)", "A field of a time or of an interval; SECOND is DECIMAL(5,3), with the milliseconds.", "bigint"},
		{"STEP", "STEP(time BY INTERVAL ...)", "A time rounded down to a multiple of an interval.", "T"},
	} {
		add(f.name, "forms", f.syntax, f.doc, signature.Function{Kind: signature.Expression, Forms: []signature.Form{{Args: signature.Types{"T"}, Returns: signature.Type(f.returns)}}})
	}
	return all
}

// name is a class of types as a reference writes it.
func (p param) name() signature.Type {
	return [...]signature.Type{"T", "varchar", "number", "bigint", "double", "timestamp", "boolean"}[p]
}

// example is a type of the class.
func (p param) example() Type {
	return Type{Kind: [...]Kind{Integer, Varchar, Double, BigInt, Double, Timestamp, Boolean}[p]}
}

func typeName(t Type, of param) signature.Type {
	if of == anyType && t == anyType.example() {
		return "T"
	}
	if of == numeric && t == numeric.example() {
		return "number"
	}
	return signature.Type(strings.ToLower(t.Kind.String()))
}

// forms are the ways of calling a function: with and without what may be left out.
func (f *scalarFunction) forms() []signature.Form {
	var forms []signature.Form
	for n := len(f.params) - f.optional; n <= len(f.params); n++ {
		var form signature.Form
		args := make([]*compiled, len(f.params))
		for i, p := range f.params {
			args[i] = dry(p.example())
			if i < n {
				form.Args = append(form.Args, p.name())
			}
		}
		first := textual
		if len(f.params) > 0 {
			first = f.params[0]
		}
		form.Variadic = f.variadic && n == len(f.params)
		form.Returns = typeName(f.result(args), first)
		forms = append(forms, form)
	}
	return forms
}
