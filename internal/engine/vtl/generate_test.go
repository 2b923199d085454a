package vtl_test

import (
	"math/rand/v2"
	"strings"
)

// drawVariables are the variables that drawn templates know.
const drawVariables = `{"x":1,"y":2,"big":3000000000,"f":1.5,"neg":-7,"s":"Hello, World","e":"","u":"größe €😀","t":true,"n":false,` +
	`"l":[3,1,2],"el":[],"em":{},"m":{"a":1,"b":"two","c":{"d":[1,{"e":"f"}]}},"ls":["a","b","c"],"q":"it's \"quoted\"",` +
	`"o":[{"name":"p","qty":2,"price":1.25},{"name":"q","qty":3,"price":10}],"num":"42","csv":"a,b,,c,,"}`

// drawDocument is what drawn paths are for.
const drawDocument = `{"a":{"b":[{"c":1,"d":"x"},{"c":2.5,"d":"y","e":null},{"c":"3","f":[1,2,[3,4]]},7,"t",null,true],"a":{"b":{"c":"deep"}}},` +
	`"b":[[1,2],[3,[4,5]],[]],"c":{},"d":"text","e":null,"n":10,"f":[],"a b":{"c.d":1},"x-y":2,"$k":3,"ü":"ß"}`

// generator draws templates and paths.
type generator struct {
	*rand.Rand
	macro bool // the template has its macro
}

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

// chance is true in so many of a hundred.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// reference draws a reference, which may lead to nothing.
func (g *generator) reference() string {
	return g.one("$x", "$y", "$f", "$s", "$l", "$m", "$t", "$n", "$big", "$neg", "$e", "$u", "$el", "$em", "$q", "$i", "$a", "$b", "$none",
		"${x}", "$!none", "$!{s}", "${none}", "$!{none}", "${m.zz}", "$m.a", "$m.b.length()", "$m.c.d", "$m.c.d[1].e", "$l.size()", "$l[1]", "$l[-1]",
		"$m['b']", `$m["c"]`, "$m.get('a')", "$m.keySet()", "$m.containsKey('a')", "$x.y.z", "$!m.q.r()", "$!foreach.index", "$velocityCount",
		"$foreach.count", "$foreach.hasNext", "$s.substring(1)", "$s.substring(0, 4)", "$s.toUpperCase()", "$s.indexOf('o')", "$s.replace('l', 'L')",
		"$s.replaceAll('[aeiou]', '<$0>')", "$u.length()", "$u.charAt(6)", "$u.substring(2, 5)", "$csv.split(',')[1]", "$csv.split(',').size()", "$s.equals('x')", "$num.length()",
		"$o[0].name", "$o[1].price", "$ls.contains('b')", "$ls.indexOf('c')", "$s.hashCode()", "$s.foo()", "$x.toString()", "$f.intValue()", "$q.trim()", "$s.contains($e)")
}

func (g *generator) literal() string {
	return g.one("1", "2", "-3", "0", "1.5", "10.0", "'q'", `"v $x"`, `"w"`, `""`, `"$m.a-${s}"`, `"it''s"`, `"#if($t)in#end"`, "true", "false", "[1,2]", "[1..3]", "[3..1]",
		`{"k":1}`, `{}`, `[]`, `[$x, "y", [2]]`, "2147483647", "9223372036854775807")
}

func (g *generator) expression(depth int) string {
	if depth > 2 || g.chance(40) {
		if g.chance(50) {
			return g.literal()
		}
		return strings.Replace(g.reference(), "$!", "$", 1)
	}
	if g.chance(8) {
		return g.one("!", "not ") + "(" + g.expression(depth+1) + ")"
	}
	left, right := g.expression(depth+1), g.expression(depth+1)
	if g.chance(15) {
		left = "(" + left + ")"
	}
	return left + " " + g.one("+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "and", "or", "eq", "ne", "lt", "ge") + " " + right
}

func (g *generator) blank() string {
	return g.one("\n", " ", "", "  ", "\t", "\n\n", " \n", "\r\n", "text", "a,b", "-", ".", "\"k\": ", "\n{\n", " }", "; [0] ", " ]", " (", ") ", "é")
}

func (g *generator) template(depth int) string {
	var b strings.Builder
	put := func(parts ...string) {
		b.WriteString(g.blank())
		for _, p := range parts {
			b.WriteString(p)
		}
		b.WriteString(g.blank())
	}
	for range 1 + g.IntN(5) {
		switch k := g.IntN(100); {
		case k < 25:
			b.WriteString(g.blank() + g.reference() + g.blank())
		case k < 40:
			put("#set(", g.one("$a", " $a", "$b", "$em.k", "$a.z", "$l[0]"), g.one("", " "), "=", g.one("", " "), g.expression(0), g.one("", " "), ")")
		case k < 55 && depth < 3:
			put("#if", g.one("", " "), "(", g.expression(0), ")", g.blank(), g.template(depth+1))
			if g.chance(50) {
				b.WriteString(g.one("#else ", "#{else}", " #else\n", "#elseif("+g.expression(0)+")") + g.blank() + g.template(depth+1))
			}
			b.WriteString("#end" + g.blank())
		case k < 65 && depth < 3:
			put("#foreach", g.one("", " "), "(", g.one("", " "), "$i in ", g.one("$l", "[1..3]", "$m", "$none", "['a','b']", "$o", "$m.keySet()", "$m.entrySet()", "$csv.split(',')"), g.one("", " "), ")",
				g.blank(), g.template(depth+1), g.one("", "", "#if($foreach.hasNext),#end", "#break"), "#end")
		case k < 70:
			put(g.one("## c\n", "#* c *#", "#[[ $x ]]#", "#** d\n*#"))
		case k < 75:
			put(g.one(`\$x`, `\\$x`, `\$none`, `\#if`, `\#foo`, "#foo b", "#foo.", "# b", "$ b", "$1", "#1", `\\`, `\`, "$$x", "$-"))
		case k < 78 && depth == 0 && !g.macro:
			g.macro = true
			put("#macro(mm $p $r)[$p|$r]#end#mm(", g.one("1 2", "$x 'y'", `"v $x", $none`), ")")
		case k < 80 && depth == 0:
			put("#define($w)", g.template(2), "#end$w")
		default:
			b.WriteString(g.blank())
		}
	}
	return b.String()
}

func (g *generator) name() string { return g.one("a", "b", "c", "d", "e", "n", "f", "zz") }

// path draws a JSON path; one with more than $ before it within a filter.
func (g *generator) path(depth int) string {
	var b strings.Builder
	if depth == 0 {
		b.WriteString(g.one("$", "$", "$", "$", "$", "a", "$.a.b", "$.a.b", "$.a.b", "$.b"))
	}
	for range g.IntN(4) {
		switch k := g.IntN(100); {
		case k < 40:
			b.WriteString("." + g.name())
		case k < 50:
			b.WriteString("['" + g.one("a", "b", "a b", "c.d", "x-y", "ü", "zz") + "']")
		case k < 62:
			b.WriteString("[" + g.one("0", "1", "-1", "2", "9", "-9", "0,1", "1,0,9", "*", ":2", "1:", "-2:", "0:-1", "1:3", ":") + "]")
		case k < 70:
			b.WriteString(g.one("[*]", ".*"))
		case k < 78:
			b.WriteString(".." + g.one("a", "b", "c", "zz"))
		case k < 82:
			b.WriteString(g.one("['a','b']", "['c','zz']", "['a', 'd']", `["c","d"]`))
		case depth < 2:
			b.WriteString("[?(" + g.filter(depth+1) + ")]")
		}
	}
	if depth == 0 && g.chance(8) {
		b.WriteString(g.one("..*", "..[0]", "..[*]", "..[-1]", "..['c','d']", "..[?(@.c)]", "..[?(@.d == 'x')]", "..[1:]"))
	}
	if depth == 0 && !strings.Contains(b.String(), "..") && g.chance(10) {
		b.WriteString(g.one(".length()", ".size()", ".min()", ".max()", ".sum()", ".avg()", ".keys()"))
	}
	return b.String()
}

func (g *generator) filter(depth int) string {
	at := "@" + g.one("", ".c", ".d", ".e", ".f", ".zz", ".b.c", "['c']", "[0]")
	switch k := g.IntN(10); {
	case k < 2:
		return g.one("", "!") + at
	case k < 4 && depth < 3:
		return g.filter(depth+1) + g.one(" && ", " || ") + g.filter(depth+1)
	}
	return at + g.one(" == ", " != ", " < ", " > ", " <= ", ">=", " == ") + g.one("1", "2.5", "'x'", `"y"`, "null", "true", "'3'", "3", "$.n", "@.d", "$.zz", "10")
}
