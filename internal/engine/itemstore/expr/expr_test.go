package expr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/itemstore/attr"
)

var item = attr.Item{
	"a": attr.Number("5"), "b": attr.String("hello"), "l": attr.List{attr.Number("1"), attr.Map{"k": attr.String("v")}}, "m": attr.Map{"x": attr.Number("2"), "y": attr.Map{"z": attr.Bool(true)}},
	"n": attr.List{attr.String("x"), attr.List{attr.Number("1"), attr.Number("2")}, attr.StringSet{"p"}}, "ss": attr.StringSet{"p", "q"}, "bin": attr.Binary{1, 2}, "nul": attr.Null{},
}

func params() *Params {
	return &Params{
		Names:  map[string]string{"#a": "a", "#s": "status"},
		Values: map[string]attr.Value{":5": attr.Number("5"), ":6": attr.Number("6"), ":h": attr.String("hell"), ":s": attr.String("p"), ":N": attr.String("N"), ":t": attr.Bool(true), ":ss": attr.StringSet{"p"}, ":l": attr.List{attr.Number("9")}},
	}
}

func TestConditions(t *testing.T) {
	for text, want := range map[string]bool{
		"a = :5": true, ":5 = a": true, "a <> :5": false, "gone <> :5": true, "gone = :5": false, "a < :6 AND a >= :5": true, "a > :6 or b = b2": false,
		"NOT a = :6": true, "not (a = :5)": false, "a BETWEEN :5 AND :6": true, "a IN (:6, :5)": true, "gone IN (:5)": false,
		"attribute_exists(m.y.z)": true, "attribute_not_exists(l[5])": true, "attribute_type(a, :N)": true, "begins_with(b, :h)": true, "contains(ss, :s)": true,
		"contains(l, :5)": false, "size(b) = :5": true, "size(gone) < :5": false, "m.y.z = :t": true, "l[1].k = :s": false, "(#a = :5) AND (b <> :s)": true, "(a) = :5": true,
		"a = :5 OR a = :6 AND b = :s": true, "NOT attribute_exists(gone) AND a = :5": true,
	} {
		c, err := ParseCondition(text, params())
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Eval(item); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"":                        "The expression can not be empty;",
		"a = ":                    `Syntax error; token: "<EOF>", near: "="`,
		"a == :5":                 `Syntax error; token: "=", near: "== :5"`,
		"a = :none":               "An expression attribute value used in expression is not defined; attribute value: :none",
		"#none = :5":              "An expression attribute name used in the document path is not defined; attribute name: #none",
		"foo(a)":                  "Invalid function name; function: foo",
		"size(a)":                 "The function is not allowed to be used this way in an expression; function: size",
		"contains(a)":             "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
		"attribute_exists(:5)":    "Operator or function requires a document path; operator or function: attribute_exists",
		"begins_with(b, :5)":      "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"a < :t":                  "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"a = a":                   "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
		"((a = :5))":              "The expression has redundant parentheses;",
		"a BETWEEN :6 AND :5":     "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:6}, upper bound operand: AttributeValue: {N:5}",
		"if_not_exists(a, :5)":    "The function is not allowed in a condition expression; function: if_not_exists",
		"name = :5":               "Attribute name is a reserved keyword; reserved keyword: name",
		strings.Repeat("x", 5000): "Expression size has exceeded the maximum allowed size",
		"attribute_type(a, :h)":   "Invalid attribute type name found; type: hell, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"a = :5 AND":              `Syntax error; token: "<EOF>", near: "AND"`,
		strings.Repeat("(", 1363) + "a = :5" + strings.Repeat(")", 1363):      "The expression has redundant parentheses;",
		strings.Repeat("(", 2000) + "a" + strings.Repeat(")", 2000) + "=:5":   "The expression has redundant parentheses;",
		strings.Repeat("NOT ", 1000) + "a = :5":                               "The expression contains too many operators; operator count: 301",
		"a < " + strings.Repeat("f(", 1355) + "b" + strings.Repeat(")", 1355): "Invalid function name; function: f",
		strings.Repeat("(", 4096):                                             `Syntax error; token: "<EOF>", near: "("`,
		"attribute_exists(a) = :5":                                            "The function is not allowed to be used this way in an expression; function: attribute_exists",
	} {
		_, err := ParseCondition(text, params())
		var e *Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}

func TestUpdates(t *testing.T) {
	for text, want := range map[string]string{
		"SET a = a + :5, c = :h":               `"a":{"N":"10"}`,
		"SET c = if_not_exists(gone, :6) - a":  `"c":{"N":"1"}`,
		"SET l = list_append(l, :l)":           `"l":{"L":[{"N":"1"},{"M":{"k":{"S":"v"}}},{"N":"9"}]}`,
		"SET l[0] = :6, l[7] = :h":             `"l":{"L":[{"N":"6"},{"M":{"k":{"S":"v"}}},{"S":"hell"}]}`,
		"REMOVE l[0], m.x SET m.y.fresh = m.x": `"l":{"L":[{"M":{"k":{"S":"v"}}}]},"m":{"M":{"y":{"M":{"fresh":{"N":"2"},"z":{"BOOL":true}}}}}`,
		"REMOVE n[0], n[1][0]":                 `"n":{"L":[{"L":[{"N":"2"}]},{"SS":["p"]}]}`,
		"REMOVE n[1][0], n[0], n[1][1], n[9]":  `"n":{"L":[{"L":[]},{"SS":["p"]}]}`,
		"DELETE n[2] :ss REMOVE n[1][1], n[0]": `"n":{"L":[{"L":[{"N":"1"}]}]}`,
		"ADD a :5 DELETE ss :ss":               `"ss":{"SS":["q"]}`,
		"ADD fresh :ss, num :5":                `"fresh":{"SS":["p"]}`,
		"set #s = :h remove gone, m.gone":      `"status":{"S":"hell"}`,
		"SET x = (a + :5), y = (:6)":           `"x":{"N":"10"},"y":{"N":"6"}`,
	} {
		u, err := ParseUpdate(text, params())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		before := string(attr.AppendJSON(nil, item))
		got, err := u.Apply(item)
		if err != nil || !strings.Contains(string(attr.AppendJSON(nil, got)), want) {
			t.Errorf("%s: %s, %v; want %s", text, attr.AppendJSON(nil, got), err, want)
		}
		if after := string(attr.AppendJSON(nil, item)); after != before {
			t.Fatalf("%s changed the item it was given: %s", text, after)
		}
	}
	for text, want := range map[string]error{"SET x = gone": ErrMissing, "SET a = b + :5": ErrOperandType, "SET gone.x = :5": ErrPath, "REMOVE b.x": ErrPath, "ADD b :5": ErrOperandType, "SET l.x = :5": ErrPath,
		"DELETE b.x :ss": ErrPath, "DELETE gone.x :ss": ErrPath, "DELETE l.x :ss": ErrPath} {
		u, err := ParseUpdate(text, params())
		if err == nil {
			_, err = u.Apply(item)
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"INVALID SYNTAX HERE":     `Syntax error; token: "INVALID", near: "INVALID SYNTAX"`,
		"SET a = :5, a = :6":      "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"SET a.b = :5, a[1] = :6": "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
		"ADD a :h":                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"SET a = b + (c + :5)":    "Syntax error; token: \"+\", near: \"c + :5\"",
		"SET a = (b + c) + :5":    "Syntax error; token: \"+\", near: \") + :5\"",
		"SET AND = :5":            "Syntax error; token: \"AND\", near: \"SET AND =\"",
		"SET a[01] = :5":          "Syntax error; token: \"1\", near: \"01]\"",
		"SET a = foo()":           "Syntax error; token: \")\", near: \"()\"",
		"SET _a = :5":             "Syntax error; token: \"_\", near: \"SET _a\"",
		"SET a = if_not_exists(a, list_append(b, c))": "The function is not allowed to be used this way in an expression; function: list_append",
		"DELETE a :5":     "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND",
		"SET a = :h + :5": "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET a = size(b)": "The function is not allowed in an update expression; function: size",
	} {
		_, err := ParseUpdate(text, params())
		var e *Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestProjection(t *testing.T) {
	p, err := ParseProjection("l[1].k, m.y, #a, gone.x, l[0]", params())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(attr.AppendJSON(nil, p.Of(item))); got != `{"a":{"N":"5"},"l":{"L":[{"N":"1"},{"M":{"k":{"S":"v"}}}]},"m":{"M":{"y":{"M":{"z":{"BOOL":true}}}}}}` {
		t.Error(got)
	}
}

// TestConditionsAgainstAnInterpreter builds random conditions beside the value that they
// must have.
func TestConditionsAgainstAnInterpreter(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var build func(depth int) (string, bool)
	build = func(depth int) (string, bool) {
		if depth == 0 || rng.IntN(4) == 0 {
			x, y := rng.IntN(4), rng.IntN(4)
			op := []string{"=", "<>", "<", "<=", ">", ">="}[rng.IntN(6)]
			v := map[string]bool{"=": x == y, "<>": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]
			return fmt.Sprintf("n%d %s :%d", x, op, y), v
		}
		l, lv := build(depth - 1)
		if rng.IntN(4) == 0 {
			return "NOT (" + l + ")", !lv
		}
		r, rv := build(depth - 1)
		if rng.IntN(2) == 0 {
			return "(" + l + ") AND (" + r + ")", lv && rv
		}
		return "(" + l + ") OR (" + r + ")", lv || rv
	}
	values, it := map[string]attr.Value{}, attr.Item{}
	for i := range 4 {
		values[fmt.Sprint(":", i)] = attr.Number(fmt.Sprint(i))
		it[fmt.Sprint("n", i)] = attr.Number(fmt.Sprint(i))
	}
	for range 3000 {
		text, want := build(4)
		c, err := ParseDoubled(text, &Params{Values: values})
		if err != nil {
			var e *Error
			if errors.As(err, &e) && strings.HasPrefix(e.Message, "Expression size") {
				continue
			}
			t.Fatalf("%s: %v", text, err)
		}
		if got := c.Eval(it); got != want {
			t.Fatalf("%s is %v, want %v", text, got, want)
		}
	}
}

func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"a = :5 AND NOT (b IN (:6))", "SET a = list_append(if_not_exists(l, :l), :l) REMOVE l[0]", "l[1].k, m", "((a) = size(b))", "contains(:5, a) OR"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseCondition(s, params()); err == nil {
			c.Eval(item)
			c.Eval(nil)
			c.Paths()
		}
		if u, err := ParseUpdate(s, params()); err == nil {
			u.Apply(item)
			u.Apply(nil)
		}
		if p, err := ParseProjection(s, params()); err == nil {
			p.Of(item)
		}
	})
}

// A long run of parentheses costs no more than its length for each level that is allowed.
func BenchmarkNestedParentheses(b *testing.B) {
	text := "SET a = " + strings.Repeat("(", 2000) + ":5" + strings.Repeat(")", 2000)
	for b.Loop() {
		if _, err := ParseUpdate(text, &Params{}); err == nil {
			b.Fatal("taken")
		}
	}
}

// TestLargeSets: what joins sets, or takes members away, does not compare each with each.
func TestLargeSets(t *testing.T) {
	const n = 2000
	var a, b []int
	for i := range n {
		a, b = append(a, 2*i), append(b, 3*(n-i))
	}
	compared := 0
	compare := func(x, y int) int { compared++; return x - y }
	left := difference(a, b, compare)
	for _, x := range left {
		if x%3 == 0 && x > 0 {
			t.Errorf("%d is left", x)
		}
	}
	if all := union(a, b, compare); len(left) != 2*n/3+1 || len(all) != len(left)+n || !slices.IsSorted(all) {
		t.Errorf("%d are left, %d joined", len(left), len(all))
	}
	if compared > 200*n {
		t.Errorf("%d members were compared %d times", n, compared)
	}
}
