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
