package signature

import (
	"strings"
	"testing"
)

var sample = List{
	{Name: "now", Topic: "time", Description: "The time of the query.", Nondeterministic: true, Forms: []Form{{Returns: "timestamp"}}},
	{Name: "coalesce", Topic: "conditions", Description: "The first of its arguments that is not null.", Forms: []Form{{Args: Types{"T"}, Variadic: true, Returns: "T"}}},
	{Name: "element_at", Topic: "conditions", Description: "The element at a place or key.", Forms: []Form{
		{Args: Types{"array(E)", "bigint"}, Returns: "E"},
		{Args: Types{"map(K,V)", "K"}, Returns: "V"},
	}},
	{Name: "floor", Topic: "time", Syntax: "FLOOR(x TO unit)", Description: "The beginning of a unit of time.", Forms: []Form{{Args: Types{"timestamp", "unit"}, Returns: "timestamp"}}},
	{Name: "rank", Kind: Window, Topic: "windows", Description: "The rank of a row.", Forms: []Form{{Returns: "bigint"}}},
}

func TestForms(t *testing.T) {
	if p := sample.Problems(); p != nil {
		t.Error(p)
	}
	f, ok := sample.Lookup("ELEMENT_AT")
	if !ok || f.Signature(f.Forms[1]) != "element_at(map(K,V), K)" {
		t.Errorf("found %+v", f)
	}
	c, _ := sample.Lookup("coalesce")
	form := c.Forms[0]
	if got, ok := form.Arg(5); !ok || got != "T" || form.Takes(0) || !form.Takes(7) || c.Signature(form) != "coalesce(T, ...)" {
		t.Errorf("a variadic form: %q %v", got, ok)
	}
	if _, ok := f.Forms[0].Arg(2); ok || f.Forms[0].Takes(1) {
		t.Error("a form of two arguments takes others")
	}
	if Type("array(T)").Base() != "array" || Type("array(T)").Variable() || !Type("K").Variable() {
		t.Error("types are not read")
	}
}

// TestProblems: what is wrong with a list is found.
func TestProblems(t *testing.T) {
	for want, f := range map[string]Function{
		"no form":                  {Name: "a", Topic: "t", Description: "A."},
		"no topic":                 {Name: "a", Description: "A.", Forms: []Form{{Returns: "bigint"}}},
		"not a sentence":           {Name: "a", Topic: "t", Description: "A", Forms: []Form{{Returns: "bigint"}}},
		"not in lower case":        {Name: "A", Topic: "t", Description: "A.", Forms: []Form{{Returns: "bigint"}}},
		"which no argument has":    {Name: "a", Topic: "t", Description: "A.", Forms: []Form{{Args: Types{"map(K,V)"}, Returns: "array(T)"}}},
		"is not well formed":       {Name: "a", Topic: "t", Description: "A.", Forms: []Form{{Args: Types{"array(T"}, Returns: "T"}}},
		"variadic form without an": {Name: "a", Topic: "t", Description: "A.", Forms: []Form{{Variadic: true, Returns: "bigint"}}},
	} {
		p := List{f}.Problems()
		if len(p) != 1 || !strings.Contains(p[0], want) {
			t.Errorf("%q: problems are %q", want, p)
		}
	}
	if p := (List{sample[0], sample[0]}).Problems(); len(p) != 1 || !strings.Contains(p[0], "twice") {
		t.Errorf("a function given twice: %q", p)
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	if err := sample.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	const want = `
## Time

| function | gives | |
|---|---|---|
| ` + "`FLOOR(x TO unit)` | `timestamp`" + ` | The beginning of a unit of time. |
| ` + "`now()` | `timestamp`" + ` | The time of the query. *Not deterministic.* |

## Conditions

| function | gives | |
|---|---|---|
| ` + "`coalesce(T, ...)` | `T`" + ` | The first of its arguments that is not null. |
| ` + "`element_at(array(E), bigint)`<br>`element_at(map(K,V), K)` | `E`<br>`V`" + ` | The element at a place or key. |

## Windows

| function | gives | |
|---|---|---|
| ` + "`rank()` | `bigint`" + ` | The rank of a row. *Window.* |
`
	if b.String() != want {
		t.Errorf("got %s", b.String())
	}
}
