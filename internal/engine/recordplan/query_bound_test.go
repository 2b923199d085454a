package recordplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/itchyny/gojq"

	"github.com/brookmere/brookmere/internal/engine/jsontext"
)

// TestQueriesAreBounded runs queries that would take the machine's memory, or its time.
func TestQueriesAreBounded(t *testing.T) {
	big := `{"s":"` + strings.Repeat("x", 1<<18) + `","n":536870911}`
	for _, test := range []struct{ query, record string }{
		{`{k: ([range(1e9)] | length)}`, `{}`},
		{`{k: ("x" * 1e9 | length)}`, `{}`},
		{`{k: (.s * .n | length)}`, `{"s":"x","n":1e9}`},
		{`{k: (.n * .s | length)}`, `{"s":"x","n":1e9}`},
		{`{k: (.s *= .n | .s)}`, `{"s":"x","n":1e9}`},
		{`{k: (reduce range(40) as $i ("x"; . + .) | length)}`, `{}`},
		{`{k: (reduce range(40) as $i (["x"]; . += .) | length)}`, `{}`},
		{`{k: (reduce range(40) as $i ("x"; [.,.]) | tojson | length)}`, `{}`},
		{`{k: (reduce range(40) as $i ("x"; {a:.,b:.}) | tostring)}`, `{}`},
		{`{k: (reduce range(40) as $i ("x"; "\(.)\(.)"))}`, `{}`},
		{`{k: (reduce range(40) as $i ({}; .a = . | .b = .a) | tojson)}`, `{}`},
		{`{k: (reduce range(60) as $i ("\""; tojson))}`, `{}`},
		{`{k: (reduce range(60) as $i ("ab"; gsub("a";"aa")))}`, `{}`},
		{`{k: (reduce range(40) as $i (10; . * .))}`, `{}`},
		{`{k: ([limit(1e8; repeat("x"))] | length)}`, `{}`},
		{`{k: (def f: [., f]; f)}`, `{}`},
		{`{k: ([recurse([., .])] | length)}`, `{}`},
		{`{k: (.[.n] = 1 | length)}`, `{"n":536870911}`},
		{`{k: ([] | .[536870911] = 1 | length)}`, `{}`},
		{`{k: (.n as $n | [] | setpath([$n]; 1) | length)}`, `{"n":536870911}`},
		{`{k: (.n as $n | [] | getpath([$n]) = 1 | length)}`, `{"n":536870911}`},
		{`{k: (.n as $n | [] | nth($n) = 1 | length)}`, `{"n":536870911}`},
		{`{k: ([range(4000) as $i | .s | ascii_upcase] | length)}`, big},
		{`{k: ([.s | ascii_upcase, ascii_downcase | ascii_upcase, ascii_downcase | ascii_upcase, ascii_downcase | ascii_upcase, ascii_downcase | ascii_upcase, ascii_downcase | ascii_upcase, ascii_downcase | explode] | length)}`, big},
		{`{k: ([range(1000)|"a"*1000] | join("b"*100000) | length)}`, `{}`},
		{`{k: (.s | gsub("x"; "y") | length)}`, big},
		{`{k: (.s as $s | .s[:200] | gsub("x"; $s) | length)}`, big},
	} {
		k, err := CompileKeys(test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		r := parsed(t, test.record)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		var keys KeyValues
		err = k.Extract(r, &keys)
		runtime.ReadMemStats(&after)
		t.Logf("%6d ms %5d MB %s", time.Since(began).Milliseconds(), (after.TotalAlloc-before.TotalAlloc)>>20, test.query)
		var pe *PartitionError
		if took := after.TotalAlloc - before.TotalAlloc; took > 600<<20 || time.Since(began) > time.Minute || !errors.As(err, &pe) {
			t.Errorf("%s: %d MB in all, %v, %v", test.query, took>>20, time.Since(began), err)
		}
	}
	for _, query := range []string{`{k: (def __bounded: .; .a)}`, `{k: fromstream(.[])}`} {
		if _, err := CompileKeys(query); err == nil {
			t.Errorf("%s is accepted", query)
		}
	}
}

func parsed(t *testing.T, text string) *jsontext.Record {
	t.Helper()
	r := new(jsontext.Record)
	if _, err := r.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBoundsChangeNothing runs queries with the bounds and without.
func TestBoundsChangeNothing(t *testing.T) {
	record := `{"a":3,"b":-2.5,"s":"Text","t":"x,y","l":[3,1,2],"o":{"x":1,"y":{"z":null}},"ts":1700000000,"big":123456789012345678901234567890,"e":"","f":false,"n":null}`
	for _, query := range []string{
		`.a + .b`, `.a * .b`, `.s * 2`, `2 * .s`, `.s * 0`, `.o * {y:{w:1}}`, `.a, .b | . * 2`, `(.a, .b) * (1, 2)`, `(.l[], 1) + (1, 2)`, `.big * .big`, `.big + 1`,
		`.a *= 2`, `.l[] *= 2`, `(.a, .b) *= (2, 3)`, `.o.x *= .a`, `.l |= map(. + 1)`, `.l[1:] = [9]`, `.l[5] = 1`, `.o["q"] = .a`, `.["a"] += 1`, `del(.l[0], .o)`, `.a //= 4 | .n //= 5`,
		`[.l[] | . as $x | .+$x]`, `{a, s, (.s): .t}`, `{a: .l[]}`, `"\(.a)-\(.s)"`, `@base64`, `@json "v\(.l)"`, `@csv "\(.l)"`, `.t | split(",") | join("-")`, `.ts | todate`,
		`.ts | strftime("%Y-%m-%d %H")`, `.l | add, min, max, sort, unique, reverse, length`, `to_entries | from_entries`, `with_entries(.key |= ascii_upcase)`, `paths`, `[paths]`,
		`path(.l[1:])`, `path(..)`, `path(first(.l[]))`, `path(if .f then .a else .b end)`, `[..]`, `.l[1]`, `.l[-1]`, `.l[.a - 1]`, `.l[1:2]`, `.o.y.z`, `.x?.y`, `try error("x") catch .`, `.a / 0`, `.s - 1`,
		`reduce .l[] as $x (0; . + $x)`, `foreach .l[] as $x (0; . + $x; [$x, .])`, `def f(x): x * 2; f(.a)`, `def f: . + 1; .l[] | f`, `label $out | .l[] | if . == 1 then ., break $out else . end`,
		`setpath(["o","x"]; 7)`, `getpath(["o","y","z"])`, `[getpath(["l",0], ["l",1])]`, `.l | nth(1)`, `first(.l[])`, `limit(2; .l[])`, `.s | test("T")`, `.s | gsub("t"; "u")`, `.s | gsub("(?<x>[a-z])"; "<\(.x)>", "\(.x)")`, `.l | map(tostring) | join(", ", ";")`, `.s | explode | implode`,
		`.s | ltrimstr("Te")`, `[.l[] as [$x] | $x]?`, `.. |= .`, `walk(if type == "number" then . + 1 else . end)`, `map_values(1)`, `-.a`, `-(.a, .b)`, `.l as [$x, $y] | $x * $y`, `tojson | fromjson`,
		`def f: def g: 3; g * 2; f`, `.a as $x | .b as $y | $x * $y + $x`, `[.l[] * 2] + [1] | .[0]`, `{a: 1} + {b: 2} | .b`, `[1,2][0]`, `{"x": [1,2]}.x[1]`, `"abc" | .[1:2]`, `@text "a\(1 + 2)b"`, `limit(3; repeat(1))`,
	} {
		plain, err := gojq.Parse(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		run := new(queryRun)
		bounded, err := compileBounded(query, run)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		code, err := gojq.Compile(plain)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		results := func(code *gojq.Code, ctx context.Context) (all []string) {
			var in any
			d := json.NewDecoder(strings.NewReader(record))
			d.UseNumber()
			if err := d.Decode(&in); err != nil {
				t.Fatal(err)
			}
			for it := code.RunWithContext(ctx, in); len(all) < 1000; {
				v, ok := it.Next()
				if !ok {
					break
				}
				if err, ok := v.(error); ok {
					all = append(all, "error "+err.Error())
					break
				}
				b, err := gojq.Marshal(v)
				all = append(all, fmt.Sprint(string(b), err))
			}
			return all
		}
		run.begin(len(record))
		want, got := results(code, context.Background()), results(bounded, run)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
}
