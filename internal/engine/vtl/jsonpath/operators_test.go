package jsonpath

import (
	"strings"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

// TestFilterOperators: what Jayway's JsonPath 2.9.0 gives; ! is an exception.
func TestFilterOperators(t *testing.T) {
	root, err := vtl.FromJSON(`{"a":[{"n":"Alpha","t":["x","y"],"p":1,"e":"","l":[],"b":true},{"n":"beta","t":["y","z"],"p":2.5,"e":"full","l":[1],"b":false},{"n":"al\npha","t":"xyz","p":"3","m":{}},{"n":42,"t":[1,2,"3"],"p":null},"text",7,null],"s":["x","y","z"],"r":"Al.*","two":2}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{`$.a[?(@.n =~ /Al.*/)].n`, `["Alpha"]`},
		{`$.a[?(@.n =~ /al.*/)].n`, `[]`},
		{`$.a[?(@.n =~ /al.*/i)].n`, `["Alpha"]`},
		{`$.a[?(@.n =~ /AL.*/is)].n`, `["Alpha","al\npha"]`},
		{`$.a[?(@.n =~ /al.*/s)].n`, `["al\npha"]`},
		{`$.a[?(@.n =~ /al/)].n`, `[]`},
		{`$.a[?(@.n =~ /4\d/)].n`, `[42]`},
		{`$.a[?(@.n =~ /.*a$/)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.n =~ /a/b/)].n`, `!`},
		{`$.a[?(@.n =~ /a\/b/)].n`, `[]`},
		{`$.a[?(@.n =~ /[/)].n`, `!`},
		{`$.a[?(@.n =~ /x)].n`, `!`},
		{`$.a[?(@.n =~ /al.*/q)].n`, `!`},
		{`$.a[?(@.n =~ 'Al.*')].n`, `[]`},
		{`$.a[?(@.n =~ @.n)].n`, `[]`},
		{`$.a[?(/Al.*/ =~ @.n)].n`, `["Alpha"]`},
		{`$.a[?(@.t =~ /x/)].n`, `["Alpha"]`},
		{`$.a[?(/x/ =~ @.t)].n`, `["Alpha"]`},
		{`$.a[?(@.zz =~ /.*/)].n`, `["Alpha","beta","al\npha",42]`},
		{`$.a[?(@.b =~ /true/)].n`, `["Alpha"]`},
		{`$.a[?(@.p =~ /.*/)].n`, `["Alpha","beta","al\npha",42]`},
		{`$.a[?(@ =~ /te.*/)]`, `["text"]`},
		{`$.a[?(@.n == /Al.*/)].n`, `[]`},
		{`$.a[?(@.n in ['Alpha','beta'])].n`, `["Alpha","beta"]`},
		{`$.a[?(@.n IN ['Alpha','beta'])].n`, `["Alpha","beta"]`},
		{`$.a[?(@.n nin ['Alpha','beta'])].n`, `["al\npha",42]`},
		{`$.a[?(@.n NIN ['Alpha'])].n`, `["beta","al\npha",42]`},
		{`$.a[?(@.zz nin ['Alpha'])].n`, `["Alpha","beta","al\npha",42]`},
		{`$.a[?(@.zz in ['Alpha'])].n`, `[]`},
		{`$.a[?(@.n nin @.t)].n`, `["Alpha","beta",42]`},
		{`$.a[?(@.n in 'Alpha')].n`, `[]`},
		{`$.a[?(@.n nin 'Alpha')].n`, `[]`},
		{`$.a[?('x' in @.t)].n`, `["Alpha"]`},
		{`$.a[?('x' in $.s)].n`, `["Alpha","beta","al\npha",42]`},
		{`$.a[?(@.p in [1, 3])].n`, `["Alpha","al\npha"]`},
		{`$.a[?(@.t subsetof ['x','y','z'])].n`, `["Alpha","beta"]`},
		{`$.a[?(@.t subsetof $.s)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.l subsetof $.s)].n`, `["Alpha"]`},
		{`$.a[?(@.n subsetof $.s)].n`, `[]`},
		{`$.a[?(@.zz subsetof $.s)].n`, `[]`},
		{`$.a[?(@.t subsetof 'x')].n`, `[]`},
		{`$.a[?(@.t anyof ['x','q'])].n`, `["Alpha"]`},
		{`$.a[?(@.t anyof $.s)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.l anyof $.s)].n`, `[]`},
		{`$.a[?(@.n anyof $.s)].n`, `[]`},
		{`$.a[?(@.t noneof ['x','q'])].n`, `["beta",42]`},
		{`$.a[?(@.l noneof ['x','q'])].n`, `["Alpha","beta"]`},
		{`$.a[?(@.zz noneof ['x','q'])].n`, `[]`},
		{`$.a[?(@.n noneof ['x','q'])].n`, `[]`},
		{`$.a[?(@.t contains 'x')].n`, `["Alpha","al\npha"]`},
		{`$.a[?(@.n contains 'ph')].n`, `["Alpha","al\npha"]`},
		{`$.a[?(@.t contains 1)].n`, `[42]`},
		{`$.a[?(@.t contains '1')].n`, `[42]`},
		{`$.a[?(@.zz contains 'x')].n`, `[]`},
		{`$.a[?(@.n contains 4)].n`, `[]`},
		{`$.a[?('Alphabet' contains @.n)].n`, `["Alpha"]`},
		{`$.a[?(@.t size 2)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.n size 4)].n`, `["beta"]`},
		{`$.a[?(@.t size '2')].n`, `[]`},
		{`$.a[?(@.t size $.two)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.t size @.p)].n`, `["beta"]`},
		{`$.a[?(@.m size 0)].n`, `[]`},
		{`$.a[?(@.zz size 0)].n`, `[]`},
		{`$.a[?(@.l empty true)].n`, `["Alpha"]`},
		{`$.a[?(@.l empty false)].n`, `["beta"]`},
		{`$.a[?(@.e empty true)].n`, `["Alpha"]`},
		{`$.a[?(@.e empty false)].n`, `["beta"]`},
		{`$.a[?(@.m empty true)].n`, `!`},
		{`$.a[?(@.zz empty true)].n`, `[]`},
		{`$.a[?(@.p empty true)].n`, `[]`},
		{`$.a[?(@.l empty 'true')].n`, `[]`},
		{`$.a[?(@.t all ['x','y'])].n`, `[]`},
		{`$.a[?(@.t all ['x'])].n`, `[]`},
		{`$.a[?(@.t all $.s)].n`, `[]`},
		{`$.a[?(@.n all ['x'])].n`, `[]`},
		{`$.a[?(@.zz all ['x'])].n`, `[]`},
		{`$.a[?(@.t all [])].n`, `[]`},
		{`$.a[?(@.p === 1)].n`, `["Alpha"]`},
		{`$.a[?(@.p === '1')].n`, `[]`},
		{`$.a[?(@.p == '1')].n`, `["Alpha"]`},
		{`$.a[?(@.p !== 1)].n`, `["beta","al\npha",42]`},
		{`$.a[?(@.p !== '3')].n`, `["Alpha","beta",42]`},
		{`$.a[?(@.p === 3)].n`, `[]`},
		{`$.a[?(@.p type 'x')].n`, `[]`},
		{`$.a[?(@.p exists true)].n`, `[]`},
		{`$.a[?(@.zz exists false)].n`, `[]`},
		{`$.a[?(@.t == ['x','y'])].n`, `["Alpha"]`},
		{`$.a[?(@.t != ['x','y'])].n`, `["beta","al\npha",42]`},
		{`$.a[?(@.m == {})].n`, `["al\npha"]`},
		{`$.a[?(@.b)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.b == true && @.n =~ /A.*/)].n`, `["Alpha"]`},
		{`$.a[?(@.n =~ /A.*/ || @.p == 2.5)].n`, `["Alpha","beta"]`},
		{`$.a[?(!(@.n =~ /A.*/))].n`, `["beta","al\npha",42]`},
		{`$.a[?(@.nin == 1)].n`, `[]`},
		{`$.a[?(@.n between 1)].n`, `!`},
		{`$.a[?(@.n=~/Al.*/)].n`, `["Alpha"]`},
		{`$.a[?(@.t  size  2)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.tsize 2)].n`, `!`},
		{`$.a[?(@.n =~ /Al.*/ && @.t contains 'x')].n`, `["Alpha"]`},
		{`$.a[?(@['n'] =~ /Al.*/)].n`, `["Alpha"]`},
		{`$..[?(@.n =~ /b.*/)].p`, `[2.5]`},
		{`$.a[?(@.p > '2')].n`, `["al\npha"]`},
		{`$.a[?(@.p >= 2.5)].n`, `["beta"]`},
		{`$.a[?(@.n > 'a')].n`, `["beta","al\npha"]`},
		{`$.a[?(@.t[0] in ['x'])].n`, `["Alpha"]`},
		{`$.a[?(@.t.length() == 2)].n`, `["Alpha","beta"]`},
		{`$.a[?(@.p matches 1)].n`, `[]`},
		{`$.a[?(@.n =~ /(?i)AL.*/)].n`, `["Alpha"]`},
		{`$.a[?(@.n =~ //)].n`, `[]`},
		{`$.a[?(@.e =~ //)].p`, `[1,"3",null]`},
		{`$.a[?(@.e =~ /()/)].p`, `[1,"3",null]`},
	} {
		got := "!"
		if p, err := Parse(c.path); err == nil {
			if v, err := p.Get(root); err == nil {
				if got, err = vtl.JSON(v, 1<<20); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
}

// TestPatternsAreBounded: a pattern that backtracks for ever ends the evaluation.
func TestPatternsAreBounded(t *testing.T) {
	root, err := vtl.FromJSON(`["` + strings.Repeat("a", 40) + `!"]`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(`$[?(@ =~ /(a+)+/)]`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(root); err == nil {
		t.Error("it is matched")
	}
}
