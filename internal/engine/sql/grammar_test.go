package sql

import (
	"reflect"
	"strings"
	"testing"
)

// pump is a statement of a language that is made here.
type pump struct {
	StatementNode
	name  Identifier
	query *Query
}

func (p *pump) Children(f func(Node)) { f(p.query) }
func (p *pump) SQL(print func(Node) string) string {
	return "CREATE PUMP " + p.name.Name + " AS " + print(p.query)
}

// word is a modifier or a clause.
type word struct {
	Position
	text string
}

func (*word) Children(func(Node))            {}
func (w *word) SQL(func(Node) string) string { return w.text }

type floor struct {
	ExprNode
	x    Expr
	unit string
}

func (x *floor) Children(f func(Node)) { f(x.x) }
func (x *floor) SQL(print func(Node) string) string {
	return "FLOOR(" + print(x.x) + " TO " + x.unit + ")"
}

func TestGrammar(t *testing.T) {
	o := Options{Dialect: Streaming, Grammar: &Grammar{
		Statement: func(p *Parser) Statement {
			at := p.Position()
			if !p.Accept("CREATE", "PUMP") {
				return nil
			}
			s := &pump{StatementNode: StatementNode{at}, name: p.Identifier()}
			p.Expect("AS")
			s.query = p.Query()
			return s
		},
		Select: func(p *Parser, s *Select) {
			if at := p.Position(); p.Accept("STREAM") {
				s.Modifier = &word{at, "STREAM"}
			}
		},
		Clause: func(p *Parser, s *Select) {
			if at := p.Position(); p.Accept("WINDOWED", "BY", "TUMBLING") {
				s.Extension = &word{at, "WINDOWED BY TUMBLING"}
			}
		},
		Operand: func(p *Parser) Expr {
			at, mark := p.Position(), p.Mark()
			if !p.At("FLOOR") || !p.AtSymbol(1, "(") {
				return nil
			}
			p.Accept("FLOOR")
			p.ExpectSymbol("(")
			x := p.Expr()
			if !p.Accept("TO") {
				p.Reset(mark)
				return nil
			}
			unit := p.Identifier().Name
			p.ExpectSymbol(")")
			return &floor{ExprNode{at}, x, unit}
		},
	}}
	const text = "CREATE PUMP p AS SELECT STREAM FLOOR(s.t TO MINUTE) + 1, floor(x), max(y) OVER (PARTITION BY k RANGE INTERVAL '1' MINUTE PRECEDING) FROM s GROUP BY a WINDOWED BY TUMBLING"
	all, err := o.ParseAll(text + "; SELECT 1;")
	if err != nil || len(all) != 2 {
		t.Fatal(len(all), err)
	}
	if got := Print(all[0]); got != text {
		t.Errorf("printed:\n%s\nwant:\n%s", got, text)
	}
	var names []string
	Walk(all[0], func(n Node) bool {
		if n, ok := n.(*Name); ok {
			names = append(names, n.Ident.Name)
		}
		return true
	})
	if got := strings.Join(names, " "); got != "s x y k a" {
		t.Errorf("names met: %s", got)
	}
	if _, err := Parse(text); err == nil {
		t.Error("Athena's language has pumps")
	}
}

// TestWalkMeetsAll: the nodes that Walk meets are those that the trees hold.
func TestWalkMeetsAll(t *testing.T) {
	for _, text := range []string{
		"WITH q AS (SELECT 1 x) SELECT DISTINCT a.b[1], CASE x WHEN 1 THEN 2 ELSE 3 END, CAST(x AS array(integer)), count(DISTINCT y ORDER BY z) FILTER (WHERE w > 1) OVER (PARTITION BY p ORDER BY o ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t TABLESAMPLE BERNOULLI (10), UNNEST(u) WITH ORDINALITY v(c), LATERAL (SELECT 2) l JOIN j ON j.a = t.b WHERE x BETWEEN 1 AND 2 AND y IN (1, 2) AND z IN (SELECT 1) AND EXISTS (SELECT 1) AND a LIKE 'b' ESCAPE 'c' AND d IS NULL AND e IS DISTINCT FROM f AND g > ALL (SELECT 1) GROUP BY ROLLUP (a, b) HAVING count(*) > 1 ORDER BY 1 OFFSET 2 LIMIT 3",
		"SELECT json_value(j, 'lax $.a' PASSING p AS q RETURNING bigint DEFAULT 1 ON EMPTY NULL ON ERROR), json_object('a' : b), transform(a, x -> x + 1), ROW(1, 2), ARRAY[a], DATE '2024-01-01', extract(year FROM d), t AT TIME ZONE 'UTC', (SELECT 1), -x, NOT y, ?",
		"CREATE TABLE t WITH (format = 'ORC', x = ARRAY['a']) AS SELECT 1 a", "UNLOAD (SELECT 1) TO 's3://b/' WITH (format = 'JSON')", "EXECUTE p USING 1, 'a'", "PREPARE p FROM SELECT ?", "EXPLAIN SELECT 1", "INSERT INTO t VALUES (1, 2)",
	} {
		s, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, want := map[Node]bool{}, map[Node]bool{}
		Walk(s, func(n Node) bool { got[n] = true; return true })
		reflected(reflect.ValueOf(s), want)
		for n := range want {
			if !got[n] {
				t.Errorf("%T at %d is not met in %s", n, n.Pos().Column, text)
			}
		}
		for n := range got {
			if !want[n] {
				t.Errorf("%T is met and not there in %s", n, text)
			}
		}
	}
}

// reflected collects the nodes below a value that are pointers.
func reflected(v reflect.Value, to map[Node]bool) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		if n, ok := v.Interface().(Node); ok && v.Kind() == reflect.Pointer {
			switch n.(type) {
			case *Identifier:
			default:
				to[n] = true
			}
		}
		reflected(v.Elem(), to)
	case reflect.Struct:
		for i := range v.NumField() {
			reflected(v.Field(i), to)
		}
	case reflect.Slice:
		for i := range v.Len() {
			reflected(v.Index(i), to)
		}
	}
}
