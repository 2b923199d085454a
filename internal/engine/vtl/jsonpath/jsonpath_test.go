package jsonpath

import (
	"errors"
	"testing"

	"github.com/brookmere/brookmere/internal/engine/vtl"
)

const store = `{"store":{"book":[
 {"category":"reference","author":"Nigel Rees","title":"Sayings","price":8.95},
 {"category":"fiction","author":"Evelyn Waugh","title":"Sword","price":12.99},
 {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553","price":8.99},
 {"category":"fiction","author":"J. R. R. Tolkien","title":"The Lord","isbn":"0-395","price":22.99}],
 "bicycle":{"color":"red","price":19.95}},"expensive":10,"a b":{"c.d":1},"n":null,"e":[],"s":"text"}`

func TestPaths(t *testing.T) {
	root, err := vtl.FromJSON(store)
	if err != nil {
		t.Fatal(err)
	}
	// What Jayway's JsonPath 2.9.0 gives; a dash is PathNotFoundException.
	for _, c := range []struct{ path, want string }{
		{"$.expensive", `10`},
		{"expensive", `10`},
		{"$['expensive']", `10`},
		{"$['a b']['c.d']", `1`},
		{"$.store.book[0].author", `"Nigel Rees"`},
		{"$.store.book[-1].price", `22.99`},
		{"$.store.book[*].price", `[8.95,12.99,8.99,22.99]`},
		{"$..author", `["Nigel Rees","Evelyn Waugh","Herman Melville","J. R. R. Tolkien"]`},
		{"$.store..price", `[8.95,12.99,8.99,22.99,19.95]`},
		{"$..book[2].title", `["Moby Dick"]`},
		{"$..book[0,1].price", `[8.95,12.99]`},
		{"$..book[:2].price", `[8.95,12.99]`},
		{"$.store.book[1:3].price", `[12.99,8.99]`},
		{"$.store.book[-2:].price", `[8.99,22.99]`},
		{"$.store.book[?(@.isbn)].price", `[8.99,22.99]`},
		{"$.store.book[?(@.price < 10)].title", `["Sayings","Moby Dick"]`},
		{"$.store.book[?(@.price < $.expensive)].title", `["Sayings","Moby Dick"]`},
		{"$.store.book[?(@.price > 10 && @.category == 'fiction')].title", `["Sword","The Lord"]`},
		{"$.store.book[?(@.price < 9 || @.price > 20)].price", `[8.95,8.99,22.99]`},
		{"$.store.book[?(!@.isbn)].price", `[8.95,12.99]`},
		{"$.store.book[?(@.author in ['Nigel Rees','x'])].price", `[8.95]`},
		{"$.store.bicycle['color','price']", `{"color":"red","price":19.95}`},
		{"$.store.book.length()", `4`},
		{"$.store.bicycle.length()", `2`},
		{"$.store.book[0]['title','price']", `{"title":"Sayings","price":8.95}`},
		{"$.store.*.color", `["red"]`},
		{"$.s.length()", `null`},
		{"$.n", `null`},
		{"$.e", `[]`},
		{"$.e[*].x", `[]`},
		{"$.missing", `-`},
		{"$.missing.more", `-`},
		{"$.s.more", `-`},
		{"$.store.book[9]", `-`},
		{"$..missing", `[]`},
	} {
		p, err := Parse(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		v, err := p.Get(root)
		if errors.Is(err, ErrNotFound) {
			if c.want != "-" {
				t.Errorf("%s is not found, want %s", c.path, c.want)
			}
			continue
		}
		got, err := vtl.JSON(v, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s = %s, want %s", c.path, got, c.want)
		}
	}
}

const mixed = `{"a":[{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"},7,null],"c":{},"d":"text","e":null,"n":10,"g":[1,2,"3"]}`

// Of what is not there, is not what a step is for, and is of another type.
func TestOddPaths(t *testing.T) {
	root, err := vtl.FromJSON(mixed)
	if err != nil {
		t.Fatal(err)
	}
	// What Jayway's JsonPath 2.9.0 gives; a dash is PathNotFoundException, ! another one.
	for _, c := range []struct{ path, want string }{
		{"$.a[?(@.zz != $.zz)]", `[{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"},7,null]`},
		{"$.c.zz[*]", `-`},
		{"$.c..zz", `[]`},
		{"$.d.zz[*]", `-`},
		{"$.e.zz[0]", `-`},
		{"$.d[0]", `-`},
		{"$.n[?(@.x)]", `!`},
		{"$.e[*]", `[]`},
		{"$.a.x", `-`},
		{"$.c[0]", `-`},
		{"$.a[9].c", `-`},
		{"$.a[*].zz.c", `[]`},
		{"$.c.zz[?(@.x)]", `-`},
		{"$.a[?(@.c == 3)].d", `["z"]`},
		{"$.a[?(@.c == '2.5')].d", `["y"]`},
		{"$.a[?(@.c == '3.0')].d", `[]`},
		{"$.a[?(3.0 == @.c)].d", `["z"]`},
		{"$.a[?(@.c != 3)].d", `["x","y"]`},
		{"$..[?(@.c)]", `[{"a":[{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"},7,null],"c":{},"d":"text","e":null,"n":10,"g":[1,2,"3"]},{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"}]`},
		{"$..[?(@.d == 'x')].c", `[1]`},
		{"$..[0]", `[{"c":1,"d":"x"},1]`},
		{"$..[-1]", `[null,"3"]`},
		{"$..['c','d']", `[{"c":{},"d":"text"},{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"}]`},
		{"$.a[*]['c','d']", `[{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"}]`},
		{"$.a['c','d']", `-`},
		{"$.a[*].length()", `[2,2,2,null,null]`},
		{"$.a.length()", `5`},
		{"$.a.sum()", `7.0`},
		{"$.g.sum()", `3.0`},
		{"$.g.avg()", `1.5`},
		{"$.g[*].sum()", `!`},
		{"$.d.length()", `null`},
		{"$.d.keys()", `null`},
		{"$.c.keys()", `[]`},
		{"$.zz.length()", `-`},
		{"$.a[0:-1].d", `[]`},
		{"$.a[-2:-1].d", `[]`},
		{"$.a[-9:1].d", `["x","y","z","x"]`},
		{"$.a[:-1].d", `["x","y","z"]`},
		{"$.a[-9:].d", `["x","y","z"]`},
		{"$.a[1:9].d", `["y","z"]`},
		{"$.a[:]", `!`},
		{"$.a[0]['c','zz']", `{"c":1}`},
		{"$.a[0]['c','d'].x", `[]`},
		{"$[?(@.zz)]", `[]`},
		{"$.*[?(@.c)]", `[{"c":1,"d":"x"},{"c":2.5,"d":"y"},{"c":"3","d":"z"}]`},
		{"$.g.min()", `1.0`},
		{"$.zz.sum()", `-`},
		{"$..g.sum()", `!`},
	} {
		got := "!"
		if p, err := Parse(c.path); err == nil {
			switch v, err := p.Get(root); {
			case errors.Is(err, ErrNotFound):
				got = "-"
			case err == nil:
				if got, err = vtl.JSON(v, 1<<20); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got != c.want {
			t.Errorf("%s = %s, want %s", c.path, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, path := range []string{"$.", "$[", "$.a[", "$.a[x]", "$['a", "$.a[?(@.b ==)]", "$.a[?(@.b", "$.a.nothing()", "$.a[?(1)]", "$.a b[", "$[99999999999999999999]"} {
		if _, err := Parse(path); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, p := range []string{"$.a[?(@.b > 1 && $.c in [1,'x'])]..d[*]", "$['a','b'][1:-1].length()"} {
		f.Add(p)
	}
	root, err := vtl.FromJSON(store)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := Parse(text); err == nil {
			_, _ = p.Get(root)
		}
	})
}
